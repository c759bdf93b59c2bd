"""The badges branch: written without a checkout, the same twice, and nobody's work is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader.errors import Fault
from grader.github import branch
from grader.sources.git import Git
from tests.conftest import Repository

WHEN = "2026-11-23T12:00:00Z"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    path = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


@pytest.fixture
def clone(tmp_path, origin):
    """clone(name): a repository whose origin is the bare one."""

    def make(name: str = "clone") -> Git:
        repository = Repository(tmp_path / name)
        repository.commit({"README.md": "x"})
        repository.git("remote", "add", "origin", str(origin))
        return Git(repository.top, dict(os.environ))

    return make


def publish(git, content, **more):
    return branch.publish(
        git, "origin", content, state_file="state.json", message="m", when=WHEN, **more
    )


def shown(origin, path):
    done = subprocess.run(
        ["git", "show", f"badges:{path}"], cwd=origin, capture_output=True, check=True
    )
    return done.stdout.decode()


def commits(origin):
    done = subprocess.run(
        ["git", "rev-list", "--count", "badges"], cwd=origin, capture_output=True, check=True
    )
    return int(done.stdout)


def adding(name):
    """Content that adds NAME to the list in state.json."""

    def content(stored):
        known = json.loads(stored) if stored else []
        names = sorted({*known, name})
        return {"state.json": json.dumps(names), "a.svg": "<svg/>" * len(names)}

    return content


def test_a_branch_of_its_own_is_made(clone, origin):
    published = publish(clone(), adding("a"))
    assert published.changed
    assert json.loads(shown(origin, "state.json")) == ["a"]
    assert commits(origin) == 1


def test_a_second_identical_run_changes_nothing(clone, origin):
    first = publish(clone("one"), adding("a"))
    second = publish(clone("two"), adding("a"))
    assert second == branch.Published(first.commit, changed=False)
    assert commits(origin) == 1


def test_the_same_run_makes_the_same_commit_anywhere(clone, tmp_path):
    commits = []
    for name in ("one", "two"):
        git = clone(name)
        bare = tmp_path / f"{name}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
        git.run("remote", "set-url", "origin", str(bare))
        commits.append(publish(git, adding("a")).commit)
    assert commits[0] == commits[1]


def test_the_checkout_is_not_touched(clone):
    git = clone()
    publish(git, adding("a"))
    assert git.text("status", "--porcelain") == ""
    assert git.text("branch", "--list") == "* main"


def test_what_another_run_pushed_meanwhile_is_kept(clone, origin):
    other = clone("other")
    pushed = []

    def content(stored):
        if not pushed:  # between our fetch and our push
            pushed.append(publish(other, adding("theirs")))
        return adding("ours")(stored)

    publish(clone(), content, first_wait_s=0.01)
    assert json.loads(shown(origin, "state.json")) == ["ours", "theirs"]


RUN = """\
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from grader.sources.git import Git
from tests.github.test_branch import adding, publish
publish(Git(Path({top!r}), dict(os.environ)), adding({name!r}), first_wait_s=0.05)
"""


def test_six_runs_at_once_lose_nothing(clone, origin):
    root = str(Path(__file__).parents[2])
    names = [f"run{i}" for i in range(6)]
    codes = [RUN.format(root=root, top=str(clone(n).top), name=n) for n in names]
    with ThreadPoolExecutor(6) as pool:
        done = list(
            pool.map(
                lambda code: subprocess.run([sys.executable, "-c", code], check=False, cwd=root),
                codes,
            )
        )
    assert [d.returncode for d in done] == [0] * 6
    assert json.loads(shown(origin, "state.json")) == names
    assert commits(origin) == 6


def test_a_remote_that_refuses_is_named_with_a_next_step(clone, origin, monkeypatch):
    hook = origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    monkeypatch.setattr(branch, "_TRIES", 2)
    with pytest.raises(Fault, match="could not be pushed") as refused:
        publish(clone(), adding("a"), first_wait_s=0.01)
    assert "Allow this workflow to write contents" in refused.value.hint
    assert "could not be pushed: protected branch" in refused.value.what


def test_a_server_with_hiccups_is_asked_again(clone, origin, monkeypatch):
    git = clone()
    hidden = origin.rename(origin.with_name("hidden.git"))
    monkeypatch.setattr(branch.time, "sleep", lambda _s: hidden.exists() and hidden.rename(origin))
    assert publish(git, adding("a")).changed
    assert json.loads(shown(origin, "state.json")) == ["a"]


def test_a_server_that_does_not_answer_is_named(clone, origin, monkeypatch):
    git = clone()
    origin.rename(origin.with_name("hidden.git"))
    monkeypatch.setattr(branch, "_TRIES", 2)
    with pytest.raises(Fault, match=r"could not be pushed: .*repository"):
        publish(git, adding("a"), first_wait_s=0.01)


def test_what_others_keep_on_the_branch_stays(clone, origin, tmp_path):
    repository = Repository(tmp_path / "by-hand")
    repository.commit({"coverage.svg": "<svg/>", "more/x.txt": "x", "a.svg": "old"})
    repository.git("push", "--quiet", str(origin), "HEAD:refs/heads/badges")
    publish(clone(), adding("a"))
    assert shown(origin, "coverage.svg") == "<svg/>"
    assert shown(origin, "more/x.txt") == "x"
    assert shown(origin, "a.svg") == "<svg/>"
    assert commits(origin) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_state_that_is_a_link_is_not_followed(clone, origin, tmp_path):
    repository = Repository(tmp_path / "by-hand")
    (repository.top / "state.json").symlink_to("/etc/passwd")
    repository.git("add", "state.json")
    repository.git("commit", "--quiet", "-m", "link")
    repository.git("push", "--quiet", str(origin), "HEAD:refs/heads/badges")
    with pytest.raises(Fault, match="not a regular file"):
        publish(clone(), adding("a"))
