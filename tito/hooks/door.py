"""From a hook's arguments to the engine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from grader.errors import Fault, TitoError
from grader.grading.engine import Engine
from grader.grading.ledgers.files import FileLedger
from grader.rules import parts
from grader.rules.course import COURSE_FILE, Course
from grader.sandbox import SANDBOXES
from grader.sources.git import Git
from tito.hooks.fast import Memo
from tito.hooks.messages import say


def run(stage: str, top: str, seen: Memo) -> int:
    """The hook's exit status. Raises Fault for what is ours.

    seen: what git has listed already.
    """
    parent = os.getppid()  # before anything takes time
    git = Git(Path(top), dict(os.environ))
    if not (git.top / COURSE_FILE).is_file():
        say(f"tito: nothing checked: there is no {COURSE_FILE} on this branch.")
        return 0
    try:
        return _judge(stage, git, parent, seen)
    except Fault:
        raise
    except TitoError as error:
        # Some editors show the first line only, so the way out stands in it too.
        say(f"tito: {error.what} -> {error.hint}" if error.hint else f"tito: {error.what}")
        return 1 if stage == "pre" else 0


def _judge(stage: str, git: Git, parent: int, seen: Memo) -> int:
    private = git.common_directory() / "tito"
    ledger = FileLedger(private)
    engine = Engine(_course(git.top, ledger), ledger, SANDBOXES["process"]())
    # Each stage imports its own half: the other one costs 10 ms.
    if stage == "pre":
        from tito.hooks import precommit

        return precommit.run(git, engine, private, parent, seen)
    from tito.hooks import post

    return post.run(git, engine, private)


def _course(top: Path, ledger: FileLedger) -> Course:
    """The course, without parsing YAML when this very course.yaml was parsed before."""
    reader = parts.digest().encode()
    digest = hashlib.sha256((top / COURSE_FILE).read_bytes() + reader).hexdigest()
    name = f"course-{digest}"
    stored = ledger.recall(name)
    known = Course.from_json(top, stored) if stored else None
    if known is None:
        from grader.rules import reading  # and with it PyYAML: 20 ms

        known = reading.load(top)
        ledger.memo(name, known.as_json())
    return known
