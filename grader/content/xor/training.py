"""Trains the network of the milestone xor with the student's library. Runs in the child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.content.common import parameters_of
from grader.sandbox.worker.values import plain

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def train(run: WorkerRun) -> None:
    """Layers; the loss by operations on tensors, the update by hand: 04 is not there yet."""
    tt, lr = run.tt, run.settings["lr"]
    hidden = tt.Linear(run.settings["inputs"], run.settings["hidden"])
    output = tt.Linear(run.settings["hidden"], 1)
    model = tt.Sequential(hidden, tt.Tanh(), output, tt.Sigmoid())
    run.start(parameters_of(hidden=hidden, output=output))
    inputs, targets = tt.Tensor(run.arrays["inputs"]), tt.Tensor(run.arrays["targets"])
    for _ in range(run.settings["steps"]):
        p = model(inputs)
        loss = -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()
        for parameter in model.parameters():
            parameter.zero_grad()
        loss.backward()
        run.gradients()
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.data = parameter.data - lr * parameter.grad
        run.step(loss)
    run.send("outputs", {"scores": plain(model(tt.Tensor(run.arrays["held_out"])))})
