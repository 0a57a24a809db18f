# SPDX-License-Identifier: GPL-2.0-only
"""Test setup.sh: the search for missing packages, their installation, the waiting for locks."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from host.paths import REPO, WORKBENCH
from kernel.architecture import ARCHITECTURES
from subject.overlay import load

# The programs that the script itself uses.
USED = ('dirname', 'env', 'flock', 'grep', 'head', 'mktemp', 'rm', 'sed', 'sh', 'sleep', 'tail', 'tr')

# Installs a command for each package. Waits in a step while the file hold-STEP exists,
# and reports locks of another apt once for each line of the file busy.
APT_GET = '''#!/bin/sh
PATH=/usr/bin:/bin
cd {scratch} || exit
for step; do
    case $step in update | install) break ;; esac
done
echo "$step" >>calls
if [ -e "hold-$step" ]; then
    echo $$ >holding
    while [ -e "hold-$step" ]; do sleep 0.02; done
fi
if [ -s busy ]; then
    sed -i 1d busy
    echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 42 (apt-get)'
    echo 'E: Unable to lock directory /var/lib/apt/lists/'
    exit 100
fi
[ ! -e broken ] || {{ echo 'E: Unable to locate package'; exit 100; }}
[ "$step" = install ] || exit 0
while [ "$1" != install ]; do shift; done
for package; do
    case $package in -* | install | useless) ;; *) cp {scratch}/bin/present "{scratch}/bin/of-$package" ;; esac
done
'''

LIST = '''# comment
one     test        of-one,present      why
two     test,other  of-two              why
three   other       of-three            why
'''


class SetupTest(unittest.TestCase):
    """Test the script with its own list of packages, and with a substitute for apt-get."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='workbench-')
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.programs = self.scratch / 'bin'
        self.programs.mkdir()
        (self.scratch / 'tmp').mkdir()
        self.write_program('present', '#!/bin/sh\n')
        self.write_program('id', '#!/bin/sh\necho 0\n')
        self.write_program('apt-get', APT_GET.format(scratch=self.scratch))
        for name in USED:
            (self.programs / name).symlink_to(shutil.which(name))
        shutil.copy(WORKBENCH / 'host/setup.sh', self.scratch)
        self.write('packages', LIST)

    def write(self, name, text=''):
        (self.scratch / name).write_text(text, encoding='ascii')

    def write_program(self, name, text):
        (self.programs / name).write_text(text, encoding='ascii')
        (self.programs / name).chmod(0o755)

    def start(self, *targets):
        child = subprocess.Popen(
            [self.scratch / 'setup.sh', *targets], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={'PATH': str(self.programs), 'TMPDIR': str(self.scratch / 'tmp')})
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def run_setup(self, *targets):
        """Return the output and the exit status."""
        child = self.start(*targets)
        return child.communicate(timeout=30)[0], child.returncode

    def calls(self):
        path = self.scratch / 'calls'
        return path.read_text(encoding='ascii').split() if path.exists() else []

    def wait_for(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def start_and_hold(self, step, *targets):
        """Start a set-up that stops in a step of apt-get."""
        self.write(f'hold-{step}')
        child = self.start(*targets)
        self.wait_for(lambda: (self.scratch / 'holding').exists()
                      and (self.scratch / 'holding').read_text())
        return child

    def assert_clean(self):
        self.assertEqual(os.listdir(self.scratch / 'tmp'), [])

    def test_nothing_is_printed_and_done_if_nothing_is_missing(self):
        for name in ('of-one', 'of-two'):
            shutil.copy(self.programs / 'present', self.programs / name)
        self.assertEqual(self.run_setup('test'), ('', 0))
        self.assertEqual(self.calls(), [])
        self.assert_clean()

    def test_missing_packages_are_installed_once(self):
        self.assertEqual(self.run_setup('test'), ('installing: one two\n', 0))
        self.assertEqual(self.calls(), ['update', 'install'])
        self.assertEqual(self.run_setup('test'), ('', 0))
        self.assertEqual(self.run_setup('other'), ('installing: three\n', 0))
        self.assertEqual(len(self.calls()), 4)
        self.assert_clean()

    def test_no_package_manager_is_called_if_the_commands_exist(self):
        self.write_program('dpkg-query', '#!/bin/sh\necho dpkg-query >>{0}/calls\n'.format(self.scratch))
        (self.programs / 'apt-get').unlink()
        self.write('packages', 'one\ttest\tpresent\twhy\n')
        self.assertEqual(self.run_setup('test'), ('', 0))
        self.assertEqual(self.calls(), [])

    def test_without_apt_the_missing_names_are_printed(self):
        (self.programs / 'apt-get').unlink()
        self.write('packages', LIST + 'l test lib:libno-such.so why\np test py:no_such why\n'
                   'q test perl:No::Such why\nx test - why\n')
        self.assertEqual(self.run_setup('test'), (
            'workbench: missing: of-one, of-two, libno-such.so, Python module no_such, '
            'Perl module No::Such\n', 2))

    def test_installed_libraries_and_modules_are_found(self):
        self.write('packages', 'a test lib:libc.so,perl:strict why\nb test py:json why\n')
        self.assertEqual(self.run_setup('test'), ('', 0))

    def test_a_library_of_another_architecture_is_not_found(self):
        # gcc searches the directories of this architecture.
        self.write('packages', 'a test lib:libonly-i386.so why\n')
        (self.programs / 'apt-get').unlink()
        for directory in ('i386-linux-gnu', 'lib32'):
            (self.scratch / directory).mkdir()
            (self.scratch / directory / 'libonly-i386.so').touch()
        self.assertEqual(self.run_setup('test'), ('workbench: missing: libonly-i386.so\n', 2))

    def test_programs_of_builds_are_searched_in_the_system_only(self):
        self.write('packages', 'a all of-a why\n')
        shutil.copy(self.programs / 'present', self.programs / 'of-a')
        (self.programs / 'apt-get').unlink()
        self.assertEqual(self.run_setup('test'), ('workbench: missing: of-a\n', 2))

    def test_packages_for_the_installation_are_installed_with_others_only(self):
        self.write('packages', LIST + 'ca-certificates all - why\n')
        self.assertEqual(self.run_setup('other'), ('installing: two three ca-certificates\n', 0))
        self.assertEqual(self.run_setup('other'), ('', 0))

    def test_the_script_waits_for_the_locks_of_another_apt(self):
        self.write('busy', '\n\n')
        output, status = self.run_setup('other')
        self.assertEqual((output, status), (
            'installing: two three\nwaiting for apt: Could not get lock /var/lib/apt/lists/lock. '
            'It is held by process 42 (apt-get)\n', 0))
        self.assertEqual(self.calls(), ['update', 'update', 'update', 'install'])
        self.assert_clean()

    def test_a_failure_is_printed_with_the_command_to_run(self):
        self.write('broken')
        output, status = self.run_setup('other')
        self.assertRegex(output, 'E: Unable to locate package\nlog: .*\nworkbench: apt-get update failed. '
                         'Run it by hand:\n  apt-get install --no-install-recommends two three\n')
        self.assertEqual((status, self.calls()), (2, ['update']))

    def test_names_that_are_missing_after_the_installation_are_printed(self):
        self.write('packages', 'useless test of-useless why\n')
        self.assertEqual(self.run_setup('test'), (
            'installing: useless\nworkbench: apt-get installed useless, but these are still missing: of-useless\n', 2))

    def test_a_second_set_up_waits_for_the_first(self):
        first = self.start_and_hold('update', 'other')
        second = self.start('other')
        self.assertEqual(second.stdout.readline(), 'waiting for another set-up to end\n')
        (self.scratch / 'hold-update').unlink()
        self.assertEqual(first.wait(20), 0)
        self.assertEqual((second.communicate()[0], second.returncode), ('', 0))
        self.assertEqual(self.calls(), ['update', 'install'])

    def test_a_signal_ends_the_script_and_the_update(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            child = self.start_and_hold('update', 'other')
            holding = int((self.scratch / 'holding').read_text())
            child.send_signal(number)
            self.assertEqual(child.wait(20), 128 + number)
            self.assertFalse(Path(f'/proc/{holding}').exists())
            self.assertEqual(self.calls(), ['update'])
            self.assert_clean()
            (self.scratch / 'holding').unlink()
            (self.scratch / 'calls').unlink()

    def test_a_signal_does_not_interrupt_an_installation(self):
        child = self.start_and_hold('install', 'other')
        child.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.assertIsNone(child.poll())
        (self.scratch / 'hold-install').unlink()
        self.assertEqual(child.wait(20), 128 + signal.SIGTERM)
        self.assertTrue((self.programs / 'of-three').exists())
        self.assert_clean()

    def test_a_signal_ends_the_waiting_for_locks(self):
        self.write('busy', '\n' * 50)
        child = self.start('other')
        self.wait_for(lambda: len(self.calls()) > 1)
        child.terminate()
        self.assertEqual(child.wait(20), 128 + signal.SIGTERM)
        self.assertNotIn('install', self.calls())

    def test_a_user_other_than_root_requires_sudo(self):
        self.write_program('id', '#!/bin/sh\necho 1000\n')
        output, status = self.run_setup('other')
        self.assertRegex(output, 'missing: of-two, of-three\nThe installation requires root or sudo')
        self.assertEqual((status, self.calls()), (2, []))
        self.write_program('sudo', '#!/bin/sh\nexec "$@"\n')
        self.assertEqual(self.run_setup('other')[1], 0)

    def test_the_list_of_the_repository_is_valid(self):
        known = {'all', 'analysis', 'check', 'check-debian', 'check-lab', 'coverage', 'distro', 'lab', 'try', 'lint',
                 'test', 'x86_64', *ARCHITECTURES}
        for targets in load(REPO).description.packages.values():
            known.update(targets.split())
        packages = set()
        for line in (WORKBENCH / 'host/packages').read_text(encoding='ascii').splitlines():
            if not line or line.startswith('#'):
                continue
            package, targets, provided, _ = line.split(maxsplit=3)
            self.assertLessEqual(set(targets.split(',')), known, line)
            self.assertNotIn(package, packages)
            self.assertRegex(provided, r'^(-|/[/\w.-]+|((lib:|py:|perl:)?[\w.:-]+)(,(lib:)?[\w.-]+|,py:\w+)*)$')
            packages.add(package)


if __name__ == '__main__':
    unittest.main()
