"""What a challenge is made of, and what several of them draw."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.challenges.forward import Values, Watch

Array = np.ndarray[Any, np.dtype[Any]]

DIGITS = "tests/milestones/data/digits.npz"
DIGITS_SHA256 = "dbf986c85139e1e27869626672c0aad07dceb575e0f0f5b8c706ac7f0340876e"


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


class Challenge(Protocol):
    """The training of one milestone. hints: claim -> the likely causes when it fails, in order."""

    hints: Mapping[str, str]

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        """The runs; the first is the one that the claims are about."""
        ...

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        """What the network puts out for a batch; values and result have a first axis of networks."""
        ...

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        """(S,): of each network, for the scores of its batch."""
        ...

    def answer_scores(self, run: Run, values: Values, reported: Array) -> Array:
        """The scores of the held-out inputs, as reported should be."""
        ...

    def beside(self, run: Run, values: Values, reported: Array) -> Mapping[str, Array]:
        """What else should have been reported: "kind/name" of the run's extras -> array."""
        ...

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        """How many of the held-out answers are right."""
        ...


@dataclass(frozen=True, slots=True)
class Digits:
    """images: (N, 8, 8) float32 in [0, 1].  labels: (N,) int64."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array = field(repr=False)


def digits(root: Path) -> Digits:
    """The handwritten digits of the course. Raises CourseError when they are not what they were."""
    path = root / DIGITS
    try:
        content = path.read_bytes()
    except OSError:
        raise CourseError(
            f"{DIGITS} is missing: without the digits this milestone cannot be verified.",
            hint=f"git checkout HEAD -- :/{DIGITS}",
        ) from None
    if hashlib.sha256(content).hexdigest() != DIGITS_SHA256:
        raise CourseError(
            f"{DIGITS} is damaged: its SHA-256 is not the one that the course expects.",
            hint=f"git checkout HEAD -- :/{DIGITS}",
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        images = stored["images"].astype(np.float32) / 16
        labels = stored["labels"].astype(np.int64)
        train, test = stored["train"], stored["test"]
    return Digits(images[train], labels[train], images[test], labels[test])


def uniform(generator: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> Array:
    """First weights as PyTorch draws them: uniform within 1 / sqrt(fan_in). float32."""
    bound = fan_in**-0.5
    return generator.uniform(-bound, bound, size=shape).astype(np.float32)


def linear(
    generator: np.random.Generator, name: str, inputs: int, outputs: int, *, bias: bool = True
) -> dict[str, Array]:
    drawn = {f"{name}.weight": uniform(generator, (outputs, inputs), inputs)}
    if bias:
        drawn[f"{name}.bias"] = uniform(generator, (outputs,), inputs)
    return drawn


def orders(generator: np.random.Generator, epochs: int, count: int) -> Array:
    """(epochs, count): in which order each epoch visits the examples."""
    return np.stack([generator.permutation(count) for _ in range(epochs)])


def steps_per_epoch(count: int, batch_size: int) -> int:
    return -(-count // batch_size)


def percent_right(predicted: Array, answers: Array) -> float:
    """Of rows: a row is right when all of it is. NaN scores predict nothing that matters."""
    right = (predicted == answers).reshape(len(answers), -1).all(axis=1)
    return float(100 * right.mean())
