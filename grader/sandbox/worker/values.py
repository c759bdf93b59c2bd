"""Student values as arrays, and student errors as words, for the scripts of the worker."""

from __future__ import annotations

import os
import traceback
from typing import Any

Arrays = dict[str, Any]


def plain(value: Any) -> Any:
    """The array of a tensor; an array or a number as it is."""
    import numpy as np

    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    return np.asarray(getattr(value, "data", value))


def copied(value: Any) -> Any:
    return plain(value).copy()


def evaluate(text: str, names: Arrays) -> Any:
    """The value of an expression that the judge wrote."""
    exec(f"_value = {text}", names)
    return names["_value"]


def find(layer: Any, path: str) -> Any:
    """The attribute at "q_proj.weight"."""
    for name in path.split("."):
        layer = getattr(layer, name)
    return layer


def describe(error: BaseException) -> dict[str, Any]:
    """What was raised, and the deepest line of the student's package that it came through."""
    outcome = "todo" if isinstance(error, NotImplementedError) else "errored"
    try:
        text = str(error)[:4000]
    except BaseException:  # noqa: BLE001  # a student's __str__ may itself raise
        text = "(its message cannot be printed)"
    result: dict[str, Any] = {"outcome": outcome, "message": f"{type(error).__name__}: {text}"}
    for frame in traceback.extract_tb(error.__traceback__):
        head, inside, path = frame.filename.replace(os.sep, "/").rpartition("/tinytorch/")
        if inside and head:
            result |= {"file": f"tinytorch/{path}", "line": frame.lineno, "source": frame.line}
    return result
