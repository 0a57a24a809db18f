# SPDX-License-Identifier: GPL-2.0-only
"""Print messages and progress to stderr."""

import sys
import time


class UserError(Exception):
    """An error that the user can correct; the message names the cause and the correction."""


def say(text):
    """Print a line to stderr, in order with the output of children."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A line with the elapsed time and the current step of a long operation.

    On a terminal the line is rewritten in place. Otherwise it is printed every
    30 seconds, so that a log shows that the operation continues.
    """

    LOG_INTERVAL = 30

    def __init__(self, title, total=0):
        """Start the clock; title: names the operation; total: the number of steps, 0 if unknown."""
        self.title = title
        self.total = total
        self.steps = 0
        self.step_name = ''
        self.start = time.monotonic()
        self.tty = sys.stderr.isatty()
        self.next_print = self.start + (0.2 if self.tty else self.LOG_INTERVAL)
        self.shown = False

    def elapsed(self):
        return time.monotonic() - self.start

    def step(self, name):
        """Count a step that begins."""
        self.steps += 1
        self.step_name = name
        self.tick()

    def tick(self):
        """Print the line, unless the last one is too recent."""
        now = time.monotonic()
        if now < self.next_print:
            return
        self.next_print = now + (0.1 if self.tty else self.LOG_INTERVAL)
        minutes, seconds = divmod(int(self.elapsed()), 60)
        line = f'[{minutes:02}:{seconds:02}] {self.title}'
        if self.steps:
            of_total = f'/~{self.total}' if self.total > self.steps else ''
            line += f' {self.steps}{of_total}: {self.step_name}'
        if self.tty:
            line = '\r\033[K' + line[:79]
        print(line, end='' if self.tty else '\n', file=sys.stderr, flush=True)
        self.shown = True

    def done(self, result='done'):
        """Replace the line by the result; print nothing for a short operation without steps."""
        if self.tty and self.shown:
            print('\r\033[K', end='', file=sys.stderr)
        if self.shown or self.steps or self.elapsed() > 5:
            say(f'{self.title}: {result} ({self.elapsed():.0f} s)')
