"""Classroom 50, which courses moved to in 2026: result.json (classroom50/result/v1) and the body
of the submission's release.

Scores are whole and at most max-score; a float or a bool anywhere voids the whole result there.
"""

from __future__ import annotations

import json
from typing import Any

from grader.reports import escape
from grader.reports.formats import markdown
from grader.verdicts.report import Report
from grader.verdicts.verdicts import ClaimPoints

SCHEMA = "classroom50/result/v1"
_DETAIL = 500


def files(report: Report) -> dict[str, str]:
    return {
        "result.json": json.dumps(result(report), indent=2) + "\n",
        "release-body.md": markdown.document(report),
    }


def result(report: Report) -> dict[str, Any]:
    """The identity comes from report.submission; its keys are those of the schema."""
    given = report.submission
    when = _instant(report.when)
    commit = given.get("commit") or _commit_url(report)
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "classroom": given.get("classroom") or "unknown",
        "assignment": given.get("assignment") or "tinytorch",
        "assignment_type": given.get("assignment_type") or "individual",
        "owner": given.get("owner") or report.repository.partition("/")[0] or "unknown",
        "submission": given.get("submission") or f"submit/{when.replace(':', '-')}",
        "commit": commit,
        "release": given.get("release") or commit,
        "review": given.get("review") or commit,
        "datetime": when,
        "score": report.milestone_points,
        "max-score": report.milestone_points_possible,
        "tests": [
            _test(milestone_id, part)
            for milestone_id, verdict in report.standing.milestones.items()
            for part in verdict.parts
        ],
    }
    return {k: escape.line(v) if isinstance(v, str) else v for k, v in values.items()}


def _test(milestone_id: str, part: ClaimPoints) -> dict[str, Any]:
    check = part.check
    test: dict[str, Any] = {
        "test-name": escape.name(f"{milestone_id} {part.name}"),
        "passed": part.passed,
        "score": part.points,
        "max-score": part.points_possible,
    }
    if not part.passed:
        said = " ".join(filter(None, (check.message, check.hint and f"Hint: {check.hint}")))
        test["detail"] = escape.log(said or check.outcome.value.replace("_", " "), _DETAIL)
    return test


def _commit_url(report: Report) -> str:
    if report.repository:
        return f"https://github.com/{report.repository}/commit/{report.standing.snapshot}"
    return report.standing.snapshot or "unknown"


def _instant(when: str) -> str:
    """WHEN to the second, in UTC, as the schema writes it. A report without one is of no time."""
    return f"{when[:19] or '1970-01-01T00:00:00'}Z"
