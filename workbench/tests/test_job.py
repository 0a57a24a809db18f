# SPDX-License-Identifier: GPL-2.0-only
"""Test the scripts of a job, with a substitute for the guest."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host.environment import environment
from host.paths import WORKBENCH
from job import bundle
from machine import initrd, report
from machine.distro import DISTRO
from machine.foreign import FOREIGN, WITHOUT_FILES
from machine.um import UM
from processes import is_alive, members
from verdict.count import count_kselftest
from verdict.kselftest import Durations
from verdict.results import from_debugfs, from_kselftest
from verdict.tally import Tally

FILES = WORKBENCH / 'job/files'

# The output of a guest: cases that pass, fail and are skipped, a plan that is not kept, a
# program that an error ends, and one that the end of the guest cuts off.
OUTPUT = '''\
TAP version 13
# selftests: w: open
# TAP version 13
# 1..3
# #  RUN           open.first ...
# ok 1 open.first
# # open.c:7:second:Expected 1 (1) == 2 (2)
# not ok 2 open.second
# ok 3 - open.third # SKIP requires root
not ok 1 selftests: w: open # exit=1
# seconds 1.00 2.50
# selftests: w: read.sh
# KTAP version 1
# 1..0 # SKIP requires fio
ok 2 selftests: w: read.sh # SKIP
# seconds 2.50 2.75
# selftests: w: short
# 1..2
# ok 1 short.one
ok 3 selftests: w: short
# seconds 2.75 2.75
# selftests: w: broken.sh
# broken.sh: 3: syntax error
ok 4 selftests: w: broken.sh # XFAIL
# seconds 2.75 2.80
# selftests: w: cut
# 1..2
# ok 1 cut.one
'''
PROGRAMS = ('open', 'read.sh', 'short', 'broken.sh', 'cut', 'absent')

KUNIT = '''\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: w_suite
    # module: w_kunit
    1..2
    ok 1 first
        KTAP version 1
        # Subtest: second
        ok 1 -1
        not ok 2 0 & <1>
    # second: pass:1 fail:1 skip:0 total:2
    not ok 2 second
not ok 1 w_suite
KTAP version 1
1..1
    KTAP version 1
    # Subtest: w_other
    1..1
    ok 1 only # SKIP not here
ok 1 w_other # SKIP
'''


def awk(script, text, *files, **variables):
    """Return the output of a script of awk in the job."""
    values = [word for name, value in variables.items() for word in ('-v', f'{name}={value}')]
    return subprocess.run(['awk', *values, '-f', FILES / script, *files], input=text, env=environment(),
                          capture_output=True, text=True, check=False)


class Scratch(unittest.TestCase):
    """The base of tests with a directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)


class ShareTest(Scratch):
    """Test which tests a shard runs."""

    def lines(self, seconds):
        return ''.join(f'single\t{value}\tw\tt{number}\n' for number, value in enumerate(seconds))

    def share(self, text, shard, of, selected=''):
        return awk('share.awk', text, shard=shard, of=of, selected=selected)

    def test_shards_are_those_of_the_workbench(self):
        generator = random.Random(7)
        durations = Durations.__new__(Durations)
        for count in (1, 2, 3, 7):
            seconds = [generator.choice((0.5, 1, 1, 2.25, 9)) for _ in range(20)]
            durations.seconds = {f't{number}': value for number, value in enumerate(seconds)}
            expected = durations.partition([*durations.seconds], count)
            shares = [self.share(self.lines(seconds), number, count).stdout for number in range(1, count + 1)]
            found = [[line.split('\t')[3] for line in share.splitlines()] for share in shares]
            self.assertEqual(found, expected)

    def test_selected_tests_run(self):
        self.assertEqual(self.share(self.lines([1, 2, 3]), 1, 1, 't2 w:t0').stdout,
                         'single\t1\tw\tt0\nsingle\t3\tw\tt2\n')

    def test_bad_requests_are_errors(self):
        for shard, of, selected, message in ((1, 1, 'x', 'TEST=x: there is no such test; the tests are: t0'),
                                             (2, 2, '', 'SHARD=2/2: there are only 1 tests')):
            found = self.share(self.lines([1]), shard, of, selected)
            self.assertEqual((found.returncode, found.stderr), (2, f'run: {message}\n'))


class DocumentTest(Scratch):
    """Test the documents and the cases that the scripts write."""

    def setUp(self):
        super().setUp()
        self.share = self.root / 'share'
        self.share.write_text('kunit\t1\t-\tkunit\n' + ''.join(f'single\t1\tw\t{name}\n' for name in PROGRAMS))

    def ktap(self, text=OUTPUT):
        return awk('ktap.awk', text, share=self.share, measured=self.root / 'seconds').stdout

    def test_the_document_is_that_of_the_workbench(self):
        lines = [line for line in OUTPUT.splitlines() if not line.startswith('# seconds')]
        lines.append('not ok 0 selftests: w: cut # the guest ended')
        expected = from_kselftest(lines, [f'w: {name}' for name in PROGRAMS])
        self.assertEqual([line for line in self.ktap().splitlines() if not line.startswith('# ')],
                         [line for line in expected if not line.startswith('# ')])
        self.assertEqual(self.ktap(OUTPUT.replace('\n', '\r\n')).splitlines(), self.ktap().splitlines())
        self.assertEqual((self.root / 'seconds').read_text(),
                         'w: open\t1.5\nw: read.sh\t0.25\nw: short\t0\nw: broken.sh\t0.05\n')

    def test_a_program_appears_when_it_has_ended(self):
        child = subprocess.Popen(['awk', '-v', f'share={self.share}', '-v', f'measured={self.root}/s', '-f',
                                  FILES / 'ktap.awk'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.communicate)
        if 'mawk' in os.path.realpath(shutil.which('awk')):
            self.skipTest('mawk reads its whole input first')
        child.stdin.write('# selftests: w: open\nok 1 selftests: w: open\n')
        child.stdin.flush()
        self.assertEqual([child.stdout.readline() for _ in range(3)][2], 'ok 1 selftests: w: open\n')

    def test_the_results_of_kunit_are_one_document(self):
        self.assertEqual(awk('debugfs.awk', KUNIT).stdout.splitlines(), from_debugfs(KUNIT))
        self.assertEqual(awk('debugfs.awk', KUNIT.replace('\n', '\r\n')).stdout, awk('debugfs.awk', KUNIT).stdout)

    def cases(self, text, kind):
        found = Tally()
        for line in awk('results.awk', text, kind=kind, format='cases', with_target=0).stdout.splitlines():
            result, name, reason = line.split('\t')
            found += Tally(*(int(result == each) for each in ('passed', 'failed', 'skipped')), {name: result},
                           {name: reason} if reason else {})
        return found

    def test_the_cases_are_those_of_the_workbench(self):
        expected = count_kselftest(OUTPUT.rstrip() + '\nnot ok 0 selftests: w: cut # the guest ended\n',
                                   [f'w: {name}' for name in PROGRAMS[:5]])
        found = self.cases(self.ktap(), 'kselftest')
        self.assertEqual(found.results.pop('kselftest absent'), 'failed')
        # The document has a line for each missing result; the workbench counts them in one.
        for results in (found.results, expected.results):
            for name in [name for name in results if 'no result' in name or 'have a result' in name]:
                self.assertEqual(results.pop(name), 'failed')
        self.assertEqual(found.results, expected.results)
        self.assertEqual(found.reasons['kselftest open: open.second'], expected.reasons['kselftest open: open.second'])
        self.assertEqual(found.skipped, expected.skipped)

    def test_the_cases_of_kunit_have_parameters(self):
        self.assertEqual(self.cases(awk('debugfs.awk', KUNIT).stdout, 'kunit').results,
                         {'KUnit w_suite.first': 'passed', 'KUnit w_suite.second': 'failed',
                          'KUnit w_other.only': 'skipped'})

    def test_the_other_formats_can_be_read(self):
        document = awk('debugfs.awk', KUNIT).stdout
        group = json.loads(awk('results.awk', document, kind='kunit', format='json', arch='um').stdout)
        self.assertEqual(group['misc'], {'tests': 4, 'passed': 2, 'failed': 1, 'crashed': 0, 'skipped': 1, 'errors': 0})
        self.assertEqual(group['sub_groups'][0]['sub_groups'][0]['test_cases'],
                         [{'name': '-1', 'status': 'PASS'}, {'name': '0 & <1>', 'status': 'FAIL'}])
        suites = xml.etree.ElementTree.fromstring(awk('results.awk', document, kind='kunit', format='xml').stdout)
        self.assertEqual([suite.attrib['failures'] for suite in suites], ['1', '0'])
        self.assertEqual([case.attrib['name'] for case in suites.iter('testcase') if case.find('failure') is not None],
                         ['0 & <1>'])

    def test_the_verdict_names_at_most_twenty_lines(self):
        cases = ''.join(f'failed\tt{number}\treason\n' for number in range(30)) + 'passed\tx\t\n'
        found = awk('verdict.awk', cases, statuses='/none')
        lines = found.stdout.splitlines()
        self.assertEqual((found.returncode, len(lines), lines[0], lines[-2:]),
                         (1, 21, 'failed: t0: reason', ['failed: and 11 more', '1 passed, 30 failed, 0 skipped']))

    def test_a_failed_command_without_a_failed_case_is_a_failure(self):
        (self.root / 'statuses').write_text('kselftest\t3\n')
        found = awk('verdict.awk', 'passed\tx\t\n', statuses=self.root / 'statuses')
        self.assertEqual(found.stdout, 'failed: kselftest: the run ended with 3 although no case failed\n'
                         '1 passed, 1 failed, 0 skipped\n')

    def test_no_case_is_no_success(self):
        self.assertEqual(awk('verdict.awk', '', statuses='/none').returncode, 1)


class PatternTest(unittest.TestCase):
    """Test the patterns of reports in the job."""

    def test_grep_finds_the_reports_of_the_workbench(self):
        lines = ['------------[ cut here ]------------', 'BUG: bad', 'DEBUG: fine', 'WARNING: x', 'Oops: 1', 'Oopsy',
                 'kmemleak: 3 new suspected', 'INFO: task x blocked', 'INFO: fine', 'refcount_t: underflow',
                 '-[ cut here ]', 'trace_printk() being used', 'Kernel panic - not syncing', 'SKIP']
        for pattern in (report.REPORT, report.DEATH):
            found = subprocess.run(['grep', '-E', '-e', pattern.pattern], input='\n'.join(lines), env=environment(),
                                   capture_output=True, text=True, check=False)
            self.assertEqual(found.stdout.splitlines(), [line for line in lines if pattern.search(line)])


class MachineTest(unittest.TestCase):
    """Test the functions that boot a machine."""

    def check(self, kernel):
        text = bundle._machine(kernel, False)
        checked = subprocess.run(['sh', '-n'], input=text, env=environment(), capture_output=True, text=True,
                                 check=False)
        self.assertEqual(checked.stderr, '')
        return text

    def test_each_machine_has_functions_that_a_shell_can_read(self):
        for machine in (UM, DISTRO, WITHOUT_FILES, *FOREIGN.values()):
            kernel = SimpleNamespace(target=machine, debug=False, image=Path('/x'))
            text = self.check(kernel)
            for word in ('prepare()', 'ready()', 'boot()', '"$here/kernel"', '$processors'):
                self.assertIn(word, text)
            self.assertNotIn('/x', text)

    def test_kvm_is_an_option_of_a_virtual_machine(self):
        text = self.check(SimpleNamespace(target=WITHOUT_FILES, debug=False, image=Path('/x')))
        self.assertIn('"q35" "-m" "1024" "-smp" "$processors" $accelerator "-nodefaults"', text)

    def test_kvm_replaces_the_processor_that_qemu_interprets(self):
        text = self.check(SimpleNamespace(target=DISTRO, debug=False, image=Path('/x')))
        self.assertIn("accelerator='-accel tcg -cpu max,-cx16'\n", text)
        self.assertIn('"-smp" "$processors" $accelerator "-nodefaults"', text)

    def test_a_shell_replaces_only_variables(self):
        self.assertEqual(bundle._quoted(['$run/a b', 'x"`\\']), '"$run/a b" "x\\"\\`\\\\"')


# A substitute for a kernel: it runs the command of the guest in the scratch directory.
STUB = '''
memory=1 arch=um default_limit=60 silence=60 program_limit=5 with_target=0
died='a guest died' timed_out='a guest was stopped' is_up='is up'
prepare() { run=$scratch/root/run/workbench; mkdir -p "$run"; }
ready() { cp "$scratch/start" "$run/start"; }
boot()
{
    echo 'guest is up'
    SCRATCH=$run exec sh "$here/guest" "$processors"
}
'''


@unittest.skipUnless(shutil.which('busybox'), 'busybox is not installed')
class RunTest(Scratch):
    """Test the script run."""

    def setUp(self):
        super().setUp()
        self.job = self.root / 'job'
        self.place = self.root / 'place'
        self.place.mkdir()
        shutil.copytree(FILES, self.job)
        shutil.copy(shutil.which('busybox'), self.job / 'busybox')
        (self.job / 'initrd.gz').write_bytes(subprocess.run(
            ['gzip'], input=initrd.archive([initrd.file('init', b'', 0o755)]), capture_output=True, check=True).stdout)
        for name in ('modules', 'kselftest'):
            with tarfile.open(self.job / f'{name}.tar.xz', 'w:xz') as opened:
                opened.addfile(tarfile.TarInfo(name), io.BytesIO())
        texts = {'machine': STUB, 'report': report.REPORT.pattern, 'death': report.DEATH.pattern, 'kunit': 'w_kunit\n',
                 'soak': 'w random W\n', 'tests': 'single\t2\tw\topen\nparallel\t1\tw\trace\n'}
        for name, text in texts.items():
            (self.job / name).write_text(text)
        self.guest('echo "# selftests: w: $t"; echo "# ok 1 $t.case"; echo "ok 1 selftests: w: $t"',
                   end='echo 0 >"$SCRATCH/status"')

    def guest(self, program, end='', log=''):
        """Write the substitute for the guest: what it does for each program, and at the end."""
        (self.job / 'guest').write_text(
            f'echo "{log}"\n[ $1 = 2 ] && t=race || t=open\n{{ {program}; }} >>"$SCRATCH/out"\n{end}\n')

    def start(self, *arguments):
        return subprocess.Popen([self.job / 'run', f'RESULTS={self.root}/results', *arguments],
                                env={**environment(), 'TMPDIR': str(self.place)}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run_job(self, *arguments):
        child = self.start(*arguments)
        out, errors = child.communicate()
        self.assertEqual([*self.place.iterdir()], [])
        return child.returncode, out, errors

    def verdict(self):
        return (self.root / 'results/verdict').read_text()

    def test_a_run_prints_ktap_and_writes_results(self):
        status, out, errors = self.run_job()
        self.assertEqual((status, self.verdict()), (0, '2 passed, 0 failed, 0 skipped\n'), errors)
        self.assertTrue(out.startswith('KTAP version 1\n1..2\n'), out)
        self.assertTrue(out.endswith('2 passed, 0 failed, 0 skipped\n'), out)
        self.assertEqual(sorted(path.name for path in (self.root / 'results').iterdir()),
                         ['kselftest-kernel-1.log', 'kselftest-kernel-2.log', 'kselftest.json', 'kselftest.ktap',
                          'kselftest.xml', 'seconds', 'verdict'])
        self.assertIn('# kselftest-kernel-1.log: race\n# kselftest-kernel-2.log: open\n', out)

    def test_a_shard_runs_its_share(self):
        self.assertIn('ok 1 selftests: w: race', self.run_job('SHARD=2/2')[1])
        self.assertEqual(self.verdict(), '1 passed, 0 failed, 0 skipped\n')

    def test_a_failed_case_is_status_1(self):
        self.guest('echo "# selftests: w: $t"; echo "# not ok 1 $t.case"; echo "not ok 1 selftests: w: $t"',
                   end='echo 1 >"$SCRATCH/status"')
        self.assertEqual(self.run_job('TEST=open')[0], 1)
        self.assertEqual(self.verdict(), 'failed: kselftest open: open.case\n0 passed, 1 failed, 0 skipped\n')

    def test_a_report_fails_a_run_whose_tests_pass(self):
        self.guest('echo "ok 1 selftests: w: $t"', log='BUG: unable', end='echo 0 >"$SCRATCH/status"')
        status, _, errors = self.run_job('TEST=open')
        self.assertEqual(status, 1)
        self.assertIn('BUG: unable', errors)
        self.assertIn('failed: kselftest: a guest died\n', self.verdict())

    def test_a_guest_without_a_status_has_died(self):
        self.guest('echo "# selftests: w: $t"')
        self.assertEqual(self.run_job()[0], 1)
        self.assertEqual(self.verdict(), 'failed: kselftest: a guest died\nfailed: kselftest race: the guest ended\n'
                         'failed: kselftest open: did not run\n0 passed, 3 failed, 0 skipped\n')

    def test_the_time_limit_ends_a_guest(self):
        self.guest('sleep 60')
        begin = time.monotonic()
        status, _, errors = self.run_job('TIMEOUT=1', 'TEST=open')
        self.assertEqual(status, 1)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertIn('its time limit (TIMEOUT=1)', errors)
        self.assertIn('failed: kselftest: a guest was stopped\n', self.verdict())

    def test_random_calls_take_the_place_of_the_tests(self):
        self.guest('grep random "$SCRATCH/start"', end='echo 0 >"$SCRATCH/status"')
        status, out, errors = self.run_job('SECONDS=3', 'SEED=5', 'SHARD=2/3')
        self.assertEqual((status, self.verdict()), (0, '1 passed, 0 failed, 0 skipped\n'), errors)
        self.assertIn('env W_SECONDS=3 W_SEED=6 ./random\n', out)
        self.assertEqual(sorted(path.name for path in (self.root / 'results').iterdir()),
                         ['seconds', 'soak-kernel.log', 'soak.log', 'verdict'])

    def test_random_calls_that_fail_are_named_with_their_seed(self):
        self.guest(':', end='echo 1 >"$SCRATCH/status"')
        self.assertEqual(self.run_job('SECONDS=3', 'SEED=5')[0], 1)
        self.assertEqual(self.verdict(), 'failed: soak SEED=5: the program ended with 1\n'
                         '0 passed, 1 failed, 0 skipped\n')

    def write_mistake(self):
        home = self.job / 'mistakes'
        home.mkdir()
        (home / 'off-by-one').write_text('kunit w:open\nw_suite\n')
        with (self.job / 'tests').open('a') as tests:
            tests.write('kunit\t1\t-\tkunit\n')
        with tarfile.open(home / 'off-by-one.tar.xz', 'w:xz') as opened:
            opened.addfile(tarfile.TarInfo('lib'), io.BytesIO())

    def test_a_mistake_has_its_modules_and_its_tests(self):
        self.write_mistake()
        self.guest('[ -e "$SCRATCH/../../lib" ] && echo "ok 1 selftests: w: $t"',
                   end='cat "$SCRATCH/start"; echo 0 >"$SCRATCH/status"')
        _, out, _ = self.run_job('MISTAKE=off-by-one')
        self.assertIn('ok 1 selftests: w: open\n', out)
        self.assertNotIn('selftests: w: race\n', out)
        self.assertIn("modprobe kunit filter_glob='w_suite' && modprobe -a w_kunit",
                      (self.root / 'results/kunit-kernel.log').read_text())

    def test_the_case_of_kunit_that_did_not_end_is_named(self):
        with (self.job / 'tests').open('a') as tests:
            tests.write('kunit\t1\t-\tkunit\n')
        for text, name in ((r'    # Subtest: widget\n    ok 1 works',
                            'KUnit widget: did not end; the last result in its log is that of works'),
                           (r'    # Subtest: widget\n        # Subtest: each\n        ok 1 one',
                            'KUnit widget.each: did not end'),
                           (r'    # Subtest: widget\n    # each: pass:1 fail:0 skip:0 total:1',
                            'KUnit widget: did not end; the last result in its log is that of each'),
                           (r'    # Subtest: widget\nnot ok 1 widget\n    # Subtest: other',
                            'KUnit other: did not end')):
            with self.subTest(name):
                self.guest(f"printf '{text}\\n' | sed 's/^/[    1.360000] /' >&3", log='is up')
                (self.job / 'guest').write_text(f'exec 3>&1\n{(self.job / "guest").read_text()}')
                self.run_job('TEST=kunit')
                self.assertTrue(self.verdict().startswith(f'failed: KUnit: a guest died\nfailed: {name}\n'))
        for end in ('ok 1 widget\n', '# widget: pass:1 fail:0 skip:0 total:1\n'):
            self.assertEqual(awk('unfinished.awk', f'    # Subtest: widget\n    ok 1 works\n{end}').stdout, '')

    def test_bad_mistakes_are_status_2(self):
        self.write_mistake()
        for arguments, message in ((('MISTAKE=none',), 'MISTAKE=none: there is no such mistake'),
                                   (('MISTAKE=../tests',), 'there is no such mistake'),
                                   (('MISTAKE=off-by-one', 'TEST=open'), 'TEST and SECONDS are not possible')):
            status, out, errors = self.run_job(*arguments)
            self.assertEqual((status, out, errors.count('\n')), (2, '', 1), errors)
            self.assertIn(message, errors)

    def test_bad_options_are_status_2(self):
        for argument, message in (('SECONDS=x', 'must be numbers'), ('SEED=1', 'requires SECONDS'),
                                  ('SHARD=3/2', 'the first number must be 1 to 2'), ('SHARD=1', 'such as 2/4'),
                                  ('SHARD=a/b', 'such as 2/4'), ('X=1', 'X=1 is not an option'),
                                  ('TIMEOUT=x', 'must be a number of seconds'), ('TEST=none', 'no such test')):
            status, out, errors = self.run_job(argument)
            self.assertEqual((status, out, errors.count('\n')), (2, '', 1), errors)
            self.assertIn(message, errors)

    def test_a_killed_run_leaves_nothing(self):
        for number, group in ((signal.SIGTERM, False), (signal.SIGKILL, False), (signal.SIGKILL, True)):
            with self.subTest(number=number, group=group):
                self.guest('sleep 4711')
                child = self.start()
                while not [*self.place.glob('job-*/pids/*')]:
                    time.sleep(0.01)
                pids = [int(path.name) for path in self.place.glob('job-*/pids/*')]
                (os.killpg if group else os.kill)(child.pid, number)
                child.communicate()
                deadline = time.monotonic() + 10
                while any(self.place.iterdir()) and time.monotonic() < deadline:
                    time.sleep(0.01)
                self.assertEqual([*self.place.iterdir()], [])
                self.assertFalse((self.root / 'results').exists())
                self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def test_a_killed_run_waits_for_the_end_of_its_guest(self):
        # The processes of the guest have a processor only when the others leave it.
        processor = str(min(os.sched_getaffinity(0)))
        self.guest(f'chrt -i -p 0 $$; taskset -cp {processor} $$; '
                   'for i in $(seq 300); do sleep 4711 & done; touch "$SCRATCH/full"; wait')
        child = self.start()
        while not [*self.place.glob('job-*/root/run/workbench/full')]:
            time.sleep(0.01)
        group = int(next(self.place.glob('job-*/pids/*')).name)
        self.assertGreater(len(members(group)), 300)
        for _ in range(8):
            busy = subprocess.Popen(['taskset', '-c', processor, 'sh', '-c', 'while :; do :; done'])
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        deadline = time.monotonic() + 10
        while any(self.place.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.001)
        self.assertEqual(members(group), [])

    def test_a_run_that_is_killed_early_leaves_nothing(self):
        self.guest('sleep 4711')
        for delay in (0, 10, 30, 100):
            child = self.start()
            time.sleep(delay / 1000)
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
        deadline = time.monotonic() + 10
        while (any(self.place.iterdir()) or (self.root / 'results').exists()) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual([*self.place.iterdir()], [])
        self.assertFalse((self.root / 'results').exists())

    def test_results_of_an_earlier_run_are_replaced(self):
        results = self.root / 'results'
        results.mkdir()
        for name in ('kunit.ktap', 'kselftest-kernel-9.log', 'notes'):
            (results / name).touch()
        self.run_job()
        self.assertFalse({'kunit.ktap', 'kselftest-kernel-9.log'} & {path.name for path in results.iterdir()})
        self.assertTrue((results / 'notes').exists())


class TestsTest(Scratch):
    """Test which tests a job has."""

    def test_tests_that_require_the_host_are_left_out(self):
        description = SimpleNamespace(selftests=SimpleNamespace(
            parallel=('race',), races=(), unsupported={'job': {'fio.sh': 'fio'}, 'um': {'compat': '32-bit callers'}}))
        overlay = SimpleNamespace(description=description)
        kernel = SimpleNamespace(target=UM, debug=False, variant='', subject=SimpleNamespace(targets={'w': overlay}))
        durations = SimpleNamespace(seconds={'w: open': 2.5})
        named = [bundle.Program('w', name) for name in ('open', 'race', 'fio.sh', 'compat')]
        with mock.patch.object(bundle.kselftest, 'programs', lambda _: named), \
                mock.patch.object(bundle.build, 'kunit_modules', lambda _: ['w_kunit']):
            found = bundle.tests(kernel, durations)
        self.assertEqual(found, [('kunit', 1, '-', 'kunit'), ('single', 2.5, 'w', 'open'),
                                 ('parallel', 1, 'w', 'race')])


if __name__ == '__main__':
    unittest.main()
