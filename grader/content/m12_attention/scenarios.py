"""Run in the child for 12_attention, each (library, arrays, settings) -> arrays: masks, weights, blocks."""

from __future__ import annotations

from typing import Any

from grader.content.common import listed
from grader.sandbox.worker.values import Arrays, find, plain


def causal_mask(tt: Any, _: Arrays, __: Any) -> Arrays:
    return {"mask": plain(tt.causal_mask(5))}


def kept_weights(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    layer = tt.MultiHeadAttention(*settings["sizes"])
    for name, drawn in arrays.items():
        if name != "x":
            tensor = find(layer, name)
            tensor.data = drawn.reshape(tensor.data.shape).astype(tensor.data.dtype)
    layer(tt.Tensor(arrays["x"][:, ::-1]), tt.causal_mask(4))
    layer(tt.Tensor(arrays["x"]), tt.causal_mask(4))  # those of the last call count
    return {"layer.weights": plain(layer.weights), **listed(layer.parameters())}


def parts_of_block(tt: Any, block: Any) -> tuple[Any, dict[str, Any]]:
    """The attention of a block, and its layers by the part they play.

    They are found by their type and order, because a block's attributes may be called anything.
    """
    norms, linears, attentions = [], [], []
    waiting = [block]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tt.MultiHeadAttention):
            attentions.append(part)
        elif isinstance(part, tt.LayerNorm):
            norms.append(part)
        elif isinstance(part, tt.Linear):
            linears.append(part)
        elif isinstance(part, (list, tuple)):
            waiting.extend(reversed(part))
        elif isinstance(part, tt.Module):
            waiting.extend(reversed(vars(part).values()))
    if (len(attentions), len(norms), len(linears)) != (1, 2, 2):
        raise ValueError(
            "TransformerBlock should hold one MultiHeadAttention, two LayerNorm and two Linear, "
            f"got {len(attentions)}, {len(norms)} and {len(linears)}"
        )
    (attention,) = attentions
    # The first layer is the one that widens: its weight has more rows than columns.
    linears.sort(key=lambda layer: layer.weight.shape[0] < layer.weight.shape[1])
    named = {
        "norm1": norms[0],
        "attention.q_proj": attention.q_proj,
        "attention.k_proj": attention.k_proj,
        "attention.v_proj": attention.v_proj,
        "attention.out_proj": attention.out_proj,
        "norm2": norms[1],
        "feed_forward1": linears[0],
        "feed_forward2": linears[1],
    }
    return attention, named


SCENARIOS = (causal_mask, kept_weights)

# Class -> the layers of its instances, whose attributes may be called anything.
PARTS = {"TransformerBlock": lambda tt, block: parts_of_block(tt, block)[1]}
