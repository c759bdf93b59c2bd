"""tito setup"""

from __future__ import annotations

import sys

import click

from tito.app import App, example, pass_app
from tito.clone import diagnosis, installation
from tito.standing.reconcile import exclude_progress

_STARTS = {
    "pre-commit": "the pre-commit framework, which runs the checks of .pre-commit-config.yaml",
    "prek": "prek, which runs the checks of .pre-commit-config.yaml",
    "raw": "the course's checks, without a framework",
}


@click.command(epilog=example("tito setup", "tito setup --runner prek"))
@click.option(
    "--runner",
    type=click.Choice(installation.RUNNERS),
    help="What a commit starts: the framework pre-commit (the default), its faster relative prek, "
    "or the course's checks alone. Remembered until another one is chosen.",
)
@pass_app
def setup(app: App, runner: str | None) -> int:
    """Install the hooks in this clone, so that every commit is tested.

    May be run again at any time; it changes nothing that is right already.
    """
    clone = app.clone
    say = app.screen.say
    chosen = runner or installation.runner_of(clone.git) or installation.RUNNERS[0]
    done = installation.install(clone, chosen)
    say(f"Course: {clone.course.title}, in {clone.top}")
    new = ", ".join(done.written)
    say(f"Hooks:  {new}" if new else "Hooks:  all were installed already")
    for stage in done.kept:
        say(f"Kept:   your own {stage} hook, as {stage}.legacy; it runs first")
    say(f"Runner: {_STARTS[done.runner]}")
    say(f"Python: {sys.executable} runs them (git config tito.python)")
    rules = diagnosis.rules_of(clone)
    if rules and clone.git.config(diagnosis.RULES_KEY) != rules:
        clone.git.run("config", "--local", diagnosis.RULES_KEY, rules)
    problems = exclude_progress(clone.git)
    for problem in problems:
        app.screen.warn(f"tito: {problem}")
    if not problems:
        say("Ignored by git: progress.json, which is rebuilt at will")
    app.next(app.reconcile().after)
    return 0
