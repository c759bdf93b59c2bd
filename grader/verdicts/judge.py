"""The course's judgement of facts. Pure: no files, no processes, no clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from grader.rules.course import Milestone, Module
from grader.verdicts.facts import Earned, Evidence, Outcome
from grader.verdicts.verdicts import MilestoneState, MilestoneVerdict, ModuleState, ModuleVerdict


def judge_module(
    module: Module,
    evidence: Evidence | None,
    expected: Sequence[str],
    *,
    incomplete: Collection[str],
    exported: bool,
    notes: tuple[str, ...] = (),
    key: str = "",
) -> ModuleVerdict:
    """expected: the names of the checks that the course wants to hear of.
    incomplete: ids of modules that are not proven.  exported: tinytorch/ holds this lesson's code.
    """
    waits_for = tuple(need for need in module.needs if need in incomplete)
    if waits_for:
        return ModuleVerdict(module, ModuleState.BLOCKED, (), len(expected), waits_for, notes, key)
    if evidence is None:
        return ModuleVerdict(module, ModuleState.UNVERIFIED, (), len(expected), (), notes, key)
    by_name = {c.name: c for c in evidence.checks}
    heard = [by_name[name] for name in expected if name in by_name]
    passed = sum(c.outcome is Outcome.PASSED for c in heard)
    if expected and passed == len(expected):
        state = ModuleState.COMPLETE if exported else ModuleState.NOT_EXPORTED
    elif passed or any(c.outcome is not Outcome.TODO for c in evidence.checks):
        state = ModuleState.IN_PROGRESS
    else:
        state = ModuleState.TODO
    return ModuleVerdict(module, state, evidence.checks, len(expected), (), notes, key)


def judge_milestone(
    milestone: Milestone,
    evidence: Evidence | None,
    *,
    complete: Collection[str],
    earned: Earned | None,
    key: str = "",
) -> MilestoneVerdict:
    missing = tuple(need for need in milestone.needs if need not in complete)
    if missing:
        return MilestoneVerdict(milestone, MilestoneState.LOCKED, missing, None, earned, key)
    proven = evidence is not None and evidence.passed
    state = MilestoneState.ACHIEVED if proven else MilestoneState.UNLOCKED
    return MilestoneVerdict(milestone, state, (), evidence, earned, key)
