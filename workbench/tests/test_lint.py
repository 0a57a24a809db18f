# SPDX-License-Identifier: GPL-2.0-only
"""Test the checks of make lint that take commands from kbuild."""

import unittest

from ship import lint

COMMAND = ('savedcmd_drivers/misc/widget/main.o := ccache-gcc -Wp,-MMD,drivers/misc/widget/.main.o.d -nostdinc '
           '-I/tree/include -include /tree/include/linux/kconfig.h -D__KERNEL__ -std=gnu11 -mcmodel=large -O2 -Wall '
           """-DKBUILD_BASENAME='"main"' -c -o drivers/misc/widget/main.o /tree/drivers/misc/widget/main.c""")


class AnalyzerTest(unittest.TestCase):
    """The command of clang's analyzer."""

    def test_keeps_what_determines_the_source(self):
        self.assertEqual(lint.analyzer_command(COMMAND + '  \n\nsource_drivers/misc/widget/main.o := /tree/main.c\n'), [
            'clang', '--analyze', '--analyzer-output', 'text', '-w', '-nostdinc', '-I/tree/include', '-include',
            '/tree/include/linux/kconfig.h', '-D__KERNEL__', '-std=gnu11', '-DKBUILD_BASENAME="main"',
            '/tree/drivers/misc/widget/main.c'])

    def test_leaves_out_what_kbuild_runs_afterwards(self):
        self.assertEqual(lint.analyzer_command(COMMAND + ' ; objtool main.o\n')[-1], '/tree/drivers/misc/widget/main.c')

    def test_link_is_no_compilation(self):
        self.assertEqual(lint.analyzer_command('savedcmd_a/b.o := ld -r -o a/b.o a/c.o\n'), [])


if __name__ == '__main__':
    unittest.main()
