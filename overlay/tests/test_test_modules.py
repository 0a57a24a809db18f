# SPDX-License-Identifier: GPL-2.0-only
"""Test the build of the modules of the kselftests, with a substitute for make."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SELFTESTS = Path(__file__).parents[2] / 'tools/testing/selftests/lkmdemo'

# The substitute, which build.sh calls as make -C KDIR M=DIRECTORY CC=CC SETTING... GOAL.
MAKE = r'''#!/bin/sh
for word; do
    case $word in
    M=*) directory=${word#M=} ;;
    INSTALL_MOD_PATH=*) root=${word#*=} ;;
    CONFIG_MODULE_SIG_ALL=y) all=y ;;
    modules | modules_install | clean | help) goal=$word ;;
    esac
done
echo "$*" >>"$CALLS"
[ ! -e "$BREAK.$goal" ] || { echo "error: no $goal" >&2; exit 2; }
case $goal in
modules)
    [ ! -e "$BREAK" ] || { echo 'error: no' >&2; exit 2; }
    [ ! -e "$HANG" ] || sleep 60
    for name in client closed forever notifier; do
        echo "$name" >"$directory/lkmdemo_test_$name.ko"
    done ;;
modules_install)
    mkdir -p "$root/lib/modules/1.0.0/updates"
    cp "$directory"/*.ko "$root/lib/modules/1.0.0/updates"
    [ "$all" != y ] || [ ! -e "$KEY" ] ||
        echo '~Module signature appended~' >>"$root/lib/modules/1.0.0/updates/lkmdemo_test_client.ko" ;;
clean)
    rm -f "$directory"/*.ko ;;
esac
'''

# The parts of lib.mk of the kernel that the Makefile requires.
LIB_MK = r'''top_srcdir := $(CURDIR)
TEST_GEN_PROGS := $(patsubst %,$(OUTPUT)/%,$(TEST_GEN_PROGS))
all: $(TEST_GEN_FILES) ; @echo files: $(notdir $(TEST_GEN_FILES))
print: ; @echo run: $(notdir $(TEST_GEN_PROGS)) $(TEST_PROGS)
print: on_request
on_request: ; @echo on request: $(TEST_GEN_PROGS_EXTENDED) $(TEST_PROGS_EXTENDED)
'''


class Built(unittest.TestCase):
    """The base of tests with the files of a built kernel that build.sh reads."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.kdir = self.root / 'kdir'
        for name, text in {
                'bin/make': MAKE, 'kdir/.config': '# Linux/x86_64 1.0 Kernel Configuration\n',
                'kdir/Module.symvers': '0\tlkmdemo_counter_add\tdrivers/misc/lkmdemo/lkmdemo_counter\t\n',
                'kdir/include/config/kernel.release': '1.0.0\n',
                'kdir/include/generated/uapi/linux/version.h': '#define LINUX_VERSION_CODE 65536\n',
                'kdir/include/generated/utsrelease.h': '#define UTS_RELEASE "1.0.0"\n'}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
        (self.root / 'bin/make').chmod(0o755)
        self.output = self.root / 'modules'
        self.env = {'PATH': f'{self.root}/bin:{os.environ["PATH"]}', 'CALLS': str(self.root / 'calls'),
                    'BREAK': str(self.root / 'break'), 'HANG': str(self.root / 'hang'), 'KEY': str(self.root / 'key')}

    def start(self):
        return subprocess.Popen([SELFTESTS / 'test_modules/build.sh', self.kdir, self.output, 'gcc'], env=self.env,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def build(self):
        """Build, and return the exit status and the errors."""
        child = self.start()
        errors = child.communicate()[1]
        return child.returncode, errors


class BuildTest(Built):
    """Test the files that build.sh creates."""

    def test_a_build_creates_only_the_modules(self):
        self.assertEqual(self.build(), (0, ''))
        self.assertIn('lkmdemo_test_client.ko', os.listdir(self.output))
        self.assertEqual([path for path in self.root.iterdir() if path.name.startswith('modules.')], [])

    def test_a_failed_build_leaves_no_files_and_prints_the_error(self):
        (self.root / 'break').touch()
        status, errors = self.build()
        self.assertEqual(status, 1)
        self.assertIn('error: no', errors)
        self.assertEqual([path for path in self.root.iterdir() if path.name.startswith('modules')], [])

    def test_a_goal_that_fails_later_leaves_no_incomplete_directory(self):
        for goal in ('modules_install', 'help', 'clean'):
            with self.subTest(goal):
                broken = self.root / f'break.{goal}'
                broken.touch()
                status, errors = self.build()
                broken.unlink()
                self.assertEqual(status, 1)
                self.assertIn(f'error: no {goal}', errors)
                self.assertEqual([path for path in self.root.iterdir() if path.name.startswith('modules')], [])

    def test_a_killed_build_leaves_no_complete_directory(self):
        (self.root / 'hang').touch()
        child = self.start()
        while not (self.root / 'calls').exists():
            time.sleep(0.01)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        self.assertFalse(self.output.exists())

    def test_a_build_replaces_the_files_of_the_previous_one(self):
        for name in ('modules.build/result', 'modules'):
            (self.root / name).mkdir(parents=True)
            (self.root / name / 'stale').touch()
        self.assertEqual(self.build(), (0, ''))
        self.assertNotIn('stale', os.listdir(self.output))


class SignatureTest(Built):
    """Test the signature of the module that signing.sh loads."""

    def sign(self, *settings):
        with open(self.kdir / '.config', 'a', encoding='utf-8') as config:
            config.write(''.join(f'{setting}\n' for setting in settings))
        self.assertEqual(self.build(), (0, ''))
        return (self.output / 'signed/lkmdemo_test_client.ko').exists()

    def test_a_key_elsewhere_is_used(self):
        (self.root / 'key').touch()
        for key in ('/etc/keys/kernel.pem', 'keys/kernel.pem', 'pkcs11:token=kernel'):
            self.assertTrue(self.sign('CONFIG_MODULE_SIG=y', f'CONFIG_MODULE_SIG_KEY="{key}"'), key)

    def test_without_a_key_the_other_modules_are_built(self):
        self.assertFalse(self.sign('CONFIG_MODULE_SIG=y', 'CONFIG_MODULE_SIG_KEY="/etc/keys/kernel.pem"'))
        self.assertIn('lkmdemo_test_client.ko', os.listdir(self.output))

    def test_no_signature_is_requested_without_signing(self):
        self.assertFalse(self.sign())
        self.assertNotIn('CONFIG_MODULE_SIG_ALL', (self.root / 'calls').read_text(encoding='utf-8'))


class MakefileTest(Built):
    """Test whether the Makefile builds the modules."""

    def setUp(self):
        super().setUp()
        tests = self.root / 'selftests/lkmdemo'
        (tests / 'test_modules').mkdir(parents=True)
        (tests / 'include/linux').mkdir(parents=True)
        (tests / 'include/linux/lkmdemo.h').touch()
        (tests / 'Makefile').write_bytes((SELFTESTS / 'Makefile').read_bytes())
        (tests / 'test_modules/build.sh').write_text('#!/bin/sh\nmkdir "$2"\n', encoding='utf-8')
        (tests / 'test_modules/build.sh').chmod(0o755)
        (self.root / 'selftests/lib.mk').write_text(LIB_MK, encoding='utf-8')

    def make(self, *arguments):
        result = subprocess.run(
            ['/usr/bin/make', '-s', '-C', self.root / 'selftests/lkmdemo', f'OUTPUT={self.output.parent}', *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return result.returncode, result.stdout

    def test_headers_without_the_exports_of_the_driver_are_not_an_error(self):
        (self.kdir / 'Module.symvers').write_text('0\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n', encoding='utf-8')
        for kdir in (self.kdir, self.root / 'absent'):
            self.assertEqual(self.make(f'KDIR={kdir}', 'all'), (0, 'files:\n'))

    def test_headers_with_the_exports_are_used(self):
        self.assertEqual(self.make(f'KDIR={self.kdir}', 'all'), (0, 'files: modules\n'))
        self.assertTrue(self.output.is_dir())

    def test_programs_on_request_are_not_in_a_run_of_all_tests(self):
        on_request, run = self.make('print')[1].splitlines()
        self.assertEqual(on_request, 'on request: forever signing.sh')
        self.assertFalse({'forever', 'signing.sh'} & set(run.split()))


if __name__ == '__main__':
    unittest.main()
