"""verdict.json, as the trusted job reads it: a letter from a job in which student code ran.

That code could have written anything here. So: one small regular file, strict JSON, the commit
that GitHub says was run, the modules and milestones of our own course in our own order, and no
claim that contradicts another. What is left is shown, escaped; names, points and trust are ours.
"""

from __future__ import annotations

import itertools
import stat
from pathlib import Path

from grader.reports import schema, strict
from grader.reports.strict import Refused
from grader.rules.course import Course, Milestone
from grader.verdicts.facts import CLAIMS, CheckResult
from grader.verdicts.measures import Measures
from grader.verdicts.report import Report, Trust
from grader.verdicts.verdicts import MilestoneVerdict, ModuleState, ModuleVerdict, Standing

MAX_BYTES = 64 * 1024


def read(folder: Path) -> bytes:
    """The one file in FOLDER. Refuses links, folders, other files beside it, and what is huge."""
    try:
        names = sorted(p.name for p in itertools.islice(folder.iterdir(), 2))
    except OSError:
        names = []  # a link to nowhere, a file, nothing at all
    if not names:
        raise Refused("The verification left no verdict.")
    if names != [schema.FILE]:
        raise Refused(f"The artifact should hold {schema.FILE} and nothing else.")
    path = folder / schema.FILE
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"{schema.FILE} is not a regular file.")
    if found.st_size > MAX_BYTES:
        raise Refused(f"{schema.FILE} has {found.st_size:,} bytes; at most {MAX_BYTES:,} are read.")
    return path.read_bytes()


def report(raw: bytes, course: Course, commit: str, trust: Trust, repository: str) -> Report:
    """What RAW says about COMMIT. trust: from the event that brought it, never from RAW."""
    known = schema.fields(course.modules, course.milestones)
    values = strict.read(known, strict.parse(raw, schema.FILE, MAX_BYTES), schema.FILE)
    del values["schema"]
    if values.pop("commit") != commit:
        raise Refused(f"{schema.FILE} speaks of another commit than the one that was run.")
    modules, milestones = values.pop("modules"), values.pop("milestones")
    found = [v.module for v in modules], [v.milestone for v in milestones]
    if found != ([*course.modules], [*course.milestones]):
        raise Refused(f"{schema.FILE} does not list this course's modules and milestones.")
    standing = Standing(
        commit, {v.module.id: v for v in modules}, {v.milestone.id: v for v in milestones}
    )
    for module in modules:
        _refuse_module(module)
    for milestone in milestones:
        _refuse_milestone(milestone, set(standing.complete))
    if values["problem"] is None:
        _refuse_contradictions(standing)
    elif standing.achieved or standing.complete:
        raise Refused(f"{schema.FILE} reports a problem, and that something is proven.")
    return Report(standing, course.title, trust=trust, repository=repository, **values)


def _refuse_module(verdict: ModuleVerdict) -> None:
    module = verdict.module
    _refuse_twins(verdict.checks, module.id)
    if verdict.passed > verdict.expected:
        raise Refused(f"{module.id}: more tests pass than there are.")
    if verdict.proven and (verdict.passed < verdict.expected or not verdict.expected):
        raise Refused(f"{module.id}: complete, and its tests do not pass.")
    if set(verdict.waits_for) - set(module.needs):
        raise Refused(f"{module.id}: waits for what it does not need.")
    if (verdict.state is ModuleState.BLOCKED) != bool(verdict.waits_for):
        raise Refused(f"{module.id}: waits and does not wait.")


def _refuse_milestone(verdict: MilestoneVerdict, complete: set[str]) -> None:
    milestone, evidence = verdict.milestone, verdict.evidence
    checks = evidence.checks if evidence is not None else ()
    _refuse_twins(checks, milestone.id)
    if set(verdict.missing) - set(milestone.needs):
        raise Refused(f"{milestone.id}: lacks what it does not need.")
    if verdict.unlocked == bool(verdict.missing):
        raise Refused(f"{milestone.id}: locked and unlocked at once.")
    if not verdict.achieved:
        return
    if unmet := [n for n in milestone.needs if n not in complete]:
        raise Refused(f"{milestone.id}: proven, and {unmet[0]} is not complete.")
    if evidence is None or not evidence.passed or set(CLAIMS) - {c.name for c in checks}:
        raise Refused(f"{milestone.id}: proven, and not all of its claims hold.")
    _refuse_other_numbers(milestone, evidence.measures)


def _refuse_other_numbers(milestone: Milestone, measures: Measures) -> None:
    """A proof comes with the numbers that the course asks for."""
    for name, threshold in (
        ("accuracy_percent", milestone.accuracy),
        ("loss_fall_percent", milestone.loss_falls),
    ):
        found = getattr(measures, name)
        if found is None or not threshold.holds(found):
            raise Refused(f"{milestone.id}: proven, and {name} is not {threshold}.")
    for name in schema.SHARES:
        share = getattr(measures, name)
        if share is None or share[0] != share[1] or not share[1]:
            raise Refused(f"{milestone.id}: proven, and not all {name} are there.")


def _refuse_contradictions(standing: Standing) -> None:
    """A milestone is locked by exactly those of its modules that are not complete."""
    complete = set(standing.complete)
    for milestone_id, verdict in standing.milestones.items():
        unmet = {need for need in verdict.milestone.needs if need not in complete}
        if set(verdict.missing) != unmet:
            odd = sorted(set(verdict.missing) ^ unmet)[0]
            raise Refused(f"{milestone_id}: says something else about {odd} than {odd} itself.")


def _refuse_twins(checks: tuple[CheckResult, ...], subject: str) -> None:
    if len({c.name for c in checks}) != len(checks):
        raise Refused(f"{subject}: a check is listed twice.")
