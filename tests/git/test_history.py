"""Commits that git makes itself: merge, rebase, cherry-pick, and what moves HEAD without one."""

from __future__ import annotations

import sys

import pytest

from tests.git.conftest import EXPORT, INIT, ONE, SIX, STUB, TWO, Committer, one, six, two

NOTES = "notes.txt"


def branch(student, name: str, files: dict[str, str], *, back_to: str = "main") -> None:
    """A branch with one commit, made through the hooks."""
    student.git("checkout", "-q", "-b", name, back_to)
    student.save(files, name)
    student.git("checkout", "-q", back_to)


# Merges


@pytest.mark.first
def test_a_clean_merge(student):
    branch(student, "other", {ONE: one()})
    student.save({NOTES: "mine\n"})
    student.git("merge", "--no-edit", "other")
    assert student.progress() == ["00_one"]
    student.settle()


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.each_runner
def test_a_clean_merge_that_completes_a_module_asks_for_one_more_step(student):
    branch(student, "other", {TWO: two()})
    student.save({ONE: one()})
    done = student.run("git", "merge", "--no-edit", "other")
    assert done.status == 1
    assert "tito: one more step for this merge: git commit --no-edit" in done.output
    student.git("commit", "--no-edit")
    assert student.git("log", "-1", "--format=%P").count(" ") == 1
    assert student.progress() == ["00_one", "01_two"]
    student.settle()


def test_a_clean_merge_of_what_does_not_work_together_is_stopped(student):
    branch(student, "other", {ONE: one("return 1.5 - 0.5")})
    student.git("checkout", "-q", "-b", "third", "other")
    student.save({TWO: two()})
    student.git("checkout", "-q", "main")
    student.past_the_hook({"modules/01_two/two.py": two("return 'two'", STUB)})
    assert student.run("git", "merge", "--no-edit", "third").status == 1
    student.git("merge", "--abort")
    student.settle()


@pytest.mark.thorough
@pytest.mark.first
def test_a_merge_with_a_conflict_in_a_lesson(done_with_one):
    student = done_with_one
    branch(student, "other", {ONE: one("return 2 - 1")})
    student.save({ONE: one("return 3 - 2")})
    assert student.run("git", "merge", "--no-edit", "other").status == 1
    assert student.run("git", "commit", "--no-edit").status == 128
    student.write(ONE, one("return 4 - 3"))
    student.git("add", "modules", "tinytorch")
    student.git("commit", "--no-edit")
    assert "4 - 3" in student.at("HEAD", EXPORT)
    student.settle()


def test_a_merge_with_a_conflict_only_in_an_export(student):
    branch(student, "other", {SIX: six()})
    student.save({ONE: one()})
    assert student.run("git", "merge", "--no-edit", "other").status == 1
    assert "UU" in student.status()
    student.git("add", "tinytorch")
    student.git("commit", "--no-edit")
    assert student.progress() == ["00_one", "02_six"]
    student.settle()


def test_a_conflict_resolved_wrongly_is_stopped_and_kept(done_with_one):
    student = done_with_one
    branch(student, "other", {ONE: one("return 2 - 1")})
    student.save({ONE: one("return 3 - 2")})
    assert student.run("git", "merge", "--no-edit", "other").status == 1
    student.git("add", "modules", "tinytorch")
    done = student.run("git", "commit", "--no-edit")
    assert done.status == 1
    assert "<<<<<<<" in done.output
    assert "<<<<<<<" in student.read(ONE)
    student.git("merge", "--abort")
    student.settle()


def test_an_octopus_merge_asks_for_one_more_step(student):
    branch(student, "other", {TWO: two()})
    branch(student, "third", {NOTES: "theirs\n"})
    student.save({ONE: one()})
    done = student.run("git", "merge", "--no-edit", "other", "third")
    assert "tito: one more step for this merge: git commit --no-edit" in done.output
    student.git("commit", "--no-edit")
    assert student.git("log", "-1", "--format=%P").count(" ") == 2
    assert student.progress() == ["00_one", "01_two"]
    student.settle()


def test_a_squashed_merge(student):
    branch(student, "other", {ONE: one()})
    student.git("merge", "--squash", "other")
    student.git("commit", "-m", "squashed")
    assert student.progress() == ["00_one"]
    student.settle()


def test_a_fast_forward(student):
    branch(student, "other", {ONE: one()})
    said = student.git("merge", "other")
    assert "00_one is complete" in said
    student.settle()


def upstream(student: Committer, files: dict[str, str]) -> None:
    """A remote that has one commit more, from a clone without hooks."""
    parent = student.top.parent
    student.git("clone", "-q", "--bare", str(student.top), str(parent / "up.git"))
    student.git("remote", "add", "origin", str(parent / "up.git"))
    student.git("clone", "-q", str(parent / "up.git"), str(parent / "else"))
    other = Committer(parent / "else", student.home, student.runner, student.reference)
    other.past_the_hook(files, "elsewhere")
    other.git("push", "-q", "origin", "main")
    student.git("fetch", "-q", "origin")
    student.git("branch", "-q", "--set-upstream-to=origin/main")


def test_a_pull_that_merges(student):
    upstream(student, {NOTES: "theirs\n"})
    student.save({ONE: one()})
    student.git("pull", "-q", "--no-rebase", "--no-edit")
    student.settle()


@pytest.mark.thorough
@pytest.mark.first
def test_a_pull_that_rebases(student):
    upstream(student, {NOTES: "theirs\n"})
    student.save({ONE: one()})
    student.git("pull", "-q", "--rebase")
    assert student.progress() == ["00_one"]
    student.settle()


def test_a_pull_that_rebases_nothing(student):
    upstream(student, {ONE: one()})
    student.git("pull", "-q", "--rebase")
    assert student.tito("status").status == 0
    student.settle(drift=True)


# Rebases


@pytest.mark.first
def test_a_rebase_of_ten_picks_grades_once_at_its_end(done_with_one):
    student = done_with_one
    student.git("checkout", "-q", "-b", "topic")
    for number in range(10):
        student.past_the_hook({ONE: one(f"return {number} - {number - 1}")}, f"pick {number}")
    branch(student, "base", {NOTES: "base\n"}, back_to="main")
    student.git("checkout", "-q", "topic")
    ledger = student.top / ".git" / "tito" / "evidence"
    before = len(list(ledger.iterdir()))
    student.git("rebase", "-q", "base")
    assert len(list(ledger.iterdir())) <= before + 1
    assert student.progress() == []  # proven, and its export is to follow
    student.settle(drift=True)
    student.git("commit", "-q", "--allow-empty", "-m", "with the hook")
    assert student.progress() == ["00_one"]
    student.settle()


def rebase(student, todo: str, *arguments: str):
    """An interactive rebase whose list of steps is changed by the sed script TODO."""
    return student.run("git", "rebase", "-i", *arguments, GIT_SEQUENCE_EDITOR=f"sed -i -e '{todo}'")


def test_rebase_reword(done_with_one):
    done_with_one.save({NOTES: "later\n"}, "later")
    assert rebase(done_with_one, "1s/pick/reword/", "HEAD~2").status == 0
    assert done_with_one.progress() == ["00_one"]
    done_with_one.settle()


def test_rebase_edit_and_amend(done_with_one):
    student = done_with_one
    student.save({NOTES: "later\n"}, "later")
    assert rebase(student, "1s/pick/edit/", "HEAD~2").status == 0
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-q", "-a", "--amend", "--no-edit")
    student.git("rebase", "--continue")
    assert "2 - 1" in student.at("HEAD", EXPORT)
    student.settle()


def test_rebase_squash(student):
    student.save({ONE: one()}, "one")
    student.save({ONE: one("return 2 - 1")}, "two")
    assert rebase(student, "2s/pick/squash/", "HEAD~2").status == 0
    assert "2 - 1" in student.at("HEAD", EXPORT)
    student.settle()


def test_a_fixup_that_autosquash_moves(student):
    student.save({ONE: one()}, "one")
    student.save({NOTES: "later\n"}, "later")
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-a", "--fixup", "HEAD~1")
    assert rebase(student, "", "--autosquash", "HEAD~3").status == 0
    assert student.git("rev-list", "--count", "HEAD") == "3\n"
    assert "2 - 1" in student.at("HEAD~1", EXPORT)
    student.settle()


def test_rebase_continue_after_a_conflict_runs_no_check_and_is_graded_at_the_end(done_with_one):
    student = done_with_one
    branch(student, "other", {ONE: one("return 2 - 1")})
    student.save({ONE: one("return 3 - 2")})
    assert student.run("git", "rebase", "other").status == 1
    student.write(ONE, one("return 2"))
    student.git("add", "modules", "tinytorch")
    student.git("rebase", "--continue")
    assert student.progress() == []
    assert student.tito("status").status == 0
    student.settle(drift=True)


def test_an_aborted_rebase(done_with_one):
    student = done_with_one
    branch(student, "other", {ONE: one("return 2 - 1")})
    student.save({ONE: one("return 3 - 2")})
    before = student.head()
    assert student.run("git", "rebase", "other").status == 1
    student.git("rebase", "--abort")
    assert student.head() == before
    student.settle()


# One commit at a time


@pytest.mark.thorough
@pytest.mark.first
def test_cherry_pick(student):
    branch(student, "other", {ONE: one()})
    student.git("cherry-pick", "other")
    assert student.progress() == ["00_one"]
    student.settle()


def test_cherry_pick_continue_after_a_conflict_is_checked(done_with_one):
    student = done_with_one
    branch(student, "other", {ONE: one("return 2 - 1")})
    student.save({ONE: one("return 3 - 2")})
    assert student.run("git", "cherry-pick", "other").status == 1
    student.write(ONE, one("return 2"))
    student.git("add", "modules", "tinytorch")
    assert student.run("git", "cherry-pick", "--continue").status == 1
    student.write(ONE, one("return 4 - 3"))
    student.git("add", ONE)
    student.git("cherry-pick", "--continue")
    assert "4 - 3" in student.at("HEAD", EXPORT)
    student.settle()


def test_revert_brings_the_earlier_verdict_back(done_with_one):
    student = done_with_one
    student.save({ONE: one("return 2 - 1")})
    student.git("revert", "--no-edit", "HEAD")
    assert "return 1" in student.at("HEAD", EXPORT)
    assert student.progress() == ["00_one"]
    student.settle()


@pytest.mark.first
def test_revert_of_the_commit_that_completed_it(done_with_one):
    done_with_one.git("revert", "--no-edit", "HEAD")
    assert done_with_one.progress() == []
    done_with_one.settle()


def test_a_mailed_patch(student):
    branch(student, "other", {ONE: one()})
    mail = student.git("format-patch", "-1", "--stdout", "other")
    (student.top.parent / "mail").write_text(mail, "utf-8", newline="")
    student.git("am", str(student.top.parent / "mail"))
    student.tito("status")
    assert student.progress() == ["00_one"]
    student.settle()


# HEAD, index and working tree moved without a commit


@pytest.mark.first
def test_stash_and_pop(done_with_one):
    student = done_with_one
    student.write(ONE, one("return 2 - 1"))
    student.write("new.txt", "untracked\n")
    student.git("stash", "push", "-q", "-u")
    student.tito("status")
    assert student.progress() == ["00_one"]
    student.git("stash", "pop", "-q")
    assert (student.read(ONE), student.read("new.txt")) == (one("return 2 - 1"), "untracked\n")
    student.settle(" M modules/00_one/one.py\n?? new.txt\n")


def test_a_hard_reset(done_with_one):
    done_with_one.git("reset", "-q", "--hard", "HEAD~1")
    done_with_one.tito("status")
    assert done_with_one.progress() == []
    done_with_one.settle()


def test_a_soft_reset_of_commits_made_elsewhere(student):
    branch(student, "other", {ONE: one()})
    for export in (student.top / ".git" / "tito" / "exports").iterdir():
        export.unlink()  # as in another clone, which made none of them
    student.git("merge", "-q", "other")
    student.git("reset", "-q", "--soft", "HEAD~1")
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-a", "-m", "again")
    assert "2 - 1" in student.at("HEAD", EXPORT)
    student.settle()


@pytest.mark.first
def test_another_branch(done_with_one):
    student = done_with_one
    student.git("checkout", "-q", "-b", "other", "HEAD~1")
    assert student.progress() == []
    student.settle()
    student.git("switch", "-q", "main")
    assert student.progress() == ["00_one"]
    student.settle()


def test_files_checked_out_say_nothing(done_with_one):
    done_with_one.write(NOTES, "changed\n")
    assert "tito" not in done_with_one.git("checkout", "HEAD", "--", NOTES)
    done_with_one.settle()


def test_a_detached_head(done_with_one):
    student = done_with_one
    student.git("checkout", "-q", "--detach")
    student.save({SIX: six()})
    assert student.progress() == ["00_one", "02_six"]
    student.settle()


def test_a_shallow_clone(done_with_one):
    student = done_with_one
    student.save({NOTES: "later\n"})
    shallow = student.top.parent / "shallow"
    student.git("clone", "-q", "--depth", "1", f"file://{student.top}", str(shallow))
    other = Committer(shallow, student.home, student.runner, student.reference)
    other.run(sys.executable, "-m", "tito", "setup", "--runner", student.runner)
    other.save({SIX: six()})
    assert other.progress() == ["00_one", "02_six"]
    assert other.tito("doctor").status == 0
    other.settle()


def test_a_repository_of_sha256(student):
    (student.top / ".git").rename(student.top.parent / "before.git")
    student.git("init", "-q", "--object-format=sha256")
    assert student.tito("setup", "--runner", student.runner).status == 0
    student.git("add", "-A")
    student.git("commit", "-q", "-m", "the course")
    student.save({ONE: one()})
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-m", "only", "--", ONE)
    assert "2 - 1" in student.at("HEAD", EXPORT) == student.staged(EXPORT)
    student.settle()


def test_a_repository_whose_objects_lie_elsewhere(student):
    student.git("init", "-q", "--separate-git-dir", str(student.top.parent / "elsewhere.git"))
    assert student.tito("setup", "--runner", student.runner).status == 0
    student.save({ONE: one()})
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-m", "only", "--", ONE)
    assert student.progress() == ["00_one"]
    student.settle()


@pytest.mark.parametrize(
    ("key", "value"),
    [("index.version", "4"), ("core.splitIndex", "true"), ("feature.manyFiles", "true")],
)
def test_an_index_of_another_form(student, key, value):
    student.git("config", key, value)
    student.save({ONE: one()})
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-m", "only", "--", ONE)
    assert "2 - 1" in student.at("HEAD", EXPORT) == student.staged(EXPORT)
    student.settle()


@pytest.mark.first
def test_a_bare_repository_is_refused_with_a_way_out(student):
    bare = student.top.parent / "bare.git"
    student.git("clone", "-q", "--bare", str(student.top), str(bare))
    done = student.run(
        "sh", "-c", f"cd {bare} && PYTHONPATH={student.top} {sys.executable} -m tito setup"
    )
    assert done.status == 1
    assert "is a bare repository" in done.output
    assert "-> Clone it" in done.output


@pytest.mark.thorough
@pytest.mark.first
def test_a_linked_worktree(student):
    place = student.top.parent / "linked"
    student.git("worktree", "add", "-q", "-b", "linked", str(place))
    linked = Committer(place, student.home, student.runner, student.reference)
    linked.save({ONE: one()})
    assert linked.progress() == ["00_one"]
    linked.settle()
    assert student.at("linked", INIT) == linked.read(INIT)
    assert student.status() == ""


def test_student_code_that_runs_git_in_a_linked_worktree_changes_nothing(student):
    place = student.top.parent / "linked"
    student.git("worktree", "add", "-q", "-b", "linked", str(place))
    linked = Committer(place, student.home, student.runner, student.reference)
    config = student.read(".git/config")
    body = (
        "import os, subprocess\n"
        "    assert not [k for k in os.environ if k.startswith('GIT_')], 'leak'\n"
        "    subprocess.run('git init && touch evil && git add -A && git -c user.name=x '\n"
        "                   '-c user.email=x commit -m evil', shell=True)\n"
        "    return 1"
    )
    linked.save({ONE: one(body)})
    assert "evil" not in " ".join(linked.files())
    assert linked.git("log", "--format=%s", "-1") == "work\n"
    assert student.read(".git/config") == config
    linked.settle()


def test_a_submodule(student):
    above = student.top.parent / "above"
    above.mkdir()
    outer = Committer(above, student.home, student.runner, student.reference)
    outer.git("init", "-q")
    outer.git("submodule", "add", "-q", str(student.top), "course")
    outer.git("commit", "-q", "-m", "above")
    inner = Committer(above / "course", student.home, student.runner, student.reference)
    done = inner.tito("setup", "--runner", student.runner)
    assert done.status == 0, done.output
    inner.save({ONE: one()})
    assert inner.progress() == ["00_one"]
    inner.settle()
    assert outer.status() == " M course\n"
