"""From facts to judgements: the states of modules and milestones."""

from __future__ import annotations

import ast
import dataclasses
import inspect

import pytest

from grader.verdicts import judge
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.judge import judge_milestone, judge_module
from grader.verdicts.report import Problem, Report, Trust, unjudged
from grader.verdicts.verdicts import (
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Standing,
)
from tests.grader.small_course import course

P, F, TODO, E, LATE, MISSING, FAULT = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.TODO,
    Outcome.ERRORED,
    Outcome.TIMED_OUT,
    Outcome.MISSING,
    Outcome.FAULT,
)
ONE = course().module("00_one")
TWO = course().module("01_two")
LATE_MILESTONE = course().milestone("late")
ALL = ("00_one", "01_two", "02_three")


def evidence(**outcomes: Outcome) -> Evidence:
    return Evidence(
        "k", "x", tuple(CheckResult(name, name, outcome) for name, outcome in outcomes.items())
    )


def verdict(found, expected=("a", "b"), *, exported=True, incomplete=()):
    return judge_module(TWO, found, expected, incomplete=incomplete, exported=exported)


@pytest.mark.parametrize(
    ("found", "exported", "state"),
    [
        pytest.param(evidence(a=P, b=P), True, ModuleState.COMPLETE, id="all pass, exported"),
        pytest.param(evidence(a=P, b=P), False, ModuleState.NOT_EXPORTED, id="all pass"),
        pytest.param(evidence(b=P, a=P), True, ModuleState.COMPLETE, id="in another order"),
        pytest.param(evidence(a=P, b=P, c=F), True, ModuleState.COMPLETE, id="an unexpected one"),
        pytest.param(evidence(a=P, b=TODO), True, ModuleState.IN_PROGRESS, id="half to do"),
        pytest.param(evidence(a=P), True, ModuleState.IN_PROGRESS, id="one was never heard of"),
        pytest.param(evidence(a=P, b=F), True, ModuleState.IN_PROGRESS, id="one fails"),
        pytest.param(evidence(a=TODO, b=F), True, ModuleState.IN_PROGRESS, id="to do and fails"),
        pytest.param(evidence(a=TODO, b=TODO), True, ModuleState.TODO, id="all to do"),
        pytest.param(evidence(a=TODO, b=TODO), False, ModuleState.TODO, id="to do, not exported"),
        pytest.param(evidence(a=F, b=F), True, ModuleState.IN_PROGRESS, id="all fail"),
        pytest.param(evidence(a=E, b=E), True, ModuleState.IN_PROGRESS, id="all raise"),
        pytest.param(evidence(a=MISSING, b=MISSING), True, ModuleState.IN_PROGRESS, id="silence"),
        pytest.param(evidence(a=P, b=LATE), True, ModuleState.IN_PROGRESS, id="one is too slow"),
        pytest.param(evidence(a=FAULT, b=FAULT), True, ModuleState.IN_PROGRESS, id="our fault"),
        pytest.param(evidence(), True, ModuleState.TODO, id="nothing ran"),
        pytest.param(None, True, ModuleState.UNVERIFIED, id="never graded"),
        pytest.param(None, False, ModuleState.UNVERIFIED, id="never graded, not exported"),
    ],
)
def test_the_state_of_a_module_follows_from_its_outcomes(found, exported, state):
    assert verdict(found, exported=exported).state is state


def test_a_module_without_a_test_is_never_complete():
    assert verdict(evidence(), ()).state is ModuleState.TODO
    assert verdict(evidence(a=P), ()).state is ModuleState.IN_PROGRESS


@pytest.mark.parametrize("found", [evidence(a=P, b=P), evidence(a=F, b=F), None])
def test_a_module_waits_for_what_it_needs_whatever_is_known(found):
    blocked = verdict(found, incomplete=("00_one", "02_three"))
    assert blocked.state is ModuleState.BLOCKED
    assert blocked.waits_for == ("00_one",)
    assert blocked.checks == ()
    assert blocked.points == 0


def test_a_module_that_needs_nothing_is_never_blocked():
    found = judge_module(ONE, None, ("a",), incomplete=ALL, exported=False)
    assert found.state is ModuleState.UNVERIFIED


def test_points_are_given_for_complete_modules_only():
    assert verdict(evidence(a=P, b=P)).points == 10
    assert verdict(evidence(a=P, b=P), exported=False).points == 0
    assert verdict(evidence(a=P, b=F)).points == 0


@pytest.mark.parametrize(
    ("outcome", "stops"),
    [
        (P, False),
        (TODO, False),
        (FAULT, False),
        (F, True),
        (E, True),
        (LATE, True),
        (MISSING, True),
    ],
)
def test_wrong_code_stops_a_commit_and_unfinished_code_does_not(outcome, stops):
    assert outcome.stops_a_commit is stops
    found = verdict(evidence(a=P, b=outcome))
    assert [c.name for c in found.failures] == (["b"] if stops else [])


def test_to_do_faults_and_passes_are_counted_apart():
    found = verdict(evidence(a=P, b=TODO, c=FAULT), ("a", "b", "c"))
    assert (found.passed, [c.name for c in found.todo], [c.name for c in found.faults]) == (
        1,
        ["b"],
        ["c"],
    )


@pytest.mark.parametrize(
    ("outcomes", "settled", "kept"),
    [
        pytest.param({"a": P, "b": F}, True, True, id="pass and fail"),
        pytest.param({"a": TODO, "b": E}, True, True, id="to do and error"),
        pytest.param({"a": LATE}, False, True, id="time-out"),
        pytest.param({"a": MISSING}, False, True, id="silence"),
        pytest.param({"a": FAULT}, False, False, id="fault"),
    ],
)
def test_what_another_run_may_change_is_not_settled(outcomes, settled, kept):
    found = evidence(**outcomes)
    assert (found.settled, found.worth_keeping) == (settled, kept)


def test_evidence_of_nothing_is_no_pass():
    assert not evidence().passed


def judged(found, complete=ALL, earned=None):
    return judge_milestone(LATE_MILESTONE, found, complete=complete, earned=earned)


@pytest.mark.parametrize(
    ("found", "complete", "state"),
    [
        pytest.param(evidence(a=P), ALL, MilestoneState.ACHIEVED, id="proven"),
        pytest.param(evidence(a=P, b=F), ALL, MilestoneState.UNLOCKED, id="one claim fails"),
        pytest.param(evidence(a=P, b=FAULT), ALL, MilestoneState.UNLOCKED, id="our fault"),
        pytest.param(evidence(), ALL, MilestoneState.UNLOCKED, id="no claims"),
        pytest.param(None, ALL, MilestoneState.UNLOCKED, id="not run"),
        pytest.param(None, ("00_one",), MilestoneState.LOCKED, id="modules missing"),
        pytest.param(evidence(a=P), ("00_one",), MilestoneState.LOCKED, id="proven, but missing"),
    ],
)
def test_the_state_of_a_milestone_follows_from_modules_and_proof(found, complete, state):
    assert judged(found, complete).state is state


def test_a_locked_milestone_says_exactly_which_modules_are_missing():
    locked = judged(None, ("01_two",))
    assert locked.missing == ("00_one", "02_three")
    assert not locked.unlocked


def test_what_was_earned_is_kept_but_gives_no_points_without_proof():
    earned = Earned("c", "w")
    again = judged(None, earned=earned)
    assert (again.earned, again.achieved, again.points) == (earned, False, 0)
    assert judged(evidence(a=P), earned=earned).points == 40


@pytest.mark.parametrize(
    ("found", "outcome", "points"), [(evidence(a=P), P, 41), (evidence(a=F), MISSING, 0)]
)
def test_points_that_cannot_be_shared_equally_stand_for_all_claims_together(found, outcome, points):
    milestone = dataclasses.replace(LATE_MILESTONE, points=41)
    (part,) = judge_milestone(milestone, found, complete=ALL, earned=None).parts
    assert (part.check.outcome, part.points, part.points_possible) == (outcome, points, 41)


@pytest.mark.parametrize(
    ("module", "milestone", "wrong"),
    [
        pytest.param(evidence(a=P, b=P), evidence(a=P), False, id="all is well"),
        pytest.param(evidence(a=P, b=TODO), None, False, id="unfinished"),
        pytest.param(evidence(a=P, b=F), None, True, id="a test fails"),
        pytest.param(evidence(a=P, b=P), evidence(a=F), True, id="a milestone fails"),
    ],
)
def test_a_report_is_wrong_where_something_fails_and_not_where_it_is_unfinished(
    module, milestone, wrong
):
    found = Standing("c", {TWO.id: verdict(module)}, {LATE_MILESTONE.id: judged(milestone)})
    assert Report(found, "course").wrong is wrong


@pytest.mark.parametrize(("ours", "outcome"), [(True, FAULT), (False, E)])
def test_what_could_not_be_judged_names_everything_and_says_why(ours, outcome):
    problem = Problem("The clone is incomplete.", "git fetch --unshallow")
    report = unjudged(course(), "c", problem, Trust.CI, ours=ours)
    modules, milestones = report.standing.modules, report.standing.milestones
    assert [(v.module, v.state, v.notes) for v in modules.values()] == [
        (m, ModuleState.UNVERIFIED, (problem.what,)) for m in course().modules
    ]
    assert [(v.milestone, v.state) for v in milestones.values()] == [
        (m, MilestoneState.UNLOCKED) for m in course().milestones
    ]
    told = {(p.check.outcome, p.check.message, p.check.hint) for p in milestones["late"].parts}
    assert told == {(outcome, f"not judged: {problem.what}", problem.hint)}
    assert (report.problem, report.milestone_points) == (problem, 0)


def standing(one: ModuleState, late: MilestoneState) -> Standing:
    modules = {
        "00_one": ModuleVerdict(ONE, one),
        "01_two": ModuleVerdict(TWO, ModuleState.COMPLETE),
    }
    return Standing("index", modules, {"late": MilestoneVerdict(LATE_MILESTONE, late)})


def test_a_standing_adds_up_what_is_complete_and_achieved():
    found = standing(ModuleState.COMPLETE, MilestoneState.ACHIEVED)
    assert found.complete == ("00_one", "01_two")
    assert (found.unlocked, found.achieved, found.points) == (("late",), ("late",), 55)
    assert found.next_module() is None


def test_a_standing_knows_what_comes_next_and_what_is_unverified():
    found = standing(ModuleState.UNVERIFIED, MilestoneState.LOCKED)
    assert found.next_module().module is ONE
    assert (found.unverified, found.unlocked, found.points) == (("00_one",), (), 10)


def test_judging_needs_no_files_no_processes_and_no_clock():
    tree = ast.parse(inspect.getsource(judge))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert modules == {
        "__future__",
        "collections.abc",
        "grader.rules.course",
        "grader.verdicts.facts",
        "grader.verdicts.verdicts",
    }
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import)]
