# SPDX-License-Identifier: GPL-2.0-only
"""The properties of the kernel of a kind of machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """The kernel of a kind of machine.

    name: the architecture, as kbuild names it. image: the bootable kernel, relative to
    the build directory. symbols: the kernel with its symbols. fragments: for each
    variant of the kernel, the files in config/, of which later ones override earlier
    ones. sanitizers: those of the debug variant. checksums: whether modules have
    checksums of their symbols. cross_compile: the prefix of the compiler.
    """
    name: str
    image: str
    symbols: str
    fragments: dict[str, tuple[str, ...]]
    sanitizers: tuple[str, ...]
    checksums: bool = False
    cross_compile: str = ''
