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
# # 11 · Embeddings and positions
#
# A network computes with numbers. Words, letters and tokens are not numbers, they only *have*
# numbers: token 7 is not larger than token 3, and token 5 is not between 4 and 6. Feed the number
# itself into a `Linear` layer and you tell the network exactly that nonsense.
#
# An *embedding* gives every token a vector of its own, a row in a table. The rows are parameters:
# training moves tokens that are used alike to similar places.
#
# The second half of this lesson gives a token its **place**. Attention, in the next lesson, treats
# its input as a set: it sees which tokens there are, not in which order. "dog bites man" and "man
# bites dog" would be the same to it. So the position must become part of the vector.
#
# ## Why it mattered
#
# Yoshua Bengio and others trained word vectors inside a language model in 2003. In 2013 Tomas
# Mikolov's *word2vec* learned them from billions of words, and vectors began to do arithmetic: king
# minus man plus woman came out near queen. In 2017 the *Transformer* threw recurrence away, which
# had given earlier models their sense of order, and added a vector for the position instead. Every
# language model since then begins with the two tables that you build here.
#
# ## What you build
#
# | step | you write | shape |
# |---|---|---|
# | 1 | `as_ids` | anything that holds token numbers, to an array of integers |
# | 2 | `gather_rows`, `scatter_rows` | rows out of a table, and gradients back into it |
# | 3 | `embedding`, `embedding_gradient`, `Embedding` | `(B, T)` tokens to `(B, T, D)` vectors |
# | 4 | `frequencies`, `sinusoidal_table` | `(T, D)`, a pattern of waves for every position |
# | 5 | `PositionalEncoding` | adds a learned vector per position to `(B, T, D)` |
#
# B is the batch, T the length of the sequence ("time"), D the length of a vector.
#
# ## What will be checked
#
# The tests below use tables small enough to do by hand. The milestone **2017 - Transformer** then
# asks the network to copy a sequence. Which token to write is decided by where it stood, so a model
# without positions fails it, however good its attention is.

# %%
#| default_exp core.embeddings

# %%
#| export
import numpy as np

from tinytorch.core.nn import Module
from tinytorch.core.setup import rng
from tinytorch.core.tensor import Tensor, gradient_of

# %% [markdown]
# The next cell belongs to the tests.

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


def raised(function, *arguments):
    """The type of the exception that a call raises, or None."""
    try:
        function(*arguments)
    except (ValueError, IndexError, TypeError) as error:
        return type(error)
    return None


# %% [markdown]
# ## 1. Token numbers
#
# Tokens arrive as lists, as integer arrays, or as a `Tensor` out of a `DataLoader`, where your
# `Tensor` has made them float32: 3 became 3.0. An index must be an integer again.
#
# This is the door through which wrong data enters, so look twice here. NumPy would read row -1 as
# the last one and say nothing, and 2.7 would become 2. Both are mistakes of the caller, and a
# message at the door is worth an evening of searching. PyTorch refuses both as well.

# %%
#| export
def as_ids(ids, num_embeddings):
    """Token numbers as an array of int64, checked.

    ids: Tensor, array or list of any shape, holding whole numbers.
    num_embeddings: number of rows of the table; every id must lie in [0, num_embeddings).

    Raises ValueError for numbers that are not whole, IndexError for numbers without a row.

    Example: as_ids(Tensor([[3.0, 0.0]]), 5) is array([[3, 0]]).

    Hints: 1. a Tensor keeps its array in .data; 2. after astype(np.int64), a whole number is
    still equal to what it was; 3. check min() and max(), but an empty array has neither.
    """
    ### BEGIN SOLUTION
    given = ids.data if isinstance(ids, Tensor) else np.asarray(ids)
    whole = given.astype(np.int64)
    if not np.array_equal(whole, given):
        raise ValueError("token numbers must be whole")
    if whole.size == 0:
        return whole
    lowest, highest = whole.min(), whole.max()
    if lowest < 0 or highest >= num_embeddings:
        raise IndexError(
            f"token numbers must lie in [0, {num_embeddings}), got {lowest} to {highest}"
        )
    return whole
    ### END SOLUTION


# %%
def test_as_ids():
    """as_ids() turns tensors, arrays and lists of whole numbers into integers of the same shape."""
    right = np.array([[3, 0, 4], [1, 1, 2]])
    for given in (Tensor(right), right, right.tolist(), right.astype(np.int32)):
        call = f"as_ids({type(given).__name__} of shape (2, 3), 5)"
        got = as_ids(given, 5)
        assert_close(call, got, right, "Hint: keep the shape; a Tensor keeps its array in .data.")
        assert np.asarray(got).dtype == np.int64, (
            f"{call} should have dtype int64, got {np.asarray(got).dtype}. "
            "Hint: end with astype(np.int64)."
        )
    empty = np.asarray(as_ids(np.zeros((2, 0), dtype=int), 5))
    assert empty.shape == (2, 0), (
        f"as_ids(an empty array (2, 0), 5) should have shape (2, 0), got {empty.shape}. "
        "Hint: an empty array has no min(): ask for .size first."
    )


def test_as_ids_refuses_what_has_no_row():
    """as_ids() raises IndexError for numbers outside the table, ValueError for parts of numbers."""
    cases = [
        ([0, 5], IndexError, "row 5 of a table with 5 rows, 0 to 4"),
        ([-1, 2], IndexError, "a negative number"),
        ([0, 4], None, "the first and the last row"),
        ([1.5, 2.0], ValueError, "a number that is not whole"),
    ]
    for ids, expected, what in cases:
        got = raised(as_ids, ids, 5)
        assert got is expected, (
            f"as_ids({ids}, 5), {what}, should raise {expected and expected.__name__}, "
            f"got {got and got.__name__}. Hint: compare before and after astype, then the range."
        )


# %% [markdown]
# ## 2. Out of a table, and back into it
#
# Looking up rows is one NumPy expression, for ids of any shape. Algebra has another picture of it,
# which is worth having: write each id as a row with a single 1, `one_hot(ids)` of shape (n, V), and
# the look-up is the matrix product
#
# $$ \text{rows} = \text{onehot} \cdot \text{table}, \qquad
#    \frac{\partial L}{\partial\, \text{table}} = \text{onehot}^{\top} \cdot
#    \frac{\partial L}{\partial\, \text{rows}} $$
#
# The picture is right and the computation would be a waste: nearly all of that matrix is zero.
# What remains of the second formula when the zeros are gone: **the gradient of every looked-up row
# is added to the row of the table that it came from.** A token that occurs three times gets the
# sum of three gradients.
#
# And here is the trap of this lesson. `table[ids] += grads` looks as if it did that, but NumPy
# first reads all rows, adds, and then writes: with repeated ids the last write wins and the others
# are lost. Use `np.add.at`, which adds one after the other, or `np.bincount`, which sums numbers
# that have the same address.

# %%
#| export
def gather_rows(table, ids):
    """The rows of a table, one per id.

    table: (V, D) array. ids: array of integers of any shape, (B, T) say.

    Returns an array ids.shape + (D,), (B, T, D) say.

    Hint: an array of integers as an index gives the rows.
    """
    ### BEGIN SOLUTION
    return table[ids]
    ### END SOLUTION


def scatter_rows(rows, ids, num_rows):
    """The transpose of gather_rows(): every row is added to the place it was taken from.

    rows: array ids.shape + (D,). ids: array of integers in [0, num_rows).

    Returns an array (num_rows, D) of the dtype of rows; zero where no id points to.

    Example: scatter_rows(np.array([[1.0], [2.0], [4.0]]), np.array([1, 0, 1]), 3) is
    [[2], [5], [0]].

    Hints: 1. lay out: ids to (n,), rows to (n, D); 2. zeros of shape (num_rows, D); 3. np.add.at,
    because += forgets repeated ids. Or: the address of entry d of row id is id * D + d, and
    np.bincount(addresses, weights=numbers, minlength=num_rows * D) adds what has one address.
    """
    ### BEGIN SOLUTION
    width = rows.shape[-1]
    addresses = ids.reshape(-1, 1) * width + np.arange(width)
    length = num_rows * width
    sums = np.bincount(addresses.reshape(-1), weights=rows.reshape(-1), minlength=length)
    return sums.reshape(num_rows, width).astype(rows.dtype)
    ### END SOLUTION


# %%
def test_gather_rows():
    """gather_rows() puts a row of the table in the place of every id, whatever their shape."""
    table = np.array([[0.0, 1], [10, 11], [20, 21]])
    for ids in (np.array([2, 0, 2]), np.array([[1, 1], [0, 2]]), np.array(1)):
        expected = np.array([table[i] for i in ids.reshape(-1)]).reshape(*ids.shape, 2)
        assert_close(
            f"gather_rows([[0, 1], [10, 11], [20, 21]], {ids.tolist()})",
            gather_rows(table, ids),
            expected,
            "Hint: table[ids].",
        )


def test_scatter_rows_adds_repeated_ids():
    """scatter_rows() adds up the rows of an id that occurs several times; others stay zero."""
    generator = np.random.default_rng(1)
    for shape in ((6,), (2, 5), (1, 1)):
        ids = generator.integers(0, 3, size=shape)
        rows = generator.normal(size=(*shape, 4))
        expected = np.zeros((5, 4))
        for i, row in zip(ids.reshape(-1), rows.reshape(-1, 4), strict=True):
            expected[i] = expected[i] + row
        assert_close(
            f"scatter_rows(rows, {ids.tolist()}, 5)",
            scatter_rows(rows, ids, 5),
            expected,
            "Hint: table[ids] += rows keeps one of several equal ids; np.add.at adds them all.",
        )
    got = scatter_rows(np.ones((2, 3), dtype=np.float32), np.array([1, 1]), 2)
    assert_close(
        "scatter_rows(ones (2, 3), [1, 1], 2)", got, [[0, 0, 0], [2, 2, 2]], "Hint: add, not mean."
    )
    assert got.dtype == np.float32, (
        f"scatter_rows(float32 rows, ...) should stay float32, got {got.dtype}. "
        "Hint: give the result the dtype of rows."
    )


# %% [markdown]
# ## 3. The operation and its layer
#
# As in the lessons before: an operation makes its result with `Tensor.make`, and a rule turns the
# arriving gradient into one for the table. The ids are no parent. They are not a quantity that
# could be changed a little; they are saved for the rule.

# %%
#| export
def embedding(ids, weight):
    """Look up one row of the table per token.

    ids: Tensor, array or list of whole numbers, any shape, (B, T) say. weight: Tensor (V, D).

    Returns a Tensor ids.shape + (D,).

    Hints: 1. as_ids checks against the V rows; 2. gather_rows on weight.data; 3. end with
    Tensor.make(data, (weight,), "embedding", ids=ids).
    """
    ### BEGIN SOLUTION
    ids = as_ids(ids, weight.shape[0])
    return Tensor.make(gather_rows(weight.data, ids), (weight,), "embedding", ids=ids)
    ### END SOLUTION


@gradient_of("embedding")
def embedding_gradient(grad, out, weight, ids):
    """The gradient of embedding().

    grad: array ids.shape + (D,). ids: the array of integers that embedding() saved.

    Returns a tuple with one array (V, D).

    Hint: scatter_rows is the transpose of gather_rows.
    """
    ### BEGIN SOLUTION
    return (scatter_rows(grad, ids, weight.shape[0]),)
    ### END SOLUTION


# %%
def test_embedding_looks_up_rows():
    """embedding() equals the one-hot product, for tokens that come as Tensor, array or list."""
    generator = np.random.default_rng(2)
    table = generator.normal(size=(5, 3)).astype(np.float32)
    ids = np.array([[4, 0, 2, 2], [1, 1, 3, 0]])
    expected = (ids[..., None] == np.arange(5)) @ table
    for given in (Tensor(ids), ids, ids.tolist()):
        got = embedding(given, Tensor(table))
        call = f"embedding({type(given).__name__} (2, 4), weight (5, 3))"
        assert_close(call, got, expected, "Hint: gather_rows(weight.data, as_ids(ids, V)).")
        assert got.dtype == np.float32, (
            f"{call} should be float32, got {got.dtype}. Hint: rows keep the dtype of the table."
        )
    assert raised(embedding, [5], Tensor(table)) is IndexError, (
        "embedding([5], weight (5, 3)) should raise IndexError, got none. "
        "Hint: as_ids(ids, weight.shape[0])."
    )


def test_embedding_gradient_adds_up():
    """Every occurrence of a token adds to the gradient of its row; unused rows get zero."""
    generator = np.random.default_rng(3)
    weight = Tensor(generator.normal(size=(5, 3)), requires_grad=True)
    ids = np.array([[4, 0, 2, 2], [1, 1, 2, 0]])
    out = embedding(Tensor(ids), weight)
    grad = generator.normal(size=(2, 4, 3))
    out.backward(grad)
    one_hot = (ids[..., None] == np.arange(5)).reshape(8, 5)
    expected = one_hot.T @ grad.reshape(8, 3)
    hint = "Hint: scatter_rows(grad, ids, number of rows); repeated tokens add up."
    call = "weight.grad of embedding([[4, 0, 2, 2], [1, 1, 2, 0]], weight)"
    assert_close(call, weight.grad, expected, hint)
    embedding([3], weight).backward(np.ones((1, 3)))
    expected[3] += 1
    assert_close("weight.grad after a second use of token 3", weight.grad, expected, hint)


# %% [markdown]
# The layer owns the table. PyTorch starts it with normally distributed numbers, mean 0 and
# standard deviation 1: no division by a fan-in, because a look-up adds nothing up.

# %%
#| export
class Embedding(Module):
    """A table with one vector per token. Attribute: weight, Tensor (num_embeddings, embedding_dim)."""

    def __init__(self, num_embeddings, embedding_dim):
        """Start with numbers from the normal distribution, mean 0, standard deviation 1.

        Hints: 1. rng().normal(size=...) draws float64, the library wants float32: .astype;
        2. a parameter is a Tensor with requires_grad=True.
        """
        ### BEGIN SOLUTION
        table = rng().normal(size=(num_embeddings, embedding_dim)).astype(np.float32)
        self.weight = Tensor(table, requires_grad=True)
        ### END SOLUTION

    def forward(self, ids):
        """Turn (B, T) token numbers into (B, T, embedding_dim) vectors.

        Hint: embedding() with the table of this layer.
        """
        ### BEGIN SOLUTION
        return embedding(ids, self.weight)
        ### END SOLUTION


# %%
def test_embedding_starts_normal():
    """Embedding makes one trainable float32 table of normal numbers."""
    layer = Embedding(400, 50)
    shapes = [tensor.shape for tensor in layer.parameters()]
    assert shapes == [(400, 50)], (
        f"Embedding(400, 50).parameters() should have shapes [(400, 50)], got {shapes}. "
        "Hint: self.weight = Tensor(table, requires_grad=True)."
    )
    weight = layer.weight.data
    assert weight.dtype == np.float32, (
        f"Embedding(400, 50).weight should be float32, got {weight.dtype}. "
        "Hint: .astype(np.float32)."
    )
    # 20,000 numbers: the standard deviation of their mean is 0.007, of their deviation 0.005
    mean, deviation = float(weight.mean()), float(weight.std())
    assert max(abs(mean), abs(deviation - 1)) < 0.05, (
        "Embedding(400, 50).weight should have mean 0 and deviation 1, "
        f"got {mean:.3f} and {deviation:.3f}. Hint: rng().normal(size=...)."
    )
    assert not np.array_equal(Embedding(3, 4).weight.data, Embedding(3, 4).weight.data), (
        "two layers Embedding(3, 4) should start with different tables, got the same. "
        "Hint: do not seed anything inside the layer."
    )


def test_embedding_layer():
    """Embedding looks up the rows of its own table."""
    layer = Embedding(9, 4)
    weight = np.random.default_rng(7).normal(size=(9, 4)).astype(np.float32)
    layer.weight.data = weight
    got = layer(Tensor([[7, 8, 7]]))
    expected = np.stack([weight[7], weight[8], weight[7]])[None]
    hint = "Hint: embedding(ids, self.weight)."
    assert_close("Embedding(9, 4)([[7, 8, 7]])", got, expected, hint)


# %% [markdown]
# ## 4. A pattern for every position
#
# How can a vector say "position 13"? The number 13 itself would grow without bound. Write it in
# binary instead, 1101: the last digit changes at every step, the one before at every second step,
# and so on. Each digit is a wave of another length.
#
# The Transformer of 2017 does that with smooth waves. Pair number i of the D entries gets the
# frequency
#
# $$ \omega_i = 10000^{-2i/D}, \qquad i = 0, 1, \dots $$
#
# and position t has, in turn, the sine and the cosine of it:
#
# $$ \text{table}[t, 2i] = \sin(t\,\omega_i), \qquad \text{table}[t, 2i+1] = \cos(t\,\omega_i) $$
#
# The first pair turns by one radian per step, the last takes tens of thousands of steps for a turn.
# Sine and cosine together are the hand of a clock, so "k steps later" is the same rotation at every
# position, which a linear layer can learn.
#
# Mind the 2: the exponent is 2i/D with i counting *pairs*. With i/D the slowest wave would be a
# hundred times too fast, and nothing would tell you: the network still trains.

# %%
#| export
def frequencies(dim):
    """The angular frequency of every pair of entries, in radians per position.

    Returns an array of (dim + 1) // 2 numbers, the i-th being 10000 ** (-2 * i / dim).

    Example: frequencies(4) is [1, 0.01].

    Hint: np.arange(0, dim, 2) counts 2 * i.
    """
    ### BEGIN SOLUTION
    return 10000.0 ** (-np.arange(0, dim, 2) / dim)
    ### END SOLUTION


def sinusoidal_table(length, dim):
    """One pattern of sines and cosines for each of the first positions.

    Returns a float32 array (length, dim): entry [t, 2i] is sin(t * frequency i) and entry
    [t, 2i + 1] is cos(t * frequency i). With an odd dim the last column is a sine.

    Hints: 1. angles (length, pairs): positions as a column times frequencies(dim); 2. every second
    column, from 0, is a sine; 3. from 1, a cosine, and there are dim // 2 of those.
    """
    ### BEGIN SOLUTION
    positions = np.arange(length)[:, None]
    angles = positions * frequencies(dim)
    table = np.zeros((length, dim), dtype=np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : dim // 2])
    return table
    ### END SOLUTION


# %%
def test_frequencies():
    """frequencies() falls from 1 by the same factor per pair, 10000 ** (-2 i / dim)."""
    for dim in (2, 4, 7, 16):
        expected = [1 / 10000 ** (2 * i / dim) for i in range((dim + 1) // 2)]
        assert_close(
            f"frequencies({dim})",
            frequencies(dim),
            expected,
            "Hint: np.arange(0, dim, 2) is 2 * i; divide it by dim.",
            1e-9,
        )


def test_sinusoidal_table():
    """sinusoidal_table() alternates sine and cosine of position times frequency, from position 0."""
    for length, dim in ((1, 2), (6, 4), (50, 16), (5, 7)):
        expected = np.zeros((length, dim))
        for t in range(length):
            for column in range(dim):
                angle = t / 10000 ** (2 * (column // 2) / dim)
                expected[t, column] = np.cos(angle) if column % 2 else np.sin(angle)
        got = sinusoidal_table(length, dim)
        call = f"sinusoidal_table({length}, {dim})"
        hint = "Hint: sines in columns 0, 2, 4, ..., cosines in 1, 3, 5, ..., position 0 first."
        assert_close(call, got, expected, hint)
        assert got.dtype == np.float32, (
            f"{call} should be float32, got {got.dtype}. Hint: np.zeros(..., dtype=np.float32)."
        )


# %% [markdown]
# ## See it
#
# Columns are the entries of the vector, rows the positions. On the left the fast waves, on the right
# the slow ones, like the digits of a counter.

# %%
for row in sinusoidal_table(16, 24):
    print("".join(" .:-=+*#%@"[int(4.5 * (value + 1))] for value in row))

# %% [markdown]
# ## 5. Positions that learn
#
# The paper found that fixed waves and learned position vectors do equally well; BERT and GPT-2
# learn them. We take the best of both: a table of parameters that *starts* as the waves.
#
# A position is then nothing but a second token: its numbers are 0, 1, 2, ..., T - 1, its table is
# looked up by the operation that you already have, and its vectors are **added** to those of the
# tokens. All sequences of the batch get the same ones, so `(T, D)` broadcasts over `(B, T, D)`, and
# the gradient of position t is the sum over the batch: your `unbroadcast` sees to it.
#
# A table has an end. A sequence that is longer must be refused, not cut short in silence.

# %%
#| export
class PositionalEncoding(Module):
    """Adds a learned vector per position. Attribute: weight, Tensor (max_len, embed_dim)."""

    def __init__(self, max_len, embed_dim):
        """Start as the sinusoidal table.

        Hint: a parameter is a Tensor with requires_grad=True.
        """
        ### BEGIN SOLUTION
        self.weight = Tensor(sinusoidal_table(max_len, embed_dim), requires_grad=True)
        ### END SOLUTION

    def forward(self, x):
        """Add the vector of position t to x[:, t].

        x: Tensor (B, T, embed_dim), T at most max_len. Returns a Tensor of the same shape.

        Raises ValueError if T is larger than max_len.

        Hints: 1. T is x.shape[1]; 2. embedding() of np.arange(T) has shape (T, embed_dim);
        3. add it to x.
        """
        ### BEGIN SOLUTION
        length = x.shape[1]
        longest = self.weight.shape[0]
        if length > longest:
            raise ValueError(
                f"a sequence of {length} tokens does not fit into {longest} positions"
            )
        positions = np.arange(length)
        return x + embedding(positions, self.weight)
        ### END SOLUTION


# %%
def test_positions_start_as_waves():
    """PositionalEncoding makes one trainable table that starts as the sinusoidal one."""
    layer = PositionalEncoding(6, 4)
    shapes = [tensor.shape for tensor in layer.parameters()]
    assert shapes == [(6, 4)], (
        f"PositionalEncoding(6, 4).parameters() should have shapes [(6, 4)], got {shapes}. "
        "Hint: self.weight = Tensor(table, requires_grad=True)."
    )
    waves = [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]]
    assert_close(
        "PositionalEncoding(6, 4).weight, first two rows",
        layer.weight.data[:2],
        waves,
        "Hint: start as sinusoidal_table(max_len, embed_dim).",
    )


def test_positions_are_added():
    """PositionalEncoding adds the first T rows of its table to every sequence of the batch."""
    layer = PositionalEncoding(6, 4)
    table = np.random.default_rng(4).normal(size=(6, 4)).astype(np.float32)
    layer.weight.data = table
    for length in (1, 3, 4, 6):
        x = np.random.default_rng(length).normal(size=(2, length, 4)).astype(np.float32)
        before = x.copy()
        got = layer(Tensor(x))
        call = f"PositionalEncoding(6, 4)(x of shape (2, {length}, 4))"
        hint = "Hint: x + embedding(np.arange(T), self.weight), with T = x.shape[1]."
        assert_close(call, got, before + np.stack([table[:length]] * 2), hint)
        assert_close("x after the call", x, before, "Hint: add into a new array.")
        assert got.dtype == np.float32, (
            f"{call} should be float32, got {got.dtype}. Hint: the table is float32."
        )


def test_positions_are_learned():
    """The gradient of the position table is the sum over the batch."""
    layer = PositionalEncoding(5, 3)
    generator = np.random.default_rng(5)
    layer.weight.data = generator.normal(size=(5, 3))
    x = Tensor(generator.normal(size=(4, 3, 3)), requires_grad=True)
    grad = generator.normal(size=(4, 3, 3))
    layer(x).backward(grad)
    expected = np.zeros((5, 3))
    for sequence in grad:
        expected[:3] += sequence
    hint = "Hint: add the looked-up rows as a Tensor, so that the graph knows them."
    assert_close("weight.grad of PositionalEncoding(5, 3)", layer.weight.grad, expected, hint)
    assert_close("x.grad of PositionalEncoding(5, 3)", x.grad, grad, hint)


def test_too_long_a_sequence_is_refused():
    """PositionalEncoding raises ValueError for a sequence longer than its table."""
    layer = PositionalEncoding(4, 2)
    fits = raised(layer, Tensor(np.zeros((1, 4, 2), dtype=np.float32)))
    assert fits is None, (
        f"PositionalEncoding(4, 2)(x of shape (1, 4, 2)) should work, got {fits and fits.__name__}. "
        "Hint: T may be equal to max_len."
    )
    for length in (5, 9):
        got = raised(layer, Tensor(np.zeros((1, length, 2), dtype=np.float32)))
        assert got is ValueError, (
            f"PositionalEncoding(4, 2)(x of shape (1, {length}, 2)) should raise ValueError, "
            f"got {got and got.__name__}. Hint: compare x.shape[1] with the rows of the table."
        )


# %% [markdown]
# ## All together
#
# Tokens in, vectors out, and one backward pass fills both tables.

# %%
def test_tokens_and_positions_train_together():
    """One descent step on both tables lowers the squared error as the formula says."""
    ids = np.array([[1, 0, 1], [2, 2, 1]])
    generator = np.random.default_rng(6)
    tokens, places = Embedding(3, 2), PositionalEncoding(4, 2)
    table, positions = generator.normal(size=(3, 2)), generator.normal(size=(4, 2))
    target = generator.normal(size=(2, 3, 2))
    tokens.weight.data, places.weight.data = table.copy(), positions.copy()
    error = places(tokens(Tensor(ids))) - Tensor(target)
    (error * error).sum().backward()
    slope = 2 * (table[ids] + positions[:3] - target)
    by_token = np.array([slope[ids == token].sum(axis=0) for token in range(3)])
    by_place = np.concatenate([slope.sum(axis=0), np.zeros((1, 2))])
    assert_close(
        "tokens.weight.grad for [[1, 0, 1], [2, 2, 1]]",
        tokens.weight.grad,
        by_token,
        "Hint: the gradient passes the addition of positions unchanged.",
    )
    assert_close(
        "places.weight.grad for [[1, 0, 1], [2, 2, 1]]",
        places.weight.grad,
        by_place,
        "Hint: position 3 was not used and gets zero.",
    )


# %% [markdown]
# ## What you have now
#
# The entrance of every language model: `PositionalEncoding(max_len, d)(Embedding(vocab, d)(tokens))`.
# Two tokens that are equal now differ by where they stand, and the next lesson, attention, can ask
# both questions: *what* is there, and *where*.
