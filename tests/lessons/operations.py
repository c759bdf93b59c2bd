"""Every operation, layer and loss of the library, once for us and once for PyTorch.

One table for two oracles: test_torch_parity.py compares both columns, test_finite_differences.py
differentiates the first one numerically. PyTorch comes in as an argument, so that the table can be
read without it.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True, slots=True)
class Case:
    """ours(library, *tensors) and theirs(torch, *tensors) should be the same tensor.

    shapes: of the inputs. low, high: the inputs are uniform between them, else normal.
    smooth: False where the derivative jumps at the inputs, which numeric differences cannot see.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    ours: Callable
    theirs: Callable
    low: float | None = None
    high: float = 2.0
    inputs: tuple[list, ...] | None = None
    smooth: bool = True

    def arrays(self, dtype: type) -> list[np.ndarray]:
        """The inputs: the same ones in every run, other ones in every case."""
        generator = np.random.default_rng(zlib.crc32(self.name.encode()))
        if self.inputs is not None:
            return [np.array(values, dtype=dtype) for values in self.inputs]
        if self.low is not None:
            draws = [generator.uniform(self.low, self.high, shape) for shape in self.shapes]
        else:
            draws = [generator.normal(size=shape) for shape in self.shapes]
        return [np.asarray(draw).astype(dtype) for draw in draws]

    def cotangent(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """A random gradient of the result. Ones would hide bugs: softmax sums to a constant."""
        generator = np.random.default_rng(zlib.crc32(self.name.encode()) + 1)
        return np.asarray(generator.normal(size=shape)).astype(dtype)


def same(name, shapes, function, **options):
    """A case that is written alike in both libraries."""
    return Case(
        name,
        shapes,
        lambda _, *tensors: function(*tensors),
        lambda _, *tensors: function(*tensors),
        **options,
    )


def placed(layer, **parameters):
    """The layer with its parameters replaced; "q_proj__weight" is layer.q_proj.weight."""
    for name, tensor in parameters.items():
        *owners, last = name.split("__")
        owner = functools.reduce(getattr, owners, layer)
        assert getattr(owner, last).shape == tensor.shape
        setattr(owner, last, tensor)
    return layer


BROADCASTS = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 4), (3, 1)),
    ((2, 1, 4), (3, 1)),
    ((1,), (2, 3)),
    ((), (2, 3)),
    ((1, 1), (1, 1)),
]
OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}

ELEMENTWISE = [
    same(f"{name} {a} {b}", (a, b), function, low=0.5)
    for name, function in OPERATORS.items()
    for a, b in BROADCASTS
] + [
    same("tensor + 2", ((3, 4),), lambda x: x + 2),
    same("2 + tensor", ((3, 4),), lambda x: 2 + x),
    same("tensor - 2", ((3, 4),), lambda x: x - 2),
    same("2 - tensor", ((3, 4),), lambda x: 2 - x),
    same("tensor * 1.5", ((3, 4),), lambda x: x * 1.5),
    same("-1.5 * tensor", ((3, 4),), lambda x: -1.5 * x),
    same("tensor / 4", ((3, 4),), lambda x: x / 4),
    same("3 / tensor", ((3, 4),), lambda x: 3 / x, low=0.5),
    same("negation", ((2, 3),), lambda x: -x),
    *(
        same(f"tensor ** {n}", ((2, 3),), lambda x, n=n: x**n, low=0.5)
        for n in (0, 1, 2, 3, -1, 0.5, -0.5)
    ),
    same("square of negative numbers", ((2, 3),), lambda x: x**2, low=-2, high=-1),
    same("exp", ((2, 3),), lambda x: x.exp()),
    same("log", ((2, 3),), lambda x: x.log(), low=0.5),
]

ARRAY = np.array([[1.0, -2.0, 3.0]], dtype=np.float32)
WITH_ARRAYS = [
    Case(
        f"array {name} tensor",
        ((2, 3),),
        lambda _, x, f=function: f(ARRAY, x),
        lambda torch, x, f=function: f(torch.from_numpy(ARRAY).to(x.dtype), x),
        low=0.5,
    )
    for name, function in OPERATORS.items()
]

MATMUL = [
    same(f"matmul {a} {b}", (a, b), lambda a, b: a @ b)
    for a, b in [
        ((3, 4), (4, 2)),
        ((1, 1), (1, 1)),
        ((2, 3, 4), (2, 4, 5)),
        ((2, 3, 4), (4, 5)),
        ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((4,), (4,)),
        ((3, 4), (4,)),
        ((4,), (4, 3)),
        ((2, 3, 4), (4,)),
    ]
]

REDUCTIONS = [
    Case(
        f"{name} axis={axis} keepdims={keepdims} {shape}",
        (shape,),
        lambda _, x, n=name, a=axis, k=keepdims: getattr(x, n)(axis=a, keepdims=k),
        lambda _, x, n=name, a=axis, k=keepdims: getattr(x, n)(dim=a, keepdim=k),
    )
    for name in ("sum", "mean")
    for shape, axis in [((3, 4), 0), ((3, 3), 1), ((2, 3, 4), -1), ((2, 3, 4), (0, 2)), ((2, 1), 1)]
    for keepdims in (False, True)
]
REDUCTIONS += [
    Case(
        f"max axis={axis} keepdims={keepdims}",
        ((2, 3, 4),),
        lambda _, x, a=axis, k=keepdims: x.max(axis=a, keepdims=k),
        lambda _, x, a=axis, k=keepdims: x.max(dim=a, keepdim=k).values,
    )
    for axis in (0, 1, -1)
    for keepdims in (False, True)
]
REDUCTIONS += [
    same(f"{name} of everything", ((2, 3, 4),), lambda x, n=name: getattr(x, n)())
    for name in ("sum", "mean", "max")
]
REDUCTIONS += [
    Case(
        "max with equal entries",
        (),
        lambda _, x: x.max(axis=1),
        lambda _, x: x.max(dim=1).values,
        inputs=([[1, 3, 3, 0], [2, 2, 2, 2]],),
        smooth=False,
    )
]

SHAPES = [
    same("reshape", ((2, 3, 4),), lambda x: x.reshape(6, 4)),
    same("reshape with -1", ((2, 3, 4),), lambda x: x.reshape(2, -1)),
    same("reshape with a tuple", ((2, 6),), lambda x: x.reshape((3, 4))),
    same("reshape of a transpose", ((2, 3),), lambda x: x.T.reshape(6)),
    same("T", ((2, 3),), lambda x: x.T),
    Case(
        "transpose swaps the last two axes",
        ((2, 3, 4),),
        lambda _, x: x.transpose(),
        lambda _, x: x.transpose(-1, -2),
    ),
    *(
        Case(
            f"transpose{axes}",
            (tuple(range(2, 2 + len(axes))),),
            lambda _, x, a=axes: x.transpose(*a),
            lambda _, x, a=axes: x.permute(*a),
        )
        for axes in [(1, 0), (2, 0, 1), (1, 2, 0), (0, 2, 1, 3), (3, 1, 0, 2)]
    ),
]

INDEXING = [
    same(f"index {name}", ((4, 3, 2),), lambda x, k=key: x[k])
    for name, key in {
        "int": 1,
        "negative int": -1,
        "slice": slice(1, 3),
        "slice with a step": slice(None, None, 2),
        "ints": (1, 2, 0),
        "slice and int": (slice(None), 1),
        "ellipsis": (..., 0),
        "list with a repeat": [0, 2, 0, 0],
        "two lists with a repeat": ([0, 1, 0], [2, 2, 2]),
        "slice and list": (slice(None), [1, 1, 0]),
    }.items()
]

REUSE = [
    same("x + x", ((2, 3),), lambda x: x + x),
    same("x * x", ((2, 3),), lambda x: x * x),
    same("x @ x", ((3, 3),), lambda x: x @ x),
    same("x @ x.T", ((2, 3),), lambda x: x @ x.T),
    same("x - x.mean", ((2, 3),), lambda x: x - x.mean()),
    same("diamond", ((2, 3),), lambda x: (x * 2).exp() * (x * 3) + x),
    same("long and short way", ((2, 3),), lambda x: (((x * 2).exp() + 1).log() * x) / (x * x + 1)),
    same("row against column", ((3, 1),), lambda x: x * x.T),
    same("two inputs, each twice", ((2, 3), (3,)), lambda a, b: (a * b + a) / (b * b + 1)),
]


def _functional(name):
    """torch.nn.functional.name, once torch is known."""
    return lambda torch, *tensors, **options: getattr(torch.nn.functional, name)(
        *tensors, **options
    )


ACTIVATIONS = [
    Case(
        f"{name} as {kind}",
        ((3, 4),),
        (lambda tt, x, n=name: getattr(tt, n)(x))
        if kind == "function"
        else (lambda tt, x, n=layer: getattr(tt, n)()(x)),
        lambda torch, x, n=name: getattr(torch, n)(x),
    )
    for name, layer in [("relu", "ReLU"), ("sigmoid", "Sigmoid"), ("tanh", "Tanh")]
    for kind in ("function", "layer")
]
ACTIVATIONS += [
    Case(
        f"{name} axis={axis}",
        ((2, 3, 4),),
        lambda tt, x, n=name, a=axis: getattr(tt, n)(x, axis=a),
        lambda torch, x, n=name, a=axis: getattr(torch, n)(x, dim=a),
    )
    for name in ("softmax", "log_softmax")
    for axis in (0, 1, -1)
]
ACTIVATIONS += [
    Case(
        "Softmax(axis=0)",
        ((3, 4),),
        lambda tt, x: tt.Softmax(axis=0)(x),
        lambda torch, x: torch.softmax(x, dim=0),
    ),
    *(
        Case(
            f"{name} of huge numbers",
            (),
            lambda tt, x, n=name: getattr(tt, n)(x),
            theirs,
            inputs=([[800.0, -800.0, 799.0], [0.0, 90.0, -1000.0]],),
            smooth=False,
        )
        for name, theirs in [
            ("sigmoid", lambda torch, x: torch.sigmoid(x)),
            ("tanh", lambda torch, x: torch.tanh(x)),
            ("softmax", lambda torch, x: torch.softmax(x, dim=-1)),
            ("log_softmax", lambda torch, x: torch.log_softmax(x, dim=-1)),
        ]
    ),
    Case(
        "relu at zero",
        (),
        lambda tt, x: tt.relu(x),
        lambda torch, x: torch.relu(x),
        inputs=([0.0, -1.0, 2.0],),
        smooth=False,
    ),
]

LABELS = np.array([2, 0, 1, 1, 3])


def _linear(tt, x, w, b=None):
    parameters = {"weight": w} if b is None else {"weight": w, "bias": b}
    return placed(tt.Linear(w.shape[1], w.shape[0], bias=b is not None), **parameters)(x)


def _perceptron(tt, x, w1, b1, w2, b2):
    net = tt.Sequential(tt.Linear(3, 5), tt.Tanh(), tt.Linear(5, 2))
    placed(net.layers[0], weight=w1, bias=b1)
    placed(net.layers[2], weight=w2, bias=b2)
    return net(x)


LAYERS = [
    Case("Linear", ((2, 3), (4, 3), (4,)), _linear, _functional("linear")),
    Case("Linear without bias", ((2, 3), (4, 3)), _linear, _functional("linear")),
    Case("Linear on (B, T, D)", ((2, 5, 3), (4, 3), (4,)), _linear, _functional("linear")),
    Case(
        "Sequential",
        ((4, 3), (5, 3), (5,), (2, 5), (2,)),
        _perceptron,
        lambda torch, x, w1, b1, w2, b2: torch.tanh(x @ w1.T + b1) @ w2.T + b2,
    ),
]

LOSSES = [
    Case("MSELoss", ((4, 3), (4, 3)), lambda tt, a, b: tt.MSELoss()(a, b), _functional("mse_loss")),
    Case(
        "BinaryCrossEntropyLoss",
        ((5, 1),),
        lambda tt, p: tt.BinaryCrossEntropyLoss()(p, np.array([[1], [0], [1], [1], [0]])),
        lambda torch, p: torch.nn.functional.binary_cross_entropy(
            p, torch.tensor([[1], [0], [1], [1], [0]], dtype=p.dtype)
        ),
        low=0.05,
        high=0.95,
    ),
    Case(
        "CrossEntropyLoss",
        ((5, 4),),
        lambda tt, x: tt.CrossEntropyLoss()(x, LABELS),
        lambda torch, x: torch.nn.functional.cross_entropy(x, torch.from_numpy(LABELS)),
    ),
    Case(
        "CrossEntropyLoss, labels as Tensor",
        ((5, 4),),
        lambda tt, x: tt.CrossEntropyLoss()(x, tt.Tensor(LABELS)),
        lambda torch, x: torch.nn.functional.cross_entropy(x, torch.from_numpy(LABELS)),
    ),
    Case(
        "CrossEntropyLoss of huge scores",
        (),
        lambda tt, x: tt.CrossEntropyLoss()(x, np.array([0, 1])),
        lambda torch, x: torch.nn.functional.cross_entropy(x, torch.tensor([0, 1])),
        inputs=([[1000.0, -1000.0, 999.0], [300.0, -200.0, 0.0]],),
        smooth=False,
    ),
]


def _conv(stride, padding):
    def ours(tt, x, w, b):
        layer = tt.Conv2d(w.shape[1], w.shape[0], w.shape[2], stride=stride, padding=padding)
        return placed(layer, weight=w, bias=b)(x)

    return ours


SPATIAL = [
    Case(
        f"Conv2d x {x} weight {w} stride={stride} padding={padding}",
        (x, w, w[:1]),
        _conv(stride, padding),
        lambda torch, x, w, b, s=stride, p=padding: torch.nn.functional.conv2d(
            x, w, b, stride=s, padding=p
        ),
    )
    for x, w in [
        ((1, 1, 4, 4), (1, 1, 3, 3)),
        ((2, 3, 5, 6), (4, 3, 3, 3)),
        ((3, 2, 7, 4), (2, 2, 2, 2)),
        ((2, 2, 3, 3), (3, 2, 1, 1)),
    ]
    for stride, padding in [(1, 0), (2, 0), (1, 1), (2, 1), (3, 2)]
]
SPATIAL += [
    Case(
        f"MaxPool2d({size}, stride={stride}) x {shape}",
        (shape,),
        lambda tt, x, k=size, s=stride: tt.MaxPool2d(k, s)(x),
        lambda torch, x, k=size, s=stride: torch.nn.functional.max_pool2d(x, k, s),
    )
    for shape, size, stride in [
        ((2, 3, 6, 6), 2, None),
        ((1, 2, 5, 7), 2, None),
        ((2, 1, 6, 5), 3, 1),
        ((1, 2, 7, 8), 2, 3),
        ((2, 2, 5, 6), 3, 2),
    ]
]
SPATIAL += [
    Case(
        "MaxPool2d with equal entries",
        (),
        lambda tt, x: tt.MaxPool2d(2)(x),
        lambda torch, x: torch.nn.functional.max_pool2d(x, 2),
        inputs=([[[[1, 1, 0, 2], [1, 1, 2, 2]]]],),
        smooth=False,
    ),
    Case(
        "Flatten",
        ((2, 3, 2, 4),),
        lambda tt, x: tt.Flatten()(x),
        lambda torch, x: torch.flatten(x, start_dim=1),
    ),
]

TOKENS = np.array([[1, 4, 1, 0], [2, 1, 1, 4]])
CAUSAL = np.tril(np.ones((4, 4), dtype=bool))


def _attend(torch, q, k, v, mask=None):
    mask = None if mask is None else torch.from_numpy(mask)
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def _heads(torch, x, wq, wk, wv, wo, bo, mask=None, num_heads=2):
    def split(y):
        return y.unflatten(-1, (num_heads, -1)).transpose(1, 2)

    heads = _attend(torch, split(x @ wq.T), split(x @ wk.T), split(x @ wv.T), mask)
    return torch.nn.functional.linear(heads.transpose(1, 2).flatten(2), wo, bo)


def _torch_block(torch, x, g1, s1, wq, wk, wv, wo, bo, g2, s2, w1, b1, w2, b2, mask=None):
    functional = torch.nn.functional
    normed = functional.layer_norm(x, x.shape[-1:], g1, s1)
    x = x + _heads(torch, normed, wq, wk, wv, wo, bo, mask)
    normed = functional.layer_norm(x, x.shape[-1:], g2, s2)
    hidden = torch.relu(functional.linear(normed, w1, b1))
    return x + functional.linear(hidden, w2, b2)


def _our_heads(tt, x, wq, wk, wv, wo, bo, mask=None):
    layer = placed(
        tt.MultiHeadAttention(x.shape[-1], 2),
        q_proj__weight=wq,
        k_proj__weight=wk,
        v_proj__weight=wv,
        out_proj__weight=wo,
        out_proj__bias=bo,
    )
    return layer(x, mask)


def _our_block(tt, x, g1, s1, wq, wk, wv, wo, bo, g2, s2, w1, b1, w2, b2, mask=None):
    block = placed(
        tt.TransformerBlock(x.shape[-1], 2, hidden=w1.shape[0]),
        norm1__weight=g1,
        norm1__bias=s1,
        attention__q_proj__weight=wq,
        attention__k_proj__weight=wk,
        attention__v_proj__weight=wv,
        attention__out_proj__weight=wo,
        attention__out_proj__bias=bo,
        norm2__weight=g2,
        norm2__bias=s2,
    )
    placed(block.feed_forward.layers[0], weight=w1, bias=b1)
    placed(block.feed_forward.layers[2], weight=w2, bias=b2)
    return block(x, mask)


HEADS = ((4, 4), (4, 4), (4, 4), (4, 4), (4,))
BLOCK = ((4,), (4,), *HEADS, (4,), (4,), (7, 4), (7,), (4, 7), (4,))

SEQUENCES = [
    Case(
        "Embedding with repeated tokens",
        ((5, 3),),
        lambda tt, w: placed(tt.Embedding(5, 3), weight=w)(TOKENS),
        lambda torch, w: torch.nn.functional.embedding(torch.from_numpy(TOKENS), w),
    ),
    Case(
        "Embedding of a Tensor",
        ((5, 3),),
        lambda tt, w: placed(tt.Embedding(5, 3), weight=w)(tt.Tensor(TOKENS)),
        lambda torch, w: torch.nn.functional.embedding(torch.from_numpy(TOKENS), w),
    ),
    Case(
        "PositionalEncoding",
        ((2, 3, 4), (5, 4)),
        lambda tt, x, w: placed(tt.PositionalEncoding(5, 4), weight=w)(x),
        lambda _, x, w: x + w[:3],
    ),
    *(
        Case(
            f"LayerNorm on {shape}",
            (shape, shape[-1:], shape[-1:]),
            lambda tt, x, w, b: placed(tt.LayerNorm(x.shape[-1]), weight=w, bias=b)(x),
            lambda torch, x, w, b: torch.nn.functional.layer_norm(x, x.shape[-1:], w, b),
        )
        for shape in [(3, 4), (2, 3, 5), (6,)]
    ),
    Case(
        "LayerNorm of equal numbers",
        (),
        lambda tt, x: tt.LayerNorm(4)(x),
        lambda torch, x: torch.nn.functional.layer_norm(x, (4,)),
        inputs=([[3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0]],),
        smooth=False,
    ),
]
for _name, _mask in {"without a mask": None, "with a causal mask": CAUSAL}.items():
    SEQUENCES += [
        Case(
            f"attention {lead} {_name}",
            ((*lead, 4, 3), (*lead, 4, 3), (*lead, 4, 2)),
            lambda tt, q, k, v, m=_mask: tt.scaled_dot_product_attention(q, k, v, m)[0],
            functools.partial(_attend, mask=_mask),
        )
        for lead in [(), (2,), (2, 3)]
    ]
    SEQUENCES += [
        Case(
            f"MultiHeadAttention {_name}",
            ((2, 4, 4), *HEADS),
            functools.partial(_our_heads, mask=_mask),
            functools.partial(_heads, mask=_mask),
        ),
        Case(
            f"TransformerBlock {_name}",
            ((2, 4, 4), *BLOCK),
            functools.partial(_our_block, mask=_mask),
            functools.partial(_torch_block, mask=_mask),
            # Weights of size 1 are ten times those of a layer: there PyTorch's own float32 gradient
            # is 5e-5 away from its float64 one, and so near the tolerance that it says nothing.
            low=-0.9,
            high=0.9,
        ),
    ]
SEQUENCES += [
    Case(
        "attention to a longer sequence",
        ((2, 3, 4), (2, 5, 4), (2, 5, 2)),
        lambda tt, q, k, v: tt.scaled_dot_product_attention(q, k, v)[0],
        _attend,
    )
]

CASES = [
    *ELEMENTWISE,
    *WITH_ARRAYS,
    *MATMUL,
    *REDUCTIONS,
    *SHAPES,
    *INDEXING,
    *REUSE,
    *ACTIVATIONS,
    *LAYERS,
    *LOSSES,
    *SPATIAL,
    *SEQUENCES,
]


def parameters(cases):
    """The cases as parameters of a test, each with its name as id."""
    return [pytest.param(case, id=case.name) for case in cases]
