"""Run in the child for 03_nn, each (library, arrays, settings) -> arrays: parameters of networks and their first values."""

from __future__ import annotations

from typing import Any

from grader.content.common import listed
from grader.sandbox.worker.values import Arrays, copied, plain


def parameters(tt: Any, _: Arrays, settings: Any) -> Arrays:
    sizes = settings.get("sizes", [])
    if settings["net"] == "nested":
        layers = [tt.Linear(5, 4), tt.ReLU()]
        net = tt.Sequential(tt.Linear(3, 5), tt.Sequential(*layers, _pair(tt)(4, 2)), tt.Tanh())
        return listed(net.parameters())
    if settings["net"] == "shared":
        layer = tt.Linear(3, 3)
        return listed(tt.Sequential(layer, tt.Tanh(), layer).parameters())
    return listed(getattr(tt, settings["net"])(*sizes).parameters())


def _pair(tt: Any) -> Any:
    """A layer of the kind a student writes: an attribute that is a list, a constant, a flag."""

    class Pair(tt.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.parts = [tt.Linear(inputs, outputs, bias=False)]
            self.shift = tt.Tensor([0.0] * outputs, requires_grad=True)
            self.scale = tt.Tensor([1.0] * 7)
            self.training = True

        def forward(self, x: Any) -> Any:
            return self.parts[0](x) + self.shift

    return Pair


def first_values(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    layer = getattr(tt, settings["layer"])
    n = int(arrays["n"])
    tt.seed(n)
    first, second = (copied(layer(*settings["sizes"]).weight) for _ in range(2))
    tt.seed(n)
    return {"first": first, "second": second, "again": plain(layer(*settings["sizes"]).weight)}


SCENARIOS = (parameters, first_values)
