# SPDX-License-Identifier: GPL-2.0-only
"""Test the links from the manual to the sources, and the warnings about its pages."""

import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from ship import doclinks, docs

FILES = {
    'README.md': 'read me\n',
    'drivers/demo/main.c': 'int a < 1;\n',
    'lib/demo_kunit/message.c': 'static void read_bounds(struct kunit *test)\n\t.name = "demo_message",\n',
    'tools/testing/selftests/demo/seek.c': '\n\nTEST_F(seek, sets)\n',
    'tools/testing/selftests/demo/kbuild.sh': "expect 'kbuild.cleans'\n",
    'workbench/verdict/gdb/write.gdb': 'break demo_write\n',
}


def literal(text):
    """Return a literal as Sphinx writes it."""
    spans = ' '.join(f'<span class="pre">{word}</span>' for word in text.split())
    return f'<code class="docutils literal notranslate">{spans}</code>'


class LinksTest(unittest.TestCase):
    """Test which literals become links, and the targets of the links."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name) / 'sources'
        for name, text in FILES.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
        self.manual = Path(directory.name) / 'output/demo'
        self.manual.mkdir(parents=True)
        self.problems = self.text = None

    def page(self, text, name='page.html'):
        """Write a page and add the links; return its text without permitted line breaks."""
        path = self.manual / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding='utf-8')
        sources = doclinks.Sources(self.root, sorted(FILES))
        self.problems = doclinks.link(self.manual, sources, self.manual / '_static/docs.css')
        self.text = path.read_text(encoding='utf-8')
        return self.text.replace('<wbr>', '')

    def assert_link(self, text, href):
        self.assertEqual(self.page(literal(text)),
                         f'<a class="reference internal" href="{href}">{literal(text)}</a>')
        self.assertTrue((self.manual / href.partition('#')[0]).exists())
        self.assertEqual(self.problems, [])

    def test_a_path_links_to_the_page_of_the_file(self):
        self.assert_link('drivers/demo/main.c', 'source/drivers/demo/main.c.html')
        text = (self.manual / 'source/drivers/demo/main.c.html').read_text(encoding='utf-8')
        self.assertIn('<span id="L1">int a &lt; 1;</span>', text)
        self.assertIn('href="../../../_static/docs.css"', text)

    def test_a_file_at_the_top_is_linked(self):
        self.assert_link('README.md', 'source/README.md.html')

    def test_a_directory_links_to_the_list_of_its_files(self):
        self.assert_link('drivers/demo/', 'source/drivers/demo.html')
        text = (self.manual / 'source/drivers/demo.html').read_text(encoding='utf-8')
        self.assertIn('>drivers/demo/main.c<', text)

    def test_a_page_in_a_directory_links_upwards(self):
        self.assertIn('href="../source/drivers/demo/main.c.html"',
                      self.page(literal('drivers/demo/main.c'), 'pitfalls/page.html'))

    def test_a_case_of_kunit_links_to_its_line(self):
        self.assert_link('KUnit demo_message.read_bounds',
                         'source/lib/demo_kunit/message.c.html#L1')

    def test_a_case_of_kselftest_links_to_its_line(self):
        self.assert_link('kselftest seek: seek.*.sets',
                         'source/tools/testing/selftests/demo/seek.c.html#L3')

    def test_a_case_of_a_script_links_to_its_line(self):
        self.assert_link('kselftest kbuild.sh: kbuild.cleans',
                         'source/tools/testing/selftests/demo/kbuild.sh.html#L1')

    def test_a_debugger_session_links_to_its_script(self):
        self.assert_link('debugger write.gdb: write.stops', 'source/workbench/verdict/gdb/write.gdb.html')

    def test_a_long_name_may_be_broken_at_each_part(self):
        self.page(literal('drivers/demo/main_file.c'))
        self.assertIn('>drivers/<wbr>demo/<wbr>main_<wbr>file.c</span></code>', self.text)

    def test_other_literals_are_not_changed(self):
        for text in ('drivers', 'capacity', 'drivers/other/main.c', 'KUnit SUITE.CASE',
                     'kselftest PROGRAM: CASE', 'make kselftest TEST=message'):
            self.assertEqual(self.page(literal(text)), literal(text))
            self.assertEqual(self.problems, [])

    def test_a_test_that_no_source_contains_is_a_problem(self):
        for text in ('KUnit demo_message.write_bounds', 'KUnit demo_other.read_bounds',
                     'kselftest seek: seek.set', 'kselftest other: seek.sets',
                     'debugger read.gdb: read.stops'):
            self.assertEqual(self.page(literal(text)), literal(text))
            self.assertEqual(len(self.problems), 1, text)

    def test_the_page_of_a_specification_is_linked_if_it_exists(self):
        self.assertEqual(self.page('see ../netlink/specs/demo.rst'), 'see ../netlink/specs/demo.rst')
        page = self.manual.parent / 'netlink/specs/demo.html'
        page.parent.mkdir(parents=True)
        page.touch()
        self.assertIn('href="../netlink/specs/demo.html"', self.page('see ../netlink/specs/demo.rst'))


class WarningsTest(unittest.TestCase):
    """Test which lines of htmldocs are warnings about the overlay."""

    def test_warnings_about_other_pages_are_left_out(self):
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / 'log'
            log.write_text('/tree/Documentation/other.rst:1: WARNING: a\n'
                           '/tree/Documentation/widget/a.rst:1: WARNING: b\n'
                           'building widget\nWARNING: widget/rows.html: no test c\n',
                           encoding='utf-8')
            overlay = SimpleNamespace(files={'Documentation/widget/a.rst': None}, pages=['widget'])
            self.assertEqual(docs.warnings(Path('/tree'), log, overlay),
                             ['Documentation/widget/a.rst:1: WARNING: b',
                              'WARNING: widget/rows.html: no test c'])


if __name__ == '__main__':
    unittest.main()
