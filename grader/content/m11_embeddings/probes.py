"""11_embeddings: rows of a table, and where in the sequence they stand."""

from __future__ import annotations

import numpy as np

from grader.content import truth
from grader.content.m03_nn.probes import check_first, check_parameters
from grader.proof.compare import Drawn, Wrong, compare
from grader.proof.inputs import GIVEN, Input, constant, normal, parameter, these, whole
from grader.proof.probe import Call, Probe, Refusal, Scenario

_ROWS = "One row of the table per number; the gradients of a repeated number add up."
_TABLE = parameter(normal(6, 3))
_WAVES = (
    "angle = position * 10000 ** (-2 i / dim) for the i-th pair of columns, sine in the even one, "
    "cosine in the odd one."
)


def _look_ups() -> list[Call]:
    put = "put(Embedding(6, 3))"
    return [
        Call(
            f"{put}({text})",
            lambda n, weight: weight[n],
            {"n": whole(0, 6, *shape), "weight": _TABLE},
            _ROWS,
            label=f"Embedding(6, 3)({text}), n {shape}",
        )
        for text, shape in (
            ("n", (2, 7)),
            ("Tensor(n)", (2, 7)),
            ("n.tolist()", (2, 3)),
            ("n", (9,)),
            ("n", (2, 2, 3)),
        )
    ] + [
        Call(
            f"{put}(n)",
            lambda n, weight: weight[n],
            {"n": these([[5, 0, 5], [5, 5, 0]], GIVEN), "weight": _TABLE},
            _ROWS,
            label="Embedding(6, 3)(n), first and last row",
        ),
        Call(
            f"{put}(n)",
            lambda n, weight: weight[n],
            {"n": these(np.zeros((0, 4), dtype=np.int64), GIVEN), "weight": _TABLE},
            "An empty batch has neither min() nor max().",
            gradient=False,
            label="Embedding(6, 3)(n) of an empty batch",
        ),
        Call(
            f"(lambda layer: layer(n) * layer(m))({put})",
            lambda n, m, weight: weight[n] * weight[m],
            {"n": whole(0, 6, 2, 4), "m": whole(0, 6, 2, 4), "weight": _TABLE},
            "A layer that is used twice keeps nothing from one call to the next.",
            label="layer(n) * layer(m), layer = Embedding(6, 3)",
        ),
    ]


def _positions() -> list[Call]:
    put = "put(PositionalEncoding(5, 4))"
    add = "Position t adds row t of the table, to every sequence alike."
    table = parameter(normal(5, 4))
    return [
        Call(
            f"{put}(x)",
            lambda x, weight: x + weight[: x.shape[1]],
            {"x": x, "weight": table},
            add,
            label=f"PositionalEncoding(5, 4)(x), {words}",
        )
        for x, words in (
            (normal(2, 3, 4), "x (2, 3, 4)"),
            (normal(2, 5, 4), "x (2, 5, 4)"),
            (constant(normal(3, 2, 4)), "constant x (3, 2, 4)"),
        )
    ]


def _check_start(got: Drawn) -> None:
    there = got.get("p0")
    compare("the table of a new PositionalEncoding(6, 8)", there, truth.sines(6, 8), 1e-4, _WAVES)
    check_parameters((6, 8))(got)


def _check_embedding(got: Drawn) -> None:
    check_first(1.0, "Embedding(50, 20)")(got)
    if not np.abs(got["first"]).max() < 10:
        raise Wrong("Embedding(50, 20) starts with numbers beyond 10", "Normal, deviation 1.")


PROBES: tuple[Probe, ...] = (
    *_look_ups(),
    Refusal(
        "Embedding(6, 3)(n)",
        "IndexError",
        "there is no row -1",
        {"n": these([[1, -1]], GIVEN)},
        "NumPy counts -1 from the end: compare min() with 0.",
    ),
    Refusal(
        "Embedding(6, 3)(n)",
        "IndexError",
        "there is no row 6",
        {"n": these([[1, 6]], GIVEN)},
        "Compare max() with the number of rows.",
    ),
    Scenario(
        "parameters() of Embedding(6, 3)",
        "parameters",
        {"net": "Embedding", "sizes": [6, 3]},
        check=check_parameters((6, 3)),
    ),
    Scenario(
        "first values of Embedding(50, 20)",
        "first_values",
        {"layer": "Embedding", "sizes": [50, 20]},
        {"n": Input(lambda g: g.integers(10**6))},
        check=_check_embedding,
    ),
    *(
        Call(
            f"sinusoidal_table({length}, {dim})",
            lambda length=length, dim=dim: truth.sines(length, dim),
            {},
            _WAVES,
            gradient=False,
            plain=True,
        )
        for length, dim in ((7, 8), (4, 5), (30, 2))
    ),
    *_positions(),
    Refusal(
        "PositionalEncoding(5, 4)(x)",
        "ValueError",
        "6 tokens do not fit into 5 positions",
        {"x": normal(2, 6, 4)},
        "Compare x.shape[1] with the number of rows.",
    ),
    Scenario(
        "first values of PositionalEncoding(6, 8)",
        "parameters",
        {"net": "PositionalEncoding", "sizes": [6, 8]},
        check=_check_start,
    ),
)
