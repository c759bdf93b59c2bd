"""course.yaml, read without a YAML library: the same course, or a refusal with its line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import CourseError
from grader.github import courses
from grader.rules import reading as full
from tests.grader.small_course import RULES
from tests.tito.conftest import COURSE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path):
    def write(text: str) -> Path:
        (tmp_path / "course.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    "text",
    [
        pytest.param((ROOT / "course.yaml").read_text(), id="this course"),
        pytest.param(RULES, id="small"),
        pytest.param(COURSE, id="tables in one line"),
        pytest.param(RULES.replace("Small", '"Small: a # course"  # comment'), id="quotes"),
        pytest.param(RULES.replace("  - id", "- id").replace("    ", "  "), id="less indented"),
        pytest.param("---\n# a comment\n\n" + RULES, id="document mark"),
        pytest.param(RULES.replace("[00_one]", "[ 00_one ]"), id="blanks in a list"),
        pytest.param(RULES.replace('"100 %"', "'99.5 %'"), id="single quotes"),
        pytest.param(RULES.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(RULES.replace("points: 40", "points: 30"), id="other points"),
    ],
)
def test_both_readers_read_the_same_course(root, text):
    assert courses.load(root(text)) == full.load(root(text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(RULES.replace("needs: []", "needs:\n      - x", 1), "line 7", id="block list"),
        pytest.param(RULES.replace("course: Small", "course: &a Small"), "line 1", id="anchor"),
        pytest.param(
            RULES.replace("course: Small", "course: |\n  Small"), "line 1", id="block text"
        ),
        pytest.param(RULES.replace("points: 5", "points: 5\n    points: 6"), "line 9", id="twice"),
        pytest.param(RULES + "\t- x", "line", id="tab"),
        pytest.param("modules: [", "line 1", id="open list"),
        pytest.param(RULES.replace("points: 5", "points: many"), "no number", id="no number"),
        pytest.param(RULES.replace("points: 5\n", "\n"), "missing", id="missing"),
        pytest.param(RULES.replace('"100 %"', "all"), "no number", id="no threshold"),
        pytest.param(RULES.replace("title: The first", "titel: The first"), "entry", id="misspelt"),
        pytest.param("", "missing", id="empty"),
    ],
)
def test_what_it_does_not_understand_is_refused_with_its_place(root, text, line):
    with pytest.raises(CourseError, match=line) as refused:
        courses.load(root(text))
    assert "tito status" in refused.value.hint


def test_a_missing_course_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match=r"course\.yaml cannot be read"):
        courses.load(tmp_path)


def test_awarding_needs_nothing_but_the_standard_library():
    code = (
        "import sys; sys.path.insert(0, '.'); import grader.github.award;"
        "strangers = {m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names;"
        "print(sorted(strangers - {'grader', '__main__'}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
