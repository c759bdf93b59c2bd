"""Landlock and seccomp: the worker closes files and calls behind itself. No root, no program."""

from __future__ import annotations

from typing import ClassVar

from grader.sandbox.process import ProcessSandbox


class LandlockSandbox(ProcessSandbox):
    isolation: ClassVar[str] = "landlock"
    # Nobody stands between: it has no other process that it could signal.
    confinement: ClassVar[dict[str, bool]] = {"between": False, "files": True, "calls": True}
