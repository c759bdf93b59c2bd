"""What the parts hand to each other: facts (Evidence) and judgements (Verdict, Standing)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from grader.rules.course import Milestone
from grader.verdicts.measures import NOTHING, Measures


class Outcome(enum.Enum):
    """Of one check."""

    PASSED = "passed"
    FAILED = "failed"  # the check's assertion says no
    TODO = "todo"  # NotImplementedError: not written yet
    ERRORED = "errored"  # another exception
    TIMED_OUT = "timed_out"
    MISSING = "missing"  # expected, never heard of: silence is not a pass
    FAULT = "fault"  # ours, never the student's

    @property
    def stops_a_commit(self) -> bool:
        return self in (Outcome.FAILED, Outcome.ERRORED, Outcome.TIMED_OUT, Outcome.MISSING)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one run.

    name: the test function.  title: its docstring, what the student reads.
    message: what should have come out and what did.  hint: one thing to try.
    where: "modules/01_tensor/tensor.py:120", the student's line if one was involved.
    output: what it printed, cut to a few kilobytes.
    reached: False when an earlier check ended the run before this one was called.
    """

    name: str
    title: str
    outcome: Outcome
    message: str = ""
    hint: str = ""
    where: str = ""
    output: str = ""
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """One run's outcomes and measurements under the key of exactly what ran. No judgement."""

    key: str
    subject: str
    checks: tuple[CheckResult, ...]
    measures: Measures = NOTHING
    duration_s: float = 0.0
    isolation: str = ""  # the name of the sandbox (grader.sandbox), "" when it is not known
    flag: str = (
        ""  # a note for the teacher (grader.proof.milestones.route), which no judgement depends on
    )

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(c.outcome is Outcome.PASSED for c in self.checks)

    @property
    def settled(self) -> bool:
        """False when another run may say something else: a time-out on a busy machine."""
        settled = (Outcome.PASSED, Outcome.FAILED, Outcome.TODO, Outcome.ERRORED)
        return all(c.outcome in settled for c in self.checks)

    @property
    def worth_keeping(self) -> bool:
        """False for a FAULT: a failure of the grader says nothing about the code."""
        return not any(c.outcome is Outcome.FAULT for c in self.checks)


CLAIMS = ("loss", "accuracy", "gradients", "updates")


def claim_titles(milestone: Milestone) -> dict[str, str]:
    """Claim -> what it says. Each is one of the equal parts that a milestone's points consist of."""
    return {
        "loss": f"Loss decreases ({milestone.loss_falls})",
        "accuracy": f"Accuracy ({milestone.accuracy})",
        "gradients": "Gradients flow",
        "updates": "Weights update",
    }


@dataclass(frozen=True, slots=True)
class Earned:
    """When a milestone was first proven in this clone."""

    commit: str
    when: str  # ISO 8601, UTC
