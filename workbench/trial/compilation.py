# SPDX-License-Identifier: GPL-2.0-only
"""Compile the modules of a trial, and explain errors and warnings."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from host.console import say
from kernel import build
from kernel.distro import DistroKernel, compiler_path, environment
from trial import hints
from trial.findings import Finding
from trial.sources import HELPER, Directory

# A message of gcc or sparse: the file, the line, the kind, the text.
_MESSAGE = re.compile(r'(?:\./)?(\S+\.[chS]):(\d+)(?::\d+)?: (fatal error|error|warning): (.*)')

# A message of modpost, which names the object or the module.
_MODPOST = re.compile(
    r'(ERROR|WARNING): modpost: (?:"\S+" \[(\S+?)\.(?:ko|o)\]|missing \S+ in (\S+)\.o|(\S+?)[:.]) ?(.*)')
_MISSING_LICENSE = 'missing MODULE_LICENSE'

# Warnings that are not relevant to the author of a module.
_UNIMPORTANT = re.compile(
    r'-Wmissing-(?:prototypes|declarations|variable-declarations)|-Wunused-(?:parameter|const-variable|macros)'
    r'|-Wunused-but-set-variable|-Wsign-compare|-Wkernel-doc|was not declared. Should it be static')

# sparse 0.6.4, of Debian 12, lacks these builtins.
_SPARSE = 'sparse -D__typeof_unqual__=__typeof__ "-D__builtin_strlen(s)=(sizeof(s)-1)"'


@dataclass
class Compilation:
    """The modules and the findings of a compilation; failed: the names of modules that do not compile."""
    modules: dict[str, Path] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)


def _make(kernel: build.Kernel, work: Path, *settings: str) -> list[str]:
    """Return the command of kbuild, which instruments the complete module."""
    if isinstance(kernel, DistroKernel):
        return ['make', '-k', '--no-print-directory', '-C', str(kernel.headers), f'-j{build.JOBS}',
                f'CC={compiler_path(kernel)}', f'M={work}', *settings, 'modules']
    return ['make', '-k', '--no-print-directory', '-C', str(kernel.tree), f'O={kernel.out}',
            f'ARCH={kernel.target.name}', f'-j{build.JOBS}', 'CC=ccache-gcc', f'M={work}', *settings, 'modules']


def _run(kernel: build.Kernel, command: list[str], log: Path) -> list[str]:
    variables = environment(kernel) if isinstance(kernel, DistroKernel) else build.compiler_environment()
    result = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = result.stdout.decode(errors='replace')
    with log.open('a', encoding='utf-8') as file:
        file.write(f'$ {" ".join(command)}\n{text}')
    return text.splitlines()


class _Names:
    """Translates paths in the work directory to paths of the user."""

    def __init__(self, work: Path, directories: list[Directory]):
        self.work = work
        self.directories = {directory.name: directory for directory in directories}

    def source(self, path: str) -> tuple[Directory, str] | None:
        """Return the directory and the name of a source from a path that a tool prints, None for other files."""
        relative = path.removeprefix(f'{self.work}/').removeprefix('./')
        name, slash, rest = relative.partition('/')
        if slash and name in self.directories:
            return self.directories[name], rest
        # With a single directory, kbuild may print paths relative to it.
        if len(self.directories) == 1 and not relative.startswith('/'):
            directory = next(iter(self.directories.values()))
            if (directory.work / relative).exists():
                return directory, relative
        return None

    def user(self, line: str) -> str:
        """Return a line with its paths translated."""
        for name, directory in self.directories.items():
            line = line.replace(f'{self.work}/{name}/', f'{directory.path}/')
            line = re.sub(rf'(?<![\w/.]){re.escape(name)}/(?=\S+[:.])', f'{directory.path.name}/', line)
        return line


# modpost ends with an error after such a warning, without the name of the module.
_MISMATCH = 'section mismatch in reference'


def _is_error(problem: list[str]) -> bool:
    message, modpost = _MESSAGE.match(problem[0]), _MODPOST.match(problem[0])
    return bool(message and 'error' in message[3] or modpost and (modpost[1] == 'ERROR' or _MISMATCH in problem[0]))


def _by_module(lines: list[str], names: _Names) -> dict[tuple[str, str], list[list[str]]]:
    """Map the names of directories and of modules to their problems, each with its lines.

    A problem in a header belongs to the source that includes the header.
    """
    found: dict[tuple[str, str], list[list[str]]] = {}
    for source, problem in hints.problems(lines):
        place = names.source(source)
        if place:
            directory, path = place
            for module in _modules_of(directory, Path(path).stem):
                found.setdefault((directory.name, module), []).append(problem)
    return found


def _modules_of(directory: Directory, stem: str) -> list[str]:
    """Return the names of the modules that contain a source; stem: its name, or that of a module."""
    return [module for module, sources in directory.modules.items()
            if module == stem or f'{stem}.c' in [Path(source).name for source in sources]] or [stem]


# Symbols of subsystems that the kernel of a trial lacks, because they require hardware.
_HARDWARE = re.compile(r"symbol '(?:__)?(pci|usb|acpi|spi|drm|snd|scsi|ata)_\w+' undefined"
                       r"|declaration of 'module_(pci|usb|spi|acpi)_driver'")


def _explain(lines: list[str]) -> list[str]:
    """Return explanations of errors: missing subsystems, and changed interfaces with a line of code."""
    missing = dict.fromkeys((match[1] or match[2]).upper() for line in lines if (match := _HARDWARE.search(line)))
    explanations = [f'this kernel lacks {name}: the module requires hardware' for name in missing]
    introduced = hints.find(lines, hints.INTRODUCED)
    explained = {message for hint, message in introduced if hint.since}
    changed = [pair for pair in hints.find(lines) if pair[1] not in explained]
    # A hint without a release is a general one, which applies if no other does.
    explained = {message for _, message in changed}
    introduced = [(hint, message) for hint, message in introduced if hint.since or message not in explained]
    for hint in dict.fromkeys(hint for hint, _ in (*introduced, *changed)):
        explanations.append(f'since Linux {hint.since}: {hint.change}' if hint.since else hint.change)
        explanations.append(f'    {hint.code}')
    return explanations


def _lines(problems: Iterable[list[str]]) -> list[str]:
    return [line for problem in problems for line in problem]


def compile_modules(kernel: build.Kernel, work: Path, directories: list[Directory], log: Path) -> Compilation:
    """Compile all modules, and exclude those that do not compile; errors and warnings are findings.

    log: the file for the output of the tools.
    """
    names = _Names(work, directories)
    compilation = Compilation()
    log.unlink(missing_ok=True)
    checks = () if isinstance(kernel, DistroKernel) else ('W=1', 'C=1', f'CHECK={_SPARSE}')
    first = _run(kernel, _make(kernel, work, *checks), log)
    of_first = _by_module(first, names)
    # The errors of sparse do not count; without it, only what failed is compiled again.
    has_failed = any(_is_error([line]) or '***' in line for line in first)
    lines = _run(kernel, _make(kernel, work), log) if has_failed else []
    for _ in range(3):
        found = _by_module(lines, names)
        errors = {key: [problem for problem in problems if _is_error(problem)] for key, problems in found.items()}
        if not any(errors.values()):
            break
        for (name, module), problems in errors.items():
            if not problems or module in compilation.failed:
                continue
            compilation.failed.add(module)
            names.directories[name].excluded.add(f'{module}.o')
            names.directories[name].write_kbuild()
            shown = [names.user(line) for line in _lines(problems)][:6]
            explained = _explain(_lines([*of_first.get((name, module), []), *problems]))
            compilation.findings.append(Finding('compile', module, 'it does not compile for this kernel',
                                                (*shown, *explained)))
        lines = _run(kernel, _make(kernel, work), log)
    compilation.findings += _warnings(of_first, names, compilation.failed)
    for path in sorted(work.glob('**/*.ko')):
        compilation.modules[path.stem.replace('-', '_')] = path
    if not set(compilation.modules) - {HELPER} and not compilation.failed:
        shown = [names.user(line) for line in lines if re.search(r'[Ee]rror|\*\*\*', line)][:6]
        compilation.findings.append(Finding('compile', directories[0].name, 'kbuild built no module',
                                            tuple([*shown, *_explain(lines)])))
    count = len(compilation.modules) - (HELPER in compilation.modules)
    say(f'compiled {count} module{"" if count == 1 else "s"}'
        + (f', {len(compilation.failed)} do not compile' if compilation.failed else ''))
    return compilation


def _warnings(found: dict[tuple[str, str], list[list[str]]], names: _Names, failed: set[str]) -> list[Finding]:
    """Return a finding with the relevant warnings for each module that compiles.

    Warnings in headers are relevant if a hint explains them.
    """
    findings = []
    for (_, module), problems in found.items():
        shown: list[str] = []
        for problem in problems:
            message = _MESSAGE.match(problem[0])
            if message and message[3] == 'warning' and not _UNIMPORTANT.search(problem[0]) \
               and (names.source(message[1]) or _explain(problem)):
                shown.append(names.user(problem[0]))
        if shown and module not in failed:
            findings.append(Finding('warning', module, 'gcc or sparse prints warnings',
                                    (*list(dict.fromkeys(shown))[:8], *_explain(_lines(problems)))))
    return findings
