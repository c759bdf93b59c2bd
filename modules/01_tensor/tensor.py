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
# # 01 · Tensor: arrays that remember how they were made
#
# A neural network is one long formula over arrays. A *tensor* is such an array, with one talent
# that a plain array lacks: the result of an operation knows which tensors it was made from, and
# by what. Follow these links back and you can differentiate the whole formula. That is what
# module 02 does. In this module you write the operations themselves.
#
# **A piece of history.** The idea is older than its fame: Seppo Linnainmaa described reverse
# differentiation of a recorded computation in 1970. Programs that let users write ordinary
# array code and recorded it along the way came with Autograd (2014), Chainer (2015) and
# PyTorch (2016). Yours follows PyTorch: the same names, the same meaning.
#
# **What will be checked.** The tests of this lesson compare your operations with explicit
# formulas. The milestone *1957 - The Perceptron* then trains on them (with 00 and 02), and
# every later milestone does too.

# %%
#| default_exp core.tensor

# %%
#| export
import numbers

import numpy as np

from tinytorch.core.setup import as_float_array

# %% [markdown]
# ## 1. The class
#
# The class is given. Read it once from top to bottom; it is short, because every operator
# passes its work on to a function below it, and these functions are yours:
#
# - `x + y` calls `x.__add__(y)`, and that calls `add(x, y)`.
# - `2 - x`: a number does not know how to subtract a tensor, so Python asks the tensor:
#   `x.__rsub__(2)`, and that calls `sub(2, x)`. Mind the order.
#
# What a tensor holds:
#
# | attribute | meaning |
# |---|---|
# | `data` | the numbers, a NumPy array of floats |
# | `requires_grad` | does anybody want the derivative with respect to this tensor? |
# | `grad` | that derivative after `backward()`: `None`, or an array shaped like `data` |
# | `_parents`, `_op`, `_saved` | made from which tensors, by which operation, with which options |
#
# `GRADIENTS` is an empty table for now. In module 02 you register in it, for each operation, the
# rule that differentiates it: `@gradient_of("mul")`.

# %%
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


# %% [markdown]
# Two helpers that the tests of this lesson share.


# %%
def expect(call, got, expected, hint, tolerance=1e-6):
    """Compare a Tensor or array with the expected numbers, shape included; NaN equals nothing."""
    assert got is not None, f"{call} should return a value, got None. {hint}"
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, (
        f"{call} should have shape {expected.shape}, got {got.shape}. {hint}"
    )
    wrong = ~np.isclose(got, expected, rtol=tolerance, atol=tolerance)
    if got.size <= 6:
        assert not wrong.any(), (
            f"{call} should be {np.round(expected, 6).tolist()}, "
            f"got {np.round(got, 6).tolist()}. {hint}"
        )
        return
    at = tuple(int(i) for i in np.unravel_index(wrong.argmax(), got.shape))
    assert not wrong.any(), (
        f"{call} should be {expected[at]:.6g} at index {at}, got {got[at]:.6g}. {hint}"
    )


def expect_error(kind, call, action, hint):
    """Check that action() raises an error of the given kind, and not for want of code."""
    try:
        got = action()
    except NotImplementedError:
        raise
    except kind:
        return
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        got = error
    raise AssertionError(f"{call} should raise {kind.__name__}, got {got!r}. {hint}")


# %% [markdown]
# ## 2. Remembering
#
# Every operation ends with `Tensor.make(data, parents, op, ...)`, which calls your `record`. It
# makes the result and decides whether to remember anything:
#
# - A result needs a gradient as soon as *one* of its parents does. With `y = x * w`, where only
#   the weight `w` is trained, `y` depends on `w`, so it needs one.
# - If no parent does, the result is a constant. It must remember nothing: a link to its parents
#   would keep every array of the past alive.
# - While `Tensor.recording` is switched off (that is what `no_grad()` of module 02 does), nothing
#   is remembered either.
#
# `neg` and `exp` are written for you, as patterns: compute with NumPy, then `Tensor.make` with
# the parents as a tuple and the name of the operation.


# %%
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
    ### BEGIN SOLUTION
    out = Tensor(data)
    if Tensor.recording and any(parent.requires_grad for parent in parents):
        out.requires_grad = True
        out._parents = tuple(parents)
        out._op = op
        out._saved = saved
    return out
    ### END SOLUTION


def neg(a):
    """Return -a."""
    return Tensor.make(-a.data, (a,), "neg")


def exp(a):
    """Return e to the power of each entry of a."""
    return Tensor.make(np.exp(a.data), (a,), "exp")


# %%
def test_results_remember_their_parents():
    """A result remembers parents, operation and arguments when a gradient is wanted."""
    hint = "Hint: set requires_grad, _parents, _op and _saved on the new tensor."
    x = Tensor([1.0, -2.0], requires_grad=True)
    y = Tensor.make(x.data * 3, (x,), "triple", factor=3)
    expect("Tensor.make(x.data * 3, (x,), 'triple', factor=3)", y, [3.0, -6.0], hint)
    assert y.requires_grad is True, f"y should require a gradient, got {y.requires_grad}. {hint}"
    fine = isinstance(y._parents, tuple) and len(y._parents) == 1 and y._parents[0] is x
    assert fine, f"y._parents should be the tuple (x,), got {y._parents!r}. {hint}"
    fine = y._op == "triple" and y._saved == {"factor": 3}
    assert fine, f"y should remember 'triple' and factor 3, got {y._op!r} and {y._saved!r}. {hint}"
    expect("-x", -x, [-1.0, 2.0], hint)
    expect("x.exp()", x.exp(), [np.e, np.e**-2], hint)
    expect("x after these operations", x, [1.0, -2.0], "Hint: never change the parents' data.")


def test_one_parent_is_enough():
    """A result requires a gradient if any of its parents does, whichever it is."""
    hint = "Hint: any(parent.requires_grad for parent in parents)."
    c, w = Tensor([1.0]), Tensor([2.0], requires_grad=True)
    for parents, name in (((w, c), "(w, c)"), ((c, w), "(c, w)"), ((c, c, w), "(c, c, w)")):
        out = Tensor.make(c.data, parents, "some_op")
        fine = out.requires_grad is True and out._parents == parents
        assert fine, (
            f"a result of parents {name}, where w requires a gradient, should remember them, "
            f"got requires_grad {out.requires_grad} and {len(out._parents)} parents. {hint}"
        )


def test_constants_record_nothing():
    """A result of constants, or made while recording is off, remembers nothing."""
    hint = "Hint: leave _parents, _op and _saved alone unless a gradient is wanted."
    c, w = Tensor([1.0]), Tensor([2.0], requires_grad=True)
    out = Tensor.make(c.data, (c, c), "some_op", axis=0)
    got = (out.requires_grad, out._parents, out._op, out._saved)
    assert got == (False, (), "", {}), (
        f"a result of constants should be a plain constant, got {got}. {hint}"
    )
    Tensor.recording = False
    try:
        out = Tensor.make(w.data, (w,), "some_op")
    finally:
        Tensor.recording = True
    fine = not out.requires_grad and out._parents == ()
    assert fine, f"with Tensor.recording off the result should be a constant, got {out!r}. {hint}"


# %% [markdown]
# ## 3. Numbers next to tensors, and the four operations
#
# `2 * x` must work, so a bare number is wrapped into a tensor. But with which dtype? If the `2`
# became float64, float32 times float64 would give float64, and one careless constant would turn
# a whole network into 64 bits. So a bare number takes the dtype of the tensor beside it. The
# given function `operands` finds that dtype; `as_tensor` is yours.
#
# Shapes broadcast as in NumPy: axes are aligned at the right, and an axis of length 1 (or a
# missing one) is repeated.
#
# | a | b | a + b |
# |---|---|---|
# | (3, 4) | (3, 4) | (3, 4) |
# | (3, 4) | (4,) | (3, 4): b is added to each row |
# | (3, 1) | (1, 4) | (3, 4): each with each |
# | (3, 4) | () | (3, 4) |


# %%
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
    ### BEGIN SOLUTION
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (numbers.Real, np.bool_)):
        return Tensor(np.asarray(value, dtype=dtype))
    return Tensor(value)
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    a, b = operands(a, b)
    return Tensor.make(a.data + b.data, (a, b), "add")
    ### END SOLUTION


def sub(a, b):
    """Return a - b, entry by entry: as add(), operation "sub".

    Example: sub(10, Tensor([1, 2])) is Tensor([9, 8]).

    Hint: the three steps of add(), with the difference. The order counts: a minus b.
    """
    ### BEGIN SOLUTION
    a, b = operands(a, b)
    return Tensor.make(a.data - b.data, (a, b), "sub")
    ### END SOLUTION


def mul(a, b):
    """Return a * b, entry by entry: as add(), operation "mul".

    Example: mul(Tensor([1, 2]), Tensor([3, 4])) is Tensor([3, 8]).

    Hint: the three steps of add(), with the product. On arrays * is entry by entry.
    """
    ### BEGIN SOLUTION
    a, b = operands(a, b)
    return Tensor.make(a.data * b.data, (a, b), "mul")
    ### END SOLUTION


def div(a, b):
    """Return a / b, entry by entry: as add(), operation "div".

    Example: div(6, Tensor([2, 3])) is Tensor([3, 2]).

    Hint: the three steps of add(), with the quotient. / keeps fractions, // would not.
    """
    ### BEGIN SOLUTION
    a, b = operands(a, b)
    return Tensor.make(a.data / b.data, (a, b), "div")
    ### END SOLUTION


# %%
def broadcast_pairs():
    """Return pairs of float64 arrays whose shapes broadcast in every way, without zeros."""
    rng = np.random.default_rng(11)
    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 1, 3), (4, 1))]
    return [(rng.uniform(1, 2, a), -rng.uniform(1, 2, b)) for a, b in shapes]


def check_operator(name, function, formula, hint):
    """Compare an operator with the formula on every pair of shapes, and look at the graph."""
    for a, b in broadcast_pairs():
        call = f"{name}(a, b) of shapes {a.shape} and {b.shape}"
        x, y = Tensor(a.copy()), Tensor(b.copy())
        expect(call, function(x, y), formula(a, b), hint)
        for side, operand, before in (("a", x, a), ("b", y, b)):
            changed = "Hint: a.data += b.data changes a; a.data + b.data makes a new array."
            expect(f"{side} after {call}", operand, before, changed)
    x, w = Tensor([1.0, 2.0]), Tensor([4.0, 5.0], requires_grad=True)
    out = function(x, w)
    assert isinstance(out, Tensor), (
        f"{name}(x, w) should be a Tensor, got {type(out).__name__}. "
        f"Hint: end with Tensor.make(..., (a, b), {name!r})."
    )
    fine = out.requires_grad and out._op == name and out._parents == (x, w)
    assert fine, (
        f"{name}(x, w) should remember the operation {name!r} and the parents (x, w), "
        f"got {out._op!r} and {out._parents}. Hint: Tensor.make(..., (a, b), {name!r})."
    )


def test_numbers_take_the_dtype_beside_them():
    """as_tensor() gives a bare number the dtype it is told, and leaves tensors alone."""
    x = Tensor([1.0])
    assert as_tensor(x) is x, (
        f"as_tensor(x) should be x itself, got {as_tensor(x)!r}. Hint: return a Tensor as it is."
    )
    cases = [(2, np.float32), (2.5, np.float64), (np.float64(2.5), np.float32), (True, np.float64)]
    cases += [(np.int64(3), np.float32), (np.float32(3), np.float64), (np.bool_(True), np.float32)]
    for value, dtype in cases:
        got = as_tensor(value, dtype)
        assert got.dtype == dtype, (
            f"as_tensor({value!r}, {np.dtype(dtype)}) should have that dtype, got {got.dtype}. "
            "Hint: Tensor(np.asarray(value, dtype=dtype)) for every kind of bare number."
        )
        expect(f"as_tensor({value!r})", got, float(value), "Hint: keep the value.")
    got = as_tensor(np.array([1.0, 2.0]))
    assert got.dtype == np.float64, (
        f"as_tensor(float64 array) should stay float64, got {got.dtype}. Hint: use Tensor(value)."
    )


def test_tensors_hold_float32():
    """Integers, bools and lists become float32 tensors, so that weights can move by fractions."""
    for data in (3, [1, 2], np.array([[1], [2]]), np.array([True, False]), Tensor([1, 2])):
        got = add(Tensor(data), 0)
        assert got.dtype == np.float32, (
            f"Tensor({data!r}) + 0 should be float32, got {got.dtype}. "
            "Hint: Tensor.__init__ must pass data through as_float_array()."
        )
        expect(f"Tensor({data!r}) + 0", got, np.array(data, dtype=float), "Hint: keep the values.")
    got = add(Tensor(np.array([0.1])), 0)
    assert got.dtype == np.float64, (
        f"Tensor(float64 array) + 0 should stay float64, got {got.dtype}. "
        "Hint: neither Tensor() nor the 0 may make it float32."
    )


def test_add():
    """add() adds entry by entry and broadcasts like NumPy."""
    hint = "Hint: a, b = operands(a, b), then a.data + b.data, in this order."
    check_operator("add", add, lambda a, b: a + b, hint)


def test_sub():
    """sub() subtracts the second from the first and broadcasts like NumPy."""
    hint = "Hint: a, b = operands(a, b), then a.data - b.data, in this order."
    check_operator("sub", sub, lambda a, b: a - b, hint)


def test_mul():
    """mul() multiplies entry by entry and broadcasts like NumPy."""
    hint = "Hint: a, b = operands(a, b), then a.data * b.data, in this order."
    check_operator("mul", mul, lambda a, b: a * b, hint)


def test_div():
    """div() divides the first by the second and broadcasts like NumPy."""
    hint = "Hint: a, b = operands(a, b), then a.data / b.data, in this order."
    check_operator("div", div, lambda a, b: a / b, hint)


def test_operators_work_from_both_sides():
    """Numbers and arrays may stand left or right of a tensor, and the order counts."""
    x = Tensor([2.0, 4.0], requires_grad=True)
    array = np.array([10.0, 20.0], dtype=np.float32)
    cases = [
        ("x + 1", x + 1, [3, 5]),
        ("1 + x", 1 + x, [3, 5]),
        ("x - 1", x - 1, [1, 3]),
        ("1 - x", 1 - x, [-1, -3]),
        ("x * 3", x * 3, [6, 12]),
        ("3 * x", 3 * x, [6, 12]),
        ("x / 8", x / 8, [0.25, 0.5]),
        ("8 / x", 8 / x, [4, 2]),
        ("array + x", array + x, [12, 24]),
        ("array - x", array - x, [8, 16]),
        ("array * x", array * x, [20, 80]),
        ("array / x", array / x, [5, 5]),
        ("x - array", x - array, [-8, -16]),
        ("np.float64(8) / x", np.float64(8) / x, [4, 2]),
        ("0.5 * x", 0.5 * x, [1, 2]),
    ]
    for call, got, expected in cases:
        hint = "Hint: 8 / x arrives as div(8, x): keep the order of the two operands."
        fine = isinstance(got, Tensor) and got.requires_grad
        assert fine, f"{call} should be a Tensor that requires a gradient, got {got!r}. {hint}"
        assert got.dtype == np.float32, (
            f"{call} should stay float32, got {got.dtype}. Hint: wrap numbers with operands(a, b)."
        )
        expect(f"{call} with x = [2, 4], array = [10, 20]", got, expected, hint)
    expect("x after all this", x, [2, 4], "Hint: make a new array, never a.data += b.data.")


# %% [markdown]
# ## 4. Powers and logarithms
#
# `x ** 2` is in every squared error, `log` in every entropy. The exponent is a fixed number and
# not a tensor, so it is not a parent; but the derivative $n x^{n-1}$ needs it. That is what the
# extra arguments of `Tensor.make` are for: `Tensor.make(data, (a,), "pow", exponent=exponent)`
# keeps it in `_saved` until module 02 asks for it.


# %%
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
    ### BEGIN SOLUTION
    if not isinstance(exponent, numbers.Real):
        raise TypeError(f"the exponent must be a number, got {type(exponent).__name__}")
    data = np.asarray(a.data**exponent, dtype=a.dtype)
    return Tensor.make(data, (a,), "pow", exponent=exponent)
    ### END SOLUTION


def log(a):
    """Return the natural logarithm of each entry: as exp() above, with np.log, operation "log".

    Example: log(Tensor([1.0])) is Tensor([0.]).

    Hint: exp() is one line; this one differs from it in two words.
    """
    ### BEGIN SOLUTION
    return Tensor.make(np.log(a.data), (a,), "log")
    ### END SOLUTION


# %%
def test_power():
    """power() raises every entry to a fixed exponent and keeps the dtype."""
    hint = "Hint: Tensor.make(a.data**exponent, (a,), 'pow', exponent=exponent)."
    x = Tensor([1.0, 2.0, 4.0], requires_grad=True)
    for exponent, expected in [
        (2, [1, 4, 16]),
        (3, [1, 8, 64]),
        (0.5, [1, 2**0.5, 2]),
        (-1, [1, 0.5, 0.25]),
        (np.float64(2), [1, 4, 16]),
    ]:
        got = x**exponent
        expect(f"Tensor([1, 2, 4]) ** {exponent}", got, expected, hint)
        assert got.dtype == np.float32, (
            f"float32 ** {exponent!r} should stay float32, got {got.dtype}. "
            "Hint: np.asarray(..., dtype=a.dtype)."
        )
        fine = got._op == "pow" and got._parents == (x,) and got._saved == {"exponent": exponent}
        assert fine, (
            f"x ** {exponent} should remember ('pow', (x,), exponent), "
            f"got {got._op!r}, {got._parents}, {got._saved}. {hint}"
        )
    expect("Tensor([-3.0]) ** 2", Tensor([-3.0]) ** 2, [9.0], hint)
    hint = "Hint: if not isinstance(exponent, numbers.Real): raise TypeError."
    expect_error(TypeError, "x ** an array", lambda: x ** np.array([1.0, 2.0, 3.0]), hint)
    expect_error(TypeError, "x ** x", lambda: x**x, "Hint: only a number can be the exponent.")


def test_log():
    """log() takes the natural logarithm of every entry."""
    x = Tensor([[1.0, np.e], [np.e**2, 0.5]], requires_grad=True)
    got = log(x)
    expect("log([[1, e], [e**2, 0.5]])", got, [[0, 1], [2, -0.6931472]], "Hint: use np.log.")
    expect("log(0.001)", Tensor([0.001]).log(), [-6.9077553], "Hint: log nothing but a.data.")
    fine = got._op == "log" and got._parents == (x,)
    assert fine, (
        f"log(x) should remember 'log' and (x,), got {got._op!r} and {got._parents}. "
        "Hint: Tensor.make(..., (a,), 'log')."
    )


# %% [markdown]
# ## 5. Matrix multiplication
#
# The work horse. A layer with 3 inputs and 2 outputs, applied to a batch of 5 examples:
#
# $$ y_{nj} = \sum_k x_{nk} w_{kj}, \qquad (5, 3) \cdot (3, 2) \to (5, 2) $$
#
# With more than two axes, the last two are the matrices and everything before is a stack of
# them: `(8, 5, 3) @ (8, 3, 2)` are eight products. Attention (module 12) multiplies one stack of
# matrices per sentence and head. `np.matmul` does all of this; `np.dot` does not: for stacks it
# multiplies each with each.


# %%
#| export
def matmul(a, b):
    """Return the matrix product a @ b.

    a: (..., n, k), b: (..., k, m); vectors (k,) as in np.matmul.
    Returns (..., n, m), the leading axes broadcast.

    Example: matmul(Tensor([[1, 2]]), Tensor([[3], [4]])) is Tensor([[11]]).

    Hint: as add(), with np.matmul and the operation "matmul".
    """
    ### BEGIN SOLUTION
    a, b = operands(a, b)
    return Tensor.make(np.matmul(a.data, b.data), (a, b), "matmul")
    ### END SOLUTION


# %%
def product_by_loops(a, b):
    """Return the product of (n, k) and (k, m), written out as sums."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for n, m in np.ndindex(out.shape):
        out[n, m] = sum(a[n, k] * b[k, m] for k in range(a.shape[1]))
    return out


def test_matmul():
    """matmul() multiplies rows by columns, from either side."""
    hint = "Hint: np.matmul(a.data, b.data), first a, then b."
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    x, w = Tensor(a), Tensor(b, requires_grad=True)
    got = x @ w
    expect("(2, 3) @ (3, 4)", got, product_by_loops(a, b), hint)
    fine = got._op == "matmul" and got._parents == (x, w)
    assert fine, (
        f"x @ w should remember 'matmul' and (x, w), got {got._op!r}, {got._parents}. {hint}"
    )
    got = a @ w
    assert isinstance(got, Tensor), f"array @ Tensor should be a Tensor, got {got!r}. {hint}"
    expect("array (2, 3) @ Tensor (3, 4)", got, product_by_loops(a, b), hint)
    expect("(3,) @ (3, 4)", Tensor(a[0]) @ w, product_by_loops(a[:1], b)[0], hint)


def test_matmul_of_stacks():
    """matmul() multiplies stacks of matrices pair by pair and broadcasts the stack."""
    hint = "Hint: np.matmul, not np.dot: np.dot multiplies each matrix of a with each of b."
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4, 5))
    expected = np.stack([product_by_loops(a[i], b[i]) for i in range(2)])
    expect("(2, 3, 4) @ (2, 4, 5)", matmul(Tensor(a), Tensor(b)), expected, hint)
    expected = np.stack([product_by_loops(a[i], b[0]) for i in range(2)])
    expect("(2, 3, 4) @ (4, 5)", matmul(Tensor(a), Tensor(b[0])), expected, hint)


# %% [markdown]
# ## 6. Reductions
#
# `sum`, `mean` and `max` make an axis disappear. For `x` of shape (3, 4):
#
# | call | shape | meaning |
# |---|---|---|
# | `x.sum()` | () | over everything |
# | `x.sum(axis=0)` | (4,) | down each column |
# | `x.sum(axis=1)` or `axis=-1` | (3,) | along each row |
# | `x.sum(axis=1, keepdims=True)` | (3, 1) | the same, ready to broadcast against x |
#
# The gradient rules of module 02 must know what was done, so all three save `axis` and
# `keepdims`. The functions have names of their own, `reduce_sum` and so on, because `sum` and
# `max` belong to Python; as methods they are called `x.sum()`, `x.mean()`, `x.max()`.
#
# PyTorch calls the two arguments `dim` and `keepdim` and understands `axis` and `keepdims` too; so
# do your methods. One difference: PyTorch's `x.max(dim)` also tells *where* the maximum was.


# %%
#| export
def reduce_sum(a, axis=None, keepdims=False):
    """Return the sum over an axis, several axes (a tuple) or everything (None).

    a: Tensor of any shape.
    Returns a Tensor without the summed axes, or with length 1 there if keepdims.

    Example: reduce_sum(Tensor([[1, 2], [3, 4]]), axis=0) is Tensor([4, 6]).

    Hint: a.data.sum(axis=axis, keepdims=keepdims), then
          Tensor.make(data, (a,), "sum", axis=axis, keepdims=keepdims)
    """
    ### BEGIN SOLUTION
    data = a.data.sum(axis=axis, keepdims=keepdims)
    return Tensor.make(data, (a,), "sum", axis=axis, keepdims=keepdims)
    ### END SOLUTION


def reduce_mean(a, axis=None, keepdims=False):
    """Return the mean over axis: as reduce_sum(), operation "mean".

    Example: reduce_mean(Tensor([[1, 2], [3, 4]]), axis=1) is Tensor([1.5, 3.5]).

    Hint: arrays have a method mean() with the arguments of sum(). Save axis and keepdims, too.
    """
    ### BEGIN SOLUTION
    data = a.data.mean(axis=axis, keepdims=keepdims)
    return Tensor.make(data, (a,), "mean", axis=axis, keepdims=keepdims)
    ### END SOLUTION


def reduce_max(a, axis=None, keepdims=False):
    """Return the largest entry over one axis or over everything: operation "max".

    Raises TypeError if axis is a tuple: the gradient goes to one winner along one axis.

    Example: reduce_max(Tensor([[1, 5], [3, 4]]), axis=1) is Tensor([5, 4]).

    Hint: refuse isinstance(axis, tuple), the rest as reduce_sum().
    """
    ### BEGIN SOLUTION
    if isinstance(axis, tuple):
        raise TypeError("max() takes one axis or none")
    data = a.data.max(axis=axis, keepdims=keepdims)
    return Tensor.make(data, (a,), "max", axis=axis, keepdims=keepdims)
    ### END SOLUTION


# %%
def by_hand(combine, x, axis, keepdims):
    """Reduce x by visiting every entry: combine is called on the list of entries of a group."""
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [i % x.ndim for i in axes]
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    groups = {}
    for index in np.ndindex(x.shape):
        place = tuple(0 if i in axes else n for i, n in enumerate(index))
        groups.setdefault(place, []).append(float(x[index]))
    out = np.zeros(kept)
    for place, entries in groups.items():
        out[place] = combine(entries)
    return out if keepdims else out.reshape([n for i, n in enumerate(kept) if i not in axes])


def check_reduction(name, function, combine, axes, hint):
    """Compare a reduction with a plain loop for every axis, on shapes that tell axes apart."""
    x = np.random.default_rng(5).standard_normal((2, 3, 4))
    for axis in axes:
        for keepdims in (False, True):
            call = f"x.{name}(axis={axis}, keepdims={keepdims}) of shape (2, 3, 4)"
            t = Tensor(x, requires_grad=True)
            got = function(t, axis, keepdims)
            expect(call, got, by_hand(combine, x, axis, keepdims), hint)
            wanted = (name, (t,), {"axis": axis, "keepdims": keepdims})
            assert (got._op, got._parents, got._saved) == wanted, (
                f"{call} should remember {name!r}, axis and keepdims, got {got._op!r}, "
                f"{got._saved}. Hint: Tensor.make(data, (a,), {name!r}, axis=axis, ...)."
            )


def test_sum():
    """reduce_sum() adds up along any axis, several axes or all, with or without keepdims."""
    hint = "Hint: a.data.sum(axis=axis, keepdims=keepdims) with both arguments."
    check_reduction("sum", reduce_sum, sum, [None, 0, 1, -1, (0, 2)], hint)
    got = Tensor([[1.0, 2.0], [3.0, 4.0]]).sum(axis=0, keepdims=True)
    expect("[[1, 2], [3, 4]].sum(axis=0, keepdims=True)", got, [[4, 6]], "Hint: pass keepdims.")


def test_mean():
    """reduce_mean() divides by the number of entries that were added, whatever the axis."""
    axes = [None, 0, 1, -1, (0, 2)]
    hint = "Hint: a.data.mean(axis=axis, keepdims=keepdims) with both arguments."
    check_reduction("mean", reduce_mean, lambda entries: sum(entries) / len(entries), axes, hint)


def test_max():
    """reduce_max() finds the largest entry along an axis, negative numbers included."""
    hint = "Hint: a.data.max(axis=axis, keepdims=keepdims) with both arguments."
    check_reduction("max", reduce_max, max, [None, 0, 1, -1], hint)
    expect("[-3, -1, -2].max()", Tensor([-3.0, -1.0, -2.0]).max(), -1.0, "Hint: a.data.max.")
    expect_error(
        TypeError,
        "x.max(axis=(0, 1))",
        lambda: Tensor([[1.0]]).max(axis=(0, 1)),
        "Hint: if isinstance(axis, tuple): raise TypeError.",
    )


# %% [markdown]
# ## 7. Shapes
#
# The last four operations compute nothing at all. They only rearrange, and a network needs them
# everywhere: an image becomes a row of pixels (`reshape`), axes change their order (`permute`,
# `transpose`), the prediction at one position is picked out (`x[...]`).
#
# `permute` puts *all* axes in the order that you name. `transpose` lets *two* change places, and
# that is all a matrix needs. For `x` of shape (2, 3, 4):
#
# | call | shape | meaning |
# |---|---|---|
# | `x.permute(1, 2, 0)` | (3, 4, 2) | its first axis is the one that was second, and so on |
# | `x.transpose(0, 2)` | (4, 3, 2) | axes 0 and 2 change places |
# | `x.transpose()`, `x.T` | (2, 4, 3) | the last two: each matrix of a stack is turned |
#
# In PyTorch the last one is written `x.mT`.


# %%
#| export
def reshape(a, *shape):
    """Return the same entries, in the same order (row by row), in another shape.

    a: Tensor. shape: ints, or one tuple of ints; one of them may be -1, "whatever remains".

    Example: reshape(Tensor([1, 2, 3, 4]), 2, 2) and reshape(..., (2, -1)) are [[1, 2], [3, 4]].

    Hint: 1. If shape has a single element and that is a tuple or a list, take it out.
          2. Tensor.make(a.data.reshape(shape), (a,), "reshape")
    """
    ### BEGIN SOLUTION
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    return Tensor.make(a.data.reshape(shape), (a,), "reshape")
    ### END SOLUTION


def permute(a, *axes):
    """Return a with its axes in another order.

    a: Tensor. axes: all axes in the new order, as ints or as one tuple.
    Returns a Tensor, operation "transpose". Raises IndexError for an axis that a does not have.

    Example: for x of shape (2, 3, 4), permute(x, 1, 2, 0) has shape (3, 4, 2).

    Hint: 1. Take a tuple out of axes, as in reshape().
          2. Negative axes count from the end: range(a.ndim)[axis] makes them positive.
          3. Tensor.make(a.data.transpose(axes), (a,), "transpose", axes=axes), axes a tuple.
    """
    ### BEGIN SOLUTION
    if len(axes) == 1 and isinstance(axes[0], (tuple, list)):
        axes = tuple(axes[0])
    axes = tuple(range(a.ndim)[axis] for axis in axes)
    return Tensor.make(a.data.transpose(axes), (a,), "transpose", axes=axes)
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    if len(axes) not in (0, 2):
        return permute(a, *axes)
    order = list(range(a.ndim))
    if axes or a.ndim > 1:
        first, second = axes or (-2, -1)
        order[first], order[second] = order[second], order[first]
    return permute(a, order)
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    key = index_arrays(key)
    return Tensor.make(a.data[key], (a,), "getitem", key=key)
    ### END SOLUTION


# %%
def test_reshape():
    """reshape() keeps the entries in row order, for ints, a tuple and -1."""
    hint = "Hint: a.data.reshape(shape); take a tuple out of shape first."
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    expected = [[0, 1], [2, 3], [4, 5]]
    for shape in [(3, 2), ((3, 2),), ([3, 2],), (3, -1), ((-1, 2),)]:
        got = x.reshape(*shape)
        expect(f"x.reshape{shape} of [[0, 1, 2], [3, 4, 5]]", got, expected, hint)
    expect("x.reshape(-1)", x.reshape(-1), np.arange(6.0), hint)
    turned = Tensor(np.array([[0.0, 1.0], [2.0, 3.0]]).T)
    expect("[[0, 2], [1, 3]].reshape(4), a turned view", turned.reshape(4), [0, 2, 1, 3], hint)
    got = x.reshape(6)
    fine = got.requires_grad and got._parents == (x,) and got._op == "reshape"
    assert fine, (
        f"x.reshape(6) should remember x, got parents {got._parents}, operation {got._op!r}. "
        "Hint: a fresh Tensor(...) would cut the graph; use Tensor.make."
    )


def in_order(x, axes):
    """Return the array x with its axes in the order axes, entry by entry."""
    out = np.zeros([x.shape[axis] for axis in axes])
    for index in np.ndindex(x.shape):
        out[tuple(index[axis] for axis in axes)] = x[index]
    return out


def test_permute():
    """permute(axes) puts all axes in the order that is named."""
    hint = "Hint: a.data.transpose(axes): axis number i of the result is axis axes[i] of a."
    x = np.arange(24.0).reshape(2, 3, 4)
    t = Tensor(x, requires_grad=True)
    for axes in [(1, 2, 0), ((1, 2, 0),), ([1, 2, 0],), (-2, -1, 0)]:
        got = t.permute(*axes)
        expect(f"x.permute{axes} of shape (2, 3, 4)", got, in_order(x, (1, 2, 0)), hint)
        assert got._parents == (t,), (
            f"x.permute{axes} should remember x, got {len(got._parents)} parents. "
            "Hint: a fresh Tensor(...) would cut the graph; use Tensor.make."
        )
        assert got._saved == {"axes": (1, 2, 0)}, (
            f"x.permute{axes} should save axes=(1, 2, 0), got {got._saved}. "
            "Hint: range(a.ndim)[axis] for each axis, in a tuple."
        )
    expect_error(ValueError, "x.permute(1, 0) of 3 axes", lambda: t.permute(1, 0), hint)
    hint = "Hint: range(a.ndim)[axis] refuses an axis that is not there; axis % a.ndim does not."
    expect_error(IndexError, "x.permute(0, 1, 3) of 3 axes", lambda: t.permute(0, 1, 3), hint)


def test_transpose_swaps_two_axes():
    """transpose(first, second) lets two axes change places, whichever they are."""
    hint = "Hint: swap elements first and second of list(range(a.ndim)), then permute(a, order)."
    x = np.arange(24.0).reshape(2, 3, 4)
    t = Tensor(x, requires_grad=True)
    for axes, order in [((0, 2), (2, 1, 0)), ((1, 0), (1, 0, 2)), ((-1, -2), (0, 2, 1))]:
        got = t.transpose(*axes)
        expect(f"x.transpose{axes} of shape (2, 3, 4)", got, in_order(x, order), hint)
        assert got._parents == (t,), (
            f"x.transpose{axes} should remember x, got {len(got._parents)} parents. "
            "Hint: return permute(a, order), which remembers it."
        )
    matrix = Tensor([[1.0, 2.0, 3.0]])
    for axes in [(0, 1), (1, 0)]:
        expect(f"[[1, 2, 3]].transpose{axes}", matrix.transpose(*axes), [[1], [2], [3]], hint)
    hint = "Hint: three axes or more, or a tuple, are an order: return permute(a, *axes)."
    for axes in [(1, 2, 0), ((1, 2, 0),)]:
        expect(f"x.transpose{axes}", t.transpose(*axes), in_order(x, (1, 2, 0)), hint)


def test_transpose_swaps_the_last_two():
    """transpose() and .T turn each matrix of a stack and leave the stack alone."""
    hint = "Hint: without axes, list(range(a.ndim)) with the last two exchanged."
    x = np.arange(24.0).reshape(2, 3, 4)
    expect("x.transpose() of shape (2, 3, 4)", Tensor(x).transpose(), in_order(x, (0, 2, 1)), hint)
    expect("x.T of shape (2, 3, 4)", Tensor(x).T, in_order(x, (0, 2, 1)), hint)
    expect("x.T of [[1, 2, 3]]", Tensor([[1, 2, 3]]).T, [[1], [2], [3]], hint)
    expect("x.T of the vector [1, 2]", Tensor([1, 2]).T, [1, 2], hint)
    expect("x.T of the number 5", Tensor(5.0).T, 5.0, hint)


def test_getitem():
    """x[key] picks entries by ints, slices, arrays of integers and tensors."""
    hint = "Hint: Tensor.make(a.data[key], (a,), 'getitem', key=key)."
    x = Tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]], requires_grad=True)
    cases = [
        ("x[1]", x[1], [3, 4, 5]),
        ("x[-1, 0]", x[-1, 0], 6),
        ("x[:2, 1:]", x[:2, 1:], [[1, 2], [4, 5]]),
        ("x[[2, 0, 2]]", x[[2, 0, 2]], [[6, 7, 8], [0, 1, 2], [6, 7, 8]]),
        ("x[np.array([0, 1]), np.array([2, 0])]", x[np.array([0, 1]), np.array([2, 0])], [2, 3]),
        ("x[Tensor([2, 2])]", x[Tensor([2, 2])], [[6, 7, 8], [6, 7, 8]]),
        ("x[:, Tensor([1])]", x[:, Tensor([1])], [[1], [4], [7]]),
    ]
    for call, got, expected in cases:
        expect(f"{call} of the 3 x 3 numbers 0..8", got, expected, hint)
        fine = got._parents == (x,) and got._op == "getitem" and "key" in got._saved
        assert fine, (
            f"{call} should remember x and the key, got {got._parents}, {got._saved}. {hint}"
        )


# %% [markdown]
# ## What you have now
#
# A tensor library that computes, and a graph that nobody has walked yet. Look at one:

# %%
x = Tensor([1.0, 2.0, 3.0])
w = Tensor([0.5, -1.0, 2.0], requires_grad=True)
loss = ((x * w).sum() - 1) ** 2
node = loss
while node._parents:
    print(node._op, "<-", [parent.shape for parent in node._parents])
    node = node._parents[0]
print("loss =", loss.item())

# %% [markdown]
# `tito module test 01`, then `tito module complete 01`. Module 02 walks this graph backwards.
