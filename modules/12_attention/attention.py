# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · Attention
#
# Read "the cat sat on the mat because **it** was tired". To know what *it* means you look back at one
# word and skip the others, and which word that is depends on the words themselves. A convolution
# looks at fixed neighbours, a `Linear` layer at fixed columns. *Attention* computes from the data
# **where to look**, and it does so with a scalar product, a softmax and an average.
#
# It works like a soft dictionary. Every position asks a question (its *query*), every position
# offers a label (its *key*) and holds content (its *value*). A dictionary returns the value whose key
# equals the query. Attention returns an average of all values, weighted by how well each key fits.
# An average can be differentiated, so the questions, the labels and the contents are learned.
#
# ## Why it mattered
#
# In 2014 Dzmitry Bahdanau let a translation network look back at the source sentence instead of
# squeezing it into one vector, and called it attention. In 2017 eight authors at Google took the
# recurrent network around it away: *Attention Is All You Need*. The Transformer needs no steps in
# time, so all positions of a sequence train at once, as one matrix product, and what could be
# trained on could grow by orders of magnitude. GPT, BERT, AlphaFold 2: the block at the end of this
# lesson, stacked.
#
# ## What you build
#
# | step | you write | shape |
# |---|---|---|
# | 1 | `attention_scores` | `(..., T, d)` queries and keys to `(..., T, T)` scores |
# | 2 | `causal_mask`, `mask_scores` | no looking into the future |
# | 3 | `scaled_dot_product_attention` | `(..., T, d)` out, and the weights |
# | 4 | `split_heads`, `merge_heads`, `MultiHeadAttention` | several questions at once |
# | 5 | `layer_norm`, `LayerNorm` | keep the numbers in a good range |
# | 6 | `TransformerBlock` | the thing itself |
#
# B is the batch, T the number of positions, D the length of a vector, H the number of heads and
# d = D / H the length of a vector within a head. There is no new gradient rule in this lesson. You
# compose what you have, and your autograd does the rest: today it pays back.
#
# ## What will be checked
#
# The tests compare with NumPy formulas, head by head, and with numeric gradients. The milestone
# **2017 - Transformer** trains one block to copy: after `a b c d SEP` it must write `a b c d`, one
# token at a time, each time looking at what it wrote itself. Every single sequence must be right.
# It cannot be done without a mask, without positions, or with weights that are the same everywhere;
# and the map of attention weights that comes out is worth seeing: a diagonal.

# %%
#| default_exp core.attention

# %%
#| export
import numpy as np

from tinytorch.core.nn import Linear, Module, ReLU, Sequential, softmax
from tinytorch.core.tensor import Tensor

# %% [markdown]
# The next cell belongs to the tests: their messages, numeric gradients, and every step of this
# lesson once more as a plain NumPy formula.

# %%
def assert_close(call, got, expected, hint, tolerance=1e-5):
    """Fail with the call, what was expected, what came, and a hint, unless the two agree."""
    expected = np.asarray(expected)
    got = got.data if isinstance(got, Tensor) else got
    assert got is not None, f"{call} should have shape {expected.shape}, got None. {hint}"
    got = np.asarray(got)
    assert got.shape == expected.shape, (
        f"{call} should have shape {expected.shape}, got {got.shape}. {hint}"
    )
    off = np.abs(got - expected) > tolerance * (1 + np.abs(expected))
    off |= np.isnan(got)
    at = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape)) if off.size else ()
    assert not off.any(), (
        f"{call} should be {expected[at]:.6g} at index {at}, got {got[at]:.6g}. {hint}"
    )


def assert_float32(call, got, hint):
    """Fail unless got is a float32 Tensor."""
    assert got.dtype == np.float32, f"{call} should stay float32, got {got.dtype}. {hint}"


def numeric_gradients(function, arrays):
    """The gradient of a NumPy function of several arrays, by central differences in float64."""
    step = 1e-6  # truncation ~ step**2 = 1e-12, rounding ~ 1e-16 / step = 1e-10
    gradients = [np.zeros(array.shape) for array in arrays]
    for array, gradient in zip(arrays, gradients, strict=True):
        for index in np.ndindex(array.shape):
            middle = array[index]
            array[index] = middle + step
            up = function(*arrays)
            array[index] = middle - step
            gradient[index] = (up - function(*arrays)) / (2 * step)
            array[index] = middle
    return gradients


def formula_attention(q, k, v, mask=None):
    """softmax(q k^T / sqrt(d)) v, and the weights. Where mask is False the weight is zero."""
    scores = np.einsum("...id,...jd->...ij", q, k) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = powers / powers.sum(axis=-1, keepdims=True)
    return np.einsum("...ij,...jd->...id", weights, v), weights


def formula_heads(x, wq, wk, wv, wo, bo, num_heads, mask=None):
    """Multi-head attention on (B, T, D), one head after the other."""
    size = x.shape[-1] // num_heads
    outs, weights = [], []
    for head in range(num_heads):
        rows = slice(head * size, (head + 1) * size)
        out, w = formula_attention(x @ wq[rows].T, x @ wk[rows].T, x @ wv[rows].T, mask)
        outs.append(out)
        weights.append(w)
    return np.concatenate(outs, axis=-1) @ wo.T + bo, np.stack(weights, axis=1)


def formula_norm(x, weight, bias, eps=1e-5):
    """LayerNorm over the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps) * weight + bias


def formula_block(x, g1, s1, wq, wk, wv, wo, bo, g2, s2, w1, b1, w2, b2, num_heads, mask=None):
    """A pre-norm Transformer block on (B, T, D)."""
    x = x + formula_heads(formula_norm(x, g1, s1), wq, wk, wv, wo, bo, num_heads, mask)[0]
    hidden = np.maximum(formula_norm(x, g2, s2) @ w1.T + b1, 0)
    return x + hidden @ w2.T + b2


def lower_triangle(n):
    """Row i says True to the columns 0 ... i."""
    return np.array([[j <= i for j in range(n)] for i in range(n)])


# %% [markdown]
# ## 1. Scores: how well does a key fit a query?
#
# The score of query i and key j is their scalar product: large if they point the same way. For all
# pairs at once that is a matrix product with the transposed keys,
#
# $$ \text{scores} = \frac{Q K^{\top}}{\sqrt{d}}, \qquad
#    (\dots, T, d) \cdot (\dots, d, T) \to (\dots, T, T) $$
#
# Row i belongs to query i. The leading axes, batch and heads, go along unchanged, because your
# `matmul` multiplies stacks of matrices and `transpose()` swaps the last two axes only.
#
# Why the root? The product of two vectors of d random numbers of size 1 is a sum of d terms: its
# variance is d. With d = 64 the scores have size 8, softmax turns them into nearly a single 1, and
# its gradient is nearly zero: nothing learns. Divided by √d the scores have size 1 whatever d is.

# %%
#| export
def attention_scores(q, k):
    """How well every key fits every query.

    q: Tensor (..., T, d). k: Tensor (..., S, d); S = T when a sequence attends to itself.

    Returns a Tensor (..., T, S): q[i] · k[j] / sqrt(d).

    Example: q = [[2, 0, 0, 0]], k = [[1, 0, 0, 0], [0, 1, 0, 0]] gives [[1, 0]].

    Hints: 1. k.transpose() has shape (..., d, S); 2. q @ that; 3. divide by the root of
    q.shape[-1], the length of one query.
    """
    ### BEGIN SOLUTION
    length = q.shape[-1]
    return q @ k.transpose() / length**0.5
    ### END SOLUTION


# %%
def test_attention_scores():
    """attention_scores() is every query times every key, divided by the root of their length."""
    q, k = np.eye(4, dtype=np.float32)[:1] * 2, np.eye(4, dtype=np.float32)[:2]
    hint = "Hint: q @ k.transpose() / q.shape[-1] ** 0.5."
    got = attention_scores(Tensor(q), Tensor(k))
    assert_close("attention_scores([[2, 0, 0, 0]], [[1, 0, 0, 0], [0, 1, 0, 0]])", got, [[1, 0]], hint)
    assert_float32("attention_scores(float32, float32)", got, "Hint: divide by a Python number.")
    generator = np.random.default_rng(1)
    for lead, t, s, d in (((), 3, 3, 2), ((2,), 4, 4, 9), ((2, 3), 2, 5, 3)):
        q, k = generator.normal(size=(*lead, t, d)), generator.normal(size=(*lead, s, d))
        expected = np.zeros((*lead, t, s))
        for i in range(t):
            for j in range(s):
                expected[..., i, j] = (q[..., i, :] * k[..., j, :]).sum(axis=-1) / np.sqrt(d)
        call = f"attention_scores(q {q.shape}, k {k.shape})"
        assert_close(call, attention_scores(Tensor(q), Tensor(k)), expected, hint)


# %% [markdown]
# ## 2. No looking ahead
#
# A model that writes learns to guess the next token. In training it sees the whole sequence, so it
# must be kept from reading the answer: position i may look at the positions 0 to i, itself included,
# and no further. That is a lower triangle of True.
#
# How does one forbid a position? Not by a weight of zero *after* the softmax: then the others no
# longer add up to 1. Not by a score of zero either: zero is a middling score, and exp(0) = 1 is
# a weight like any other. Make the score so low that its exponential is exactly zero: -10⁹.
#
# Not minus infinity? If a row is forbidden altogether, softmax would compute inf - inf, which is not
# a number. With -10⁹ such a row becomes an average, and nothing breaks.

# %%
#| export
def causal_mask(n):
    """Who may look where: an (n, n) array of bool, True for column j <= row i.

    Example: causal_mask(3) is
    [[True, False, False], [True, True, False], [True, True, True]].

    Hint: np.tril keeps the lower triangle, diagonal included, of np.ones((n, n), dtype=bool).
    """
    ### BEGIN SOLUTION
    return np.tril(np.ones((n, n), dtype=bool))
    ### END SOLUTION


def mask_scores(scores, mask):
    """The scores where mask is True, about -1e9 where it is False.

    scores: Tensor (..., T, S). mask: array of bool that broadcasts against it, (T, S) say;
    True means: may attend.

    Returns a Tensor like scores; the gradient of the allowed scores passes.

    Hints: 1. np.where(mask, ..., ...) gives 0 or -1e9; 2. in the dtype of the scores, or float32
    becomes float64; 3. add it, as a constant Tensor.
    """
    ### BEGIN SOLUTION
    allowed = np.asarray(mask, dtype=bool)
    penalty = np.where(allowed, 0.0, -1e9).astype(scores.dtype)
    return scores + Tensor(penalty)
    ### END SOLUTION


# %%
def test_causal_mask():
    """causal_mask() lets every position look at itself and at what came before."""
    for n in (1, 2, 5):
        got = np.asarray(causal_mask(n))
        hint = "Hint: np.tril(np.ones((n, n), dtype=bool))."
        assert_close(f"causal_mask({n})", got, lower_triangle(n).astype(float), hint)
        assert got.dtype == bool, f"causal_mask({n}) should hold bool, got {got.dtype}. {hint}"


def test_mask_scores():
    """mask_scores() keeps allowed scores and makes the exponential of all others exactly zero."""
    generator = np.random.default_rng(2)
    array = generator.normal(size=(2, 3, 4, 4)).astype(np.float32)
    one_sequence_only = np.ones((2, 1, 1, 4), dtype=bool)
    one_sequence_only[1, 0, 0, 2] = False
    for mask in (lower_triangle(4), one_sequence_only):
        before = mask.copy()
        scores = Tensor(array.copy(), requires_grad=True)
        got = mask_scores(scores, mask)
        call = f"mask_scores(scores (2, 3, 4, 4), mask {mask.shape})"
        full = np.broadcast_to(mask, array.shape)
        hint = "Hint: scores + Tensor(np.where(mask, 0, -1e9)), in the dtype of the scores."
        kept = np.where(full, got.data, 0)
        assert_close(f"{call} where allowed", kept, np.where(full, array, 0), hint)
        assert_float32(call, got, hint)
        lowest = float(got.data.max(where=~full, initial=-np.inf))
        assert -np.inf < lowest < -1e6, (
            f"{call} where forbidden should be about -1e9 and finite, got {lowest}. {hint}"
        )
        assert np.array_equal(mask, before), (
            f"the mask should be the same after {call}, got another. "
            "Hint: do not write into the mask."
        )
        assert_close("the scores after the call", scores, array, "Hint: add into a new array.")
        grad = generator.normal(size=array.shape).astype(np.float32)
        got.backward(grad)
        kept = np.where(full, scores.grad, 0)
        assert_close(f"scores.grad of {call}", kept, np.where(full, grad, 0), hint)


# %% [markdown]
# ## 3. Attention
#
# Scores, mask, softmax along the keys (the last axis, so that the weights of one query add up to
# 1), and the weighted average of the values:
#
# $$ \text{Attention}(Q, K, V) = \text{softmax}\left(\frac{QK^{\top}}{\sqrt d}\right) V $$

# %%
#| export
def scaled_dot_product_attention(q, k, v, mask=None):
    """For every query the average of the values, weighted by how well the keys fit.

    q: Tensor (..., T, d). k: Tensor (..., S, d). v: Tensor (..., S, e).
    mask: array of bool that broadcasts against (..., T, S), True = may attend; None: no mask.

    Returns (out, weights): Tensors (..., T, e) and (..., T, S). Every row of weights sums to 1.

    Hints: 1. attention_scores; 2. mask_scores if there is a mask, before the softmax; 3. softmax
    over the last axis; 4. weights @ v.
    """
    ### BEGIN SOLUTION
    scores = attention_scores(q, k)
    if mask is not None:
        scores = mask_scores(scores, mask)
    weights = softmax(scores, axis=-1)
    return weights @ v, weights
    ### END SOLUTION


# %%
def random_arrays(shapes, seed):
    """One float64 array of normal numbers per shape."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) for shape in shapes]


def test_attention_by_hand():
    """A query that fits one key far better than the others reads exactly the value of that key."""
    q = Tensor(np.array([[100.0, 0.0], [0.0, 100.0], [0.0, 0.0]], dtype=np.float32))
    k = Tensor(np.array([[0.0, 10.0], [10.0, 0.0]], dtype=np.float32))
    v = Tensor(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]], dtype=np.float32))
    got = scaled_dot_product_attention(q, k, v)
    call = "scaled_dot_product_attention([[100, 0], [0, 100], [0, 0]], [[0, 10], [10, 0]], v)"
    fine = isinstance(got, tuple) and len(got) == 2
    assert fine, (
        f"{call} should be a pair (out, weights), got {type(got).__name__}. "
        "Hint: return weights @ v, weights."
    )
    out, weights = got
    hint = "Hint: softmax(scores, axis=-1) @ v; the third query fits both keys equally."
    assert_close(f"{call} weights", weights, [[0, 1], [1, 0], [0.5, 0.5]], hint)
    assert_close(f"{call} out", out, [[5, 6, 7], [1, 2, 3], [3, 4, 5]], hint)
    assert_float32(call, out, "Hint: no float64 array on the way.")


def test_attention_follows_the_formula():
    """Attention equals softmax(q k^T / sqrt(d)) v, with and without a mask, for stacks too."""
    for lead, t, s, d, e in (((), 3, 3, 2, 2), ((2,), 4, 4, 5, 3), ((2, 3), 3, 5, 4, 2)):
        q, k, v = random_arrays([(*lead, t, d), (*lead, s, d), (*lead, s, e)], seed=3)
        masks = [None, lower_triangle(max(t, s))[:t, :s]]
        for mask in masks:
            got, weights = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), mask)
            out, right = formula_attention(q, k, v, mask)
            call = f"attention(q {q.shape}, k {k.shape}, v {v.shape}, "
            call += "no mask)" if mask is None else "causal mask)"
            hint = "Hint: scores, then the mask, then softmax over the last axis, then @ v."
            assert_close(f"weights of {call}", weights, right, hint)
            assert_close(call, got, out, hint)


def test_attention_gradients():
    """Queries, keys and values get their numeric gradients, through the softmax and the mask."""
    for mask in (None, lower_triangle(3)):
        arrays = random_arrays([(2, 3, 2), (2, 3, 2), (2, 3, 4), (2, 3, 4)], seed=4)
        grad = arrays.pop()
        tensors = [Tensor(array, requires_grad=True) for array in arrays]
        scaled_dot_product_attention(*tensors, mask)[0].backward(grad)

        def total(q, k, v, mask=mask, grad=grad):
            return (formula_attention(q, k, v, mask)[0] * grad).sum()

        right = numeric_gradients(total, arrays)
        for name, tensor, expected in zip("qkv", tensors, right, strict=True):
            assert_close(
                f"{name}.grad of attention, {'no' if mask is None else 'causal'} mask",
                tensor.grad,
                expected,
                "Hint: stay with Tensors; .data or Tensor(...) on the way cuts the graph.",
            )


def test_attention_cannot_see_the_future():
    """With a causal mask, what comes later changes nothing; every row of weights still sums to 1."""
    q, k, v = random_arrays([(1, 2, 5, 3)] * 3, seed=5)
    mask = lower_triangle(5)
    first = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), mask)
    k[:, :, 3:], v[:, :, 3:] = 7.0, -9.0
    second = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), mask)
    hint = "Hint: mask the scores before the softmax, with a number so low that exp gives 0."
    call = "positions 0 to 2 of attention, after positions 3 and 4 changed,"
    assert_close(call, second[0].data[:, :, :3], first[0].data[:, :, :3], hint, 1e-12)
    sums = second[1].data.sum(axis=-1)
    assert_close("the sum of each row of weights", sums, np.ones((1, 2, 5)), hint)


# %% [markdown]
# ## 4. Several heads
#
# One softmax makes one choice. To look at the subject *and* at the verb takes two. So D numbers are
# divided into H *heads* of d = D / H; each head attends for itself, and the results are put side by
# side again. The cost is the same as that of one big head.
#
# ```
# (B, T, D)  --reshape-->  (B, T, H, d)  --swap T and H-->  (B, H, T, d)
# ```
#
# Both steps are needed. A reshape straight to `(B, H, T, d)` has the right shape and is wrong: it
# deals out *positions* to heads instead of *columns*, and nothing complains. The same goes for the
# way back: swap first, then reshape.

# %%
#| export
def split_heads(x, num_heads):
    """Deal out the columns: head h gets columns h * d to (h + 1) * d, with d = D / num_heads.

    x: Tensor (B, T, D). Returns a Tensor (B, num_heads, T, d).

    Hints: 1. reshape to (B, T, num_heads, d); 2. transpose(1, 2) swaps T and the heads.
    """
    ### BEGIN SOLUTION
    batch, length, dim = x.shape
    columns = dim // num_heads
    heads = x.reshape(batch, length, num_heads, columns)
    return heads.transpose(1, 2)
    ### END SOLUTION


def merge_heads(x):
    """Put the heads side by side again, the opposite of split_heads().

    x: Tensor (B, H, T, d). Returns a Tensor (B, T, H * d).

    Hints: 1. transpose(1, 2) back to (B, T, H, d); 2. then reshape.
    """
    ### BEGIN SOLUTION
    batch, num_heads, length, columns = x.shape
    rows = x.transpose(1, 2)
    return rows.reshape(batch, length, num_heads * columns)
    ### END SOLUTION


# %%
def test_split_heads():
    """split_heads() gives head h its own block of columns, for every position."""
    for batch, length, heads, size in ((2, 3, 2, 4), (1, 4, 3, 2), (2, 2, 1, 3)):
        (x,) = random_arrays([(batch, length, heads * size)], seed=6)
        expected = np.stack([x[:, :, h * size : (h + 1) * size] for h in range(heads)], axis=1)
        call = f"split_heads(x {x.shape}, {heads})"
        hint = "Hint: reshape to (B, T, H, d), then transpose(1, 2)."
        assert_close(call, split_heads(Tensor(x), heads), expected, hint)


def test_merge_heads():
    """merge_heads() puts the heads of a position side by side, head 0 first."""
    for shape in ((2, 2, 3, 4), (1, 3, 4, 2), (2, 1, 2, 3)):
        (x,) = random_arrays([shape], seed=7)
        expected = np.concatenate([x[:, h] for h in range(shape[1])], axis=-1)
        hint = "Hint: transpose(1, 2) first, then reshape to (B, T, H * d)."
        assert_close(f"merge_heads(x {shape})", merge_heads(Tensor(x)), expected, hint)


# %% [markdown]
# Queries, keys and values all come from the same x, through a `Linear` layer each; a fourth one
# mixes what the heads found.
#
# The first three have **no bias**. Look at what a bias b of the keys would do: the score becomes
# q·(k + b) = q·k + q·b, and q·b is the same number for every key. Softmax does not see what is
# added to a whole row, so the true gradient of b is zero, for ever. A parameter that cannot learn is
# not worth having.
#
# The layer keeps the weights of the last call in `.weights`, to look at. As an **array**: a
# `Tensor` among the attributes would be taken for a parameter by `parameters()`, and it would
# keep the whole graph alive.

# %%
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
        ### BEGIN SOLUTION
        if embed_dim % num_heads:
            raise ValueError(f"{embed_dim} columns cannot be shared by {num_heads} heads")
        self.q_proj = Linear(embed_dim, embed_dim, bias=False)
        self.k_proj = Linear(embed_dim, embed_dim, bias=False)
        self.v_proj = Linear(embed_dim, embed_dim, bias=False)
        self.out_proj = Linear(embed_dim, embed_dim)
        ### END SOLUTION

    def forward(self, x, mask=None):
        """Let every position look at every other one that the mask allows.

        x: Tensor (B, T, embed_dim). mask: array of bool, (T, T) say, True = may attend.

        Returns a Tensor (B, T, embed_dim), and keeps the weights, as an array, in self.weights.

        Hints: 1. project, then split_heads, three times; 2. scaled_dot_product_attention with the
        mask; 3. self.weights = weights.data; 4. merge_heads, then self.out_proj.
        """
        ### BEGIN SOLUTION
        q = split_heads(self.q_proj(x), self.num_heads)
        k = split_heads(self.k_proj(x), self.num_heads)
        v = split_heads(self.v_proj(x), self.num_heads)
        heads, weights = scaled_dot_product_attention(q, k, v, mask)
        self.weights = weights.data
        return self.out_proj(merge_heads(heads))
        ### END SOLUTION


# %%
def attention_parameters(layer):
    """The five parameters of a MultiHeadAttention, by name."""
    projections = (layer.q_proj, layer.k_proj, layer.v_proj, layer.out_proj)
    return [*(projection.weight for projection in projections), layer.out_proj.bias]


def set_parameters(tensors, seed):
    """Give the tensors random float64 numbers and return these."""
    arrays = random_arrays([tensor.shape for tensor in tensors], seed)
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.data = array.copy()
    return arrays


def test_multi_head_attention_makes_its_projections():
    """MultiHeadAttention makes four projections, of which only the last one has a bias."""
    layer = MultiHeadAttention(6, 3)
    hint = "Hint: Linear(embed_dim, embed_dim, bias=False) for q, k, v, and Linear for out."
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        shapes = [tensor.shape for tensor in getattr(layer, name).parameters()]
        expected = [(6, 6), (6,)] if name == "out_proj" else [(6, 6)]
        assert shapes == expected, (
            f"MultiHeadAttention(6, 3).{name}.parameters() should have shapes {expected}, "
            f"got {shapes}. {hint}"
        )
    try:
        MultiHeadAttention(6, 4)
    except ValueError:
        return
    raise AssertionError(
        "MultiHeadAttention(6, 4) should raise ValueError, got none. "
        "Hint: embed_dim % num_heads must be 0."
    )


def test_multi_head_attention_has_five_parameters():
    """MultiHeadAttention has four weights and one bias, before and after a call."""
    layer = MultiHeadAttention(6, 3)
    expected = [(6, 6), (6, 6), (6, 6), (6, 6), (6,)]
    hint = "Hint: q_proj, k_proj, v_proj without bias, out_proj with; keep weights.data only."
    x = Tensor(np.random.default_rng(8).normal(size=(2, 4, 6)).astype(np.float32))
    for moment in ("before", "after"):
        got = [tensor.shape for tensor in layer.parameters()]
        assert got == expected, (
            f"MultiHeadAttention(6, 3).parameters() {moment} a call should have shapes "
            f"{expected}, got {got}. {hint}"
        )
        assert_float32("MultiHeadAttention(6, 3)(float32 x)", layer(x), hint)


def test_multi_head_attention_follows_the_formula():
    """MultiHeadAttention equals attention head by head, joined and projected; it keeps the weights."""
    for heads, mask in ((1, None), (2, None), (2, lower_triangle(4)), (4, lower_triangle(4))):
        layer = MultiHeadAttention(8, heads)
        arrays = set_parameters(attention_parameters(layer), seed=9)
        (x,) = random_arrays([(2, 4, 8)], seed=10)
        layer(Tensor(x[:, ::-1]), mask)  # .weights are those of the last call
        got = layer(Tensor(x), mask)
        expected, weights = formula_heads(x, *arrays, heads, mask)
        kind = "no mask" if mask is None else "causal mask"
        call = f"MultiHeadAttention(8, {heads})(x (2, 4, 8), {kind})"
        hint = "Hint: split_heads, attention with the mask, merge_heads, out_proj."
        assert_close(call, got, expected, hint)
        assert isinstance(layer.weights, np.ndarray), (
            f".weights after {call} should be an ndarray, got {type(layer.weights).__name__}. "
            "Hint: self.weights = weights.data."
        )
        assert_close(f".weights after {call}", layer.weights, weights, hint)


def test_multi_head_attention_gradients():
    """Every projection and the input of MultiHeadAttention get their numeric gradients."""
    layer = MultiHeadAttention(4, 2)
    tensors = attention_parameters(layer)
    arrays = set_parameters(tensors, seed=11)
    x, grad = random_arrays([(2, 3, 4), (2, 3, 4)], seed=12)
    source = Tensor(x, requires_grad=True)
    layer(source, lower_triangle(3)).backward(grad)

    def total(x, *parameters):
        return (formula_heads(x, *parameters, 2, lower_triangle(3))[0] * grad).sum()

    right = numeric_gradients(total, [x, *arrays])
    names = ("x", "q_proj.weight", "k_proj.weight", "v_proj.weight", "out_proj.weight", "out_proj.bias")
    for name, tensor, expected in zip(names, [source, *tensors], right, strict=True):
        hint = "Hint: stay with Tensors from x to the result; .data cuts the graph."
        assert_close(f"{name}.grad of MultiHeadAttention(4, 2)", tensor.grad, expected, hint)


# %% [markdown]
# ## 5. LayerNorm
#
# Through many layers numbers drift: too large, too small, off to one side. LayerNorm puts every
# vector back, each one **for itself**: over its D entries, mean 0 and variance 1. Then it
# scales and shifts by two learned vectors, so that the network can undo it where that is better.
#
# $$ \text{out} = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \cdot w + b, \qquad
#    \mu = \tfrac1D \textstyle\sum_j x_j, \quad \sigma^2 = \tfrac1D \sum_j (x_j - \mu)^2 $$
#
# The ε keeps a vector of equal numbers, variance 0, from becoming 0/0. Mean and variance depend on x,
# and their gradient counts: taken as constants, through `.data` say, the forward pass is still
# right and every gradient is wrong. The public TinyTorch had exactly this bug.

# %%
#| export
def layer_norm(x, weight, bias, eps=1e-5):
    """Every vector with mean 0 and variance 1, then scaled and shifted.

    x: Tensor (..., D). weight, bias: Tensors (D,). Mean and variance are over the last axis, the
    variance divides by D.

    Returns a Tensor (..., D).

    Hints: 1. mean(axis=-1, keepdims=True) broadcasts against x; 2. the variance is the mean of the
    squares of what is left; 3. divide by (variance + eps) ** 0.5, then * weight + bias.
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred * (variance + eps) ** -0.5 * weight + bias
    ### END SOLUTION


class LayerNorm(Module):
    """A layer that normalises vectors. Attributes: weight and bias, Tensors (dim,); eps."""

    def __init__(self, dim, eps=1e-5):
        """Start without any effect: all scales 1, all shifts 0.

        Hint: np.ones and np.zeros; both are Tensors with requires_grad=True. Your Tensor keeps
        float64 arrays as they are, so ask for dtype=np.float32.
        """
        self.eps = eps
        ### BEGIN SOLUTION
        ones = np.ones(dim, dtype=np.float32)
        zeros = np.zeros(dim, dtype=np.float32)
        self.weight = Tensor(ones, requires_grad=True)
        self.bias = Tensor(zeros, requires_grad=True)
        ### END SOLUTION

    def forward(self, x):
        """Normalise the last axis of x, (..., dim).

        Hint: layer_norm() with the parameters and the eps of this layer.
        """
        ### BEGIN SOLUTION
        return layer_norm(x, self.weight, self.bias, self.eps)
        ### END SOLUTION


# %%
def test_layer_norm_follows_the_formula():
    """layer_norm() gives every vector by itself mean 0 and variance 1, then scales and shifts."""
    for shape in ((5,), (3, 4), (2, 3, 6)):
        x, weight, bias = random_arrays([shape, shape[-1:], shape[-1:]], seed=13)
        for eps in (1e-5, 0.5):
            got = layer_norm(Tensor(3 * x + 7), Tensor(weight), Tensor(bias), eps)
            expected = formula_norm(3 * x + 7, weight, bias, eps)
            call = f"layer_norm(x {shape}, weight, bias, eps={eps})"
            hint = "Hint: mean and variance over axis -1 only; eps is added to the variance."
            assert_close(call, got, expected, hint)


def test_layer_norm_of_equal_numbers():
    """A vector of equal numbers has variance 0 and becomes the bias, without dividing by zero."""
    x = Tensor(np.full((2, 4), 3.0, dtype=np.float32), requires_grad=True)
    layer = LayerNorm(4)
    layer.bias.data = np.arange(4, dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        got = layer(x)
        got.sum().backward()
    hint = "Hint: divide by the root of variance + eps."
    assert_close("LayerNorm(4)([3, 3, 3, 3]) with bias [0, 1, 2, 3]", got, [[0, 1, 2, 3]] * 2, hint)
    assert_close("x.grad there", x.grad, np.zeros((2, 4)), hint)


def test_layer_norm_gradients():
    """x, weight and bias get their numeric gradients: mean and variance are part of the graph."""
    arrays = random_arrays([(2, 2, 5), (5,), (5,), (2, 2, 5)], seed=14)
    grad = arrays.pop()
    tensors = [Tensor(array, requires_grad=True) for array in arrays]
    layer_norm(*tensors).backward(grad)

    def total(*arrays):
        return (formula_norm(*arrays) * grad).sum()

    right = numeric_gradients(total, arrays)
    for name, tensor, expected in zip(("x", "weight", "bias"), tensors, right, strict=True):
        assert_close(
            f"{name}.grad of layer_norm(x (2, 2, 5), weight, bias)",
            tensor.grad,
            expected,
            "Hint: compute mean and variance with Tensor operations, not from x.data.",
        )


def test_layer_norm_starts_without_effect():
    """LayerNorm makes scales of 1 and shifts of 0, float32, both trainable."""
    layer = LayerNorm(6)
    hint = "Hint: weight of ones and bias of zeros, dtype=np.float32, requires_grad=True."
    got = [tensor.shape for tensor in layer.parameters()]
    assert got == [(6,), (6,)], (
        f"LayerNorm(6).parameters() should have shapes [(6,), (6,)], got {got}. {hint}"
    )
    assert_close("LayerNorm(6).weight", layer.weight, np.ones(6), hint)
    assert_close("LayerNorm(6).bias", layer.bias, np.zeros(6), hint)
    for name, tensor in (("weight", layer.weight), ("bias", layer.bias)):
        assert_float32(f"LayerNorm(6).{name}", tensor, hint)


def test_layer_norm_layer():
    """LayerNorm normalises with its own weight, bias and eps."""
    layer = LayerNorm(6, eps=0.25)
    x = np.random.default_rng(15).normal(size=(2, 3, 6)).astype(np.float32)
    out = layer(Tensor(x))
    expected = formula_norm(x, 1, 0, 0.25)
    assert_close("LayerNorm(6, eps=0.25)(x (2, 3, 6))", out, expected, "Hint: pass self.eps on.")
    assert_float32("LayerNorm(6)(float32 x)", out, "Hint: weight and bias of dtype np.float32.")


# %% [markdown]
# ## 6. The block
#
# Attention moves information between positions. Then every position has to *think about* what it
# got: two `Linear` layers with a ReLU between them, on each position alone. Both steps are written as
# **corrections**: what comes out is added to what went in.
#
# ```
# x = x + attention(norm1(x))
# x = x + feed_forward(norm2(x))
# ```
#
# The sum is a straight road for the gradient: it reaches the first block of a hundred unhindered,
# as He and others showed for images in 2015 (*ResNet*). The norms stand *before* the two steps
# ("pre-norm", as in GPT-2), off the road.
#
# The feed-forward part is wider inside, four times by custom. Without the ReLU its two layers would
# be one, and without the second norm the first would have to serve two masters.

# %%
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
        ### BEGIN SOLUTION
        hidden = 4 * embed_dim if hidden is None else hidden
        self.norm1 = LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads)
        self.norm2 = LayerNorm(embed_dim)
        widen, narrow = Linear(embed_dim, hidden), Linear(hidden, embed_dim)
        self.feed_forward = Sequential(widen, ReLU(), narrow)
        ### END SOLUTION

    def forward(self, x, mask=None):
        """Correct x twice.

        x: Tensor (B, T, embed_dim). mask: array of bool, (T, T) say, True = may attend.

        Returns a Tensor (B, T, embed_dim).

        Hints: 1. x + attention of the first norm of x, with the mask; 2. that + feed_forward of
        the second norm of that.
        """
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm1(x), mask)
        return x + self.feed_forward(self.norm2(x))
        ### END SOLUTION


# %%
def block_parameters(block):
    """The 13 parameters of a TransformerBlock, by name."""
    return [
        *(block.norm1.weight, block.norm1.bias),
        *attention_parameters(block.attention),
        *(block.norm2.weight, block.norm2.bias),
        *block.feed_forward.parameters(),
    ]


def test_block_makes_its_parts():
    """TransformerBlock has two norms, attention and two Linear layers, four times as wide inside."""
    for hidden, width in ((None, 16), (5, 5)):
        block = TransformerBlock(4, 2, hidden)
        expected = [(4,), (4,), (4, 4), (4, 4), (4, 4), (4, 4), (4,), (4,), (4,)]
        expected += [(width, 4), (width,), (4, width), (4,)]
        got = [tensor.shape for tensor in block.parameters()]
        assert got == expected, (
            f"TransformerBlock(4, 2, hidden={hidden}).parameters() should have shapes {expected}, "
            f"got {got}. Hint: norm1, attention, norm2, feed_forward, each its own."
        )


def test_block_stays_float32():
    """TransformerBlock turns float32 vectors into float32 vectors of the same shape."""
    x = Tensor(np.random.default_rng(16).normal(size=(2, 3, 4)).astype(np.float32))
    got = TransformerBlock(4, 2)(x)
    assert got is not None, "TransformerBlock(4, 2)(x) should be a Tensor, got None. Hint: return it."
    assert got.shape == (2, 3, 4), (
        f"TransformerBlock(4, 2)(x (2, 3, 4)) should have shape (2, 3, 4), got {got.shape}. "
        "Hint: both corrections are added to x."
    )
    assert_float32("TransformerBlock(4, 2)(float32 x)", got, "Hint: parameters are float32.")


def test_block_corrects_its_input():
    """With both last layers at zero a TransformerBlock changes nothing: x takes the straight road."""
    block = TransformerBlock(4, 2)
    (x,) = random_arrays([(2, 3, 4)], seed=17)
    for tensor in (*attention_parameters(block.attention)[3:], *block.feed_forward.parameters()[2:]):
        tensor.data = np.zeros(tensor.shape)
    source = Tensor(x.copy(), requires_grad=True)
    got = block(source)
    hint = "Hint: x + attention(norm1(x)), and that + feed_forward(norm2(that))."
    assert_close("TransformerBlock with out_proj and last Linear at zero", got, x, hint)
    (grad,) = random_arrays([(2, 3, 4)], seed=18)
    got.backward(grad)
    assert_close("x.grad of that block", source.grad, grad, hint)


def test_block_follows_the_formula():
    """TransformerBlock equals its formula: norms first, ReLU inside, mask handed on."""
    for heads, mask in ((1, None), (2, lower_triangle(3))):
        block = TransformerBlock(4, heads)
        arrays = set_parameters(block_parameters(block), seed=19)
        (x,) = random_arrays([(2, 3, 4)], seed=20)
        expected = formula_block(x, *arrays, heads, mask)
        call = f"TransformerBlock(4, {heads})(x (2, 3, 4), "
        call += "no mask)" if mask is None else "causal mask)"
        hint = "Hint: x = x + attention(norm1(x), mask), then x + feed_forward(norm2(x))."
        assert_close(call, block(Tensor(x), mask), expected, hint)


def test_block_gradients():
    """All 13 parameters and the input of a TransformerBlock get their numeric gradients."""
    block = TransformerBlock(4, 2, hidden=3)
    tensors = block_parameters(block)
    arrays = set_parameters(tensors, seed=21)
    x, grad = random_arrays([(1, 3, 4), (1, 3, 4)], seed=22)
    source = Tensor(x, requires_grad=True)
    block(source, lower_triangle(3)).backward(grad)

    def total(x, *parameters):
        return (formula_block(x, *parameters, 2, lower_triangle(3)) * grad).sum()

    right = numeric_gradients(total, [x, *arrays])
    for number, (tensor, expected) in enumerate(zip([source, *tensors], right, strict=True)):
        name = "x" if number == 0 else f"parameter {number} of 13"
        assert_close(
            f"gradient of {name} of TransformerBlock(4, 2, hidden=3)",
            tensor.grad,
            expected,
            "Hint: a value that is used twice, like x here, adds up both gradients.",
        )


def test_block_cannot_see_the_future():
    """With a causal mask a TransformerBlock may be cut off anywhere: the beginning stays the same."""
    block = TransformerBlock(6, 2)
    set_parameters(block_parameters(block), seed=23)
    (x,) = random_arrays([(2, 5, 6)], seed=24)
    whole = block(Tensor(x), lower_triangle(5)).data
    for length in (1, 3, 4):
        part = block(Tensor(x[:, :length]), lower_triangle(length)).data
        assert_close(
            f"the first {length} of 5 positions of a TransformerBlock",
            part,
            whole[:, :length],
            "Hint: hand the mask to the attention; normalise every position by itself.",
            1e-9,
        )


# %% [markdown]
# ## See it
#
# A block that was not trained yet, and the causal weights of its first head: every row sums to 1,
# and the upper triangle is zero. After the milestone, look again.

# %%
block = TransformerBlock(8, 2)
block(Tensor(np.random.default_rng(0).normal(size=(1, 5, 8)).astype(np.float32)), causal_mask(5))
print(np.round(block.attention.weights[0, 0], 2))

# %% [markdown]
# ## What you have now
#
# A language model, but for its size:
#
# ```python
# x = PositionalEncoding(max_len, d)(Embedding(vocab, d)(tokens))
# x = TransformerBlock(d, heads)(x, causal_mask(length))
# logits = Linear(d, vocab)(LayerNorm(d)(x))
# ```
#
# The last norm is there because nothing else stands on the straight road: without it, four
# trainings of a hundred on the milestone's task ended with a wrong sequence or two in two hundred.
#
# You wrote every operation in it, from the addition of two arrays on. Commit this file, and run the
# last milestone: **2017 - Transformer**.
