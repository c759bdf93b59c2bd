"""Before a commit: judge everything that git will record, then add the exports to it.

Wrong code is stopped, unfinished code is not. Nothing is touched before the whole index is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from grader.grading.engine import Engine
from grader.reports import phrases
from grader.sources import snapshots
from grader.sources.git import Git
from grader.sources.snapshots import LESSONS, Snapshot
from grader.verdicts.verdicts import ModuleState, ModuleVerdict, Plan, Standing, plan_exports
from tito.hooks import messages
from tito.hooks.events import merging_cleanly
from tito.hooks.fast import Memo
from tito.hooks.messages import say
from tito.worktree import newer_saves
from tito.worktree.staging import Staging

_EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why this commit does not happen: one module. broke: it was complete before."""

    verdict: ModuleVerdict
    broke: bool


def run(git: Git, engine: Engine, private: Path, parent: int, seen: Memo) -> int:
    """The hook's exit status.

    private: <git-common-dir>/tito.  parent: the process that started this hook, when it started.
    seen: what git has listed already; asking again would take 3 ms each.
    """
    try:
        return _judge(git, engine, private, parent, seen)
    finally:
        say(newer_saves.keep_newer(git, parent, private / "kept"))


def _judge(git: Git, engine: Engine, private: Path, parent: int, seen: Memo) -> int:
    if seen.head is not None:
        head: Snapshot | None = snapshots.of_tree_listing(git, "HEAD", seen.head)
    else:
        commit = git.head()
        head = snapshots.of_resolved(git, commit) if commit else None
    index = _without_intentions(snapshots.of_index(git, seen.index), head)
    changed = changed_modules(engine, index, head)
    standing = engine.grade(index, retry=changed)
    stops = find_stops(engine, standing, changed, head)
    if stops:
        say(
            messages.stopped(
                [s.verdict for s in stops], {s.verdict.module.id for s in stops if s.broke}
            )
        )
        return 1
    plan = plan_exports(standing)
    if not plan.empty and "GIT_INDEX_FILE" not in git.environment:
        # pre-commit run, by hand or in CI: there is no commit that the exports could join.
        say(phrases.drifting((*plan.write, *plan.remove)))
        return 1
    if not plan.empty:
        staging = Staging(git, index, head, private / "exports", parent)
        staging.refuse_clashes(plan)
        staging.apply(plan)
        if merging_cleanly(git.directory):
            say(_one_more_step(plan))
            return 1
    say(messages.checked(standing, changed, plan.write, plan.remove))
    return 0


def _one_more_step(plan: Plan) -> str:
    """Of a clean merge, whose commit cannot take up what a hook adds."""
    return (
        "tito: one more step for this merge: git commit --no-edit\n"
        "The merged lessons have new exports, which are staged now and belong to the same commit: "
        f"{', '.join((*plan.write, *plan.remove))}"
    )


def _without_intentions(index: Snapshot, head: Snapshot | None) -> Snapshot:
    """INDEX without the lessons of `git add --intent-to-add`, which git will not record.

    They are told by their content, which is none.
    """
    before = head.entries if head else {}
    entries = {
        path: entry
        for path, entry in index.entries.items()
        if path in before or entry.blob not in _EMPTY_BLOBS or not path.startswith(f"{LESSONS}/")
    }
    return replace(index, entries=entries)


def changed_modules(engine: Engine, index: Snapshot, head: Snapshot | None) -> tuple[str, ...]:
    """Ids of the modules whose lesson this commit adds, changes or removes."""
    before = head.entries if head else {}
    return tuple(
        m.id for m in engine.course.modules if index.entries.get(m.path) != before.get(m.path)
    )


def find_stops(
    engine: Engine, standing: Standing, changed: tuple[str, ...], head: Snapshot | None
) -> list[Stop]:
    """Modules that are wrong where this commit changes them, or that it would break."""
    suspects = [
        v
        for v in standing.modules.values()
        if v.state in (ModuleState.TODO, ModuleState.IN_PROGRESS) and not v.faults
    ]
    before = _proven_before(engine, head, changed, suspects)
    stops = []
    for verdict in suspects:
        broke = verdict.module.id in before
        if broke or (verdict.failures and verdict.module.id in changed):
            stops.append(Stop(verdict, broke))
    return stops


def _proven_before(
    engine: Engine, head: Snapshot | None, changed: tuple[str, ...], suspects: list[ModuleVerdict]
) -> set[str]:
    """Which of the SUSPECTS passed at HEAD. Graded, because HEAD may have come without a hook."""
    touched = [v.module.id for v in suspects if {v.module.id, *v.module.needs} & set(changed)]
    if head is None or not touched:
        return set()
    return {i for i in touched if engine.grade(head, only=touched).modules[i].proven}
