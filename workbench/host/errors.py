# SPDX-License-Identifier: GPL-2.0-only
"""Find the first error in a build log, by the formats in which tools print errors."""

import re
from pathlib import Path

# Lines that kbuild prints for each step. With several jobs they occur anywhere.
_STEP = re.compile(r'  [A-Z][A-Z0-9_-]*(?: \[M\])? +\S|make(?:\[\d+\])?: (?:Entering|Leaving) directory ')

# Lines that introduce an error on a later line.
_LEAD = re.compile(r'In file included from |\s+from \S+:\d+|\S+: (?:In function |In member function |At top level:'
                   r'|Assembler messages:)|.*: in function `')

# The report of make on a failed recipe, which has printed its error before.
_RECIPE = re.compile(r'g?make(?:\[\d+\])?: \*\*\* \[.*\] Error \d+')

# Lines that are a consequence of an error elsewhere.
_FOLLOWS = re.compile(r'g?make(?:\[\d+\])?: \*\*\* (?:Waiting for unfinished jobs|Deleting file )'
                      r'|.*\(Broken pipe\)$|\S+: line \d+: +\d+ (?:Exit \d|Broken pipe)')

_ERROR = re.compile('|'.join((
    # Compilers, bison, sparse: file.c:1:2: error: message
    r'\S[^:]*:\d+(?:[.:-]\d+)*: ?(?:fatal |internal compiler )?error: ',
    # The same without a position: gcc: fatal error: Killed signal terminated program cc1
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
    # The shell and make: a program that is missing or cannot run
    r'\S*\b(?:ba|da)?sh: \d+: ', r'\S+: line \d+: ', r'g?make(?:\[\d+\])?: \S+: (?:No such file|Permission denied)',
    r'/usr/bin/env: ',
    # make, and $(error) in a Makefile
    r'(?:\S+:\d+|g?make(?:\[\d+\])?): \*\*\* ', r'\*\*\* ',
    # Signals
    r'(?:.* )?(?:Killed|Segmentation fault|Bus error|Aborted)(?: \(core dumped\))?$',
    # A full disk, a limit of the file size, reported by any tool
    r'.*: (?:No space left on device|Disk quota exceeded|File too large|Read-only file system|Input/output error)',
    r'.*File size limit exceeded',
    # Packages and archives
    r'E: ', r'dpkg(?:-\w+)?: error', r'rsync(?: error)?: ',
    r'(?:tar|xz|gzip|bzip2|cpio): .*(?:[Cc]annot|[Ee]rror|[Cc]orrupt|[Uu]nexpected|[Ii]nvalid|not look like)',
    # Python, Sphinx
    r'Traceback \(most recent call last\):', r'(?:Sphinx|Extension|Configuration|Theme|Application) error',
    r'\S+:\d+: (?:ERROR|CRITICAL|SEVERE): ',
)))


def _find_error(lines: list[str]) -> int:
    """Return the index of the line with the first error, -1 if there is none."""
    failed_recipe = -1
    for i, line in enumerate(lines):
        if _RECIPE.match(line):
            failed_recipe = i if failed_recipe < 0 else failed_recipe
        elif _ERROR.match(line) and not _FOLLOWS.match(line):
            return i
    return failed_recipe


def _find_end(lines: list[str], error: int, count: int) -> int:
    """Return the index behind the lines to show from an error on: a traceback, or count lines."""
    if not lines[error].startswith('Traceback '):
        return error + count
    # The first line without an indent ends the traceback; it names the exception.
    return next((i for i, line in enumerate(lines[error + 1:], error + 2) if line[:1].strip()), len(lines))


def first_error(log: Path, count: int = 8) -> list[str]:
    """Return the lines of a log from its first error on, or its last lines if it has none.

    count: the number of lines. The first line of the log is the command. Lines about
    the progress of the build, which parallel jobs print at any time, are left out.
    """
    lines = [line for line in log.read_text(errors='replace').splitlines()[1:] if not _STEP.match(line)]
    error = _find_error(lines)
    if error < 0:
        return lines[-count:]
    # The message of a tool with an unknown format is above the line of make.
    begin = error - (count if _RECIPE.match(lines[error]) else 0)
    while begin > 0 and _LEAD.match(lines[begin - 1]):
        begin -= 1
    return lines[max(0, begin):_find_end(lines, error, count)]
