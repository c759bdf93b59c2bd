from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import types

import pytest

from grader.errors import CourseError
from grader.proof import content
from grader.sandbox import SANDBOXES
from tests.tito.conftest import ROOT, solution, still, wrong

BACK = "Mend what failed, and train it again: tito milestone run perceptron"


@pytest.fixture
def ready(student, trained):  # noqa: ARG001  # what is trained
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
    assert "1 → 0.000208 (-99.98 %)" in said.out
    assert "Loss, step by step" in said.out
    lines = ("✅ Loss decreases >50%", "✅ Accuracy >90%", "✅ Gradients flow", "✅ Weights update")
    assert "\n".join(lines) in said.out
    assert "║ 🏆 MILESTONE COMPLETED!                                          ║" in said.out
    assert "Next: Begin 02_autograd" in said.out


@pytest.mark.thorough
def test_run_is_remembered_in_both_progress_files(ready):
    ready.tito("milestone", "run", "perceptron")
    for path in (ready.top / "progress.json", ready.home / ".tinytorch/progress.json"):
        assert json.loads(path.read_text())["completed_milestones"] == ["perceptron"]
    said = ready.tito("milestone", "show", "perceptron")
    assert "State:    completed\n" in said.out
    assert "The last run on this code:" in said.out


@pytest.mark.thorough
def test_a_failed_run_names_claim_measurement_causes_and_the_way_back(ready):
    ready.commit_solved("01_tensor", text=still)
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert "1957 - The Perceptron is not completed." in said.out
    assert "Loss decreases (> 50 %): 1 → 1 (+0 %); required > 50 %" in " ".join(said.out.split())
    assert "  Likely causes, in order:\n  1. Does add() add floats?" in said.out
    assert "MILESTONE COMPLETED" not in said.out
    assert said.out.endswith(f"Next: {BACK}\n")
    assert "unlocked, last run failed" in ready.tito("milestone", "status").out


@pytest.mark.thorough
def test_a_milestone_of_earlier_code_that_fails_now_is_what_comes_next(ready):
    assert ready.tito("milestone", "run", "perceptron").status == 0
    ready.commit_solved("01_tensor", text=still)
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 1
    assert said.out.endswith(f"Next: {BACK}\n")


@pytest.mark.thorough
def test_a_training_says_what_is_running(ready, monkeypatch):
    seen = []
    monkeypatch.setattr("tito.screen.Screen.progress", lambda _screen, what: seen.append(what))
    assert ready.tito("milestone", "run", "perceptron").status == 0
    assert seen[-1] == "milestone perceptron"


def test_run_as_json(ready):
    said = ready.tito("milestone", "run", "perceptron", "--json")
    assert said.status == 0
    (verdict,) = json.loads(said.out)
    assert verdict["state"] == "achieved"
    assert verdict["measures"]["loss_fall_percent"] == pytest.approx(99.979, abs=0.001)
    assert verdict["earned"]["commit"] == ready.git("rev-parse", "HEAD")


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_what_the_pytest_file_says_changes_nothing(ready):
    path = ready.top / "tests/milestones/test_learning_verification.py"
    path.parent.mkdir(parents=True)
    path.write_text("def test_perceptron_learning():\n    pass\n")
    ready.commit_solved("01_tensor", text=still)
    assert ready.tito("milestone", "run", "perceptron").status == 1


@pytest.mark.thorough
def test_missing_data_of_one_milestone_leave_the_others(ready, monkeypatch):
    def draw(_generator, _root):
        raise CourseError("digits.npz is missing.", hint="git checkout it")

    ready.commit_solved("02_autograd")
    without = types.SimpleNamespace(draw=draw)
    monkeypatch.setattr("tests.tito.content.xor.challenge.CHALLENGE", without)
    said = ready.tito("milestone", "run", "all")
    assert said.status == 2
    assert said.err == "tito: digits.npz is missing.\n-> git checkout it\n"
    assert said.out.count("MILESTONE COMPLETED!") == 1
    assert "Watch your code learn: tito milestone run xor" in said.out


def test_a_fault_of_ours_is_no_failure_of_the_students(ready, monkeypatch):
    def no_room(**_where):
        raise OSError(errno.ENOSPC, "No space left on device")

    ready.tito("status")
    monkeypatch.setattr("tempfile.mkdtemp", no_room)
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 3
    assert "1957 - The Perceptron was not judged: the grader failed, not you." in said.out
    assert "No space left on device" in said.out
    assert "Next: Watch your code learn: tito milestone run perceptron" in said.out
    assert "unlocked  0 of 20" in ready.tito("milestone", "status").out


@pytest.mark.thorough
def test_a_course_without_train_is_no_failure_of_the_students(ready, monkeypatch, tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(content.FOLDER, folder)
    (folder / "perceptron/training.py").write_text("def trains(run): pass\n")
    monkeypatch.setattr(content, "FOLDER", folder)
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 3
    words = " ".join(said.out.split())
    assert "no script of the course holds tests.tito.content.perceptron.training" in words
    assert "Likely cause" not in said.out
    assert "unlocked  0 of 20" in ready.tito("milestone", "status").out


class Interrupted:
    """A sandbox during whose run somebody presses Ctrl-C."""

    def ask(self, _job):
        raise KeyboardInterrupt


def test_an_interrupted_training_leaves_nothing(ready, monkeypatch):
    ready.tito("status")
    monkeypatch.setitem(SANDBOXES, "process", Interrupted)
    said = ready.tito("milestone", "run", "perceptron")
    assert said.status == 130
    assert said.err.strip() == "tito: stopped."
    assert "unlocked  0 of 20" in ready.tito("milestone", "status").out


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
