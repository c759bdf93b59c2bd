"""What several challenges draw: digits, first weights, orders of examples."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from grader.errors import CourseError
from grader.proof.milestones.challenges import Array

DIGITS = "tests/milestones/data/digits.npz"
DIGITS_SHA256 = "dbf986c85139e1e27869626672c0aad07dceb575e0f0f5b8c706ac7f0340876e"


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
