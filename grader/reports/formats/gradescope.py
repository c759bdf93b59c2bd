"""Gradescope's results.json. Milestones carry the points; modules are shown beside them."""

from __future__ import annotations

import json
from typing import Any

from grader.reports import escape, phrases
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict

_OUTPUT = 2000


def files(report: Report) -> dict[str, str]:
    return {"results.json": json.dumps(values(report), indent=2) + "\n"}


def values(report: Report) -> dict[str, Any]:
    standing = report.standing
    problem = report.problem
    output = f"Next: {phrases.next_step(standing)}"
    if problem is not None:
        output = f"Not judged: {problem.what}\n{problem.hint}"
    return {
        "score": report.milestone_points,
        "execution_time": round(report.duration_s, 1),
        "output": escape.plain(output, _OUTPUT),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",  # whatever was printed, it is not for the page
        "tests": [
            *(t for v in standing.milestones.values() for t in _of_milestone(v)),
            *(_of_module(v) for v in standing.modules.values()),
        ],
        "extra_data": {
            "commit": standing.snapshot,
            "rules": report.rules,
            "trust": report.trust.value,
        },
    }


def _of_milestone(verdict: MilestoneVerdict) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{verdict.milestone.name}: {part.title}",
            "number": f"{verdict.milestone.id}.{part.name}",
            "score": part.points,
            "max_score": part.points_possible,
            "status": "passed" if part.passed else "failed",
            "output": escape.plain(phrases.failure(part.check) if not part.passed else "", _OUTPUT),
            "output_format": "text",
            "visibility": "visible",
        }
        for part in verdict.parts
    ]


def _of_module(verdict: ModuleVerdict) -> dict[str, Any]:
    shown = [phrases.tally(verdict), *(phrases.failure(c) for c in verdict.failures[:1])]
    return {
        "name": f"{verdict.module.id} {verdict.module.title}",
        "number": verdict.module.id,
        "status": "passed" if verdict.complete else "failed",
        "output": escape.plain("\n\n".join(shown), _OUTPUT),
        "output_format": "text",
        "visibility": "visible",
    }
