# SPDX-License-Identifier: GPL-2.0-only
"""How many cases passed, and which did not."""

from typing import NamedTuple

# From the best to the worst.
_RESULTS = ('passed', 'skipped', 'failed')

# How many failed cases the end of a run names.
SHOWN = 20


class Tally(NamedTuple):
    """How many cases there were, with each parameter of a case counted separately.

    results: what came of each, by its name; of one with parameters, the worst.
    """
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    results: dict[str, str] = {}

    def __add__(self, other: 'Tally') -> 'Tally':
        results = dict(self.results)
        for name, result in other.results.items():
            results[name] = max(result, results.get(name, result), key=_RESULTS.index)
        return Tally(*(a + b for a, b in zip(self[:3], other[:3])), results)

    def __str__(self) -> str:
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'

    def failures(self) -> list[str]:
        """The names of the failed cases, at most SHOWN lines."""
        names = [name for name, result in self.results.items() if result == 'failed']
        if len(names) <= SHOWN:
            return names
        return [*names[:SHOWN - 1], f'and {len(names) - SHOWN + 1} more']


def one(name: str, result: str) -> Tally:
    """The tally of one case."""
    return Tally(*(int(result == each) for each in ('passed', 'failed', 'skipped')), {name: result})
