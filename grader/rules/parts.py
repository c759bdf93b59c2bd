"""What the rules consist of: every list and digest of "the course's own files" is made here.

The fast path of a commit imports this, so nothing is imported that costs.
"""

import hashlib
import os

TYPE_CHECKING = False  # importing typing costs 2 ms of every commit
if TYPE_CHECKING:
    from collections.abc import Iterator

# Path of a release, a folder with its slash -> what it is there for.
#   judge   a verdict follows from it, wherever it is made
#   local   it decides what happens at a commit on the student's machine
#   server  it decides what happens to a commit on a server
#   bundle  Classroom 50 needs it, too
#   made    made from the lessons; the course's own repository does not hold it
PARTS = {
    "LICENSE": "bundle",
    "course.yaml": "judge bundle",
    "grader/": "judge bundle",
    "starters/": "judge bundle made",
    "tests/milestones/": "judge",
    "tests/milestones/data/": "bundle",
    "tito/": "local",
    ".pre-commit-config.yaml": "local",
    ".github/workflows/milestones.yml": "server",
    ".github/workflows/award.yml": "server",
    "requirements/award.lock": "server",
    "requirements/grade.lock": "server bundle",
    "requirements/student.lock": "server",
    "pyproject.toml": "",
    ".gitattributes": "",
    ".gitignore": "",
}
# Rooms of the grader that tell a verdict, hand it on, or serve authors. They decide none.
TELLING = ("authors", "github", "reports")
GRADER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_digests: list[str] = []  # of this process: the grader does not change while it runs


def having(*roles: str) -> tuple[str, ...]:
    """Paths of the parts with one of ROLES, in the order of PARTS: "grader", "course.yaml"."""
    found = (path for path, said in PARTS.items() if not {*roles}.isdisjoint(said.split()))
    return tuple(path.rstrip("/") for path in found)


def places(*roles: str) -> tuple[str, ...]:
    """The files and folders at the top of a release that hold these parts: "course.yaml", "tests"."""
    return tuple(dict.fromkeys(path.partition("/")[0] for path in having(*roles)))


def python_files(folder: str) -> "Iterator[str]":
    """Paths of all sources in FOLDER and below, in an order that does not depend on the disk."""
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        yield from (os.path.join(directory, n) for n in sorted(names) if n.endswith(".py"))


def judging_files() -> list[str]:
    """Every source that can change an outcome: the grader without the rooms that only tell one."""
    telling = tuple(os.path.join(GRADER, room) + os.sep for room in TELLING)
    return [path for path in python_files(GRADER) if not path.startswith(telling)]


def digest() -> str:
    """Of judging_files(): part of every key, so that no evidence outlives what it was judged by."""
    if not _digests:
        found = hashlib.sha256()
        for path in judging_files():
            found.update(os.path.relpath(path, GRADER).replace(os.sep, "/").encode() + b"\0")
            with open(path, "rb") as file:
                found.update(hashlib.sha256(file.read()).digest())
        _digests.append(found.hexdigest())
    return _digests[0]
