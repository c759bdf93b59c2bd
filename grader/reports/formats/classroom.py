"""GitHub Classroom's wire format: one base64 result per milestone, and the two notice lines.

The service is gone (2026-08-28); workflows, reporters and tools that read this are not.
What its reporter does with such a result was measured: it adds up the scores unclamped, shows
another sum in its table (passed / tests * max_score), and prints names and messages unescaped.
So: whole points, equal tests, everything in one line.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from grader.reports import escape
from grader.verdicts.facts import Outcome
from grader.verdicts.report import Report
from grader.verdicts.verdicts import ClaimPoints, MilestoneVerdict

_MESSAGE = 500
_ERRORS = (Outcome.ERRORED, Outcome.TIMED_OUT, Outcome.FAULT)


def files(report: Report) -> dict[str, str]:
    """classroom-outputs.txt goes to $GITHUB_OUTPUT, classroom-notices.txt to standard output."""
    return {
        "classroom-outputs.txt": "".join(f"{i}={r}\n" for i, r in outputs(report).items()),
        "classroom-notices.txt": notices(report),
    }


def outputs(report: Report) -> dict[str, str]:
    """Milestone -> base64 of its result. Always every milestone, whatever happened."""
    return {
        i: base64.b64encode(json.dumps(result(v)).encode()).decode()
        for i, v in report.standing.milestones.items()
    }


def notices(report: Report) -> str:
    """What the reporter prints: for a workflow without it."""
    points, possible = report.milestone_points, report.milestone_points_possible
    totals = json.dumps({"totalPoints": points, "maxPoints": possible}, separators=(",", ":"))
    return (
        f"::notice title=Autograding complete::Points {points}/{possible}\n"
        f"::notice title=Autograding report::{totals}\n"
    )


def result(verdict: MilestoneVerdict) -> dict[str, Any]:
    tests = [_test(verdict, part) for part in verdict.parts]
    found = {test["status"] for test in tests}
    status = "error" if "error" in found else "fail" if "fail" in found else "pass"
    return {"version": 1, "status": status, "max_score": verdict.milestone.points, "tests": tests}


def _test(verdict: MilestoneVerdict, part: ClaimPoints) -> dict[str, Any]:
    check = part.check
    path, line = escape.place(check.where) or ("", 0)
    return {
        "name": escape.name(f"{verdict.milestone.id} {part.name}"),
        "status": _status(part),
        "score": part.points,
        "message": None if part.passed else escape.log(_message(part), _MESSAGE),
        "test_code": "",
        "filename": path,
        "line_no": line,
        "duration": 0,
    }


def _status(part: ClaimPoints) -> str:
    if part.passed:
        return "pass"
    return "error" if part.check.outcome in _ERRORS else "fail"


def _message(part: ClaimPoints) -> str:
    check = part.check
    said = check.message or check.outcome.value.replace("_", " ")
    return f"{said} Hint: {check.hint}" if check.hint else said
