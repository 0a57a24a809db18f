# SPDX-License-Identifier: GPL-2.0-only
"""Graft an overlay into a kernel tree, and ungraft it.

Each overlay in a tree has a record of the files and lines that graft wrote. With it,
ungraft restores the tree byte for byte, and graft overwrites no file of the user. The
record is written before the files that it names: after an interrupted graft, another
graft completes it, and an ungraft undoes it. Paths through symbolic links are refused,
so that nothing outside the tree is written.
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
    """Return the file name of the record of an overlay; the .gitignore of the kernel ignores a leading dot."""
    return f'.{name}-graft'


class Record:
    """The files, lines and directories that a graft has written into a tree.

    files maps each path to the digests that its content may have. lines maps each
    path to the texts that it may contain. There are several digests or texts only
    while a graft is in progress; the last one is the newest.
    """

    def __init__(self, tree, name):
        self.name = name
        self.path = tree / record_name(name)
        self.files, self.lines, self.directories = {}, {}, []
        if os.path.lexists(self.path):
            try:
                content = json.loads(self.path.read_text(encoding='utf-8'))
                # Earlier versions of the workbench recorded a string.
                content['lines'] = {path: [texts] if isinstance(texts, str) else texts
                                    for path, texts in content['lines'].items()}
                _check_record(content)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f'{self.path} is damaged ({error}): it is the record of a graft; '
                                'restore it, or start from a new tree') from None
            self.files, self.lines = content['files'], content['lines']
            self.directories = content['directories']

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


def _check_record(content) -> None:
    """Raise TypeError or ValueError for a record that graft() cannot have written."""
    for texts in (content['directories'], *content['files'].values(), *content['lines'].values()):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f'{texts!r} is not a list of strings')
    for path in (*content['files'], *content['lines'], *content['directories']):
        if os.path.isabs(path) or os.path.normpath(path) != path or path.split('/')[0] in ('.', '..'):
            raise ValueError(f'{path!r} is not a path in the tree')


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _read(path):
    """Return the content of a file, None if it does not exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _copy_owner(path: Path, reference: Path) -> None:
    """Set the owner of a file to that of another one; root may graft into a tree of a user."""
    if os.geteuid() == 0:
        state = reference.stat()
        os.chown(path, state.st_uid, state.st_gid)


def _write(path, data, mode=0o644):
    """Write a file atomically."""
    temporary = path.with_name(TEMPORARY)
    try:
        with open(temporary, 'wb') as out:
            out.write(data)
        os.chmod(temporary, mode)
        _copy_owner(temporary, path if path.exists() else path.parent)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _make_directory(tree: Path, path: Path) -> None:
    for parent in (*reversed(path.parents), path):
        if not (tree / parent).exists():
            (tree / parent).mkdir()
            _copy_owner(tree / parent, (tree / parent).parent)


def _check_access(tree: Path, paths) -> None:
    """Raise UserError unless all paths are writable and lead through no symbolic link."""
    paths = {Path(path) for path in paths}
    parents = {path.parent for path in paths}
    for part in sorted({part for parent in parents for part in (parent, *parent.parents)} | paths):
        if (tree / part).is_symlink():
            raise UserError(f'{tree / part} is a symbolic link; the workbench does not write through links')
    directories = {next(tree / part for part in (parent, *parent.parents) if (tree / part).exists())
                   for parent in parents}
    for directory in sorted(directories | {tree}):
        if not os.access(directory, os.W_OK | os.X_OK):
            raise UserError(f'{directory} is not writable')


def _insertion_point(rule, text):
    """Return the offset in the text of a file at which to insert the lines of a rule, None if no line matches."""
    lines = text.splitlines(keepends=True)
    found = [(i, match) for i, line in enumerate(lines)
             if (match := re.match(rule.pattern, line.rstrip('\n')))]
    if not found:
        return None
    if rule.place == placement.BEFORE:
        at = found[0][0]
    elif rule.place == placement.LAST:
        at = found[-1][0] + 1
    else:
        match = re.match(rule.pattern, rule.lines.splitlines()[0])
        if not match or not match.re.groups:
            raise UserError(f'the lines for {rule.path} must match "{rule.pattern}", which must contain a group')
        key = match.group(1)
        smaller = [(match.group(1), n) for n, (_, match) in enumerate(found) if match.group(1) < key]
        nearest = max(smaller)[1] if smaller else -1
        if nearest + 1 < len(found):
            at = found[nearest + 1][0]
        elif rule.lines.count('\n') == 1:
            at = found[nearest][0] + 1
        else:
            at = len(lines)
    return sum(map(len, lines[:at]))


def apply_rule(rule, text):
    """Return the text of a file with the lines of a rule; raise UserError if they have no place."""
    if '\n' + rule.lines in '\n' + text:
        return text
    if '\r\n' in text:
        raise UserError(f'{rule.path} has lines that end in CR LF, which kbuild cannot read: '
                        'check the tree out with core.autocrlf=false')
    at = _insertion_point(rule, text)
    if at is None:
        raise UserError(f'no line of {rule.path} matches "{rule.pattern}", which is the place for: '
                        f'{rule.lines.strip()}')
    if at and text[at - 1] != '\n':
        raise UserError(f'the last line of {rule.path} has no line break, which is required to add: '
                        f'{rule.lines.strip()}')
    return text[:at] + rule.lines + text[at:]


def _find_lines(text, lines):
    """Return the offset of inserted lines in a text, -1 if it does not contain them."""
    return ('\n' + text).find('\n' + lines)


def _remove_lines(text, lines):
    """Return a text without inserted lines, None if it does not contain them."""
    at = _find_lines(text, lines)
    return None if at < 0 else text[:at] + text[at + len(lines):]


def _inserted_lines(text: str, candidates: list[str]) -> str:
    """Return the candidate that a text contains, the newest one if it contains none."""
    return next((lines for lines in candidates if _find_lines(text, lines) >= 0), candidates[-1])


def _edited_line(text: str, inserted: str, name: str, others: set[str]) -> int | None:
    """Return the index of a line that is an edited or repeated version of inserted lines, None if there is none.

    name: the name of the overlay. others: lines of other overlays. If the text does
    not contain the inserted lines, any other line with the name counts as edited.
    """
    lines, own = text.split('\n'), inserted.split('\n')[:-1]
    naming = [i for i, line in enumerate(lines) if name in line.lower() and line not in others]
    at = _find_lines(text, inserted)
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
    """Yield a description of each inserted line that was edited: its path, number and text."""
    of_others = [other for other in records(tree) if other.name != record.name]
    for path, texts in record.lines.items():
        text = _decode(_read(tree / path) or b'')
        others = {line for other in of_others for inserted in other.lines.get(path, ())
                  for line in inserted.split('\n')}
        index = _edited_line(text, _inserted_lines(text, texts), record.name, others)
        if index is not None:
            yield f'{tree / path}:{index + 1}: {text.split(chr(10))[index].strip()}'


# latin-1 maps every byte to a character and back.
def _decode(data):
    return data.decode('latin-1')


def _plan_lines(tree, record, rules):
    """Map the path of each file whose lines change to the lines and the new content."""
    lines = {}
    for rule in rules:
        old = _read(tree / rule.path)
        if old is None:
            raise UserError(f'{tree} has no {rule.path}, to which the overlay adds lines')
        text = _decode(old)
        if rule.path in record.lines:
            present = _inserted_lines(text, record.lines[rule.path])
            if present != rule.lines:
                text = _remove_lines(text, present) or text
        new = apply_rule(rule, text)
        if new != _decode(old):
            lines[rule.path] = (rule.lines, new.encode('latin-1'))
    return lines


def _plan(tree, record, sources, rules):
    """Return the changes of a graft: the contents of files, and those of files with inserted lines."""
    _check_access(tree, [*sources, *(rule.path for rule in rules), *record.paths()])
    files, conflicts = {}, []
    for path, source in sources.items():
        new, old = source.read_bytes(), _read(tree / path)
        if old == new:
            continue
        if old is not None and _digest(old) not in record.files.get(path, ()):
            conflicts.append(path)
        files[path] = new
    if conflicts:
        raise UserError(f'{tree} contains files of {record.name} that graft did not write and '
                        'that differ from the overlay:\n  ' + '\n  '.join(conflicts)
                        + '\nMove them away, or copy their changes into the overlay.')
    edited = list(_edited_lines(tree, record))
    if edited:
        raise UserError('these lines were changed after they were grafted; restore or remove them '
                        'first:\n  ' + '\n  '.join(edited))
    return files, _plan_lines(tree, record, rules)


def _unrecorded_lines(tree, sources, rules):
    """Map paths to lines of an overlay in a tree that contains none of its files.

    git clean removes the files and the record of a graft, but not the lines.
    """
    if any((tree / path).exists() for path in sources):
        return {}
    return {rule.path: [rule.lines] for rule in rules
            if _remove_lines(_decode(_read(tree / rule.path)), rule.lines) is not None}


def _obsolete_files(tree, record, sources):
    """Yield the files that an earlier graft wrote and that the overlay no longer contains."""
    for path in record.files:
        data = _read(tree / path)
        if path not in sources and data is not None and _digest(data) in record.files[path]:
            yield path


def _adopted_edits(tree, record, sources):
    """Yield the files that were edited in the tree and whose edits the overlay now contains."""
    for path, digests in record.files.items():
        if path in sources:
            data = _read(tree / path)
            if data == sources[path].read_bytes() and _digest(data) not in digests:
                yield path


def _remove_empty_directories(tree: Path, record: Record) -> None:
    """Remove the empty directories of a record, from the tree and from the record."""
    for directory in reversed(record.directories):
        # It fails if the directory contains files of the user or of a build.
        with contextlib.suppress(OSError):
            (tree / directory).rmdir()
    record.directories = [directory for directory in record.directories if (tree / directory).is_dir()]


def graft(tree, overlay, sources=None, rules=None):
    """Copy an overlay into a tree; return the number of files of the tree that changed.

    sources, rules: by default those of the overlay. Files of the tree that already
    have the content are not written. Raise UserError, before any change, when a file
    or line would be overwritten that graft did not write.
    """
    record = Record(tree, overlay.name)
    sources = overlay.files if sources is None else sources
    rules = placement.rules(overlay) if rules is None else rules
    others = {path for other in records(tree) if other.name != record.name for path in other.directories}
    files, lines = _plan(tree, record, sources, rules)
    obsolete = list(_obsolete_files(tree, record, sources))
    adopted = list(_adopted_edits(tree, record, sources))
    if not files and not lines and not obsolete and not adopted:
        return 0

    record.lines.update(_unrecorded_lines(tree, sources, rules))
    for path, data in files.items():
        record.files.setdefault(path, []).append(_digest(data))
        for parent in reversed(Path(path).parents):
            # A directory of several overlays remains until the last of them is removed.
            is_grafted = not (tree / parent).exists() or str(parent) in others
            if is_grafted and str(parent) not in record.directories:
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
    for path in obsolete:
        (tree / path).unlink()
        del record.files[path]
    _remove_empty_directories(tree, record)
    for path in adopted:
        record.files[path] = [_digest(sources[path].read_bytes())]
    record.save()
    return len(files) + len(lines) + len(obsolete)


def ungraft(tree, name):
    """Remove the overlay of a name from a tree; return the number of files that changed.

    Raise UserError, before any change, when a grafted file or line was edited.
    """
    record = Record(tree, name)
    _check_access(tree, record.paths())
    edited = [str(tree / path) for path, digests in record.files.items()
              if (data := _read(tree / path)) is not None and _digest(data) not in digests]
    edited += _edited_lines(tree, record)
    if edited:
        raise UserError('these files and lines were changed after they were grafted; restore them, '
                        'or copy the changes into the overlay first:\n  ' + '\n  '.join(edited))

    changed = 0
    for path, texts in record.lines.items():
        text = _decode(_read(tree / path) or b'')
        text = _remove_lines(text, _inserted_lines(text, texts))
        if text is not None:
            _write(tree / path, text.encode('latin-1'), (tree / path).stat().st_mode & 0o7777)
            changed += 1
    for path in record.files:
        with contextlib.suppress(FileNotFoundError):
            (tree / path).unlink()
            changed += 1
    for directory in reversed(record.directories):
        # A killed graft leaves its temporary file.
        with contextlib.suppress(FileNotFoundError):
            (tree / directory / TEMPORARY).unlink()
        # It fails if the directory contains files of the user or of a build.
        with contextlib.suppress(OSError):
            (tree / directory).rmdir()
    record.path.unlink(missing_ok=True)
    return changed


def _without_inserted(tree: Path, path: str, more: list[list[str]]) -> str:
    """Return the text of a file without the lines of all grafts, and without more lines."""
    data = _read(tree / path)
    if data is None:
        raise UserError(f'{tree} has no {path}, to which the overlay adds lines')
    text = _decode(data)
    for texts in [*(record.lines[path] for record in records(tree) if path in record.lines), *more]:
        shortened = _remove_lines(text, _inserted_lines(text, texts))
        text = text if shortened is None else shortened
    return text


def pristine(tree, path, overlay: Overlay):
    """Return the content, as bytes, of a file of the tree without the lines of any overlay.

    overlay: its lines are removed even if the tree has no record of it.
    """
    more = []
    if not any(record.name == overlay.name for record in records(tree)):
        more = [[rule.lines] for rule in placement.rules(overlay) if rule.path == path]
    return _without_inserted(tree, path, more).encode('latin-1')


def without_grafts(tree: Path, path: str) -> str:
    """Return the text of a file of the kernel without the lines that grafts have inserted."""
    return _without_inserted(tree, path, []).encode('latin-1').decode(errors='replace')


def owned(tree):
    """Return the paths in a tree that grafts wrote or changed, including their records."""
    found = []
    for record in records(tree):
        found += [record.path.name, *record.files, *record.lines]
    return found


def holds_driver(tree: Path, overlay: Overlay) -> bool:
    """Return whether a tree contains the driver of an overlay, grafted or not."""
    directories = tuple(f'{directory}/' for directory in overlay.directories)
    return (tree / record_name(overlay.name)).exists() or any(
        path.startswith(directories) and os.path.lexists(tree / path) for path in overlay.files)


def differing(tree: Path, overlay: Overlay) -> list[str]:
    """Return the paths of the files of an overlay that differ in a tree or are missing there."""
    return [path for path, source in overlay.files.items()
            if _read(tree / path) != source.read_bytes()]
