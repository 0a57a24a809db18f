# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces that changed since a tutorial was written."""

from collections.abc import Iterable
from typing import Any


def load() -> tuple[Any, ...]:
    """Return all hints."""
    return ()


def find(lines: Iterable[str]) -> list[tuple[Any, str]]:
    """Return the hints that match some lines of output, each with its line."""
    return []
