"""What both trainings of the tiny course do, with the two functions of its student's library."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def train(run: WorkerRun) -> None:
    add, double_sum = run.tt.core.tensor.add, run.tt.core.setup.double_sum
    shift = types.SimpleNamespace(data=np.zeros(1), grad=None)
    run.start({"shift": shift})
    inputs, targets = run.arrays["inputs"], run.arrays["targets"]
    for _ in range(run.settings["steps"]):
        outputs = add(inputs, shift.data)
        # The derivative of the square of an error is twice the error.
        shift.grad = double_sum(outputs, -targets).mean(axis=0)
        run.gradients()
        shift.data = add(shift.data, -run.settings["lr"] * shift.grad)
        run.step(((outputs - targets) ** 2).mean())
    run.send("outputs", {"scores": add(run.arrays["held_out"], shift.data)})
