"""GitHub Markdown: the comment on a pull request, and the summary of a job.

What a student wrote stands in code spans and fenced blocks only (grader.reports.escape).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.reports import escape, phrases
from grader.reports.measurements import curve
from grader.verdicts.facts import CheckResult, Earned, Outcome
from grader.verdicts.measures import NOTHING
from grader.verdicts.report import Report, Trust
from grader.verdicts.verdicts import MilestoneVerdict, ModuleState, ModuleVerdict

MAX_CHARS = 60_000  # GitHub refuses a comment above 65,536
CURVE_WIDTH = 16
_MESSAGE = 1200
_TRUST = {
    Trust.ADVISORY: "This is a preview: badges are awarded on the default branch.",
    Trust.CI: "Graded on a runner with the rules of the default branch.",
    Trust.AUTHORITATIVE: "Graded under the course's own control.",
}


def files(report: Report) -> dict[str, str]:
    return {"report.md": document(report)}


def document(report: Report, heading: str = "", footer: str = "") -> str:
    """The whole page. heading, footer: Markdown of our own, above and below."""
    blocks = [heading or _heading(report)]
    if report.problem is not None:
        listed = [_milestones(report)] if report.standing.milestones else []
        blocks += [_problem(report), *listed, footer or _footer(report)]
    else:
        blocks += [
            *_replaced(report),
            *_regressions(report),
            _milestones(report),
            *_flags(report),
            *_failed_milestones(report),
            _modules(report),
            *_first_failure(report),
            f"**Next:** {_next(report)}",
            footer or _footer(report),
        ]
    return _whole_lines("\n\n".join(blocks) + "\n")


def _whole_lines(page: str) -> str:
    if len(page) <= MAX_CHARS:
        return page
    kept = page[:MAX_CHARS].rpartition("\n")[0]
    # A fence that the cut left open would swallow what follows.
    closing = "\n````````" if kept.count("\n```") % 2 else ""
    return f"{kept}{closing}\n\n(cut: the whole report is longer than a comment may be)\n"


def _heading(report: Report) -> str:
    standing = report.standing
    if report.problem is not None:
        return f"## {escape.words(report.title)}: not judged"
    achieved, all_ = len(standing.achieved), len(standing.milestones)
    return (
        f"## {escape.words(report.title)}: {achieved} of {all_} milestones, "
        f"{report.milestone_points} of {report.milestone_points_possible} points"
    )


def _problem(report: Report) -> str:
    assert report.problem is not None
    hint = f"\n>\n> {escape.span(report.problem.hint, _MESSAGE)}" if report.problem.hint else ""
    what = escape.span(report.problem.what, _MESSAGE)
    return f"> [!CAUTION]\n> **Not judged.** {what}{hint}"


def _replaced(report: Report) -> list[str]:
    if not report.replaced:
        return []
    listed = ", ".join(escape.span(path, 120) for path in report.replaced[:5])
    more = len(report.replaced) - 5
    tail = f" and {more} more" if more > 0 else ""
    return [
        f"> [!NOTE]\n> This commit holds other rules than the base branch ({listed}{tail}). "
        "They were not used: the grader and the rules came from the base branch."
    ]


def _regressions(report: Report) -> list[str]:
    lines = []
    for milestone_id, verdict in report.standing.milestones.items():
        if not verdict.regressed or verdict.earned is None:
            continue
        earned = verdict.earned
        lines.append(
            f"> **{escape.words(verdict.milestone.name)}** was earned by {_commit(earned)} and is "
            f"not proven {_since(report.regressed.get(milestone_id))}. {_retest(verdict)}"
        )
    return ["> [!WARNING]\n" + "\n>\n".join(lines)] if lines else []


def _since(commit: Earned | None) -> str:
    return f"since {_commit(commit)}" if commit is not None else "with this commit"


def _commit(commit: Earned) -> str:
    when = f" ({escape.line(commit.when[:10])})" if commit.when else ""
    return f"{escape.span(commit.commit[:10])}{when}"


def _retest(verdict: MilestoneVerdict) -> str:
    """Which test to run on one's own machine."""
    if verdict.missing:
        number = verdict.missing[0][:2]
        broken = ", ".join(escape.span(m) for m in verdict.missing)
        return f"Broken: {broken}. Run `tito module test {number}`."
    return f"Run `tito milestone run {verdict.milestone.id}` (or `pytest {verdict.milestone.test} -v -s`)."


def _milestones(report: Report) -> str:
    head = "| milestone | state | points | loss | accuracy | gradients | updates | loss curve |"
    rows = [head, "|---|---|--:|---|---|---|---|---|"]
    for verdict in report.standing.milestones.values():
        evidence = verdict.evidence
        measures = evidence.measures if evidence is not None else NOTHING
        said = measures.words
        required = _together(f"({verdict.milestone.accuracy})".replace(">", "&gt;"))
        cells = [
            f"**{escape.words(verdict.milestone.name)}** {escape.span(verdict.milestone.id)}",
            _state(verdict),
            _points(verdict),
            _together(said.get("loss", "")).replace("&nbsp;(", " ("),
            f"{_together(said.get('accuracy', ''))} {required}".strip(),
            said.get("gradients", ""),
            said.get("updates", ""),
            escape.span(curve(measures.loss, CURVE_WIDTH)),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _points(verdict: MilestoneVerdict) -> str:
    """A fault of ours is not a zero of theirs."""
    points = str(verdict.points) if verdict.judged else "-"
    return _together(f"{points} / {verdict.milestone.points}")


def _together(text: str) -> str:
    """Numbers and their units in one line: eight columns leave little room for each."""
    return text.replace(" ", "&nbsp;")


def _needs(modules: Sequence[str]) -> str:
    """The one to begin with, and how many follow: a list of seven makes the table unreadable."""
    shown = ", ".join(map(escape.span, modules[:2] if len(modules) < 3 else modules[:1]))
    return f"🔒 needs {shown}{f' and {len(modules) - 1} more' if len(modules) > 2 else ''}"


def _state(verdict: MilestoneVerdict) -> str:
    if verdict.achieved:
        return "🏆 proven"
    if not verdict.judged:
        return "❔ not judged"
    if verdict.regressed:
        return "⚠️ regressed"
    if verdict.missing:
        return _needs(verdict.missing)
    return "❌ not proven"


def _failed_milestones(report: Report) -> list[str]:
    found = []
    for verdict in report.standing.milestones.values():
        if verdict.missing or not verdict.failures:
            continue
        checks = [c for c in verdict.failures if c.outcome is not Outcome.MISSING]
        told = checks[:3] or list(verdict.failures[:1])
        # With a regression it stands at the top what to run.
        again = "" if verdict.regressed else f" {_retest(verdict)}"
        found.append(
            f"**{escape.words(verdict.milestone.name)}** is not proven.{again}\n\n"
            + "\n\n".join(_told(c) for c in told)
        )
    return found


def _flags(report: Report) -> list[str]:
    """For the teacher: proven, and worth a look all the same."""
    lines = [
        f"> **{escape.words(v.milestone.name)}**: {escape.span(v.flag, _MESSAGE)}"
        for v in report.standing.milestones.values()
        if v.flag
    ]
    return ["> [!NOTE]\n" + "\n>\n".join(lines)] if lines else []


def _told(check: CheckResult) -> str:
    return escape.fence(phrases.failure(check), _MESSAGE)


def _modules(report: Report) -> str:
    rows = ["| module | state | tests passed | first failing test |", "|---|---|--:|---|"]
    for verdict in report.standing.modules.values():
        rows.append(
            f"| {escape.span(verdict.module.id)} {escape.words(verdict.module.title)} "
            f"| {_module_state(verdict)} | {verdict.passed} of {verdict.expected} "
            f"| {_first(verdict)} |"
        )
    return "\n".join(rows)


def _module_state(verdict: ModuleVerdict) -> str:
    if verdict.complete:
        return "✅ complete"
    if verdict.failures:
        return "❌ wrong"
    if verdict.faults:
        return "❔ not judged"
    if verdict.state is ModuleState.BLOCKED:
        return _needs(verdict.waits_for)
    return str(verdict.state.value)


def _first(verdict: ModuleVerdict) -> str:
    check = next(iter((*verdict.failures, *verdict.faults)), None)
    if check is None:
        return ""
    hint = f" Hint: {escape.span(check.hint, 160)}" if check.hint else ""
    return f"{escape.span(check.name, 80)}.{hint}"


def _first_failure(report: Report) -> list[str]:
    """The first failing test of each module in full, folded."""
    found = [(v.module, v.failures[0]) for v in report.standing.modules.values() if v.failures]
    if not found:
        return []
    blocks = [
        f"{escape.span(module.id)}: `tito module test {module.number}`\n\n{_told(check)}"
        for module, check in found
    ]
    return [_folded("What failed, in full", blocks)]


def _folded(title: str, blocks: Iterable[str]) -> str:
    return "\n\n".join([f"<details open><summary>{title}</summary>", *blocks, "</details>"])


def _next(report: Report) -> str:
    """The same next step as on the student's machine, with its command in a code span."""
    wrong = [v for v in report.standing.modules.values() if v.failures]
    if wrong:
        return (
            f"Mend {escape.span(wrong[0].module.id)}: `tito module test {wrong[0].module.number}`"
        )
    failed = [v for v in report.standing.milestones.values() if v.failures]
    if failed:
        return _retest(failed[0])
    words = phrases.next_step(report.standing)
    head, _, command = words.partition(": ")
    return f"{head}: {escape.span(command)}" if command else words


def _footer(report: Report) -> str:
    parts = []
    if report.standing.snapshot:
        parts.append(f"Commit {escape.span(report.standing.snapshot[:10])}")
    if report.rules:
        parts.append(f"rules of {escape.span(report.rules[:10])}")
    if report.standing.isolations:
        parts.append(f"isolation {', '.join(map(escape.span, report.standing.isolations))}")
    said = ", ".join(parts)
    return f"<sub>{said + '. ' if said else ''}{_TRUST[report.trust]}</sub>"
