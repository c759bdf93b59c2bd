"""02_autograd: the gradient of every operation of 01_tensor, and the walk that brings it back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.content.m01_tensor.probes import OPERATIONS
from grader.proof.compare import Array, Drawn, Wrong, flag, number
from grader.proof.inputs import away, normal, these
from grader.proof.probe import Call, Probe, Refusal, Scenario

DEEP = 5000  # operations in a row
DOUBLINGS = 60  # the roads through them are more than anyone walks
WIDE = (1000, 200)  # more entries than anyone differentiates one by one
QUICK_S = 4.0

_TWICE = "The gradients of all uses of a tensor add up."
_ORDER = "A tensor passes its gradient on only after every road to it has reported."


def _uses(text: str, function: Any, hint: str, **inputs: Any) -> Call:
    return Call(text, function, inputs, hint, seeded=True)


REUSE: tuple[Call, ...] = (
    _uses("x * x", lambda x: x * x, _TWICE, x=normal(2, 3)),
    _uses("x + x", lambda x: x + x, _TWICE, x=normal(2, 3)),
    _uses("x - x * x / 2", lambda x: x - x * x / 2, _TWICE, x=normal(2, 3)),
    _uses("x @ x", lambda x: x @ x, _TWICE, x=normal(3, 3)),
    _uses(
        "(lambda y: y * y.exp() + x)(x * 2)",
        lambda x: 2 * x * np.exp(2 * x) + x,
        _ORDER,
        x=normal(2, 3),
    ),
    _uses(
        "(lambda y: (lambda z: z * y + y)(y * y + x))(x * 0.5)",
        lambda x: (x * x / 4 + x) * x / 2 + x / 2,
        _ORDER,
        x=normal(2, 3),
    ),
    _uses(
        "(lambda y: x + (y + (y * y).exp()))(x * 0.5)",
        lambda x: x + (x / 2 + np.exp(x * x / 4)),
        _ORDER,
        x=normal(2, 3),
    ),
    _uses(
        "(x * w).sum(axis=0) @ (x * w).mean(axis=0) + x[0, 1]",
        lambda x, w: (x * w).sum(axis=0) @ (x * w).mean(axis=0) + x[0, 1],
        _TWICE,
        x=normal(3, 4),
        w=normal(4),
    ),
    Call(
        "a * b",
        lambda a, b: a * b,
        {"a": these([[1.5, -2.0]]), "b": these([[1.5, -2.0]])},
        "Tell tensors apart by identity, not by value.",
        seeded=True,
        label="a * b of equal numbers",
    ),
    Call(
        "x ** 0",
        lambda x: np.ones(x.shape) + 0 * x,
        {"x": these([0.0, 2.0])},
        "The constant 1 has the gradient 0, at 0 too.",
        seeded=True,
        label="x ** 0 at 0",
    ),
    Call("x ** 2", lambda x: x * x, {"x": these([0.0, -3.0])}, seeded=True, label="x ** 2 at 0"),
)


def _twice(x: Array, y: Array, c: Array) -> Mapping[str, Any]:
    return {
        "the gradient of x after (x * y).backward(c)": c * y,
        "the gradient of x after another (x + x).backward(c)": c * y + 2 * c,
        "the gradient of y after (x * y) and (x + x)": c * x,
        "the gradient of x after zero_grad() and x.exp().backward(c)": c * np.exp(x),
    }


def _shared(x: Array, c: Array) -> Mapping[str, Any]:
    """z = x * x; (3 * z).backward(c), then z.exp().backward(c)."""
    first = 6 * c * x
    return {
        "the gradient of x through 3 * z": first,
        "the gradient of x through 3 * z and z.exp()": first + 2 * c * x * np.exp(x * x),
        "the gradient of x after the same backward() twice": 2 * first,
    }


def _apart(a: Array, b: Array, c: Array) -> Mapping[str, Any]:
    return {
        "the gradient of a after (a + b) and a + a": 3 * c,
        "the gradient of b after (a + b) and a + a": c,
        "the data of a": a,
    }


def _deep(x: Array) -> Mapping[str, Any]:
    """y = y * 0.999 + x * 0.001, again and again: y stays x, whatever x is."""
    return {"the result of a long chain": x, "its gradient": np.ones(x.shape)}


def _doubled(x: Array) -> Mapping[str, Any]:
    many = 2.0**DOUBLINGS
    return {"x, doubled 60 times": many * x, "its gradient": np.full(x.shape, many)}


def _wide(x: Array, w: Array, c: Array) -> Mapping[str, Any]:
    return {"the result": x @ w.T, "the gradient of w": c.T @ x}


def _scalar(x: Array) -> Mapping[str, Any]:
    return {"the gradient of x after (x * x).sum().backward()": 2 * x}


def _check_ties(got: Drawn) -> None:
    """Any share among the equal ones is a right slope, as long as the shares make one whole."""
    for what in ("one axis", "everything"):
        there = got.get(what)
        if there is None or there.shape != (3, 4):
            raise Wrong(f"x.max() over {what}: the gradient has not the shape of x")
        shares = [there[[0, 0], [1, 2]], there[1], there[[2], [3]]]
        totals = [2.0, -3.0, 0.5] if what == "one axis" else [0.0, 0.0, 1.0]
        for share, total in zip(shares, totals, strict=True):
            enough = abs(share.sum() - total) <= 1e-5 and np.all(share * np.sign(total) >= 0)
            if not (enough and np.abs(share).sum() <= abs(total) + 1e-5):
                raise Wrong(
                    f"of {len(share)} equal largest entries the gradients add up to "
                    f"{share.sum():.4g}, expected {total:.4g}",
                    "One winner, the first: argmax names it.",
                )
        if abs(np.abs(there).sum() - np.abs(totals).sum()) > 1e-5:
            raise Wrong("an entry that is not the largest gets a gradient", "Zeros, but there.")


def _check_constants(got: Drawn) -> None:
    if flag(got, "constant has a gradient"):
        raise Wrong("a Tensor that requires no gradient gets one", "Skip such parents.")
    if not flag(got, "leaf has a gradient"):
        raise Wrong("a leaf beside a constant gets no gradient")


def _check_no_grad(got: Drawn) -> None:
    for what, words in {
        "inside": "inside no_grad() a result should require no gradient",
        "inside, nested": "after an inner no_grad() ends, the outer one should still hold",
        "after": "after no_grad() results should require a gradient again",
        "after an error": "after an error inside no_grad() results should require a gradient again",
    }.items():
        if not flag(got, what):
            raise Wrong(words, "Keep what it was before, and restore that in __exit__().")


def _check_freed(got: Drawn) -> None:
    if not flag(got, "freed"):
        raise Wrong(
            "a graph stays in memory after backward(), although nobody holds it any more",
            "Keep no list or dict of tensors beyond the call.",
        )


def _check_quick(got: Drawn) -> None:
    if not number(got, "seconds") <= QUICK_S:
        raise Wrong(
            f"the gradient of {WIDE[0] * WIDE[1]:,} numbers took more than {QUICK_S:g} s",
            "backward() visits every operation once. A gradient by differences runs the "
            "function once per number.",
        )


PROBES: tuple[Probe, ...] = (
    Scenario(
        "backward() of a single number",
        "scalar_backward",
        inputs={"x": normal(3, 4)},
        expected=_scalar,
    ),
    *(dataclasses.replace(call, gradient=True, seeded=True) for call in OPERATIONS),
    *REUSE,
    Scenario(
        "x.max() of equal entries",
        "ties",
        inputs={"x": these([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0], [0.0, 1.0, 2.0, 4.0]])},
        check=_check_ties,
    ),
    Scenario(
        "gradients add up until zero_grad()",
        "twice",
        inputs={"x": away(2, 3), "y": away(2, 3), "c": away(2, 3)},
        expected=_twice,
        hint="node.grad = node.grad + grad in the leaves; zero_grad() forgets it.",
    ),
    Scenario(
        "two backward passes through one part",
        "shared",
        inputs={"x": away(2, 3), "c": away(2, 3)},
        expected=_shared,
        hint="Keep the gradients of results in between only while backward() runs.",
    ),
    Scenario(
        "gradients do not share their memory",
        "aliases",
        inputs={"a": away(2, 3), "b": away(2, 3), "c": away(2, 3)},
        expected=_apart,
        hint="Add with a + b, a new array, not with +=.",
    ),
    Scenario("constants get no gradient", "constants", check=_check_constants),
    Scenario("no_grad()", "no_grad", check=_check_no_grad),
    Scenario(
        f"a graph of {DEEP:,} operations in a row",
        "deep",
        {"operations": DEEP},
        {"x": away(3)},
        _deep,
        hint="Walk with a while loop and a list, no recursion.",
        tolerance=2e-3,
    ),
    Scenario(
        f"{DOUBLINGS} times y = y + y",
        "doubled",
        {"times": DOUBLINGS},
        {"x": away(3)},
        _doubled,
        hint="Visit every tensor once, however many roads lead to it.",
    ),
    Scenario(
        f"the gradient of {WIDE[0] * WIDE[1]:,} numbers",
        "wide",
        {},
        {"x": normal(3, WIDE[1]), "w": normal(*WIDE), "c": normal(3, WIDE[0])},
        _wide,
        check=_check_quick,
        timed=True,
    ),
    Scenario("graphs are freed", "freed", inputs={"x": normal(3, 4)}, check=_check_freed),
    Refusal(
        "(x * 2).backward()",
        "RuntimeError",
        "there are six numbers to start from",
        {"x": normal(2, 3)},
        "Only a single number has a gradient of 1 to start with.",
    ),
    Refusal(
        "(x * 2).backward(c)",
        "RuntimeError",
        "the gradient has shape (3,), the tensor (2, 3)",
        {"x": normal(2, 3), "c": these([1.0, 2.0, 3.0], "given")},
        "Compare gradient.shape with out.shape.",
    ),
    Refusal(
        "(x * 2).sum().backward()",
        "RuntimeError",
        "nothing requires a gradient",
        {"x": these([1.0, 2.0], "constant")},
        "A constant has no graph.",
    ),
)
