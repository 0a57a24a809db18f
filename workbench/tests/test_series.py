# SPDX-License-Identifier: GPL-2.0-only
"""Test the creation of the patch series from final texts."""

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
    """Return the states of a file of which a second patch adds some parts."""
    patches = [series.parse('1', f'first\n---\n{path}\n'),
               series.parse('2', f'second\n---\n{path}\n' + ''.join(f'\t{part}\n' for part in parts))]
    return series.split({path: text}, patches)[path]


class ApplyTest(unittest.TestCase):
    """Test the application of patches to another release."""

    def test_a_list_may_have_other_neighbours(self):
        with tempfile.TemporaryDirectory() as name:
            first, other = (series.Repository(Path(name) / part) for part in ('first', 'other'))
            first.commit({'list': b'one\ntwo\nten\nsix\n'}, 'pristine')
            first.commit({'list': b'one\ntwo\nwidget\nten\nsix\n'}, 'add widget')
            first.git('format-patch', '-q', '-1', '-o', name)
            patch = next(Path(name).glob('*.patch'))
            other.commit({'list': b'oak\ntwo\nten\nelm\n'}, 'pristine')
            with self.assertRaises(UserError):
                other.apply([patch])
            other.git('am', '--abort')
            other.apply([patch], '-C1')
            self.assertEqual(other.files()['list'][1], b'oak\ntwo\nwidget\nten\nelm\n')


class SplitTest(unittest.TestCase):
    """Test which text a part of a description describes."""

    def assert_part(self, part, *texts):
        """Assert that the first state is the final text without some texts."""
        first, last = states(TEXT, part)
        expected = TEXT
        for text in texts:
            self.assertEqual(expected.count(text), 1, text)
            expected = expected.replace(text, '')
        self.assertEqual(first, expected)
        self.assertEqual(last, TEXT)

    def test_an_include_is_a_line(self):
        self.assert_part('#include <linux/fs', '#include <linux/fs.h>\n')

    def test_a_definition_includes_its_comment_and_its_body(self):
        self.assert_part('^static int x_poll', '''\
/**
 * x_poll() - wait
 */
static int x_poll(void)
{
    return x_open();
}
''')

    def test_a_statement_includes_its_comment_and_all_of_its_lines(self):
        self.assert_part('trace_x', '''\
    /* Why it is told. */
    trace_x(1,
        ret);

''')

    def test_a_line_of_kernel_doc_includes_its_continuation_lines(self):
        self.assert_part(r' \* @seen:', ' * @seen: what it has seen,\n *  so far\n')

    def test_an_ifdef_extends_to_its_endif(self):
        self.assert_part('#ifdef', '''\
#ifdef CONFIG_Y
int y(void);
#else
static inline int y(void)
{
}
#endif

''')

    def test_a_scope_restricts_the_search(self):
        self.assert_part('x_open: int seen', '    int seen = 0;\n')

    def test_dots_extend_to_an_empty_line(self):
        self.assert_part('ret = x_first ...', '    ret = x_first(seen);\n    if (ret)\n        goto err_second;\n\n')

    def test_a_group_is_only_its_text(self):
        self.assertIn('x_first();', states(TEXT, r'x_first\((seen)')[0])

    def test_an_arrow_names_the_replaced_text(self):
        self.assertIn('goto err_first;', states(TEXT, 'err_(second) <- first')[0])

    def test_an_entry_of_kconfig_includes_the_indented_lines_below_it(self):
        self.assertEqual(states(MENU, '^config A$', path=KCONFIG)[0],
                         '# SPDX-License-Identifier: GPL-2.0-only\n\nconfig B\n    bool "b"\n')

    def test_the_last_state_is_the_final_text(self):
        self.assertEqual(states(TEXT, '#include <linux/fs', 'x_poll,', 'int seen;')[-1], TEXT)


class RefusalTest(unittest.TestCase):
    """Test that descriptions that do not match the files are errors."""

    def refused(self, texts, *descriptions):
        """Assert that a split is refused; return the message."""
        patches = [series.parse(str(n), f'subject\n---\n{text}')
                   for n, text in enumerate(descriptions)]
        with self.assertRaises(UserError) as caught:
            series.split(texts, patches)
        return str(caught.exception)

    def test_a_file_that_no_patch_contains_is_refused(self):
        self.assertIn('b.c', self.refused({'a.c': 'a\n', 'b.c': 'b\n'}, 'a.c\n'))

    def test_a_missing_file_is_refused(self):
        self.assertIn('missing/*', self.refused({'a.c': 'a\n'}, 'a.c\nmissing/*\n'))

    def test_a_file_that_two_patches_contain_is_refused(self):
        self.assertIn('already', self.refused({'a.c': 'a\n'}, 'a.c\n', '*.c\n'))

    def test_a_missing_part_is_refused(self):
        self.assertIn('matches 0', self.refused({'a.c': 'a\n'}, 'a.c\n', 'a.c\n\tb\n'))

    def test_an_ambiguous_part_is_refused(self):
        self.assertIn('matches 2', self.refused({'a.c': 'a\n\na\n'}, 'a.c\n', 'a.c\n\ta\n'))

    def test_a_part_of_a_file_of_a_later_patch_is_refused(self):
        self.assertIn('already', self.refused({'a.c': 'a\nb\n'}, 'a.c\n\ta\n', 'a.c\n'))

    def test_parts_of_a_pattern_are_refused(self):
        self.assertIn('*.c', self.refused({'a.c': 'a\n'}, 'a.c\n', '*.c\n\ta\n'))

    def test_a_description_without_a_separator_is_refused(self):
        with self.assertRaisesRegex(UserError, '---'):
            series.parse('1', 'subject\n')


class FakeSeries:
    """A series of a single file, to which each patch adds a line; messages: those of the patches."""

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


class PatchesTest(unittest.TestCase):
    """Test patches with unusual subjects."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_patches_with_any_subject_are_written_and_applied(self):
        paths = series.write_patches(FakeSeries([f'{subject}\n\nBody.\n' for subject in SUBJECTS]), self.directory)
        self.assertEqual(len(paths), len(SUBJECTS))

    def test_a_single_patch_is_written_with_a_cover_letter(self):
        for subject, version in (('make 100000 random calls', None), ('大きい', 1), ('0000-0000', 12)):
            with self.subTest(subject), tempfile.TemporaryDirectory() as directory:
                paths = series.write_patches(FakeSeries([f'{subject}\n\nBody.\n']), Path(directory), version,
                                             cover=f'{subject}\n\nAll of it.')
                self.assertEqual(len(paths), 1)
                self.assertEqual(len(list(Path(directory).iterdir())), 2)
                self.assertEqual(list(series.numbered(Path(directory), version)), [0, 1])

    def test_a_message_that_git_am_would_change_is_refused(self):
        for message in ('Re: an answer\n', 'x\n\nFrom: Somebody <else@example.org>\n\nBody.\n',
                        'x\n\nbefore\n---\nafter\n'):
            with self.subTest(message), self.assertRaisesRegex(UserError, 'series/01: git am would change'), \
                 tempfile.TemporaryDirectory() as directory:
                series.write_patches(FakeSeries([message]), Path(directory))

    def test_patches_of_a_version_are_found_by_their_names(self):
        for name in ('v1-0000-cover-letter.patch', 'v1-0001-make-100000-random-calls.patch', 'v11-0001-x.patch',
                     '0001-x.patch', 'v1-0002-v1-0000-x.patch', 'v1-0003-.patch', 'notes', 'xv1-0004-y.patch'):
            (self.directory / name).touch()
        found = series.numbered(self.directory, 1)
        self.assertEqual({number: path.name for number, path in found.items()},
                         {0: 'v1-0000-cover-letter.patch', 1: 'v1-0001-make-100000-random-calls.patch',
                          2: 'v1-0002-v1-0000-x.patch', 3: 'v1-0003-.patch'})
        self.assertEqual(list(series.numbered(self.directory)), [1])
        self.assertEqual([path.name[:7] for path in series.without_cover(found)], ['v1-0001', 'v1-0002', 'v1-0003'])


class CreateTest(unittest.TestCase):
    """Test make series for several versions."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name) / 'series'
        self.subject = make_subject(self)
        write(self.subject.main.root, {'bench/series/cover': ''})
        self.series = FakeSeries([f'{subject}\n\nBody.\n' for subject in SUBJECTS[:3]], ['x', 'y', '1\n2\n3\n4'])
        for module, name, value in (
                (series, 'build_root', lambda: Path(directory.name)),
                (series.git, 'identity', lambda root, purpose: ('A', 'a@example.org')),
                (series, 'Series', lambda tree, overlay: self.series),
                (series.evidence, 'digests', lambda tree, subject: {}),
                (series.source, 'release', lambda tree: '7.3'),
                (series, 'cover_letter', lambda *_: 'make 100000 random calls\n\nAll of it.')):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def names(self):
        return sorted(path.name for path in self.directory.iterdir())

    def test_the_options_set_the_version(self):
        for assignments, names in (([], 'v1-0000-cover-letter.patch'), (['V=2'], 'v2-0000-cover-letter.patch')):
            created = series.create('tree', self.subject, options.parse('series', assignments).v)
            self.assertEqual(created[0].name, names)

    def test_a_second_version_has_a_range_diff(self):
        series.create('tree', self.subject, 1)
        self.series.lines[2] = '1\n2\n3\nnew'
        created = series.create('tree', self.subject, 2)
        self.assertEqual(len(created), 4)
        letter = created[0].read_text(encoding='utf-8')
        self.assertIn('Range-diff against v1:', letter)
        self.assertIn('+new', letter)
        self.assertEqual(re.findall(r'(?m)^(\S): .* (\S): ', letter), [('1', '1'), ('2', '2'), ('3', '3')])

    def test_a_version_that_is_created_again_replaces_only_itself(self):
        series.create('tree', self.subject, 1)
        series.create('tree', self.subject, 2)
        self.series = FakeSeries(['renamed\n', 'make 100000 random calls\n'])
        series.create('tree', self.subject, 1)
        self.assertEqual([name for name in self.names() if name.startswith('v1-')],
                         ['v1-0000-cover-letter.patch', 'v1-0001-renamed.patch',
                          'v1-0002-make-100000-random-calls.patch'])
        self.assertEqual(sum(name.startswith('v2-') for name in self.names()), 4)

    def test_a_version_requires_the_previous_one(self):
        with self.assertRaisesRegex(UserError, 'no .*v2-'):
            series.create('tree', self.subject, 3)
        self.assertEqual(self.names(), [])


if __name__ == '__main__':
    unittest.main()
