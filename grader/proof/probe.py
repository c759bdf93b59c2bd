"""What a probe is: something the worker is asked to compute, and what the judge says about it.

The worker (grader/sandbox/worker/ask.py) is given a call and drawn arrays; what it sends back is
believed in nothing. The judge computes the value from the same arrays with its own NumPy, forward
only (truth.py), and the gradient by complex-step differentiation of that.

Inputs are float32 numbers, so that the library computes with exactly what the judge computes
with. A correct float32 library is within 5e-6 of the truth, relative to the largest entry
(benchmarks/verification.py prints it); TOLERANCE leaves room for a factor of twenty and more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from grader.proof.compare import TOLERANCE, Array, Drawn, Wrong, compare, flag, without_ones
from grader.proof.inputs import CONSTANT, GIVEN, LEAF, PARAMETER, Input, single

STEP = 1e-30  # of the complex-step derivative: squared, it is nothing beside 1
WHOLE = 40  # entries: up to here a gradient is compared entry by entry, above in DIRECTIONS
DIRECTIONS = 6
# Of the sum of all absolute terms of a number: terms that cancel leave their rounding behind. Some
# thirty roundings of float32.
ROUNDINGS = 2e-6


class Probe(Protocol):
    """name: unique in its module, and what the student reads.

    timed: how long it took is judged, too.
    """

    @property
    def name(self) -> str: ...

    @property
    def timed(self) -> bool: ...

    @property
    def hint(self) -> str: ...

    def draw(self, generator: np.random.Generator) -> dict[str, Array]:
        """The arrays that the worker is handed."""
        ...

    def request(self) -> dict[str, Any]:
        """What the worker is told, JSON."""
        ...

    def judge(self, drawn: Drawn, got: Drawn) -> None:
        """Raises Wrong unless the arrays that came back are right."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """An expression that gives one tensor, and its gradients.

    text: evaluated by the worker with the names of the library and of the inputs; put(layer)
    gives the layer's parameters their drawn values.
    truth: the same of arrays, for complex ones too: inputs by position, parameters by name, with _
    for the dots.
    gradient: whether it is asked for.  seeded: whether as backward(gradient), which hands the
    cotangent over, or as the backward() of a weighted sum.
    fits: whether a draw is as far from every corner as it must be; else another one is drawn.
    plain: the result may be an array.  tracked: the result should require a gradient.
    """

    text: str
    truth: Callable[..., Any]
    inputs: Mapping[str, Input]
    hint: str = ""
    gradient: bool = True
    seeded: bool = False
    tolerance: float = TOLERANCE
    fits: Callable[..., bool] = lambda *_, **__: True
    plain: bool = False
    label: str = ""
    timed: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.label or self.text

    def of(self, role: str) -> list[str]:
        return [name for name, made in self.inputs.items() if made.role == role]

    def request(self) -> dict[str, Any]:
        return {
            "kind": "call",
            "text": self.text,
            "leaves": self.of(LEAF),
            "constants": self.of(CONSTANT),
            "given": self.of(GIVEN),
            "parameters": self.of(PARAMETER),
            "gradient": self.gradient,
            "seeded": self.seeded,
        }

    def draw(self, generator: np.random.Generator) -> dict[str, Array]:
        while True:
            drawn = {name: single(made.make(generator)) for name, made in self.inputs.items()}
            if self._of(self.fits, self._arguments(drawn)):
                break
        if self.gradient:
            shape = np.shape(self._of(self.truth, self._arguments(drawn)))
            drawn["cotangent"] = single(generator.uniform(0.5, 1.5, shape))
            drawn["cotangent"] *= generator.choice([-1, 1], shape).astype(np.float32)
        return drawn

    def judge(self, drawn: Drawn, got: Drawn) -> None:
        arguments = self._arguments(drawn)
        truth = np.asarray(self._of(self.truth, arguments))
        if not self.plain and not flag(got, "tensor"):
            raise Wrong(
                "the result should be a Tensor", "Build it as the other operations build theirs."
            )
        compare("the result", got.get("out"), truth, self.tolerance, self.hint, noise=ROUNDINGS)
        trainable = [*self.of(LEAF), *self.of(PARAMETER)]
        if not self.plain and flag(got, "requires_grad") != bool(trainable):
            raise Wrong(
                "the result should require a gradient, because an input does"
                if trainable
                else "the result should require no gradient: no input does",
                "Where a result is built, it is passed on from any of the parents.",
            )
        for name in (n for n, made in self.inputs.items() if made.role != PARAMETER):
            if not np.array_equal(got.get(f"after/{name}", ()), drawn[name]):
                raise Wrong(
                    f"{name} is changed by the call",
                    "Compute a new array: no +=, no out=, no x.data[...] = on what was handed in.",
                )
        if self.gradient:
            for name in trainable:
                self._judge_gradient(name, arguments, drawn, got)

    def _judge_gradient(
        self, name: str, arguments: dict[str, Array], drawn: Drawn, got: Drawn
    ) -> None:
        what = f"the gradient of {name}"
        there = got.get(f"gradient/{name}")
        if there is None:
            raise Wrong(
                f"{name} gets no gradient",
                "Somewhere on the way the graph is cut: a tensor made anew, or an array "
                "where a tensor belongs.",
            )
        shape = drawn[name].shape
        if without_ones(there.shape) != without_ones(shape):
            raise Wrong(
                f"{what} should have shape {shape}, got {there.shape}",
                "Sum over the axes that were broadcast.",
            )
        there = there.reshape(shape)
        along, names = self._directions(there)
        slopes, terms = np.empty(len(along)), 0.0
        for number, direction in enumerate(along):
            moved = {**arguments, name: arguments[name] + 1j * STEP * direction}
            parts = drawn["cotangent"] * np.asarray(self._of(self.truth, moved)).imag / STEP
            slopes[number] = parts.sum()
            terms = max(terms, float(np.abs(parts).sum()))
        if names is None:
            reported = there
            slopes = slopes.reshape(shape)
        else:
            what = f"{what}, {names},"
            reported = np.tensordot(along, there.astype(np.float64), axes=there.ndim)
        noise = ROUNDINGS * (1 + terms)
        compare(what, reported, slopes, self.tolerance, self.hint, noise=noise)

    def _directions(self, there: Array) -> tuple[Array, str | None]:
        """(K, *shape): one per entry, or a few random ones.

        They follow from what came back, so that nobody can prepare a gradient for them alone.
        """
        if there.size <= WHOLE:
            return np.eye(there.size).reshape(there.size, *there.shape), None
        seed = hashlib.sha256(there.tobytes()).digest()
        generator = np.random.default_rng(list(seed))
        return generator.standard_normal((DIRECTIONS, *there.shape)), "along random directions"

    def _of(self, function: Callable[..., Any], arguments: dict[str, Array]) -> Any:
        """Inputs by position, parameters by name."""
        placed = self.of(PARAMETER)
        values = [value for name, value in arguments.items() if name not in placed]
        return function(*values, **{n.replace(".", "_"): arguments[n] for n in placed})

    def _arguments(self, drawn: Drawn) -> dict[str, Array]:
        return {
            name: drawn[name] if drawn[name].dtype == np.int64 else drawn[name].astype(np.float64)
            for name in self.inputs
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that should raise an error, of whatever kind: ours names the documented one.

    instead: what is right, too: the value of the call without the mistake.
    """

    text: str
    error: str
    why: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    hint: str = ""
    instead: Callable[..., Any] | None = None
    timed: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"{self.text}: {self.why}"

    def request(self) -> dict[str, Any]:
        roles: dict[str, list[str]] = {LEAF: [], CONSTANT: [], GIVEN: []}
        for name, made in self.inputs.items():
            roles[made.role].append(name)
        return {
            "kind": "refusal",
            "text": self.text,
            "leaves": roles[LEAF],
            "constants": roles[CONSTANT],
            "given": roles[GIVEN],
            "parameters": [],
        }

    def draw(self, generator: np.random.Generator) -> dict[str, Array]:
        return {name: single(made.make(generator)) for name, made in self.inputs.items()}

    def judge(self, drawn: Drawn, got: Drawn) -> None:
        if flag(got, "raised"):
            return
        what = f"should raise {self.error}, because {self.why}"
        if self.instead is None or "out" not in got:
            raise Wrong(what, self.hint)
        try:
            compare("the result", got["out"], self.instead(**drawn), TOLERANCE)
        except Wrong:
            raise Wrong(what, self.hint) from None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Several calls that belong together; the worker knows them by the name of a function.

    expected: of what was drawn, name -> the array that should come back.
    check: what else should hold; raises Wrong.
    timed: how long it took is among what check() is given, because another way to the same numbers
    takes minutes.
    """

    title: str
    scenario: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    expected: Callable[..., Mapping[str, Any]] = lambda **_: {}
    check: Callable[[Drawn], None] = lambda _: None
    hint: str = ""
    tolerance: float = TOLERANCE
    timed: bool = False

    @property
    def name(self) -> str:
        return self.title

    def request(self) -> dict[str, Any]:
        return {"kind": "scenario", "name": self.scenario, "settings": dict(self.settings)}

    def draw(self, generator: np.random.Generator) -> dict[str, Array]:
        return {name: single(made.make(generator)) for name, made in self.inputs.items()}

    def judge(self, drawn: Drawn, got: Drawn) -> None:
        exact = {
            name: array if array.dtype == np.int64 else array.astype(np.float64)
            for name, array in drawn.items()
        }
        for what, truth in self.expected(**exact).items():
            compare(what, got.get(what), np.asarray(truth), self.tolerance, self.hint)
        self.check(got)
