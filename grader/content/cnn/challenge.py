"""1998: one window of weights for every place of the image."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from grader.content import drawing, forward
from grader.proof.milestones.challenges import (
    USUAL,
    Array,
    Challenge,
    Optimiser,
    Run,
    Values,
    Watch,
)

EPOCHS, BATCH, LR = 10, 32, 0.01
# Per convolution: filters, stride, padding, whether a pooling follows. All windows are 3 by 3.
MAIN = [(8, 1, 0, True)]
# Three deep, with and without padding and stride on the way back, and too many weights to
# differentiate one by one. It is not trained to learn: its first steps are compared.
DEEP = [(16, 1, 1, False), (32, 2, 1, False), (256, 1, 0, True)]

# Claim -> the likely causes when it fails, in order.
HINTS = {
    "loss": "Does Adam correct its averages for the first steps, one counter per parameter? "
    "Is the gradient of the convolution summed over all positions and images?",
    "accuracy": "Does Flatten keep the images apart? Does pooling keep the largest entry?",
    "gradients": "Do MaxPool2d and Flatten build their result with Tensor.make(...), so that "
    "the gradient finds its way to the convolution?",
    "updates": "Does Adam.step() visit every parameter?",
}


class Cnn(Challenge):
    hints = HINTS
    # A convolution in plain loops is right, and takes about a minute.
    limits = dataclasses.replace(USUAL, wall_s=150.0, cpu_s=120)

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        data = drawing.digits(root)
        every = np.arange(len(data.train_labels))
        few = generator.permutation(len(every))[:4]
        return [
            _run(generator, "main", MAIN, data, every, EPOCHS),
            _run(generator, "large", DEEP, data, few, 2),
        ]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        x = inputs
        for number, layer in enumerate(run.settings["convolutions"], start=1):
            _, stride, padding, pool = layer
            x = forward.convolution(x, values, f"conv{number}", stride, padding)
            x = forward.relu(x, watch)
            x = forward.max_pool(x, watch) if pool else x
        return forward.linear(x.reshape(*x.shape[:2], -1), values, "output")

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        return forward.cross_entropy(scores, targets)

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        return drawing.percent_right(scores.argmax(axis=1), run.answers)


def _run(
    generator: np.random.Generator,
    name: str,
    convolutions: list[tuple[int, int, int, bool]],
    data: drawing.Digits,
    use: Array,
    epochs: int,
) -> Run:
    initial: dict[str, Array] = {}
    channels, size = 1, 8
    for number, (filters, stride, padding, pool) in enumerate(convolutions, start=1):
        fan_in = channels * 9
        initial[f"conv{number}.weight"] = drawing.uniform(
            generator, (filters, channels, 3, 3), fan_in
        )
        initial[f"conv{number}.bias"] = drawing.uniform(generator, (filters,), fan_in)
        size = (size + 2 * padding - 3) // stride + 1
        size = size // 2 if pool else size
        channels = filters
    flat = channels * size * size
    initial |= drawing.linear(generator, "output", flat, 10)
    held_out = data.test_images if name == "main" else data.test_images[:2]
    settings = {"convolutions": convolutions, "flat": flat, "batch_size": BATCH, "lr": LR}
    arrays = {
        "inputs": data.train_images[use, None],
        "targets": data.train_labels[use],
        "order": drawing.orders(generator, epochs, len(use)),
        "held_out": held_out[:, None],
    }
    epoch = drawing.steps_per_epoch(len(use), BATCH)
    return Run(
        name,
        settings,
        initial,
        arrays,
        epochs * epoch,
        Optimiser("Adam", LR),
        data.test_labels[: len(held_out)],
        (len(held_out), 10),
        epoch,
    )


CHALLENGE = Cnn()
