"""Answers the judge's probes, and trains milestones, with the student's library. In one process.

Started by path with -I -S. Whatever is computed here, the student's library computes. This file
knows no expected value: it evaluates calls on drawn arrays and sends back what came out. The
modules are imported one after the other, so that a broken one does not hide those before it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

_here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib costs 10 ms
sys.path.append(_here)
from channel import BoundedText, Channel, prepare  # noqa: E402

PROBE_S = 5  # for one probe; where there are no timers, the judge's clock stops the whole run
Arrays = dict[str, Any]


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


class Probe:
    """One probe: its arrays, and what its text may name."""

    def __init__(self, tt: Any, row: dict[str, Any], arrays: Any) -> None:
        self.tt = tt
        self.row = row
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
        value = _value(row["text"], names)
        self.arrays |= {
            name: _plain(tensor) for name, tensor in {**self.leaves, **constants}.items()
        }
        return value

    def put(self, layer: Any, prefix: str = "") -> Any:
        """Give the parameters of LAYER their drawn values, and remember them."""
        start = f"{prefix}." if prefix else ""
        for name in self.row["parameters"]:
            if name.startswith(start):
                tensor = _find(self.tt, layer, name[len(start) :])
                drawn = self.arrays[name]
                if tensor.data.size != drawn.size:
                    raise ValueError(
                        f"{name} should have shape {drawn.shape}, got {tensor.data.shape}"
                    )
                # A bias may be stored as a row or as a column; the numbers are the same.
                tensor.data = drawn.reshape(tensor.data.shape).astype(tensor.data.dtype)
                self.placed[name] = tensor
        return layer

    def gradients(self, out: Any) -> Arrays:
        cotangent = self.arrays["cotangent"]
        if self.row["seeded"]:
            out.backward(cotangent)
        else:
            (out * self.tt.Tensor(cotangent)).sum().backward()
        return {
            f"gradient/{name}": _plain(tensor.grad)
            for name, tensor in {**self.leaves, **self.placed}.items()
            if tensor.grad is not None
        }


def call(probe: Probe) -> Arrays:
    row = probe.row
    out = probe.evaluate()
    tensor = isinstance(out, vars(probe.tt).get("Tensor", ()))
    found = {
        "out": _plain(out),
        "tensor": tensor,
        "requires_grad": tensor and bool(out.requires_grad),
    }
    if row["gradient"]:
        found |= probe.gradients(out)
    kept = [*row["leaves"], *row["constants"], *row["given"]]
    return found | {f"after/{name}": probe.arrays[name] for name in kept}


def refusal(probe: Probe) -> Arrays:
    try:
        value = probe.evaluate()
    except NotImplementedError:
        raise
    except Exception:  # noqa: BLE001  # which error it is, is documented, but not what is asked here
        return {"raised": True}
    return {"raised": False} | ({} if value is None else {"out": _plain(value)})


def seeds(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    n = int(arrays["n"])
    tt.seed(n)
    first = tt.rng().standard_normal(6)
    more = tt.rng().standard_normal(6)
    tt.seed(n)
    again = tt.rng().standard_normal(6)
    tt.seed(n + 1)
    return {"first": first, "more": more, "again": again, "other": tt.rng().standard_normal(6)}


def uniform(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    shape = tuple(settings["shape"])
    tt.seed(int(arrays["n"]))
    drawn, more = tt.uniform(shape, 0.5), tt.uniform(shape, 0.5)
    tt.seed(int(arrays["n"]))
    return {"drawn": drawn, "more": more, "again": tt.uniform(shape, 0.5)}


def float_arrays(tt: Any, _: Arrays, __: Any) -> Arrays:
    import numpy as np

    cases = {
        "numbers": 3,
        "lists": [[1, 2], [3, 4]],
        "integers": np.arange(3),
        "bools": np.array([True, False]),
    }
    found = {name: tt.as_float_array(data).dtype.kind == "f" for name, data in cases.items()}
    fine = {"float64": np.array([0.1]), "complex": np.array([1 + 2j])}
    kept = {name: tt.as_float_array(data).dtype == data.dtype for name, data in fine.items()}
    return found | kept


def nan_error(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    broken = arrays["a"].copy()
    broken[1, 2] = np.nan
    return {"out": tt.relative_error(broken, arrays["a"])}


def facts(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x = arrays["x"]
    t = tt.Tensor(x, requires_grad=True)
    rest, detached = tt.Tensor(x) * 2 + 1, t.detach()
    return {
        "the data of Tensor(Tensor(x))": _plain(tt.Tensor(t)),
        "the data of Tensor(x.tolist())": _plain(tt.Tensor(x.tolist())),
        "t.shape": np.asarray(t.shape),
        "t.ndim": np.asarray(t.ndim),
        "t.size": np.asarray(t.size),
        "len(t)": np.asarray(len(t)),
        "Tensor([[2.5]]).item()": np.asarray(tt.Tensor([[2.5]]).item()),
        "t.numpy()": _plain(t.numpy()),
        "t.detach()": _plain(detached),
        "detached": not detached.requires_grad,
        "rests": not rest.requires_grad,
    }


def dtypes(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    cases = {"numbers": [1, 2], "float32": arrays["x"], "float64": arrays["x"].astype(np.float64)}
    found: Arrays = {}
    for name, data in cases.items():
        x = tt.Tensor(data)
        found[f"{name}/floats"] = x.dtype.kind == "f"
        results = {"x + 2": x + 2, "3 * x": 3 * x, "2.5 / (x + 9)": 2.5 / (x + 9), "x**2": x**2}
        results |= {"x - np.float64(1)": x - np.float64(1), "x.mean()": x.mean()}
        for text, result in results.items():
            kept = result.dtype == x.dtype
            found[f"kept/{text}"] = found.get(f"kept/{text}", True) and kept
    found["float64/kept"] = tt.Tensor(cases["float64"]).dtype == np.float64
    return found


def scalar_backward(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    (x * x).sum().backward()
    return {"the gradient of x after (x * x).sum().backward()": _plain(x.grad)}


def ties(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x = tt.Tensor(arrays["x"], requires_grad=True)
    x.max(axis=1).backward(np.array([2.0, -3.0, 0.5], dtype=np.float32))
    one = _plain(x.grad)
    x = tt.Tensor(arrays["x"], requires_grad=True)
    x.max().backward()
    return {"one axis": one, "everything": _plain(x.grad)}


def twice(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x, y = (tt.Tensor(arrays[name], requires_grad=True) for name in ("x", "y"))
    c = arrays["c"]
    (x * y).backward(c)
    found = {"the gradient of x after (x * y).backward(c)": _copy(x.grad)}
    (x + x).backward(c)
    found["the gradient of x after another (x + x).backward(c)"] = _copy(x.grad)
    found["the gradient of y after (x * y) and (x + x)"] = _copy(y.grad)
    x.zero_grad()
    x.exp().backward(c)
    found["the gradient of x after zero_grad() and x.exp().backward(c)"] = _copy(x.grad)
    return found


def shared(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x, c = tt.Tensor(arrays["x"], requires_grad=True), arrays["c"]
    z = x * x
    (z * 3).backward(c)
    found = {"the gradient of x through 3 * z": _copy(x.grad)}
    z.exp().backward(c)
    found["the gradient of x through 3 * z and z.exp()"] = _copy(x.grad)
    x = tt.Tensor(arrays["x"], requires_grad=True)
    out = x * x * 3
    out.backward(c)
    out.backward(c)
    found["the gradient of x after the same backward() twice"] = _copy(x.grad)
    return found


def aliases(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    a, b = (tt.Tensor(arrays[name], requires_grad=True) for name in ("a", "b"))
    c = arrays["c"]
    (a + b).backward(c)
    (a + a).backward(c)
    return {
        "the gradient of a after (a + b) and a + a": _copy(a.grad),
        "the gradient of b after (a + b) and a + a": _copy(b.grad),
        "the data of a": _plain(a),
    }


def constants(tt: Any, _: Arrays, __: Any) -> Arrays:
    x, k = tt.Tensor([1.0, 2.0], requires_grad=True), tt.Tensor([3.0, 4.0])
    ((x * k) @ k + k.sum() / x.sum()).backward()
    return {
        "constant has a gradient": k.grad is not None,
        "leaf has a gradient": x.grad is not None,
    }


def no_grad(tt: Any, _: Arrays, __: Any) -> Arrays:
    x = tt.Tensor([1.0, 2.0], requires_grad=True)
    with tt.no_grad():
        inside = not (x * 2).requires_grad
        with tt.no_grad():
            pass
        nested = not (x * 2).requires_grad
    after = (x * 2).requires_grad
    with contextlib.suppress(KeyError), tt.no_grad():
        raise KeyError
    return {
        "inside": inside,
        "inside, nested": nested,
        "after": after,
        "after an error": (x * 2).requires_grad,
    }


def deep(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    y = x
    for _ in range(settings["operations"] // 3):
        y = y * 0.999 + x * 0.001
    y.sum().backward()
    return {"the result of a long chain": _plain(y), "its gradient": _plain(x.grad)}


def doubled(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    y = x
    for _ in range(settings["times"]):
        y = y + y
    y.sum().backward()
    return {"x, doubled 60 times": _plain(y), "its gradient": _plain(x.grad)}


def wide(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    w = tt.Tensor(arrays["w"], requires_grad=True)
    out = tt.Tensor(arrays["x"]) @ w.T
    out.backward(arrays["c"])
    return {"the result": _plain(out), "the gradient of w": _plain(w.grad)}


def freed(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    y = x * 2 + 1
    watched = weakref.ref(y.data)
    (y * y).sum().backward()
    del y
    gc.collect()
    return {"freed": watched() is None}


def parameters(tt: Any, _: Arrays, settings: Any) -> Arrays:
    sizes = settings.get("sizes", [])
    if settings["net"] == "nested":
        layers = [tt.Linear(5, 4), tt.ReLU()]
        net = tt.Sequential(tt.Linear(3, 5), tt.Sequential(*layers, _pair(tt)(4, 2)), tt.Tanh())
        return _listed(net.parameters())
    if settings["net"] == "shared":
        layer = tt.Linear(3, 3)
        return _listed(tt.Sequential(layer, tt.Tanh(), layer).parameters())
    return _listed(getattr(tt, settings["net"])(*sizes).parameters())


def _pair(tt: Any) -> Any:
    """A layer of the kind a student writes: an attribute that is a list, a constant, a flag."""

    class Pair(tt.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.parts = [tt.Linear(inputs, outputs, bias=False)]
            self.shift = tt.Tensor([0.0] * outputs, requires_grad=True)
            self.scale = tt.Tensor([1.0] * 7)
            self.training = True

        def forward(self, x: Any) -> Any:
            return self.parts[0](x) + self.shift

    return Pair


def _listed(tensors: Any) -> Arrays:
    listed = list(tensors)
    found: Arrays = {f"p{i}": _plain(tensor) for i, tensor in enumerate(listed)}
    return found | {"trainable": [bool(tensor.requires_grad) for tensor in listed]}


def first_values(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    layer = getattr(tt, settings["layer"])
    n = int(arrays["n"])
    tt.seed(n)
    first, second = (_copy(layer(*settings["sizes"]).weight) for _ in range(2))
    tt.seed(n)
    return {"first": first, "second": second, "again": _plain(layer(*settings["sizes"]).weight)}


def certain(tt: Any, _: Arrays, __: Any) -> Arrays:
    p = tt.Tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = tt.BinaryCrossEntropyLoss()(p, tt.Tensor([1.0, 0.0, 0.0, 1.0]))
    loss.backward()
    return {"loss": _plain(loss), "gradient": _plain(p.grad)}


def optimiser(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    """Each step's loss is x . g + y . h, so that the gradients are what the judge drew."""
    start = {name: arrays[name].copy() for name in ("x", "idle", "y")}
    named = {name: tt.Tensor(array, requires_grad=True) for name, array in start.items()}
    start = {name: _copy(tensor) for name, tensor in named.items()}
    made = _value(settings["call"], {**vars(tt), "params": list(named.values())})
    found: Arrays = {}
    x, y = named["x"], named["y"]
    for step, row in enumerate(arrays["rows"], start=1):
        made.zero_grad()
        g, h = row[: x.data.size].reshape(x.data.shape), row[x.data.size :]
        ((x * tt.Tensor(g)).sum() + (y * tt.Tensor(h)).sum()).backward()
        made.step()
        for name in ("x", "y"):
            found[f"the move of {name}, step {step}"] = _plain(named[name]) - start[name]
    found["the move of a parameter without gradient"] = _plain(named["idle"]) - start["idle"]
    return found


def still(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    made = tt.Adam([x], lr=0.1)
    for _step in range(2):
        made.zero_grad()
        (x * 0.0).sum().backward()
        made.step()
    return {"the value": _plain(x)}


def dataset(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x, n = arrays["x"], arrays["n"]
    made = tt.TensorDataset(x, np.arange(len(x)))
    inputs, labels = made[n]
    return {
        "inputs of dataset[n]": _plain(inputs),
        "labels of dataset[n]": _plain(labels),
        "dataset[3]": _plain(made[3][0]),
        "len(dataset)": len(made),
    }


def loader(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    import numpy as np

    numbers = np.arange(settings["examples"])
    made_of = tt.TensorDataset(numbers, 2 * numbers)
    options = {name: settings[name] for name in settings if name != "examples"}
    n = int(arrays["n"])

    def epoch(batches: Any) -> list[Any]:
        parts = [[_plain(part) for part in batch] for batch in batches]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    made = tt.DataLoader(made_of, **options, seed=n)
    batches = list(made)
    first = epoch(batches)
    found = {
        "first": first[0],
        "partner": first[1],
        "second": epoch(made)[0],
        "sizes": [len(batch[0]) for batch in batches],
        "length": len(made),
        "tensors": all(isinstance(part, tt.Tensor) for batch in batches for part in batch),
    }
    for name, seed in (("again", n), ("other", n + 1), ("free", None), ("free, too", None)):
        found[name] = epoch(tt.DataLoader(made_of, **options, seed=seed))[0]
    return found


def pool_ties(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x = tt.Tensor(arrays["x"], requires_grad=True)
    c = np.array([[[[2.0, -3.0]]]], dtype=np.float32)
    (tt.MaxPool2d(2)(x) * tt.Tensor(c)).sum().backward()
    return {"gradient": _plain(x.grad)}


def causal_mask(tt: Any, _: Arrays, __: Any) -> Arrays:
    return {"mask": _plain(tt.causal_mask(5))}


def kept_weights(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    layer = tt.MultiHeadAttention(*settings["sizes"])
    for name, drawn in arrays.items():
        if name != "x":
            tensor = _find(tt, layer, name)
            tensor.data = drawn.reshape(tensor.data.shape).astype(tensor.data.dtype)
    layer(tt.Tensor(arrays["x"][:, ::-1]), tt.causal_mask(4))
    layer(tt.Tensor(arrays["x"]), tt.causal_mask(4))  # those of the last call count
    return {"layer.weights": _plain(layer.weights), **_listed(layer.parameters())}


SCENARIOS: dict[str, Callable[[Any, Arrays, Any], Arrays]] = {
    function.__name__: function
    for function in (
        seeds,
        uniform,
        float_arrays,
        nan_error,
        facts,
        dtypes,
        scalar_backward,
        ties,
        twice,
        shared,
        aliases,
        constants,
        no_grad,
        deep,
        doubled,
        wide,
        freed,
        parameters,
        first_values,
        certain,
        optimiser,
        still,
        dataset,
        loader,
        pool_ties,
        causal_mask,
        kept_weights,
    )
}


def _value(text: str, names: Arrays) -> Any:
    """Of an expression that the judge wrote, one row of grader/probes/."""
    exec(f"_value = {text}", names)
    return names["_value"]


def _find(tt: Any, layer: Any, path: str) -> Any:
    """The parameter at "q_proj.weight"; inside a block the parts may be called anything."""
    *owners, last = path.split(".")
    if isinstance(layer, vars(tt).get("TransformerBlock", ())):
        _block = importlib.import_module("training")._block
        return getattr(_block(tt, layer)[1][".".join(["block", *owners])], last)
    for owner in owners:
        layer = getattr(layer, owner)
    return getattr(layer, last)


def _plain(value: Any) -> Any:
    return importlib.import_module("training")._plain(value)


def _copy(value: Any) -> Any:
    return _plain(value).copy()


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
    def __init__(self, channel: Channel, request: dict[str, Any]) -> None:
        self._channel = channel
        self._program = request["program"]
        self._payload = memoryview(request["payload"])
        self._failed: set[str] = set()  # modules of which something could not be computed

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
                        found = _answer(Probe(library.tt, row, arrays))
                    self._send(row["check"], found)
                    result: dict[str, Any] = {"outcome": "passed"}
                except BaseException as error:  # noqa: BLE001  # student code may raise anything
                    self._failed.add(module["id"])
                    result = _describe(error)
                self._done(row["check"], result, sink)
        trained = []
        for milestone in self._program["milestones"]:
            arrays = self._arrays()
            if self._train(library, milestone, arrays):
                trained.append((milestone, arrays))
        # Everything is said: whatever happens from here on costs nobody anything.
        for milestone, arrays in trained:
            self._look_back(library, milestone, arrays)

    def _train(self, library: Library, milestone: dict[str, Any], arrays: Arrays) -> bool:
        """Did it come to its end?"""
        training = importlib.import_module("training")
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
                training.train(library.tt, milestone, arrays, self._channel)
            result = {"outcome": "passed"}
        except BaseException as error:  # noqa: BLE001  # student code may raise anything
            result = _describe(error)
        self._done(milestone["check"], result, sink)
        return bool(result["outcome"] == "passed")

    def _look_back(self, library: Library, milestone: dict[str, Any], arrays: Arrays) -> None:
        """Say which functions of the student's a step calls (grader.detour)."""
        training = importlib.import_module("training")
        with contextlib.suppress(BaseException), _limited(2 * training.LOOK_S):
            self._send(milestone["called"], training.called(library.tt, milestone, arrays))

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


def _answer(probe: Probe) -> Arrays:
    kind = probe.row["kind"]
    if kind == "scenario":
        return SCENARIOS[probe.row["name"]](probe.tt, probe.arrays, probe.row["settings"])
    return call(probe) if kind == "call" else refusal(probe)


def _describe(error: BaseException) -> dict[str, Any]:
    if isinstance(error, StoppedError):
        return {"outcome": "errored", "message": str(error)}
    described: dict[str, Any] = importlib.import_module("training")._describe(error)
    return described


def main() -> None:
    channel = Channel()
    request = channel.request()
    prepare(request)
    # Before the student's package is imported: neither NumPy nor these are theirs to replace.
    for name in ("arrays", "training"):
        importlib.import_module(name)
    sys.path.remove(_here)
    Session(channel, request).run()
    channel.send(event="end")
    # Not sys.exit: threads, atexit functions and destructors of student code have no say here.
    os._exit(0)


if __name__ == "__main__":
    main()
