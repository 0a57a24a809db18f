# SPDX-License-Identifier: GPL-2.0-only
"""Small stand-ins for kernel trees."""

import functools
import os
import subprocess
import unittest
from pathlib import Path
from unittest import mock

from host import checkout
from subject import rules

# What the rules look for, and what makes a directory a kernel tree.
CONTENTS = {
    'Documentation/subsystem-apis.rst': '   hwmon/index\n   misc-devices/index\n   peci/index\n',
    'Documentation/userspace-api/ioctl/ioctl-number.rst': (
        '====  =====\n0xEC  00-01  one\n             more of one\n0xEE  00-09  two\n====  =====\n'),
    'Kbuild': '',
    'Kconfig': '',
    'MAINTAINERS': ('A FIRST ENTRY\nM:\tnobody\n\nLIVE UPDATE\nM:\tnobody\n\n'
                    'LLC (802.2)\nM:\tnobody\n'),
    'Makefile': 'VERSION = 7\n',
    'arch/x86/boot/main.c': '',
    'drivers/misc/Kconfig': 'menu "x"\nsource "drivers/misc/keba/Kconfig"\nendmenu\n',
    'drivers/misc/Makefile': 'obj-$(CONFIG_A)\t+= a.o\nobj-y\t+= keba/\n\n# \xff\n',
    'kernel/Makefile': '',
    'lib/Kconfig.debug': 'config A\n\nendif # RUNTIME_TESTING_MENU\n',
    'lib/Makefile': 'obj-y += kunit/\nobj-y += math/ tests/\nlast = line without newline',
    'tools/testing/selftests/Makefile': ('TARGETS += lib\nTARGETS += lkdtm\nTARGETS += lsm\n'
                                         'TARGETS += zram\nTARGETS_HOTPLUG = cpu\n'),
}


def write(tree: Path, contents: dict[str, str]) -> None:
    """Write files, by their paths in a tree."""
    for name, text in contents.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(text.encode('latin-1'))


def git(directory: Path, *arguments) -> str:
    """Run git in a repository of the test's, as its user would."""
    env = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
    return subprocess.run(
        ['git', '-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgSign=false',
         '-c', 'protocol.file.allow=always', '-C', directory, *map(str, arguments)],
        env=env, check=True, capture_output=True, text=True).stdout


def commit(directory: Path) -> None:
    """Make a directory a repository in which every file is committed."""
    git(directory, 'init', '-q')
    git(directory, 'add', '-A', '-f')
    git(directory, 'commit', '-qm', 'first')


def snapshot(tree: Path) -> dict:
    """Return every file of a tree with its content and mode, every directory and link."""
    return {str(path.relative_to(tree)): (
        path.lstat().st_mode,
        os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes())
        for path in sorted(tree.rglob('*'))}


DRIVER = 'drivers/misc/lkmdemo/main.c'


@functools.cache
def _some_of_the_driver() -> list[str]:
    """Return two files of each directory of the driver's, which is as good as all and quicker."""
    directories = {}
    for name in checkout.files(*rules.UPSTREAM):
        directories.setdefault(os.path.dirname(name), []).append(name)
    return sorted({DRIVER, *(name for names in directories.values() for name in names[:2])})


def shorten_the_driver(test: unittest.TestCase) -> None:
    """Let the driver have some of its files only, and list them once for all tests."""
    names = _some_of_the_driver()
    patch = mock.patch.object(checkout, 'files', lambda *under: names)
    patch.start()
    test.addCleanup(patch.stop)
