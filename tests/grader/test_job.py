"""The key of a run: it changes with everything that could change an outcome, and with nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.lessons.lesson import package_files, parse
from grader.rules import parts
from grader.rules.course import Module
from grader.sandbox import jobs
from grader.sandbox.jobs import Limits
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


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """A copy of the grader, whose digest is taken."""
    skipped = shutil.ignore_patterns("*.pyc")
    folder = shutil.copytree(ROOT / "grader", tmp_path / "grader", ignore=skipped)
    monkeypatch.setattr(parts, "GRADER", str(folder))
    return folder


def fresh_digest() -> str:
    parts._digests.clear()
    return parts.digest()


@pytest.fixture(autouse=True)
def _own_digest() -> Iterator[None]:
    yield
    parts._digests.clear()


@pytest.mark.usefixtures("copy")
def test_one_byte_in_any_judging_file_is_another_key():
    digests = {fresh_digest()}
    judging = parts.judging_files()
    for file_name in judging:
        with Path(file_name).open("a") as file:
            file.write("#")
        digests.add(fresh_digest())
    assert len(judging) > 50
    assert len(digests) == len(judging) + 1


def test_a_moved_and_a_new_judging_file_are_another_key(copy):
    before = fresh_digest()
    (copy / "proof" / "probe.py").rename(copy / "proof" / "probes.py")
    moved = fresh_digest()
    (copy / "sandbox" / "worker" / "new.py").touch()
    assert len({before, moved, fresh_digest()}) == 3


def test_a_report_may_change_without_forgetting_what_was_proven(copy):
    before = fresh_digest()
    for room in parts.TELLING:
        (copy / room / "__init__.py").write_text("# another\n")
    assert fresh_digest() == before


RUNS = """
import sys
sys.path.append(".")
from pathlib import Path
from grader.grading.engine import Engine
from grader.grading.ledgers.memory import MemoryLedger
from grader.rules import parts, reading
from grader.sandbox.process import ProcessSandbox
from grader.sources.snapshots import of_working_tree
root = Path.cwd()
course = reading.load(root)
engine = Engine(course, MemoryLedger(), ProcessSandbox())
snapshot = of_working_tree(root)
engine.verify(snapshot, course.milestones[0])
engine.examine(snapshot)
loaded = {m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "grader"}
assert len(loaded) > 40, loaded
print(*sorted(loaded - set(parts.judging_files())), sep="\\n")
"""


@pytest.mark.thorough
def test_every_file_that_a_run_imports_is_in_its_digest():
    """Of the judging process: what the worker runs is all of grader/sandbox/worker and content/."""
    command = [sys.executable, "-c", RUNS]
    strange = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert strange.stdout.split() == []
