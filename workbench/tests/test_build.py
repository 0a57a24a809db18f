# SPDX-License-Identifier: GPL-2.0-only
"""Test which parts of a kernel are built after a change."""

import json
import os
import subprocess
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from host.environment import environment
from kernel import build
from machine.um import UM
from subject import graft
from trees import write

SOURCE = 'drivers/misc/widget/file.c'
KCONFIG = 'drivers/misc/widget/Kconfig'
HEADER = 'include/linux/widget.h'
SUBJECT = types.SimpleNamespace(sources=('drivers/misc/widget/', 'lib/widget_kunit/'))


class BuildTest(unittest.TestCase):
    """Test changes of a tree that is built completely, with make replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.tree = Path(directory.name) / 'linux-1.0'
        self.tree.mkdir()
        self.record({})
        self.fragment = ''
        out = self.tree / 'out'
        self.kernel = types.SimpleNamespace(
            seed=None,
            tree=self.tree, configuration=lambda: (self.fragment, set()), common_configuration=str, out=out,
            image=out / 'linux', modules=out / 'modules', make=lambda *goals: goals, subject=SUBJECT)
        self.goals = []
        self.configured = []
        for name, effect in (('_configure', self.configure), ('_make_config', None), ('_install_modules', None),
                             ('_save_environment', None),
                             ('_compile', lambda kernel, goals, part='': self.goals.append(goals))):
            patch = mock.patch.object(build, name, side_effect=effect)
            patch.start()
            self.addCleanup(patch.stop)
        build.build(self.kernel)
        (self.kernel.out / 'modules.order').write_text('a/first.o\nb/second.o\n', encoding='utf-8')
        self.kernel.image.touch()
        self.kernel.modules.mkdir()
        (self.kernel.modules / '.installed').touch()
        self.first_goals = self.goals[:]
        self.goals.clear()

    def configure(self, kernel, digest):
        (kernel.out / '.configured').touch()
        self.configured.append(digest)

    def record(self, changed):
        files = {path: [changed.get(path, 'old')] for path in (SOURCE, KCONFIG, HEADER)}
        (self.tree / graft.record_name('widget')).write_text(
            json.dumps({'files': files, 'lines': {}, 'directories': []}), encoding='utf-8')

    def test_the_settings_that_all_subjects_share_are_built_first(self):
        self.assertEqual(self.first_goals, [['KBUILD_MODULES=y', 'vmlinux_o'], ['all']])

    def test_nothing_is_built_without_a_change(self):
        build.build(self.kernel)
        self.assertEqual(self.goals, [])

    def test_everything_is_built_on_request(self):
        build.build(self.kernel, always=True)
        self.assertEqual(self.goals, [['all']])

    def test_only_the_modules_are_built_after_a_change_of_their_sources(self):
        self.record({SOURCE: 'new'})
        build.build(self.kernel)
        self.assertEqual(self.goals, [['a/first.ko', 'b/second.ko']])

    def test_everything_is_built_after_a_change_of_sources_in_the_image(self):
        for sources, archive, content in (
                (SUBJECT.sources, 'drivers/misc/widget/sub/built-in.a', '!<thin>\n//  9\nfile.o/\n'),
                ((SOURCE,), 'drivers/misc/widget/built-in.a', '!<thin>\n//  9\nother.o/\nfile.o/\n')):
            with self.subTest(archive):
                self.kernel.subject = types.SimpleNamespace(sources=sources)
                write(self.kernel.out, {archive: content})
                build.build(self.kernel)
                self.goals.clear()
                self.record({SOURCE: archive})
                self.assertFalse(build.has_current_image(self.kernel))
                build.build(self.kernel)
                self.assertEqual(self.goals, [['all']])
                (self.kernel.out / archive).unlink()

    def test_an_archive_without_members_of_the_driver_is_not_the_image(self):
        for sources, archive, content in (
                (SUBJECT.sources, 'drivers/misc/widget/built-in.a', '!<arch>\n'),
                ((SOURCE,), 'drivers/misc/widget/built-in.a', '!<thin>\n//  9\nother.o/\n')):
            self.kernel.subject = types.SimpleNamespace(sources=sources)
            write(self.kernel.out, {archive: content})
            build.build(self.kernel)
            self.record({SOURCE: f'{archive}{len(content)}'})
            self.assertTrue(build.has_current_image(self.kernel))

    def test_everything_is_built_after_another_change(self):
        for path in (KCONFIG, HEADER):
            self.record({path: 'new', SOURCE: 'new'})
            build.build(self.kernel)
        self.assertEqual(self.goals, [['all']] * 2)

    def test_everything_is_built_after_an_interrupted_build(self):
        self.record({SOURCE: 'new'})
        with mock.patch.object(build, '_compile', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            build.build(self.kernel)
        build.build(self.kernel)
        self.assertEqual(self.goals, [['all']])

    def test_nothing_is_built_after_a_change_of_tests_and_documents(self):
        self.record({'Documentation/x.rst': 'new', 'tools/testing/selftests/widget/x.c': 'new'})
        build.build(self.kernel)
        self.assertEqual(self.goals, [])

    def test_everything_is_built_if_a_result_is_missing(self):
        for path in (self.kernel.image, self.kernel.out / 'modules.order'):
            path.unlink()
            build.build(self.kernel)
            path.touch()
        self.assertEqual(self.goals, [['all']] * 2)

    def test_everything_is_built_after_a_change_of_tools_or_configuration(self):
        with mock.patch.object(build, '_tools', return_value='another compiler'):
            build.build(self.kernel)
        self.fragment = 'CONFIG_X=y\n'
        build.build(self.kernel)
        self.assertEqual(self.goals, [['all']] * 2)

    def test_the_image_is_current_if_only_modules_will_be_built(self):
        self.assertTrue(build.has_current_image(self.kernel))
        self.record({SOURCE: 'new', 'tools/testing/selftests/widget/x.c': 'new'})
        self.assertTrue(build.has_current_image(self.kernel))
        self.record({HEADER: 'new'})
        self.assertFalse(build.has_current_image(self.kernel))

    def test_no_image_is_current_after_an_interrupted_build(self):
        self.record({SOURCE: 'new'})
        with mock.patch.object(build, '_compile', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            build.build(self.kernel)
        self.assertFalse(build.has_current_image(self.kernel))

    def test_changes_in_a_copy_of_a_tree_of_the_user_are_built(self):
        def build_copy(**changed):
            signatures = {'kernel/fork.c': [1, 1], 'kernel/Kconfig.preempt': [1, 1], SOURCE: [1, 1]}
            (self.tree.parent / 'linux-1.0.copied').write_text(
                json.dumps({**signatures, **changed}), encoding='ascii')
            self.goals.clear()
            build.build(self.kernel)
            return self.goals
        build_copy()
        self.assertEqual(build_copy(), [])
        self.assertEqual(build_copy(**{SOURCE: [1, 2]}), [['a/first.ko', 'b/second.ko']])
        first = self.configured[-1]
        self.assertEqual(build_copy(**{'kernel/fork.c': [1, 2]}), [['all']])
        self.assertEqual(self.configured[-1], first)
        self.assertEqual(build_copy(**{'kernel/Kconfig.preempt': [1, 2]}), [['all']])
        self.assertNotEqual(self.configured[-1], first)

    def test_sanitizers_instrument_only_the_driver_and_its_tests(self):
        write(self.tree, {SOURCE: '', 'lib/widget_kunit/x.c': '', 'kernel/fork.c': ''})
        kernel = types.SimpleNamespace(tree=self.tree, target=UM, subject=SUBJECT)
        self.assertEqual(sorted(setting for setting in build.Kernel._sanitizer_settings(kernel)
                                if setting.startswith('KASAN')),
                         ['KASAN_SANITIZE=n', 'KASAN_SANITIZE_file.o=y', 'KASAN_SANITIZE_x.o=y'])


class ModulesTest(unittest.TestCase):
    """Test the build of modules alone, with a Makefile that stands for that of the kernel."""

    MAKEFILE = ('export srctree := $(CURDIR)/..\nexport FLAGS := -DNAME=\\"a b\\" \'$$x\'\n'
                'all:\n\t@touch $(srctree)/parsed\n')

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.tree = Path(directory.name)
        out = self.tree / 'out'
        self.kernel = types.SimpleNamespace(
            tree=self.tree, out=out, name='um', log=lambda name: out / f'{name}.log', variables=lambda: ['ARCH=um'],
            make=lambda *goals: ['make', '-s', '-C', out, '-f', '../Makefile', *goals])
        show = '\t@echo "%s $(MAKECMDGOALS) $(ARCH) $(obj) $$KBUILD_MODULES $$FLAGS" >>done\n'
        write(self.tree, {
            'Makefile': f'{self.MAKEFILE}single:{build._SINGLE[:1]}\n{build._SINGLE}',
            'out/modules.order': 'a/first.o\nb/second.o\n',
            **{f'scripts/Makefile.{name}': f'.PHONY: all\nall $(MAKECMDGOALS):\n{show % name}'
               for name in ('build', 'modfinal')},
            # As in a kernel, its result depends on the list of modules.
            'scripts/Makefile.modpost': f'all: Module.symvers\nModule.symvers: modules.order\n\t@touch $@\n'
                                        f'{show % "modpost"}'})

    def done(self):
        return (self.kernel.out / 'done').read_text(encoding='utf-8').splitlines()

    def test_the_environment_of_kbuild_is_kept(self):
        build._save_environment(self.kernel)
        build._compile_modules(self.kernel)
        flags = '-DNAME=\\"a b\\" \'$x\''
        self.assertEqual(self.done()[0], f'build a/first.o a/first.mod b/second.o b/second.mod um . y {flags}')
        self.assertEqual(self.done()[-2:], [f'modpost  um  y {flags}', f'modfinal  um  y {flags}'])

    def test_a_kernel_without_modules_is_left_to_its_makefile(self):
        build._save_environment(self.kernel)
        write(self.tree, {'out/modules.order': ''})
        build._compile_modules(self.kernel)
        self.assertTrue((self.tree / 'parsed').exists())
        self.assertFalse((self.kernel.out / 'done').exists())

    def test_modpost_runs_each_time(self):
        build._save_environment(self.kernel)
        for _ in range(2):
            build._compile_modules(self.kernel)
        self.assertEqual([line.split()[0] for line in self.done()].count('modpost'), 2)

    def test_an_error_is_shown(self):
        build._save_environment(self.kernel)
        write(self.tree, {'scripts/Makefile.modpost': 'all:\n\t@echo "ERROR: undefined"; false\n'})
        with self.assertRaisesRegex(UserError, 'ERROR: undefined'):
            build._compile_modules(self.kernel)

    def test_another_makefile_builds_its_modules_itself(self):
        build._save_environment(self.kernel)
        write(self.tree, {'Makefile': 'a/first.ko b/second.ko:\n\t@echo $@ >>done; rm -f modules.order\n'})
        build._save_environment(self.kernel)
        build._compile_modules(self.kernel)
        self.assertEqual(self.done(), ['a/first.ko', 'b/second.ko'])
        self.assertEqual((self.kernel.out / 'modules.order').read_text(encoding='utf-8'), 'a/first.o\nb/second.o\n')


class ChecksumsTest(unittest.TestCase):
    """Test the command of kbuild for checksums, with programs in place of the compiler and genksyms."""

    MAKEFILE = ('CPP := echo\ngenksyms = sed "s/.*/\\#SYMVER computed 0x1234/"\ndot-target = .$@\n'
                '%.o: FORCE ; @$(cmd_gen_symversions_c)\nFORCE: ;\n')

    def versions(self, name, exports, *settings):
        """Return the lines that the command adds for an object with exported symbols."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, name)
            path.write_bytes(b'\0other\0' + b''.join(f'__export_symbol_{each}\0'.encode() for each in exports))
            Path(directory, 'Makefile').write_text(self.MAKEFILE, encoding='ascii')
            subprocess.run(['make', '-s', '-r', '-C', directory, *settings,
                            build._CHECKSUMS.format(objects='widget%'), name], env=environment(), check=True)
            added = path.with_name(f'.{name}.cmd')
            return added.read_text(encoding='ascii').splitlines() if added.exists() else []

    def test_genksyms_computes_the_checksums_of_the_subject_only(self):
        for name, exports, lines in (('widget.o', ['a'], ['#SYMVER computed 0x1234']), ('widget.o', [], []),
                                     ('other.o', ['a', 'b_2'], ['#SYMVER a 0x00000001', '#SYMVER b_2 0x00000001']),
                                     ('other.o', [], [])):
            with self.subTest(name=name, exports=exports):
                self.assertEqual(self.versions(name, exports, 'CONFIG_MODVERSIONS=y'), lines)

    def test_without_versions_there_are_no_checksums(self):
        self.assertEqual(self.versions('other.o', ['a']) + self.versions('widget.o', ['a']), [])


class ImageFlagsTest(unittest.TestCase):
    """Test the flags of the compiler for the image."""

    MAKEFILE = '%.o: FORCE ; @echo $@: $(CFLAGS_KERNEL)\nFORCE: ;\n'

    def test_only_objects_of_the_subject_have_the_locations_of_macros(self):
        subject = types.SimpleNamespace(sources=('drivers/misc/widget/', 'lib/widget_kunit.c'))
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, 'Makefile').write_text(self.MAKEFILE, encoding='ascii')
            output = subprocess.run(
                ['make', '-s', '-r', '-C', directory, build.image_flags(subject), 'drivers/misc/widget/main.o',
                 'lib/widget_kunit.o', 'drivers/misc/widget.o', 'lib/widget.o'],
                env=environment(), capture_output=True, text=True, check=True).stdout
        flags = ' -ftrack-macro-expansion=0 -Wno-tautological-compare -Wno-attribute-alias'
        self.assertEqual(output.splitlines(), ['drivers/misc/widget/main.o:', 'lib/widget_kunit.o:',
                                               f'drivers/misc/widget.o:{flags}', f'lib/widget.o:{flags}'])

    def test_each_kernel_has_the_flags(self):
        subject = types.SimpleNamespace(sources=('drivers/misc/widget/',))
        self.assertIn(build.image_flags(subject), build.Kernel(Path('/tree'), UM, subject).variables())


class InstallTest(unittest.TestCase):
    """Test which modules are installed, with programs replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        out = Path(directory.name)
        self.kernel = types.SimpleNamespace(out=out, modules=out / 'modules', release=lambda: '7.3', target=UM,
                                            make=lambda *goals: goals, log=lambda name: out / f'{name}.log')
        self.home = out / 'modules/lib/modules/7.3/kernel'
        write(out, {'modules.order': 'a/first.o\nb/second.o\n', 'a/first.ko': '', 'b/second.ko': '', '.config': ''})
        self.commands = []
        self.replace('run_logged', self.run_logged)
        self.replace('compiler_environment', lambda: {})
        self.install()

    def replace(self, name, value):
        patch = mock.patch.object(build, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def run_logged(self, command, *_, **__):
        self.commands.append([str(word) for word in command])
        if 'modules_install' in command:
            write(self.home, {'a/first.ko': '', 'b/second.ko': ''})
        if 'strip' in str(command[0]):
            Path(command[-1]).write_text('stripped', encoding='ascii')

    def install(self):
        self.commands.clear()
        build._install_modules(self.kernel)
        return [command[0].rpartition('/')[2] for command in self.commands]

    def edit(self, path, text='new'):
        # The stamp has the time of the last installation.
        stamp = self.kernel.modules / '.installed'
        os.utime(stamp, (stamp.stat().st_mtime - 10,) * 2)
        (self.kernel.out / path).write_text(text, encoding='ascii')

    def test_nothing_is_installed_without_a_change(self):
        for path in ('modules.order', 'a/first.ko', 'b/second.ko'):
            os.utime(self.kernel.out / path, (1, 1))
        self.assertEqual(self.install(), [])

    def test_only_a_module_that_has_changed_is_installed(self):
        for path in ('modules.order', 'b/second.ko'):
            os.utime(self.kernel.out / path, (1, 1))
        self.edit('a/first.ko')
        self.assertEqual(self.install(), ['strip', 'depmod'])
        self.assertEqual((self.home / 'a/first.ko').read_text(encoding='ascii'), 'stripped')
        self.assertEqual((self.home / 'b/second.ko').read_text(encoding='ascii'), '')

    def test_all_modules_are_installed_after_a_change_of_their_list_and_with_signatures(self):
        self.edit('modules.order', 'a/first.o\n')
        self.assertEqual(self.install(), [f'INSTALL_MOD_PATH={self.kernel.modules}'.rpartition('/')[2]])
        self.edit('modules.order', 'a/first.o\nb/second.o\n')
        self.edit('.config', 'CONFIG_MODULE_SIG=y\n')
        self.assertEqual(self.install(), ['modules'])

    def test_all_modules_are_installed_after_an_interruption(self):
        self.edit('a/first.ko')
        with mock.patch.object(build, 'run_logged', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            self.install()
        self.assertEqual(self.install(), ['modules'])


class SelftestsTest(unittest.TestCase):
    """Test when the kselftests are built, with make replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        out = Path(directory.name)
        self.kernel = types.SimpleNamespace(out=out, tree=out / 'linux', log=lambda name: out / f'{name}.log',
                                            target=UM, subject=types.SimpleNamespace(targets={'widget': None}))
        self.kernel.make = lambda *goals: list(goals)
        self.files, self.state, self.runs = {'tools/x.c': 1}, ['configuration', 'kernel', 'modules'], []
        for module, name, value in ((build, 'run_logged', self.run_logged), (build, '_state', lambda _: self.state),
                                    (build, 'compiler_environment', lambda: {}),
                                    (build.source, 'fingerprint', lambda tree: self.files)):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_logged(self, command, *_, **__):
        self.command = command
        self.runs.append(command[-1])
        write(self.kernel.out / 'kselftest_install', {'kselftest-list.txt': 'widget:open\ndrivers/x:a.sh\n'})

    def test_the_programs_are_those_of_the_installation(self):
        self.assertEqual(build.installed_selftests(self.kernel), [])
        found = build.build_selftests(self.kernel)
        self.assertEqual(found, [('widget', 'open'), ('drivers/x', 'a.sh')])
        self.assertEqual(build.installed_selftests(self.kernel), found)

    def test_make_runs_only_after_a_change(self):
        for change, goals in ((lambda: None, ['headers', 'install']),
                              (lambda: None, []),
                              (lambda: self.files.update({'tools/x.c': 2}), ['install']),
                              (lambda: self.state.insert(1, 'new'), ['headers', 'install']),
                              ((self.kernel.out / 'kselftest.built').unlink, ['install'])):
            change()
            self.runs.clear()
            build.build_selftests(self.kernel)
            self.assertEqual(self.runs, goals)

    def test_make_does_not_run_after_a_change_of_a_module(self):
        build.build_selftests(self.kernel)
        self.state[2] = 'new'
        self.files['drivers/x.c'] = 2
        self.runs.clear()
        build.build_selftests(self.kernel)
        self.assertEqual(self.runs, [])

    def test_the_programs_of_another_architecture_have_its_compiler(self):
        self.kernel.target = types.SimpleNamespace(name='s390', cross_compile='s390x-linux-gnu-')
        build.make_selftests(self.kernel, 'gen_tar')
        self.assertEqual(self.runs, ['headers', 'gen_tar'])
        self.assertLessEqual({'ARCH=s390', 'CROSS_COMPILE=s390x-linux-gnu-', 'TARGETS=widget'}, set(self.command))

    def test_headers_that_were_not_installed_are_installed_next_time(self):
        with mock.patch.object(build, 'run_logged', side_effect=KeyboardInterrupt):
            self.assertRaises(KeyboardInterrupt, build.build_selftests, self.kernel)
        build.build_selftests(self.kernel)
        self.assertEqual(self.runs, ['headers', 'install'])


if __name__ == '__main__':
    unittest.main()
