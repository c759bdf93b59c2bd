"""tito milestone: status, list, run, show"""

from __future__ import annotations

from collections.abc import Sequence

import click

from grader.errors import Fault, StudentError, TitoError
from grader.reports import measurements, phrases
from grader.reports.formats import json as reports_json
from grader.rules.course import Milestone
from grader.sources.snapshots import LESSONS, PACKAGE
from grader.verdicts.facts import Evidence
from grader.verdicts.verdicts import MilestoneVerdict, Standing
from tito.app import App, Group, example, help_of, json_option, pass_app
from tito.commands.status import milestone_table

ALL = "all"
CURVE = (60, 6)  # columns and lines


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog=example("tito milestone status", "tito milestone run perceptron"),
)
@click.pass_context
def milestone(ctx: click.Context) -> int:
    """Prove that your code learns: five experiments from the history of the field."""
    return help_of(ctx)


@milestone.command(epilog=example("tito milestone status"))
@json_option
@pass_app
def status(app: App, as_json: bool) -> int:
    """Show all milestones: unlocked, completed, and which modules are missing."""
    found = app.reconcile(quiet=as_json)
    standing = found.after
    if as_json:
        _json(app, list(standing.milestones.values()))
        return 0
    milestone_table(app, standing, found.claimed, whole=True)
    app.next(standing)
    return 0


@milestone.command("list", epilog=example("tito milestone list"))
@json_option
@pass_app
def list_(app: App, as_json: bool) -> int:
    """Show the milestone tests that can be run now."""
    standing = app.reconcile(quiet=as_json).after
    unlocked = [v for v in standing.milestones.values() if v.unlocked]
    if as_json:
        _json(app, unlocked)
        return 0
    if not unlocked:
        first = next(iter(standing.milestones.values()))
        app.screen.say("No milestone is unlocked yet.")
        app.screen.say(f"The first is {first.milestone.name}; it needs {', '.join(first.missing)}.")
        app.next(standing)
        return 0
    app.screen.table(
        ("Milestone", "Name", "State", "Run it"),
        [
            (
                v.milestone.id,
                v.milestone.name,
                phrases.milestone_state(v),
                f"tito milestone run {v.milestone.id}",
            )
            for v in unlocked
        ],
    )
    return 0


def _json(app: App, verdicts: Sequence[MilestoneVerdict]) -> None:
    app.screen.json(reports_json.dumps([reports_json.milestone_values(v) for v in verdicts]))


@milestone.command(epilog=example("tito milestone show perceptron"))
@click.argument("wanted", metavar="ID")
@json_option
@pass_app
def show(app: App, wanted: str, as_json: bool) -> int:
    """Show one milestone: its story, what it needs and must reach, and the last measurements."""
    chosen = app.clone.course.milestone(wanted)
    found = app.reconcile(quiet=as_json)
    verdict = found.after.milestones[chosen.id]
    if as_json:
        app.screen.json(reports_json.dumps(reports_json.milestone_values(verdict)))
        return 0
    say = app.screen.say
    say(chosen.name)
    say(chosen.story)
    say(f"It proves that {chosen.proves}.\n")
    say(f"State:    {phrases.milestone_state(verdict, found.claimed)}")
    if verdict.earned is not None:
        say(f"Earned:   {verdict.earned.when}, with commit {verdict.earned.commit[:10]}")
    say(f"Loss:     must fall by {chosen.loss_falls}")
    say(f"Accuracy: must be {chosen.accuracy}")
    say(f"Points:   {verdict.points} of {chosen.points}")
    say(f"Test:     pytest {chosen.test} -v -s\n")
    app.screen.table(("Needs", "State", "Tests"), _needs(chosen, found.after))
    if verdict.evidence is not None:
        say("\nThe last run on this code:")
        _measurements(app, chosen, verdict.evidence)
    elif verdict.unlocked:
        say(f"\nNot run on this code yet. -> tito milestone run {chosen.id}")
    return 0


def _needs(chosen: Milestone, standing: Standing) -> list[tuple[str, str, str]]:
    verdicts = [standing.modules[n] for n in chosen.needs]
    return [(v.module.id, v.state.value, phrases.tally(v)) for v in verdicts]


@milestone.command(epilog=example("tito milestone run perceptron", "tito milestone run all"))
@click.argument("wanted", metavar="ID")
@json_option
@pass_app
def run(app: App, wanted: str, as_json: bool) -> int:
    """Train a network with your code, as committed, and judge what it learned.

    ID: perceptron, xor, mlp_digits, cnn, transformer; or all that are unlocked.
    """
    course = app.clone.course
    named = None if wanted == ALL else course.milestone(wanted)
    standing = app.reconcile(quiet=as_json).after
    if app.clone.git.head() is None:
        raise StudentError(
            "There is no commit yet; milestones are run on what is committed.",
            hint=f"tito module complete {course.modules[0].number}",
        )
    chosen = [named] if named else [v.milestone for v in standing.milestones.values() if v.unlocked]
    locked = [m for m in chosen if not standing.milestones[m.id].unlocked]
    if locked or not chosen:
        _locked(app, locked or list(course.milestones[:1]), standing)
        return 1
    _warn_of_edits(app)
    verdicts: list[MilestoneVerdict] = []
    statuses: list[int] = []
    for each in chosen:
        if verdicts and not as_json:
            app.screen.say()
        verdict, status = _train(app, standing.milestones[each.id], quiet=as_json)
        verdicts.append(verdict)
        statuses.append(status)
    # The evidence lies in the ledger now; the progress files follow it.
    after = app.clone.reconcile().after
    if as_json:
        _json(app, verdicts)
    else:
        app.next(after)
    return max(statuses)


def _train(app: App, before: MilestoneVerdict, *, quiet: bool) -> tuple[MilestoneVerdict, int]:
    """What became of one milestone, shown unless quiet, and the exit status that says so."""
    chosen = before.milestone
    if not quiet:
        app.screen.say(f"🧪 Running {chosen.name}")
    try:
        verdict = app.clone.engine.verify(app.clone.head(), chosen)
    except TitoError as error:  # its data are missing: the other milestones have their own
        app.screen.error(error)
        return before, error.exit_code
    if not quiet:
        _show(app, verdict)
    return verdict, 0 if verdict.achieved else 1 if verdict.judged else Fault.exit_code


def _locked(app: App, chosen: Sequence[Milestone], standing: Standing) -> None:
    for each in chosen:
        verdict = standing.milestones[each.id]
        app.screen.warn(f"🔒 {each.name} is locked. Missing:")
        for need in verdict.missing:
            module = standing.modules[need]
            app.screen.warn(f"  {need:<16} {module.state.value}, {phrases.tally(module)}")
        first = standing.modules[verdict.missing[0]]
        number = first.module.number
        begin = "" if first.proven else f"tito module start {number}, then "
        app.screen.warn(f"-> {begin}tito module complete {number}")


def _warn_of_edits(app: App) -> None:
    """The run is about HEAD: say so when the files on disk are something else."""
    changed = app.clone.git.text(
        "status", "--porcelain", "--untracked-files=no", "--", LESSONS, PACKAGE
    )
    if changed:
        paths = [line[2:].strip() for line in changed.splitlines()]
        app.screen.warn(
            f"Note: {', '.join(paths)} changed since the last commit. The commit is what is run. "
            "-> git commit first to try the changes"
        )


def _show(app: App, verdict: MilestoneVerdict) -> None:
    chosen, say = verdict.milestone, app.screen.say
    say()
    if verdict.evidence is not None:
        _measurements(app, chosen, verdict.evidence)
    say()
    if verdict.achieved:
        for line in measurements.achievements(chosen):
            say(line)
        say(f"\n{phrases.completion_panel(chosen)}")
    else:
        _explain(app, verdict)


def _measurements(app: App, chosen: Milestone, evidence: Evidence) -> None:
    measures = evidence.measures
    app.screen.table(
        ("Claim", "Measured", "Required", "Holds"), measurements.rows(chosen, evidence)
    )
    parameters = measurements.parameter_rows(measures)
    if parameters:
        app.screen.say()
        app.screen.table(("Parameter", "Shape", "Largest gradient", "Largest change"), parameters)
    if drawn := measurements.curve(measures.loss, *CURVE):
        app.screen.say(f"\n📊 Loss, step by step\n{drawn}")


def _explain(app: App, verdict: MilestoneVerdict) -> None:
    """Which claim does not hold, measured against required, and where to look."""
    say, chosen = app.screen.say, verdict.milestone
    what = "is not completed" if verdict.judged else "was not judged: the grader failed, not you"
    say(f"❌ {chosen.name} {what}.")
    for check in verdict.failures:
        say()
        for line in measurements.explanation(check):
            say(line)
    say(f"\nThe whole run:\n-> pytest {chosen.test} -v -s")
