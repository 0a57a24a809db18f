# SPDX-License-Identifier: GPL-2.0-only
"""The subject of a command: one overlay, or several on one kernel."""

import re
from collections.abc import Iterable
from pathlib import Path

from host.console import UserError
from host.paths import REPO
from subject.overlay import DESCRIPTION, KUNITCONFIG, SELFTESTS, Overlay, load as load_overlay

_SETTING = re.compile(r'^(?:CONFIG_(\w+)=.*|# CONFIG_(\w+) is not set)$', re.MULTILINE)


class Subject:
    """The overlays of a command; the first one is the main overlay."""

    def __init__(self, overlays: tuple[Overlay, ...]):
        self.overlays = overlays
        self.main = overlays[0]
        self.name = '+'.join(overlay.name for overlay in overlays)

    @property
    def directory(self) -> Path:
        """Return the directory in which the commands of a guest run."""
        return self.main.root

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the sources of the drivers: directories, which end with "/", and files."""
        return tuple(source for overlay in self.overlays for source in overlay.sources)

    @property
    def targets(self) -> dict[str, Overlay]:
        """Map each target of kselftest to its overlay."""
        return {target: overlay for overlay in self.overlays for target in overlay.targets}

    @property
    def _with_kunit(self) -> list[Overlay]:
        return [overlay for overlay in self.overlays if overlay.description.kunit.config
                or any(path.endswith(f'/{KUNITCONFIG}') for path in overlay.files)]

    @property
    def has_kunit(self) -> bool:
        """Return whether any overlay has KUnit tests."""
        return bool(self._with_kunit)

    @property
    def kunit_as_modules(self) -> bool:
        """Return whether the KUnit tests of all overlays run as modules."""
        return all(overlay.description.kunit.modules for overlay in self._with_kunit)

    def driver_config(self, tree: Path) -> str:
        """Return the settings that build the drivers, without their tests, as modules where possible."""
        lines: list[str] = []
        for overlay in self.overlays:
            settings = _selftests_config(overlay, tree)
            for symbol, kind in overlay.own_symbols.items():
                if f'CONFIG_{symbol}' in settings:
                    lines.append(settings[f'CONFIG_{symbol}'])
                elif kind == 'tristate' and not symbol.endswith('_KUNIT_TEST'):
                    lines.append(f'CONFIG_{symbol}=m')
            lines += overlay.description.config
        return _text(lines)

    def test_config(self, tree: Path) -> str:
        """Return the further settings that the tests require; a kernel may refuse some of them."""
        lines: list[str] = []
        for overlay in self.overlays:
            own = {f'CONFIG_{symbol}' for symbol in overlay.own_symbols}
            lines += [f'CONFIG_{symbol}=y' for symbol, kind in overlay.own_symbols.items() if kind == 'bool']
            # In a guest the tests are modules. Tests that cannot be modules run under kunit.py only.
            lines += [line.replace('=y', '=m') for line in overlay.description.kunit.config]
            kunit = _settings(path for name, path in overlay.files.items() if name.endswith(f'/{KUNITCONFIG}'))
            for name, line in {**_selftests_config(overlay, tree), **kunit}.items():
                if name not in own:
                    lines.append(line if name != 'CONFIG_KUNIT' else 'CONFIG_KUNIT=m')
        return _text(lines)

    def kunit_config(self) -> str:
        """Return the settings that build the KUnit tests as modules."""
        lines: list[str] = []
        for overlay in self.overlays:
            lines += [f'CONFIG_{symbol}=m' for symbol in overlay.own_symbols if symbol.endswith('_KUNIT_TEST')]
        return _text(lines)

    def require_sources(self, tree: Path) -> None:
        """Raise UserError unless the tree contains every path that a description names."""
        for overlay in self.overlays:
            selftests = (f'{SELFTESTS}/{target}' for target in overlay.description.selftests.targets)
            for path in (*overlay.description.sources, *selftests):
                if not (tree / path).exists():
                    raise UserError(f'{tree} has no {path}, which {overlay.root / DESCRIPTION} names')


class NoDriver(Subject):
    """The subject of a kernel without a driver; its modules are built separately."""

    def __init__(self, directory: Path):
        """Create a subject without overlays; directory: in which the commands of a guest run."""
        self.overlays = ()
        self.name = ''
        self._directory = directory

    @property
    def directory(self) -> Path:
        return self._directory


def _settings(files: Iterable[Path]) -> dict[str, str]:
    """Map the names of the settings in some files to their lines."""
    return {f'CONFIG_{match[1] or match[2]}': match[0] for file in files
            for match in _SETTING.finditer(file.read_text(encoding='utf-8'))}


def _selftests_config(overlay: Overlay, tree: Path) -> dict[str, str]:
    """Map the names of the settings in the files "config" of the kselftest targets to their lines."""
    paths = [f'{SELFTESTS}/{target}/config' for target in overlay.targets]
    files = [overlay.files.get(path, tree / path) for path in paths]
    return _settings(file for file in files if file.exists())


def _text(lines: list[str]) -> str:
    return ''.join(f'{line}\n' for line in dict.fromkeys(lines))


def load(directories: tuple[str, ...] = ()) -> Subject:
    """Return the subject with the overlays in some directories, by default that of this repository.

    Raise UserError if two overlays have the same name or the same file.
    """
    overlays = tuple(load_overlay(directory) for directory in directories or (str(REPO),))
    owners: dict[str, Overlay] = {}
    names: dict[str, Overlay] = {}
    for overlay in overlays:
        other = names.setdefault(overlay.name, overlay)
        if other is not overlay:
            raise UserError(f'{other.root} and {overlay.root} have the same name, {overlay.name}')
        for path in overlay.files:
            other = owners.setdefault(path, overlay)
            if other is not overlay:
                raise UserError(f'{other.root} and {overlay.root} both contain {path}')
    return Subject(overlays)
