# SPDX-License-Identifier: GPL-2.0-only
"""Run a job in a lab: write its definition for LAVA, and judge the log that LAVA returns."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from job.bundle import KUNIT, Test, programs
from machine import guest, report
from verdict import ktap
from verdict.count import count_kselftest, count_kunit, kselftest_cases, kselftest_name, kunit_name
from verdict.results import Results, from_debugfs, from_kselftest
from verdict.tally import Tally, single

# The prompt of the guest's shell.
PROMPT = 'lava-test: # '

# The line of the console on which the shell runs, by the name of the machine.
_CONSOLES = {'x86_64': 'ttyS0', 'arm64': 'ttyAMA0', 's390': 'ttysclp0'}

# The options on the kernel command line.
_OPTIONS = 'rdinit=/init loglevel=7 panic=-1 norandmaps rcupdate.rcu_expedited=1 log_buf_len=1M'

# The lines that separate the parts of the output, in order.
_PARTS = ('workbench: KUnit', 'workbench: kselftest', 'workbench: kernel log', 'workbench: end')

_LAVA_RESULTS = {'pass': 'passed', 'fail': 'failed', 'skip': 'skipped', 'unknown': 'failed'}

# Validates a definition with the schema of LAVA, and prints the first error.
_VALIDATE = '''\
import sys
try:
    import voluptuous, yaml
    from lava_common.schemas import validate
except ImportError as error:
    sys.exit(f"the schema of LAVA is not installed: {error}")
try:
    validate(yaml.safe_load(sys.stdin), strict=True)
except voluptuous.Invalid as error:
    sys.exit(f"{'.'.join(map(str, error.path))}: {error.msg}")
'''


def definition(job: Path, device: str, prefix: str) -> dict[str, Any]:
    """Return the job definition.

    job: the directory of the job. device: the type of the device; LAVA starts the QEMU of one
    whose name begins with "qemu", and the boot loader of others loads the files from the
    network. prefix: the start of the addresses of the files.
    """
    description = json.loads((job / 'job.json').read_text(encoding='utf-8'))
    arch, limit = description['target'], description['time_limit']
    line = _CONSOLES[arch]
    options = f'console={line},115200 {_OPTIONS} GUEST_SHELL={line}'
    minutes = max(1, -(-limit // 60))
    overlays: dict[str, Any] = {
        'modules': {'url': f'{prefix}/modules.tar.xz', 'compression': 'xz', 'format': 'tar', 'path': '/'},
        'kselftest': {'url': f'{prefix}/kselftest.tar.xz', 'compression': 'xz', 'format': 'tar', 'path': '/kselftest/'},
        'lava': True}
    ramdisk = {'url': f'{prefix}/initrd.gz', 'compression': 'gz', 'format': 'cpio.newc', 'overlays': overlays}
    context = {'arch': arch}
    deploy: dict[str, Any]
    boot: dict[str, Any]
    if device.startswith('qemu'):
        deploy = {'to': 'tmpfs', 'os': 'oe', 'timeout': {'minutes': 10}, 'images': {
            'kernel': {'url': f'{prefix}/kernel', 'image_arg': f'-kernel {{kernel}} -append "{options}"'},
            'rootfs': {**ramdisk, 'image_arg': '-initrd {rootfs}'}}}
        boot = {'method': 'qemu', 'media': 'tmpfs'}
    else:
        overlays.pop('lava')
        deploy = {'to': 'tftp', 'os': 'oe', 'timeout': {'minutes': 10},
                  'kernel': {'url': f'{prefix}/kernel', 'type': 'image'}, 'ramdisk': ramdisk}
        boot = {'method': 'u-boot', 'commands': 'ramdisk'}
        context = {'extra_kernel_args': options}
    steps = [f'sh /workbench/lava {description["program_limit"]}']
    test = {'from': 'inline', 'name': 'kselftest', 'path': 'inline/kselftest.yaml', 'repository': {
        'metadata': {'format': 'Lava-Test Test Definition 1.0', 'name': 'kselftest',
                     'description': f'The tests of {description["overlays"][0]["name"]}'},
        'run': {'steps': steps}}}
    return {'job_name': f'{description["overlays"][0]["name"]} kselftest', 'device_type': device,
            'visibility': 'public', 'priority': 'medium', 'context': context,
            'timeouts': {'job': {'minutes': minutes + 20}, 'action': {'minutes': 10}, 'connection': {'minutes': 5}},
            'actions': [{'deploy': deploy},
                        {'boot': {**boot, 'timeout': {'minutes': 5}, 'prompts': [PROMPT]}},
                        {'test': {'timeout': {'minutes': minutes}, 'definitions': [test]}}]}


def as_yaml(value: Any, pad: str = '') -> Iterator[str]:
    """Yield the lines of a value as YAML. A string is that of JSON, which is one of YAML."""
    items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in items:
        start = f'{pad}- ' if key is None else f'{pad}{key}:'
        inner = pad + '  '
        if isinstance(item, (dict, list)) and item:
            lines = list(as_yaml(item, inner))
            if key is None:
                yield start + lines[0][len(inner):]
                yield from lines[1:]
            else:
                yield start
                yield from lines
        else:
            yield f'{start}{"" if key is None else " "}{json.dumps(item)}'


def validate(text: str) -> None:
    """Raise UserError unless the schema of LAVA accepts a definition."""
    found = subprocess.run(['/usr/bin/python3', '-c', _VALIDATE], input=text, env=environment(),
                           capture_output=True, text=True, check=False)
    if found.returncode:
        lines = found.stderr.strip().splitlines()
        raise UserError(f'LAVA does not accept the definition: {lines[-1] if lines else found.returncode}')


def write(job: Path, device: str, prefix: str) -> Path:
    """Write the definition beside the files of the job, and validate it; return its path."""
    lines = as_yaml(definition(job, device, prefix.rstrip('/') or f'file://{job}'))
    text = '\n'.join(['# SPDX-License-Identifier: GPL-2.0-only', *lines, ''])
    validate(text)
    path = job / 'lava.yaml'
    path.write_text(text, encoding='utf-8')
    return path


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPES = {'e': '\\u001b', 'a': '\\u0007', 'v': '\\u000b', '0': '\\u0000', ' ': ' ', '_': '\\u00a0', 'N': '\\u0085',
            'L': '\\u2028', 'P': '\\u2029', "'": "'"}


def _escape(match: re.Match) -> str:
    word = match[1]
    if word[0] == 'x':
        return f'\\u00{word[1:]}'
    if word[0] == 'U':
        return json.dumps(chr(int(word[1:], 16)))[1:-1]
    return _ESCAPES.get(word, f'\\{word}')


def _entry(line: str) -> dict[str, Any]:
    """Return an entry of a log, which is a mapping of YAML in a line, with quoted strings; {} for another line."""
    parts = _STRING.split(line.strip().removeprefix('- '))
    text = ''
    for number, part in enumerate(parts):
        if number % 2:
            text += '"' + re.sub(r'\\(x[0-9A-Fa-f]{2}|U[0-9A-Fa-f]{8}|.)', _escape, part) + '"'
        else:
            text += re.sub(r'!(!\w+)? ?', '', part)
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def read_log(text: str) -> tuple[list[str], dict[str, str]]:
    """Return the lines of the console in a log of LAVA, and the results of its test cases by their names."""
    console: list[str] = []
    results: dict[str, str] = {}
    for entry in map(_entry, text.splitlines()):
        message = entry.get('msg')
        if entry.get('lvl') == 'target' and isinstance(message, str):
            console += message.replace('\r', '').split('\n')
        elif entry.get('lvl') == 'results' and isinstance(message, dict) and message.get('definition') != 'lava':
            results[str(message.get('case'))] = _LAVA_RESULTS.get(str(message.get('result')), 'failed')
    return console, results


def parts(console: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of each part of the output, without the signals; a part that did not begin is absent."""
    found: dict[str, list[str]] = {}
    part = ''
    for line in console:
        if line.strip() in _PARTS:
            part = line.strip()
            found[part] = []
        elif part and not re.match(r'<?LAVA_SIGNAL_|<LAVA_SIGNAL_', line):
            found[part].append(line)
    return found


def _case_id(*words: str) -> str:
    return re.sub(r'[^A-Za-z0-9_.-]+', '_', '.'.join(words))


def _ids_of_kselftest(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each case in LAVA, its name in a verdict, and its result."""
    for path, result, _ in kselftest_cases(text):
        program = path[0].removeprefix('selftests: ').replace(': ', '.', 1)
        yield _case_id(program, *path[-1:]) if len(path) > 1 else _case_id(program), kselftest_name(path), result


def _not_reported(expected: Iterable[tuple[str, str, str]], reported: dict[str, str]) -> Tally:
    """Return a failure for each case whose result LAVA lacks, or has otherwise."""
    tally = Tally()
    for name, title, result in expected:
        if name not in reported:
            tally += single(f'{title} did not report to LAVA', 'failed')
        elif reported[name] != result:
            tally += single(f'{title} is {reported[name]} in LAVA', 'failed')
    return tally


def _report(found: dict[str, list[str]], console: list[str]) -> list[str]:
    """Return the first lines of a report; without a complete kernel log the whole console is judged."""
    lines = found.get(_PARTS[2], []) if _PARTS[3] in found else console
    scanner = report.Scanner(guest.USER_SPACE)
    scanner.feed('\n'.join([*lines, '']).encode())
    return scanner.report()


def judge(text: str, tests: list[Test], tree: Path | None = None, results: Results | None = None) -> Tally:
    """Return the tally of a log of LAVA, and write the results.

    tests: those of the job. Raise UserError for a text that is no log of LAVA.
    """
    console, reported = read_log(text)
    if not console:
        errors = [entry['msg'] for entry in map(_entry, text.splitlines()) if entry.get('lvl') == 'error']
        raise UserError(f'LAVA did not boot the kernel: {str(errors[0]).strip()}' if errors else
                        'the file has no line of a console: it is no log of LAVA')
    found = parts(console)
    tally = Tally()
    lines = _report(found, console)
    if lines:
        say('the kernel log has a report; the run has failed:')
        for line in lines:
            say('  ' + line)
        tally += single(f'LAVA: {guest.FAILURES[guest.DIED]}', 'failed')
    elif _PARTS[3] not in found:
        tally += single('LAVA: the run did not reach its end', 'failed')
    if any(test.kind == KUNIT for test in tests):
        of_kunit = '\n'.join(found.get(_PARTS[0], []))
        counted = count_kunit(of_kunit)
        tally += counted if counted.results else single('KUnit did not run', 'failed')
        document = from_debugfs(of_kunit)
        cases = {_case_id('kunit', *case.path[:2]): case for case in ktap.cases(document)} if counted.results else {}
        tally += _not_reported(((name, kunit_name(case.path), counted.results[kunit_name(case.path)])
                                for name, case in cases.items()), reported)
        if results and tree and counted.results:
            results.add('kunit', tree, document)
    output = [line for line in found.get(_PARTS[1], []) if not line.startswith('# seconds ')]
    named = programs(tests)
    of_kselftest = '\n'.join(output)
    tally += count_kselftest(of_kselftest, named) + _not_reported(_ids_of_kselftest(of_kselftest), reported)
    if results and tree:
        (results.directory / 'kselftest-kernel-1.log').write_text('\n'.join([*found.get(_PARTS[2], console), '']),
                                                                  encoding='utf-8')
        results.add('kselftest', tree, from_kselftest(output, [str(program) for program in named]))
    return tally


def read(log: str) -> str:
    """Return the text of a log: a file, or the number of a job, which lavacli fetches."""
    if re.fullmatch('[0-9]+', log):
        try:
            found = subprocess.run(['lavacli', 'jobs', 'logs', '--raw', log], env=environment(), capture_output=True,
                                   text=True, check=False)
        except FileNotFoundError:
            raise UserError('lavacli is not installed: LOG= names a file instead') from None
        if found.returncode:
            raise UserError(f'lavacli failed: {(found.stdout + found.stderr).strip().splitlines()[-1:]}')
        return found.stdout
    try:
        return Path(log).expanduser().read_text(encoding='utf-8', errors='replace')
    except OSError as error:
        raise UserError(f'LOG={log}: {error.strerror}') from None


def job_directory() -> Path:
    """Return the directory of the job; raise UserError if there is none."""
    job = build_root() / 'job'
    if not (job / 'tests').exists():
        raise UserError(f'{job} does not exist: make lab writes it')
    return job
