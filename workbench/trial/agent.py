# SPDX-License-Identifier: GPL-2.0-only
"""Load, use and unload modules in the guest, and write a report.

usage: agent.py PLAN REPORT

PLAN is a JSON file of the trial. Each event is a line of JSON in REPORT, so that the report
of a guest that dies contains all steps but the last one.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import stat
import subprocess
import sys
import time

# The directories that are compared before and after, and the depths.
WATCHED = {'/dev': 3, '/proc': 2, '/sys/class': 3, '/sys/bus': 4, '/sys/kernel/debug': 3, '/sys/kernel/config': 2,
           '/sys/kernel/tracing/events': 1, '/sys/kernel': 1, '/sys/devices/virtual': 2, '/sys/fs': 1, '/proc/sys': 2}
IGNORED = re.compile(r'/proc/(\d|self|thread-self|sys/kernel/random|net)|/sys/kernel/debug/(kunit|kmemleak|clear_warn)'
                     r'|/dev/(char|block|pts|shm)\b|/sys/kernel/(tracing|debug|slab)/.*/|/sys/kernel/slab')

# The limits for insmod and rmmod, for the probe of a device and for the command, in seconds.
CALL, PROBE, COMMAND = 10, 30, 60

# The taint flags of a kernel that has reported an error: bad page, die, warning, soft lockup.
REPORTED = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14

FINIT_MODULE, DELETE_MODULE = 313, 176

# A file of the helper module, whose ioctls set whether lockdep checks the process.
LOCKDEP = '/sys/kernel/debug/trial_helper/lockdep'
DISABLE, ENABLE = ord('L') << 8, ord('L') << 8 | 1

_libc = ctypes.CDLL(None, use_errno=True)


class Agent:
    """The work of one guest."""

    def __init__(self, plan, report):
        self.plan = plan
        self.report = report
        self.before = set()

    def note(self, event, **values):
        """Write an event."""
        self.report.write(json.dumps({'event': event, **values}) + '\n')
        self.report.flush()

    def mark(self, text):
        """Write a line to the kernel log that starts a step."""
        with open('/dev/kmsg', 'w', encoding='utf-8') as kmsg:
            kmsg.write(f'workbench: try: {text}\n')

    def run(self, command, seconds, **options):
        """Run a program; return its exit status and its output, the status None after a time-out."""
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True, **options) as child:
            try:
                output, _ = child.communicate(timeout=seconds)
                return child.returncode, output.decode(errors='replace')
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                try:
                    child.wait(2)
                except subprocess.TimeoutExpired:
                    # The process cannot be killed. Without this, the with statement would wait for it.
                    child.returncode = -1
                return None, ''

    def group(self, group):
        """Load, use and unload the modules of a group; return whether the kernel can continue."""
        names = [module['name'] for module in group['modules']]
        self.note('group', names=names)
        devices = char_devices()
        loaded = []
        for module in group['modules']:
            self.mark(f'load {module["name"]}')
            status, output = self.run(['insmod', module['path'], *module['parameters']], CALL)
            self.note('load', module=module['name'], status=status, output=output.strip())
            if status is None:
                return False
            if status:
                break
            loaded.append(module['name'])
            self.describe(module['name'])
        if loaded:
            after = snapshot()
            self.note('appeared', names=loaded, paths=sorted(after - self.before))
            self.use(loaded, sorted(char_devices() - devices))
        if not self.unload(loaded):
            return False
        if loaded:
            after = snapshot()
            self.note('left', names=loaded, paths=sorted(after - self.before - {'/sys/module'}))
            self.before = after
            if sound() and len(loaded) == len(names):
                return self.repeat(group)
        return sound()

    def describe(self, name):
        """Report the parameters and the taint of a module."""
        directory = f'/sys/module/{name}'
        parameters = {}
        if os.path.isdir(f'{directory}/parameters'):
            for parameter in sorted(os.listdir(f'{directory}/parameters')):
                path = f'{directory}/parameters/{parameter}'
                parameters[parameter] = [oct(os.stat(path).st_mode & 0o777), read(path)]
        self.note('module', module=name, parameters=parameters, taint=read(f'{directory}/taint'))

    def use(self, names, devices):
        """Probe the devices, run the command, and report the results of KUnit."""
        if self.plan['probe']:
            for device in devices:
                self.mark(f'probe {device}')
                status, output = self.run([self.plan['probe'], device, *names], PROBE)
                self.note('probe', names=names, device=device, status=status, output=output)
        for name in names:
            self.kunit(name)
        if self.plan['command']:
            self.mark('command')
            status, output = self.run(['sh', '-c', self.plan['command']], COMMAND, cwd=self.plan['directory'])
            self.note('command', status=status, output=output)

    def kunit(self, name):
        """Report the results of the KUnit suites of a module."""
        top = '/sys/kernel/debug/kunit'
        for suite in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            text = read(f'{top}/{suite}/results')
            if f'# module: {name}\n' in text:
                self.note('kunit', module=name, text=text)

    def unload(self, names):
        """Unload modules in reverse order; return whether all of them were unloaded."""
        for name in reversed(names):
            self.mark(f'unload {name}')
            is_permanent = any(line.startswith(f'{name} ') and '[permanent]' in line
                               for line in read('/proc/modules').splitlines())
            status, output = self.run(['rmmod', name], CALL)
            self.note('unload', module=name, status=status, output=output.strip(), permanent=is_permanent,
                      refcnt=read(f'/sys/module/{name}/refcnt'), holders=entries(f'/sys/module/{name}/holders'))
            if status != 0:
                return False
        return True

    def repeat(self, group):
        """Load and unload the modules of a group repeatedly; return whether the kernel can continue."""
        self.mark(f'repeat {group["modules"][-1]["name"]}')
        files = [(os.open(module['path'], os.O_RDONLY), module['name'], ' '.join(module['parameters']))
                 for module in group['modules']]
        done = 0
        error = ''
        with self.without_lockdep():
            for done in range(self.plan['cycles']):
                error = load_and_unload(files, done + 2)
                if error or not sound():
                    break
        for fd, _, _ in files:
            os.close(fd)
        self.note('repeat', names=[name for _, name, _ in files], cycles=done + 2, error=error)
        return not error and sound()

    @contextlib.contextmanager
    def without_lockdep(self):
        """Disable lockdep for this process, which takes a third of the time to load a module.

        Lockdep has checked the first load and unload, of which the others are repetitions.
        """
        if not self.plan['helper']:
            yield
            return
        with open(LOCKDEP, 'rb') as file:
            fcntl.ioctl(file, DISABLE)
            yield
            fcntl.ioctl(file, ENABLE)

    def work(self):
        """Try all groups, until the kernel cannot continue."""
        if self.plan['helper']:
            self.run(['insmod', self.plan['helper']], CALL)
        self.before = snapshot()
        for group in self.plan['groups']:
            begin = time.clock_gettime(time.CLOCK_MONOTONIC)
            is_sound = self.group(group)
            self.mark('end')
            self.note('end', names=[module['name'] for module in group['modules']], begin=begin,
                      end=time.clock_gettime(time.CLOCK_MONOTONIC), sound=is_sound)
            if not is_sound:
                # The trial starts a new guest for the remaining groups.
                break
        if self.plan['leaks']:
            self.leaks()

    def leaks(self):
        """Report the memory that kmemleak finds."""
        path = '/sys/kernel/debug/kmemleak'
        if not os.path.exists(path):
            return
        # kmemleak ignores objects that are younger than 5 s.
        time.sleep(5.5)
        for _ in range(2):
            with open(path, 'w', encoding='utf-8') as file:
                file.write('scan')
        self.note('leaks', text=read(path))


def load_and_unload(files, number):
    """Load and unload modules; return the error, '' if there is none.

    files: the file descriptors, names and parameters of the modules. number: that of the load.
    """
    for fd, name, parameters in files:
        if _libc.syscall(FINIT_MODULE, fd, parameters.encode(), 0):
            return f'load {number} of {name}: {os.strerror(ctypes.get_errno())}'
    for _, name, _ in reversed(files):
        if _libc.syscall(DELETE_MODULE, name.encode(), os.O_NONBLOCK):
            return f'unload {number} of {name}: {os.strerror(ctypes.get_errno())}'
    return ''


def read(path):
    """Return the content of a small file, '' if it cannot be read."""
    try:
        with open(path, 'rb') as file:
            return file.read(1 << 20).decode(errors='replace').rstrip('\n')
    except OSError:
        return ''


def entries(path):
    """Return the sorted names in a directory, none if it does not exist."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def sound():
    """Return whether the kernel has reported no error."""
    return not int(read('/proc/sys/kernel/tainted')) & REPORTED


def snapshot():
    """Return the paths below the watched directories, and the entries of files in /proc."""
    found = set()
    for top, depth in WATCHED.items():
        level = [top]
        for _ in range(depth):
            deeper = []
            for directory in level:
                try:
                    with os.scandir(directory) as listed:
                        for entry in listed:
                            if IGNORED.match(entry.path):
                                continue
                            found.add(entry.path)
                            if entry.is_dir(follow_symlinks=False):
                                deeper.append(entry.path)
                except OSError:
                    continue
            level = deeper
    for name in ('devices', 'misc', 'modules', 'iomem'):
        found |= {f'/proc/{name}: {" ".join(line.split()[:2])}' for line in read(f'/proc/{name}').splitlines()
                  if name != 'modules'}
    return found


def char_devices():
    """Return the paths of the character devices."""
    found = set()
    for top, _, names in os.walk('/dev'):
        for name in names:
            path = os.path.join(top, name)
            if stat.S_ISCHR(os.lstat(path).st_mode):
                found.add(path)
    return found


def main():
    """Carry out the plan."""
    with open(sys.argv[1], encoding='utf-8') as plan, open(sys.argv[2], 'a', encoding='utf-8') as report:
        Agent(json.load(plan), report).work()


if __name__ == '__main__':
    main()
