"""00_setup: seeds, labels, errors, slopes. Functions of arrays, no tensors yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.proof.compare import Array, Drawn, Wrong, flag, number
from grader.proof.inputs import GIVEN, Input, between, given, normal, these, whole
from grader.proof.probe import Call, Probe, Refusal, Scenario

MANY = 4000  # draws: their mean is within 0.06 bounds of 0, one time in 10**11 not


def _of_arrays(
    text: str, truth: Callable[..., Any], inputs: Mapping[str, Input], hint: str = "", **more: Any
) -> Call:
    return Call(text, truth, inputs, hint, gradient=False, plain=True, **more)


def _check_seed(got: Drawn) -> None:
    first, more = got.get("first"), got.get("more")
    if first is None or more is None or first.shape != (6,):
        raise Wrong("rng().standard_normal(6) should give 6 numbers")
    if not np.array_equal(first, got.get("again", ())):
        raise Wrong(
            "after the same seed(n), rng() draws other numbers than before",
            "seed(n) stores a new generator made from n; rng() returns that one.",
        )
    if np.array_equal(first, more):
        raise Wrong("rng() draws the same numbers over and over", "rng() makes no new generator.")
    if np.array_equal(first, got.get("other", ())):
        raise Wrong("seed(n) gives the same numbers for every n", "Make the generator from n.")


def _check_uniform(got: Drawn) -> None:
    drawn, bound = got.get("drawn"), 0.5
    if drawn is None or drawn.shape != (MANY // 4, 4):
        raise Wrong(f"uniform(({MANY // 4}, 4), 0.5) should give an array of that shape")
    size = np.abs(drawn)
    if not np.all(size <= bound):
        raise Wrong(f"uniform(shape, 0.5) draws {drawn.flat[np.argmax(size)]:.3g}")
    inner = float(np.mean(size < bound / 2))
    if not (abs(drawn.mean()) < 0.06 and 0.42 < inner < 0.58):
        raise Wrong(
            f"uniform(shape, 0.5) does not fill -0.5 to 0.5 evenly: the mean is "
            f"{drawn.mean():.3g}, {100 * inner:.0f} % lie between -0.25 and 0.25",
            "rng().uniform(-bound, bound, size=shape)",
        )
    if not np.array_equal(drawn, got.get("again", ())):
        raise Wrong("after the same seed(n), uniform() draws other numbers", "Use rng().")
    if np.array_equal(drawn, got.get("more", ())):
        raise Wrong("uniform() draws the same numbers over and over", "Use rng() as it is.")


def _check_dtypes(got: Drawn) -> None:
    for what in ("numbers", "lists", "integers", "bools"):
        if not flag(got, what):
            raise Wrong(f"as_float_array() of {what} should hold floats", "astype(np.float32)")
    for what in ("float64", "complex"):
        if not flag(got, what):
            raise Wrong(
                f"as_float_array() of an array of {what} should keep its dtype",
                "Return it as it is.",
            )


def _central(x: Array) -> Array:
    return 3 * x**2 + 1e-4


def _right(predicted: Array, labels: Array) -> float:
    return float(np.mean(predicted == labels.reshape(-1)))


def _error(got: Array, expected: Array) -> float:
    size = max(np.abs(got).max(), np.abs(expected).max())
    return float(np.abs(got - expected).max() / size)


def _one_hot(labels: Array) -> Array:
    return np.asarray(labels[:, None] == np.arange(5), dtype=np.float64)


_SCORES = {"scores": given(normal(20, 4)), "labels": whole(0, 4, 20)}
_CHANCES = {"scores": given(between(0.05, 0.95, 30)), "labels": whole(0, 2, 30)}


def _check_nan(got: Drawn) -> None:
    if not np.isnan(number(got, "out")):
        raise Wrong("relative_error() of arrays with a NaN should be NaN", "Let np.max see it.")


PROBES: tuple[Probe, ...] = (
    Scenario("seed() and rng()", "seeds", check=_check_seed, inputs={"n": whole(0, 10**6)}),
    Scenario(
        "uniform(shape, bound)",
        "uniform",
        {"shape": [MANY // 4, 4]},
        {"n": whole(0, 10**6)},
        check=_check_uniform,
    ),
    _of_arrays(
        "as_float_array(x.tolist())",
        lambda x: x,
        {"x": given(normal(3, 4))},
        label="as_float_array() of a nested list",
    ),
    _of_arrays("as_float_array(n)", lambda n: n, {"n": whole(-9, 9, 5)}, "Integers, too."),
    Scenario("dtypes of as_float_array()", "float_arrays", check=_check_dtypes),
    _of_arrays("one_hot(labels, 5)", _one_hot, {"labels": whole(0, 5, 12)}),
    _of_arrays(
        "one_hot(labels * 1.0, 5)",
        _one_hot,
        {"labels": whole(0, 5, 12)},
        "Labels may be floats: astype(np.int64).",
    ),
    Refusal(
        "one_hot(labels, 5)",
        "ValueError",
        "a label is -1",
        {"labels": these([2, -1, 0], GIVEN)},
        "Compare labels.min() with 0: NumPy counts -1 from the end.",
    ),
    Refusal(
        "one_hot(labels, 5)",
        "ValueError",
        "a label is 5",
        {"labels": these([2, 5, 0], GIVEN)},
        "Compare labels.max() with num_classes.",
    ),
    _of_arrays(
        "predicted_labels(scores)",
        lambda scores: scores.argmax(axis=1),
        {"scores": given(normal(20, 4))},
        "One score per class: argmax(axis=1).",
        label="predicted_labels() of scores (20, 4)",
    ),
    _of_arrays(
        "predicted_labels(p)",
        lambda p: p > 0.5,
        {"p": given(between(0.05, 0.95, 30))},
        "One float per example: compare with 0.5.",
        label="predicted_labels() of probabilities (30,)",
    ),
    _of_arrays(
        "predicted_labels(p)",
        lambda p: p[:, 0] > 0.5,
        {"p": given(between(0.05, 0.95, 30, 1))},
        "A single column is flattened first.",
        label="predicted_labels() of probabilities (30, 1)",
    ),
    _of_arrays(
        "predicted_labels(n)",
        lambda n: n,
        {"n": whole(0, 9, 20)},
        "Integers are labels already.",
        label="predicted_labels() of labels",
    ),
    _of_arrays(
        "accuracy(scores, labels)",
        lambda scores, labels: _right(scores.argmax(axis=1), labels),
        _SCORES,
        label="accuracy() of scores (20, 4)",
    ),
    _of_arrays(
        "accuracy(scores, labels)",
        lambda scores, labels: _right(scores > 0.5, labels),
        _CHANCES,
        label="accuracy() of probabilities (30,)",
    ),
    _of_arrays(
        "accuracy(scores, labels.reshape(-1, 1))",
        lambda scores, labels: _right(scores > 0.5, labels),
        _CHANCES,
        "Flatten the labels: (N, 1) against (N,) broadcasts.",
        label="accuracy() with labels (30, 1)",
    ),
    Refusal(
        "accuracy(scores, labels)",
        "ValueError",
        "there are 20 predictions for 1 label",
        {"scores": given(normal(20, 4)), "labels": these([0], GIVEN)},
        "Compare the lengths before the labels: NumPy would broadcast.",
    ),
    _of_arrays(
        "relative_error(a, b)", _error, {"a": given(normal(3, 4)), "b": given(normal(3, 4))}
    ),
    _of_arrays(
        "relative_error(a, a + 1 + a**2)",
        lambda a: _error(a, a + 1 + a**2),
        {"a": given(normal(3, 4))},
        "np.abs of the difference: it may be negative everywhere.",
    ),
    _of_arrays(
        "relative_error(0.1 * a, 0.15 * a)",
        lambda a: 1 / 3 + 0 * a.flat[0],
        {"a": given(normal(3, 4))},
        "Measured against the larger of both.",
    ),
    _of_arrays(
        "relative_error(0 * a, 0 * a)",
        lambda a: 0 * a.flat[0],
        {"a": given(normal(3, 4))},
        "Both all zero: no error.",
    ),
    Scenario(
        "relative_error() of a NaN", "nan_error", inputs={"a": normal(3, 4)}, check=_check_nan
    ),
    Refusal(
        "relative_error(a, a[0])",
        "ValueError",
        "the shapes differ",
        {"a": given(normal(3, 4))},
        "Compare got.shape with expected.shape.",
    ),
    _of_arrays(
        "numeric_gradient(lambda z: (z**3).sum(), x, eps=1e-2)",
        _central,
        {"x": given(normal(3, 4))},
        "Both sides: (f(x + eps) - f(x - eps)) / (2 * eps), and x as it was before the next entry.",
        tolerance=2e-4,
    ),
    _of_arrays(
        "numeric_gradient(lambda z: z.sum() ** 2, x, eps=0.5)",
        lambda x: np.full(x.shape, 2 * x.sum()),
        {"x": given(between(0.5, 2.0, 2, 3))},
        "One entry at a time, each put back before the next.",
    ),
    _of_arrays(
        "numeric_gradient(lambda z: (z * w).sum() + z[0] * z[1], x)",
        lambda x, w: w + np.array([x[1], x[0], 0, 0, 0]),
        {"x": given(normal(5)), "w": given(normal(5))},
        "One entry at a time, each put back before the next.",
    ),
)
