"""What several scenarios and trainings do with the student's library. Runs in the child."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grader.sandbox.worker.values import Arrays, plain

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def parameters_of(**layers: Any) -> dict[str, Any]:
    """ "hidden.weight" -> its tensor, for layers with a weight and perhaps a bias."""
    return {
        f"{name}.{leaf}": getattr(layer, leaf)
        for name, layer in layers.items()
        for leaf in ("weight", "bias")
        if getattr(layer, leaf, None) is not None
    }


def listed(tensors: Any) -> Arrays:
    listed = list(tensors)
    found: Arrays = {f"p{i}": plain(tensor) for i, tensor in enumerate(listed)}
    return found | {"trainable": [bool(tensor.requires_grad) for tensor in listed]}


def train_batches(run: WorkerRun, optimiser: Any, loss_of: Callable[..., Any]) -> None:
    """Epochs over batches, in the order that the judge drew."""
    tt, inputs, targets = run.tt, run.arrays["inputs"], run.arrays["targets"]
    for order in run.arrays["order"]:
        dataset = tt.TensorDataset(inputs[order], targets[order])
        for batch in tt.DataLoader(dataset, batch_size=run.settings["batch_size"]):
            optimiser.zero_grad()
            loss = loss_of(*batch)
            loss.backward()
            run.gradients()
            optimiser.step()
            run.step(loss)
