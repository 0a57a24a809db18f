# SPDX-License-Identifier: GPL-2.0-only
"""Packages from suites of the Debian archive that the machine does not use.

apt is run with a state of its own in the cache: the mirror and the keyring are
the machine's, the suites are ours, and the system's sources stay untouched.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile

from console import UserError
from environment import environment
from paths import CACHE
from process import run_logged

# Where kernel sources newer than the stable release are, newest first; the
# release's own suite, which is known only on the machine, comes after them.
SUITES = ('trixie-backports', 'trixie')
KERNEL_SOURCE = r'linux-source-[0-9]+\.[0-9]+'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'


def _release():
    """The code name of the Debian that runs here."""
    with open('/etc/os-release', encoding='utf-8') as lines:
        for line in lines:
            if line.startswith('VERSION_CODENAME='):
                return line.split('=', 1)[1].strip().strip('"')
    raise UserError('/etc/os-release names no release: is this Debian?')


def _mirror(release):
    """The URI of the archive that the machine takes its release from."""
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
        """Fetch what the suite has."""
        run_logged(['apt-get', *self._options(), '-q', 'update'], self.log,
                   f'looking into {self.suite}')

    def names(self, pattern):
        """The names of the suite's packages that match a regular expression."""
        result = subprocess.run(['apt-cache', *self._options(), 'pkgnames', pattern.split('[')[0]],
                                env=environment(), capture_output=True, text=True, check=False)
        return [name for name in result.stdout.split() if re.fullmatch(pattern, name)]

    def download(self, package, destination):
        """Fetch a package, checked by apt, and return where it is.

        It gets its name in the destination only when it is whole.
        """
        with tempfile.TemporaryDirectory(prefix='incoming-', dir=destination) as incoming:
            run_logged(['apt-get', *self._options(), '-q', 'download', package], self.log,
                       f'downloading {package}', cwd=incoming)
            found = [name for name in os.listdir(incoming) if name.endswith('.deb')]
            if len(found) != 1:
                raise UserError(f'apt-get download {package} left no package; log: {self.log}')
            whole = destination / found[0]
            os.replace(os.path.join(incoming, found[0]), whole)
            return whole


def _stale(directory):
    """What interrupted downloads have left."""
    return directory.glob('incoming-*')


def _suites():
    """The suites that are looked into, brought up to date, one after the other."""
    release = _release()
    for name in dict.fromkeys((*SUITES, release)):
        suite = Archive(name, release)
        suite.update()
        yield suite


def kernel_sources():
    """The versions of all packaged kernel sources."""
    return {name.rpartition('-')[2] for suite in _suites() for name in suite.names(KERNEL_SOURCE)}


def package(name, pattern, what):
    """Return the package of this name from the cache, fetching it when absent.

    pattern matches the names of its kind, for the message when it is nowhere;
    what says what it is.
    """
    store = CACHE / 'packages'
    store.mkdir(parents=True, exist_ok=True)
    with open(store / '.lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in _stale(store):
            shutil.rmtree(left)
        have = sorted(store.glob(f'{name}_*.deb'))
        if have:
            return have[-1]

        others = set()
        for suite in _suites():
            names = suite.names(pattern)
            if name in names:
                return suite.download(name, store)
            others.update(names)
    raise UserError(f'the archive has no {what} {name}; it has:\n  '
                    + '\n  '.join(sorted(others)))
