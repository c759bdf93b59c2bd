"""Trains a milestone's networks with the student's library. The child of grader.proof.milestones.trials.

Started by path with -I -S. Whatever is computed here, the student's library computes: layers,
loss, gradients, updates, batches. This file hands it numbers that the judge has drawn, and hands
the judge the numbers that come out: for every step the loss, the gradients and the parameters.
It knows no label that is not trained with, and no threshold.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import Any

_here = os.path.dirname(os.path.abspath(__file__))  # pathlib costs 10 ms
sys.path.append(_here)
from channel import BoundedText, Channel, prepare
from scripts import Scripts
from values import describe, plain

CHECK = "training"
LOOK_S = 1.0  # for one step once more; the longest of the reference library takes 0.02


class WorkerRun:
    """One training: what the judge drew, and the way back for what comes out of it."""

    def __init__(
        self, tt: Any, described: dict[str, Any], arrays: Any, channel: Channel | Silent
    ) -> None:
        self.tt = tt
        self.name: str = described["name"]
        self.settings: dict[str, Any] = described["settings"]
        prefix = f"{self.name}/"
        self.arrays = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
        self._channel = channel
        self._parameters: dict[str, Any] = {}
        self._gradients: dict[str, Any] = {}

    def start(self, parameters: dict[str, Any]) -> None:
        """Give the parameters the values that the judge drew; tell it what they were before."""
        self.send("initial", {name: p.data for name, p in parameters.items()})
        for name, parameter in parameters.items():
            drawn = self.arrays[f"initial/{name}"]
            if parameter.data.size != drawn.size:
                raise ValueError(
                    f"{name} should have shape {drawn.shape}, got {parameter.data.shape}"
                )
            # A bias may be stored as a row or as a column; the numbers are the same.
            parameter.data = drawn.reshape(parameter.data.shape).astype(parameter.data.dtype)
        self._parameters = parameters

    def gradients(self) -> None:
        """Copy the gradients, before an update that may work in place."""
        self._gradients = {
            f"gradient/{name}": plain(p.grad).copy()
            for name, p in self._parameters.items()
            if p.grad is not None
        }

    def step(self, loss: Any) -> None:
        after = {f"after/{name}": plain(p) for name, p in self._parameters.items()}
        self.send("step", {"loss": plain(loss), **self._gradients, **after})

    def send(self, kind: str, arrays: dict[str, Any]) -> None:
        from arrays import pack

        self._channel.send_bytes(pack(f"{self.name}/{kind}", arrays))


def train(
    tt: Any, program: dict[str, Any], arrays: dict[str, Any], channel: Channel, scripts: Scripts
) -> None:
    """All runs of a milestone. Some are sealed: their numbers are asked for when their turn comes."""
    from arrays import unpack

    for described in program["runs"]:
        if described["sealed"]:
            _, arrays = unpack(channel.unseal(described["sealed"]))
        scripts.training(program["training"])(WorkerRun(tt, described, arrays, channel))


class Silent:
    """A channel to nobody."""

    def send_bytes(self, body: bytes) -> None:
        pass


def called(
    tt: Any, program: dict[str, Any], arrays: dict[str, Any], scripts: Scripts
) -> dict[str, list[int]]:
    """What one step calls: path in the student's package -> first lines of its functions.

    arrays: of the first run. Nothing of this is judged. Raises TimeoutError, and whatever student
    code raises.
    """
    run = _one_step(tt, program["runs"][0], arrays)
    met = {}
    late_s = time.perf_counter() + LOOK_S

    def look(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            met[id(frame.f_code)] = frame.f_code
            if time.perf_counter() > late_s:
                raise TimeoutError

    sys.setprofile(look)
    try:
        scripts.training(program["training"])(run)
    finally:
        sys.setprofile(None)
    if time.perf_counter() > late_s:  # and student code caught what look() raised
        raise TimeoutError
    found: dict[str, list[int]] = {}
    for code in met.values():
        head, inside, path = code.co_filename.replace(os.sep, "/").rpartition("/tinytorch/")
        if inside and head:
            found.setdefault(f"tinytorch/{path}", []).append(code.co_firstlineno)
    return found


def _one_step(tt: Any, described: dict[str, Any], arrays: dict[str, Any]) -> WorkerRun:
    """The run with as many rows as any step has, and without what comes after the steps."""
    run = WorkerRun(tt, described, arrays, Silent())
    run.settings = {**run.settings, "steps": 1}
    if "order" in run.arrays:
        run.arrays["order"] = run.arrays["order"][:1, : run.settings["batch_size"]]
    run.arrays["held_out"] = run.arrays["held_out"][:2]
    return run


def main() -> None:
    channel = Channel()
    request = channel.request()
    prepare(request)
    # Before the student's package is imported: NumPy is not theirs to replace.
    from arrays import unpack

    program = request["program"]
    scripts = Scripts(program["scripts"])
    scripts.refuse_without(scenarios=set(), trainings={program["training"]})
    sys.path = [p for p in sys.path if p != _here]
    _, arrays = unpack(request["payload"])
    channel.send(event="start", check=CHECK)  # from here on, what goes wrong is the student's
    sink = BoundedText()
    sys.stdout = sys.stderr = sink
    try:
        tt = importlib.import_module("tinytorch")
        train(tt, program, arrays, channel, scripts)
        result: dict[str, Any] = {"outcome": "passed"}
    except BaseException as error:  # noqa: BLE001  # student code may raise anything, SystemExit too
        result = describe(error)
    channel.send(event="done", check=CHECK, output=sink.kept, **result)
    channel.send(event="end")
    # Not sys.exit: threads, atexit functions and destructors of student code have no say here.
    os._exit(0)


if __name__ == "__main__":
    main()
