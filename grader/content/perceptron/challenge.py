"""1957: one neuron, two clouds of points. Tensors and derivatives alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader.content import forward
from grader.content.drawing import percent_right
from grader.proof.milestones.challenges import Array, Challenge, Optimiser, Run, Values, Watch

STEPS, LR = 100, 0.5
POINTS, HELD_OUT = 100, 200
NOISE = 0.4  # beside centres at a distance of 1 from zero
LARGE = 200_000  # weights: more than anyone differentiates one by one

# Claim -> the likely causes when it fails, in order.
HINTS = {
    "loss": "Do the gradients point the right way (sub, neg, log, exp of 02_autograd)? "
    "Is a gradient summed where it should be averaged (mean)?",
    "accuracy": "Look at the loss first. If it falls and this does not: is the bias added?",
    "gradients": "Does every operation pass requires_grad on, and does backward() reach "
    "every leaf?",
    "updates": "Is .grad an array of the same shape as .data? Is a gradient zero or NaN?",
}


class Perceptron(Challenge):
    hints = HINTS

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        """Two clouds whose centres lie five standard deviations apart, in a random direction.

        Near enough to zero that no probability is rounded to 1, whose loss would be infinite:
        at z = 16.6 it is in float32; the largest |z| of 2,000 challenges was 10.3.
        """
        angle = generator.uniform(0, 2 * np.pi)
        direction = np.array([np.cos(angle), np.sin(angle)])
        return [
            _run(generator, "main", direction, POINTS, HELD_OUT, STEPS),
            _run(generator, "large", generator.normal(size=LARGE) / LARGE**0.5, 2, 1, 1),
        ]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        return np.asarray(inputs @ values["weight"] + values["bias"][:, None])

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        return forward.binary_cross_entropy(scores, targets)

    def first(self, name: str, own: Array) -> bool:
        return name == "weight"  # a bare tensor: the script makes it of zeros

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        return percent_right(scores.reshape(-1) > 0, run.answers > 0.5)


def _run(
    generator: np.random.Generator, name: str, centre: Array, points: int, held_out: int, steps: int
) -> Run:
    """centre: (features,) of the cloud of ones; that of the zeros lies opposite."""
    features = len(centre)
    inputs, targets = _clouds(generator, points, centre)
    unseen, answers = _clouds(generator, held_out, centre)
    spread = min(0.1, features**-0.5)
    initial = {
        "weight": generator.normal(0, spread, size=(features, 1)).astype(np.float32),
        "bias": generator.normal(0, 0.1, size=1).astype(np.float32),
    }
    data = {"inputs": inputs, "targets": targets[:, None], "held_out": unseen}
    settings = {"features": features, "steps": steps, "lr": LR}
    return Run(name, settings, initial, data, steps, Optimiser("SGD", LR), answers, (held_out, 1))


def _clouds(generator: np.random.Generator, count: int, centre: Array) -> tuple[Array, Array]:
    targets = (np.arange(count) % 2).astype(np.float32)
    noise = NOISE * generator.standard_normal((count, len(centre)), dtype=np.float32)
    return (np.outer(2 * targets - 1, centre) + noise).astype(np.float32), targets


CHALLENGE = Perceptron()
