"""The key of a run: it changes with everything that could change an outcome, and with nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader import job as jobs
from grader.course import Module
from grader.job import Limits
from grader.lesson import package_files, parse
from tests.grader.small_course import RIGHT, TESTS, course, lesson_text, path, text

ROOT = Path(__file__).parents[2]
TWO = course().module("01_two")
ONE = parse(text("00_one"), path("00_one"))


def key(
    lesson: str | None = None,
    trusted: str | None = None,
    need: str | None = None,
    module: Module = TWO,
) -> str:
    student = parse(lesson or text("01_two"), path("01_two"))
    judge = parse(trusted, module.starter_path) if trusted else student
    needs = [parse(need, path("00_one")) if need else ONE]
    return jobs.for_module(module, student, judge, package_files(needs)).key


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"lesson": text("01_two", "def two():\n    return 2")}, id="the lesson"),
        pytest.param(
            {"lesson": text("01_two", tests=TESTS["01_two"].replace("2", "two"))}, id="its tests"
        ),
        pytest.param({"need": text("00_one", "def one():\n    return 2 - 1")}, id="what it needs"),
        pytest.param(
            {"lesson": lesson_text("core.ii", RIGHT["01_two"], TESTS["01_two"])}, id="name"
        ),
        pytest.param({"trusted": text("01_two", tests="def test_x(): pass")}, id="course's tests"),
        pytest.param({"module": Module("05_two", "Two", (), 1)}, id="the module"),
    ],
)
def test_a_key_follows_what_runs(other):
    assert key(**other) != key()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"lesson": text("01_two", prose="More.")}, id="prose"),
        pytest.param({"lesson": text("01_two", prose="\n#\n#")}, id="line numbers"),
        pytest.param({"lesson": text("01_two") + "# %%\nprint(1)\n"}, id="a demonstration"),
        pytest.param({"need": text("00_one", tests="def test_x(): pass")}, id="tests of a need"),
        pytest.param({"module": Module("01_two", "Zwei", ("00_one",), 99)}, id="title and points"),
    ],
)
def test_a_key_does_not_follow_what_cannot_matter(other):
    assert key(**other) == key()


def made(**changed) -> str:
    plain = {
        "subject": "s",
        "worker": "checks.py",
        "files": {"a.py": "1"},
        "program": {"module": "m"},
        "expected": ["test_a"],
    }
    return jobs.make(**{**plain, **changed}).key


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"subject": "t"}, id="subject"),
        pytest.param({"worker": "other.py"}, id="worker"),
        pytest.param({"files": {"a.py": "2"}}, id="content"),
        pytest.param({"files": {"b.py": "1"}}, id="path"),
        pytest.param({"files": {"a.py": "1", "b.py": ""}}, id="one more file"),
        pytest.param({"program": {"module": "n"}}, id="program"),
        pytest.param({"expected": ["test_a", "test_b"]}, id="expected checks"),
        pytest.param({"limits": Limits(cpu_s=1)}, id="computing time"),
        pytest.param({"limits": Limits(memory_mb=1)}, id="memory"),
    ],
)
def test_every_part_of_a_job_is_in_its_key(changed):
    assert made(**changed) != made()


def test_moving_a_character_from_one_file_to_the_next_changes_the_key():
    assert made(files={"a": "xy", "b": "z"}) != made(files={"a": "x", "b": "yz"})


def test_numpy_and_python_are_in_the_key(monkeypatch):
    before = made()
    monkeypatch.setattr(jobs, "numpy_version", lambda: "another")
    assert made() != before
    monkeypatch.undo()
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert made() != before


DECIDES = "import sys; sys.path.append('.'); from grader import job; print(job.engine_digest())"


@pytest.mark.parametrize(
    "name",
    [
        "job.py",
        "lesson.py",
        "sandboxes/process.py",
        "worker/channel.py",
        "worker/checks.py",
    ],
)
def test_the_code_that_decides_an_outcome_is_in_the_key(tmp_path, name):
    shutil.copytree(ROOT / "grader", tmp_path / "grader", ignore=shutil.ignore_patterns("*.pyc"))

    def digest() -> bytes:
        return subprocess.check_output([sys.executable, "-c", DECIDES], cwd=tmp_path)

    before = digest()
    with (tmp_path / "grader" / name).open("a") as file:
        file.write("\n# changed\n")
    assert digest() != before
