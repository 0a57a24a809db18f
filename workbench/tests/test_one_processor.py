# SPDX-License-Identifier: GPL-2.0-only
"""Test the library for um guests with one processor, with a program in place of the kernel."""

import os
import subprocess
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from machine import um

# Prints for some signals whether a change of the mask has an effect.
PROGRAM = r'''
#include <signal.h>
#include <stdio.h>
static void try(int signal)
{
    sigset_t set, now;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("%d ", sigismember(&now, signal));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("%d\n", sigismember(&now, signal));
}
int main(void)
{
    sigset_t all;

    try(SIGRTMIN);
    try(SIGRTMIN + 1);
    try(SIGALRM);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigprocmask(SIG_BLOCK, NULL, &all);
    printf("%d\n", sigismember(&all, SIGRTMIN));
    return 0;
}
'''


class LibraryTest(unittest.TestCase):
    """Test which changes of the mask of signals the library leaves out."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.kernel = types.SimpleNamespace(out=self.directory, log=lambda name: self.directory / f'{name}.log')

    def test_only_the_signal_between_processors_stays_unblocked(self):
        (self.directory / 'try.c').write_text(PROGRAM, encoding='ascii')
        subprocess.run(['gcc', '-o', 'try', 'try.c'], cwd=self.directory, check=True)
        library = um._library(self.kernel)
        for environment, expected in (({}, '1 0\n1 0\n1 0\n1\n'),
                                      ({'LD_PRELOAD': str(library)}, '0 0\n1 0\n1 0\n1\n')):
            result = subprocess.run([self.directory / 'try'], env={**os.environ, **environment}, check=True,
                                    stdout=subprocess.PIPE, text=True)
            self.assertEqual(result.stdout, expected)

    def test_the_library_is_compiled_once_and_after_a_change(self):
        library = um._library(self.kernel)
        with mock.patch.object(um, 'run_logged') as compiled:
            um._library(self.kernel)
            compiled.assert_not_called()
            os.utime(library, (1, 1))
            with self.assertRaises(FileNotFoundError):
                um._library(self.kernel)
            compiled.assert_called_once()


if __name__ == '__main__':
    unittest.main()
