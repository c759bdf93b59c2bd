"""12_attention: who looks where, heads, norms, and the block that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.content import truth
from grader.content.m03_nn.probes import check_parameters
from grader.proof.compare import Array, Drawn, compare
from grader.proof.inputs import GIVEN, Input, given, normal, parameter, these
from grader.proof.probe import Call, Probe, Refusal, Scenario

_ATTEND = (
    "softmax(q k^T / sqrt(d)) v: scores over the keys (the last axis), the mask before the softmax."
)
_NORM = "(x - mean) / sqrt(variance + eps) * weight + bias, over the last axis; 1 / D."
CORNER = 1e-3  # how near to zero the ReLU of a block may be asked


def _mask(*shape: int) -> Input:
    """At random; every position may see itself."""

    def make(generator: np.random.Generator) -> Array:
        return np.asarray(generator.integers(0, 2, shape) | np.eye(shape[-1], dtype=np.int64))

    return Input(make, GIVEN)


def _attention() -> list[Call]:
    calls = []
    for lead in ((), (2,), (2, 3)):
        q, v = normal(*lead, 4, 3), normal(*lead, 4, 2)
        for mask, made in (("", None), (", mask.astype(bool)", _mask(4, 4))):
            inputs = {"q": q, "k": q, "v": v} | ({"mask": made} if made else {})
            calls.append(
                Call(
                    f"scaled_dot_product_attention(q, k, v{mask})[0]",
                    lambda q, k, v, mask=None: truth.attention(q, k, v, mask),
                    inputs,
                    _ATTEND,
                    label=f"attention(q, k, v{', mask' if made else ''}), q {(*lead, 4, 3)}",
                )
            )
    weights = "scaled_dot_product_attention(q, k, v, mask.astype(bool))[1]"
    longer = {"q": normal(2, 4, 3), "k": normal(2, 6, 3), "v": normal(2, 6, 2)}
    return [
        *calls,
        Call(
            "scaled_dot_product_attention(q, k, v)[0]",
            lambda q, k, v: truth.attention(q, k, v),
            longer,
            _ATTEND,
            label="attention(q, k, v) to more keys than queries",
        ),
        Call(
            "scaled_dot_product_attention(q, k, v)[1]",
            lambda q, k, v: truth.attention_weights(q, k),
            {**longer, "v": given(longer["v"])},
            "The second result holds the weights, (..., T, S); each row adds up to 1.",
            gradient=False,
            label="the weights of attention(q, k, v)",
        ),
        Call(
            weights,
            lambda q, k, v, mask: truth.attention_weights(q, k, mask),
            {
                "q": normal(4, 3, size=8.0),
                "k": normal(4, 3, size=8.0),
                "v": given(normal(4, 2)),
                "mask": _mask(4, 4),
            },
            "What the mask forbids gets the weight 0, however well it would fit.",
            gradient=False,
            label="the weights of attention(q, k, v, mask), large scores",
        ),
        Call(
            "scaled_dot_product_attention(q, k, v, mask.astype(bool))[0]",
            lambda q, k, v, mask: truth.attention(q, k, v, mask),
            {
                "q": normal(2, 2, 4, 3),
                "k": normal(2, 2, 4, 3),
                "v": normal(2, 2, 4, 2),
                "mask": _mask(2, 1, 4, 4),
            },
            "A mask (B, 1, T, T) is one per sequence.",
            label="attention(q, k, v, mask), mask (2, 1, 4, 4)",
        ),
    ]


HEADS: Mapping[str, Input] = {
    **{f"{name}.weight": parameter(normal(6, 6, size=0.5)) for name in ("q_proj", "k_proj")},
    "v_proj.weight": parameter(normal(6, 6, size=0.5)),
    "out_proj.weight": parameter(normal(6, 6, size=0.5)),
    "out_proj.bias": parameter(normal(6)),
}


def _multi_head() -> list[Call]:
    split = (
        "Head h gets the columns h * d to (h + 1) * d of every projection; merged side by side, "
        "then out_proj."
    )
    calls = []
    for heads in (1, 2, 3):
        for text, words in (("", ""), (", causal_mask(4)", " with a causal mask")):
            mask = truth.causal(4) if text else None
            calls.append(
                Call(
                    f"put(MultiHeadAttention(6, {heads}))(x{text})",
                    lambda x, heads=heads, mask=mask, **layers: truth.multi_head(
                        x, heads, layers, mask
                    ),
                    {"x": normal(2, 4, 6), **HEADS},
                    split,
                    label=f"MultiHeadAttention(6, {heads})(x){words}",
                )
            )
    return calls


def _layer_norms() -> list[Call]:
    calls = [
        Call(
            "put(LayerNorm(5))(x)",
            lambda x, weight, bias: truth.layer_norm(x, weight, bias),
            {"x": x, "weight": parameter(normal(5)), "bias": parameter(normal(5))},
            _NORM,
            label=f"LayerNorm(5)(x), {words}",
        )
        for x, words in (
            (normal(4, 5), "x (4, 5)"),
            (normal(2, 3, 5), "x (2, 3, 5)"),
            (normal(4, 5, size=3e-3), "a variance of 1e-5"),
            (Input(lambda g: 5 + 2 * g.standard_normal((4, 5))), "a mean of 5"),
        )
    ]
    return [
        *calls,
        Call(
            "put(LayerNorm(5, eps=0.5))(x)",
            lambda x, weight, bias: truth.layer_norm(x, weight, bias, 0.5),
            {"x": normal(4, 5), "weight": parameter(normal(5)), "bias": parameter(normal(5))},
            _NORM,
            label="LayerNorm(5, eps=0.5)(x)",
        ),
        Call(
            "LayerNorm(4)(x)",
            lambda x: 0 * x,
            {"x": these([[3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0]])},
            "eps keeps 0 / 0 away.",
            gradient=False,
            label="LayerNorm(4)(x) of equal numbers",
        ),
        Call(
            "LayerNorm(5)(x)",
            lambda x: truth.layer_norm(x, np.ones(5), np.zeros(5)),
            {"x": normal(4, 5)},
            "A new layer has scales of 1 and shifts of 0.",
            label="a new LayerNorm(5)(x)",
        ),
    ]


WIDTH = 7
BLOCK: Mapping[str, Input] = {
    "norm1.weight": parameter(normal(6)),
    "norm1.bias": parameter(normal(6)),
    **{f"attention.{name}": made for name, made in HEADS.items()},
    "norm2.weight": parameter(normal(6)),
    "norm2.bias": parameter(normal(6)),
    "feed_forward1.weight": parameter(normal(WIDTH, 6, size=0.5)),
    "feed_forward1.bias": parameter(normal(WIDTH)),
    "feed_forward2.weight": parameter(normal(6, WIDTH, size=0.5)),
    "feed_forward2.bias": parameter(normal(6)),
}


def _blocks() -> list[Call]:
    calls = []
    for text, words in (("", ""), (", causal_mask(4)", " with a causal mask")):
        mask = truth.causal(4) if text else None

        def fits(x: Array, mask: Array | None = mask, **layers: Any) -> bool:
            before = truth.wide(truth.attended(x, 2, layers, mask), layers)
            return bool(np.abs(before).min() > CORNER)

        calls.append(
            Call(
                f"put(TransformerBlock(6, 2, hidden={WIDTH}))(x{text})",
                lambda x, mask=mask, **layers: truth.block(x, 2, layers, mask),
                {"x": normal(2, 4, 6), **BLOCK},
                "x + attention(norm1(x)), then that + feed_forward(norm2(that)).",
                fits=fits,
                tolerance=5e-4,  # two norms and a softmax magnify rounding
                label=f"TransformerBlock(6, 2)(x){words}",
            )
        )
    return calls


def _kept(x: Array, **layers: Any) -> dict[str, Array]:
    q_proj, k_proj = layers["q_proj.weight"], layers["k_proj.weight"]
    return {"layer.weights": truth.head_weights(x, 2, q_proj, k_proj, truth.causal(4))}


def _check_kept(got: Drawn) -> None:
    check_parameters((6, 6), (6, 6), (6, 6), (6, 6), (6,))(got)


def _check_causal(got: Drawn) -> None:
    compare("causal_mask(5)", got.get("mask"), truth.causal(5).astype(float), 0.0, "np.tril")


PROBES: tuple[Probe, ...] = (
    Scenario("causal_mask(5)", "causal_mask", check=_check_causal),
    *_attention(),
    *_multi_head(),
    Refusal(
        "MultiHeadAttention(6, 4)",
        "ValueError",
        "6 columns cannot be shared by 4 heads",
        hint="embed_dim % num_heads",
    ),
    Scenario(
        "weights and parameters of MultiHeadAttention(6, 2)",
        "kept_weights",
        {"sizes": [6, 2]},
        {"x": normal(2, 4, 6), **HEADS},
        _kept,
        check=_check_kept,
        hint="self.weights = weights.data, an array (B, H, T, T).",
    ),
    *_layer_norms(),
    Scenario(
        "parameters() of LayerNorm(5)",
        "parameters",
        {"net": "LayerNorm", "sizes": [5]},
        check=check_parameters((5,), (5,)),
    ),
    *_blocks(),
    Scenario(
        "parameters() of TransformerBlock(6, 2)",
        "parameters",
        {"net": "TransformerBlock", "sizes": [6, 2]},
        check=check_parameters(*[(6,)] * 6, *[(6, 6)] * 4, (24, 6), (24,), (6, 24)),
    ),
)
