"""Trains the network of the milestone perceptron with the student's library. Runs in the child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.sandbox.worker.values import plain

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def train(run: WorkerRun) -> None:
    """Tensors and derivatives, nothing else: there are no layers yet."""
    tt, lr = run.tt, run.settings["lr"]
    features = run.settings["features"]
    weight = tt.Tensor([[0.0]] * features, requires_grad=True)
    bias = tt.Tensor([0.0], requires_grad=True)
    run.start({"weight": weight, "bias": bias})
    inputs, targets = tt.Tensor(run.arrays["inputs"]), tt.Tensor(run.arrays["targets"])
    for _ in range(run.settings["steps"]):
        p = 1 / (1 + (-(inputs @ weight + bias)).exp())
        loss = -(targets * p.log() + (1 - targets) * (1 - p).log()).sum() / len(inputs)
        weight.zero_grad()
        bias.zero_grad()
        loss.backward()
        run.gradients()
        weight.data = weight.data - lr * weight.grad
        bias.data = bias.data - lr * bias.grad
        run.step(loss)
    held_out = tt.Tensor(run.arrays["held_out"])
    run.send("outputs", {"scores": plain(held_out @ weight + bias)})
