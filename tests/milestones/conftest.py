"""What the five milestone tests stand on: the student's code, trained and judged once per test.

pytest tests/milestones -v -s                     the files as they lie on disk
pytest tests/milestones --revision HEAD -v -s     what is committed
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grader.errors import TitoError
from grader.grading.engine import Engine
from grader.grading.ledgers import Ledger
from grader.grading.ledgers.files import FileLedger
from grader.grading.ledgers.memory import MemoryLedger
from grader.reports.measurements import parameter_rows
from grader.rules import reading
from grader.rules.course import Course
from grader.sandbox import SANDBOXES
from grader.sources.git import Git
from grader.sources.snapshots import Snapshot, of_commit, of_working_tree
from grader.verdicts.facts import CLAIMS, CheckResult, Outcome
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict

ROOT = Path(__file__).resolve().parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--revision",
        default=None,
        help="the commit to verify; without it, the files as they lie on disk",
    )


@pytest.fixture(scope="session")
def course() -> Course:
    return reading.load(ROOT)


@pytest.fixture(scope="session")
def git() -> Git | None:
    """None outside a repository: everything can be verified there, nothing is remembered."""
    found = Git(ROOT)
    inside = found.text("rev-parse", "--show-toplevel", check=False)
    return found if inside and Path(inside).resolve() == ROOT else None


@pytest.fixture(scope="session")
def ledger(git: Git | None) -> Ledger:
    if git is None:
        return MemoryLedger()
    common = Path(git.text("rev-parse", "--git-common-dir"))
    return FileLedger((ROOT / common).resolve() / "tito")


@pytest.fixture(scope="session")
def snapshot(git: Git | None, request: pytest.FixtureRequest) -> Snapshot:
    """The commit that was asked for; else the working tree, as HEAD when HEAD holds the same."""
    revision = request.config.getoption("--revision", default=None)
    if revision is not None:
        if git is None:
            pytest.fail(f"--revision {revision}: {ROOT} is not a git repository", pytrace=False)
        return of_commit(git, revision)
    tree = of_working_tree(ROOT)
    if git is not None and git.text("rev-parse", "--verify", "-q", "HEAD", check=False):
        head = of_commit(git, "HEAD")
        if _blobs(head) == _blobs(tree):
            return head
    return tree


def _blobs(snapshot: Snapshot) -> dict[str, str]:
    return {path: e.blob for path, e in snapshot.entries.items() if path.endswith(".py")}


@pytest.fixture(scope="session")
def engine(course: Course, ledger: Ledger) -> Engine:
    return Engine(course, ledger, SANDBOXES["process"]())


@pytest.fixture
def verified(engine: Engine, course: Course, snapshot: Snapshot):
    """verified("xor"): the checks of that milestone by name, after training. Fails when locked."""

    def verify(name: str) -> dict[str, CheckResult]:
        milestone = course.milestone(name)
        try:
            verdict = engine.verify(snapshot, milestone)
            problem = "" if verdict.unlocked else _locked(engine, snapshot, verdict)
        except TitoError as error:
            problem = str(error)
        if problem:  # outside of the except: pytest would tell both errors
            pytest.fail(problem, pytrace=False)
        assert verdict.evidence is not None, f"{milestone.name} was not run"
        sys.stdout.write(_table(verdict))
        return {check.name: check for check in verdict.evidence.checks}

    return verify


def _locked(engine: Engine, snapshot: Snapshot, verdict: MilestoneVerdict) -> str:
    modules = engine.grade(snapshot, only=verdict.missing).modules
    rows = "".join(f"\n  {name}: {_why(modules[name])}" for name in verdict.missing)
    return f"{verdict.milestone.name} is locked. Not complete:{rows}"


def _why(module: ModuleVerdict) -> str:
    if module.waits_for:
        return f"waits for {', '.join(module.waits_for)}"
    bad = [*module.failures, *module.faults]
    if bad:
        first = bad[0]
        where = f" ({first.where})" if first.where else ""
        return f"{len(bad)} of {module.expected} tests fail; {first.name}: {first.message}{where}"
    if module.todo:
        return f"{len(module.todo)} of {module.expected} tests are still to do"
    if module.proven:
        return (
            f"its tests pass, its export is missing -> tito module complete {module.module.number}"
        )
    return "; ".join((module.state.value, *module.notes))


def _table(verdict: MilestoneVerdict) -> str:
    """What was measured, for people."""
    assert verdict.evidence is not None
    measures = verdict.evidence.measures
    lines = [f"\n{verdict.milestone.name}   (seed {measures.seed}, {measures.seconds:.2f} s)"]
    for check in verdict.evidence.checks:
        lines.append(f"  {check.outcome.value.upper():9} {check.title:32} {check.message}")
    rows = parameter_rows(measures)
    heads = [("parameter", "shape", "max |gradient|", "max |change|")] if rows else []
    for name, shape, gradient, change in (*heads, *rows):
        lines.append(f"  {name:36} {shape:14} {gradient:>14} {change:>14}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def unproven():
    """unproven(checks): one line for every claim that does not hold, or was not heard of."""

    def list_them(checks: dict[str, CheckResult]) -> list[str]:
        silent = [f"{name}: not measured" for name in CLAIMS if name not in checks]
        return silent + [
            f"{c.title}: {c.outcome.value}: {c.message}" + (f"\n  Hint: {c.hint}" if c.hint else "")
            for c in checks.values()
            if c.outcome is not Outcome.PASSED
        ]

    return list_them
