"""What a run means: one outcome per expected check, whatever the worker said or left unsaid."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grader.sandbox.jobs import Job
from grader.verdicts.facts import CheckResult, Outcome

MAX_TEXT_CHARS = 4096  # of what a worker says, per field
# What a worker may say of a check. The others are the judge's to say: a FAULT above all.
_SAID = (Outcome.PASSED, Outcome.FAILED, Outcome.TODO, Outcome.ERRORED)
# As faulthandler prints the innermost frame first, and the worker labels the lesson's code.
_RUNNING = re.compile(rb'File "code:([^"\n]+)", line (\d+) in ')


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended. status: below zero a signal.  The others: it was stopped by us, and why."""

    status: int
    timed_out: bool = False
    printed_too_much: bool = False
    wrote_too_much: bool = False
    too_many_processes: bool = False

    @property
    def by_us(self) -> bool:
        return (
            self.timed_out
            or self.printed_too_much
            or self.wrote_too_much
            or self.too_many_processes
        )


@dataclass(frozen=True, slots=True)
class _Ending:
    """outcome, what: of the check that was running.  to_others: what it did to those behind it."""

    outcome: Outcome
    what: str
    to_others: str
    hint: str
    where: str = ""


class Heard:
    """One child: what it said until it ended, was stopped, or fell silent."""

    def __init__(
        self, job: Job, messages: Sequence[dict[str, Any]], printed: bytes, end: End
    ) -> None:
        self._job = job
        self._messages = messages
        self._printed = printed
        self._end = end

    def outcomes(self) -> tuple[CheckResult, ...]:
        """One per expected check, in order. What was never named is MISSING, whatever the status."""
        done: dict[str, CheckResult] = {}
        begun = ""
        loading = False
        for message in self._messages:
            event, name = message.get("event"), message.get("check")
            if event == "loading":
                loading = True
            elif event == "start" and isinstance(name, str):
                begun, loading = name, False
            elif event == "done" and name == begun and name not in done:
                done[begun] = self._result(begun, message)
        return tuple(
            done.get(name) or self._silent(name, begun=name == begun or loading, running=begun)
            for name in self._job.expected
        )

    def _result(self, name: str, message: dict[str, Any]) -> CheckResult:
        outcome = next((o for o in _SAID if o.value == message.get("outcome")), Outcome.MISSING)
        text, _, hint = _said(message, "message").partition("Hint:")
        line = message.get("line")
        file, source = _said(message, "file"), _said(message, "source")
        where = f"{file}:{line if type(line) is int else 0}" if file else ""
        if source and where:
            where = f"{where}: {source}"
        return CheckResult(
            name,
            self._job.titles.get(name, name),
            outcome,
            text.strip(),
            hint.strip(),
            where[:MAX_TEXT_CHARS],
            _said(message, "output"),
        )

    def _silent(self, name: str, *, begun: bool, running: str) -> CheckResult:
        """A check that did not report: stopped by a limit while it ran, or never reached."""
        if not self._messages:  # the worker speaks before it runs a line of the student's
            said = self._tail().strip().splitlines()
            what = "the grader's worker did not come as far as the lesson"
            return fault(self._job, name, f"{what}: {said[-1]}" if said else what, "Try again.")
        end = self._ending()
        running = running or "the lesson"
        return CheckResult(
            name,
            self._job.titles.get(name, name),
            end.outcome if begun else Outcome.MISSING,
            end.what if begun else f"not reached: {running} {end.to_others}",
            end.hint,
            end.where if begun else "",
            self._tail() if begun and not end.where else "",
            reached=begun,
        )

    def _ending(self) -> _Ending:
        """What ended a run before its end."""
        limits = self._job.limits
        if self._end.printed_too_much:
            what = f"printed more than {limits.output_mb} MB and was stopped"
            hint = "Remove the print from the loop."
            return _Ending(Outcome.ERRORED, what, "printed too much", hint)
        if self._end.wrote_too_much:
            what = f"wrote more than {limits.scratch_mb} MB of files and was stopped"
            hint = "Nothing here needs a file: keep it in memory."
            return _Ending(Outcome.ERRORED, what, "wrote too many files", hint)
        if self._end.too_many_processes:
            what = f"started more than {limits.processes} processes and was stopped"
            hint = "Nothing here needs a process of its own."
            return _Ending(Outcome.ERRORED, what, "started too many processes", hint)
        if self._end.timed_out or self._end.status == -int(getattr(signal, "SIGXCPU", 24)):
            after = (
                f"{limits.wall_s:g} s" if self._end.timed_out else f"{limits.cpu_s} s of computing"
            )
            what = f"still running after {after} and was stopped"
            hint = "Look for a loop that never ends."
            return _Ending(Outcome.TIMED_OUT, what, "ran out of time before it", hint, self._hung())
        ended = (
            f"exit status {self._end.status}"
            if self._end.status >= 0
            else f"signal {-self._end.status}"
        )
        what = f"the process ended ({ended}) while this check ran"
        hint = "Code under test must return or raise: no os._exit, no crash."
        return _Ending(Outcome.MISSING, what, f"ended the process ({ended}) before it", hint)

    def _hung(self) -> str:
        """The line of the lesson that was running, if the worker could still say so."""
        found = _RUNNING.search(self._printed)
        if not found:
            return ""
        path, line = found.group(1).decode("utf-8", "replace"), int(found.group(2))
        for cell in self._job.program.get("cells", ()):
            lines = cell["source"].split("\n")
            if cell["file"] == path and cell["line"] <= line < cell["line"] + len(lines):
                return _readable(f"{path}:{line}: {lines[line - cell['line']].strip()[:200]}")
        return ""

    def _tail(self) -> str:
        return _readable(self._printed.decode("utf-8", "replace"))


def fault(job: Job, name: str, what: str, hint: str) -> CheckResult:
    return CheckResult(name, job.titles.get(name, name), Outcome.FAULT, what, hint)


def _said(message: dict[str, Any], field: str) -> str:
    """A text of the worker's. What is no text is none: lists in lists have no end to be printed."""
    value = message.get(field)
    return _readable(value) if isinstance(value, str) else ""


def _readable(text: str) -> str:
    """Text for a terminal: cut, without control characters and halves of characters."""
    text = text[:MAX_TEXT_CHARS]
    return "".join(c if c.isprintable() or c in "\n\t\u00a0\u202f" else "\ufffd" for c in text)
