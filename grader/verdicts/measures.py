"""What a training measured, and how that is said in a few words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Number = float | int | None  # None: not measured, or not finite
Share = tuple[int, int]  # of them, all
NUMBERS = ("seed", "seconds", "first_loss", "last_loss", "loss_fall_percent", "accuracy_percent")


@dataclass(frozen=True, slots=True)
class Parameter:
    """gradient, change: the largest of all steps."""

    name: str
    shape: tuple[int, ...]
    gradient: Number = None
    change: Number = None


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one training; of anything else nothing is measured.

    loss: step by step, thinned.  gradients, updates: how many parameters receive one.
    beside: kind -> name -> what was reported beside.  tolerance_used: proof -> share of it.
    """

    seed: int | None = None
    seconds: Number = None
    loss: tuple[Number, ...] = ()
    first_loss: Number = None
    last_loss: Number = None
    loss_fall_percent: Number = None
    accuracy_percent: Number = None
    gradients: Share | None = None
    updates: Share | None = None
    parameters: tuple[Parameter, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    tolerance_used: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        if self == NOTHING:
            return {}
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**values, "parameters": [dataclasses.asdict(p) for p in self.parameters]}

    @classmethod
    def from_json(cls, stored: Any) -> Measures:
        """Keys that are not known are ignored. Raises TypeError or ValueError for what is damaged."""
        if not isinstance(stored, dict):
            raise TypeError(stored)
        names = {f.name for f in dataclasses.fields(cls)}
        known = {name: value for name, value in stored.items() if name in names}
        for name in NUMBERS:
            _number(known.get(name))
        for name in {"gradients", "updates"} & known.keys():
            known[name] = known[name] and _share(*known[name])
        known["loss"] = tuple(map(_number, known.get("loss", ())))
        known["parameters"] = tuple(_parameter(**p) for p in known.get("parameters", ()))
        for name in {"beside", "tolerance_used"} & known.keys():
            known[name] = dict(known[name])
        return cls(**known)

    @property
    def words(self) -> dict[str, str]:
        """Claim -> what was measured of it. Without those of which nothing was."""
        said = {}
        if self.loss:
            fall = self.loss_fall_percent
            change = "" if fall is None else f" ({0.0 - fall:+.4g} %)"  # 0 - 0 is 0, and not -0
            said["loss"] = f"{number(self.first_loss)} → {number(self.last_loss)}{change}"
            said["accuracy"] = number(self.accuracy_percent, ".1f", " %")
        for name, share in (("gradients", self.gradients), ("updates", self.updates)):
            if share is not None:
                said[name] = f"{share[0]} of {share[1]}"
        return said


NOTHING = Measures()


def number(value: Number, form: str = ".3g", unit: str = "") -> str:
    return "not finite" if value is None else f"{value + 0.0:{form}}{unit}"  # -0.0 becomes 0.0


def finite(value: float) -> float | None:
    """JSON has no NaN: what is not a number is null."""
    return value if math.isfinite(value) else None


def _number(value: Any) -> Number:
    if value is not None and type(value) not in (int, float):
        raise TypeError(value)
    return finite(value) if value is not None else None


def _share(some: int, all_: int) -> Share:
    if type(some) is not int or type(all_) is not int:
        raise TypeError((some, all_))
    return some, all_


def _parameter(
    name: str, shape: list[int], gradient: Number = None, change: Number = None, **_newer: Any
) -> Parameter:
    return Parameter(str(name), tuple(map(int, shape)), _number(gradient), _number(change))
