"""The two things that tito does to a repository by hand: commit one lesson, keep an old one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from grader.errors import StudentError
from grader.files import write_whole
from grader.rules.course import Module
from grader.sources.git import Git, GitError
from tito.clone.clone import Clone
from tito.worktree import unwatched

_UNDER_WAY = {
    "MERGE_HEAD": ("a merge", "git merge --continue, or git merge --abort"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", "git cherry-pick --continue, or git cherry-pick --abort"),
    "REVERT_HEAD": ("a revert", "git revert --continue, or git revert --abort"),
    "rebase-merge": ("a rebase", "git rebase --continue, or git rebase --abort"),
    "rebase-apply": ("a rebase", "git rebase --continue, or git rebase --abort"),
}
# Of the commit that keeps a replaced lesson. It is not the student's claim, and must not fail
# where git does not know the student yet.
_KEEPER = ("-c", "user.name=tito", "-c", "user.email=tito@localhost")


def refuse_unfinished(git: Git) -> None:
    """Raises StudentError while git is in the middle of something that forbids partial commits."""
    folder = git.directory()
    for mark, (what, way_out) in _UNDER_WAY.items():
        if (folder / mark).exists():
            raise StudentError(
                f"{what.capitalize()} is under way; one lesson alone cannot be committed now.",
                hint=f"Finish it first: {way_out}",
            )


def refuse_hidden(git: Git, path: str) -> None:
    """Raises StudentError when git was told not to look at PATH: it would commit what it has."""
    if unwatched.edits(git, path):
        raise StudentError(
            f"{path} has changes that git was told not to look at, so they cannot be committed.",
            hint=f"{unwatched.look_again(git, path)}, then try again.",
        )


def same_as_head(clone: Clone, path: str) -> bool:
    """True when index and working tree hold what HEAD holds."""
    return not clone.git.text("status", "--porcelain", "--untracked-files=all", "--", path)


def commit_lesson(clone: Clone, module: Module, message: str) -> bool:
    """Commit exactly this lesson, through the hooks. What else is staged stays staged.

    The hooks and git speak to the terminal themselves. False when the commit did not happen.
    """
    if not clone.git.text("ls-files", "--", module.path):
        clone.git.locked_run("add", "--", module.path)
    sys.stdout.flush()
    done = subprocess.run(
        # --allow-empty: a lesson may be committed already while its export is not.
        ["git", "commit", "--only", "--allow-empty", "-m", message, "--", module.path],
        cwd=clone.top,
        env=dict(clone.environment),
        check=False,
    )
    return done.returncode == 0


def keep(clone: Clone, module: Module, now: Callable[[], datetime]) -> str:
    """Put the lesson as it lies on disk on a branch of its own. Returns the branch's name.

    Plumbing with an index of its own: neither HEAD, the index nor any file changes.
    """
    git = clone.git
    stamp = now().astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    branch = _free_branch(git, f"tito/backup/{module.id}-{stamp}")
    head = git.head()
    content = (clone.top / module.path).read_bytes()
    blob = git.run("hash-object", "-w", "--stdin", stdin=content).decode().strip()
    with tempfile.TemporaryDirectory(prefix="tito-") as folder:
        index = Path(folder) / "index"
        if head:
            git.run("read-tree", head, index=index)
        entry = f"100644 {blob}\t{module.path}\n".encode()
        git.run("update-index", "--add", "--index-info", stdin=entry, index=index)
        tree = git.run("write-tree", index=index).decode().strip()
    parents = ("-p", head) if head else ()
    message = f"{module.id} before tito module reset"
    commit = git.text(*_KEEPER, "commit-tree", tree, *parents, "-m", message)
    try:
        git.run("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))
    except GitError as error:
        raise StudentError(
            f"The branch {branch} cannot be made, so the lesson was not replaced: "
            f"{error.stderr.splitlines()[-1] if error.stderr else 'git gives no reason'}",
            hint="If a branch is named 'tito': git branch -m tito my-tito",
        ) from None
    return branch


def _free_branch(git: Git, wanted: str) -> str:
    name, number = wanted, 1
    while git.text("rev-parse", "--verify", "--quiet", f"refs/heads/{name}", check=False):
        number += 1
        name = f"{wanted}-{number}"
    return name


def starter(clone: Clone, module: Module) -> str:
    """The starter's text. Raises StudentError in the course's own repository, or when it is gone."""
    path = clone.top / module.starter_path
    if clone.is_source:
        raise StudentError(
            f"This is the course's own repository: {module.path} is the solution here, "
            "and there is no starter.",
            hint="Make a student's repository: tito course release DIR",
        )
    if not path.is_file():
        raise StudentError(
            f"{module.starter_path} is missing.",
            hint=f"git checkout HEAD -- :/{module.starter_path}",
        )
    return path.read_text(encoding="utf-8")


def restore(clone: Clone, module: Module, text: str) -> None:
    target = clone.top / module.path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, text)
    target.chmod(0o644)  # mkstemp made it private
