"""verdict.json: what a job that ran student code tells the job that awards badges.

Facts only. Names, points and rules are the reader's own, and so is how far this is believed:
grader.github.artifact reads it as it would read a letter from a stranger.
"""

from __future__ import annotations

import json
from typing import Any

from grader.reports import escape
from grader.reports.bounded import thinned
from grader.reports.formats.json import finite
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict

SCHEMA = "tinytorch/verdict/v1"
FILE = "verdict.json"
CURVE_POINTS = 32
TEXT = 500  # characters of a message or hint
TOLD = 3  # checks per subject that are told in full
MEASURES = ("first_loss", "last_loss", "loss_fall_percent", "accuracy_percent")
SHARES = ("gradients", "updates")


def files(report: Report) -> dict[str, str]:
    return {FILE: json.dumps(finite(values(report)), ensure_ascii=False) + "\n"}


def values(report: Report) -> dict[str, Any]:
    standing, problem = report.standing, report.problem
    return {
        "schema": SCHEMA,
        "commit": standing.snapshot,
        "rules": report.rules,
        "replaced": [escape.line(path, 200) for path in report.replaced[:20]],
        "problem": problem and {"what": _text(problem.what), "hint": _text(problem.hint)},
        "modules": [_module(v) for v in standing.modules.values()],
        "milestones": [_milestone(v) for v in standing.milestones.values()],
    }


def _module(verdict: ModuleVerdict) -> dict[str, Any]:
    return {
        "id": verdict.module.id,
        "state": verdict.state.value,
        "tests": verdict.expected,
        "waits_for": list(verdict.waits_for),
        "checks": _checks(verdict.checks),
        **({"unlisted": verdict.unlisted} if verdict.unlisted else {}),
    }


def _milestone(verdict: MilestoneVerdict) -> dict[str, Any]:
    evidence = verdict.evidence
    measures = evidence.measures if evidence else {}
    return {
        "id": verdict.milestone.id,
        "state": verdict.state.value,
        "missing": list(verdict.missing),
        "ran": evidence is not None,
        "checks": _checks(evidence.checks) if evidence else [],
        "measures": {
            **{name: measures.get(name) for name in MEASURES},
            **{name: measures.get(name) for name in SHARES},
            "loss": thinned(measures.get("loss") or [], CURVE_POINTS),
        },
        **({"flag": _text(verdict.flag)} if verdict.flag else {}),
    }


def _checks(found: tuple[CheckResult, ...]) -> list[dict[str, str]]:
    """Every check by name and outcome; the first that do not pass with what was said."""
    told = 0
    names = set()
    kept: list[dict[str, str]] = []
    for number, check in enumerate(found):
        name = escape.line(check.name, 100) or "unnamed"
        if name in names:
            name = f"{name} {number}"  # long names that differ at their ends only
        names.add(name)
        entry = {"name": name, "outcome": check.outcome.value}
        if check.outcome not in (Outcome.PASSED, Outcome.TODO) and told < TOLD:
            told += 1
            entry |= {
                "title": escape.line(check.title, 200),
                "message": _text(check.message),
                "hint": _text(check.hint),
                "where": escape.line(check.where, 200),
            }
        kept.append(entry)
    return kept


def _text(text: str) -> str:
    return escape.plain(text, TEXT)
