"""The engine does not know the course: with other content, grader/ and tito/ serve another subject.

Everything here runs in real processes, from a copy of the two folders without the content of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Repository

TINY = Path(__file__).parent / "other_subject"
FRACTIONS, BEANS = "modules/00_fractions/fractions.py", "modules/01_beans/beans.py"


def python(top: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=top,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def author(tmp_path_factory) -> Repository:
    """The repository that the other course is made in, committed."""
    top = tmp_path_factory.mktemp("other") / "author"
    shutil.copytree(TINY, top)
    ours = shutil.ignore_patterns("__pycache__", "content")
    for folder in ("grader", "tito"):
        shutil.copytree(ROOT / folder, top / folder, ignore=ours, dirs_exist_ok=True)
    beside = (".gitignore", ".gitattributes", ".pre-commit-config.yaml", "LICENSE")
    for file in (*beside, "tests/milestones/conftest.py"):
        shutil.copy(ROOT / file, top / file)
    repository = Repository(top)
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "Counting")
    done = python(top, "tito", "export")
    assert done.returncode == 0, done.stdout
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "its package")
    return repository


@pytest.fixture(scope="module")
def student(author, tmp_path_factory) -> Repository:
    """What a student of it was given, which is refused unless the course holds; with the hooks."""
    top = tmp_path_factory.mktemp("given") / "student"
    done = python(author.top, "tito", "course", "release", str(top))
    assert done.returncode == 0, done.stdout
    done = python(top, "tito", "setup", "--runner", "raw")
    assert done.returncode == 0, done.stdout
    return Repository(top)


def commit(student: Repository, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Through the hooks."""
    student.stage(files)
    return subprocess.run(
        ["git", "commit", "-m", "work"],
        cwd=student.top,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )


def grade(student: Repository) -> dict:
    done = python(student.top, "grader", "grade", ".", "--format", "json", "--out", "told")
    assert done.returncode in (0, 1), done.stdout
    return json.loads((student.top / "told" / "report.json").read_text())


def solved(author: Repository, path: str) -> str:
    return (author.top / path).read_text()


@pytest.mark.thorough
def test_its_author_is_told_that_it_holds(author):
    done = python(author.top, "tito", "course", "check")
    assert done.returncode == 0, done.stdout
    assert "❌" not in done.stdout
    assert "jar: the solutions pass" in done.stdout


def test_its_student_is_stopped_served_and_judged(author, student):
    """A slip, what is right, the milestone, and what another machine says of the commit."""
    right = solved(author, FRACTIONS)
    stopped = commit(student, {FRACTIONS: right.replace("    return a\n", "    return b\n")})
    assert stopped.returncode == 1
    assert "largest_divisor(12, 18) should be 6, got 0" in stopped.stderr
    assert commit(student, {FRACTIONS: right, BEANS: solved(author, BEANS)}).returncode == 0
    assert "def largest_divisor" in student.git("show", "HEAD:tinytorch/core/fractions.py")
    run = python(student.top, "tito", "milestone", "run", "jar")
    assert run.returncode == 0, run.stdout
    assert "The Bean Jar" in run.stdout
    told = grade(student)
    assert (told["milestone_points"], told["milestone_points_possible"]) == (30, 30)
    assert [m["state"] for m in told["modules"]] == ["complete", "complete"]


@pytest.mark.thorough
def test_what_only_looks_right_is_proven_by_nothing(author, student):
    """It passes the tests of the lesson, in which there is one jar."""
    wrong = solved(author, BEANS).replace(
        "(guess.data * jars - beans) * jars)", "(guess.data * jars - beans))"
    )
    assert commit(student, {FRACTIONS: solved(author, FRACTIONS), BEANS: wrong}).returncode == 0
    told = grade(student)
    assert told["milestone_points"] == 0
    assert [m["state"] for m in told["modules"]] == ["complete", "in progress"]
