"""What a probe is asked with: arrays that are drawn, each in its role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.proof.compare import Array

Maker = Callable[[np.random.Generator], Any]

# Roles of an input: a Tensor whose gradient is asked for, one that requires none, an array as it
# is, and the value that a parameter of a layer is given (its gradient is asked for, too).
LEAF, CONSTANT, GIVEN, PARAMETER = "leaf", "constant", "given", "parameter"


@dataclass(frozen=True, slots=True)
class Input:
    make: Maker
    role: str = LEAF


def normal(*shape: int, size: float = 1.0) -> Input:
    return Input(lambda g: size * g.standard_normal(shape))


def between(low: float, high: float, *shape: int) -> Input:
    return Input(lambda g: g.uniform(low, high, shape))


def away(*shape: int) -> Input:
    """Of either sign, and no nearer to zero than 0.2."""
    return Input(lambda g: g.uniform(0.2, 2.0, shape) * g.choice([-1.0, 1.0], shape))


def apart(*shape: int) -> Input:
    """No two alike: which one is the largest is beyond rounding."""

    def make(generator: np.random.Generator) -> Array:
        count = int(np.prod(shape, dtype=int))
        places = generator.permutation(count) + generator.uniform(0.1, 0.4, count)
        return np.asarray((places - count / 2) * (4 / count)).reshape(shape)

    return Input(make)


def whole(low: int, high: int, *shape: int) -> Input:
    """Integers in [low, high)."""
    return Input(lambda g: g.integers(low, high, shape), GIVEN)


def these(values: Any, role: str = LEAF) -> Input:
    return Input(lambda _: np.array(values), role)


def constant(made: Input) -> Input:
    return Input(made.make, CONSTANT)


def given(made: Input) -> Input:
    return Input(made.make, GIVEN)


def parameter(made: Input) -> Input:
    return Input(made.make, PARAMETER)


def single(array: Array) -> Array:
    """As the worker gets it: integers as they are, all else rounded to float32."""
    array = np.asarray(array)
    return array.astype(np.int64) if array.dtype.kind in "iub" else array.astype(np.float32)
