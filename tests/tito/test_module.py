from __future__ import annotations

import json
import os
import sys
import types

import pytest

from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.verdicts import ModuleState, ModuleVerdict
from tests.tito.conftest import solution, starter, wrong
from tito.clone.clone import open_clone
from tito.commands.module import status_of


def test_list_shows_every_module_and_the_next_step(student):
    said = student.tito("module", "list")
    assert said.status == 0
    assert "00_setup" in said.out
    assert "Next: Begin 00_setup (Tools): tito module start 00" in said.out


def test_list_as_json(student):
    student.commit_solved("00_setup")
    listed = json.loads(student.tito("module", "list", "--json").out)
    assert [m["state"] for m in listed] == ["complete", "to do", "blocked"]
    assert listed[0]["tests_passed"] == listed[0]["tests"] == 2


def test_start_says_path_needs_tests_and_milestone(student):
    said = student.tito("module", "start", "0")
    assert said.status == 0
    for words in ("modules/00_setup/setup.py", "Needs:   nothing", "Tests:   2", "1957 - The Perc"):
        assert words in said.out
    assert "tito module complete 00" in said.out


def test_start_refuses_when_a_needed_module_does_not_pass(student):
    said = student.tito("module", "start", "02")
    assert said.status == 1
    assert "02_autograd cannot be worked on yet" in said.out
    assert "01_tensor" in said.out
    assert "-> tito module start 00" in said.out


def test_start_allows_needs_that_pass_but_are_not_committed(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("module", "start", "01")
    assert said.status == 0
    assert "Not committed as complete yet: 00_setup" in said.out


def test_start_puts_a_missing_lesson_back(student):
    student.path("00_setup").unlink()
    said = student.tito("module", "start", "00")
    assert said.status == 0
    assert "was missing; it is the starter again" in said.out
    assert student.path("00_setup").read_text() == starter("00_setup")


def test_an_unknown_module_gets_a_suggestion(student):
    said = student.tito("module", "start", "01_tensr")
    assert said.status == 2
    assert "There is no module '01_tensr'" in said.err
    assert "Did you mean '01_tensor'?" in said.err


@pytest.mark.parametrize("name", ["01", "1", "tensor", "01_tensor"])
def test_a_module_has_several_names(student, name):
    student.write("00_setup", solution("00_setup"))
    assert student.tito("module", "start", name).status == 0


def test_test_says_to_do_for_a_stub(student):
    said = student.tito("module", "test", "00")
    assert said.status == 1
    assert "00_setup: 0 of 2 tests pass, 2 to do" in said.out
    assert "write double_sum() in modules/00_setup/setup.py" in said.out
    assert "-> tito module hint 00" in said.out


def test_test_shows_the_first_failure_in_full(student):
    student.write("00_setup", wrong("00_setup"))
    said = student.tito("module", "test", "00")
    assert said.status == 1
    assert "1 of 2 tests pass, 1 fails" in said.out
    assert "FAILED  test_double_sum_of_small_numbers" in said.out
    assert "double_sum() gives twice the sum of two numbers." in said.out
    assert "double_sum(2, 3) should be 10, got -1." in said.out
    assert "Hint: use + a + b +." in said.out


def test_test_passes(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("module", "test", "00")
    assert said.status == 0
    assert "2 of 2 tests pass" in said.out
    assert "-> tito module complete 00" in said.out


def test_test_without_a_number_takes_the_next_incomplete_module(student):
    student.commit_solved("00_setup")
    assert "01_tensor: " in student.tito("module", "test").out


def test_test_says_what_a_module_waits_for(student):
    said = student.tito("module", "test", "01")
    assert said.status == 1
    assert "01_tensor: not run: waits for 00_setup" in said.out
    assert "-> tito module test 00" in said.out


def test_test_as_json(student):
    student.write("00_setup", wrong("00_setup"))
    said = student.tito("module", "test", "00", "--json")
    assert said.status == 1
    checks = json.loads(said.out)["checks"]
    assert [c["outcome"] for c in checks] == ["failed", "passed"]
    assert checks[0]["hint"] == "use + a + b +."


def test_test_names_the_line_of_a_syntax_error(student):
    student.write(
        "00_setup", starter("00_setup").replace("def double_sum(a, b):", "def double_sum(a, b:")
    )
    said = student.tito("module", "test", "00")
    assert said.status == 1
    assert "Where: modules/00_setup/setup.py:9" in said.out
    assert "Python cannot read this line" in said.out


def test_an_import_that_fails_is_told_once_and_not_as_one_tests_own(student):
    text = starter("00_setup").replace("#| export\n", "#| export\nimport nmpy\n")
    student.write("00_setup", text)
    said = student.tito("module", "test", "00")
    told = said.out.partition("\n\n")[2].partition("\n\n")[2]
    assert told.startswith(
        "ERROR  test_double_sum_of_small_numbers, and 1 more test for the same reason\n"
        "  ModuleNotFoundError: No module named 'nmpy'\n"
    )


def test_watch_tests_again_at_every_save_until_all_tests_pass(student, monkeypatch):
    """Each pause is the time in which the student saves the next version."""
    versions = iter([starter("00_setup"), wrong("00_setup"), None, solution("00_setup")])

    def save(_pause):
        text = next(versions)
        if text is None:
            student.path("00_setup").unlink()  # some editors remove the file before they write it
        else:
            student.write("00_setup", text)

    here = sys.modules["tito.commands.module"]
    monkeypatch.setattr(here, "time", types.SimpleNamespace(sleep=save))
    said = student.tito("module", "test", "00", "--watch")
    assert said.status == 0
    told = [line for line in said.out.splitlines() if line.startswith("00_setup: ")]
    assert told[-2:] == ["00_setup: 1 of 2 tests pass, 1 fails", "00_setup: 2 of 2 tests pass"]
    assert said.out.endswith("-> tito module complete 00\n")
    assert next(versions, "none left") == "none left"


def test_watch_is_not_for_programs(student):
    said = student.tito("module", "test", "00", "--watch", "--json")
    assert (said.status, said.out) == (2, "")
    assert "--watch is for people" in said.err


def test_test_says_that_the_lesson_is_missing(student):
    student.path("00_setup").unlink()
    said = student.tito("module", "test", "00")
    assert said.status == 1
    assert "modules/00_setup/setup.py is not there. -> tito module start 00" in said.out


def test_hint_begins_with_the_test_and_promises_more(student):
    student.write("00_setup", wrong("00_setup"))
    said = student.tito("module", "hint", "00")
    assert said.status == 1
    assert "Step 1 of 4. use + a + b +." in said.out
    assert "Step 2" not in said.out
    assert "-> tito module hint 00 test_double_sum_of_small_numbers --step 2" in said.out


def test_hint_goes_on_with_the_docstring_of_the_function(student):
    student.write("00_setup", wrong("00_setup"))
    said = student.tito("module", "hint", "00", "--step", "4")
    assert "Step 2 of 4. What double_sum() has to do:" in said.out
    assert "Step 3 of 4. In double_sum(): 1. Both are plain numbers." in said.out
    assert "Step 4 of 4. In double_sum(): 2. return a + a + b + b" in said.out
    assert "That is all there is to tell." in said.out


def test_hint_for_a_stub_comes_from_the_function_it_stumbles_on(student):
    said = student.tito("module", "hint", "00", "double_sum_of_zero")
    assert said.status == 1
    assert "Step 1 of 3. What double_sum() has to do:" in said.out


def test_hint_for_a_test_that_passes(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("module", "hint", "00", "test_double_sum_of_zero")
    assert (said.status, "passes; there is nothing to hint at" in said.out) == (0, True)


def test_hint_for_an_unknown_test_suggests_one(student):
    said = student.tito("module", "hint", "00", "test_double_sum_of_zeros")
    assert said.status == 2
    assert "Did you mean 'test_double_sum_of_zero'?" in said.err


def test_hint_for_a_lesson_that_cannot_be_read(student):
    student.write("00_setup", "no cells here\n")
    said = student.tito("module", "hint", "00")
    assert said.status == 1
    assert "there is no code cell" in said.out


def test_a_fault_of_the_grader_is_status_3(student):
    module = open_clone(student.top, os.environ, lambda _subject: None).course.module("00")
    fault = CheckResult("test_a", "a() works.", Outcome.FAULT, "no process could be started")
    assert status_of(ModuleVerdict(module, ModuleState.IN_PROGRESS, (fault,), 1)) == 3


def test_complete_needs_the_hooks(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("module", "complete", "00")
    assert said.status == 1
    assert "The hooks are not installed here (missing: pre-commit, " in said.err
    assert "-> tito setup" in said.err


def test_reset_keeps_what_was_written_on_a_branch(student):
    student.write("00_setup", wrong("00_setup"))
    (student.top / "notes.txt").write_text("mine")
    before = student.git("status", "--porcelain"), student.git("rev-parse", "HEAD")
    said = student.tito("module", "reset", "00")
    assert said.status == 0
    assert student.path("00_setup").read_text() == starter("00_setup")
    restore = said.out.partition("-> ")[2].split()
    student.git("-C", "modules/00_setup", *restore[1:])  # as typed where the student works
    assert student.path("00_setup").read_text() == wrong("00_setup")
    student.git("reset", "-q")
    assert (student.git("status", "--porcelain"), student.git("rev-parse", "HEAD")) == before


def test_reset_works_before_git_knows_who_the_student_is(student, monkeypatch):
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")
    student.write("00_setup", wrong("00_setup"))
    assert student.tito("module", "reset", "00").status == 0


def test_reset_of_an_untouched_starter_changes_nothing(student):
    said = student.tito("module", "reset", "00")
    assert "is the starter already; nothing was changed" in said.out
    assert student.git("branch", "--list", "tito/*") == ""


def test_reset_of_a_missing_lesson_makes_no_branch(student):
    student.path("00_setup").unlink()
    assert "was missing; it is the starter again" in student.tito("module", "reset", "00").out


def test_reset_leaves_the_lesson_when_the_branch_cannot_be_made(student):
    student.git("branch", "tito")
    student.write("00_setup", wrong("00_setup"))
    said = student.tito("module", "reset", "00")
    assert said.status == 1
    assert "so the lesson was not replaced" in said.err
    assert "-> If a branch is named 'tito': git branch -m tito my-tito" in said.err
    assert student.path("00_setup").read_text() == wrong("00_setup")


def test_reset_refuses_in_the_courses_own_repository(student):
    student.git("rm", "-rq", "starters")
    said = student.tito("module", "reset", "00")
    assert said.status == 1
    assert "This is the course's own repository" in said.err
    assert "-> Make a student's repository: tito course release DIR" in said.err


def test_reset_refuses_a_link(student):
    target = student.top / "elsewhere.py"
    student.path("00_setup").rename(target)
    student.path("00_setup").symlink_to(target)
    said = student.tito("module", "reset", "00")
    assert said.status == 1
    assert "is a symbolic link; its target would not be kept" in said.err


def test_a_missing_starter_says_how_to_get_it_back(student):
    (student.top / "starters/00_setup/setup.py").unlink()
    said = student.tito("module", "reset", "00")
    assert said.status == 1
    assert "-> git checkout HEAD -- :/starters/00_setup/setup.py" in said.err
