# SPDX-License-Identifier: GPL-2.0-only
"""Find the modules in directories of the user, and prepare them for kbuild.

Nothing is written into these directories: the files are linked into a work directory, whose
Kbuild files exclude the modules that do not compile.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from host.console import UserError

# Build products. They are not linked, because kbuild would write through the links.
_OUTPUT = re.compile(r'.*\.(o|ko|a|mod|order|symvers|cmd|d|su|dwo)$|.*\.mod\.c$|\..*\.cmd$|\.tmp_.*')

_OBJECTS = re.compile(r'^\s*obj-(?:m|\$\()', re.MULTILINE)
_ENTRY = re.compile(r'\b(?:module_init|module_exit|init_module|cleanup_module|MODULE_LICENSE|module_driver'
                    r'|module_\w+_driver|module_misc_device|kunit_test_suites?)\s*\(')
_PROGRAM = re.compile(r'^\s*(?:int|void)?\s*main\s*\(', re.MULTILINE)

# The names of a Kbuild file, in the order in which kbuild searches for them.
_KBUILD = ('Kbuild', 'Makefile')

# The module that helps the checkers of the kernel, see helper.c; all others call it.
HELPER = 'trial_helper'

# The largest number of files in a directory with modules.
_MAX_FILES = 2000


@dataclass
class Directory:
    """A directory with modules.

    name: its name in the work directory, unique. work: the directory with the links.
    has_kbuild: whether it has a Kbuild file. modules: the sources of the modules if it has
    none. programs: C files with main(). excluded: the objects of modules that do not compile.
    is_instrumented: whether the modules call the helper.
    """
    path: Path
    name: str
    work: Path
    has_kbuild: bool
    modules: dict[str, list[str]] = field(default_factory=dict)
    programs: list[str] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)
    is_instrumented: bool = True

    def write_kbuild(self) -> None:
        """Write the Kbuild file without the excluded modules."""
        flags = ['-fsanitize-coverage=trace-pc'] if self.is_instrumented else []
        flags += [f'-iquote {self.path}'] if ' ' not in str(self.path) else []
        lines = [f'ccflags-y += {" ".join(flags)}']
        if self.has_kbuild:
            lines.append('include $(src)/Kbuild.original')
            lines.append(f'obj-m := $(filter-out {" ".join(sorted(self.excluded))},$(obj-m))')
        else:
            for module, sources in self.modules.items():
                if f'{module}.o' in self.excluded:
                    continue
                lines.append(f'obj-m += {module}.o')
                if sources != [f'{module}.c']:
                    lines.append(f'{module}-y := ' + ' '.join(source.replace('.c', '.o') for source in sources))
        (self.work / 'Kbuild').write_text('\n'.join(lines) + '\n', encoding='utf-8')


def _files(directory: Path) -> Iterator[str]:
    """Yield the files below a directory, except build products."""
    count = 0
    for top, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith('.'))
        for name in sorted(names):
            if _OUTPUT.match(name):
                continue
            count += 1
            if count > _MAX_FILES:
                raise UserError(f'MODULE={directory} has more than {_MAX_FILES} files: '
                                'name the directory of a single module')
            yield os.path.relpath(os.path.join(top, name), directory)


def _text(path: Path) -> str:
    return path.read_text(encoding='utf-8', errors='replace')


def _kbuild_file(directory: Path) -> str:
    """Return the name of the Kbuild file with obj-m, '' if there is none."""
    return next((name for name in _KBUILD
                 if (directory / name).is_file() and _OBJECTS.search(_text(directory / name))), '')


def _modules(directory: Path, sources: list[str]) -> dict[str, list[str]]:
    """Map the modules of a directory without a Makefile to their sources.

    Each file with an entry point is a module. If there is only one, the other files are
    parts of it.
    """
    mains = [name for name in sources if _ENTRY.search(_text(directory / name))]
    parts = [name for name in sources if name not in mains]
    if not mains:
        return {}
    if len(mains) == 1 and parts:
        name = re.sub(r'\W', '_', directory.name) or 'module'
        stems = {Path(source).stem for source in sources}
        return {f'{name}_module' if name in stems else name: [*mains, *parts]}
    return {Path(name).stem: [name] for name in mains}


def _unique(path: Path, names: set[str]) -> str:
    name = base = re.sub(r'[^A-Za-z0-9_]', '_', path.name) or 'module'
    number = 2
    while name in names:
        name = f'{base}_{number}'
        number += 1
    return name


def prepare(directories: list[Path], work: Path, is_instrumented: bool = True) -> list[Directory]:
    """Link the files of directories into a work directory; raise UserError for a directory without a module.

    is_instrumented: whether the modules call the helper, which is then built with them.
    """
    found: list[Directory] = []
    for path in directories:
        if not path.is_dir():
            raise UserError(f'MODULE={path}: no such directory')
        files = list(_files(path))
        top = [name for name in files if '/' not in name and name.endswith('.c')]
        kbuild = _kbuild_file(path)
        programs = [name for name in top if _PROGRAM.search(_text(path / name))]
        name = _unique(path, {HELPER, *(directory.name for directory in found)})
        directory = Directory(path, name, work / name, bool(kbuild), programs=programs,
                              is_instrumented=is_instrumented)
        if not kbuild:
            directory.modules = _modules(path, [name for name in top if name not in programs])
            if not directory.modules:
                raise UserError(f'MODULE={path} contains no module: no Makefile with obj-m, and no C file with '
                                'module_init() or MODULE_LICENSE()')
        for name in files:
            link = directory.work / ('Kbuild.original' if name == kbuild else name)
            if name in _KBUILD and name != kbuild:
                continue
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((path / name).resolve())
        directory.work.mkdir(parents=True, exist_ok=True)
        directory.write_kbuild()
        found.append(directory)
    names = [*([HELPER] if is_instrumented else []), *(directory.name for directory in found)]
    if is_instrumented:
        (work / HELPER).mkdir(exist_ok=True)
        shutil.copy(Path(__file__).parent / 'helper.c', work / HELPER / f'{HELPER}.c')
        (work / HELPER / 'Kbuild').write_text(f'obj-m += {HELPER}.o\n', encoding='utf-8')
    (work / 'Kbuild').write_text(''.join(f'obj-m += {name}/\n' for name in names), encoding='utf-8')
    return found
