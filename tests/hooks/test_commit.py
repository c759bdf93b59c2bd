"""What a student sees and keeps when git commit runs the hooks. Real git, real pre-commit."""

from __future__ import annotations

import json

import pytest

from tests.hooks.conftest import STUB, one, two

ONE = "modules/00_one/one.py"
TWO = "modules/01_two/two.py"
EXPORT = "tinytorch/core/one.py"


@pytest.mark.thorough
def test_unfinished_code_is_committed(student):
    student.write(TWO, two("return 2", STUB))
    done = student.commit(TWO)
    assert done.status == 0
    assert "not run: waits for 00_one" in done.output


def test_a_stub_is_work_in_progress_and_says_so(done_with_one):
    done_with_one.write(TWO, two(three=STUB))
    done = done_with_one.commit(TWO)
    assert done.status == 0
    assert "01_two: 1 of 2 tests pass, 1 to do (saved as work in progress)." in done.output


@pytest.mark.thorough
def test_wrong_code_is_stopped_and_nothing_is_changed(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    before = (student.git("rev-parse", "HEAD"), student.git("ls-files", "-s"), student.status())
    done = student.commit()
    assert done.status == 1
    assert (
        student.git("rev-parse", "HEAD"),
        student.git("ls-files", "-s"),
        student.status(),
    ) == before
    assert student.read(ONE) == one("return 2")


@pytest.mark.thorough
def test_the_message_says_what_was_expected_what_came_and_what_to_do(student):
    student.write(ONE, one("return 2"))
    said = student.commit(ONE).output
    for words in (
        "tito: commit stopped.",
        "one() is 1.",
        "one() should be 1, got 2.",
        "Hint: return 1.",
        "-> tito module test 00",
        "-> git commit --no-verify",
    ):
        assert words in said


def test_right_code_is_exported_in_the_same_commit(student):
    student.write(ONE, one())
    done = student.commit(ONE)
    assert done.status == 0
    assert "00_one: 1 of 1 tests pass." in done.output
    assert student.files() >= {EXPORT, "tinytorch/__init__.py", ONE}
    assert "return 1" in student.at("HEAD", EXPORT)
    assert student.status() == ""


def test_both_progress_files_say_what_is_complete(done_with_one):
    project = json.loads(done_with_one.read("progress.json"))
    home = json.loads((done_with_one.home / ".tinytorch" / "progress.json").read_text("utf-8"))
    assert project["completed_modules"] == home["completed_modules"] == ["00_one"]
    assert home["unlocked_milestones"] == []


def test_a_milestone_is_announced_by_the_commit_that_unlocks_it(done_with_one):
    done_with_one.write(TWO, two())
    said = done_with_one.commit(TWO).output
    assert "🔓 MILESTONE UNLOCKED!" in said
    assert "tito milestone run perceptron" in said
    done_with_one.write("notes.txt", "later")
    assert "UNLOCKED" not in done_with_one.commit("notes.txt").output


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("return 3", "one() should be 1, got 3", id="wrong"),
        pytest.param(STUB, "write it", id="unfinished", marks=pytest.mark.thorough),
        pytest.param(
            "return (",
            "Python cannot read this line",
            id="syntax error",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_a_change_that_breaks_a_complete_module_is_stopped(done_with_one, body, reason):
    done_with_one.write(ONE, one(body))
    done = done_with_one.commit(ONE)
    assert done.status == 1
    assert "00_one was complete; with this commit it would not be" in done.output
    assert reason in done.output


def test_breaking_a_module_that_others_build_on_names_both_tests_and_module(done_with_one):
    done_with_one.write(TWO, two())
    assert done_with_one.commit(TWO).status == 0
    done_with_one.git("rm", "-q", ONE)
    done = done_with_one.commit()
    assert done.status == 1
    assert "00_one" in done.output
    done_with_one.git("checkout", "HEAD", "--", ONE)


@pytest.mark.thorough
def test_commit_all_judges_what_git_records(done_with_one):
    done_with_one.write(ONE, one("return 2 - 1"))
    done = done_with_one.run("git", "commit", "-a", "-m", "other way")
    assert done.status == 0
    assert "2 - 1" in done_with_one.at("HEAD", EXPORT)


@pytest.mark.thorough
def test_a_staged_good_version_passes_whatever_lies_in_the_working_tree(student):
    student.write(ONE, one())
    student.git("add", ONE)
    student.write(ONE, one("return 'work in progress"))
    done = student.commit()
    assert done.status == 0, done.output
    assert student.read(ONE) == one("return 'work in progress")
    assert "return 1" in student.at("HEAD", EXPORT)


@pytest.mark.thorough
def test_a_staged_bad_version_is_stopped_whatever_lies_in_the_working_tree(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    student.write(ONE, one())
    assert student.commit().status == 1
    assert student.read(ONE) == one()


@pytest.mark.thorough
def test_commit_of_one_path_leaves_the_real_index_fresh(done_with_one):
    done_with_one.write("notes.txt", "staged, not committed")
    done_with_one.git("add", "notes.txt")
    done_with_one.write(ONE, one("return 2 - 1"))
    done = done_with_one.run("git", "commit", "-m", "only one", "--", ONE)
    assert done.status == 0, done.output
    assert done_with_one.status() == "A  notes.txt\n"
    assert "2 - 1" in done_with_one.at("HEAD", EXPORT)
    assert "notes.txt" not in done_with_one.files()


@pytest.mark.thorough
def test_an_unstaged_edit_of_an_export_is_refused_and_kept(done_with_one):
    done_with_one.write(EXPORT, "by hand\n")
    done_with_one.write("notes.txt", "v1")
    done_with_one.git("add", "notes.txt")
    done_with_one.write("notes.txt", "v2")
    done_with_one.write(ONE, one("return 2 - 1"))
    done = done_with_one.commit(ONE)
    assert done.status == 1
    assert f"{EXPORT} has changes that are not staged" in done.output
    assert f"git restore {EXPORT}" in done.output
    assert done_with_one.read(EXPORT) == "by hand\n"
    assert done_with_one.read("notes.txt") == "v2"


@pytest.mark.thorough
def test_an_untracked_file_where_an_export_goes_is_refused_and_kept(student):
    student.write(EXPORT, "mine\n")
    student.write(ONE, one())
    done = student.commit(ONE)
    assert done.status == 1
    assert f"{EXPORT} lies in the working tree but not in git" in done.output
    assert student.read(EXPORT) == "mine\n"


@pytest.mark.thorough
def test_a_hand_edited_staged_export_is_refused(done_with_one):
    done_with_one.write(EXPORT, "by hand\n")
    done = done_with_one.commit(EXPORT)
    assert done.status == 1
    assert f"{EXPORT} was edited by hand" in done.output
    assert f"git restore --staged --worktree {EXPORT}" in done.output
    assert done_with_one.read(EXPORT) == "by hand\n"


@pytest.mark.thorough
def test_a_stale_export_of_ours_heals_itself(done_with_one):
    done_with_one.write(ONE, one("return 2 - 1"))
    done_with_one.git("add", ONE)
    later = "core.editor=false"  # the commit is given up after the hook staged the export
    assert done_with_one.run("git", "-c", later, "commit").status != 0
    done_with_one.write(ONE, one("return 3 - 2"))
    done = done_with_one.commit(ONE)
    assert done.status == 0, done.output
    assert "3 - 2" in done_with_one.at("HEAD", EXPORT)


@pytest.mark.thorough
def test_what_was_committed_past_the_hook_does_not_count_and_blocks_nobody(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    student.git("commit", "--no-verify", "-m", "as it is")
    assert json.loads(student.read("progress.json"))["completed_modules"] == []
    student.write("notes.txt", "later")
    assert student.commit("notes.txt").status == 0


@pytest.mark.thorough
def test_right_code_committed_past_the_hook_is_graded_afterwards_and_exported_next(student):
    student.write(ONE, one())
    student.git("add", ONE)
    said = student.git("commit", "--no-verify", "-m", "as it is")
    assert "tinytorch/ is not what your lessons export" in said
    student.write("notes.txt", "later")
    assert student.commit("notes.txt").status == 0
    assert EXPORT in student.files()
    assert json.loads(student.read("progress.json"))["completed_modules"] == ["00_one"]


@pytest.mark.thorough
def test_a_commit_that_changes_no_lesson_is_answered_from_a_memo(done_with_one):
    for memo in (done_with_one.top / ".git" / "tito-memos").iterdir():
        memo.write_text(f"remembered: {memo.name[:4]}", encoding="utf-8")
    done_with_one.write("notes.txt", "a")
    said = done_with_one.commit("notes.txt").output
    assert "remembered: pre-" in said
    assert "remembered: post" in said


@pytest.mark.thorough
def test_a_memo_counts_for_the_rules_it_was_made_with(done_with_one):
    for memo in (done_with_one.top / ".git" / "tito-memos").iterdir():
        memo.write_text("remembered", encoding="utf-8")
    done_with_one.write("course.yaml", done_with_one.read("course.yaml").replace("Small", "Tall"))
    assert "remembered" not in done_with_one.commit("course.yaml").output


def test_an_error_of_ours_lets_the_commit_through_and_names_the_log(student):
    student.write("grader/verdicts/judge.py", "raise RuntimeError('bug')\n")
    student.write(ONE, one("return 2"))
    done = student.commit("grader/verdicts/judge.py", ONE)
    assert done.status == 0
    assert "the grader failed, not you (RuntimeError)" in done.output
    assert "Traceback" not in done.output
    log = student.top / ".git" / "tito" / "tito.log"
    assert "RuntimeError: bug" in log.read_text("utf-8")


@pytest.mark.thorough
def test_a_broken_course_yaml_stops_with_its_line(student):
    student.write("course.yaml", student.read("course.yaml").replace("title: Two", "titel: Two"))
    done = student.commit("course.yaml")
    assert done.status == 1
    assert "course.yaml, line 6: 'title' is missing." in done.output
    assert "-> Rename 'titel' to 'title'." in done.output


@pytest.mark.thorough
def test_a_recorded_python_that_is_gone_is_said_and_blocks_nobody(student):
    student.git("config", "tito.python", "/nowhere/python")
    student.write(ONE, one("return 2"))
    done = student.commit(ONE)
    assert done.status == 0
    assert "/nowhere/python is not there" in done.output


@pytest.mark.thorough
def test_a_branch_without_course_yaml_can_be_committed_to(student):
    student.git("rm", "-q", "course.yaml")
    done = student.commit()
    assert done.status == 0
    assert "there is no course.yaml" in done.output


@pytest.mark.thorough
def test_a_removed_test_is_run_from_the_course_and_said(student):
    student.write(ONE, one("return 2").replace("def test_one_is_one", "def helper"))
    done = student.commit(ONE)
    assert done.status == 1
    assert "one() should be 1, got 2" in done.output
    assert "test_one_is_one is no longer in modules/00_one/one.py" in done.output


@pytest.mark.thorough
def test_student_code_sees_nothing_of_the_commit(student):
    body = (
        "import os, subprocess\n"
        "    assert not [k for k in os.environ if k.startswith('GIT_')], 'leak'\n"
        "    subprocess.run('git init -q && touch evil && git add -A', shell=True)\n"
        "    return 1"
    )
    student.write(ONE, one(body))
    done = student.commit(ONE)
    assert done.status == 0, done.output
    assert not any("evil" in path for path in student.files())
    assert student.git("fsck", "--no-dangling") == ""
