# SPDX-License-Identifier: GPL-2.0-only
"""The findings of a trial."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A problem of a module.

    kind: the name of the problem in tests and in the manual. text: describes it in a
    sentence. details: lines of output about it.
    """
    kind: str
    module: str
    text: str
    details: tuple[str, ...] = ()


# The meanings of the taint flags of a module.
TAINTS = {
    'P': 'proprietary',
    'O': 'out of tree',
    'F': 'force-loaded',
    'C': 'staging driver',
    'E': 'unsigned',
    'X': 'defined by the distribution',
    'T': 'built with structure randomisation',
    'K': 'live patch',
    'N': 'test',
}
