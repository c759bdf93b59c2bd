"""The folder that a teacher puts into Classroom 50's autograder slot: everything that judges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grader.errors import CourseError, UsageError
from grader.lessons.lesson import parse
from grader.rules import parts
from grader.rules.course import Course

ENTRY = "classroom50/autograder.py"
MOST_BYTES = 10 * 1024 * 1024  # what Classroom 50's runner fetches


def build(course: Course) -> dict[str, bytes]:
    """path -> content. Raises CourseError when something is missing or it grows too large.

    The starters are made from the lessons in the course's own repository, and are there already
    in a release. No solution is in them.
    """
    root = course.root
    files = {"autograder.py": _read(root / ENTRY)}
    for part in parts.having("bundle"):
        place = root / part
        if "made" in parts.PARTS.get(f"{part}/", "") and not place.exists():
            continue
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            caches = any(p.startswith((".", "__")) for p in path.relative_to(root).parts[:-1])
            if not (path.is_dir() or caches):
                files[path.relative_to(root).as_posix()] = _read(path)
    for module in course.modules:
        if module.starter_path not in files:
            text = _read(root / module.path).decode("utf-8")
            files[module.starter_path] = parse(text, module.path).starter().encode()
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        raise CourseError(
            f"The bundle has {size:,} bytes; Classroom 50 takes {MOST_BYTES:,}.",
            hint="Make the data in tests/milestones/data smaller.",
        )
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"{path} cannot be read: {error.strerror}.", hint=f"git checkout HEAD -- {path.name}"
        ) from None


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """FILES in FOLDER, which must be new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty.", hint="Name a new folder, or empty it first.")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
