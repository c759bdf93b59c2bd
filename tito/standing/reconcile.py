"""One idempotent step that hooks and commands share: derive the standing of HEAD, compare it with
what was known last, write both progress files, and say what is new.

Standard library and grader only: the hooks import this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import TitoError
from grader.grading.engine import Engine
from grader.sources import snapshots
from grader.sources.git import Git
from grader.sources.snapshots import Snapshot
from grader.verdicts.verdicts import Standing
from tito.standing import progress
from tito.standing.progress import PROJECT_FILE, Progress
from tito.worktree import put_aside

NO_COMMIT = "no commit yet"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """before: what was known last.  newly_*: ids, in course order.
    claimed: milestones completed once whose proof is lost; a run proves them again.
    messages: sentences for the person, about the progress files and about edits put aside.
    """

    before: Progress
    after: Standing
    newly_complete: tuple[str, ...] = ()
    newly_unlocked: tuple[str, ...] = ()
    newly_achieved: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    @property
    def news(self) -> bool:
        return bool(self.newly_complete or self.newly_unlocked or self.newly_achieved)


def reconcile(
    git: Git,
    engine: Engine,
    *,
    environment: Mapping[str, str] | None = None,
    run: bool = True,
    private: Path | None = None,
) -> Reconciled:
    """Bring ledger and progress files in step with HEAD.

    environment: whose home the files go to; git's own when not given.
    run: grade what came in without a hook. False: recall only, the rest stays unverified.
    private: <git-common-dir>/tito, if the caller knows it already.
    """
    whose = environment if environment is not None else git.environment
    places = progress.files(git, whose, private)
    after = _standing(engine, head_snapshot(git), run=run)
    before = places.last()
    if before is None:
        before = _first_sight(git, engine, run=run)
    now = progress.of_standing(after, places.claimed())
    messages = exclude_progress(git) + places.write(engine.course, after, now)
    if missing := put_aside.message(git, places.private):
        messages = (missing, *messages)
    return Reconciled(
        before,
        after,
        _new(now.completed_modules, before.completed_modules),
        _new(now.unlocked_milestones, before.unlocked_milestones),
        _new(now.completed_milestones, (*before.completed_milestones, *before.claimed_milestones)),
        now.claimed_milestones,
        messages,
    )


def head_snapshot(git: Git) -> Snapshot:
    """Of HEAD; an empty one before the first commit."""
    commit = git.head()
    if commit is None:
        return Snapshot(NO_COMMIT, {}, lambda _paths: {})
    return snapshots.of_resolved(git, commit)


def _standing(engine: Engine, snapshot: Snapshot, *, run: bool) -> Standing:
    return engine.grade(snapshot) if run else engine.recall(snapshot)


def _first_sight(git: Git, engine: Engine, *, run: bool) -> Progress:
    """No file tells what was known: then everything up to the commit before HEAD was.

    So a fresh clone, or deleted files, announce nothing old, and the first commit still its own.
    """
    parent = git.text("rev-parse", "--verify", "--quiet", "HEAD^1^{commit}", check=False)
    if not parent:
        return Progress()
    standing = _standing(engine, snapshots.of_commit(git, parent), run=run)
    known = progress.of_standing(standing)
    # A milestone is earned by a run, not by a commit: its record does not belong to HEAD alone.
    earned = tuple(i for i, v in standing.milestones.items() if v.earned is not None)
    return Progress(known.completed_modules, known.unlocked_milestones, earned)


def _new(now: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(i for i in now if i not in before)


def _ignored_by_course(git: Git) -> bool:
    """Does the course's own .gitignore say so? Read here: asking git costs 3 ms of every commit."""
    try:
        rules = (git.top / ".gitignore").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return f"/{PROJECT_FILE}" in rules.splitlines()


def exclude_progress(git: Git) -> tuple[str, ...]:
    """Keep progress.json out of `git add .` by this clone's own exclude file.

    Returns a sentence when it cannot be done.
    """
    if _ignored_by_course(git) or git.ignores(PROJECT_FILE):
        return ()
    if (git.top / PROJECT_FILE).exists() and git.text("ls-files", "--", PROJECT_FILE):
        return (
            f"{PROJECT_FILE} is tracked by git, so every commit would carry it. "
            f"-> git rm --cached {PROJECT_FILE}",
        )
    path = git.top / git.text("rev-parse", "--git-path", "info/exclude")
    try:
        old = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write("" if not old or old.endswith("\n") else "\n")
            file.write(
                f"# Written by tito, rebuilt at will.\n/{PROJECT_FILE}\n/{PROJECT_FILE}.broken-*\n"
            )
    except (OSError, TitoError) as error:
        return (f"{PROJECT_FILE} could not be excluded from git ({error}).",)
    return ()
