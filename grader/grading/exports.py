"""What to change so that tinytorch/ holds what the lessons export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.verdicts.verdicts import Standing


@dataclass(frozen=True, slots=True)
class Plan:
    """files: path -> content that tinytorch/ should hold.  write, remove: what to change to get there."""

    files: Mapping[str, str]
    write: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.write and not self.remove


def plan_exports(standing: Standing) -> Plan:
    """What to change so that the package is what the proven modules export."""
    package = standing.package
    write = tuple(p for p in standing.drift if p in package)
    return Plan(package, write, tuple(p for p in standing.drift if p not in package))
