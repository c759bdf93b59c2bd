"""Run in the child for 02_autograd, each (library, arrays, settings) -> arrays: several backward passes, graphs, memory."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import Any

from grader.sandbox.worker.values import Arrays, copied, plain


def scalar_backward(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    (x * x).sum().backward()
    return {"the gradient of x after (x * x).sum().backward()": plain(x.grad)}


def ties(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x = tt.Tensor(arrays["x"], requires_grad=True)
    x.max(axis=1).backward(np.array([2.0, -3.0, 0.5], dtype=np.float32))
    one = plain(x.grad)
    x = tt.Tensor(arrays["x"], requires_grad=True)
    x.max().backward()
    return {"one axis": one, "everything": plain(x.grad)}


def twice(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x, y = (tt.Tensor(arrays[name], requires_grad=True) for name in ("x", "y"))
    c = arrays["c"]
    (x * y).backward(c)
    found = {"the gradient of x after (x * y).backward(c)": copied(x.grad)}
    (x + x).backward(c)
    found["the gradient of x after another (x + x).backward(c)"] = copied(x.grad)
    found["the gradient of y after (x * y) and (x + x)"] = copied(y.grad)
    x.zero_grad()
    x.exp().backward(c)
    found["the gradient of x after zero_grad() and x.exp().backward(c)"] = copied(x.grad)
    return found


def shared(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x, c = tt.Tensor(arrays["x"], requires_grad=True), arrays["c"]
    z = x * x
    (z * 3).backward(c)
    found = {"the gradient of x through 3 * z": copied(x.grad)}
    z.exp().backward(c)
    found["the gradient of x through 3 * z and z.exp()"] = copied(x.grad)
    x = tt.Tensor(arrays["x"], requires_grad=True)
    out = x * x * 3
    out.backward(c)
    out.backward(c)
    found["the gradient of x after the same backward() twice"] = copied(x.grad)
    return found


def aliases(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    a, b = (tt.Tensor(arrays[name], requires_grad=True) for name in ("a", "b"))
    c = arrays["c"]
    (a + b).backward(c)
    (a + a).backward(c)
    return {
        "the gradient of a after (a + b) and a + a": copied(a.grad),
        "the gradient of b after (a + b) and a + a": copied(b.grad),
        "the data of a": plain(a),
    }


def constants(tt: Any, _: Arrays, __: Any) -> Arrays:
    x, k = tt.Tensor([1.0, 2.0], requires_grad=True), tt.Tensor([3.0, 4.0])
    ((x * k) @ k + k.sum() / x.sum()).backward()
    return {
        "constant has a gradient": k.grad is not None,
        "leaf has a gradient": x.grad is not None,
    }


def no_grad(tt: Any, _: Arrays, __: Any) -> Arrays:
    x = tt.Tensor([1.0, 2.0], requires_grad=True)
    with tt.no_grad():
        inside = not (x * 2).requires_grad
        with tt.no_grad():
            pass
        nested = not (x * 2).requires_grad
    after = (x * 2).requires_grad
    with contextlib.suppress(KeyError), tt.no_grad():
        raise KeyError
    return {
        "inside": inside,
        "inside, nested": nested,
        "after": after,
        "after an error": (x * 2).requires_grad,
    }


def deep(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    y = x
    for _ in range(settings["operations"] // 3):
        y = y * 0.999 + x * 0.001
    y.sum().backward()
    return {"the result of a long chain": plain(y), "its gradient": plain(x.grad)}


def doubled(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    y = x
    for _ in range(settings["times"]):
        y = y + y
    y.sum().backward()
    return {"x, doubled 60 times": plain(y), "its gradient": plain(x.grad)}


def wide(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    w = tt.Tensor(arrays["w"], requires_grad=True)
    out = tt.Tensor(arrays["x"]) @ w.T
    out.backward(arrays["c"])
    return {"the result": plain(out), "the gradient of w": plain(w.grad)}


def freed(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    y = x * 2 + 1
    watched = weakref.ref(y.data)
    (y * y).sum().backward()
    del y
    gc.collect()
    return {"freed": watched() is None}


SCENARIOS = (
    scalar_backward,
    ties,
    twice,
    shared,
    aliases,
    constants,
    no_grad,
    deep,
    doubled,
    wide,
    freed,
)
