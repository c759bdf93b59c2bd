"""Is what came back what should have come? Entry by entry, and in words where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Drawn = Mapping[str, Array]

TOLERANCE = 1e-4
TINY = 1e-7  # what rounding may leave where the truth is zero


class Wrong(Exception):
    """What came back is not what was asked for, or not what it should be."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def flag(got: Drawn, name: str) -> bool:
    return name in got and bool(np.all(got[name] == 1))


def number(got: Drawn, name: str) -> float:
    """NaN when it did not come, or is not one number."""
    array = got.get(name)
    return float(array.reshape(())) if array is not None and array.size == 1 else float("nan")


def without_ones(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def compare(
    what: str,
    got: Array | None,
    expected: Array,
    tolerance: float = TOLERANCE,
    hint: str = "",
    noise: float = TINY,
) -> None:
    """Raises Wrong unless GOT is EXPECTED: each entry as near as TOLERANCE times the largest.

    noise: how near it need not be in any case, absolute.
    """
    expected = np.asarray(expected)
    if got is None:
        raise Wrong(f"{what} did not come back", hint)
    if got.shape != expected.shape:
        raise Wrong(f"{what} should have shape {expected.shape}, got {got.shape}", hint)
    size = float(np.abs(expected).max(initial=0.0))
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - expected)
    limit = tolerance * size + noise
    if not np.all(error <= limit):
        _differ(what, got.astype(np.float64), expected, limit, hint)


def _differ(what: str, got: Array, expected: Array, limit: float, hint: str) -> NoReturn:
    if not np.all(np.isfinite(got)):
        place = _place(~np.isfinite(got))
        raise Wrong(f"{what} is not a number{place[0]}, expected {expected[place[1]]:.5g}", hint)
    place = _place(~(np.abs(got - expected) <= limit))
    words = f"{what} is {got[place[1]]:.5g}{place[0]}, expected {expected[place[1]]:.5g}"
    square = float((expected * expected).sum())
    factor = float((got * expected).sum()) / square if square else 0.0
    if expected.size > 1 and np.all(
        np.abs(got - factor * expected) <= 2 * (1 + abs(factor)) * limit
    ):
        if not np.any(got):
            words = f"{what} is zero everywhere, expected {expected[place[1]]:.5g}{place[0]}"
        elif abs(factor + 1) < 1e-3:
            words = f"{what} has the wrong sign"
        elif factor > 0 and abs(factor - 1) > 0.01:
            many = (
                f"{factor:.4g} times too large"
                if factor > 1
                else f"{1 / factor:.4g} times too small"
            )
            words = f"{what} is {many}"
    raise Wrong(words, hint)


def _place(wrong: Array) -> tuple[str, tuple[int, ...]]:
    """The first entry that is wrong, in words and as an index."""
    at = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.ndim else ()
    return (f" at {list(at)}" if at else ""), at
