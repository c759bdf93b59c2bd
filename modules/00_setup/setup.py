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
# # 00 · Setup: your tools, and the small functions everything else stands on
#
# In this course you write your own PyTorch. At the end a transformer, with attention, runs on
# code that is yours down to the last derivative. You build it in eight modules, and after the
# third one you can already repeat an experiment of 1957.
#
# This first module is short. You get to know the tools, and you write nine small functions.
# They look like a warm-up, but every one of them is used again: your layers draw their first
# weights with `uniform`, your loss uses `one_hot`, and your milestones are scored with
# `accuracy`.
#
# **A piece of history.** Random numbers that can be repeated are as old as the computer: in 1949
# John von Neumann let a formula make them, instead of reading them from a table of true chance,
# and one of his reasons was that a calculation can then be run again and checked. The 32-bit
# number that all of this course computes with is that of the standard IEEE 754 of 1985, and the
# array that holds it is NumPy's, of 2006. Deep learning stands on all three.
#
# **What will be checked.** Each function has tests of its own, further down in this file, which
# compare it with numbers worked out by hand or by NumPy. The milestone *1957 - The Perceptron*
# needs this module, 01 and 02.

# %% [markdown]
# ## How you work
#
# 1. Open a lesson: this file as a notebook (through jupytext) or as plain Python in an editor.
#    Both are the same file.
# 2. Find a function whose body is `raise NotImplementedError(...)`. Read its docstring. Replace
#    the `raise` by your code.
# 3. Run the tests of the module as often as you like:
#
#        tito module test 00
#
#    A test is *to do* while the function behind it is not written, *passed* when it is right,
#    and *failed* when it gives wrong numbers. The message says what was called, what should
#    have come out, what did come out, and one hint.
# 4. When everything has passed, say so with a commit:
#
#        tito module complete 00
#
#    or with plain git, which does exactly the same:
#
#        git add modules/00_setup/setup.py
#        git commit -m "setup: done"
#
# ## Why a commit
#
# A tick in a file proves nothing: anyone can type it. A commit is a claim about exact bytes,
# and the hooks test exactly these bytes before git records them.
#
# - Wrong code is stopped, and nothing of yours is touched.
# - Unfinished code is not stopped. You can save at any time.
# - When all tests of a module pass, the marked cells of the lesson are exported to the package
#   `tinytorch/` in the same commit. From then on the next lessons import *your* code.
# - After the commit you are told what it has unlocked. Modules 00, 01 and 02 together unlock
#   the first milestone, the perceptron of 1957.
#
# ## How a lesson file is made
#
# A cell that begins with `#| export` becomes part of the package. Cells with tests stay in the
# lesson. Cells without either are there to play with, and nothing depends on them. Change
# anything you like outside the tests.

# %%
#| default_exp core.setup

# %%
#| export
import numpy as np


# %% [markdown]
# Two helpers that the tests of this lesson share. You do not need to read them now.


# %%
def expect(call, got, expected, hint, tolerance=1e-6):
    """Compare got with the expected numbers, shape included; NaN equals nothing."""
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
# ## 1. Randomness that can be repeated
#
# A network starts from random numbers. If every run starts from different ones, you cannot tell
# whether a change of your code helped or whether you were lucky. So all random numbers of your
# library come from *one* generator, and `seed(n)` restarts it.
#
# NumPy makes a generator with `np.random.default_rng(n)`. The same `n` gives the same numbers
# on every machine. The generator in use lives in the list `_GENERATOR`, at position 0: a list
# because a function can change what is inside a list that belongs to the file.

# %%
#| export
_GENERATOR = [np.random.default_rng()]


def seed(n):
    """Restart the generator of the library at n, so that a run can be repeated.

    n: int.
    Returns nothing.

    Example: after seed(0), rng().integers(10) is 8, every time.

    Hint: make a new np.random.default_rng(n) and store it in _GENERATOR[0].
    """
    ### BEGIN SOLUTION
    _GENERATOR[0] = np.random.default_rng(n)
    ### END SOLUTION


def rng():
    """Return the generator of the library, the one that seed() set last.

    Example: rng().standard_normal(3) draws three numbers, the next call three others.

    Hint: return what is stored; making a new one here would repeat the same numbers.
    """
    ### BEGIN SOLUTION
    return _GENERATOR[0]
    ### END SOLUTION


# %%
def test_seed_stores_a_new_generator():
    """seed(n) puts a generator that starts at n where the library keeps its generator."""
    seed(7)
    expect(
        "_GENERATOR[0].random(2) after seed(7)",
        _GENERATOR[0].random(2),
        np.random.default_rng(7).random(2),
        "Hint: _GENERATOR[0] = np.random.default_rng(n).",
    )


def test_seed_makes_runs_repeatable():
    """seed(n) restarts rng() so that the same n gives the same numbers."""
    expected = np.random.default_rng(5).random(3)
    seed(5)
    expect(
        "seed(5); rng().random(3)",
        rng().random(3),
        expected,
        "Hint: store np.random.default_rng(n) in _GENERATOR[0], and use n.",
    )
    seed(5)
    expect(
        "seed(5) once more; rng().random(3)",
        rng().random(3),
        expected,
        "Hint: seed() must make a new generator every time it is called.",
    )


def test_rng_goes_on():
    """rng() hands out one generator that goes on, not a new one for each call."""
    seed(5)
    expected = np.random.default_rng(5).random(6)
    got = np.concatenate([rng().random(3), rng().random(3)])
    expect(
        "seed(5), then rng().random(3) twice",
        got,
        expected,
        "Hint: rng() returns _GENERATOR[0]; it must not restart it.",
    )


# %% [markdown]
# ## 2. One kind of number: float32
#
# Training needs numbers with fractions, because a weight moves by small steps. Networks use
# 32-bit floats: half the memory and twice the speed of 64 bits, and 7 decimal digits are enough
# to learn with.
#
# `as_float_array` is the gate through which all data enters your library:
#
# | comes in | goes out |
# |---|---|
# | Python numbers, lists, ints, bools | float32 |
# | NumPy arrays of ints or bools, float16 or float32 | float32 |
# | NumPy arrays (and NumPy scalars) of float64 | float64, because whoever made one asked for it |
# | anything complex | complex, unchanged |
#
# The third row matters more than it seems: gradients are checked in float64, where they can be
# compared to 10 digits. A gate that silently turned float64 into float32 would spoil the check.


# %%
#| export
def as_float_array(data):
    """Return data as a NumPy array of floats, float32 unless it already is something finer.

    data: number, (nested) list, or array of any shape.
    Returns an ndarray of the same shape; not a copy if data already has the right dtype.

    Example: as_float_array([1, 2]).dtype is float32; np.zeros(3) (float64) stays float64.

    Hint: 1. array = np.asarray(data).
          2. Return it as it is if its dtype.kind is "c" (complex), or if its dtype is
             np.float64 and data itself was an np.ndarray or np.generic (a NumPy scalar).
          3. Everything else: array.astype(np.float32, copy=False).
    """
    ### BEGIN SOLUTION
    array = np.asarray(data)
    if array.dtype.kind == "c":
        return array
    if array.dtype == np.float64 and isinstance(data, (np.ndarray, np.generic)):
        return array
    return array.astype(np.float32, copy=False)
    ### END SOLUTION


# %%
def test_plain_numbers_become_float32():
    """as_float_array() turns numbers, lists, integers and bools into float32."""
    cases = [3, 2.5, [1, 2], [[0.5], [1.5]], True, np.array([1, 2]), np.array([True, False])]
    cases += [np.arange(3, dtype=np.uint8), np.float16(1.5), np.ones(2, dtype=np.float32)]
    for data in cases:
        got = as_float_array(data)
        assert isinstance(got, np.ndarray), (
            f"as_float_array({data!r}) should be an array, got {type(got).__name__}. "
            "Hint: start with np.asarray(data)."
        )
        assert got.dtype == np.float32, (
            f"as_float_array({data!r}) should have dtype float32, got {got.dtype}. "
            "Hint: end with astype(np.float32, copy=False)."
        )
        expect(
            f"as_float_array({data!r})",
            got,
            np.array(data, dtype=np.float32),
            "Hint: only the dtype changes, the numbers stay.",
        )


def test_fine_numbers_keep_their_dtype():
    """as_float_array() never makes a float64 or complex array coarser, and copies nothing."""
    for data in (np.array([0.1, 0.2]), np.float64(0.1), np.array([1 + 2j])):
        got = as_float_array(data)
        assert got.dtype == data.dtype, (
            f"as_float_array({data!r}) should keep dtype {data.dtype}, got {got.dtype}. "
            "Hint: return the array as it is when NumPy data is float64 or complex."
        )
    for data in (np.zeros(3), np.zeros(3, dtype=np.float32)):
        assert np.shares_memory(as_float_array(data), data), (
            f"as_float_array(array of {data.dtype}) should not copy, got a copy. "
            "Hint: astype(np.float32, copy=False) copies only when it has to."
        )


# %% [markdown]
# ## 3. First weights
#
# Layers start with small random weights. If all weights were equal, all neurons would compute
# the same thing and receive the same gradient: they would stay equal for ever.


# %%
#| export
def uniform(shape, bound):
    """Draw float32 numbers, each equally likely anywhere between -bound and bound.

    shape: tuple of ints. bound: positive number.
    Returns an ndarray of float32 with that shape.

    Example: uniform((2, 3), 0.5) has 6 numbers between -0.5 and 0.5.

    Hint: rng().uniform(low, high, size=shape), then astype(np.float32).
    """
    ### BEGIN SOLUTION
    return rng().uniform(-bound, bound, size=shape).astype(np.float32)
    ### END SOLUTION


# %%
def test_uniform_fills_the_range():
    """uniform() draws float32 numbers between -bound and bound from rng()."""
    seed(1)
    got = uniform((40, 50), 0.5)
    fine = got.shape == (40, 50) and got.dtype == np.float32
    assert fine, (
        f"uniform((40, 50), 0.5) should be float32 of shape (40, 50), "
        f"got {got.dtype} of shape {got.shape}. Hint: size=shape, then astype(np.float32)."
    )
    # 2,000 draws: the chance that none falls into the outer 2 % of the range is below 1e-8.
    fine = -0.5 <= got.min() < -0.48 and 0.48 < got.max() <= 0.5
    assert fine, (
        f"uniform((40, 50), 0.5) should reach from -0.5 to 0.5, got {got.min()} to {got.max()}. "
        "Hint: rng().uniform(-bound, bound, size=shape)."
    )
    assert abs(got.mean()) < 0.05, (
        f"uniform((40, 50), 0.5) should have a mean near 0, got {got.mean()}. "
        "Hint: the range is symmetric."
    )
    assert not np.array_equal(uniform((40, 50), 0.5), got), (
        "uniform() called twice should give other numbers, got the same. Hint: draw from rng()."
    )
    seed(1)
    expect(
        "seed(1); uniform((40, 50), 0.5)",
        uniform((40, 50), 0.5),
        got,
        "Hint: draw from rng(), the only generator that seed() can restart.",
    )


# %% [markdown]
# ## 4. Labels as numbers, numbers as labels
#
# A classifier gives one score per class. The label says which class is right. To compare the
# two, we write label 2 of 4 classes as the row `[0, 0, 1, 0]`: a probability of 1 for the right
# class. That is called *one-hot*.
#
# The way back, from scores to a label, takes the class with the largest score. A network with
# two classes often has a single output instead, the probability of class 1; its label is 1 when
# the probability is larger than 0.5.


# %%
#| export
def one_hot(labels, num_classes):
    """Turn labels into rows of zeros with a single 1 at the place of the label.

    labels: (N,) whole numbers in [0, num_classes), of any dtype. num_classes: int, C.
    Returns (N, C) float32. Raises ValueError if a label is outside.

    Example: one_hot([2, 0], 3) is [[0, 0, 1], [1, 0, 0]].

    Hint: 1. labels = np.asarray(labels).astype(np.int64)
          2. If there are labels and the smallest is below 0 or the largest is num_classes or
             more: raise ValueError. (NumPy would count a label of -1 from the end, silently.)
          3. Row k of the unit matrix np.eye(num_classes) is the code of label k. Index the
             matrix with all labels at once.
    """
    ### BEGIN SOLUTION
    labels = np.asarray(labels).astype(np.int64)
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(f"labels must lie in 0..{num_classes - 1}")
    return np.eye(num_classes, dtype=np.float32)[labels]
    ### END SOLUTION


def predicted_labels(scores):
    """Turn the outputs of a classifier into labels.

    scores: (N, C) with C > 1: one score per class. Or (N,) or (N, 1) floats: the probability of
        class 1. Or (N,) ints: labels already.
    Returns (N,) integers.

    Example: predicted_labels([[0.1, 0.7, 0.2]]) is [1]; predicted_labels([0.4, 0.9]) is [0, 1].

    Hint: 1. scores = np.asarray(scores)
          2. Two axes and more than one column: argmax(axis=1).
          3. Otherwise flatten with reshape(-1). Floats (dtype.kind "f"): compare with 0.5.
          4. Return integers: astype(np.int64).
    """
    ### BEGIN SOLUTION
    scores = np.asarray(scores)
    if scores.ndim == 2 and scores.shape[1] > 1:
        return scores.argmax(axis=1)
    flat = scores.reshape(-1)
    if flat.dtype.kind == "f":
        return (flat > 0.5).astype(np.int64)
    return flat.astype(np.int64)
    ### END SOLUTION


def accuracy(scores, labels):
    """Return the fraction of examples that are classified correctly, from 0.0 to 1.0.

    scores: whatever predicted_labels() understands, for N examples.
    labels: (N,) or (N, 1) whole numbers.
    Returns a Python float. Raises ValueError if the numbers of examples differ.

    Example: accuracy([[0.9, 0.1], [0.3, 0.7]], [0, 0]) is 0.5.

    Hint: 1. predicted = predicted_labels(scores); flatten the labels to (N,) as well.
          2. Compare the lengths. Without this step (N, 1) against (N,) broadcasts to (N, N),
             and the mean of that is a number that means nothing.
          3. float(np.mean(predicted == labels))
    """
    ### BEGIN SOLUTION
    predicted = predicted_labels(scores)
    labels = np.asarray(labels).reshape(-1)
    if len(predicted) != len(labels):
        raise ValueError(f"{len(predicted)} predictions for {len(labels)} labels")
    return float(np.mean(predicted == labels))
    ### END SOLUTION


# %%
def test_one_hot_rows():
    """one_hot() writes a 1 at the place of each label and 0 elsewhere."""
    hint = "Hint: index np.eye(num_classes) with the integer labels."
    expected = np.zeros((4, 3))
    for row, label in enumerate([2, 0, 1, 2]):
        expected[row, label] = 1
    expect("one_hot([2, 0, 1, 2], 3)", one_hot([2, 0, 1, 2], 3), expected, hint)
    got = one_hot(np.array([2.0, 0.0, 1.0, 2.0], dtype=np.float32), 3)
    expect("one_hot of the same labels as floats", got, expected, hint)
    none = one_hot([], 3)
    assert none.shape == (0, 3), (
        f"one_hot([], 3) should have shape (0, 3), got {none.shape}. "
        "Hint: look for the smallest label only if there are labels."
    )
    assert got.dtype == np.float32, (
        f"one_hot() should give float32, got {got.dtype}. Hint: np.eye(..., dtype=np.float32)."
    )


def test_one_hot_refuses_labels_outside():
    """one_hot() raises ValueError for a label below 0 or beyond the last class."""
    hint = "Hint: compare labels.min() with 0 and labels.max() with num_classes - 1."
    expect("one_hot([2], 3)", one_hot([2], 3), [[0, 0, 1]], hint)
    expect_error(ValueError, "one_hot([0, 3], 3)", lambda: one_hot([0, 3], 3), hint)
    expect_error(ValueError, "one_hot([-1, 0], 3)", lambda: one_hot([-1, 0], 3), hint)


def test_predicted_labels_of_every_kind():
    """predicted_labels() takes the largest score, or the side of 0.5, or labels as they are."""
    scores = np.array([[0.1, 0.7, 0.2], [5.0, -1.0, 2.0]])
    expect(
        f"predicted_labels({scores.tolist()})",
        predicted_labels(scores),
        [1, 0],
        "Hint: argmax(axis=1) looks along each row.",
    )
    column = np.array([[0.4], [0.9], [0.6]], dtype=np.float32)
    hint = "Hint: one column is a probability: flatten it and compare with 0.5."
    expect(f"predicted_labels({column.tolist()})", predicted_labels(column), [0, 1, 1], hint)
    expect("predicted_labels([0.4, 0.9])", predicted_labels([0.4, 0.9]), [0, 1], hint)
    expect(
        "predicted_labels([3, 0, 7])",
        predicted_labels([3, 0, 7]),
        [3, 0, 7],
        "Hint: integers are labels already; only floats are compared with 0.5.",
    )


def test_accuracy_counts_hits():
    """accuracy() is the fraction of right labels, and never broadcasts."""
    scores = [[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4]]
    got = accuracy(scores, [0, 0, 1, 0])
    expect(f"accuracy({scores}, [0, 0, 1, 0])", got, 0.75, "Hint: np.mean(predicted == labels).")
    got = accuracy(np.array([[0.9], [0.2], [0.8]]), np.array([[1], [0], [0]]))
    expect(
        "accuracy of (3, 1) probabilities and (3, 1) labels, two of three right",
        got,
        2 / 3,
        "Hint: flatten the labels with reshape(-1) before you compare.",
    )
    expect_error(
        ValueError,
        "accuracy of 3 predictions and 1 label",
        lambda: accuracy(np.array([0.9, 0.2, 0.8]), [1]),
        "Hint: compare the two lengths first.",
    )


# %% [markdown]
# ## 5. Your own checking tools
#
# In module 02 you will derive gradients by hand. How do you know that a formula is right? You
# ask the definition of the derivative:
#
# $$ f'(x) \approx \frac{f(x + h) - f(x - h)}{2h} $$
#
# Do that for one entry of `x` after the other and you have the whole gradient, slowly, but
# without any calculus. The error of the formula shrinks with $h^2$, the rounding error grows
# with $10^{-16} / h$; in float64 the best $h$ lies near $10^{-6}$, and about 9 digits are right.
#
# This is also why nobody trains this way: a network with a million weights would need two
# million runs for a single step. Backpropagation needs one run forward and one back. The
# numeric gradient is the slow witness that tells you whether the fast one says the truth.


# %%
#| export
def relative_error(got, expected):
    """Return the largest difference of two arrays, measured against their largest entry.

    got, expected: arrays (or numbers) of the same shape.
    Returns a Python float: 0.0 for equal arrays, also if both are all zero. 1e-3 means that
    three digits agree. NaN in, NaN out. Raises ValueError if the shapes differ.

    Example: relative_error([10.0, 2.0], [10.0, 1.0]) is 0.1.

    Hint: 1. Make both arrays and compare their shapes: broadcasting would hide a mistake.
          2. difference = np.abs(got - expected).max(initial=0.0)
          3. scale: the largest absolute entry of either array, also with initial=0.0.
          4. 0.0 if scale is 0, otherwise difference / scale.
    """
    ### BEGIN SOLUTION
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        raise ValueError(f"shapes differ: {got.shape} and {expected.shape}")
    difference = np.abs(got - expected).max(initial=0.0)
    scale = np.maximum(np.abs(got), np.abs(expected)).max(initial=0.0)
    return 0.0 if scale == 0 else float(difference / scale)
    ### END SOLUTION


def numeric_gradient(f, x, eps=1e-6):
    """Return the gradient of f at x by central differences, one entry at a time.

    f: function of an array shaped like x that returns one number.
    x: array of any shape; it is left as it was.
    Returns a float64 array shaped like x.

    Example: numeric_gradient(lambda x: (x**2).sum(), np.array([1.0, 3.0])) is about [2, 6].

    Hint: 1. Work on a float64 copy of x, and make room with np.zeros_like.
          2. for index in np.ndindex(x.shape): visits every entry, whatever the shape.
          3. Set the entry to its value plus eps and call f, then minus eps and call f, then put
             the value back. float(...) turns what f returns into a number.
          4. The slope is the difference of the two, divided by 2 * eps.
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        middle = x[index]
        x[index] = middle + eps
        above = float(f(x))
        x[index] = middle - eps
        below = float(f(x))
        x[index] = middle
        gradient[index] = (above - below) / (2 * eps)
    return gradient
    ### END SOLUTION


# %%
def test_relative_error_measures():
    """relative_error() divides the largest difference by the largest entry."""
    got = relative_error([10.0, 2.0], [10.0, 1.0])
    expect("relative_error([10, 2], [10, 1])", got, 0.1, "Hint: difference 1, scale 10.")
    for got, expected in [([-1.0, 0.0], [-4.0, 0.0]), ([-4.0, 0.0], [-1.0, 0.0])]:
        expect(
            f"relative_error({got}, {expected})",
            relative_error(got, expected),
            0.75,
            "Hint: take np.abs of the difference and of both arrays: 3 / 4.",
        )
    got = relative_error([0.25, 0.0], [0.5, 0.0])
    expect("relative_error([0.25, 0], [0.5, 0])", got, 0.5, "Hint: difference 0.25, scale 0.5.")
    got = relative_error([0.0, 0.0], [0.0, 0.0])
    expect("relative_error([0, 0], [0, 0])", got, 0.0, "Hint: return 0.0 when the scale is zero.")


def test_relative_error_is_not_fooled():
    """relative_error() refuses different shapes and never calls NaN small."""
    hint = "Hint: compare got.shape with expected.shape; do not let NumPy broadcast."
    got = relative_error([float("nan"), 1.0], [1.0, 1.0])
    assert np.isnan(got), (
        f"relative_error([nan, 1], [1, 1]) should be nan, got {got}. "
        "Hint: use the array method max(), which keeps NaN; Python's max() may lose it."
    )
    expect_error(
        ValueError,
        "relative_error of shapes (2, 1) and (2,)",
        lambda: relative_error(np.ones((2, 1)), np.ones(2)),
        hint,
    )


def test_numeric_gradient_finds_slopes():
    """numeric_gradient() agrees with calculus in every entry and leaves x alone."""
    x = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
    before = x.copy()
    weights = np.arange(1.0, 7.0).reshape(2, 3)
    got = numeric_gradient(lambda v: float((weights * v**3).sum()), x)
    expect(
        "numeric_gradient of sum(w * x**3)",
        got,
        3 * weights * x**2,
        "Hint: (f(x + eps) - f(x - eps)) / (2 * eps), one entry at a time, then put it back.",
    )
    expect("x after numeric_gradient(f, x)", x, before, "Hint: work on a copy: np.array(x).")
    got = numeric_gradient(lambda v: float(v[0] * v[1]), np.array([2, 5]), eps=0.5)
    expect(
        "numeric_gradient of x0 * x1 at the integers [2, 5], eps=0.5",
        got,
        [5.0, 2.0],
        "Hint: work on a float64 copy, and put each entry back before you go to the next.",
    )


def test_numeric_gradient_uses_both_sides():
    """numeric_gradient() takes the central difference with the eps it is given."""
    # f = x**3 at 1 with h = 0.5: central ((1.5)^3 - (0.5)^3) / 1 = 3.25; forward would be 4.75.
    got = numeric_gradient(lambda v: float(v**3), np.array(1.0), eps=0.5)
    expect(
        "numeric_gradient(x**3, 1.0, eps=0.5)",
        got,
        3.25,
        "Hint: one step up, one step down, and divide by 2 * eps.",
    )


# %% [markdown]
# ## Done?
#
# Run `tito module test 00`. When everything passes, `tito module complete 00` commits it, and
# `tinytorch/core/setup.py` appears. Try your first piece of the library:

# %%
seed(0)
print(uniform((2, 3), 0.5))
print(accuracy([[0.9, 0.1], [0.3, 0.7]], [0, 1]))
print(numeric_gradient(lambda x: float((x**2).sum()), np.array([1.0, 3.0])))
