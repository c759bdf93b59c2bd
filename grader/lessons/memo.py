"""What a lesson's text determines, small enough to remember: an unchanged lesson is not parsed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from grader.lessons.lesson import (
    Check,
    Exports,
    Lesson,
    is_export_name,
    package_init,
    parent_packages,
)
from grader.sources.snapshots import blob_id


@dataclass(frozen=True, slots=True)
class LessonMemo(Exports):
    """digest: of what the grader runs (Lesson.digest).  code_digest: SHA-256 of the export's text.
    code_blob: the id that git gives the export.  problem: (what, hint) of a syntax error.
    """

    path: str
    export_name: str
    digest: str
    code_digest: str
    code_blob: str
    checks: tuple[Check, ...]
    problem: tuple[str, str] | None = None

    @classmethod
    def of(cls, lesson: Lesson) -> LessonMemo:
        broken = lesson.syntax_error()
        code = "" if broken else lesson.export()
        return cls(
            lesson.path,
            lesson.export_name,
            lesson.digest(),
            digest(code),
            blob_id(code.encode()),
            lesson.checks,
            (broken.what, broken.hint) if broken else None,
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> LessonMemo | None:
        """None when STORED is not what as_json() makes."""
        try:
            checks = tuple(Check(**check) for check in stored["checks"])
            what, hint = stored["problem"] or ("", "")
            problem = (what, hint) if what else None
            found = cls(**{**stored, "checks": checks, "problem": problem})
        except (KeyError, TypeError, ValueError):
            return None
        words = [found.path, found.digest, found.code_digest, found.code_blob, what, hint]
        words += [word for check in checks for word in (check.name, check.title)]
        sound = all(isinstance(word, str) for word in words) and is_export_name(found.export_name)
        return found if sound else None


class Package(Mapping[str, str]):
    """tinytorch/ as some lessons export it: path -> text, made when somebody reads it.

    digest() and blob() of a file are known without its text, and so without parsing the lesson.
    """

    def __init__(
        self,
        memos: Sequence[LessonMemo],
        text_of: Callable[[LessonMemo], str],
        room_for: Exports | None = None,
    ) -> None:
        """text_of: what a lesson exports.
        room_for: a lesson that is not in it, but whose folders are to be there.
        """
        self._memos = {o.export_path: o for o in memos}
        self._text_of = text_of
        self._small = {"tinytorch/__init__.py": package_init(memos)}
        for exports in (*memos, *([room_for] if room_for else [])):
            self._small.update(parent_packages(exports))

    def __getitem__(self, path: str) -> str:
        if path in self._memos:
            return self._text_of(self._memos[path])
        return self._small[path]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._small, *self._memos))

    def __len__(self) -> int:
        return len(self._small) + len(self._memos)

    def digest(self, path: str) -> str:
        memo = self._memos.get(path)
        return memo.code_digest if memo else digest(self._small[path])

    def blob(self, path: str) -> str:
        memo = self._memos.get(path)
        return memo.code_blob if memo else blob_id(self._small[path].encode())


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
