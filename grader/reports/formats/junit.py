"""JUnit XML: one suite per module and per milestone, as test dashboards read it."""

from __future__ import annotations

from collections.abc import Iterable

from grader.reports.escape import xml
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict

_SKIPPED = (Outcome.TODO,)
_ERRORS = (Outcome.ERRORED, Outcome.TIMED_OUT, Outcome.FAULT)


def files(report: Report) -> dict[str, str]:
    standing = report.standing
    suites = [_suite(v.module.id, _of_module(v)) for v in standing.modules.values()]
    suites += [
        _suite(f"milestone.{v.milestone.id}", _of_milestone(v), _seconds(v))
        for v in standing.milestones.values()
    ]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites name="{_attribute(report.title)}">',
    ]
    return {"junit.xml": "\n".join([*lines, *suites, "</testsuites>"]) + "\n"}


def _of_module(verdict: ModuleVerdict) -> list[tuple[CheckResult, str]]:
    """(check, reason to skip it or "")."""
    checks = list(verdict.checks)
    if verdict.unlisted:
        checks.append(CheckResult(f"{verdict.unlisted} more that pass", "", Outcome.PASSED))
    if checks:
        return [(check, "") for check in checks]
    reason = f"needs {', '.join(verdict.waits_for)}" if verdict.waits_for else "not run"
    return [(CheckResult(verdict.module.id, "", Outcome.TODO), reason)]


def _of_milestone(verdict: MilestoneVerdict) -> list[tuple[CheckResult, str]]:
    if verdict.evidence is not None:
        return [(check, "") for check in verdict.evidence.checks]
    return [(part.check, "" if part.passed else part.check.message) for part in verdict.parts]


def _seconds(verdict: MilestoneVerdict) -> float:
    return verdict.evidence.duration_s if verdict.evidence else 0.0


def _suite(name: str, cases: Iterable[tuple[CheckResult, str]], seconds: float = 0.0) -> str:
    cases = list(cases)
    skipped = sum(bool(reason) or c.outcome in _SKIPPED for c, reason in cases)
    errors = sum(not reason and c.outcome in _ERRORS for c, reason in cases)
    passed = sum(not reason and c.outcome is Outcome.PASSED for c, reason in cases)
    failures = len(cases) - skipped - errors - passed
    head = (
        f'  <testsuite name="{_attribute(name)}" tests="{len(cases)}" failures="{failures}" '
        f'errors="{errors}" skipped="{skipped}" time="{seconds:.3f}">'
    )
    return "\n".join([head, *(_case(name, c, reason) for c, reason in cases), "  </testsuite>"])


def _case(suite: str, check: CheckResult, reason: str) -> str:
    head = f'    <testcase classname="{_attribute(suite)}" name="{_attribute(check.name)}" time="0"'
    if reason:
        return f'{head}><skipped message="{_attribute(reason)}"/></testcase>'
    if check.outcome is Outcome.PASSED:
        return f"{head}/>"
    if check.outcome in _SKIPPED:
        return f'{head}><skipped message="to do"/></testcase>'
    kind = "error" if check.outcome in _ERRORS else "failure"
    message = _attribute(check.message or check.outcome.value.replace("_", " "))
    body = "\n".join(filter(None, (check.title, check.hint and f"Hint: {check.hint}", check.where)))
    return f'{head}><{kind} message="{message}">{xml(body)}</{kind}></testcase>'


def _attribute(text: str) -> str:
    """A reader of XML makes a blank of a line end in an attribute, unless it is written so."""
    return xml(text).replace("\n", "&#10;")
