# SPDX-License-Identifier: GPL-2.0-only
"""How many cases passed, and which did not."""

from dataclasses import dataclass, field

# From the best to the worst.
_RESULTS = ('passed', 'skipped', 'failed')

# How many failed cases the end of a run names.
SHOWN = 20


@dataclass(frozen=True)
class Tally:
    """How many cases there were, with each parameter of a case counted separately.

    results: the result of each, by its name; of one with parameters, the worst.
    reasons: why cases failed or were skipped, as far as that is known.
    """
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    results: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: 'Tally') -> 'Tally':
        results = dict(self.results)
        for name, result in other.results.items():
            results[name] = max(result, results.get(name, result), key=_RESULTS.index)
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped, results,
                     {**other.reasons, **self.reasons})

    def __str__(self) -> str:
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'

    def failures(self) -> list[str]:
        """Return the names of the failed cases with their reasons, at most SHOWN lines."""
        lines = [f'{name}: {self.reasons[name]}' if self.reasons.get(name) else name
                 for name, result in self.results.items() if result == 'failed']
        if len(lines) <= SHOWN:
            return lines
        return [*lines[:SHOWN - 1], f'and {len(lines) - SHOWN + 1} more']


def single(name: str, result: str, reason: str = '') -> Tally:
    """Return the tally of a single case."""
    return Tally(int(result == 'passed'), int(result == 'failed'), int(result == 'skipped'), {name: result},
                 {name: reason} if reason else {})
