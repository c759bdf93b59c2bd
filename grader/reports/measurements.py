"""What a milestone's run measured, against what is required: rows, a curve, sentences."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from grader.reports import phrases
from grader.rules.course import Milestone, Threshold
from grader.verdicts.facts import CheckResult, Evidence, Outcome
from grader.verdicts.measures import Measures, Number, number

UNMEASURED = "not measured"
BLOCKS = " ▁▂▃▄▅▆▇█"


def achievements(milestone: Milestone) -> tuple[str, ...]:
    """The four lines of a success, as the course words them."""
    return (
        f"✅ Loss decreases {_short(milestone.loss_falls)}",
        f"✅ Accuracy {_short(milestone.accuracy)}",
        "✅ Gradients flow",
        "✅ Weights update",
    )


def _short(threshold: Threshold) -> str:
    return f"{'>' if threshold.strict else ''}{threshold.percent:g}%"


def rows(milestone: Milestone, evidence: Evidence) -> list[tuple[str, str, str, str]]:
    """(claim, measured, required, yes or NO) of each check."""
    required = {
        "loss": ("Loss decreases", str(milestone.loss_falls)),
        "accuracy": ("Accuracy", str(milestone.accuracy)),
        "gradients": ("Gradients flow", "all parameters"),
        "updates": ("Weights update", "all parameters"),
    }
    measured = dict.fromkeys(required, UNMEASURED) | evidence.measures.words
    return [
        (
            required.get(c.name, (c.title, ""))[0],
            measured.get(c.name, ""),
            required.get(c.name, ("", ""))[1],
            "yes" if c.outcome is Outcome.PASSED else "NO",
        )
        for c in evidence.checks
    ]


def parameter_rows(measures: Measures) -> list[tuple[str, str, str, str]]:
    """(name, shape, largest gradient, largest change) of each parameter."""
    return [
        (p.name, "x".join(map(str, p.shape)) or "1", number(p.gradient), number(p.change))
        for p in measures.parameters
    ]


def explanation(check: CheckResult) -> list[str]:
    """Why a claim does not hold; the likely causes, in order, of what was measured."""
    what = f"{check.title}: {check.message or check.outcome.value.replace('_', ' ')}"
    lines = [part for line in what.splitlines() for part in _wrapped(line, 2)]
    if check.where:
        lines.append(f"  Where: {check.where}")
    hints = check.hint.splitlines()
    if check.outcome is not Outcome.FAILED:
        lines += [part for hint in hints for part in _wrapped(f"  Hint: {hint}", 4)]
    elif len(hints) == 1:
        lines += _wrapped(f"  Likely cause: {hints[0]}", 4)
    elif hints:
        lines.append("  Likely causes, in order:")
        for place, hint in enumerate(hints, start=1):
            lines += _wrapped(f"  {place}. {hint}", 5)
    return lines


def _wrapped(line: str, indent: int) -> list[str]:
    """LINE as a narrow terminal shows it whole, the lines below the first moved in."""
    wrapped = textwrap.wrap(
        line, phrases.WIDTH, subsequent_indent=" " * indent, break_long_words=False
    )
    return wrapped or [""]


def curve(values: Sequence[Number], width: int, height: int = 1) -> str:
    """VALUES from left to right as columns of blocks; higher ones have numbers at the side.

    "" when there are fewer than two values. Where none is finite, there is a gap.
    """
    columns = [_mean(part) for part in _parts(values, min(width, len(values)))]
    finite = [c for c in columns if c is not None]
    if len(values) < 2 or not finite:
        return ""
    top, bottom = max(finite), min(0.0, *finite)
    # In halves: the difference of two finite numbers need not be finite.
    span = (top / 2 - bottom / 2) or 1.0
    heights = [
        0 if c is None else max(1, round((c / 2 - bottom / 2) / span * height * 8)) for c in columns
    ]
    lines = []
    for row in reversed(range(height)):
        label = f"{top:8.3g}" if row == height - 1 else f"{bottom:8.3g}" if row == 0 else " " * 8
        blocks = "".join(BLOCKS[min(max(h - row * 8, 0), 8)] for h in heights)
        lines.append(blocks if height == 1 else f"{label} │{blocks}".rstrip())
    return "\n".join(lines)


def _parts(values: Sequence[Number], count: int) -> list[Sequence[Number]]:
    edges = [i * len(values) // count for i in range(count + 1)] if count else []
    return [values[a:b] for a, b in itertools.pairwise(edges)]


def _mean(values: Sequence[Number]) -> Number:
    known = [v for v in values if v is not None]
    return sum(v / len(known) for v in known) if known else None
