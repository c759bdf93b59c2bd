"""Run in the child for 00_setup, each (library, arrays, settings) -> arrays: random numbers, dtypes, errors."""

from __future__ import annotations

from typing import Any

from grader.sandbox.worker.values import Arrays


def seeds(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    n = int(arrays["n"])
    tt.seed(n)
    first = tt.rng().standard_normal(6)
    more = tt.rng().standard_normal(6)
    tt.seed(n)
    again = tt.rng().standard_normal(6)
    tt.seed(n + 1)
    return {"first": first, "more": more, "again": again, "other": tt.rng().standard_normal(6)}


def uniform(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    shape = tuple(settings["shape"])
    tt.seed(int(arrays["n"]))
    drawn, more = tt.uniform(shape, 0.5), tt.uniform(shape, 0.5)
    tt.seed(int(arrays["n"]))
    return {"drawn": drawn, "more": more, "again": tt.uniform(shape, 0.5)}


def float_arrays(tt: Any, _: Arrays, __: Any) -> Arrays:
    import numpy as np

    cases = {
        "numbers": 3,
        "lists": [[1, 2], [3, 4]],
        "integers": np.arange(3),
        "bools": np.array([True, False]),
    }
    found = {name: tt.as_float_array(data).dtype.kind == "f" for name, data in cases.items()}
    fine = {"float64": np.array([0.1]), "complex": np.array([1 + 2j])}
    kept = {name: tt.as_float_array(data).dtype == data.dtype for name, data in fine.items()}
    return found | kept


def nan_error(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    broken = arrays["a"].copy()
    broken[1, 2] = np.nan
    return {"out": tt.relative_error(broken, arrays["a"])}


SCENARIOS = (seeds, uniform, float_arrays, nan_error)
