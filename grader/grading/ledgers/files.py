"""One JSON file per key under <git-common-dir>/tito: whole or absent, whoever else writes."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from grader.files import write_whole
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.measures import Measures

# Annotations are text here (from __future__ import annotations).
_KINDS = {f.name: {"str": str, "bool": bool}.get(str(f.type), object) for f in fields(CheckResult)}


class FileLedger:
    """A file that is damaged, or that a newer version wrote, counts as absent: the run is repeated.

    A ledger that cannot be written is no reason to fail: the verdict stands, it is only not
    remembered. `writable` tells.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.writable = True

    def get(self, key: str) -> Evidence | None:
        stored = self._read(self._evidence_path(key))
        if stored is None or stored.get("key") != key:
            return None
        try:
            evidence = Evidence(
                key,
                _typed(stored["subject"], str),
                tuple(_check(c) for c in _typed(stored["checks"], list)),
                Measures.from_json(stored["measures"]),
                _typed(stored["duration_s"], (float, int)),
                _typed(stored.get("isolation", ""), str),
            )
        except (KeyError, TypeError, ValueError):
            return None
        return evidence if evidence.worth_keeping else None

    def put(self, evidence: Evidence) -> None:
        if not evidence.worth_keeping:
            return
        content = asdict(evidence)
        content["measures"] = evidence.measures.as_json()
        content["checks"] = [{**c, "outcome": c["outcome"].value} for c in content["checks"]]
        self._write(self._evidence_path(evidence.key), content)

    def recall(self, name: str) -> dict[str, Any] | None:
        return self._read(self._directory / "memos" / f"{name}.json")

    def memo(self, name: str, content: dict[str, Any]) -> None:
        self._write(self._directory / "memos" / f"{name}.json", content)

    def earned(self, milestone: str) -> Earned | None:
        stored = self._read(self._earned_path(milestone))
        try:
            return (
                Earned(_typed(stored["commit"], str), _typed(stored["when"], str))
                if stored
                else None
            )
        except (KeyError, TypeError):
            return None

    def earn(self, milestone: str, earned: Earned) -> None:
        if self.earned(milestone) is None:
            self._write(self._earned_path(milestone), asdict(earned))

    def _evidence_path(self, key: str) -> Path:
        return self._directory / "evidence" / f"{key}.json"

    def _earned_path(self, milestone: str) -> Path:
        return self._directory / "earned" / f"{milestone}.json"

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            stored = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return stored if isinstance(stored, dict) else None

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(content, indent=1, sort_keys=True) + "\n")
        except OSError:
            self.writable = False


def _check(stored: dict[str, Any]) -> CheckResult:
    outcome = Outcome(stored["outcome"])
    rest = {name: _typed(v, _KINDS[name]) for name, v in stored.items() if name != "outcome"}
    return CheckResult(outcome=outcome, **rest)


def _typed(value: Any, kind: type | tuple[type, ...]) -> Any:
    """VALUE, which somebody may have damaged. Raises TypeError."""
    if not isinstance(value, kind):
        raise TypeError(value)
    return value
