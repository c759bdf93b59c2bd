"""A report small enough for everyone who takes it: long texts are cut before anything is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grader.errors import UsageError
from grader.reports import REPORTS, escape
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.measures import Measures, Number
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict

MAX_FILE_BYTES = 60_000  # comments end at 65,536 characters, and so does patience
CURVE_POINTS = 60
FLAG = 400  # characters of a note for the teacher

# What is said of each check, in characters, and of how many checks that do not pass per subject:
# everything if it fits, else less. What is still too large names some of the checks only.
ALL = 1000
_LISTED = (20, 3)
_BUDGETS = ((2000, ALL), (1000, 100), (300, 30), (120, 5), (60, 1))


def render(name: str, report: Report) -> Mapping[str, str]:
    """The files of format NAME. None is larger than MAX_FILE_BYTES: long texts are cut first."""
    files: Mapping[str, str] = {}
    for characters, checks in _BUDGETS:
        report = shortened(report, characters, checks)  # of what is short already
        files = REPORTS[name](report)
        if _fits(files):
            return files
    for listed in _LISTED:
        files = REPORTS[name](_naming(report, listed))
        if _fits(files):
            break
    return files


def _fits(files: Mapping[str, str]) -> bool:
    return all(len(text.encode()) <= MAX_FILE_BYTES for text in files.values())


def _naming(report: Report, listed: int) -> Report:
    """REPORT without the checks that pass, and with LISTED others of each module at most."""
    modules = {}
    for module_id, verdict in report.standing.modules.items():
        others = tuple(c for c in verdict.checks if c.outcome is not Outcome.PASSED)
        modules[module_id] = replace(verdict, checks=others[:listed], unlisted=verdict.passed)
    return replace(report, standing=replace(report.standing, modules=modules))


def write(report: Report, formats: Sequence[str], folder: Path) -> list[Path]:
    """The files of FORMATS in FOLDER, which is made. Each below 64 KiB."""
    make(folder)
    written = []
    for name in formats:
        for file, content in render(name, report).items():
            path = folder / file
            try:
                path.write_text(content, encoding="utf-8", newline="\n")
            except OSError as error:
                raise _unwritable(path, error) from None
            written.append(path)
    return written


def make(folder: Path) -> None:
    """Raises UsageError when there can be no such folder: better said before anything is judged."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"The reports cannot be written: {path}: {error.strerror or error}.",
        hint="Name a folder that you may write to: --out FOLDER",
    )


def shortened(report: Report, characters: int, checks: int) -> Report:
    """REPORT with texts of at most CHARACTERS, and CHECKS that do not pass told per subject."""
    standing = report.standing
    modules = {i: _module(v, characters, checks) for i, v in standing.modules.items()}
    milestones = {i: _milestone(v, characters, checks) for i, v in standing.milestones.items()}
    problem = report.problem
    if problem is not None:
        problem = replace(
            problem,
            what=escape.plain(problem.what, characters),
            hint=escape.plain(problem.hint, characters),
        )
    return replace(
        report,
        standing=replace(
            standing, modules=modules, milestones=milestones, drift=standing.drift[:checks]
        ),
        replaced=tuple(escape.line(path, 200) for path in report.replaced[:20]),
        problem=problem,
    )


def _module(verdict: ModuleVerdict, characters: int, checks: int) -> ModuleVerdict:
    notes = tuple(escape.plain(note, characters) for note in verdict.notes[:checks])
    return replace(verdict, checks=_checks(verdict.checks, characters, checks), notes=notes)


def _milestone(verdict: MilestoneVerdict, characters: int, checks: int) -> MilestoneVerdict:
    evidence = verdict.evidence
    if evidence is None:
        return verdict
    kept = _checks(evidence.checks, characters, checks)
    measures = evidence.measures if checks >= ALL else _measures(evidence.measures)
    return replace(
        verdict,
        evidence=replace(
            evidence,
            checks=kept,
            measures=measures,
            flag=escape.plain(evidence.flag, min(characters, FLAG)),
        ),
    )


def _measures(measures: Measures) -> Measures:
    """Without what is large: every parameter, what was reported beside, each single step."""
    loss = thinned(measures.loss, CURVE_POINTS)
    return replace(measures, loss=loss, parameters=(), beside={}, tolerance_used={})


def thinned(values: Sequence[Number], count: int) -> tuple[Number, ...]:
    """At most COUNT of VALUES, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return tuple(values)
    return tuple(values[round(i * (len(values) - 1) / (count - 1))] for i in range(count))


def _checks(found: tuple[CheckResult, ...], characters: int, told: int) -> tuple[CheckResult, ...]:
    """All checks. Those that pass and those after the first TOLD others by name only."""
    kept = []
    for check in found:
        name = escape.line(check.name, 200)
        if check.outcome is Outcome.PASSED or told <= 0:
            title = "" if told <= 0 else escape.line(check.title, min(characters, 200))
            kept.append(CheckResult(name, title, check.outcome, reached=check.reached))
            continue
        told -= 1
        kept.append(
            CheckResult(
                name,
                escape.line(check.title, min(characters, 200)),
                check.outcome,
                escape.plain(check.message, characters),
                escape.plain(check.hint, characters),
                escape.line(check.where, 200),
                escape.plain(check.output, characters),
                check.reached,
            )
        )
    return tuple(kept)
