"""01_tensor: every operation forward. 02_autograd asks for the gradients of the same table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.content import truth
from grader.proof.compare import Array, Drawn, Wrong, flag
from grader.proof.inputs import Input, apart, away, between, constant, given, normal, whole
from grader.proof.probe import Call, Probe, Scenario

BROADCASTS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 4), (3, 1)),
    ((2, 1, 4), (3, 1)),
    ((2, 3, 4), (1, 3, 1)),
    ((), (2, 3)),
)
OPERATORS: dict[str, Callable[[Array, Array], Array]] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
}
PRODUCTS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((3, 4), (4, 2)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 3)),
)


def _shaped(text: str, **inputs: Input) -> str:
    """The text and the shapes of what it is given: several probes ask for one operation."""
    fixed = np.random.default_rng(0)
    shapes = [f"{name} {np.shape(made.make(fixed))}" for name, made in inputs.items()]
    return f"{text}, {', '.join(shapes)}"


def _one(
    text: str, function: Callable[..., Any], hint: str = "", *, label: str = "", **inputs: Input
) -> Call:
    return Call(
        text, function, inputs, hint, gradient=False, label=label or _shaped(text, **inputs)
    )


def _operators() -> list[Call]:
    calls = []
    for text, function in OPERATORS.items():
        for a, b in BROADCASTS:
            calls.append(_one(text, function, a=normal(*a), b=away(*b)))
        calls.append(
            _one(
                text,
                function,
                "NumPy must leave the operator to the Tensor: __array_ufunc__ = None.",
                label=f"array {text[2]} tensor",
                a=given(normal(1, 3)),
                b=away(2, 3),
            )
        )
        calls.append(
            _one(
                text,
                function,
                "The gradient goes to the first operand alone.",
                label=f"{text} with a constant b",
                a=normal(2, 3),
                b=constant(away(2, 3)),
            )
        )
        calls.append(
            _one(
                text,
                function,
                "The gradient goes to the second operand alone.",
                label=f"{text} with a constant a",
                a=constant(normal(2, 3)),
                b=away(2, 3),
            )
        )
    return calls


def _numbers() -> list[Call]:
    swapped = "The number stands on the left: __r...__ exchanges the operands."
    return [
        _one("x + 2", lambda x: x + 2, x=normal(3, 4)),
        _one("2 + x", lambda x: 2 + x, swapped, x=normal(3, 4)),
        _one("x - 2", lambda x: x - 2, x=normal(3, 4)),
        _one("2 - x", lambda x: 2 - x, swapped, x=normal(3, 4)),
        _one("x * 1.5", lambda x: x * 1.5, x=normal(3, 4)),
        _one("1.5 * x", lambda x: 1.5 * x, swapped, x=normal(3, 4)),
        _one("x / 4", lambda x: x / 4, x=normal(3, 4)),
        _one("3 / x", lambda x: 3 / x, swapped, x=away(3, 4)),
        _one("-x", lambda x: -x, x=normal(2, 3)),
        *(
            _one(f"x ** {n}", lambda x, n=n: x**n, x=between(0.5, 2.0, 2, 3))
            for n in (0, 1, 2, 3, -1, 0.5, -0.5)
        ),
        _one("x ** 2", lambda x: x**2, label="x ** 2 of negative x", x=between(-2.0, -0.5, 2, 3)),
        _one("x ** 3", lambda x: x**3, label="x ** 3 of negative x", x=between(-2.0, -0.5, 2, 3)),
        _one("x.exp()", lambda x: np.exp(x), x=normal(2, 3)),
        _one("x.log()", lambda x: np.log(x), x=between(0.3, 3.0, 2, 3)),
        _one(
            "x.log()", lambda x: np.log(x), label="x.log() of small x", x=between(0.001, 0.01, 2, 3)
        ),
        _one("3 / x", lambda x: 3 / x, label="3 / x of small x", x=between(0.001, 0.01, 2, 3)),
    ]


def _products() -> list[Call]:
    products = [
        _one("a @ b", lambda a, b: a @ b, "As np.matmul.", a=normal(*a), b=normal(*b))
        for a, b in PRODUCTS
    ]
    return [
        *products,
        _one(
            "a @ b",
            lambda a, b: a @ b,
            label="array @ tensor",
            a=given(normal(3, 4)),
            b=normal(4, 2),
        ),
        _one(
            "a @ b",
            lambda a, b: a @ b,
            label="a @ b with a constant a",
            a=constant(normal(3, 4)),
            b=normal(4, 2),
        ),
        _one(
            "a @ b",
            lambda a, b: a @ b,
            label="a @ b with a constant b",
            a=normal(3, 4),
            b=constant(normal(4, 2)),
        ),
    ]


_AXES: tuple[tuple[tuple[int, ...], int | tuple[int, ...] | None], ...] = (
    ((2, 3, 4), None),
    ((3, 4), 0),
    ((3, 3), 0),
    ((3, 3), 1),
    ((2, 3, 4), -1),
    ((2, 3, 4), 1),
    ((2, 3, 4), (0, 2)),
)


def _reductions() -> list[Call]:
    calls = []
    for shape, axis in _AXES:
        for keepdims in (False, True):
            inside = f"axis={axis}" + (", keepdims=True" if keepdims else "")
            calls += [
                _one(
                    f"x.{name}({inside})",
                    lambda x, n=name, a=axis, k=keepdims: getattr(x, n)(axis=a, keepdims=k),
                    x=normal(*shape),
                )
                for name in ("sum", "mean")
            ]
            if not isinstance(axis, tuple):
                calls.append(
                    _one(
                        f"x.max({inside})",
                        lambda x, a=axis, k=keepdims: truth.largest(x, a, keepdims=k),
                        x=apart(*shape),
                    )
                )
    below = Input(lambda g: apart(3, 4).make(g) - 9)
    calls.append(
        _one(
            "x.max(axis=1)",
            lambda x: truth.largest(x, 1),
            "The largest of negative numbers is negative.",
            label="x.max(axis=1) of negative x",
            x=below,
        )
    )
    return calls


def _shapes() -> list[Call]:
    order = "Row by row, whatever lies in memory how."
    return [
        _one("x.reshape(4, 3)", lambda x: x.reshape(4, 3), order, x=normal(2, 6)),
        _one("x.reshape((6, -1))", lambda x: x.reshape(6, -1), order, x=normal(2, 3, 4)),
        _one("x.reshape(-1)", lambda x: x.reshape(-1), order, x=normal(2, 3)),
        _one("x.T.reshape(2, 6)", lambda x: x.T.reshape(2, 6), order, x=normal(3, 4)),
        _one("x.transpose()", lambda x: x.swapaxes(0, 1), x=normal(3, 4)),
        _one("x.transpose()", lambda x: x.swapaxes(1, 2), "The last two axes.", x=normal(2, 3, 4)),
        _one(
            "x.transpose()", lambda x: x.swapaxes(2, 3), "The last two axes.", x=normal(2, 3, 4, 2)
        ),
        _one("x.transpose(0, 1)", lambda x: x.T, "Two axes change places.", x=normal(3, 4)),
        _one("x.transpose(0, 2)", lambda x: x.swapaxes(0, 2), "These two axes.", x=normal(2, 3, 4)),
        _one("x.permute(0, 1)", lambda x: x, "The order that is named.", x=normal(3, 4)),
        _one("x.permute(-2, -1, 0)", lambda x: x.transpose(1, 2, 0), x=normal(2, 3, 4)),
        _one("x.transpose(1, 2, 0)", lambda x: x.transpose(1, 2, 0), x=normal(2, 3, 4)),
        _one(
            "x.transpose(0, -1, 1)",
            lambda x: x.transpose(0, 2, 1),
            "A negative axis counts from the end: axis % ndim.",
            x=normal(2, 3, 4),
        ),
        _one("x.transpose(0, 2, 1, 3)", lambda x: x.transpose(0, 2, 1, 3), x=normal(2, 3, 4, 5)),
        _one(
            "x.transpose((2, 0, 1))",
            lambda x: x.transpose(2, 0, 1),
            label="x.transpose((2, 0, 1)), axes as a tuple",
            x=normal(2, 3, 4),
        ),
        _one("x.T", lambda x: x.T, x=normal(3, 5)),
    ]


def _indices() -> list[Call]:
    lost = "A repeated index adds up: np.add.at(full, key, grad)."
    return [
        _one("x[1]", lambda x: x[1], x=normal(3, 4)),
        _one("x[1, 2]", lambda x: x[1, 2], x=normal(3, 4)),
        _one("x[:, 1]", lambda x: x[:, 1], x=normal(3, 4)),
        _one("x[1:, ::2]", lambda x: x[1:, ::2], x=normal(4, 5)),
        _one("x[:, 2:]", lambda x: x[:, 2:], x=normal(2, 5, 3)),
        _one("x[n]", lambda x, n: x[n], lost, x=normal(4, 3), n=whole(0, 4, 6)),
        _one(
            "x[n, m]",
            lambda x, n, m: x[n, m],
            lost,
            x=normal(4, 3),
            n=whole(0, 4, 9),
            m=whole(0, 3, 9),
        ),
        _one("x[Tensor(n)]", lambda x, n: x[n], lost, x=normal(4, 3), n=whole(0, 4, 6)),
        _one("x[Tensor(n), 1]", lambda x, n: x[n, 1], lost, x=normal(4, 3), n=whole(0, 4, 6)),
    ]


OPERATIONS: tuple[Call, ...] = (
    *_operators(),
    *_numbers(),
    *_products(),
    *_reductions(),
    *_shapes(),
    *_indices(),
)


def _check_facts(got: Drawn) -> None:
    if not flag(got, "detached"):
        raise Wrong("t.detach() should require no gradient", "It gives the same numbers, no graph.")
    if not flag(got, "rests"):
        raise Wrong(
            "a result of constants should require no gradient, and remember nothing",
            "record() passes requires_grad on only if a parent has it.",
        )


def _check_dtypes(got: Drawn) -> None:
    for what in ("numbers", "float32", "float64"):
        if not flag(got, f"{what}/floats"):
            raise Wrong(f"a Tensor of {what} should hold floats", "as_float_array(data)")
    if not flag(got, "float64/kept"):
        raise Wrong("a Tensor of a float64 array should stay float64", "as_float_array(data)")
    for what, kept in got.items():
        if what.startswith("kept/") and not np.all(kept == 1):
            raise Wrong(
                f"{what.removeprefix('kept/')} should have the dtype of x",
                "A bare number takes the dtype of the tensor beside it.",
            )


def _facts(x: Array) -> Mapping[str, Any]:
    return {
        "the data of Tensor(Tensor(x))": x,
        "the data of Tensor(x.tolist())": x,
        "t.shape": np.array(x.shape),
        "t.ndim": x.ndim,
        "t.size": x.size,
        "len(t)": len(x),
        "Tensor([[2.5]]).item()": 2.5,
        "t.numpy()": x,
        "t.detach()": x,
    }


PROBES: tuple[Probe, ...] = (
    Scenario(
        "facts of a Tensor",
        "facts",
        inputs={"x": normal(3, 4)},
        expected=_facts,
        check=_check_facts,
    ),
    Scenario("dtypes of tensors", "dtypes", inputs={"x": normal(3, 4)}, check=_check_dtypes),
    *OPERATIONS,
)
