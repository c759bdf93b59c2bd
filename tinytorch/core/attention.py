# Generated from modules/12_attention/attention.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["attention_scores", "causal_mask", "mask_scores", "scaled_dot_product_attention", "split_heads", "merge_heads", "MultiHeadAttention", "layer_norm", "LayerNorm", "TransformerBlock"]


#| export
import numpy as np

from tinytorch.core.nn import Linear, Module, ReLU, Sequential, softmax
from tinytorch.core.tensor import Tensor


#| export
def attention_scores(q, k):
    """How well every key fits every query.

    q: Tensor (..., T, d). k: Tensor (..., S, d); S = T when a sequence attends to itself.

    Returns a Tensor (..., T, S): q[i] · k[j] / sqrt(d).

    Example: q = [[2, 0, 0, 0]], k = [[1, 0, 0, 0], [0, 1, 0, 0]] gives [[1, 0]].

    Hints: 1. k.transpose() has shape (..., d, S); 2. q @ that; 3. divide by the root of
    q.shape[-1], the length of one query.
    """
    length = q.shape[-1]
    return q @ k.transpose() / length**0.5


#| export
def causal_mask(n):
    """Who may look where: an (n, n) array of bool, True for column j <= row i.

    Example: causal_mask(3) is
    [[True, False, False], [True, True, False], [True, True, True]].

    Hint: np.tril keeps the lower triangle, diagonal included, of np.ones((n, n), dtype=bool).
    """
    return np.tril(np.ones((n, n), dtype=bool))


def mask_scores(scores, mask):
    """The scores where mask is True, about -1e9 where it is False.

    scores: Tensor (..., T, S). mask: array of bool that broadcasts against it, (T, S) say;
    True means: may attend.

    Returns a Tensor like scores; the gradient of the allowed scores passes.

    Hints: 1. np.where(mask, ..., ...) gives 0 or -1e9; 2. in the dtype of the scores, or float32
    becomes float64; 3. add it, as a constant Tensor.
    """
    allowed = np.asarray(mask, dtype=bool)
    penalty = np.where(allowed, 0.0, -1e9).astype(scores.dtype)
    return scores + Tensor(penalty)


#| export
def scaled_dot_product_attention(q, k, v, mask=None):
    """For every query the average of the values, weighted by how well the keys fit.

    q: Tensor (..., T, d). k: Tensor (..., S, d). v: Tensor (..., S, e).
    mask: array of bool that broadcasts against (..., T, S), True = may attend; None: no mask.

    Returns (out, weights): Tensors (..., T, e) and (..., T, S). Every row of weights sums to 1.

    Hints: 1. attention_scores; 2. mask_scores if there is a mask, before the softmax; 3. softmax
    over the last axis; 4. weights @ v.
    """
    scores = attention_scores(q, k)
    if mask is not None:
        scores = mask_scores(scores, mask)
    weights = softmax(scores, axis=-1)
    return weights @ v, weights


#| export
def split_heads(x, num_heads):
    """Deal out the columns: head h gets columns h * d to (h + 1) * d, with d = D / num_heads.

    x: Tensor (B, T, D). Returns a Tensor (B, num_heads, T, d).

    Hints: 1. reshape to (B, T, num_heads, d); 2. transpose(1, 2) swaps T and the heads.
    """
    batch, length, dim = x.shape
    columns = dim // num_heads
    heads = x.reshape(batch, length, num_heads, columns)
    return heads.transpose(1, 2)


def merge_heads(x):
    """Put the heads side by side again, the opposite of split_heads().

    x: Tensor (B, H, T, d). Returns a Tensor (B, T, H * d).

    Hints: 1. transpose(1, 2) back to (B, T, H, d); 2. then reshape.
    """
    batch, num_heads, length, columns = x.shape
    rows = x.transpose(1, 2)
    return rows.reshape(batch, length, num_heads * columns)


#| export
class MultiHeadAttention(Module):
    """Attention of a sequence to itself, with several heads.

    Attributes: num_heads; q_proj, k_proj, v_proj, Linear layers without bias; out_proj, a Linear
    layer with bias; weights, None or the array (B, num_heads, T, T) of the last call.
    """

    def __init__(self, embed_dim, num_heads):
        """Make the four projections, embed_dim to embed_dim, in the order q, k, v, out.

        Raises ValueError if embed_dim is not a multiple of num_heads.

        Hint: Linear(embed_dim, embed_dim, bias=False) has no bias.
        """
        self.num_heads = num_heads
        self.weights = None
        if embed_dim % num_heads:
            raise ValueError(f"{embed_dim} columns cannot be shared by {num_heads} heads")
        self.q_proj = Linear(embed_dim, embed_dim, bias=False)
        self.k_proj = Linear(embed_dim, embed_dim, bias=False)
        self.v_proj = Linear(embed_dim, embed_dim, bias=False)
        self.out_proj = Linear(embed_dim, embed_dim)

    def forward(self, x, mask=None):
        """Let every position look at every other one that the mask allows.

        x: Tensor (B, T, embed_dim). mask: array of bool, (T, T) say, True = may attend.

        Returns a Tensor (B, T, embed_dim), and keeps the weights, as an array, in self.weights.

        Hints: 1. project, then split_heads, three times; 2. scaled_dot_product_attention with the
        mask; 3. self.weights = weights.data; 4. merge_heads, then self.out_proj.
        """
        q = split_heads(self.q_proj(x), self.num_heads)
        k = split_heads(self.k_proj(x), self.num_heads)
        v = split_heads(self.v_proj(x), self.num_heads)
        heads, weights = scaled_dot_product_attention(q, k, v, mask)
        self.weights = weights.data
        return self.out_proj(merge_heads(heads))


#| export
def layer_norm(x, weight, bias, eps=1e-5):
    """Every vector with mean 0 and variance 1, then scaled and shifted.

    x: Tensor (..., D). weight, bias: Tensors (D,). Mean and variance are over the last axis, the
    variance divides by D.

    Returns a Tensor (..., D).

    Hints: 1. mean(axis=-1, keepdims=True) broadcasts against x; 2. the variance is the mean of the
    squares of what is left; 3. divide by (variance + eps) ** 0.5, then * weight + bias.
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred * (variance + eps) ** -0.5 * weight + bias


class LayerNorm(Module):
    """A layer that normalises vectors. Attributes: weight and bias, Tensors (dim,); eps."""

    def __init__(self, dim, eps=1e-5):
        """Start without any effect: all scales 1, all shifts 0.

        Hint: np.ones and np.zeros; both are Tensors with requires_grad=True. Your Tensor keeps
        float64 arrays as they are, so ask for dtype=np.float32.
        """
        self.eps = eps
        ones = np.ones(dim, dtype=np.float32)
        zeros = np.zeros(dim, dtype=np.float32)
        self.weight = Tensor(ones, requires_grad=True)
        self.bias = Tensor(zeros, requires_grad=True)

    def forward(self, x):
        """Normalise the last axis of x, (..., dim).

        Hint: layer_norm() with the parameters and the eps of this layer.
        """
        return layer_norm(x, self.weight, self.bias, self.eps)


#| export
class TransformerBlock(Module):
    """Attention and a feed-forward network, each as a correction, each behind its own LayerNorm.

    Attributes: norm1, attention, norm2, feed_forward.
    """

    def __init__(self, embed_dim, num_heads, hidden=None):
        """Make the four parts, in the order of the attributes.

        hidden: width of the feed-forward network; None means 4 * embed_dim.

        Hint: feed_forward is Sequential(Linear, ReLU, Linear), embed_dim to hidden to embed_dim.
        """
        hidden = 4 * embed_dim if hidden is None else hidden
        self.norm1 = LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads)
        self.norm2 = LayerNorm(embed_dim)
        widen, narrow = Linear(embed_dim, hidden), Linear(hidden, embed_dim)
        self.feed_forward = Sequential(widen, ReLU(), narrow)

    def forward(self, x, mask=None):
        """Correct x twice.

        x: Tensor (B, T, embed_dim). mask: array of bool, (T, T) say, True = may attend.

        Returns a Tensor (B, T, embed_dim).

        Hints: 1. x + attention of the first norm of x, with the mask; 2. that + feed_forward of
        the second norm of that.
        """
        x = x + self.attention(self.norm1(x), mask)
        return x + self.feed_forward(self.norm2(x))
