"""A hand-in to Classroom 50: the checkout judged by the rules of a bundle. See classroom50/."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from grader.errors import StudentError, TitoError
from grader.grading import orders
from grader.grading.orders import Order
from grader.reports import bounded, escape
from grader.reports.formats import text
from grader.rules import reading
from grader.sandbox import choice
from grader.sources import ingest
from grader.verdicts.report import Trust

FORMATS = ("classroom50",)


def main(bundle: Path, checkout: Path, submission: Mapping[str, str]) -> int:
    """result.json and release-body.md in CHECKOUT. 0 when there is a verdict, also a bad one."""
    try:
        course = reading.load(bundle)
    except TitoError as error:
        sys.stderr.write(f"autograder: {error}\n")
        return error.exit_code
    revision = "HEAD" if ingest.is_repository(checkout) else None
    order = Order(checkout, revision, course, Trust.CI, dict(os.environ))
    report, status = orders.attempt(order, lambda: choice.for_trust(Trust.CI))
    report = replace(report, submission=dict(submission))
    try:
        for name in ("result.json", "release-body.md"):
            _clear(checkout / name)
        bounded.write(report, FORMATS, checkout)
    except TitoError as error:
        sys.stderr.write(f"autograder: {escape.log(str(error))}\n")
        return error.exit_code
    sys.stdout.write(f"{escape.log(text.summary(report))}\n")
    # A student's fault is a verdict of no points; ours must not look like one.
    return status if report.problem is not None and status != StudentError.exit_code else 0


def _clear(path: Path) -> None:
    """What lies there is the student's: a link would have us write somewhere else."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
