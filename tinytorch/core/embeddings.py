# Generated from modules/11_embeddings/embeddings.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["as_ids", "gather_rows", "scatter_rows", "embedding", "embedding_gradient", "Embedding", "frequencies", "sinusoidal_table", "PositionalEncoding"]


#| export
import numpy as np

from tinytorch.core.nn import Module
from tinytorch.core.setup import rng
from tinytorch.core.tensor import Tensor, gradient_of


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


#| export
def gather_rows(table, ids):
    """The rows of a table, one per id.

    table: (V, D) array. ids: array of integers of any shape, (B, T) say.

    Returns an array ids.shape + (D,), (B, T, D) say.

    Hint: an array of integers as an index gives the rows.
    """
    return table[ids]


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
    width = rows.shape[-1]
    addresses = ids.reshape(-1, 1) * width + np.arange(width)
    length = num_rows * width
    sums = np.bincount(addresses.reshape(-1), weights=rows.reshape(-1), minlength=length)
    return sums.reshape(num_rows, width).astype(rows.dtype)


#| export
def embedding(ids, weight):
    """Look up one row of the table per token.

    ids: Tensor, array or list of whole numbers, any shape, (B, T) say. weight: Tensor (V, D).

    Returns a Tensor ids.shape + (D,).

    Hints: 1. as_ids checks against the V rows; 2. gather_rows on weight.data; 3. end with
    Tensor.make(data, (weight,), "embedding", ids=ids).
    """
    ids = as_ids(ids, weight.shape[0])
    return Tensor.make(gather_rows(weight.data, ids), (weight,), "embedding", ids=ids)


@gradient_of("embedding")
def embedding_gradient(grad, out, weight, ids):
    """The gradient of embedding().

    grad: array ids.shape + (D,). ids: the array of integers that embedding() saved.

    Returns a tuple with one array (V, D).

    Hint: scatter_rows is the transpose of gather_rows.
    """
    return (scatter_rows(grad, ids, weight.shape[0]),)


#| export
class Embedding(Module):
    """A table with one vector per token. Attribute: weight, Tensor (num_embeddings, embedding_dim)."""

    def __init__(self, num_embeddings, embedding_dim):
        """Start with numbers from the normal distribution, mean 0, standard deviation 1.

        Hints: 1. rng().normal(size=...) draws float64, the library wants float32: .astype;
        2. a parameter is a Tensor with requires_grad=True.
        """
        table = rng().normal(size=(num_embeddings, embedding_dim)).astype(np.float32)
        self.weight = Tensor(table, requires_grad=True)

    def forward(self, ids):
        """Turn (B, T) token numbers into (B, T, embedding_dim) vectors.

        Hint: embedding() with the table of this layer.
        """
        return embedding(ids, self.weight)


#| export
def frequencies(dim):
    """The angular frequency of every pair of entries, in radians per position.

    Returns an array of (dim + 1) // 2 numbers, the i-th being 10000 ** (-2 * i / dim).

    Example: frequencies(4) is [1, 0.01].

    Hint: np.arange(0, dim, 2) counts 2 * i.
    """
    return 10000.0 ** (-np.arange(0, dim, 2) / dim)


def sinusoidal_table(length, dim):
    """One pattern of sines and cosines for each of the first positions.

    Returns a float32 array (length, dim): entry [t, 2i] is sin(t * frequency i) and entry
    [t, 2i + 1] is cos(t * frequency i). With an odd dim the last column is a sine.

    Hints: 1. angles (length, pairs): positions as a column times frequencies(dim); 2. every second
    column, from 0, is a sine; 3. from 1, a cosine, and there are dim // 2 of those.
    """
    positions = np.arange(length)[:, None]
    angles = positions * frequencies(dim)
    table = np.zeros((length, dim), dtype=np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : dim // 2])
    return table


#| export
class PositionalEncoding(Module):
    """Adds a learned vector per position. Attribute: weight, Tensor (max_len, embed_dim)."""

    def __init__(self, max_len, embed_dim):
        """Start as the sinusoidal table.

        Hint: a parameter is a Tensor with requires_grad=True.
        """
        self.weight = Tensor(sinusoidal_table(max_len, embed_dim), requires_grad=True)

    def forward(self, x):
        """Add the vector of position t to x[:, t].

        x: Tensor (B, T, embed_dim), T at most max_len. Returns a Tensor of the same shape.

        Raises ValueError if T is larger than max_len.

        Hints: 1. T is x.shape[1]; 2. embedding() of np.arange(T) has shape (T, embed_dim);
        3. add it to x.
        """
        length = x.shape[1]
        longest = self.weight.shape[0]
        if length > longest:
            raise ValueError(
                f"a sequence of {length} tokens does not fit into {longest} positions"
            )
        positions = np.arange(length)
        return x + embedding(positions, self.weight)
