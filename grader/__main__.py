"""python -m grader grade REPO --rev SHA --course TRUSTED_ROOT --format F --out DIR
python -m grader bundle FOLDER

The door for teachers, classes and CI. tito is the door for students.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from grader.errors import TitoError, UsageError
from grader.github.classroom50 import bundle
from grader.grading import orders
from grader.grading.orders import Order
from grader.reports import REPORTS, bounded, escape
from grader.reports.formats import text
from grader.rules import reading
from grader.rules.course import Course
from grader.sandbox import choice
from grader.sources import ingest
from grader.verdicts.report import Trust

ALL = "all"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 nothing is wrong, 1 something is, 2 wrong usage or course, 3 our fault."""
    options = _parser().parse_args(argv)
    try:
        course = reading.load(options.course.resolve())
        return _bundle(options, course) if options.command == "bundle" else _grade(options, course)
    except TitoError as error:
        return _say(error.what, error.hint, error.exit_code)


def _say(what: str, hint: str, status: int) -> int:
    """One sentence and the next step. They may name a student's file, and this may be a job's log."""
    sys.stderr.write(f"grader: {escape.log(what)}\n")
    if hint:
        sys.stderr.write(f"-> {escape.log(hint)}\n")
    return status


def _bundle(options: argparse.Namespace, course: Course) -> int:
    files = bundle.build(course)
    bundle.write(files, options.folder)
    size = sum(map(len, files.values())) // 1024
    sys.stdout.write(
        f"{len(files)} files, {size:,} KiB, in {options.folder}.\n"
        "Next: copy them to CLASSROOM/autograders/ASSIGNMENT/ of your classroom50 repository\n"
    )
    return 0


def _grade(options: argparse.Namespace, course: Course) -> int:
    if options.rev == "":
        raise UsageError("--rev is empty.", hint="Name a commit, or leave --rev out.")
    bounded.make(options.out)
    order = Order(
        options.repo.resolve(),
        options.rev or ("HEAD" if ingest.is_repository(options.repo) else None),
        course,
        Trust(options.trust),
        dict(os.environ),
        options.repository,
    )
    report, status = orders.attempt(
        order, lambda: choice.for_trust(order.trust, weak_allowed=options.allow_weak)
    )
    if report.problem is not None:
        _say(report.problem.what, report.problem.hint, status)
    asked = options.format or ["text"]
    formats = list(REPORTS) if ALL in asked else asked
    for path in bounded.write(report, formats, options.out):
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(f"{escape.log(text.summary(report))}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grader", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    grade = commands.add_parser("grade", help="judge one commit and write reports")
    grade.add_argument("repo", type=Path, metavar="REPO", help="the student's repository or folder")
    grade.add_argument(
        "--rev", help="the commit to judge (HEAD; without a repository: the files as they lie)"
    )
    grade.add_argument(
        "--course", type=Path, default=Path(), help="the trusted root of rules, tests and data (.)"
    )
    grade.add_argument(
        "--format",
        action="append",
        choices=[*REPORTS, ALL],
        metavar="F",
        help=f"{', '.join(REPORTS)} or {ALL}; may be repeated (text)",
    )
    grade.add_argument("--out", type=Path, default=Path("reports"), help="a folder (reports)")
    grade.add_argument(
        "--trust",
        choices=[t.value for t in Trust],
        default=Trust.ADVISORY.value,
        help="how far this machine is to be believed; written into every report",
    )
    grade.add_argument(
        "--allow-weak",
        action="store_true",
        help="authoritative grading although no strong sandbox works here; the report says so",
    )
    grade.add_argument("--repository", default="", help='"owner/name", for links')
    packed = commands.add_parser("bundle", help="write the autograder of a Classroom 50 assignment")
    packed.add_argument("folder", type=Path, metavar="FOLDER", help="new or empty")
    packed.add_argument("--course", type=Path, default=Path(), help="the course (.)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
