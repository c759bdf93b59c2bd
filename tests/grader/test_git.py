"""The one place that starts git: what it hides, what it says, and how long it waits."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from grader.errors import StudentError
from grader.sources.git import Git, GitError, clean_environment, find_top


@pytest.fixture
def git(repo) -> Git:
    return Git(repo.top)


def test_what_git_tells_a_hook_stays_out_of_a_clean_environment():
    told = {"GIT_DIR": "x", "GIT_INDEX_FILE": "y", "PATH": "/bin", "MY_GIT_X": "z"}
    assert clean_environment(told) == {"PATH": "/bin", "MY_GIT_X": "z"}


def test_git_by_itself_does_not_listen_to_a_surrounding_hook(repo, commit, monkeypatch, tmp_path):
    head = commit({"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert Git(repo.top).head() == head


def test_head_is_none_before_the_first_commit(git, commit):
    assert git.head() is None
    assert commit({"a": "1"}) == git.head()


def test_a_failing_command_is_a_fault_that_names_the_command(git):
    with pytest.raises(GitError, match="git cat-file -t nothing failed: fatal: Not a valid object"):
        git.run("cat-file", "-t", "nothing")


def test_a_failing_command_may_be_asked_for(git):
    assert git.run("cat-file", "-t", "nothing", check=False) == b""


def test_replaced_objects_are_not_believed(repo, commit, git):
    commit({"a": "right"})
    wrong = repo.git("hash-object", "-w", "--stdin", stdin=b"wrong")
    repo.git("replace", repo.git("rev-parse", "HEAD:a"), wrong)
    assert repo.git("cat-file", "-p", "HEAD:a") == "wrong"
    assert git.run("cat-file", "-p", "HEAD:a") == b"right"


def test_paths_are_taken_literally(commit, git):
    commit({"modules/*.py": "1", "modules/a.py": "2", ":(top)x": "3"})
    assert git.text("ls-files", "--", "modules/*.py") == "modules/*.py"
    assert git.text("ls-files", "--", ":(top)x") == ":(top)x"


def test_what_git_would_pass_over_is_known(repo, git):
    repo.write({".gitignore": "/out/\n*.tmp\n"})
    assert git.ignores("a.tmp")
    assert git.ignores("out/file")
    assert not git.ignores("a.txt")


def test_config_is_empty_when_it_is_not_set(repo, git):
    assert git.config("tito.python") == ""
    repo.git("config", "tito.python", "/usr/bin/python3")
    assert git.config("tito.python") == "/usr/bin/python3"


def test_a_second_working_tree_has_its_own_directory_and_a_common_one(repo, commit, tmp_path):
    commit({"a": "1"})
    repo.git("worktree", "add", "--quiet", str(tmp_path / "second"))
    second = Git(tmp_path / "second")
    assert second.common_directory() == repo.top / ".git"
    assert second.directory() == repo.top / ".git" / "worktrees" / "second"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("my course", id="space"),
        pytest.param("Übung ✓", id="unicode"),
        pytest.param("two\nlines", id="newline"),
        pytest.param(" blanks ", id="blanks around it"),
        pytest.param("ends with a newline\n", id="newline at the end"),
        pytest.param("back\\slash 'quote\"", id="quotes"),
    ],
)
def test_a_repository_may_lie_in_any_folder(repo, name, tmp_path):
    top = tmp_path / name
    shutil.copytree(repo.top, top)
    inside = top / "modules"
    inside.mkdir()
    environment = clean_environment(os.environ)
    assert find_top(inside, environment) == top
    assert Git(top).directory() == top / ".git"


def test_outside_of_a_repository_the_way_in_is_shown(tmp_path):
    with pytest.raises(StudentError, match="is not inside a git repository") as caught:
        find_top(tmp_path, clean_environment(os.environ))
    assert "cd /path/to/TinyTorch" in caught.value.hint


def test_a_bare_repository_has_nothing_to_grade(repo, tmp_path):
    bare = tmp_path / "bare.git"
    repo.git("clone", "--quiet", "--bare", ".", str(bare))
    with pytest.raises(StudentError, match="is a bare repository") as caught:
        find_top(bare, clean_environment(os.environ))
    assert "git clone" in caught.value.hint


def test_a_folder_that_is_gone_is_not_a_missing_git(tmp_path):
    with pytest.raises(StudentError, match="is not there any more") as caught:
        find_top(tmp_path / "deleted", clean_environment(os.environ))
    assert "cd " in caught.value.hint


def test_a_missing_git_is_said_so(repo, tmp_path):
    with pytest.raises(StudentError, match="git is not installed"):
        Git(repo.top, {"PATH": str(tmp_path)}).run("status")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else_is_said_so(repo):
    os.chown(repo.top, 12345, 12345)
    with pytest.raises(StudentError, match="belongs to another user") as caught:
        find_top(repo.top, clean_environment(os.environ))
    assert f"git config --global --add safe.directory {repo.top}" in caught.value.hint


def test_a_lock_that_is_held_for_a_moment_is_waited_for(repo, git):
    lock = repo.top / ".git" / "index.lock"
    lock.touch()
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"x")
    release = threading.Timer(0.3, lock.unlink)
    release.start()
    git.locked_run("update-index", "--add", "--cacheinfo", f"100644,{blob},a")
    release.join()
    assert repo.git("ls-files") == "a"


def test_a_lock_that_is_never_let_go_is_said_so(repo, git, monkeypatch):
    monkeypatch.setattr("grader.sources.git.LOCK_FIRST_WAIT_S", 0.0001)
    (repo.top / ".git" / "index.lock").touch()
    with pytest.raises(StudentError, match="holds git's index lock") as caught:
        git.locked_run("update-index", "--add", "--cacheinfo", f"100644,{'0' * 39}1,a")
    assert "rm .git/index.lock" in caught.value.hint


def test_another_failure_is_not_tried_again(git):
    with pytest.raises(GitError, match="update-index"):
        git.locked_run("update-index", "--cacheinfo", "nonsense")


def test_reading_never_takes_the_lock(repo, commit, git):
    commit({"a": "1"})
    (repo.top / "a").touch()
    (repo.top / ".git" / "index.lock").touch()
    assert git.text("status", "--porcelain") == ""
    assert Path(repo.top / ".git" / "index.lock").exists()
