"""Answers the judge's probes, and trains milestones, with the student's library. In one process.

Started by path with -I -S. Whatever is computed here, the student's library computes. This file
knows no expected value: it evaluates calls on drawn arrays and sends back what came out. The
modules are imported one after the other, so that a broken one does not hide those before it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

_here = os.path.dirname(os.path.abspath(__file__))  # pathlib costs 10 ms
sys.path.append(_here)
import train
from channel import BoundedText, Channel, prepare
from scripts import Scripts
from values import Arrays, describe, evaluate, find, plain

PROBE_S = 5  # for one probe; where there are no timers, the judge's clock stops the whole run


class StoppedError(BaseException):
    """A probe took too long. Not an Exception: student code should not catch it by accident."""


class Library:
    """tinytorch, module by module, as far as it can be imported."""

    def __init__(self, imports: list[tuple[str, str]]) -> None:
        """imports: id and dotted name of every module, in order."""
        # The judge sends an empty tinytorch/__init__.py: it is filled here, one module at a time.
        self.tt: Any = importlib.import_module("tinytorch")
        self._waiting = list(imports)
        self._broken: dict[str, BaseException] = {}

    def need(self, module_id: str) -> None:
        """Import it and all before it. Raises what the module's own import raised."""
        while module_id in [known for known, _ in self._waiting]:
            self._import(*self._waiting.pop(0))
        if module_id in self._broken:
            raise self._broken[module_id]

    def _import(self, module_id: str, name: str) -> None:
        try:
            module = importlib.import_module(name)
            names = getattr(module, "__all__", [n for n in vars(module) if n[:1] != "_"])
            vars(self.tt).update({n: getattr(module, n) for n in names})
        except StoppedError:
            raise
        except BaseException as error:  # noqa: BLE001  # student code may raise anything
            self._broken[module_id] = error


class Question:
    """One probe: its arrays, and what its text may name."""

    def __init__(self, tt: Any, row: dict[str, Any], arrays: Any, scripts: Scripts) -> None:
        self.tt = tt
        self.row = row
        self._parts = scripts.parts
        # Copies that can be written to, as the arrays of any program.
        self.arrays: Arrays = {name: array.copy() for name, array in arrays.items()}
        self.placed: Arrays = {}  # name -> the parameter that was given the drawn value
        self.leaves: Arrays = {}

    def evaluate(self) -> Any:
        tt, row = self.tt, self.row
        names = dict(vars(tt))
        names["put"] = self.put
        for name in row["leaves"]:
            self.leaves[name] = tt.Tensor(self.arrays[name], requires_grad=True)
        constants = {name: tt.Tensor(self.arrays[name]) for name in row["constants"]}
        names |= self.leaves | constants | {name: self.arrays[name] for name in row["given"]}
        value = evaluate(row["text"], names)
        self.arrays |= {
            name: plain(tensor) for name, tensor in {**self.leaves, **constants}.items()
        }
        return value

    def put(self, layer: Any, prefix: str = "") -> Any:
        """Give the parameters of LAYER their drawn values, and remember them."""
        start = f"{prefix}." if prefix else ""
        for name in self.row["parameters"]:
            if name.startswith(start):
                tensor = self._parameter(layer, name[len(start) :])
                drawn = self.arrays[name]
                if tensor.data.size != drawn.size:
                    raise ValueError(
                        f"{name} should have shape {drawn.shape}, got {tensor.data.shape}"
                    )
                # A bias may be stored as a row or as a column; the numbers are the same.
                tensor.data = drawn.reshape(tensor.data.shape).astype(tensor.data.dtype)
                self.placed[name] = tensor
        return layer

    def _parameter(self, layer: Any, path: str) -> Any:
        """The parameter at "q_proj.weight"; inside some layers the parts may be called anything."""
        for name, parts_of in self._parts.items():
            if isinstance(layer, vars(self.tt).get(name, ())):
                part, _, leaf = path.rpartition(".")
                return getattr(parts_of(self.tt, layer)[part], leaf)
        return find(layer, path)

    def gradients(self, out: Any) -> Arrays:
        cotangent = self.arrays["cotangent"]
        if self.row["seeded"]:
            out.backward(cotangent)
        else:
            (out * self.tt.Tensor(cotangent)).sum().backward()
        return {
            f"gradient/{name}": plain(tensor.grad)
            for name, tensor in {**self.leaves, **self.placed}.items()
            if tensor.grad is not None
        }


def call(probe: Question) -> Arrays:
    row = probe.row
    out = probe.evaluate()
    tensor = isinstance(out, vars(probe.tt).get("Tensor", ()))
    found = {
        "out": plain(out),
        "tensor": tensor,
        "requires_grad": tensor and bool(out.requires_grad),
    }
    if row["gradient"]:
        found |= probe.gradients(out)
    kept = [*row["leaves"], *row["constants"], *row["given"]]
    return found | {f"after/{name}": probe.arrays[name] for name in kept}


def refusal(probe: Question) -> Arrays:
    try:
        value = probe.evaluate()
    except NotImplementedError:
        raise
    except Exception:  # noqa: BLE001  # which error it is, is documented, but not what is asked here
        return {"raised": True}
    return {"raised": False} | ({} if value is None else {"out": plain(value)})


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Stop what runs for longer, where the system has timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise StoppedError(f"still running after {seconds:g} s, and was stopped")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Session:
    def __init__(self, channel: Channel, request: dict[str, Any], scripts: Scripts) -> None:
        self._channel = channel
        self._scripts = scripts
        self._program = request["program"]
        self._payload = memoryview(request["payload"])
        self._failed: set[str] = set()  # modules of which something could not be computed
        rows = [row for module in self._program["modules"] for row in module["probes"]]
        scripts.refuse_without(
            scenarios={row["name"] for row in rows if row["kind"] == "scenario"},
            trainings={milestone["training"] for milestone in self._program["milestones"]},
        )

    def run(self) -> None:
        from arrays import unpack

        library = Library(self._program["imports"])
        for module in self._program["modules"]:
            for row in module["probes"]:
                self._channel.send(event="start", check=row["check"])
                sink = BoundedText()
                sys.stdout = sys.stderr = sink
                arrays = {} if row["sealed"] else self._arrays()
                try:
                    with _limited(PROBE_S):
                        library.need(module["id"])
                        if row["sealed"]:
                            arrays = unpack(self._channel.unseal(row["check"]))[1]
                        found = self._answer(Question(library.tt, row, arrays, self._scripts))
                    self._send(row["check"], found)
                    result: dict[str, Any] = {"outcome": "passed"}
                except BaseException as error:  # noqa: BLE001  # student code may raise anything
                    self._failed.add(module["id"])
                    result = _described(error)
                self._done(row["check"], result, sink)
        trained = []
        for milestone in self._program["milestones"]:
            arrays = self._arrays()
            if self._train(library, milestone, arrays):
                trained.append((milestone, arrays))
        # Everything is said: whatever happens from here on costs nobody anything.
        for milestone, arrays in trained:
            self._look_back(library, milestone, arrays)

    def _answer(self, probe: Question) -> Arrays:
        row = probe.row
        if row["kind"] == "scenario":
            return self._scripts.scenarios[row["name"]](probe.tt, probe.arrays, row["settings"])
        return call(probe) if row["kind"] == "call" else refusal(probe)

    def _train(self, library: Library, milestone: dict[str, Any], arrays: Arrays) -> bool:
        """Did it come to its end?"""
        self._channel.send(event="start", check=milestone["check"])
        sink = BoundedText()
        sys.stdout = sys.stderr = sink
        unready = [need for need in milestone["needs"] if need in self._failed]
        if unready:
            result = {"outcome": "errored", "message": f"not run: {unready[0]} comes first"}
            self._done(milestone["check"], result, sink)
            return False
        self._send(milestone["check"], {})  # what follows belongs to this milestone
        try:
            with _limited(milestone["seconds"]):
                for need in milestone["needs"]:
                    library.need(need)
                train.train(library.tt, milestone, arrays, self._channel, self._scripts)
            result = {"outcome": "passed"}
        except BaseException as error:  # noqa: BLE001  # student code may raise anything
            result = _described(error)
        self._done(milestone["check"], result, sink)
        return bool(result["outcome"] == "passed")

    def _look_back(self, library: Library, milestone: dict[str, Any], arrays: Arrays) -> None:
        """Say which functions of the student's a step calls (grader.proof.milestones.route)."""
        with contextlib.suppress(BaseException), _limited(2 * train.LOOK_S):
            called = train.called(library.tt, milestone, arrays, self._scripts)
            self._send(milestone["called"], called)

    def _arrays(self) -> dict[str, Any]:
        """The next bundle of the payload: 4 bytes length, then the bundle."""
        from arrays import unpack

        length = int.from_bytes(self._payload[:4], "big")
        body = bytes(self._payload[4 : 4 + length])
        self._payload = self._payload[4 + length :]
        return dict(unpack(body)[1])

    def _send(self, kind: str, arrays: Arrays) -> None:
        from arrays import pack

        self._channel.send_bytes(pack(kind, arrays))

    def _done(self, check: str, result: dict[str, Any], sink: BoundedText) -> None:
        self._channel.send(event="done", check=check, output=sink.kept, **result)


def _described(error: BaseException) -> dict[str, Any]:
    if isinstance(error, StoppedError):
        return {"outcome": "errored", "message": str(error)}
    return describe(error)


def main() -> None:
    channel = Channel()
    request = channel.request()
    prepare(request)
    # Before the student's package is imported: neither NumPy nor these are theirs to replace.
    importlib.import_module("arrays")
    scripts = Scripts(request["program"]["scripts"])
    sys.path = [p for p in sys.path if p != _here]
    Session(channel, request, scripts).run()
    channel.send(event="end")
    # Not sys.exit: threads, atexit functions and destructors of student code have no say here.
    os._exit(0)


if __name__ == "__main__":
    main()
