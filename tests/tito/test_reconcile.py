from __future__ import annotations

import json
import os
import shutil

import pytest

from grader.verdicts.facts import Earned
from tests.tito.conftest import starter, wrong
from tito.clone.clone import open_clone


@pytest.fixture
def clone(student):
    return open_clone(student.top, os.environ, lambda _subject: None)


def test_the_first_commit_of_a_module_is_news(student, clone):
    clone.reconcile()
    student.commit_solved("00_setup")
    found = clone.reconcile()
    assert found.newly_complete == ("00_setup",)
    assert found.newly_unlocked == ()


def test_news_is_told_once(student, clone):
    clone.reconcile()
    student.commit_solved("00_setup", "01_tensor")
    first, second = clone.reconcile(), clone.reconcile()
    assert first.newly_unlocked == ("perceptron",)
    assert not second.news
    assert second.before.unlocked_milestones == ("perceptron",)


@pytest.mark.thorough
def test_deleted_files_come_back_and_repeat_nothing_old(student, clone):
    student.commit_solved("00_setup", "01_tensor")
    clone.reconcile()
    student.git("commit", "-q", "--allow-empty", "--no-verify", "-m", "later")
    before = (student.top / "progress.json").read_text()
    (student.top / "progress.json").unlink()
    shutil.rmtree(student.home / ".tinytorch")
    found = clone.reconcile()
    assert not found.news
    assert (student.top / "progress.json").read_text() == before
    assert (student.home / ".tinytorch" / "progress.json").is_file()


def test_deleted_files_do_not_hide_what_head_itself_brought(student, clone):
    student.commit_solved("00_setup", "01_tensor")
    assert clone.reconcile().newly_unlocked == ("perceptron",)


def test_typing_a_module_into_the_file_does_not_complete_it(student, clone):
    clone.reconcile()
    path = student.top / "progress.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "completed_modules": ["00_setup", "01_tensor"]}))
    assert clone.reconcile().after.complete == ()
    assert json.loads(path.read_text())["completed_modules"] == []


def test_progress_of_the_project_is_not_seen_by_git(student, clone):
    clone.reconcile()
    assert student.git("status", "--porcelain") == ""


@pytest.mark.parametrize("ignored", ["", "progress.json\n", "*.json\n"])
def test_the_exclude_file_of_git_does_not_grow(student, clone, ignored):
    with (student.top / ".gitignore").open("a") as file:
        file.write(ignored)
    exclude = student.top / ".git/info/exclude"
    clone.reconcile()
    once = exclude.read_text() if exclude.exists() else ""
    clone.reconcile()
    assert once.count("/progress.json\n") == (0 if ignored else 1)
    assert (exclude.read_text() if exclude.exists() else "") == once


def test_a_tracked_progress_file_is_said(student, clone):
    (student.top / "progress.json").write_text("{}")
    student.git("add", "progress.json")
    assert "-> git rm --cached progress.json" in clone.reconcile().messages[0]


def test_a_revert_takes_completion_back(student, clone):
    student.commit_solved("00_setup")
    clone.reconcile()
    student.write("00_setup", starter("00_setup"))
    student.git("commit", "-q", "--no-verify", "-am", "back")
    assert clone.reconcile().after.complete == ()


def test_what_came_in_without_a_hook_is_graded(student, clone):
    student.write("00_setup", wrong("00_setup"))
    student.git("commit", "-q", "--no-verify", "-am", "wrong")
    found = clone.reconcile()
    assert found.after.unverified == ()
    assert found.after.modules["00_setup"].failures


def test_a_milestone_proven_by_earlier_code_stays_completed(student, clone):
    student.commit_solved("00_setup", "01_tensor")
    clone.engine.ledger.earn("perceptron", Earned("abc", "2026-01-01T00:00:00+00:00"))
    assert clone.reconcile().newly_achieved == ()  # it belongs to no commit
    content = json.loads((student.home / ".tinytorch/progress.json").read_text())
    assert content["completed_milestones"] == ["perceptron"]


@pytest.mark.thorough
def test_a_completion_whose_proof_is_lost_is_a_claim(student, clone):
    student.commit_solved("00_setup", "01_tensor")
    clone.engine.ledger.earn("perceptron", Earned("abc", "2026-01-01T00:00:00+00:00"))
    clone.reconcile()
    shutil.rmtree(clone.private)
    found = clone.reconcile()
    assert found.claimed == ("perceptron",)
    again = clone.reconcile()
    assert again.claimed == ("perceptron",)
    assert "earned before, run again to prove" in student.tito("milestone", "status").out


def test_before_the_first_commit_nothing_is_complete(student):
    shutil.rmtree(student.top / ".git")
    student.git("init", "-q")
    clone = open_clone(student.top, os.environ, lambda _subject: None)
    assert clone.reconcile().after.complete == ()


@pytest.mark.thorough
def test_two_working_trees_of_one_repository_are_kept_apart(student, clone, tmp_path):
    clone.reconcile()
    student.git("worktree", "add", "-q", "-b", "second", str(tmp_path / "second"))
    second = open_clone(tmp_path / "second", os.environ, lambda _subject: None)
    student.commit_solved("00_setup")
    assert clone.reconcile().newly_complete == ("00_setup",)
    assert second.reconcile().after.complete == ()
    at_home = json.loads((student.home / ".tinytorch/progress.json").read_text())
    assert set(at_home["clones"]) == {str(student.top), str(tmp_path / "second")}
