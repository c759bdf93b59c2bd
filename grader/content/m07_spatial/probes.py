"""07_spatial: convolution over stride, padding and channels; pooling; flattening."""

from __future__ import annotations

import numpy as np

from grader.content import truth
from grader.content.m03_nn.probes import check_first, check_parameters
from grader.proof.compare import Array, Drawn, Wrong
from grader.proof.inputs import Input, apart, constant, normal, parameter, these
from grader.proof.probe import Call, Probe, Refusal, Scenario

Shape = tuple[int, ...]
# Images, weight, stride, padding.
CONVOLUTIONS: tuple[tuple[Shape, Shape, int, int], ...] = (
    ((2, 3, 5, 6), (4, 3, 3, 3), 1, 0),
    ((2, 3, 5, 6), (4, 3, 3, 3), 1, 1),
    ((2, 2, 6, 5), (3, 2, 3, 3), 2, 0),
    ((2, 2, 6, 5), (3, 2, 3, 3), 2, 1),
    ((3, 2, 8, 5), (2, 2, 2, 2), 3, 3),
    ((2, 2, 4, 3), (3, 2, 1, 1), 1, 0),
    ((2, 1, 3, 3), (2, 1, 3, 3), 1, 0),
    ((1, 2, 4, 4), (1, 2, 2, 2), 1, 1),
)
# Images, window, stride; None: that of the window.
POOLINGS: tuple[tuple[Shape, int, int | None], ...] = (
    ((2, 3, 6, 4), 2, None),
    ((1, 2, 5, 7), 2, None),
    ((2, 1, 6, 5), 3, 1),
    ((1, 2, 7, 8), 2, 3),
    ((2, 2, 5, 6), 3, 2),
)


def _convolutions() -> list[Call]:
    calls = []
    for images, weight, stride, padding in CONVOLUTIONS:
        filters, channels, k, _ = weight
        options = (f", stride={stride}" if stride > 1 else "") + (
            f", padding={padding}" if padding else ""
        )
        layer = f"Conv2d({channels}, {filters}, {k}{options})"

        def of(
            x: Array, weight: Array, bias: Array, stride: int = stride, padding: int = padding
        ) -> Array:
            return truth.convolution(x, weight, bias, stride, padding)

        inputs = {"weight": parameter(normal(*weight)), "bias": parameter(normal(filters))}
        hint = (
            "out[n, o, y, x] = bias[o] + sum of weight[o] times the window at "
            "(y * stride, x * stride) of the padded image, unflipped."
        )
        calls.append(
            Call(
                f"put({layer})(x)",
                of,
                {"x": normal(*images), **inputs},
                hint,
                label=f"{layer}(x), x {images}",
            )
        )
        if stride == padding == 1:
            calls += [
                Call(
                    f"put({layer})(x)",
                    of,
                    {"x": constant(normal(*images)), **inputs},
                    hint,
                    label=f"{layer}(x) with constant x {images}",
                ),
                Call(
                    f"(lambda layer: layer(x)[:, :, :3, :3] * layer(z))(put({layer}))",
                    lambda x, z, weight, bias, of=of: (
                        of(x, weight, bias)[:, :, :3, :3] * of(z, weight, bias)
                    ),
                    {"x": normal(*images), "z": normal(*images[:2], 3, 3), **inputs},
                    "A layer that is used twice keeps nothing from one call to the next.",
                    label=f"layer(x)[:, :, :3, :3] * layer(z), layer = {layer}",
                )
                if images[2] == 5
                else Call(
                    f"put({layer})(x).reshape(-1)",
                    lambda x, weight, bias, of=of: of(x, weight, bias).reshape(-1),
                    {"x": normal(*images), **inputs},
                    "Reshaping goes row by row, whatever lies in memory how.",
                    label=f"{layer}(x).reshape(-1)",
                ),
            ]
    return calls


def _poolings() -> list[Call]:
    calls = []
    winner = "The gradient goes to the entry that won its window."
    for images, k, stride in POOLINGS:
        options = "" if stride is None else f", stride={stride}"
        step = stride or k
        calls.append(
            Call(
                f"MaxPool2d({k}{options})(x)",
                lambda x, k=k, step=step: truth.max_pool(x, k, step),
                {"x": apart(*images)},
                winner,
                label=f"MaxPool2d({k}{options})(x), x {images}",
            )
        )
    calls += [
        Call(
            "(lambda pool: pool(x) * pool(z))(MaxPool2d(2))",
            lambda x, z: truth.max_pool(x, 2, 2) * truth.max_pool(z, 2, 2),
            {"x": apart(1, 2, 4, 4), "z": apart(1, 2, 4, 4)},
            "A layer that is used twice keeps nothing from one call to the next.",
            label="pool(x) * pool(z), pool = MaxPool2d(2)",
        ),
        Call(
            "MaxPool2d(2)(x)",
            lambda x: truth.max_pool(x, 2, 2),
            {"x": Input(lambda g: apart(1, 2, 4, 4).make(g) - 9)},
            "The largest of negative numbers is negative.",
            label="MaxPool2d(2)(x) of negative x",
        ),
    ]
    return calls


def _check_ties(got: Drawn) -> None:
    there = got.get("gradient")
    if there is None or there.shape != (1, 1, 2, 4):
        raise Wrong("the gradient has not the shape of the images")
    for window, total in ((there[..., :2], 2.0), (there[..., 2:], -3.0)):
        if abs(window.sum() - total) > 1e-5 or abs(np.abs(window).sum() - abs(total)) > 1e-5:
            raise Wrong(
                f"of four equal entries the gradients add up to {window.sum():.4g}, "
                f"expected {total:g}",
                "One winner, the first: argmax names it.",
            )


PROBES: tuple[Probe, ...] = (
    *_convolutions(),
    *_poolings(),
    Scenario(
        "MaxPool2d(2) of equal entries",
        "pool_ties",
        inputs={"x": these(np.ones((1, 1, 2, 4)))},
        check=_check_ties,
    ),
    Call(
        "Flatten()(x)",
        lambda x: x.reshape(len(x), -1),
        {"x": normal(3, 2, 2, 4)},
        "The first axis stays, all others are joined.",
    ),
    Call(
        "Flatten()(put(Conv2d(1, 2, 2))(x))",
        lambda x, weight, bias: truth.convolution(x, weight, bias, 1, 0).reshape(len(x), -1),
        {
            "x": normal(2, 1, 3, 3),
            "weight": parameter(normal(2, 1, 2, 2)),
            "bias": parameter(normal(2)),
        },
        "In the order channel, row, column.",
        label="Flatten()(Conv2d(1, 2, 2)(x))",
    ),
    Refusal(
        "Conv2d(1, 1, 6)(x)",
        "ValueError",
        "a window of 6 does not fit into images of 3",
        {"x": normal(1, 1, 3, 3)},
    ),
    Scenario(
        "parameters() of Conv2d(3, 5, 2)",
        "parameters",
        {"net": "Conv2d", "sizes": [3, 5, 2]},
        check=check_parameters((5, 3, 2, 2), (5,)),
    ),
    Scenario(
        "first values of Conv2d(40, 8, 7)",
        "first_values",
        {"layer": "Conv2d", "sizes": [40, 8, 7]},
        {"n": Input(lambda g: g.integers(10**6))},
        check=check_first((3 * 40 * 49) ** -0.5, "Conv2d(40, 8, 7)"),
    ),
    Scenario(
        "first values of Conv2d(2, 90, 3)",
        "first_values",
        {"layer": "Conv2d", "sizes": [2, 90, 3]},
        {"n": Input(lambda g: g.integers(10**6))},
        check=check_first((3 * 2 * 9) ** -0.5, "Conv2d(2, 90, 3)"),
    ),
)
