# SPDX-License-Identifier: GPL-2.0-only
"""Write a new driver: an overlay from the files in templates/.

A template is the file as it will be, at its place, with two additions:

- @name@ and the other words of _values() stand for their values, in paths as well.
- A line "@if poll mmap" begins a part for those interfaces: it is kept if at least
  one of them is requested. "@else" and "@end" are as usual; parts can be nested.

A file of which nothing is left is not written.
"""

import contextlib
import datetime
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host import git
from host.console import UserError
from host.paths import REPO, WORKBENCH
from scaffold import names
from subject import graft, overlay, placement
from subject.overlay import MAINTAINERS, Overlay

TEMPLATES = WORKBENCH / 'scaffold/templates'

INTERFACES = ('ioctl', 'poll', 'mmap', 'sysfs', 'debugfs', 'trace', 'netlink')

# The template of the entry in MAINTAINERS, which becomes a patch.
ENTRY = 'MAINTAINERS'

# Where a driver finds the workbench.
LINK = '.workbench'

_WORD = re.compile(r'@(\w+)@')
_TAB = 8

# The lines around a change in a patch.
_CONTEXT = 3


def _parts(text: str, interfaces: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a template that these interfaces leave."""
    kept: list[bool] = []
    for line in text.splitlines(keepends=True):
        word, *arguments = line.split() or ['']
        if word == '@if':
            kept.append(any(argument in interfaces for argument in arguments))
        elif word == '@else':
            kept[-1] = not kept[-1]
        elif word == '@end':
            kept.pop()
        elif all(kept):
            yield line


def render(text: str, values: dict[str, str], interfaces: tuple[str, ...]) -> str:
    """Return a template rendered for some values and interfaces."""
    return _WORD.sub(lambda match: values[match[1]], ''.join(_parts(text, interfaces)))


def _family_gap(name: str) -> str:
    """Return the gap after NAME_FAMILY_NAME, as ynl_gen_c.py aligns it with NAME_FAMILY_VERSION."""
    column = {word: len(f'#define {name}_FAMILY_{word}') // _TAB for word in ('NAME', 'VERSION')}
    return '\t' * (column['VERSION'] - column['NAME'] + 1)


def _ioctl_line(name: str, magic: str, email: str) -> str:
    """Return the entry in the list of ioctls."""
    # In reStructuredText, a word that ends with an underscore is a reference.
    quote = '``' if name.endswith('_') else ''
    header = f'{quote}uapi/linux/{name}.h{quote}'
    return f'{magic}  00-01  {header:57} {quote}{name}{quote}\n{"":71}<mailto:{email}>'


def _values(name: str, author: tuple[str, str], magic: int, release: str) -> dict[str, str]:
    """Return what the words of the templates stand for.

    author: a name and an address. release: that of the kernel that the driver is for.
    """
    person, email = author
    # As a mail client writes it.
    quoted = person if re.fullmatch(r"[\w '-]+", person) else '"' + re.sub(r'(["\\])', r'\\\1', person) + '"'
    contact = f'{quoted} <{email}>'
    major, minor = release.split('.')[:2]
    code = f'0x{magic:02X}'
    return {
        'name': name, 'NAME': name.upper(),
        # Of netlink, whose names have no underscore.
        'dashed': name.replace('_', '-'),
        'title_line': '=' * len(f'The ``{name}`` device'),
        'contact': contact, 'c_contact': re.sub(r'(["\\])', r'\\\1', contact),
        'magic': code, 'ioctl_line': _ioctl_line(name, code, email), 'family_gap': _family_gap(name),
        'date': datetime.date.today().strftime('%B %Y'), 'next': f'{major}.{int(minor) + 1}'}


def _rendered(values: dict[str, str], interfaces: tuple[str, ...]) -> dict[str, str]:
    """Map the paths of a driver to the texts of its files."""
    found = {}
    for path in sorted(path for path in TEMPLATES.rglob('*') if path.is_file()):
        text = render(path.read_text(encoding='utf-8'), values, interfaces)
        if text:
            found[render(str(path.relative_to(TEMPLATES)), values, ())] = text
    return found


def identifiers(name: str) -> set[str]:
    """Return what the code of a driver with all interfaces defines or declares for the kernel."""
    values = _values(name, ('', ''), 0, '0.0')
    code = ''.join(text for path, text in _rendered(values, INTERFACES).items()
                   if path.endswith(('.c', '.h')) and not path.startswith('tools/'))
    return set(re.findall(rf'\b_*(?:{name}|{name.upper()})_\w+', code))


def _as_patch(entry: str, tree: Path) -> str:
    """Return the patch that adds an entry to MAINTAINERS."""
    text = graft.without_grafts(tree, ENTRY)
    old, new, own = (lines.splitlines() for lines in
                     (text, graft.apply_rule(placement.for_maintainers(entry), text), entry))
    # A general algorithm may show the empty line before the entry as the new one.
    at = next(number for number in range(len(new)) if new[number:number + len(own)] == own)
    before, after = old[max(at - _CONTEXT, 0):at], old[at:at + _CONTEXT]
    first, count = at - len(before) + 1, len(before) + len(after)
    lines = [f'--- a/{ENTRY}', f'+++ b/{ENTRY}', f'@@ -{first},{count} +{first},{count + len(own)} @@',
             *(f' {line}' for line in before), *(f'+{line}' for line in own), *(f' {line}' for line in after)]
    return ''.join(f'{line}\n' for line in lines)


def files(name: str, interfaces: tuple[str, ...], author: tuple[str, str], tree: Path, release: str,
          own: Overlay) -> dict[str, str]:
    """Return the files of a new driver, by their paths; raise UserError for a name that it cannot have.

    author: a name and an address. tree: a kernel tree, of this release. own: the
    overlay of this repository.
    """
    reason = names.why_not(name, identifiers(name), tree, own)
    if reason:
        raise UserError(f'NAME={name}: {reason}')
    found = _rendered(_values(name, author, names.free_magic(name, tree, own), release), interfaces)
    found[MAINTAINERS] = _as_patch(found.pop(ENTRY), tree)
    return found


def directory_for(name: str, directory: str) -> Path:
    """Return where to write a driver; raise UserError where that is not possible."""
    path = Path(directory or f'~/{name}').expanduser().absolute()
    if path.is_symlink() or path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f'DIR={path}: exists, and is no empty directory')
    if not path.parent.is_dir():
        raise UserError(f'DIR={path}: there is no directory {path.parent}')
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UserError(f'DIR={path}: {path.parent} cannot be written to')
    return path


def author_for(directory: Path) -> tuple[str, str]:
    """Return the name and the address of the author of a driver, from git's configuration."""
    return git.identity(directory.parent, 'and a driver has an author')


def write(directory: Path, contents: dict[str, str]) -> None:
    """Write a driver, all of it or nothing."""
    part = Path(tempfile.mkdtemp(prefix=f'.{directory.name}.', dir=directory.parent))
    try:
        for path, text in contents.items():
            file = part / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding='utf-8')
            file.chmod(0o755 if text.startswith('#!') else 0o644)
        (part / LINK).symlink_to(REPO)
        overlay.load(part).files
        part.chmod(0o755)
        # Takes the place of an empty directory.
        os.rename(part, directory)
    finally:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(part)
