"""One number is learned: by how much the targets lie above the inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader.proof.milestones.challenges import Array, Challenge, Optimiser, Run, Values, Watch

STEPS, LR = 20, 0.1
POINTS = 8
START, END = 0.0, 1.0  # no chance in it: a test can say what is measured


class Shift(Challenge):
    hints = {  # noqa: RUF012  # as the protocol has it
        "loss": "Does add() add floats?\nIs double_sum() twice the sum?",
        "accuracy": "Look at the loss first.",
        "gradients": "Is double_sum() twice the sum?",
        "updates": "Does add() add floats?",
    }

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:  # noqa: ARG002
        inputs, held_out = generator.normal(size=(2, POINTS, 1))
        data = {"inputs": inputs, "targets": inputs + END, "held_out": held_out}
        return [
            Run(
                "main",
                {"steps": STEPS, "lr": LR},
                {"shift": np.array([START])},
                data,
                STEPS,
                Optimiser("SGD", LR),
                held_out + END,
                (POINTS, 1),
            )
        ]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:  # noqa: ARG002
        return np.asarray(inputs + values["shift"][:, None])

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:  # noqa: ARG002
        return np.asarray(((scores - targets) ** 2).mean(axis=(-2, -1)))

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        return 100 * float(np.mean(np.abs(scores - run.answers) < 0.1))


CHALLENGE = Shift()
