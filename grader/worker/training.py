"""Trains a milestone's networks with the student's library. The child of grader.milestones.

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
import traceback
from collections.abc import Callable
from typing import Any

_here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib costs 10 ms
sys.path.append(_here)
from channel import BoundedText, Channel, prepare  # noqa: E402

CHECK = "training"
LOOK_S = 1.0  # for one step once more; the longest of the reference library takes 0.02


class Run:
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
            f"gradient/{name}": _plain(p.grad).copy()
            for name, p in self._parameters.items()
            if p.grad is not None
        }

    def step(self, loss: Any) -> None:
        after = {f"after/{name}": _plain(p) for name, p in self._parameters.items()}
        self.send("step", {"loss": _plain(loss), **self._gradients, **after})

    def send(self, kind: str, arrays: dict[str, Any]) -> None:
        from arrays import pack

        self._channel.send_bytes(pack(f"{self.name}/{kind}", arrays))


def _plain(value: Any) -> Any:
    """The array of a tensor; an array or a number as it is."""
    import numpy as np

    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    return np.asarray(getattr(value, "data", value))


def perceptron(run: Run) -> None:
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
    run.send("outputs", {"scores": _plain(held_out @ weight + bias)})


def xor(run: Run) -> None:
    """Layers; the loss by operations on tensors, the update by hand: 04 is not there yet."""
    tt, lr = run.tt, run.settings["lr"]
    hidden = tt.Linear(run.settings["inputs"], run.settings["hidden"])
    output = tt.Linear(run.settings["hidden"], 1)
    model = tt.Sequential(hidden, tt.Tanh(), output, tt.Sigmoid())
    run.start(_named(hidden=hidden, output=output))
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
    run.send("outputs", {"scores": _plain(model(tt.Tensor(run.arrays["held_out"])))})


def mlp_digits(run: Run) -> None:
    tt, settings = run.tt, run.settings
    hidden = tt.Linear(settings["inputs"], settings["hidden"])
    output = tt.Linear(settings["hidden"], 10)
    model = tt.Sequential(hidden, tt.ReLU(), output)
    run.start(_named(hidden=hidden, output=output))
    optimiser = tt.SGD(model.parameters(), lr=settings["lr"], momentum=settings["momentum"])
    criterion = tt.CrossEntropyLoss()
    _train(run, optimiser, lambda images, labels: criterion(model(images), labels))
    run.send("outputs", {"scores": _plain(model(tt.Tensor(run.arrays["held_out"])))})
    if settings["shuffled"]:
        run.send("batches", _shuffled(tt, settings))


def cnn(run: Run) -> None:
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
    run.start(_named(**named, output=output))
    optimiser = tt.Adam(model.parameters(), lr=settings["lr"])
    criterion = tt.CrossEntropyLoss()
    _train(run, optimiser, lambda images, labels: criterion(model(images), labels))
    run.send("outputs", {"scores": _plain(model(tt.Tensor(run.arrays["held_out"])))})


def transformer(run: Run) -> None:
    """Predict the next token of [a b c d SEP a b c d]; only the copy counts."""
    import numpy as np

    tt, settings = run.tt, run.settings
    dim, copied = settings["dim"], settings["copied"]
    tokens = tt.Embedding(settings["vocabulary"], dim)
    positions = tt.PositionalEncoding(2 * copied, dim)
    block = tt.TransformerBlock(dim, settings["heads"])
    norm = tt.LayerNorm(dim)
    output = tt.Linear(dim, settings["vocabulary"])
    parts = [tokens, positions, block, norm, output]
    attention, inside = _block(tt, block)
    run.start(_named(tokens=tokens, positions=positions, **inside, norm=norm, output=output))

    def logits(ids: Any) -> Any:
        """(B, T) token numbers to (B, T, vocabulary)."""
        return output(norm(block(positions(tokens(ids)), tt.causal_mask(ids.shape[1]))))

    def loss(ids: Any, answers: Any) -> Any:
        scores = logits(ids)[:, copied:].reshape(-1, settings["vocabulary"])
        return criterion(scores, answers.reshape(-1))

    criterion = tt.CrossEntropyLoss()
    parameters = [p for part in parts for p in part.parameters()]
    _train(run, tt.Adam(parameters, lr=settings["lr"]), loss)
    written = np.array(run.arrays["held_out"])
    scores = []
    for _ in range(copied):
        scores.append(_plain(logits(written))[:, -1])
        written = np.concatenate([written, scores[-1].argmax(axis=1)[:, None]], axis=1)
    run.send("outputs", {"scores": np.stack(scores, axis=1)})
    logits(written[:1, : 2 * copied])
    run.send("attention", {"weights": _plain(attention.weights)[0]})


TRAININGS: dict[str, Callable[[Run], None]] = {
    "perceptron": perceptron,
    "xor": xor,
    "mlp_digits": mlp_digits,
    "cnn": cnn,
    "transformer": transformer,
}


def _train(run: Run, optimiser: Any, loss_of: Callable[..., Any]) -> None:
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


def _shuffled(tt: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Which numbers a shuffling loader deals out: two epochs, and the first of one just like it."""
    import numpy as np

    numbers = np.arange(settings["shuffled"])
    dataset = tt.TensorDataset(numbers, 2 * numbers)
    size, seed = settings["batch_size"], settings["seed"]

    def epoch(loader: Any) -> list[Any]:
        batches = [[_plain(part) for part in batch] for batch in loader]
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    loader = tt.DataLoader(dataset, batch_size=size, shuffle=True, seed=seed)
    first, second = epoch(loader), epoch(loader)
    again = epoch(tt.DataLoader(dataset, batch_size=size, shuffle=True, seed=seed))
    return {"first": first[0], "partner": first[1], "second": second[0], "again": again[0]}


def _named(**layers: Any) -> dict[str, Any]:
    """ "hidden.weight" -> its tensor, for layers with a weight and perhaps a bias."""
    return {
        f"{name}.{leaf}": getattr(layer, leaf)
        for name, layer in layers.items()
        for leaf in ("weight", "bias")
        if getattr(layer, leaf, None) is not None
    }


def _block(tt: Any, block: Any) -> tuple[Any, dict[str, Any]]:
    """The attention of a block, and its layers by the part they play.

    They are found by their type and order, because a block's attributes may be called anything.
    """
    norms, linears, attentions = [], [], []
    waiting = [block]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tt.MultiHeadAttention):
            attentions.append(part)
        elif isinstance(part, tt.LayerNorm):
            norms.append(part)
        elif isinstance(part, tt.Linear):
            linears.append(part)
        elif isinstance(part, (list, tuple)):
            waiting.extend(reversed(part))
        elif isinstance(part, tt.Module):
            waiting.extend(reversed(vars(part).values()))
    if (len(attentions), len(norms), len(linears)) != (1, 2, 2):
        raise ValueError(
            "TransformerBlock should hold one MultiHeadAttention, two LayerNorm and two Linear, "
            f"got {len(attentions)}, {len(norms)} and {len(linears)}"
        )
    (attention,) = attentions
    # The first layer is the one that widens: its weight has more rows than columns.
    linears.sort(key=lambda layer: layer.weight.shape[0] < layer.weight.shape[1])
    named = {
        "block.norm1": norms[0],
        "block.attention.q_proj": attention.q_proj,
        "block.attention.k_proj": attention.k_proj,
        "block.attention.v_proj": attention.v_proj,
        "block.attention.out_proj": attention.out_proj,
        "block.norm2": norms[1],
        "block.feed_forward1": linears[0],
        "block.feed_forward2": linears[1],
    }
    return attention, named


def train(tt: Any, program: dict[str, Any], arrays: dict[str, Any], channel: Channel) -> None:
    """All runs of a milestone. Some are sealed: their numbers are asked for when their turn comes."""
    from arrays import unpack

    for described in program["runs"]:
        if described["sealed"]:
            _, arrays = unpack(channel.unseal(described["sealed"]))
        TRAININGS[program["milestone"]](Run(tt, described, arrays, channel))


class Silent:
    """A channel to nobody."""

    def send_bytes(self, body: bytes) -> None:
        pass


def called(tt: Any, program: dict[str, Any], arrays: dict[str, Any]) -> dict[str, list[int]]:
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
        TRAININGS[program["milestone"]](run)
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


def _one_step(tt: Any, described: dict[str, Any], arrays: dict[str, Any]) -> Run:
    """The run with as many rows as any step has, and without what comes after the steps."""
    run = Run(tt, described, arrays, Silent())
    run.settings = {**run.settings, "steps": 1, "shuffled": 0}
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

    sys.path.remove(_here)
    channel.send(event="start", check=CHECK)
    sink = BoundedText()
    sys.stdout = sys.stderr = sink
    program = request["program"]
    try:
        _, arrays = unpack(request["payload"])
        tt = importlib.import_module("tinytorch")
        train(tt, program, arrays, channel)
        result: dict[str, Any] = {"outcome": "passed"}
    except BaseException as error:  # noqa: BLE001  # student code may raise anything, SystemExit too
        result = _describe(error)
    channel.send(event="done", check=CHECK, output=sink.kept, **result)
    channel.send(event="end")
    # Not sys.exit: threads, atexit functions and destructors of student code have no say here.
    os._exit(0)


def _describe(error: BaseException) -> dict[str, Any]:
    """What was raised, and the deepest line of the student's package that it came through."""
    outcome = "todo" if isinstance(error, NotImplementedError) else "errored"
    try:
        text = str(error)[:4000]
    except BaseException:  # noqa: BLE001  # a student's __str__ may itself raise
        text = "(its message cannot be printed)"
    result: dict[str, Any] = {"outcome": outcome, "message": f"{type(error).__name__}: {text}"}
    for frame in traceback.extract_tb(error.__traceback__):
        head, inside, path = frame.filename.replace(os.sep, "/").rpartition("/tinytorch/")
        if inside and head:
            result |= {"file": f"tinytorch/{path}", "line": frame.lineno, "source": frame.line}
    return result


if __name__ == "__main__":
    main()
