"""tito verify"""

from __future__ import annotations

import dataclasses

import click

from grader.errors import Fault, StudentError
from grader.reports import measurements, phrases
from grader.reports.formats import json as reports_json
from grader.sandbox import choice
from grader.sources import snapshots
from grader.sources.git import GitError
from grader.sources.snapshots import Snapshot
from grader.verdicts.facts import Evidence, Outcome
from grader.verdicts.report import Trust
from grader.verdicts.verdicts import ModuleState, ModuleVerdict, Standing
from tito.app import App, example, json_option, pass_app

SHOWN = 2  # failures of a module that are told in full


@click.command(epilog=example("tito verify", "tito verify HEAD~1 --json"))
@click.argument("revision", metavar="[REV]", default="HEAD")
@json_option
@pass_app
def verify(app: App, revision: str, as_json: bool) -> int:
    """Compute again what a commit's code computes, and believe nothing else of it.

    Modules are asked for values and gradients of random inputs; milestones for every step of
    their training. The tests inside the lessons are not run. Nothing is recorded.
    """
    snapshot = _commit(app, revision)
    clone = app.clone
    # The strongest sandbox of this machine: what is run may be somebody else's code.
    engine = dataclasses.replace(clone.engine, sandbox=choice.for_trust(Trust.CI))
    standing = engine.examine(snapshot)
    if as_json:
        app.screen.json(reports_json.dumps(reports_json.standing_values(standing)))
    else:
        _show(app, standing)
    trained = [v.evidence for v in standing.milestones.values() if v.evidence]
    if any(v.faults for v in standing.modules.values()) or not all(
        e.worth_keeping for e in trained
    ):
        return Fault.exit_code
    return 1 if _wrong(standing) else 0


def _commit(app: App, revision: str) -> Snapshot:
    git = app.clone.git
    if git.head() is None:
        raise StudentError(
            "There is no commit yet, and a commit is what is verified.",
            hint="git add modules, then git commit",
        )
    try:
        return snapshots.of_commit(git, revision)
    except GitError:
        raise StudentError(
            f"'{revision}' is no commit of this repository.", hint="git log --oneline lists them."
        ) from None


def _wrong(standing: Standing) -> bool:
    """More than unfinished: something computed is wrong, or was not computed."""
    return (
        bool(standing.drift)
        or any(v.failures for v in standing.modules.values())
        or any(v.failures for v in standing.milestones.values())
    )


def _show(app: App, standing: Standing) -> None:
    say = app.screen.say
    where = f", isolation: {', '.join(standing.isolations)}" if standing.isolations else ""
    say(f"Commit {standing.snapshot[:10]}, computed again{where}\n")
    app.screen.table(
        ("Module", "Title", "State", "Probes"),
        [
            (v.module.id, v.module.title, v.state.value, _tally(v))
            for v in standing.modules.values()
        ],
    )
    say()
    app.screen.table(
        ("Milestone", "Name", "State", "Proofs"),
        [
            (
                v.milestone.id,
                v.milestone.name,
                v.state.value,
                f"needs {phrases.some(v.missing)}" if v.missing else _proofs(v.evidence),
            )
            for v in standing.milestones.values()
        ],
    )
    for verdict in standing.modules.values():
        if verdict.failures or verdict.faults:
            say(f"\n{verdict.module.id}")
            say(_failures(verdict))
    for milestone in standing.milestones.values():
        if milestone.failures:
            say(f"\n{milestone.milestone.name}")
            for check in milestone.failures:
                for line in measurements.explanation(check):
                    say(f"  {line}")
    if standing.drift:
        say("\n" + phrases.drifting(standing.drift))


def _tally(verdict: ModuleVerdict) -> str:
    if verdict.state is ModuleState.BLOCKED:
        return f"waits for {phrases.some(verdict.waits_for)}"
    return f"{verdict.passed} of {verdict.expected} hold"


def _proofs(evidence: Evidence | None) -> str:
    if evidence is None:
        return "not trained"
    held = sum(c.outcome is Outcome.PASSED for c in evidence.checks)
    return f"{held} of {len(evidence.checks)} hold"


def _failures(verdict: ModuleVerdict) -> str:
    found = [*verdict.faults, *verdict.failures]
    blocks = [phrases.failure(check) for check in found[:SHOWN]]
    if len(found) > SHOWN:
        blocks.append(f"and {len(found) - SHOWN} more")
    return "\n\n".join(blocks)
