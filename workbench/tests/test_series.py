# SPDX-License-Identifier: GPL-2.0-only
"""Splitting final texts into the states of a series."""

import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from cli import options
from host.console import UserError
from ship import series
from trees import make_subject, write

PATH = 'drivers/x.c'
TEXT = '''\
// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file.
 */
#include <linux/fs.h>
#include <linux/poll.h>

static int x_open(void)
{
    int seen = 0;
    int ret;

    ret = x_first(seen);
    if (ret)
        goto err_second;

    /* Why it is told. */
    trace_x(1,
        ret);

    return 0;
}

/**
 * x_poll() - wait
 */
static int x_poll(void)
{
    return x_open();
}
EXPORT_SYMBOL(x_poll);

/**
 * struct x - of the file
 * @name: its name
 * @seen: what it has seen,
 *  so far
 */
struct x {
    char *name;
    int seen;
};

#ifdef CONFIG_Y
int y(void);
#else
static inline int y(void)
{
}
#endif

static const struct ops x_ops = {
    .open = x_open,
    .poll = x_poll,
};
'''

KCONFIG = 'drivers/Kconfig'
MENU = '''\
# SPDX-License-Identifier: GPL-2.0-only
config A
    bool "a"
    help
      Of a.

      Again.

config B
    bool "b"
'''


def states(text, *parts, path=PATH):
    """The states of a file of which a second patch takes some parts."""
    patches = [series.parse('1', f'one\n---\n{path}\n'),
               series.parse('2', f'two\n---\n{path}\n' + ''.join(f'\t{part}\n' for part in parts))]
    return series.split({path: text}, patches)[path]


class SplitTest(unittest.TestCase):
    """What a part of a description stands for."""

    def assert_taken(self, part, *taken):
        """Assert that the first state is the text without what is taken."""
        first, last = states(TEXT, part)
        expected = TEXT
        for text in taken:
            self.assertEqual(expected.count(text), 1, text)
            expected = expected.replace(text, '')
        self.assertEqual(first, expected)
        self.assertEqual(last, TEXT)

    def test_an_include_is_its_line(self):
        self.assert_taken('#include <linux/fs', '#include <linux/fs.h>\n')

    def test_a_definition_is_its_comment_and_its_body(self):
        self.assert_taken('^static int x_poll', '''\
/**
 * x_poll() - wait
 */
static int x_poll(void)
{
    return x_open();
}
''')

    def test_a_statement_is_its_comment_and_all_of_its_lines(self):
        self.assert_taken('trace_x', '''\
    /* Why it is told. */
    trace_x(1,
        ret);

''')

    def test_a_line_of_kernel_doc_is_those_that_continue_it(self):
        self.assert_taken(r' \* @seen:', ' * @seen: what it has seen,\n *  so far\n')

    def test_an_ifdef_is_all_up_to_its_end(self):
        self.assert_taken('#ifdef', '''\
#ifdef CONFIG_Y
int y(void);
#else
static inline int y(void)
{
}
#endif

''')

    def test_a_scope_tells_lines_apart(self):
        self.assert_taken('x_open: int seen', '    int seen = 0;\n')

    def test_dots_are_all_up_to_an_empty_line(self):
        self.assert_taken('ret = x_first ...', '    ret = x_first(seen);\n    if (ret)\n        goto err_second;\n\n')

    def test_a_group_is_its_text_alone(self):
        self.assertIn('x_first();', states(TEXT, r'x_first\((seen)')[0])

    def test_an_arrow_is_what_was_there_before(self):
        self.assertIn('goto err_first;', states(TEXT, 'err_(second) <- first')[0])

    def test_an_entry_of_kconfig_is_what_is_indented_below_it(self):
        self.assertEqual(states(MENU, '^config A$', path=KCONFIG)[0],
                         '# SPDX-License-Identifier: GPL-2.0-only\n\nconfig B\n    bool "b"\n')

    def test_the_last_state_is_the_text(self):
        self.assertEqual(states(TEXT, '#include <linux/fs', 'x_poll,', 'int seen;')[-1], TEXT)


class RefusalTest(unittest.TestCase):
    """A description that does not fit the tree is an error."""

    def refused(self, texts, *descriptions):
        """Assert that a split is refused; return why."""
        patches = [series.parse(str(n), f'subject\n---\n{text}')
                   for n, text in enumerate(descriptions)]
        with self.assertRaises(UserError) as caught:
            series.split(texts, patches)
        return str(caught.exception)

    def test_a_file_that_no_patch_takes(self):
        self.assertIn('b.c', self.refused({'a.c': 'a\n', 'b.c': 'b\n'}, 'a.c\n'))

    def test_a_file_that_is_not_there(self):
        self.assertIn('gone/*', self.refused({'a.c': 'a\n'}, 'a.c\ngone/*\n'))

    def test_a_file_that_two_patches_take(self):
        self.assertIn('already', self.refused({'a.c': 'a\n'}, 'a.c\n', '*.c\n'))

    def test_a_part_that_is_not_there(self):
        self.assertIn('matches 0', self.refused({'a.c': 'a\n'}, 'a.c\n', 'a.c\n\tb\n'))

    def test_a_part_that_is_there_twice(self):
        self.assertIn('matches 2', self.refused({'a.c': 'a\n\na\n'}, 'a.c\n', 'a.c\n\ta\n'))

    def test_a_part_of_a_file_that_comes_later(self):
        self.assertIn('already', self.refused({'a.c': 'a\nb\n'}, 'a.c\n\ta\n', 'a.c\n'))

    def test_parts_of_a_pattern(self):
        self.assertIn('*.c', self.refused({'a.c': 'a\n'}, 'a.c\n', '*.c\n\ta\n'))

    def test_a_description_without_a_separator(self):
        with self.assertRaisesRegex(UserError, '---'):
            series.parse('1', 'subject\n')


class Described:
    """A series of one file, to which each patch adds a line; messages are those of the patches."""

    def __init__(self, messages, lines=None):
        self.patches = [series.Patch(f'{n:02}', message, {}) for n, message in enumerate(messages, 1)]
        self.lines = lines or [f'line {n}' for n in range(len(messages))]
        self.pristine = {PATH: b'first\n'}

    def content(self, n):
        return {PATH: ''.join(f'{line}\n' for line in ['first', *self.lines[:n + 1 or None]]).encode()}

    def mode(self, _path):
        return 0o644


SUBJECTS = (
    'make 100000 random calls', 'v1-0000-cover-letter.patch', '0000-0000', 'add drivers/misc/x and ../../x',
    'say "hello" and \'bye\' and `true` $(false)', 'größer, 大きい, ✓', '大きい', '100 % of %s and %d',
    '[RFC] a bracket', '[x] [y] two of them', 'very long ' * 30, '-v2 --range-diff', '...', 'a.patch', '*', '#1',
    'the same', 'the same', 'trailing.', 'a \\ b', 'with {braces}', 'From: x', 'a: b: c')


class CutTest(unittest.TestCase):
    """Subjects may look like anything."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def cut(self, messages, **options):
        """Cut patches with these messages; return their paths."""
        return series.cut(Described(messages), self.directory, **options)

    def test_any_subject_is_cut_and_applied(self):
        paths = self.cut([f'{subject}\n\nBody.\n' for subject in SUBJECTS])
        self.assertEqual(len(paths), len(SUBJECTS))

    def test_each_subject_is_cut_alone_with_a_cover_letter(self):
        for subject, version in (('make 100000 random calls', None), ('大きい', 1), ('0000-0000', 12)):
            with self.subTest(subject), tempfile.TemporaryDirectory() as directory:
                paths = series.cut(Described([f'{subject}\n\nBody.\n']), Path(directory), version,
                                   cover=f'{subject}\n\nAll of it.')
                self.assertEqual(len(paths), 1)
                self.assertEqual(len(list(Path(directory).iterdir())), 2)
                self.assertEqual(list(series.numbered(Path(directory), version)), [0, 1])

    def test_a_message_that_git_am_would_change_is_refused(self):
        for message in ('Re: an answer\n', 'x\n\nFrom: Somebody <else@example.org>\n\nBody.\n',
                        'x\n\nbefore\n---\nafter\n'):
            with self.subTest(message), self.assertRaisesRegex(UserError, 'series/01: git am would change'), \
                 tempfile.TemporaryDirectory() as directory:
                series.cut(Described([message]), Path(directory))

    def test_patches_are_told_from_others_by_their_names(self):
        for name in ('v1-0000-cover-letter.patch', 'v1-0001-make-100000-random-calls.patch', 'v11-0001-x.patch',
                     '0001-x.patch', 'v1-0002-v1-0000-x.patch', 'v1-0003-.patch', 'notes', 'xv1-0004-y.patch'):
            (self.directory / name).touch()
        found = series.numbered(self.directory, 1)
        self.assertEqual({number: path.name for number, path in found.items()},
                         {0: 'v1-0000-cover-letter.patch', 1: 'v1-0001-make-100000-random-calls.patch',
                          2: 'v1-0002-v1-0000-x.patch', 3: 'v1-0003-.patch'})
        self.assertEqual(list(series.numbered(self.directory)), [1])
        self.assertEqual([path.name[:7] for path in series.without_cover(found)], ['v1-0001', 'v1-0002', 'v1-0003'])


class MakeTest(unittest.TestCase):
    """make series, for one version after the other."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name) / 'series'
        self.subject = make_subject(self)
        write(self.subject.main.root, {'bench/series/cover': ''})
        self.described = Described([f'{subject}\n\nBody.\n' for subject in SUBJECTS[:3]], ['x', 'y', '1\n2\n3\n4'])
        for module, name, value in (
                (series, 'build_root', lambda: Path(directory.name)),
                (series, 'identity', lambda root: ('A', 'a@example.org')),
                (series, 'Series', lambda tree, overlay: self.described),
                (series.evidence, 'digests', lambda tree, subject: {}),
                (series.source, 'release', lambda tree: '7.3'),
                (series, 'cover_letter', lambda *_: 'make 100000 random calls\n\nAll of it.')):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def names(self):
        return sorted(path.name for path in self.directory.iterdir())

    def test_the_version_comes_from_the_options(self):
        for assignments, names in (([], 'v1-0000-cover-letter.patch'), (['V=2'], 'v2-0000-cover-letter.patch')):
            made = series.make('tree', self.subject, options.parse('series', assignments).v)
            self.assertEqual(made[0].name, names)

    def test_a_second_version_shows_what_has_changed(self):
        series.make('tree', self.subject, 1)
        self.described.lines[2] = '1\n2\n3\nnew'
        made = series.make('tree', self.subject, 2)
        self.assertEqual(len(made), 4)
        letter = made[0].read_text(encoding='utf-8')
        self.assertIn('Range-diff against v1:', letter)
        self.assertIn('+new', letter)
        self.assertEqual(re.findall(r'(?m)^(\S): .* (\S): ', letter), [('1', '1'), ('2', '2'), ('3', '3')])

    def test_a_version_that_is_cut_again_replaces_itself_alone(self):
        series.make('tree', self.subject, 1)
        series.make('tree', self.subject, 2)
        self.described = Described(['renamed\n', 'make 100000 random calls\n'])
        series.make('tree', self.subject, 1)
        self.assertEqual([name for name in self.names() if name.startswith('v1-')],
                         ['v1-0000-cover-letter.patch', 'v1-0001-renamed.patch',
                          'v1-0002-make-100000-random-calls.patch'])
        self.assertEqual(sum(name.startswith('v2-') for name in self.names()), 4)

    def test_a_version_needs_the_one_before(self):
        with self.assertRaisesRegex(UserError, 'no .*v2-'):
            series.make('tree', self.subject, 3)
        self.assertEqual(self.names(), [])


if __name__ == '__main__':
    unittest.main()
