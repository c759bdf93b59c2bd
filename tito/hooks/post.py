"""After a commit, merge, rebase or checkout: bring ledger and progress up to date, say what is new."""

from __future__ import annotations

from pathlib import Path

from grader.grading.engine import Engine
from grader.reports import phrases
from grader.sources.git import Git
from tito.hooks import fast
from tito.hooks.messages import say
from tito.standing.reconcile import reconcile


def run(git: Git, engine: Engine, private: Path) -> int:
    """private: <git-common-dir>/tito."""
    done = reconcile(git, engine, private=private)
    after = done.after
    say(
        phrases.news(
            after, done.newly_complete, done.newly_unlocked, done.newly_achieved, done.messages
        )
    )
    if after.drift:
        say(phrases.drifting(after.drift))
    if not (done.messages or after.drift or any(v.faults for v in after.modules.values())):
        fast.settle(str(git.top))
    return 0
