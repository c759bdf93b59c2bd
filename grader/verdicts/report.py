"""A Standing with what a reader must know beside it: whose rules, how far to be believed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.rules.course import Course
from grader.verdicts.facts import CLAIMS, CheckResult, Earned, Evidence, Outcome, claim_titles
from grader.verdicts.verdicts import (
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Standing,
)


class Trust(enum.Enum):
    """How far a verdict is to be believed. It follows from where it was made, never from itself."""

    ADVISORY = "advisory"  # a student's machine, or a pull request
    CI = "ci"  # a runner, with the rules of the default branch
    AUTHORITATIVE = "authoritative"  # strong isolation, rules that no student can change


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing could be judged: one sentence, and what to do about it."""

    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What every renderer is given.

    title: of the course.  repository: "owner/name", "" where it is not hosted.
    rules: the commit that the rules and the grader come from, "" when they are no commit's.
    replaced: paths of the rules that the judged commit holds in another version.
    regressed: milestone -> the commit since which an earned milestone is not proven any more.
    submission: what a class's own system calls this hand-in (classroom, assignment, ...).
    when: the instant of the commit, ISO 8601 in UTC, "" when unknown.
    """

    standing: Standing
    title: str
    trust: Trust = Trust.ADVISORY
    repository: str = ""
    rules: str = ""
    replaced: tuple[str, ...] = ()
    problem: Problem | None = None
    regressed: Mapping[str, Earned] = field(default_factory=dict)
    submission: Mapping[str, str] = field(default_factory=dict)
    when: str = ""
    duration_s: float = 0.0

    @property
    def milestone_points(self) -> int:
        """What class grading counts: milestones prove the modules below them."""
        return sum(v.points for v in self.standing.milestones.values())

    @property
    def milestone_points_possible(self) -> int:
        return sum(v.milestone.points for v in self.standing.milestones.values())

    @property
    def wrong(self) -> bool:
        """Something is wrong, which is more than unfinished: a test fails, a milestone's run fails."""
        modules, milestones = self.standing.modules.values(), self.standing.milestones.values()
        return any(v.failures for v in modules) or any(v.failures for v in milestones)


def unjudged(
    course: Course,
    commit: str,
    problem: Problem,
    trust: Trust,
    *,
    ours: bool,
    repository: str = "",
    when: str = "",
) -> Report:
    """A report that says why there is no verdict, with every module and milestone in it."""
    outcome = Outcome.FAULT if ours else Outcome.ERRORED
    modules = {
        m.id: ModuleVerdict(m, ModuleState.UNVERIFIED, notes=(problem.what,))
        for m in course.modules
    }
    milestones = {}
    for milestone in course.milestones:
        titles = claim_titles(milestone)
        checks = tuple(
            CheckResult(name, titles[name], outcome, f"not judged: {problem.what}", problem.hint)
            for name in CLAIMS
        )
        milestones[milestone.id] = MilestoneVerdict(
            milestone,
            MilestoneState.UNLOCKED,
            evidence=Evidence("", f"milestone {milestone.id}", checks),
        )
    return Report(
        Standing(commit, modules, milestones),
        course.title,
        trust=trust,
        repository=repository,
        problem=problem,
        when=when,
    )
