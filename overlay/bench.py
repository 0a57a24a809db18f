# SPDX-License-Identifier: GPL-2.0-only
"""Measure the instructions and the throughput of calls, and compare the device with other devices."""

import io
import json
import shlex
import shutil
import subprocess
from pathlib import Path

from host.console import UserError
from host.environment import environment
from host.paths import build_root
from host.process import run_logged
from kernel import build, source
from kernel.build import compiler_environment
from machine import guest
from machine.qemu import X86_64
from machine.um import UM

SOURCE = Path(__file__).parent / 'bench'
DEVICE = '/dev/lkmdemo'
TEXTBOOK = '/dev/textbook'
CALLS_ON = (DEVICE, TEXTBOOK, '/dev/zero', '/dev/null', '/run/on-tmpfs')

# With icount, the clock of the guest advances by one nanosecond for each instruction, so
# that the results do not depend on the machine.
COUNTING = ('-icount', 'shift=0,sleep=off')


def _modules(kernel):
    """Build the modules of the measurement; return their directory."""
    directory = build_root() / f'bench-{kernel.name}'
    directory.mkdir(exist_ok=True)
    for name in ('Kbuild', 'hold.c', 'textbook.c'):
        shutil.copy(SOURCE / name, directory / name)
    run_logged(kernel.make(f'M={directory}', 'modules'), kernel.log('bench-modules'),
               'building the modules of the measurement', env=compiler_environment())
    return directory


def _run(kernel, command, extra=()):
    """Run a shell command in a guest with the device; return its output."""
    out = io.BytesIO()
    status = guest.run(kernel, f'modprobe lkmdemo capacity=4096 exclusive=N && {command}',
                       kernel.log('bench-boot'), limit=300, out=out, extra=extra, with_kvm=False,
                       processors=1 if extra else 2)
    if status:
        raise UserError(f'the measurement ended with {status}')
    return out.getvalue().decode()


def _measure(kernel, command, extra=()):
    """Run a command that prints a line of JSON for each measurement; return the measurements."""
    return [json.loads(line) for line in _run(kernel, command, extra).splitlines()]


def _show(calls):
    """Print a table of instructions per call, with a line for each call and size."""
    minimum = {(line['call'], line['bytes'], line['file']): line['min'] for line in calls}
    print(f'{"instructions per call":20}' + ''.join(f'{file:>15}' for file in CALLS_ON)
          + f'{"/ textbook":>12}')
    for call, size in dict.fromkeys((call, size) for call, size, _ in minimum):
        ratio = minimum[call, size, DEVICE] / minimum[call, size, TEXTBOOK]
        print(f'{call:8}{size:6} bytes ' + ''.join(f'{minimum[call, size, file]:15.0f}'
                                                   for file in CALLS_ON) + f'{ratio:12.2f}')


def _ratio(rounds):
    """Return the number of calls of two readers relative to one reader.

    The best rounds are compared, since other load of the host can only reduce the number.
    """
    return max(each['two'] for each in rounds) / max(each['one'] for each in rounds)


def run(subject, options):
    """Count instructions on the x86_64 kernel, measure readers on um; return the exit status."""
    tree = source.tree_for(options.kernel, options.kdir, subject)
    counted, um = build.Kernel(tree, X86_64, subject, 'bench'), build.Kernel(tree, UM, subject)
    for kernel in counted, um:
        build.build(kernel)
    program = build_root() / 'bench'
    subprocess.run(['gcc', '-O2', '-static', '-o', program, SOURCE / 'bench.c'], env=environment(), check=True)
    bench = shlex.quote(str(program))
    textbook = shlex.quote(str(_modules(counted) / 'textbook.ko'))
    calls = _measure(counted, f'insmod {textbook} && exec {shlex.join([str(program), "calls", *CALLS_ON])}',
                     COUNTING)
    _show(calls)

    rounds = {file: _measure(um, f'exec {bench} readers {file}') for file in (DEVICE, '/dev/zero')}
    ratios = {file: _ratio(each) for file, each in rounds.items()}
    print(f'calls of two readers on two processors, relative to one reader: {ratios[DEVICE]:.2f}'
          f' (/dev/zero: {ratios["/dev/zero"]:.2f})')

    hold = shlex.quote(str(_modules(um) / 'hold.ko'))
    minimum, median = map(int, _run(um, f'insmod {hold} && cat /sys/module/hold/parameters/nanoseconds').split())
    print(f'lock held for a message of 65536 bytes: minimum {minimum / 1000:.1f} us, median {median / 1000:.1f} us')

    results = build_root() / 'bench.json'
    results.write_text(json.dumps({'release': counted.release(), 'instructions': calls,
                                   'readers': rounds, 'two_readers_over_one': ratios,
                                   'lock_held_ns': {'min': minimum, 'median': median}},
                                  indent=1) + '\n', encoding='utf-8')
    print(results)
    return 0
