# SPDX-License-Identifier: GPL-2.0-only
"""Cut the patch series from what graft would put into a kernel tree.

The files under series/ say which patch brings what. The state of a file after a
patch is its final text without what later patches take, so that the last state
is the graft by construction; whatever is taken must be there, and everything
that is there must be taken, else nothing is cut.
"""

import fnmatch
import os
import re
import tempfile
import textwrap
from pathlib import Path
from typing import NamedTuple

from host import git
from host.console import UserError
from host.paths import build_root
from kernel import source
from subject import graft, placement
from subject.overlay import Overlay
from subject.subject import Subject
from verdict import evidence

# In the folder of an overlay.
DESCRIPTIONS = 'series'
COVER = 'cover'


class Patch(NamedTuple):
    """A patch as it is described: its message, and what it takes.

    takes maps a path, or a pattern of paths, to the parts of that file that the
    patch brings, regular expressions; to none when it brings the file itself. A
    part may end in " <- " and what stood there before.
    """
    name: str
    message: str
    takes: dict


def parse(name, text):
    """Read the description of a patch."""
    message, separator, rest = text.partition('\n---\n')
    if not separator:
        raise UserError(f'series/{name} has no line "---" behind its message')
    takes: dict[str, list[str]] = {}
    parts = None
    for line in rest.splitlines():
        if line.startswith('\t'):
            if parts is None:
                raise UserError(f'series/{name}: no file is named before "{line.strip()}"')
            parts.append(line[1:])
        elif line and not line.startswith('#'):
            parts = takes.setdefault(line, [])
    return Patch(name, message.strip() + '\n', takes)


def descriptions(overlay: Overlay) -> list[Patch]:
    """Return the patches of an overlay, in their order."""
    directory = overlay.in_folder(DESCRIPTIONS, 'descriptions of the patches of its series')
    return [parse(path.name, path.read_text(encoding='utf-8'))
            for path in sorted(directory.glob('[0-9]*'))]


def _code(line):
    """A line of C without what brackets do not count in."""
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|/\*.*?\*/', '', line)


def _end_in_c(lines, i):
    """The line behind the definition, statement or comment line that begins in line i."""
    if re.match(r'#if', lines[i]):
        depth = 0
        for end, line in enumerate(lines[i:], i + 1):
            depth += bool(re.match(r'#if', line)) - bool(re.match(r'#endif', line))
            if not depth:
                return end
    end = i + 1
    if re.match(r' \* ', lines[i]):
        while end < len(lines) and re.match(r' \*(\t|  )', lines[end]):
            end += 1
        return end
    code = _code(lines[i])
    while end < len(lines):
        opened = sum(map(code.count, '([{')) - sum(map(code.count, ')]}'))
        if opened <= 0 and not code.rstrip().endswith(('=', '\\')) and lines[end].rstrip() != '{':
            break
        code += _code(lines[end])
        end += 1
    return end


def _end_elsewhere(lines, i):
    """The line behind line i and those that are indented below it."""
    depth = len(lines[i]) - len(lines[i].lstrip())
    end = i + 1
    for n, line in enumerate(lines[i + 1:], i + 2):
        if line.strip():
            if len(line) - len(line.lstrip()) <= depth:
                break
            end = n
    return end


def _unit(path, lines, i):
    """The lines, from and to, of what begins in line i, with the comment above it."""
    if not path.endswith(('.c', '.h')):
        return i, _end_elsewhere(lines, i)
    end = _end_in_c(lines, i)
    begin = i
    if not lines[i].startswith('#include') and i and lines[i - 1].rstrip().endswith('*/'):
        begin = next((n for n in range(i - 1, -1, -1) if '/*' in lines[n]), i)
        if not lines[begin].lstrip().startswith('/*'):
            begin = i
    return begin, end


def _only(path, lines, pattern, within=(0, None)):
    """The number of the only line that matches, and the match."""
    begin, end = within
    found = [(i, match) for i, line in enumerate(lines[:end])
             if i >= begin and (match := re.search(pattern, line.rstrip('\n')))]
    if len(found) != 1:
        raise UserError(f'"{pattern}" matches {len(found)} lines of {path}, not one')
    return found[0]


def _span(path, text, part):
    """The characters of a file, from and to, that a part is about.

    A part is a regular expression that matches one line, and stands for what
    begins there, " ..." behind it for all up to an empty line; with a group it
    stands for the text of the group alone. Behind "NAME: " it is looked for in
    the definition of NAME.
    """
    lines = text.splitlines(keepends=True)
    within = 0, None
    scope = re.match(r'(\w+): (.*)', part)
    if scope:
        within = _unit(path, lines, _only(path, lines, rf'^\w.*\b{scope.group(1)}\b[^;]*$')[0])
        part = scope.group(2)
    pattern = part.removesuffix(' ...')
    i, match = _only(path, lines, pattern, within)
    offset = [0]
    for line in lines:
        offset.append(offset[-1] + len(line))
    if match.re.groups:
        return tuple(offset[i] + at for at in match.span(1))
    begin, end = _unit(path, lines, i)
    while pattern != part and end < len(lines) and lines[end].strip():
        end += 1
    return offset[begin], offset[end]


def _tidy(text):
    """A text without the gaps that taking things out of it leaves."""
    text = re.sub(r'\n{3,}', '\n\n', text)
    text = re.sub(r'\{\n\n', '{\n', text)
    text = re.sub(r'\n\n(\t*\})', r'\n\1', text)
    return text.rstrip('\n') + '\n'


def _first_owners(texts, patches):
    """Map each path to the number of the patch that brings the file."""
    owners: dict[str, int] = {}
    for n, patch in enumerate(patches):
        for pattern, parts in patch.takes.items():
            paths = [path for path in texts
                     if path == pattern or not parts and fnmatch.fnmatch(path, pattern)]
            if not paths:
                raise UserError(f'series/{patch.name}: there is no {pattern}')
            for path in () if parts else paths:
                if path in owners:
                    raise UserError(f'series/{patch.name}: {path} '
                                    f'is in {patches[owners[path]].name} already')
                owners[path] = n
    lost = [path for path in texts if path not in owners]
    if lost:
        raise UserError('no patch of the series takes:\n  ' + '\n  '.join(lost))
    return owners


class Text:
    """A final text, and which patch brings each character of it."""

    def __init__(self, path, text, owner):
        self.path, self.text = path, text
        self.owners = [owner] * len(text)
        self.before = []

    def take(self, n, part):
        """Let patch n bring a part of it."""
        part, _, was = part.partition(' <- ')
        begin, end = _span(self.path, self.text, part)
        owner = self.owners[begin]
        if n <= owner:
            raise UserError(f'"{part}" of {self.path} is taken already')
        self.before.append((begin, range(owner, n), was))
        self.owners[begin:end] = [max(n, owner) for owner in self.owners[begin:end]]

    def state(self, n):
        """The text after patch n, '' when it is not there yet."""
        was = {at: old for at, during, old in self.before if n in during}
        kept = ''.join(was.get(at, '') + (c if owner <= n else '')
                       for at, (c, owner) in enumerate(zip(self.text, self.owners)))
        return _tidy(kept) if kept and _tidy(self.text) == self.text else kept


def split(texts, patches):
    """Return the states of every text: for each path, the text after each patch.

    texts maps a path to its final text. A state is '' before the text exists.
    Raises UserError for a text that no patch brings, and for a description that
    brings what is not there.
    """
    owners = _first_owners(texts, patches)
    whole = {path: Text(path, text, owners[path]) for path, text in texts.items()}
    for n, patch in enumerate(patches):
        for path, parts in patch.takes.items():
            for part in parts:
                try:
                    whole[path].take(n, part)
                except (UserError, re.error) as error:
                    raise UserError(f'series/{patch.name}: {error}') from None
    return {path: [text.state(n) for n in range(len(patches))] for path, text in whole.items()}


class Series:
    """The states of a kernel tree's files, from the pristine ones to the graft."""

    def __init__(self, tree, overlay):
        """tree: a kernel tree, grafted or not, for the lines around those of the overlay."""
        self.patches = descriptions(overlay)
        self.sources = overlay.files
        self.rules = {rule.path: rule for rule in placement.rules(overlay)}
        texts = {path: file.read_bytes().decode('latin-1') for path, file in self.sources.items()}
        texts.update((path, rule.lines) for path, rule in self.rules.items())
        self.states = split(texts, self.patches)
        self.pristine = {path: graft.pristine(tree, path, overlay) for path in self.rules}

    def content(self, n):
        """Map each path to its bytes after patch n, or None when it is not there."""
        files = {path: states[n].encode('latin-1') or None for path, states in self.states.items()
                 if path in self.sources}
        for path, rule in self.rules.items():
            text, lines = self.pristine[path].decode('latin-1'), self.states[path][n]
            if lines:
                text = graft.apply_rule(rule._replace(lines=lines), text)
            files[path] = text.encode('latin-1')
        return files

    def mode(self, path):
        """The permissions of a file."""
        return 0o755 if path in self.sources and os.access(self.sources[path], os.X_OK) else 0o644


def write_tree(directory, files, mode=lambda path: 0o644):
    """Write files into a directory; those without a content are not to be there."""
    for path, data in files.items():
        file = directory / path
        if data is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode(path))


def identity(root: Path):
    """Return the name and the address that git is configured with in a repository."""
    values = []
    for key in ('user.name', 'user.email'):
        value = git.read(root, 'config', key).stdout.decode(errors='replace').strip()
        if not value:
            raise UserError(f'git has no {key}, and patches are from somebody: '
                            f"git config --global {key} '...'")
        values.append(value)
    return values


# The author of patches that are created to be checked, and sent to nobody.
NOBODY = ('The workbench', 'workbench@example.org')


class Repository(git.Repository):
    """A git repository of the files that the series touches, and no others."""

    def __init__(self, directory, author=NOBODY):
        super().__init__(directory, author)

    def commit(self, files, message, mode=lambda path: 0o644, *options):
        """Commit files as they are given."""
        write_tree(self.directory, files, mode)
        self.git('add', '-A')
        self.git('commit', '-q', *options, '-m', message)

    def apply(self, patches):
        """Apply patches with git am, whose subjects keep what stands in brackets."""
        self.git('am', '-q', '--keep-cr', '--keep-non-patch', *patches)

    def messages(self):
        """The message of each commit but the first, in their order."""
        return self.git('log', '-z', '--reverse', '--format=%B', 'pristine..').rstrip('\0').split('\0')

    def files(self):
        """Map each path that is committed to its content and mode."""
        found = {}
        for line in self.git('ls-files', '-s').splitlines():
            mode, _, _, path = re.split(r'[ \t]', line, maxsplit=3)
            found[path] = int(mode, 8) & 0o777, (self.directory / path).read_bytes()
        return found


def difference(series, repository, n):
    """The paths at which a repository is not what the tree is after patch n."""
    wanted = {path: (series.mode(path), data) for path, data in series.content(n).items() if data}
    have = repository.files()
    return sorted(path for path in {*wanted, *have} if wanted.get(path) != have.get(path))


# What git format-patch names a file: the version, the number, and what it makes of
# the subject, which may look like anything.
_NAME = re.compile(r'(?:v(\d+)-)?(\d{4,})-.*\.patch', re.DOTALL)


def numbered(directory, version=None):
    """Map numbers to the patches of a version in a directory; 0 is the cover letter."""
    found = {}
    for path in directory.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and match[1] == (version and str(version)):
            found[int(match[2])] = path
    return dict(sorted(found.items()))


def without_cover(patches):
    """Those of numbered() that are patches, in their order."""
    return [path for number, path in patches.items() if number]


def _check_messages(series, repository, applied):
    """Raise UserError for a message that does not survive git format-patch and git am."""
    for patch, was, came in zip(series.patches, repository.messages(), applied.messages(), strict=True):
        if came != was:
            raise UserError(f'series/{patch.name}: git am would change this message to:\n'
                            + textwrap.indent(came.strip(), '  '))


def cut(series, directory, version=None, author=NOBODY, cover=None, previous=()):
    """Write the patches into a directory, with git format-patch; return their paths.

    version: its number, if it has one. author: a name and an address. cover: the
    text of the cover letter, its subject first. previous: the patches of the
    version before, to show there what has changed. What is cut is applied again,
    and what comes out compared with the graft.
    """
    options = [f'-v{version}'] if version else []
    with tempfile.TemporaryDirectory(prefix='workbench-series-') as scratch:
        repository = Repository(Path(scratch) / 'cut', author)
        repository.commit(series.pristine, 'pristine')
        repository.git('tag', 'pristine')
        if previous:
            repository.apply(previous)
            repository.git('tag', 'previous')
            repository.git('reset', '-q', '--hard', 'pristine')
            options.append('--range-diff=pristine..previous')
        for n, patch in enumerate(series.patches):
            before = series.content(n - 1) if n else series.pristine
            changes = {path: data for path, data in series.content(n).items()
                       if data != before.get(path)}
            if not changes:
                raise UserError(f'series/{patch.name} changes nothing')
            repository.commit(changes, patch.message, series.mode, '-s')
        if cover:
            repository.git('config', 'branch.base.description', cover)
            options += ['--cover-letter', '--cover-from-description=subject']
        repository.git('format-patch', '-q', '--zero-commit', '-o', directory, *options,
                       'pristine..')
        patches = without_cover(numbered(directory, version))

        applied = Repository(Path(scratch) / 'applied')
        applied.commit(series.pristine, 'pristine')
        applied.git('tag', 'pristine')
        applied.apply(patches)
        wrong = difference(series, applied, -1)
        if wrong:
            raise UserError('the patches, applied, are not what graft makes of:\n  '
                            + '\n  '.join(wrong))
        _check_messages(series, repository, applied)
    return patches


def _figures(present, subject):
    """The lines of the cover letter that say which tests have passed, and where."""
    runs = evidence.tests(present, subject)
    if not runs:
        raise UserError('the cover letter has the figures of the last test run, and there is '
                        'none that holds: run make test first')
    lines = []
    for run in runs:
        if run['failed'] or not run['passed']:
            raise UserError(f"the last test run, {run['date']} on {run['kernel']}, had failures: "
                            'fix them first')
        lines.append(f"  Linux {run['release']}, {run['kernel']}, {run['date']}: {run['kunit']} "
                     f"KUnit\n  and {run['kselftest']} kselftest cases passed, none failed, "
                     f"{run['skipped']} skipped\n")
    return '\n'.join(lines)


def cover_letter(text, present, release, subject):
    """The text of the cover letter, its subject first.

    text: that of the file, with fields in braces. present: what evidence.digests()
    says. A paragraph that begins with {lint} is left out unless make lint has
    confirmed it of just this.
    """
    checked = evidence.lint_passed(present)
    text = '\n\n'.join(paragraph for paragraph in text.split('\n\n')
                       if checked or not paragraph.startswith('{lint}'))
    fields = {'lint': '', 'tests': _figures(present, subject), 'release': release}
    return re.sub('{(' + '|'.join(fields) + ')}', lambda match: fields[match[1]], text)


def make(tree, subject: Subject, version: int):
    """Create a version of the series, with its cover letter, in build/series."""
    overlay = subject.main
    directory = build_root() / 'series'
    directory.mkdir(exist_ok=True)
    previous = []
    if version > 1:
        before = version - 1
        previous = without_cover(numbered(directory, before))
        if not previous:
            raise UserError(f'V={version} shows what has changed since v{before}, and there is '
                            f'no {directory}/v{before}-*.patch')
    author = identity(overlay.root)
    cover = cover_letter((overlay.folder / DESCRIPTIONS / COVER).read_text(encoding='utf-8'),
                         evidence.digests(tree, subject), source.release(tree), subject)
    with tempfile.TemporaryDirectory(prefix='.new-', dir=directory) as fresh:
        cut(Series(tree, overlay), Path(fresh), version, author=author, cover=cover, previous=previous)
        for old in numbered(directory, version).values():
            old.unlink()
        made = []
        for path in numbered(Path(fresh), version).values():
            made.append(directory / path.name)
            os.replace(path, made[-1])
    return made
