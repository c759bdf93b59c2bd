"""Tools: another right way. RandomState, loops over rows, a five-point stencil."""

import numpy as np

_STATE = {"generator": np.random.RandomState()}
FLOAT = np.float32  # what plain numbers become


def seed(n):
    _STATE["generator"] = np.random.RandomState(n)


def rng():
    return _STATE["generator"]


def as_float_array(data):
    array = np.array(data)
    keep = isinstance(data, (np.ndarray, np.generic)) and array.dtype in (np.float64, np.complex128)
    return array if keep or array.dtype.kind == "c" else array.astype(FLOAT)


def uniform(shape, bound):
    return (bound * (2 * rng().random_sample(shape) - 1)).astype(FLOAT)


def one_hot(labels, num_classes):
    labels = np.asarray(labels)
    rows = np.zeros((len(labels), num_classes))
    for row, label in zip(rows, labels, strict=True):
        if not 0 <= label < num_classes:
            raise ValueError(f"label {label} is not one of {num_classes}")
        row[int(label)] = 1
    return rows


def predicted_labels(scores):
    scores = np.array(scores)
    if scores.ndim == 2 and scores.shape[1] != 1:
        return np.array([max(range(len(row)), key=row.__getitem__) for row in scores])
    flat = scores.ravel()
    return np.rint(flat).astype(int) if flat.dtype.kind == "f" else flat


def accuracy(scores, labels):
    predicted = list(predicted_labels(scores))
    wanted = list(np.ravel(labels))
    hits = [int(p) == int(w) for p, w in zip(predicted, wanted, strict=True)]
    return sum(hits) / len(hits)


def relative_error(got, expected):
    got, expected = np.array(got, dtype=float), np.array(expected, dtype=float)
    if got.shape != expected.shape:
        raise ValueError("shapes differ")
    scale = max(np.max(np.abs(got), initial=0), np.max(np.abs(expected), initial=0))
    return 0.0 if scale == 0 else float(np.max(np.abs(got - expected) / scale))


def numeric_gradient(f, x, eps=1e-6):
    x = np.asarray(x, dtype=np.float64)
    gradient = []
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = eps
        step = step.reshape(x.shape)
        gradient.append((float(f(x + step)) - float(f(x - step))) / eps / 2)
    return np.reshape(gradient, x.shape)
