# SPDX-License-Identifier: GPL-2.0-only
"""Make random calls to the driver for some time, on a kernel with checkers.

A kselftest program makes them, selftests.soak of the description. It compares each call with
a model, and takes two environment variables: NAME_SECONDS, how long it runs, and NAME_SEED, on
which alone its calls depend. NAME is the name of the overlay, in capitals.
"""

import random
import re
import shlex

from host.console import UserError, say
from kernel import build
from machine import guest
from verdict.tally import Tally, single

# The time to boot, and to search for leaks afterwards, in seconds; longer on a slow kernel.
_MARGIN = 120


def prefix(kernel: build.Kernel) -> str:
    """Return what the names of the environment variables start with."""
    return re.sub(r'\W', '_', kernel.subject.main.name.upper())


def command(kernel: build.Kernel, seconds: int, seed: int) -> str:
    """Return the shell command of the program; raise UserError if the overlay names none."""
    main = kernel.subject.main
    program = main.description.selftests.soak
    if not program:
        raise UserError(f'the overlay {main.name} names no program for make soak: selftests.soak in overlay.toml')
    path = kernel.out / 'kselftest' / main.targets[0] / program
    name = prefix(kernel)
    return f'exec env {name}_SECONDS={seconds} {name}_SEED={seed} {shlex.quote(str(path))}'


def run(kernel: build.Kernel, seconds: int, seed: int | None = None) -> Tally:
    """Run the program in a guest; return the tally. seed: by default a random one."""
    chosen = random.randrange(1 << 32) if seed is None else seed
    text = command(kernel, seconds, chosen)
    build.build_selftests(kernel)
    say(f'random calls for {seconds} s on {kernel.name}; SEED={chosen} repeats them')
    limit = seconds + _MARGIN * guest.slowness(kernel)
    status = guest.run(kernel, text, kernel.log('soak-boot'), timeout=limit)
    why = guest.FAILURES.get(status, f'the program ended with {status}')
    return single(f'soak SEED={chosen}', 'failed' if status else 'passed', why if status else '')
