# SPDX-License-Identifier: GPL-2.0-only
"""What people read while the workbench works: progress, and errors."""

import sys
import time


class UserError(Exception):
    """Something the user can mend; the message says what and how."""


def say(text):
    """Print one line for people, in order with the output of children."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A line with the elapsed time and what is being done.

    On a terminal the line is rewritten in place. Elsewhere it is printed every
    half minute, so that a log shows that the work goes on.
    """

    QUIET_INTERVAL = 30

    def __init__(self, title, total=0):
        """title: what the whole is; total: how many steps, if that is known."""
        self.title = title
        self.total = total
        self.steps = 0
        self.doing = ''
        self.start = time.monotonic()
        self.tty = sys.stderr.isatty()
        self.next_print = self.start + (0.2 if self.tty else self.QUIET_INTERVAL)
        self.shown = False

    def elapsed(self):
        return time.monotonic() - self.start

    def step(self, doing):
        """One more step has begun, of this name."""
        self.steps += 1
        self.doing = doing
        self.tick()

    def tick(self):
        """Show the elapsed time, if it is time to."""
        now = time.monotonic()
        if now < self.next_print:
            return
        self.next_print = now + (0.1 if self.tty else self.QUIET_INTERVAL)
        minutes, seconds = divmod(int(self.elapsed()), 60)
        line = f'[{minutes:02}:{seconds:02}] {self.title}'
        if self.steps:
            of_total = f'/~{self.total}' if self.total > self.steps else ''
            line += f' {self.steps}{of_total}: {self.doing}'
        if self.tty:
            line = '\r\033[K' + line[:79]
        print(line, end='' if self.tty else '\n', file=sys.stderr, flush=True)
        self.shown = True

    def done(self, result='done'):
        """Replace the line by the result, when anything was shown at all."""
        if self.tty and self.shown:
            print('\r\033[K', end='', file=sys.stderr)
        if self.shown or self.steps or self.elapsed() > 5:
            say(f'{self.title}: {result} ({self.elapsed():.0f} s)')
