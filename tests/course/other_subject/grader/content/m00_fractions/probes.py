"""00_fractions: whole numbers."""

from __future__ import annotations

import math

import numpy as np

from grader.proof.compare import Array
from grader.proof.inputs import whole
from grader.proof.probe import Call, Scenario


def _reduced(a: Array, b: Array) -> Array:
    return np.array([a, b]) // math.gcd(int(a), int(b))


_PAIR = {"a": whole(1, 60), "b": whole(1, 60)}

PROBES = (
    Call("largest_divisor(int(a), int(b))", np.gcd, _PAIR, gradient=False, plain=True),
    Call("reduced(int(a), int(b))", _reduced, _PAIR, gradient=False, plain=True),
    Scenario(
        "added() of fractions that are the same",
        "doubled",
        inputs=_PAIR,
        expected=lambda a, b: {"the sum": _reduced(2 * a, b)},
        hint="a / b + a / b = 2 * a / b",
    ),
)
