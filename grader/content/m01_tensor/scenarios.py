"""Run in the child for 01_tensor, each (library, arrays, settings) -> arrays: attributes and dtypes of tensors."""

from __future__ import annotations

from typing import Any

from grader.sandbox.worker.values import Arrays, plain


def facts(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x = arrays["x"]
    t = tt.Tensor(x, requires_grad=True)
    rest, detached = tt.Tensor(x) * 2 + 1, t.detach()
    return {
        "the data of Tensor(Tensor(x))": plain(tt.Tensor(t)),
        "the data of Tensor(x.tolist())": plain(tt.Tensor(x.tolist())),
        "t.shape": np.asarray(t.shape),
        "t.ndim": np.asarray(t.ndim),
        "t.size": np.asarray(t.size),
        "len(t)": np.asarray(len(t)),
        "Tensor([[2.5]]).item()": np.asarray(tt.Tensor([[2.5]]).item()),
        "t.numpy()": plain(t.numpy()),
        "t.detach()": plain(detached),
        "detached": not detached.requires_grad,
        "rests": not rest.requires_grad,
    }


def dtypes(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    cases = {"numbers": [1, 2], "float32": arrays["x"], "float64": arrays["x"].astype(np.float64)}
    found: Arrays = {}
    for name, data in cases.items():
        x = tt.Tensor(data)
        found[f"{name}/floats"] = x.dtype.kind == "f"
        results = {"x + 2": x + 2, "3 * x": 3 * x, "2.5 / (x + 9)": 2.5 / (x + 9), "x**2": x**2}
        results |= {"x - np.float64(1)": x - np.float64(1), "x.mean()": x.mean()}
        for text, result in results.items():
            kept = result.dtype == x.dtype
            found[f"kept/{text}"] = found.get(f"kept/{text}", True) and kept
    found["float64/kept"] = tt.Tensor(cases["float64"]).dtype == np.float64
    return found


SCENARIOS = (facts, dtypes)
