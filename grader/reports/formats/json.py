"""For programs: plain values, one document. Keys are only ever added."""

from __future__ import annotations

import json
from typing import Any

from grader.reports.schema import CHECK, PROBLEM
from grader.reports.strict import written
from grader.verdicts.facts import CheckResult
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict, Standing

SCHEMA = 1


def files(report: Report) -> dict[str, str]:
    """Without the blanks that people would like: two hundred checks fit into 60 KB so."""
    document = json.dumps(finite(report_values(report)), ensure_ascii=False, separators=(",", ":"))
    return {"report.json": document + "\n"}


def report_values(report: Report) -> dict[str, Any]:
    problem = report.problem
    return {
        **standing_values(report.standing),
        "title": report.title,
        "trust": report.trust.value,
        "isolations": list(report.standing.isolations),
        "repository": report.repository,
        "rules": report.rules,
        "replaced_rules": list(report.replaced),
        "problem": written(PROBLEM, problem) if problem else None,
        "milestone_points": report.milestone_points,
        "milestone_points_possible": report.milestone_points_possible,
        "regressed_since": {
            i: {"commit": e.commit, "when": e.when} for i, e in report.regressed.items()
        },
        "when": report.when,
        "seconds": round(report.duration_s, 3),
    }


def dumps(values: Any) -> str:
    """One JSON document. A NaN in a measurement becomes null: JSON has no word for it."""
    return json.dumps(finite(values), indent=2, ensure_ascii=False)


def standing_values(standing: Standing) -> dict[str, Any]:
    upcoming = standing.next_module()
    return {
        "schema": SCHEMA,
        "snapshot": standing.snapshot,
        "points": standing.points,
        "points_possible": standing.points_possible,
        "modules": [module_values(v) for v in standing.modules.values()],
        "milestones": [milestone_values(v) for v in standing.milestones.values()],
        "drift": list(standing.drift),
        "unverified": list(standing.unverified),
        "next_module": upcoming.module.id if upcoming else None,
    }


def module_values(verdict: ModuleVerdict) -> dict[str, Any]:
    return {
        "id": verdict.module.id,
        "title": verdict.module.title,
        "path": verdict.module.path,
        "state": verdict.state.value,
        "complete": verdict.complete,
        "tests_passed": verdict.passed,
        "tests": verdict.expected,
        "tests_unlisted": verdict.unlisted,
        "points": verdict.points,
        "points_possible": verdict.module.points,
        "waits_for": list(verdict.waits_for),
        "notes": list(verdict.notes),
        "checks": [check_values(c) for c in verdict.checks],
    }


def milestone_values(verdict: MilestoneVerdict) -> dict[str, Any]:
    milestone, evidence, earned = verdict.milestone, verdict.evidence, verdict.earned
    return {
        "id": milestone.id,
        "name": milestone.name,
        "state": verdict.state.value,
        "needs": list(milestone.needs),
        "missing": list(verdict.missing),
        "accuracy_required": str(milestone.accuracy),
        "loss_fall_required": str(milestone.loss_falls),
        "points": verdict.points,
        "points_possible": milestone.points,
        "parts": [
            {
                "name": p.name,
                "title": p.title,
                "passed": p.passed,
                "points": p.points,
                "points_possible": p.points_possible,
            }
            for p in verdict.parts
        ],
        "earned": {"commit": earned.commit, "when": earned.when} if earned else None,
        "checks": [check_values(c) for c in evidence.checks] if evidence else [],
        "measures": evidence.measures.as_json() if evidence else {},
        "flag": verdict.flag,
    }


def check_values(check: CheckResult) -> dict[str, Any]:
    return {**written(CHECK, check), "output": check.output}


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None  # inf - inf and nan - nan are nan
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    return value
