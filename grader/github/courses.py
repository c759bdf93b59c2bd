"""course.yaml without a YAML library: the job that awards badges installs nothing.

Understands what a course needs of YAML (one key per line, `- ` items, [lists] and {tables} in one
line, quotes, comments) and refuses the rest with its line. tests/github compares it with
grader.rules.course on every course there is.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from grader.errors import CourseError
from grader.rules.course import COURSE_FILE, Course

_KEY = re.compile(r"( *)(- )?([a-z_]+): *(.*)\Z")
_ITEM_TABLE = re.compile(r"( *)- (\{.*\})\Z")
_PAIR = re.compile(r"""\s*([a-z_]+):\s*(\[[^\]]*\]|"[^"]*"|'[^']*'|[^,\[\]{}"']*)\s*(?:,|\Z)""")
_THRESHOLD = re.compile(r"(>=? *)?([0-9]+(?:\.[0-9]+)?) *%\Z")
_SECTIONS = ("modules", "milestones")


def load(root: Path) -> Course:
    """Raises CourseError with the line that this reader does not understand."""
    path = root / COURSE_FILE
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(
            f"{COURSE_FILE} cannot be read ({error.__class__.__name__}).",
            hint=f"Restore it: git checkout HEAD -- :/{COURSE_FILE}",
        ) from None
    top = _Reader(text).read()
    try:
        loss_falls = _threshold(top["loss_falls"])
        stored = {
            "title": top["course"],
            "digest": hashlib.sha256(raw).hexdigest(),
            "modules": [{**m, "points": int(m["points"])} for m in top["modules"]],
            "milestones": [
                {
                    **m,
                    "points": int(m["points"]),
                    "accuracy": _threshold(m["accuracy"]),
                    "loss_falls": loss_falls,
                }
                for m in top["milestones"]
            ],
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(f"{COURSE_FILE}: {error} is missing or no number") from None
    course = Course.from_json(root, stored)
    if course is None or not course.milestones:
        raise _unreadable(f"{COURSE_FILE}: an entry lacks a key, or has one too many")
    return course


def _threshold(text: str) -> dict[str, Any]:
    match = _THRESHOLD.match(text)
    if match is None:
        raise ValueError(repr(text))
    return {"percent": float(match.group(2)), "strict": (match.group(1) or "").strip() == ">"}


def _unreadable(what: str) -> CourseError:
    return CourseError(
        f"{what}.",
        hint="Write one key per line, lists in [brackets]; `tito status` says what else is wrong.",
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def read(self) -> dict[str, Any]:
        top: dict[str, Any] = {name: [] for name in _SECTIONS}
        section = ""
        item: dict[str, Any] | None = None
        indent = 0
        for number, line in enumerate(self._lines, start=1):
            content = _without_comment(line).rstrip()
            if not content or content == "---":
                continue
            table = _ITEM_TABLE.match(content)
            if table and section:
                top[section].append(self._table(table.group(2)[1:-1], number))
                item = None
                continue
            match = _KEY.match(content)
            if match is None:
                raise self._error(number)
            spaces, dash, key, value = match.groups()
            if not spaces and not dash:
                section = key if key in _SECTIONS else ""
                if bool(section) == bool(value):
                    raise self._error(number)
                if value:
                    self._put(top, key, self._value(value, number), number)
            elif dash and section:
                item, indent = {}, len(spaces) + 2
                top[section].append(item)
                self._put(item, key, self._value(value, number), number)
            elif item is not None and len(spaces) == indent:
                self._put(item, key, self._value(value, number), number)
            else:
                raise self._error(number)
        return top

    def _put(self, table: dict[str, Any], key: str, value: Any, number: int) -> None:
        if key in table:
            raise self._error(number)
        table[key] = value

    def _table(self, inside: str, number: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        position = 0
        while position < len(inside):
            match = _PAIR.match(inside, position)
            if match is None:
                raise self._error(number)
            self._put(table, match.group(1), self._value(match.group(2).strip(), number), number)
            position = match.end()
        return table

    def _value(self, text: str, number: int) -> Any:
        if text.startswith("[") and text.endswith("]"):
            inside = text[1:-1].strip()
            return tuple(self._scalar(t.strip(), number) for t in inside.split(",") if t.strip())
        return self._scalar(text, number)

    def _scalar(self, text: str, number: int) -> str:
        if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
            inside = text[1:-1]
            if "\\" in inside or text[0] in inside:
                raise self._error(number)
            return inside
        if not text or text[0] in "[]{}&*!|>%@`\"'?" or ": " in text or text.endswith(":"):
            raise self._error(number)
        return text

    def _error(self, number: int) -> CourseError:
        return _unreadable(
            f"{COURSE_FILE}, line {number}: written in a way that awarding badges does not read"
        )


def _without_comment(line: str) -> str:
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (not at or line[at - 1] in " [{,"):
            quote = character
        elif character == "#" and (not at or line[at - 1] in " \t"):
            return line[:at]
    return line
