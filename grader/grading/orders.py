"""A whole commit, judged for a report: every module, and every milestone whose needs are there.

The rules come from one place (the course's root), the code under judgement from another (a
commit, or a folder of files). Nothing is remembered from earlier runs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import StudentError, TitoError
from grader.grading.engine import Engine, Practice
from grader.grading.ledgers.memory import MemoryLedger
from grader.proof.examination import Proof
from grader.rules.course import Course, Milestone, Module
from grader.sandbox import Sandbox
from grader.sources import ingest, snapshots
from grader.sources.git import Git
from grader.sources.replaced import commit_of, replaced_rules
from grader.sources.snapshots import Snapshot
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.report import Problem, Report, Trust, unjudged
from grader.verdicts.standing import MilestoneAccount, ModuleAccount, stand
from grader.verdicts.verdicts import Basis, Standing

_TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
_YEAR_10000_S = 253_402_300_800


@dataclass(frozen=True, slots=True)
class Order:
    """What to judge, by which rules, for whom.

    student: the repository, or a plain folder, that is judged.  revision: of it, None for the
    files as they lie there.  course: the trusted rules.  environment: what git sees.
    """

    student: Path
    revision: str | None
    course: Course
    trust: Trust
    environment: Mapping[str, str]
    repository: str = ""


def judge(order: Order, sandbox: Sandbox, watch: Callable[[str], None] | None = None) -> Report:
    """Raises TitoError when there is nothing to judge; attempt() makes a report of that."""
    started = time.monotonic()
    snapshot, when = open_snapshot(order)
    standing = look_twice(order.course, snapshot, sandbox, watch or (lambda _subject: None))
    rules = commit_of(order.course.root, order.environment)
    return Report(
        standing,
        order.course.title,
        trust=order.trust,
        repository=order.repository,
        rules=rules,
        replaced=replaced_rules(order.student, order.revision, order.course.root, order.environment)
        if rules and order.revision
        else (),
        when=when,
        duration_s=time.monotonic() - started,
    )


def look_twice(
    course: Course, snapshot: Snapshot, sandbox: Sandbox, watch: Callable[[str], None]
) -> Standing:
    """Two looks at once: the inline tests, whose words help, and the proof, which counts.

    A module is complete when both say so; a milestone is what the proof found.
    """
    engine = Engine(course, MemoryLedger(), sandbox, watch)
    with ThreadPoolExecutor(2) as pool:
        examined = pool.submit(Proof, course, snapshot, sandbox)
        practice = Practice(engine, snapshot, run={m.id for m in course.modules})
        stand(course, snapshot, practice)
        both = _Both(snapshot, practice, examined.result())
    return stand(course, snapshot, both)


class _Both:
    """Accounts of a commit whose inline tests were run, and which was proven as far as it could be."""

    basis = Basis.BOTH

    def __init__(self, snapshot: Snapshot, practice: Practice, proof: Proof) -> None:
        self._snapshot = snapshot
        self._practice = practice
        self._proof = proof
        self.isolations = {*practice.isolations, *proof.isolations}
        self.export = practice.export

    def module(self, module: Module, incomplete: Collection[str]) -> ModuleAccount:  # noqa: ARG002  # all were judged
        """Every inline test, and beside them, once they pass, what the proof found wrong."""
        tested = self._practice.accounts[module.id]
        if tested.evidence is None:
            return tested
        proven = self._proof.evidence[module.id].checks if tested.passes else ()
        wrong = [c for c in proven if c.outcome is not Outcome.PASSED]
        checks = _placed(module.path, (*tested.evidence.checks, *wrong), self._snapshot)
        return replace(
            tested,
            evidence=replace(tested.evidence, checks=checks),
            expected=[*tested.expected, *(check.name for check in wrong)],
        )

    def milestone(self, milestone: Milestone, *, unlocked: bool) -> MilestoneAccount:  # noqa: ARG002  # trained or not
        return MilestoneAccount(self._proof.evidence.get(milestone.id))


def _placed(
    path: str, checks: tuple[CheckResult, ...], snapshot: Snapshot
) -> tuple[CheckResult, ...]:
    """Failures that name no line, at their test in the student's lesson at PATH.

    A wrong value is noticed by the test, and no line of the student's raised anything.
    """
    if all(check.where for check in checks if check.outcome.stops_a_commit):
        return checks
    try:
        lesson = snapshot.text(path) or ""
    except StudentError:  # it cannot be read, which is what the failure says
        return checks
    lines = {
        found.group(1): lesson.count("\n", 0, found.start()) + 1 for found in _TEST.finditer(lesson)
    }
    return tuple(
        replace(c, where=f"{path}:{lines[c.name]}")
        if c.outcome.stops_a_commit and not c.where and c.name in lines
        else c
        for c in checks
    )


def attempt(order: Order, choose: Callable[[], Sandbox]) -> tuple[Report, int]:
    """A report whatever happens, and the exit status: 0 nothing is wrong, 1 something is, 2 wrong
    usage or course, 3 our fault.

    choose: the sandbox; a machine that has none to offer is a problem of its own.
    """
    try:
        report = judge(order, choose())
    except TitoError as error:
        problem, status = Problem(error.what, error.hint), error.exit_code
    except Exception as bug:  # noqa: BLE001  # the boundary: a sentence on the page, no traceback
        problem = Problem(
            f"The grader failed, not you ({type(bug).__name__}: {' '.join(str(bug).split())[:200]}).",
            f"Run it again; if it persists, tell who gives {order.course.title}.",
        )
        status = TitoError.exit_code
    else:
        return report, int(report.wrong)
    ours = status == TitoError.exit_code
    return without_verdict(order, problem, ours=ours), status


def without_verdict(order: Order, problem: Problem, *, ours: bool = True) -> Report:
    """The report that says why there is no verdict, with every module and milestone in it."""
    return unjudged(
        order.course,
        _commit(order),
        problem,
        order.trust,
        ours=ours,
        repository=order.repository,
        when=_instant(time.time()),
    )


def _commit(order: Order) -> str:
    """What was to be judged, "" when it is no commit."""
    if order.revision is None:
        return ""
    try:
        return ingest.resolve(ingest.untrusted(order.student, order.environment), order.revision)
    except TitoError:
        return ""


def open_snapshot(order: Order) -> tuple[Snapshot, str]:
    """The code under judgement, and the instant of its commit (ISO 8601, UTC, perhaps ""), or now."""
    if not order.student.is_dir():
        raise StudentError(
            f"There is no folder {order.student}.", hint="Name the repository to grade."
        )
    if order.revision is None:
        files = snapshots.of_working_tree(order.student)
        _refuse_what_holds_no_lesson(files, order, str(order.student))
        return files, _instant(time.time())
    git = ingest.untrusted(order.student, order.environment)
    snapshot = ingest.snapshot(git, order.revision, order.course)
    _refuse_what_holds_no_lesson(snapshot, order, f"Commit {snapshot.name[:10]}")
    return snapshot, _date_of(git, snapshot.name)


def _date_of(git: Git, commit: str) -> str:
    """ "" for what no calendar has: whoever made the commit wrote the date."""
    said = git.text("show", "--no-patch", "--format=%ct", commit)
    return _instant(int(said)) if said.isdecimal() and int(said) < _YEAR_10000_S else ""


def _refuse_what_holds_no_lesson(snapshot: Snapshot, order: Order, named: str) -> None:
    """The wrong folder or repository would be somebody's zero."""
    if not any(m.path in snapshot.entries for m in order.course.modules):
        raise StudentError(
            f"{named} holds no lesson of {order.course.title}: "
            f"{order.course.modules[0].path} is not there, nor any other.",
            hint="Name the repository's own folder, which holds modules/, and the right commit.",
        )


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))
