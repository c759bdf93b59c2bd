"""Which rules does the judged commit hold in another version than the course?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grader.errors import StudentError
from grader.rules import parts
from grader.sources import ingest
from grader.sources.git import Git, clean_environment

# A commit that holds these in another version is judged by ours.
RULES = parts.places("judge", "server")


def commit_of(root: Path, environment: Mapping[str, str]) -> str:
    """The commit that ROOT has checked out, "" when it is not the top of a repository."""
    if not (root / ".git").exists():
        return ""
    return Git(root, clean_environment(environment)).head() or ""


def replaced_rules(
    student: Path, revision: str, root: Path, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Paths of the rules that the commit REVISION holds in another version than the course at ROOT."""
    places = ((student, revision), (root, "HEAD"))
    try:
        theirs, ours = (_rules(*place, environment) for place in places)
    except StudentError:
        # More files than are listed, or a tree that is damaged: the folders are compared whole.
        theirs, ours = (_rules(*place, environment, recursive=False) for place in places)
    return tuple(sorted(p for p in theirs.keys() | ours.keys() if theirs.get(p) != ours.get(p)))


def _rules(
    top: Path, revision: str, environment: Mapping[str, str], *, recursive: bool = True
) -> dict[str, str]:
    """path -> mode and id of everything that RULES names in the commit REVISION."""
    git = ingest.untrusted(top, environment)
    rows = ingest.listing(git, ingest.resolve(git, revision), *RULES, recursive=recursive)
    return {row.path: f"{row.mode} {row.blob}" for row in rows}
