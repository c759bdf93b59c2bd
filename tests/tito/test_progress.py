from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

import grader.files
from grader.rules import reading
from grader.verdicts.verdicts import Standing
from tito.standing.progress import Progress, ProgressFiles

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path):
    (tmp_path / "course.yaml").write_text((ROOT / "course.yaml").read_text())
    return reading.load(tmp_path)


@pytest.fixture
def files(tmp_path):
    return ProgressFiles(tmp_path / "clone", tmp_path / "home", tmp_path / "private")


NOTHING = Standing("abc", {}, {})
SOME = Progress(("00_setup",), ("perceptron",), ())


def at_home(files):
    return json.loads(files.home_path.read_text())


def test_both_files_hold_the_three_lists(files, course):
    assert files.write(course, NOTHING, SOME) == ()
    for path in (files.project_path, files.home_path):
        content = json.loads(path.read_text())
        assert content["completed_modules"] == ["00_setup"]
        assert content["unlocked_milestones"] == ["perceptron"]
        assert content["completed_milestones"] == []
        assert "claimed_milestones" not in content  # other readers need not know that word


def test_writing_the_same_again_touches_nothing(files, course):
    files.write(course, NOTHING, SOME)
    before = [p.stat().st_mtime_ns for p in (files.project_path, files.home_path)]
    files.write(course, NOTHING, SOME)
    assert [p.stat().st_mtime_ns for p in (files.project_path, files.home_path)] == before


def test_two_clones_are_kept_apart(files, course, tmp_path):
    other = ProgressFiles(tmp_path / "other", files.home, tmp_path / "private2")
    files.write(course, NOTHING, SOME)
    other.write(course, NOTHING, Progress())
    assert at_home(files)["clones"][str(files.top)]["completed_modules"] == ["00_setup"]
    assert at_home(files)["clones"][str(other.top)]["completed_modules"] == []
    assert at_home(files)["completed_modules"] == []  # of the clone used last


def test_what_other_tools_keep_at_home_survives(files, course):
    files.home_path.parent.mkdir(parents=True)
    old = {"completed_modules": ["01"], "total_unlocked": 3, "achievements": ["early bird"]}
    files.home_path.write_text(json.dumps(old))
    assert files.write(course, NOTHING, SOME) == ()
    content = at_home(files)
    assert content["total_unlocked"] == 3
    assert content["achievements"] == ["early bird"]
    assert content["before_clones"] == {"completed_modules": ["01"]}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param(b"", "is not valid JSON", id="empty"),
        pytest.param(b'{"completed_modules": ["00_', "is not valid JSON", id="truncated"),
        pytest.param(b"[]", "does not hold a JSON object", id="list"),
        pytest.param(b"\xff\xfe", "is not valid JSON", id="not UTF-8"),
        pytest.param(b"[" * 100_000, "is not valid JSON", id="nested"),
        pytest.param(b'{"completed_modules": 3}', "'completed_modules'", id="number for a list"),
        pytest.param(b'{"clones": []}', "'clones'", id="clones is a list"),
        pytest.param(b'{"clones": {"/a": 1}}', "a clone that is not", id="clone is a number"),
        pytest.param(b'{"schema": "one"}', "schema that is not a number", id="schema is text"),
        pytest.param(b" " * (1024 * 1024 + 1), "larger than", id="huge"),
    ],
)
def test_a_damaged_file_is_kept_and_rebuilt(files, course, raw, problem):
    files.top.mkdir()
    files.project_path.write_bytes(raw)
    (said,) = files.write(course, NOTHING, SOME)
    assert problem in said
    assert "rebuilt from git; the old file is progress.json.broken-1" in said
    assert (files.top / "progress.json.broken-1").read_bytes() == raw
    assert json.loads(files.project_path.read_text())["completed_modules"] == ["00_setup"]


def test_a_second_damaged_file_does_not_replace_the_first(files, course):
    files.top.mkdir()
    for raw in ("first", "second"):
        files.project_path.write_text(raw)
        files.write(course, NOTHING, SOME)
    assert (files.top / "progress.json.broken-1").read_text() == "first"
    assert (files.top / "progress.json.broken-2").read_text() == "second"


def test_a_folder_in_the_place_of_the_file_is_put_aside(files, course):
    files.project_path.mkdir(parents=True)
    (said,) = files.write(course, NOTHING, SOME)
    assert "is not a regular file" in said
    assert files.project_path.is_file()


def test_a_pipe_in_the_place_of_the_file_makes_nobody_wait(files, course):
    files.top.mkdir()
    os.mkfifo(files.project_path)
    (said,) = files.write(course, NOTHING, SOME)
    assert "is not a regular file" in said


def test_a_home_that_does_not_exist_is_not_made(files, course, tmp_path):
    away = ProgressFiles(files.top, tmp_path / "no" / "home", files.private)
    (said,) = away.write(course, NOTHING, SOME)
    assert "could not be written (No such file or directory)" in said
    assert not (tmp_path / "no").exists()


def test_a_milestone_of_the_old_home_file_is_a_claim_of_the_first_clone_only(
    files, course, tmp_path
):
    files.home_path.parent.mkdir(parents=True)
    files.home_path.write_text('{"completed_milestones": ["perceptron"]}')
    other = ProgressFiles(tmp_path / "other", files.home, tmp_path / "private2")
    assert files.claimed() == ("perceptron",)
    files.write(course, NOTHING, SOME)
    assert other.claimed() == ()


def test_a_file_of_a_newer_version_is_left_alone(files, course):
    files.home_path.parent.mkdir(parents=True)
    files.home_path.write_text('{"schema": 2, "completed_modules": {}}')
    (said,) = files.write(course, NOTHING, SOME)
    assert "written by a newer tito (schema 2)" in said
    assert "left as it is" in said
    assert files.home_path.read_text() == '{"schema": 2, "completed_modules": {}}'


def test_no_home_is_a_sentence(files, course):
    homeless = ProgressFiles(files.top, None, files.private)
    (said,) = homeless.write(course, NOTHING, SOME)
    assert "HOME is not set" in said
    assert homeless.project_path.is_file()


def test_a_home_that_cannot_be_written_is_a_sentence(files, course):
    (files.home / ".tinytorch").write_text("a file where a folder should be")
    (said,) = files.write(course, NOTHING, SOME)
    assert "~/.tinytorch/progress.json could not be written" in said


def test_a_lock_held_elsewhere_is_waited_for_and_then_given_up(files, course, monkeypatch):
    monkeypatch.setattr(grader.files, "LOCK_WAIT_S", 0.05)
    files.private.mkdir()
    with grader.files.locked(files.private / "progress.json.lock") as held:
        said = files.write(course, NOTHING, SOME)
    assert held
    assert "progress.json was not updated: another process is writing it" in said[0]
    assert not files.project_path.exists()


def test_the_lock_of_a_dead_process_does_not_block(files, course):
    files.private.mkdir()
    lock = files.private / "progress.json.lock"
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from grader import files\n"
        "with files.locked(Path(sys.argv[2])): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(ROOT), str(lock)], check=True)
    assert files.write(course, NOTHING, SOME) == ()


def _write_one(root: str, number: int) -> None:
    base = Path(root)
    course = reading.load(base)
    clone = ProgressFiles(base / f"clone{number}", base / "home", base / f"private{number}")
    clone.write(course, NOTHING, SOME)


@pytest.mark.usefixtures("course")
def test_many_writers_lose_nothing(files, tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_one, args=(str(tmp_path), n)) for n in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(at_home(files)["clones"]) == 6


def test_the_hooks_do_not_import_the_libraries_of_the_command_line():
    script = (
        "import sys; import tito.standing.reconcile, tito.standing.progress, grader.reports.phrases\n"
        "print(sorted({'click', 'rich', 'numpy', 'git'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert done.stdout.strip() == "[]"
