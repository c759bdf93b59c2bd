"""tito course: for those who make the course."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from grader.authors import checking, release
from grader.errors import CourseError, UsageError
from grader.grading.ledgers.memory import MemoryLedger
from tito.app import App, Group, example, help_of, pass_app


@click.group(
    "course",
    cls=Group,
    invoke_without_command=True,
    epilog=example("tito course check", "tito course release ../tinytorch-students"),
)
@click.pass_context
def course(ctx: click.Context) -> int:
    """Check the course, and make the repository that students get."""
    return help_of(ctx)


@course.command("check", epilog=example("tito course check"))
@pass_app
def check(app: App) -> int:
    """Does the course hold together?

    Every solution passes its tests and probes; every starter imports and passes nothing; the
    milestones pass on the solutions; every test has a docstring and a hint; no solution is in a
    release.
    """
    _refuse_student(app)
    problems = _check(app)
    if problems:
        app.screen.say(f"\n{problems} to mend before this course can be given out.")
        return 2
    app.screen.say("\nThe course holds. Next: tito course release FOLDER")
    return 0


def _refuse_student(app: App) -> None:
    if not app.clone.is_source:
        raise UsageError(
            "This is a student repository: it has no solutions to check or to leave out.",
            hint="Run it in the repository that the course is made in.",
        )


def _check(app: App) -> int:
    """Findings as they come. The number of problems. No earlier run is believed."""
    clone = app.clone
    engine = replace(clone.engine, ledger=MemoryLedger())
    problems = 0
    for finding in checking.check(engine, clone.git, clone.working_tree()):
        if finding.problem:
            problems += 1
            app.screen.say(
                f"❌ {finding.what}" + (f"\n   -> {finding.hint}" if finding.hint else "")
            )
        else:
            app.screen.say(f"✅ {finding.what}")
    return problems


@course.command("release", epilog=example("tito course release ../tinytorch-students"))
@click.argument("folder", type=click.Path(path_type=Path))
@pass_app
def make_release(app: App, folder: Path) -> int:
    """Make the repository that students get in FOLDER.

    Starters instead of solutions, hooks, workflows, tests, an empty tinytorch/, and one commit
    that is the same for the same course. Refuses unless the course holds (tito course check).
    """
    _refuse_student(app)
    git = app.clone.git
    # What takes no time to see comes before the check, which takes some.
    release.refuse_inside(git, folder)
    release.refuse_occupied(folder)
    release.refuse_uncommitted(git)
    problems = _check(app)
    if problems:
        raise CourseError(
            f"{problems} to mend before this course can be given out; nothing was written.",
            hint="Mend what is marked above, commit, and release again.",
        )
    files = release.build(git, app.clone.course)
    commit = release.write(files, folder, release.date_of_head(git))
    app.screen.say(f"\n{len(files)} files, commit {commit[:12]}, in {folder}.")
    app.screen.say(
        f"Next: cd {shlex.quote(str(folder))} && git remote add origin URL && git push -u origin {release.BRANCH}"
    )
    return 0
