# SPDX-License-Identifier: GPL-2.0-only
"""The lines that files of the kernel need for the driver, and where.

A rule finds its place by the lines that are there, so that it holds for any
kernel version.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """Lines to add to a file of the kernel.

    The place is found among the lines that match a pattern: behind the LAST of
    them; BEFORE the first; or, for a SORTED list whose pattern has a group,
    before the entry that follows the nearest smaller one.
    """
    path: str
    lines: str
    among: str
    place: str


LAST, BEFORE, SORTED = 'last', 'before', 'sorted'

# What every line that is inserted for the driver contains, in its first line at least.
NAME = 'lkmdemo'

RULES = (
    Rule('Documentation/subsystem-apis.rst',
         '   lkmdemo/index\n',
         r'   misc-devices/index$', LAST),
    Rule('Documentation/userspace-api/ioctl/ioctl-number.rst',
         '0xED  00-01  uapi/linux/lkmdemo.h                                      lkmdemo\n'
         '                                                                       <mailto:lkmdemo@example.org>\n',
         r'(0x[0-9A-F]{2})  ', SORTED),
    Rule('drivers/misc/Kconfig',
         'source "drivers/misc/lkmdemo/Kconfig"\n',
         r'source "drivers/misc/([^/]+)/', SORTED),
    Rule('drivers/misc/Makefile',
         'obj-y\t\t\t\t+= lkmdemo/\n',
         r'obj-\S+\s*\+= (\S+)/$', SORTED),
    Rule('lib/Kconfig.debug',
         'source "lib/lkmdemo_kunit/Kconfig"\n\n',
         r'endif # RUNTIME_TESTING_MENU$', BEFORE),
    Rule('lib/Makefile',
         'obj-$(CONFIG_LKMDEMO_KUNIT_TEST) += lkmdemo_kunit/\n',
         r'obj-y \+= .*/$', LAST),
    Rule('tools/testing/selftests/Makefile',
         'TARGETS += lkmdemo\n',
         r'TARGETS \+= (\S+)$', SORTED),
)

# The entry in MAINTAINERS comes from MAINTAINERS.patch: its added lines, as one
# section among sections that are sorted by their titles.
MAINTAINERS = Rule('MAINTAINERS', '', r'([A-Z0-9][^\t]*)$', SORTED)

# Where files of the repository land in the kernel when not at their own path.
RENAMED = {'.kunitconfig': 'lib/lkmdemo_kunit/.kunitconfig'}

# What goes into the kernel.
UPSTREAM = ('.kunitconfig', 'Documentation', 'drivers', 'include', 'lib', 'tools')
