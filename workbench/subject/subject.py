# SPDX-License-Identifier: GPL-2.0-only
"""What a command works on: one overlay, or several on one kernel."""

import re
from collections.abc import Iterable
from pathlib import Path

from host.console import UserError
from host.paths import REPO
from subject import overlay
from subject.overlay import SELFTESTS, Overlay

_SETTING = re.compile(r'^(?:CONFIG_(\w+)=.*|# CONFIG_(\w+) is not set)$', re.MULTILINE)


class Subject:
    """The overlays of a command, the first of which is the main one."""

    def __init__(self, overlays: tuple[Overlay, ...]):
        self.overlays = overlays
        self.main = overlays[0]
        self.name = '+'.join(one.name for one in overlays)

    @property
    def directory(self) -> Path:
        """Return the directory in which the commands of a guest run."""
        return self.main.root

    @property
    def sources(self) -> tuple[str, ...]:
        """Return what is compiled into the kernel: directories that end with "/", and files."""
        return tuple(source for one in self.overlays for source in one.sources)

    @property
    def targets(self) -> dict[str, Overlay]:
        """Map each target of kselftest to its overlay."""
        return {target: one for one in self.overlays for target in one.targets}

    @property
    def has_kunit(self) -> bool:
        """Return whether any overlay has KUnit tests."""
        return any(one.about.kunit.config or any(path.endswith(f'/{overlay.KUNITCONFIG}') for path in one.files)
                   for one in self.overlays)

    def driver_config(self, tree: Path) -> str:
        """Return the settings of the drivers, without their tests: modules where that is possible."""
        lines: list[str] = []
        for one in self.overlays:
            named = _selftests_config(one, tree)
            for symbol, kind in one.own_symbols.items():
                if f'CONFIG_{symbol}' in named:
                    lines.append(named[f'CONFIG_{symbol}'])
                elif kind == 'tristate' and not symbol.endswith('_KUNIT_TEST'):
                    lines.append(f'CONFIG_{symbol}=m')
            lines += one.about.config
        return _text(lines)

    def test_config(self, tree: Path) -> str:
        """Return the settings that the tests require beside; a kernel may refuse some of them."""
        lines: list[str] = []
        for one in self.overlays:
            own = {f'CONFIG_{symbol}' for symbol in one.own_symbols}
            lines += [f'CONFIG_{symbol}=y' for symbol, kind in one.own_symbols.items() if kind == 'bool']
            # In a guest the tests are modules, and those that cannot be are run by kunit.py only.
            lines += [line.replace('=y', '=m') for line in one.about.kunit.config]
            kunit = _settings(path for name, path in one.files.items() if name.endswith(f'/{overlay.KUNITCONFIG}'))
            for name, line in {**_selftests_config(one, tree), **kunit}.items():
                if name not in own:
                    lines.append(line if name != 'CONFIG_KUNIT' else 'CONFIG_KUNIT=m')
        return _text(lines)

    def kunit_config(self) -> str:
        """Return the settings that build the KUnit tests as modules."""
        lines: list[str] = []
        for one in self.overlays:
            lines += [f'CONFIG_{symbol}=m' for symbol in one.own_symbols if symbol.endswith('_KUNIT_TEST')]
        return _text(lines)

    def require_sources(self, tree: Path) -> None:
        """Raise UserError unless the tree contains what its overlays describe without files."""
        for one in self.overlays:
            selftests = (f'{SELFTESTS}/{target}' for target in one.about.selftests.targets)
            for path in (*one.about.sources, *selftests):
                if not (tree / path).exists():
                    raise UserError(f'{tree} has no {path}, which {one.root / overlay.DESCRIPTION} names')


class NoDriver(Subject):
    """The subject of a kernel whose modules are built later, and are unknown here."""

    def __init__(self, directory: Path):
        """directory: that in which the commands of a guest run."""
        self.overlays = ()
        self.name = ''
        self._directory = directory

    @property
    def directory(self) -> Path:
        return self._directory


def _settings(files: Iterable[Path]) -> dict[str, str]:
    """Map symbols to the lines about them in some files."""
    return {f'CONFIG_{match[1] or match[2]}': match[0] for file in files
            for match in _SETTING.finditer(file.read_text(encoding='utf-8'))}


def _selftests_config(one: Overlay, tree: Path) -> dict[str, str]:
    """Map symbols to the lines about them in the files "config" of the kselftest targets."""
    paths = [f'{SELFTESTS}/{target}/config' for target in one.targets]
    files = [one.files.get(path, tree / path) for path in paths]
    return _settings(file for file in files if file.exists())


def _text(lines: list[str]) -> str:
    return ''.join(f'{line}\n' for line in dict.fromkeys(lines))


def load(directories: tuple[str, ...] = ()) -> Subject:
    """Return the subject in some directories, by default this repository.

    Raises UserError for overlays that exclude each other.
    """
    overlays = tuple(overlay.load(directory) for directory in directories or (str(REPO),))
    owners: dict[str, Overlay] = {}
    names: dict[str, Overlay] = {}
    for one in overlays:
        other = names.setdefault(one.name, one)
        if other is not one:
            raise UserError(f'{other.root} and {one.root} have the same name, {one.name}')
        for path in one.files:
            other = owners.setdefault(path, one)
            if other is not one:
                raise UserError(f'{other.root} and {one.root} both have {path}')
    return Subject(overlays)
