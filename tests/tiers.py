"""Which tests run when: `make test` takes two minutes, and leaves none out of CI.

make test           one test of each kind
+ thorough          its variants: as `make test-slow`, and in CI on every system
+ slow              long corpora: as `make test-slow`, and in CI on one system

A thorough test starts processes or trains a network, and another test of its kind runs first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def first(rows: Sequence[Any], *ids: str) -> list[Any]:
    """ROWS (pytest.param) of a table. All but IDS are thorough."""
    unknown = set(ids) - {row.id for row in rows}
    if unknown:
        raise ValueError(f"no rows of this table: {sorted(unknown)}")
    return [
        row
        if row.id in ids
        else pytest.param(*row.values, id=row.id, marks=(*row.marks, pytest.mark.thorough))
        for row in rows
    ]


def sampled(rows: Sequence[Any], every: int, thorough: int) -> list[Any]:
    """Of ROWS, each EVERYth always; each further THOROUGHth is thorough, and the others are slow."""
    marks = [
        ()
        if number % every == 0
        else (pytest.mark.slow if number % thorough else pytest.mark.thorough,)
        for number in range(len(rows))
    ]
    return [pytest.param(row, marks=mark) for row, mark in zip(rows, marks, strict=True)]
