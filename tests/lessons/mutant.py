"""One bug, as a change of text in a reference lesson."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A textual patch that at least one inline test must catch.

    old occurs exactly count times in the lesson of module; every occurrence becomes new.
    """

    id: str
    module: str
    what: str
    old: str
    new: str
    count: int = 1
