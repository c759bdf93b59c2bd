"""How is a stranger's code run? One file and one line here per sandbox."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from grader.sandbox.jobs import Job
    from grader.sandbox.process import Answer
    from grader.verdicts.facts import Evidence


class Sandbox(Protocol):
    """Returns one outcome per expected check, and never raises for what a student wrote."""

    def run(self, job: Job) -> Evidence: ...

    def ask(self, job: Job) -> Answer:
        """The same run, with the arrays that the worker sent."""
        ...


@dataclass(frozen=True)
class OnDemand:
    """A sandbox whose code is imported when something is run: most commits run nothing."""

    source: str
    name: str
    isolation: str

    @functools.cached_property
    def _sandbox(self) -> Sandbox:
        module = importlib.import_module(f"grader.sandbox.{self.source}")
        made: Sandbox = getattr(module, self.name)()
        return made

    def run(self, job: Job) -> Evidence:
        return self._sandbox.run(job)

    def ask(self, job: Job) -> Answer:
        return self._sandbox.ask(job)


SANDBOXES: dict[str, Callable[[], Sandbox]] = {
    "bubblewrap": lambda: OnDemand("bubblewrap", "BubblewrapSandbox", "bubblewrap"),
    "landlock": lambda: OnDemand("landlock", "LandlockSandbox", "landlock"),
    "process": lambda: OnDemand("process", "ProcessSandbox", "process"),
}
# The strongest first. What each stops: docs/trust.md, measured by benchmarks/isolation.py.
STRONG = ("bubblewrap", "landlock")
