# SPDX-License-Identifier: GPL-2.0-only
"""Test that children do not inherit the variables of the user, apart from the listed ones."""

import os
import re
import subprocess
import unittest
from unittest import mock

from host.environment import INHERITED, environment

# Variables that change the behaviour of kbuild, make, git, compilers, shells and tools.
HOSTILE = '''
    ARCH SRCARCH CROSS_COMPILE KBUILD_OUTPUT KBUILD_EXTMOD KBUILD_EXTRA_SYMBOLS KBUILD_VERBOSE
    KBUILD_MODPOST_WARN KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_TIMESTAMP
    KBUILD_BUILD_VERSION KBUILD_DEFCONFIG KBUILD_SIGN_PIN KCONFIG_CONFIG KCONFIG_ALLCONFIG
    KCONFIG_OVERWRITECONFIG KCONFIG_NOSILENTUPDATE KCONFIG_SEED KCONFIG_WERROR KCONFIG_AUTOHEADER
    KCFLAGS KAFLAGS KCPPFLAGS KRUSTFLAGS HOSTCFLAGS HOSTLDFLAGS LLVM LLVM_IAS LOCALVERSION
    KERNELRELEASE KERNELVERSION INSTALL_MOD_PATH INSTALL_MOD_STRIP INSTALL_PATH INSTALL_HDR_PATH
    CFLAGS_MODULE AFLAGS_KERNEL LDFLAGS_MODULE SUBARCH
    O V W C M MO CF CHECK J MODE COCCI
    MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKEFILES MAKEOVERRIDES MAKELEVEL MAKE_TERMOUT MAKE_TERMERR
    CC LD AS AR NM CPP OBJCOPY HOSTCC HOSTLD CFLAGS CPPFLAGS LDFLAGS PKG_CONFIG_PATH
    TARGETS SKIP_TARGETS FORCE_TARGETS TEST_PROGS TEST_GEN_PROGS OUTPUT COLLECTION
    kselftest_override_timeout KSFT_MACHINE_SLOW KSELFTEST_RUN
    KDIR KERNEL TARGET DEBUG CMD TEST QUICK TIMEOUT PYTHON SPHINXOPTS SPHINXDIRS
    CDPATH ENV BASH_ENV BASHOPTS SHELLOPTS IFS PS4 POSIXLY_CORRECT GREP_OPTIONS TAR_OPTIONS
    XZ_OPT XZ_DEFAULTS GZIP RSYNC_RSH RSYNC_FILTER PERL5OPT PERL5LIB PERLLIB
    PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONOPTIMIZE PYTHONINSPECT
    LD_PRELOAD LD_LIBRARY_PATH GCC_EXEC_PREFIX COMPILER_PATH CPATH C_INCLUDE_PATH LIBRARY_PATH
    GCC_COLORS CCACHE_DISABLE CCACHE_DIR CCACHE_RECACHE CCACHE_PREFIX CCACHE_CONFIGPATH
    LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES LC_COLLATE SOURCE_DATE_EPOCH
    GIT_AUTHOR_DATE GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL GIT_PAGER GIT_EDITOR GIT_EXEC_PATH
    GIT_TEMPLATE_DIR GIT_SSH_COMMAND GIT_TRACE GIT_NAMESPACE GIT_CEILING_DIRECTORIES
    GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_NOSYSTEM EMAIL EDITOR PAGER
    DEBEMAIL DPKG_ROOT DPKG_ADMINDIR DEBIAN_FRONTEND DEB_BUILD_OPTIONS
    QEMU_AUDIO_DRV GDBHISTFILE DEBUGINFOD_URLS MALLOC_PERTURB_ ASAN_OPTIONS
'''.split()


def git_variables():
    """Return the names of the variables by which git finds a repository."""
    return subprocess.run(['git', 'rev-parse', '--local-env-vars'], env={'PATH': os.environ['PATH']},
                          capture_output=True, text=True, check=True).stdout.split()


class EnvironmentTest(unittest.TestCase):
    """Test the environment of a child while every variable of HOSTILE is exported."""

    def setUp(self):
        self.names = [*HOSTILE, *git_variables()]
        self.assertIn('GIT_DIR', self.names)
        patch = mock.patch.dict(os.environ, {name: '/hostile' for name in self.names})
        patch.start()
        self.addCleanup(patch.stop)

    def output(self, *command, **options):
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True,
                              **options).stdout

    def test_a_child_does_not_inherit_them(self):
        output = self.output('env')
        self.assertNotIn('/hostile', output)
        self.assertIn('\nLC_ALL=C\n', '\n' + output)

    def test_make_does_not_get_them_from_the_environment(self):
        show = ''.join(f'$(info {name} $(origin {name}) $({name}))\n' for name in self.names)
        output = self.output('make', '-f', '-', input=f'{show}\nall: ;\n')
        self.assertNotIn('/hostile', output)
        # make sets some variables itself, to an empty value.
        set_by_workbench = ('LC_ALL', 'MAKELEVEL', 'GIT_CEILING_DIRECTORIES', 'GIT_CONFIG_GLOBAL',
                            'GIT_CONFIG_SYSTEM')
        inherited = [line for line in output.splitlines()
                     if re.match(r'\S+ environment \S', line) and not line.startswith(set_by_workbench)]
        self.assertEqual(inherited, [])

    def test_listed_variables_are_inherited(self):
        listed = {'PATH': os.environ['PATH'], 'TERM': 'xterm', 'https_proxy': 'http://proxy:3128',
                  'XDG_CACHE_HOME': '/cache'}
        with mock.patch.dict(os.environ, listed):
            self.assertEqual({name: environment()[name] for name in listed}, listed)

    def test_the_list_contains_names_only(self):
        for name in INHERITED:
            self.assertRegex(name, r'^[A-Za-z_]+$')
        self.assertFalse(set(INHERITED) & set(self.names))

    def test_the_caller_adds_variables(self):
        self.assertEqual(environment(ARCH='um')['ARCH'], 'um')


if __name__ == '__main__':
    unittest.main()
