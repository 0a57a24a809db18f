# SPDX-License-Identifier: GPL-2.0-only
"""Test how check-dkms reads modules, outputs and logs, and writes the variables of the firmware."""

import contextlib
import io
import struct
import tempfile
import unittest
import uuid
from pathlib import Path

import check_dkms
import dkms_root
import dkms_uefi
from host.console import UserError

MODULE = b'\x7fELF the content'
SIGNATURE = b'signature'
TRAILER = bytes(8) + struct.pack('>I', len(SIGNATURE)) + b'~Module signature appended~\n'


class ModuleTest(unittest.TestCase):
    """Test the removal of a signature."""

    def test_the_content_before_the_signature_is_left(self):
        self.assertEqual(check_dkms.without_signature(MODULE + SIGNATURE + TRAILER), MODULE)

    def test_a_module_without_a_signature_is_an_error(self):
        with self.assertRaises(ValueError):
            check_dkms.without_signature(MODULE)


class OutputTest(unittest.TestCase):
    """Test the results of a guest."""

    LOG = '[ 1.0] Loading of unsigned module is rejected\n'

    def test_assignments_are_read_and_other_lines_are_not(self):
        self.assertEqual(check_dkms.assignments('a=b=c\ntext\nkey=\n'), {'a': 'b=c', 'key': ''})

    def test_a_refusal_requires_the_line_in_the_log(self):
        self.assertEqual(check_dkms.refused(self.LOG, {}, 'unsigned', 'unsigned module'), '')
        self.assertIn('has no line', check_dkms.refused('', {}, 'unsigned', 'unsigned module'))

    def test_a_loaded_module_is_not_refused(self):
        self.assertEqual(check_dkms.refused(self.LOG, {'unsigned': 'loaded'}, 'unsigned', 'unsigned module'),
                         'the module is loaded')

    def test_mounts_below_a_directory_are_found(self):
        text = 'proc /a/root/proc proc rw 0 0\nproc /ab/proc proc rw 0 0\nnone / none rw 0 0\n'
        self.assertEqual(check_dkms.mounts_below(text, Path('/a')), ['/a/root/proc'])


class RootTest(unittest.TestCase):
    """Test what is read from a root directory."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = Path(self.directory.name)

    def add(self, path):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).touch()

    def test_files_with_the_name_are_left(self):
        for path in ('etc/other', 'usr/src/widget-1/Makefile', 'var/lib/dkms/widget/1/source', 'root/widget.deb'):
            self.add(path)
        self.assertEqual(check_dkms.left(self.root, 'widget'), ['/usr/src/widget-1', '/var/lib/dkms/widget'])

    def test_the_release_of_a_version_is_found(self):
        for name in ('6.1.0-50-cloud-amd64', '6.12.95-cloud-amd64'):
            self.add(f'usr/lib/modules/{name}/modules.dep')
        self.assertEqual(dkms_root.release_of(self.root, '6.1'), '6.1.0-50-cloud-amd64')
        with self.assertRaisesRegex(UserError, 'has 0 kernels 7.3'):
            dkms_root.release_of(self.root, '7.3')


class CasesTest(unittest.TestCase):
    """Test the cases and their output."""

    def test_a_case_is_printed_and_counted(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            cases = check_dkms.Cases()
            cases.add('a.b', '')
            cases.add('a.c', 'wrong')
        self.assertEqual(out.getvalue(), 'KTAP version 1\nok 1 a.b\nnot ok 2 a.c # wrong\n')
        self.assertEqual(cases.tally.results, {'dkms a.b': 'passed', 'dkms a.c': 'failed'})

    def test_an_error_of_the_user_fails_a_case_with_a_single_line(self):
        def fail():
            raise UserError('apt-get failed; log: x\n  E: no network')
        with contextlib.redirect_stdout(io.StringIO()):
            cases = check_dkms.Cases()
            self.assertFalse(cases.attempt('a', fail))
        self.assertEqual(cases.tally.failures(), ['dkms a: apt-get failed; log: x: E: no network'])


class VariablesTest(unittest.TestCase):
    """Test the image of the variables of the firmware."""

    HEADER = 72
    OWNER = uuid.UUID(int=7)

    def image(self, size=1024):
        """Return an image without variables; size: that of the store."""
        volume = bytearray(self.HEADER)
        struct.pack_into('<H', volume, 48, self.HEADER)
        store = struct.pack('<16sIBBHI', bytes(16), size, 0x5a, 0xfe, 0, 0)
        return bytes(volume) + store + b'\xff' * (size - len(store))

    def names(self, image):
        offset, found = self.HEADER + 28, []
        while image[offset:offset + 2] == b'\xaa\x55':
            name, data = struct.unpack_from('<II', image, offset + 36)
            found.append((image[offset + 60:offset + 60 + name].decode('utf-16-le'),
                          image[offset + 60 + name:offset + 60 + name + data]))
            offset += (60 + name + data + 3) // 4 * 4
        return found

    def test_variables_are_appended(self):
        image = dkms_uefi.add_variable(self.image(), 'One', self.OWNER, b'12345')
        image = dkms_uefi.add_variable(image, 'Two', self.OWNER, b'6')
        self.assertEqual(self.names(image), [('One\0', b'12345'), ('Two\0', b'6')])
        self.assertEqual(len(image), len(self.image()))

    def test_a_variable_that_does_not_fit_is_an_error(self):
        with self.assertRaises(ValueError):
            dkms_uefi.add_variable(self.image(128), 'One', self.OWNER, bytes(64))

    def test_a_list_has_the_certificate_with_its_sizes(self):
        found = dkms_uefi.signature_list(b'certificate', self.OWNER)
        self.assertEqual(struct.unpack_from('<III', found, 16), (len(found), 0, 16 + 11))
        self.assertEqual(found[28:], self.OWNER.bytes_le + b'certificate')


if __name__ == '__main__':
    unittest.main()
