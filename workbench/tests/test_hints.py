# SPDX-License-Identifier: GPL-2.0-only
"""The hints on interfaces that changed, and where they are found."""

import re
import tomllib
import unittest
from dataclasses import fields
from pathlib import Path

from host.paths import REPO, WORKBENCH
from trial.hints import Hint, by_source, find, load

DATA = Path(__file__).with_name('data') / 'hints'

RELEASE = re.compile(r'[2-9]\.\d+(\.\d+)?$')


def recorded() -> dict[str, list[str]]:
    """Map the name of each provoking file to what the compiler printed for it."""
    parts = re.split(r'(?m)^== (\w+)\.c$', (DATA / 'recorded.txt').read_text(encoding='utf-8'))
    return {name: text.splitlines() for name, text in zip(parts[1::2], parts[2::2])}


class TableTest(unittest.TestCase):
    """What hints.toml contains."""

    def each(self):
        for hint in load():
            with self.subTest(hint.name):
                yield hint

    def test_each_entry_has_the_keys_of_a_hint(self):
        table = tomllib.loads((WORKBENCH / 'trial/hints.toml').read_text(encoding='utf-8'))
        self.assertEqual(list(table), ['hint'])
        keys = {field.name for field in fields(Hint)}
        for entry in table['hint']:
            with self.subTest(entry.get('name')):
                self.assertLessEqual(set(entry), keys)
                self.assertEqual({type(value) for value in entry.values()}, {str})
                self.assertNotIn('', entry.values())

    def test_there_are_forty_or_more(self):
        self.assertGreaterEqual(len(load()), 40)

    def test_names_are_unique(self):
        names = [hint.name for hint in load()]
        self.assertEqual(len(names), len(set(names)))

    def test_patterns_compile_and_require_something(self):
        for hint in self.each():
            self.assertIsNone(re.search(hint.pattern, ''))

    def test_since_is_a_release(self):
        for hint in self.each():
            if hint.since:
                self.assertRegex(hint.since, RELEASE)

    def test_change_is_one_sentence(self):
        for hint in self.each():
            self.assertRegex(hint.change, r'^[^\n]*[^.\n]\.$')
            self.assertNotRegex(hint.change, r'\. [A-Z]')

    def test_code_is_one_line(self):
        for hint in self.each():
            self.assertEqual([hint.code.strip()], hint.code.splitlines())

    def test_pitfalls_are_pages_of_the_manual(self):
        pages = {path.stem for path in REPO.glob('Documentation/*/pitfalls/*.rst')} - {'index'}
        self.assertLessEqual({hint.pitfall for hint in load()} - {''}, pages)

    def test_each_hint_has_a_file_that_provokes_it(self):
        self.assertEqual({path.stem for path in DATA.glob('*.c')}, {hint.name for hint in load()})
        for path in DATA.glob('*.c'):
            with self.subTest(path.name):
                self.assertTrue(path.read_text(encoding='utf-8').startswith(
                    '// SPDX-License-Identifier: GPL-2.0-only\n#include <'))

    def test_each_file_provokes_its_hint_alone(self):
        outputs = recorded()
        self.assertEqual(list(outputs), [hint.name for hint in load()])
        for hint in self.each():
            found = find(outputs[hint.name])
            self.assertEqual([found_hint.name for found_hint, _ in found], [hint.name])
            self.assertIn(found[0][1], outputs[hint.name])

    def test_the_outputs_together_provoke_all(self):
        lines = [line for output in recorded().values() for line in output]
        self.assertEqual([hint for hint, _ in find(lines)], list(load()))


class FindTest(unittest.TestCase):
    """Each case reads one output."""

    def names(self, text):
        return [hint.name for hint, _ in find(text.splitlines())]

    def test_a_hint_comes_with_its_message(self):
        message = "demo.c:7:9: error: implicit declaration of function 'strlcpy'; did you mean 'strcpy'?"
        self.assertEqual([(hint.name, line) for hint, line in find([
            '  CC [M]  demo.o', "demo.c: In function 'demo_init':", message,
            '    7 |         strlcpy(to, from, 8);', '      |         ^~~~~~~'])], [('strlcpy', message)])

    def test_quotes_may_be_those_of_any_locale(self):
        for quoted in ("'strlcpy'", '‘strlcpy’', '`strlcpy`'):
            with self.subTest(quoted):
                line = f'demo.c:7:9: error: implicit declaration of function {quoted}'
                self.assertEqual(self.names(line), ['strlcpy'])

    def test_the_first_that_matches_wins(self):
        line = "demo.c:7:9: error: implicit declaration of function '{}'"
        self.assertEqual(self.names(line.format('demo_reset')), ['implicit_declaration'])
        self.assertEqual(self.names(line.format('usleep')), ['libc_sleep'])
        self.assertEqual(self.names(line.format('usleep_range')), ['delay'])

    def test_a_name_that_begins_with_another_is_not_it(self):
        self.assertEqual(self.names("demo.c:7:9: error: implicit declaration of function 'strlcpy_demo'"),
                         ['implicit_declaration'])

    def test_a_file_has_a_hint_once_with_its_first_message(self):
        text = '''\
one.c:7:9: error: implicit declaration of function 'strlcpy'
one.c:9:9: error: implicit declaration of function 'strlcpy'
two.c:3:9: error: implicit declaration of function 'strlcpy'
'''
        self.assertEqual([line for _, line in find(text.splitlines())], [text.splitlines()[0], text.splitlines()[2]])

    def test_a_problem_in_a_header_is_one_of_the_file_that_includes_it(self):
        text = '''\
In file included from include/linux/srcu.h:21,
                 from {0}.c:2:
{0}.c: In function 'demo_exit':
include/linux/workqueue.h:803:9: warning: call to '__warn_flushing_systemwide_wq' declared with attribute warning
'''
        found = by_source((text.format('one') + text.format('one') + text.format('two')).splitlines())
        self.assertEqual({source: [hint.name for hint in hints] for source, hints in found.items()},
                         {'one.c': ['flush_scheduled_work'], 'two.c': ['flush_scheduled_work']})

    def test_the_source_below_a_message_counts(self):
        self.assertEqual(self.names('''\
demo.c:4:25: error: expected declaration specifiers or '...' before string constant
    4 | MODULE_SUPPORTED_DEVICE("demo");
      |                         ^~~~~~
'''), ['module_supported_device'])

    def test_a_hint_for_the_source_comes_before_one_for_the_message(self):
        text = '''\
demo.c:8:16: error: void value not ignored as it ought to be
    8 |         int old = {};
'''
        self.assertEqual(self.names(text.format('unregister_chrdev(240, "demo")')), ['void_value'])
        self.assertEqual(self.names(text.format('demo(totalram_pages)')), ['totalram_pages'])

    def test_notes_and_their_source_do_not_count(self):
        self.assertEqual(self.names('''\
demo.c:7:9: warning: unused variable 'i'
    7 |         int i;
include/demo.h:3:5: note: 'strlcpy' was declared here, with struct timespec
    3 | MODULE_SUPPORTED_DEVICE("demo");
demo.c:4:25: note: declared here
    4 | MODULE_SUPPORTED_DEVICE("demo");
'''), [])

    def test_the_macros_around_a_problem_count(self):
        self.assertEqual(self.names('''\
include/linux/build_bug.h:16:51: error: negative width in bit-field '<anonymous>'
   16 | #define BUILD_BUG_ON_ZERO(e) ((int)(sizeof(struct { int:(-!!(e)); })))
include/linux/kernel.h:281:10: note: in expansion of macro 'BUILD_BUG_ON_ZERO'
include/linux/moduleparam.h:310:24: note: in expansion of macro 'VERIFY_OCTAL_PERMISSIONS'
'''), ['world_writable'])

    def test_lines_that_report_nothing_do_not_count(self):
        self.assertEqual(self.names('''\
make[1]: Entering directory '/home/me/totalram_pages'
  CC [M]  strlcpy.o
strlcpy.c: In function 'missing MODULE_LICENSE()':
    4 | MODULE_SUPPORTED_DEVICE("demo");
'''), [])

    def test_modpost_names_the_module_in_several_ways(self):
        for line in ("ERROR: modpost: {0}.ko: missing MODULE_LICENSE()",
                     'ERROR: modpost: missing MODULE_LICENSE() in {0}.o',
                     "ERROR: modpost: {0}.ko: symbol 'sys_call_table' undefined!",
                     'ERROR: modpost: "sys_call_table" [{0}.ko] undefined!'):
            with self.subTest(line):
                text = '\n'.join(line.format(name) for name in ('one', 'one', 'd/two'))
                self.assertEqual([Path(source).stem for source in by_source(text.splitlines())], ['one', 'two'])
                self.assertIn(self.names(text)[0], ('module_license', 'sys_call_table'))

    def test_nothing_is_found_in_nothing(self):
        self.assertEqual(find([]), [])


if __name__ == '__main__':
    unittest.main()
