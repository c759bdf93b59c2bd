"""Files whose changes git was told not to look at: assume-unchanged, skip-worktree."""

from __future__ import annotations

import os

from grader.sources.git import Git


def look_again(git: Git, path: str) -> str:
    """The commands that make git look at PATH again, "" when it does."""
    tag = git.text("ls-files", "-v", "--", path)[:1]
    flags = ["assume-unchanged"] * tag.islower() + ["skip-worktree"] * (tag in ("S", "s"))
    # One at a time: git heeds only one of them in a command.
    return " && ".join(f"git update-index --no-{flag} {path}" for flag in flags)


def edits(git: Git, *folders: str) -> list[str]:
    """Paths in FOLDERS whose changes on disk git does not see, because it was told not to look."""
    listing = git.run("ls-files", "-v", "-s", "-z", "--", *folders)
    there = []
    for row in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        about, _, path = row.partition("\t")
        tag, _mode, blob, _stage = about.split()
        file = git.top / path
        # What a sparse checkout leaves out has the flag, too, and is not on disk.
        if (tag.islower() or tag == "S") and file.is_file() and os.access(file, os.R_OK):
            there.append((path, blob))
    blobs = git.text("hash-object", "--", *(p for p, _ in there)).split() if there else []
    return [path for (path, blob), now in zip(there, blobs, strict=True) if now != blob]
