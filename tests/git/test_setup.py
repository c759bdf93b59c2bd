"""tito setup and tito doctor on real clones, for each runner."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from tests.git.conftest import EXPORT, INIT, ONE, SIX, one, six
from tito.clone.installation import RUNNERS, STAGES


def hook(student, stage: str = "pre-commit"):
    return student.top / ".git" / "hooks" / stage


@pytest.mark.first
def test_setup_may_be_repeated(student):
    before = {stage: hook(student, stage).stat().st_mtime_ns for stage in STAGES}
    done = student.tito("setup")
    assert done.status == 0
    assert "Hooks:  all were installed already" in done.output
    assert {stage: hook(student, stage).stat().st_mtime_ns for stage in STAGES} == before
    assert student.git("config", "tito.runner").strip() == student.runner


@pytest.mark.parametrize("other", RUNNERS)
def test_setup_changes_to_another_runner(student, other):
    assert student.tito("setup", "--runner", other).status == 0
    said = student.save({ONE: one()})
    assert ("tito: module tests and export..." in said) is (other != "raw")
    assert said.count("exported into this commit") == 1
    student.settle()


@pytest.mark.first
def test_a_hook_of_the_student_s_own_is_kept_and_runs_first(student):
    hook(student).write_text("#!/bin/sh\necho mine; test ! -f stop\n", "utf-8")
    done = student.tito("setup")
    assert "your own pre-commit hook, as pre-commit.legacy" in done.output
    student.write("stop", "")
    student.write(ONE, one())
    student.git("add", ONE)
    stopped = student.commit()
    assert (stopped.status, stopped.output) == (1, "mine\n")
    (student.top / "stop").unlink()
    assert "mine\n" in student.git("commit", "-m", "now")
    student.settle()


@pytest.mark.first
def test_a_third_hook_is_refused_with_a_way_out(student):
    for name in ("pre-commit", "pre-commit.legacy"):
        (student.top / ".git" / "hooks" / name).write_text("#!/bin/sh\necho mine\n", "utf-8")
    done = student.tito("setup")
    assert done.status == 1
    assert "There are two hooks of yours already" in done.output
    assert '-> Make one of them, then tito setup: mv "' in done.output


@pytest.mark.parametrize("framework", ["pre_commit", "prek"])
def test_a_framework_installed_over_ours_checks_once(student, framework):
    program = [sys.executable, "-m", "pre_commit"] if framework == "pre_commit" else ["prek"]
    if framework == "prek":
        program = [str(shutil.which("prek", path=str(sys.prefix + "/bin")))]
    assert student.run(*program, "install").status == 0
    said = student.save({ONE: one()})
    assert said.count("exported into this commit") == 1
    assert student.tito("setup").status == 0
    assert not (student.top / ".git/hooks/pre-commit.legacy").exists()
    said = student.save({SIX: six()})
    assert said.count("exported into this commit") == 1
    student.settle()


@pytest.mark.first
def test_setup_refuses_a_hooks_folder_that_cannot_be_written(student, unprivileged):
    hook(student).unlink()
    folder = student.top / ".git" / "hooks"
    folder.chmod(0o500)
    done = student.run(*unprivileged, sys.executable, "-m", "tito", "setup")
    folder.chmod(0o700)
    assert done.status == 1
    assert f"The hooks cannot be written to {folder}" in done.output
    assert f'-> chmod u+rwx "{folder}"' in done.output


def set_for_this_working_tree(student) -> str:
    student.git("config", "extensions.worktreeConfig", "true")
    student.git("config", "--worktree", "core.hooksPath", "/elsewhere")
    return "/elsewhere"


def set_in_a_file_that_another_includes(student) -> str:
    (student.home / "more").write_text("[core]\n\thooksPath = /elsewhere\n", "utf-8")
    student.git("config", "--global", "include.path", str(student.home / "more"))
    return "/elsewhere"


def set_to_nothing(student) -> str:
    student.git("config", "core.hooksPath", "")
    return '""'


@pytest.mark.parametrize(
    "elsewhere", [set_for_this_working_tree, set_in_a_file_that_another_includes, set_to_nothing]
)
def test_a_hooks_path_is_taken_back_by_the_command_that_is_told(student, elsewhere):
    path = elsewhere(student)
    said = student.tito("setup")
    assert said.status == 1
    assert f"look for hooks in {path} (core.hooksPath)" in said.output
    doctor = student.tito("doctor")
    assert f"set to {path}: the hooks of this clone never run" in doctor.output
    command = said.output.strip().rpartition("-> ")[2]
    assert f"-> {command}" in doctor.output
    assert student.run("sh", "-c", command).status == 0
    assert student.tito("setup").status == 0
    student.settle()


def test_doctor_before_the_first_commit_of_a_branch(student):
    student.git("checkout", "-q", "--orphan", "fresh")
    assert "Traceback" not in student.tito("doctor").output
    assert student.tito("doctor").status in (0, 1)


def test_a_file_that_only_looks_like_a_mark_of_ours_is_no_framework(done_with_one):
    for name in ("running-", "running-x", f"running-{'9' * 30}"):
        (done_with_one.top / ".git" / "tito" / name).touch()
    assert done_with_one.tito("status").status == 0
    assert "the grader failed" not in done_with_one.save({ONE: one("return 2 - 1")})
    done_with_one.settle()


def remove_hook(student):
    hook(student, "post-merge").unlink()


def make_hook_unable_to_run(student):
    hook(student).chmod(0o644)


def keep_a_hook_of_an_older_version(student):
    older = hook(student, "post-merge")
    older.write_text(older.read_text("utf-8").replace("exec sh", "sh"), "utf-8")


def forget_python(student):
    student.git("config", "--unset", "tito.python")


def forget_runner(student):
    student.git("config", "--unset", "tito.runner")


def lie_in_progress(student):
    content = json.loads(student.read("progress.json"))
    student.write("progress.json", json.dumps({**content, "completed_modules": ["02_six"]}))


def lie_about_a_milestone(student):
    content = json.loads(student.read("progress.json"))
    student.write("progress.json", json.dumps({**content, "unlocked_milestones": ["perceptron"]}))


def list_what_is_no_id(student):
    content = json.loads(student.read("progress.json"))
    student.write("progress.json", json.dumps({**content, "completed_modules": [{"a": 1}, 3]}))


def break_progress(student):
    student.write("progress.json", "{")


def delete_export(student):
    (student.top / EXPORT).unlink()


def bring_back_an_older_export(student):
    old = student.read(EXPORT)
    student.save({ONE: one("return 2 - 1")})
    student.tito("status")
    student.write(EXPORT, old)


def write_half_an_export(student):
    """As git leaves it that is killed while it writes the file."""
    whole = student.read(EXPORT)
    student.write(EXPORT, whole[: len(whole) // 2])


def only_begin_an_export(student):
    student.write(EXPORT, "")


def leave_a_stray_export(student):
    student.git("rm", "-q", "--cached", EXPORT)
    student.git("commit", "-q", "--no-verify", "-m", "untracked")
    student.git("reset", "-q", "--soft", "HEAD~1")
    student.git("read-tree", "HEAD")
    (student.top / "tinytorch/core/other.py").write_text(student.read(EXPORT), "utf-8")


def lose_the_ledger(student):
    shutil.rmtree(student.top / ".git/tito/evidence")


@pytest.mark.first
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove_hook, "missing: post-merge"),
        pytest.param(make_hook_unable_to_run, "missing: pre-commit", marks=pytest.mark.thorough),
        pytest.param(
            keep_a_hook_of_an_older_version,
            "not as this version of the course writes them: post-m",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            forget_python, "none recorded (git config tito.python)", marks=pytest.mark.thorough
        ),
        pytest.param(
            forget_runner, "none recorded (git config tito.runner)", marks=pytest.mark.thorough
        ),
        (lie_in_progress, "does not say what git says of 00_one, 02_six"),
        pytest.param(
            lie_about_a_milestone,
            "does not say what git says of perceptron",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            list_what_is_no_id,
            "does not say what git says of 00_one, 3, {'a': 1}",
            marks=pytest.mark.thorough,
        ),
        pytest.param(break_progress, "is not valid JSON", marks=pytest.mark.thorough),
        (delete_export, f"{EXPORT} was deleted"),
        pytest.param(
            bring_back_an_older_export,
            f"{EXPORT} is an older export than the one that git has",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            write_half_an_export,
            f"{EXPORT} is only the beginning of what git has",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            only_begin_an_export,
            f"{EXPORT} is only the beginning of what git has",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            leave_a_stray_export,
            "tinytorch/core/other.py is one of the course",
            marks=pytest.mark.thorough,
        ),
        (lose_the_ledger, "committed without the hook"),
    ],
)
def test_doctor_finds_it_and_fix_repairs_it(well, damage, says):
    student = well
    damage(student)
    found = student.tito("doctor")
    assert found.status == 1
    assert says in " ".join(found.output.split())
    fixed = student.tito("doctor", "--fix")
    assert "fixed: " in fixed.output
    assert fixed.status == 0, fixed.output
    student.settle()


def edit_an_export(student):
    student.write(EXPORT, "by hand\n")


def stage_an_old_export(student):
    old = student.staged(EXPORT)
    student.save({ONE: one("return 2 - 1")})
    student.write(EXPORT, old)
    student.git("add", EXPORT)


def add_a_file_of_ones_own(student):
    student.write("tinytorch/mine.py", "x = 1\n")


def hold_a_lock(student):
    (student.top / ".git" / "HEAD.lock").touch()


def change_the_rules_here(student):
    student.write("course.yaml", student.read("course.yaml").replace("points: 5", "points: 500"))


def change_the_rules_for_good(student):
    change_the_rules_here(student)
    student.git("commit", "-q", "-a", "-m", "more points")
    student.tito("status")


def conflict_in_an_export(student):
    student.git("checkout", "-q", "-b", "other", "HEAD~1")
    student.save({SIX: six()})
    student.git("checkout", "-q", "main")
    assert student.run("git", "merge", "other").status == 1


def conflict_in_a_lesson(student):
    student.git("checkout", "-q", "-b", "other")
    student.save({ONE: one("return 2 - 1")})
    student.git("checkout", "-q", "main")
    student.save({ONE: one("return 3 - 2")})
    assert student.run("git", "merge", "other").status == 1


def lose_edits_that_fit_no_more(student):
    """As a framework leaves them that was killed, before the same lines were edited again."""
    student.write("notes.txt", "unstaged\n")
    patches = student.home / ".cache" / "pre-commit"
    patches.mkdir(parents=True, exist_ok=True)
    (student.top / ".git/tito/running-4194305").touch()  # above every process id
    (patches / "patch1-1").write_text(student.git("diff"), "utf-8")
    student.write("notes.txt", "edited again\n")


def hide_an_edit(student):
    student.git("update-index", "--skip-worktree", ONE)
    student.write(ONE, one("return 2 - 1"))


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.parametrize(
    ("damage", "says", "fix"),
    [
        pytest.param(
            hide_an_edit,
            f"{ONE} has changes that git was told not to look at",
            "--no-skip-worktree",
            marks=pytest.mark.thorough,
        ),
        (conflict_in_a_lesson, f"not settled yet: {ONE}", f"-> git add {ONE}"),
        pytest.param(
            lose_edits_that_fit_no_more,
            "notes.txt may lack edits of then",
            "--reject ",
            marks=pytest.mark.thorough,
        ),
        (edit_an_export, f"{EXPORT} was edited by hand", f"-> git restore {EXPORT}"),
        pytest.param(
            stage_an_old_export,
            f"{EXPORT} is staged, and is not",
            "-> git restore --staged",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            add_a_file_of_ones_own,
            "was not made from a lesson",
            "-> mv ",
            marks=pytest.mark.thorough,
        ),
        (hold_a_lock, "HEAD.lock is held", "-> rm -f "),
        pytest.param(
            change_the_rules_here,
            "not as they are committed: course.yaml",
            "-> git restore",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            change_the_rules_for_good,
            "changed since tito setup: course.yaml",
            "-> tito setup",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            conflict_in_an_export,
            f"made from your lessons: {INIT}",
            "-> git add tinytorch",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_doctor_leaves_to_the_person_what_may_lose_something(well, damage, says, fix):
    student = well
    damage(student)
    before = {p: p.read_bytes() for p in student.top.glob("tinytorch/**/*.py")}
    for command in (("doctor",), ("doctor", "--fix")):
        found = student.tito(*command)
        assert found.status == 1
        assert says in " ".join(found.output.split())
        assert fix in found.output
    assert {p: p.read_bytes() for p in student.top.glob("tinytorch/**/*.py")} == before
