"""Verdicts in plain words, for hooks, commands and reports. Imports no library."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Collection, Iterable, Sequence

from grader.reports.console import panel
from grader.rules.course import Milestone
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.verdicts import (
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Standing,
)

WIDTH = 78
MAX_PROSE = 1000  # characters of one line: what is longer is no prose, and dear to wrap
SHOWN_FAILURES = 3
SHOWN_LINES = 10  # of what a check printed

OUTCOME_WORDS = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "FAILED",
    Outcome.TODO: "to do",
    Outcome.ERRORED: "ERROR",
    Outcome.TIMED_OUT: "TIMED OUT",
    Outcome.MISSING: "MISSING",
    Outcome.FAULT: "GRADER FAULT",
}


def unlock_panel(milestone: Milestone) -> str:
    return panel(
        [
            "🔓 MILESTONE UNLOCKED!",
            "",
            milestone.name,
            milestone.story,
            "",
            f"🎉 You can now verify that {milestone.proves}!",
            "",
            "Run the verification test:",
            f"tito milestone run {milestone.id}",
        ]
    )


def completion_panel(milestone: Milestone) -> str:
    return panel(
        [
            "🏆 MILESTONE COMPLETED!",
            "",
            milestone.name,
            "",
            "You've successfully verified that your implementation works!",
            "Your neural network actually learns. 🎓",
        ]
    )


def tally(verdict: ModuleVerdict) -> str:
    """ "12 of 14 tests pass, 1 fails, 1 to do", or why nothing was run."""
    if verdict.state is ModuleState.BLOCKED:
        return f"not run: waits for {some(verdict.waits_for)}"
    if verdict.state is ModuleState.UNVERIFIED:
        return "not tested yet"
    if verdict.faults:
        return f"not judged: the grader failed at {len(verdict.faults)} of its tests"
    parts = [f"{verdict.passed} of {verdict.expected} tests pass"]
    failing = sum(check.reached for check in verdict.failures)
    unreached, todo = len(verdict.failures) - failing, len(verdict.todo)
    if failing:
        parts.append(f"{failing} {'fails' if failing == 1 else 'fail'}")
    if todo:
        parts.append(f"{todo} to do")
    if unreached:
        parts.append(f"{unreached} not reached")
    return ", ".join(parts)


def some(names: Sequence[str]) -> str:
    """The first of NAMES, which is the one to act on, and how many follow."""
    if len(names) < 3:
        return ", ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def module_line(verdict: ModuleVerdict) -> str:
    return f"{verdict.module.id}: {tally(verdict)}"


def failure(check: CheckResult, alike: Sequence[CheckResult] = ()) -> str:
    """One check in full: title, what should have come out and what did, hint, where.

    alike: others that ended by the same cause, at the same place.
    """
    lines = [f"{OUTCOME_WORDS[check.outcome]}  {check.name}"]
    if alike:
        lines[0] += f", and {_count(len(alike), 'more test')} for the same reason"
    elif check.title and check.title != check.name:
        lines.append(_indented(check.title))
    if check.message:
        lines.append(_indented(check.message))
    if check.hint:
        lines.append(_indented(f"Hint: {check.hint}"))
    if check.where:
        # The line of a stub only says again what the message says.
        place = check.where.partition(": ")[0] if check.outcome is Outcome.TODO else check.where
        lines.append(f"  Where: {tame(place)}")
    printed = tame(check.output).strip().splitlines()
    if printed:
        lines.append("  Printed:")
        lines += [f"    {_cut(line)}" for line in printed[:SHOWN_LINES]]
        if len(printed) > SHOWN_LINES:
            lines.append(f"    ... {_count(len(printed) - SHOWN_LINES, 'line')} more")
    return "\n".join(lines)


def _indented(text: str) -> str:
    """Prose wrapped, lines of its own (arrays, code) kept."""
    lines: list[str] = []
    for line in tame(text).splitlines():
        if len(line) > MAX_PROSE or (len(line) <= WIDTH - 2 and "\t" not in line):
            lines.append(line.rstrip())
        else:
            lines += textwrap.wrap(line, WIDTH - 2, break_long_words=False) or [""]
    return textwrap.indent("\n".join(lines), "  ")


def tame(text: str) -> str:
    """What student code says, without what would move the cursor or colour the terminal."""
    if text.isprintable():
        return text
    return "\n".join(
        row
        if row.isprintable()
        else "".join(c if c.isprintable() or c == "\t" else "?" for c in row)
        for row in text.split("\n")
    )


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..."


def failures(verdict: ModuleVerdict, shown: int = SHOWN_FAILURES) -> str:
    """The first failures in full, the others by name."""
    causes = by_cause([check for check in verdict.failures if check.reached])
    unreached = [check for check in verdict.failures if not check.reached]
    blocks = [failure(first, alike) for first, *alike in causes[:shown]]
    rest = [check for cause in causes[shown:] for check in cause]
    if rest:
        blocks.append(f"and {len(rest)} more: {', '.join(c.name for c in rest)}")
    if unreached:
        blocks.append(f"Not reached: {some([c.name for c in unreached])}")
    return "\n\n".join(blocks)


def by_cause(checks: Iterable[CheckResult]) -> list[list[CheckResult]]:
    """CHECKS in groups that one cause ended: an import that fails is one cause, not twenty."""
    groups: dict[object, list[CheckResult]] = {}
    for check in checks:
        # A failed assertion is a finding of its own test, whatever words two of them share.
        shared = check.outcome is Outcome.ERRORED and check.where
        cause = (check.message, check.where) if shared else object()
        groups.setdefault(cause, []).append(check)
    return list(groups.values())


def notes(verdict: ModuleVerdict) -> list[str]:
    return [f"Note: {note}" for note in verdict.notes]


def drifting(paths: Sequence[str]) -> str:
    """tinytorch/ is not what the lessons say, and no commit is being made that could carry it."""
    listed = "\n".join(f"  {path}" for path in paths)
    return (
        f"tito: tinytorch/ is not what your lessons export ({_count(len(paths), 'file')}):\n"
        f"{listed}\n-> tito export, then commit"
    )


def news(
    standing: Standing,
    complete: Collection[str],
    unlocked: Collection[str],
    achieved: Collection[str],
    messages: Sequence[str] = (),
    *,
    with_next: bool = True,
) -> str:
    """What is new since last time: ids of modules complete, milestones unlocked and achieved."""
    blocks = []
    if complete:
        blocks.append(
            "\n".join(
                f"✅ {i} is complete ({standing.modules[i].module.points} points)" for i in complete
            )
        )
    for i in unlocked:
        if i not in achieved:
            blocks.append(unlock_panel(standing.milestones[i].milestone))
    for i in achieved:
        blocks.append(completion_panel(standing.milestones[i].milestone))
    if standing.unverified:
        blocks.append(unverified(standing))
    blocks += [f"tito: {message}" for message in messages]
    if with_next and (complete or achieved):
        blocks.append(f"Next: {next_step(standing)}")
    return "\n\n".join(blocks)


def unverified(standing: Standing) -> str:
    ids = standing.unverified
    return (
        f"Not verified: {', '.join(ids)} came in without the hook. "
        "-> tito status grades what is committed"
    )


def next_step(standing: Standing) -> str:
    """One sentence that ends in a command."""
    upcoming = standing.next_module()
    unlocked = [v for v in standing.milestones.values() if v.state is MilestoneState.UNLOCKED]
    if failed := [v for v in unlocked if v.evidence is not None]:
        return f"Mend what failed, and train it again: tito milestone run {failed[0].milestone.id}"
    if untried := [v for v in unlocked if v.earned is None]:
        return f"Watch your code learn: tito milestone run {untried[0].milestone.id}"
    if upcoming is None:
        again = [v for v in standing.milestones.values() if v.unlocked and not v.achieved]
        if again:
            return f"Prove it with your present code: tito milestone run {again[0].milestone.id}"
        return "Everything is complete. tito status shows it all."
    module = upcoming.module
    if upcoming.state is ModuleState.NOT_EXPORTED:
        return f"Export {module.id}: tito module complete {module.number}"
    if upcoming.state is ModuleState.IN_PROGRESS:
        return f"Go on with {module.id}: tito module test {module.number}"
    return f"Begin {module.id} ({module.title}): tito module start {module.number}"


def milestone_state(verdict: MilestoneVerdict, claimed: Collection[str] = ()) -> str:
    """ "locked", "unlocked", "completed", or what became of an earlier completion."""
    if verdict.achieved:
        return "completed"
    if verdict.earned is not None:
        tail = " and is locked" if not verdict.unlocked else ""
        return f"completed by earlier code; the present code is not proven{tail}"
    if verdict.milestone.id in claimed:
        return "earned before, run again to prove"
    if verdict.unlocked and verdict.evidence is not None:
        return "unlocked, last run failed"
    return verdict.state.value


def worth_a_look(verdict: MilestoneVerdict) -> str:
    """What a teacher should look at, although it is proven."""
    return f"{verdict.milestone.id}: proven, and worth a look\n{_indented(verdict.flag)}"


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """ "Did you mean 'test_add'?", or "" when nothing is close."""
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}'?" if close else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
