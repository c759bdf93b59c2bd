"""What only this course knows of its library: scenarios and trainings, as the judge sent them.

A script is a file of grader/content/. It imports others that stand above it, and values.py, under
the names that these have in the judge's package.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

import values

Arrays = dict[str, Any]
VALUES = "grader.sandbox.worker.values"


class Scripts:
    """scenarios: by name.  parts: class -> the layers of its instances, by the part they play."""

    def __init__(self, sources: Iterable[tuple[str, str]]) -> None:
        """sources: dotted name and text of each script, those that others import first."""
        self.scenarios: dict[str, Callable[[Any, Arrays, Any], Arrays]] = {}
        self.parts: dict[str, Callable[[Any, Any], dict[str, Any]]] = {}
        sys.modules[VALUES] = values
        for name, source in sources:
            module = types.ModuleType(name)
            sys.modules[name] = module
            exec(compile(source, name, "exec"), module.__dict__)
            known = module.__dict__
            self.scenarios.update({f.__name__: f for f in known.get("SCENARIOS", ())})
            self.parts.update(known.get("PARTS", {}))

    def refuse_without(self, scenarios: set[str], trainings: set[str]) -> None:
        """Raises LookupError for what the judge asks and no script holds: before student code runs,
        so that a gap in the course is a FAULT, never a student's failure.
        """
        missing = scenarios - self.scenarios.keys()
        missing |= {n for n in trainings if "train" not in vars(sys.modules.get(n, types))}
        if missing:
            raise LookupError(f"no script of the course holds {', '.join(sorted(missing))}")

    def training(self, name: str) -> Callable[[Any], None]:
        """The function train() of the script NAME."""
        found: Callable[[Any], None] = sys.modules[name].__dict__["train"]
        return found
