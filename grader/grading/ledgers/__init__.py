"""Where is Evidence kept? One file and one line here per ledger."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol

from grader.verdicts.facts import Earned, Evidence


class Ledger(Protocol):
    """Append-only Evidence by key. Losing it costs time, never progress."""

    def get(self, key: str) -> Evidence | None: ...

    def put(self, evidence: Evidence) -> None: ...

    def recall(self, name: str) -> dict[str, Any] | None:
        """A memo: something that NAME determines and that only took time to find out."""
        ...

    def memo(self, name: str, content: dict[str, Any]) -> None: ...

    def earned(self, milestone: str) -> Earned | None:
        """When the milestone was first proven here."""
        ...

    def earn(self, milestone: str, earned: Earned) -> None:
        """Record the first proof; a later one changes nothing."""
        ...


LEDGERS = {"files": "FileLedger", "memory": "MemoryLedger"}  # file here -> its class


def ledger(name: str, place: Path) -> Ledger:
    """The ledger that NAME says, keeping what it keeps below PLACE."""
    made: Ledger = getattr(importlib.import_module(f"{__name__}.{name}"), LEDGERS[name])(place)
    return made
