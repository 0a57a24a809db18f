# SPDX-License-Identifier: GPL-2.0-only
"""The variables that a user exports do not reach children."""

import os
import re
import subprocess
import unittest
from unittest import mock

from host.environment import INHERITED, environment

# What kbuild, make, git, the compilers, the shells and the tools act on.
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
    """The variables by which git finds a repository, as git itself names them."""
    return subprocess.run(['git', 'rev-parse', '--local-env-vars'], env={'PATH': os.environ['PATH']},
                          capture_output=True, text=True, check=True).stdout.split()


class EnvironmentTest(unittest.TestCase):
    """Each case exports every variable of the table, and starts a real child."""

    def setUp(self):
        self.names = [*HOSTILE, *git_variables()]
        self.assertIn('GIT_DIR', self.names)
        exported = mock.patch.dict(os.environ, {name: '/hostile' for name in self.names})
        exported.start()
        self.addCleanup(exported.stop)

    def output(self, *command, **options):
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True,
                              **options).stdout

    def test_a_child_sees_none_of_them(self):
        seen = self.output('env')
        self.assertNotIn('/hostile', seen)
        self.assertIn('\nLC_ALL=C\n', '\n' + seen)

    def test_make_takes_none_of_them_from_the_environment(self):
        show = ''.join(f'$(info {name} $(origin {name}) $({name}))\n' for name in self.names)
        seen = self.output('make', '-f', '-', input=f'{show}\nall: ;\n')
        self.assertNotIn('/hostile', seen)
        # make sets some of them itself, to nothing.
        ours = ('LC_ALL', 'MAKELEVEL', 'GIT_CEILING_DIRECTORIES', 'GIT_CONFIG_GLOBAL',
                'GIT_CONFIG_SYSTEM')
        from_outside = [line for line in seen.splitlines()
                        if re.match(r'\S+ environment \S', line) and not line.startswith(ours)]
        self.assertEqual(from_outside, [])

    def test_what_a_child_needs_is_inherited(self):
        known = {'PATH': os.environ['PATH'], 'TERM': 'xterm', 'https_proxy': 'http://proxy:3128',
                 'XDG_CACHE_HOME': '/cache'}
        with mock.patch.dict(os.environ, known):
            self.assertEqual({name: environment()[name] for name in known}, known)

    def test_the_list_of_what_is_inherited_is_readable(self):
        for name in INHERITED:
            self.assertRegex(name, r'^[A-Za-z_]+$')
        self.assertFalse(set(INHERITED) & set(self.names))

    def test_the_caller_adds_variables(self):
        self.assertEqual(environment(ARCH='um')['ARCH'], 'um')


if __name__ == '__main__':
    unittest.main()
