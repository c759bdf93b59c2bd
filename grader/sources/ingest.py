"""A student's commit as a Snapshot, from a repository that is not believed, without a checkout.

git is asked for two things, the names in a tree and the bytes of blobs: nothing is checked out,
so no attribute, filter, hook or replacement of the student's has a say. What is asked is bounded
before it is read. Everything that is not an ordinary Python source is refused in one sentence.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import StudentError
from grader.rules.course import Course
from grader.sources import snapshots
from grader.sources.git import Git, GitError, clean_environment

MAX_LISTING_BYTES = 1024 * 1024
MAX_FILES = 2000
MAX_LISTING_S = 20.0
MAX_COMMAND_S = 60.0  # a pipe where a file belongs, and git waits for ever
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?<!\.)\Z")
# Windows opens a device whatever the folder and the ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
# A repository brings its own configuration, which can name programs. None of ours is read either.
_CONFIGURATION = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "log.showSignature": "false",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a tree. size: bytes, 0 for what is no blob."""

    mode: str
    blob: str
    size: int
    path: str


def untrusted(top: Path, environment: Mapping[str, str]) -> Git:
    """git for a repository that somebody else made: no settings but ours, nothing fetched."""
    # It may belong to somebody else: whoever asks for a verdict on it has chosen to read it.
    wanted = {**_CONFIGURATION, "safe.directory": str(top)}
    settings = {"GIT_CONFIG_COUNT": str(len(wanted))}
    for number, (key, value) in enumerate(wanted.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return Git(
        top,
        {
            **clean_environment(environment),
            **settings,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_ALLOW_PROTOCOL": "",
            # A folder that is no repository may lie inside of one, whose commits are not its own.
            "GIT_CEILING_DIRECTORIES": str(top.resolve().parent),
            "GIT_NO_REPLACE_OBJECTS": "1",
        },
        MAX_COMMAND_S,
    )


def is_repository(top: Path) -> bool:
    """TOP is the top of a working tree, or a bare repository."""
    return (top / ".git").exists() or all((top / p).exists() for p in ("HEAD", "objects", "refs"))


def snapshot(git: Git, revision: str, course: Course) -> snapshots.Snapshot:
    """The lessons and the package of one commit. Raises StudentError when nothing can be read.

    git: from untrusted().  A single file that cannot be read is an Entry that says so, and costs
    its own module only.
    """
    if not is_repository(git.top):
        raise StudentError(
            f"{git.top} is not a git repository, so it has no commit {revision[:80]!r}.",
            hint="Name the top folder of a clone. Files without git are judged as they lie when "
            "no revision is named.",
        )
    try:
        refuse_borrowed_objects(git)
    except GitError as error:
        raise StudentError(
            f"git cannot read the repository {git.top}: {error.stderr[:200] or 'no message'}.",
            hint="Clone it afresh: git clone URL",
        ) from None
    commit = resolve(git, revision)
    rows = listing(git, commit, snapshots.LESSONS, snapshots.PACKAGE)
    # Names that differ by case only are one file on other machines.
    alike = Counter(row.path.casefold() for row in rows)
    entries = {
        row.path: snapshots.Entry(row.mode, row.blob, _refusal(row, alike))
        for row in rows
        if row.path.endswith(".py")
    }
    strange = {row.path: row for row in rows if row.mode not in snapshots.REGULAR}
    for module in course.modules:
        for parent in _parents(module.path):
            if module.path not in entries and parent in strange:
                entries[module.path] = snapshots.Entry("", "", _refusal(strange[parent], alike))
    return snapshots.Snapshot(commit, entries, snapshots.BlobReader(git, entries))


def resolve(git: Git, revision: str) -> str:
    """The full id of the commit that REVISION names. Raises StudentError when it names none."""
    commit = ""
    if not revision.startswith("-"):
        commit = git.text("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", check=False)
    if not _COMMIT.match(commit):
        raise StudentError(
            f"{revision[:80]!r} is not a commit of {git.top}.",
            hint="git log --oneline shows what there is; a shallow clone may not have it.",
        )
    return commit


def listing(git: Git, commit: str, *folders: str, recursive: bool = True) -> list[Row]:
    """Everything below FOLDERS, or only they themselves. Raises StudentError when that is more than a course can hold.

    A repository of 200 KB can name 10**10 files: reading stops at the limit, and so does git.
    """
    deep = ["-r"] if recursive else []
    command = ["git", "ls-tree", *deep, "-z", "-l", "--full-tree", commit, "--", *folders]
    environment = {**git.environment, "LC_ALL": "C", "GIT_LITERAL_PATHSPECS": "1"}
    with subprocess.Popen(
        command,
        cwd=git.top,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout is not None
        clock = threading.Timer(MAX_LISTING_S, child.kill)
        clock.start()
        content = child.stdout.read(MAX_LISTING_BYTES + 1)
        clock.cancel()
        if len(content) > MAX_LISTING_BYTES:
            child.kill()
    rows = [_row(row) for row in content.decode("utf-8", "surrogateescape").split("\0")[:-1]]
    if len(content) > MAX_LISTING_BYTES or len(rows) > MAX_FILES:
        raise StudentError(
            f"{' and '.join(folders)} hold more than {MAX_FILES} files in commit {commit[:10]}.",
            hint="Only lessons and the package belong there: git rm the rest.",
        )
    if child.returncode != 0:
        raise StudentError(
            f"git cannot list the files of commit {commit[:10]}.",
            hint="The repository is incomplete: git fsck, then fetch again.",
        )
    return rows


def _row(text: str) -> Row:
    meta, path = text.split("\t", 1)
    mode, _kind, blob, size = meta.split()
    return Row(mode, blob, int(size) if size.isdecimal() else 0, path)


def refuse_borrowed_objects(git: Git) -> None:
    """Objects from elsewhere, or other parents for commits, are not what was pushed."""
    common = git.common_directory()
    for name in ("objects/info/alternates", "objects/info/http-alternates", "info/grafts"):
        if (common / name).exists():
            raise StudentError(
                f"The repository takes objects from elsewhere ({name}), so its commits are not its own.",
                hint="Clone it afresh: git clone --no-local URL",
            )


def _refusal(row: Row, alike: Counter[str]) -> str:
    """Why this path is not read, in one sentence; "" when it is."""
    name = ascii(row.path)[1:-1] if not row.path.isprintable() else row.path
    shown = name if len(name) <= 120 else f"{name[:120]}..."
    parts = row.path.split("/")
    if row.mode == "120000":
        return f"{shown} is a symbolic link; only regular files are graded."
    if row.mode == "160000":
        return f"{shown} is a submodule; only files of this repository are graded."
    if row.mode not in snapshots.REGULAR:
        return f"{shown} is not a regular file; only regular files are graded."
    if not all(_NAME.match(part) for part in parts):
        return f"{shown} has a name that is not made of letters, digits, '_', '-' and '.'."
    if any(_DEVICES.match(part) for part in parts):
        return f"{shown} has the name of a device on Windows."
    if alike[row.path.casefold()] > 1:
        return f"{shown} is there twice, in capitals and in small letters."
    if row.size > snapshots.MAX_FILE_BYTES:
        return f"{shown} is larger than {snapshots.MAX_FILE_BYTES // 1024} KiB, the most that is graded."
    return ""


def _parents(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))
