"""state.json of the badges branch: when and by which commit each milestone was earned.

Runs may arrive in any order and at the same time, so joining a run to a state must give the same
whatever the order: `earned` is the earliest run that proved it and is never taken back, `now` is
what the latest run said, `since` is the earliest run after the last proof that did not prove it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.reports import strict
from grader.reports.strict import Field, Form, Refused, nullable, record, word
from grader.verdicts.facts import Earned, Evidence
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneState

SCHEMA = "tinytorch/badges/v1"
FILE = "state.json"
MAX_BYTES = 256 * 1024
MAX_MILESTONES = 200
_ID = r"[a-z][a-z0-9_]{0,59}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """run: GitHub's number of the workflow run, which only grows.  when: that of the run."""

    run: int
    commit: str
    when: str

    def as_earned(self) -> Earned:
        return Earned(self.commit, self.when)


@dataclass(frozen=True, slots=True)
class History:
    """Of one milestone. earned, proven: its first and its last proof.  since: see above."""

    state: MilestoneState
    now: Stamp
    earned: Stamp | None = None
    proven: Stamp | None = None
    since: Stamp | None = None


BadgeState = Mapping[str, History]

_STAMP = record(
    Stamp,
    Field("run", Form(strict.integer(1, 10**12))),
    Field("commit", Form(strict.commit)),
    Field("when", Form(strict.instant)),
)
_HISTORY = record(
    History,
    Field("state", word(MilestoneState)),
    Field("now", _STAMP),
    Field("earned", nullable(_STAMP)),
    Field("proven", nullable(_STAMP)),
    Field("since", nullable(_STAMP)),
)


def read(raw: bytes | None) -> dict[str, History]:
    """{} for None. Raises Refused: a state that cannot be read must not be written over."""
    if raw is None:
        return {}
    fields = (Field("schema", Form(strict.one_of(SCHEMA))), Field("milestones", Form(_histories)))
    return dict(strict.read(fields, strict.parse(raw, FILE, MAX_BYTES), FILE)["milestones"])


def _histories(value: Any, where: str) -> dict[str, History]:
    if not isinstance(value, dict) or len(value) > MAX_MILESTONES:
        raise Refused(f"{where} should be a table of at most {MAX_MILESTONES} milestones.")
    name = strict.matching(_ID, "a milestone id")
    return {name(key, where): _HISTORY.read(each, f"{where}.{key}") for key, each in value.items()}


def write(state: BadgeState) -> str:
    milestones = {name: _HISTORY.write(history) for name, history in sorted(state.items())}
    return json.dumps({"schema": SCHEMA, "milestones": milestones}, indent=1) + "\n"


def join(state: BadgeState, report: Report, stamp: Stamp) -> dict[str, History]:
    """STATE after one more run. A milestone that was not judged stays as it was."""
    joined = dict(state)
    for milestone_id, verdict in report.standing.milestones.items():
        if report.problem is None and verdict.judged:
            joined[milestone_id] = _after(joined.get(milestone_id), verdict.state, stamp)
    return joined


def _after(known: History | None, state: MilestoneState, stamp: Stamp) -> History:
    proves = state is MilestoneState.ACHIEVED
    if known is None:
        known = History(state, stamp)
    elif stamp.run >= known.now.run:
        known = replace(known, state=state, now=stamp)
    if proves:
        known = replace(
            known, earned=_earlier(known.earned, stamp), proven=_later(known.proven, stamp)
        )
    return replace(known, since=_since(known, None if proves else stamp))


def _since(known: History, failed: Stamp | None) -> Stamp | None:
    """The earliest known run after the last proof that did not prove it."""
    if known.state is MilestoneState.ACHIEVED:
        return None
    last_proof = known.proven.run if known.proven else 0
    failures = [s for s in (known.since, failed, known.now) if s and s.run > last_proof]
    return min(failures, key=lambda s: s.run) if failures else None


def _earlier(known: Stamp | None, stamp: Stamp) -> Stamp:
    return stamp if known is None or stamp.run <= known.run else known


def _later(known: Stamp | None, stamp: Stamp) -> Stamp:
    return stamp if known is None or stamp.run >= known.run else known


def tell(report: Report, state: BadgeState) -> Report:
    """REPORT with what STATE knows: since when each milestone is earned, and since when not proven."""
    milestones = {}
    regressed = {}
    for milestone_id, verdict in report.standing.milestones.items():
        history = state.get(milestone_id)
        if history is not None and history.earned is not None:
            verdict = replace(verdict, earned=history.earned.as_earned())
            if history.since is not None:
                regressed[milestone_id] = history.since.as_earned()
        milestones[milestone_id] = verdict
    standing = replace(report.standing, milestones=milestones)
    return replace(report, standing=standing, regressed=regressed)


def current(report: Report, state: BadgeState) -> Report:
    """What the badges show: the latest run of each milestone, which need not be that of REPORT."""
    told = tell(report, state)
    milestones = {}
    for milestone_id, verdict in told.standing.milestones.items():
        history = state.get(milestone_id)
        if history is not None:
            judged = Evidence("", milestone_id, ())  # a state is only kept of what was judged
            verdict = replace(verdict, state=history.state, missing=(), evidence=judged)
        milestones[milestone_id] = verdict
    return replace(told, standing=replace(told.standing, milestones=milestones))
