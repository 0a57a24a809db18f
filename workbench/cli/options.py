# SPDX-License-Identifier: GPL-2.0-only
"""The commands, their options, and the values of the options.

Options are read from the command line of make or of python3 workbench only. They have the
form NAME=value; python3 workbench also accepts --name value.
"""

import argparse
import keyword
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple, NoReturn

from host.console import UserError
from host.paths import WORKBENCH
from kernel.architecture import ARCHITECTURES
from scaffold import names, scaffold

KERNEL = '7.3'
TARGETS = ('um', 'x86_64', 'distro')

# The commands that run on an unmodified kernel of Debian, and the options that change a kernel.
OF_DISTRO = ('farm', 'guest', 'job', 'kselftest', 'setup', 'shell', 'test', 'try')
# The values of ARCH for commands other than kunit.
OF_ARCH = ('arm64', 's390')

_CHANGING = ('CONFIG', 'DEBUG', 'KDIR')


@dataclass
class Options:
    """The values of the options of a command, with their defaults."""
    arch: str = ''
    bcast: bool = False
    cmd: str = ''
    config: str = ''
    debug: bool = False
    device: str = 'qemu'
    dir: str = ''
    farm: bool = False
    jobs: int | None = None
    kdir: str = ''
    kernel: str = KERNEL
    kernels: tuple[str, ...] = ()
    log: str = ''
    mistakes: bool = False
    module: tuple[str, ...] = ()
    n: int = 4
    name: str = ''
    overlay: tuple[str, ...] = ()
    probe: bool = True
    quick: bool = False
    releases: tuple[str, ...] = ()
    results: str = ''
    sbatch: tuple[str, ...] = ()
    seconds: int | None = None
    seed: int | None = None
    target: str = TARGETS[0]
    test: tuple[str, ...] = ()
    timeout: int | None = None
    url: str = ''
    v: int = 1
    with_: tuple[str, ...] = ()


def attribute(name: str) -> str:
    """Return what an option is called in Options."""
    word = name.lower()
    return f'{word}_' if keyword.iskeyword(word) else word


class Option(NamedTuple):
    """An option.

    expected: describes valid values, for messages. pattern: matches valid values. help: the
    help text. convert: converts a value.
    """
    expected: str
    pattern: str
    help: str
    convert: Callable[[str], Any] = str


_SETTINGS = r'\s*CONFIG_\w+=\S+(\s+CONFIG_\w+=\S+)*\s*'


def _config(text: str) -> str:
    """Return kernel settings, one in each line, from words or from a file."""
    if re.fullmatch(_SETTINGS, text, re.ASCII):
        return ''.join(f'{word}\n' for word in text.split())
    path = Path(text).expanduser()
    try:
        content = path.read_text(encoding='utf-8')
    except (OSError, ValueError):
        raise UserError(f'CONFIG={text}: must be settings such as CONFIG_X=y, or a file with settings') from None
    for number, line in enumerate(content.splitlines(), 1):
        if not re.fullmatch(r'CONFIG_\w+=\S.*|#.*|\s*', line, re.ASCII):
            raise UserError(f'{path}:{number}: {line.strip()!r} is not a kernel setting')
    return content if content.endswith('\n') else f'{content}\n'


def _flag(text: str) -> bool:
    return text == '1'


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _shell_words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(f'SBATCH={text}: {str(error).lower()}') from None


_INTERFACE = '|'.join(scaffold.INTERFACES)

OPTIONS = {
    'ARCH': Option(f'one of {", ".join(ARCHITECTURES)}', '|'.join(ARCHITECTURES),
                   'the architecture of a virtual machine, instead of TARGET'),
    'BCAST': Option('0 or 1', '[01]', '1: copy the job to the nodes with sbcast', _flag),
    'CMD': Option('a shell command', r'(?s).*\S.*', 'the shell command to run'),
    'CONFIG': Option('settings such as CONFIG_X=y, or a file with settings', r'(?s).*\S.*',
                     'additional kernel settings, or a file with settings', _config),
    'DEBUG': Option('0 or 1', '[01]', '1: a kernel with checkers, such as KASAN', _flag),
    'DEVICE': Option('the name of a type of devices', r'[A-Za-z0-9][A-Za-z0-9._-]*', "the type of the lab's device"),
    'DIR': Option('a directory without ":" in its path', r'[^:\n]+', 'the directory of the new driver'),
    'FARM': Option('0 or 1', '[01]', '1: run the tests as arrays of Slurm', _flag),
    'JOBS': Option('a number above 0', '0*[1-9][0-9]{0,3}', 'the number of compilers and guests at a time', int),
    'KDIR': Option('the directory of a kernel tree', r'(?s).+', 'a kernel tree of your own'),
    'KERNEL': Option(f'a version such as {KERNEL}', r'[0-9]+\.[0-9]+',
                     'the packaged kernel source, or the kernel of Debian'),
    'KERNELS': Option("versions of kernels of Debian, such as '6.1 6.12'", r' *[0-9]+\.[0-9]+( +[0-9]+\.[0-9]+)* *',
                      'the kernels of Debian on which to try the module', _words),
    'LOG': Option('a file, or the number of a job', r'(?s).+', 'the log of LAVA: a file, or the number of a job'),
    'MISTAKES': Option('0 or 1', '[01]', '1: the tests of mistakes instead', _flag),
    'MODULE': Option('directories with modules, separated by ":"', r'(?s)[^:]+(:[^:]+)*',
                     'the directory of a module; ":" separates several',
                     lambda text: tuple(text.split(':'))),
    'N': Option('a number above 0', '0*[1-9][0-9]{0,5}', 'the number of shards', int),
    'NAME': Option('3 to 15 of a-z, 0-9 and "_", and start with a letter', names.PATTERN,
                   'the name of the new driver'),
    'OVERLAY': Option('directories with an overlay.toml, separated by ":"', r'(?s)[^:]+(:[^:]+)*',
                      'the driver: a directory with an overlay.toml; ":" separates several',
                      lambda text: tuple(text.split(':'))),
    'PROBE': Option('0 or 1', '[01]', '0: do not probe the devices of the module', _flag),
    'QUICK': Option('0 or 1', '[01]', '1: only the checks that build no kernel', _flag),
    'RELEASES': Option('12, 13 or both, separated by spaces', ' *(12|13)( +(12|13))* *',
                       'releases of Debian', _words),
    'RESULTS': Option('a directory', r'(?s).+', 'the directory for the results of the run'),
    'SBATCH': Option('options of sbatch', r'.*\S.*', 'further options of sbatch', _shell_words),
    'SECONDS': Option('a number of seconds above 0', '0*[1-9][0-9]{0,6}', 'how long the random calls last', int),
    'SEED': Option('a number', '[0-9]{1,19}', 'the seed of the random calls, to repeat them', int),
    'TARGET': Option(f'{", ".join(TARGETS[:-1])} or {TARGETS[-1]}', '|'.join(TARGETS), 'the kind of machine'),
    'TEST': Option('the names of kselftests', r'[\w.:/\s-]*[\w.-][\w.:/\s-]*', 'the kselftests to run', _words),
    'TIMEOUT': Option('a number of seconds above 0', '0*[1-9][0-9]{0,8}', 'the time limit of a guest, in seconds', int),
    'URL': Option('the start of an address', r'[a-z]+://\S+', 'where the lab finds the files of the job'),
    'WITH': Option(f'some of {", ".join(scaffold.INTERFACES)}', rf' *({_INTERFACE})( +({_INTERFACE}))* *',
                   'the interfaces of the new driver in addition to read and write', _words),
    'V': Option('a version number above 0', '[1-9][0-9]{0,8}', 'the version of the series', int),
}

_SOURCE = ('KERNEL', 'KDIR', 'OVERLAY', 'JOBS')
_BUILT = (*_SOURCE, 'TARGET', 'DEBUG', 'CONFIG')


class Command(NamedTuple):
    """A command.

    help: the help text. options: the names of its options. required: those of them that it
    requires. packages: the targets of setup.sh that it requires in addition to TARGET; None
    if it requires no set-up.
    """
    help: str
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    packages: tuple[str, ...] | None = ()


COMMANDS = {
    'check': Command('test the workbench itself', packages=('check',)),
    'check-debian': Command('run demo and test of the last commit on new systems of Debian', ('RELEASES',),
                            packages=('check-debian',)),
    'check-farm': Command('run the tests as an array of a Slurm on this machine', _SOURCE, packages=('test',)),
    'check-kernels': Command('test the driver on all kernels and architectures',
                             ('ARCH', 'BCAST', 'FARM', 'JOBS', 'KERNELS', 'N', 'OVERLAY', 'SBATCH'),
                             packages=('test', 'x86_64', 'distro', *ARCHITECTURES)),
    'check-lab': Command('submit a job to a LAVA on this machine, as root', (*_SOURCE, 'ARCH'),
                         packages=('check-lab', 'test', 'x86_64', 'lab')),
    'check-overlays': Command('test other drivers than that of this repository', ('KERNEL', 'KDIR', 'JOBS'),
                              packages=('test',)),
    'check-release': Command('run the demo with the root of another release of Debian', _SOURCE),
    'check-try': Command('try modules with and without known mistakes', ('KERNEL', 'JOBS'), packages=('try',)),
    'clean': Command('remove build/', packages=None),
    'coverage': Command('measure which lines and branches of the driver its tests run', _SOURCE,
                        packages=('test', 'coverage')),
    'debug': Command('stop the booted kernel in the driver, with a debugger', (*_BUILT, 'CMD'), packages=('test',)),
    'debug-session': Command('run a debugger session and check its output', _BUILT, packages=('test',)),
    'demo': Command('build and boot a kernel, and show the driver', (*_BUILT, 'TIMEOUT')),
    'docs': Command('build the manual as HTML', _SOURCE, packages=('lint',)),
    'farm': Command('run the tests as an array of Slurm',
                    (*_BUILT, 'ARCH', 'BCAST', 'MISTAKES', 'N', 'QUICK', 'RESULTS', 'SBATCH', 'SECONDS', 'SEED', 'TEST',
                     'TIMEOUT'),
                    packages=('test',)),
    'graft': Command('copy the driver into a kernel tree', ('KDIR', 'OVERLAY'), required=('KDIR',)),
    'guest': Command('run a command in the booted kernel', (*_BUILT, 'ARCH', 'CMD', 'TIMEOUT'), required=('CMD',),
                     packages=('test',)),
    'help': Command('print the commands and the options', ('OVERLAY',), packages=None),
    'job': Command('write a directory that runs the tests on other machines', (*_BUILT, 'ARCH'), packages=('test',)),
    'kernel': Command('build the kernel, and print the command that builds a module', _BUILT),
    'kselftest': Command('run the kselftests', (*_BUILT, 'ARCH', 'TEST', 'TIMEOUT', 'RESULTS'), packages=('test',)),
    'kunit': Command('run the KUnit suites', (*_BUILT, 'ARCH', 'TIMEOUT', 'RESULTS')),
    'lab': Command('write the definition of a job for LAVA', (*_BUILT, 'ARCH', 'DEVICE', 'URL'),
                   packages=('test', 'x86_64', 'lab')),
    'lab-results': Command('compute the verdict from a log of LAVA', ('LOG', 'OVERLAY', 'RESULTS'), required=('LOG',)),
    'lint': Command('run the checks that maintainers run', (*_SOURCE, 'QUICK'), packages=('lint',)),
    'mistakes': Command('make known mistakes in the driver, and show that the tests find them',
                        (*_SOURCE, 'TEST', 'QUICK'), packages=('test', 'x86_64')),
    'new': Command('write a new driver', ('NAME', 'DIR', 'WITH'), required=('NAME',)),
    'oot': Command('write the Kbuild file that builds the driver out of tree', ('OVERLAY',)),
    'quick': Command('run all tests as fast as possible', (*_SOURCE, 'TIMEOUT', 'RESULTS'), packages=('test',)),
    'series': Command('create the patch series', (*_SOURCE, 'V')),
    'setup': Command('install missing packages', ('TARGET',)),
    'shell': Command('give a prompt in the booted kernel', (*_BUILT, 'ARCH'), packages=('test',)),
    'soak': Command('make random calls to the driver, on a kernel with checkers',
                    (*_SOURCE, 'TARGET', 'SECONDS', 'SEED'), packages=('test',)),
    'test': Command('run all tests', (*_BUILT, 'TIMEOUT', 'RESULTS'), packages=('test',)),
    'try': Command('build, load, probe and unload a module of your own',
                   ('CMD', 'CONFIG', 'DEBUG', 'JOBS', 'KDIR', 'KERNEL', 'KERNELS', 'MODULE', 'PROBE',
                    'TARGET', 'TIMEOUT'), required=('MODULE',), packages=('try',)),
    'watch': Command('run all tests after each saved file', _SOURCE, packages=('test',)),
    'ungraft': Command('remove the driver from a kernel tree', ('KDIR', 'OVERLAY'), required=('KDIR',)),
}

# The options of the further commands that an overlay describes, and their packages by default.
OF_OVERLAY = Command('', _SOURCE, packages=('test', 'x86_64'))

# Examples of required options, for messages.
EXAMPLES = {'CMD': "CMD='uname -a'", 'KDIR': 'KDIR=~/linux', 'LOG': 'LOG=output.yaml', 'MODULE': 'MODULE=~/hello',
            'NAME': 'NAME=widget'}


def package_targets() -> set[str]:
    """Return the targets of setup.sh that the list of packages names."""
    lines = (WORKBENCH / 'host/packages').read_text(encoding='ascii').splitlines()
    return {target for line in lines if line and not line.startswith('#') for target in line.split()[1].split(',')}


def packages(command: str, options: Options, of_overlay: str = '') -> list[str] | None:
    """Return the targets of setup.sh that a command requires, None for no set-up.

    of_overlay: those that the overlay names for the command, separated by spaces. Raise
    UserError for an unknown one.
    """
    for target in of_overlay.split():
        if target not in package_targets():
            raise UserError(f'overlay.toml: packages.{command}: workbench/host/packages has no target {target}; '
                            f'it has: {", ".join(sorted(package_targets()))}')
    targets = tuple(of_overlay.split()) or COMMANDS.get(command, OF_OVERLAY).packages
    if targets is None:
        return None
    analysis = command == 'lint' and not options.quick
    machine = 'distro' if options.kernels else options.arch or options.target
    return list(dict.fromkeys((*targets, machine, *(['analysis'] if analysis else []))))


def _split(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition('=')
    if not equals or not name:
        raise UserError(f'{assignment!r} is not an option: options have the form NAME=value')
    return name, value


def _require_no_prompt(name: str, options: Options) -> None:
    """Raise UserError if the command of a trial is a prompt, which kernels of Debian do not give."""
    if options.cmd == 'shell':
        raise UserError(f'{name} and CMD=shell exclude each other: make shell TARGET=distro gives a prompt')


def _require_compatible(command: str, options: Options, given: dict[str, str]) -> None:
    """Raise UserError for options of a command that exclude each other; given: their texts."""
    others = [name for name in ('TARGET', 'DEBUG', 'CONFIG') if given.get(name)]
    if options.arch and others:
        raise UserError(f'ARCH and {others[0]} exclude each other: ARCH selects another machine')
    if options.arch and command not in ('check-kernels', 'kunit') and options.arch not in OF_ARCH:
        raise UserError(f'ARCH={options.arch}: {command} runs on {" and ".join(OF_ARCH)} only')
    if given.get('KDIR') and given.get('KERNEL'):
        raise UserError('KERNEL and KDIR exclude each other: the source is a package or a tree of your own')
    if options.kernels:
        for name in (*_CHANGING, 'KERNEL', 'TARGET'):
            if given.get(name):
                raise UserError(f'KERNELS and {name} exclude each other: KERNELS selects unmodified kernels of Debian')
        _require_no_prompt('KERNELS', options)
    if command == 'try' and options.target == 'distro':
        _require_no_prompt('TARGET=distro', options)
    if command == 'try' and options.target == 'x86_64':
        raise UserError('TARGET=x86_64: try runs on um, and with TARGET=distro on a kernel of Debian')
    if options.target == 'distro':
        if command not in OF_DISTRO:
            raise UserError(f'TARGET=distro: {command} does not run on a kernel of Debian; '
                            f'these commands do: {", ".join(OF_DISTRO)}')
        for name in _CHANGING:
            if given.get(name):
                raise UserError(f'TARGET=distro and {name} exclude each other: a kernel of Debian is not changed')


def parse(command: str, assignments: list[str], of_overlay: tuple[str, ...] = ()) -> Options:
    """Return the options of a command from assignments of the form NAME=value.

    of_overlay: the commands of the overlay. An empty value selects the default. Raise
    UserError for an unknown command, for an option that the command does not have, and for
    an invalid value.
    """
    if command not in COMMANDS and command not in of_overlay:
        raise UserError(f'unknown command {command!r}; make help lists the commands')
    description = COMMANDS.get(command, OF_OVERLAY)
    given = {}
    for name, value in map(_split, assignments):
        if name not in description.options:
            problem = f'{command} does not accept {name}' if name in OPTIONS else f'unknown option {name}'
            raise UserError(f'{problem}; the options of {command}: '
                            f'{", ".join(sorted(description.options)) or "none"}')
        given[name] = value
    options = Options()
    for name, value in given.items():
        option = OPTIONS[name]
        if not value:
            continue
        if not re.fullmatch(option.pattern, value, re.ASCII):
            raise UserError(f'{name}={value}: must be {option.expected}')
        setattr(options, attribute(name), option.convert(value))
    for name in description.required:
        if not given.get(name):
            raise UserError(f'{command} requires {name}: make {command} {EXAMPLES[name]}')
    _require_compatible(command, options, given)
    if command == 'try' and options.target == 'distro':
        options.kernels = (options.kernel,)
    return options


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors as UserError, in a single line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def _parser(commands: dict[str, Command]) -> _Parser:
    parser = _Parser(prog='python3 workbench', allow_abbrev=False,
                     description='Build, boot and test a kernel with a driver.')
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', parser_class=_Parser)
    for command, description in commands.items():
        own = subparsers.add_parser(command, help=description.help, description=description.help, allow_abbrev=False)
        own.add_argument('assignments', nargs='*', metavar='NAME=value',
                         help='options in the form of make')
        for name in sorted(description.options):
            own.add_argument(f'--{name.lower()}', metavar=name, help=OPTIONS[name].help.replace('%', '%%'))
    return parser


def from_arguments(arguments: list[str], of_overlay: dict[str, str]) -> tuple[str, list[str]]:
    """Return the command and the assignments of a command line of python3 workbench.

    of_overlay: maps the commands of the overlay to their help texts. Print the help and
    exit if it is requested. Raise UserError for an argument that is not an option.
    """
    commands = {**COMMANDS, **{name: OF_OVERLAY._replace(help=text) for name, text in of_overlay.items()}}
    if arguments and not arguments[0].startswith('-') and arguments[0] not in commands:
        # parse() reports the error: the message of argparse would list all commands in one line.
        return arguments[0], []
    given = vars(_parser(commands).parse_args(arguments))
    command, assignments = given.pop('command'), given.pop('assignments', [])
    return command or '', [*assignments, *(f'{name.upper()}={value}' for name, value in given.items()
                                           if value is not None)]


# A variable on the command line of make: its name, the operator, its value.
_VARIABLE = re.compile(r'\s*([^\s:+?!=-][^\s:+?!=]*)\s*((?:::?|\+|\?|!)?=)(.*)', re.DOTALL)


def from_make(names: list[str], arguments: list[str]) -> list[str]:
    """Return the assignments on the command line of make, as they were typed.

    names: the variables that make regards as those of its command line; some may be from a
    calling make, or from MAKEFLAGS in the environment. arguments: the command line of make;
    an argument with "=" may also be a directory.
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
