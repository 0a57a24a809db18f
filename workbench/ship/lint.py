# SPDX-License-Identifier: GPL-2.0-only
"""Run the checks that maintainers run, on the patch series and on the tree.

Each check runs one tool and returns its problems. A missing tool is a problem. There are
no exceptions for known problems.
"""

import io
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from kernel import archive, build, source
from machine import guest
from machine.um import UM
from ship import docs, series
from subject import graft
from verdict import evidence, kunit as verdict

# The number of lines of a failed check that are printed; the log contains all.
SHOWN = 20

# The last release without an interface that the series requires.
LAST_UNSUPPORTED = (6, 18)

# The largest permitted stack frame of a module, in bytes.
FRAME = 256

# sparse 0.6.4, of Debian 12, lacks these builtins; the definitions are equivalent.
SPARSE = 'sparse -D__typeof_unqual__=__typeof__ "-D__builtin_strlen(s)=(sizeof(s)-1)"'


class Check(NamedTuple):
    """A check, which is a row of the table.

    programs: the programs that it requires. run: takes a Lint, and returns the scope of the
    check and its problems. quick: whether it belongs to QUICK=1.
    """
    name: str
    programs: tuple
    run: Callable[['Lint'], tuple[str, list[str]]]
    quick: bool


CHECKS = []


def _check(name, *programs, quick=True):
    """Return a decorator that adds a function to the checks; programs: those that it requires."""
    def register(function):
        CHECKS.append(Check(name, programs, function, quick))
        return function
    return register


class Lint:
    """The objects of the checks: a grafted tree, and the series that is created from it."""

    def __init__(self, tree, subject, scratch):
        self.tree = tree
        self.subject = subject
        self.overlay = subject.main
        self.scratch = scratch
        self.directory = build_root() / 'lint'
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        self.series = series.Series(tree, self.overlay)
        self.files = list(self.series.sources)
        self.created = []
        self.log = self.directory / 'lint.log'

    @property
    def patches(self):
        """Return the patches; raise UserError if the first check could not create them."""
        if not self.created:
            raise UserError('there are no patches, because the check "series" failed')
        return self.created

    def run(self, *command, cwd=None, **variables):
        """Run a tool; return its exit status and the lines of its output."""
        result = subprocess.run([str(word) for word in command], cwd=cwd or self.tree,
                                env=environment(**variables), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        output = result.stdout.decode(errors='replace')
        with open(self.log, 'a', encoding='utf-8') as log:
            log.write('$ ' + ' '.join(map(str, command)) + '\n' + output)
        return result.returncode, output.splitlines()

    def each(self, items, *command):
        """Run a tool on each item; return a list with the output lines for each."""
        with ThreadPoolExecutor(build.JOBS) as pool:
            return list(pool.map(lambda item: self.run(*command, item)[1], items))

    def problems(self, *command, **options):
        """Run a tool that prints only problems; return its output lines, or a line about its exit status."""
        status, lines = self.run(*command, **options)
        return lines or ([f'{command[0]} ended with {status}'] if status else [])

    def repository(self, name, extra):
        """Return a git repository with the series, applied to files of the pristine tree.

        extra: patterns of further files of the tree, in addition to those that the series
        changes.
        """
        repository = series.Repository(self.scratch / name)
        in_series = {*self.series.sources, *self.series.pristine}
        files = {str(path.relative_to(self.tree)): path.read_bytes()
                 for pattern in extra for path in self.tree.glob(pattern) if path.is_file()}
        files = {path: data for path, data in files.items() if path not in in_series}
        repository.commit({**files, **self.series.pristine}, 'pristine')
        repository.git('tag', 'pristine')
        repository.apply(self.patches)
        repository.git('tag', 'series')
        return repository

    def files_with(self, *suffixes):
        """Return the files of the overlay whose names end with one of some suffixes."""
        return [path for path in self.files if path.endswith(suffixes)]


@_check('series', 'git')
def _series(lint):
    directory = lint.scratch / 'patches'
    directory.mkdir()
    lint.created = series.write_patches(lint.series, directory)
    return f'{len(lint.patches)} patches, compared to graft', []


@_check('checkpatch', 'perl', 'git')
def _checkpatch(lint):
    command = ('scripts/checkpatch.pl', '--strict', '--quiet', '--show-types')
    return f'{len(lint.patches)} patches', sum(lint.each(lint.patches, *command), [])


@_check('get_maintainer', 'perl')
def _get_maintainer(lint):
    problems = []
    recipients = lint.each(lint.patches, 'scripts/get_maintainer.pl', '--no-git', '--no-git-fallback')
    title = lint.overlay.maintainers.partition('\n')[0]
    for patch, lines in zip(lint.patches, recipients):
        for role in (rf'\((maintainer|supporter):{re.escape(title)}', r'\(open list'):
            if not any(re.search(role, line) for line in lines):
                problems.append(f'no recipient of {patch.name} matches "{role}"')
    return f'{len(lint.patches)} patches', problems


@_check('kernel-doc', 'python3')
def _kernel_doc(lint):
    files = [path for path in lint.files_with('.c', '.h') if not path.startswith('tools/')]
    return f'{len(files)} files', lint.problems(
        sys.executable, '-B', 'scripts/kernel-doc', '-none', '-Wall', *files)


@_check('htmldocs', 'sphinx-build', 'dot')
def _htmldocs(lint):
    page, lint.log = docs.build(lint.tree, lint.overlay)
    return f'{len(list(page.parent.glob("*.html")))} pages', docs.warnings(lint.tree, lint.log, lint.overlay)


# The comment in a file that is generated from a netlink specification.
_GENERATED = re.compile(r'^/\*\s+(Documentation/netlink/specs/\S+) \*/\n/\* YNL-GEN (\S+) (\S+) \*/', re.MULTILINE)


@_check('ynl', 'python3')
def _ynl(lint):
    problems = []
    generated = {path: match for path in lint.files_with('.c', '.h')
                 if (match := _GENERATED.search(lint.series.sources[path].read_text(encoding='utf-8')))}
    for path, (specification, mode, kind) in ((path, match.groups()) for path, match in generated.items()):
        output = lint.scratch / Path(path).name
        problems += lint.problems(sys.executable, '-B', 'tools/net/ynl/pyynl/ynl_gen_c.py', '--mode', mode,
                                  f'--{kind}', '-o', output, '--spec', specification)
        if output.exists() and output.read_bytes() != lint.series.sources[path].read_bytes():
            problems.append(f'{path} differs from the file generated from {specification}')
    return f'{len(generated)} generated files', problems


@_check('spdxcheck', 'python3')
def _spdxcheck(lint):
    repository = lint.repository('spdx', ['LICENSES/*/*'])
    files = [path for path in lint.files if path in repository.files()]
    return f'{len(files)} files', lint.problems(
        sys.executable, lint.tree / 'scripts/spdxcheck.py', *files, cwd=repository.directory)


@_check('checkkconfigsymbols', 'python3', 'git')
def _checkkconfigsymbols(lint):
    # The repository contains all Kconfig files and the sources of the series only, so
    # that each undefined symbol belongs to the series. The tool resets the work tree to
    # both commits, and refuses HEAD.
    repository = lint.repository('kconfig', ['**/Kconfig*'])
    return f'{len(lint.patches)} patches', lint.problems(
        sys.executable, lint.tree / 'scripts/checkkconfigsymbols.py', '--diff', 'pristine..series',
        cwd=repository.directory)


@_check('codespell', 'codespell')
def _codespell(lint):
    files = lint.overlay.names
    return f'{len(files)} files', lint.problems('codespell', *files, cwd=lint.overlay.root)


def _is_shell(path):
    with open(path, 'rb') as file:
        return re.match(rb'#!/bin/(ba)?sh\b|.*\n?# shellcheck shell=', file.readline() + file.readline())


@_check('shellcheck', 'shellcheck')
def _shellcheck(lint):
    root = lint.overlay.root
    own = [path for path in lint.overlay.names if path not in lint.overlay.files and _is_shell(root / path)]
    scripts = [path for path in lint.files if _is_shell(lint.series.sources[path])]
    return f'{len(own) + len(scripts)} scripts', [
        *(lint.problems('shellcheck', '-x', '-f', 'gcc', *own, cwd=root) if own else ()),
        *(lint.problems('shellcheck', '-x', '-P', 'SCRIPTDIR', '-f', 'gcc', *scripts) if scripts else ())]


@_check('flake8', 'flake8')
def _flake8(lint):
    files = [path for path in lint.overlay.names if path.endswith('.py')]
    # Without a file, flake8 checks the whole directory.
    problems = lint.problems('flake8', '--isolated', '--max-line-length=120', '--max-complexity=14', *files,
                             cwd=lint.overlay.root) if files else []
    return f'{len(files)} files', problems


def _version(text):
    return tuple(map(int, text.split('.')))


@_check('previous release', 'git', 'ccache', quick=False)
def _previous_release(lint):
    """Apply the series to the oldest packaged source that has its interfaces; build, load and test it there."""
    own = '.'.join(source.release(lint.tree).split('.')[:2])
    others = [version for version in archive.kernel_sources()
              if version != own and _version(version) > LAST_UNSUPPORTED]
    if not others:
        return 'other kernels', [f'the archive has no other source package later than '
                                 f'{".".join(map(str, LAST_UNSUPPORTED))}']
    oldest = min(others, key=_version)
    pristine = source.packaged_files(oldest, lint.series.pristine)
    repository = series.Repository(lint.scratch / 'other')
    repository.commit(pristine, 'pristine')
    # A list, such as that of the kselftests, may have other neighbours there.
    repository.apply(lint.patches, '-C1')
    kernel = build.Kernel(source.tree_for(oldest, '', lint.subject), UM, lint.subject)
    build.build(kernel)
    return f'{len(lint.patches)} patches on Linux {kernel.release()}', _defects(kernel)


@_check('coccicheck', 'spatch', quick=False)
def _coccicheck(lint):
    problems = []
    for directory in lint.overlay.directories:
        status, lines = lint.run('make', '-s', '-C', lint.tree, 'ARCH=um', 'MODE=report',
                                 f'J={build.JOBS}', f'M={lint.tree / directory}', 'coccicheck')
        # Reports have paths relative to the directory; absolute paths are those of rules.
        problems += [line for line in lines if re.match(r'\./\S+:\d+', line)]
        if status:
            problems.append(f'coccicheck ended with {status} on {directory}')
    return ', '.join(lint.overlay.directories), problems


# The arguments of gcc that determine what a source file contains.
_OF_SOURCE = re.compile(r'-(?:[IDU]\S|std=|m64$|nostdinc$|fshort-wchar$|funsigned-char$|fms-extensions$)')


def analyzer_command(text: str) -> list[str]:
    """Return the command of clang's analyzer for the file .NAME.o.cmd of kbuild, [] if that compiles no C."""
    match = re.match(r'savedcmd_\S+ := (.* -c .*\.c) *(?:;.*)?$', text, re.M)
    if not match:
        return []
    words = shlex.split(match[1])
    kept = [argument for word, after in zip(words, words[1:])
            for argument in ((word, after) if word == '-include' else (word,) if _OF_SOURCE.match(word) else ())]
    # Warnings of the compiler are those of gcc, which this kernel is configured for.
    return ['clang', '--analyze', '--analyzer-output', 'text', '-w', *kept, words[-1]]


@_check('clang analyzer', 'clang', quick=False)
def _clang_analyzer(lint):
    kernel = build.Kernel(lint.tree, UM, lint.subject)
    build.build(kernel)
    commands = [analyzer_command(path.read_text(encoding='utf-8')) for directory in lint.overlay.directories
                for path in sorted((kernel.out / directory).rglob('.*.o.cmd')) if not path.name.endswith('.mod.o.cmd')]
    commands = [command for command in commands if command]
    with ThreadPoolExecutor(build.JOBS) as pool:
        results = list(pool.map(lambda command: lint.run(*command, cwd=kernel.out), commands))
    problems = []
    for command, (status, lines) in zip(commands, results):
        found = [line for line in lines if re.search(r'(?:warning|error): ', line)]
        problems += found or ([f'clang ended with {status} on {command[-1]}'] if status else [])
    return f'{len(commands)} files', problems or ([] if commands else ['no file was compiled'])


class Step(build.Kernel):
    """The um kernel with the first patches of the series; all steps share a build directory."""

    def __init__(self, tree, subject):
        super().__init__(tree, UM, subject, name='um-lint')
        self.absent: set[str] = set()

    def configuration(self):
        """Return the settings without those of symbols that later patches define, and the optional lines."""
        text, optional = super().configuration()
        return '\n'.join(line for line in text.splitlines()
                         if line.partition('=')[0] not in self.absent) + '\n', optional

    def enter(self, lint, n):
        """Set the tree to the state after patch n, and restrict the settings to its symbols."""
        states = lint.scratch / 'state'
        content = lint.series.content(n)
        series.write_tree(states, {path: content[path] for path in lint.series.sources},
                          lint.series.mode)
        rules = [rule._replace(lines=lint.series.states[path][n])
                 for path, rule in lint.series.rules.items() if lint.series.states[path][n]]
        graft.graft(self.tree, lint.overlay, {path: states / path for path in lint.series.sources
                                              if content[path]}, rules)
        defined = {symbol.decode() for path, data in content.items() if data and path.endswith('/Kconfig')
                   for symbol in re.findall(rb'^config (\w+)', data, re.M)}
        self.absent = {f'CONFIG_{symbol}' for symbol in lint.overlay.own_symbols if symbol not in defined}


def _warnings(lint, kernel):
    """Return the warnings of gcc and sparse about the directories of the overlay."""
    goals = [f'{path}/' for path in lint.overlay.directories if (kernel.tree / path / 'Makefile').exists()]
    status, lines = lint.run(*kernel.make('W=1', 'C=2', f'CHECK={SPARSE}', *goals),
                             **{key: value for key, value in build.compiler_environment().items()
                                if key.startswith('CCACHE') or key == 'PATH'})
    found = [line for line in lines if re.search(r'(warning|error):|is not available', line)]
    return found or ([f'make ended with {status}'] if status else [])


def _frames(lint, kernel):
    """Return a line for each function of the overlay with a stack frame above FRAME."""
    objects = [path for directory in lint.overlay.directories for path in (kernel.out / directory).glob('*.o')
               if not path.name.endswith('.mod.o')]
    owned = graft.owned(kernel.tree)
    problems = []
    for path in sorted(objects):
        _, lines = lint.run('sh', '-c', 'objdump -d "$1" | scripts/checkstack.pl x86_64 "$2"', 'sh',
                            path, FRAME)
        # Functions of other headers that are not inlined are ignored.
        _, symbols = lint.run('nm', '-l', '--defined-only', path)
        places = dict(re.findall(r'^\S+ \w (\S+)\t(\S+):\d+$', '\n'.join(symbols), re.M))
        for line in lines:
            place = places.get(line.split()[1], '')
            if not place or any(f'/{place}'.endswith(f'/{name}') for name in owned):
                problems.append(line)
    return problems


def _defects(kernel):
    """Load the modules of a kernel and run its KUnit suites; return a line for each problem."""
    found = []
    modules = build.driver_modules(kernel)
    if guest.run(kernel, 'true', kernel.log('boot'), modules=modules, out=io.BytesIO()):
        found.append(f'the modules {" ".join(modules)} do not load; log: {kernel.log("boot")}')
    if build.kunit_modules(kernel):
        tally = verdict.kunit_modules(kernel, show=False)
        if tally.failed or not tally.passed:
            found.append(f'KUnit: {tally}')
    return found


@_check('build, boot, KUnit', 'sparse', 'ccache', quick=False)
def _bisect(lint):
    """Build each patch in turn without warnings, load its modules, and run its KUnit suites."""
    problems = []
    kernel = Step(lint.tree, lint.subject)
    try:
        # The first build has all patches, because most of its objects are in the cache.
        kernel.enter(lint, len(lint.series.patches) - 1)
        build.build(kernel)
        graft.ungraft(lint.tree, lint.overlay.name)
        for n, patch in enumerate(lint.series.patches):
            kernel.enter(lint, n)
            build.build(kernel, always=True)
            problems += [f'{patch.name}: {line}' for line in (*_warnings(lint, kernel), *_defects(kernel))]
    finally:
        graft.graft(lint.tree, lint.overlay)
    return f'each of {len(lint.series.patches)} patches', problems


def _configurations(overlay):
    """Return the configurations of an overlay to build: dictionaries of symbols and values.

    The file "configurations" in the folder has one in each line. By default: all symbols
    built in, all symbols as modules, and each symbol alone as a module.
    """
    if overlay.description.folder and (overlay.folder / 'configurations').exists():
        lines = (overlay.folder / 'configurations').read_text(encoding='utf-8').splitlines()
        return [dict(setting.split('=') for setting in line.split()) for line in lines
                if line and not line.startswith('#')]
    symbols = [symbol for symbol, kind in overlay.own_symbols.items() if kind == 'tristate']
    return [dict.fromkeys(symbols, 'y'), dict.fromkeys(symbols, 'm'),
            *({**dict.fromkeys(symbols, 'n'), symbol: 'm'} for symbol in symbols)]


@_check('y and m', 'ccache', quick=False)
def _y_and_m(lint):
    problems = []
    # The build directory of the steps is used again, because most of its objects are valid.
    kernel = build.Kernel(lint.tree, UM, lint.subject, name='um-lint')
    configurations = _configurations(lint.overlay)
    for symbols in configurations:
        kernel.extra = ''.join(f'# CONFIG_{symbol} is not set\n' if value == 'n' else
                               f'CONFIG_{symbol}={value}\n' for symbol, value in symbols.items())
        try:
            build.build(kernel)
        except UserError as error:
            problems.append(' '.join(f'{symbol}={value}' for symbol, value in symbols.items()))
            problems += str(error).splitlines()
    return f'{len(configurations)} configurations', problems


@_check('checkstack', 'nm', 'objdump', 'perl', quick=False)
def _checkstack(lint):
    kernel = build.Kernel(lint.tree, UM, lint.subject)
    build.build(kernel)
    return f'modules and tests, {FRAME} bytes', _frames(lint, kernel)


def _row(*columns):
    print('{:21}{:32}{:>6}  {}'.format(*columns), flush=True)


def lint(tree, subject, quick):
    """Run the checks and print a table of the results; return the number of failed checks."""
    failures = []
    before = {} if quick else evidence.digests(tree, subject)
    with tempfile.TemporaryDirectory(prefix='workbench-lint-') as scratch:
        run = Lint(tree, subject, Path(scratch))
        _row('tool', 'on', 'time', 'result')
        for check in CHECKS:
            if quick and not check.quick:
                continue
            run.log = run.directory / f'{re.sub("[^a-zA-Z0-9]+", "-", check.name)}.log'
            start = time.monotonic()
            missing = [program for program in check.programs if not shutil.which(program)]
            if missing:
                scope, problems = '', [f'{program} is not installed' for program in missing]
            else:
                try:
                    scope, problems = check.run(run)
                except UserError as error:
                    scope, problems = '', str(error).splitlines()
            _row(check.name, scope, f'{time.monotonic() - start:.0f} s',
                 f'failed: {len(problems)}' if problems else 'passed')
            if problems:
                failures.append((check, problems, run.log))
    if not failures and not quick:
        evidence.record_lint(before, tree, subject)
    for check, problems, log in failures:
        say(f'\n{check.name}, log: {log}')
        say('\n'.join('  ' + line for line in problems[:SHOWN]))
    return len(failures)
