"""verdict.json, as the trusted job reads it: a letter from a job in which student code ran.

That code could have written anything here. So: one small regular file, strict JSON, the commit
that GitHub says was run, the modules and milestones of our own course in our own order, and no
claim that contradicts another. What is left is shown, escaped; names, points and trust are ours.
"""

from __future__ import annotations

import itertools
import math
import stat
from pathlib import Path
from typing import Any

from grader.github import strict
from grader.github.strict import Refused
from grader.reports.formats import verdict as written
from grader.rules.course import Course, Milestone, Module
from grader.verdicts.facts import CLAIMS, CheckResult, Evidence, Outcome
from grader.verdicts.report import Problem, Report, Trust
from grader.verdicts.verdicts import (
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Standing,
)

MAX_BYTES = 64 * 1024
MAX_CHECKS = 400  # that are named
MAX_TESTS = 100_000
_TEXT = 600
_NAME = r"[^\x00-\x1f\x7f]{1,120}"

_CHECK = {
    "name": strict.matching(_NAME, "a name in one line"),
    "outcome": strict.one_of(*(o.value for o in Outcome)),
    "title": strict.optional(strict.text(_TEXT)),
    "message": strict.optional(strict.text(_TEXT)),
    "hint": strict.optional(strict.text(_TEXT)),
    "where": strict.optional(strict.text(_TEXT)),
}


def _share(value: Any, where: str) -> list[int]:
    """[of them, all]."""
    pair: list[int] = strict.array(strict.integer(0, 10**6), 2)(value, where)
    if len(pair) != 2 or pair[0] > pair[1]:
        raise Refused(f"{where} should be [some, all].")
    return pair


_PERCENT = strict.number_within(0, 100)
_MEASURES = {
    **{name: strict.nullable(strict.number) for name in written.MEASURES},
    "accuracy_percent": strict.nullable(_PERCENT),
    "loss_fall_percent": strict.nullable(strict.number_within(-math.inf, 100)),
    **dict.fromkeys(written.SHARES, strict.nullable(_share)),
    "loss": strict.array(strict.nullable(strict.number), written.CURVE_POINTS),
}


def read(folder: Path) -> bytes:
    """The one file in FOLDER. Refuses links, folders, other files beside it, and what is huge."""
    try:
        names = sorted(p.name for p in itertools.islice(folder.iterdir(), 2))
    except OSError:
        names = []  # a link to nowhere, a file, nothing at all
    if not names:
        raise Refused("The verification left no verdict.")
    if names != [written.FILE]:
        raise Refused(f"The artifact should hold {written.FILE} and nothing else.")
    path = folder / written.FILE
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"{written.FILE} is not a regular file.")
    if found.st_size > MAX_BYTES:
        raise Refused(
            f"{written.FILE} has {found.st_size:,} bytes; at most {MAX_BYTES:,} are read."
        )
    return path.read_bytes()


def report(raw: bytes, course: Course, commit: str, trust: Trust, repository: str) -> Report:
    """What RAW says about COMMIT. trust: from the event that brought it, never from RAW."""
    modules = [m.id for m in course.modules]
    milestones = [m.id for m in course.milestones]
    values = strict.table(
        strict.parse(raw, written.FILE, MAX_BYTES),
        written.FILE,
        {
            "schema": strict.one_of(written.SCHEMA),
            "commit": strict.commit,
            "rules": lambda v, w: v if v == "" else strict.commit(v, w),
            "replaced": strict.array(strict.text(_TEXT), 20),
            "problem": strict.nullable(
                lambda v, w: strict.table(
                    v, w, {"what": strict.text(_TEXT), "hint": strict.text(_TEXT)}
                )
            ),
            "modules": strict.array(lambda v, w: _module_values(v, w, modules), len(modules)),
            "milestones": strict.array(
                lambda v, w: _milestone_values(v, w, milestones, modules), len(milestones)
            ),
        },
    )
    if values["commit"] != commit:
        raise Refused(f"{written.FILE} speaks of another commit than the one that was run.")
    found = [m["id"] for m in values["modules"]], [m["id"] for m in values["milestones"]]
    if found != (modules, milestones):
        raise Refused(f"{written.FILE} does not list this course's modules and milestones.")
    problem = values["problem"]
    standing = _standing(course, commit, values)
    if problem is None:
        _refuse_contradictions(standing)
    elif standing.achieved or standing.complete:
        raise Refused(f"{written.FILE} reports a problem, and that something is proven.")
    return Report(
        standing,
        course.title,
        trust=trust,
        repository=repository,
        rules=values["rules"],
        replaced=tuple(values["replaced"]),
        problem=Problem(problem["what"], problem["hint"]) if problem is not None else None,
    )


def _module_values(value: Any, where: str, modules: list[str]) -> dict[str, Any]:
    return strict.table(
        value,
        where,
        {
            "id": strict.one_of(*modules),
            "state": strict.one_of(*(s.value for s in ModuleState)),
            "tests": strict.integer(0, MAX_TESTS),
            "unlisted": strict.optional(strict.integer(0, MAX_TESTS)),
            "waits_for": strict.array_of_different(strict.one_of(*modules), len(modules)),
            "checks": strict.array(lambda v, w: strict.table(v, w, _CHECK), MAX_CHECKS),
        },
    )


def _milestone_values(
    value: Any, where: str, milestones: list[str], modules: list[str]
) -> dict[str, Any]:
    return strict.table(
        value,
        where,
        {
            "id": strict.one_of(*milestones),
            "state": strict.one_of(*(s.value for s in MilestoneState)),
            "missing": strict.array_of_different(strict.one_of(*modules), len(modules)),
            "ran": strict.boolean,
            "checks": strict.array(lambda v, w: strict.table(v, w, _CHECK), MAX_CHECKS),
            "measures": lambda v, w: strict.table(v, w, _MEASURES),
            "flag": strict.optional(strict.text(_TEXT)),
        },
    )


def _standing(course: Course, commit: str, values: dict[str, Any]) -> Standing:
    modules = {m.id: _module(m, v) for m, v in zip(course.modules, values["modules"], strict=True)}
    complete = {i for i, v in modules.items() if v.complete}
    milestones = {
        m.id: _milestone(m, v, complete)
        for m, v in zip(course.milestones, values["milestones"], strict=True)
    }
    return Standing(commit, modules, milestones)


def _module(module: Module, values: dict[str, Any]) -> ModuleVerdict:
    checks = _checks(values["checks"], module.id)
    verdict = ModuleVerdict(
        module,
        ModuleState(values["state"]),
        checks,
        values["tests"],
        tuple(values["waits_for"]),
        unlisted=values.get("unlisted", 0),
    )
    if verdict.passed > verdict.expected:
        raise Refused(f"{module.id}: more tests pass than there are.")
    if verdict.proven and (verdict.passed < verdict.expected or not verdict.expected):
        raise Refused(f"{module.id}: complete, and its tests do not pass.")
    if set(verdict.waits_for) - set(module.needs):
        raise Refused(f"{module.id}: waits for what it does not need.")
    if (verdict.state is ModuleState.BLOCKED) != bool(verdict.waits_for):
        raise Refused(f"{module.id}: waits and does not wait.")
    return verdict


def _milestone(
    milestone: Milestone, values: dict[str, Any], complete: set[str]
) -> MilestoneVerdict:
    checks = _checks(values["checks"], milestone.id)
    state = MilestoneState(values["state"])
    missing = tuple(values["missing"])
    ran = values["ran"]
    flag = values.get("flag", "")
    evidence = Evidence("", f"milestone {milestone.id}", checks, values["measures"], flag=flag)
    verdict = MilestoneVerdict(milestone, state, missing, evidence if ran else None)
    unmet = [n for n in milestone.needs if n not in complete]
    if set(missing) - set(milestone.needs):
        raise Refused(f"{milestone.id}: lacks what it does not need.")
    if (state is MilestoneState.LOCKED) != bool(missing):
        raise Refused(f"{milestone.id}: locked and unlocked at once.")
    if checks and not ran:
        raise Refused(f"{milestone.id}: has results of a run that was not.")
    if state is MilestoneState.ACHIEVED:
        names = [c.name for c in checks]
        if unmet:
            raise Refused(f"{milestone.id}: proven, and {unmet[0]} is not complete.")
        if not evidence.passed or not ran or set(CLAIMS) - set(names):
            raise Refused(f"{milestone.id}: proven, and not all of its claims hold.")
        _refuse_other_numbers(milestone, values["measures"])
    return verdict


def _refuse_other_numbers(milestone: Milestone, measures: dict[str, Any]) -> None:
    """A proof comes with the numbers that the course asks for."""
    for name, threshold in (
        ("accuracy_percent", milestone.accuracy),
        ("loss_fall_percent", milestone.loss_falls),
    ):
        found = measures[name]
        if found is None or not threshold.holds(found):
            raise Refused(f"{milestone.id}: proven, and {name} is not {threshold}.")
    for name in written.SHARES:
        share = measures[name]
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


def _checks(values: list[dict[str, Any]], subject: str) -> tuple[CheckResult, ...]:
    names = [v["name"] for v in values]
    if len(set(names)) != len(names):
        raise Refused(f"{subject}: a check is listed twice.")
    return tuple(
        CheckResult(
            v["name"],
            v.get("title", ""),
            Outcome(v["outcome"]),
            v.get("message", ""),
            v.get("hint", ""),
            v.get("where", ""),
        )
        for v in values
    )
