# SPDX-License-Identifier: GPL-2.0-only
"""Build the manual as HTML with htmldocs of the tree."""

import re
import shutil

from host.console import UserError
from host.paths import WORKBENCH, build_root
from host.process import run_logged
from ship import doclinks

SPECIFICATIONS = 'netlink/specs'
STYLE = WORKBENCH / 'ship/docs.css'


def _options(tree, overlay):
    """Return the options for sphinx-build.

    They name the style sheet by its file name, because DOCS_CSS would use its absolute
    path and the pages would not be movable. They exclude netlink specifications of other
    drivers, which would take a minute.
    """
    own = [name for name in overlay.files if name.startswith(f'Documentation/{SPECIFICATIONS}/')]
    others = [path.name for path in (tree / 'Documentation' / SPECIFICATIONS).glob('*.yaml')
              if str(path.relative_to(tree)) not in own]
    return (f'-D html_css_files={STYLE.name} -D html_theme_options.show_relbars=true '
            f'-D exclude_patterns={",".join(sorted(others))}')


def build(tree, overlay):
    """Build the manual of an overlay; return the paths of its first page and of the log."""
    if not overlay.pages:
        raise UserError(f'the overlay {overlay.name} has no manual: no page in Documentation/')
    for program, package in (('sphinx-build', 'python3-sphinx'), ('dot', 'graphviz')):
        if not shutil.which(program):
            raise UserError(f'{program} is not installed: apt-get install {package}')
    out = build_root() / f'docs-{tree.name}'
    # Sphinx would not repeat the warnings about pages that exist.
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    log = build_root() / f'docs-{tree.name}.log'
    directories = list(dict.fromkeys([*(page.partition('/')[0] for page in overlay.pages), SPECIFICATIONS]))
    run_logged(['make', '-C', tree, f'O={out}', 'ARCH=um',
                f'SPHINXDIRS={" ".join(directories)}',
                f'SPHINXOPTS={_options(tree, overlay)}',
                'htmldocs'], log, 'building the manual')
    output = out / 'Documentation/output'
    first = output / f'{overlay.pages[0]}.html'
    if not first.exists():
        raise UserError(f'htmldocs did not create {first}; log: {log}')
    for directory in directories:
        shutil.copy(STYLE, output / directory / '_static')
    with log.open('a', encoding='utf-8') as file:
        for page in overlay.pages:
            directory, _, name = page.partition('/')
            problems = doclinks.link(output / directory, doclinks.Sources(overlay.root, overlay.names),
                                     output / directory / '_static' / STYLE.name,
                                     only='' if name == 'index' else f'{name}.html')
            file.writelines(f'WARNING: {directory}/{problem}\n' for problem in problems)
    return first, log


def warnings(tree, log, overlay):
    """Return the lines of a log with warnings about an overlay; htmldocs also reads other files."""
    lines = log.read_text(encoding='utf-8', errors='replace').replace(f'{tree}/', '').splitlines()
    return [line for line in lines
            if re.search(r'WARNING|ERROR|CRITICAL', line) and any(name in line for name in _own_names(overlay))]


def _own_names(overlay):
    """Return the strings that identify a warning about an overlay: its files, or its pages."""
    return [*overlay.files, *(f'WARNING: {page.removesuffix("index")}' for page in overlay.pages)]
