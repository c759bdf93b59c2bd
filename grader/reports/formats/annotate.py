"""Workflow commands: each failure at the student's line, in the pull request's diff.

A runner keeps ten annotations of a kind per step. Nine at most are made here: Classroom's points
line is a notice in the same log, and must never be the one that is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.reports import escape
from grader.verdicts.facts import CheckResult
from grader.verdicts.report import Report

MOST = 9
_TITLE = 100
_MESSAGE = 1500


def files(report: Report) -> dict[str, str]:
    return {"annotations.txt": "".join(f"{command}\n" for command in commands(report))}


def commands(report: Report) -> list[str]:
    if report.problem is not None:
        message = f"{report.problem.what}\n{report.problem.hint}"
        return [_command("", "Not judged", message)]
    found = [
        _command(
            check.where if escape.place(check.where) else fallback,
            f"{subject}: {check.title or check.name}",
            _message(check),
        )
        for subject, fallback, check in _failures(report)
    ]
    if len(found) > MOST:
        rest = len(found) - MOST + 1
        found = [
            *found[: MOST - 1],
            _command("", f"{rest} more", "The job summary lists them all."),
        ]
    return found


def _failures(report: Report) -> Iterator[tuple[str, str, CheckResult]]:
    """(subject, where if the check does not say, check). Modules first: there it is mended."""
    for module in report.standing.modules.values():
        # What a crash kept from being called would only repeat the crash.
        for check in [c for c in module.failures if c.reached] or module.failures[:1]:
            yield module.module.id, f"{module.module.path}:1", check
    for milestone in report.standing.milestones.values():
        for check in milestone.failures[:1]:
            yield milestone.milestone.id, "", check


def _message(check: CheckResult) -> str:
    hint = f"Hint: {check.hint}" if check.hint else ""
    return "\n".join(filter(None, (check.message or check.outcome.value, hint)))


def _command(where: str, title: str, message: str) -> str:
    properties = [f"title={escape.command_property(escape.line(title, _TITLE))}"]
    place = escape.place(where)
    if place is not None:
        path, line = place
        properties = [f"file={escape.command_property(path)}", f"line={line}", *properties]
    return f"::error {','.join(properties)}::{escape.command_data(message, _MESSAGE)}"
