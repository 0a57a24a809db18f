# SPDX-License-Identifier: GPL-2.0-only
"""Write an initial RAM disk: an archive of cpio in the newc format, of which the kernel takes several in a row.

Architecture and content are parameters. The user space consists of busybox, which is
static, and of dash and kmod with their libraries. The shell of busybox would run its own
commands in place of those of kmod.
"""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from host.console import UserError
from host.environment import environment
from host.paths import WORKBENCH

_INIT = WORKBENCH / 'machine/init'

# The init of a guest without files of the host, and the scripts that its commands run.
INIT = _INIT / 'initrd'
SCRIPTS = tuple(_INIT / name for name in ('before', 'afterwards', 'selftests'))

_ALIGNMENT = 4
_TRAILER = 'TRAILER!!!'

# The commands of kmod, which are links to it.
_KMOD = ('depmod', 'insmod', 'lsmod', 'modinfo', 'modprobe', 'rmmod')

# The directories of the root.
_DIRECTORIES = ('bin', 'dev', 'etc', 'lib/modules', 'mnt', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr/bin',
                'usr/sbin')


class Entry(NamedTuple):
    """A file of an archive: its path without a "/" at the start, its mode with its type, and its content.

    The content of a symbolic link is its target, that of a directory is empty.
    """
    path: str
    mode: int
    content: bytes = b''


def directory(path: str) -> Entry:
    """Return a directory."""
    return Entry(path, stat.S_IFDIR | 0o755)


def file(path: str, content: bytes, mode: int = 0o644) -> Entry:
    """Return a regular file."""
    return Entry(path, stat.S_IFREG | mode, content)


def link(path: str, target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, os.fsencode(target))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


def _record(number: int, entry: Entry) -> bytes:
    name = os.fsencode(entry.path) + b'\0'
    # inode, mode, uid, gid, links, time, size, device (2), device of a node (2), size of the name, checksum
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, 0, 0, len(name), 0)
    header = b'070701' + b''.join(b'%08X' % field for field in fields)
    return _padded(header + name) + _padded(entry.content)


def _with_parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries, each path once, with missing parent directories before them."""
    seen: set[str] = set()
    for entry in entries:
        parts = entry.path.split('/')
        for count in range(1, len(parts)):
            parent = '/'.join(parts[:count])
            if parent not in seen:
                seen.add(parent)
                yield directory(parent)
        if entry.path not in seen:
            seen.add(entry.path)
            yield entry


def archive(entries: Iterable[Entry]) -> bytes:
    """Return an archive with entries; the first entry of a path applies. Owners are root, times are 0."""
    records = [_record(number, entry) for number, entry in enumerate(_with_parents(entries), 1)]
    return b''.join([*records, _record(0, Entry(_TRAILER, 0))])


def tree(source: Path, path: str) -> Iterator[Entry]:
    """Yield the files below a directory of the host, for a path in the archive."""
    yield directory(path)
    for here, directories, names in os.walk(source):
        inside = os.path.normpath(os.path.join(path, os.path.relpath(here, source)))
        for name in sorted([*directories, *names]):
            own = Path(here, name)
            status = own.lstat()
            content = (os.fsencode(os.readlink(own)) if stat.S_ISLNK(status.st_mode)
                       else own.read_bytes() if stat.S_ISREG(status.st_mode) else b'')
            yield Entry(f'{inside}/{name}', status.st_mode, content)


def needed(program: Path) -> tuple[str, list[str]]:
    """Return the dynamic loader and the libraries that a program names, of any architecture."""
    output = subprocess.run(['readelf', '--wide', '--dynamic', '--program-headers', program], env=environment(),
                            capture_output=True, text=True, check=False).stdout
    loader = re.search(r'program interpreter: (\S+)\]', output)
    return loader[1] if loader else '', re.findall(r'\(NEEDED\).*\[(\S+)\]', output)


def program(root: Path, path: str, triplet: str) -> Iterator[Entry]:
    """Yield a program of a directory with packages, with its loader and its libraries.

    path: that of the program. triplet: that of the architecture, such as x86_64-linux-gnu.
    """
    yield file(path, (root / path).read_bytes(), 0o755)
    libraries = root / 'usr/lib' / triplet
    pending = [root / path]
    seen: set[str] = set()
    for binary in pending:
        loader, names = needed(binary)
        if loader:
            yield file(loader.lstrip('/'), (libraries / Path(loader).name).read_bytes(), 0o755)
        for name in names:
            if name in seen:
                continue
            seen.add(name)
            if not (libraries / name).exists():
                raise UserError(f'{libraries} has no {name}, which {binary} requires')
            pending.append(libraries / name)
            yield file(f'usr/lib/{triplet}/{name}', (libraries / name).read_bytes())
            yield link(f'lib/{triplet}', f'/usr/lib/{triplet}')


def userland(root: Path, triplet: str, init: bytes) -> Iterator[Entry]:
    """Yield a root directory with busybox, dash, kmod and an init.

    root: a directory with the packages, in which /bin is a link.
    """
    yield from map(directory, _DIRECTORIES)
    yield file('init', init, 0o755)
    # The init creates the links for the commands of busybox, which do not replace those of kmod.
    yield file('bin/busybox', (root / 'bin/busybox').read_bytes(), 0o755)
    for path in ('bin/dash', 'bin/kmod'):
        yield from program(root, path, triplet)
    yield link('bin/sh', 'dash')
    yield from (link(f'sbin/{command}', '../bin/kmod') for command in _KMOD)
    yield file('etc/passwd', b'root:x:0:0:root:/root:/bin/sh\n')
    yield file('etc/group', b'root:x:0:\n')


def write(path: Path, entries: Iterable[Entry]) -> Path:
    """Write an archive to a file; return its path. The file is complete or absent."""
    part = path.with_name(f'{path.name}.part')
    part.write_bytes(archive(entries))
    os.replace(part, path)
    return path


def join(path: Path, archives: Iterable[Path]) -> Path:
    """Write several archives one after the other to a file; return its path."""
    with open(path, 'wb') as out:
        for each in archives:
            with open(each, 'rb') as opened:
                shutil.copyfileobj(opened, out)
            out.write(bytes(-out.tell() % _ALIGNMENT))
    return path
