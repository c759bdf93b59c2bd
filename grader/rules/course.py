"""course.yaml: modules, milestones, what each needs and must reach."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError

COURSE_FILE = "course.yaml"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A percentage to reach. strict: more than it; else at least it."""

    percent: float
    strict: bool

    def holds(self, measured_percent: float) -> bool:
        """False for NaN: an unmeasured value reaches nothing."""
        if self.strict:
            return measured_percent > self.percent
        return measured_percent >= self.percent

    def __str__(self) -> str:
        return f"> {self.percent:g} %" if self.strict else f"{self.percent:g} %"


@dataclass(frozen=True, slots=True)
class Module:
    id: str
    title: str
    needs: tuple[str, ...]
    points: int

    @property
    def number(self) -> str:
        return self.id[:2]

    @property
    def name(self) -> str:
        return self.id[3:]

    @property
    def path(self) -> str:
        """The lesson, relative to the course's root: "modules/01_tensor/tensor.py"."""
        return f"modules/{self.id}/{self.name}.py"

    @property
    def starter_path(self) -> str:
        """The untouched starter that a release carries: what reset restores, and whose tests count."""
        return f"starters/{self.id}/{self.name}.py"


@dataclass(frozen=True, slots=True)
class Milestone:
    id: str
    name: str
    story: str
    proves: str
    needs: tuple[str, ...]
    accuracy: Threshold
    loss_falls: Threshold
    points: int

    @property
    def test(self) -> str:
        """The pytest node that verifies it, relative to the course's root."""
        return f"tests/milestones/test_learning_verification.py::test_{self.id}_learning"


@dataclass(frozen=True, slots=True)
class Course:
    """The rules, and the trusted root they were read from."""

    root: Path
    title: str
    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]
    digest: str  # of the bytes of course.yaml

    def as_json(self) -> dict[str, Any]:
        """Everything but the root: what a ledger can remember of course.yaml."""
        content = asdict(self)
        del content["root"]
        return content

    @classmethod
    def from_json(cls, root: Path, stored: dict[str, Any]) -> Course | None:
        """None when STORED is not what as_json() makes."""
        try:
            modules = tuple(Module(**{**m, "needs": tuple(m["needs"])}) for m in stored["modules"])
            milestones = tuple(
                Milestone(
                    **{
                        **m,
                        "needs": tuple(m["needs"]),
                        "accuracy": Threshold(**m["accuracy"]),
                        "loss_falls": Threshold(**m["loss_falls"]),
                    }
                )
                for m in stored["milestones"]
            )
            return cls(root, stored["title"], modules, milestones, stored["digest"])
        except (KeyError, TypeError):
            return None

    def module(self, wanted: str) -> Module:
        """By id ("01_tensor"), number ("01", "1") or name ("tensor"). Raises UsageError."""
        for module in self.modules:
            if wanted in (module.id, module.number, module.name, module.number.lstrip("0") or "0"):
                return module
        raise UsageError(
            f"There is no module '{wanted}' in this course.",
            hint=suggest(wanted, [m.id for m in self.modules], "tito module list shows them all."),
        )

    def milestone(self, wanted: str) -> Milestone:
        """By id. Raises UsageError."""
        for milestone in self.milestones:
            if wanted == milestone.id:
                return milestone
        raise UsageError(
            f"There is no milestone '{wanted}' in this course.",
            hint=suggest(
                wanted, [m.id for m in self.milestones], "tito milestone status shows them all."
            ),
        )


def suggest(wrong: str, known: Iterable[str], otherwise: str) -> str:
    known = list(known)
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known)}. {otherwise}"
