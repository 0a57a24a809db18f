# SPDX-License-Identifier: GPL-2.0-only
"""Test the shards of a job: their submission to Slurm, with a substitute, and their merged results."""

import contextlib
import io
import os
import subprocess
import tarfile
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host.console import UserError
from host.environment import environment
from job import broken, bundle, farm, merge, mistakes as job_mistakes
from job.bundle import Test
from machine import guest
from verdict import mistakes

TESTS = [Test('kunit', 4, '-', 'kunit'), Test('single', 3, 'w', 'open'), Test('parallel', 2, 'w', 'race'),
         Test('single', 1, 'w', 'read.sh')]


def document(*programs, end=()):
    """Return a document of kselftest with a case of each program; a name with a "!" fails."""
    lines = ['KTAP version 1', f'1..{len(programs)}']
    for number, program in enumerate(programs, 1):
        name, bad = program.rstrip('!'), 'not ' * program.endswith('!')
        lines += ['  KTAP version 1', f'  # Subtest: selftests: w: {name}', '  1..1', f'  {bad}ok 1 {name}.case',
                  f'{bad}ok {number} selftests: w: {name}']
    return '\n'.join([*lines, *end, ''])


KUNIT = 'KTAP version 1\n1..1\n    1..1\n    ok 1 case\nok 1 w_suite\n'


class Scratch(unittest.TestCase):
    """The base of tests with directories of shards."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)

    def write(self, number, verdict='1 passed, 0 failed, 0 skipped\n', **files):
        home = self.root / str(number)
        home.mkdir()
        for name, text in files.items():
            (home / name.replace('__', '-').replace('_', '.')).write_text(text)
        (home / 'verdict').write_text(verdict)


class MergeTest(Scratch):
    """Test the merged results."""

    def merge(self, count=2):
        return merge.merge(merge.shards(TESTS, count, self.root), None, None)

    def alone(self):
        self.write(1, kunit_ktap=KUNIT, kselftest_ktap=document('race', 'open', 'read.sh'))
        return self.merge(1)

    def test_shards_have_similar_durations(self):
        shares = [[test.name for test in shard.tests] for shard in merge.shards(TESTS, 2, self.root)]
        self.assertEqual(shares, [['kunit', 'read.sh'], ['open', 'race']])

    def test_the_merged_tally_is_that_of_one_machine(self):
        alone = self.alone()
        self.assertEqual(str(alone), '4 passed, 0 failed, 0 skipped')
        (self.root / '1/verdict').unlink()
        (self.root / '1/kunit.ktap').unlink()
        (self.root / '1/kselftest.ktap').unlink()
        (self.root / '1').rmdir()
        self.write(1, kunit_ktap=KUNIT, kselftest_ktap=document('read.sh'))
        self.write(2, kselftest_ktap=document('race', 'open'))
        self.assertEqual(self.merge(), alone)

    def test_a_missing_shard_is_a_failure_by_name_with_its_tests(self):
        self.write(1, kunit_ktap=KUNIT, kselftest_ktap=document('read.sh'))
        tally = self.merge()
        self.assertEqual(tally.failures(), [
            'shard 2/2 has no results: its tests: open race',
            'kselftest open: did not run: shard 2/2 has no results',
            'kselftest race: did not run: shard 2/2 has no results'])

    def test_results_without_a_verdict_are_those_of_a_killed_shard(self):
        self.write(1, kunit_ktap=KUNIT, kselftest_ktap=document('read.sh'))
        self.write(2, kselftest_ktap=document('race', 'open'))
        (self.root / '2/verdict').unlink()
        self.assertEqual(self.merge().failed, 3)

    def test_a_failed_guest_is_a_failure_of_its_shard(self):
        self.write(1, kunit_ktap=KUNIT, kselftest_ktap=document('read.sh'))
        self.write(2, 'failed: kselftest: a guest died\nfailed: kselftest race: race.case\n1 passed, 2 failed\n',
                   kselftest_ktap=document('race!', 'open'))
        self.assertEqual(self.merge().failures(), ['shard 2/2: kselftest: a guest died', 'kselftest race: race.case'])

    def test_random_calls_are_a_case_for_each_shard(self):
        parts = [merge.Shard(number, 3, self.root / str(number), []) for number in (1, 2, 3)]
        self.write(1)
        self.write(2, 'failed: soak SEED=6: the program ended with 1\n0 passed, 1 failed\n')
        tally = merge.merge_soak(parts)
        self.assertEqual((tally.passed, tally.failures()), (1, [
            'shard 2/3: soak SEED=6: the program ended with 1', 'shard 3/3 has no results']))

    def test_results_have_the_logs_of_all_shards(self):
        self.write(1, kunit_ktap=KUNIT, kunit__kernel_log='a', kselftest__kernel__1_log='b',
                   kselftest_ktap=document('read.sh', end=['# kselftest-kernel-1.log: read.sh']))
        self.write(2, kselftest__kernel__1_log='c', kselftest__kernel__2_log='d',
                   kselftest_ktap=document('race', 'open', end=['# kselftest-kernel-1.log: race',
                                                                '# kselftest-kernel-2.log: open']))
        written, logs = {}, []

        def add_log(_, log, number=0):
            logs.append((log.read_text(), number))
            return f'kselftest-kernel-{number}.log'
        results = SimpleNamespace(add=lambda kind, _, lines: written.update({kind: lines}), add_kernel_log=add_log)
        merge.merge(merge.shards(TESTS, 2, self.root), Path('/tree'), results)
        self.assertEqual(logs, [('a', 0), ('b', 1), ('c', 2), ('d', 3)])
        self.assertEqual(written['kunit'], KUNIT.splitlines())
        self.assertEqual(written['kselftest'][:2], ['KTAP version 1', '1..3'])
        self.assertEqual([line for line in written['kselftest'] if line[:1] not in (' ', 'K', '1')],
                         ['ok 1 selftests: w: read.sh', 'ok 2 selftests: w: open', 'ok 3 selftests: w: race',
                          '# kselftest-kernel-1.log: read.sh', '# kselftest-kernel-2.log: race',
                          '# kselftest-kernel-3.log: open'])

    def test_the_seconds_of_all_shards_are_found(self):
        self.write(1, seconds='kunit\t4\n')
        self.write(2, seconds='w: open\t0.123\n')
        self.assertEqual(merge.seconds(merge.shards(TESTS, 2, self.root)), {'kunit': 4, 'w: open': 0.12})


# A substitute for sbatch: it runs the tasks of the array one after the other.
SBATCH = '''#!/bin/sh
echo "$*" >"$0.arguments"
[ ! -e "$0.refuse" ] || { echo 'sbatch: error: invalid partition' >&2; exit 1; }
echo 'Submitted batch job 42'
for script; do :; done
for word; do case $word in --array=*) last=${word##*-} last=${last%%%*} ;; esac; done
while [ -e "$0.hang" ]; do sleep 0.1; done
for SLURM_ARRAY_TASK_ID in $(seq "$last"); do
    export SLURM_ARRAY_TASK_ID
    sh "$script" >"${script%/*}/$SLURM_ARRAY_TASK_ID.log" 2>&1
done
[ ! -e "$0.slow" ] || exec sleep 32
'''
RUN = '''#!/bin/sh
for word; do case $word in RESULTS=*) results=${word#*=} ;; esac; done
mkdir "$results"
echo "$0 $*" >"$results/arguments"
echo '1 passed, 0 failed, 0 skipped' >"$results/verdict"
'''
SBCAST = '#!/bin/sh\ncp "$2" "$3"\n'


class SubmitTest(Scratch):
    """Test the submission."""

    def setUp(self):
        super().setUp()
        for name, text in {'bin/sbatch': SBATCH, 'bin/sbcast': SBCAST, 'a job/run': RUN,
                           'bin/scancel': '#!/bin/sh\necho "$1" >"$0.arguments"\n'}.items():
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        self.results = self.root / 'all results'
        self.env = {**environment(), 'PATH': f'{self.root}/bin:{os.environ["PATH"]}'}

    def submit(self, count=3, **options):
        parts = merge.shards(TESTS, count, self.results)
        while_running = options.pop('while_running', lambda: None)
        farm.submit(farm.Request(self.root / 'a job', count, ('TEST=a b',), **options), parts, self.results, self.env,
                    while_running)
        return parts

    def arguments(self, number):
        return (self.results / f'{number}/arguments').read_text()

    def test_each_task_runs_a_shard(self):
        parts = self.submit(options=('--partition=x y',))
        self.assertTrue(all(shard.has_ended() for shard in parts))
        self.assertEqual(self.arguments(2),
                         f'{self.root}/a job/run SHARD=2/3 RESULTS={self.results}/2 TEST=a b\n')
        self.assertIn('--wait --array=1-3 ', (self.root / 'bin/sbatch.arguments').read_text())
        self.assertIn(' --partition=x y ', (self.root / 'bin/sbatch.arguments').read_text())

    def test_each_task_may_have_an_argument_of_its_own(self):
        self.submit(count=2, own=('MISTAKE=a', 'MISTAKE=b'), at_once=1)
        self.assertEqual(self.arguments(2), f'{self.root}/a job/run MISTAKE=b RESULTS={self.results}/2 TEST=a b\n')
        self.assertIn('--wait --array=1-2%1 ', (self.root / 'bin/sbatch.arguments').read_text())

    def test_complete_results_end_the_wait_for_sbatch(self):
        (self.root / 'bin/sbatch.slow').touch()
        begin = time.monotonic()
        self.submit()
        self.assertLess(time.monotonic() - begin, 16)

    def test_a_copied_job_runs_elsewhere_and_is_removed(self):
        self.submit(copy=True)
        place = self.arguments(1).partition('/run ')[0]
        self.assertNotIn('a job', place)
        self.assertFalse(Path(place).exists())

    def test_a_refused_job_is_an_error_in_one_line(self):
        (self.root / 'bin/sbatch.refuse').touch()
        with self.assertRaisesRegex(UserError, 'sbatch failed: sbatch: error: invalid partition; log: .*sbatch.log$'):
            self.submit()

    def test_a_missing_sbatch_is_an_error(self):
        self.env['PATH'] = '/none'
        with self.assertRaisesRegex(UserError, 'sbatch is not installed'):
            self.submit()

    def test_an_interrupted_command_cancels_the_job(self):
        (self.root / 'bin/sbatch.hang').touch()

        def interrupt():
            if 'Submitted' in (self.results / 'sbatch.log').read_text():
                raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            self.submit(while_running=interrupt)
        self.assertEqual((self.root / 'bin/scancel.arguments').read_text(), '42\n')

    def test_the_results_of_the_previous_run_are_removed(self):
        (self.results / '7').mkdir(parents=True)
        self.submit()
        self.assertFalse((self.results / '7').exists())

    def test_a_shell_reads_the_script(self):
        for copy in (False, True):
            text = farm.script(farm.Request(Path("/a'b"), 2, copy=copy), Path('/r $x'))
            checked = subprocess.run(['sh', '-n'], input=text, text=True, capture_output=True, check=False)
            self.assertEqual(checked.stderr, '')


class MistakesTest(Scratch):
    """Test the results of the runs of mistakes."""

    FOUND = mistakes.Mistake(Path('off-by-one.patch'), 'a', ('kselftest race: race.case',), {'w:race'}, set(), 'um',
                             False)

    def run_with(self, *documents):
        """Write the results of each run in place of Slurm; return the tally of the mistake."""
        def submit(request, parts, directory, env):
            self.assertEqual(request.own, ('MISTAKE=off-by-one',) * 3)
            for number, files in enumerate(documents, 1):
                self.write(number, **files)

        (self.root / 'tests').write_text('single\t1\tw\topen\nparallel\t1\tw\trace\n')
        with mock.patch.object(farm, 'submit', submit), mock.patch.object(mistakes, '_record'), \
             contextlib.redirect_stdout(io.StringIO()):
            return job_mistakes.run(farm.Request(self.root, 0), [self.FOUND], self.root)

    def test_a_mistake_that_each_run_finds_is_found(self):
        self.assertEqual(self.run_with(*[{'kselftest_ktap': document('race!')}] * 3).passed, 1)

    def test_a_run_that_does_not_find_it_is_named(self):
        bad, good = {'kselftest_ktap': document('race!')}, {'kselftest_ktap': document('race')}
        self.assertEqual(self.run_with(bad, good, bad).failures(), [
            'mistake off-by-one: run 2 of 3: did not fail: kselftest race: race.case'])

    def test_a_report_is_the_only_failure(self):
        report = {'kselftest_ktap': document('race!'), 'kselftest__kernel__1_log': f'{guest.USER_SPACE}\nBUG: bad\n'}
        self.assertIn('also failed: kernel log: BUG: bad', self.run_with(report, report, report).failures()[0])


class BrokenTest(Scratch):
    """Test the copy of a job in which a test fails."""

    def test_only_the_program_differs(self):
        job = self.root / 'job'
        job.mkdir()
        (job / 'run').write_text(RUN)
        with tarfile.open(job / 'kselftest.tar.xz', 'w:xz') as opened:
            for name in ('open', 'race'):
                member = tarfile.TarInfo(f'./w/{name}')
                member.size, member.mode = 4, 0o755
                opened.addfile(member, io.BytesIO(b'good'))
        broken.copy(job, self.root / 'copy', TESTS[1])
        self.assertEqual((self.root / 'copy/run').read_text(), RUN)
        with tarfile.open(self.root / 'copy/kselftest.tar.xz') as opened:
            contents = {member.name: opened.extractfile(member).read().decode() for member in opened}
            self.assertEqual(opened.getmember('./w/open').mode, 0o755)
        self.assertIn(f'not ok 1 {broken.CASE}', contents['./w/open'])
        self.assertEqual(contents['./w/race'], 'good')


class SelectedTest(unittest.TestCase):
    """Test the selection of tests by name."""

    def test_names_select_tests(self):
        self.assertEqual([test.name for test in bundle.selected(TESTS, ('w:race', 'open'))], ['open', 'race'])
        self.assertEqual(bundle.selected(TESTS, ()), TESTS)

    def test_an_unknown_name_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'TEST=x: there is no such test; the tests are: kunit open race read.sh'):
            bundle.selected(TESTS, ('x',))


if __name__ == '__main__':
    unittest.main()
