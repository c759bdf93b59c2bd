"""The judge's own networks, forward only, for real numbers and for complex ones.

Every array carries a first axis of S networks: parameters (S, *shape), activations (S, batch, ...).
The same code computes the losses of S steps at once, and the derivatives of one loss in S
directions: with a parameter x + ih·v and a tiny h, the imaginary part of the loss is h times its
derivative along v, to the last digit (complex-step differentiation: nothing is subtracted).
No backward pass is written here, so there is none to copy.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from grader.proof.milestones.challenges import Array, Values, Watch


def _usual(values: Array) -> Array:
    """The size that the numbers of each network typically have."""
    rest = tuple(range(1, values.ndim))
    return np.asarray(np.sqrt(np.mean(values**2, axis=rest, keepdims=True)))


def linear(x: Array, values: Values, name: str) -> Array:
    """(S, ..., in) to (S, ..., out)."""
    weight = values[f"{name}.weight"]
    flat = x.reshape(x.shape[0], -1, x.shape[-1]) @ weight.swapaxes(-1, -2)
    if f"{name}.bias" in values:
        flat = flat + values[f"{name}.bias"][:, None]
    out: Array = flat.reshape(flat.shape[0], *x.shape[1:-1], flat.shape[-1])
    return out


def relu(z: Array, watch: Watch) -> Array:
    real = z.real
    if np.iscomplexobj(z):
        watch.look(real, z.imag, _usual(real))
    return np.where(real > 0, z, np.zeros((), z.dtype))


def convolution(x: Array, values: Values, name: str, stride: int, padding: int) -> Array:
    """(S, B, C, H, W) to (S, B, O, H', W')."""
    weight, bias = values[f"{name}.weight"], values[f"{name}.bias"]
    networks, filters = weight.shape[:2]
    k = weight.shape[-1]
    frame = (padding, padding)
    x = np.pad(x, ((0, 0), (0, 0), (0, 0), frame, frame))
    windows = sliding_window_view(x, (k, k), axis=(3, 4))[:, :, :, ::stride, ::stride]
    rows, columns = windows.shape[3:5]
    patches = windows.transpose(0, 1, 3, 4, 2, 5, 6).reshape(len(x), -1, weight[0, 0].size)
    out = patches @ weight.reshape(networks, filters, -1).swapaxes(1, 2) + bias[:, None]
    maps: Array = out.reshape(len(out), x.shape[1], rows, columns, filters)
    return np.asarray(maps.transpose(0, 1, 4, 2, 3))


def max_pool(x: Array, watch: Watch) -> Array:
    """Two by two. Of equal entries the first wins, and it is counted if that makes a difference."""
    s, b, c, h, w = x.shape
    parts = x.reshape(s, b, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 3, 5, 4, 6)
    parts = parts.reshape(s, b, c, h // 2, w // 2, 4)
    real = parts.real
    first = real.argmax(axis=-1)[..., None]
    best = np.take_along_axis(parts, first, axis=-1)
    if np.iscomplexobj(x):
        others = np.ones(parts.shape, dtype=bool)
        np.put_along_axis(others, first, False, axis=-1)
        size = _usual(real)
        watch.look(
            np.where(others, best.real - real, np.inf),
            np.where(others, best.imag - parts.imag, 0),
            size,
        )
    return best[..., 0]


def softmax(z: Array, allowed: Array) -> Array:
    """Over the last axis, among the allowed entries."""
    top = np.where(allowed, z.real, -np.inf).max(axis=-1, keepdims=True)
    powers = np.exp(np.where(allowed, z - top, 0)) * allowed
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def layer_norm(x: Array, values: Values, name: str) -> Array:
    """x: (S, B, T, D)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    weight, bias = (values[f"{name}.{leaf}"][:, None, None] for leaf in ("weight", "bias"))
    # The one division is of the small array: of complex numbers it is slow.
    return np.asarray(centred * (1 / np.sqrt(variance + 1e-5)) * weight + bias)


def attention_weights(x: Array, values: Values, name: str, heads: int) -> Array:
    """(S, B, heads, T, T): how much each position looks at itself and at those before it."""
    q, k = (_by_head(x, values, f"{name}.{leaf}", heads) for leaf in ("q_proj", "k_proj"))
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(x.real.dtype.type(q.shape[-1]))
    return softmax(scores, np.tri(x.shape[2], dtype=bool))


def _by_head(x: Array, values: Values, name: str, heads: int) -> Array:
    """(S, B, T, D) to (S, B, heads, T, D / heads)."""
    b, t, d = x.shape[1:]
    return np.asarray(linear(x, values, name).reshape(-1, b, t, heads, d // heads).swapaxes(2, 3))


def attention(x: Array, values: Values, name: str, heads: int) -> Array:
    """Causal self-attention with several heads. x: (S, B, T, D)."""
    b, t, d = x.shape[1:]
    v = _by_head(x, values, f"{name}.v_proj", heads)
    weights = attention_weights(x, values, name, heads)
    joined = (weights @ v).swapaxes(2, 3).reshape(-1, b, t, d)
    return linear(joined, values, f"{name}.out_proj")


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Mean over the batch. logits: (S, N, C), labels: (S, N) or (1, N). Returns (S,)."""
    shifted = logits - logits.real.max(axis=-1, keepdims=True)
    normal = np.log(np.exp(shifted).sum(axis=-1))
    labels = np.broadcast_to(labels, shifted.shape[:-1])
    chosen = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
    return np.asarray((normal - chosen).mean(axis=-1))


def binary_cross_entropy(logits: Array, targets: Array) -> Array:
    """Of sigmoid(logits), mean over the batch. Both (S, N, 1). Returns (S,)."""
    away = np.where(logits.real > 0, -logits, logits)
    soft = np.where(logits.real > 0, logits, 0) + np.log(1 + np.exp(away))
    return np.asarray((soft - targets * logits).mean(axis=(-2, -1)))
