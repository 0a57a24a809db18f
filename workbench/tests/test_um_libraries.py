# SPDX-License-Identifier: GPL-2.0-only
"""Test the libraries for um guests, with a program in place of the kernel."""

import os
import subprocess
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from machine import um

# Prints for some signals whether a change of the mask has an effect.
SIGNALS = r'''
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


# Executes itself once, as the kernel does, and prints the processors of its threads.
THREADS = r'''
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
static pthread_barrier_t barrier;
static void show(void)
{
    cpu_set_t set;
    int cpu;

    sched_getaffinity(0, sizeof(set), &set);
    for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            printf("%d ", cpu);
    printf("\n");
}
static void *thread(void *unused)
{
    pthread_barrier_wait(&barrier);
    show();
    return NULL;
}
int main(int argc, char **argv)
{
    pthread_t second;

    if (argc < 2)
        execl("/proc/self/exe", argv[0], "again", NULL);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&second, NULL, thread, NULL);
    pthread_barrier_wait(&barrier);
    pthread_join(second, NULL);
    show();
    return 0;
}
'''


class LibraryTest(unittest.TestCase):
    """Test what the libraries change."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.kernel = types.SimpleNamespace(out=self.directory, log=lambda name: self.directory / f'{name}.log')

    def run_program(self, source, processors):
        """Return the output of a program with the library for a number of processors, and without one."""
        (self.directory / 'try.c').write_text(source, encoding='ascii')
        subprocess.run(['gcc', '-pthread', '-o', 'try', 'try.c'], cwd=self.directory, check=True)
        library = um._library(self.kernel, processors)
        return [subprocess.run([self.directory / 'try'], env={**os.environ, **environment}, check=True,
                               stdout=subprocess.PIPE, text=True).stdout
                for environment in ({'LD_PRELOAD': str(library)}, {})]

    def test_only_the_signal_between_processors_stays_unblocked(self):
        self.assertEqual(self.run_program(SIGNALS, 1), ['0 0\n1 0\n1 0\n1\n', '1 0\n1 0\n1 0\n1\n'])

    def test_each_thread_has_a_processor_of_its_own(self):
        allowed = sorted(os.sched_getaffinity(0))
        pinned, unpinned = self.run_program(THREADS, 2)
        self.assertEqual(unpinned, f'{" ".join(map(str, allowed))} \n' * 2)
        of_threads = [[int(cpu) for cpu in line.split()] for line in pinned.splitlines()]
        self.assertEqual([len(cpus) for cpus in of_threads], [1, 1])
        self.assertEqual(len({cpus[0] for cpus in of_threads}), min(2, len(allowed)))

    def test_the_library_is_compiled_once_and_after_a_change(self):
        library = um._library(self.kernel, 1)
        with mock.patch.object(um, 'run_logged') as compiled:
            um._library(self.kernel, 1)
            compiled.assert_not_called()
            os.utime(library, (1, 1))
            with self.assertRaises(FileNotFoundError):
                um._library(self.kernel, 1)
            compiled.assert_called_once()


if __name__ == '__main__':
    unittest.main()
