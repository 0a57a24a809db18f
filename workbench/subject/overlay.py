# SPDX-License-Identifier: GPL-2.0-only
"""Load an overlay: a directory with the layout of a kernel tree and a description, overlay.toml.

Properties that follow from the conventions of the kernel are inferred from the files;
the description contains the rest. An overlay without files describes a driver that the
kernel tree already contains.
"""

import functools
import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from host import worktree
from host.console import UserError

DESCRIPTION = 'overlay.toml'

# A file at the top of an overlay, which is copied to the directory of the KUnit tests.
KUNITCONFIG = '.kunitconfig'
MAINTAINERS = 'MAINTAINERS.patch'

# The directories at the top of a kernel tree to which an overlay may add files.
KERNEL_DIRECTORIES = ('Documentation', 'arch', 'block', 'crypto', 'drivers', 'fs', 'include', 'init', 'io_uring',
                      'ipc', 'kernel', 'lib', 'mm', 'net', 'rust', 'samples', 'scripts', 'security', 'sound',
                      'tools', 'virt')
SELFTESTS = 'tools/testing/selftests'


@dataclass(frozen=True)
class Insertion:
    """Lines to insert into a file of the kernel, and a pattern for their place.

    after: after the last line that matches. before: before the first line that
    matches. sorted: among the lines that match, in the order of their first groups.
    Exactly one of these three is set.
    """
    file: str
    lines: str
    after: str = ''
    before: str = ''
    sorted: str = ''


@dataclass(frozen=True)
class Kunit:
    """The KUnit tests.

    config: settings in place of a .kunitconfig. arguments: for the kernel command line.
    modules: whether make test runs them as modules of the booted kernel, without the
    kernel that kunit.py builds. parallel: patterns SUITE.CASE of cases that require two
    processors.
    """
    config: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    modules: bool = False
    parallel: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selftests:
    """The properties of the kselftest programs.

    targets: directories below tools/testing/selftests of a driver that the tree
    contains. on_request: programs that change the machine until its next boot, so that
    their Makefile does not list them as tests; a guest runs them. parallel: programs that
    require two processors. races: programs that run under the data race detector, all if
    empty. unsupported: for each kind of kernel ("um", "x86_64", "debug"; "arch" for other
    architectures), programs that cannot run, and the feature that the kernel lacks;
    "um-debug" and "um-coverage" replace "um" for these kernels; for "distro", programs that
    may skip all of their cases. soak: the program that make soak runs.
    """
    targets: tuple[str, ...] = ()
    on_request: tuple[str, ...] = ()
    parallel: tuple[str, ...] = ()
    races: tuple[str, ...] = ()
    unsupported: dict[str, dict[str, str]] = field(default_factory=dict)
    soak: str = ''


@dataclass(frozen=True)
class Debug:
    """A debugger session that stops in the driver.

    module: the module of the function. function: the function in which it stops.
    script: a script for gdb in the folder. trigger: a command that calls the function.
    loop: a command that calls it repeatedly. cases: patterns that must match the
    output, by the names of the cases.
    """
    module: str
    function: str
    script: str
    trigger: str
    loop: str
    cases: dict[str, str]


@dataclass(frozen=True)
class Description:
    """The content of overlay.toml.

    sources: files and directories of a driver that the tree contains. config:
    settings that the driver requires. folder: the directory of the overlay with files
    that are not for the kernel. commands: the names of further commands, which are
    Python files in the folder, and their help. packages: the targets of setup.sh that
    these commands require, if not those of tests on x86_64. results: a program in the folder that
    checks results. pitfalls: where the manual explains the findings of make try.
    """
    name: str
    sources: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    folder: str = ''
    insert: tuple[Insertion, ...] = ()
    kunit: Kunit = Kunit()
    selftests: Selftests = Selftests()
    debug: Debug | None = None
    commands: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    results: str = ''
    pitfalls: dict[str, str] = field(default_factory=dict)


_TABLES: dict[str, type] = {'kunit': Kunit, 'selftests': Selftests, 'debug': Debug}


class _Invalid(Exception):
    """An error in a description."""


def _strings(where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _Invalid(f'{where} must be a list of strings')
    return tuple(value)


def _mapping(where: str, value: Any, nested: bool = False) -> dict:
    if not isinstance(value, dict):
        raise _Invalid(f'{where} must be a table')
    for key, item in value.items():
        if nested:
            _mapping(f'{where}.{key}', item)
        elif not isinstance(item, str):
            raise _Invalid(f'{where}.{key} must be a string')
    return value


def _convert(where: str, kind: Any, value: Any) -> Any:
    if kind is str or kind == 'str':
        if not isinstance(value, str) or not value:
            raise _Invalid(f'{where} must be a string that is not empty')
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise _Invalid(f'{where} must be true or false')
        return value
    if kind == tuple[str, ...]:
        return _strings(where, value)
    if kind == tuple[Insertion, ...]:
        if not isinstance(value, list):
            raise _Invalid(f'{where} must be an array of tables: [[{where}]]')
        return tuple(_table(f'{where}[{number}]', Insertion, item) for number, item in enumerate(value))
    if kind == dict[str, str]:
        return _mapping(where, value)
    if kind == dict[str, dict[str, str]]:
        return _mapping(where, value, nested=True)
    return _table(where, _TABLES[where], value)


def _table(where: str, kind: Any, value: Any) -> Any:
    """Convert a table of TOML to the dataclass kind; where: its key, for messages."""
    if not isinstance(value, dict):
        raise _Invalid(f'{where} must be a table')
    known = {entry.name: entry for entry in fields(kind)}
    prefix = f'{where}.' if where else ''
    for key in value:
        if key not in known:
            raise _Invalid(f'unknown key {prefix}{key}; known keys: {", ".join(known)}')
    for key, entry in known.items():
        if key not in value and entry.default is MISSING and entry.default_factory is MISSING:
            raise _Invalid(f'{prefix}{key} is missing')
    return kind(**{key: _convert(f'{prefix}{key}', known[key].type, item) for key, item in value.items()})


def _check(description: Description) -> None:
    if not re.fullmatch('[a-z][a-z0-9_-]{0,31}', description.name, re.ASCII):
        raise _Invalid(f'name = "{description.name}": a name consists of 1 to 32 characters of a-z, 0-9, "_" and '
                       '"-", and starts with a letter')
    for path in (*description.sources, *description.selftests.targets, description.folder,
                 *(insertion.file for insertion in description.insert)):
        if path.startswith('/') or '..' in path.split('/'):
            raise _Invalid(f'"{path}" must be a path below the top of the tree')
    for insertion in description.insert:
        places = [place for place in (insertion.after, insertion.before, insertion.sorted) if place]
        if len(places) != 1:
            raise _Invalid(f'the lines for {insertion.file} must have one of after, before and sorted')
        if not insertion.lines.endswith('\n'):
            raise _Invalid(f'the lines for {insertion.file} must end with a line break')
    for pattern in (*(description.debug.cases.values() if description.debug else ()),
                    *(insertion.after or insertion.before or insertion.sorted for insertion in description.insert)):
        try:
            re.compile(pattern)
        except re.error as error:
            raise _Invalid(f"'{pattern}' is not a regular expression: {error}") from None
    for command in description.packages:
        if command not in description.commands:
            raise _Invalid(f'packages.{command}: commands has no {command}')
    for line in (*description.config, *description.kunit.config):
        if not re.fullmatch(r'CONFIG_[A-Z0-9_a-z]+=\S+', line):
            raise _Invalid(f'"{line}" must have the form CONFIG_NAME=value')


class Overlay:
    """A driver: its files, its description, and the properties inferred from the files."""

    def __init__(self, root: Path, description: Description):
        self.root = root
        self.name = description.name
        self.description = description

    @functools.cached_property
    def names(self) -> list[str]:
        """Return the sorted paths of all files of the directory that git does not ignore."""
        return sorted(name for name in worktree.files(self.root) if (self.root / name).is_file())

    @functools.cached_property
    def files(self) -> dict[str, Path]:
        """Map the path of each file in the kernel to its path in the overlay."""
        found = {name: self.root / name for name in self.names
                 if '/' in name and name.split('/')[0] in KERNEL_DIRECTORIES and not self._is_in_folder(name)}
        if KUNITCONFIG in self.names:
            found[f'{self._kunit_directory(found)}/{KUNITCONFIG}'] = self.root / KUNITCONFIG
        self._check_complete(found)
        return found

    def _is_in_folder(self, name: str) -> bool:
        return bool(self.description.folder) and name.startswith(f'{self.description.folder}/')

    def _kunit_directory(self, files: dict[str, Path]) -> str:
        """Return the first directory whose Kconfig has a symbol of KUnit tests, otherwise the first one."""
        directories = _directories(files)
        for directory in directories:
            if any(symbol.endswith('_KUNIT_TEST') for symbol in _symbols(files, directory)):
                return directory
        if not directories:
            raise UserError(f'{self.root}: {KUNITCONFIG} requires a directory with a Kconfig file, and there is none')
        return directories[0]

    def _check_complete(self, files: dict[str, Path]) -> None:
        """Raise UserError unless each path of the entry for MAINTAINERS exists."""
        for line in self.maintainers.splitlines():
            path = line.removeprefix('F:').strip() if line.startswith('F:') else ''
            # Patterns are not checked: they may match files of the kernel.
            if path and '*' not in path and not any(name == path or path.endswith('/') and name.startswith(path)
                                                    for name in files):
                raise UserError(f'{self.root} has no {path}, which {MAINTAINERS} names')

    @functools.cached_property
    def maintainers(self) -> str:
        """Return the entry for MAINTAINERS and an empty line, '' if there is no entry."""
        if MAINTAINERS not in self.names:
            return ''
        patch = (self.root / MAINTAINERS).read_text(encoding='utf-8')
        return '\n'.join(line[1:] for line in patch.splitlines()
                         if line.startswith('+') and not line.startswith('+++')) + '\n'

    @property
    def is_in_tree(self) -> bool:
        """Return whether the kernel tree already contains the driver: the overlay has no files."""
        return not self.files

    @property
    def directories(self) -> list[str]:
        """Return the outermost directories with a Kconfig file."""
        return _directories(self.files)

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the sources of the driver: directories, which end with "/", and files."""
        return (*(f'{directory}/' for directory in self.directories), *self.description.sources)

    def symbols(self, directory: str) -> list[str]:
        """Return the symbols that the Kconfig files below a directory define."""
        return _symbols(self.files, directory)

    @functools.cached_property
    def own_symbols(self) -> dict[str, str]:
        """Map each symbol that the overlay defines to its type, such as tristate or bool."""
        found: dict[str, str] = {}
        for path, file in self.files.items():
            if Path(path).name.startswith('Kconfig'):
                found.update(re.findall(r'^config (\w+)\n\s+(\w+)', file.read_text(encoding='utf-8'), re.M))
        return found

    @functools.cached_property
    def targets(self) -> list[str]:
        """Return the targets of kselftest: directories below tools/testing/selftests."""
        prefix = f'{SELFTESTS}/'
        makefiles = [path.removeprefix(prefix).removesuffix('/Makefile') for path in self.files
                     if path.startswith(prefix) and path.endswith('/Makefile')]
        outermost = [target for target in makefiles
                     if not any(target.startswith(f'{other}/') for other in makefiles)]
        return [*outermost, *self.description.selftests.targets]

    @property
    def folder(self) -> Path:
        """Return the directory with the files that are not for the kernel; raise UserError if there is none."""
        if not self.description.folder:
            raise UserError(f'{self.root / DESCRIPTION} names no folder, which this command requires')
        return self.root / self.description.folder

    def in_folder(self, name: str, purpose: str) -> Path:
        """Return the path of a file of the folder; raise UserError if it is missing.

        purpose: describes the file in the message.
        """
        path = self.folder / name if self.description.folder else self.root / name
        if not self.description.folder or not path.exists():
            raise UserError(f'the overlay {self.name} has no {purpose}: '
                            f'{self.description.folder or "a folder named in overlay.toml"}/{name}')
        return path

    @functools.cached_property
    def pages(self) -> list[str]:
        """Return the first pages below Documentation, without their suffix.

        These are the index of a directory, and each page in a directory of the kernel.
        """
        pages = [path.removeprefix('Documentation/').removesuffix('.rst') for path in self.files
                 if path.startswith('Documentation/') and path.endswith('.rst') and path.count('/') == 2]
        manuals = {page.partition('/')[0] for page in pages if page.endswith('/index')}
        return [page for page in pages if page.endswith('/index') or page.partition('/')[0] not in manuals]


def _directories(files: dict[str, Path]) -> list[str]:
    found = sorted(path.rpartition('/')[0] for path in files if path.endswith('/Kconfig'))
    return [directory for directory in found
            if not any(directory.startswith(f'{other}/') for other in found)]


def _symbols(files: dict[str, Path], directory: str) -> list[str]:
    return [symbol for path, file in sorted(files.items())
            if path.startswith(f'{directory}/') and Path(path).name.startswith('Kconfig')
            for symbol in re.findall(r'^config (\w+)$', file.read_text(encoding='utf-8'), re.M)]


def load(directory: str | Path) -> Overlay:
    """Return the overlay in a directory; raise UserError for an invalid description."""
    root = Path(directory).expanduser().resolve()
    path = root / DESCRIPTION
    try:
        text = path.read_text(encoding='utf-8')
    except (FileNotFoundError, NotADirectoryError):
        problem = f'has no {DESCRIPTION}' if root.is_dir() else 'is not a directory'
        raise UserError(f'OVERLAY={directory}: {root} {problem}') from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise UserError(f'{path} is not a text file') from None
    try:
        description = _table('', Description, tomllib.loads(text))
        _check(description)
    except (tomllib.TOMLDecodeError, _Invalid) as error:
        raise UserError(f'{path}: {error}') from None
    return Overlay(root, description)
