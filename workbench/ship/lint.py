# SPDX-License-Identifier: GPL-2.0-only
"""The checks that maintainers make, on the series and on the tree.

Each check is one tool and says what it complains about; a tool that is not
there is a complaint as well. There is no list of exceptions.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from kernel import archive, build, source
from machine import guest
from machine.um import UM
from ship import docs, series
from subject import graft
from verdict import evidence, kunit as verdict

# How much of a failed check is shown; the rest is in its log.
SHOWN = 20

# The largest stack frame of a module, in bytes.
FRAME = 256

# sparse 0.6.4, of Debian 12, knows neither of these; both have a meaning that it
# does know.
SPARSE = 'sparse -D__typeof_unqual__=__typeof__ "-D__builtin_strlen(s)=(sizeof(s)-1)"'


class Check(NamedTuple):
    """A row of the table.

    run takes the Lint, returns what it looked at and its complaints.
    """
    name: str
    programs: tuple
    run: Callable[['Lint'], tuple[str, list[str]]]
    quick: bool


CHECKS = []


def _check(name, *programs, quick=True):
    """Make a function a check that needs these programs."""
    def register(function):
        CHECKS.append(Check(name, programs, function, quick))
        return function
    return register


class Lint:
    """What the checks look at: a grafted tree, and the series cut from it."""

    def __init__(self, tree, subject, scratch):
        self.tree = tree
        self.subject = subject
        self.overlay = subject.main
        self.scratch = scratch
        self.directory = build_root() / 'lint'
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        self.series = series.Series(tree, self.overlay)
        self.files = list(self.series.sources)
        self.cut = []
        self.log = self.directory / 'lint.log'

    @property
    def patches(self):
        """The patches, if the first check could cut them."""
        if not self.cut:
            raise UserError('there are no patches to look at')
        return self.cut

    def run(self, *command, cwd=None, **variables):
        """Run a tool; return its exit status and the lines that it printed."""
        result = subprocess.run([str(word) for word in command], cwd=cwd or self.tree,
                                env=environment(**variables), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        output = result.stdout.decode(errors='replace')
        with open(self.log, 'a', encoding='utf-8') as log:
            log.write('$ ' + ' '.join(map(str, command)) + '\n' + output)
        return result.returncode, output.splitlines()

    def each(self, items, *command):
        """Run a tool on each of some items; return its output lines for each."""
        with ThreadPoolExecutor(build.JOBS) as pool:
            return list(pool.map(lambda item: self.run(*command, item)[1], items))

    def complaints(self, *command, **options):
        """What a tool prints that prints nothing when all is well."""
        status, lines = self.run(*command, **options)
        return lines or ([f'{command[0]} ended with {status}'] if status else [])

    def repository(self, name, extra):
        """A git repository with the series on some files of the pristine tree.

        extra: patterns of more files that it has, beside those that are changed.
        """
        repository = series.Repository(self.scratch / name)
        ours = {*self.series.sources, *self.series.pristine}
        files = {str(path.relative_to(self.tree)): path.read_bytes()
                 for pattern in extra for path in self.tree.glob(pattern) if path.is_file()}
        files = {path: data for path, data in files.items() if path not in ours}
        repository.commit({**files, **self.series.pristine}, 'pristine')
        repository.git('tag', 'pristine')
        repository.apply(self.patches)
        repository.git('tag', 'series')
        return repository

    def ours(self, *suffixes):
        """The files of the driver that end so."""
        return [path for path in self.files if path.endswith(suffixes)]


@_check('series', 'git')
def _series(lint):
    directory = lint.scratch / 'patches'
    directory.mkdir()
    lint.cut = series.cut(lint.series, directory)
    return f'{len(lint.patches)} patches, against graft', []


@_check('checkpatch', 'perl', 'git')
def _checkpatch(lint):
    # Which has every line of every file once.
    command = ('scripts/checkpatch.pl', '--strict', '--quiet', '--show-types')
    return f'{len(lint.patches)} patches', sum(lint.each(lint.patches, *command), [])


@_check('get_maintainer', 'perl')
def _get_maintainer(lint):
    complaints = []
    reached = lint.each(lint.patches, 'scripts/get_maintainer.pl', '--no-git', '--no-git-fallback')
    title = lint.overlay.maintainers.partition('\n')[0]
    for patch, lines in zip(lint.patches, reached):
        for role in (rf'\((maintainer|supporter):{re.escape(title)}', r'\(open list'):
            if not any(re.search(role, line) for line in lines):
                complaints.append(f'{patch.name} reaches none of "{role}"')
    return f'{len(lint.patches)} patches', complaints


@_check('kernel-doc', 'python3')
def _kernel_doc(lint):
    files = [path for path in lint.ours('.c', '.h') if not path.startswith('tools/')]
    return f'{len(files)} files', lint.complaints(
        sys.executable, '-B', 'scripts/kernel-doc', '-none', '-Wall', *files)


@_check('htmldocs', 'sphinx-build', 'dot')
def _htmldocs(lint):
    page, lint.log = docs.build(lint.tree, lint.overlay)
    return f'{len(list(page.parent.glob("*.html")))} pages', docs.warnings(lint.tree, lint.log, lint.overlay)


# What a file says that is generated from a netlink specification.
_GENERATED = re.compile(r'^/\*\s+(Documentation/netlink/specs/\S+) \*/\n/\* YNL-GEN (\S+) (\S+) \*/', re.MULTILINE)


@_check('ynl', 'python3')
def _ynl(lint):
    complaints = []
    generated = {path: match for path in lint.ours('.c', '.h')
                 if (match := _GENERATED.search(lint.series.sources[path].read_text(encoding='utf-8')))}
    for path, (specification, mode, kind) in ((path, match.groups()) for path, match in generated.items()):
        made = lint.scratch / Path(path).name
        complaints += lint.complaints(sys.executable, '-B', 'tools/net/ynl/pyynl/ynl_gen_c.py', '--mode', mode,
                                      f'--{kind}', '-o', made, '--spec', specification)
        if made.exists() and made.read_bytes() != lint.series.sources[path].read_bytes():
            complaints.append(f'{path} is not what {specification} generates')
    return f'{len(generated)} generated files', complaints


@_check('spdxcheck', 'python3')
def _spdxcheck(lint):
    repository = lint.repository('spdx', ['LICENSES/*/*'])
    files = [path for path in lint.files if path in repository.files()]
    return f'{len(files)} files', lint.complaints(
        sys.executable, lint.tree / 'scripts/spdxcheck.py', *files, cwd=repository.directory)


@_check('checkkconfigsymbols', 'python3', 'git')
def _checkkconfigsymbols(lint):
    # With all of Kconfig, and no other source: what is undefined there is ours.
    # The tool resets the tree to each of the two, so that none can be HEAD.
    repository = lint.repository('kconfig', ['**/Kconfig*'])
    return f'{len(lint.patches)} patches', lint.complaints(
        sys.executable, lint.tree / 'scripts/checkkconfigsymbols.py', '--diff', 'pristine..series',
        cwd=repository.directory)


@_check('codespell', 'codespell')
def _codespell(lint):
    files = lint.overlay.names
    return f'{len(files)} files', lint.complaints('codespell', *files, cwd=lint.overlay.root)


def _is_shell(path):
    with open(path, 'rb') as file:
        return re.match(rb'#!/bin/(ba)?sh\b|.*\n?# shellcheck shell=', file.readline() + file.readline())


@_check('shellcheck', 'shellcheck')
def _shellcheck(lint):
    root = lint.overlay.root
    own = [path for path in lint.overlay.names if path not in lint.overlay.files and _is_shell(root / path)]
    scripts = [path for path in lint.files if _is_shell(lint.series.sources[path])]
    return f'{len(own) + len(scripts)} scripts', [
        *lint.complaints('shellcheck', '-x', '-f', 'gcc', *own, cwd=root),
        *lint.complaints('shellcheck', '-x', '-P', 'SCRIPTDIR', '-f', 'gcc', *scripts)]


@_check('flake8', 'flake8')
def _flake8(lint):
    files = [path for path in lint.overlay.names if path.endswith('.py')]
    return f'{len(files)} files', lint.complaints('flake8', '--isolated', '--max-line-length=120',
                                                  '--max-complexity=14', *files, cwd=lint.overlay.root)


@_check('git am', 'git', quick=False)
def _git_am(lint):
    """The newest other source than the one the series is cut from."""
    own = source.release(lint.tree).split('.')[:2]
    newest = max((version for version in archive.kernel_sources()
                  if version.split('.') != own and tuple(map(int, version.split('.'))) > (6, 18)),
                 key=lambda version: tuple(map(int, version.split('.'))), default=None)
    if not newest:
        return 'other kernels', ['the archive has no other source package later than 6.18']
    pristine = source.packaged_files(newest, lint.series.pristine)
    repository = series.Repository(lint.scratch / 'other')
    repository.commit(pristine, 'pristine')
    repository.apply(lint.patches)
    return f'{len(lint.patches)} patches on Linux {newest}', []


@_check('coccicheck', 'spatch', quick=False)
def _coccicheck(lint):
    complaints = []
    for directory in lint.overlay.directories:
        status, lines = lint.run('make', '-s', '-C', lint.tree, 'ARCH=um', 'MODE=report',
                                 f'J={build.JOBS}', f'M={lint.tree / directory}', 'coccicheck')
        # Paths are from the directory on; whole ones are those of the rules.
        complaints += [line for line in lines if re.match(r'\./\S+:\d+', line)]
        if status:
            complaints.append(f'coccicheck ended with {status} on {directory}')
    return ', '.join(lint.overlay.directories), complaints


class Step(build.Kernel):
    """The um kernel with the first patches of the series, in one directory for all."""

    def __init__(self, tree, subject):
        super().__init__(tree, UM, subject, name='um-lint')
        self.absent: set[str] = set()

    def configuration(self):
        """Return the settings without those of symbols that later patches define."""
        text, wishes = super().configuration()
        return '\n'.join(line for line in text.splitlines()
                         if line.partition('=')[0] not in self.absent) + '\n', wishes

    def enter(self, lint, n):
        """Put the tree into the state after patch n, and configure what it defines."""
        states = lint.scratch / 'state'
        content = lint.series.content(n)
        series.write_tree(states, {path: content[path] for path in lint.series.sources},
                          lint.series.mode)
        rules = [rule._replace(lines=lint.series.states[path][n])
                 for path, rule in lint.series.rules.items() if lint.series.states[path][n]]
        graft.graft(self.tree, lint.overlay, {path: states / path for path in lint.series.sources
                                              if content[path]}, rules)
        defined = {symbol.decode() for path, data in content.items() if data and path.endswith('/Kconfig')
                   for symbol in re.findall(rb'^config (\w+)', data, re.M)}
        self.absent = {f'CONFIG_{symbol}' for symbol in lint.overlay.own_symbols if symbol not in defined}


def _warnings(lint, kernel):
    """What gcc and sparse say about our directories."""
    goals = [f'{path}/' for path in lint.overlay.directories if (kernel.tree / path / 'Makefile').exists()]
    status, lines = lint.run(*kernel.make('W=1', 'C=2', f'CHECK={SPARSE}', *goals),
                             **{key: value for key, value in build.compiler_environment().items()
                                if key.startswith('CCACHE') or key == 'PATH'})
    found = [line for line in lines if re.search(r'(warning|error):|is not available', line)]
    return found or ([f'make ended with {status}'] if status else [])


def _frames(lint, kernel):
    """The functions of our modules that take too much of the stack."""
    objects = [path for directory in lint.overlay.directories for path in (kernel.out / directory).glob('*.o')
               if not path.name.endswith('.mod.o')]
    owned = graft.owned(kernel.tree)
    complaints = []
    for path in sorted(objects):
        _, lines = lint.run('sh', '-c', 'objdump -d "$1" | scripts/checkstack.pl x86_64 "$2"', 'sh',
                            path, FRAME)
        # A header of the kernel's may have a function that is not inlined.
        _, symbols = lint.run('nm', '-l', '--defined-only', path)
        places = dict(re.findall(r'^\S+ \w (\S+)\t(\S+):\d+$', '\n'.join(symbols), re.M))
        for line in lines:
            place = places.get(line.split()[1], '')
            if not place or any(f'/{place}'.endswith(f'/{name}') for name in owned):
                complaints.append(line)
    return complaints


@_check('build, boot, KUnit', 'sparse', 'ccache', quick=False)
def _bisect(lint):
    """Each patch in its turn: no warning, the modules load, the suites pass."""
    complaints = []
    kernel = Step(lint.tree, lint.subject)
    try:
        # The whole first: most of it is in the compiler's cache.
        kernel.enter(lint, len(lint.series.patches) - 1)
        build.build(kernel)
        graft.ungraft(lint.tree, lint.overlay.name)
        for n, patch in enumerate(lint.series.patches):
            kernel.enter(lint, n)
            build.build(kernel, always=True)
            found = _warnings(lint, kernel)
            modules = build.driver_modules(kernel)
            if guest.run(kernel, 'true', kernel.log('boot'), modules=modules, out=io.BytesIO()):
                found.append(f'the modules {" ".join(modules)} do not load, see {kernel.log("boot")}')
            if build.kunit_modules(kernel):
                tally = verdict.kunit_modules(kernel, show=False)
                if tally.failed or not tally.passed:
                    found.append(f'KUnit: {tally}')
            complaints += [f'{patch.name}: {line}' for line in found]
    finally:
        graft.graft(lint.tree, lint.overlay)
    return f'each of {len(lint.series.patches)} patches', complaints


def _choices(overlay):
    """Return the configurations of an overlay to build, a dictionary of symbols each.

    The file "configurations" in its folder has one in each line. Without it: all
    symbols built in, all modules, and each alone.
    """
    if overlay.description.folder and (overlay.folder / 'configurations').exists():
        lines = (overlay.folder / 'configurations').read_text(encoding='utf-8').splitlines()
        return [dict(setting.split('=') for setting in line.split()) for line in lines
                if line and not line.startswith('#')]
    symbols = [symbol for symbol, kind in overlay.own_symbols.items() if kind == 'tristate']
    return [dict.fromkeys(symbols, 'y'), dict.fromkeys(symbols, 'm'),
            *({**dict.fromkeys(symbols, 'n'), symbol: 'm'} for symbol in symbols)]


@_check('y and m', 'ccache', quick=False)
def _y_and_m(lint):
    complaints = []
    # Where the steps were built: most of the kernel is as it was there.
    kernel = build.Kernel(lint.tree, UM, lint.subject, name='um-lint')
    choices = _choices(lint.overlay)
    for symbols in choices:
        kernel.extra = ''.join(f'# CONFIG_{symbol} is not set\n' if value == 'n' else
                               f'CONFIG_{symbol}={value}\n' for symbol, value in symbols.items())
        try:
            build.build(kernel)
        except UserError as error:
            complaints.append(' '.join(f'{symbol}={value}' for symbol, value in symbols.items()))
            complaints += str(error).splitlines()
    return f'{len(choices)} configurations', complaints


@_check('checkstack', 'nm', 'objdump', 'perl', quick=False)
def _checkstack(lint):
    kernel = build.Kernel(lint.tree, UM, lint.subject)
    build.build(kernel)
    return f'the modules and their tests, {FRAME}', _frames(lint, kernel)


def _row(*columns):
    print('{:21}{:32}{:>6}  {}'.format(*columns), flush=True)


def lint(tree, subject, quick):
    """Run the checks and print the table; return how many have complained."""
    failures = []
    before = {} if quick else evidence.digests(tree, subject)
    with tempfile.TemporaryDirectory(prefix='workbench-lint-') as scratch:
        run = Lint(tree, subject, Path(scratch))
        _row('tool', 'on', 'time', 'result')
        for check in CHECKS:
            if quick and not check.quick:
                continue
            run.log = run.directory / f'{re.sub("[^a-zA-Z0-9]+", "-", check.name)}.log'
            start = time.monotonic()
            missing = [program for program in check.programs if not shutil.which(program)]
            if missing:
                looked_at, complaints = '', [f'{program} is not installed' for program in missing]
            else:
                try:
                    looked_at, complaints = check.run(run)
                except UserError as error:
                    looked_at, complaints = '', str(error).splitlines()
            _row(check.name, looked_at, f'{time.monotonic() - start:.0f} s',
                 f'failed: {len(complaints)}' if complaints else 'passed')
            if complaints:
                failures.append((check, complaints, run.log))
    if not failures and not quick:
        evidence.record_lint(before, tree, subject)
    for check, complaints, log in failures:
        say(f'\n{check.name}, log: {log}')
        say('\n'.join('  ' + line for line in complaints[:SHOWN]))
    return len(failures)
