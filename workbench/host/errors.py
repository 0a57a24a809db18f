# SPDX-License-Identifier: GPL-2.0-only
"""Find the first error in the log of a build, by the formats in which tools print errors."""

import re
from pathlib import Path

# What kbuild prints for each step. With several jobs these lines stand anywhere.
_STEP = re.compile(r'  [A-Z][A-Z0-9_-]*(?: \[M\])? +\S|make(?:\[\d+\])?: (?:Entering|Leaving) directory ')

# Lines that belong to an error which follows them.
_LEAD = re.compile(r'In file included from |\s+from \S+:\d+|\S+: (?:In function |In member function |At top level:'
                   r'|Assembler messages:)|.*: in function `')

# The recipe of which make says this has printed its error before.
_RECIPE = re.compile(r'g?make(?:\[\d+\])?: \*\*\* \[.*\] Error \d+')

# What is printed when there is an error elsewhere.
_FOLLOWS = re.compile(r'g?make(?:\[\d+\])?: \*\*\* (?:Waiting for unfinished jobs|Deleting file )'
                      r'|.*\(Broken pipe\)$|\S+: line \d+: +\d+ (?:Exit \d|Broken pipe)')

_ERROR = re.compile('|'.join((
    # Compilers, bison, sparse: file.c:1:2: error: what
    r'\S[^:]*:\d+(?:[.:-]\d+)*: ?(?:fatal |internal compiler )?error: ',
    # The same without a place: gcc: fatal error: Killed signal terminated program cc1
    r'(?:\S*/)?(?:\S+-)?(?:gcc|g\+\+|cc1|clang|ccache|collect2|bison|flex|dtc)(?:-\d+)?(?:\.\w+)?: '
    r'(?:fatal |internal compiler )?error: ',
    r'cc1: out of memory ',
    # The assembler
    r'\S[^:]*:\d+: (?:Fatal )?[Ee]rror: ',
    # Linkers
    r'(?:\S*/)?(?:\S+-)?ld(?:\.\w+)?: (?!warning: )(?:.*: )?(?:error: |undefined |cannot |multiple definition |'
    r'final link failed|unrecognized |file not recognized|relocation )',
    r'\S+:\([^)]+\): (?:undefined reference to |multiple definition of )',
    # modpost, objtool, depmod
    r'ERROR: modpost: ', r'\S+: error: objtool', r'error: objtool', r'depmod: (?:ERROR|FATAL): ',
    # Kconfig
    r'\S*Kconfig\S*:\d+: (?!warning)', r'can\'t find file ',
    # headers_install, and other scripts of the kernel
    r'error: \S',
    # The shell and make: a program that is not there, or that cannot run
    r'\S*\b(?:ba|da)?sh: \d+: ', r'\S+: line \d+: ', r'g?make(?:\[\d+\])?: \S+: (?:No such file|Permission denied)',
    r'/usr/bin/env: ',
    # make, and $(error) in a Makefile
    r'(?:\S+:\d+|g?make(?:\[\d+\])?): \*\*\* ', r'\*\*\* ',
    # Signals
    r'(?:.* )?(?:Killed|Segmentation fault|Bus error|Aborted)(?: \(core dumped\))?$',
    # A full disk, a limit of the file size, wherever it is said
    r'.*: (?:No space left on device|Disk quota exceeded|File too large|Read-only file system|Input/output error)',
    r'.*File size limit exceeded',
    # Packages and archives
    r'E: ', r'dpkg(?:-\w+)?: error', r'rsync(?: error)?: ',
    r'(?:tar|xz|gzip|bzip2|cpio): .*(?:[Cc]annot|[Ee]rror|[Cc]orrupt|[Uu]nexpected|[Ii]nvalid|not look like)',
    # Python, Sphinx
    r'Traceback \(most recent call last\):', r'(?:Sphinx|Extension|Configuration|Theme|Application) error',
    r'\S+:\d+: (?:ERROR|CRITICAL|SEVERE): ',
)))


def _begin(lines: list[str]) -> int:
    """The number of the line with the first error, -1 without any."""
    of_make = -1
    for i, line in enumerate(lines):
        if _RECIPE.match(line):
            of_make = i if of_make < 0 else of_make
        elif _ERROR.match(line) and not _FOLLOWS.match(line):
            return i
    return of_make


def _end(lines: list[str], at: int, after: int) -> int:
    """The number of the line behind those that belong to the error in line at, at least."""
    if not lines[at].startswith('Traceback '):
        return at + after
    # The first line that is not indented says what has happened.
    return next((i for i, line in enumerate(lines[at + 1:], at + 2) if line[:1].strip()), len(lines))


def first_error(log: Path, after: int = 8) -> list[str]:
    """The lines of a log from its first error on, or its last lines.

    The first line of the log is the command. Lines about the progress of the
    build, of which other jobs print some at any time, are left out.
    """
    lines = [line for line in log.read_text(errors='replace').splitlines()[1:] if not _STEP.match(line)]
    at = _begin(lines)
    if at < 0:
        return lines[-after:]
    # What a tool that is not known here has said stands above the line of make.
    begin = at - (after if _RECIPE.match(lines[at]) else 0)
    while begin > 0 and _LEAD.match(lines[begin - 1]):
        begin -= 1
    return lines[max(0, begin):_end(lines, at, after)]
