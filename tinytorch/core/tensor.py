# Generated from modules/01_tensor/tensor.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["GRADIENTS", "gradient_of", "Tensor", "record", "neg", "exp", "as_tensor", "operands", "add", "sub", "mul", "div", "power", "log", "matmul", "reduce_sum", "reduce_mean", "reduce_max", "reshape", "permute", "transpose", "index_arrays", "getitem"]


#| export
import numbers

import numpy as np

from tinytorch.core.setup import as_float_array


#| export
GRADIENTS = {}


def gradient_of(op):
    """Register the decorated function as the gradient rule of the operation named op.

    A rule has the signature rule(grad, out, *parents, **saved) and returns a tuple with one
    array (or None) per parent. grad is dL/d(out.data), an array shaped like out.
    """

    def register(rule):
        GRADIENTS[op] = rule
        return rule

    return register


class Tensor:
    """An array that knows how it was computed."""

    recording = True  # no_grad() of 02_autograd switches this off for a while
    __array_ufunc__ = None  # array + tensor must call Tensor.__radd__, not loop in NumPy

    def __init__(self, data, requires_grad=False):
        if data is None:  # NumPy would make NaN of it, and every number after it NaN as well
            raise TypeError("Tensor(None): did a function forget to return its result?")
        self.data = as_float_array(data.data if isinstance(data, Tensor) else data)
        self.requires_grad = requires_grad
        self.grad = None
        self._parents = ()
        self._op = ""
        self._saved = {}

    @staticmethod
    def make(data, parents, op, **saved):
        """Return the result of operation op on parents; see record()."""
        return record(data, parents, op, saved)

    @property
    def shape(self):
        return self.data.shape

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def size(self):
        return self.data.size

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def T(self):
        return transpose(self)

    def item(self):
        """Return the only entry as a Python number."""
        return self.data.item()

    def numpy(self):
        """Return the array itself, without a copy."""
        return self.data

    def detach(self):
        """Return a tensor with the same data that is no part of the graph."""
        return Tensor(self.data)

    def zero_grad(self):
        self.grad = None

    def backward(self, gradient=None):
        """Fill .grad of every leaf that this tensor was computed from (02_autograd)."""
        from tinytorch.core.autograd import backward

        backward(self, gradient)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype) if copy else np.asarray(self.data, dtype=dtype)

    def __repr__(self):
        tail = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.data, separator=', ', prefix='Tensor(')}{tail})"

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.data)  # without it Python would ask __len__: a loss of 0 would be true

    def __float__(self):
        return float(self.item())

    def __add__(self, other):
        return add(self, other)

    def __radd__(self, other):
        return add(other, self)

    def __sub__(self, other):
        return sub(self, other)

    def __rsub__(self, other):
        return sub(other, self)

    def __mul__(self, other):
        return mul(self, other)

    def __rmul__(self, other):
        return mul(other, self)

    def __truediv__(self, other):
        return div(self, other)

    def __rtruediv__(self, other):
        return div(other, self)

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)

    def __neg__(self):
        return neg(self)

    def __pow__(self, exponent):
        return power(self, exponent)

    def __getitem__(self, key):
        return getitem(self, key)

    def exp(self):
        return exp(self)

    def log(self):
        return log(self)

    # NumPy says axis and keepdims, PyTorch dim and keepdim, and understands both. So do these.

    def sum(self, axis=None, keepdims=False, *, dim=None, keepdim=False):
        return reduce_sum(self, axis if dim is None else dim, keepdims or keepdim)

    def mean(self, axis=None, keepdims=False, *, dim=None, keepdim=False):
        return reduce_mean(self, axis if dim is None else dim, keepdims or keepdim)

    def max(self, axis=None, keepdims=False, *, dim=None, keepdim=False):
        return reduce_max(self, axis if dim is None else dim, keepdims or keepdim)

    def reshape(self, *shape):
        return reshape(self, *shape)

    def permute(self, *axes):
        return permute(self, *axes)

    def transpose(self, *axes):
        return transpose(self, *axes)


#| export
def record(data, parents, op, saved):
    """Build the result of an operation, and remember how it was made if a gradient needs it.

    data: the numbers of the result. parents: tuple of Tensors it was computed from.
    op: name of the operation. saved: dict of what its gradient rule will want to know.
    Returns a Tensor.

    Example: record(x.data + 1, (x,), "add", {}) requires a gradient exactly if x does.

    Hint: 1. out = Tensor(data)
          2. Only if Tensor.recording, and any parent requires a gradient: set
             out.requires_grad, out._parents (a tuple), out._op and out._saved.
    """
    out = Tensor(data)
    if Tensor.recording and any(parent.requires_grad for parent in parents):
        out.requires_grad = True
        out._parents = tuple(parents)
        out._op = op
        out._saved = saved
    return out


def neg(a):
    """Return -a."""
    return Tensor.make(-a.data, (a,), "neg")


def exp(a):
    """Return e to the power of each entry of a."""
    return Tensor.make(np.exp(a.data), (a,), "exp")


#| export
def as_tensor(value, dtype=np.float32):
    """Return value as a Tensor; a tensor is returned as it is, itself and not a copy.

    value: Tensor, number, list or array. dtype: what a bare number becomes.

    Example: as_tensor(2, np.float64).dtype is float64; as_tensor(x) is x.

    Hint: 1. Is it a Tensor? Return it.
          2. Is it a number, isinstance(value, (numbers.Real, np.bool_))? That covers int, float,
             bool and NumPy's real scalars. Make a Tensor of np.asarray(value, dtype=dtype).
          3. Anything else: Tensor(value).
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (numbers.Real, np.bool_)):
        return Tensor(np.asarray(value, dtype=dtype))
    return Tensor(value)


def operands(a, b):
    """Return a and b as Tensors; a bare number takes the dtype of the tensor beside it."""
    dtype = next((x.dtype for x in (a, b) if isinstance(x, Tensor)), np.float32)
    return as_tensor(a, dtype), as_tensor(b, dtype)


def add(a, b):
    """Return a + b, entry by entry.

    a, b: Tensors, arrays or numbers whose shapes broadcast.
    Returns a Tensor of the broadcast shape.

    Example: add(Tensor([1, 2]), 10) is Tensor([11, 12]).

    Hint: 1. a, b = operands(a, b)
          2. Add the .data of both.
          3. Tensor.make(the sum, (a, b), "add")
    """
    a, b = operands(a, b)
    return Tensor.make(a.data + b.data, (a, b), "add")


def sub(a, b):
    """Return a - b, entry by entry: as add(), operation "sub".

    Example: sub(10, Tensor([1, 2])) is Tensor([9, 8]).

    Hint: the three steps of add(), with the difference. The order counts: a minus b.
    """
    a, b = operands(a, b)
    return Tensor.make(a.data - b.data, (a, b), "sub")


def mul(a, b):
    """Return a * b, entry by entry: as add(), operation "mul".

    Example: mul(Tensor([1, 2]), Tensor([3, 4])) is Tensor([3, 8]).

    Hint: the three steps of add(), with the product. On arrays * is entry by entry.
    """
    a, b = operands(a, b)
    return Tensor.make(a.data * b.data, (a, b), "mul")


def div(a, b):
    """Return a / b, entry by entry: as add(), operation "div".

    Example: div(6, Tensor([2, 3])) is Tensor([3, 2]).

    Hint: the three steps of add(), with the quotient. / keeps fractions, // would not.
    """
    a, b = operands(a, b)
    return Tensor.make(a.data / b.data, (a, b), "div")


#| export
def power(a, exponent):
    """Return a ** exponent, entry by entry.

    a: Tensor of any shape. exponent: a number.
    Returns a Tensor of the same shape and dtype. Raises TypeError if exponent is no number.

    Example: power(Tensor([1, 2, 3]), 2) is Tensor([1, 4, 9]).

    Hint: 1. if not isinstance(exponent, numbers.Real): raise TypeError
          2. np.asarray(a.data**exponent, dtype=a.dtype) keeps float32 with every NumPy version.
          3. Tensor.make(..., (a,), "pow", exponent=exponent)
    """
    if not isinstance(exponent, numbers.Real):
        raise TypeError(f"the exponent must be a number, got {type(exponent).__name__}")
    data = np.asarray(a.data**exponent, dtype=a.dtype)
    return Tensor.make(data, (a,), "pow", exponent=exponent)


def log(a):
    """Return the natural logarithm of each entry: as exp() above, with np.log, operation "log".

    Example: log(Tensor([1.0])) is Tensor([0.]).

    Hint: exp() is one line; this one differs from it in two words.
    """
    return Tensor.make(np.log(a.data), (a,), "log")


#| export
def matmul(a, b):
    """Return the matrix product a @ b.

    a: (..., n, k), b: (..., k, m); vectors (k,) as in np.matmul.
    Returns (..., n, m), the leading axes broadcast.

    Example: matmul(Tensor([[1, 2]]), Tensor([[3], [4]])) is Tensor([[11]]).

    Hint: as add(), with np.matmul and the operation "matmul".
    """
    a, b = operands(a, b)
    return Tensor.make(np.matmul(a.data, b.data), (a, b), "matmul")


#| export
def reduce_sum(a, axis=None, keepdims=False):
    """Return the sum over an axis, several axes (a tuple) or everything (None).

    a: Tensor of any shape.
    Returns a Tensor without the summed axes, or with length 1 there if keepdims.

    Example: reduce_sum(Tensor([[1, 2], [3, 4]]), axis=0) is Tensor([4, 6]).

    Hint: a.data.sum(axis=axis, keepdims=keepdims), then
          Tensor.make(data, (a,), "sum", axis=axis, keepdims=keepdims)
    """
    data = a.data.sum(axis=axis, keepdims=keepdims)
    return Tensor.make(data, (a,), "sum", axis=axis, keepdims=keepdims)


def reduce_mean(a, axis=None, keepdims=False):
    """Return the mean over axis: as reduce_sum(), operation "mean".

    Example: reduce_mean(Tensor([[1, 2], [3, 4]]), axis=1) is Tensor([1.5, 3.5]).

    Hint: arrays have a method mean() with the arguments of sum(). Save axis and keepdims, too.
    """
    data = a.data.mean(axis=axis, keepdims=keepdims)
    return Tensor.make(data, (a,), "mean", axis=axis, keepdims=keepdims)


def reduce_max(a, axis=None, keepdims=False):
    """Return the largest entry over one axis or over everything: operation "max".

    Raises TypeError if axis is a tuple: the gradient goes to one winner along one axis.

    Example: reduce_max(Tensor([[1, 5], [3, 4]]), axis=1) is Tensor([5, 4]).

    Hint: refuse isinstance(axis, tuple), the rest as reduce_sum().
    """
    if isinstance(axis, tuple):
        raise TypeError("max() takes one axis or none")
    data = a.data.max(axis=axis, keepdims=keepdims)
    return Tensor.make(data, (a,), "max", axis=axis, keepdims=keepdims)


#| export
def reshape(a, *shape):
    """Return the same entries, in the same order (row by row), in another shape.

    a: Tensor. shape: ints, or one tuple of ints; one of them may be -1, "whatever remains".

    Example: reshape(Tensor([1, 2, 3, 4]), 2, 2) and reshape(..., (2, -1)) are [[1, 2], [3, 4]].

    Hint: 1. If shape has a single element and that is a tuple or a list, take it out.
          2. Tensor.make(a.data.reshape(shape), (a,), "reshape")
    """
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    return Tensor.make(a.data.reshape(shape), (a,), "reshape")


def permute(a, *axes):
    """Return a with its axes in another order.

    a: Tensor. axes: all axes in the new order, as ints or as one tuple.
    Returns a Tensor, operation "transpose". Raises IndexError for an axis that a does not have.

    Example: for x of shape (2, 3, 4), permute(x, 1, 2, 0) has shape (3, 4, 2).

    Hint: 1. Take a tuple out of axes, as in reshape().
          2. Negative axes count from the end: range(a.ndim)[axis] makes them positive.
          3. Tensor.make(a.data.transpose(axes), (a,), "transpose", axes=axes), axes a tuple.
    """
    if len(axes) == 1 and isinstance(axes[0], (tuple, list)):
        axes = tuple(axes[0])
    axes = tuple(range(a.ndim)[axis] for axis in axes)
    return Tensor.make(a.data.transpose(axes), (a,), "transpose", axes=axes)


def transpose(a, *axes):
    """Return a with two axes swapped; without axes the last two.

    a: Tensor. axes: two ints, or nothing. All axes in a new order are taken as well, as in NumPy.

    Example: for x of shape (2, 3, 4), transpose(x, 0, 2) has shape (4, 3, 2) and transpose(x)
        has shape (2, 4, 3). Without axes a vector stays as it is.

    Hint: 1. Neither two axes nor none: permute(a, *axes) knows what to do.
          2. Start from order = list(range(a.ndim)).
          3. first, second = axes or (-2, -1); let these two elements of order change places.
             (Without axes, and with fewer than two in a, there is nothing to swap.)
          4. permute(a, order)
    """
    if len(axes) not in (0, 2):
        return permute(a, *axes)
    order = list(range(a.ndim))
    if axes or a.ndim > 1:
        first, second = axes or (-2, -1)
        order[first], order[second] = order[second], order[first]
    return permute(a, order)


def index_arrays(key):
    """Return key with every Tensor in it turned into an array of integers."""
    if isinstance(key, Tensor):
        return key.data.astype(np.int64)
    if isinstance(key, tuple):
        return tuple(index_arrays(part) for part in key)
    return key


def getitem(a, key):
    """Return a[key], for everything that NumPy accepts between the brackets.

    a: Tensor. key: int, slice, array of integers, Tensor of whole numbers, or a tuple of these.

    Example: x[0] is the first row, x[:, 1] a column, x[[2, 2]] the third row twice.

    Hint: 1. key = index_arrays(key), because Tensors hold floats.
          2. Tensor.make(a.data[key], (a,), "getitem", key=key)
    """
    key = index_arrays(key)
    return Tensor.make(a.data[key], (a,), "getitem", key=key)
