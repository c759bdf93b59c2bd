"""What the worker does for the probes of 01_beans that are more than one call."""

from __future__ import annotations

from typing import Any

from grader.sandbox.worker.values import Arrays


def moved(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    guess = tt.Guess(3)
    tt.differentiate(guess, arrays["jars"], arrays["beans"])
    slope = guess.grad
    tt.better(guess, 0.1)
    return {"grad": slope, "data after a step of 0.1": guess.data}


SCENARIOS = (moved,)
