"""Attention head by head with slices; a norm with a gradient rule of its own."""

import numpy as np

from tinytorch.core.nn import Linear, Module, relu, softmax
from tinytorch.core.setup import FLOAT
from tinytorch.core.tensor import Tensor, result


def causal_mask(n):
    return np.array([[column <= row for column in range(n)] for row in range(n)])


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = (q * (1 / q.shape[-1] ** 0.5)) @ k.transpose()
    if mask is not None:
        allowed = np.broadcast_to(mask, scores.shape)
        hidden = np.where(allowed, scores.data, -1e30).astype(scores.dtype)
        scores = result(hidden, (scores, lambda g: g * allowed))
    weights = softmax(scores)
    return weights @ v, weights


def join(parts):
    """Side by side along the last axis."""
    ends = np.cumsum([part.shape[-1] for part in parts])

    def cut(end, width):
        return lambda g: g[..., end - width : end]

    rules = [(part, cut(end, part.shape[-1])) for part, end in zip(parts, ends, strict=True)]
    return result(np.concatenate([part.data for part in parts], axis=-1), *rules)


class MultiHeadAttention(Module):
    def __init__(self, embed_dim, num_heads):
        if embed_dim / num_heads != embed_dim // num_heads:
            raise ValueError("the heads do not share the columns evenly")
        self.heads, self.width = num_heads, embed_dim // num_heads
        self.out_proj = Linear(embed_dim, embed_dim)
        self.v_proj, self.k_proj, self.q_proj = (
            Linear(embed_dim, embed_dim, bias=False) for _ in range(3)
        )
        self.weights = None

    def forward(self, x, mask=None):
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        outs, seen = [], []
        for head in range(self.heads):
            mine = slice(head * self.width, (head + 1) * self.width)
            out, weights = scaled_dot_product_attention(
                q[:, :, mine], k[:, :, mine], v[:, :, mine], mask
            )
            outs.append(out)
            seen.append(weights.data)
        self.weights = np.stack(seen, axis=1)
        return self.out_proj(join(outs))


class LayerNorm(Module):
    def __init__(self, dim, eps=1e-5):
        self.bias = Tensor(np.zeros(dim, FLOAT), requires_grad=True)
        self.weight = Tensor(np.ones(dim, FLOAT), requires_grad=True)
        self.eps = eps

    def forward(self, x):
        centred = x.data - x.data.mean(-1, keepdims=True)
        scale = 1 / np.sqrt(x.data.var(-1, keepdims=True) + self.eps)
        normed = centred * scale

        def back(g):
            along = (g * normed).mean(-1, keepdims=True)
            return scale * (g - g.mean(-1, keepdims=True) - normed * along)

        return result(normed, (x, back)) * self.weight + self.bias


class TransformerBlock(Module):
    def __init__(self, embed_dim, num_heads, hidden=None):
        hidden = hidden or 4 * embed_dim
        self.ln_1, self.attn = LayerNorm(embed_dim), MultiHeadAttention(embed_dim, num_heads)
        self.ln_2 = LayerNorm(embed_dim)
        self.mlp = [Linear(embed_dim, hidden), Linear(hidden, embed_dim)]

    def forward(self, x, mask=None):
        attended = self.attn(self.ln_1(x), mask) + x
        widen, narrow = self.mlp
        return narrow(relu(widen(self.ln_2(attended)))) + attended
