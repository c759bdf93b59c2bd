"""tito grade: the reports that a class, a dashboard or GitHub reads, of one commit."""

from __future__ import annotations

from pathlib import Path

import click

from grader.errors import StudentError
from grader.grading import orders
from grader.grading.orders import Order
from grader.reports import REPORTS, bounded
from grader.reports.formats import text
from grader.sandbox import choice
from grader.verdicts.report import Trust
from tito.app import App, example, pass_app

ALL = "all"


@click.command(epilog=example("tito grade", "tito grade HEAD~1 --format markdown --out reports"))
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option(
    "--format",
    "formats",
    type=click.Choice([*REPORTS, ALL]),
    multiple=True,
    default=["text"],
    help="Which report to write; may be repeated.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    help="The folder that they are written to.",
)
@pass_app
def grade(app: App, revision: str, formats: tuple[str, ...], out: Path) -> int:
    """Judge every module and milestone of a commit, and write the reports that others read.

    The same as pull requests get. On your own machine it is a preview: `python -m grader grade`
    in a checkout of the course's rules is what counts.
    """
    clone = app.clone
    if clone.git.head() is None:
        raise StudentError("There is no commit yet.", hint='git commit -m "my first commit"')
    bounded.make(out)
    order = Order(clone.top, revision, clone.course, Trust.ADVISORY, clone.environment)
    report = orders.judge(order, choice.for_trust(Trust.ADVISORY), app.screen.progress)
    wanted = list(REPORTS) if ALL in formats else list(formats)
    for path in bounded.write(report, wanted, out):
        app.screen.say(str(path))
    app.screen.say(f"\n{text.summary(report)}")
    app.next(report.standing)
    return int(report.wrong)
