"""What a hook says of a commit, in the characters that the terminal can draw."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Sequence

from grader.reports.console import fit
from grader.reports.phrases import failure, failures, module_line, notes, tally
from grader.verdicts.verdicts import ModuleVerdict, Standing


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


def say(words: str) -> None:
    """A pipe that nobody reads, or a log on a full disk, does not decide about a commit."""
    if words:
        with contextlib.suppress(OSError):
            print(fit(words, sys.stdout.encoding), flush=True)  # noqa: T201  # what the student reads
