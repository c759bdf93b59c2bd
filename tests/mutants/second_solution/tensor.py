"""Tensors whose operations carry their gradient as a closure, in the manner of micrograd."""

import numbers

import numpy as np

from tinytorch.core.setup import as_float_array


class Tensor:
    recording = [True]  # noqa: RUF012  # a stack that all tensors share
    __array_priority__ = 1000
    __array_ufunc__ = None

    def __init__(self, data, requires_grad=False):
        self.data = as_float_array(data.data if isinstance(data, Tensor) else data)
        self.requires_grad = requires_grad
        self.grad = None
        self.came_from = []  # pairs: a parent, and what turns our gradient into its own

    def zero_grad(self):
        self.grad = None

    def detach(self):
        return Tensor(self.data.copy())

    def numpy(self):
        return self.data

    def item(self):
        return float(self.data.ravel()[0])

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    size = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)
    T = property(lambda self: self.transpose())

    def __len__(self):
        return self.data.shape[0]

    def __repr__(self):
        return f"Tensor({self.data!r})"

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype)

    def backward(self, gradient=None):
        from tinytorch.core.autograd import run_backward

        run_backward(self, gradient)

    def __add__(self, other):
        a, b = pair(self, other)
        return result(a.data + b.data, (a, lambda g: g), (b, lambda g: g))

    __radd__ = __add__

    def __mul__(self, other):
        a, b = pair(self, other)
        return result(a.data * b.data, (a, lambda g: g * b.data), (b, lambda g: g * a.data))

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        a, b = pair(self, other)
        return a + (-b)

    def __rsub__(self, other):
        return (-self) + other

    def __pow__(self, exponent):
        if not isinstance(exponent, numbers.Real):
            raise TypeError("only numbers as exponents")
        if exponent == 0:
            return result(np.ones_like(self.data), (self, np.zeros_like))
        power = self.data.dtype.type(exponent)
        slope = lambda g: g * power * self.data ** (power - 1)
        return result(self.data**power, (self, slope))

    def __truediv__(self, other):
        a, b = pair(self, other)
        return a * b**-1

    def __rtruediv__(self, other):
        return pair(self, other)[1] / self

    def __matmul__(self, other):
        a, b = pair(self, other)
        if a.ndim == 1:
            return (a.reshape(1, -1) @ b).squeeze(-1 if b.ndim == 1 else -2)
        if b.ndim == 1:
            return (a @ b.reshape(-1, 1)).squeeze(-1)
        return result(
            np.einsum("...ij,...jk->...ik", a.data, b.data),
            (a, lambda g: np.einsum("...ik,...jk->...ij", g, b.data)),
            (b, lambda g: np.einsum("...ij,...ik->...jk", a.data, g)),
        )

    def __rmatmul__(self, other):
        return pair(self, other)[1] @ self

    def squeeze(self, axis):
        if self.ndim == 1:
            return self.reshape(())
        return result(self.data.squeeze(axis), (self, lambda g: np.expand_dims(g, axis)))

    def exp(self):
        value = np.exp(self.data)
        return result(value, (self, lambda g: g * value))

    def log(self):
        return result(np.log(self.data), (self, lambda g: g / self.data))

    def sum(self, axis=None, keepdims=False):
        kept = self.data.sum(axis=axis, keepdims=True)
        value = kept if keepdims else self.data.sum(axis=axis)
        spread = lambda g: np.reshape(g, kept.shape) * np.ones_like(self.data)
        return result(value, (self, spread))

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        return total * (total.size / self.size)

    def max(self, axis=None, keepdims=False):
        """Equal maxima share the gradient."""
        kept = self.data.max(axis=axis, keepdims=True)
        share = (self.data == kept).astype(self.dtype)
        share = share / share.sum(axis=axis, keepdims=True)
        value = self.data.max(axis=axis, keepdims=keepdims)
        return result(value, (self, lambda g: np.reshape(g, kept.shape) * share))

    def reshape(self, *shape):
        shape = shape[0] if shape and isinstance(shape[0], (tuple, list)) else shape
        value = np.ascontiguousarray(self.data).reshape(shape)
        return result(value, (self, lambda g: np.ascontiguousarray(g).reshape(self.shape)))

    def transpose(self, *axes):
        if len(axes) not in (0, 2):
            return self.permute(*axes)
        if self.ndim < 2:
            return self
        swap = lambda array: np.swapaxes(array, *(axes or (-1, -2)))
        return result(swap(self.data), (self, swap))

    def permute(self, *axes):
        axes = axes[0] if axes and isinstance(axes[0], (tuple, list)) else axes
        axes = [axis if axis >= 0 else axis + self.ndim for axis in axes]
        back = [axes.index(i) for i in range(self.ndim)]
        return result(np.transpose(self.data, axes), (self, lambda g: np.transpose(g, back)))

    def __getitem__(self, key):
        plain = lambda part: part.data.astype(int) if isinstance(part, Tensor) else part
        key = tuple(map(plain, key)) if isinstance(key, tuple) else plain(key)

        def back(g):
            places = np.arange(self.size).reshape(self.shape)[key]
            sums = np.bincount(places.ravel(), weights=g.ravel(), minlength=self.size)
            return sums.reshape(self.shape)

        return result(self.data[key], (self, back))


def pair(a, b):
    """Both as tensors; a number takes the dtype of the other."""
    if not isinstance(b, Tensor):
        b = Tensor(np.asarray(b, dtype=a.dtype) if np.ndim(b) == 0 else b)
    return a, b


def result(value, *came_from):
    """A tensor that remembers who needs a gradient, and how."""
    out = Tensor(np.asarray(value))
    if out.dtype != came_from[0][0].dtype and len(came_from) == 1:
        out.data = out.data.astype(came_from[0][0].dtype)
    asking = [(parent, rule) for parent, rule in came_from if parent.requires_grad]
    if Tensor.recording[0] and asking:
        out.requires_grad = True
        out.came_from = asking
    return out
