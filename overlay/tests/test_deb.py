# SPDX-License-Identifier: GPL-2.0-only
"""Test the version and the content of the package of DKMS."""

import re
import unittest

import deb
from host.paths import REPO
from subject import outoftree
from subject.overlay import load

COMMIT = deb.Commit('0123456789ab', 1_000_000_000, False)
CHANGED = COMMIT._replace(is_changed=True)


class VersionTest(unittest.TestCase):
    """Test the version and the changelog."""

    def test_the_version_is_the_release_and_the_time_of_the_commit(self):
        self.assertEqual(deb.version('7.3', COMMIT), '7.3+20010909.014640')

    def test_changed_files_give_another_version(self):
        self.assertEqual(deb.version('7.3', CHANGED), '7.3+20010909.014640+changed')

    def test_the_changelog_has_the_version_the_commit_and_its_date(self):
        lines = deb.changelog('7.3', COMMIT).splitlines()
        self.assertEqual(lines[0], 'lkmdemo (7.3+20010909.014640) unstable; urgency=medium')
        self.assertEqual(lines[2], '  * The driver for Linux 7.3, commit 0123456789ab.')
        self.assertEqual(lines[4], ' -- LKMDEMO maintainers <lkmdemo@example.org>  Sun, 09 Sep 2001 01:46:40 +0000')


class ContentTest(unittest.TestCase):
    """Test the description of the modules, and the files."""

    def setUp(self):
        self.overlay = load(REPO)
        self.conf = (REPO / 'overlay/debian/lkmdemo-dkms.dkms').read_text(encoding='utf-8')

    def test_dkms_conf_has_the_modules_of_the_driver(self):
        names = re.findall(r'^BUILT_MODULE_NAME\[(\d+)\]="(\w+)"$', self.conf, re.M)
        self.assertEqual([int(number) for number, _ in names], list(range(len(names))))
        self.assertEqual(sorted(name for _, name in names), sorted(outoftree.modules(self.overlay)))
        for key in ('BUILT_MODULE_LOCATION', 'DEST_MODULE_LOCATION'):
            self.assertEqual(len(re.findall(rf'^{key}\[', self.conf, re.M)), len(names))

    def test_dkms_conf_excludes_releases_before_6_1(self):
        pattern = re.search('^BUILD_EXCLUSIVE_KERNEL="(.*)"$', self.conf, re.M)[1]
        for release, expected in (('5.10.0-30-amd64', False), ('6.0.1', False), ('6.1.0-50-cloud-amd64', True),
                                  ('6.12.95', True), ('7.3.4', True), ('10.0.1', True)):
            with self.subTest(release):
                self.assertEqual(bool(re.match(pattern, release)), expected)

    def test_the_package_has_what_a_build_reads_and_no_tests(self):
        found = deb.sources(self.overlay)
        self.assertIn('overlay/oot/Kbuild', found)
        self.assertIn('include/linux/lkmdemo.h', found)
        self.assertEqual({name.split('/')[0] for name in found}, {'drivers', 'include', 'overlay'})
        self.assertEqual([name for name in found if 'test' in name], [])


if __name__ == '__main__':
    unittest.main()
