# SPDX-License-Identifier: GPL-2.0-only
"""Measure what a call of the device costs, beside others that do as much."""

import io
import json
import shlex
import subprocess

import guest
from console import UserError
from environment import environment
from paths import WORKBENCH, build_root

SOURCE = WORKBENCH / 'bench/bench.c'
DEVICE = '/dev/lkmdemo'
CALLS_ON = (DEVICE, '/dev/zero', '/dev/null', '/run/on-tmpfs')

# Every instruction takes a nanosecond of the guest's time, which is all that
# passes: the figures are the same in each run, on any machine.
COUNTING = ('--cpus=1', '--qemu-opt=-accel', '--qemu-opt=tcg',
            '--qemu-opt=-icount', '--qemu-opt=shift=0,sleep=off')


def _run(kernel, program, arguments, machine=()):
    """Run the program in a guest; return what it printed, a dictionary a line."""
    out = io.BytesIO()
    words = shlex.join([str(program), *arguments])
    status = guest.run(kernel, f'modprobe lkmdemo capacity=4096 exclusive=N && exec {words}',
                       kernel.log('bench-boot'), limit=300, out=out, machine=machine, with_kvm=False)
    if status:
        raise UserError(f'the measurement ended with {status}')
    return [json.loads(line) for line in out.getvalue().splitlines()]


def _show(calls):
    """Print instructions a call, a line for each call and size."""
    least = {(line['call'], line['bytes'], line['file']): line['min'] for line in calls}
    print(f'{"instructions a call":20}' + ''.join(f'{file:>15}' for file in CALLS_ON))
    for call, size in dict.fromkeys((call, size) for call, size, _ in least):
        print(f'{call:8}{size:6} bytes ' + ''.join(f'{least[call, size, file]:15.0f}'
                                                   for file in CALLS_ON))


def _ratio(rounds):
    """Calls of two readers over those of one, the best round of each.

    Whatever else the host does takes from a round, nothing adds to one.
    """
    return max(each['two'] for each in rounds) / max(each['one'] for each in rounds)


def run(counted, um):
    """Measure on the kernel whose instructions are counted, and on um."""
    program = build_root() / 'bench'
    subprocess.run(['gcc', '-O2', '-static', '-o', program, SOURCE], env=environment(), check=True)
    calls = _run(counted, program, ['calls', *CALLS_ON], COUNTING)
    _show(calls)

    rounds = {file: _run(um, program, ['readers', file]) for file in (DEVICE, '/dev/zero')}
    ratios = {file: _ratio(each) for file, each in rounds.items()}
    print(f'two readers on two processors over one: {ratios[DEVICE]:.2f}'
          f' (/dev/zero: {ratios["/dev/zero"]:.2f})')

    results = build_root() / 'bench.json'
    results.write_text(json.dumps({'release': counted.release(), 'instructions': calls,
                                   'readers': rounds,
                                   'two_readers_over_one': ratios},
                                  indent=1) + '\n', encoding='utf-8')
    print(results)
    return 0
