"""Trains the network of the milestone mlp_digits with the student's library. Runs in the child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.content.common import parameters_of, train_batches
from grader.sandbox.worker.values import plain

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def train(run: WorkerRun) -> None:
    tt, settings = run.tt, run.settings
    hidden = tt.Linear(settings["inputs"], settings["hidden"])
    output = tt.Linear(settings["hidden"], 10)
    model = tt.Sequential(hidden, tt.ReLU(), output)
    run.start(parameters_of(hidden=hidden, output=output))
    optimiser = tt.SGD(model.parameters(), lr=settings["lr"], momentum=settings["momentum"])
    criterion = tt.CrossEntropyLoss()
    train_batches(run, optimiser, lambda images, labels: criterion(model(images), labels))
    run.send("outputs", {"scores": plain(model(tt.Tensor(run.arrays["held_out"])))})
    if settings["shuffled"]:
        run.send("batches", _shuffled(tt, settings))


def _shuffled(tt: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Which numbers a shuffling loader deals out: two epochs, and the first of one just like it."""
    import numpy as np

    numbers = np.arange(settings["shuffled"])
    dataset = tt.TensorDataset(numbers, 2 * numbers)
    size, seed = settings["batch_size"], settings["seed"]

    def epoch(loader: Any) -> list[Any]:
        batches = [[plain(part) for part in batch] for batch in loader]
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    loader = tt.DataLoader(dataset, batch_size=size, shuffle=True, seed=seed)
    first, second = epoch(loader), epoch(loader)
    again = epoch(tt.DataLoader(dataset, batch_size=size, shuffle=True, seed=seed))
    return {"first": first[0], "partner": first[1], "second": second[0], "again": again[0]}
