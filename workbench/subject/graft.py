# SPDX-License-Identifier: GPL-2.0-only
"""Graft an overlay into a kernel tree, and ungraft it.

A record in the tree says what was written there, so that ungrafting restores the
tree byte for byte and no file of the user's is overwritten. The record is written
before the files that it names: after an interrupted graft, another one completes
it, and an ungraft undoes it. Nothing outside the tree is written: a path on which
a symbolic link stands is refused. Each overlay in a tree has a record of its own.
"""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path

from host.console import UserError
from subject import placement
from subject.overlay import Overlay

TEMPORARY = '.graft.tmp'


def record_name(name: str) -> str:
    """Return the file name of the record of an overlay; the kernel's .gitignore ignores a leading dot."""
    return f'.{name}-graft'


class Record:
    """What a graft has written: whole files, lines in files, directories.

    files maps a path to the digests that its content may have, lines a path to
    the texts that may be inserted there; more than one only while a graft is under
    way, the last being the newest.
    """

    def __init__(self, tree, name):
        self.name = name
        self.path = tree / record_name(name)
        self.files, self.lines, self.directories = {}, {}, []
        if os.path.lexists(self.path):
            try:
                known = json.loads(self.path.read_text(encoding='utf-8'))
                # A string in records of earlier versions.
                known['lines'] = {path: [texts] if isinstance(texts, str) else texts
                                  for path, texts in known['lines'].items()}
                _check_record(known)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f'{self.path} is damaged ({error}): it says what was grafted, '
                                'restore it or start from a fresh tree') from None
            self.files, self.lines = known['files'], known['lines']
            self.directories = known['directories']

    def paths(self) -> list[str]:
        """Return every path that the record names."""
        return [*self.files, *self.lines, *self.directories]

    def save(self):
        text = json.dumps({'files': self.files, 'lines': self.lines,
                           'directories': self.directories}, indent=1, sort_keys=True)
        _write(self.path, text.encode() + b'\n')


def records(tree: Path) -> list[Record]:
    """Return the records of all overlays in a tree."""
    return [Record(tree, path.name.removeprefix('.').removesuffix('-graft'))
            for path in sorted(tree.glob(record_name('[a-z]*')))]


def _check_record(known) -> None:
    """Raise an error for a record that was not written by graft()."""
    for texts in (known['directories'], *known['files'].values(), *known['lines'].values()):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f'{texts!r} is no list of texts')
    for path in (*known['files'], *known['lines'], *known['directories']):
        if os.path.isabs(path) or os.path.normpath(path) != path or path.split('/')[0] in ('.', '..'):
            raise ValueError(f'{path!r} is no path in the tree')


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _read(path):
    """Return the content of a file, None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _give(path: Path, model: Path) -> None:
    """Give a file the owner of another one; root grafts into the trees of others."""
    if os.geteuid() == 0:
        owner = model.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _write(path, data, mode=0o644):
    """Put a file in place as a whole."""
    temporary = path.with_name(TEMPORARY)
    try:
        with open(temporary, 'wb') as out:
            out.write(data)
        os.chmod(temporary, mode)
        _give(temporary, path if path.exists() else path.parent)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _make_directory(tree: Path, path: Path) -> None:
    for parent in (*reversed(path.parents), path):
        if not (tree / parent).exists():
            (tree / parent).mkdir()
            _give(tree / parent, (tree / parent).parent)


def _check_access(tree: Path, paths) -> None:
    """Raise UserError unless all of these paths can be written, and are in the tree itself."""
    directories = {tree}
    for path in map(Path, paths):
        for part in (path, *path.parents):
            if (tree / part).is_symlink():
                raise UserError(f'{tree / part} is a symbolic link: what is behind it is not changed')
        directories.add(next(tree / parent for parent in path.parents if (tree / parent).exists()))
    for directory in sorted(directories):
        if not os.access(directory, os.W_OK | os.X_OK):
            raise UserError(f'{directory} cannot be written to')


def _insertion_point(rule, text):
    """Return where in a file's text the rule's lines belong; None if nowhere."""
    lines = text.splitlines(keepends=True)
    found = [(i, match) for i, line in enumerate(lines)
             if (match := re.match(rule.among, line.rstrip('\n')))]
    if not found:
        return None
    if rule.place == placement.BEFORE:
        at = found[0][0]
    elif rule.place == placement.LAST:
        at = found[-1][0] + 1
    else:
        match = re.match(rule.among, rule.lines.splitlines()[0])
        if not match or not match.re.groups:
            raise UserError(f'the lines for {rule.path} do not match "{rule.among}", which has to have a group')
        own = match.group(1)
        smaller = [(match.group(1), n) for n, (_, match) in enumerate(found) if match.group(1) < own]
        nearest = max(smaller)[1] if smaller else -1
        if nearest + 1 < len(found):
            at = found[nearest + 1][0]
        elif rule.lines.count('\n') == 1:
            at = found[nearest][0] + 1
        else:
            at = len(lines)
    return sum(map(len, lines[:at]))


def apply_rule(rule, text):
    """Return the text of a file with the rule's lines in it."""
    if '\n' + rule.lines in '\n' + text:
        return text
    if '\r\n' in text:
        raise UserError(f'{rule.path} has lines that end in CR LF, which kbuild cannot read: '
                        'check the tree out with core.autocrlf=false')
    at = _insertion_point(rule, text)
    if at is None:
        raise UserError(f'{rule.path} has no line like "{rule.among}" beside which '
                        f'to put: {rule.lines.strip()}')
    if at and text[at - 1] != '\n':
        raise UserError(f'the last line of {rule.path} does not end, and what follows it is '
                        f'{rule.lines.strip()}')
    return text[:at] + rule.lines + text[at:]


def _position(text, lines):
    """Return where in a text the lines are that were inserted, -1 if nowhere."""
    return ('\n' + text).find('\n' + lines)


def _without(text, lines):
    """Return a text without the lines that were inserted; None if they are not there."""
    at = _position(text, lines)
    return None if at < 0 else text[:at] + text[at + len(lines):]


def _inserted(text: str, texts: list[str]) -> str:
    """Return which of some texts is in a file, the newest if none is."""
    return next((lines for lines in texts if _position(text, lines) >= 0), texts[-1])


def _edited_line(text: str, inserted: str, name: str, others: set[str]) -> int | None:
    """Return the index of a line that is an edited version of inserted lines, or a second one.

    Where the lines are not there as they were inserted, that is any line that
    contains the name of the overlay, except the lines of other overlays.
    """
    lines, own = text.split('\n'), inserted.split('\n')[:-1]
    naming = [i for i, line in enumerate(lines) if name in line.lower() and line not in others]
    at = _position(text, inserted)
    if at >= 0:
        first = text[:at].count('\n')
        return next((i for i in naming if lines[i] in own
                     and not first <= i < first + len(own)), None)
    if naming and lines[naming[0]] in own:
        first = naming[0] - own.index(lines[naming[0]])
        for i, line in enumerate(own, first):
            if lines[i:i + 1] != [line]:
                return max(0, min(i, len(lines) - 1))
    return naming[0] if naming else None


def _edited_lines(tree: Path, record: Record):
    """Yield the places of inserted lines that were edited since, for a message."""
    for path, texts in record.lines.items():
        text = _decode(_read(tree / path) or b'')
        others = {line for other in records(tree) if other.name != record.name
                  for inserted in other.lines.get(path, ()) for line in inserted.split('\n')}
        index = _edited_line(text, _inserted(text, texts), record.name, others)
        if index is not None:
            yield f'{tree / path}:{index + 1}: {text.split(chr(10))[index].strip()}'


# latin-1 maps every byte to a character and back.
def _decode(data):
    return data.decode('latin-1')


def _plan_lines(tree, record, wanted):
    """Map the path of each file that gets lines to these and its new content."""
    lines = {}
    for rule in wanted:
        old = _read(tree / rule.path)
        if old is None:
            raise UserError(f'{tree} has no {rule.path}: not the kernel tree that is needed')
        text = _decode(old)
        if rule.path in record.lines:
            known = _inserted(text, record.lines[rule.path])
            if known != rule.lines:
                text = _without(text, known) or text
        new = apply_rule(rule, text)
        if new != _decode(old):
            lines[rule.path] = (rule.lines, new.encode('latin-1'))
    return lines


def _plan(tree, record, sources, wanted):
    """Return what grafting would write, without writing: files, and files with lines."""
    _check_access(tree, [*sources, *(rule.path for rule in wanted), *record.paths()])
    files, conflicts = {}, []
    for path, source in sources.items():
        new, old = source.read_bytes(), _read(tree / path)
        if old == new:
            continue
        if old is not None and _digest(old) not in record.files.get(path, ()):
            conflicts.append(path)
        files[path] = new
    if conflicts:
        raise UserError(f'{tree} has files of {record.name} with other contents, '
                        'which graft did not write:\n  ' + '\n  '.join(conflicts)
                        + '\nMove them away, or bring their changes into the overlay.')
    edited = list(_edited_lines(tree, record))
    if edited:
        raise UserError('these lines were changed since they were grafted, restore or remove them '
                        'first:\n  ' + '\n  '.join(edited))
    return files, _plan_lines(tree, record, wanted)


def _lines_of_a_lost_graft(tree, sources, wanted):
    """Map paths to lines that stand there although no file of the driver does.

    git clean removes files and record, and leaves the lines.
    """
    if any((tree / path).exists() for path in sources):
        return {}
    return {rule.path: [rule.lines] for rule in wanted
            if _without(_decode(_read(tree / rule.path)), rule.lines) is not None}


def _gone(tree, record, sources):
    """Yield the files that an earlier graft wrote and the overlay no longer has."""
    for path in record.files:
        data = _read(tree / path)
        if path not in sources and data is not None and _digest(data) in record.files[path]:
            yield path


def _brought_back(tree, record, sources):
    """Yield the files that were edited in the tree, and the edit is in the overlay now."""
    for path, digests in record.files.items():
        if path in sources:
            data = _read(tree / path)
            if data == sources[path].read_bytes() and _digest(data) not in digests:
                yield path


def _remove_empty_directories(tree: Path, record: Record) -> None:
    """Remove the directories of a record in which no file is left."""
    for directory in reversed(record.directories):
        # It is not empty where another file is there, the user's or that of a build.
        with contextlib.suppress(OSError):
            (tree / directory).rmdir()
    record.directories = [directory for directory in record.directories if (tree / directory).is_dir()]


def graft(tree, overlay, sources=None, wanted=None):
    """Put an overlay into a tree; return how many of its files changed.

    sources, wanted: other files and rules than those of the overlay.

    Files that are there already, with the right content, are left alone. Raises
    UserError, with nothing written, when a file or an edited line is in the way.
    """
    record = Record(tree, overlay.name)
    sources = overlay.files if sources is None else sources
    wanted = placement.rules(overlay) if wanted is None else wanted
    others = {path for other in records(tree) if other.name != record.name for path in other.directories}
    files, lines = _plan(tree, record, sources, wanted)
    gone = list(_gone(tree, record, sources))
    brought_back = list(_brought_back(tree, record, sources))
    if not files and not lines and not gone and not brought_back:
        return 0

    record.lines.update(_lines_of_a_lost_graft(tree, sources, wanted))
    for path, data in files.items():
        record.files.setdefault(path, []).append(_digest(data))
        for parent in reversed(Path(path).parents):
            # A directory of several overlays remains until the last of them is removed.
            is_ours = not (tree / parent).exists() or str(parent) in others
            if is_ours and str(parent) not in record.directories:
                record.directories.append(str(parent))
    for path, (inserted, _) in lines.items():
        record.lines.setdefault(path, []).append(inserted)
    record.save()

    for path, data in files.items():
        _make_directory(tree, Path(path).parent)
        _write(tree / path, data, 0o755 if os.access(sources[path], os.X_OK) else 0o644)
        record.files[path] = [_digest(data)]
    for path, (inserted, data) in lines.items():
        _write(tree / path, data, (tree / path).stat().st_mode & 0o7777)
        record.lines[path] = [inserted]
    for path in gone:
        (tree / path).unlink()
        del record.files[path]
    _remove_empty_directories(tree, record)
    for path in brought_back:
        record.files[path] = [_digest(sources[path].read_bytes())]
    record.save()
    return len(files) + len(lines) + len(gone)


def ungraft(tree, name):
    """Remove from a tree what the graft of an overlay has put there; return how many files changed.

    Raises UserError, with nothing changed, when a file or a line was edited since.
    """
    record = Record(tree, name)
    _check_access(tree, record.paths())
    edited = [str(tree / path) for path, digests in record.files.items()
              if (data := _read(tree / path)) is not None and _digest(data) not in digests]
    edited += _edited_lines(tree, record)
    if edited:
        raise UserError('these were changed since they were grafted, restore them or bring the '
                        'changes into the overlay first:\n  ' + '\n  '.join(edited))

    changed = 0
    for path, texts in record.lines.items():
        text = _decode(_read(tree / path) or b'')
        text = _without(text, _inserted(text, texts))
        if text is not None:
            _write(tree / path, text.encode('latin-1'), (tree / path).stat().st_mode & 0o7777)
            changed += 1
    for path in record.files:
        with contextlib.suppress(FileNotFoundError):
            (tree / path).unlink()
            changed += 1
    for directory in reversed(record.directories):
        # An interrupted graft may have left it.
        with contextlib.suppress(FileNotFoundError):
            (tree / directory / TEMPORARY).unlink()
        # It is not empty when the user, or a build, has put something there.
        with contextlib.suppress(OSError):
            (tree / directory).rmdir()
    record.path.unlink(missing_ok=True)
    return changed


def pristine(tree, path, overlay: Overlay):
    """Return what a file that a rule changes is without any overlay, as bytes."""
    data = _read(tree / path)
    if data is None:
        raise UserError(f'{tree} has no {path}: not the kernel tree that is needed')
    text = _decode(data)
    inserted = [record.lines[path] for record in records(tree) if path in record.lines]
    if not any(record.name == overlay.name for record in records(tree)):
        inserted += [[rule.lines] for rule in placement.rules(overlay) if rule.path == path]
    for texts in inserted:
        without = _without(text, _inserted(text, texts))
        text = text if without is None else without
    return text.encode('latin-1')


def owned(tree):
    """Return the paths in a tree that grafts wrote or changed, and their records."""
    found = []
    for record in records(tree):
        found += [record.path.name, *record.files, *record.lines]
    return found


def holds_driver(tree: Path, overlay: Overlay) -> bool:
    """Return whether a tree contains the driver of an overlay, grafted or not."""
    ours = tuple(f'{directory}/' for directory in overlay.directories)
    return (tree / record_name(overlay.name)).exists() or any(
        path.startswith(ours) and os.path.lexists(tree / path) for path in overlay.files)


def differing(tree: Path, overlay: Overlay) -> list[str]:
    """Return the paths at which the files of the driver in a tree are not those of the overlay."""
    return [path for path, source in overlay.files.items()
            if _read(tree / path) != source.read_bytes()]
