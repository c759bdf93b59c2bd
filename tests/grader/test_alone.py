"""The tests themselves: nothing of the person's who runs them is read or touched."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest


def test_the_home_of_a_test_is_empty_but_for_an_identity(home, tmp_path_factory):
    assert Path.home() == home
    assert [p.name for p in home.iterdir()] == [".gitconfig"]
    assert home.is_relative_to(tmp_path_factory.getbasetemp())
    caches = [os.environ[n] for n in ("XDG_CACHE_HOME", "PRE_COMMIT_HOME", "XDG_CONFIG_HOME")]
    assert all(Path(c).is_relative_to(home) for c in caches)


def test_git_knows_nobody_but_the_person_of_the_tests(repo):
    assert repo.git("config", "--list", "--show-origin", "--includes").count(os.environ["HOME"]) > 0
    assert repo.git("var", "GIT_AUTHOR_IDENT").startswith("Ada <ada@example.org>")


def test_what_git_told_a_surrounding_hook_is_gone():
    told = {n for n in os.environ if n.startswith("GIT_")}
    assert told == {
        "GIT_ALLOW_PROTOCOL",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_TERMINAL_PROMPT",
    }


def test_no_test_reaches_the_network(repo):
    with (
        socket.socket(socket.AF_INET) as connection,
        pytest.raises(AssertionError, match="over the network"),
    ):
        connection.connect(("192.0.2.1", 80))
    with pytest.raises(subprocess.CalledProcessError):
        repo.git("clone", "https://192.0.2.1/x.git")
