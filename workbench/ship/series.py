# SPDX-License-Identifier: GPL-2.0-only
"""Create the patch series from the files and lines of a graft.

The files below series/ describe which patch adds which files and parts of files. The
state of a file after a patch is its final text without the parts of later patches, so
that the last state is equal to the graft. It is an error if a description names a missing
part, or if no description contains a file.
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

# The directory of the descriptions in the folder of an overlay, and the file of the
# cover letter in it.
DESCRIPTIONS = 'series'
COVER = 'cover'


class Patch(NamedTuple):
    """The description of a patch.

    content: maps each path, or pattern of paths, to the parts of the file that the patch
    adds, see _span(); no parts are the whole file. A part may end with " <- " and the
    text that it replaces.
    """
    name: str
    message: str
    content: dict


def parse(name, text):
    """Return the patch that a text describes."""
    message, separator, rest = text.partition('\n---\n')
    if not separator:
        raise UserError(f'series/{name} has no line "---" after its message')
    content: dict[str, list[str]] = {}
    parts = None
    for line in rest.splitlines():
        if line.startswith('\t'):
            if parts is None:
                raise UserError(f'series/{name}: no file is named before "{line.strip()}"')
            parts.append(line[1:])
        elif line and not line.startswith('#'):
            parts = content.setdefault(line, [])
    return Patch(name, message.strip() + '\n', content)


def descriptions(overlay: Overlay) -> list[Patch]:
    """Return the patches of an overlay in their order."""
    directory = overlay.in_folder(DESCRIPTIONS, 'descriptions of the patches of its series')
    return [parse(path.name, path.read_text(encoding='utf-8'))
            for path in sorted(directory.glob('[0-9]*'))]


def _code(line):
    """Return a line of C without strings, characters and comments, which may contain brackets."""
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|/\*.*?\*/', '', line)


def _end_in_c(lines, i):
    """Return the index behind the definition, statement or comment line that begins in line i."""
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
    """Return the index behind line i and the lines that are indented below it."""
    depth = len(lines[i]) - len(lines[i].lstrip())
    end = i + 1
    for n, line in enumerate(lines[i + 1:], i + 2):
        if line.strip():
            if len(line) - len(line.lstrip()) <= depth:
                break
            end = n
    return end


def _unit(path, lines, i):
    """Return the first index and the end of the unit that begins in line i, with the comment above it."""
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
    """Return the index of the only line that matches, and the match; raise UserError otherwise."""
    begin, end = within
    found = [(i, match) for i, line in enumerate(lines[:end])
             if i >= begin and (match := re.search(pattern, line.rstrip('\n')))]
    if len(found) != 1:
        raise UserError(f'"{pattern}" matches {len(found)} lines of {path}, not one')
    return found[0]


def _span(path, text, part):
    """Return the first offset and the end of the text that a part describes.

    A part is a regular expression that matches a single line. It describes the definition,
    statement or comment that begins in that line; with a suffix " ...", the text up to the
    next empty line; with a group, only the text of the group. A prefix "NAME: " restricts
    the search to the definition of NAME.
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
    """Return a text without superfluous empty lines, which the removal of parts leaves."""
    text = re.sub(r'\n{3,}', '\n\n', text)
    text = re.sub(r'\{\n\n', '{\n', text)
    text = re.sub(r'\n\n(\t*\})', r'\n\1', text)
    return text.rstrip('\n') + '\n'


def _first_owners(texts, patches):
    """Map each path to the number of the patch that adds the file."""
    owners: dict[str, int] = {}
    for n, patch in enumerate(patches):
        for pattern, parts in patch.content.items():
            paths = [path for path in texts
                     if path == pattern or not parts and fnmatch.fnmatch(path, pattern)]
            if not paths:
                raise UserError(f'series/{patch.name}: no file of the overlay matches {pattern}')
            for path in () if parts else paths:
                if path in owners:
                    raise UserError(f'series/{patch.name}: {patches[owners[path]].name} '
                                    f'already contains {path}')
                owners[path] = n
    missing = [path for path in texts if path not in owners]
    if missing:
        raise UserError('no patch of the series contains:\n  ' + '\n  '.join(missing))
    return owners


class Text:
    """A final text, and the number of the patch that adds each of its characters.

    replaced: the offsets, ranges of patches and texts that parts of later patches replace.
    """

    def __init__(self, path, text, owner):
        self.path, self.text = path, text
        self.owners = [owner] * len(text)
        self.replaced = []

    def assign(self, n, part):
        """Assign a part of the text to patch n."""
        part, _, old = part.partition(' <- ')
        begin, end = _span(self.path, self.text, part)
        owner = self.owners[begin]
        if n <= owner:
            raise UserError(f'the same or a later patch already contains "{part}" of {self.path}')
        self.replaced.append((begin, range(owner, n), old))
        self.owners[begin:end] = [max(n, owner) for owner in self.owners[begin:end]]

    def state(self, n):
        """Return the text after patch n, '' before the first patch that adds some of it."""
        previous = {at: old for at, during, old in self.replaced if n in during}
        text = ''.join(previous.get(at, '') + (c if owner <= n else '')
                       for at, (c, owner) in enumerate(zip(self.text, self.owners)))
        return _tidy(text) if text and _tidy(self.text) == self.text else text


def split(texts, patches):
    """Return the states of every text: for each path, a list of the texts after each patch.

    texts: maps each path to its final text. A state is '' before the text exists. Raise
    UserError for a text that no patch contains, and for a description of a missing part.
    """
    owners = _first_owners(texts, patches)
    final = {path: Text(path, text, owners[path]) for path, text in texts.items()}
    for n, patch in enumerate(patches):
        for path, parts in patch.content.items():
            for part in parts:
                try:
                    final[path].assign(n, part)
                except (UserError, re.error) as error:
                    raise UserError(f'series/{patch.name}: {error}') from None
    return {path: [text.state(n) for n in range(len(patches))] for path, text in final.items()}


class Series:
    """The states of the files of a kernel tree, from the pristine tree to the graft."""

    def __init__(self, tree, overlay):
        """Compute the states; tree: provides the files to which the overlay adds lines, grafted or not."""
        self.patches = descriptions(overlay)
        self.sources = overlay.files
        self.rules = {rule.path: rule for rule in placement.rules(overlay)}
        texts = {path: file.read_bytes().decode('latin-1') for path, file in self.sources.items()}
        texts.update((path, rule.lines) for path, rule in self.rules.items())
        self.states = split(texts, self.patches)
        self.pristine = {path: graft.pristine(tree, path, overlay) for path in self.rules}

    def content(self, n):
        """Map each path to its content after patch n as bytes, None before the file exists."""
        files = {path: states[n].encode('latin-1') or None for path, states in self.states.items()
                 if path in self.sources}
        for path, rule in self.rules.items():
            text, lines = self.pristine[path].decode('latin-1'), self.states[path][n]
            if lines:
                text = graft.apply_rule(rule._replace(lines=lines), text)
            files[path] = text.encode('latin-1')
        return files

    def mode(self, path):
        """Return the permissions of a file."""
        return 0o755 if path in self.sources and os.access(self.sources[path], os.X_OK) else 0o644


def write_tree(directory, files, mode=lambda path: 0o644):
    """Write files into a directory; remove those whose content is None."""
    for path, data in files.items():
        file = directory / path
        if data is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode(path))


# The author of patches that are only checked.
PLACEHOLDER = ('The workbench', 'workbench@example.org')


class Repository(git.Repository):
    """A git repository for the files of the series."""

    def __init__(self, directory, author=PLACEHOLDER):
        super().__init__(directory, author)

    def commit(self, files, message, mode=lambda path: 0o644, *options):
        """Write files as write_tree() does, and commit them; options: those of git commit."""
        write_tree(self.directory, files, mode)
        self.git('add', '-A')
        self.git('commit', '-q', *options, '-m', message)

    def apply(self, patches, *options):
        """Apply patches with git am; subjects keep their text in brackets. options: further ones of git am."""
        self.git('am', '-q', '--keep-cr', '--keep-non-patch', *options, *patches)

    def messages(self):
        """Return the messages of all commits after the pristine one, in their order."""
        return self.git('log', '-z', '--reverse', '--format=%B', 'pristine..').rstrip('\0').split('\0')

    def files(self):
        """Map each committed path to its mode and content."""
        found = {}
        for line in self.git('ls-files', '-s').splitlines():
            mode, _, _, path = re.split(r'[ \t]', line, maxsplit=3)
            found[path] = int(mode, 8) & 0o777, (self.directory / path).read_bytes()
        return found


def difference(series, repository, n):
    """Return the paths at which a repository differs from the series after patch n."""
    expected = {path: (series.mode(path), data) for path, data in series.content(n).items() if data}
    actual = repository.files()
    return sorted(path for path in {*expected, *actual} if expected.get(path) != actual.get(path))


# The file names of git format-patch: the version, the number, and an arbitrary text
# from the subject.
_NAME = re.compile(r'(?:v(\d+)-)?(\d{4,})-.*\.patch', re.DOTALL)


def numbered(directory, version=None):
    """Map the numbers of the patches of a version to their paths in a directory; 0 is the cover letter."""
    found = {}
    for path in directory.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and match[1] == (version and str(version)):
            found[int(match[2])] = path
    return dict(sorted(found.items()))


def without_cover(patches):
    """Return the paths of numbered() in their order, without the cover letter."""
    return [path for number, path in patches.items() if number]


def _check_messages(series, repository, applied):
    """Raise UserError for a message that git format-patch and git am change."""
    for patch, original, result in zip(series.patches, repository.messages(), applied.messages(), strict=True):
        if result != original:
            raise UserError(f'series/{patch.name}: git am would change this message to:\n'
                            + textwrap.indent(result.strip(), '  '))


def write_patches(series, directory, version=None, author=PLACEHOLDER, cover=None, previous=()):
    """Write the patches into a directory, with git format-patch; return their paths.

    version: the number of the version, if there is one. author: a name and an address.
    cover: the text of the cover letter, which starts with its subject. previous: the
    patches of the previous version, for a range-diff in the cover letter. Raise UserError
    if the result of git am differs from the graft.
    """
    options = [f'-v{version}'] if version else []
    with tempfile.TemporaryDirectory(prefix='workbench-series-') as scratch:
        repository = Repository(Path(scratch) / 'created', author)
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
                raise UserError(f'series/{patch.name} changes no file')
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
        differing = difference(series, applied, -1)
        if differing:
            raise UserError('the result of the patches differs from the graft in:\n  '
                            + '\n  '.join(differing))
        _check_messages(series, repository, applied)
    return patches


def _figures(present, subject):
    """Return the paragraphs of the cover letter about the test runs; raise UserError unless all of them passed."""
    runs = evidence.tests(present, subject)
    if not runs:
        raise UserError('the cover letter requires the numbers of a test run with the present sources: '
                        'run make test first')
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
    """Return the text of the cover letter, which starts with its subject.

    text: the content of the file, with fields in braces. present: the result of
    evidence.digests(). Paragraphs that begin with {lint} are left out unless make lint has
    passed with the present sources.
    """
    checked = evidence.lint_passed(present)
    text = '\n\n'.join(paragraph for paragraph in text.split('\n\n')
                       if checked or not paragraph.startswith('{lint}'))
    fields = {'lint': '', 'tests': _figures(present, subject), 'release': release}
    return re.sub('{(' + '|'.join(fields) + ')}', lambda match: fields[match[1]], text)


def create(tree, subject: Subject, version: int):
    """Create a version of the series with a cover letter in build/series; return the paths."""
    overlay = subject.main
    directory = build_root() / 'series'
    directory.mkdir(exist_ok=True)
    previous = []
    if version > 1:
        before = version - 1
        previous = without_cover(numbered(directory, before))
        if not previous:
            raise UserError(f'V={version} requires the patches of v{before} for a comparison, and there is '
                            f'no {directory}/v{before}-*.patch')
    author = git.identity(overlay.root, 'which the patches require')
    cover = cover_letter((overlay.folder / DESCRIPTIONS / COVER).read_text(encoding='utf-8'),
                         evidence.digests(tree, subject), source.release(tree), subject)
    with tempfile.TemporaryDirectory(prefix='.new-', dir=directory) as fresh:
        write_patches(Series(tree, overlay), Path(fresh), version, author=author, cover=cover, previous=previous)
        for old in numbered(directory, version).values():
            old.unlink()
        created = []
        for path in numbered(Path(fresh), version).values():
            created.append(directory / path.name)
            os.replace(path, created[-1])
    return created
