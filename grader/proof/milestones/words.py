"""What a proof that fails says: by how much, and where to look first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.proof.milestones.challenges import Array


def times(factor: float) -> str:
    if not np.isfinite(factor) or abs(factor) < 0.01 or abs(factor - 1) < 0.01:
        return ""
    return f", {factor:.4g} times as much"


def loss_hint(factor: float, batch: int, step: int) -> str:
    if abs(factor / batch - 1) < 0.02:
        return "Is the loss summed over the batch where it should be averaged?"
    if abs(factor + 1) < 0.02:
        return "Is the sign of the loss wrong?"
    if step:
        return (
            "Earlier losses are right. Does every epoch yield every example once, with its label? "
            "Does a layer keep something from one call to the next?"
        )
    return (
        "If the outputs are right, it is the loss itself or the batch: cross entropy is the mean "
        "of -log of the probability of the right class."
    )


def gradient_hint(factor: float, batch: int, name: str) -> str:
    if abs(factor * batch - 1) < 0.02 or abs(factor / batch - 1) < 0.02:
        return (
            f"The factor is the batch size, {batch}: is something averaged where it should be "
            "summed, or the other way round?"
        )
    if factor > 1.01 or 0 < factor < 0.99:
        return (
            "Is it averaged where it should be summed (over positions, over the batch)? Is a "
            "contribution counted twice, or only one of several?"
        )
    if abs(factor + 1) < 0.01:
        return "Look for a missing minus: sub, neg, div, the loss."
    if factor == 0:
        return (
            "Somewhere between this parameter and the loss the graph is cut: a tensor made anew, "
            "or an array where a tensor belongs."
        )
    return (
        f"Compare the gradient rule of the operation that uses {name} with the numeric gradient "
        "of that operation alone."
    )


def step_words(moved: Array, expected: Array) -> str:
    square = float(expected @ expected)
    factor = float(moved @ expected) / square if square else float("nan")
    if not np.any(moved):
        return "does not move"
    if not np.isfinite(factor) or np.abs(moved - factor * expected).max() > 0.01 * abs(
        factor
    ) * np.abs(expected).max(initial=0.0):
        return "goes elsewhere with"
    if abs(factor + 1) < 0.001:
        return "goes the opposite way with"
    if abs(factor - 1) < 0.001:
        return f"is off by up to {np.abs(moved - expected).max():.2g} for"
    return f"is {factor:.4g} times as long as it should be for"


def step_hint(step: int, kind: str) -> str:
    if kind == "Adam":
        return (
            "Adam: m and v per parameter, divided by 1 - beta**t with a t of its own for each "
            "parameter; then lr * m / (sqrt(v) + eps)."
        )
    if step:
        return (
            "The first step is right: velocity = momentum * velocity + gradient, one velocity "
            "per parameter, and the step is lr * velocity."
        )
    return "SGD: the new value is the old one minus lr times the velocity, for every parameter."


def listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
