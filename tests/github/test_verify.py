"""The untrusted job's door when something goes wrong: a sentence on the page, every milestone listed."""

from __future__ import annotations

import base64
import json

import pytest

from grader.github import verify
from grader.grading import orders
from tests.github.conftest import POINTS
from tests.reports.samples import COURSE, ROOT, begun, finished, hostile


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files of a step, as a runner gives them."""
    made = {}
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        made[name] = tmp_path / name
        made[name].touch()
        monkeypatch.setenv(name, str(made[name]))
    monkeypatch.setenv("GITHUB_REPOSITORY", "ada/tinytorch")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    return made


@pytest.fixture
def judged(monkeypatch):
    """judged(answer): what grading returns, or raises."""

    def answer(value):
        def judge(*_arguments):
            if isinstance(value, BaseException):
                raise value
            return value

        monkeypatch.setattr(orders, "judge", judge)

    return answer


def outputs(files):
    lines = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)  # the last of a name counts


def summary(files):
    return files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")


def run(tmp_path, *more):
    out = tmp_path / "out"
    return verify.main([str(tmp_path), "--course", str(ROOT), "--out", str(out), *more])


def statuses(files):
    found = outputs(files)
    return {m.id: json.loads(base64.b64decode(found[m.id]))["status"] for m in COURSE.milestones}


@pytest.mark.parametrize(("report", "status"), [(finished, 0), (begun, 1)])
def test_wrong_work_is_status_1(files, judged, tmp_path, report, status):
    judged(report())
    assert run(tmp_path) == status
    assert "milestones" in summary(files)


def test_a_bug_of_ours_is_one_sentence_and_status_3(files, judged, tmp_path, capsys):
    judged(RuntimeError("x\n::error::forged"))
    assert run(tmp_path, "--classroom") == 3
    assert "The grader failed, not you (RuntimeError" in summary(files)
    assert set(statuses(files).values()) == {"error"}
    log = capsys.readouterr().out
    assert "Traceback" not in log
    assert not any(line.startswith("::error::forged") for line in log.splitlines())
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["problem"]


def test_results_are_there_before_anything_runs(files, judged, tmp_path):
    """A killed process says nothing more; a milestone without a result would shrink the total."""
    judged(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "--classroom")
    assert set(statuses(files).values()) == {"error"}
    assert (outputs(files)["points"], outputs(files)["max-points"]) == ("0", f"{POINTS}")


def test_what_was_judged_replaces_what_was_said_before(files, judged, tmp_path):
    judged(finished())
    run(tmp_path, "--classroom")
    assert set(statuses(files).values()) == {"pass"}
    assert outputs(files)["points"] == f"{POINTS}"
    assert json.loads(outputs(files)["results"]).keys() == statuses(files).keys()


def test_a_commit_that_is_not_there_is_said(files, tmp_path):
    arguments = ["--course", str(ROOT), "--out", str(tmp_path / "out")]
    assert verify.main([str(tmp_path / "nowhere"), *arguments]) == 1
    assert "**Not judged.** `There is no folder" in summary(files)


def test_a_broken_course_is_said(files, tmp_path, capsys):
    (tmp_path / "course.yaml").write_text("course: [")
    arguments = [str(tmp_path), "--course", str(tmp_path), "--out", str(tmp_path / "out")]
    assert verify.main(arguments) == 2
    assert "course.yaml, line" in summary(files)
    assert "::error title=Not judged::course.yaml" in capsys.readouterr().out


def test_student_text_is_no_command_in_the_log(judged, tmp_path, capsys):
    judged(hostile())
    run(tmp_path, "--notices")
    lines = capsys.readouterr().out.splitlines()
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert all(
        line.startswith(("::error file=modules/", "::error title=")) for line in commands[:-2]
    )
    assert [c.split("::")[1] for c in commands[-2:]] == [
        "notice title=Autograding complete",
        "notice title=Autograding report",
    ]
    assert len(commands) <= 9 + 2
    assert not any("##[" in line for line in lines if line not in commands)


def test_a_format_that_is_none_is_said(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, "--format", "pdf")
    assert ended.value.code == 2
    assert "invalid choice: 'pdf'" in capsys.readouterr().err


def test_paths_are_relative_to_the_folder_that_is_named(judged, tmp_path):
    judged(finished())
    arguments = ["student", "--course", str(ROOT), "--out", "made/here"]
    assert verify.main([*arguments, "--within", str(tmp_path)]) == 0
    assert (tmp_path / "made" / "here" / "verdict.json").is_file()


def test_nothing_is_written_where_there_is_no_runner(judged, tmp_path, monkeypatch):
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    judged(finished())
    assert run(tmp_path, "--classroom") == 0
