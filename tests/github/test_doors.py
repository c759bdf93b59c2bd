"""python -m grader grade and tito grade: what they write, say and return."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from grader import __main__
from grader.grading import orders
from grader.reports import REPORTS
from grader.sources import replaced
from tests.conftest import Repository
from tests.github.conftest import MILESTONES, MODULES, POINTS, solution
from tests.reports.samples import COURSE, ROOT


def door(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def grade(*arguments, **more):
    return door("grader", "grade", *arguments, **more)


def test_a_starter_earns_nothing_and_is_not_wrong(student, tmp_path):
    out = tmp_path / "out"
    done = grade(
        student.top, "--rev", "HEAD", "--course", student.top, "--format", "all", "--out", out
    )
    assert done.returncode == 0, done.stderr
    assert (
        f"0 of {MODULES} modules complete, 0 of {MILESTONES} milestones proven, 0 of {POINTS} points"
        in done.stdout
    )
    report = json.loads((out / "report.json").read_text())
    assert report["points"] == 0
    assert {m["state"] for m in report["milestones"]} == {"locked"}
    names = {p.name for p in out.iterdir()}
    assert {"report.txt", "junit.xml", "result.json", "results.json", "report.md"} <= names


@pytest.mark.thorough
def test_the_reference_solution_earns_everything(tmp_path):
    for name in ("modules", "tinytorch"):
        shutil.copytree(ROOT / name, tmp_path / "work" / name)
    done = grade(tmp_path / "work", "--format", "all", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (
        f"{MODULES} of {MODULES} modules complete, {MILESTONES} of {MILESTONES} milestones proven, "
        f"{POINTS} of {POINTS} points"
    ) in done.stdout


@pytest.mark.thorough
def test_a_commit_is_judged_and_not_the_files_beside_it(student, tmp_path):
    commit = student.commit(solution(1), "tools")
    student.write({COURSE.modules[0].path: "broken("})
    done = grade(student.top, "--course", student.top, "--out", tmp_path / "out")
    assert f"1 of {MODULES} modules complete" in done.stdout
    assert commit in (tmp_path / "out" / "report.txt").read_text()


@pytest.mark.thorough
def test_a_folder_without_git_is_judged_as_it_lies(student, tmp_path):
    student.commit(solution(1), "tools")
    handed_in = tmp_path / "submission"
    shutil.copytree(student.top, handed_in, ignore=shutil.ignore_patterns(".git"))
    done = grade(
        handed_in, "--course", student.top, "--format", "gradescope", "--out", tmp_path / "o"
    )
    assert done.returncode == 0, done.stderr
    assert f"1 of {MODULES} modules complete" in done.stdout
    assert (tmp_path / "o" / "results.json").is_file()


def rules_replaced(student, course) -> tuple[str, ...]:
    return replaced.replaced_rules(student, "HEAD", course, os.environ)


def with_many_tests(repository, number=3000) -> None:
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x = 1\n")
    rows = "".join(f"100644 {blob}\ttests/many/test_{n}.py\n" for n in range(number))
    repository.git("update-index", "--index-info", stdin=rows.encode())
    repository.git("commit", "--quiet", "--no-verify", "-m", "many tests")


@pytest.fixture
def course_root(template, tmp_path):
    shutil.copytree(template, tmp_path / "course-root")
    return tmp_path / "course-root"


def test_more_files_than_are_listed_beside_the_lessons_cost_nothing(student, course_root):
    with_many_tests(student)
    student.commit({"course.yaml": "changed\n"})
    assert rules_replaced(student.top, course_root) == ("course.yaml", "tests")


def test_a_course_with_many_tests_of_its_own_is_compared_all_the_same(student, course_root):
    with_many_tests(Repository(course_root))
    assert rules_replaced(student.top, course_root) == ("tests",)


def test_a_damaged_folder_of_rules_does_not_stop_the_verdict(student, course_root):
    student.commit({"tests/more/test_x.py": "x = 1\n"})
    tree = student.git("rev-parse", "HEAD:tests/more")
    (student.top / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    assert rules_replaced(student.top, course_root) == ("tests",)


def test_what_is_wrong_is_status_1_and_told_in_full(student, tmp_path):
    lesson = COURSE.modules[0].path
    begin = "    ### BEGIN SOLUTION\n"
    wrong = solution(1)[lesson].replace(begin, f"{begin}    return 0\n", 1)
    student.commit({lesson: wrong}, "zero")
    out = tmp_path / "out"
    done = grade(
        student.top, "--course", student.top, "--out", out, "--format", "text",
        "--format", "annotations",
    )  # fmt: skip
    assert done.returncode == 1
    assert "FAILED" in (out / "report.txt").read_text()
    first = (out / "annotations.txt").read_text().splitlines()[0]
    (line,) = re.findall(rf"^::error file={lesson},line=(\d+),title=", first)
    assert wrong.splitlines()[int(line) - 1].startswith("def test_")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--rev", "nothing"], 1, "'nothing' is not a commit of"),
        (["--rev", ""], 2, "--rev is empty."),
        (["--rev", "--upload-pack=x"], 2, "expected one argument"),
        (["--format", "pdf"], 2, "invalid choice"),
        (["--trust", "absolute"], 2, "invalid choice"),
    ],
)
def test_wrong_usage_is_one_sentence(student, tmp_path, arguments, status, says):
    out = tmp_path / "out"
    done = grade(student.top, "--course", student.top, "--out", out, *arguments)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_revision_that_is_not_there_leaves_a_report_with_every_milestone(student, tmp_path):
    out = tmp_path / "out"
    grade(student.top, "--rev", "nothing", "--course", student.top, "--format", "all", "--out", out)
    report = json.loads((out / "report.json").read_text())
    assert "is not a commit" in report["problem"]["what"]
    assert len(report["milestones"]) == len(COURSE.milestones)
    assert "**Not judged.**" in (out / "report.md").read_text()


def test_a_folder_without_a_course_is_said(tmp_path):
    done = grade(tmp_path, "--course", tmp_path)
    assert done.returncode == 2
    assert "There is no course.yaml" in done.stderr


@pytest.mark.thorough
def test_a_missing_repository_is_said(student, tmp_path):
    done = grade(tmp_path / "nowhere", "--course", student.top, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "There is no folder" in done.stderr


@pytest.fixture
def inside(student):
    """An empty folder inside of a repository that earns something."""
    student.commit(solution(1), "tools")
    folder = student.top / "marks" / "ada"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("rev", "says"),
    [
        pytest.param(["--rev", "HEAD"], "is not a git repository", id="a revision"),
        pytest.param([], "holds no lesson of", id="the files"),
    ],
)
def test_an_empty_folder_gets_no_points_of_the_repository_around_it(
    student, inside, tmp_path, rev, says
):
    done = grade(inside, *rev, "--course", student.top, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert says in done.stderr
    assert f"0 of {MODULES}" not in done.stdout
    assert "-> Name the " in done.stderr


@pytest.mark.thorough
def test_a_repository_of_something_else_is_said_and_is_no_zero(student, tmp_path):
    other = Repository(tmp_path / "other")
    other.commit({"README.md": "x"})
    done = grade(other.top, "--course", student.top, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert f"{COURSE.modules[0].path} is not there, nor any other" in done.stderr


@pytest.mark.thorough
def test_a_bare_repository_is_judged_by_its_head(student, tmp_path):
    student.commit(solution(1), "tools")
    bare = tmp_path / "bare.git"
    student.git("clone", "--quiet", "--bare", str(student.top), str(bare))
    done = grade(bare, "--course", student.top, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert f"1 of {MODULES} modules complete" in done.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("door_of", ["grader", "tito", "grader.github.verify"])
@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_reports_that_cannot_be_written_are_said_before_anything_is_judged(
    student, tmp_path, door_of, place
):
    (tmp_path / "taken").write_text("a file")
    command = {
        "grader": ["grader", "grade", student.top, "--course", student.top],
        "tito": ["tito", "grade"],
        "grader.github.verify": ["grader.github.verify", student.top, "--course", student.top],
    }[door_of]
    cwd = student.top if door_of == "tito" else ROOT
    done = door(*command, "--out", tmp_path / place, cwd=cwd)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert str(tmp_path / "taken") in said.replace("%3A", ":")
    assert "Traceback" not in said
    assert "modules complete" not in said


def test_tito_grade_is_the_same_for_people(student):
    student.commit(solution(1), "tools")
    done = door("tito", "grade", "--format", "markdown", cwd=student.top)
    assert done.returncode == 0, done.stderr
    assert "reports/report.md" in done.stdout.replace("\\", "/")
    assert f"1 of {MODULES} modules complete" in done.stdout
    assert "Next: " in done.stdout
    assert "This is a preview" in (student.top / "reports" / "report.md").read_text()


def test_every_format_can_be_asked_for_by_name():
    shown = door("grader", "grade", "--help").stdout
    assert [name for name in REPORTS if name not in shown] == []


@pytest.mark.thorough
@pytest.mark.parametrize("date", ["99999999999999999 +0000", "-5 +0000", "tomorrow", ""])
def test_a_commit_of_no_date_is_judged(student, tmp_path, date):
    commit = student.commit(solution(1), "tools")
    text = student.git("cat-file", "commit", commit)
    lines = [
        f"committer A <a@b.c> {date}" if line.startswith("committer ") else line
        for line in text.split("\n")
    ]
    made = student.git(
        "hash-object",
        "-t",
        "commit",
        "--literally",
        "-w",
        "--stdin",
        stdin="\n".join(lines).encode(),
    )
    done = grade(
        student.top, "--rev", made, "--course", student.top, "--format", "all", "--out", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert f"1 of {MODULES} modules complete" in done.stdout
    assert json.loads((tmp_path / "report.json").read_text())["when"] == ""


def test_a_bug_of_ours_is_a_report_too(student, tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(orders, "judge", broken)
    words = ["grade", student.top, "--course", ROOT, "--format", "json", "--out", tmp_path]
    assert __main__.main([str(word) for word in words]) == 3
    assert "The grader failed, not you (ZeroDivisionError: oops)." in capsys.readouterr().err
    report = json.loads((tmp_path / "report.json").read_text())
    assert "The grader failed, not you" in report["problem"]["what"]
