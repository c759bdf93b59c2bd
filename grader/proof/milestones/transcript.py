"""What a training reported, read and checked: the numbers behind every claim."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grader.proof.compare import Wrong
from grader.proof.milestones.challenges import Array, Run
from grader.sandbox.worker.arrays import BadBundle, Head, head_of, unpack
from grader.verdicts.measures import Parameter, finite


@dataclass(frozen=True, slots=True)
class Transcript:
    """One training of T steps with n numbers in k parameters, as the worker's library holds them.

    losses: (T,) float64.  gradients: (T, n), zero where there was none.  present: name -> (T,)
    bool, whether there was a gradient.  values: (T + 1, n), the drawn ones first.
    columns: name -> which of the n.  shapes: name -> shape.
    own: what the library's own constructors drew.  scores: for the held-out inputs.
    double: all of them came as float64, the own ones, too.
    digest: of everything that was reported.  seconds: from when it was begun to the last step.
    """

    losses: Array
    gradients: Array
    values: Array
    present: Mapping[str, Array]
    columns: Mapping[str, slice]
    shapes: Mapping[str, tuple[int, ...]]
    own: Mapping[str, Array]
    scores: Array
    double: bool
    digest: bytes
    seconds: float
    extras: Mapping[str, Mapping[str, Array]]  # kind -> name -> what was reported beside

    @property
    def finite(self) -> bool:
        arrays = (self.losses, self.scores, self.gradients, self.values)
        return all(bool(np.isfinite(a).all()) for a in arrays)

    def gradient(self, name: str, steps: Sequence[int]) -> Array:
        """(S, *shape): at each of the steps, float64."""
        rows = self.gradients[steps, self.columns[name]]
        return rows.reshape(len(rows), *self.shapes[name]).astype(np.float64)

    def value(self, name: str, steps: slice | Sequence[int]) -> Array:
        """(S, *shape): before each of the steps."""
        rows = self.values[steps, self.columns[name]]
        return rows.reshape(len(rows), *self.shapes[name])

    def last(self) -> dict[str, Array]:
        """name -> (1, *shape), float64: what the training ended with."""
        return {name: self.value(name, [-1]).astype(np.float64) for name in self.columns}

    def parameters(self) -> tuple[Parameter, ...]:
        """For people: name, shape, largest gradient of all steps, largest change; None: not finite."""
        largest = np.maximum(self.gradients.max(axis=0), -self.gradients.min(axis=0))
        change = np.abs(self.values[-1].astype(np.float64) - self.values[0])
        return tuple(
            Parameter(
                name,
                self.shapes[name],
                finite(_largest(largest[part])) if self.present[name].all() else None,
                finite(_largest(change[part])),
            )
            for name, part in self.columns.items()
        )


def read(
    bundles: Sequence[bytes],
    arrived_s: Sequence[float],
    runs: Sequence[Run],
    began_s: Mapping[str, float],
) -> list[Transcript]:
    """One record per run. Raises Wrong unless everything that was asked for is there, in order.

    began_s: name of a run -> when the worker was given its numbers; without, its first word counts.
    """
    rest = _Bundles(bundles, arrived_s)
    records = [_read_run(rest, run, began_s.get(run.name)) for run in runs]
    if rest.left:
        raise Wrong("more was reported than was asked for")
    return records


class _Bundles:
    """The report, read from the front."""

    def __init__(self, bodies: Sequence[bytes], arrived_s: Sequence[float]) -> None:
        self._rest = iter(zip(bodies, arrived_s, strict=True))
        self.left = len(bodies)
        self.digest = hashlib.sha256()
        self.now_s = 0.0

    def next(self, run: Run, kind: str, what: str) -> tuple[bytes, Head, int]:
        """The next bundle, which must be of KIND; its head, and where its arrays start.

        what: it, in words.
        """
        body, self.now_s = next(self._rest, (b"", self.now_s))
        if not body:
            raise Wrong(f"the report ends before {what}")
        self.left -= 1
        self.digest.update(body)
        try:
            head, start = head_of(body)
        except BadBundle as bad:
            raise Wrong(f"the report is broken before {what}: {bad}") from None
        if head.kind == f"{run.name}/{kind}":
            return body, head, start
        extra = "outputs" if kind == "step" else "step"
        if head.kind == f"{run.name}/{extra}":
            raise Wrong(
                f"the training took {'fewer' if kind == 'step' else 'more'} than the "
                f"{run.steps} steps that its batches make; {what} was expected",
                "Does every epoch yield every example once, the last, smaller batch included?",
            )
        raise Wrong(f"{what} expected, {head.kind[:40]!r} came")

    def arrays(self, run: Run, kind: str, what: str) -> dict[str, Array]:
        return unpack(self.next(run, kind, what)[0])[1]


def _read_run(bundles: _Bundles, run: Run, began_s: float | None) -> Transcript:
    own = bundles.arrays(run, "initial", "the first values")
    began_s = bundles.now_s if began_s is None else began_s
    if own.keys() != run.initial.keys():
        raise Wrong(f"parameters {sorted(own)} were reported, {sorted(run.initial)} expected")
    own = {n: _shaped(own[n], f"the first {n}", a.shape) for n, a in run.initial.items()}
    losses, gradients, values, present, double = _read_steps(bundles, run)
    # Where only gradients are in 64 bits, the first loss is still one of single precision.
    double = double and all(array.dtype == np.float64 for array in own.values())
    seconds = bundles.now_s - began_s
    outputs = bundles.arrays(run, "outputs", "the answers to the held-out inputs")
    scores = _shaped(outputs.get("scores"), "the output for the held-out inputs", run.scores)
    extras = {}
    for kind, shapes in run.extras.items():
        arrays = bundles.arrays(run, kind, f"what belongs to the {kind}")
        extras[kind] = {
            name: _shaped(arrays.get(name), f"{kind}, {name}", shape)
            for name, shape in shapes.items()
        }
    return Transcript(
        losses,
        gradients,
        values,
        present,
        _columns(run),
        {name: first.shape for name, first in run.initial.items()},
        own,
        scores,
        double,
        bundles.digest.digest(),
        seconds,
        extras,
    )


def _columns(run: Run) -> dict[str, slice]:
    columns = {}
    start = 0
    for name, first in run.initial.items():
        columns[name] = slice(start, start + first.size)
        start += first.size
    return columns


def _read_steps(bundles: _Bundles, run: Run) -> tuple[Array, Array, Array, dict[str, Array], bool]:
    """losses, gradients, values, present and double of a Transcript."""
    columns = _columns(run)
    count = sum(first.size for first in run.initial.values())
    losses = np.empty(run.steps)
    present = {name: np.ones(run.steps, dtype=bool) for name in run.initial}
    gradients = values = np.empty((0, 0), dtype=np.float32)
    known: Head | None = None
    double = True
    for step in range(run.steps):
        body, head, start = bundles.next(run, "step", f"step {step + 1} of {run.steps}")
        if head is not known:
            _check_step(head, run, step)
            known = head
            dtypes = {dtype for name, (dtype, _, _) in head.arrays.items() if name != "loss"}
            double = double and dtypes == {"<f8"}
        if step == 0:
            # Where both occur, nothing is lost, and single precision is what is expected.
            dtype = np.result_type(*dtypes)
            gradients = np.zeros((run.steps, count), dtype)
            values = np.empty((run.steps + 1, count), dtype)
            for name, first in run.initial.items():
                values[0, columns[name]] = first.reshape(-1)
        losses[step] = _row(body, head, start, "loss")[0]
        for name, part in columns.items():
            values[step + 1, part] = _row(body, head, start, f"after/{name}")
            if f"gradient/{name}" in head.arrays:
                gradients[step, part] = _row(body, head, start, f"gradient/{name}")
            else:
                present[name][step] = False
    return losses, gradients, values, present, double


def _row(body: bytes, head: Head, start: int, name: str) -> Array:
    dtype, shape, offset = head.arrays[name]
    count = 1
    for n in shape:
        count *= n
    return np.frombuffer(body, dtype, count, start + offset)


def _check_step(head: Head, run: Run, step: int) -> None:
    for name, shape in (("loss", ()), *((f"after/{n}", f.shape) for n, f in run.initial.items())):
        if name not in head.arrays:
            raise Wrong(f"step {step + 1} reports no {name}")
        _check(name, head.arrays[name], shape, step)
    for name, first in run.initial.items():
        if f"gradient/{name}" in head.arrays:
            _check(f"the gradient of {name}", head.arrays[f"gradient/{name}"], first.shape, step)


def _check(
    what: str, there: tuple[str, tuple[int, ...], int], shape: tuple[int, ...], step: int
) -> None:
    """Floats, and the right shape; axes of length 1 may stand anywhere."""
    dtype, found, _ = there
    if [n for n in found if n != 1] != [n for n in shape if n != 1]:
        raise Wrong(
            f"{what} has shape {found} in step {step + 1}, expected {shape}",
            "A gradient has the shape of its parameter: sum over the axes that were broadcast.",
        )
    if dtype == "<i8":
        raise Wrong(f"{what} holds integers in step {step + 1}, expected floats")


def _shaped(array: Array | None, what: str, shape: tuple[int, ...]) -> Array:
    if array is None or array.dtype.kind != "f":
        raise Wrong(f"{what} was not reported")
    if [n for n in array.shape if n != 1] != [n for n in shape if n != 1]:
        raise Wrong(f"{what} should have shape {shape}, got {array.shape}")
    return array.reshape(shape)


def _largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0.0))
