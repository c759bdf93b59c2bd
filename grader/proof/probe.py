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
from typing import Any, ClassVar, NoReturn, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Drawn = Mapping[str, Array]
Maker = Callable[[np.random.Generator], Any]

TOLERANCE = 1e-4
STEP = 1e-30  # of the complex-step derivative: squared, it is nothing beside 1
WHOLE = 40  # entries: up to here a gradient is compared entry by entry, above in DIRECTIONS
DIRECTIONS = 6
TINY = 1e-7  # what rounding may leave where the truth is zero
# Of the sum of all absolute terms of a number: terms that cancel leave their rounding behind. Some
# thirty roundings of float32.
ROUNDINGS = 2e-6


class Wrong(Exception):
    """What came back is not what was asked for, or not what it should be."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


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


# Roles of an input: a Tensor whose gradient is asked for, one that requires none, an array as it
# is, and the value that a parameter of a layer is given (its gradient is asked for, too).
LEAF, CONSTANT, GIVEN, PARAMETER = "leaf", "constant", "given", "parameter"


@dataclass(frozen=True, slots=True)
class Input:
    make: Maker
    role: str = LEAF


def normal(*shape: int, size: float = 1.0) -> Input:
    return Input(lambda g: size * g.standard_normal(shape))


def between(low: float, high: float, *shape: int) -> Input:
    return Input(lambda g: g.uniform(low, high, shape))


def away(*shape: int) -> Input:
    """Of either sign, and no nearer to zero than 0.2."""
    return Input(lambda g: g.uniform(0.2, 2.0, shape) * g.choice([-1.0, 1.0], shape))


def apart(*shape: int) -> Input:
    """No two alike: which one is the largest is beyond rounding."""

    def make(generator: np.random.Generator) -> Array:
        count = int(np.prod(shape, dtype=int))
        places = generator.permutation(count) + generator.uniform(0.1, 0.4, count)
        return np.asarray((places - count / 2) * (4 / count)).reshape(shape)

    return Input(make)


def whole(low: int, high: int, *shape: int) -> Input:
    """Integers in [low, high)."""
    return Input(lambda g: g.integers(low, high, shape), GIVEN)


def these(values: Any, role: str = LEAF) -> Input:
    return Input(lambda _: np.array(values), role)


def constant(made: Input) -> Input:
    return Input(made.make, CONSTANT)


def given(made: Input) -> Input:
    return Input(made.make, GIVEN)


def parameter(made: Input) -> Input:
    return Input(made.make, PARAMETER)


def single(array: Array) -> Array:
    """As the worker gets it: integers as they are, all else rounded to float32."""
    array = np.asarray(array)
    return array.astype(np.int64) if array.dtype.kind in "iub" else array.astype(np.float32)


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


def flag(got: Drawn, name: str) -> bool:
    return name in got and bool(np.all(got[name] == 1))


def number(got: Drawn, name: str) -> float:
    """NaN when it did not come, or is not one number."""
    array = got.get(name)
    return float(array.reshape(())) if array is not None and array.size == 1 else float("nan")


def without_ones(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def compare(
    what: str,
    got: Array | None,
    expected: Array,
    tolerance: float = TOLERANCE,
    hint: str = "",
    noise: float = TINY,
) -> None:
    """Raises Wrong unless GOT is EXPECTED: each entry as near as TOLERANCE times the largest.

    noise: how near it need not be in any case, absolute.
    """
    expected = np.asarray(expected)
    if got is None:
        raise Wrong(f"{what} did not come back", hint)
    if got.shape != expected.shape:
        raise Wrong(f"{what} should have shape {expected.shape}, got {got.shape}", hint)
    size = float(np.abs(expected).max(initial=0.0))
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - expected)
    limit = tolerance * size + noise
    if not np.all(error <= limit):
        _differ(what, got.astype(np.float64), expected, limit, hint)


def _differ(what: str, got: Array, expected: Array, limit: float, hint: str) -> NoReturn:
    if not np.all(np.isfinite(got)):
        place = _place(~np.isfinite(got))
        raise Wrong(f"{what} is not a number{place[0]}, expected {expected[place[1]]:.5g}", hint)
    place = _place(~(np.abs(got - expected) <= limit))
    words = f"{what} is {got[place[1]]:.5g}{place[0]}, expected {expected[place[1]]:.5g}"
    square = float((expected * expected).sum())
    factor = float((got * expected).sum()) / square if square else 0.0
    if expected.size > 1 and np.all(
        np.abs(got - factor * expected) <= 2 * (1 + abs(factor)) * limit
    ):
        if not np.any(got):
            words = f"{what} is zero everywhere, expected {expected[place[1]]:.5g}{place[0]}"
        elif abs(factor + 1) < 1e-3:
            words = f"{what} has the wrong sign"
        elif factor > 0 and abs(factor - 1) > 0.01:
            many = (
                f"{factor:.4g} times too large"
                if factor > 1
                else f"{1 / factor:.4g} times too small"
            )
            words = f"{what} is {many}"
    raise Wrong(words, hint)


def _place(wrong: Array) -> tuple[str, tuple[int, ...]]:
    """The first entry that is wrong, in words and as an index."""
    at = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.ndim else ()
    return (f" at {list(at)}" if at else ""), at
