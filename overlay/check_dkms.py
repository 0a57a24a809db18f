# SPDX-License-Identifier: GPL-2.0-only
"""Install the package of DKMS on a Debian system, and test the modules on its unmodified kernels.

The package is installed in a copy of a root directory, where DKMS builds the modules. QEMU
boots the kernels with that root as the disk. Each case has a name, under which the manual
may name it.
"""

import concurrent.futures
import hashlib
import io
import json
import lzma
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import check_results
import deb
import dkms_root
from cli.options import KERNEL, Options
from dkms_machine import RootKernel
from dkms_root import FIRST, SECOND
from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from kernel import distro
from machine import guest
from subject import outoftree
from subject.subject import Subject
from verdict import kselftest
from verdict.results import Results
from verdict.tally import Tally, single

# The target of the cases in the manual.
TARGET = 'dkms'

OWNER = 'Owner of this machine'
GREETING = 'Hello from kernel'

# The key of the owner, at the paths where DKMS searches it by default, is named in its
# configuration. The certificate is of the kind that mokutil --import accepts.
_KEY = f'''set -e
mkdir -p /root/owner
cd /root/owner
openssl req -new -x509 -nodes -days 3650 -newkey rsa:2048 -subj '/CN={OWNER}/' \\
    -addext extendedKeyUsage=codeSigning -keyout mok.key -outform DER -out mok.pub
cat >>/etc/dkms/framework.conf <<EOF
mok_signing_key=/root/owner/mok.key
mok_certificate=/root/owner/mok.pub
EOF
'''

_LOAD = '''set -e
modprobe lkmdemo
echo "file=$(modinfo -n lkmdemo)"
echo "taint=$(cat /sys/module/lkmdemo/taint)"
echo "greeting=$(cat /dev/lkmdemo)"
echo 'The answer is 42' >/dev/lkmdemo
echo "message=$(cat /dev/lkmdemo)"
rmmod lkmdemo
[ -e /dev/lkmdemo ] || echo device=removed
'''

_ENFORCE = '''
insmod /root/unsigned.ko && echo unsigned=loaded
modprobe lkmdemo_hello && echo signed=loaded
modprobe dummy && echo debian=loaded
echo "key=$(keyctl 'padd' asymmetric 'owner' %:.secondary_trusted_keys </root/owner/mok.pub 2>&1)"
echo "enforce=$(cat /sys/module/module/parameters/sig_enforce)"
'''

# Secure Boot, with the key enrolled.
_SECURE = '''
# The firmware and the boot loader print to the line of the output.
echo
insmod /root/unsigned.ko && echo unsigned=loaded
modprobe lkmdemo
echo "taint=$(cat /sys/module/lkmdemo/taint)"
echo "greeting=$(cat /dev/lkmdemo)"
exit 0
'''

# The end of a signed module: the length of the signature, in four bytes, and a text.
_MARKER = b'~Module signature appended~\n'


def without_signature(module: bytes) -> bytes:
    """Return the content of a module without its signature; raise ValueError if it has none."""
    if not module.endswith(_MARKER):
        raise ValueError('the module has no signature')
    end = len(module) - len(_MARKER)
    # struct module_signature: 8 bytes of types and padding, and the big-endian length.
    length = int.from_bytes(module[end - 4:end], 'big')
    return module[:end - 12 - length]


def assignments(text: str) -> dict[str, str]:
    """Return the lines of the form NAME=VALUE."""
    return {name: value for name, equals, value in (line.partition('=') for line in text.splitlines()) if equals}


def refused(log: str, values: dict[str, str], name: str, reason: str) -> str:
    """Return why a kernel does not refuse a module for a reason, '' if it does.

    log: that of the kernel. values: the results of _ENFORCE.
    """
    if values.get(name):
        return 'the module is loaded'
    line = f'Loading of {reason} is rejected'
    return '' if line in log else f'the kernel log has no line "{line}"'


class Cases:
    """Named cases with their results, which are printed as KTAP."""

    def __init__(self) -> None:
        """Print the version of KTAP."""
        self.tally = Tally()
        self.count = 0
        print('KTAP version 1', flush=True)

    def add(self, name: str, problem: str) -> None:
        """Add a case; problem: why it failed, '' if it passed."""
        self.count += 1
        self.tally += single(f'{TARGET} {name}', 'failed' if problem else 'passed', problem)
        line = f'{self.count} {name}' + (f' # {problem}' if problem else '')
        print(f'not ok {line}' if problem else f'ok {line}', flush=True)

    def attempt(self, name: str, action: Callable[[], str | None]) -> bool:
        """Add a case that passes if an action returns no problem and raises no UserError; return whether it passed."""
        try:
            problem = action() or ''
        except UserError as error:
            problem = ': '.join(line.strip() for line in str(error).splitlines())
        self.add(name, problem)
        return not problem

    def add_all(self, version: str, tally: Tally) -> None:
        """Add the cases of the kselftests on a kernel, which are already printed."""
        self.tally += Tally(tally.passed, tally.failed, tally.skipped,
                            {f'{TARGET} {version} {name}': result for name, result in tally.results.items()},
                            {f'{TARGET} {version} {name}': reason for name, reason in tally.reasons.items()})


def _query(root: Path, release: str, module: str, field: str) -> str:
    """Return a field of a module in a root directory, '' if there is no such module."""
    return subprocess.run(['modinfo', '-b', root, '-k', release, '-F', field, module], env=environment(),
                          capture_output=True, text=True, check=False).stdout.strip()


def _files(root: Path, release: str) -> dict[str, Path]:
    """Map the names of the modules that DKMS has installed for a kernel to their files."""
    directory = root / f'usr/lib/modules/{release}/updates/dkms'
    return {path.name.partition('.')[0]: path for path in directory.glob('*.ko*')}


def _digests(root: Path, release: str) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _files(root, release).items()}


def left(root: Path, name: str) -> list[str]:
    """Return the paths in a root directory, below the directories of DKMS and modules, that contain a name."""
    return [f'/{path.relative_to(root)}' for directory in ('etc', 'usr', 'var/lib/dkms', 'var/lib/dpkg/info')
            for path in sorted((root / directory).rglob(f'*{name}*'))]


def mounts_below(text: str, directory: Path) -> list[str]:
    """Return the mount points below a directory; text: the content of /proc/self/mounts."""
    return [fields[1] for fields in (line.split() for line in text.splitlines())
            if Path(fields[1]).is_relative_to(directory)]


class Check:
    """A run: the system, a copy of it, and the cases."""

    def __init__(self, subject: Subject, directory: Path):
        """directory: that of the copy, the disk and the logs."""
        self.subject = subject
        self.directory = directory
        self.system = dkms_root.system(directory)
        self.root = directory / 'root'
        self.disk = directory / 'disk'
        self.expected = sorted(outoftree.modules(subject.main))
        # What the kernels require is downloaded before anything is tested.
        self.kernels = {FIRST: RootKernel(FIRST, self.system.root, self.disk, subject),
                        SECOND: RootKernel(SECOND, self.system.second, self.disk, subject)}
        for kernel in self.kernels.values():
            kernel.write_initrd()
            say(f'{kernel.release()}: the selftests are those of {kernel.tree}')
        self.releases = {version: kernel.release() for version, kernel in self.kernels.items()}
        self.cases = Cases()

    def _enter(self, commands: str, name: str) -> None:
        dkms_root.enter(self.root, commands, self.directory / f'{name}.log', f'Debian {dkms_root.RELEASE}: {name}')

    def package(self) -> Path:
        """Build the package twice and check it; return its path."""
        built = deb.build(self.subject.main, self.directory / 'deb')
        again = deb.build(self.subject.main, self.directory / 'deb-again')
        same = built.read_bytes() == again.read_bytes()
        self.cases.add('package.is_reproducible', '' if same else f'{built} and {again} differ')
        self.cases.attempt('package.has_no_error_and_no_warning_of_lintian', lambda: deb.check(built))
        return built

    def _modules(self, version: str) -> str:
        """Return the problem of the installed modules for a kernel, '' if they are those of the driver."""
        found = sorted(_files(self.root, self.releases[version]))
        return '' if found == self.expected else f'{", ".join(found) or "no module"} in updates/dkms'

    def _signers(self, version: str) -> str:
        found = {_query(self.root, self.releases[version], name, 'signer') for name in self.expected}
        return '' if found == {OWNER} else f'signed by {", ".join(map(repr, sorted(found)))}'

    def _status(self, version: str) -> str:
        """Return the problem of the state that dkms prints, '' if the modules are installed."""
        self._enter('dkms status', 'status')
        text = (self.directory / 'status.log').read_text(encoding='utf-8')
        wanted = rf'^lkmdemo/\S+, {re.escape(self.releases[version])}, x86_64: installed$'
        return '' if re.search(wanted, text, re.M) else f'dkms status prints {text.splitlines()[1:]}'

    def install(self, package: Path) -> bool:
        """Install the package in the system with one kernel, and then a second kernel; return whether both succeed."""
        dkms_root.copy(self.system.root, self.root, self.directory / 'copy.log')
        self._enter(_KEY, 'key')
        target = self.root / 'root' / package.name
        target.write_bytes(package.read_bytes())
        cases = self.cases
        if not cases.attempt('install.succeeds', lambda: self._enter(
                f'apt-get -q -y --no-install-recommends install /root/{package.name}', 'install')):
            return False
        cases.add(f'install.modules_are_built_for_{FIRST}', self._modules(FIRST))
        cases.attempt('install.dkms_reports_them_as_installed', lambda: self._status(FIRST))
        cases.add('install.modules_are_signed_by_the_owner', self._signers(FIRST))
        before = _digests(self.root, self.releases[FIRST])
        if not cases.attempt('second_kernel.installation_succeeds',
                             lambda: self._enter(dkms_root.INSTALL_SECOND, 'second-kernel')):
            return False
        cases.add(f'second_kernel.modules_are_built_for_{SECOND}', self._modules(SECOND))
        cases.attempt('second_kernel.dkms_reports_them_as_installed', lambda: self._status(SECOND))
        cases.add('second_kernel.modules_are_signed_by_the_owner', self._signers(SECOND))
        kept = _digests(self.root, self.releases[FIRST]) == before
        cases.add('second_kernel.keeps_the_modules_of_the_first', '' if kept else 'they have changed')
        return True

    def write_disk(self) -> None:
        """Write the disk with the system, which also has a module without its signature for each kernel."""
        for version in (FIRST, SECOND):
            path = _files(self.root, self.releases[version])['lkmdemo_hello']
            content = path.read_bytes()
            content = lzma.decompress(content) if path.suffix == '.xz' else content
            (self.root / f'root/unsigned-{self.releases[version]}.ko').write_bytes(without_signature(content))
        dkms_root.write_disk(self.root, self.disk, self.directory / 'disk.log')

    def run_in_guest(self, kernel: RootKernel, name: str, command: str, *options: str) -> tuple[dict[str, str], str]:
        """Boot, run a command; return its assignments and the kernel log; raise UserError if it fails.

        name: that of the logs.
        """
        out, err = io.BytesIO(), io.BytesIO()
        status = guest.run(kernel, command.replace('unsigned.ko', f'unsigned-{kernel.release()}.ko'), kernel.log(name),
                           limit=120, out=out, err=err, options=options, processors=1, with_kvm=False)
        kernel.log(f'{name}-output').write_bytes(out.getvalue() + err.getvalue())
        if status:
            lines = (out.getvalue() + err.getvalue()).decode(errors='replace').splitlines()
            raise UserError(f'the command ended with {status}: {lines[-1] if lines else "no output"} '
                            f'(log: {kernel.log(name)})')
        return assignments(out.getvalue().decode(errors='replace')), kernel.log(name).read_text(errors='replace')

    def load(self, version: str, found: dict[str, str], _: str) -> None:
        """Add the cases of a boot that loads the modules; found: the results of _LOAD."""
        place = rf'/(?:usr/)?lib/modules/{re.escape(self.releases[version])}/updates/dkms/lkmdemo\.ko(?:\.xz)?'
        cases = self.cases
        cases.add(f'{version}.modprobe_loads_from_updates_dkms',
                  '' if re.fullmatch(place, found.get('file', '')) else f'modprobe loads {found.get("file")}')
        cases.add(f'{version}.device_prints_its_greeting',
                  '' if found.get('greeting') == GREETING else f'it prints {found.get("greeting")!r}')
        cases.add(f'{version}.device_keeps_a_message',
                  '' if found.get('message') == 'The answer is 42' else f'it keeps {found.get("message")!r}')
        cases.add(f'{version}.rmmod_removes_the_device', '' if found.get('device') else '/dev/lkmdemo exists')
        cases.add(f'{version}.unknown_key_taints_as_unsigned',
                  '' if 'E' in found.get('taint', '') else f'the module taints with {found.get("taint")!r}')

    def enforce(self, version: str, found: dict[str, str], log: str) -> None:
        """Add the cases of a boot with module.sig_enforce=1; found: the results of _ENFORCE."""
        cases = self.cases
        cases.add(f'{version}.enforcing_kernel_loads_a_module_of_debian',
                  '' if found.get('debian') == 'loaded' and found.get('enforce') == 'Y' else f'results: {found}')
        cases.add(f'{version}.enforcing_kernel_refuses_an_unsigned_module',
                  refused(log, found, 'unsigned', 'unsigned module'))
        cases.add(f'{version}.enforcing_kernel_refuses_an_unknown_key',
                  refused(log, found, 'signed', 'module with unavailable key'))
        cases.add(f'{version}.root_cannot_add_a_key_that_debian_has_not_signed',
                  '' if 'Required key not available' in found.get('key', '') else f'keyctl prints {found.get("key")!r}')

    def secure(self, version: str, found: dict[str, str], log: str) -> None:
        """Add the cases of a boot with Secure Boot and the key enrolled; found: the results of _SECURE."""
        cases = self.cases
        enabled = 'Kernel is locked down from EFI Secure Boot' in log
        cases.add(f'{version}.secure_boot_locks_the_kernel_down', '' if enabled else 'the kernel log does not say so')
        cases.add(f'{version}.secure_boot_refuses_an_unsigned_module',
                  refused(log, found, 'unsigned', 'unsigned module'))
        cases.add(f'{version}.secure_boot_loads_a_module_with_the_enrolled_key',
                  '' if found.get('greeting') == GREETING else f'the device prints {found.get("greeting")!r}')
        cases.add(f'{version}.enrolled_key_taints_only_as_out_of_tree',
                  '' if found.get('taint') == 'O' else f'the module taints with {found.get("taint")!r}')

    def boot(self) -> None:
        """Boot each kernel in several ways, two at a time, and then run the kselftests on it."""
        certificate = (self.root / 'root/owner/mok.pub').read_bytes()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = []
            for version, kernel in self.kernels.items():
                secure = kernel.with_secure_boot(self.system.firmware, certificate)
                runs += [(version, self.load, pool.submit(self.run_in_guest, kernel, 'load', _LOAD)),
                         (version, self.enforce, pool.submit(self.run_in_guest, kernel, 'enforce', _ENFORCE,
                                                             'module.sig_enforce=1')),
                         (version, self.secure, pool.submit(self.run_in_guest, secure, 'secure', _SECURE))]
        for version, add_cases, run in runs:
            try:
                add_cases(version, *run.result())
            except UserError as error:
                self.cases.add(f'{version}.{add_cases.__name__}', str(error))
        for version, kernel in self.kernels.items():
            say(f'kselftests on {kernel.release()}')
            distro.build_modules(kernel)
            tally = kselftest.run(kernel, results=Results(str(self.directory / f'results-{version}')))
            self.cases.add_all(version, tally)
            self.cases.add(f'{version}.kselftests_pass', f'{tally}' if tally.failed or not tally.passed else '')

    def purge(self) -> None:
        """Purge the package; nothing of it may be left."""
        name = deb.PACKAGE
        if not self.cases.attempt('purge.succeeds', lambda: self._enter(f'apt-get -q -y purge {name}', 'purge')):
            return
        for version, release in self.releases.items():
            found = [path for path in left(self.root, self.subject.main.name) if release in path]
            self.cases.add(f'purge.removes_the_modules_of_{version}', ', '.join(found))
        found = left(self.root, self.subject.main.name)
        self.cases.add('purge.leaves_nothing', ', '.join(found))
        self.cases.attempt('purge.dkms_knows_nothing', self._no_status)

    def _no_status(self) -> str:
        self._enter('dkms status', 'status')
        lines = (self.directory / 'status.log').read_text(encoding='utf-8').splitlines()[1:]
        return ', '.join(line for line in lines if 'lkmdemo' in line)

    def mounts(self) -> None:
        """Nothing may be mounted below the directories of the run and of the cache."""
        text = Path('/proc/self/mounts').read_text(encoding='utf-8')
        found = [*mounts_below(text, self.directory), *mounts_below(text, dkms_root.HOME)]
        self.cases.add('system.nothing_is_left_mounted', ', '.join(found))


def _finish(cases: Cases, directory: Path) -> int:
    """Write the results, check the manual, print the failures and the counts; return the exit status."""
    print(f'1..{cases.count}')
    tally = cases.tally
    (directory / 'results.json').write_text(json.dumps({'target': TARGET, 'results': tally.results}, indent=1) + '\n',
                                            encoding='utf-8')
    for line in check_results.check(tally.results, TARGET):
        tally += single(line, 'failed')
    for line in tally.failures():
        print(f'failed: {line}')
    print(tally, flush=True)
    return 1 if tally.failed or not tally.passed else 0


def run(subject: Subject, options: Options) -> int:
    """Install, boot, test and purge; return the exit status."""
    if options.kdir or options.kernel != KERNEL:
        raise UserError(f'check-dkms does not accept KERNEL and KDIR: it tests {FIRST} and {SECOND}')
    if os.geteuid():
        raise UserError('check-dkms requires root, to create and enter root directories: sudo make check-dkms')
    directory = build_root() / 'check-dkms'
    directory.mkdir(exist_ok=True)
    root = directory / 'root'
    dkms_root.chroot.remove(root)
    dkms_root.require_space(directory)
    check = Check(subject, directory)
    try:
        if check.install(check.package()):
            check.write_disk()
            check.boot()
            check.purge()
    finally:
        dkms_root.chroot.remove(root)
        check.disk.unlink(missing_ok=True)
    check.mounts()
    say(f'logs: {directory}')
    return _finish(check.cases, directory)
