"""What the course makes of facts: a verdict per module and milestone, a Standing of all."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.rules.course import Milestone, Module
from grader.verdicts.facts import CLAIMS, CheckResult, Earned, Evidence, Outcome, claim_titles


class ModuleState(enum.Enum):
    TODO = "to do"  # no check passes yet
    IN_PROGRESS = "in progress"  # some checks pass, the others are to do or fail
    BLOCKED = "blocked"  # a module it needs is not complete, so it was not run
    UNVERIFIED = "unverified"  # never graded: it entered without the hook
    NOT_EXPORTED = "not exported"  # all checks pass, tinytorch/ holds something else
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class ModuleVerdict:
    module: Module
    state: ModuleState
    checks: tuple[CheckResult, ...] = ()
    expected: int = 0  # number of checks the course expects
    waits_for: tuple[str, ...] = ()  # ids of incomplete modules it needs
    notes: tuple[str, ...] = ()  # for the student: a removed test, a missing file
    key: str = ""
    unlisted: int = 0  # checks that pass and that a shortened report does not name

    @property
    def complete(self) -> bool:
        return self.state is ModuleState.COMPLETE

    @property
    def proven(self) -> bool:
        """All checks pass; the export may still have to follow."""
        return self.state in (ModuleState.COMPLETE, ModuleState.NOT_EXPORTED)

    @property
    def passed(self) -> int:
        return sum(c.outcome is Outcome.PASSED for c in self.checks) + self.unlisted

    @property
    def points(self) -> int:
        return self.module.points if self.complete else 0

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        return tuple(c for c in self.checks if c.outcome.stops_a_commit)

    @property
    def todo(self) -> tuple[CheckResult, ...]:
        return tuple(c for c in self.checks if c.outcome is Outcome.TODO)

    @property
    def faults(self) -> tuple[CheckResult, ...]:
        return tuple(c for c in self.checks if c.outcome is Outcome.FAULT)


class MilestoneState(enum.Enum):
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    ACHIEVED = "achieved"  # the present code was trained, and learned


@dataclass(frozen=True, slots=True)
class ClaimPoints:
    """One claim of a milestone and its share of the points.

    check: what was found; MISSING when nothing was run, FAILED when a proof behind it fails.
    """

    name: str
    title: str
    check: CheckResult
    points_possible: int

    @property
    def passed(self) -> bool:
        return self.check.outcome is Outcome.PASSED

    @property
    def points(self) -> int:
        return self.points_possible if self.passed else 0


@dataclass(frozen=True, slots=True)
class MilestoneVerdict:
    milestone: Milestone
    state: MilestoneState
    missing: tuple[str, ...] = ()  # ids of needed modules that are not complete
    evidence: Evidence | None = None  # of the present code, passing or not
    earned: Earned | None = None  # by this or by earlier code of this clone
    key: str = ""

    @property
    def achieved(self) -> bool:
        return self.state is MilestoneState.ACHIEVED

    @property
    def unlocked(self) -> bool:
        return self.state is not MilestoneState.LOCKED

    @property
    def flag(self) -> str:
        """A note for the teacher on how it was proven, "" when there is none."""
        return self.evidence.flag if self.evidence is not None and self.achieved else ""

    @property
    def judged(self) -> bool:
        """False when it was not run, or when the grader itself failed."""
        if self.state is MilestoneState.UNLOCKED:
            return self.evidence is not None and self.evidence.worth_keeping
        return True

    @property
    def regressed(self) -> bool:
        """Proven once, and judged not to be proven now."""
        return self.earned is not None and self.judged and not self.achieved

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        if self.evidence is None:
            return ()
        return tuple(c for c in self.evidence.checks if c.outcome is not Outcome.PASSED)

    @property
    def parts(self) -> tuple[ClaimPoints, ...]:
        """Equal parts, in whole points: one per claim, or a single one if they cannot be equal."""
        titles = claim_titles(self.milestone)
        found = {name: self._found(name, title) for name, title in titles.items()}
        if self.milestone.points % len(titles) == 0:
            worth = self.milestone.points // len(titles)
            return tuple(
                ClaimPoints(name, titles[name], check, worth) for name, check in found.items()
            )
        whole = next((c for c in found.values() if c.outcome is not Outcome.PASSED), None)
        name, title = "learns", "All claims together"
        check = whole or CheckResult(name, title, Outcome.PASSED)
        return (ClaimPoints(name, title, check, self.milestone.points),)

    def _found(self, name: str, title: str) -> CheckResult:
        """What was found of one claim. Where a proof fails, no claim that stands on it holds."""
        if self.achieved:
            known = {c.name: c for c in self.evidence.checks} if self.evidence else {}
            return known.get(name) or CheckResult(name, title, Outcome.PASSED)
        if self.missing:
            return CheckResult(
                name, title, Outcome.MISSING, f"locked: needs {', '.join(self.missing)}"
            )
        if self.evidence is None:
            return CheckResult(name, title, Outcome.MISSING, "not run")
        unproven = next((c for c in self.failures if c.name not in CLAIMS), None)
        claim = next((c for c in self.evidence.checks if c.name == name), None)
        if claim is None:
            return CheckResult(name, title, Outcome.MISSING, "not measured")
        if claim.outcome is Outcome.PASSED and unproven is not None:
            what = f"not proven: {unproven.title}: {unproven.message}"
            return CheckResult(name, title, Outcome.FAILED, what, unproven.hint, unproven.where)
        return claim

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)


class Basis(enum.Enum):
    """What a Standing rests on."""

    TESTS = "inline tests"  # run beside the student's code, which could lie for them
    PROOF = "proof"  # probes and milestones, computed again by the judge
    BOTH = "inline tests and proof"


@dataclass(frozen=True, slots=True)
class Standing:
    """All verdicts of one snapshot, in course order. Made by grader.verdicts.standing."""

    snapshot: str  # "index", "working tree" or a commit id
    modules: Mapping[str, ModuleVerdict]
    milestones: Mapping[str, MilestoneVerdict]
    drift: tuple[str, ...] = ()  # paths under tinytorch/ that are not what the lessons export
    package: Mapping[str, str] = field(default_factory=dict)  # what they export: path -> text
    isolations: tuple[str, ...] = ()  # the sandboxes that its evidence was made in
    basis: Basis = Basis.TESTS

    @property
    def complete(self) -> tuple[str, ...]:
        return tuple(i for i, v in self.modules.items() if v.complete)

    @property
    def unlocked(self) -> tuple[str, ...]:
        return tuple(i for i, v in self.milestones.items() if v.unlocked)

    @property
    def achieved(self) -> tuple[str, ...]:
        return tuple(i for i, v in self.milestones.items() if v.achieved)

    @property
    def unverified(self) -> tuple[str, ...]:
        return tuple(i for i, v in self.modules.items() if v.state is ModuleState.UNVERIFIED)

    @property
    def points(self) -> int:
        return sum(v.points for v in self.modules.values()) + sum(
            v.points for v in self.milestones.values()
        )

    def next_module(self) -> ModuleVerdict | None:
        """The first module that is not complete, or None when all are."""
        return next((v for v in self.modules.values() if not v.complete), None)

    @property
    def points_possible(self) -> int:
        return sum(v.module.points for v in self.modules.values()) + sum(
            v.milestone.points for v in self.milestones.values()
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """files: path -> content that tinytorch/ should hold.  write, remove: what to change to get there."""

    files: Mapping[str, str]
    write: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.write and not self.remove


def plan_exports(standing: Standing) -> Plan:
    """What to change so that the package is what the proven modules export."""
    package = standing.package
    write = tuple(p for p in standing.drift if p in package)
    return Plan(package, write, tuple(p for p in standing.drift if p not in package))
