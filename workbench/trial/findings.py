# SPDX-License-Identifier: GPL-2.0-only
"""What a trial finds out about a module."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something wrong with a module.

    kind: the name under which tests and the manual know it. text: one sentence.
    details: lines that show it.
    """
    kind: str
    module: str
    text: str
    details: tuple[str, ...] = ()


# What a taint flag of a module says, by its letter.
TAINTS = {
    'P': 'a licence that is not free',
    'O': 'built out of tree',
    'F': 'loaded by force',
    'C': 'a driver of staging',
    'E': 'not signed',
    'X': 'supported by a distribution only',
    'T': 'its layout is randomised',
    'K': 'a live patch',
    'N': 'a test',
}
