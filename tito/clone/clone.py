"""The student's clone as every command sees it: git, the course, the engine, both progress files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.grading.engine import Engine
from grader.grading.ledgers.files import FileLedger
from grader.rules import reading
from grader.rules.course import Course
from grader.sandbox import SANDBOXES
from grader.sources import snapshots
from grader.sources.git import Git, find_top
from grader.sources.snapshots import Snapshot
from tito.standing import progress
from tito.standing.reconcile import Reconciled, head_snapshot, reconcile

# What git tells its own children about one repository (git rev-parse --local-env-vars): a command
# typed by hand answers for the folder it is typed in. Identity and configuration are kept.
LOCAL_VARIABLES = """
    GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_CONFIG GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS
    GIT_DIR GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_PREFIX
    GIT_SHALLOW_FILE GIT_WORK_TREE
"""


def by_hand(environment: Mapping[str, str]) -> dict[str, str]:
    local = LOCAL_VARIABLES.split()
    return {k: v for k, v in environment.items() if k not in local}


@dataclass(frozen=True, slots=True)
class Clone:
    git: Git
    course: Course
    engine: Engine
    environment: Mapping[str, str]

    @property
    def top(self) -> Path:
        return self.git.top

    @property
    def private(self) -> Path:
        """Where ledger and logs lie: <git-common-dir>/tito."""
        return self.git.common_directory() / "tito"

    @property
    def is_source(self) -> bool:
        """The course's own repository: its lessons hold the solutions, so it has no starters."""
        return not (self.top / "starters").is_dir()

    def head(self) -> Snapshot:
        return head_snapshot(self.git)

    def working_tree(self) -> Snapshot:
        return snapshots.of_working_tree(self.top)

    def reconcile(self) -> Reconciled:
        return reconcile(self.git, self.engine, environment=self.environment)

    def progress(self) -> progress.ProgressFiles:
        return progress.files(self.git, self.environment)


def open_clone(start: Path, environment: Mapping[str, str], watch: Callable[[str], None]) -> Clone:
    """The clone that START is in. Raises TitoError outside of one, and for a broken course.yaml."""
    clean = by_hand(environment)
    top = find_top(start, clean)
    course = reading.load(top)
    git = Git(top, clean)
    ledger = FileLedger(git.common_directory() / "tito")
    return Clone(git, course, Engine(course, ledger, SANDBOXES["process"](), watch), clean)


def current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "The current folder does not exist any more.", hint="cd into your course's folder"
        ) from None
