from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.tito.conftest import ROOT, solution, wrong


@pytest.fixture
def ready(student):
    """A student whose commits unlock the first milestone."""
    student.commit_solved("00_setup", "01_tensor")
    return student


def test_status_shows_what_is_missing(student):
    said = student.tito("milestone", "status")
    assert said.status == 0
    assert "1957 - The Perceptron" in said.out
    assert "locked  0 of 20  00_setup, 01_tensor\n" in said.out


def test_status_of_an_unlocked_milestone(ready):
    said = ready.tito("milestone", "status")
    assert "MILESTONE UNLOCKED!" in said.out  # news, told once
    assert "unlocked  0 of 20" in said.out
    assert "Next: Watch your code learn: tito milestone run perceptron" in said.out
    assert "MILESTONE UNLOCKED!" not in ready.tito("milestone", "status").out


def test_status_as_json(ready):
    first, second = json.loads(ready.tito("milestone", "status", "--json").out)
    assert (first["id"], first["state"], first["missing"]) == ("perceptron", "unlocked", [])
    assert (second["state"], second["missing"]) == ("locked", ["02_autograd"])


def test_list_says_what_the_first_one_needs(student):
    said = student.tito("milestone", "list")
    assert said.status == 0
    assert "No milestone is unlocked yet." in said.out
    assert "1957 - The Perceptron; it needs 00_setup, 01_tensor." in said.out


def test_list_shows_what_can_be_run(ready):
    assert "tito milestone run perceptron" in ready.tito("milestone", "list").out
    (listed,) = json.loads(ready.tito("milestone", "list", "--json").out)
    assert listed["id"] == "perceptron"


def test_show_tells_story_needs_and_thresholds(ready):
    said = ready.tito("milestone", "show", "perceptron")
    assert said.status == 0
    for words in ("First learning algorithm", "must fall by > 50 %", "must be > 90 %", "00_setup"):
        assert words in said.out
    assert "Not run on this code yet. -> tito milestone run perceptron" in said.out


def test_run_of_a_locked_milestone_says_what_is_missing(student):
    said = student.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "1957 - The Perceptron is locked. Missing:" in said.err
    assert "00_setup         to do, 0 of 2 tests pass, 2 to do" in said.err
    assert "-> tito module start 00, then tito module complete 00" in said.err


def test_a_milestone_locked_by_a_missing_export_asks_for_the_export_alone(student):
    student.commit_solved("00_setup")
    student.write("01_tensor", solution("01_tensor"))
    student.git("commit", "-q", "-a", "--no-verify", "-m", "without its export")
    said = student.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "01_tensor        not exported, 2 of 2 tests pass" in said.err
    assert said.err.endswith("-> tito module complete 01\n")


def test_run_shows_measurements_claims_and_the_panel(ready):
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 0
    assert "Running 1957 - The Perceptron" in said.out
    assert "0.7 to 0.0175, falls by 97.5 %" in said.out
    assert "Loss, step by step" in said.out
    lines = ("✅ Loss decreases >50%", "✅ Accuracy >90%", "✅ Gradients flow", "✅ Weights update")
    assert "\n".join(lines) in said.out
    assert "║ 🏆 MILESTONE COMPLETED!                                          ║" in said.out
    assert "Next: Begin 02_autograd" in said.out


def test_run_is_remembered_in_both_progress_files(ready):
    ready.tito("milestone", "run", "perceptron")
    for path in (ready.top / "progress.json", ready.home / ".tinytorch/progress.json"):
        assert json.loads(path.read_text())["completed_milestones"] == ["perceptron"]
    said = ready.tito("milestone", "show", "perceptron")
    assert "State:    completed\n" in said.out
    assert "The last run on this code:" in said.out


def test_a_failed_run_names_claim_measurement_and_causes(ready):
    (ready.top / "does_not_learn").touch()
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "1957 - The Perceptron is not completed." in said.out
    assert "a fall of 14 %; required: > 50 %" in " ".join(said.out.split())
    assert "1. The update goes the wrong way or not at all" in said.out
    assert "MILESTONE COMPLETED" not in said.out
    assert "unlocked, last run failed" in ready.tito("milestone", "status").out


def test_run_as_json(ready):
    said = ready.tito("milestone", "run", "perceptron", "--json")
    assert said.status == 0
    (verdict,) = json.loads(said.out)
    assert verdict["state"] == "achieved"
    assert verdict["measures"]["loss_fall_percent"] == 97.5


def test_run_all_runs_what_is_unlocked(ready):
    ready.commit_solved("02_autograd")
    said = ready.tito("milestone", "run", "all")
    assert said.status == 0
    assert said.out.count("MILESTONE COMPLETED!") == 2
    assert "✅ Accuracy 100%" in said.out
    assert "Everything is complete." in said.out


def test_run_all_with_nothing_unlocked_says_what_the_first_needs(student):
    said = student.tito("milestone", "run", "all")
    assert said.status == 1
    assert "1957 - The Perceptron is locked." in said.err


def test_run_is_about_the_commit_and_says_so(ready):
    ready.write("01_tensor", wrong("01_tensor"))
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 0
    assert "modules/01_tensor/tensor.py changed since the last commit." in said.err


def test_run_before_any_commit(student):
    student.git("update-ref", "-d", "HEAD")
    said = student.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "There is no commit yet" in said.err
    assert "-> tito module complete 00" in said.err


def test_an_unknown_milestone_gets_a_suggestion(student):
    said = student.tito("milestone", "run", "perzeptron")
    assert said.status == 2
    assert "There is no milestone 'perzeptron'" in said.err
    assert "Did you mean 'perceptron'?" in said.err


def test_a_missing_test_file_is_no_pass(ready):
    (ready.top / "tests/milestones/test_learning_verification.py").unlink()
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 2
    assert "-> git checkout HEAD -- :/tests/milestones/test_learning_verification.py" in said.err


def test_a_removed_test_is_no_pass(ready):
    (ready.top / "tests/milestones/test_learning_verification.py").write_text("")
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 2
    assert "The milestone's test could not be run" in said.err


def test_a_test_that_passes_without_evidence_is_no_pass(ready):
    path = ready.top / "tests/milestones/test_learning_verification.py"
    path.write_text("def test_perceptron_learning():\n    pass\n")
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "Its test failed without a measurement." in said.out


def test_a_test_that_fails_without_evidence_shows_its_words(ready):
    path = ready.top / "tests/milestones/test_learning_verification.py"
    path.write_text("def test_perceptron_learning():\n    assert False, 'digits.npz is missing'\n")
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "digits.npz is missing" in said.out


def test_a_test_that_gives_up_without_a_traceback_shows_its_words(ready):
    path = ready.top / "tests/milestones/test_learning_verification.py"
    path.write_text(
        "import pytest\n\n\ndef test_perceptron_learning():\n    print('noise')\n"
        "    pytest.fail('digits.npz is missing.\\n-> git checkout it', pytrace=False)\n"
    )
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    words = (
        "not completed.\ndigits.npz is missing.\n-> git checkout it\n\nThe whole run:\n-> pytest"
    )
    assert words in said.out


def test_without_pytest_the_student_is_told_how_to_get_it(ready, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert f"pytest is not installed for {sys.executable}.\n-> make setup" in said.err


def test_a_test_that_fails_is_no_pass_even_with_older_evidence(ready):
    assert ready.tito("milestone", "run", "perceptron").status == 0
    path = ready.top / "tests/milestones/test_learning_verification.py"
    path.write_text(
        "def test_perceptron_learning():\n    assert False, 'no module named tinytorch'\n"
    )
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "MILESTONE COMPLETED" not in said.out
    assert "no module named tinytorch" in said.out


GIVES_UP = """\
import pytest

from grader.rules import reading
from grader.errors import CourseError
from tests.milestones.conftest import ROOT, verified


class Engine:
    def verify(self, snapshot, milestone):
        raise CourseError("digits.npz is missing.", hint="git checkout it")


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def course():
    return reading.load(ROOT)


@pytest.fixture
def snapshot():
    return None


def test_mlp_digits_learning(verified):
    verified("mlp_digits")
"""


def test_what_a_milestone_cannot_be_verified_without_is_told_once(tmp_path):
    (tmp_path / "test_it.py").write_text(GIVES_UP)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rN", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.count("digits.npz is missing.\n-> git checkout it") == 1
    assert "another exception" not in done.stdout
