"""The badges branch, written with git's plumbing: no checkout, and no other run's work is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from grader.errors import Fault
from grader.sources.git import Git, GitError

BRANCH = "badges"
_TRACKED = "refs/tinytorch/badges"  # where it is fetched to: no working tree ever sees it
_TRIES = 12
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5.0
AUTHOR = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")

# The files of the branch, given its state.json as it is now (None: there is no branch yet).
Content = Callable[[bytes | None], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Published:
    commit: str
    changed: bool


def publish(
    git: Git,
    remote: str,
    content: Content,
    *,
    state_file: str,
    message: str,
    when: str,
    first_wait_s: float = _FIRST_WAIT_S,
) -> Published:
    """Make the branch hold what CONTENT returns, on top of whatever others have pushed meanwhile.

    when: the commit's date, so that the same run makes the same commit.
    Raises Fault when the remote goes on refusing.
    """
    wait_s = first_wait_s
    refused = ""
    for _ in range(_TRIES):
        try:
            tip = fetch(git, remote)
            files = content(_blob(git, tip, state_file) if tip else None)
            tree = _tree(git, files, tip)
            if tip and git.text("rev-parse", f"{tip}^{{tree}}") == tree:
                return Published(tip, changed=False)
            commit = _commit(git, tree, tip, message, when)
            _push(git, remote, commit, tip)
            return Published(commit, changed=True)
        except GitError as error:  # somebody was faster, or the server has hiccups
            refused = _reason(error.stderr)
        # Jitter: runs that met once would meet again.
        time.sleep(wait_s * (0.5 + random.random()))
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    raise Fault(
        f"The branch '{BRANCH}' could not be pushed: {refused}.",
        hint="Allow this workflow to write contents, then run the job again.",
    )


def fetch(git: Git, remote: str) -> str | None:
    """The tip of the branch at REMOTE, None when it has none."""
    listing = git.text("ls-remote", remote, f"refs/heads/{BRANCH}")
    if not listing:
        return None
    git.run("fetch", "--quiet", "--no-tags", remote, f"+refs/heads/{BRANCH}:{_TRACKED}")
    return git.text("rev-parse", _TRACKED)


def _blob(git: Git, tip: str, path: str) -> bytes | None:
    listing = git.text("ls-tree", tip, "--", path)
    if not listing:
        return None
    if not listing.startswith("100644 blob "):
        raise Fault(
            f"{path} on the branch '{BRANCH}' is not a regular file, so nothing was written.",
            hint=f"Put the file back, or delete the branch to begin anew: git push -d origin {BRANCH}",
        )
    return git.run("cat-file", "blob", listing.split()[2])


def _tree(git: Git, files: Mapping[str, str], tip: str | None) -> str:
    """FILES, and what else lies on the branch: another workflow's badges are not ours to remove."""
    there = git.run("ls-tree", "-z", tip).decode("utf-8", "surrogateescape") if tip else ""
    rows = [f"{r}\0" for r in there.split("\0")[:-1] if r.partition("\t")[2] not in files]
    for path, text in sorted(files.items()):
        blob = git.run("hash-object", "-w", "--stdin", stdin=text.encode()).decode().strip()
        rows.append(f"100644 blob {blob}\t{path}\0")
    listing = "".join(rows).encode("utf-8", "surrogateescape")
    return git.run("mktree", "-z", stdin=listing).decode().strip()


def _commit(git: Git, tree: str, tip: str | None, message: str, when: str) -> str:
    name, address = AUTHOR
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", address), ("DATE", when))
    }
    as_bot = replace(git, environment={**git.environment, **identity})
    parents = ["-p", tip] if tip else []
    return as_bot.text("commit-tree", tree, *parents, "-m", message)


def _push(git: Git, remote: str, commit: str, tip: str | None) -> None:
    """Never over somebody else's push. Raises GitError."""
    git.run(
        "push",
        "--quiet",
        f"--force-with-lease=refs/heads/{BRANCH}:{tip or ''}",
        remote,
        f"{commit}:refs/heads/{BRANCH}",
    )


def _reason(stderr: str) -> str:
    """What the server said if it said something: git's own last line only sums up."""
    lines = [line.strip() for line in stderr.splitlines()]
    said = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    found = next(filter(None, said), "") or next(filter(None, reversed(lines)), "no reason given")
    return found.rstrip(".")
