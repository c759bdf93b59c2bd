"""Run in the child for 07_spatial, each (library, arrays, settings) -> arrays: pooling."""

from __future__ import annotations

from typing import Any

from grader.sandbox.worker.values import Arrays, plain


def pool_ties(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x = tt.Tensor(arrays["x"], requires_grad=True)
    c = np.array([[[[2.0, -3.0]]]], dtype=np.float32)
    (tt.MaxPool2d(2)(x) * tt.Tensor(c)).sum().backward()
    return {"gradient": plain(x.grad)}


SCENARIOS = (pool_ties,)
