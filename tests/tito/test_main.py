"""The door: help, errors, exit statuses, terminals."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.tito.conftest import ROOT, solution, wrong
from tito import main as door
from tito.main import cli


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


ALL = dict(commands(cli, "tito"))


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_help_with_an_example(path):
    command = ALL[path]
    assert command.help
    assert "Example:" in (command.epilog or "")
    assert path in (command.epilog or "")


@pytest.mark.thorough
@pytest.mark.parametrize("path", ALL)
def test_help_works_outside_of_any_repository(student, path):
    student.top = student.home
    said = student.tito(*path.split()[1:], "--help")
    assert said.status == 0
    assert "Example:" in said.out


@pytest.mark.parametrize("arguments", [(), ("module",), ("milestone",)])
def test_a_group_alone_shows_its_commands(student, arguments):
    said = student.tito(*arguments)
    assert said.status == 0
    assert "Commands:" in said.out


def test_the_version_is_that_of_the_package(student):
    said = student.tito("--version")
    assert (said.status, said.out) == (
        0,
        f"tito {importlib.metadata.version('tinytorch-course')}\n",
    )


def test_in_a_release_the_version_comes_with_the_commit_it_was_made_from(student):
    origin = {"commit": "0123456789abcdef0123456789abcdef01234567", "version": "1.2.0"}
    (student.top / "release.json").write_text(json.dumps(origin))
    assert student.run("--version").stdout == "tito 1.2.0, released from commit 0123456789ab\n"


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (("stauts",), "There is no command 'tito stauts'.", "Did you mean 'tito status'?"),
        (("milestones",), "no command 'tito milestones'", "Did you mean 'tito milestone'?"),
        (
            ("module", "strat"),
            "no command 'tito module strat'",
            "Did you mean 'tito module start'?",
        ),
        (("xyz",), "There is no command 'tito xyz'.", "tito --help lists them all."),
        (
            ("module", "start"),
            "Missing argument 'NN'.",
            "For example: tito module start 01   (more: tito module start --help)",
        ),
        (("status", "--jsn"), "No such option", "tito status --help"),
        (("module", "hint", "00", "--step", "0"), "Invalid value", "tito module hint --help"),
    ],
)
def test_wrong_usage_says_what_was_meant(student, arguments, what, hint):
    said = student.tito(*arguments)
    assert said.status == 2
    assert what in said.err
    assert hint in said.err
    assert said.out == ""


def test_commands_are_listed_as_they_are_needed_in_whole_sentences(student):
    lines = student.tito("module").out.partition("Commands:\n")[2].partition("\n\n")[0]
    names = [line.split()[0] for line in lines.splitlines() if not line.startswith("    ")]
    assert names == ["list", "start", "test", "hint", "complete", "reset"]
    assert "..." not in lines
    assert "one step at a time." in " ".join(lines.split())


@pytest.mark.parametrize("folder", ["modules/00_setup", "tinytorch", "starters"])
def test_commands_work_from_any_folder(student, folder):
    student.folder = folder
    assert student.tito("status").status == 0


def test_outside_a_repository(student):
    student.top = student.home
    said = student.tito("status")
    assert said.status == 1
    assert "is not inside a git repository." in said.err
    assert "-> Change into your course's folder" in said.err


def test_in_a_repository_without_a_course(student):
    (student.top / "course.yaml").unlink()
    said = student.tito("module", "list")
    assert said.status == 2
    assert "git checkout HEAD -- :/course.yaml" in said.err


def test_a_broken_course_names_the_line(student):
    path = student.top / "course.yaml"
    path.write_text(path.read_text().replace("title: Tools", "titel: Tools"))
    said = student.tito("status")
    assert said.status == 2
    assert "course.yaml, line 5: 'title' is missing." in said.err
    assert "-> Rename 'titel' to 'title'." in said.err


def test_git_variables_of_another_repository_are_ignored(student, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert student.tito("status").status == 0


def test_a_bug_of_ours_is_one_sentence_and_a_log(student, monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("tito.clone.clone.reconcile", broken)
    said = student.tito("status")
    assert said.status == 3
    assert "tito: tito failed, not you (ZeroDivisionError: oops)." in said.err
    assert "Traceback" not in said.err
    log = Path(said.err.partition("details in ")[2].strip())
    assert log == student.top / ".git/tito/tito.log"
    assert "ZeroDivisionError: oops" in log.read_text()


def test_a_bug_outside_a_repository_has_a_log_too(student, monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError("oops")

    student.top = student.home
    monkeypatch.setattr("tito.app.open_clone", broken)
    said = student.tito("status")
    assert said.status == 3
    log = Path(said.err.partition("details in ")[2].strip())
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


def test_an_interrupt_is_130(student, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tito.app.open_clone", interrupted)
    said = student.tito("status")
    assert said.status == 130
    assert "tito: stopped." in said.err


def test_a_folder_that_is_gone(student, tmp_path, monkeypatch, capfd):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert door.main(["status"]) == 2
    assert "The current folder does not exist any more." in capfd.readouterr().err
    monkeypatch.chdir(student.top)


def test_status_as_json_is_one_document(student):
    student.commit_solved("00_setup", "01_tensor")
    found = json.loads(student.tito("status", "--json").out)
    assert found["points"] == 15
    assert found["points_possible"] == 75
    assert found["next_module"] == "02_autograd"
    assert found["claimed_milestones"] == []


def test_status_lists_modules_milestones_points_and_the_next_step(student):
    student.commit_solved("00_setup")
    said = student.tito("status")
    assert "Tiny: 5 of 75 points" in said.out
    assert "complete  5 of 5   2 of 2 tests pass" in said.out
    assert said.out.rstrip().endswith("Next: Begin 01_tensor (Tensors): tito module start 01")


def test_status_names_exports_that_are_not_what_the_lessons_say(student):
    student.commit_solved("00_setup")
    (student.top / "tinytorch/extra.py").write_text("")
    student.git("add", "tinytorch")
    student.git("commit", "-q", "-m", "extra")
    said = student.tito("status")
    assert "  tinytorch/extra.py\n-> tito export, then commit" in said.out


# In a process of its own


@pytest.mark.thorough
def test_exit_statuses_of_the_real_process(student):
    assert student.run("status").returncode == 0
    assert student.run("module", "test", "00").returncode == 1
    assert student.run("module", "test", "99").returncode == 2


def test_no_escape_sequences_without_a_terminal(student):
    assert "\x1b" not in student.run("status").stdout


def test_ascii_where_the_encoding_has_no_more(student):
    student.commit_solved("00_setup", "01_tensor")
    done = student.run("status", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "| ** MILESTONE UNLOCKED!" in done.stdout
    assert done.stdout.isascii()


def test_a_reader_that_leaves_is_no_error(student):
    done = subprocess.run(
        f'"{sys.executable}" -m tito module --help | true',
        shell=True,
        cwd=student.top,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def in_a_terminal(student, *arguments: str, **environment: str) -> str:
    """What a terminal of 120 columns receives."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "tito", *arguments],
        cwd=student.top,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "COLUMNS": "120",
            **environment,
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    received = b""
    while chunk := _read(ours):
        received += chunk
    os.close(ours)
    child.wait()
    return received.decode()


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_colours_in_a_terminal(student):
    student.write("00_setup", solution("00_setup"))
    shown = in_a_terminal(student, "module", "test", "00")
    assert "\x1b[32mpass" in shown


def test_progress_is_shown_and_taken_away_again(student):
    said = "running 00_setup ..."
    shown = in_a_terminal(student, "module", "test", "00")
    assert shown.count(said) == 1
    assert f"{said}\r{' ' * len(said)}\r00_setup: 0 of " in shown


def test_a_narrow_terminal_breaks_no_name(student):
    student.write("00_setup", wrong("00_setup"))
    drawn = in_a_terminal(student, "module", "test", "00", COLUMNS="50")
    table = drawn.partition("Hint:")[0].partition("FAILED  test_")[0]
    assert "test_double_sum_of_small_numbers" in table
    assert "double_sum() works with zero." not in drawn  # it passes; what fails is what counts


@pytest.mark.thorough
@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_they_are_not_wanted(student, setting):
    assert "\x1b" not in in_a_terminal(student, "status", **setting)
