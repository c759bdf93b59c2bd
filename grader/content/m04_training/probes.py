"""04_training: losses, optimisers over several steps, batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.content import truth
from grader.proof.compare import Array, Drawn, Wrong, flag, number
from grader.proof.inputs import Input, between, constant, normal, these, whole
from grader.proof.probe import Call, Probe, Refusal, Scenario

STEPS = 6
COUNTS, BATCH = (23, 20), 5  # with a smaller last batch, and without

_CE = "The mean over the batch of -log of the probability of the right class."
_BCE = "The mean of -(y log p + (1 - y) log(1 - p))."
_MSE = "The mean of the squared differences, over all entries."


def _cross_entropies() -> list[Call]:
    call = "CrossEntropyLoss()(x, {})"
    x, labels = normal(7, 4, size=2.0), whole(0, 4, 7)

    def truth_of(x: Array, labels: Array) -> Array:
        return truth.cross_entropy(x, labels)

    return [
        Call(call.format("labels"), truth_of, {"x": x, "labels": labels}, _CE),
        Call(call.format("Tensor(labels)"), truth_of, {"x": x, "labels": labels}, _CE),
        Call(
            "CrossEntropyLoss()(x, labels) * 3",
            lambda x, labels: 3 * truth.cross_entropy(x, labels),
            {"x": x, "labels": labels},
            "A gradient that comes in is passed on.",
        ),
        Call(
            call.format("labels"),
            truth_of,
            {
                "x": these([[1000.0, -1000.0, 999.0], [300.0, -200.0, 0.0], [0.0, 1.0, 2.0]]),
                "labels": these([0, 1, 2], "given"),
            },
            "Shift every row by its own maximum.",
            label="CrossEntropyLoss()(x, labels) of huge scores",
        ),
    ]


def _others() -> list[Call]:
    p, y = between(0.002, 0.998, 6, 2), Input(lambda g: g.integers(0, 2, (6, 2)), "given")
    return [
        Call(
            "BinaryCrossEntropyLoss()(p, Tensor(y))",
            lambda p, y: truth.binary_cross_entropy(p, y),
            {"p": p, "y": y},
            _BCE,
        ),
        Call(
            "BinaryCrossEntropyLoss()(p, Tensor(y)) * 3",
            lambda p, y: 3 * truth.binary_cross_entropy(p, y),
            {"p": p, "y": y},
            "A gradient that comes in is passed on.",
        ),
        Call(
            "BinaryCrossEntropyLoss()(sigmoid(x), Tensor(y))",
            lambda x, y: truth.binary_cross_entropy(truth.sigmoid(x), y),
            {"x": normal(6, 2), "y": y},
            "The sigmoid has a rule of its own: the loss is not fused with it.",
        ),
        Call(
            "MSELoss()(a, b)",
            lambda a, b: np.mean((a - b) ** 2),
            {"a": normal(5, 3), "b": constant(normal(5, 3))},
            _MSE,
        ),
        Call(
            "MSELoss()(a, b)",
            lambda a, b: np.mean((a - b) ** 2),
            {"a": normal(5, 1), "b": normal(5, 1)},
            _MSE,
            label="MSELoss()(a, b), a and b (5, 1)",
        ),
    ]


def _check_certain(got: Drawn) -> None:
    loss, gradient = number(got, "loss"), got.get("gradient", np.array([np.nan]))
    if not 3 < loss < 1000:
        raise Wrong(
            f"BinaryCrossEntropyLoss of p = [0, 1, 0, 1] for y = [1, 0, 0, 1] is {loss:.4g}, "
            "a large number expected",
            "Clip p by np.finfo(p.dtype).eps: in float32, 1 - 1e-12 is 1.",
        )
    if not np.all(np.isfinite(gradient)):
        raise Wrong("its gradient is not a number", "Clip p in the gradient, too.")


def _gradients(x: Array, rows: Array) -> list[list[Array]]:
    """Per step, of a matrix and of a vector: what the worker's loss has as its gradients."""
    return [[row[: x.size].reshape(x.shape), row[x.size :]] for row in rows]


def _sgd(x: Array, y: Array, rows: Array, lr: float, momentum: float) -> dict[str, Array]:
    values = [x, y]
    velocity = [np.zeros(x.shape), np.zeros(y.shape)]
    out: dict[str, Array] = {}
    for step, gradients in enumerate(_gradients(x, rows), start=1):
        velocity = [momentum * v + g for v, g in zip(velocity, gradients, strict=True)]
        values = [p - lr * v for p, v in zip(values, velocity, strict=True)]
        out |= _named(step, values)
    return out


def _adam(
    x: Array, y: Array, rows: Array, lr: float, betas: tuple[float, float], eps: float
) -> dict[str, Array]:
    values = [x, y]
    mean = [np.zeros(x.shape), np.zeros(y.shape)]
    square = [np.zeros(x.shape), np.zeros(y.shape)]
    out: dict[str, Array] = {}
    for step, gradients in enumerate(_gradients(x, rows), start=1):
        for i, gradient in enumerate(gradients):
            mean[i] = betas[0] * mean[i] + (1 - betas[0]) * gradient
            square[i] = betas[1] * square[i] + (1 - betas[1]) * gradient**2
            root = np.sqrt(square[i] / (1 - betas[1] ** step))
            values[i] = values[i] - lr * mean[i] / (1 - betas[0] ** step) / (root + eps)
        out |= _named(step, values)
    return out


def _named(step: int, values: list[Array]) -> dict[str, Array]:
    """Moves are compared, not values: a step of 1e-3 is nothing beside a value of 1."""
    return {f"{n}, step {step}": v.copy() for n, v in zip(("x", "y"), values, strict=True)}


def _moves(
    steps: Callable[..., dict[str, Array]], **settings: Any
) -> Callable[..., dict[str, Array]]:
    """What each step of an optimiser does, as the move of the two parameters from their start."""

    def expected(x: Array, y: Array, rows: Array, idle: Array) -> dict[str, Array]:
        starts = {"x": x, "y": y}
        found = steps(x, y, rows, **settings)
        moves = {f"the move of {n}": v - starts[n[0]] for n, v in found.items()}
        return moves | {"the move of a parameter without gradient": np.zeros(idle.shape)}

    return expected


def _optimiser(
    call: str, hint: str, steps: Callable[..., dict[str, Array]], **settings: Any
) -> Scenario:
    """Values near 0.01 keep the rounding of the values far below the moves."""
    return Scenario(
        f"{STEPS} steps of {call}",
        "optimiser",
        {"call": call},
        {
            "x": normal(2, 3, size=0.01),
            "y": normal(4, size=0.01),
            "idle": normal(2, size=0.01),
            "rows": Input(lambda g: g.standard_normal((STEPS, 10)) * 10.0 ** g.uniform(-1, 1, 10)),
        },
        _moves(steps, **settings),
        hint=hint,
        tolerance=3e-4,
    )


_ADAM = (
    "m and v per parameter, each divided by 1 - beta**t with a t of its own per parameter; "
    "then lr * m / (sqrt(v) + eps)."
)
_SGD = "velocity = momentum * velocity + gradient, one per parameter; the step is lr * velocity."
DEFAULTS: dict[str, Any] = {"betas": (0.9, 0.999), "eps": 1e-8}


def _check_in_order(got: Drawn, count: int) -> None:
    order = got.get("first")
    if order is None or not np.array_equal(order, np.arange(count)):
        raise Wrong(
            "without shuffle, a DataLoader should yield every example once, in order",
            "np.arange(N), cut into batches; the last one may be smaller.",
        )
    _check_batches(got, count)


def _check_dropping(got: Drawn, count: int) -> None:
    order, kept = got.get("first", np.zeros(0)), count // BATCH * BATCH
    if len(np.unique(order)) != kept or not np.isin(order, np.arange(count)).all():
        raise Wrong(
            f"with drop_last, {kept} of {count} examples should come up, each once",
            "One permutation of all places; a smaller last batch is left out.",
        )
    _check_batches(got, kept)


def _check_batches(got: Drawn, count: int) -> None:
    whole_ones, rest = divmod(count, BATCH)
    sizes = [BATCH] * whole_ones + ([rest] if rest else [])
    if [int(n) for n in np.ravel(got.get("sizes", np.zeros(0)))] != sizes:
        found = got.get("sizes", np.zeros(0)).tolist()
        raise Wrong(f"batches of {count} examples should have sizes {sizes}, got {found}")
    if not number(got, "length") == len(sizes):
        raise Wrong(f"len(loader) should be {len(sizes)}", "Round up: the last batch counts.")
    if not flag(got, "tensors"):
        raise Wrong("a batch should be a tuple of Tensors")
    if not np.array_equal(got.get("partner", ()), 2 * got["first"]):
        raise Wrong(
            "inputs and labels of a batch do not belong together", "One order for all arrays."
        )


def _check_shuffled(got: Drawn, count: int) -> None:
    nothing = np.zeros(0)
    first, second = got.get("first", nothing), got.get("second", nothing)
    for order in (first, second):
        if not np.array_equal(np.sort(order), np.arange(count)):
            raise Wrong(
                "a shuffling DataLoader should yield every example once per epoch",
                "One permutation per epoch, cut into batches.",
            )
    _check_batches(got, count)
    if np.array_equal(first, np.arange(count)) or np.array_equal(first, second):
        raise Wrong(
            "a shuffling DataLoader should yield another order in every epoch",
            "Draw a new permutation at the start of every epoch.",
        )
    if not np.array_equal(first, got.get("again", ())):
        raise Wrong("two DataLoaders with the same seed should yield the same order")
    if np.array_equal(first, got.get("other", ())):
        raise Wrong("DataLoaders with different seeds should yield different orders")
    if np.array_equal(got.get("free", ()), got.get("free, too", ())):
        raise Wrong("two DataLoaders without a seed should yield different orders", "rng()")


def _dataset(x: Array, n: Array) -> dict[str, Any]:
    return {
        "inputs of dataset[n]": x[n],
        "labels of dataset[n]": n,
        "dataset[3]": x[3],
        "len(dataset)": len(x),
    }


PROBES: tuple[Probe, ...] = (
    *_cross_entropies(),
    *_others(),
    Scenario("BinaryCrossEntropyLoss of certain answers", "certain", check=_check_certain),
    Refusal(
        "MSELoss()(a, b)",
        "ValueError",
        "shapes (4, 1) and (4,) would broadcast to (4, 4)",
        {"a": normal(4, 1), "b": constant(normal(4))},
        "Compare the shapes first.",
        instead=lambda a, b: np.mean((a[:, 0] - b) ** 2),
    ),
    _optimiser("SGD(params, lr=0.1)", _SGD, _sgd, lr=0.1, momentum=0.0),
    _optimiser("SGD(params, lr=0.05, momentum=0.9)", _SGD, _sgd, lr=0.05, momentum=0.9),
    _optimiser("SGD(params, 0.02, 0.5)", _SGD, _sgd, lr=0.02, momentum=0.5),
    _optimiser("Adam(params)", _ADAM, _adam, lr=1e-3, **DEFAULTS),
    _optimiser("Adam(params, lr=0.02)", _ADAM, _adam, lr=0.02, **DEFAULTS),
    _optimiser(
        "Adam(params, lr=0.05, betas=(0.7, 0.9), eps=0.3)",
        _ADAM,
        _adam,
        lr=0.05,
        betas=(0.7, 0.9),
        eps=0.3,
    ),
    Scenario(
        "Adam of a gradient of zero",
        "still",
        inputs={"x": normal(3)},
        expected=lambda x: {"the value": x},
        hint="eps keeps 0 / 0 away.",
    ),
    Scenario(
        "TensorDataset",
        "dataset",
        inputs={"x": normal(9, 2), "n": whole(0, 9, 5)},
        expected=_dataset,
        hint="Index every array with the same numbers.",
    ),
    *(
        Scenario(
            f"DataLoader of {count} examples {words}",
            "loader",
            {"examples": count, "batch_size": BATCH, "shuffle": shuffle},
            {"n": Input(lambda g: g.integers(10**6))},
            check=functools.partial(check, count=count),
        )
        for count in COUNTS
        for words, shuffle, check in (
            ("in order", False, _check_in_order),
            ("with shuffle", True, _check_shuffled),
        )
    ),
    *(
        Scenario(
            f"DataLoader of {count} examples with shuffle and drop_last",
            "loader",
            {"examples": count, "batch_size": BATCH, "shuffle": True, "drop_last": True},
            {"n": Input(lambda g: g.integers(10**6))},
            check=functools.partial(_check_dropping, count=count),
        )
        for count in COUNTS
    ),
)
