# SPDX-License-Identifier: GPL-2.0-only
"""Count passed, failed and skipped cases, and name the failed ones."""

from dataclasses import dataclass, field

# The results of a case, the best first.
_RESULTS = ('passed', 'skipped', 'failed')

# The number of lines about failed cases at the end of a run.
SHOWN = 20


@dataclass(frozen=True)
class Tally:
    """The number of cases with each result; each parameter of a case counts separately.

    results: the result of each case by name, the worst one of a case with parameters.
    reasons: known reasons of failed and skipped cases, by name.
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
        """Return lines with the names and reasons of the failed cases, at most SHOWN."""
        lines = [f'{name}: {self.reasons[name]}' if self.reasons.get(name) else name
                 for name, result in self.results.items() if result == 'failed']
        if len(lines) <= SHOWN:
            return lines
        return [*lines[:SHOWN - 1], f'and {len(lines) - SHOWN + 1} more']


def differences(one: Tally, other: Tally) -> str:
    """Return the counts of two tallies and the first cases whose results differ."""
    names = sorted(name for name in {*one.results, *other.results} if one.results.get(name) != other.results.get(name))
    return f'{one} and {other}: {", ".join(names[:3])}'


def single(name: str, result: str, reason: str = '') -> Tally:
    """Return the tally of a single case."""
    return Tally(int(result == 'passed'), int(result == 'failed'), int(result == 'skipped'), {name: result},
                 {name: reason} if reason else {})
