"""A ledger for one process: grading that must not remember anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grader.verdicts.facts import Earned, Evidence


class MemoryLedger:
    def __init__(self, _directory: Path | None = None) -> None:
        self._evidence: dict[str, Evidence] = {}
        self._memos: dict[str, dict[str, Any]] = {}
        self._earned: dict[str, Earned] = {}

    def get(self, key: str) -> Evidence | None:
        return self._evidence.get(key)

    def put(self, evidence: Evidence) -> None:
        if evidence.worth_keeping:
            self._evidence[evidence.key] = evidence

    def recall(self, name: str) -> dict[str, Any] | None:
        return self._memos.get(name)

    def memo(self, name: str, content: dict[str, Any]) -> None:
        self._memos[name] = content

    def earned(self, milestone: str) -> Earned | None:
        return self._earned.get(milestone)

    def earn(self, milestone: str, earned: Earned) -> None:
        self._earned.setdefault(milestone, earned)
