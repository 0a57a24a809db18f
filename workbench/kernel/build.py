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

# The line that kbuild prints for each file that it compiles or links.
STEP = r'\s+(?:(?:HOST)?(?:CC|LD)|AS|AR)(?: \[M\])?\s+(\S+)'

# The command of kbuild for the checksums of CONFIG_MODVERSIONS. genksyms computes those of the
# subject. All other symbols get the same checksum: genksyms is slow, and nm takes 10 ms for each
# object.
_CHECKSUMS = ('cmd_gen_symversions_c=$(if $(CONFIG_MODVERSIONS),$(if $(filter {objects},$@),'
              'if grep -q __export_symbol_ $@; then'
              ' $(CPP) -D__GENKSYMS__ $(c_flags) $< | $(genksyms) >>$(dot-target).cmd; fi,'
              "if symbols=`grep -aPo '__export_symbol_\\K\\w+' $@`; then"
              " printf '\\043SYMVER %s 0x00000001\\n' $$symbols >>$(dot-target).cmd; fi))")

# Flags for the objects of the image. Without the locations of macro expansions, the compiler
# takes 8 % less time, but also warns in macros for which the kernel disables these warnings.
# Only messages about the subject require the locations.
_IMAGE_FLAGS = ('CFLAGS_KERNEL=$(if $(filter {objects},$@),,'
                '-ftrack-macro-expansion=0 -Wno-tautological-compare -Wno-attribute-alias)')

# Fills variables on the stack, which are zero otherwise. Only modules have it, since an option
# of the kernel changes every object in the cache.
_PATTERN = ' -ftrivial-auto-var-init=pattern'

# The variable of kbuild that adds the counters of gcov to an object.
_PROFILE = 'GCOV_PROFILE=$(if $(filter {objects},$@),y)'

# Settings of earlier releases, and those that replace them.
_RENAMED = {'CONFIG_PROC_SYSCTL=y': 'CONFIG_SYSCTL=y'}

# Directories that do not affect the build of a kernel.
NOT_BUILT = ('Documentation/', 'tools/testing/')

# The fragments of the configuration before the settings of a subject. The fragments of
# a machine are behind them, and can disable settings that the machine does not support.
GENERAL = ('common', 'testing')

# The section of a module with KUnit suites.
_KUNIT_SECTION = b'.kunit_test_suites'


def _objects(subject: Subject, tests=True) -> str:
    """Return patterns of make for the objects of a subject; tests: also those of the KUnit tests."""
    return ' '.join(f'{source}%' if source.endswith('/') else source.replace('.c', '.o')
                    for source in subject.sources if tests or '_kunit' not in source)


def image_flags(subject: Subject) -> str:
    """Return the variable of make with the flags of the compiler for the image of a kernel."""
    return _IMAGE_FLAGS.format(objects=_objects(subject))


class Kernel:
    """The kernel of a tree, a target and a subject, built or to be built.

    variant: "debug", with the sanitizers; "try", with the sanitizers and the features that
    other modules require; "coverage", with counters of the lines that run; "bench", without
    any debugging; "job", for other machines; or none. name: the name of the kernel and of its build directory, if not
    the default. extra: settings that override all others. seed: a kernel with almost the
    same settings, whose compilations are cached.
    """

    def __init__(self, tree: Path, target: Target, subject: Subject, variant: str = '', name: str = '',
                 extra: str = '', seed: 'Kernel | None' = None):
        self.tree = tree
        self.target = target
        self.subject = subject
        self.variant = variant
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

    def _fragments(self) -> dict[str, str]:
        """Map the fragments of the configuration to their texts."""
        return {name: (WORKBENCH / f'kernel/config/{name}.config').read_text(encoding='utf-8')
                for name in self.fragments}

    def common_configuration(self) -> str:
        """Return the settings without those of the subject."""
        return ''.join([*self._fragments().values(), self.extra])

    def configuration(self) -> tuple[str, set[str]]:
        """Return the settings, of which later lines override earlier ones, and the optional lines.

        Optional lines are settings that a kernel may refuse.
        """
        texts = self._fragments()
        is_for_tests = 'testing' in self.fragments
        optional = self.subject.test_config(self.tree) if is_for_tests else ''
        of_subject = [optional, self.subject.driver_config(self.tree)]
        if is_for_tests:
            of_subject.append(self.subject.kunit_config())
        return ''.join([*(text for name, text in texts.items() if name in GENERAL), *of_subject,
                        *(text for name, text in texts.items() if name not in GENERAL), self.extra]
                       ), set(optional.splitlines())

    def make(self, *goals):
        """Return the command line of make for goals of this kernel."""
        return ['make', '-C', self.tree, f'-j{JOBS}', *self.variables(), *goals]

    def variables(self) -> list[str]:
        """Return the variables of make for this kernel."""
        return [f'O={self.out}', f'ARCH={self.target.name}',
                f'CC=ccache-{self.target.cross_compile}gcc', 'HOSTCC=ccache gcc',
                *([f'CROSS_COMPILE={self.target.cross_compile}'] if self.target.cross_compile else []),
                # Debug information with paths relative to the tree, for a debugger and for a
                # cache that several clones share. Installed modules are stripped.
                f'CFLAGS_MODULE=-g -fdebug-prefix-map={self.tree}/={_PATTERN if self.variant == "debug" else ""}',
                'INSTALL_MOD_STRIP=1',
                image_flags(self.subject),
                *((_CHECKSUMS.format(objects=_objects(self.subject)),) if self.target.checksums else ()),
                *((_PROFILE.format(objects=_objects(self.subject, tests=False)),)
                  if self.variant == 'coverage' else ()),
                *(self._sanitizer_settings() if self.debug else ())]

    def _sanitizer_settings(self):
        """Yield the variables of make that instrument only the subject and its tests.

        With the rest of the kernel instrumented, the build and the run would take twice
        the time. Its allocators have the hooks of the sanitizers in any case.
        """
        objects = {f'{path.stem}.o' for source in self.subject.sources
                   for path in (self.tree.glob(f'{source}**/*.c') if source.endswith('/') else [self.tree / source])}
        if self.target.name == 'x86_64':
            # The boot loader also has an object of this name, and cannot be instrumented.
            objects.discard('main.o')
        for sanitizer in self.target.sanitizers:
            yield f'{sanitizer}_SANITIZE=n'
            yield from (f'{sanitizer}_SANITIZE_{name}=y' for name in sorted(objects))
        if 'KCSAN' in self.target.sanitizers:
            # KCSAN must know the barriers in the locks that the subject takes.
            yield from (f'KCSAN_INSTRUMENT_BARRIERS_{lock}.o=y'
                        for lock in ('mutex', 'rwsem', 'spinlock'))

    def log(self, name):
        return self.out / f'{name}.log'

    def release(self):
        """Return the release of the kernel, as uname -r prints it."""
        return (self.out / 'include/config/kernel.release').read_text(encoding='utf-8').strip()


# The PATH of builds, without the programs of the user. Kconfig searches for further
# programs, such as a Rust compiler, and a header that every file includes depends on them.
SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'


def compiler_environment(**extra):
    """Return the environment for compilations, with a cache that all clones share.

    In its depend mode, ccache uses the dependency files that kbuild requests from the
    compiler, and does not run the preprocessor.
    """
    CCACHE.mkdir(parents=True, exist_ok=True)
    return environment(CCACHE_DIR=str(CCACHE), CCACHE_BASEDIR=str(build_root()),
                       CCACHE_NOHASHDIR='1', CCACHE_DEPEND='1', CCACHE_MAXSIZE='4G',
                       PATH=f'{_programs()}:{SYSTEM_PATH}', **extra)


def _programs() -> Path:
    """Return the directory of the programs in kernel/bin, with a plain path for PATH."""
    link, target = build_root() / 'bin', WORKBENCH / 'kernel/bin'
    if not link.is_symlink() or Path(os.readlink(link)) != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return link


def _tools() -> list:
    """Return a value that changes with the compiler, the assembler and the linker."""
    found = [shutil.which(program, path=SYSTEM_PATH) for program in ('gcc', 'as', 'ld')]
    states = [os.stat(path) for path in found if path]
    return [found, [(state.st_ino, state.st_mtime_ns) for state in states]]


class _State(NamedTuple):
    """Digests of the inputs of a build.

    configuration: the inputs of .config. modules: the sources of the modules of the
    subject. kernel: all other inputs, and these sources as well if the last build put
    any of their objects into the image. Only files that were copied from a tree of the
    user or grafted are inputs; changes of other files are not detected.
    """
    configuration: str
    kernel: str
    modules: str


def digest(value) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def _is_in_image(kernel) -> bool:
    """Return whether the last build put objects of the subject into the image."""
    for name in kernel.subject.sources:
        path = kernel.out / name
        if name.endswith('/'):
            # An empty archive consists of its header.
            if any(archive.stat().st_size > len('!<thin>\n') for archive in path.rglob('built-in.a')):
                return True
        else:
            archive = path.with_name('built-in.a')
            if archive.exists() and f'{path.stem}.o/'.encode() in archive.read_bytes():
                return True
    return False


def _state(kernel) -> _State:
    files = sorted(item for item in source.fingerprint(kernel.tree).items()
                   if not item[0].startswith(NOT_BUILT))
    is_module = [path.startswith(kernel.subject.sources) and path.endswith(('.c', '.h')) for path, _ in files]
    common = [_tools(), kernel.configuration()[0], kernel.make()]
    in_image = _is_in_image(kernel)
    return _State(
        digest([common, [item for item in files if Path(item[0]).name.startswith('Kconfig')]]),
        digest([common, [item for item, module in zip(files, is_module) if in_image or not module]]),
        digest([item for item, module in zip(files, is_module) if module]))


def _make_config(kernel, requested: str) -> Path:
    """Create .config from settings; return the path of the file with the settings."""
    path = kernel.out / 'requested.config'
    path.write_text(requested, encoding='utf-8')
    run_logged(kernel.make(f'KCONFIG_ALLCONFIG={path}', 'allnoconfig'),
               kernel.log('config'), 'configuring', env=compiler_environment())
    return path


def _configure(kernel, digest: str) -> None:
    """Create .config from the fragments, unless the existing one has the same inputs."""
    stamp = kernel.out / '.configured'
    if stamp.exists() and (kernel.out / '.config').exists() \
       and stamp.read_text(encoding='utf-8') == digest:
        return

    stamp.unlink(missing_ok=True)
    requested, optional = kernel.configuration()
    path = _make_config(kernel, requested)
    accepted = set((kernel.out / '.config').read_text(encoding='utf-8').splitlines())
    # The last line about a symbol applies.
    settings = {match[1]: match[0] for match in
                re.finditer(r'^(?:# )?(CONFIG_\w+)(?:=.*| is not set)$', requested, re.M)}
    refused = [line for line in settings.values()
               if line.startswith('CONFIG_') and line not in accepted and line not in optional
               and _RENAMED.get(line) not in accepted]
    if refused:
        raise UserError(f'{path} has settings that this kernel refuses:\n  ' + '\n  '.join(refused))
    stamp.write_text(digest, encoding='utf-8')


def _compile_common(kernel) -> None:
    """Compile the kernel with the settings that all subjects share.

    A header that every file includes contains all settings, so that a change of one setting
    invalidates all objects in the cache. In a build directory, kbuild then compiles only the
    files that use the changed settings.
    """
    if (kernel.out / '.configured').exists():
        return
    for base in [kernel.seed, kernel] if kernel.seed else [kernel]:
        _make_config(kernel, base.common_configuration())
        _compile(kernel, ['KBUILD_MODULES=y', 'vmlinux_o'], '-common')


def _compile(kernel, goals, part=''):
    """Build goals of make, and show the progress.

    part: the name under which the number of steps of a part of the build is stored.
    """
    is_complete_build = bool(part) or not (kernel.out / 'modules.order').exists()
    run_make(kernel.make(*goals), kernel.log('build'), _title(kernel),
             f'{kernel.name}{part}' if is_complete_build else '')


def _title(kernel) -> str:
    return f'building {kernel.tree.name} for {kernel.name}'


def run_make(command: list, log: Path, title: str, counted: str = '', variables: dict[str, str] | None = None) -> None:
    """Run make, and show its progress.

    counted: the name under which the number of steps of a complete build is stored in the
    cache; '' for an incomplete build, whose number of steps is unknown. variables: those of
    the environment besides compiler_environment(), which has precedence.
    """
    last_count = CACHE / f'steps-{counted}'
    total = 0
    if counted:
        with contextlib.suppress(OSError, ValueError):
            total = int(last_count.read_text(encoding='utf-8'))
    steps = run_logged(command, log, title, step=STEP, total=total, env={**(variables or {}), **compiler_environment()})
    if counted:
        last_count.write_text(str(steps), encoding='utf-8')


# The rules that build modules without the Makefile of the kernel, and the file with the
# variables that this Makefile exports.
_MODULES = WORKBENCH / 'kernel/modules.mk'
_ENVIRONMENT = '.environment'

# A tree whose Makefile contains this recipe builds single modules as modules.mk does.
_SINGLE = '\t$(Q)$(MAKE) $(build)=$@ need-builtin=1 need-modorder=1 $(single-goals)\n'


def _save_environment(kernel) -> None:
    """Save the variables of kbuild for _compile_modules(), if modules.mk suits the tree."""
    saved = kernel.out / _ENVIRONMENT
    saved.unlink(missing_ok=True)
    makefile = kernel.tree / 'Makefile'
    if _SINGLE in makefile.read_text(encoding='utf-8'):
        run_logged(['make', '--no-print-directory', '-C', kernel.out, '-f', makefile, '-f', _MODULES,
                    *kernel.variables(), 'save-environment'],
                   kernel.log('environment'), 'saving the environment of kbuild', env=compiler_environment())


def _compile_modules(kernel):
    """Build the modules by their names, so that kbuild visits no other directory."""
    order = kernel.out / 'modules.order'
    names = order.read_text(encoding='utf-8')
    saved = kernel.out / _ENVIRONMENT
    if saved.exists() and names:
        variables = dict(item.split('=', 1) for item in saved.read_text(encoding='utf-8').split('\0') if item)
        run_make(['make', '-C', kernel.out, f'-j{JOBS}', '-f', _MODULES, f'OBJECTS={" ".join(names.split())}',
                  'build-modules'], kernel.log('build'), _title(kernel), variables=variables)
        return
    try:
        _compile(kernel, [name.replace('.o', '.ko') for name in names.split()])
    finally:
        # kbuild removes it.
        order.write_text(names, encoding='utf-8')


def _install_changed(kernel, built: list[Path], since: float) -> bool:
    """Install the modules that are newer than a time as modules_install does; return whether that is possible.

    Signatures and compression are left to kbuild, and so is a change of the list of modules.
    """
    directory = kernel.modules / 'lib/modules' / kernel.release()
    installed = [directory / 'kernel' / path.relative_to(kernel.out) for path in built]
    settings = (kernel.out / '.config').read_text(encoding='utf-8')
    if re.search('^CONFIG_MODULE_(SIG|COMPRESS)=y$', settings, re.M) or \
       {*directory.rglob('*.ko')} != {*installed}:
        return False
    changed = [(path, target) for path, target in zip(built, installed) if path.stat().st_mtime >= since]
    log = kernel.log('modules_install')
    for path, target in changed:
        part = target.with_name(f'{target.name}.part')
        run_logged([f'{kernel.target.cross_compile}strip', '--strip-debug', path, '-o', part], log,
                   'installing modules', env=compiler_environment())
        os.replace(part, target)
    if changed:
        run_logged(['depmod', '-ae', '-F', kernel.out / 'System.map', '-b', kernel.modules, kernel.release()],
                   log, 'installing modules', env=compiler_environment())
    return True


def _install_modules(kernel):
    """Install the modules into a separate root, if any of them is newer than the installed ones."""
    stamp = kernel.modules / '.installed'
    order = kernel.out / 'modules.order'
    built = [kernel.out / line.replace('.o', '.ko') for line in order.read_text(encoding='utf-8').splitlines()]
    if stamp.exists():
        since = stamp.stat().st_mtime
        if all(path.stat().st_mtime < since for path in (order, *built)):
            return
        # A run that is interrupted installs all modules again.
        stamp.unlink()
        if _install_changed(kernel, built, since):
            stamp.touch()
            return
    shutil.rmtree(kernel.modules, ignore_errors=True)
    run_logged(kernel.make(f'INSTALL_MOD_PATH={kernel.modules}', 'modules_install'),
               kernel.log('modules_install'), 'installing modules', env=compiler_environment())
    stamp.touch()


def _last_state(kernel) -> tuple[str, ...]:
    """Return the state of the last complete build, of which all results exist; empty without one."""
    stamp = kernel.out / '.built'
    if stamp.exists() and kernel.image.exists() and (kernel.out / 'modules.order').exists():
        return tuple(stamp.read_text(encoding='utf-8').split())
    return ()


def has_current_image(kernel) -> bool:
    """Return whether build() will leave the image as it is, so that it can boot already."""
    return _last_state(kernel)[:2] == _state(kernel)[:2]


def build(kernel, always=False):
    """Build a kernel and install its modules; raise UserError with the first error.

    kbuild runs only if an input has changed, and builds only the modules if no other
    input has changed. It completes an interrupted build. always: run kbuild in any
    case.
    """
    kernel.out.mkdir(exist_ok=True)
    stamp = kernel.out / '.built'
    state = _state(kernel)
    last = () if always else _last_state(kernel)
    if last == state and (kernel.modules / '.installed').exists():
        return

    stamp.unlink(missing_ok=True)
    if last[:2] == state[:2]:
        _compile_modules(kernel)
    else:
        _compile_common(kernel)
        _configure(kernel, state.configuration)
        _compile(kernel, ['all'])
        _save_environment(kernel)
    _install_modules(kernel)
    # The state depends on the built image.
    stamp.write_text('\n'.join(_state(kernel)), encoding='utf-8')


def modules(kernel) -> dict[str, Path]:
    """Map the names of the modules of the subject, as lsmod prints them, to their files."""
    order = (kernel.out / 'modules.order').read_text(encoding='utf-8').splitlines()
    sources = kernel.subject.sources
    return {Path(line).stem.replace('-', '_'): kernel.out / line.replace('.o', '.ko') for line in order
            if line.startswith(tuple(source for source in sources if source.endswith('/')))
            or line.replace('.o', '.c') in sources}


def kunit_modules(kernel):
    """Return the names of the modules of the subject that contain KUnit suites."""
    return [name for name, path in modules(kernel).items() if _KUNIT_SECTION in path.read_bytes()]


def driver_modules(kernel):
    """Return the names of the modules of the subject that contain no KUnit suites."""
    tests = kunit_modules(kernel)
    return [name for name in modules(kernel) if name not in tests]


def _selftests_state(kernel) -> str:
    """Return a digest of the inputs of the kselftests: all but documents and the sources of the modules."""
    files = sorted((path, value) for path, value in source.fingerprint(kernel.tree).items()
                   if path.startswith('tools/'))
    return digest([_state(kernel)[:2], list(kernel.subject.targets), files])


def state_of_tests(kernel) -> list[str]:
    """Return a value that changes with the kernel, the modules and the kselftests."""
    return [*_state(kernel), _selftests_state(kernel)]


# The file with the names of the installed kselftests, in the form TARGET:NAME.
_LIST = 'kselftest-list.txt'


def selftests_directory(kernel) -> Path:
    """Return the directory of the installed kselftests; its files have paths relative to it."""
    return kernel.out / 'kselftest_install'


def _install_headers(kernel) -> None:
    """Install the headers for user space that the kselftests include, if an input has changed.

    make takes a second to find that nothing has changed.
    """
    stamp = kernel.out / 'headers.built'
    state = _state(kernel)[1]
    if not (stamp.exists() and stamp.read_text(encoding='utf-8') == state):
        stamp.unlink(missing_ok=True)
        run_logged(kernel.make('headers'), kernel.log('headers'), 'installing the headers for user space',
                   env=compiler_environment())
        stamp.write_text(state, encoding='utf-8')


def make_selftests(kernel, *arguments: str, **variables: str) -> None:
    """Install the headers, and run make for the kselftests of the subject.

    arguments: goals and further variables of make. variables: those of the environment
    besides compiler_environment().
    """
    _install_headers(kernel)
    cross = kernel.target.cross_compile
    run_logged(['make', '-C', kernel.tree / 'tools/testing/selftests', f'O={kernel.out}',
                *([f'ARCH={kernel.target.name}', f'CROSS_COMPILE={cross}'] if cross else []),
                f'-j{JOBS}', f'TARGETS={" ".join(kernel.subject.targets)}', 'FORCE_TARGETS=1', *arguments],
               kernel.log('selftests'), 'building the selftests', env=compiler_environment(**variables))


def build_selftests(kernel) -> list[tuple[str, str]]:
    """Compile the kselftests on the host, and install them; return their targets and names.

    The programs are static: each case forks, and a page fault takes long on um. They have no
    symbols, which a job would have to carry. make runs only if an input has changed.
    """
    stamp = kernel.out / 'kselftest.built'
    directory = selftests_directory(kernel)
    state = _selftests_state(kernel)
    if not (stamp.exists() and (directory / _LIST).exists() and stamp.read_text(encoding='utf-8') == state):
        stamp.unlink(missing_ok=True)
        make_selftests(kernel, 'LDFLAGS=-static', f'INSTALL_PATH={directory}', 'install')
        stamp.write_text(state, encoding='utf-8')
    return installed_selftests(kernel)


def installed_selftests(kernel) -> list[tuple[str, str]]:
    """Return the targets and the names of the programs that are installed; none before the first build."""
    with contextlib.suppress(FileNotFoundError):
        lines = (selftests_directory(kernel) / _LIST).read_text(encoding='utf-8').splitlines()
        return [(target, name) for target, _, name in (line.rpartition(':') for line in lines)]
    return []
