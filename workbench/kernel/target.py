# SPDX-License-Identifier: GPL-2.0-only
"""What a kind of machine requires of the kernel that is built for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """The kernel of a kind of machine.

    name: kbuild's name of the architecture. image: the kernel that is booted, in the
    build directory. symbols: the same with its symbols. fragments: for each variant
    of the kernel, its files in config/, each on top of the ones before it.
    sanitizers: those of the debug variant. checksums: whether modules have checksums
    of their symbols.
    """
    name: str
    image: str
    symbols: str
    fragments: dict[str, tuple[str, ...]]
    sanitizers: tuple[str, ...]
    checksums: bool = False
