# SPDX-License-Identifier: GPL-2.0-only
"""Compile the modules of a trial, and explain errors and warnings."""

import re
import subprocess
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


# How far from an error in a header gcc prints the file that includes it.
_NEAR = 20


def _compiled(lines: list[str], number: int, names: _Names) -> tuple[Directory, str] | None:
    """Return the source whose compilation found an error in a header."""
    for line in [*reversed(lines[max(0, number - _NEAR):number]), *lines[number + 1:number + _NEAR]]:
        source = re.search(r'(\S+\.c):\d+', line)
        place = names.source(source[1]) if source else None
        if place:
            return place
    return None


def _errors(lines: list[str], names: _Names) -> dict[tuple[str, str], list[str]]:
    """Map the names of directories and objects to the lines about their errors."""
    found: dict[tuple[str, str], list[str]] = {}
    for number, line in enumerate(lines):
        message = _MESSAGE.match(line)
        modpost = _MODPOST.match(line)
        place = None
        if message and 'error' in message[3]:
            place = names.source(message[1]) or _compiled(lines, number, names)
        elif modpost and modpost[1] == 'ERROR':
            place = names.source(modpost[2] or modpost[3] or modpost[4] or '')
        if place:
            directory, source = place
            context = [names.user(line)] + [names.user(other) for other in lines[number + 1:number + 3]
                                            if re.match(r'\s+(\d+ )?\|', other)]
            found.setdefault((directory.name, Path(source).stem), []).extend(context)
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
    explained = {message for _, message in introduced}
    for hint, _ in (*introduced, *(pair for pair in hints.find(lines) if pair[1] not in explained)):
        explanations.append(f'since Linux {hint.since}: {hint.change}' if hint.since else hint.change)
        explanations.append(f'    {hint.code}')
    return explanations


def compile_modules(kernel: build.Kernel, work: Path, directories: list[Directory], log: Path) -> Compilation:
    """Compile all modules, and exclude those that do not compile; errors and warnings are findings.

    log: the file for the output of the tools.
    """
    names = _Names(work, directories)
    compilation = Compilation()
    log.unlink(missing_ok=True)
    checks = () if isinstance(kernel, DistroKernel) else ('W=1', 'C=1', f'CHECK={_SPARSE}')
    lines = _run(kernel, _make(kernel, work, *checks), log)
    first = lines
    for _ in range(3):
        errors = _errors(lines, names)
        if not errors:
            break
        for (name, stem), messages in errors.items():
            directory = names.directories[name]
            for module in _modules_of(directory, stem):
                if module in compilation.failed:
                    continue
                compilation.failed.add(module)
                directory.excluded.add(f'{module}.o')
                details = [*messages[:6], *_explain(messages)]
                compilation.findings.append(Finding('compile', module, 'it does not compile for this kernel',
                                                    tuple(details)))
            directory.write_kbuild()
        lines = _run(kernel, _make(kernel, work), log)
    compilation.findings += _warnings(first, names, compilation.failed)
    for path in sorted(work.glob('**/*.ko')):
        compilation.modules[path.stem.replace('-', '_')] = path
    if not set(compilation.modules) - {HELPER} and not compilation.failed:
        shown = [names.user(line) for line in lines if re.search(r'[Ee]rror|\*\*\*', line)][:6]
        compilation.findings.append(Finding('compile', directories[0].name, 'kbuild built no module',
                                            tuple([*shown, *_explain(lines)])))
    say(f'compiled {len(compilation.modules) - (HELPER in compilation.modules)} modules'
        + (f', {len(compilation.failed)} do not compile' if compilation.failed else ''))
    return compilation


def _warnings(lines: list[str], names: _Names, failed: set[str]) -> list[Finding]:
    """Return a finding with the relevant warnings for each module that compiles."""
    found: dict[str, list[str]] = {}
    for line in lines:
        message = _MESSAGE.match(line)
        if not message or message[3] != 'warning' or _UNIMPORTANT.search(line):
            continue
        place = names.source(message[1])
        if place:
            directory, source = place
            for module in _modules_of(directory, Path(source).stem):
                shown = found.setdefault(module, [])
                if names.user(line) not in shown:
                    shown.append(names.user(line))
    return [Finding('warning', module, 'gcc or sparse prints warnings', (*shown[:8], *_explain(shown)))
            for module, shown in found.items() if module not in failed]
