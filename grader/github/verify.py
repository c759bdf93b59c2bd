"""python -m grader.github.verify STUDENT --out FOLDER [--classroom]

The untrusted job: student code runs on this machine. It is started in a checkout of the rules
(the base revision), judges HEAD of the other checkout as a git tree, and writes the verdict, the
job's summary, annotations and outputs. Whatever happens, there is a sentence on that page.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import TitoError
from grader.grading import orders
from grader.grading.orders import Order
from grader.reports import REPORTS, bounded, escape
from grader.reports.formats import annotate, classroom, text
from grader.rules import reading
from grader.sandbox import choice
from grader.verdicts.report import Problem, Report, Trust

FORMATS = ("verdict",)
_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+\Z")


@dataclass(frozen=True, slots=True)
class StepFiles:
    """What a runner reads when a step ends. None outside of one."""

    output: Path | None
    summary: Path | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> StepFiles:
        def path(name: str) -> Path | None:
            return Path(environment[name]) if environment.get(name) else None

        return cls(path("GITHUB_OUTPUT"), path("GITHUB_STEP_SUMMARY"))


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 nothing is wrong, 1 something is, 2 wrong usage or course, 3 our fault."""
    parser = argparse.ArgumentParser(prog="python -m grader.github.verify", description=__doc__)
    parser.add_argument("student", type=Path, help="the checkout whose HEAD is judged")
    parser.add_argument("--out", type=Path, required=True, help="where verdict.json goes")
    parser.add_argument("--course", type=Path, default=Path(), help="the rules (this folder)")
    parser.add_argument(
        "--format", action="append", default=[], choices=REPORTS, help="more reports for --out"
    )
    parser.add_argument(
        "--within", type=Path, default=Path(), help="what other paths are relative to (this folder)"
    )
    parser.add_argument(
        "--classroom", action="store_true", help="results per milestone as outputs of the step"
    )
    parser.add_argument("--notices", action="store_true", help="print Classroom's two points lines")
    options = parser.parse_args(argv)
    environment = dict(os.environ)
    files = StepFiles.of(environment)
    try:
        return _verify(options, environment, files)
    except TitoError as error:
        _say_problem(files, error)
        return error.exit_code


def _verify(options: argparse.Namespace, environment: Mapping[str, str], files: StepFiles) -> int:
    course = reading.load((options.within / options.course).resolve())
    out = options.within / options.out
    bounded.make(out)
    repository = environment.get("GITHUB_REPOSITORY", "")
    order = Order(
        (options.within / options.student).resolve(),
        "HEAD",
        course,
        _trust(environment),
        environment,
        repository if _NAME.match(repository) else "",
    )
    if options.classroom:
        # Said before anything runs: the last line of a name counts, and if this process is
        # killed there is none later. A milestone without a result would shrink the total.
        stopped = Problem("The grader was stopped before it had finished.")
        _outputs(files, orders.without_verdict(order, stopped))
    report, status = orders.attempt(order, lambda: choice.for_trust(Trust.CI))
    bounded.write(report, [*FORMATS, *options.format], out)
    _tell(files, report, classroom_outputs=options.classroom)
    if options.notices:
        sys.stdout.write(classroom.notices(report))
    return status


def _trust(environment: Mapping[str, str]) -> Trust:
    """A pull request can bring its own workflow file, so what it says is a preview."""
    pushed = environment.get("GITHUB_EVENT_NAME") in ("push", "workflow_dispatch")
    return Trust.CI if pushed else Trust.ADVISORY


def _tell(files: StepFiles, report: Report, *, classroom_outputs: bool) -> None:
    for command in annotate.commands(bounded.shortened(report, 1500, 20)):
        sys.stdout.write(f"{command}\n")
    sys.stdout.write(f"{escape.log(text.summary(report))}\n")
    if files.summary is not None:
        page = bounded.render("markdown", report)["report.md"]
        with files.summary.open("a", encoding="utf-8") as file:
            file.write(page)
    if classroom_outputs:
        _outputs(files, report)


def _outputs(files: StepFiles, report: Report) -> None:
    """Each milestone's result under its id, and the totals."""
    if files.output is None:
        return
    lines = bounded.render("classroom", report)["classroom-outputs.txt"]
    results = json.dumps(classroom.outputs(bounded.shortened(report, 300, 20)))
    totals = f"points={report.milestone_points}\nmax-points={report.milestone_points_possible}\n"
    totals += f"results={results}\n"
    with files.output.open("a", encoding="utf-8") as file:
        file.write(lines + totals)


def _say_problem(files: StepFiles, error: TitoError) -> None:
    """Without a course there is no report: a sentence and a next step."""
    sys.stdout.write(f"::error title=Not judged::{escape.command_data(str(error), 1000)}\n")
    if files.summary is not None:
        with files.summary.open("a", encoding="utf-8") as file:
            hint = escape.span(error.hint)
            file.write(f"> [!CAUTION]\n> {escape.span(error.what)}\n>\n> {hint}\n")


if __name__ == "__main__":
    sys.exit(main())
