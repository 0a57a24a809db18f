# SPDX-License-Identifier: GPL-2.0-only
"""The manual as HTML, through the tree's own htmldocs."""

import re
import shutil

from host import checkout
from host.console import UserError
from host.paths import REPO, WORKBENCH, build_root
from host.process import run_logged
from ship import doclinks

PAGES = 'lkmdemo'
SPECIFICATIONS = 'netlink/specs'
STYLE = WORKBENCH / 'ship/docs.css'


def _options(tree):
    """Return the options for sphinx-build.

    DOCS_CSS would link the style by its absolute path, but the pages may be
    moved. Of the netlink specifications only our own are rendered: all of them
    take a minute.
    """
    own = checkout.files(f'Documentation/{SPECIFICATIONS}')
    others = [path.name for path in (tree / 'Documentation' / SPECIFICATIONS).glob('*.yaml')
              if str(path.relative_to(tree)) not in own]
    return (f'-D html_css_files={STYLE.name} -D html_theme_options.show_relbars=true '
            f'-D exclude_patterns={",".join(sorted(others))}')


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
    run_logged(['make', '-C', tree, f'O={out}', 'ARCH=um',
                f'SPHINXDIRS={PAGES} {SPECIFICATIONS}', f'SPHINXOPTS={_options(tree)}',
                'htmldocs'], log, 'building the manual')
    output = out / 'Documentation/output'
    page = output / PAGES / 'index.html'
    if not page.exists():
        raise UserError(f'htmldocs has left no {page}; log: {log}')
    for directory in (PAGES, SPECIFICATIONS):
        shutil.copy(STYLE, output / directory / '_static')
    problems = doclinks.link(page.parent, doclinks.Sources(REPO, checkout.files()),
                             page.parent / '_static' / STYLE.name)
    with log.open('a', encoding='utf-8') as file:
        file.writelines(f'WARNING: {PAGES}/{problem}\n' for problem in problems)
    return page, log


def warnings(tree, log):
    """Return the warnings about our own pages; htmldocs reads the rest of the tree, too."""
    lines = log.read_text(encoding='utf-8', errors='replace').replace(f'{tree}/', '').splitlines()
    return [line for line in lines
            if re.search(r'WARNING|ERROR|CRITICAL', line) and 'lkmdemo' in line]
