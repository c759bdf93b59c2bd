"""1989: handwritten digits, real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from grader.content import forward
from grader.content.drawing import Digits, digits, linear, orders, percent_right, steps_per_epoch
from grader.proof.compare import Wrong
from grader.proof.milestones.challenges import (
    Array,
    Challenge,
    Optimiser,
    Proof,
    Run,
    Values,
    Watch,
)

EPOCHS, BATCH = 16, 32
SHUFFLED = 100  # numbers that a shuffling DataLoader is asked to deal out
# Together they move a weight as far as a rate of 0.1 without momentum would.
LR, MOMENTUM = 0.05, 0.5

# Claim -> the likely causes when it fails, in order.
HINTS = {
    "loss": "Does SGD step against the gradient, and does zero_grad() forget the last one? "
    "Is cross entropy the mean over the batch?",
    "accuracy": "Do TensorDataset and DataLoader keep images and labels together?",
    "gradients": "Does cross_entropy pass a gradient on to the logits, and relu to its input?",
    "updates": "Does SGD.step() visit every parameter?",
}


def _every_example_once(_run: Run, extras: Mapping[str, Mapping[str, Array]]) -> str:
    dealt = extras.get("batches")
    if dealt is None:
        return ""
    count = len(dealt["first"])
    for name in ("first", "second"):
        times = [int(np.count_nonzero(dealt[name] == number)) for number in range(count)]
        if times != [1] * count:
            number = next(number for number in range(count) if times[number] != 1)
            raise Wrong(
                f"a shuffling DataLoader deals out example {number} of {count} "
                f"{times[number]} times in one epoch",
                "One permutation of all indices per epoch, cut into batches.",
            )
    orders = [list(dealt[name]) for name in ("first", "second")]
    if sorted(orders[0]) in orders or orders[0] == orders[1]:
        raise Wrong(
            "a shuffling DataLoader deals out the same order in every epoch",
            "Draw a new permutation at the start of every epoch.",
        )
    if orders[0] != list(dealt["again"]):
        raise Wrong(
            "two DataLoaders with the same seed deal out different orders",
            "Draw the permutation from a generator made from the seed.",
        )
    if not np.array_equal(dealt["partner"], 2 * dealt["first"]):
        raise Wrong(
            "a shuffling DataLoader does not keep inputs and targets together",
            "One permutation for all arrays of the dataset.",
        )
    return f"{count} examples in two epochs"


PROOFS = {"batches": Proof("Every example comes once in an epoch", _every_example_once)}


class MlpDigits(Challenge):
    hints = HINTS
    proofs = PROOFS

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        data = digits(root)
        every = np.arange(len(data.train_labels))
        few = generator.permutation(len(every))[:4]
        return [
            _run(generator, "main", int(generator.integers(32, 41)), data, every, EPOCHS),
            _run(generator, "large", 2048, data, few, 1),
        ]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        hidden = forward.relu(forward.linear(inputs, values, "hidden"), watch)
        return forward.linear(hidden, values, "output")

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        return forward.cross_entropy(scores, targets)

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        return percent_right(scores.argmax(axis=1), run.answers)


def _run(
    generator: np.random.Generator, name: str, hidden: int, data: Digits, use: Array, epochs: int
) -> Run:
    initial = linear(generator, "hidden", 64, hidden) | linear(generator, "output", hidden, 10)
    settings = {
        "shuffled": SHUFFLED if name == "main" else 0,
        "seed": int(generator.integers(2**31)),
        "inputs": 64,
        "hidden": hidden,
        "batch_size": BATCH,
        "lr": LR,
        "momentum": MOMENTUM,
    }
    held_out = data.test_images if name == "main" else data.test_images[:2]
    arrays = {
        "inputs": data.train_images[use].reshape(-1, 64),
        "targets": data.train_labels[use],
        "order": orders(generator, epochs, len(use)),
        "held_out": held_out.reshape(-1, 64),
    }
    epoch = steps_per_epoch(len(use), BATCH)
    return Run(
        name,
        settings,
        initial,
        arrays,
        epochs * epoch,
        Optimiser("SGD", LR, MOMENTUM),
        data.test_labels[: len(held_out)],
        (len(held_out), 10),
        epoch,
        {"batches": dict.fromkeys(("first", "partner", "second", "again"), (SHUFFLED,))}
        if name == "main"
        else {},
    )


CHALLENGE = MlpDigits()
