"""tito demo: the whole course, played."""

from __future__ import annotations

from pathlib import Path

import click

from grader.errors import UsageError
from tito.app import App, example, pass_app
from tito.demo import Demo


@click.command("demo", epilog=example("tito demo", "tito demo my-demo"))
@click.argument("folder", default="demo", type=click.Path(path_type=Path))
@pass_app
def demo(app: App, folder: Path) -> int:
    """Play a student through the whole course, with real commits.

    FOLDER is made (an earlier demo there is replaced) and left for you to look at. Works in the
    repository that the course is made in: a student's has no solutions to play.
    """
    clone = app.clone
    if not clone.is_source:
        raise UsageError(
            "A demo needs the course's solutions, and this is a student repository.",
            hint="Run it in the repository that the course is made in.",
        )
    Demo(
        clone.course,
        clone.git,
        clone.head(),
        folder.absolute(),
        app.environment,
        lambda line: app.screen.say(line, style="bold cyan"),
    ).play()
    return 0
