# SPDX-License-Identifier: GPL-2.0-only
"""Packages from suites of the Debian archive that the machine does not use.

apt runs with a state of its own in the cache: the mirror and the keyring are
the machine's, the suites are ours, and the system's sources are not touched.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable

from host import lock
from host.console import UserError, say
from host.environment import environment
from host.paths import CACHE
from host.process import run_logged

# Where kernel sources newer than the stable release are, newest first; the
# release's own suite, which is known only on the machine, comes after them.
SUITES = ('trixie-backports', 'trixie')
KERNEL_SOURCE = r'linux-source-[0-9]+\.[0-9]+'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
OS_RELEASE = Path('/etc/os-release')


def about_system() -> dict[str, str]:
    """Return what the system says about itself: ID, VERSION_CODENAME and more."""
    try:
        lines = OS_RELEASE.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return {}
    pairs = (line.partition('=') for line in lines)
    return {name.strip(): value.strip().strip('"\'') for name, _, value in pairs}


def is_debian() -> bool:
    """Return whether the archive that apt uses here is Debian's."""
    return about_system().get('ID') == 'debian' and shutil.which('apt-get') is not None


def _release() -> str:
    """Return the code name of the Debian release that runs here."""
    about = about_system()
    if not is_debian():
        raise UserError('packages come from the archive of Debian, and this is '
                        f'{about.get("PRETTY_NAME", "another system")}: name a kernel tree with KDIR=')
    if not about.get('VERSION_CODENAME'):
        raise UserError(f'{OS_RELEASE} names no release: VERSION_CODENAME is not there')
    return about['VERSION_CODENAME']


def _mirror(release):
    """Return the URI of the archive that the machine takes its release from."""
    form = '$(CODENAME) $(RELEASE) $(REPO_URI)'
    result = subprocess.run(['apt-get', 'indextargets', '--format', form, 'Created-By: Packages'],
                            env=environment(), capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        codename, suite, uri = line.split(' ', 2)
        if release in (codename, suite):
            return uri
    raise UserError(f'apt has no source for {release}: add one, and run apt-get update')


class Archive:
    """One suite of the archive, with an apt state of its own."""

    def __init__(self, suite, release):
        self.suite = suite
        self.state = CACHE / 'apt' / suite
        self.log = CACHE / 'apt' / f'{suite}.log'
        for directory in ('lists/partial', 'sources', 'cache/archives/partial'):
            (self.state / directory).mkdir(parents=True, exist_ok=True)
        (self.state / 'sources' / 'suite.sources').write_text(
            f'Types: deb\nURIs: {_mirror(release)}\nSuites: {suite}\n'
            f'Components: main\nSigned-By: {KEYRING}\n', encoding='utf-8')

    def _options(self):
        state = self.state
        options = {'Dir::State::Lists': state / 'lists', 'Dir::Cache': state / 'cache',
                   'Dir::Etc::SourceList': '/dev/null', 'Dir::Etc::SourceParts': state / 'sources',
                   'APT::Sandbox::User': '', 'Acquire::Languages': 'none'}
        return [word for key, value in options.items() for word in ('-o', f'{key}={value}')]

    def update(self):
        """Fetch the lists of what the suite has."""
        run_logged(['apt-get', *self._options(), '-q', 'update'], self.log,
                   f'looking into {self.suite}')

    def names(self, pattern):
        """Return the names of the suite's packages that match a regular expression."""
        result = subprocess.run(['apt-cache', *self._options(), 'pkgnames', pattern.split('[')[0]],
                                env=environment(), capture_output=True, text=True, check=False)
        return [name for name in result.stdout.split() if re.fullmatch(pattern, name)]

    def download(self, package: str, destination: Path) -> Path:
        """Fetch a package, checked by apt, and return where it is.

        It gets its name in the destination only when it is whole, and its checksum
        is stored beside it before that.
        """
        with tempfile.TemporaryDirectory(prefix='incoming-', dir=destination) as incoming:
            run_logged(['apt-get', *self._options(), '-q', 'download', package], self.log,
                       f'downloading {package}', cwd=incoming)
            found = [name for name in os.listdir(incoming) if name.endswith('.deb')]
            if len(found) != 1:
                raise UserError(f'apt-get download {package} left no package; log: {self.log}')
            fetched, whole = Path(incoming) / found[0], destination / found[0]
            _checksum_file(whole).write_text(f'{_sha256(fetched)}\n', encoding='ascii')
            os.replace(fetched, whole)
            return whole

    def clear(self) -> None:
        """Remove the packages that were fetched and are not in the cache of packages."""
        run_logged(['apt-get', *self._options(), 'clean'], self.log, 'clearing the cache')

    def download_closure(self, packages: tuple[str, ...]) -> list[Path]:
        """Fetch packages, all that they depend on and all that is essential; return where they are."""
        status = self.state / 'nothing-installed/status'
        status.parent.mkdir(exist_ok=True)
        status.touch()
        archives = self.state / 'cache/archives'
        command = ['apt-get', *self._options(), '-o', f'Dir::State::status={status}', '-q', '-y',
                   'install', '--download-only', '--no-install-recommends', '?essential', *packages]
        self.clear()
        run_logged(command, self.log, f'downloading a root of {self.suite}')
        return sorted(archives.glob('*.deb'))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _checksum_file(deb: Path) -> Path:
    return deb.with_name(f'{deb.name}.sha256')


def _is_damaged(deb: Path) -> bool:
    """Return whether a package is not any more what was downloaded."""
    try:
        return _sha256(deb) != _checksum_file(deb).read_text(encoding='ascii').strip()
    except FileNotFoundError:
        say(f'whether {deb} is damaged is not known; remove it to fetch it again')
        return False


def _suites():
    """Yield the suites that are looked into, brought up to date, one after the other."""
    release = _release()
    for name in dict.fromkeys((*SUITES, release)):
        suite = Archive(name, release)
        suite.update()
        yield suite


def mirror() -> str:
    """Return the URI of the archive."""
    return _mirror(_release())


def suite(name: str) -> Archive:
    """Return a suite, brought up to date."""
    with lock.held(_store() / '.lock'):
        found = Archive(name, _release())
        found.update()
        return found


def _store() -> Path:
    """Return the directory of the packages; its lock covers apt's state as well."""
    store = CACHE / 'packages'
    store.mkdir(parents=True, exist_ok=True)
    return store


def kernel_sources():
    """Return the versions of all packaged kernel sources."""
    with lock.held(_store() / '.lock'):
        return {name.rpartition('-')[2]
                for suite in _suites() for name in suite.names(KERNEL_SOURCE)}


def _cached(name: str) -> Path | None:
    """Return the newest package of a name in the cache."""
    return max(_store().glob(f'{name}_*.deb'), default=None)


def _package(name: str, pattern: str, what: str) -> Path:
    """Return a package from the cache, fetching it when absent; the caller holds the lock."""
    store = _store()
    for interrupted in store.glob('incoming-*'):
        shutil.rmtree(interrupted)
    have = _cached(name)
    if have:
        return have
    others = set()
    for suite in _suites():
        names = suite.names(pattern)
        if name in names:
            return suite.download(name, store)
        others.update(names)
    raise UserError(f'the archive has no {what} {name}; it has:\n  ' + '\n  '.join(sorted(others)))


def use(name: str, pattern: str, what: str, action: Callable[[Path], None]) -> None:
    """Do something with the package of a name, which is fetched when absent.

    pattern matches the names of its kind, for the message when it is nowhere;
    what says what it is. When the action fails and the package proves to be
    damaged, it is fetched again, and the action is repeated.
    """
    with lock.held(_store() / '.lock'):
        deb = _package(name, pattern, what)
        try:
            action(deb)
            return
        except UserError:
            if not _is_damaged(deb):
                raise
        say(f'{deb} was damaged: fetching it again')
        deb.unlink()
        _checksum_file(deb).unlink()
        action(_package(name, pattern, what))
