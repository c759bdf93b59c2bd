"""What each milestone trains. One file and one line here per milestone."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from grader.errors import CourseError
from grader.job import Limits

if TYPE_CHECKING:
    from grader.challenges.base import Challenge

USUAL = Limits(wall_s=60.0, cpu_s=40, report_mb=192)
# A convolution in plain loops is right, and takes about a minute.
LOOPS = Limits(wall_s=150.0, cpu_s=120, report_mb=192)

# By name, because they need NumPy and the hooks must not pay for it; and what a training may use.
CHALLENGES = {
    "perceptron": ("grader.challenges.perceptron", USUAL),
    "xor": ("grader.challenges.xor", USUAL),
    "mlp_digits": ("grader.challenges.mlp_digits", USUAL),
    "cnn": ("grader.challenges.cnn", LOOPS),
    "transformer": ("grader.challenges.transformer", USUAL),
}


def limits(milestone: str) -> Limits:
    """The usual ones for a milestone that has no challenge: challenge() says so when it is run."""
    return CHALLENGES[milestone][1] if milestone in CHALLENGES else USUAL


def challenge(milestone: str) -> Challenge:
    if milestone not in CHALLENGES:
        raise CourseError(
            f"course.yaml names the milestone '{milestone}', for which there is no challenge.",
            hint=f"Write grader/challenges/{milestone}.py and name it in grader/challenges/__init__.py.",
        )
    found: Challenge = importlib.import_module(CHALLENGES[milestone][0]).CHALLENGE
    return found
