# SPDX-License-Identifier: GPL-2.0-only
"""Whether a name is free for a new driver, and which ioctl magic is."""

import re
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path

from host.console import UserError
from host.environment import environment
from subject import graft
from subject.overlay import SELFTESTS, Overlay

PATTERN = '[a-z][a-z0-9_]{2,14}'

IOCTL_NUMBERS = 'Documentation/userspace-api/ioctl/ioctl-number.rst'

# Words that the C compiler of the kernel, in its GNU mode, takes for something else.
_C_WORDS = frozenset('''
    alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern
    false float for goto if inline int long nullptr register restrict return short signed sizeof static struct
    switch thread_local true typedef typeof typeof_unqual union unsigned void volatile while
    i386 linux unix'''.split())

# Names in /dev that the kernel, udev and programs of user space take for something else.
_DEVICES = frozenset('''
    block bus char console core disk dri fuse full hugepages initctl input kmsg log loop mapper mem mqueue net
    null port ptmx pts random shm snd stderr stdin stdout tty urandom vcs vfio zero'''.split())

# Where Kconfig and kbuild look for nothing.
_NOT_BUILT = ('Documentation', 'LICENSES', 'scripts', 'tools')

# The headers that a driver may include.
_HEADERS = ('include', 'arch/um/include', 'arch/x86/include')

# Magics that no character stands for; 0xFF is left out, since many tests take it for an invalid one.
_MAGICS = range(0x80, 0xFF)


def _grep(tree: Path, *arguments: str) -> list[tuple[str, str]]:
    """Return the lines of files that match, each with its path; what was grafted is left out."""
    done = subprocess.run(['grep', '-r', '-E', *arguments], cwd=tree, env=environment(), capture_output=True,
                          text=True, errors='replace', check=False)
    found = [(path.removeprefix('./'), line)
             for path, _, line in (entry.partition(':') for entry in done.stdout.splitlines())]
    grafted = {path for record in graft.records(tree) for path in record.files}
    return [(path, line) for path, line in found if path not in grafted]


def _exists(tree: Path, paths: Iterable[str]) -> str:
    """Return the first of some paths that the tree has without grafts, '' if there is none."""
    grafted = {path for record in graft.records(tree) for path in (*record.files, *record.directories)}
    return next((path for path in paths if path not in grafted and (tree / path).exists()), '')


def _in_build_files(name: str, tree: Path) -> str:
    """Return which symbol of Kconfig or which module of the tree has the name, '' if none has."""
    symbol = f'{name.upper()}(_KUNIT_TEST)?'
    module = name.replace('_', '[-_]') + '([-_]kunit)?'
    lines = _grep(tree, '--include=Kconfig*', '--include=Makefile*', '--include=Kbuild*',
                  *(f'--exclude-dir={directory}' for directory in _NOT_BUILT),
                  rf'^\s*(menu)?config {symbol}\s*$|(^|\s|=){module}(\.o|-y|-objs)(\s|:|\+|$)', '.')
    for path, line in lines:
        if Path(path).name.startswith('Kconfig'):
            return f'{path} has the symbol {line.split()[1]}'
        return f'{path} has a module or an object {name}'
    return ''


def _in_headers(name: str, identifiers: Iterable[str], tree: Path) -> str:
    """Return which header of the kernel has one of these identifiers, or a macro of the name."""
    words = '|'.join(sorted(identifiers))
    directories = [directory for directory in _HEADERS if (tree / directory).is_dir()]
    # A declaration begins in the first column, an enumerator is alone in its line. A member is no conflict.
    for path, line in _grep(tree, rf'^[A-Za-z_#].*\b({words})\b|^\s+({words})\s*(,|=|$)|^#\s*define\s+{name}\b',
                            *directories):
        word = re.search(rf'\b({words}|{name})\b', line)
        return f'{path} has {word[1] if word else name}'
    return ''


def why_not(name: str, identifiers: Iterable[str], tree: Path, own: Overlay) -> str:
    """Return why a driver cannot have a name, '' if it can.

    identifiers: what its code would define. tree: a kernel tree, in which grafts do
    not count. own: the overlay of this repository.
    """
    if not re.fullmatch(PATTERN, name, re.ASCII):
        return 'a name has 3 to 15 of a-z, 0-9 and "_", and starts with a letter'
    if name in _C_WORDS:
        return 'it is a word of the language C'
    if name in _DEVICES:
        return f'/dev/{name} exists or has another meaning'
    paths = [f'drivers/misc/{name}', f'drivers/misc/{name}.c', f'include/linux/{name}.h',
             f'include/uapi/linux/{name}.h', f'Documentation/misc-devices/{name}.rst', f'{SELFTESTS}/{name}']
    if name == own.name or any(file.startswith(f'{path}/') for file in own.files for path in paths):
        return 'it is the driver of this repository'
    path = _exists(tree, paths)
    if path:
        return f'the kernel has {path}'
    return _in_build_files(name, tree) or _in_headers(name, identifiers, tree)


def _codes(text: str) -> set[int]:
    """Return the magics in the lines of the list of ioctls."""
    return {int(code, 16) for code in re.findall(r'^(0x[0-9A-Fa-f]{2})  ', text, re.MULTILINE)}


def free_magic(name: str, tree: Path, own: Overlay) -> int:
    """Return an ioctl magic that is in no list; the same for a name each time."""
    used = _codes(graft.without_grafts(tree, IOCTL_NUMBERS))
    for insertion in own.description.insert:
        if insertion.file == IOCTL_NUMBERS:
            used |= _codes(insertion.lines)
    free = [magic for magic in _MAGICS if magic not in used]
    if not free:
        raise UserError(f'{tree / IOCTL_NUMBERS} has every magic')
    return free[zlib.crc32(name.encode()) % len(free)]
