"""What a milestone's run measured, against what is required, as rows and sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from grader.reports import phrases
from grader.rules.course import Milestone, Threshold
from grader.verdicts.facts import CheckResult, Evidence, Outcome

UNMEASURED = "not measured"
CAUSES = {
    "loss": (
        "The update goes the wrong way or not at all: parameter - learning rate * gradient.",
        "Gradients are zero or wrong: tito module test 02.",
        "The loss is not the one its name says.",
    ),
    "accuracy": (
        "The forward pass loses information: look at shapes and axes.",
        "Gradients are wrong in a part of the network: tito module test 02.",
        "Learning is slow: look at the optimiser.",
    ),
    "gradients": (
        "requires_grad is lost on the way: every result must come from Tensor.make.",
        "backward() stops before it reaches every parent.",
        "A gradient is overwritten where it should be added.",
    ),
    "updates": (
        "step() leaves parameters out: compare model.parameters() with what the optimiser has.",
        "The update makes a new array that nobody keeps.",
    ),
}


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
    known = {
        "loss": ("Loss decreases", _loss(evidence.measures), str(milestone.loss_falls)),
        "accuracy": ("Accuracy", _accuracy(evidence.measures), str(milestone.accuracy)),
        "gradients": ("Gradients flow", _share(evidence.measures, "gradients"), "all parameters"),
        "updates": ("Weights update", _share(evidence.measures, "updates"), "all parameters"),
    }
    found = []
    for check in evidence.checks:
        claim, measured, required = known.get(check.name, (check.title, "", ""))
        found.append((claim, measured, required, _verdict(check)))
    return found


def parameter_rows(measures: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """(name, shape, largest gradient, largest change) of each parameter."""
    listed = measures.get("parameters")
    if not isinstance(listed, list):
        return []
    return [
        (
            str(p.get("name", "?")),
            "x".join(str(n) for n in p.get("shape", ())) or "1",
            _number(p.get("gradient")),
            _number(p.get("change")),
        )
        for p in listed
        if isinstance(p, dict)
    ]


def curve(measures: Mapping[str, Any]) -> list[float]:
    """The loss at each step. [] when it was not measured."""
    loss = measures.get("loss")
    if not isinstance(loss, list):
        return []
    return [float(v) if isinstance(v, (int, float)) else float("nan") for v in loss]


def explanation(check: CheckResult) -> list[str]:
    """Why a claim does not hold, and the likely causes in order."""
    what = f"{check.title}: {check.message or check.outcome.value.replace('_', ' ')}"
    lines = [part for line in what.splitlines() for part in _wrapped(line, 2)]
    if check.where:
        lines.append(f"  Where: {check.where}")
    causes = check.hint.splitlines() if check.hint else list(CAUSES.get(check.name, ()))
    if len(causes) == 1:
        lines += _wrapped(f"  Likely cause: {causes[0]}", 4)
    elif causes:
        lines.append("  Likely causes, in order:")
        for number, cause in enumerate(causes, start=1):
            lines += _wrapped(f"  {number}. {cause}", 5)
    return lines


def _wrapped(line: str, indent: int) -> list[str]:
    """LINE as a narrow terminal shows it whole, the lines below the first moved in."""
    wrapped = textwrap.wrap(
        line, phrases.WIDTH, subsequent_indent=" " * indent, break_long_words=False
    )
    return wrapped or [""]


def _verdict(check: CheckResult) -> str:
    return "yes" if check.outcome is Outcome.PASSED else "NO"


def _loss(measures: Mapping[str, Any]) -> str:
    first, last = measures.get("first_loss"), measures.get("last_loss")
    fall = measures.get("loss_fall_percent")
    if not all(isinstance(v, (int, float)) for v in (first, last, fall)):
        return UNMEASURED
    return f"{first:.4g} to {last:.4g}, falls by {fall:.4g} %"


def _accuracy(measures: Mapping[str, Any]) -> str:
    value = measures.get("accuracy_percent")
    return f"{value:.4g} %" if isinstance(value, (int, float)) else UNMEASURED


def _share(measures: Mapping[str, Any], key: str) -> str:
    share = measures.get(key)
    if isinstance(share, (list, tuple)) and len(share) == 2:
        return f"{share[0]} of {share[1]} parameters"
    return UNMEASURED


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, (int, float)) else "-"
