"""The judge's own operations, forward only, for real numbers and for complex ones.

Complex ones carry a derivative: see grader/content/forward.py. Where a choice is made (which
entry is the largest, which side of zero), the real part decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from grader.proof.compare import Array


def relu(x: Array) -> Array:
    return np.where(x.real > 0, x, np.zeros((), x.dtype))


def sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))


def log_softmax(x: Array, axis: int = -1) -> Array:
    shifted = x - x.real.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def softmax(x: Array, axis: int = -1) -> Array:
    return np.asarray(np.exp(log_softmax(x, axis)))


def largest(x: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The entry whose real part is the largest; of several, the first."""
    flat = x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1)
    best = np.take_along_axis(flat, flat.real.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    if not keepdims:
        return np.asarray(best)
    return best.reshape((1,) * x.ndim) if axis is None else np.expand_dims(best, axis)


def transpose(x: Array) -> Array:
    return np.asarray(x.swapaxes(-1, -2))


def linear(x: Array, weight: Array, bias: Array | float = 0.0) -> Array:
    return np.asarray(x @ weight.T + bias)


def cross_entropy(logits: Array, labels: Array) -> Array:
    return np.asarray(-log_softmax(logits)[np.arange(len(labels)), labels].mean())


def binary_cross_entropy(p: Array, target: Array) -> Array:
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log(1 - p)).mean())


def convolution(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    k = weight.shape[-1]
    frame = (padding, padding)
    x = np.pad(x, ((0, 0), (0, 0), frame, frame))
    windows = sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
    n, channels, rows, columns = windows.shape[:4]
    flat = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows, columns, channels * k * k)
    maps: Array = flat @ weight.reshape(len(weight), -1).T + bias
    return np.asarray(maps.transpose(0, 3, 1, 2))


def max_pool(x: Array, k: int, stride: int) -> Array:
    windows = sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
    return largest(windows.reshape(*windows.shape[:4], k * k), -1)


def sines(length: int, dim: int) -> Array:
    """Sine in the even columns, cosine in the odd ones, each pair slower than the one before."""
    angles = np.arange(length)[:, None] * 10000.0 ** (-np.arange(0, dim, 2) / dim)
    table = np.empty((length, dim))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)[:, : dim // 2]
    return table


def attention_weights(q: Array, k: Array, mask: Array | None = None) -> Array:
    scores = q @ transpose(k) / np.sqrt(q.shape[-1])
    if mask is None:
        return softmax(scores)
    allowed = mask.astype(bool)
    top = np.where(allowed, scores.real, -np.inf).max(axis=-1, keepdims=True)
    powers = np.exp(np.where(allowed, scores - top, 0)) * allowed
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def attention(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    return np.asarray(attention_weights(q, k, mask) @ v)


def causal(n: int) -> Array:
    return np.asarray(np.arange(n)[:, None] >= np.arange(n))


def head_weights(
    x: Array, heads: int, q_proj: Array, k_proj: Array, mask: Array | None = None
) -> Array:
    """(B, H, T, T)."""
    return attention_weights(_split(x @ q_proj.T, heads), _split(x @ k_proj.T, heads), mask)


def multi_head(x: Array, heads: int, layers: Mapping[str, Any], mask: Array | None = None) -> Array:
    weights = head_weights(x, heads, layers["q_proj_weight"], layers["k_proj_weight"], mask)
    mixed = weights @ _split(x @ layers["v_proj_weight"].T, heads)
    merged = mixed.swapaxes(1, 2).reshape(x.shape)
    return linear(merged, layers["out_proj_weight"], layers["out_proj_bias"])


def _split(x: Array, heads: int) -> Array:
    """(B, T, D) to (B, H, T, D / H)."""
    batch, length, dim = x.shape
    return np.asarray(x.reshape(batch, length, heads, dim // heads).swapaxes(1, 2))


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + eps) * weight + bias)


def block(x: Array, heads: int, layers: Mapping[str, Any], mask: Array | None = None) -> Array:
    """A pre-norm transformer block; layers: "norm1_weight", "attention_q_proj_weight", ..."""
    x = attended(x, heads, layers, mask)
    hidden = relu(wide(x, layers))
    return np.asarray(
        x + linear(hidden, layers["feed_forward2_weight"], layers["feed_forward2_bias"])
    )


def wide(x: Array, layers: Mapping[str, Any]) -> Array:
    """What the ReLU of a block is given; x: after attention."""
    normed = layer_norm(x, layers["norm2_weight"], layers["norm2_bias"])
    return linear(normed, layers["feed_forward1_weight"], layers["feed_forward1_bias"])


def attended(x: Array, heads: int, layers: Mapping[str, Any], mask: Array | None = None) -> Array:
    """A block's x after its attention, before its feed-forward network."""
    inside = {
        name.removeprefix("attention_"): value
        for name, value in layers.items()
        if name.startswith("attention_")
    }
    normed = layer_norm(x, layers["norm1_weight"], layers["norm1_bias"])
    return np.asarray(x + multi_head(normed, heads, inside, mask))
