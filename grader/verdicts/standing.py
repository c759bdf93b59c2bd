"""The one maker of a Standing: every door gets it from here, and it says what it rests on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from grader.errors import StudentError
from grader.lessons.memo import LessonMemo, Package
from grader.rules.course import Course, Milestone, Module
from grader.sources.snapshots import PACKAGE, Snapshot
from grader.verdicts.facts import Earned, Evidence, Outcome
from grader.verdicts.judge import judge_milestone, judge_module
from grader.verdicts.verdicts import Basis, ModuleVerdict, Standing


@dataclass(frozen=True, slots=True)
class ModuleAccount:
    """What is known of a module before it is judged.

    evidence: None when it was not run.  expected: names of the checks that the course wants.
    memo: of its lesson, None when it cannot be read.
    """

    evidence: Evidence | None
    expected: Sequence[str]
    memo: LessonMemo | None = None
    notes: tuple[str, ...] = ()
    key: str = ""

    @property
    def passes(self) -> bool:
        checks = self.evidence.checks if self.evidence else ()
        passed = {check.name for check in checks if check.outcome is Outcome.PASSED}
        return bool(self.expected) and passed.issuperset(self.expected)


@dataclass(frozen=True, slots=True)
class MilestoneAccount:
    """What is known of a milestone before it is judged."""

    evidence: Evidence | None = None
    earned: Earned | None = None
    key: str = ""


class Accounts(Protocol):
    """Where the facts come from: inline tests and a ledger, or the answers to the judge's probes."""

    @property
    def basis(self) -> Basis: ...

    @property
    def isolations(self) -> Collection[str]:
        """The sandboxes that the evidence was made in, so far."""
        ...

    def module(self, module: Module, incomplete: Collection[str]) -> ModuleAccount:
        """Asked in course order. incomplete: ids of modules above it that are not proven."""
        ...

    def milestone(self, milestone: Milestone, *, unlocked: bool) -> MilestoneAccount: ...

    def export(self, memo: LessonMemo) -> str:
        """The text that a lesson exports."""
        ...


def stand(course: Course, snapshot: Snapshot, accounts: Accounts) -> Standing:
    modules: dict[str, ModuleVerdict] = {}
    memos: dict[str, LessonMemo] = {}
    for module in course.modules:
        incomplete = [i for i, v in modules.items() if not v.proven]
        account = accounts.module(module, incomplete)
        memo = account.memo
        if memo is not None:
            memos[module.id] = memo
        modules[module.id] = judge_module(
            module,
            account.evidence,
            account.expected,
            incomplete=incomplete,
            exported=memo is not None
            and _holds(snapshot, Package([memo], accounts.export), memo.export_path),
            notes=account.notes,
            key=account.key,
        )
    package = Package(
        [memos[i] for i, v in modules.items() if v.proven and i in memos], accounts.export
    )
    drift = sorted(p for p in package if not _holds(snapshot, package, p))
    drift += sorted(_package_paths(snapshot) - set(package))
    complete = [i for i, v in modules.items() if v.complete]
    milestones = {}
    for milestone in course.milestones:
        unlocked = all(need in complete for need in milestone.needs)
        found = accounts.milestone(milestone, unlocked=unlocked)
        milestones[milestone.id] = judge_milestone(
            milestone, found.evidence, complete=complete, earned=found.earned, key=found.key
        )
    return Standing(
        snapshot.name,
        modules,
        milestones,
        tuple(drift),
        package,
        tuple(sorted(filter(None, accounts.isolations))),
        accounts.basis,
    )


def _package_paths(snapshot: Snapshot) -> set[str]:
    return {p for p in snapshot.entries if p.startswith(f"{PACKAGE}/") and p.endswith(".py")}


def _holds(snapshot: Snapshot, package: Package, path: str) -> bool:
    """Does SNAPSHOT have this file of PACKAGE as it should be? By its id if possible: no reading."""
    entry = snapshot.entries.get(path)
    if entry is None or not entry.regular:
        return False
    if entry.blob == package.blob(path):
        return True
    try:
        return snapshot.text(path) == package[path]
    except StudentError:
        return False  # what is not text is not what the lesson says
