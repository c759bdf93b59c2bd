"""state.json: what is earned stays earned, and runs may come in any order."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.github import state
from grader.github.state import Stamp
from grader.reports import bounded
from grader.reports.formats import badges
from grader.reports.strict import Refused
from tests.reports.samples import COURSE, achieved, crashed, every, failed, finished, locked, report

FIRST = COURSE.milestones[0].id
MAKERS = {"achieved": achieved, "failed": failed, "locked": locked}


def stamp(run):
    return Stamp(run, f"{run:040x}", f"2026-11-{run % 28 + 1:02}T00:00:00Z")


def joined(*runs, start=None):
    """The state after RUNS, (number, kind) of each, in the order given."""
    known = dict(start or {})
    for number, kind in runs:
        known = state.join(known, report([], every(MAKERS[kind])), stamp(number))
    return known


def test_a_first_proof_is_earned():
    record = joined((1, "achieved"))[FIRST]
    assert (record.earned, record.since) == (stamp(1), None)


def test_earned_is_kept_when_later_code_fails_and_since_when_is_known():
    record = joined((1, "achieved"), (2, "failed"), (3, "locked"))[FIRST]
    assert (record.earned, record.since, record.now) == (stamp(1), stamp(2), stamp(3))


def test_a_second_proof_ends_a_regression():
    record = joined((1, "achieved"), (2, "failed"), (3, "achieved"))[FIRST]
    assert (record.earned, record.since) == (stamp(1), None)


def test_an_older_run_that_comes_late_changes_neither_now_nor_since():
    assert joined((3, "failed"), (1, "achieved"))[FIRST] == replace(
        joined((1, "achieved"), (3, "failed"))[FIRST]
    )


def test_a_run_that_was_not_judged_changes_nothing():
    before = joined((1, "achieved"))
    assert state.join(before, crashed(), stamp(2)) == before


def test_the_same_run_twice_changes_nothing():
    once = joined((1, "achieved"), (2, "failed"))
    assert joined((2, "failed"), start=once) == once


# Three kinds; a run's number says nothing about when it is joined.
RUNS = st.dictionaries(st.integers(1, 9), st.sampled_from(sorted(MAKERS)), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(runs=RUNS, data=st.data())
def test_what_is_earned_and_shown_does_not_depend_on_the_order(runs, data):
    in_order = sorted(runs.items())
    mixed = data.draw(st.permutations(in_order))
    expected, found = joined(*in_order)[FIRST], joined(*mixed)[FIRST]
    assert (found.state, found.now, found.earned, found.proven) == (
        expected.state,
        expected.now,
        expected.earned,
        expected.proven,
    )
    assert (found.since is None) == (expected.since is None)


def test_a_state_that_is_written_is_read_back():
    known = joined((1, "achieved"), (2, "failed"))
    assert state.read(state.write(known).encode()) == known


def test_no_branch_is_an_empty_state():
    assert state.read(None) == {}


def change(document, key, value):
    document["milestones"][FIRST][key] = value


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(schema="x"), "schema"),
        (lambda d: d.update(milestones=[]), "a table of at most"),
        (lambda d: d.update(milestones={f"m{i}": {} for i in range(10_000)}), "at most 200"),
        (lambda d: d["milestones"].update({"<b>": {}}), "a milestone id"),
        (lambda d: change(d, "state", "won"), "one of"),
        (lambda d: change(d, "earned", {"run": 0, "commit": "x", "when": "y"}), "whole number"),
        (lambda d: change(d, "earned", {"run": 1, "commit": "x", "when": "y"}), "a commit id"),
        (lambda d: change(d, "now", None), "a table"),
        (lambda d: change(d, "since", {"run": 1}), "is missing"),
    ],
)
def test_a_damaged_state_is_refused(change, says):
    document = json.loads(state.write(joined((1, "achieved"))))
    change(document)
    with pytest.raises(Refused, match=says):
        state.read(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("runs", "shown"),
    [
        ([(1, "locked")], badges.State.LOCKED),
        ([(1, "failed")], badges.State.UNLOCKED),
        ([(1, "achieved")], badges.State.EARNED),
        ([(1, "achieved"), (2, "failed")], badges.State.REGRESSED),
        ([(1, "achieved"), (2, "locked")], badges.State.REGRESSED),
        ([(2, "achieved"), (1, "failed")], badges.State.EARNED),
    ],
)
def test_badges_show_the_latest_run(runs, shown):
    known = joined(*runs)
    latest = report([], every(MAKERS[runs[-1][1]]))
    verdict = state.current(latest, known).standing.milestones[FIRST]
    assert badges.state(verdict) is shown


def test_a_report_is_told_since_when():
    known = joined((1, "achieved"), (2, "failed"))
    told = state.tell(report([], every(failed)), known)
    assert told.standing.milestones[FIRST].regressed
    assert told.regressed[FIRST].commit == stamp(2).commit


def test_a_milestone_that_the_course_has_dropped_is_kept():
    start = {"gone": joined((1, "achieved"))[FIRST]}
    known = state.join(start, bounded.shortened(finished(), 100, 1), stamp(2))
    assert known["gone"] == start["gone"]
