"""Unstaged edits that pre-commit or prek put aside for as long as their hooks run.

Both keep each as a patch, for ever, in a folder of their own, named by the time and their process
id: patch<seconds>-<pid> and <milliseconds>-<pid>.patch. Nothing else knows of them when the
framework is killed before it puts them back.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.sources.git import Git, GitError

# What pre-commit itself applies with: the bytes of the patch, whatever this clone converts.
APPLY = ("-c", "core.autocrlf=false", "apply", "--whitespace=nowarn")
MARK = "running-"  # of tito/hook: a framework runs, or was killed
_FORGOTTEN_S = 24 * 3600.0  # by then a process id may belong to another process
_HEADER = re.compile(rb'^diff --git (?:a/(.*) b/\1|"a/(.*)" "b/\2")$', re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_CHARACTERS = {b"t": b"\t", b"n": b"\n", b'"': b'"', b"\\": b"\\"}


def folders(environment: Mapping[str, str]) -> tuple[tuple[Path, str], ...]:
    """(folder, pattern) of each framework. The pattern has {pid} where the process id stands."""
    home = environment.get("HOME") or environment.get("USERPROFILE")
    if not home:  # the frameworks then ask the system, and so does expanduser
        home = os.path.expanduser("~")  # noqa: PTH111  # Path's raises where nobody knows
    cache = Path(environment.get("XDG_CACHE_HOME") or Path(home) / ".cache")
    return (
        (Path(environment.get("PRE_COMMIT_HOME") or cache / "pre-commit"), "patch*-{pid}"),
        (Path(environment.get("PREK_HOME") or cache / "prek") / "patches", "*-{pid}.patch"),
    )


def of_process(pid: int, environment: Mapping[str, str]) -> list[Path]:
    return [p for folder, name in folders(environment) for p in folder.glob(name.format(pid=pid))]


def every(environment: Mapping[str, str]) -> list[Path]:
    """The newest first."""
    found = [
        p
        for folder, name in folders(environment)
        for p in folder.glob(name.format(pid="[0-9]*"))
        if p.is_file()
    ]
    return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)


def paths_in(patch: bytes) -> set[str]:
    """The files that PATCH changes."""
    found = set()
    for plain, quoted in _HEADER.findall(patch):
        raw = plain or _ESCAPE.sub(lambda m: _character(m[1]), quoted)
        found.add(raw.decode("utf-8", "surrogateescape"))
    return found


def _character(escaped: bytes) -> bytes:
    """What git's \\303 or \\t in a quoted path stands for."""
    if len(escaped) == 3:
        return bytes([int(escaped, 8)])
    return _CHARACTERS.get(escaped, escaped)


@dataclass(frozen=True, slots=True)
class Stranded:
    """Edits that a killed framework did not put back.

    missing: patches that fit the files as they are now, the newest first.
    doubtful: patches of that time that neither fit nor are in the files: who knows is the student.
    """

    missing: tuple[Path, ...] = ()
    doubtful: tuple[Path, ...] = ()


def stranded(git: Git, private: Path) -> Stranded:
    """Looks only when a mark says that a framework was killed; forgets the mark when all is well."""
    marks = [m for m in private.glob(f"{MARK}*") if _dead(m)]
    if not marks:
        return Stranded()
    since = min(m.stat().st_mtime for m in marks)
    missing, doubtful = [], []
    for patch in every(git.environment):
        if patch.stat().st_mtime < since - 1 or not _is_of(git, patch):
            continue
        if _applies(git, patch):
            missing.append(patch)
        elif not _applies(git, patch, "--reverse"):
            doubtful.append(patch)
    if not missing and not doubtful:
        forget(private)
    return Stranded(tuple(missing), tuple(doubtful))


def restore(git: Git, patch: Path) -> bool:
    """Put the edits of PATCH back. False when they do not fit any more; then nothing is changed."""
    if not _applies(git, patch):
        return False
    git.run(*APPLY, str(patch))
    return True


def forget(private: Path) -> None:
    for mark in private.glob(f"{MARK}*"):
        if _dead(mark):
            mark.unlink(missing_ok=True)


def _dead(mark: Path) -> bool:
    try:
        old = time.time() - mark.stat().st_mtime > _FORGOTTEN_S
    except OSError:
        return False  # gone by now: it ended as it should
    pid = mark.name.removeprefix(MARK)
    return old or (pid.isdecimal() and not alive(int(pid)))


def alive(pid: int) -> bool:
    """Is there such a process?"""
    if os.name == "nt":
        return True  # os.kill would end it; a day later the mark counts
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    # A dead process that nobody has asked about yet, as in many containers, still has its id.
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except (OSError, IndexError):
        return True


def _applies(git: Git, patch: Path, *options: str) -> bool:
    try:
        git.run(*APPLY, "--check", *options, str(patch))
    except GitError:
        return False
    return True


def _is_of(git: Git, patch: Path) -> bool:
    """Was PATCH made in this repository? Its lines "index <old>..<new>" name objects that git has."""
    old = re.findall(rb"^index ([0-9a-f]+)\.\.", patch.read_bytes(), re.MULTILINE)
    request = b"".join(name + b"\n" for name in old if name.strip(b"0"))
    listing = git.run("cat-file", "--batch-check", stdin=request)
    return bool(old) and b" missing" not in listing and b" ambiguous" not in listing


def message(git: Git, private: Path) -> str:
    """For a person who has not asked. "" when nothing is missing."""
    missing = stranded(git, private).missing
    if not missing:
        return ""
    paths = sorted(set().union(*(paths_in(p.read_bytes()) for p in missing)))
    return (
        f"a commit was killed, and edits that it had put aside are not in {', '.join(paths)}. "
        "-> tito doctor --fix"
    )
