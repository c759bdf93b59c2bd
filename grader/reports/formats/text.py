"""Plain words for people, without any library: what hooks print, and the panels.

All functions return text with box characters and signs; fit() turns it into ASCII for a console
that cannot show them.
"""

from __future__ import annotations

import difflib
import textwrap
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from grader.rules.course import Milestone
from grader.verdicts.facts import (
    CheckResult,
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Outcome,
    Report,
    Standing,
)

INNER = 66  # columns between the panel's bars
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

# Each as wide as what it replaces, so that panels stay panels.
_ASCII = {
    **dict.fromkeys("╔╗╚╝╭╮╰╯├┤┬┴┼└┌┐┘", "+"),
    **dict.fromkeys("═", "="),
    **dict.fromkeys("─", "-"),
    **dict.fromkeys("║│", "|"),
    **dict.fromkeys("▁▂", "."),
    **dict.fromkeys("▃▄▅", "o"),
    **dict.fromkeys("▆▇█", "#"),
    **dict.fromkeys("·—", "-"),
    **dict.fromkeys("🔓🎉🏆🧪📊", "**"),
    "🎓": "  ",
    "🔒": "--",
    "✅": "ok",
    "❌": "NO",
    "≥": ">",
    "→": ">",
    "…": ".",
    "\u00d7": "x",  # the multiplication sign
}


def fit(text: str, encoding: str | None) -> str:
    """TEXT as it is when ENCODING can carry it, else in ASCII."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return to_ascii(text)
    return text


def to_ascii(text: str) -> str:
    simple = "".join(_ASCII.get(c, c) for c in text)
    return unicodedata.normalize("NFKD", simple).encode("ascii", "replace").decode("ascii")


def columns(text: str) -> int:
    """How many columns of a terminal TEXT takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 or c == "\ufe0f" for c in text)


def panel(lines: Iterable[str]) -> str:
    """LINES in a double frame. A line too long for it is wrapped."""
    rows = []
    for line in lines:
        for part in textwrap.wrap(line, INNER - 4) or [""]:
            rows.append(f"║ {part}{' ' * (INNER - 1 - columns(part))}║")
    bar = "═" * INNER
    return "\n".join([f"╔{bar}╗", *rows, f"╚{bar}╝"])


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


# Modules


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
        lines.append(f"  Where: {_tame(place)}")
    printed = _tame(check.output).strip().splitlines()
    if printed:
        lines.append("  Printed:")
        lines += [f"    {_cut(line)}" for line in printed[:SHOWN_LINES]]
        if len(printed) > SHOWN_LINES:
            lines.append(f"    ... {_count(len(printed) - SHOWN_LINES, 'line')} more")
    return "\n".join(lines)


def _indented(text: str) -> str:
    """Prose wrapped, lines of its own (arrays, code) kept."""
    lines: list[str] = []
    for line in _tame(text).splitlines():
        if len(line) > MAX_PROSE or (len(line) <= WIDTH - 2 and "\t" not in line):
            lines.append(line.rstrip())
        else:
            lines += textwrap.wrap(line, WIDTH - 2, break_long_words=False) or [""]
    return textwrap.indent("\n".join(lines), "  ")


def _tame(text: str) -> str:
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


def stopped(verdicts: Sequence[ModuleVerdict], broke: Collection[str]) -> str:
    """Why a commit was stopped, and what to do. broke: ids of modules that were complete before."""
    first = verdicts[0]
    number = next((v.module.number for v in verdicts if v.failures), first.module.number)
    # All in the first line, which is the only one that some editors show.
    blocks = [f"tito: commit stopped. {_reason(first, broke)} -> tito module test {number}"]
    for verdict in verdicts:
        heading = "" if verdict is first else _reason(verdict, broke)
        blocks += [part for part in (heading, _detail(verdict)) if part]
    blocks.append(
        "Nothing was changed; your work is as you left it.\n"
        f"-> tito module test {number}      run these tests again\n"
        f"-> tito module hint {number}      a hint, one step at a time\n"
        "To save unfinished work: put 'raise NotImplementedError(...)' back where the\n"
        "code is not right yet (unfinished code may be committed), or\n"
        "-> git commit --no-verify   (it counts as unverified until its tests pass)"
    )
    return "\n\n".join(blocks)


def _reason(verdict: ModuleVerdict, broke: Collection[str]) -> str:
    if verdict.module.id in broke:
        why = tally(verdict)
        return f"{verdict.module.id} was complete; with this commit it would not be: {why}."
    return f"{module_line(verdict)}."


def _detail(verdict: ModuleVerdict) -> str:
    """The first failures in full, or what is not written any more."""
    shown = failures(verdict)
    if not shown and verdict.todo:
        shown = failure(verdict.todo[0])
    return "\n".join(filter(None, [shown, *notes(verdict)]))


def notes(verdict: ModuleVerdict) -> list[str]:
    return [f"Note: {note}" for note in verdict.notes]


def checked(
    standing: Standing, changed: Collection[str], write: Sequence[str], remove: Sequence[str]
) -> str:
    """What a commit that goes through contains. "" when there is nothing to say."""
    lines = []
    for module_id in changed:
        verdict = standing.modules[module_id]
        tail = "" if verdict.proven or not verdict.todo else " (saved as work in progress)"
        lines.append(f"tito: {module_line(verdict)}{tail}.")
        lines += notes(verdict)
        if verdict.faults:
            lines.append(f"  {verdict.faults[0].message} -> tito module test {module_id[:2]}")
    if write:
        lines.append(f"tito: exported into this commit: {', '.join(write)}")
    if remove:
        lines.append(f"tito: no longer proven, removed from the package: {', '.join(remove)}")
    return "\n".join(lines)


def drifting(paths: Sequence[str]) -> str:
    """tinytorch/ is not what the lessons say, and no commit is being made that could carry it."""
    listed = "\n".join(f"  {path}" for path in paths)
    return (
        f"tito: tinytorch/ is not what your lessons export ({_count(len(paths), 'file')}):\n"
        f"{listed}\n-> tito export, then commit"
    )


# Standings


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
    for verdict in standing.milestones.values():
        if verdict.state is MilestoneState.UNLOCKED and verdict.earned is None:
            failed = verdict.evidence is not None
            verb = "Train it again" if failed else "Watch your code learn"
            return f"{verb}: tito milestone run {verdict.milestone.id}"
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


def render(standing: Standing) -> str:
    """The whole standing as text, for a log or a file."""
    lines = [f"Standing of {standing.snapshot}: {standing.points} points", "", "Modules"]
    for module in standing.modules.values():
        lines.append(f"  {module.module.id:<16} {module.state.value:<13} {tally(module)}")
    lines += ["", "Milestones"]
    for milestone in standing.milestones.values():
        missing = f"  needs {', '.join(milestone.missing)}" if milestone.missing else ""
        lines.append(f"  {milestone.milestone.id:<16} {milestone_state(milestone)}{missing}")
    if standing.drift:
        lines += ["", drifting(standing.drift)]
    return "\n".join([*lines, "", f"Next: {next_step(standing)}"])


def worth_a_look(verdict: MilestoneVerdict) -> str:
    """What a teacher should look at, although it is proven."""
    return f"{verdict.milestone.id}: proven, and worth a look\n{_indented(verdict.flag)}"


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """ "Did you mean 'test_add'?", or "" when nothing is close."""
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}'?" if close else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def files(report: Report) -> dict[str, str]:
    """The standing, what kept it from being judged, and every failure in full."""
    blocks = [_tame(render(report.standing))]
    if report.problem is not None:
        blocks.insert(0, f"Not judged: {report.problem.what}\n-> {report.problem.hint}")
    blocks += [worth_a_look(v) for v in report.standing.milestones.values() if v.flag]
    for verdict in report.standing.modules.values():
        blocks += [f"{verdict.module.id}\n{failure(check)}" for check in verdict.failures]
    for milestone in report.standing.milestones.values():
        blocks += [f"{milestone.milestone.id}\n{failure(check)}" for check in milestone.failures]
    return {"report.txt": "\n\n".join(blocks) + "\n"}


def summary(report: Report) -> str:
    """The whole of it in one line."""
    standing = report.standing
    if report.problem is not None:
        return f"Not judged: {report.problem.what}"
    flagged = [i for i, v in standing.milestones.items() if v.flag]
    return (
        f"{len(standing.complete)} of {len(standing.modules)} modules complete, "
        f"{len(standing.achieved)} of {len(standing.milestones)} milestones proven, "
        f"{report.milestone_points} of {report.milestone_points_possible} points, "
        f"{report.duration_s:.1f} s" + (f"; worth a look: {', '.join(flagged)}" if flagged else "")
    )
