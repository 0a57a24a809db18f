# SPDX-License-Identifier: GPL-2.0-only
"""Show, on the pages of the pitfalls, the patches that make the mistakes and what the tests print.

Below the list of tests of a pitfall is a block for each patch in that list, between two
comments. The output is that of make mistakes: this command copies it from build/mistakes/.
"""

import os
import re
import shutil
from pathlib import Path

from host.console import say
from host.paths import build_root

REPO = Path(__file__).resolve().parents[1]
MISTAKES = REPO / 'overlay/mistakes'
PAGES = REPO / 'Documentation/lkmdemo/pitfalls'

# The number of failed tests that a page shows, and the length of their output.
SHOWN, WIDTH = 2, 300

_NAMED = re.compile(r'(?:^\| .*\n)+', re.M)
_BLOCK = re.compile(r'\n\.\. The patch .*?\.\. End of the patch\n', re.S)


def _indented(lines: list[str]) -> str:
    return ''.join(f'   {line}'.rstrip() + '\n' for line in lines)


def block(name: str) -> str:
    """Return the block for a patch and its output, '' without a recorded output."""
    output = MISTAKES / f'{name}.out'
    if not output.exists():
        return ''
    patch = (MISTAKES / f'{name}.patch').read_text(encoding='utf-8')
    lines = output.read_text(encoding='utf-8').splitlines()
    starts = [number for number, line in enumerate(lines) if not line.startswith('    ')]
    end = starts[SHOWN] if len(starts) > SHOWN else len(lines)
    shown = [line if len(line) <= WIDTH else f'{line[:WIDTH]} ...' for line in lines[:end]]
    more = len(starts) - SHOWN
    return (f'\n.. The patch {name}\n\n.. code-block:: diff\n\n'
            + _indented(patch[patch.index('\n--- a/') + 1:].splitlines())
            + '\n.. code-block:: none\n\n' + _indented(shown + ([f'and {more} more tests'] if more > 0 else []))
            + '\n.. End of the patch\n')


def with_blocks(text: str) -> str:
    """Return the text of a page with the present blocks."""
    def add(match: re.Match) -> str:
        return match[0] + ''.join(map(block, re.findall(r'``overlay/mistakes/([^`]+)\.patch``', match[0])))

    return _NAMED.sub(add, _BLOCK.sub('', text))


def run(_subject, _options) -> int:
    """Copy the recorded output of the mistakes that the pages name, and update the pages."""
    for page in sorted(PAGES.glob('*.rst')):
        text = page.read_text(encoding='utf-8')
        for name in re.findall(r'``overlay/mistakes/([^`]+)\.patch``', text):
            recorded = build_root() / 'mistakes' / f'{name}.out'
            if recorded.exists():
                shutil.copy(recorded, MISTAKES)
        updated = with_blocks(text)
        if updated != text:
            part = page.with_name(f'{page.name}.part')
            part.write_text(updated, encoding='utf-8')
            os.replace(part, page)
            say(f'{page}: updated')
    return 0
