"""verdict.json: for each field how it is taken from a Report, and how strictly it is read back.

What runs beside student code writes it, the job that awards badges reads it. Facts only: names, points
and rules are the reader's own, and so is how far this is believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from grader.reports import escape, strict
from grader.reports.bounded import thinned
from grader.reports.strict import Field, Form, Refused, nullable, record, sequence, word
from grader.rules.course import Milestone, Module
from grader.verdicts.facts import CheckResult, Evidence, Outcome
from grader.verdicts.measures import NOTHING, Measures
from grader.verdicts.report import Problem
from grader.verdicts.verdicts import MilestoneState, MilestoneVerdict, ModuleState, ModuleVerdict

SCHEMA = "tinytorch/verdict/v1"
FILE = "verdict.json"
MAX_CHECKS = 400  # that are named
CURVE_POINTS = 32
SHARES = ("gradients", "updates")
_TOLD = 3  # checks per subject that are told in full

_TEXT = Form(strict.text(600))
_COUNT = Form(strict.integer(0, 100_000))
_NUMBER = nullable(Form(strict.number))

CHECK = (
    Field("name", Form(strict.matching(r"[^\x00-\x1f\x7f]{1,120}", "a name in one line"))),
    Field("title", _TEXT, optional=True),
    Field("outcome", word(Outcome)),
    Field("message", _TEXT, optional=True),
    Field("hint", _TEXT, optional=True),
    Field("where", _TEXT, optional=True),
)
PROBLEM = (Field("what", _TEXT), Field("hint", _TEXT))


def _share(value: Any, where: str) -> tuple[int, int]:
    """[of them, all]."""
    pair: list[int] = strict.array(strict.integer(0, 10**6), 2)(value, where)
    if len(pair) != 2 or pair[0] > pair[1]:
        raise Refused(f"{where} should be [some, all].")
    return pair[0], pair[1]


_MEASURES = (
    Field("first_loss", _NUMBER),
    Field("last_loss", _NUMBER),
    Field("loss_fall_percent", nullable(Form(strict.number_within(-math.inf, 100)))),
    Field("accuracy_percent", nullable(Form(strict.number_within(0, 100)))),
    *(Field(name, nullable(Form(_share))) for name in SHARES),
    Field(
        "loss",
        sequence(_NUMBER, CURVE_POINTS),
        lambda measures: thinned(measures.loss, CURVE_POINTS),
    ),
)


def fields(modules: Iterable[Module], milestones: Iterable[Milestone]) -> tuple[Field, ...]:
    """Of the Report on a course of these modules and milestones."""
    all_modules = {m.id: m for m in modules}
    all_milestones = {m.id: m for m in milestones}
    ids = strict.array_of_different(strict.one_of(*all_modules), len(all_modules))
    some_modules = Form(lambda value, where: tuple(ids(value, where)), list)
    checks = sequence(record(_check, *CHECK), MAX_CHECKS)
    module = record(
        _module,
        Field("id", _one_of(all_modules), lambda v: v.module),
        Field("state", word(ModuleState)),
        Field("tests", _COUNT, lambda v: v.expected),
        Field("unlisted", _COUNT, optional=True),
        Field("waits_for", some_modules),
        Field("checks", checks, lambda v: _told(v.checks)),
    )
    milestone = record(
        _milestone,
        Field("id", _one_of(all_milestones), lambda v: v.milestone),
        Field("state", word(MilestoneState)),
        Field("missing", some_modules),
        Field("ran", Form(strict.boolean), lambda v: v.evidence is not None),
        Field("checks", checks, lambda v: _told(v.evidence.checks) if v.evidence else ()),
        Field(
            "measures",
            record(Measures, *_MEASURES),
            lambda v: v.evidence.measures if v.evidence else NOTHING,
        ),
        Field("flag", _TEXT, optional=True),
    )
    return (
        Field("schema", Form(strict.one_of(SCHEMA)), lambda _: SCHEMA),
        Field("commit", Form(strict.commit), lambda r: r.standing.snapshot),
        Field("rules", Form(lambda v, where: v if v == "" else strict.commit(v, where))),
        Field("replaced", sequence(_TEXT, 20)),
        Field("problem", nullable(record(Problem, *PROBLEM))),
        Field("modules", sequence(module, len(all_modules)), lambda r: r.standing.modules.values()),
        Field(
            "milestones",
            sequence(milestone, len(all_milestones)),
            lambda r: r.standing.milestones.values(),
        ),
    )


def _one_of(known: dict[str, Any]) -> Form:
    """One of the course's own things, by its id."""
    name = strict.one_of(*known)
    return Form(lambda value, where: known[name(value, where)], lambda thing: thing.id)


def _check(**values: Any) -> CheckResult:
    return CheckResult(**{"title": "", **values})


def _module(**values: Any) -> ModuleVerdict:
    return ModuleVerdict(values.pop("id"), expected=values.pop("tests"), **values)


def _milestone(
    id: Milestone, state: MilestoneState, missing: tuple[str, ...], ran: bool, **measured: Any
) -> MilestoneVerdict:
    if measured["checks"] and not ran:
        raise Refused(f"{id.id}: has results of a run that was not.")
    evidence = Evidence("", f"milestone {id.id}", **measured) if ran else None
    return MilestoneVerdict(id, state, missing, evidence)


def _told(found: tuple[CheckResult, ...]) -> list[CheckResult]:
    """Every check by name and outcome; the first that do not pass with what was said."""
    told = 0
    kept: dict[str, CheckResult] = {}
    for number, check in enumerate(found):
        name = escape.line(check.name, 100) or "unnamed"
        if name in kept:
            name = f"{name} {number}"  # long names that differ at their ends only
        in_full = check.outcome not in (Outcome.PASSED, Outcome.TODO) and told < _TOLD
        told += in_full
        kept[name] = replace(check, name=name) if in_full else CheckResult(name, "", check.outcome)
    return list(kept.values())
