# Generated from modules/00_setup/setup.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["seed", "rng", "as_float_array", "uniform", "one_hot", "predicted_labels", "accuracy", "relative_error", "numeric_gradient"]


#| export
import numpy as np


#| export
_GENERATOR = [np.random.default_rng()]


def seed(n):
    """Restart the generator of the library at n, so that a run can be repeated.

    n: int.
    Returns nothing.

    Example: after seed(0), rng().integers(10) is 8, every time.

    Hint: make a new np.random.default_rng(n) and store it in _GENERATOR[0].
    """
    _GENERATOR[0] = np.random.default_rng(n)


def rng():
    """Return the generator of the library, the one that seed() set last.

    Example: rng().standard_normal(3) draws three numbers, the next call three others.

    Hint: return what is stored; making a new one here would repeat the same numbers.
    """
    return _GENERATOR[0]


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
    array = np.asarray(data)
    if array.dtype.kind == "c":
        return array
    if array.dtype == np.float64 and isinstance(data, (np.ndarray, np.generic)):
        return array
    return array.astype(np.float32, copy=False)


#| export
def uniform(shape, bound):
    """Draw float32 numbers, each equally likely anywhere between -bound and bound.

    shape: tuple of ints. bound: positive number.
    Returns an ndarray of float32 with that shape.

    Example: uniform((2, 3), 0.5) has 6 numbers between -0.5 and 0.5.

    Hint: rng().uniform(low, high, size=shape), then astype(np.float32).
    """
    return rng().uniform(-bound, bound, size=shape).astype(np.float32)


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
    labels = np.asarray(labels).astype(np.int64)
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(f"labels must lie in 0..{num_classes - 1}")
    return np.eye(num_classes, dtype=np.float32)[labels]


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
    scores = np.asarray(scores)
    if scores.ndim == 2 and scores.shape[1] > 1:
        return scores.argmax(axis=1)
    flat = scores.reshape(-1)
    if flat.dtype.kind == "f":
        return (flat > 0.5).astype(np.int64)
    return flat.astype(np.int64)


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
    predicted = predicted_labels(scores)
    labels = np.asarray(labels).reshape(-1)
    if len(predicted) != len(labels):
        raise ValueError(f"{len(predicted)} predictions for {len(labels)} labels")
    return float(np.mean(predicted == labels))


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
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        raise ValueError(f"shapes differ: {got.shape} and {expected.shape}")
    difference = np.abs(got - expected).max(initial=0.0)
    scale = np.maximum(np.abs(got), np.abs(expected)).max(initial=0.0)
    return 0.0 if scale == 0 else float(difference / scale)


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
