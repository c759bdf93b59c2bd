"""1986: what one layer cannot learn, two can."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader.content import forward
from grader.content.drawing import linear, percent_right
from grader.proof.milestones.challenges import Array, Challenge, Optimiser, Run, Values, Watch

STEPS, LR = 500, 1.0

# Claim -> the likely causes when it fails, in order.
HINTS = {
    "loss": "Is the derivative of tanh 1 - tanh(x)**2, and that of the sigmoid s * (1 - s)? "
    "Does the gradient of @ reach the first layer?",
    "accuracy": "Does Sequential run every layer? Without the Tanh between, two layers are one.",
    "gradients": "Does parameters() find weight and bias of every layer, and does "
    "backward() reach them through tanh and sigmoid?",
    "updates": "Do parameters() and the layers share the same tensors?",
}


class Xor(Challenge):
    hints = HINTS

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
        targets = np.array([[0], [1], [1], [0]], dtype=np.float32)
        order = generator.permutation(4)
        many = generator.standard_normal((2, 256), dtype=np.float32)
        ones = generator.integers(0, 2, size=(2, 1)).astype(np.float32)
        hidden = int(generator.integers(8, 13))
        return [
            _run(generator, "main", hidden, inputs[order], targets[order], STEPS, inputs, targets),
            _run(generator, "large", 512, many, ones, 1, many, ones),
        ]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        hidden = np.tanh(forward.linear(inputs, values, "hidden"))
        return forward.linear(hidden, values, "output")

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        return forward.binary_cross_entropy(scores, targets)

    def answer_scores(self, run: Run, values: Values, reported: Array) -> Array:
        """The network ends with a sigmoid; the judge's loss starts before it."""
        logits = self.scores(run, values, run.data["held_out"][None], Watch(0))
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        return percent_right(scores.reshape(-1) > 0.5, run.answers > 0.5)


def _run(
    generator: np.random.Generator,
    name: str,
    hidden: int,
    inputs: Array,
    targets: Array,
    steps: int,
    held_out: Array,
    answers: Array,
) -> Run:
    features = inputs.shape[1]
    initial = linear(generator, "hidden", features, hidden) | linear(generator, "output", hidden, 1)
    data = {"inputs": inputs, "targets": targets, "held_out": held_out}
    settings = {"inputs": features, "hidden": hidden, "steps": steps, "lr": LR}
    scores = (len(held_out), 1)
    return Run(
        name, settings, initial, data, steps, Optimiser("SGD", LR), answers.reshape(-1), scores
    )


CHALLENGE = Xor()
