# SPDX-License-Identifier: GPL-2.0-only
"""The Kbuild file with which the modules of an overlay build out of tree, inferred from its Makefiles.

It is in a directory of the overlay of its own. With a compat.h beside it, each source
file includes that first; a compat.c is part of the first module.
"""

import re
from pathlib import Path, PurePosixPath

from host.console import UserError
from subject.overlay import Overlay

# The directory for a build out of tree, in the folder of the overlay or at its top.
DIRECTORY = 'oot'

_ASSIGNMENT = re.compile(r'^([\w.-]+)-(?:\$\(CONFIG_(\w+)\)|([ym]|objs))\s*(?:\+=|:=|=)\s*(.*)$')

_KBUILD = '''\
# SPDX-License-Identifier: GPL-2.0-only
#
# make -C /lib/modules/VERSION/build M=$PWD
#
# Builds the modules of the driver out of tree. "make oot" wrote this file.

top	:= {top}
{flags}
obj-m += {modules}

{objects}
'''


def directory(overlay: Overlay) -> Path:
    """Return the directory of an overlay for builds out of tree, which may be missing."""
    return (overlay.folder if overlay.description.folder else overlay.root) / DIRECTORY


def symbols(overlay: Overlay) -> list[str]:
    """Return the symbols of an overlay that a build out of tree sets: all but those of KUnit tests."""
    return sorted(symbol for symbol, kind in overlay.own_symbols.items()
                  if kind in ('tristate', 'bool') and not symbol.endswith('_KUNIT_TEST'))


def _read(overlay: Overlay, path: str) -> str:
    """Return a Makefile of an overlay without comments and with joined lines, '' if it is missing."""
    file = overlay.files.get(f'{path}/Makefile') or overlay.files.get(f'{path}/Kbuild')
    text = file.read_text(encoding='utf-8') if file else ''
    return re.sub(r'#.*', '', text.replace('\\\n', ' '))


def _assigned(text: str, enabled: list[str]) -> dict[str, list[str]]:
    """Map the names before the "-" of the assignments of a Makefile to the enabled words behind it."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _ASSIGNMENT.match(line.strip())
        if match and (match[3] or match[2] in enabled):
            found.setdefault(match[1], []).extend(match[4].split())
    return found


def modules(overlay: Overlay) -> dict[str, list[str]]:
    """Map the names of the modules of an overlay to the paths of their objects; leave out KUnit tests."""
    enabled = symbols(overlay)
    found: dict[str, list[str]] = {}

    def visit(path: str) -> None:
        assigned = _assigned(_read(overlay, path), enabled)
        for word in assigned.get('obj', []):
            if word.endswith('/'):
                visit(f'{path}/{word.rstrip("/")}')
                continue
            name = word.removesuffix('.o')
            parts = assigned.get(name, [word])
            found[name] = [f'{path}/{part}' for part in parts]

    for path in overlay.directories:
        visit(path)
    return found


def _own_headers(overlay: Overlay, found: dict[str, list[str]]) -> list[str]:
    """Return the directories of modules whose Makefile adds them to the search path of headers, for trace events."""
    directories = sorted({str(PurePosixPath(part).parent) for parts in found.values() for part in parts})
    return [path for path in directories if re.search(r'-I *\$\((?:src|srctree)\)', _read(overlay, path))]


def kbuild(overlay: Overlay) -> str:
    """Return the text of the Kbuild file; raise UserError if the overlay has no modules."""
    found = modules(overlay)
    if not found:
        raise UserError(f'{overlay.root}: no Makefile of the driver lists a module: obj-$(CONFIG_X) += x.o')
    here = directory(overlay)
    top = PurePosixPath(*['..'] * len(here.relative_to(overlay.root).parts))
    flags = ['-I$(src)/$(top)/include -I$(src)/$(top)/include/uapi'] if any(
        path.startswith('include/') for path in overlay.files) else []
    flags += [f'-I$(src)/$(top)/{path}' for path in _own_headers(overlay, found)]
    flags += [f'-DCONFIG_{symbol}=1' for symbol in symbols(overlay)]
    if (here / 'compat.h').exists():
        flags.append('-include $(src)/compat.h')
    objects = []
    for number, (name, parts) in enumerate(found.items()):
        compat = ['compat.o'] if not number and (here / 'compat.c').exists() else []
        paths = [*compat, *(f'$(top)/{part}' for part in parts)]
        objects.append(f'{name}-y := ' + ' \\\n\t'.join(paths))
    return _KBUILD.format(top=top, flags=''.join(f'ccflags-y += {flag}\n' for flag in flags),
                          modules=' '.join(f'{name}.o' for name in found), objects='\n'.join(objects))


def is_out_of_tree(overlay: Overlay) -> bool:
    """Return whether an overlay has a Kbuild file of its own for builds out of tree."""
    return (directory(overlay) / 'Kbuild').exists()
