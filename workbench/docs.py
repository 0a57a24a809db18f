# SPDX-License-Identifier: GPL-2.0-only
"""The manual as HTML, through the tree's own htmldocs."""

import re
import shutil

from console import UserError
from paths import WORKBENCH, build_root
from process import run_logged

PAGES = 'lkmdemo'
STYLE = WORKBENCH / 'docs.css'


def build(tree):
    """Build the manual; return its first page and the log."""
    for program, package in (('sphinx-build', 'python3-sphinx'), ('dot', 'graphviz')):
        if not shutil.which(program):
            raise UserError(f'{program} is not installed: apt-get install {package}')
    out = build_root() / f'docs-{tree.name}'
    # Sphinx repeats no warning about a page that it has built before.
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    log = build_root() / f'docs-{tree.name}.log'
    # DOCS_CSS would link the style by its path here, and the pages may be moved.
    run_logged(['make', '-C', tree, f'O={out}', 'ARCH=um', f'SPHINXDIRS={PAGES}',
                f'SPHINXOPTS=-D html_css_files={STYLE.name}', 'htmldocs'], log, 'building the manual')
    page = out / f'Documentation/output/{PAGES}/index.html'
    if not page.exists():
        raise UserError(f'htmldocs has left no {page}; log: {log}')
    shutil.copy(STYLE, page.parent / '_static')
    return page, log


def warnings(tree, log):
    """What was said about our own pages; the rest of the tree is read, too."""
    lines = log.read_text(encoding='utf-8', errors='replace').replace(f'{tree}/', '').splitlines()
    return [line for line in lines
            if re.search(r'WARNING|ERROR|CRITICAL', line) and 'lkmdemo' in line]
