"""1202: one number is learned, how many beans a jar holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader.proof.milestones.challenges import Array, Challenge, Optimiser, Run, Values, Watch

STEPS, RATE = 40, 0.05
BOXES, HELD_OUT = 30, 20


HINTS = {
    "loss": "Does better() step against the derivative?",
    "accuracy": "Look at the loss first.",
    "gradients": "Does differentiate() store something in grad?",
    "updates": "Does better() change data?",
}


class Jar(Challenge):
    hints = HINTS

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        beans = generator.integers(20, 40)
        jars = generator.uniform(0.5, 2.0, size=(BOXES, 1))
        unseen = generator.integers(1, 9, size=(HELD_OUT, 1)).astype(np.float64)
        data = {"inputs": jars, "targets": beans * jars, "held_out": unseen}
        settings = {"steps": STEPS, "rate": RATE}
        first = {"guess": generator.uniform(1.0, 5.0, size=1)}
        way = Optimiser("SGD", RATE)
        return [Run("main", settings, first, data, STEPS, way, beans * unseen, (HELD_OUT, 1))]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        return np.asarray(values["guess"][:, None] * inputs)

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        return np.asarray(((scores - targets) ** 2).mean(axis=(1, 2)))

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        return float(100 * np.mean(np.abs(scores - run.answers) < 0.5))


CHALLENGE = Jar()
