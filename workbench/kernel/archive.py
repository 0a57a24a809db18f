# SPDX-License-Identifier: GPL-2.0-only
"""Download packages from suites of the Debian archive that the machine does not use.

apt uses the mirror and the keyring of the machine, and a separate state in the cache.
The sources of the system are not changed.
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

# The suites with kernel sources, the newest first. The suite of the installed release
# is searched after them.
SUITES = ('trixie-backports', 'trixie')
KERNEL_SOURCE = r'linux-source-[0-9]+\.[0-9]+'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
OS_RELEASE = Path('/etc/os-release')


def os_release() -> dict[str, str]:
    """Return the fields of os-release, such as ID and VERSION_CODENAME; none if it is missing."""
    try:
        lines = OS_RELEASE.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return {}
    pairs = (line.partition('=') for line in lines)
    return {name.strip(): value.strip().strip('"\'') for name, _, value in pairs}


def is_debian() -> bool:
    """Return whether this system is Debian and has apt."""
    return os_release().get('ID') == 'debian' and shutil.which('apt-get') is not None


def codename() -> str:
    """Return the code name of the installed Debian release; raise UserError on another system."""
    fields = os_release()
    if not is_debian():
        raise UserError('packages are downloaded on Debian only, and this is '
                        f'{fields.get("PRETTY_NAME", "another system")}: name a kernel tree with KDIR=')
    if not fields.get('VERSION_CODENAME'):
        raise UserError(f'{OS_RELEASE} names no release: VERSION_CODENAME is missing')
    return fields['VERSION_CODENAME']


def _mirror(release):
    """Return the URI of the archive that apt uses for a release."""
    form = '$(CODENAME) $(RELEASE) $(REPO_URI)'
    result = subprocess.run(['apt-get', 'indextargets', '--format', form, 'Created-By: Packages'],
                            env=environment(), capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        name, suite, uri = line.split(' ', 2)
        if release in (name, suite):
            return uri
    raise UserError(f'apt has no source for {release}: add one, and run apt-get update')


class Archive:
    """A suite of the archive, or several under one name, with a separate state of apt."""

    def __init__(self, suite, release, suites=(), architecture=''):
        """Create the state.

        release: that of the machine. suites: those of the name, if it is not a suite
        itself. architecture: that of the packages, by default that of the machine.
        """
        self.suite = suite
        self.architecture = architecture
        name = f'{suite}-{architecture}' if architecture else suite
        self.state = CACHE / 'apt' / name
        self.log = CACHE / 'apt' / f'{name}.log'
        for directory in ('lists/partial', 'sources', 'cache/archives/partial'):
            (self.state / directory).mkdir(parents=True, exist_ok=True)
        (self.state / 'sources' / 'suite.sources').write_text(
            f'Types: deb\nURIs: {_mirror(release)}\nSuites: {" ".join(suites or (suite,))}\n'
            f'Components: main\nSigned-By: {KEYRING}\n', encoding='utf-8')

    def _options(self):
        state = self.state
        options = {'Dir::State::Lists': state / 'lists', 'Dir::Cache': state / 'cache',
                   'Dir::Etc::SourceList': '/dev/null', 'Dir::Etc::SourceParts': state / 'sources',
                   'APT::Sandbox::User': '', 'Acquire::Languages': 'none'}
        if self.architecture:
            options |= {'APT::Architecture': self.architecture, 'APT::Architectures': self.architecture}
        return [word for key, value in options.items() for word in ('-o', f'{key}={value}')]

    def update(self):
        """Download the package lists of the suite; raise UserError if any of them is missing."""
        run_logged(['apt-get', *self._options(), '-o', 'APT::Update::Error-Mode=any', '-q', 'update'], self.log,
                   f'updating the package lists of {self.suite}')

    def _query(self, *arguments: str) -> str:
        return subprocess.run(['apt-cache', *self._options(), *arguments], env=environment(),
                              capture_output=True, text=True, check=False).stdout

    def names(self, pattern):
        """Return the names of the packages of the suite that match a regular expression.

        The part of the expression before the first "[" must be literal.
        """
        return [name for name in self._query('pkgnames', pattern.split('[')[0]).split()
                if re.fullmatch(pattern, name)]

    def depends(self, package: str) -> list[str]:
        """Return the names in the Depends field of a package, the first one of each alternative."""
        field = re.search('^Depends: (.*)$', self._query('show', '--no-all-versions', package), re.M)
        return [re.split('[ (:]', entry.strip())[0] for entry in field[1].split(',')] if field else []

    def download(self, package: str, destination: Path) -> Path:
        """Download a package to a directory; return its path.

        apt verifies the package. Its checksum is stored first, then the package is
        moved into place, so that it is never incomplete.
        """
        with tempfile.TemporaryDirectory(prefix='incoming-', dir=destination) as incoming:
            run_logged(['apt-get', *self._options(), '-q', 'download', package], self.log,
                       f'downloading {package}', cwd=incoming)
            found = [name for name in os.listdir(incoming) if name.endswith('.deb')]
            if len(found) != 1:
                raise UserError(f'apt-get download {package} wrote no package; log: {self.log}')
            downloaded, deb = Path(incoming) / found[0], destination / found[0]
            _checksum_file(deb).write_text(f'{_sha256(downloaded)}\n', encoding='ascii')
            os.replace(downloaded, deb)
            return deb

    def clear(self) -> None:
        """Remove the packages that download_closure() downloaded."""
        run_logged(['apt-get', *self._options(), 'clean'], self.log, 'clearing the cache of apt')

    def download_closure(self, packages: tuple[str, ...], essential: bool = True) -> list[Path]:
        """Download packages and their dependencies; return their paths.

        essential: whether to download the essential packages, too.
        """
        status = self.state / 'nothing-installed/status'
        status.parent.mkdir(exist_ok=True)
        status.touch()
        archives = self.state / 'cache/archives'
        command = ['apt-get', *self._options(), '-o', f'Dir::State::status={status}', '-q', '-y',
                   'install', '--download-only', '--no-install-recommends',
                   *(['?essential'] if essential else []), *packages]
        self.clear()
        run_logged(command, self.log, f'downloading {packages[0]} and its dependencies' if not essential
                   else f'downloading the packages of a root directory of {self.suite}')
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
    """Return whether a package differs from its checksum; print a message if it has none."""
    try:
        return _sha256(deb) != _checksum_file(deb).read_text(encoding='ascii').strip()
    except FileNotFoundError:
        say(f'{deb} has no checksum and may be damaged; remove it to download it again')
        return False


def _suites():
    """Yield the suites to search, with their package lists updated."""
    release = codename()
    for name in dict.fromkeys((*SUITES, release)):
        suite = Archive(name, release)
        suite.update()
        yield suite


def mirror() -> str:
    """Return the URI of the archive that the machine uses."""
    return _mirror(codename())


def suite(name: str) -> Archive:
    """Return a suite with its package lists updated."""
    with lock.held(_store() / '.lock'):
        found = Archive(name, codename())
        found.update()
        return found


def with_backports(release: str, architecture: str = '') -> Archive:
    """Return a release and its backports under one name, with the package lists updated.

    architecture: that of the packages, by default that of the machine. The caller holds a
    lock on the state.
    """
    found = Archive(f'{release}-and-backports', codename(), (release, f'{release}-backports'), architecture)
    found.update()
    return found


def _store() -> Path:
    """Return the directory of the downloaded packages; its lock protects the state of apt, too."""
    store = CACHE / 'packages'
    store.mkdir(parents=True, exist_ok=True)
    return store


def kernel_sources():
    """Return the versions of all packaged kernel sources."""
    with lock.held(_store() / '.lock'):
        return {name.rpartition('-')[2]
                for suite in _suites() for name in suite.names(KERNEL_SOURCE)}


def _cached(name: str) -> Path | None:
    """Return the newest package of a name in the cache, None if there is none."""
    return max(_store().glob(f'{name}_*.deb'), default=None)


def _package(name: str, pattern: str, kind: str) -> Path:
    """Return a package from the cache, downloaded if missing; the caller holds the lock."""
    store = _store()
    for interrupted in store.glob('incoming-*'):
        shutil.rmtree(interrupted)
    cached = _cached(name)
    if cached:
        return cached
    others = set()
    for suite in _suites():
        names = suite.names(pattern)
        if name in names:
            return suite.download(name, store)
        others.update(names)
    raise UserError(f'the archive has no {kind} {name}; it has:\n  ' + '\n  '.join(sorted(others)))


def process_package(name: str, pattern: str, kind: str, action: Callable[[Path], None]) -> None:
    """Call action with the path of a package, which is downloaded if missing.

    pattern, kind: match and describe packages of its kind, for the message when the
    archive lacks the package. If the action fails and the package is damaged, download
    the package again and repeat the action.
    """
    with lock.held(_store() / '.lock'):
        deb = _package(name, pattern, kind)
        try:
            action(deb)
            return
        except UserError:
            if not _is_damaged(deb):
                raise
        say(f'{deb} is damaged: downloading it again')
        deb.unlink()
        _checksum_file(deb).unlink()
        action(_package(name, pattern, kind))
