"""01_beans: an error, its derivative, a step."""

from __future__ import annotations

import numpy as np

from grader.proof.compare import Array
from grader.proof.inputs import given, normal
from grader.proof.probe import Call, Scenario


def _error(jars: Array, beans: Array) -> Array:
    return np.asarray(np.mean((3 * jars - beans) ** 2))


def _slope(jars: Array, beans: Array) -> dict[str, Array]:
    slope = np.array([np.mean(2 * (3 * jars - beans) * jars)])
    return {"grad": slope, "data after a step of 0.1": 3 - 0.1 * slope}


_COUNTED = {"jars": given(normal(8)), "beans": given(normal(8))}

PROBES = (
    Call("error(Guess(3), jars, beans)", _error, _COUNTED, gradient=False, plain=True),
    Scenario(
        "differentiate() and better()",
        "moved",
        inputs=_COUNTED,
        expected=_slope,
        hint="The inner derivative: each jar counts.",
    ),
)
