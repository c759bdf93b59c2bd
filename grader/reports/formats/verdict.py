"""verdict.json: what a job that ran student code tells the job that awards badges (reports.schema)."""

from __future__ import annotations

import json

from grader.reports import bounded, schema, strict
from grader.reports.formats.json import finite
from grader.verdicts.report import Report

_CHARACTERS = 500  # of a message or hint


def files(report: Report) -> dict[str, str]:
    short = bounded.shortened(report, _CHARACTERS, bounded.ALL)
    modules, milestones = short.standing.modules.values(), short.standing.milestones.values()
    fields = schema.fields([v.module for v in modules], [v.milestone for v in milestones])
    values = strict.written(fields, short, short=True)
    return {schema.FILE: json.dumps(finite(values), ensure_ascii=False) + "\n"}
