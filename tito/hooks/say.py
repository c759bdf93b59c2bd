"""Words to the terminal under git commit, in the characters it can draw."""

from __future__ import annotations

import contextlib
import sys

from grader.reports.console import fit


def say(words: str) -> None:
    """A pipe that nobody reads, or a log on a full disk, does not decide about a commit."""
    if words:
        with contextlib.suppress(OSError):
            print(fit(words, sys.stdout.encoding), flush=True)  # noqa: T201  # what the student reads
