# SPDX-License-Identifier: GPL-2.0-only
"""Configure and build a kernel with a subject, outside its source tree."""

import contextlib
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from host.console import UserError
from host.environment import environment
from host.paths import CACHE, CCACHE, WORKBENCH, build_root
from host.process import run_logged
from kernel import source
from kernel.target import Target
from subject.subject import Subject

JOBS = len(os.sched_getaffinity(0))

# What kbuild prints for each file that it compiles or links.
STEP = r'\s+(?:(?:HOST)?(?:CC|LD)|AS|AR)(?: \[M\])?\s+(\S+)'

# How CONFIG_MODVERSIONS gets the checksums of what a file exports: by genksyms for
# the subject; the rest of the kernel, which never changes under it, has 1 for all.
_CHECKSUMS = ('cmd_gensymtypes_c=$(if $(filter {ours},$@),'
              '$(CPP) -D__GENKSYMS__ $(c_flags) $< | $(genksyms),'
              "$(NM) $@ | sed -n 's/.* __export_symbol_\\(.*\\)/\\#SYMVER \\1 0x00000001/p')")

# What kbuild reads nothing of when it builds a kernel.
NOT_BUILT = ('Documentation/', 'tools/testing/')

# The fragments of the configuration that the settings of a subject come after. A
# later fragment of a machine may say what that machine lacks.
GENERAL = ('common', 'testing')

# The section of a module with KUnit suites.
_KUNIT_SECTION = b'.kunit_test_suites'


class Kernel:
    """A kernel built, or to be built, from a tree for a target, with a subject.

    variant: "debug", with the sanitizers; "try", the same with what modules of others
    require; "bench", with no debugging at all; or none. name: what to call it, for
    one whose configuration the caller changes. extra: settings on top of all others. seed: a
    kernel whose compilations the cache has, which differs in few settings.
    """

    def __init__(self, tree: Path, target: Target, subject: Subject, variant: str = '', name: str = '',
                 extra: str = '', seed: 'Kernel | None' = None):
        self.tree = tree
        self.target = target
        self.subject = subject
        self.debug = variant in ('debug', 'try')
        self.fragments = target.fragments[variant]
        self.extra = extra
        self.seed = seed
        self.name = name or (f'{target.name}-{variant}' if variant else target.name)
        if extra and not name:
            self.name += f'-{hashlib.sha256(extra.encode()).hexdigest()[:8]}'
        self.out = build_root() / f'{self.name}-{tree.name}'
        self.modules = self.out / 'modules'
        self.image = self.out / target.image
        self.symbols = self.out / target.symbols

    def configuration(self) -> tuple[str, set[str]]:
        """Return the settings, each text on top of the ones before it, and the lines that may be refused."""
        texts = {name: (WORKBENCH / f'kernel/config/{name}.config').read_text(encoding='utf-8')
                 for name in self.fragments}
        is_for_tests = 'testing' in self.fragments
        wishes = self.subject.test_config(self.tree) if is_for_tests else ''
        ours = [wishes, self.subject.driver_config(self.tree)]
        if is_for_tests:
            ours.append(self.subject.kunit_config())
        return ''.join([*(text for name, text in texts.items() if name in GENERAL), *ours,
                        *(text for name, text in texts.items() if name not in GENERAL), self.extra]
                       ), set(wishes.splitlines())

    def make(self, *goals):
        """The command line for make, with this kernel's settings."""
        return ['make', '-C', self.tree, f'O={self.out}', f'ARCH={self.target.name}',
                f'-j{JOBS}', 'CC=ccache-gcc', 'HOSTCC=ccache gcc',
                # For a debugger, which looks for sources in the tree, whichever clone's
                # compilation it was; what is installed is stripped.
                f'CFLAGS_MODULE=-g -fdebug-prefix-map={self.tree}/=', 'INSTALL_MOD_STRIP=1',
                # A checksum takes longer than its file to compile, and no cache keeps it.
                *((_CHECKSUMS.format(ours=' '.join(self._objects())),) if self.target.checksums else ()),
                *(self._sanitize_ours_alone() if self.debug else ()), *goals]

    def _objects(self):
        """Return patterns of make for the objects of the subject."""
        return [f'{source}%' if source.endswith('/') else source.replace('.c', '.o')
                for source in self.subject.sources]

    def _sanitize_ours_alone(self):
        """Settings that instrument the subject and its tests, nothing else.

        The rest of the kernel would take twice the time to build and to run,
        and its allocators have their hooks in any case.
        """
        objects = {f'{path.stem}.o' for source in self.subject.sources
                   for path in (self.tree.glob(f'{source}**/*.c') if source.endswith('/') else [self.tree / source])}
        if self.target.name == 'x86_64':
            # An object of the boot loader, which has no kernel yet, has this name as well.
            objects.discard('main.o')
        for sanitizer in self.target.sanitizers:
            yield f'{sanitizer}_SANITIZE=n'
            yield from (f'{sanitizer}_SANITIZE_{name}=y' for name in sorted(objects))
        if 'KCSAN' in self.target.sanitizers:
            # It must see the barriers in the locks that we take.
            yield from (f'KCSAN_INSTRUMENT_BARRIERS_{lock}.o=y'
                        for lock in ('mutex', 'rwsem', 'spinlock'))

    def log(self, name):
        return self.out / f'{name}.log'

    def release(self):
        """What uname -r says on this kernel."""
        return (self.out / 'include/config/kernel.release').read_text(encoding='utf-8').strip()


# Where the programs of a build are looked for: in the directories of the system
# alone. Kconfig looks for more programs, such as a Rust compiler, and what it finds
# is in a header that every file includes.
SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'


def compiler_environment(**extra):
    """Return the environment for compilations: their cache is shared by all clones.

    In its depend mode ccache takes the dependencies that kbuild asks the
    compiler for anyway, in place of a run of the preprocessor for each file.
    """
    CCACHE.mkdir(parents=True, exist_ok=True)
    return environment(CCACHE_DIR=str(CCACHE), CCACHE_BASEDIR=str(build_root()),
                       CCACHE_NOHASHDIR='1', CCACHE_DEPEND='1', CCACHE_MAXSIZE='4G',
                       PATH=f'{_programs()}:{SYSTEM_PATH}', **extra)


def _programs() -> Path:
    """Return the directory of our own programs, by a path without a colon."""
    link, target = build_root() / 'bin', WORKBENCH / 'kernel/bin'
    if not link.is_symlink() or Path(os.readlink(link)) != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return link


def _tools() -> list:
    """Return what changes when a program that compiles or links does."""
    found = [shutil.which(program, path=SYSTEM_PATH) for program in ('gcc', 'as', 'ld')]
    states = [os.stat(path) for path in found if path]
    return [found, [(state.st_ino, state.st_mtime_ns) for state in states]]


class _State(NamedTuple):
    """Digests of what a build depends on.

    configuration: what .config is made of. modules: the sources of the subject's
    modules. kernel: everything else. A change of a file that is neither copied from
    the user's tree nor grafted is not seen.
    """
    configuration: str
    kernel: str
    modules: str


def _digest(value) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def _state(kernel) -> _State:
    files = sorted(item for item in source.fingerprint(kernel.tree).items()
                   if not item[0].startswith(NOT_BUILT))
    is_module = [path.startswith(kernel.subject.sources) and path.endswith(('.c', '.h')) for path, _ in files]
    common = [_tools(), kernel.configuration()[0], kernel.make()]
    return _State(
        _digest([common, [item for item in files if Path(item[0]).name.startswith('Kconfig')]]),
        _digest([common, [item for item, module in zip(files, is_module) if not module]]),
        _digest([item for item, module in zip(files, is_module) if module]))


def _configure(kernel, digest: str) -> None:
    """Make .config from the fragments, unless it was made from the same before."""
    stamp = kernel.out / '.configured'
    if stamp.exists() and (kernel.out / '.config').exists() \
       and stamp.read_text(encoding='utf-8') == digest:
        return

    stamp.unlink(missing_ok=True)
    if kernel.seed and not (kernel.out / '.config').exists():
        _start_from_seed(kernel)
    wanted, wishes = kernel.configuration()
    whole = kernel.out / 'wanted.config'
    whole.write_text(wanted, encoding='utf-8')
    run_logged(kernel.make(f'KCONFIG_ALLCONFIG={whole}', 'allnoconfig'),
               kernel.log('config'), 'configuring', env=compiler_environment())
    have = set((kernel.out / '.config').read_text(encoding='utf-8').splitlines())
    # What a later fragment says of a symbol is what counts.
    settings = {match[1]: match[0] for match in
                re.finditer(r'^(?:# )?(CONFIG_\w+)(?:=.*| is not set)$', wanted, re.M)}
    lacking = [line for line in settings.values()
               if line.startswith('CONFIG_') and line not in have and line not in wishes]
    if lacking:
        raise UserError(f'{whole} has settings that this kernel refuses:\n  ' + '\n  '.join(lacking))
    stamp.write_text(digest, encoding='utf-8')


def _start_from_seed(kernel) -> None:
    """Build another kernel in the directory first.

    A setting is in a header that every file includes, so that the cache has no object
    for a new one. In a directory that is built already, kbuild compiles only the
    files that use it.
    """
    settings = kernel.out / 'seed.config'
    settings.write_text(kernel.seed.configuration()[0], encoding='utf-8')
    run_logged(kernel.make(f'KCONFIG_ALLCONFIG={settings}', 'allnoconfig'),
               kernel.log('config'), f'configuring {kernel.seed.name}', env=compiler_environment())
    run_logged(kernel.make('all'), kernel.log('build'), f'building {kernel.seed.name} for {kernel.name}',
               step=STEP, env=compiler_environment())


def _compile(kernel, goals):
    """Build what make knows by these goals."""
    last_count = CACHE / f'steps-{kernel.name}'
    total = 0
    fresh = not (kernel.out / 'modules.order').exists()
    if fresh:
        with contextlib.suppress(OSError, ValueError):
            total = int(last_count.read_text(encoding='utf-8'))
    steps = run_logged(kernel.make(*goals), kernel.log('build'),
                       f'building {kernel.tree.name} for {kernel.name}', step=STEP,
                       total=total, env=compiler_environment())
    if fresh:
        last_count.write_text(str(steps), encoding='utf-8')


def _compile_modules(kernel):
    """Build the modules by their names, so that kbuild goes to no other directory.

    It takes the list of all modules for one of these, and removes it.
    """
    order = kernel.out / 'modules.order'
    names = order.read_text(encoding='utf-8')
    try:
        _compile(kernel, [name.replace('.o', '.ko') for name in names.split()])
    finally:
        order.write_text(names, encoding='utf-8')


def _install_modules(kernel):
    """Install the modules into a root of their own, if any of them is newer."""
    stamp = kernel.modules / '.installed'
    order = kernel.out / 'modules.order'
    built = [order, *(kernel.out / line.replace('.o', '.ko') for line in
                      order.read_text(encoding='utf-8').splitlines())]
    if stamp.exists() and all(path.stat().st_mtime < stamp.stat().st_mtime for path in built):
        return
    shutil.rmtree(kernel.modules, ignore_errors=True)
    run_logged(kernel.make(f'INSTALL_MOD_PATH={kernel.modules}', 'modules_install'),
               kernel.log('modules_install'), 'installing modules', env=compiler_environment())
    stamp.touch()


def build(kernel, always=False):
    """Bring a kernel up to date; raises UserError with the first error.

    What an interrupted build leaves, the next one completes. kbuild is only
    asked when something may have changed, or always; and for the modules alone
    when nothing else has.
    """
    kernel.out.mkdir(exist_ok=True)
    stamp = kernel.out / '.built'
    state = _state(kernel)
    last: tuple[str, ...] = ()
    if not always and stamp.exists() and kernel.image.exists() \
       and (kernel.out / 'modules.order').exists():
        last = tuple(stamp.read_text(encoding='utf-8').split())
    if last == state and (kernel.modules / '.installed').exists():
        return

    stamp.unlink(missing_ok=True)
    if last[:2] == state[:2]:
        _compile_modules(kernel)
    else:
        _configure(kernel, state.configuration)
        _compile(kernel, ['all', 'headers'])
    _install_modules(kernel)
    stamp.write_text('\n'.join(state), encoding='utf-8')


def modules(kernel) -> dict[str, Path]:
    """Map the names of the subject's modules, as lsmod prints them, to their files."""
    order = (kernel.out / 'modules.order').read_text(encoding='utf-8').splitlines()
    sources = kernel.subject.sources
    return {Path(line).stem.replace('-', '_'): kernel.out / line.replace('.o', '.ko') for line in order
            if line.startswith(tuple(source for source in sources if source.endswith('/')))
            or line.replace('.o', '.c') in sources}


def kunit_modules(kernel):
    """Return the names of the subject's modules that contain KUnit suites."""
    return [name for name, path in modules(kernel).items() if _KUNIT_SECTION in path.read_bytes()]


def driver_modules(kernel):
    """Return the names of the subject's own modules, without the tests."""
    tests = kunit_modules(kernel)
    return [name for name in modules(kernel) if name not in tests]


def build_selftests(kernel):
    """Compile the selftests for user space, so that the guest need not.

    Static, since a fault is dear on um, and each case of theirs forks.
    """
    run_logged(['make', '-C', kernel.tree / 'tools/testing/selftests', f'O={kernel.out}',
                f'-j{JOBS}', f'TARGETS={" ".join(kernel.subject.targets)}', 'FORCE_TARGETS=1',
                'LDFLAGS=-static', 'all'],
               kernel.log('selftests'), 'building the selftests', env=compiler_environment())
