# SPDX-License-Identifier: GPL-2.0-only
"""Test the search for reports in a kernel log."""

import unittest
from pathlib import Path

from machine import guest, report

DATA = Path(__file__).parent / 'data/kernel-logs'

# Logs of real kernels: the pattern of the begin, and a part of the report; None without a report.
LOGS = {}


def scan(*lines, begin=guest.USER_SPACE):
    """Return the report in lines."""
    scanner = report.Scanner(begin)
    scanner.feed('\n'.join(lines).encode() + b'\n')
    return scanner.report()


class ReportTest(unittest.TestCase):
    """Test which reports are found."""

    def test_each_kind_of_report_is_found(self):
        for line in ('WARNING: CPU: 0 PID: 1 at drivers/misc/widget/file.c:1 widget_open+0x1/0x2',
                     '------------[ cut here ]------------',
                     'BUG: unable to handle page fault', 'Kernel panic - not syncing: x',
                     'BUG: KASAN: slab-out-of-bounds in x', 'UBSAN: shift-out-of-bounds in x',
                     'BUG: KCSAN: data-race in x / y', 'BUG: sleeping function called from invalid context',
                     'kmemleak: 3 new suspected memory leaks', 'Oops: 0000 [#1]',
                     'INFO: task cat:12 blocked for more than 10 seconds.',
                     'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
                     'watchdog: BUG: soft lockup - CPU#0 stuck for 22s!',
                     'WARNING: possible circular locking dependency detected',
                     'WARNING: suspicious RCU usage', 'general protection fault, probably for x',
                     'refcount_t: underflow; use-after-free.', 'BUG widget (Not tainted): Objects remaining',
                     'workbench: guest: lock debugging is off', 'KVM internal error. Suberror: 1',
                     'widget: init suspiciously returned 1, it should follow 0/-E convention'):
            with self.subTest(line):
                self.assertEqual(scan('x ' + guest.USER_SPACE, '[    1.0] ' + line, 'more'),
                                 ['[    1.0] ' + line, 'more'])

    def test_other_lines_are_not_reports(self):
        self.assertEqual(scan(guest.USER_SPACE, 'widget: capacity 0 is not from 1',
                              'widget: module verification', 'debug: BUGS none', 'kasan: initialized'), [])

    def test_reports_before_user_space_are_ignored(self):
        self.assertEqual(scan('WARNING: suspicious RCU usage', guest.USER_SPACE, 'fine'), [])

    def test_reports_before_user_space_count_if_it_does_not_start(self):
        self.assertEqual(scan('a', 'WARNING: suspicious RCU usage', 'b'), ['WARNING: suspicious RCU usage', 'b'])

    def test_the_death_of_a_kernel_that_boots_is_found_at_once(self):
        scanner = report.Scanner(guest.USER_SPACE)
        scanner.feed(b'WARNING: at its own\nKernel panic - not syncing: no init\n')
        self.assertTrue(scanner.has_report)
        self.assertEqual(scanner.report(), ['Kernel panic - not syncing: no init'])

    def test_a_report_is_found_while_the_log_grows(self):
        scanner = report.Scanner(guest.USER_SPACE)
        for piece, found in ((guest.USER_SPACE + '\n', False), ('WARN', False), ('ING: x', False), ('\r\nmo', True),
                             ('re\n', True)):
            scanner.feed(piece.encode())
            self.assertEqual(scanner.has_report, found)
        self.assertEqual(scanner.report(), ['WARNING: x', 'more'])

    def test_a_report_in_an_incomplete_last_line_is_found(self):
        scanner = report.Scanner(guest.USER_SPACE)
        scanner.feed(guest.USER_SPACE.encode() + b'\nBUG: x')
        self.assertEqual(scanner.report(), ['BUG: x'])

    def test_the_length_of_a_report_is_limited(self):
        self.assertEqual(len(scan(guest.USER_SPACE, 'BUG: x', *map(str, range(1000)))), report.CONTEXT_LINES)

    def test_reports_in_the_logs_of_real_kernels_are_found(self):
        for name, (begin, first) in LOGS.items():
            with self.subTest(name):
                found = report.find(DATA / name, begin)
                self.assertEqual(bool(found), first is not None, found)
                if first:
                    self.assertIn(first, found[0] + found[1])


if __name__ == '__main__':
    unittest.main()
