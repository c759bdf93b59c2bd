"""What stands behind the claims: every number that was reported is computed again, another way.

outputs      the scores of the held-out inputs come from the reported parameters
losses       so does the loss of every step, on the batch that the judge ordered
derivatives  so is the gradient of every step: along a random direction, the loss's derivative
steps        every update is what the stated optimiser does with the reported gradients
first        the layers' own first values are of the size that lets a network learn
(its own)    what else the challenge asks
cost         the gradient of a network with many parameters came in the time of a few passes

Tolerances belong to the number format that the library uses. They stand some ten times above the
largest error of a correct library (benchmarks/milestones.py --seeds measures it) and some hundred
times below the smallest effect of a wrong one.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.proof.compare import Wrong
from grader.proof.milestones import words
from grader.proof.milestones.challenges import Array, Challenge, Run, Watch
from grader.proof.milestones.transcript import Transcript

# Of the complex-step derivative: squared, it is nothing beside 1; times a small number, it is still
# one that single precision has.
STEP = 1e-20
DIRECTIONS = 3  # per parameter, when each is compared alone
CORNER_SLACK = 25.0  # how much less sharply a slope is compared where every step has a corner
CORNER_SHARE = 0.3  # of a slope: more than the few entries at a corner can make it differ
CHUNK = 16  # steps that are computed at once
LARGE_S = 8.0  # for the steps of a network on which numerical differentiation takes minutes
FIRST_FACTOR = 5.0  # other good rules (He, Glorot) are within 2.5 of it
TINY = 1e-300  # beside a number it is nothing, below a zero it is not zero
BETAS, EPS = (0.9, 0.999), 1e-8  # of Adam


@dataclass(frozen=True, slots=True)
class Comparison:
    """One kind of evidence. what: what was compared, or what differs.  hint: only if it fails.

    used: the largest error, as a share of what is allowed.
    """

    name: str
    title: str
    holds: bool
    what: str
    hint: str = ""
    used: float = 0.0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """loss, score, slope, step: relative.  noise: of a logit's share in a slope, absolute."""

    loss: float
    score: float
    slope: float
    noise: float
    step: float
    reach: float


SINGLE = Tolerance(loss=5e-5, score=4e-4, slope=2e-4, noise=1e-6, step=2e-5, reach=6e-6)
DOUBLE = Tolerance(loss=1e-7, score=1e-7, slope=1e-6, noise=1e-9, step=1e-7, reach=1e-9)

TITLES = {
    "outputs": "The network computes what its parameters say",
    "losses": "Every loss is the loss of its batch",
    "derivatives": "Every gradient is the derivative of the loss",
    "steps": "Every update is a step of the optimiser",
    "first": "First values are drawn small",
}
COST = "Gradients come from one backward pass"


def check(
    found: Challenge, runs: Sequence[Run], records: Sequence[Transcript], key: str
) -> list[Comparison]:
    """All kinds of evidence, in the order in which a student should look at them."""
    titles = {**TITLES, **{n: p.title for n, p in found.proofs.items()}, "cost": COST}
    compared: dict[str, list[str]] = {name: [] for name in titles}
    used = dict.fromkeys(titles, 0.0)
    wrong: dict[str, Wrong] = {}
    for run, record in zip(runs, records, strict=True):
        trial = _Examined(found, run, record, key)
        for name in (*TITLES, *found.proofs):
            trial.used = 0.0
            try:
                compared[name].append(
                    getattr(trial, name)()
                    if name in TITLES
                    else found.proofs[name].look(run, record.extras)
                )
            except Wrong as error:
                wrong.setdefault(name, error)
            used[name] = max(used[name], trial.used)
    try:
        compared["cost"].append(_cost(records))
    except Wrong as error:
        wrong["cost"] = error
    return [
        Comparison(name, title, False, wrong[name].what, wrong[name].hint)
        if name in wrong
        else Comparison(name, title, True, "; ".join(filter(None, compared[name])), "", used[name])
        for name, title in titles.items()
        if name in wrong or any(compared[name])
    ]


class _Examined:
    """One training under examination."""

    def __init__(self, found: Challenge, run: Run, record: Transcript, key: str) -> None:
        self._found = found
        self._run = run
        self._record = record
        self._tolerance = DOUBLE if record.double else SINGLE
        # What is looked at depends on everything that was reported: it cannot be known before.
        seed = hashlib.sha256(f"{key} {run.name}".encode() + record.digest).digest()
        self._generator = np.random.default_rng(list(seed))
        self.used = 0.0  # of what is allowed, by the comparison that was made last
        self._main = run.name == "main"
        self._where = "" if self._main else "in the larger network, "

    def outputs(self) -> str:
        reported = self._record.scores.astype(np.float64)
        expected = self._found.answer_scores(self._run, self._record.last(), reported)
        expected = expected.reshape(reported.shape)
        off = np.abs(reported - expected)
        limit = self._tolerance.score * (1 + np.abs(expected).max(initial=0.0))
        self.used = float(off.max(initial=0.0) / limit)
        if not self.used <= 1:
            at = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
            raise Wrong(
                f"{self._where}output {list(at)} should be {expected[at]:.5g}, "
                f"got {reported[at]:.5g}",
                "A forward pass is not what its layer promises: compare each layer with its "
                "formula, the order of axes first.",
            )
        self._beside(reported)
        return f"{reported.size:,} outputs" if self._main else ""

    def _beside(self, scores: Array) -> None:
        for what, expected in self._found.beside(self._run, self._record.last(), scores).items():
            kind, name = what.split("/")
            reported = self._record.extras[kind][name].astype(np.float64)
            off = np.abs(reported - expected)
            self.used = max(self.used, float(off.max() / self._tolerance.score))
            if not off.max() <= self._tolerance.score:
                at = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
                raise Wrong(
                    f"{self._where}{kind}: {name}{list(at)} should be {expected[at]:.5g}, "
                    f"got {reported[at]:.5g}",
                    self._found.hints.get(kind, ""),
                )

    def losses(self) -> str:
        run, reported, expected = self._run, self._record.losses, self._walk.losses
        off = np.abs(reported - expected)
        off /= self._tolerance.loss * (0.1 + np.abs(expected))
        self.used = float(off.max())
        wrong = ~(off <= 1)
        if wrong.any():
            step = int(np.argmax(wrong))
            factor = reported[step] / expected[step] if expected[step] else np.nan
            raise Wrong(
                f"{self._where}the loss of step {step + 1} should be {expected[step]:.6g}, "
                f"got {reported[step]:.6g}" + words.times(factor),
                words.loss_hint(factor, len(run.rows(step)), step),
            )
        return f"{run.steps} losses" if self._main else ""

    def derivatives(self) -> str:
        """The gradients of every step, all parameters together; and each alone where one counts."""
        walk = self._walk
        smooth = np.flatnonzero(~walk.cornered)
        self.used = float(walk.slopes.shares[smooth].max(initial=0.0))
        if not smooth.size:
            # So few steps, and each has a corner: what remains is a look at the size.
            self._one_by_one(0, CORNER_SLACK)
        elif self._main:
            self._one_by_one(int(smooth[0]), 1.0)
        for step in map(int, np.flatnonzero(~(walk.slopes.shares <= 1))):
            # Seen in single precision, perhaps: now to the last digit.
            slack = 1.0 if step in smooth else CORNER_SHARE / self._tolerance.slope
            if not self._slopes([step], None, slack=slack).agree:
                self._explain(step, slack)
        return (
            f"{len(self._run.initial)} parameters at {self._run.steps} steps" if self._main else ""
        )

    @functools.cached_property
    def _walk(self) -> _Walk:
        """The losses of all steps, and their slopes, in the precision of the library."""
        run = self._run
        precision = np.result_type(self._record.values.dtype, np.complex64)
        losses, cornered = np.empty(run.steps), np.zeros(run.steps, dtype=bool)
        found = _Slopes(*np.empty((3, run.steps)))
        for steps in _alike(run):
            watch = Watch(self._tolerance.reach)
            slopes = self._slopes(steps, None, watch, precision=precision)
            cornered[steps] = watch.cornered(len(steps))
            losses[steps] = slopes.losses
            for name in ("true", "reported", "limit"):
                getattr(found, name)[steps] = getattr(slopes, name)
        share = CORNER_SHARE / self._tolerance.slope
        found.limit[cornered] *= share
        return _Walk(losses, found, cornered)

    def _one_by_one(self, step: int, slack: float) -> None:
        problems = [
            (name, slopes)
            for name in self._run.initial
            if not (slopes := self._slopes([step] * DIRECTIONS, name, slack=slack)).agree
        ]
        if not problems:
            return
        # Backpropagation starts at the output: the last parameter that is wrong is where it went
        # wrong first.
        name, slopes = problems[-1]
        rest = [n for n, _ in problems[:-1]]
        raise Wrong(
            f"{self._where}the gradient of {name} {slopes.words()} (step {step + 1})"
            + (f"; wrong as well: {words.listed(rest)}" if rest else ""),
            words.gradient_hint(slopes.factor, len(self._run.rows(step)), name),
        )

    def _explain(self, step: int, slack: float) -> None:
        """Which gradient of STEP is wrong, although all were right before, if they were."""
        if step == 0:
            self._one_by_one(step, slack)
        for name in reversed(list(self._run.initial)):
            slopes = self._slopes([step] * DIRECTIONS, name, slack=slack)
            if step and not slopes.agree:
                raise Wrong(
                    f"{self._where}the gradient of {name} is right in step {step} and "
                    f"{slopes.words()} in step {step + 1}",
                    "Are the gradients of the last step forgotten before the next "
                    "one? Does a layer keep something from one call to the next?",
                )
        raise Wrong(
            f"{self._where}the gradients of step {step + 1} are not the derivative of its loss"
        )

    def steps(self) -> str:
        """The optimiser's arithmetic, from the reported values and gradients, without drift."""
        run, record = self._run, self._record
        optimiser = run.optimiser
        rounding = 2 * np.finfo(np.float64 if record.double else np.float32).eps
        rule = _adam if optimiser.kind == "Adam" else _sgd
        now = record.values[0].astype(np.float64)
        stepper = rule(record.gradients, optimiser.lr, optimiser.momentum)
        for step, (expected, size) in enumerate(stepper):
            before, now = now, record.values[step + 1].astype(np.float64)
            moved = now - before
            size *= self._tolerance.step
            size += rounding * np.maximum(np.abs(now), np.abs(before)) + TINY
            off = np.abs(moved - expected) / size
            self.used = max(self.used, float(off.max()))
            if not off.max() <= 1:
                name = self._owner(int(np.argmax(~(off <= 1))))
                part = record.columns[name]
                said = words.step_words(moved[part], expected[part])
                raise Wrong(
                    f"{self._where}step {step + 1} {said} {name}, against {optimiser}",
                    words.step_hint(step, optimiser.kind),
                )
        return f"{run.steps} steps of {optimiser}" if self._main else ""

    def first(self) -> str:
        """Of what the library drew itself, before the judge's numbers took its place."""
        looked = 0
        for name, drawn in self._run.initial.items():
            own = self._record.own[name]
            if not self._found.first(name, own) and drawn.ndim > 1 and drawn.size >= 32:
                factor = float(own.std() / drawn.std())
                # By its own size: what is drawn larger has a mean that is larger, too.
                shift = float(own.mean() / max(own.std(), drawn.std()))
                shift *= min(1.0, (drawn.size / 400) ** 0.5)
                looked += 1
                if not 1 / FIRST_FACTOR < factor < FIRST_FACTOR:
                    raise Wrong(
                        f"{name} starts with numbers of the size {own.std():.3g}, "
                        f"{drawn.std():.3g} expected",
                        "Draw them between -1 / sqrt(fan_in) and 1 / sqrt(fan_in), where fan_in "
                        "is the number of inputs that one output sees.",
                    )
                if not abs(shift) < 0.5:  # ten standard errors, and more
                    raise Wrong(
                        f"{name} starts with numbers around {own.mean():.3g}, 0 expected",
                        "Draw first weights on both sides of zero.",
                    )
        return f"{looked} parameters" if self._main and looked else ""

    def _owner(self, column: int) -> str:
        """The parameter that one of the n numbers belongs to."""
        return next(n for n, part in self._record.columns.items() if column < part.stop)

    def _batches(self, steps: Sequence[int]) -> tuple[Array, Array]:
        rows = np.stack([self._run.rows(step) for step in steps])
        return self._run.data["inputs"][rows], self._run.data["targets"][rows]

    def _slopes(
        self,
        steps: Sequence[int],
        name: str | None,
        watch: Watch | None = None,
        slack: float = 1.0,
        precision: np.dtype[Any] | type = np.complex128,
    ) -> _Slopes:
        """Along a random direction at each of the steps, through one parameter or through all."""
        gradients = {
            part: self._record.gradient(part, steps)
            for part in self._run.initial
            if name in (None, part)
        }
        directions = self._directions(gradients)
        losses, noise = self._complex(steps, directions, watch or Watch(0), precision)
        reported, size = np.zeros(len(steps)), np.zeros(len(steps))
        for part, gradient in gradients.items():
            along, flat = directions[part].reshape(len(steps), -1), gradient.reshape(len(steps), -1)
            reported += np.einsum("sn,sn->s", along, flat)
            size += (along**2).mean(axis=1) * (flat**2).sum(axis=1)
        slopes = losses.imag / STEP
        limit = slack * self._tolerance.slope * np.maximum(np.sqrt(size), np.abs(slopes))
        limit += self._tolerance.noise * noise
        return _Slopes(slopes, reported, limit, losses.real)

    def _directions(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """name -> (S, *shape): each parameter with the same say."""
        sizes = {p: np.sqrt((g.reshape(len(g), -1) ** 2).sum(axis=1)) for p, g in gradients.items()}
        finite = [np.where(np.isfinite(s), s, 0) for s in sizes.values()]
        usual = np.max(finite, axis=0)
        usual[usual == 0] = 1
        drawn = {}
        for part, gradient in gradients.items():
            # One without a gradient gets the weight of the others: it must stay without a slope.
            scale = 1 / np.where(sizes[part] > 1e-6 * usual, sizes[part], usual)
            scale = scale.reshape(-1, *[1] * (gradient.ndim - 1))
            drawn[part] = scale * self._generator.standard_normal(gradient.shape, dtype=np.float32)
        return drawn

    def _complex(
        self,
        steps: Sequence[int],
        directions: Mapping[str, Array],
        watch: Watch,
        precision: np.dtype[Any] | type,
    ) -> tuple[Array, Array]:
        """The losses, with their derivative as imaginary part; how much the logits move."""
        values: dict[str, Array] = {}
        for part in self._run.initial:
            value = self._record.value(part, steps)
            along = directions.get(part)
            values[part] = (value if along is None else value + 1j * STEP * along).astype(precision)
        inputs, targets = self._batches(steps)
        scores = self._found.scores(self._run, values, inputs, watch)
        moves = np.abs(scores.imag).sum(axis=-1).reshape(len(scores), -1).mean(axis=1) / STEP
        losses = self._found.loss(self._run, scores, targets)
        return losses.astype(np.complex128), moves.astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Of all steps: losses, slopes, and where there is a corner."""

    losses: Array
    slopes: _Slopes
    cornered: Array


@dataclass(frozen=True, slots=True)
class _Slopes:
    """Derivatives along some directions: as they are, as reported, and how near they must be.

    losses: at the same places.
    """

    true: Array
    reported: Array
    limit: Array
    losses: Array | None = None

    @property
    def shares(self) -> Array:
        """Each error, as a share of what is allowed."""
        return np.asarray(np.abs(self.true - self.reported) / (self.limit + TINY))

    @property
    def agree(self) -> bool:
        return bool(np.all(self.shares <= 1))

    @property
    def factor(self) -> float:
        """c where reported = c * true, NaN where there is no such number."""
        square = float(self.true @ self.true)
        if not square or not np.all(np.isfinite(self.reported)):
            return float("nan")
        factor = float(self.true @ self.reported) / square
        rest = np.abs(self.reported - factor * self.true)
        return factor if np.all(rest <= (1 + abs(factor)) * self.limit) else float("nan")

    def words(self) -> str:
        if not np.all(np.isfinite(self.reported)):
            return "is not a number"
        factor = self.factor
        if np.all(self.reported == 0):
            return "is zero, the derivative is not"
        if abs(factor + 1) < 0.01:
            return "has the wrong sign"
        if abs(factor - 1) < 0.01:
            return f"is {100 * abs(factor - 1):.2g} % too {'large' if factor > 1 else 'small'}"
        if factor > 1:
            return f"is {factor:.4g} times too large"
        if 0 < factor < 1:
            return f"is {1 / factor:.4g} times too small"
        return (
            f"points elsewhere: along a random direction it says {self.reported[0]:.4g}, "
            f"the loss changes by {self.true[0]:.4g}"
        )


def _alike(run: Run) -> Iterator[list[int]]:
    """All steps, in groups whose batches have one size."""
    by_size: dict[int, list[int]] = {}
    for step in range(run.steps):
        by_size.setdefault(len(run.rows(step)), []).append(step)
    for steps in by_size.values():
        for start in range(0, len(steps), CHUNK):
            yield steps[start : start + CHUNK]


def _sgd(gradients: Array, lr: float, momentum: float) -> Iterator[tuple[Array, Array]]:
    """Every step, and the sum of what it is made of: rounding grows with that."""
    velocity = np.zeros(gradients.shape[1])
    size = np.zeros(gradients.shape[1])
    for gradient in gradients:
        velocity = momentum * velocity + gradient
        size = momentum * size + np.abs(gradient)
        yield -lr * velocity, lr * size


def _adam(gradients: Array, lr: float, _momentum: float) -> Iterator[tuple[Array, Array]]:
    beta1, beta2 = BETAS
    mean = np.zeros(gradients.shape[1])
    size = np.zeros(gradients.shape[1])
    square = np.zeros(gradients.shape[1])
    for step, gradient in enumerate(gradients, start=1):
        mean = beta1 * mean + (1 - beta1) * gradient
        size = beta1 * size + (1 - beta1) * np.abs(gradient)
        square = beta2 * square + (1 - beta2) * gradient**2
        rate = lr / (1 - beta1**step) / (np.sqrt(square / (1 - beta2**step)) + EPS)
        yield -rate * mean, rate * size


def _cost(records: Sequence[Transcript]) -> str:
    seconds = records[-1].seconds
    if not seconds <= LARGE_S:
        count = records[-1].values.shape[1]
        raise Wrong(
            f"the gradients of {count:,} parameters took {seconds:.1f} s, allowed {LARGE_S:g} s",
            "backward() visits every operation once. A gradient by differences runs the network "
            "once per parameter.",
        )
    return "the larger network was differentiated in time"
