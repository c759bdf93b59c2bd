"""tito module: list, start, test, hint, complete, reset"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import click

from grader.errors import StudentError, UsageError
from grader.lessons.of_module import read_lesson, trusted_lesson
from grader.reports import phrases
from grader.reports.formats import json as reports_json
from grader.rules.course import Module
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.verdicts import ModuleState, ModuleVerdict, Standing
from tito import hints
from tito.app import App, Group, example, help_of, json_option, pass_app
from tito.clone import committing, installation
from tito.commands.status import module_table

WATCH_PAUSE_S = 0.3  # between two looks at a file: less than anybody notices


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog=example("tito module start 01", "tito module test", "tito module complete 01"),
)
@click.pass_context
def module(ctx: click.Context) -> int:
    """Work on the modules: start, test, hint, complete, reset.

    A module is named by number or id: 01, 1, tensor, 01_tensor.
    """
    return help_of(ctx)


@module.command("list", epilog=example("tito module list", "tito module list --json"))
@json_option
@pass_app
def list_(app: App, as_json: bool) -> int:
    """Show all modules with their state, as committed."""
    standing = app.reconcile(quiet=as_json).after
    if as_json:
        values = [reports_json.module_values(v) for v in standing.modules.values()]
        app.screen.json(reports_json.dumps(values))
        return 0
    module_table(app, standing)
    app.next(standing)
    return 0


@module.command(epilog=example("tito module start 01"))
@click.argument("wanted", metavar="NN")
@pass_app
def start(app: App, wanted: str) -> int:
    """Open the way to a module: its file, its needs, its tests.

    A lesson that is missing is put back from the starter.
    """
    clone, say = app.clone, app.screen.say
    chosen = clone.course.module(wanted)
    waits = _not_ready(app, chosen)
    if waits:
        say(f"{chosen.id} cannot be worked on yet. It needs:")
        for verdict in waits:
            say(f"  {verdict.module.id:<16} {verdict.state.value}, {phrases.tally(verdict)}")
        say(f"-> tito module start {waits[0].module.number}")
        return 1
    if not (clone.top / chosen.path).exists():
        committing.restore(clone, chosen, committing.starter(clone, chosen))
        say(f"{chosen.path} was missing; it is the starter again.")
    _introduce(app, chosen)
    return 0


def _not_ready(app: App, chosen: Module) -> list[ModuleVerdict]:
    """The needed modules whose code does not pass as it lies in the working tree."""
    if not chosen.needs:
        return []
    clone = app.clone
    standing = clone.engine.grade(clone.working_tree(), only=chosen.needs)
    return [standing.modules[n] for n in chosen.needs if not standing.modules[n].proven]


def _introduce(app: App, chosen: Module) -> None:
    clone, say = app.clone, app.screen.say
    lesson = trusted_lesson(clone.course, chosen) or read_lesson(clone.working_tree(), chosen)
    say(f"{chosen.id}: {chosen.title} ({chosen.points} points)\n")
    say(f"Lesson:  {chosen.path}")
    say(f"Needs:   {', '.join(chosen.needs) or 'nothing'}")
    say(f"Tests:   {len(lesson.checks) if lesson else 0}, in the lesson")
    leads = next((m for m in clone.course.milestones if chosen.id in m.needs), None)
    if leads:
        say(f"Towards: {leads.name}")
    head = clone.engine.recall(clone.head())
    uncommitted = [n for n in chosen.needs if not head.modules[n].complete]
    if uncommitted:
        say(f"\nNot committed as complete yet: {', '.join(uncommitted)}")
        say(f"-> tito module complete {uncommitted[0][:2]}")
    say("\nNext:")
    say(f"  tito module test {chosen.number}       run its tests, as often as you like")
    say(f"  tito module hint {chosen.number}       a hint for the first test that does not pass")
    say(f"  tito module complete {chosen.number}   commit it when all tests pass")


@module.command(
    epilog=example("tito module test 01", "tito module test", "tito module test 01 --watch")
)
@click.argument("wanted", metavar="[NN]", required=False)
@click.option("--watch", is_flag=True, help="Test again at every save, until all tests pass.")
@json_option
@pass_app
def test(app: App, wanted: str | None, watch: bool, as_json: bool) -> int:
    """Run a module's tests on the file as it lies in the working tree.

    Without NN: the first module that is not complete. Exit status 0 when all tests pass.
    """
    if watch and as_json:
        raise UsageError("--watch is for people, --json for programs.", hint="Leave one out.")
    chosen = _chosen(app, wanted)
    if chosen is None:
        app.screen.say("Every module is complete. To test one again: tito module test 01")
        return 0
    if watch:
        return _watch(app, chosen)
    verdict = app.clone.engine.test(app.clone.working_tree(), chosen)
    if as_json:
        app.screen.json(reports_json.dumps(reports_json.module_values(verdict)))
    else:
        show(app, verdict)
    return status_of(verdict)


def _watch(app: App, chosen: Module) -> int:
    """Ends when all tests pass, or with Ctrl-C."""
    for _ in _saves(app.clone.top / chosen.path):
        verdict = app.clone.engine.test(app.clone.working_tree(), chosen)
        show(app, verdict)
        if verdict.proven or verdict.faults:
            return status_of(verdict)
        app.screen.say(f"\nWaiting for {chosen.path} to be saved. Ctrl-C ends it.\n")
    raise AssertionError("saving never ends")


def _saves(path: Path) -> Iterator[None]:
    """Once at the beginning, then whenever the file is another one than before."""
    known: tuple[int, ...] = ()
    while True:
        with contextlib.suppress(FileNotFoundError):  # an editor is putting it in place
            found = path.stat()
            now = (found.st_mtime_ns, found.st_size, found.st_ino)
            if now != known:
                known = now
                yield
        time.sleep(WATCH_PAUSE_S)


def _chosen(app: App, wanted: str | None) -> Module | None:
    """The module named, else the first whose committed state is not complete."""
    clone = app.clone
    if wanted is not None:
        return clone.course.module(wanted)
    upcoming = clone.engine.recall(clone.head()).next_module()
    return upcoming.module if upcoming else None


def status_of(verdict: ModuleVerdict) -> int:
    if verdict.faults:
        return 3
    return 0 if verdict.proven else 1


def show(app: App, verdict: ModuleVerdict) -> None:
    """Every test in a line, the first that does not pass in full, and what to do next."""
    say, chosen = app.screen.say, verdict.module
    say(f"{phrases.module_line(verdict)}\n")
    if verdict.checks:
        # In a small window the sentences of what passes would push away what does not.
        rows = [
            (
                phrases.OUTCOME_WORDS[c.outcome],
                c.name,
                c.title if verdict.proven or c.outcome is not Outcome.PASSED else "",
            )
            for c in verdict.checks
        ]
        app.screen.table(("", "Test", "What it asks"), rows)
    for note in phrases.notes(verdict):
        say(note)
    first = first_open(verdict)
    if first is not None:
        causes = phrases.by_cause(c for c in verdict.checks if c.reached)
        alike = next((rest for cause, *rest in causes if cause is first), [])
        say(f"\n{phrases.failure(first, alike)}")
    if verdict.state is ModuleState.BLOCKED:
        say(f"-> tito module test {verdict.waits_for[0][:2]}")
    elif verdict.complete:
        say("\nAll tests pass, and the code is exported.")
        say(f"-> tito module complete {chosen.number}   (commits it, if it is not committed yet)")
    elif verdict.proven:
        say("\nAll tests pass.")
        say(f"-> tito module complete {chosen.number}")
    elif first is not None:
        say(f"\n-> tito module hint {chosen.number}")


def first_open(verdict: ModuleVerdict) -> CheckResult | None:
    """The first failure, else the first test to do."""
    return next(iter((*verdict.faults, *verdict.failures, *verdict.todo)), None)


@module.command(epilog=example("tito module hint 01", "tito module hint 01 test_add --step 2"))
@click.argument("wanted", metavar="NN")
@click.argument("test_name", metavar="[TEST]", required=False)
@click.option(
    "--step", type=click.IntRange(1), default=1, show_default=True, help="How much to tell."
)
@pass_app
def hint(app: App, wanted: str, test_name: str | None, step: int) -> int:
    """A hint for the first test that does not pass, or for TEST; one step at a time."""
    clone, say = app.clone, app.screen.say
    chosen = clone.course.module(wanted)
    snapshot = clone.working_tree()
    verdict = clone.engine.grade(snapshot, only=[chosen.id]).modules[chosen.id]
    check = _check(verdict, test_name)
    if check is None:
        show(app, verdict)
        return status_of(verdict)
    if check.outcome is Outcome.PASSED:
        say(f"{check.name} passes; there is nothing to hint at.")
        return 0
    told = _steps(app, chosen, check)
    say(phrases.failure(check))
    for number, words in enumerate(told[:step], start=1):
        say(f"\nStep {number} of {len(told)}. {words}")
    if step < len(told):
        say(f"\n-> tito module hint {chosen.number} {check.name} --step {step + 1}")
    else:
        say(f"\nThat is all there is to tell. -> tito module test {chosen.number}")
    return 1


def _steps(app: App, chosen: Module, check: CheckResult) -> tuple[str, ...]:
    """From the starter where there is one: its docstrings are whole, whatever was edited."""
    try:
        lesson = read_lesson(app.clone.working_tree(), chosen)
        if lesson is not None and lesson.syntax_error() is None:
            return hints.steps(lesson, check)
    except StudentError:
        pass  # the check itself says what is wrong with the file
    return (check.hint,) if check.hint else ("Repair the file first; it cannot be read.",)


def _check(verdict: ModuleVerdict, name: str | None) -> CheckResult | None:
    if name is None:
        return first_open(verdict)
    for check in verdict.checks:
        if name in (check.name, check.name.removeprefix("test_")):
            return check
    if not verdict.checks:
        return None
    raise UsageError(
        f"There is no test '{name}' in {verdict.module.id}.",
        hint=phrases.did_you_mean(name, [c.name for c in verdict.checks])
        or f"tito module test {verdict.module.number} lists them all.",
    )


@module.command(
    epilog=example("tito module complete 01", 'tito module complete 01 -m "tensor: done"')
)
@click.argument("wanted", metavar="NN")
@click.option("-m", "--message", help="Of the commit. Default: Complete NN_name")
@pass_app
def complete(app: App, wanted: str, message: str | None) -> int:
    """Test a module, then commit exactly its lesson, through the hooks.

    What else is staged stays staged and out of this commit.
    """
    clone, say = app.clone, app.screen.say
    chosen = clone.course.module(wanted)
    installation.require_hooks(clone)
    standing = clone.engine.grade(clone.working_tree(), only=[chosen.id])
    verdict = standing.modules[chosen.id]
    if not verdict.proven:
        show(app, verdict)
        return status_of(verdict)
    committing.refuse_hidden(clone.git, chosen.path)
    before = app.reconcile().after
    if before.modules[chosen.id].complete and committing.same_as_head(clone, chosen.path):
        say(f"{chosen.id} is complete and committed already.")
        app.next(before)
        return 0
    _refuse_uncommitted_needs(chosen, before)
    committing.refuse_unfinished(clone.git)
    say(f"{phrases.module_line(verdict)}. Committing {chosen.path} ...")
    if not committing.commit_lesson(clone, chosen, message or f"Complete {chosen.id}"):
        say("\nThe commit did not happen; the reason stands above. Your work is as you left it.")
        return 1
    return _completed(app, chosen, again=before.modules[chosen.id].complete)


def _refuse_uncommitted_needs(chosen: Module, head: Standing) -> None:
    """The hook judges what git records, so what a module needs must be committed before it."""
    missing = [n for n in chosen.needs if not head.modules[n].complete]
    if missing:
        raise StudentError(
            f"{chosen.id} needs {', '.join(missing)}, which is not committed as complete.",
            hint=f"tito module complete {missing[0][:2]}",
        )


def _completed(app: App, chosen: Module, *, again: bool) -> int:
    """again: it was complete before, so the post-commit hook had no news to tell."""
    found = app.reconcile()  # silent when the hook has said it all, the next step included
    verdict = found.after.modules[chosen.id]
    if not verdict.complete:
        app.screen.say(
            f"\nCommitted, but {chosen.id} is {verdict.state.value} in git: {phrases.tally(verdict)}."
        )
        app.screen.say("-> tito doctor")
        return 1
    if again or found.news:
        app.next(found.after)
    return 0


@module.command(epilog=example("tito module reset 01"))
@click.argument("wanted", metavar="NN")
@pass_app
def reset(app: App, wanted: str) -> int:
    """Start a lesson again from the starter; what you wrote is kept on a branch of its own."""
    clone, say = app.clone, app.screen.say
    chosen = clone.course.module(wanted)
    starter = committing.starter(clone, chosen)
    path = clone.top / chosen.path
    if path.is_symlink():
        raise StudentError(
            f"{chosen.path} is a symbolic link; its target would not be kept.",
            hint=f"rm {chosen.path}, then tito module reset {chosen.number}",
        )
    if not path.exists():
        committing.restore(clone, chosen, starter)
        say(f"{chosen.path} was missing; it is the starter again.")
        return 0
    if path.read_bytes() == starter.encode():
        say(f"{chosen.path} is the starter already; nothing was changed.")
        return 0
    branch = committing.keep(clone, chosen, lambda: datetime.now(timezone.utc))
    committing.restore(clone, chosen, starter)
    say(f"{chosen.path} is the starter again. Nothing was committed.")
    say(f"What you had is on the branch {branch}. To get it back:")
    say(f"-> git checkout {branch} -- :/{chosen.path}")  # :/ works from every folder
    return 0
