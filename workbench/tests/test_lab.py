# SPDX-License-Identifier: GPL-2.0-only
"""Test the definition of a job for LAVA, and the verdict from its log."""

import contextlib
import io
import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from host.console import UserError
from host.environment import environment
from host.paths import WORKBENCH
from job import lab, lava_server
from job.bundle import Test
from verdict.count import count_kselftest, count_kunit

TESTS = [Test('kunit', 1, '-', 'kunit'), *(Test('single', 1, 'w', name) for name in ('open', 'fio.sh', 'bad.sh', 'sh'))]

KSELFTEST = '''\
TAP version 13
# selftests: w: open
# 1..3
# #  RUN           open.first ...
# ok 1 open.first
# not ok 2 open.second
# ok 3 open.a third # SKIP requires root
not ok 1 selftests: w: open # exit=1
# seconds 1.00 2.00
# selftests: w: fio.sh
# ok 1 fio.one
ok 2 selftests: w: fio.sh
# selftests: w: bad.sh
# sh: syntax error
ok 3 selftests: w: bad.sh # XFAIL
# selftests: w: sh
# ok 1 sh.one
not ok 4 selftests: w: sh # exit=7
'''
KUNIT = '''\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: w_suite
    1..2
    ok 1 first
        KTAP version 1
        # Subtest: second
        ok 1 -1
        ok 2 0
    ok 2 second
ok 1 w_suite
'''
DMESG = ['[    0.1] early WARNING: ignored', '[    1.0] workbench: guest: user space is up', '[    2.0] w: loaded']


def signals(kind, text):
    """Return what the guest prints, with the signals."""
    result = subprocess.run(['awk', '-v', f'kind={kind}', '-f', WORKBENCH / 'job/guest/lava.awk'], input=text,
                            env=environment(), capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


def entry(level, message):
    return '- ' + json.dumps({'dt': '2026-01-01T00:00:00', 'lvl': level, 'msg': message})


def log(console, without=()):
    """Return a log of LAVA: the console, and a result for each signal in it except some."""
    lines = [entry('info', 'start'), entry('results', {'case': 'validate', 'definition': 'lava', 'result': 'pass'})]
    for line in console:
        lines.append(entry('target', line + '\r'))
        match = re.match(r'<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=(\S+) RESULT=(\w+)>', line)
        if match and match[1] not in without:
            lines.append(entry('results', {'case': match[1], 'definition': '0_kselftest', 'result': match[2]}))
    return '\n'.join(lines) + '\n'


def console(dmesg=(), end=True):
    lines = ['lava-test: # ', '+ sh /workbench/lava 120', 'workbench: KUnit', *signals('kunit', KUNIT),
             'workbench: kselftest', *signals('kselftest', KSELFTEST), 'workbench: kernel log', *(dmesg or DMESG)]
    return [*lines, 'workbench: end'] if end else lines


class SignalTest(unittest.TestCase):
    """Test the signals of the guest."""

    def test_each_case_has_a_signal(self):
        found = re.findall(r'TEST_CASE_ID=(\S+) RESULT=(\w+)>', '\n'.join(signals('kselftest', KSELFTEST)))
        self.assertEqual(found, [('w.open.open.first', 'pass'), ('w.open.open.second', 'fail'),
                                 ('w.open.open.a_third', 'skip'), ('w.fio.sh.fio.one', 'pass'), ('w.bad.sh', 'fail'),
                                 ('w.sh.sh.one', 'pass'), ('w.sh', 'fail')])
        found = re.findall(r'TEST_CASE_ID=(\S+) RESULT=(\w+)>', '\n'.join(signals('kunit', KUNIT)))
        self.assertEqual(found, [('kunit.w_suite.first', 'pass'), ('kunit.w_suite.second', 'pass')])


class JudgeTest(unittest.TestCase):
    """Test the verdict."""

    def judge(self, text, tests=None):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return lab.judge(text, tests or TESTS)

    def test_the_verdict_is_that_of_a_run_without_a_lab(self):
        text = '\n'.join(line for line in KSELFTEST.splitlines() if not line.startswith('# seconds'))
        expected = count_kunit(KUNIT) + count_kselftest(text, [f'{test.target}: {test.name}' for test in TESTS[1:]])
        self.assertEqual(self.judge(log(console())), expected)

    def test_a_case_that_did_not_report_is_a_failure(self):
        for name, title in (('w.fio.sh.fio.one', 'kselftest fio.sh: fio.one'), ('w.bad.sh', 'kselftest bad.sh'),
                            ('kunit.w_suite.first', 'KUnit w_suite.first')):
            with self.subTest(name):
                self.assertIn(f'{title} did not report to LAVA', self.judge(log(console(), (name,))).failures())

    def test_another_result_in_lava_is_a_failure(self):
        text = log(console()).replace('"0_kselftest", "result": "pass"', '"0_kselftest", "result": "skip"', 1)
        self.assertIn('KUnit w_suite.first is skipped in LAVA', self.judge(text).failures())

    def test_a_program_that_did_not_run_is_a_failure(self):
        tally = self.judge(log(console()), [*TESTS, Test('single', 1, 'w', 'absent')])
        self.assertIn('kselftest did not run absent', tally.failures())

    def test_a_report_in_the_kernel_log_is_a_failure(self):
        tally = self.judge(log(console([*DMESG, '[    3.0] BUG: bad'])))
        self.assertEqual(tally.failures()[0], 'LAVA: a guest died or its kernel log has a report')

    def test_a_run_that_does_not_end_is_a_failure(self):
        self.assertIn('LAVA: the run did not reach its end', self.judge(log(console(end=False))).failures())
        died = [*DMESG, *console()[:12], '[    3.0] Kernel panic - not syncing']
        self.assertEqual(self.judge(log(died)).failures()[0], 'LAVA: a guest died or its kernel log has a report')

    def test_another_file_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'no log of LAVA'):
            lab.judge('hello\n', TESTS)

    def test_a_job_that_does_not_boot_is_an_error(self):
        text = ('- {"dt": "2026", "lvl": "info", "msg": "start"}\n'
                '- {"dt": "2026", "lvl": "error", "msg": "JobError: no image"}\n')
        with self.assertRaisesRegex(UserError, 'did not boot the kernel: JobError: no image$'):
            lab.judge(text, TESTS)

    def test_a_missing_file_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'LOG=/none: No such file'):
            lab.read('/none')

    def test_the_escapes_of_yaml_are_read(self):
        line = r'- {"dt": "x", "lvl": "target", "msg": "a\e[0m \x07 \"b\" \\ \U0001F600 \/ \0"}'
        self.assertEqual(lab.read_log(line)[0], ['a\x1b[0m \x07 "b" \\ \U0001F600 / \0'])
        line = '- {"dt": "x", "lvl": "results", "msg": {"case": "c", "definition": "0_k", ' \
               '"d": !!float "0.5", "n": ! "7", "result": "fail"}}'
        self.assertEqual(lab.read_log(line)[1], {'c': 'failed'})


class DefinitionTest(unittest.TestCase):
    """Test the definition."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.job = Path(directory.name)
        (self.job / 'job.json').write_text(json.dumps({
            'target': 'x86_64', 'time_limit': 2400, 'program_limit': 120, 'overlays': [{'name': 'w'}]}))

    def test_the_device_and_the_addresses_are_parameters(self):
        found = lab.definition(self.job, 'qemu-x', 'http://h/j')
        self.assertEqual(found['device_type'], 'qemu-x')
        images = found['actions'][0]['deploy']['images']
        self.assertEqual(images['kernel']['url'], 'http://h/j/kernel')
        self.assertIn('console=ttyS0,115200', images['kernel']['image_arg'])
        found = lab.definition(self.job, 'board', 'http://h/j')
        self.assertEqual(found['actions'][0]['deploy']['to'], 'tftp')
        self.assertEqual(found['actions'][1]['boot']['method'], 'u-boot')

    def test_yaml_has_a_line_for_each_value(self):
        value = {'a': 1, 'b': {'c': 'x: "y"', 'd': [True, {'e': 2, 'f': 3}]}, 'g': []}
        self.assertEqual([*lab.as_yaml(value)], ['a: 1', 'b:', '  c: "x: \\"y\\""', '  d:', '    - true', '    - e: 2',
                                                 '      f: 3', 'g: []'])

    def test_an_invalid_definition_is_an_error_in_one_line(self):
        with self.assertRaises(UserError) as caught:
            lab.validate('job_name: x\n')
        self.assertNotIn('\n', str(caught.exception))

    def test_the_schema_of_lava_accepts_the_definition(self):
        found = subprocess.run(['/usr/bin/python3', '-c', 'import lava_common'], capture_output=True, check=False)
        if found.returncode:
            self.skipTest('the schema of LAVA is not installed')
        for device in ('qemu', 'board'):
            text = lab.write(self.job, device, '').read_text()
            self.assertIn(f'"file://{self.job}/kernel"', text)


class ServerTest(unittest.TestCase):
    """Test the scripts of the server."""

    def test_a_shell_reads_the_scripts(self):
        for path in sorted(lava_server._SCRIPTS.iterdir()):
            found = subprocess.run(['sh', '-n', path], env=environment(), capture_output=True, text=True, check=False)
            self.assertEqual(found.stderr, '')

    def test_the_release_is_that_in_the_log(self):
        self.assertEqual(lava_server.release('$ unshare\nlab: starting the server\nlab: LAVA 2023.01\nlab: whole'),
                         '2023.01')
        self.assertEqual(lava_server.release('lab: starting the server\n'), '')


if __name__ == '__main__':
    unittest.main()
