"""What a challenge is made of: its runs, its optimiser, and what the judge computes of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from grader.sandbox.jobs import Limits

Array = np.ndarray[Any, np.dtype[Any]]
USUAL = Limits(wall_s=60.0, cpu_s=40, report_mb=192)  # of a training


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one network, as the judge drew it. The first of a milestone is "main".

    settings: sizes and rates, JSON; the worker is told.  initial: parameter -> its first value.
    data: arrays that the worker is given beside, none of them a held-out label.
    steps: how many updates there will be.  answers: what only the judge knows.
    """

    name: str
    settings: Mapping[str, Any]
    initial: Mapping[str, Array]
    data: Mapping[str, Array]
    steps: int
    optimiser: Optimiser
    answers: Array
    scores: tuple[int, ...]  # the shape of what the network puts out for the held-out inputs
    epoch: int = 1  # steps in one pass over the data
    # What is reported beside: kind -> name -> shape.
    extras: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)

    def rows(self, step: int) -> Array:
        """Which examples the batch of one step holds, in order."""
        order = self.data.get("order")
        if order is None:
            return np.arange(len(self.data["inputs"]))
        size = self.settings["batch_size"]
        epoch, batch = divmod(step, self.epoch)
        return np.asarray(order[epoch, batch * size : (batch + 1) * size])

    def payload(self) -> dict[str, Array]:
        arrays = {f"{self.name}/{k}": v for k, v in self.data.items()}
        return arrays | {f"{self.name}/initial/{k}": v for k, v in self.initial.items()}


@dataclass(frozen=True, slots=True)
class Optimiser:
    """SGD, or Adam with betas 0.9 and 0.999."""

    kind: str
    lr: float
    momentum: float = 0.0

    def __str__(self) -> str:
        if self.kind == "Adam":
            return f"Adam(lr={self.lr:g})"
        tail = f", momentum={self.momentum:g}" if self.momentum else ""
        return f"SGD(lr={self.lr:g}{tail})"


@dataclass(frozen=True, slots=True)
class Proof:
    """Something else that a challenge asks: of the run, and of what was reported beside it.

    look: what was compared, in words; raises Wrong.
    """

    title: str
    look: Callable[[Run, Mapping[str, Mapping[str, Array]]], str]


class Challenge(Protocol):
    """The training of one milestone. hints: claim -> the likely causes when it fails, in order;
    so may a kind of extras have one.

    limits: what a training with a right library may use.  proofs: of its own, by name.
    """

    hints: Mapping[str, str]
    limits: Limits = USUAL
    proofs: Mapping[str, Proof] = {}

    @abstractmethod
    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        """The runs; the first is the one that the claims are about."""

    @abstractmethod
    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        """What the network puts out for a batch; values and result have a first axis of networks."""

    @abstractmethod
    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        """(S,): of each network, for the scores of its batch."""

    def answer_scores(self, run: Run, values: Values, reported: Array) -> Array:  # noqa: ARG002  # some use it
        """The scores of the held-out inputs, as reported should be."""
        return self.scores(run, values, run.data["held_out"][None], Watch(0))

    def beside(self, run: Run, values: Values, reported: Array) -> Mapping[str, Array]:  # noqa: ARG002  # some do
        """What else should have been reported: "kind/name" of the run's extras -> array."""
        return {}

    def first(self, name: str, own: Array) -> bool:  # noqa: ARG002  # some do
        """Is the usual rule for first values not for the parameter NAME? Raises Wrong.

        own: what the library drew.
        """
        return False

    @abstractmethod
    def accuracy_percent(self, run: Run, scores: Array) -> float:
        """How many of the held-out answers are right."""


Values = Mapping[str, Array]


class Watch:
    """Finds corners: places where rounding alone decides which of two slopes is the right one.

    A ReLU at nearly zero, a maximum that two different entries share. reach: how near is too
    near, relative to the numbers around; about a hundred roundings of the library under test.
    """

    def __init__(self, reach: float) -> None:
        self.reach = reach
        self._corners: Array = np.zeros((), dtype=int)

    def look(self, gap: Array, slope: Array, size: Array) -> None:
        """gap: distance to the corner.  slope: by how much the two slopes differ there.

        size: of the numbers around, in each network.
        """
        near = np.abs(gap) <= self.reach * size
        if near.any():
            rest = tuple(range(1, near.ndim))
            steep = np.abs(slope).max(axis=rest, keepdims=True)
            near &= np.abs(slope) > 1e-6 * steep
            self._corners = self._corners + np.count_nonzero(near, axis=rest)

    def cornered(self, networks: int) -> Array:
        """(S,) bool: has the network a corner?"""
        return np.broadcast_to(self._corners > 0, (networks,))
