# SPDX-License-Identifier: GPL-2.0-only
"""Add links to the HTML manual: from names of files and tests to pages with the sources.

htmldocs creates links to other pages only. A path becomes a link to a page that shows the
file, and the name of a test, in the form of the results, a link to its line.
"""

import functools
import html
import os
import re
from pathlib import Path

# Names of tests start with a lower-case letter; names in upper case are placeholders.
_TEST = re.compile(r'(KUnit|kselftest|debugger) ([a-z][\w.]*?)(?:: |\.(?=\w+$))([\w.*]+)')
_LITERAL = re.compile(r'<code class="docutils literal notranslate">(.*?)</code>', re.DOTALL)
_SPECIFICATION = re.compile(r'\.\./netlink/specs/([\w-]+)\.rst')

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title><link rel="stylesheet" href="{style}"></head>
<body class="source"><h1>{name}</h1><pre>{lines}</pre></body></html>
"""


class Sources:
    """The files that a manual may name; names: their paths relative to root."""

    def __init__(self, root: Path, names: list[str]):
        self.root = root
        self.names = names
        self.directories = {str(parent) for name in names for parent in Path(name).parents}

    @functools.cache
    def text(self, name: str) -> str:
        """Return the text of a file, or the list of the files of a directory."""
        if name in self.directories:
            return '\n'.join(other for other in self.names if other.startswith(name + '/'))
        return (self.root / name).read_text(encoding='utf-8', errors='replace')

    def find(self, literal: str) -> tuple[str, int] | None:
        """Return the file and the line that a literal names, None if it names none.

        Line 0 is the whole file. Raise LookupError for a test that no source contains.
        """
        path = literal.rstrip('/')
        if path in self.names or '/' in path and path in self.directories:
            return path, 0
        test = _TEST.fullmatch(literal)
        return self._test(*test.groups()) if test else None

    def _test(self, kind: str, program: str, case: str) -> tuple[str, int]:
        if kind == 'KUnit':
            files = [name for name in self.names
                     if name.endswith('.c') and f'.name = "{program}"' in self.text(name)]
        else:
            files = [name for name in self.names if Path(name).name in (program, f'{program}.c')
                     and (kind == 'debugger' or 'selftests' in Path(name).parts)]
        if not files:
            raise LookupError(f'no source contains the tests of {program}')
        if kind == 'debugger':
            return files[0], 0
        # The case is the last part of the name, behind the fixture and the variant.
        word = re.compile(rf'\b{re.escape(case.rpartition(".")[2])}\b')
        for name in files:
            for number, line in enumerate(self.text(name).splitlines(), 1):
                if word.search(line):
                    return name, number
        raise LookupError(f'{files[0]} has no test {case}')


def _breakable(code: str) -> str:
    """Allow line breaks in the long names of a literal, for narrow screens."""
    return re.sub(r'[/_](?=[^<>]*</span>)', r'\g<0><wbr>', code)


def _source_page(sources: Sources, name: str, path: Path, style: Path):
    """Write the page that shows a file."""
    lines = (f'<span id="L{number}">{html.escape(line)}</span>'
             for number, line in enumerate(sources.text(name).splitlines(), 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PAGE.format(name=html.escape(name), lines='\n'.join(lines),
                                 style=os.path.relpath(style, path.parent)), encoding='utf-8')


def link(manual: Path, sources: Sources, style: Path, only: str = '') -> list[str]:
    """Add the links to the pages of a manual; return a message for each test that no source contains.

    style: the path of the style sheet for the pages with sources. only: the only page to
    change, all if empty.
    """
    problems, linked = [], {}
    for page in [manual / only] if only else sorted(manual.rglob('*.html')):
        def literal(match, page=page):
            text = html.unescape(re.sub(r'<[^>]*>', '', match[1]))
            try:
                found = sources.find(' '.join(text.split()))
            except LookupError as error:
                problems.append(f'{page.relative_to(manual)}: {error}')
                found = None
            code = _breakable(match[0])
            if not found:
                return code
            name, line = found
            linked[name] = manual / 'source' / f'{name}.html'
            href = os.path.relpath(linked[name], page.parent) + (f'#L{line}' if line else '')
            return f'<a class="reference internal" href="{href}">{code}</a>'

        def specification(match, page=page):
            target = manual.parent / f'netlink/specs/{match[1]}.html'
            if not target.exists():
                return match[0]
            href = os.path.relpath(target, page.parent)
            return f'<a class="reference internal" href="{href}">{match[1]} netlink specification</a>'

        text = page.read_text(encoding='utf-8')
        page.write_text(_SPECIFICATION.sub(specification, _LITERAL.sub(literal, text)),
                        encoding='utf-8')
    for name, path in linked.items():
        _source_page(sources, name, path, style)
    return problems
