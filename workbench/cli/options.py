# SPDX-License-Identifier: GPL-2.0-only
"""The commands, the options that each takes, and the values that these have.

Options come from the command line alone: of make, or of python3 workbench.
"""

import re
from dataclasses import dataclass
from typing import Callable, NamedTuple

from host.console import UserError

KERNEL = '7.3'
TARGETS = ('um', 'x86_64')


@dataclass
class Options:
    """The options of one command, with the defaults of those that were not given."""
    cmd: str = ''
    debug: bool = False
    kdir: str = ''
    kernel: str = KERNEL
    quick: bool = False
    releases: tuple[str, ...] = ()
    target: str = TARGETS[0]
    test: tuple[str, ...] = ()
    timeout: int | None = None
    v: int = 1


class Option(NamedTuple):
    """wanted: what a value must be, for people; pattern: for the parser."""
    wanted: str
    pattern: str
    convert: Callable = str


_FLAG = Option('0 or 1', '[01]', lambda text: text == '1')

OPTIONS = {
    'CMD': Option('a shell command', r'(?s).*\S.*'),
    'DEBUG': _FLAG,
    'KDIR': Option('the directory of a kernel tree', r'(?s).+'),
    'KERNEL': Option(f'a version such as {KERNEL}', r'[0-9]+\.[0-9]+'),
    'QUICK': _FLAG,
    'RELEASES': Option('releases of Debian, 12 or 13 or both', ' *(12|13)( +(12|13))* *',
                       lambda text: tuple(text.split())),
    'TARGET': Option(' or '.join(TARGETS), '|'.join(TARGETS)),
    'TEST': Option('the names of kselftests', r'[\w.\s-]*[\w.-][\w.\s-]*', lambda text: tuple(text.split())),
    'TIMEOUT': Option('a number of seconds above 0', '0*[1-9][0-9]{0,8}', int),
    'V': Option('the number of a version, 1 or more', '[1-9][0-9]{0,8}', int),
}

_TREE = ('KERNEL', 'KDIR')
_BUILT = (*_TREE, 'TARGET', 'DEBUG')


class Command(NamedTuple):
    """options: what it takes; required: what it cannot do without.

    packages: the targets of setup.sh that it needs, beside that of TARGET; None
    if it needs no set-up.
    """
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    packages: tuple[str, ...] | None = ()


COMMANDS = {
    'bench': Command(_TREE, packages=('test', 'x86_64')),
    'check': Command(),
    'check-conditions': Command(_TREE, packages=('test',)),
    'check-debian': Command(('RELEASES',), packages=('check-debian',)),
    'check-release': Command(_TREE),
    'clean': Command(packages=None),
    'debug': Command((*_BUILT, 'CMD'), packages=('test',)),
    'debug-session': Command(_BUILT, packages=('test',)),
    'demo': Command((*_BUILT, 'TIMEOUT')),
    'docs': Command(_TREE, packages=('lint',)),
    'graft': Command(('KDIR',), required=('KDIR',)),
    'guest': Command((*_BUILT, 'CMD', 'TIMEOUT'), required=('CMD',), packages=('test',)),
    'help': Command(packages=None),
    'kernel': Command(_BUILT),
    'kselftest': Command((*_BUILT, 'TEST', 'TIMEOUT'), packages=('test',)),
    'kunit': Command((*_BUILT, 'TIMEOUT')),
    'lint': Command((*_TREE, 'QUICK'), packages=('lint',)),
    'series': Command((*_TREE, 'V')),
    'setup': Command(('TARGET',)),
    'shell': Command(_BUILT, packages=('test',)),
    'test': Command((*_BUILT, 'TIMEOUT'), packages=('test',)),
    'ungraft': Command(('KDIR',), required=('KDIR',)),
}

# What is required looks like this.
EXAMPLES = {'CMD': "CMD='cat /dev/lkmdemo'", 'KDIR': 'KDIR=~/linux'}


def packages(command: str, options: Options) -> list[str] | None:
    """Return the targets of setup.sh that a command needs, None for no set-up."""
    wanted = COMMANDS[command].packages
    if wanted is None:
        return None
    analysis = command == 'lint' and not options.quick
    return list(dict.fromkeys((*wanted, options.target, *(['analysis'] if analysis else []))))


def _split(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition('=')
    if not equals or not name:
        raise UserError(f'{assignment!r} is no option: options have the form NAME=value')
    return name, value


def parse(command: str, assignments: list[str]) -> Options:
    """Return the options that a command is given; each assignment is NAME=value.

    An empty value is that of an option which is not given. Raises UserError for
    whatever the command cannot act on.
    """
    if command not in COMMANDS:
        raise UserError(f'there is no command {command!r}; make help lists the commands')
    takes = COMMANDS[command].options
    given = {}
    for name, value in map(_split, assignments):
        if name not in takes:
            known = f'{command} takes no {name}' if name in OPTIONS else f'there is no option {name}'
            raise UserError(f'{known}; the options of {command}: {", ".join(sorted(takes)) or "none"}')
        given[name] = value
    options = Options()
    for name, value in given.items():
        option = OPTIONS[name]
        if not value:
            continue
        if not re.fullmatch(option.pattern, value, re.ASCII):
            raise UserError(f'{name}={value}: must be {option.wanted}')
        setattr(options, name.lower(), option.convert(value))
    for name in COMMANDS[command].required:
        if not given.get(name):
            raise UserError(f'{command} requires {name}: make {command} {EXAMPLES[name]}')
    if given.get('KDIR') and given.get('KERNEL'):
        raise UserError('KERNEL and KDIR exclude each other: the source is either a packaged one '
                        'or a tree of your own')
    return options


# A variable on make's command line: its name, the operator, its value.
_VARIABLE = re.compile(r'\s*([^\s:+?!=-][^\s:+?!=]*)\s*((?:::?|\+|\?|!)?=)(.*)', re.DOTALL)


def from_make(names: list[str], arguments: list[str]) -> list[str]:
    """Return the assignments on the command line of make, as they were typed.

    names: the variables that make has from a command line, which may be that of a
    make that called this one, or MAKEFLAGS in the environment. arguments: its own
    command line, in which an argument may be a directory with "=" in its name.
    """
    typed = {}
    for match in filter(None, map(_VARIABLE.fullmatch, arguments)):
        name, operator, value = match.groups()
        if name not in names or name == 'PYTHON':
            continue
        if operator != '=':
            raise UserError(f'{name}{operator}: options have the form {name}=value')
        typed[name] = value
    return [f'{name}={value}' for name, value in typed.items()]
