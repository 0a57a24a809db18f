# SPDX-License-Identifier: GPL-2.0-only
"""The unmodified kernels of Debian: their packages, and the modules of a subject for them.

The cloud kernels are used, which are small. A kernel is the newest one of its version when
it is first used; it stays in the cache.
"""

import functools
import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from host.console import UserError
from host.paths import build_root
from host.process import run_logged
from kernel import archive, build, loader, source, unpacked
from kernel.target import Target
from subject import outoftree
from subject.overlay import Overlay
from subject.subject import Subject

# The releases of Debian whose kernels are searched, after the installed release.
RELEASES = ('trixie', 'bookworm')

FLAVOUR = 'cloud-amd64'

# The version of the kernel source from which the selftests are compiled.
_SELFTESTS_KERNEL = '7.3'


class Packages(NamedTuple):
    """The packages of a kernel.

    abi: its release, as uname -r prints it. image: those with the kernel and its modules.
    headers: those for building modules. tools: the compiler and the libraries for the
    programs in the headers.
    """
    abi: str
    image: tuple[str, ...]
    headers: tuple[str, ...]
    tools: tuple[str, ...]


def _natural(text: str) -> list[int]:
    return [int(number) for number in re.findall('[0-9]+', text)]


def newest(version: str, names: list[str]) -> str:
    """Return the newest release of a version such as 6.12 for which headers exist, '' if there is none."""
    found = [match[1] for match in (re.fullmatch(rf'linux-headers-(.*-{FLAVOUR})', name) for name in names)
             if match and match[1].startswith(f'{version}.')]
    return max(found, key=_natural, default='')


def versions(names: list[str]) -> list[str]:
    """Return the versions for which headers exist, such as 6.12, sorted."""
    found = {match[1] for match in (re.fullmatch(rf'linux-headers-([0-9]+\.[0-9]+)\..*-{FLAVOUR}', name)
                                    for name in names) if match}
    return sorted(found, key=_natural)


def image_packages(abi: str, names: list[str]) -> tuple[str, ...]:
    """Return the packages with a kernel and its modules; later kernels split them."""
    split = tuple(f'linux-{part}-{abi}' for part in ('base', 'binary', 'modules'))
    return split if split[1] in names else (f'linux-image-{abi}',)


def _packages(suite: archive.Archive, abi: str, names: list[str]) -> Packages:
    """Return the packages of a kernel of a suite."""
    headers = [f'linux-headers-{abi}']
    tools = []
    for name in headers:
        for needed in suite.depends(name):
            if re.match('linux-(headers|kbuild)-', needed):
                headers.append(needed)
            elif not re.match('linux-(base|image|binary|modules)|pahole$', needed):
                tools.append(needed)
    return Packages(abi, image_packages(abi, names), tuple(dict.fromkeys(headers)),
                    tuple(sorted({'binutils', *tools})))


def _releases() -> list[str]:
    """Return the code names of the releases to search, the installed one first."""
    installed = archive.codename()
    return sorted(RELEASES, key=lambda release: release != installed)


def _fill_kernel(version: str, release: str, suite: archive.Archive, root: Path) -> None:
    names = suite.names('linux-[a-z].*')
    packages = _packages(suite, newest(version, names), names)
    incoming = root / 'incoming'
    incoming.mkdir()
    debs = [suite.download(name, incoming) for name in (*packages.image, *packages.headers)]
    unpacked.unpack(debs, root, suite.log)
    shutil.rmtree(incoming)
    (root / 'packages.json').write_text(json.dumps({**packages._asdict(), 'release': release}, indent=1),
                                        encoding='utf-8')


def _find(version: str) -> tuple[str, archive.Archive]:
    """Return the release that has a kernel of a version, and its suite."""
    available: set[str] = set()
    for release in _releases():
        suite = archive.with_backports(release)
        names = suite.names(f'linux-headers-[0-9].*-{FLAVOUR}')
        if newest(version, names):
            return release, suite
        available.update(versions(names))
    raise UserError(f'the archive has no kernel {version} of Debian; it has: '
                    + ', '.join(sorted(available, key=_natural)))


def kernel_root(version: str) -> Path:
    """Return the directory with the packages of a kernel; download them if they are missing."""
    name = f'linux-{version}'
    if (unpacked.HOME / name).exists():
        return unpacked.HOME / name

    def fill(root: Path) -> None:
        release, suite = _find(version)
        _fill_kernel(version, release, suite, root)

    return unpacked.directory(name, fill)


class DistroKernel(build.Kernel):
    """A kernel of Debian with the modules of a subject, built or to be built.

    name: its name; out: its directory in build/; tree: the source of the selftests; root:
    the directory with its packages. modules: the directory with lib/modules that holds the
    modules of the subject and those that they require.
    """

    triplet = 'x86_64-linux-gnu'

    def __init__(self, version: str, target: Target, subject: Subject, out: Path | None = None,
                 root: Path | None = None):
        """Find the kernel, and download it if it is missing.

        out: its directory, root: the directory with its packages, if not the default.
        """
        self.root = root or kernel_root(version)
        description = json.loads((self.root / 'packages.json').read_text(encoding='utf-8'))
        self.debian = description.pop('release')
        self.packages = Packages(**description)
        self.target = target
        self.subject = subject
        self.debug = False
        self.variant = ''
        self.fragments = ()
        self.extra = ''
        self.seed = None
        self.name = f'{target.name}-{version}'
        self.out = out or build_root() / f'distro-{version}'
        self.modules = self.out / 'modules'
        self.headers = self.out / 'headers'
        self.bin = self.out / 'bin'
        self.image = next(path for path in (self.root / f'boot/vmlinuz-{self.packages.abi}',
                                            self.root / f'usr/lib/modules/{self.packages.abi}/vmlinuz')
                          if path.exists())
        self.symbols = self.image
        self.initrds: list[Path] = []

    @functools.cached_property
    def tree(self) -> Path:  # type: ignore[override]
        """Return the source of the selftests, unpacked if it is missing."""
        return source.tree_for(_SELFTESTS_KERNEL, '', self.subject)

    def release(self) -> str:
        return self.packages.abi

    @property
    def installed(self) -> Path:
        """Return the directory of the modules that the package of the kernel has."""
        return self.root / 'usr/lib/modules' / self.packages.abi

    @property
    def userland(self) -> Path:
        """Return the directory with the packages for the user space of a guest."""
        return unpacked.userland(self.debian)

    def compiler(self) -> str:
        """Return the compiler that the headers name, such as gcc-12."""
        text = (self.root / f'usr/src/linux-headers-{self.packages.abi}/.kernelvariables').read_text(encoding='utf-8')
        found = re.search(r'^CC\s*=.*\b(gcc-[0-9]+)$', text, re.M)
        return found[1] if found else 'gcc'

    def tools(self) -> loader.Root | None:
        """Return the directory with the compiler, None if this machine has it: it runs the same release."""
        name = f'x86_64-linux-gnu-{self.compiler()}'
        if archive.codename() == self.debian and shutil.which(name, path=build.SYSTEM_PATH):
            return None
        return loader.Root(unpacked.closure(f'{self.compiler()}-{self.debian}', self.debian, self.packages.tools))


def write_headers(kernel: DistroKernel) -> None:
    """Write the build directory of the kernel, which consists of links to that of its package."""
    root = kernel.tools()
    name = f'linux-headers-{kernel.packages.abi}'
    packaged = kernel.root / 'usr/src' / name
    shutil.rmtree(kernel.headers, ignore_errors=True)
    shutil.rmtree(kernel.bin, ignore_errors=True)
    kernel.headers.mkdir(parents=True)
    for path in packaged.iterdir():
        if path.name in ('scripts', 'tools'):
            loader.mirror(path.resolve(), kernel.headers / path.name, root)
        elif path.name == 'include':
            loader.mirror(path, kernel.headers / path.name, None)
        # Without vmlinux, kbuild writes no BTF, for which it would require pahole.
        elif path.name not in ('Makefile', 'Module.symvers', 'vmlinux'):
            (kernel.headers / path.name).symlink_to(path)
    text = (packaged / 'Makefile').read_text(encoding='utf-8')
    (kernel.headers / 'Makefile').write_text(
        text.replace(f'/usr/src/{name}\n', f'{kernel.headers}\n').replace('/usr/src/', f'{kernel.root}/usr/src/'),
        encoding='utf-8')
    for symbols in (kernel.root / f'boot/System.map-{kernel.packages.abi}', kernel.installed / 'System.map'):
        if symbols.exists():
            (kernel.headers / 'System.map').symlink_to(symbols)
    shutil.copyfile(packaged / 'Module.symvers', kernel.headers / 'Module.symvers')
    shutil.copyfile(packaged / '.config', kernel.out / '.config')
    kernel.bin.mkdir()
    if root:
        root.write_compiler(kernel.bin, kernel.compiler())


def environment(kernel: DistroKernel) -> dict[str, str]:
    """Return the environment for a build of modules."""
    variables = build.compiler_environment()
    return {**variables, 'PATH': f'{kernel.bin}:{variables["PATH"]}'}


def compiler_path(kernel: DistroKernel) -> str:
    """Return the path or the name of the compiler of the modules."""
    name = f'x86_64-linux-gnu-{kernel.compiler()}'
    return str(kernel.bin / name) if (kernel.bin / name).exists() else name


def _sources(overlay: Overlay) -> list[str]:
    """Return the paths of the files of an overlay that a build of its modules uses."""
    own = outoftree.directory(overlay).relative_to(overlay.root)
    return [name for name in overlay.names if name.startswith(f'{own}/')
            or name in overlay.files and not name.startswith(build.NOT_BUILT)]


def _copy_sources(overlay: Overlay, copy: Path) -> Path:
    """Copy the files of an overlay for a build; return the directory of its Kbuild file."""
    inside = outoftree.directory(overlay).relative_to(overlay.root)
    for name in _sources(overlay):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(overlay.root / name, copy / name)
    if not outoftree.is_out_of_tree(overlay):
        (copy / inside).mkdir(parents=True, exist_ok=True)
        (copy / inside / 'Kbuild').write_text(outoftree.kbuild(overlay), encoding='utf-8')
    return copy / inside


def place(overlay: Overlay) -> str:
    """Return the directory of the modules of an overlay below lib/modules/RELEASE: that of a build in the tree."""
    return f'kernel/{overlay.directories[0]}' if overlay.directories else 'updates'


def _build_modules(kernel: DistroKernel, overlay: Overlay) -> list[Path]:
    """Build the modules of an overlay; return their paths."""
    if overlay.is_in_tree:
        raise UserError(f'{overlay.root} has no source: the kernels of Debian cannot be tested with '
                        'a driver of the kernel tree')
    here = _copy_sources(overlay, kernel.out / 'sources' / overlay.name)
    run_logged(['make', '-C', kernel.headers, f'M={here}', f'-j{build.JOBS}', f'CC={compiler_path(kernel)}', 'modules'],
               kernel.log(f'modules-{overlay.name}'), f'building {overlay.name} for Linux {kernel.release()}',
               step=build.STEP, env=environment(kernel))
    _add_to_headers(kernel, overlay, here)
    return sorted(here.glob('*.ko'))


def _add_to_headers(kernel: DistroKernel, overlay: Overlay, here: Path) -> None:
    """Add the headers and the exported symbols of an overlay to the headers of the kernel, for further modules.

    here: the directory where the overlay was built.
    """
    for name in _sources(overlay):
        if name.startswith('include/'):
            (kernel.headers / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(overlay.root / name, kernel.headers / name)
    symbols = (here / 'Module.symvers').read_text(encoding='utf-8').splitlines()
    with open(kernel.headers / 'Module.symvers', 'a', encoding='utf-8') as merged:
        for line in symbols:
            checksum, symbol, module, *rest = line.split('\t')
            where = f'{overlay.directories[0]}/{Path(module).name}'
            merged.write('\t'.join([checksum, symbol, where, *rest]) + '\n')


def depends(module: bytes) -> list[str]:
    """Return the names of the modules that a module requires, from its content."""
    found = re.search(rb'(?:^|\0)depends=([^\0]*)\0', module)
    return found[1].decode().split(',') if found and found[1] else []


def _content(path: Path) -> bytes:
    if path.suffix != '.xz':
        return path.read_bytes()
    import lzma
    return lzma.decompress(path.read_bytes())


def _required(kernel: DistroKernel, built: list[Path]) -> list[Path]:
    """Return the modules of the kernel that modules require, directly or indirectly."""
    own = {path.stem.replace('-', '_') for path in built}
    available = {path.name.partition('.')[0].replace('-', '_'): path
                 for path in (kernel.installed / 'kernel').rglob('*.ko*')}
    found: dict[str, Path] = {}
    pending = [name for path in built for name in depends(_content(path))]
    for name in pending:
        key = name.replace('-', '_')
        if key in own or key in found or key not in available:
            continue
        found[key] = available[key]
        pending += depends(_content(available[key]))
    return list(found.values())


def install_modules(kernel: DistroKernel, built: dict[str, list[Path]]) -> None:
    """Install modules and those of the kernel that they require, with their indexes.

    built: the modules by their directory below lib/modules/RELEASE.
    """
    home = kernel.modules / 'lib/modules' / kernel.release()
    shutil.rmtree(kernel.modules, ignore_errors=True)
    home.mkdir(parents=True)
    for name in ('modules.builtin', 'modules.builtin.modinfo', 'modules.order'):
        if (kernel.installed / name).exists():
            shutil.copy(kernel.installed / name, home)
    for directory, paths in built.items():
        (home / directory).mkdir(parents=True, exist_ok=True)
        for path in paths:
            run_logged(['x86_64-linux-gnu-strip', '--strip-debug', '-o', home / directory / path.name, path],
                       kernel.log('install'), f'installing {path.name}', env=environment(kernel))
    for path in _required(kernel, [path for paths in built.values() for path in paths]):
        copy = home / path.relative_to(kernel.installed)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    run_logged(['depmod', '-b', kernel.modules, kernel.release()], kernel.log('depmod'), 'indexing the modules',
               env=environment(kernel))


def _contents(files: dict[str, Path]) -> list[tuple[str, int, bytes]]:
    return [(name, path.stat().st_mode, path.read_bytes()) for name, path in sorted(files.items())]


def _inputs(kernel: DistroKernel) -> str:
    """Return a digest of what the modules are built from."""
    files = [_contents({name: overlay.root / name for name in _sources(overlay)})
             for overlay in kernel.subject.overlays]
    return build.digest([kernel.packages, kernel.root.stat().st_ino, kernel.tools() and kernel.compiler(), files])


def build_modules(kernel: DistroKernel) -> None:
    """Build and install the modules of the subject, unless nothing has changed."""
    kernel.out.mkdir(exist_ok=True)
    stamp = kernel.out / '.built'
    state = _inputs(kernel)
    if stamp.exists() and stamp.read_text(encoding='utf-8') == state:
        return
    stamp.unlink(missing_ok=True)
    write_headers(kernel)
    # The selftests contain modules, which make does not build again for other headers.
    for directory in ('sources', 'user/kselftest'):
        shutil.rmtree(kernel.out / directory, ignore_errors=True)
    built: dict[str, list[Path]] = {}
    for overlay in kernel.subject.overlays:
        built.setdefault(place(overlay), []).extend(_build_modules(kernel, overlay))
    install_modules(kernel, built)
    stamp.write_text(state, encoding='utf-8')


def driver_modules(kernel: DistroKernel) -> list[str]:
    """Return the names of the modules of the subject."""
    return [path.stem.replace('-', '_') for overlay in kernel.subject.overlays
            for path in sorted((kernel.modules / 'lib/modules' / kernel.release() / place(overlay)).glob('*.ko'))]


def build_selftests(kernel: DistroKernel) -> Path:
    """Compile the kselftests as static programs and install them; return their directory."""
    target = kernel.out / 'kselftest_install'
    stamp = kernel.out / '.selftests'
    state = build.digest([_inputs(kernel), sorted(kernel.subject.targets), [
        _contents({name: path for name, path in overlay.files.items() if name.startswith('tools/')})
        for overlay in kernel.subject.overlays]])
    if target.exists() and stamp.exists() and stamp.read_text(encoding='utf-8') == state:
        return target
    stamp.unlink(missing_ok=True)
    common = ['make', '-C', kernel.tree, f'O={kernel.out / "user"}', 'ARCH=x86_64', f'-j{build.JOBS}']
    (kernel.out / 'user').mkdir(exist_ok=True)
    run_logged([*common, 'headers'], kernel.log('headers'), 'installing the headers for user space',
               env=build.compiler_environment())
    shutil.rmtree(target, ignore_errors=True)
    run_logged(['make', '-C', kernel.tree / 'tools/testing/selftests', f'O={kernel.out / "user"}', f'-j{build.JOBS}',
                f'TARGETS={" ".join(kernel.subject.targets)}', 'FORCE_TARGETS=1', 'LDFLAGS=-static',
                f'KDIR={kernel.headers}', f'MODULE_CC={compiler_path(kernel)}', f'INSTALL_PATH={target}', 'install'],
               kernel.log('selftests'), 'building the selftests', env=environment(kernel))
    stamp.write_text(state, encoding='utf-8')
    return target
