"""grader.reports.phrases, grader.reports.formats.json and tito.screen: what people and programs read."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest

from grader.reports import REPORTS, console, measurements, phrases
from grader.reports.formats import json as reports_json
from grader.reports.measurements import curve
from grader.rules import reading
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.measures import Measures
from grader.verdicts.report import Report
from grader.verdicts.verdicts import (
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Standing,
)
from tests.tito.conftest import COURSE
from tito.hooks import messages
from tito.screen import Screen, plain_table

UNLOCK_PANEL = """\
╔══════════════════════════════════════════════════════════════════╗
║ 🔓 MILESTONE UNLOCKED!                                           ║
║                                                                  ║
║ 1957 - The Perceptron                                            ║
║ First learning algorithm with automatic weight updates           ║
║                                                                  ║
║ 🎉 You can now verify that gradient descent actually works!      ║
║                                                                  ║
║ Run the verification test:                                       ║
║ tito milestone run perceptron                                    ║
╚══════════════════════════════════════════════════════════════════╝"""

COMPLETION_PANEL = """\
╔══════════════════════════════════════════════════════════════════╗
║ 🏆 MILESTONE COMPLETED!                                          ║
║                                                                  ║
║ 1957 - The Perceptron                                            ║
║                                                                  ║
║ You've successfully verified that your implementation works!     ║
║ Your neural network actually learns. 🎓                          ║
╚══════════════════════════════════════════════════════════════════╝"""

course = reading.parse(COURSE.encode(), Path("/nowhere"))
setup, tensor, autograd = course.modules
perceptron, xor = course.milestones

PASSED = CheckResult("test_a", "a() works.", Outcome.PASSED)
FAILED = CheckResult(
    "test_add",
    "add() adds.",
    Outcome.FAILED,
    "add(1, 2) should be 3, got -1.",
    "use +.",
    "modules/01_tensor/tensor.py:7: return a - b",
    "debug\n",
)
TODO = CheckResult("test_b", "b() works.", Outcome.TODO, "write b() in modules/x.py")
FAULT = CheckResult("test_c", "c() works.", Outcome.FAULT, "no process could be started")


def verdict(module, state, *checks, waits_for=(), notes=()):
    return ModuleVerdict(module, state, checks, len(checks), waits_for, notes)


def standing(*modules, milestones=(), drift=()):
    return Standing(
        "abc", {v.module.id: v for v in modules}, {v.milestone.id: v for v in milestones}, drift
    )


COMPLETE = verdict(setup, ModuleState.COMPLETE, PASSED)
WRONG = verdict(tensor, ModuleState.IN_PROGRESS, PASSED, FAILED, TODO)
BLOCKED = verdict(autograd, ModuleState.BLOCKED, waits_for=("01_tensor",))
LOCKED = MilestoneVerdict(perceptron, MilestoneState.LOCKED, ("01_tensor",))
UNLOCKED = MilestoneVerdict(perceptron, MilestoneState.UNLOCKED)


def test_panels_are_those_of_the_course():
    assert phrases.unlock_panel(perceptron) == UNLOCK_PANEL
    assert phrases.completion_panel(perceptron) == COMPLETION_PANEL


@pytest.mark.parametrize("drawn", [UNLOCK_PANEL, COMPLETION_PANEL])
def test_panels_in_ascii_keep_their_frame(drawn):
    plain = console.fit(drawn, "cp1252")
    assert plain.isascii()
    assert {len(line) for line in plain.splitlines()} == {68}


def test_a_long_line_is_wrapped_inside_the_panel():
    drawn = console.panel(["word " * 40])
    assert {console.columns(line) for line in drawn.splitlines()} == {68}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", None, "no-such-encoding"])
def test_fit_gives_what_any_encoding_can_carry(encoding):
    assert console.fit("✅ 90 % · ≥ → “x” ü", encoding) == "ok 90 % - > > ?x? u?"


def test_fit_leaves_what_the_encoding_can_carry():
    assert console.fit("✅ 90 % · ≥ → “x” ü", "utf-8") == "✅ 90 % · ≥ → “x” ü"
    assert console.fit("90 % · “x” ü", "cp1252") == "90 % · “x” ü"


def test_a_stopped_commit_says_what_why_and_how_to_go_on():
    said = messages.stopped([WRONG], broke=())
    assert said.startswith("tito: commit stopped. 01_tensor: 1 of 3 tests pass, 1 fails, 1 to do.")
    for words in (
        "FAILED  test_add",
        "  add() adds.",
        "  add(1, 2) should be 3, got -1.",
        "  Hint: use +.",
        "  Where: modules/01_tensor/tensor.py:7: return a - b",
        "  Printed:\n    debug",
        "-> tito module hint 01",
        "-> git commit --no-verify",
    ):
        assert words in said


def test_a_commit_that_would_break_a_complete_module_says_which():
    said = messages.stopped([WRONG, BLOCKED], broke={"02_autograd"})
    assert (
        "02_autograd was complete; with this commit it would not be: not run: waits for 01_tensor."
        in said
    )


def test_a_long_list_of_needs_names_the_one_to_act_on():
    waiting = verdict(autograd, ModuleState.BLOCKED, waits_for=("00_setup", "01_tensor", "02_x"))
    assert phrases.tally(waiting) == "not run: waits for 00_setup and 2 more"


def test_what_a_check_printed_is_cut_and_cannot_move_the_cursor():
    output = "x" * 5000 + "\n" + "\x1b[31mred\n" * 20
    said = phrases.failure(CheckResult("test_a", "a", Outcome.FAILED, "no\x1b[2J", output=output))
    assert max(len(line) for line in said.splitlines()) < 90
    assert "\x1b" not in said
    assert "... 11 lines more" in said


def test_only_the_first_failures_are_shown_in_full():
    many = verdict(tensor, ModuleState.IN_PROGRESS, *[FAILED] * 5)
    said = phrases.failures(many)
    assert said.count("add(1, 2) should be 3") == 3
    assert "and 2 more: test_add, test_add" in said


def test_a_stub_is_told_once_with_its_place():
    todo = dataclasses.replace(TODO, where='m.py:7: raise NotImplementedError("write b()")')
    assert phrases.failure(todo).endswith("  write b() in modules/x.py\n  Where: m.py:7")


def test_one_cause_is_told_once_and_leaves_room_for_the_others():
    broken = CheckResult(
        "test_one", "one() is 1.", Outcome.ERRORED, "NameError: name 'x'", where="m.py:3: x"
    )
    twenty = [dataclasses.replace(broken, name=f"test_{n}") for n in range(20)]
    said = phrases.failures(verdict(tensor, ModuleState.IN_PROGRESS, *twenty, FAILED))
    assert said.startswith("ERROR  test_0, and 19 more tests for the same reason\n  NameError")
    assert said.count("NameError") == 1
    assert "one() is 1." not in said
    assert "FAILED  test_add\n" in said


def test_a_commit_that_goes_through_says_what_it_holds():
    said = messages.checked(
        standing(COMPLETE, verdict(tensor, ModuleState.TODO, TODO)),
        ("00_setup", "01_tensor"),
        ("tinytorch/core/setup.py",),
        ("tinytorch/core/old.py",),
    )
    assert "00_setup: 1 of 1 tests pass." in said
    assert "01_tensor: 0 of 1 tests pass, 1 to do (saved as work in progress)." in said
    assert "exported into this commit: tinytorch/core/setup.py" in said
    assert "removed from the package: tinytorch/core/old.py" in said


def test_a_commit_without_lessons_is_silent():
    assert messages.checked(standing(COMPLETE), (), (), ()) == ""


def test_a_fault_of_the_grader_is_not_the_students():
    said = phrases.tally(verdict(setup, ModuleState.IN_PROGRESS, FAULT))
    assert said == "not judged: the grader failed at 1 of its tests"


def test_news_in_order_and_with_the_next_step():
    now = standing(COMPLETE, WRONG, milestones=[UNLOCKED])
    said = phrases.news(now, ("00_setup",), ("perceptron",), (), ("a sentence",))
    assert said.startswith("✅ 00_setup is complete (5 points)\n\n╔")
    assert "tito: a sentence" in said
    assert said.endswith("Next: Watch your code learn: tito milestone run perceptron")


def test_no_news_is_silence():
    assert phrases.news(standing(COMPLETE), (), (), ()) == ""


def test_unverified_modules_are_named():
    said = phrases.news(standing(verdict(setup, ModuleState.UNVERIFIED)), (), (), ())
    assert "Not verified: 00_setup came in without the hook. -> tito status" in said


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (standing(verdict(setup, ModuleState.TODO, TODO)), "tito module start 00"),
        (standing(COMPLETE, WRONG), "Go on with 01_tensor: tito module test 01"),
        (standing(verdict(setup, ModuleState.NOT_EXPORTED)), "tito module complete 00"),
        (standing(COMPLETE, milestones=[UNLOCKED]), "Watch your code learn: tito milestone run"),
        (standing(COMPLETE), "Everything is complete."),
    ],
)
def test_the_next_step(now, says):
    assert says in phrases.next_step(now)


EARNED = Earned("abc", "2026-01-01")
RAN = Evidence("k", "milestone perceptron", (FAILED,))


@pytest.mark.parametrize("earned", [None, EARNED])
def test_after_a_milestone_that_failed_comes_that_milestone(earned):
    failed = dataclasses.replace(UNLOCKED, evidence=RAN, earned=earned)
    said = phrases.next_step(standing(COMPLETE, WRONG, milestones=[failed]))
    assert said == "Mend what failed, and train it again: tito milestone run perceptron"


@pytest.mark.parametrize(
    ("found", "claimed", "says"),
    [
        (LOCKED, (), "locked"),
        (UNLOCKED, (), "unlocked"),
        (UNLOCKED, ("perceptron",), "earned before, run again to prove"),
        (MilestoneVerdict(perceptron, MilestoneState.ACHIEVED), (), "completed"),
        (
            MilestoneVerdict(perceptron, MilestoneState.UNLOCKED, earned=EARNED),
            (),
            "completed by earlier code; the present code is not proven",
        ),
        (
            MilestoneVerdict(perceptron, MilestoneState.LOCKED, ("01_tensor",), earned=EARNED),
            (),
            "completed by earlier code; the present code is not proven and is locked",
        ),
    ],
)
def test_the_state_of_a_milestone_in_words(found, claimed, says):
    assert phrases.milestone_state(found, claimed) == says


@pytest.mark.parametrize("name", ["text", "json"])
def test_a_report_holds_the_whole_standing(name):
    now = standing(COMPLETE, WRONG, BLOCKED, milestones=[LOCKED], drift=("tinytorch/x.py",))
    rendered = "".join(REPORTS[name](Report(now, "TinyTorch")).values())
    for words in ("00_setup", "01_tensor", "perceptron", "tinytorch/x.py"):
        assert words in rendered


def test_json_has_no_nan():
    evidence = Evidence("k", "milestone perceptron", (PASSED,), Measures(loss=(1.0, float("nan"))))
    found = MilestoneVerdict(perceptron, MilestoneState.UNLOCKED, (), evidence)
    document = json.loads(reports_json.dumps(reports_json.milestone_values(found)))
    assert document["measures"]["loss"] == [1.0, None]


# The screen


def screen(encoding="utf-8"):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Screen(out, io.StringIO(), {}), out


def shown(out):
    out.flush()
    return out.buffer.getvalue().decode(out.encoding)


def test_json_survives_a_narrow_encoding():
    on, out = screen("ascii")
    on.json(reports_json.dumps({"title": "Größe 🎓"}))
    assert json.loads(shown(out)) == {"title": "Größe 🎓"}


def test_a_table_in_plain_text_is_aligned_by_columns_of_the_terminal():
    drawn = plain_table(("A", "B"), [("✅", "x"), ("long", "y")])
    assert drawn.splitlines()[2:] == ["✅    x", "long  y"]


def test_the_curve_falls():
    lines = curve([8.0, 4.0, 2.0, 1.0], 60, 2).splitlines()
    assert lines == ["       8 │█", "       0 │██▄▂"]


def test_many_values_share_a_column():
    assert len(curve([1.0] * 5000, 60, 6).splitlines()[0]) == 10 + 60


# Measurements


def test_what_was_not_measured_is_said():
    evidence = Evidence("k", "milestone xor", (CheckResult("loss", "Loss", Outcome.MISSING),))
    assert measurements.rows(xor, evidence) == [("Loss decreases", "not measured", "> 50 %", "NO")]


def test_checks_beyond_the_four_claims_are_shown_by_title():
    check = CheckResult("evidence", "The numbers agree with each other", Outcome.PASSED)
    (row,) = measurements.rows(xor, Evidence("k", "milestone xor", (check,)))
    assert row == ("The numbers agree with each other", "", "", "yes")


def test_what_was_not_measured_has_no_causes():
    silent = CheckResult("updates", "Weights update", Outcome.MISSING, "not measured: it stopped")
    assert measurements.explanation(silent) == ["Weights update: not measured: it stopped"]


def test_what_ended_a_training_has_a_hint_and_no_causes():
    stopped = CheckResult("loss", "Loss", Outcome.ERRORED, "NameError: x", "tito module test")
    assert measurements.explanation(stopped)[1:] == ["  Hint: tito module test"]


def test_causes_are_wrapped_between_words():
    check = CheckResult("loss", "Loss", Outcome.FAILED, "falls by 3 %", "word " * 40 + "\nshort")
    lines = measurements.explanation(check)
    assert max(len(line) for line in lines) <= 78
    assert lines[2].startswith("  1. word word")
    assert lines[3].startswith("     word")
    assert lines[-1] == "  2. short"


def test_causes_come_from_the_check_when_it_names_them():
    check = CheckResult("loss", "Loss decreases", Outcome.FAILED, "falls by 3 %", "one\ntwo")
    assert measurements.explanation(check) == [
        "Loss decreases: falls by 3 %",
        "  Likely causes, in order:",
        "  1. one",
        "  2. two",
    ]
