"""The library agrees with PyTorch on shapes, axes, indices and settings that nobody thought of.

Each kind of operation draws its own cases: odd, empty and 0-d shapes, negative and tuple axes,
windows larger than their stride and steps larger than their window, arrays that lie in memory in
another order. Values and gradients are compared, relative to the largest number of the answer.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.library import reference_library

torch = pytest.importorskip("torch", reason="PyTorch is an extra: pip install '.[parity]'")
torch.set_num_threads(1)  # as in test_torch_parity.py
functional = torch.nn.functional
tt = reference_library()

TOLERANCE = 1e-4  # float32, of the scale of the answer
SEEDS = range(16)


def agree(ours, theirs, what):
    expected = theirs.detach().numpy()
    assert ours.shape == expected.shape, what
    assert ours.dtype == expected.dtype, what
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(ours / scale, expected / scale, rtol=0, atol=TOLERANCE, err_msg=what)


def shape(g, low=0, high=4, sizes=(1, 2, 3, 4)):
    return tuple(int(g.choice(sizes)) for _ in range(g.integers(low, high + 1)))


def normal(g, of, scale=1.0):
    """float32 numbers; every third array lies in memory in another order, or has gaps."""
    kind = g.integers(6)
    if kind == 0:
        return np.asarray(g.normal(size=of[::-1]) * scale).astype(np.float32).T
    if kind == 1:
        return np.asarray(g.normal(size=(*of, 2)) * scale).astype(np.float32)[..., 0]
    return np.asarray(g.normal(size=of) * scale).astype(np.float32)


def fewer(g, of):
    """A shape that broadcasts against OF: some axes of length 1, some leading ones missing."""
    ones = [1 if g.random() < 0.4 else n for n in of]
    return tuple(ones[g.integers(len(of) + 1) :] if g.random() < 0.5 else ones)


# Each returns arrays, ours(*tensors), theirs(*tensors).


def broadcast(g):
    whole = shape(g, sizes=(0, 1, 2, 3))
    a, b = normal(g, whole), normal(g, fewer(g, whole))
    b = np.copysign(np.abs(b) + 0.5, b)
    f = [
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x * y,
        lambda x, y: x / y,
        lambda x, y: y - x * y + x,
    ][g.integers(5)]
    return [a, b], f, f


def powers(g):
    n = [0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5][g.integers(9)]
    return [np.abs(normal(g, shape(g))) + 0.3], lambda t: t**n, lambda t: t**n


def reduction(g):
    of = shape(g, low=1)
    name = ["sum", "mean", "max"][g.integers(3)]
    keep = bool(g.integers(2))
    axes = g.permutation(len(of))[: g.integers(1, len(of) + 1)]
    axes = tuple(int(axis - len(of) * g.integers(2)) for axis in axes)
    axis = axes if name != "max" and g.random() < 0.6 else axes[0]
    pick = (lambda r: r.values) if name == "max" else (lambda r: r)
    spelled = (
        {"axis": axis, "keepdims": keep} if g.random() < 0.5 else {"dim": axis, "keepdim": keep}
    )
    return (
        [normal(g, of)],
        lambda t: getattr(t, name)(**spelled),
        lambda t: pick(getattr(t, name)(dim=axis, keepdim=keep)),
    )


def order_of_axes(g):
    of = shape(g, low=2)
    order = [int(axis - len(of) * g.integers(2)) for axis in g.permutation(len(of))]
    two = [int(axis - len(of) * g.integers(2)) for axis in g.integers(0, len(of), 2)]
    if g.random() < 0.5:
        return [normal(g, of)], lambda t: t.permute(*order), lambda t: t.permute(*order)
    return [normal(g, of)], lambda t: t.transpose(*two), lambda t: t.transpose(*two)


def other_shape(g):
    of = shape(g, low=1)
    new = (-1, of[0]) if g.random() < 0.5 else (int(np.prod(of)),)
    return [normal(g, of)], lambda t: t.reshape(*new), lambda t: t.reshape(new)


def index(g):
    """Slices beside numbers, or slices beside arrays: for all three at once NumPy, and so we,
    put the axes of the arrays elsewhere than PyTorch."""
    of = shape(g, low=1, sizes=(2, 3, 4, 5))
    count = int(g.integers(1, 4))
    picks = (lambda n: int(g.integers(-n, n))), (lambda n: g.integers(-n, n, count))
    pick = picks[g.integers(2)]
    key = []
    for n in of[: g.integers(1, len(of) + 1)]:
        start = int(g.integers(-n, n))
        steps = slice(None, None, int(g.integers(1, 3)))
        key.append([pick(n), pick(n), steps, slice(start, None)][g.integers(4)])
    if len(key) < len(of) and g.random() < 0.4:
        key.append(Ellipsis)
    if g.random() < 0.15:
        key = [g.random(of) < 0.5]
    for_torch = tuple(torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in key)
    return [normal(g, of)], lambda t: t[tuple(key)], lambda t: t[for_torch]


def matrices(g):
    n, k, m = (int(v) for v in g.integers(1, 5, 3))
    stack = shape(g, high=2, sizes=(1, 2, 3))
    a = (k,) if g.random() < 0.2 else (*stack, n, k)
    b = (k,) if g.random() < 0.2 else (*fewer(g, stack), k, m)
    f = lambda x, y: x @ y  # noqa: E731  # as the other rows
    return [normal(g, a), normal(g, b)], f, f


def activation(g):
    name = ["relu", "sigmoid", "tanh", "exp", "log"][g.integers(5)]
    x = normal(g, shape(g, sizes=(0, 1, 2, 3)), scale=3.0)
    x = np.abs(x) + 0.1 if name == "log" else x
    return [x], lambda t: getattr(tt, name)(t), lambda t: getattr(torch, name)(t)


def probabilities(g):
    of = shape(g, low=1)
    axis = int(g.integers(-len(of), len(of)))
    name = ["softmax", "log_softmax"][g.integers(2)]
    x = normal(g, of, scale=[1.0, 30.0, 1000.0][g.integers(3)])
    return ([x], lambda t: getattr(tt, name)(t, axis), lambda t: getattr(torch, name)(t, dim=axis))


def linear(g):
    ins, outs = (int(v) for v in g.integers(1, 5, 2))
    x, w, b = normal(g, (*shape(g, high=3), ins)), normal(g, (outs, ins)), normal(g, (outs,))
    biased = g.random() < 0.7

    def ours(x, w, b):
        layer = tt.Linear(ins, outs, bias=biased)
        layer.weight, layer.bias = w, b if biased else None
        return layer(x) + b * 0

    return [x, w, b], ours, lambda x, w, b: functional.linear(x, w, b if biased else None) + b * 0


def classes(g):
    n, c = (int(v) for v in g.integers(1, 7, 2))
    labels = g.integers(0, c, n)
    given = [labels, labels.tolist(), tt.Tensor(labels), labels.astype(np.float32)][g.integers(4)]
    return (
        [normal(g, (n, c), scale=[1.0, 100.0][g.integers(2)])],
        lambda t: tt.CrossEntropyLoss()(t, given),
        lambda t: functional.cross_entropy(t, torch.from_numpy(labels)),
    )


def two_classes(g):
    of = shape(g)
    p = np.asarray(g.uniform(0.02, 0.98, of)).astype(np.float32)
    y = np.asarray(g.integers(0, 2, of)).astype(np.float32)
    return (
        [p],
        lambda t: tt.BinaryCrossEntropyLoss()(t, y),
        lambda t: functional.binary_cross_entropy(t, torch.from_numpy(y)),
    )


def squares(g):
    of = shape(g)
    return [normal(g, of), normal(g, of)], tt.MSELoss(), functional.mse_loss


def convolution(g):
    n, c, o = (int(v) for v in g.integers(1, 4, 3))
    k, stride, padding = int(g.integers(1, 5)), int(g.integers(1, 6)), int(g.integers(0, 6))
    h, w = (int(v) for v in g.integers(max(1, k - 2 * padding), 9, 2))

    def ours(x, w, b):
        layer = tt.Conv2d(c, o, k, stride, padding)
        layer.weight, layer.bias = w, b
        return layer(x)

    return (
        [normal(g, (n, c, h, w)), normal(g, (o, c, k, k)), normal(g, (o,))],
        ours,
        lambda x, w, b: functional.conv2d(x, w, b, stride=stride, padding=padding),
    )


def pooling(g):
    k, stride = int(g.integers(1, 5)), [None, 1, 2, 3, 5][g.integers(5)]
    of = (*(int(v) for v in g.integers(1, 4, 2)), *(int(v) for v in g.integers(k, 9, 2)))
    return (
        [normal(g, of)],
        lambda t: tt.MaxPool2d(k, stride)(t),
        lambda t: functional.max_pool2d(t, k, stride),
    )


def tokens(g):
    v, d = (int(n) for n in g.integers(1, 5, 2))
    ids = np.asarray(g.integers(0, v, shape(g, high=3, sizes=(0, 1, 2, 5))))
    return (
        [normal(g, (v, d))],
        lambda w: tt.embedding(ids, w),
        lambda w: functional.embedding(torch.from_numpy(ids), w),
    )


def norm(g):
    of = shape(g, low=1, sizes=(2, 3, 4, 8))
    # An offset far beyond the scale would ask float32 for digits that it does not have.
    x = (normal(g, of) + g.normal()) * [0.01, 1.0, 50.0][g.integers(3)]
    eps = [1e-5, 1e-3, 0.5][g.integers(3)]
    return (
        [x, normal(g, of[-1:]), normal(g, of[-1:])],
        lambda x, w, b: tt.layer_norm(x, w, b, eps),
        lambda x, w, b: functional.layer_norm(x, x.shape[-1:], w, b, eps),
    )


def attention(g):
    stack = shape(g, high=2, sizes=(1, 2, 3))
    t, s, d, e = (int(n) for n in g.integers(1, 5, 4))
    mask = g.random((t, s)) < 0.6
    mask[np.arange(t), g.integers(0, s, t)] = True  # PyTorch has no answer for an empty row
    mask = mask if g.random() < 0.7 else None
    return (
        [normal(g, (*stack, t, d)), normal(g, (*stack, s, d)), normal(g, (*stack, s, e))],
        lambda q, k, v: tt.scaled_dot_product_attention(q, k, v, mask)[0],
        lambda q, k, v: functional.scaled_dot_product_attention(
            q, k, v, None if mask is None else torch.from_numpy(mask)
        ),
    )


def graph(g):
    """Forty operations on what came before, each result used never, once or several times."""
    seed = int(g.integers(10**9))

    def build(library):
        def grow(*leaves):
            draw, known = np.random.default_rng(seed), list(leaves)
            for _ in range(40):
                a, b = (known[i] for i in draw.integers(0, len(known), 2))
                known.append(
                    [
                        lambda a, b: a + b,
                        lambda a, b: a * b * 0.5,
                        lambda a, b: library.tanh(a - b),
                        lambda a, b: library.sigmoid(a) * b,
                        lambda a, b: a / (b * b + 1),
                        lambda a, b: library.tanh(a @ b.T),
                        lambda a, b: library.softmax(a, -1) + b.mean(axis=0, keepdims=True),
                        lambda a, b: library.relu(a)[[2, 0, 0]] - b.sum(),
                    ][draw.integers(8)](a, b)
                )
                known[-1] = library.tanh(known[-1])
            return sum(known[-6:-1], known[-1])

        return grow

    return [normal(g, (3, 3)) for _ in range(3)], build(tt), build(torch)


KINDS = [
    *(broadcast, powers, reduction, order_of_axes, other_shape, index, matrices, activation),
    *(probabilities, linear, classes, two_classes, squares, convolution, pooling, tokens),
    *(norm, attention, graph),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_drawn_operation_has_values_and_gradients_of_pytorch(kind, seed):
    generator = np.random.default_rng([seed, KINDS.index(kind)])
    arrays, ours, theirs = kind(generator)
    arrays = [np.asarray(array, dtype=np.float32) for array in arrays]
    mine = [tt.Tensor(array, requires_grad=True) for array in arrays]
    right = [torch.from_numpy(array).clone().requires_grad_() for array in arrays]
    out, expected = ours(*mine), theirs(*right)
    agree(out.data, expected, "value")
    cotangent = np.asarray(generator.normal(size=out.shape)).astype(np.float32)
    out.backward(cotangent)
    expected.backward(torch.from_numpy(cotangent))
    for number, (leaf, answer) in enumerate(zip(mine, right, strict=True), start=1):
        used = answer.grad is not None
        assert (leaf.grad is not None) is used
        agree(*((leaf.grad, answer.grad) if used else (out.data, expected)), f"operand {number}")
