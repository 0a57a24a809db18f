# SPDX-License-Identifier: GPL-2.0-only
"""Write a job: a directory with everything that a run requires, for other machines.

The script "run" in it boots the kernel and judges the run. It requires a shell only, and
QEMU for a virtual machine.
"""

import copy
import gzip
import json
import lzma
import os
import re
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from host import git
from host.console import UserError, say
from host.paths import WORKBENCH, build_root
from kernel import archive, build, distro, source, unpacked
from kernel.distro import DistroKernel
from kernel.foreign import ForeignKernel
from machine import guest, initrd, report
from machine.distro import Distro
from machine.foreign import WITHOUT_FILES
from machine.qemu import MEMORY
from machine.um import MEMORY as UM_MEMORY, UM
from verdict import kselftest, soak
from verdict.kselftest import Durations, Program

_FILES = WORKBENCH / 'job/files'
_GUEST = WORKBENCH / 'job/guest'

# The scripts of the guest in its root.
_HOME = 'workbench'

# The name of the KUnit suites in the list of tests, which run in a guest of their own.
KUNIT = 'kunit'

# The kinds of guests: one with two processors for programs that race, and one for all others.
PARALLEL, SINGLE = 'parallel', 'single'

# The script sets this variable; the number of processors of the guest is an argument of both machines.
_PROCESSORS: Any = '$processors'

# The triplet of the machine that runs the job.
_TRIPLET = 'x86_64-linux-gnu'


class Test(NamedTuple):
    """A test of a job: its kind of guest, its seconds in the last run, its target and its name."""
    kind: str
    seconds: float
    target: str
    name: str


def directory() -> Path:
    """Return the directory of the job."""
    return build_root() / 'job'


def _kunit_modules(kernel: build.Kernel) -> list[str]:
    """Return the names of the modules with KUnit suites, which a kernel of Debian cannot have."""
    return [] if isinstance(kernel, DistroKernel) else build.kunit_modules(kernel)


def tests(kernel: build.Kernel, durations: Durations) -> list[Test]:
    """Return the tests that run without files of the host."""
    found = []
    if _kunit_modules(kernel):
        found.append(Test(KUNIT, durations.seconds.get(KUNIT, 1), '-', KUNIT))
    for program in kselftest.programs(kernel):
        if kselftest.unsupported(kernel, program, 'job'):
            continue
        races = kselftest.is_parallel(kernel, program)
        found.append(Test(PARALLEL if races else SINGLE, durations.seconds.get(str(program), 1), *program))
    return found


def _quoted(words: Iterable[str]) -> str:
    """Return words for a shell, which replaces variables in them."""
    return ' '.join('"' + re.sub(r'([\\"`])', r'\\\1', word) + '"' for word in words)


def _of_um() -> list[str]:
    """Return the functions that boot a um kernel, whose root is a directory of this run."""
    command = UM.command('$here/kernel', '$scratch/root', '/init', '$scratch/uml/', log=1,
                         options=('rw', 'GUEST_LINE=none'), processors=_PROCESSORS)
    return ['prepare()', '{', '\t' 'run=$scratch/root/run/workbench', '\tmkdir -p "$run"', '}', '',
            'ready()', '{', '\tcp "$scratch/start" "$run/start"', '}', '',
            'boot()', '{', '\tTMPDIR=${scratch%/*}', '\texport TMPDIR', '\tmkdir -p "$scratch/uml"',
            # Without a fixed layout of its memory, the kernel starts itself again, from /proc. A
            # container may refuse the request; the kernel then runs as it is.
            '\tfixed=', "\tlinux64 -R true 2>&- && fixed='linux64 -R'",
            f'\texec $affinity $fixed {_quoted(command)}', '}']


def _of_qemu(kernel: build.Kernel, machine: Distro) -> list[str]:
    """Return the functions that boot a virtual machine, whose root is an initial RAM disk."""
    here = copy.copy(kernel)
    here.image = Path('$here/kernel')
    words = machine.command(here, [Path('$run')], log=1, processors=_PROCESSORS)
    # KVM takes the place of the interpreter, and of the processor that it interprets.
    start = words.index('-accel')
    end = start + (4 if words[start + 2] == '-cpu' else 2)
    interpreter = ' '.join(words[start:end])
    command = f'{_quoted(words[:start])} $accelerator {_quoted(words[end:])}'
    program = words[0]
    too_old = [] if not machine.version else [
        f"\tversion=$({program} -version | sed -n 's/.* version \\([0-9]*\\).*/\\1/p')",
        f'\t[ "$version" -ge {machine.version} ] ||',
        f'\t\tfail "{program}: QEMU {machine.version} or later is required, not $version"']
    return ['prepare()', '{', f'\tcommand -v {program} >"$scratch/errors" || fail "{program} is not installed"',
            *too_old,
            '\t' 'run=$scratch/run', '\tmkdir -p "$run" "$scratch/own/run/workbench" &&',
            '\t\t(cd "$scratch/root" && find . | cpio -o -H newc -R 0:0) >"$scratch/initrd" 2>"$scratch/errors"',
            '}', '',
            'ready()', '{', '\tcp "$scratch/start" "$scratch/own/run/workbench/start" &&',
            '\t\t(cd "$scratch/own" && find . | cpio -o -H newc -R 0:0) 2>"$scratch/errors" |',
            '\t\tcat "$scratch/initrd" - >"$run/initrd"', '}', '',
            'boot()', '{', f"\taccelerator='{interpreter}'",
            '\t[ -z "$kvm" ] || accelerator="-accel kvm -cpu host"',
            f'\texec $affinity {command}', '}']


def _machine(kernel: build.Kernel, with_target: bool) -> str:
    """Return the file with the settings and the functions of the machine for "run"."""
    machine = kernel.target
    is_um = machine.name == UM.name
    limit = kselftest.PROGRAM_LIMIT[kernel.debug]
    # The memory of a virtual machine is not a file.
    memory = UM_MEMORY >> 20 if is_um else 256
    settings = {'memory': memory, 'arch': machine.name, 'default_limit': kselftest.LIMIT * guest.slowness(kernel),
                'silence': (limit + kselftest.MARGIN) * (1 if is_um else 2), 'program_limit': limit,
                'with_target': int(with_target), 'died': guest.FAILURES[guest.DIED],
                'timed_out': guest.FAILURES[guest.TIMED_OUT], 'is_up': guest.USER_SPACE}
    of_machine = _of_um() if is_um else _of_qemu(kernel, machine if isinstance(machine, Distro) else WITHOUT_FILES)
    return '\n'.join(['# SPDX-License-Identifier: GPL-2.0-only', '# The machine, for the script "run".', '',
                      *(f"{name}='{value}'" for name, value in settings.items()), '', *of_machine, ''])


def _commit(path: Path) -> str:
    """Return the commit of the repository that contains a directory, '' if there is none; "+" marks changes."""
    commit = git.read(path, 'rev-parse', 'HEAD').stdout.decode().strip()
    changed = bool(git.read(path, 'status', '--porcelain', '--', path).stdout.strip())
    return f'{commit}+' if commit and changed else commit


def description(kernel: build.Kernel, found: list[Test], kdir: str) -> dict[str, Any]:
    """Return the content of job.json; kdir: the tree of the user, '' for a packaged source."""
    return {
        'format': 1,
        'overlays': [{'name': overlay.name, 'commit': _commit(overlay.root)} for overlay in kernel.subject.overlays],
        'kernel': {'release': kernel.release(), 'version': source.release(kernel.tree),
                   'commit': _commit(Path(kdir).expanduser()) if kdir else ''},
        'target': kernel.target.name,
        'memory': (UM_MEMORY if kernel.target.name == UM.name else MEMORY) >> 20,
        'time_limit': kselftest.LIMIT * guest.slowness(kernel),
        'program_limit': kselftest.PROGRAM_LIMIT[kernel.debug],
        'tests': [{'name': test.name, 'target': test.target, 'seconds': test.seconds,
                   'processors': 1 if test.kind == SINGLE else 2} for test in found]}


def _soak(kernel: build.Kernel) -> list[str]:
    """Return the target and the name of the program that makes random calls, and the prefix of its variables."""
    program = kernel.subject.main.description.selftests.soak
    return [kernel.subject.main.targets[0], program, soak.prefix(kernel)] if program else []


def _write_initrd(kernel: build.Kernel, found: list[Test], path: Path) -> None:
    """Write the root of the guest, without modules and tests, as a compressed initial RAM disk."""
    userland, triplet = unpacked.userland(archive.codename()), _TRIPLET
    if isinstance(kernel, (DistroKernel, ForeignKernel)):
        userland, triplet = kernel.userland, kernel.triplet
    scripts = [initrd.file(f'{_HOME}/{path.name}', path.read_bytes()) for path in initrd.SCRIPTS]
    # For a lab, which types a single command.
    scripts += [initrd.file(f'{_HOME}/{path.name}', path.read_bytes()) for path in sorted(_GUEST.iterdir())]
    lists = {'kunit': ' '.join(_kunit_modules(kernel)), 'tests': '\n'.join(
        f'{program.target} {program.name}' for program in programs(found))}
    scripts += [initrd.file(f'{_HOME}/{name}', f'{text}\n'.encode()) for name, text in lists.items()]
    entries = [*initrd.userland(userland, triplet, initrd.INIT.read_bytes()), *scripts]
    path.write_bytes(gzip.compress(initrd.archive(entries), mtime=0))


def write_modules(kernel: build.Kernel, path: Path) -> None:
    """Write the installed modules to an archive, for the root of the guest."""
    _write_archive(path, kernel.modules / 'lib/modules', 'lib/modules')


def _write_archive(path: Path, root: Path, name: str) -> None:
    """Write a directory to an archive under a name; its files belong to root."""
    def as_root(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        # Links to the source and to the build directory of this machine.
        if info.name.endswith(('/build', '/source')) and info.issym():
            return None
        info.uid = info.gid = 0
        info.uname = info.gname = 'root'
        return info

    with lzma.open(path, 'wb', preset=1) as out, tarfile.open(fileobj=out, mode='w') as opened:
        opened.add(root, name, filter=as_root)


def _write_selftests(kernel: build.Kernel, path: Path) -> None:
    """Write the archive of installed kselftests, which kselftest itself creates."""
    if isinstance(kernel, DistroKernel):
        _write_archive(path, distro.build_selftests(kernel), '.')
        return
    install = kernel.out / 'kselftest_install'
    shutil.rmtree(install, ignore_errors=True)
    build.make_selftests(kernel, 'LDFLAGS=-static -s', f'INSTALL_PATH={install}', 'FORMAT=.xz', 'gen_tar', XZ_OPT='-1')
    shutil.move(install / 'kselftest-packages/kselftest.tar.xz', path)
    shutil.rmtree(install)


def _host_busybox() -> Path:
    return unpacked.userland(archive.codename()) / 'bin/busybox'


def write(kernel: build.Kernel, kdir: str = '') -> Path:
    """Write the job of a built kernel; return its directory. It is complete or absent.

    kdir: the tree of the user, '' for a packaged source.
    """
    job = directory()
    part = job.with_name('job.part')
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    found = tests(kernel, Durations(kernel))
    targets = {test.target for test in found if test.kind != KUNIT}
    _write_selftests(kernel, part / 'kselftest.tar.xz')
    write_modules(kernel, part / 'modules.tar.xz')
    _write_initrd(kernel, found, part / 'initrd.gz')
    shutil.copyfile(kernel.image, part / 'kernel')
    shutil.copyfile(_host_busybox(), part / 'busybox')
    for path in _FILES.iterdir():
        shutil.copyfile(path, part / path.name)
    for name in ('busybox', 'kernel', 'run'):
        (part / name).chmod(0o755)
    texts = {'machine': _machine(kernel, len(targets) > 1), 'report': report.REPORT.pattern + '\n',
             'death': report.DEATH.pattern + '\n', 'kunit': ' '.join(_kunit_modules(kernel)) + '\n',
             'soak': ' '.join(_soak(kernel)) + '\n',
             'tests': ''.join(f'{test.kind}\t{test.seconds}\t{test.target}\t{test.name}\n' for test in found),
             'job.json': json.dumps(description(kernel, found, kdir), indent=1) + '\n'}
    for name, text in texts.items():
        (part / name).write_text(text, encoding='utf-8')
    shutil.rmtree(job, ignore_errors=True)
    os.replace(part, job)
    size = sum(path.stat().st_size for path in job.iterdir())
    say(f'{job}: {len(found)} tests of {kernel.subject.name} on Linux {kernel.release()}, {size >> 20} MiB')
    return job


def selected(found: list[Test], names: tuple[str, ...]) -> list[Test]:
    """Return the tests with these names, all without names; raise UserError for an unknown name."""
    known = {name for test in found for name in (test.name, f'{test.target}:{test.name}')}
    for name in names:
        if name not in known:
            raise UserError(f'TEST={name}: there is no such test; the tests are: '
                            + ' '.join(test.name for test in found))
    return [test for test in found if not names or test.name in names or f'{test.target}:{test.name}' in names]


def programs(found: Iterable[Test]) -> list[Program]:
    """Return the programs of kselftest among tests."""
    return [Program(test.target, test.name) for test in found if test.kind != KUNIT]


def read_tests(job: Path) -> list[Test]:
    """Return the tests of a job."""
    fields = (line.split('\t') for line in (job / 'tests').read_text(encoding='utf-8').splitlines())
    return [Test(kind, float(seconds), target, name) for kind, seconds, target, name in fields]
