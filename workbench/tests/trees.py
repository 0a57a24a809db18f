# SPDX-License-Identifier: GPL-2.0-only
"""Create small kernel trees and overlays for tests."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from subject import overlay
from subject.overlay import Overlay
from subject.subject import Subject

# The files that the rules change, and those that identify a kernel tree.
CONTENTS = {
    'Documentation/misc-devices/index.rst': '   :maxdepth: 2\n\n   apds990x\n   xilinx_sdfec\n',
    'Documentation/subsystem-apis.rst': '   hwmon/index\n   misc-devices/index\n   peci/index\n',
    'Documentation/userspace-api/ioctl/ioctl-number.rst': (
        '====  =====\n0xEC  00-01  one\n             more of one\n0xEE  00-09  two\n====  =====\n'),
    'Kbuild': '',
    'Kconfig': '',
    'MAINTAINERS': ('A FIRST ENTRY\nM:\tnobody\n\nWHEEL\nM:\tnobody\n\n'
                    'WIRELESS (802.2)\nM:\tnobody\n'),
    'Makefile': 'VERSION = 7\n',
    'arch/x86/boot/main.c': '',
    'drivers/misc/Kconfig': 'menu "x"\nsource "drivers/misc/keba/Kconfig"\nendmenu\n',
    'drivers/misc/Makefile': 'obj-$(CONFIG_A)\t+= a.o\nobj-y\t+= keba/\n\n# \xff\n',
    'kernel/Makefile': '',
    'lib/Kconfig.debug': 'config A\n\nendif # RUNTIME_TESTING_MENU\n',
    'lib/Makefile': 'obj-y += kunit/\nobj-y += math/ tests/\nlast = line without newline',
    'tools/testing/selftests/Makefile': ('TARGETS += lib\nTARGETS += lkdtm\nTARGETS += watchdog\n'
                                         'TARGETS += zram\nTARGETS_HOTPLUG = cpu\n'),
}


def write(tree: Path, contents: dict[str, str]) -> None:
    """Write files into a tree; contents maps their paths to their texts."""
    for name, text in contents.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(text.encode('latin-1'))


def git(directory: Path, *arguments) -> str:
    """Run git in a repository of a test; return its output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
    return subprocess.run(
        ['git', '-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgSign=false',
         '-c', 'protocol.file.allow=always', '-C', directory, *map(str, arguments)],
        env=env, check=True, capture_output=True, text=True).stdout


def commit(directory: Path) -> None:
    """Make a directory a repository, and commit every file."""
    git(directory, 'init', '-q')
    git(directory, 'add', '-A', '-f')
    git(directory, 'commit', '-qm', 'first')


def snapshot(tree: Path) -> dict:
    """Map every path of a tree to its mode and its content, or to the target of a link."""
    return {str(path.relative_to(tree)): (
        path.lstat().st_mode,
        os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes())
        for path in sorted(tree.rglob('*'))}


# An overlay: the texts of its files, by their paths.
WIDGET = {
    '.kunitconfig': 'CONFIG_KUNIT=y\nCONFIG_WIDGET=y\nCONFIG_WIDGET_KUNIT_TEST=y\n',
    'Documentation/widget/index.rst': 'Widget\n======\n',
    'MAINTAINERS.patch': ('--- a/MAINTAINERS\n+++ b/MAINTAINERS\n@@ -1,3 +1,9 @@\n WHEEL\n \n+WIDGET REFERENCE DRIVER\n'
                          '+M:\tT <t@example.org>\n+S:\tMaintained\n+F:\tdrivers/misc/widget/\n'
                          '+F:\tlib/widget_kunit/\n+\n WIRELESS\n'),
    'README.md': 'Not for the kernel.\n',
    'drivers/misc/widget/Kconfig': ('config WIDGET\n\ttristate "Widget"\n\n'
                                    'config WIDGET_CLIENTS\n\ttristate "Clients"\n\n'
                                    'config WIDGET_NET\n\tbool "Net"\n'),
    'drivers/misc/widget/Makefile': 'obj-$(CONFIG_WIDGET) += widget.o\n',
    'drivers/misc/widget/main.c': 'int widget;\n',
    'include/uapi/linux/widget.h': '#define WIDGET 1\n',
    'lib/widget_kunit/Kconfig': 'config WIDGET_KUNIT_TEST\n\ttristate "Tests"\n',
    'lib/widget_kunit/Makefile': 'obj-$(CONFIG_WIDGET_KUNIT_TEST) += widget_kunit.o\n',
    'lib/widget_kunit/test.c': 'int test;\n',
    'overlay.toml': '''
name = "widget"
folder = "bench"

[[insert]]
file = "Documentation/subsystem-apis.rst"
lines = "   widget/index\\n"
after = '   misc-devices/index$'

[[insert]]
file = "Documentation/userspace-api/ioctl/ioctl-number.rst"
lines = "0xED  00-01  widget\\n             <mailto:t@example.org>\\n"
sorted = '(0x[0-9A-F]{2})  '
''',
    'tools/testing/selftests/widget/Makefile': 'TEST_GEN_PROGS := open\ninclude ../lib.mk\n',
    'tools/testing/selftests/widget/config': 'CONFIG_NET_NS=y\nCONFIG_WIDGET=m\nCONFIG_WIDGET_NET=y\n',
    'tools/testing/selftests/widget/run.sh': '#!/bin/sh\n',
}
DRIVER = 'drivers/misc/widget/main.c'


def make_overlay(test: unittest.TestCase, contents: dict[str, str] | None = None) -> Overlay:
    """Write an overlay to a directory that the test removes, and load it.

    contents: the files of the overlay, by default WIDGET.
    """
    root = Path(tempfile.mkdtemp(prefix='overlay-'))
    test.addCleanup(shutil.rmtree, root)
    write(root, WIDGET if contents is None else contents)
    for script in root.rglob('*.sh'):
        script.chmod(0o755)
    return overlay.load(root)


def make_subject(test: unittest.TestCase) -> Subject:
    """Return a subject with the overlay WIDGET."""
    return Subject((make_overlay(test),))
