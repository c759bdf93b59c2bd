"""The lesson of a module: as it was handed in, and as the course gave it."""

from __future__ import annotations

from pathlib import Path

from grader.errors import StudentError
from grader.lessons.lesson import Lesson, parse
from grader.rules.course import Course, Module
from grader.sources.snapshots import Snapshot, decode, read_at_most


def read_lesson(snapshot: Snapshot, module: Module) -> Lesson | None:
    """None when the file is not there. Raises StudentError when it cannot be a lesson."""
    text = snapshot.text(module.path)
    return parse(text, module.path) if text is not None else None


def starter_text(course: Course, module: Module) -> str | None:
    """The untouched starter of a release, whose tests count. None in the course's own repository.

    Raises StudentError when a release has lost it: nobody is judged by their own tests.
    """
    path = Path(course.root) / module.starter_path
    if path.is_file():
        return decode(read_at_most(path), module.starter_path)
    if path.parents[1].is_dir():
        raise StudentError(
            f"{module.starter_path} is not there, and the course's tests are in it.",
            hint=restore_hint(module),
        )
    return None


def restore_hint(module: Module) -> str:
    return f"It belongs to the course: git checkout HEAD -- :/{module.starter_path}"


def trusted_lesson(course: Course, module: Module) -> Lesson | None:
    """The starter as a lesson."""
    text = starter_text(course, module)
    return parse(text, module.starter_path) if text is not None else None
