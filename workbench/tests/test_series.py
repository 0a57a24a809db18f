# SPDX-License-Identifier: GPL-2.0-only
"""Splitting final texts into the states of a series."""

import unittest

import series
from console import UserError

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


if __name__ == '__main__':
    unittest.main()
