"""setup and doctor"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys

import pytest

from tests.tito.conftest import solution
from tito.clone import diagnosis, installation


def test_setup_installs_all_stages_and_may_be_repeated(student):
    first = student.tito("setup")
    assert first.status == 0
    assert "Hooks:  pre-commit, pre-merge-commit, post-commit" in first.out
    assert student.git("config", "tito.python") == sys.executable
    second = student.tito("setup")
    assert second.status == 0
    assert "Hooks:  all were installed already" in second.out


def test_setup_keeps_a_hook_that_was_there(student):
    hook = student.top / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho mine\n")
    hook.chmod(0o755)
    assert student.tito("setup").status == 0
    assert "echo mine" in (student.top / ".git/hooks/pre-commit.legacy").read_text()


def test_setup_refuses_when_git_looks_for_hooks_elsewhere(student):
    student.git("config", "core.hooksPath", "/somewhere")
    said = student.tito("setup")
    assert said.status == 1
    assert "git is told to look for hooks in /somewhere (core.hooksPath)" in said.err
    assert (
        f'-> git config --file "{student.top}/.git/config" --unset-all core.hooksPath' in said.err
    )


def test_setup_refuses_without_the_hooks_configuration(student):
    (student.top / ".pre-commit-config.yaml").unlink()
    said = student.tito("setup")
    assert said.status == 2
    assert "-> git checkout HEAD -- :/.pre-commit-config.yaml" in said.err


def test_setup_passes_on_what_pre_commit_says(student):
    (student.top / ".pre-commit-config.yaml").write_text("repos: {}\n")
    said = student.tito("setup")
    assert said.status == 1
    assert "pre-commit cannot use .pre-commit-config.yaml:" in said.err


def test_setup_says_that_pre_commit_is_missing(student, monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named pre_commit' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(installation.sys, "executable", str(python))
    said = student.tito("setup")
    assert said.status == 1
    assert f"pre-commit is not installed for {python}." in said.err
    assert f"-> {python} -m pip install pre-commit" in said.err


def test_setup_refuses_a_bare_repository(student, tmp_path):
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", student.top, bare], check=True)
    student.top = bare
    said = student.tito("setup")
    assert said.status == 1
    assert "is a bare repository" in said.err


def test_setup_refuses_without_a_course(student):
    (student.top / "course.yaml").unlink()
    said = student.tito("setup")
    assert said.status == 2
    assert "There is no course.yaml in" in said.err


def test_doctor_is_well_after_setup(hooked):
    hooked.tito("status")
    said = hooked.tito("doctor")
    assert said.status == 0, said.out
    assert "All is well." in said.out


def test_doctor_names_the_release_that_a_report_of_a_bug_should_name(student):
    origin = {"commit": "0123456789abcdef0123456789abcdef01234567", "version": "1.2.0"}
    (student.top / "release.json").write_text(json.dumps(origin))
    found = json.loads(student.tito("doctor", "--json").out)
    says = {c["check"]: c["says"] for c in found["checks"]}
    assert says["Course"] == "1.2.0, released from commit 0123456789ab"


def test_doctor_as_json(student):
    said = student.tito("doctor", "--json")
    assert said.status == 1
    found = json.loads(said.out)
    assert not found["ok"]
    assert {c["check"]: c["fix"] for c in found["checks"]}["Hooks"] == "tito setup"


def _break_hook(student):
    (student.top / ".git/hooks/post-merge").unlink()


def _break_python(student):
    student.git("config", "tito.python", "/nowhere/python")


def _break_path(student):
    student.git("config", "core.hooksPath", "/somewhere")


def _break_progress(student):
    (student.top / "progress.json").write_text("{")


def _break_home(student):
    (student.home / ".tinytorch/progress.json").write_text('{"schema": 7}')


def _break_export(student):
    student.commit_solved("00_setup")
    (student.top / "tinytorch/core/setup.py").write_text("x = 1\n")
    student.git("commit", "-q", "--no-verify", "-am", "edit the export")


def _break_verification(student):
    student.write("00_setup", solution("00_setup"))
    student.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-am", "no hook")


def _break_origin(student):
    (student.top / "release.json").write_text("{")


def _break_ledger(student):
    shutil.rmtree(student.top / ".git/tito", ignore_errors=True)
    (student.top / ".git/tito").write_text("a file where a folder should be")


def _track_progress(student):
    student.git("add", "-f", "progress.json")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("damage", "says", "fix"),
    [
        pytest.param(_break_hook, "missing: post-merge", "-> tito setup", id="hook"),
        pytest.param(
            _break_python, "/nowhere/python cannot be started", "-> tito setup", id="python"
        ),
        pytest.param(_break_path, "set to /somewhere", '-> git config --file "', id="hooksPath"),
        pytest.param(_break_progress, "is not valid JSON", "-> tito status", id="progress.json"),
        pytest.param(_break_home, "written by a newer tito", "-> ls -l", id="home"),
        pytest.param(_break_export, "not what the lessons export", "-> tito export", id="export"),
        pytest.param(
            _break_verification, "committed without the hook", "-> tito status", id="hookless"
        ),
        pytest.param(
            _break_origin,
            "does not say what this course was made from",
            "-> git checkout HEAD -- :/release.json",
            id="release.json",
        ),
        pytest.param(_break_ledger, "cannot be written", "-> chmod", id="ledger"),
        pytest.param(
            _track_progress, "tracked, so every commit", "-> git rm --cached", id="tracked"
        ),
    ],
)
def test_doctor_finds_what_is_wrong_and_says_the_command(hooked, damage, says, fix):
    hooked.tito("status")
    damage(hooked)
    said = hooked.tito("doctor")
    assert said.status == 1
    assert says in said.out
    assert fix in said.out


def test_doctor_finds_that_git_does_not_know_the_student(student, monkeypatch):
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")
    student.git("config", "user.useConfigOnly", "true")
    said = student.tito("doctor")
    assert "git does not know who you are" in said.out
    assert "-> git config --global user.name" in said.out


def test_doctor_names_a_repair_once_and_the_folder_that_its_paths_begin_in(student):
    (student.top / "tinytorch/__init__.py").write_text("by hand\n")
    there = student.tito("doctor").out
    assert there.count("-> tito setup") == 1
    assert "-> cd " not in there
    student.folder = "modules"
    below = student.tito("doctor").out
    cd, restore = f"-> cd {student.top}\n", "-> git restore tinytorch/__init__.py"
    assert below.index(cd) < below.index(restore)


def _too_old_python(_student, monkeypatch):
    monkeypatch.setattr(diagnosis, "MIN_PYTHON", (99, 0))


def _too_old_numpy(_student, monkeypatch):
    monkeypatch.setattr(diagnosis, "MIN_NUMPY", (99, 0))


def _no_numpy(_student, monkeypatch):
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)


def _python_without_libraries(student, _monkeypatch):
    python = student.home / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    student.git("config", "tito.python", str(python))


def _no_framework(student, monkeypatch):
    student.git("config", "tito.runner", "prek")
    monkeypatch.setattr(installation.shutil, "which", lambda _program: None)


@pytest.mark.parametrize(
    ("damage", "says", "fix"),
    [
        (_too_old_python, sys.executable, "-> python3.11 -m venv .venv"),
        (_too_old_numpy, "fix NumPy", '-m pip install "numpy>=99.0"'),
        (_no_numpy, "NumPy not installed", '-m pip install "numpy>='),
        (_python_without_libraries, "lacks numpy or pyyaml", '" -m pip install numpy pyyaml'),
        (_no_framework, "prek is not installed: only the course's own", "-m pip install prek"),
    ],
)
def test_doctor_finds_what_the_machine_lacks(hooked, monkeypatch, damage, says, fix):
    hooked.tito("status")
    damage(hooked, monkeypatch)
    said = hooked.tito("doctor")
    assert said.status == 1
    assert says in " ".join(said.out.split())
    assert fix in said.out
