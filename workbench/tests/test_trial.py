# SPDX-License-Identifier: GPL-2.0-only
"""Test the parts of a trial that require no kernel: directories, groups, logs, reports."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from trees import write
from trial import session as sessions
from trial import trial as trials
from trial.compilation import _by_module, _is_error, _Names, _warnings
from trial.session import Module, Session
from trial.sources import prepare

MODULE = '#include <linux/module.h>\nmodule_init(x);\nMODULE_LICENSE("GPL");\n'
PART = 'void part(void) { }\n'
PROGRAM = '#include <stdio.h>\nint main(void)\n{\n}\n'
MAKEFILE = 'obj-m += hello.o\nall:\n\tmake -C /lib/modules/x/build M=$(PWD) modules\n'


class PrepareTest(unittest.TestCase):
    """Test which modules are found in a directory, and that nothing is written there."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top, self.work = Path(scratch.name) / 'top', Path(scratch.name) / 'work'
        self.work.mkdir()

    def prepare(self, contents, *names):
        write(self.top, contents)
        return prepare([self.top / name for name in names or ('.',)], self.work)

    def kbuild(self, directory):
        return (directory.work / 'Kbuild').read_text(encoding='utf-8').splitlines()[1:]

    def test_the_makefile_of_a_directory_is_included(self):
        found, = self.prepare({'hello.c': MODULE, 'Makefile': MAKEFILE})
        self.assertTrue(found.has_kbuild)
        self.assertEqual(self.kbuild(found)[0], 'include $(src)/Kbuild.original')
        self.assertEqual((found.work / 'Kbuild.original').resolve(), (self.top / 'Makefile').resolve())

    def test_each_c_file_with_an_entry_point_is_a_module(self):
        found, = self.prepare({'one.c': MODULE, 'two.c': MODULE, 'test.c': PROGRAM})
        self.assertEqual(self.kbuild(found), ['obj-m += one.o', 'obj-m += two.o'])
        self.assertEqual(found.programs, ['test.c'])

    def test_files_beside_one_entry_point_are_its_parts(self):
        found, = self.prepare({'a/main.c': MODULE, 'a/part.c': PART}, 'a')
        self.assertEqual(self.kbuild(found), ['obj-m += a.o', 'a-y := main.o part.o'])

    def test_a_module_does_not_have_the_name_of_one_of_its_parts(self):
        found, = self.prepare({'main/main.c': MODULE, 'main/part.c': PART}, 'main')
        self.assertEqual(self.kbuild(found)[0], 'obj-m += main_module.o')

    def test_a_module_that_does_not_compile_is_excluded(self):
        found, = self.prepare({'one.c': MODULE, 'two.c': MODULE})
        found.excluded.add('one.o')
        found.write_kbuild()
        self.assertEqual(self.kbuild(found), ['obj-m += two.o'])
        made, = self.prepare({'b/hello.c': MODULE, 'b/Makefile': MAKEFILE}, 'b')
        made.excluded.add('hello.o')
        made.write_kbuild()
        self.assertEqual(self.kbuild(made)[1], 'obj-m := $(filter-out hello.o,$(obj-m))')

    def test_build_products_are_not_linked(self):
        found, = self.prepare({'one.c': MODULE, 'one.o': '', 'one.ko': '', 'one.mod.c': '', '.one.o.cmd': '',
                               'Module.symvers': '', 'modules.order': '', '.git/config': ''})
        self.assertEqual(sorted(path.name for path in found.work.iterdir()), ['Kbuild', 'one.c'])

    def test_nothing_is_written_into_the_directory(self):
        found, = self.prepare({'sub/one.c': PART, 'main.c': MODULE, 'Makefile': 'obj-m += main.o\n'})
        (found.work / 'sub/one.o').touch()
        (found.work / 'main.o').touch()
        self.assertEqual(sorted(str(path.relative_to(self.top)) for path in self.top.rglob('*')),
                         ['Makefile', 'main.c', 'sub', 'sub/one.c'])

    def test_directories_of_the_same_name_get_unique_names(self):
        found = self.prepare({'x/hello/a.c': MODULE, 'y/hello/b.c': MODULE}, 'x/hello', 'y/hello')
        self.assertEqual([directory.name for directory in found], ['hello', 'hello_2'])
        self.assertEqual((self.work / 'Kbuild').read_text(encoding='utf-8'),
                         'obj-m += trial_helper/\nobj-m += hello/\nobj-m += hello_2/\n')

    def test_a_directory_without_a_module_is_refused(self):
        for contents in ({'README': ''}, {'test.c': PROGRAM}, {'part.c': PART, 'Makefile': 'all:\n'}):
            with self.subTest(contents), tempfile.TemporaryDirectory() as empty:
                write(Path(empty), contents)
                with self.assertRaisesRegex(UserError, 'contains no module: no Makefile with obj-m') as caught:
                    prepare([Path(empty)], self.work / 'other')
                self.assertNotIn('\n', str(caught.exception))
        with self.assertRaisesRegex(UserError, 'no such directory'):
            prepare([self.top / 'nowhere'], self.work)

    def test_errors_are_those_of_a_module(self):
        self.prepare({'one.c': MODULE, 'two.c': MODULE})
        directories = prepare([self.top], self.work / 'again')
        names = _Names(self.work / 'again', directories)
        name = directories[0].name
        lines = [f'{name}/one.c:3:1: error: no such thing', '    3 | nothing',
                 f'ERROR: modpost: "nowhere" [{name}/two.ko] undefined!',
                 f'ERROR: modpost: missing MODULE_LICENSE() in {name}/one.o']
        found = _by_module(lines, names)
        self.assertEqual(sorted(found), [(name, 'one'), (name, 'two')])
        self.assertEqual(found[name, 'one'][0], lines[:2])
        self.assertTrue(all(_is_error(problem) for problems in found.values() for problem in problems))

    def test_an_error_in_a_header_is_one_of_the_module_that_includes_it(self):
        directory, = self.prepare({'one.c': MODULE})
        lines = ['In file included from ./include/linux/module.h:22,',
                 f'                 from {directory.name}/one.c:2:',
                 './include/linux/build_bug.h:16:51: error: negative width in bit-field']
        self.assertEqual(_by_module(lines, _Names(self.work, [directory])),
                         {(directory.name, 'one'): [lines[2:]]})

    def test_a_section_mismatch_is_an_error_of_its_module(self):
        directory, = self.prepare({'one.c': MODULE})
        line = f'WARNING: modpost: {directory.name}/one: section mismatch in reference: f+0x1 (section: .text) -> g'
        found = _by_module([line, 'ERROR: modpost: Section mismatches detected.'], _Names(self.work, [directory]))
        self.assertTrue(_is_error(found[directory.name, 'one'][0]))

    def test_irrelevant_warnings_are_left_out(self):
        directory, = self.prepare({'one.c': MODULE})
        lines = [f'{directory.name}/one.c:3:1: warning: no previous prototype for x [-Wmissing-prototypes]',
                 f'{directory.name}/one.c:4:1: warning: incorrect type in argument 1 (different address spaces)']
        names = _Names(self.work, [directory])
        found = _warnings(_by_module(lines, names), names, set())
        self.assertEqual([len(finding.details) for finding in found], [1])


def module(name, *depends):
    return Module(name, Path(f'/{name}.ko'), depends)


class SessionTest(unittest.TestCase):
    """Test the groups of modules, and the division of the log of a guest."""

    def test_modules_that_depend_on_each_other_are_a_group(self):
        found = sessions.groups([module('user', 'exporter'), module('other'), module('exporter'),
                                 module('second', 'exporter', 'of_the_kernel')])
        self.assertEqual([[member.name for member in group] for group in found],
                         [['exporter', 'user', 'second'], ['other']])

    def test_the_log_is_divided_into_steps(self):
        text = ('[    1.0] booting\n[    2.0] workbench: try: load hello\n[    2.1] Hello\n'
                '[    2.2] workbench: try: unload hello\n[    2.3] Goodbye\n')
        self.assertEqual(sessions._split_log(text), [('load hello', ['Hello']), ('unload hello', ['Goodbye'])])

    def options(self, **settings):
        """Return the options of the kernel command line of a session."""
        with tempfile.TemporaryDirectory() as work, mock.patch.object(sessions.guest, 'run', return_value=0) as run:
            Path(work, 'kernel-1.log').touch()
            sessions.run(None, [[module('hello')]], Path(work), settings)
        return run.call_args.kwargs['options']

    def guests(self, has_kmemleak, leaks):
        """Return the number of guests of a session whose first guest has been started."""
        with tempfile.TemporaryDirectory() as work, mock.patch.object(sessions.guest, 'run', return_value=0) as run:
            Path(work, 'kernel-1.log').touch()
            with contextlib.closing(sessions.Guest(None, Path(work, 'kernel-1.log'), None, has_kmemleak)) as first:
                sessions.run(None, [[module('hello')]], Path(work), {'leaks': leaks}, first=first)
        return run.call_count

    def test_the_first_guest_is_used_if_it_agrees_with_the_settings(self):
        self.assertEqual(self.guests(has_kmemleak=True, leaks=True), 1)

    def test_another_guest_is_used_if_the_first_one_does_not_agree(self):
        self.assertEqual(self.guests(has_kmemleak=False, leaks=True), 2)

    def test_kmemleak_is_off_without_a_search_for_leaks(self):
        self.assertEqual(self.options(leaks=False), ('kmemleak=off',))

    def test_kmemleak_is_on_with_a_search_for_leaks(self):
        self.assertEqual(self.options(leaks=True), ())

    def test_the_time_of_an_allocation_follows_from_its_jiffies(self):
        self.assertEqual(trials._seconds(4294937396, 100), 1.0)


class ReportTest(unittest.TestCase):
    """Test the checks and findings that follow from the reports of guests."""

    def report(self, events, log=(), ended=None):
        trial = trials.Trial()
        session = Session(events, list(log), ended or {})
        written = trials._Report(trial, session, {'hello': module('hello')}, Path('/nowhere'), 100)
        with contextlib.redirect_stdout(io.StringIO()):
            written.module('hello')
            written.group(['hello'])
            written.ended(['hello'])
            written.leaks()
        return trial

    def events(self, **changes):
        whole = {
            'load': {'module': 'hello', 'status': 0, 'output': ''},
            'module': {'module': 'hello', 'parameters': {'n': ['0o644', '3']}, 'taint': 'OE'},
            'appeared': {'names': ['hello'], 'paths': ['/dev/hello']},
            'probe': {'names': ['hello'], 'device': '/dev/hello', 'status': 0, 'output': 'probed\t9\n'},
            'unload': {'module': 'hello', 'status': 0, 'output': '', 'refcnt': '', 'holders': [], 'permanent': False},
            'left': {'names': ['hello'], 'paths': []},
            'repeat': {'names': ['hello'], 'cycles': 50, 'error': ''},
            'end': {'names': ['hello'], 'guest': 1, 'begin': 1.0, 'end': 2.0, 'sound': True},
        }
        return [{'event': name, **values, **changes.get(name, {})} for name, values in whole.items()]

    def kinds(self, trial):
        return [finding.kind for finding in trial.findings]

    def test_a_module_without_a_fault(self):
        trial = self.report(self.events())
        self.assertEqual(str(trial.tally), '6 passed, 0 failed, 0 skipped')

    def test_each_fault_is_a_finding(self):
        for changes, kind in (({'load': {'status': 1, 'output': 'Invalid parameters'}}, 'load-failed'),
                              ({'load': {'status': None}}, 'stuck'),
                              ({'unload': {'status': 1, 'refcnt': '1'}}, 'stuck'),
                              ({'unload': {'status': None}}, 'stuck'),
                              ({'left': {'paths': ['/proc/hello']}}, 'left-behind'),
                              ({'repeat': {'error': 'load 2 of hello: File exists'}}, 'repeat'),
                              ({'probe': {'output': 'finding\tread-no-end\ta\tb\tc\nprobed\t9\n'}}, 'read-no-end'),
                              ({'probe': {'status': None, 'output': ''}}, 'hang')):
            with self.subTest(kind, changes=changes):
                self.assertEqual(self.kinds(self.report(self.events(**changes))), [kind])

    def test_a_module_without_an_exit_function_is_named_as_such(self):
        trial = self.report(self.events(unload={'status': 1, 'permanent': True}))
        self.assertEqual(trial.findings[0].text, 'it cannot be unloaded: it has no exit function')

    def test_the_notice_of_trace_printk_is_a_report(self):
        log = [('load hello', ['** trace_printk() being used. Allocating extra memory.  **'])]
        self.assertEqual(self.kinds(self.report(self.events(), log)), ['report'])

    def test_a_report_in_the_log_names_its_step(self):
        log = [('load hello', ['Hello']), ('unload hello', ['------------[ cut here ]------------',
                                                            'WARNING: mm/slub.c:1 at kfree'])]
        trial = self.report(self.events(), log)
        self.assertEqual(self.kinds(trial), ['report'])
        self.assertIn('at "unload hello": WARNING: mm/slub.c:1', trial.findings[0].text)

    def test_a_report_of_another_module_is_not_its_own(self):
        log = [('load other', []), ('probe /dev/hello', ['Kernel panic - not syncing: x']), ('load hello', ['Hello'])]
        self.assertEqual(self.kinds(self.report(self.events(), log)), [])

    def test_a_guest_that_ends_is_a_finding(self):
        trial = self.report([event for event in self.events() if event['event'] == 'load'], ended={'hello': 125})
        self.assertEqual(self.kinds(trial), ['report'])

    def test_a_leak_belongs_to_the_group_that_allocated_it(self):
        text = 'unreferenced object 0x61 (size 64):\n  comm "insmod", pid 7, jiffies {}\n  hex dump'
        for jiffies, kinds in ((4294937296 + 150, ['leak']), (4294937296 + 250, [])):
            event = {'event': 'leaks', 'guest': 1, 'text': text.format(jiffies)}
            self.assertEqual(self.kinds(self.report([*self.events(), event])), kinds)


if __name__ == '__main__':
    unittest.main()
