"""Trains the network of the milestone cnn with the student's library. Runs in the child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.content.common import parameters_of, train_batches
from grader.sandbox.worker.values import plain

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def train(run: WorkerRun) -> None:
    tt, settings = run.tt, run.settings
    layers: list[Any] = []
    named: dict[str, Any] = {}
    channels = 1
    for number, (filters, stride, padding, pool) in enumerate(settings["convolutions"], start=1):
        convolution = tt.Conv2d(channels, filters, 3, stride=stride, padding=padding)
        named[f"conv{number}"] = convolution
        layers += [convolution, tt.ReLU()] + ([tt.MaxPool2d(2)] if pool else [])
        channels = filters
    output = tt.Linear(settings["flat"], 10)
    model = tt.Sequential(*layers, tt.Flatten(), output)
    run.start(parameters_of(**named, output=output))
    optimiser = tt.Adam(model.parameters(), lr=settings["lr"])
    criterion = tt.CrossEntropyLoss()
    train_batches(run, optimiser, lambda images, labels: criterion(model(images), labels))
    run.send("outputs", {"scores": plain(model(tt.Tensor(run.arrays["held_out"])))})
