"""Every way to make a commit by hand: what is committed, what is left, and what is said."""

from __future__ import annotations

import pytest

from tests.git.conftest import EXPORT, INIT, ONE, SIX, STUB, TWO, one, six, two

NOTES = "notes.txt"


@pytest.mark.first
@pytest.mark.each_runner
def test_a_plain_commit_carries_lesson_and_export(student):
    said = student.save({ONE: one()})
    assert "00_one: 1 of 1 tests pass." in said
    assert "00_one is complete" in said
    assert "return 1" in student.at("HEAD", EXPORT) == student.read(EXPORT)
    student.settle()


@pytest.mark.first
@pytest.mark.each_runner
def test_wrong_code_changes_nothing(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    student.write(NOTES, "unstaged\n")
    before = (student.head(), student.git("ls-files", "-s"))
    done = student.commit()
    assert done.status == 1
    assert "one() should be 1, got 2." in done.output
    assert (student.head(), student.git("ls-files", "-s")) == before
    assert student.read(ONE) == one("return 2")
    student.settle("M  modules/00_one/one.py\n M notes.txt\n")


@pytest.mark.thorough
@pytest.mark.first
def test_commit_all(done_with_one):
    done_with_one.write(ONE, one("return 2 - 1"))
    done_with_one.git("commit", "-a", "-m", "all")
    assert "2 - 1" in done_with_one.at("HEAD", EXPORT)
    done_with_one.settle()


def test_commit_include(done_with_one):
    done_with_one.write(ONE, one("return 2 - 1"))
    done_with_one.write(NOTES, "staged\n")
    done_with_one.git("add", NOTES)
    done_with_one.git("commit", "-m", "both", "-i", ONE)
    assert done_with_one.at("HEAD", NOTES) == "staged\n"
    assert "2 - 1" in done_with_one.at("HEAD", EXPORT)
    done_with_one.settle()


@pytest.mark.first
@pytest.mark.each_runner
def test_commit_of_a_path_leaves_what_else_is_staged_and_no_old_export(done_with_one):
    done_with_one.write(NOTES, "staged\n")
    done_with_one.git("add", NOTES)
    done_with_one.write(ONE, one("return 2 - 1"))
    done_with_one.git("commit", "-m", "only", "--", ONE)
    assert "2 - 1" in done_with_one.at("HEAD", EXPORT) == done_with_one.staged(EXPORT)
    done_with_one.settle("M  notes.txt\n")


def test_commit_of_a_path_when_the_module_becomes_complete(student):
    student.write(ONE, one())
    student.git("commit", "-m", "only", "--", ONE)
    assert student.staged(INIT) == student.at("HEAD", INIT)
    student.settle()


@pytest.mark.first
def test_commit_of_chosen_hunks(student):
    text = one() + "\n# a\n\n\n\n\n\n\n\n# b\n"
    student.save({ONE: text})
    student.write(ONE, text.replace("return 1", "return 2 - 1").replace("# b", "# not yet"))
    done = student.run("sh", "-c", "printf 'y\\nn\\n' | git commit -p -m hunk")
    assert done.status == 0, done.output
    assert "2 - 1" in student.at("HEAD", EXPORT)
    assert "# not yet" not in student.at("HEAD", ONE)
    assert "# not yet" in student.read(ONE)
    student.settle(" M modules/00_one/one.py\n")


@pytest.mark.thorough
@pytest.mark.first
def test_staged_right_and_working_tree_wrong(student):
    student.write(ONE, one())
    student.git("add", ONE)
    student.write(ONE, one("return 'later"))
    student.git("commit", "-m", "the staged one")
    assert student.read(ONE) == one("return 'later")
    assert student.at("HEAD", ONE) == one()
    student.settle(" M modules/00_one/one.py\n")


def test_staged_wrong_and_working_tree_right(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    student.write(ONE, one())
    assert student.commit().status == 1
    assert (student.staged(ONE), student.read(ONE)) == (one("return 2"), one())
    student.settle("MM modules/00_one/one.py\n")


@pytest.mark.first
def test_amend_with_a_change(done_with_one):
    done_with_one.write(ONE, one("return 2 - 1"))
    done_with_one.git("commit", "-a", "--amend", "--no-edit")
    assert "2 - 1" in done_with_one.at("HEAD", EXPORT)
    assert done_with_one.git("rev-list", "--count", "HEAD") == "2\n"
    done_with_one.settle()


def test_amend_without_a_change(done_with_one):
    done_with_one.git("commit", "--amend", "-m", "other words")
    assert done_with_one.git("log", "-1", "--format=%s") == "other words\n"
    done_with_one.settle()


def test_amend_of_a_commit_that_came_past_the_hook_adds_its_export(student):
    student.past_the_hook({ONE: one()})
    student.git("commit", "--amend", "--no-edit")
    assert EXPORT in student.files()
    student.settle()


def test_amend_of_wrong_code_that_came_past_the_hook_blocks_nobody(student):
    student.past_the_hook({ONE: one("return 2")})
    student.git("commit", "--amend", "-m", "other words")
    student.settle()


def test_an_empty_commit(done_with_one):
    done_with_one.git("commit", "--allow-empty", "-m", "nothing")
    done_with_one.settle()


@pytest.mark.thorough
@pytest.mark.first
def test_the_first_commit_of_an_orphan_branch(student):
    student.git("checkout", "-q", "--orphan", "fresh")
    student.save({ONE: one()})
    assert EXPORT in student.files()
    assert student.git("rev-list", "--count", "HEAD") == "1\n"
    student.settle()


def test_a_commit_from_a_subdirectory(student):
    student.write(ONE, one())
    student.git("-C", "modules/00_one", "add", "one.py")
    student.git("-C", "modules/00_one", "commit", "-m", "from below")
    assert EXPORT in student.files()
    student.settle()


@pytest.mark.first
def test_a_dry_run_runs_nothing(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    student.git("commit", "--dry-run", "-m", "not now")
    assert student.at("HEAD", ONE) == one(STUB)


def test_several_modules_in_one_commit(student):
    said = student.save({ONE: one(), TWO: two(), SIX: six()})
    assert "MILESTONE UNLOCKED" in said
    assert student.progress() == ["00_one", "01_two", "02_six"]
    student.settle()


def test_one_wrong_module_stops_the_right_one_with_it(student):
    for path, text in ((ONE, one()), (SIX, six("return 7"))):
        student.write(path, text)
    student.git("add", "modules")
    done = student.commit()
    assert done.status == 1
    assert "six() should be 6, got 7" in done.output
    assert EXPORT not in student.git("ls-files")
    student.settle("M  modules/00_one/one.py\nM  modules/02_six/six.py\n")


@pytest.mark.thorough
@pytest.mark.first
def test_no_verify_counts_once_it_is_graded(student):
    student.write(ONE, one())
    student.git("add", ONE)
    said = student.git("commit", "--no-verify", "-m", "trust me")
    assert "tinytorch/ is not what your lessons export" in said
    student.settle(drift=True)
    student.git("commit", "--allow-empty", "-m", "with the hook")
    assert student.progress() == ["00_one"]
    student.settle()


def test_wrong_code_past_the_hook_is_not_complete(done_with_one):
    done_with_one.write(ONE, one("return 2"))
    done_with_one.git("commit", "-a", "--no-verify", "-m", "broken")
    assert done_with_one.progress() == []
    done_with_one.settle(drift=True)


def test_hooks_that_are_absent(student):
    student.past_the_hook({ONE: one()})
    said = student.tito("status").output
    assert "tinytorch/ is not what your lessons export" in said
    student.settle(drift=True)


def test_hooks_that_core_hooks_path_hides(student):
    student.git("config", "core.hooksPath", "/dev/null")
    student.past_the_hook({ONE: one("return 2")})
    doctor = student.tito("doctor")
    assert doctor.status == 1
    assert "-> git config" in doctor.output
    assert "--unset-all core.hooksPath" in doctor.output
    student.tito("status")
    student.settle()


def test_skip_names_a_framework_s_hook(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    done = student.run("git", "commit", "-m", "skipped", SKIP="tito-check")
    assert done.status == (1 if student.runner == "raw" else 0)
    student.settle("M  modules/00_one/one.py\n" if student.runner == "raw" else "")


def test_without_an_identity_nothing_happens(student):
    (student.home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n", "utf-8")
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 128
    assert "-> git config --global user.name" in student.tito("doctor").output
    student.settle("M  modules/00_one/one.py\n")


@pytest.mark.thorough
@pytest.mark.first
def test_an_empty_message_gives_the_commit_up_and_the_next_one_heals(student):
    student.write(ONE, one())
    student.git("add", ONE)
    assert student.run("git", "commit", GIT_EDITOR="true").status == 1
    assert student.head() == student.git("rev-parse", "HEAD").strip()
    student.write(ONE, one("return 3 - 2"))
    student.git("commit", "-a", "-m", "now")
    assert "3 - 2" in student.at("HEAD", EXPORT)
    student.settle()


def test_a_signature_that_fails_leaves_everything_for_the_next_try(student):
    student.write(ONE, one())
    student.git("add", ONE)
    signing = ("-c", "commit.gpgSign=true", "-c", "gpg.program=false")
    assert student.run("git", *signing, "commit", "-m", "signed").status == 128
    student.git("commit", "-m", "unsigned")
    assert student.progress() == ["00_one"]
    student.settle()


def test_amend_of_the_message_alone_leaves_what_is_staged(done_with_one):
    done_with_one.write(SIX, six())
    done_with_one.git("add", SIX)
    done_with_one.git("commit", "--amend", "--only", "-m", "other words")
    done_with_one.settle("M  modules/02_six/six.py\n")


@pytest.mark.thorough
@pytest.mark.first
def test_a_message_of_a_later_hook_that_refuses(student):
    hook = student.top / ".git" / "hooks" / "commit-msg"
    hook.write_text("#!/bin/sh\necho 'no ticket number'; exit 1\n", "utf-8")
    hook.chmod(0o755)
    student.write(ONE, one())
    student.git("add", ONE)
    assert student.commit().status == 1
    hook.unlink()
    student.git("commit", "-m", "now")
    student.settle()


def test_a_check_of_the_frameworks_after_ours_that_fails(student):
    if student.runner == "raw":
        pytest.skip("raw hooks run no other checks")
    config = student.read(".pre-commit-config.yaml")
    other = (
        "      - id: other\n        name: other\n        entry: sh -c 'test -f ready'\n"
        "        language: system\n        always_run: true\n        pass_filenames: false\n"
    )
    student.write(".pre-commit-config.yaml", config + other)
    student.git("add", ".pre-commit-config.yaml")
    student.git("commit", "--no-verify", "-m", "another check")
    student.write(NOTES, "unstaged\n")
    student.write(ONE, one())
    student.git("add", ONE)
    assert student.commit().status == 1
    assert student.read(NOTES) == "unstaged\n"
    student.write("ready", "")
    student.git("commit", "-m", "now")
    student.settle(" M notes.txt\n?? ready\n")
