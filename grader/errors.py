"""Errors with a sentence and a next step.

TitoError
├── StudentError   the student must act               exit 1
├── UsageError     the command was used wrongly       exit 2
├── CourseError    the course's author must act       exit 2
└── Fault          ours                               exit 3
"""

from __future__ import annotations


class TitoError(Exception):
    """What happened, in one sentence that names the file or value, and one thing to do about it."""

    exit_code = 3

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n-> {self.hint}" if self.hint else self.what


class StudentError(TitoError):
    exit_code = 1


class UsageError(TitoError):
    exit_code = 2


class CourseError(TitoError):
    exit_code = 2


class Fault(TitoError):
    """The grader failed, not the student: never a lost point."""

    exit_code = 3
