# SPDX-License-Identifier: GPL-2.0-only
"""Put the driver into a kernel tree, and take it out again.

A record in the tree says what was written there, so that ungrafting can give
the tree back byte for byte and nothing of the user's is ever overwritten. The
record is written before the files that it names: whenever a graft is cut off,
another one completes it, and an ungraft undoes it.
"""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path

import checkout
import rules
from console import UserError
from paths import REPO

# The kernel's .gitignore passes over names with a leading dot.
RECORD = '.lkmdemo-graft'
TEMPORARY = '.lkmdemo-graft.tmp'


class Record:
    """What a graft has written: whole files, lines in files, directories.

    files maps a path to the digests that its content may have, more than one
    only while a graft is under way. lines maps a path to the text inserted.
    """

    def __init__(self, tree):
        self.path = tree / RECORD
        self.files, self.lines, self.directories = {}, {}, []
        if self.path.exists():
            try:
                known = json.loads(self.path.read_text(encoding='utf-8'))
                self.files, self.lines = known['files'], known['lines']
                self.directories = known['directories']
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f'{self.path} is damaged ({error}): it says what was grafted, '
                                'restore it or start from a fresh tree') from None

    def save(self):
        text = json.dumps({'files': self.files, 'lines': self.lines,
                           'directories': self.directories}, indent=1, sort_keys=True)
        _write(self.path, text.encode() + b'\n')


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _read(path):
    """The content of a file, None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path, data, mode=0o644):
    """Put a file in place as a whole."""
    temporary = path.with_name(TEMPORARY)
    try:
        with open(temporary, 'wb') as out:
            out.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def upstream_files():
    """Map each path in the kernel to the file of the repository for it."""
    return {rules.RENAMED.get(name, name): REPO / name for name in checkout.files(*rules.UPSTREAM)}


def _maintainers_rule():
    patch = (REPO / 'MAINTAINERS.patch').read_text(encoding='utf-8')
    added = [line[1:] for line in patch.splitlines()
             if line.startswith('+') and not line.startswith('+++')]
    return rules.MAINTAINERS._replace(lines='\n'.join(added) + '\n')


def all_rules():
    """Every rule, with the text of each."""
    return (*rules.RULES, _maintainers_rule())


def _insertion_point(rule, text):
    """Where in a file's lines the rule's lines belong; None if nowhere."""
    lines = text.splitlines(keepends=True)
    found = [(i, match) for i, line in enumerate(lines)
             if (match := re.match(rule.among, line.rstrip('\n')))]
    if not found:
        return None
    if rule.place == rules.BEFORE:
        at = found[0][0]
    elif rule.place == rules.LAST:
        at = found[-1][0] + 1
    else:
        own = re.match(rule.among, rule.lines.splitlines()[0]).group(1)
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
    """The text of a file with the rule's lines in it."""
    if '\n' + rule.lines in '\n' + text:
        return text
    at = _insertion_point(rule, text)
    if at is None:
        raise UserError(f'{rule.path} has no line like "{rule.among}" beside which '
                        f'to put: {rule.lines.strip()}')
    return text[:at] + rule.lines + text[at:]


def _without(text, lines):
    """The text of a file without lines that were inserted; None if not there."""
    at = ('\n' + text).find('\n' + lines)
    return None if at < 0 else text[:at] + text[at + len(lines):]


# latin-1 maps every byte to a character and back.
def _decode(data):
    return data.decode('latin-1')


def _plan(tree, record, sources, wanted):
    """What grafting would write, without writing: files, and files with lines."""
    files, lines, conflicts = {}, {}, []
    for path, source in sources.items():
        new, old = source.read_bytes(), _read(tree / path)
        if old == new:
            continue
        if old is not None and _digest(old) not in record.files.get(path, ()):
            conflicts.append(path)
        files[path] = new
    if conflicts:
        raise UserError(f'{tree} has files of the driver with other contents, '
                        'which graft did not write:\n  ' + '\n  '.join(conflicts)
                        + '\nMove them away, or bring their changes into the repository.')
    for rule in wanted:
        old = _read(tree / rule.path)
        if old is None:
            raise UserError(f'{tree} has no {rule.path}: not the kernel tree that is needed')
        text = _decode(old)
        known = record.lines.get(rule.path)
        if known and known != rule.lines:
            text = _without(text, known) or text
        new = apply_rule(rule, text)
        if new != _decode(old):
            lines[rule.path] = (rule.lines, new.encode('latin-1'))
    return files, lines


def _gone(tree, record, sources):
    """Files that an earlier graft wrote and the repository no longer has."""
    for path in record.files:
        data = _read(tree / path)
        if path not in sources and data is not None and _digest(data) in record.files[path]:
            yield path


def _brought_back(tree, record, sources):
    """Files that were edited in the tree, the repository having the edit now."""
    for path, digests in record.files.items():
        if path in sources:
            data = _read(tree / path)
            if data == sources[path].read_bytes() and _digest(data) not in digests:
                yield path


def graft(tree, sources=None, wanted=None):
    """Put the driver into a tree; return how many of its files changed.

    sources, wanted: other files and rules than those of the repository.

    Files that are there already, with the right content, are left alone. Raises
    UserError, with nothing written, when a file is in the way.
    """
    record = Record(tree)
    sources = upstream_files() if sources is None else sources
    files, lines = _plan(tree, record, sources, all_rules() if wanted is None else wanted)
    gone = list(_gone(tree, record, sources))
    brought_back = list(_brought_back(tree, record, sources))
    if not files and not lines and not gone and not brought_back:
        return 0

    for path, data in files.items():
        record.files.setdefault(path, []).append(_digest(data))
        for parent in reversed(Path(path).parents):
            if not (tree / parent).exists() and str(parent) not in record.directories:
                record.directories.append(str(parent))
    for path, (inserted, _) in lines.items():
        record.lines[path] = inserted
    record.save()

    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        _write(tree / path, data, 0o755 if os.access(sources[path], os.X_OK) else 0o644)
        record.files[path] = [_digest(data)]
    for path, (_, data) in lines.items():
        _write(tree / path, data, (tree / path).stat().st_mode & 0o7777)
    for path in gone:
        (tree / path).unlink()
        del record.files[path]
    for path in brought_back:
        record.files[path] = [_digest(sources[path].read_bytes())]
    record.save()
    return len(files) + len(lines) + len(gone)


def ungraft(tree):
    """Take out of a tree what graft put there; return how many files changed.

    Raises UserError, with nothing changed, when a file was edited since.
    """
    record = Record(tree)
    edited = [path for path, digests in record.files.items()
              if (data := _read(tree / path)) is not None and _digest(data) not in digests]
    if edited:
        raise UserError('these files were changed since they were grafted, bring the changes '
                        'into the repository first:\n  ' + '\n  '.join(str(tree / p) for p in edited))

    changed = 0
    for path, inserted in record.lines.items():
        data = _read(tree / path)
        text = None if data is None else _without(_decode(data), inserted)
        if text is not None:
            _write(tree / path, text.encode('latin-1'), (tree / path).stat().st_mode & 0o7777)
            changed += 1
    for path in record.files:
        with contextlib.suppress(FileNotFoundError):
            (tree / path).unlink()
            changed += 1
    for directory in reversed(record.directories):
        # Not empty when the user, or a build, has put something there.
        with contextlib.suppress(OSError):
            (tree / directory).rmdir()
    record.path.unlink(missing_ok=True)
    return changed


def pristine(tree, path):
    """What a file that a rule changes is without the graft, as bytes."""
    data, lines = _read(tree / path), Record(tree).lines.get(path)
    if data is None:
        raise UserError(f'{tree} has no {path}: not the kernel tree that is needed')
    text = _without(_decode(data), lines) if lines else None
    return data if text is None else text.encode('latin-1')


def owned(tree):
    """The paths in a tree that graft wrote or changed, and its record."""
    record = Record(tree)
    have = [RECORD] if record.path.exists() else []
    return [*have, *record.files, *record.lines]


def refresh_originals(kdir, tree):
    """Bring the files that rules change up to date with the tree they are from."""
    for path, inserted in Record(tree).lines.items():
        new, old = _read(kdir / path), _read(tree / path)
        if new is not None and old != new \
           and (old is None or _without(_decode(old), inserted) != _decode(new)):
            _write(tree / path, new)
