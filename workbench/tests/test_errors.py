# SPDX-License-Identifier: GPL-2.0-only
"""Test the search for the first error, with logs of failed builds, which are recorded and shortened."""

import tempfile
import unittest
from pathlib import Path

from host import errors

DATA = Path(__file__).parent / 'data/build-logs'

# For each log: a part of the first line that is shown, and a part of a later one.
LOGS = {
    'compiler': ("message.c: In function 'widget_broken':", "error: 'nothing_of_the_kind' undeclared"),
    'compiler-include': ('fatal error: linux/no-such-header.h: No such file or directory', '#include <linux/no-such'),
    'compiler-after-headers': ("do_mounts.c: In function 'broken':", "error: expected expression before ';' token"),
    'assembler': ('message.c: Assembler messages:', "Error: no such instruction: `bogus %rax'"),
    'linker': ("ld: init/version.o: in function `broken':", "undefined reference to `nowhere'"),
    'modpost': ("ERROR: modpost: drivers/misc/widget/widget.ko: symbol 'widget_nowhere'", 'modpost] Error'),
    'missing-rule': ("make[6]: *** No rule to make target 'drivers/misc/widget/nothere.o'", 'Stop.'),
    'makefile': ('widget/Makefile:15: *** this Makefile is broken.  Stop.', 'Error 2'),
    'kconfig': ('drivers/misc/widget/Kconfig:3: syntax error', 'unknown statement "tristte"'),
    'kconfig-source': ("Kconfig:77: can't open file", 'Kconfig.nothere'),
    'headers': ('error: ', 'widget.h: leak CONFIG_WIDGET to user-space'),
    'disk-full': ('Assembler messages:', 'Fatal error: kernel/locking/mutex.o: No space left on device'),
    'file-size': ('File size limit exceeded', 'kernel/sched/core.o] Error 153'),
    'signal': ('gcc: fatal error: Killed signal terminated program cc1', 'compilation terminated.'),
    'no-command': ('/bin/sh: 1: flex: not found', 'Error 127'),
    'unpack-full': ('tar: Documentation/', 'Cannot write: No space left on device'),
    'unpack-damaged': ('dpkg-deb: error: <decompress> subprocess', 'xz: (stdin): Compressed data is corrupt'),
    'unpack-file-size': ('File size limit exceeded| tar', 'tar'),
    'unpack-no-xz': ('unpack: line 1: /nonexistent: No such file', 'tar: This does not look like a tar archive'),
    'apt': ('E: Unable to locate package', 'no-such-package'),
    'python': ('Traceback (most recent call last):', 'json.decoder.JSONDecodeError: Expecting property name'),
}


class FirstErrorTest(unittest.TestCase):
    """Test which lines of a log are shown."""

    def shown(self, text):
        """Return the lines that are shown of a log with this text behind the command."""
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / 'log'
            log.write_text('$ make\n' + text, encoding='utf-8')
            return errors.first_error(log)

    def test_the_first_error_of_each_recorded_log_is_shown(self):
        self.assertEqual(sorted(LOGS), sorted(path.stem for path in DATA.iterdir()))
        for name, (first, other) in LOGS.items():
            with self.subTest(name):
                lines = errors.first_error(DATA / f'{name}.log')
                self.assertIn(first, lines[0])
                self.assertIn(other, '\n'.join(lines))
                self.assertLessEqual(len(lines), 20)

    def test_file_names_are_not_errors(self):
        text = (DATA / 'compiler-after-headers.log').read_text(encoding='utf-8')
        self.assertIn('  HDRINST usr/include/linux/can/error.h\n', text)
        self.assertNotIn('can/error.h', '\n'.join(errors.first_error(DATA / 'compiler-after-headers.log')))

    def test_lines_of_another_job_are_left_out(self):
        self.assertEqual(self.shown('''\
  CC      a.o
a.c: In function 'a':
  CC      b.o
a.c:1:2: error: wrong
  LD [M]  error.ko
    1 | wrong
make[1]: *** [Makefile:1: a.o] Error 1
'''), ["a.c: In function 'a':", 'a.c:1:2: error: wrong', '    1 | wrong', 'make[1]: *** [Makefile:1: a.o] Error 1'])

    def test_the_includes_that_lead_to_an_error_are_shown(self):
        self.assertEqual(self.shown('''\
x.c:1:1: warning: unused
In file included from a.h:1,
                 from a.c:2:
b.h:3:4: error: wrong
''')[0], 'In file included from a.h:1,')

    def test_the_message_of_an_unknown_tool_is_shown_with_the_line_of_make(self):
        self.assertEqual(self.shown('''\
  GEN     x
frobnicate: it is all wrong
make[1]: *** [Makefile:1: x] Error 3
make[1]: *** Waiting for unfinished jobs....
make: *** [Makefile:2: all] Error 2
''')[:2], ['frobnicate: it is all wrong', 'make[1]: *** [Makefile:1: x] Error 3'])

    def test_a_log_without_an_error_shows_its_end(self):
        self.assertEqual(self.shown(''.join(f'line {number}\n' for number in range(20))),
                         [f'line {number}' for number in range(12, 20)])

    def test_an_empty_log_shows_nothing(self):
        self.assertEqual(self.shown(''), [])

    def test_the_whole_of_a_traceback_is_shown(self):
        self.assertEqual(self.shown('''\
Traceback (most recent call last):
  File "a", line 1
    x
ValueError: y
after it
'''), ['Traceback (most recent call last):', '  File "a", line 1', '    x', 'ValueError: y'])

    def test_warnings_and_notes_are_not_errors(self):
        for line in ("a.c:1:2: warning: unused variable 'error'", 'a.c:1:2: note: an error: no',
                     'ld: warning: a.o has a LOAD segment with RWX permissions', 'WARNING: modpost: missing x',
                     'Kconfig:7:warning: ignoring unsupported character', '#define EINVAL "error: x"',
                     'checking for error: none'):
            with self.subTest(line):
                self.assertEqual(errors._find_error([line]), -1)

    def test_errors_of_other_tools_are_found(self):
        for line in ('vmlinux.o: error: objtool: x+0x1: unreachable', 'cc1: error: no include path',
                     'x86_64-linux-gnu-ld: cannot find -lx', 'ld.lld: error: undefined symbol: x',
                     'x.o:(.text+0x1): multiple definition of `y\'', '/bin/sh: 1: flex: not found',
                     'sh: line 1: flex: command not found', 'make: flex: No such file or directory',
                     'cc1: out of memory allocating 1 bytes', 'Segmentation fault (core dumped)',
                     'make[1]: *** [Makefile:1: x] Killed', 'a.c:1:2: internal compiler error: in x, at y.c:1',
                     'dpkg: error processing x', 'rsync: [sender] link_stat "x" failed: No such file or directory (2)',
                     'Extension error (x):', 'Documentation/a.rst:3: ERROR: Unknown directive',
                     'depmod: ERROR: x', 'cp: error writing x: No space left on device',
                     'scripts/a.y:3.1-5: error: syntax error', 'error: recursive dependency detected!',
                     '*** The source tree is not clean, please run make mrproper'):
            with self.subTest(line):
                self.assertEqual(errors._find_error(['fine', line]), 1)


if __name__ == '__main__':
    unittest.main()
