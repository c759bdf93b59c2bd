"""03_nn: activations, layers, and how a network finds its parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grader.content import truth
from grader.proof.compare import Array, Drawn, Wrong, without_ones
from grader.proof.inputs import Input, away, constant, normal, parameter, these
from grader.proof.probe import Call, Probe, Scenario

FIRST_FACTOR = 5.0  # other good rules for first values (He, Glorot) are within 2.5 of ours
_ALONG = "Along axis, with keepdims=True; of each row its own maximum."
_COUPLED = "Every class's gradient depends on all classes along the axis."


def _activation(name: str, function: Callable[[Array], Array], hint: str) -> list[Call]:
    layer = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}[name]
    return [
        Call(f"{name}(x)", function, {"x": away(3, 4)}, hint),
        Call(f"{layer}()(x)", function, {"x": away(3, 4)}, hint),
        Call(
            f"{name}(x)",
            function,
            {"x": these([[-1000.0, -30.0, 30.0, 1000.0]])},
            hint,
            label=f"{name}(x) of huge numbers",
        ),
        Call(
            f"{name}(x) * x",
            lambda x: function(x) * x,
            {"x": away(3, 4)},
            "The input is needed again: leave it as it is.",
        ),
    ]


def _softmaxes() -> list[Call]:
    calls = []
    for name, function in (("softmax", truth.softmax), ("log_softmax", truth.log_softmax)):
        calls += [
            Call(f"{name}(x)", function, {"x": normal(3, 5)}, _COUPLED),
            *(
                Call(
                    f"{name}(x, axis={axis})",
                    lambda x, f=function, a=axis: f(x, a),
                    {"x": normal(2, 3, 4)},
                    _ALONG,
                )
                for axis in (0, 1, -1)
            ),
            Call(
                f"{name}(x)",
                function,
                {"x": these([[1000.0, 1001.0, 999.0], [-1000.0, -1001.0, -999.0], [0, 5, 90]])},
                _ALONG,
                tolerance=1e-3,  # float32 numbers near 1000 are 6e-5 apart
                label=f"{name}(x) of huge numbers",
            ),
        ]
    calls.append(
        Call(
            "log_softmax(x)",
            truth.log_softmax,
            {"x": these([[0.0, 200.0, 100.0]])},
            "Shifted minus the logarithm of the sum, not the logarithm of softmax.",
            label="log_softmax(x) where softmax is 0",
        )
    )
    calls.append(
        Call("Softmax(axis=0)(x)", lambda x: truth.softmax(x, 0), {"x": normal(3, 4)}, _ALONG)
    )
    calls.append(Call("Softmax()(x)", truth.softmax, {"x": normal(3, 4)}, _ALONG))
    return calls


def _layers() -> list[Call]:
    weight, bias = parameter(normal(4, 3)), parameter(normal(4))
    y = "y = x W^T + b, with a weight of shape (out, in)."
    return [
        Call(
            "put(Linear(3, 4))(x)",
            lambda x, weight, bias: truth.linear(x, weight, bias),
            {"x": x, "weight": weight, "bias": bias},
            y,
            label=label,
        )
        for x, label in (
            (normal(5, 3), "Linear(3, 4)(x), x (5, 3)"),
            (normal(2, 5, 3), "Linear(3, 4)(x), x (2, 5, 3)"),
            (constant(normal(5, 3)), "Linear(3, 4)(x) with a constant x"),
        )
    ] + [
        Call(
            "put(Linear(3, 4, bias=False))(x)",
            lambda x, weight: truth.linear(x, weight),
            {"x": normal(5, 3), "weight": weight},
            y,
            label="Linear(3, 4, bias=False)(x)",
        ),
        Call(
            "(lambda layer: layer(x) * layer(layer(x)))(put(Linear(3, 3)))",
            lambda x, weight, bias: (
                truth.linear(x, weight, bias)
                * truth.linear(truth.linear(x, weight, bias), weight, bias)
            ),
            {"x": normal(5, 3), "weight": parameter(normal(3, 3)), "bias": parameter(normal(3))},
            "A layer keeps nothing from one call to the next.",
            label="layer(x) * layer(layer(x)), layer = Linear(3, 3)",
        ),
        Call(
            "Sequential(put(Linear(3, 5), 'first'), Tanh(), put(Linear(5, 2), 'last'))(x)",
            lambda x, first_weight, first_bias, last_weight, last_bias: truth.linear(
                np.tanh(truth.linear(x, first_weight, first_bias)), last_weight, last_bias
            ),
            {
                "x": normal(4, 3),
                "first.weight": parameter(normal(5, 3, size=0.5)),
                "first.bias": parameter(normal(5, size=0.5)),
                "last.weight": parameter(normal(2, 5, size=0.5)),
                "last.bias": parameter(normal(2, size=0.5)),
            },
            "Layers are applied first to last, all of them.",
            label="Sequential(Linear(3, 5), Tanh(), Linear(5, 2))(x)",
        ),
    ]


def shapes_of(got: Drawn) -> list[list[int]]:
    """Of the parameters that came back as "p0", "p1", ...; axes of length 1 do not count."""
    return sorted(
        without_ones(array.shape)
        for name, array in got.items()
        if name[:1] == "p" and name[1:].isdecimal()
    )


def check_parameters(*shapes: tuple[int, ...]) -> Callable[[Drawn], None]:
    """parameters() lists tensors of these shapes, in any order, each once."""
    expected = sorted(without_ones(shape) for shape in shapes)

    def check(got: Drawn) -> None:
        found = shapes_of(got)
        if found != expected:
            raise Wrong(
                f"parameters() should list {len(expected)} tensors of shapes "
                f"{', '.join(map(str, expected))}, got {len(found)}: "
                f"{', '.join(map(str, found)) or 'none'}",
                "Every tensor that requires a gradient, each once, also inside lists and layers.",
            )
        if not np.all(got.get("trainable", np.zeros(1)) == 1):
            raise Wrong("a parameter does not require a gradient", "requires_grad=True")

    return check


def check_first(std: float, what: str) -> Callable[[Drawn], None]:
    """First values are about as large as std, other ones in every layer, the same for a seed."""

    def check(got: Drawn) -> None:
        first = got.get("first")
        if first is None or not np.all(np.isfinite(first)):
            raise Wrong(f"the weight of {what} does not start with numbers")
        if not 1 / FIRST_FACTOR < first.std() / std < FIRST_FACTOR or abs(first.mean()) > std:
            raise Wrong(
                f"the weight of {what} starts with numbers of the size {first.std():.3g} "
                f"(mean {first.mean():.3g}), {std:.3g} expected",
                "Uniform within 1 / sqrt(fan_in), where fan_in is how many inputs one output sees.",
            )
        if np.array_equal(first, got.get("second", ())):
            raise Wrong(f"two layers {what} start with the same numbers", "Draw from rng().")
        if not np.array_equal(first, got.get("again", ())):
            raise Wrong(
                f"after the same seed(n), {what} starts with other numbers",
                "Draw from rng() of 00_setup.",
            )

    return check


_SIGMOID = "1 / (1 + e**-x), its gradient s * (1 - s) of its own result."
PROBES: tuple[Probe, ...] = (
    *_activation("relu", truth.relu, "x where it is positive, else 0; so the gradient."),
    *_activation("sigmoid", truth.sigmoid, _SIGMOID),
    *_activation("tanh", lambda x: np.tanh(x), "The gradient is 1 - t**2 of the result."),
    *_softmaxes(),
    *_layers(),
    Scenario(
        "parameters() of nested layers",
        "parameters",
        {"net": "nested"},
        check=check_parameters((5, 3), (5,), (4, 5), (4,), (2, 4), (2,)),
    ),
    Scenario(
        "parameters() of a layer that is used twice",
        "parameters",
        {"net": "shared"},
        check=check_parameters((3, 3), (3,)),
    ),
    Scenario(
        "first values of Linear(900, 9)",
        "first_values",
        {"layer": "Linear", "sizes": [900, 9]},
        {"n": Input(lambda g: g.integers(10**6))},
        check=check_first((3 * 900) ** -0.5, "Linear(900, 9)"),
    ),
)
