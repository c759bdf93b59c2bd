"""Which sandbox this machine offers, tried once; and which one a level of trust asks for."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Iterator

from grader.errors import CourseError
from grader.sandbox import SANDBOXES, STRONG, Sandbox, jobs
from grader.sandbox.jobs import Limits
from grader.verdicts.facts import Outcome
from grader.verdicts.report import Trust

PORTABLE = "process"
_ATTEMPTS = ("files", "processes", "signals", "network")
_NOT_DUMPABLE = 4  # prctl(2), PR_SET_DUMPABLE


@functools.cache
def weakness(name: str) -> str:
    """Why the sandbox does not confine a worker on this machine, "" if it does. A trial: 0.1 s."""
    with tempfile.NamedTemporaryFile(prefix="tito-secret-") as secret:
        program = {"secret": os.path.realpath(secret.name)}
        limits = Limits(wall_s=10.0)
        job = jobs.make("self test", "self_test.py", {}, program, _ATTEMPTS, limits=limits)
        checks = SANDBOXES[name]().run(job).checks
    bad = next((c for c in checks if c.outcome is not Outcome.PASSED), None)
    return f"{bad.name}: {bad.message}" if bad else ""


def available() -> Iterator[str]:
    """Names of the sandboxes that work here, the strongest first."""
    yield from (name for name in STRONG if not weakness(name))
    yield PORTABLE


def for_trust(trust: Trust, *, weak_allowed: bool = False) -> Sandbox:
    """The sandbox that a verdict of this trust is made in.

    advisory: the portable one, which costs nothing to choose.  ci: the strongest there is.
    authoritative: a strong one; CourseError where there is none, unless WEAK_ALLOWED. Which one
    it was stands in the Evidence.
    """
    if trust is Trust.ADVISORY:
        return SANDBOXES[PORTABLE]()
    _close_own_memory()
    name = next(available())
    if trust is Trust.AUTHORITATIVE and name not in STRONG and not weak_allowed:
        reasons = "; ".join(f"{strong} ({weakness(strong)})" for strong in STRONG)
        raise CourseError(
            f"Authoritative grading needs a strong sandbox, and none works here: {reasons}.",
            hint="Install bubblewrap, or use Linux 6.2 or newer with Landlock; docs/trust.md says "
            "what a weaker one does not stop.",
        )
    return SANDBOXES[name]()


def _close_own_memory() -> None:
    """No process of our own user may look into this one: what the judge knows is in its memory."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
