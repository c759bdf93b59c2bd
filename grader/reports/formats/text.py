"""Plain words for people, without any library: what hooks print, and the panels.

All functions return text with box characters and signs; fit() turns it into ASCII for a console
that cannot show them.
"""

from __future__ import annotations

from grader.reports import phrases
from grader.verdicts.report import Report
from grader.verdicts.verdicts import Standing

# Modules


# Standings


def render(standing: Standing) -> str:
    """The whole standing as text, for a log or a file."""
    lines = [f"Standing of {standing.snapshot}: {standing.points} points", "", "Modules"]
    for module in standing.modules.values():
        lines.append(f"  {module.module.id:<16} {module.state.value:<13} {phrases.tally(module)}")
    lines += ["", "Milestones"]
    for milestone in standing.milestones.values():
        missing = f"  needs {', '.join(milestone.missing)}" if milestone.missing else ""
        lines.append(
            f"  {milestone.milestone.id:<16} {phrases.milestone_state(milestone)}{missing}"
        )
    if standing.drift:
        lines += ["", phrases.drifting(standing.drift)]
    return "\n".join([*lines, "", f"Next: {phrases.next_step(standing)}"])


def files(report: Report) -> dict[str, str]:
    """The standing, what kept it from being judged, and every failure in full."""
    blocks = [phrases.tame(render(report.standing))]
    if report.problem is not None:
        blocks.insert(0, f"Not judged: {report.problem.what}\n-> {report.problem.hint}")
    blocks += [phrases.worth_a_look(v) for v in report.standing.milestones.values() if v.flag]
    for verdict in report.standing.modules.values():
        blocks += [f"{verdict.module.id}\n{phrases.failure(check)}" for check in verdict.failures]
    for milestone in report.standing.milestones.values():
        blocks += [
            f"{milestone.milestone.id}\n{phrases.failure(check)}" for check in milestone.failures
        ]
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
