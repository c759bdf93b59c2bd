"""module complete, through real pre-commit hooks."""

from __future__ import annotations

from tests.tito.conftest import solution, wrong


def test_complete_commits_lesson_and_export_and_nothing_else(hooked):
    hooked.write("00_setup", solution("00_setup"))
    (hooked.top / "notes.txt").write_text("staged, and nobody else's business")
    hooked.git("add", "notes.txt")
    said = hooked.tito("module", "complete", "00")
    assert said.status == 0, said
    assert hooked.git("log", "-1", "--format=%s") == "Complete 00_setup"
    changed = hooked.git("show", "--name-only", "--format=", "HEAD").splitlines()
    assert "modules/00_setup/setup.py" in changed
    assert "tinytorch/core/setup.py" in changed
    assert "notes.txt" not in changed
    assert hooked.git("status", "--porcelain") == "A  notes.txt"


def test_complete_announces_the_unlocked_milestone_once(hooked):
    hooked.commit_solved("00_setup")
    hooked.tito("status")
    hooked.write("01_tensor", solution("01_tensor"))
    said = hooked.tito("module", "complete", "01")
    assert (said.out + said.err).count("MILESTONE UNLOCKED!") == 1
    assert (said.out + said.err).count("Next: ") == 1
    assert hooked.tito("module", "complete", "01").out.startswith("01_tensor is complete and comm")


def test_complete_fails_fast_with_the_tests_own_words(hooked):
    head = hooked.git("rev-parse", "HEAD")
    hooked.write("00_setup", wrong("00_setup"))
    said = hooked.tito("module", "complete", "00")
    assert said.status == 1
    assert "double_sum(2, 3) should be 10, got -1." in said.out
    assert hooked.git("rev-parse", "HEAD") == head
    assert hooked.git("diff", "--cached", "--name-only") == ""


def test_complete_names_needs_that_are_not_committed(hooked):
    hooked.write("00_setup", solution("00_setup"))
    hooked.write("01_tensor", solution("01_tensor"))
    said = hooked.tito("module", "complete", "01")
    assert said.status == 1
    assert "01_tensor needs 00_setup, which is not committed as complete." in said.err
    assert "-> tito module complete 00" in said.err


def test_complete_exports_what_was_committed_without_the_hook(hooked):
    hooked.write("00_setup", solution("00_setup"))
    hooked.git("commit", "-q", "--no-verify", "-am", "sneaked in")
    said = hooked.tito("module", "complete", "00")
    assert said.status == 0, said
    assert hooked.git("show", "--name-only", "--format=", "HEAD").splitlines() == [
        "tinytorch/__init__.py",
        "tinytorch/core/__init__.py",
        "tinytorch/core/setup.py",
    ]


def test_complete_adds_a_lesson_that_git_does_not_know(hooked):
    hooked.git("rm", "-q", "--cached", "modules/00_setup/setup.py")
    hooked.git("commit", "-q", "--no-verify", "-m", "forget the lesson")
    hooked.write("00_setup", solution("00_setup"))
    assert hooked.tito("module", "complete", "00").status == 0


def test_complete_refuses_while_a_merge_is_under_way(hooked):
    hooked.write("00_setup", solution("00_setup"))
    (hooked.top / ".git/MERGE_HEAD").write_text(hooked.git("rev-parse", "HEAD") + "\n")
    said = hooked.tito("module", "complete", "00")
    assert said.status == 1
    assert "A merge is under way; one lesson alone cannot be committed now." in said.err
    assert "git merge --continue, or git merge --abort" in said.err


def test_a_commit_that_git_refuses_is_said(hooked):
    hooked.write("00_setup", solution("00_setup"))
    (hooked.top / ".git/index.lock").touch()
    said = hooked.tito("module", "complete", "00")
    assert said.status == 1
    assert "The commit did not happen; the reason stands above." in said.out


def test_complete_works_from_a_folder_below(hooked):
    hooked.write("00_setup", solution("00_setup"))
    hooked.folder = "modules/00_setup"
    assert hooked.tito("module", "complete", "00", "-m", "setup: done").status == 0
    assert hooked.git("log", "-1", "--format=%s") == "setup: done"
