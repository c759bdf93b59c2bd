"""Look-ups as products with one-hot rows; waves entry by entry."""

import math

import numpy as np

from tinytorch.core.nn import Module
from tinytorch.core.setup import FLOAT, rng
from tinytorch.core.tensor import Tensor


class Embedding(Module):
    def __init__(self, num_embeddings, embedding_dim):
        table = rng().randn(num_embeddings, embedding_dim).astype(FLOAT)
        self.weight = Tensor(table, requires_grad=True)

    def forward(self, ids):
        ids = np.asarray(ids.data if isinstance(ids, Tensor) else ids).astype(int)
        rows, dim = self.weight.shape
        if np.any(ids < 0) or np.any(ids >= rows):
            raise IndexError("no such row")
        codes = (ids.reshape(-1, 1) == np.arange(rows)).astype(self.weight.dtype)
        return (Tensor(codes) @ self.weight).reshape(*ids.shape, dim)


def sinusoidal_table(length, dim):
    table = np.zeros((length, dim), FLOAT)
    for position in range(length):
        for column in range(dim):
            angle = position / math.pow(10000, (column - column % 2) / dim)
            table[position, column] = math.cos(angle) if column % 2 else math.sin(angle)
    return table


class PositionalEncoding(Module):
    def __init__(self, max_len, embed_dim):
        self.weight = Tensor(sinusoidal_table(max_len, embed_dim), requires_grad=True)

    def forward(self, x):
        if x.shape[1] > len(self.weight):
            raise ValueError("the sequence is too long")
        return self.weight[: x.shape[1]] + x
