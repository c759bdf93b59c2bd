"""tito status"""

from __future__ import annotations

import click

from grader.reports import phrases
from grader.reports.formats import json as reports_json
from grader.verdicts.verdicts import Standing
from tito.app import App, example, json_option, pass_app
from tito.standing.reconcile import Reconciled


@click.command(epilog=example("tito status", "tito status --json"))
@json_option
@pass_app
def status(app: App, as_json: bool) -> int:
    """Show what is complete, unlocked and achieved, and what to do next.

    Speaks of the last commit; what came in without the hook is tested now.
    """
    found = app.reconcile(quiet=as_json)
    if as_json:
        values = reports_json.standing_values(found.after)
        values["claimed_milestones"] = list(found.claimed)
        app.screen.json(reports_json.dumps(values))
        return 0
    _show(app, found)
    app.next(found.after)
    return 0


def _show(app: App, found: Reconciled) -> None:
    standing = found.after
    course = app.clone.course
    possible = sum(m.points for m in course.modules) + sum(m.points for m in course.milestones)
    app.screen.say(f"{course.title}: {standing.points} of {possible} points\n")
    module_table(app, standing)
    app.screen.say()
    milestone_table(app, standing, found.claimed)
    if standing.unverified:
        app.screen.say(
            f"\nNot verified: {', '.join(standing.unverified)}. "
            f"-> tito module test {standing.unverified[0][:2]}"
        )
    if standing.drift:
        app.screen.say("\n" + phrases.drifting(standing.drift))


def module_table(app: App, standing: Standing) -> None:
    app.screen.table(
        ("Module", "Title", "State", "Points", "Tests"),
        [
            (
                v.module.id,
                v.module.title,
                v.state.value,
                f"{v.points} of {v.module.points}",
                phrases.tally(v),
            )
            for v in standing.modules.values()
        ],
    )


def milestone_table(
    app: App, standing: Standing, claimed: tuple[str, ...], *, whole: bool = False
) -> None:
    """whole: name every missing module, not only the first."""
    app.screen.table(
        ("Milestone", "Name", "State", "Points", "Missing"),
        [
            (
                v.milestone.id,
                v.milestone.name,
                phrases.milestone_state(v, claimed),
                f"{v.points} of {v.milestone.points}",
                ", ".join(v.missing) if whole else phrases.some(v.missing),
            )
            for v in standing.milestones.values()
        ],
    )
