# SPDX-License-Identifier: GPL-2.0-only
"""The functions of the commands, which call the other packages."""

import dataclasses
import importlib
import os
import random
import shlex
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from cli import clean
from cli.options import KERNEL, OF_ARCH, Options
from host import lock
from host.console import UserError, say
from host.paths import WORKBENCH, build_root
from job import bundle, farm, lab, merge, mistakes as mistakes_on_farm
from job.merge import Shard
from kernel import build, distro, foreign, source
from machine import distro as distro_machine, guest
from machine.foreign import FOREIGN
from machine.machines import MACHINES
from machine.um import UM
from scaffold import scaffold
from ship import docs, lint, series
from subject import graft, outoftree
from subject.subject import Subject, load
from trial import trial
from verdict import (coverage, debug, evidence, kselftest as kselftests, kunit as kunits, mistakes, quick, releases,
                     soak, watch)
from verdict.results import Results, check
from verdict.tally import Tally


def _subject(options: Options) -> Subject:
    return load(options.overlay)


def _kernel(options: Options, always: bool = False, variant: str = '') -> build.Kernel:
    subject = _subject(options)
    if options.target == 'distro':
        packaged = distro.DistroKernel(options.kernel, MACHINES[options.target], subject)
        distro.build_modules(packaged)
        distro_machine.write_initrd(packaged)
        return packaged
    tree = source.tree_for(options.kernel, options.kdir, subject)
    if options.arch:
        other = foreign.ForeignKernel(tree, FOREIGN[options.arch], subject)
        build.build(other)
        distro_machine.write_initrd(other)
        return other
    kernel = build.Kernel(tree, MACHINES[options.target], subject, variant or ('debug' if options.debug else ''),
                          extra=options.config)
    build.build(kernel, always)
    return kernel


def _kernel_of_job(options: Options) -> build.Kernel:
    """Build the kernel of a job; without checkers, that of um requires no library."""
    return _kernel(options, variant='job' if options.target == 'um' and not options.debug else '')


def _driver_modules(built: build.Kernel) -> list[str]:
    return distro.driver_modules(built) if isinstance(built, distro.DistroKernel) else build.driver_modules(built)


def demo(options: Options) -> int:
    """Show the driver on a booted kernel."""
    script = _subject(options).main.in_folder('demo.sh', 'demo')
    kernel = _kernel(options)
    return guest.run(kernel, f'. {shlex.quote(str(script))}', kernel.log('demo-boot'), options.timeout)


def kernel(options: Options) -> int:
    """Build the kernel; print its directory, and the command that builds a module against it."""
    built = _kernel(options, always=True)
    say(f'Linux {built.release()} for {built.name}: {built.out}')
    say('the command that builds a module in the current directory:')
    print(f'make -C {built.tree} O={built.out} ARCH={built.target.name} M=$PWD modules')
    return 0


def _kunit(options: Options, results: Results | None, built: build.Kernel | None = None) -> Tally:
    # kunit.py can only build a um kernel with its own configuration.
    as_modules = built and built.subject.kunit_as_modules
    if as_modules or options.debug or options.config or options.target != 'um':
        return kunits.kunit_modules(built or _kernel(options), timeout=options.timeout, results=results)
    subject = _subject(options)
    tree = built.tree if built else source.tree_for(options.kernel, options.kdir, subject)
    return kunits.kunit(tree, subject, timeout=options.timeout, results=results, arch=options.arch)


def kunit(options: Options) -> int:
    """Run the KUnit suites."""
    results = Results(options.results)
    return _finish(_kunit(options, results), results)


def kselftest(options: Options) -> int:
    """Run the kselftests."""
    results = Results(options.results)
    return _finish(kselftests.run(_kernel(options), options.test, options.timeout, results), results)


def write_job(options: Options) -> int:
    """Write a directory that runs the tests on other machines."""
    job = bundle.write(_kernel_of_job(options), options.kdir)
    print(f'{job}/run')
    return 0


def _tests_on_farm(options: Options, results: Results | None = None,
                   is_chosen: Callable[[bundle.Test], bool] = lambda test: True) -> Tally:
    """Run tests as an array of Slurm, and merge the results; return the tally.

    is_chosen: returns whether a test runs.
    """
    built = _kernel_of_job(options)
    job = bundle.write(built, options.kdir)
    directory = farm.directory()
    available = bundle.read_tests(job)
    found = [test for test in bundle.selected(available, options.test) if is_chosen(test)]
    if not found:
        raise UserError(f'{job} has no such test')
    count = min(options.n, len(found))
    parts = merge.shards(found, count, directory)
    names = [test.name if test.kind == bundle.KUNIT else f'{test.target}:{test.name}' for test in found]
    arguments = [*([f'TEST={" ".join(names)}'] if len(found) < len(available) else []),
                 *([f'TIMEOUT={options.timeout}'] if options.timeout else [])]
    farm.submit(farm.Request(job, count, tuple(arguments), options.sbatch, options.bcast), parts, directory)
    merge.show(parts)
    tally = merge.merge(parts, built.tree, results)
    durations = kselftests.Durations(built)
    durations.seconds.update(merge.seconds(parts))
    durations.save()
    return tally


def _soak_on_farm(options: Options, job: Path) -> Tally:
    """Make random calls as an array of Slurm, with another seed for each shard; return the tally."""
    directory = farm.directory()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    parts = [Shard(number, options.n, directory / str(number), []) for number in range(1, options.n + 1)]
    arguments = (f'SECONDS={options.seconds}', f'SEED={seed}')
    farm.submit(farm.Request(job, options.n, arguments, options.sbatch, options.bcast), parts, directory)
    merge.show(parts)
    return merge.merge_soak(parts)


def _mistakes_on_farm(options: Options, built: build.Kernel, job: Path) -> Tally:
    """Run the tests of mistakes as an array of Slurm, so many at a time as there would be shards; return the tally."""
    chosen = mistakes_on_farm.selected(built, bundle.read_tests(job), options.test, options.quick)
    mistakes_on_farm.write(built, job, chosen)
    arguments = (f'TIMEOUT={options.timeout}',) if options.timeout else ()
    request = farm.Request(job, 0, arguments, options.sbatch, options.bcast, at_once=options.n)
    return mistakes_on_farm.run(request, chosen, farm.directory())


def run_farm(options: Options) -> int:
    """Run the tests as an array of Slurm, and merge the results."""
    results = Results(options.results)
    if options.seconds and (options.test or options.mistakes):
        raise UserError(f'SECONDS= and {"TEST" if options.test else "MISTAKES"}= exclude each other: '
                        'random calls take the place of the tests')
    if options.quick and not options.mistakes:
        raise UserError('QUICK=1 requires MISTAKES=1')
    if options.seconds or options.mistakes:
        built = _kernel_of_job(options)
        job = bundle.write(built, options.kdir)
        return _finish(_soak_on_farm(options, job) if options.seconds else _mistakes_on_farm(options, built, job))
    return _finish(_tests_on_farm(options, results), results)


def write_lab(options: Options) -> int:
    """Write the definition of a job for LAVA."""
    # A lab has no um machine.
    if options.target == 'um' and not options.arch:
        options.target = 'x86_64'
    job = bundle.write(_kernel_of_job(options), options.kdir)
    print(lab.write(job, options.device, options.url))
    return 0


def judge_lab(options: Options) -> int:
    """Compute the verdict from a log of LAVA."""
    job = lab.job_directory()
    text = lab.read(options.log)
    results = Results(options.results)
    tree = source.packaged_tree(KERNEL)
    return _finish(lab.judge(text, bundle.read_tests(job), tree, results), results)


def check_farm(options: Options) -> int:
    """Run the tests as an array of a Slurm on this machine."""
    from cli import check_farm as check_slurm
    return _finish(check_slurm.run(_kernel_of_job(options)))


def check_lab(options: Options) -> int:
    """Submit a job to a LAVA on this machine."""
    from cli import check_lab as check_server
    options.target = 'x86_64'
    return _finish(check_server.run(_kernel(options)))


def test(options: Options) -> int:
    """Run all tests of the overlays; those of a driver with KUnit as modules as quickly as make quick."""
    results = Results(options.results)
    subject = _subject(options)
    is_quick = options.target == 'um' and subject.kunit_as_modules and not (options.debug or options.config)
    built = _quick_kernel(options) if is_quick else _kernel(options)
    if isinstance(built, distro.DistroKernel):
        say('the kernels of Debian have no KUnit: only the kselftests run')
        return _finish(kselftests.run(built, (), options.timeout, results), results)
    before = evidence.digests(built.tree, subject)
    if is_quick:
        of_kunit, of_kselftest = quick.run(built, options.timeout, results, all_formats=True)
    else:
        of_kunit = _kunit(options, results, built) if subject.has_kunit else Tally()
        of_kselftest = kselftests.run(built, (), options.timeout, results) if subject.targets else Tally()
    evidence.record_tests(before, built, of_kunit, of_kselftest)
    tally = of_kunit + of_kselftest
    if subject.main.description.debug and not built.debug:
        tally += debug.session(built, results)
    # Other configurations do not run all tests, which the check of the results may require.
    if not built.debug and not options.config:
        tally += check(built, tally)
    return _finish(tally, results)


def _quick_kernel(options: Options) -> build.Kernel:
    """Return the um kernel of the subject, to be built."""
    subject = _subject(options)
    return build.Kernel(source.tree_for(options.kernel, options.kdir, subject), UM, subject)


def run_quickly(options: Options) -> int:
    """Run the KUnit suites, as modules, and the kselftests, in guests that boot during the build."""
    results = Results(options.results)
    of_kunit, of_kselftest = quick.run(_quick_kernel(options), options.timeout, results)
    return _finish(of_kunit + of_kselftest, results)


def watch_files(options: Options) -> int:
    """Run all tests after each saved file."""
    watch.require_terminal()
    # Another command waits only while tests run.
    tests = watch.Watch(lambda: _quick_kernel(options), lambda: lock.held(build_root() / clean.LOCK))
    tests.follow(lambda: {(overlay.root / name).parent for overlay in _subject(options).overlays
                          for name in overlay.names})
    return 0


def _finish(tally: Tally, results: Results | None = None) -> int:
    if results:
        say(f'results: {results.directory}')
    for line in tally.failures():
        print(f'failed: {line}')
    print(tally, flush=True)
    return 1 if tally.failed or not tally.passed else 0


def run_in_guest(options: Options) -> int:
    """Run a command in the guest."""
    built = _kernel(options)
    return guest.run(built, options.cmd, built.log('guest-boot'), timeout=options.timeout,
                     modules=_driver_modules(built))


def shell(options: Options) -> int:
    """Give a prompt in the guest."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError("make shell requires a terminal; without one: make guest CMD='...'")
    built = _kernel(options)
    files = 'no files of this machine' if options.arch or options.target == 'distro' else \
        'the files of this machine'
    say(f'The guest has {files}; it keeps changes in memory. "exit" powers it off.')
    return guest.run(built, 'exec ${SHELL:-/bin/sh} -i', built.log('shell-boot'), on_terminal=True,
                     modules=_driver_modules(built))


def debugger(options: Options) -> int:
    """Give a prompt of the debugger, attached to the booted kernel."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError('make debug requires a terminal; without one: make debug-session')
    return debug.interactive(_kernel(options), options.cmd)


def debugger_session(options: Options) -> int:
    """Run the debugger session of the overlay, and check its output."""
    return _finish(debug.session(_kernel(options)))


def graft_into(options: Options) -> int:
    """Graft the overlays into a tree of the user."""
    tree = source.require_kernel_tree(options.kdir)
    for overlay in _subject(options).overlays:
        changed = graft.graft(tree, overlay)
        say(f'{tree}: {changed} files changed' if changed else f'{tree}: {overlay.name} is already grafted')
    return 0


def ungraft_from(options: Options) -> int:
    """Remove the overlays from a tree of the user."""
    tree = source.require_kernel_tree(options.kdir)
    for overlay in reversed(_subject(options).overlays):
        changed = graft.ungraft(tree, overlay.name)
        say(f'{tree}: {changed} files changed' if changed else f'{tree}: {overlay.name} is not grafted')
    return 0


def new(options: Options) -> int:
    """Write a new driver."""
    directory = scaffold.directory_for(options.name, options.dir)
    author = scaffold.author_for(directory)
    tree = source.packaged_tree(KERNEL)
    own = load().main
    contents = scaffold.files(options.name, options.with_, author, tree, source.release(tree), own)
    scaffold.write(directory, contents)
    say(f'{directory}: {len(contents)} files; Documentation/misc-devices/{options.name}.rst names the places to change')
    print(f'make -C {shlex.quote(str(directory))} test')
    return 0


def write_out_of_tree(options: Options) -> int:
    """Write the Kbuild file for builds out of tree of each overlay that lacks one."""
    for overlay in _subject(options).overlays:
        path = outoftree.directory(overlay) / 'Kbuild'
        if outoftree.is_out_of_tree(overlay):
            say(f'{path} exists; it is not changed')
        else:
            text = outoftree.kbuild(overlay)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name('Kbuild.part').write_text(text, encoding='utf-8')
            os.replace(path.with_name('Kbuild.part'), path)
            say(f'{path}: written; it builds {", ".join(sorted(outoftree.modules(overlay)))}')
        print(f'make -C /lib/modules/$(uname -r)/build M={shlex.quote(str(path.parent))}')
    return 0


def find_mistakes(options: Options) -> int:
    """Make known mistakes in the driver, and show that the tests find them."""
    subject = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, subject)
    return _finish(mistakes.run(tree, subject, options.test, options.quick))


def measure_coverage(options: Options) -> int:
    """Measure which lines and branches of the driver its tests run."""
    subject = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, subject)
    return _finish(coverage.run(tree, subject))


def make_random_calls(options: Options) -> int:
    """Make random calls to the driver, on a kernel with checkers."""
    return _finish(soak.run(_kernel(dataclasses.replace(options, debug=True)), options.seconds or 60, options.seed))


def create_series(options: Options) -> int:
    """Create the patch series."""
    subject = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, subject, series=True)
    for path in series.create(tree, subject, options.v):
        print(path)
    return 0


def run_checks(options: Options) -> int:
    """Run the checks that maintainers run."""
    subject = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, subject, series=True)
    return 1 if lint.lint(tree, subject, options.quick) else 0


def manual(options: Options) -> int:
    """Build the manual as HTML."""
    subject = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, subject)
    page, log = docs.build(tree, subject.main)
    print(page)
    warnings = docs.warnings(tree, log, subject.main)
    for line in warnings:
        say(line)
    return 1 if warnings else 0


def show_help(options: Options) -> int:
    """Print the commands and the options, and the further commands of the overlay."""
    print((WORKBENCH / 'help').read_text(encoding='utf-8'), end='')
    further = _subject(options).main.description.commands
    if further:
        print('\nFurther commands for this driver:')
    for name, text in further.items():
        print(f'  make {name}\n{textwrap.indent(textwrap.fill(text, 60), " " * 20)}')
    return 0


def set_up(_: Options) -> int:
    """Return success: the packages of a command are installed before it."""
    return 0


def run_tests(_: Options) -> int:
    """Run the tests of the workbench itself."""
    # Imported here, because unittest doubles the time to start.
    from cli import check
    return check.run()


def remove_output(_: Options) -> int:
    """Remove the build output."""
    clean.clean()
    return 0


def check_debian(options: Options) -> int:
    """Run make demo and make test on new systems of each release."""
    return 1 if releases.check_hosts(options.releases) else 0


def check_other_overlays(options: Options) -> int:
    """Test drivers other than that of this repository."""
    from cli import check_overlays
    return _finish(check_overlays.run(options))


def check_kernels(options: Options) -> int:
    """Test the driver on all kernels and architectures, and write a table of the results."""
    from cli import check_kernels as check_all

    if not options.farm and (options.bcast or options.sbatch or options.n != Options.n):
        raise UserError('BCAST=, N= and SBATCH= require FARM=1')

    def run_kunit(changed: Options) -> Tally:
        # kunit.py boots the other architectures itself.
        if options.farm and changed.arch in ('', *OF_ARCH):
            return _tests_on_farm(changed, is_chosen=lambda test: test.kind == bundle.KUNIT)
        return _kunit(changed, None)

    def run_kselftest(changed: Options) -> Tally:
        if options.farm:
            return _tests_on_farm(changed, is_chosen=lambda test: test.kind != bundle.KUNIT)
        return kselftests.run(_kernel(changed))

    return _finish(check_all.run(options, {'KUnit': run_kunit, 'kselftest': run_kselftest}))


def check_trials(options: Options) -> int:
    """Try modules with and without known mistakes."""
    from cli import check_try
    return _finish(check_try.run(options))


def check_release(options: Options) -> int:
    """Boot the kernel with the root of another release of Debian, and run the demo."""
    return releases.check_guest(_kernel(options))


def try_modules(options: Options) -> int:
    """Try modules of the user; with CMD=shell, load them and give a prompt."""
    if options.cmd == 'shell':
        if not (os.isatty(0) and os.isatty(1)):
            raise UserError("CMD=shell requires a terminal; without one: CMD='...'")
        return trial.shell(options)
    if options.kernels:
        return _finish(trial.run_on_kernels(options))
    return _finish(trial.run(options).tally)


def of_overlay(command: str, options: Options) -> Callable[[Options], int]:
    """Return the function of a command of the overlay: run() of a Python file in its folder."""
    subject = _subject(options)
    path = subject.main.in_folder(f'{command.replace("-", "_")}.py', f'command {command}')
    sys.path.append(str(path.parent))
    module = importlib.import_module(path.stem)
    return lambda options: module.run(subject, options)


FUNCTIONS: dict[str, Callable[[Options], int]] = {
    'check': run_tests, 'check-debian': check_debian, 'check-farm': check_farm, 'check-kernels': check_kernels,
    'check-lab': check_lab, 'check-overlays': check_other_overlays, 'check-release': check_release,
    'check-try': check_trials, 'clean': remove_output, 'coverage': measure_coverage, 'debug': debugger,
    'debug-session': debugger_session, 'demo': demo, 'docs': manual, 'farm': run_farm, 'graft': graft_into,
    'guest': run_in_guest, 'help': show_help, 'job': write_job, 'kernel': kernel, 'kselftest': kselftest,
    'kunit': kunit, 'lab': write_lab, 'lab-results': judge_lab, 'lint': run_checks, 'mistakes': find_mistakes,
    'new': new, 'oot': write_out_of_tree, 'quick': run_quickly, 'series': create_series, 'setup': set_up,
    'shell': shell, 'soak': make_random_calls, 'test': test, 'try': try_modules, 'ungraft': ungraft_from,
    'watch': watch_files,
}
