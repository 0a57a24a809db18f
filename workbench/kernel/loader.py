# SPDX-License-Identifier: GPL-2.0-only
"""Run the programs of another Debian release, from a directory with its packages.

The kernel of this machine runs them, with the dynamic loader and the libraries of the
directory. This requires no privileges and takes no time, unlike a guest with that root.
"""

import os
import shlex
from pathlib import Path

ELF = b'\x7fELF'

# The programs of binutils that kbuild calls.
_BINUTILS = ('ar', 'as', 'ld', 'nm', 'objcopy', 'objdump', 'readelf', 'strip')


class Root:
    """A directory with unpacked packages of a release, for one architecture."""

    def __init__(self, path: Path, triplet: str = 'x86_64-linux-gnu', loader: str = 'ld-linux-x86-64.so.2'):
        self.path = path
        self.triplet = triplet
        self.libraries = path / 'usr/lib' / triplet
        self.loader = self.libraries / loader

    def _script(self, program: Path, arguments: list[str]) -> str:
        """Return a script that runs a program, which gets the name of the script as its own."""
        words = [str(self.loader), '--library-path', str(self.libraries), '--argv0']
        return (f'#!/bin/sh\nexec {shlex.join(words)} "$0" {shlex.quote(str(program))} '
                f'{shlex.join(arguments)}{" " if arguments else ""}"$@"\n')

    def write(self, script: Path, program: Path, arguments: list[str] | None = None) -> None:
        """Write a script that runs a program with some arguments before its own."""
        script.write_text(self._script(program, arguments or []), encoding='utf-8')
        script.chmod(0o755)

    def write_compiler(self, directory: Path, compiler: str) -> None:
        """Write scripts for a compiler such as gcc-14 and for binutils, by their names with the triplet."""
        directory.mkdir(parents=True, exist_ok=True)
        programs = self.path / 'usr/bin'
        # The driver runs further programs, which require the loader, too.
        driver = ['-wrapper', f'{self.loader},--library-path,{self.libraries}', f'-B{programs}/{self.triplet}-',
                  f'-B{programs}/']
        name = f'{self.triplet}-{compiler}'
        script = self._script(programs / name, driver)
        # The compiler finds its own files relative to its name.
        (directory / name).write_text(script.replace('"$0"', shlex.quote(str(programs / name))), encoding='utf-8')
        (directory / name).chmod(0o755)
        for program in _BINUTILS:
            self.write(directory / f'{self.triplet}-{program}', programs / f'{self.triplet}-{program}')


def mirror(source: Path, target: Path, root: Root | None) -> None:
    """Create a copy of a directory that consists of links; with a root, of scripts in place of its programs.

    root: that of the release of the programs, None if this machine runs them itself.
    """
    for path, directories, names in os.walk(source):
        here = target / os.path.relpath(path, source)
        here.mkdir(parents=True, exist_ok=True)
        links = [name for name in directories if os.path.islink(os.path.join(path, name))]
        for name in (*names, *links):
            file = Path(path, name)
            if root and file.is_file() and not file.is_symlink() and _is_program(file):
                root.write(here / name, file)
            else:
                (here / name).symlink_to(file)


def _is_program(file: Path) -> bool:
    with open(file, 'rb') as opened:
        return opened.read(len(ELF)) == ELF and os.access(file, os.X_OK)
