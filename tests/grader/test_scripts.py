"""A gap in what the course sends its workers is a fault of ours, before student code runs."""

from __future__ import annotations

import pytest

from grader.errors import CourseError
from grader.proof import content
from grader.sandbox import jobs
from grader.sandbox.process import ProcessSandbox
from grader.verdicts.facts import Outcome

ROW = {"check": "asked", "kind": "scenario", "name": "gone"}
WITHOUT_SCENARIO = {
    "scripts": [("course.scenarios", "SCENARIOS = ()")],
    "imports": [],
    "modules": [{"id": "00_one", "probes": [ROW]}],
    "milestones": [],
}
UNTRAINED = {"training": "course.training", "runs": []}
STUDENT = {"tinytorch/__init__.py": "print('student code ran')"}


@pytest.mark.parametrize(
    ("worker", "program", "missing"),
    [
        pytest.param("ask.py", WITHOUT_SCENARIO, "gone", id="scenario"),
        pytest.param("train.py", {**UNTRAINED, "scripts": []}, "course.training", id="script"),
        pytest.param(
            "train.py",
            {**UNTRAINED, "scripts": [("course.training", "def trains(run): pass")]},
            "course.training",
            id="train()",
        ),
        pytest.param(
            "ask.py",
            {**WITHOUT_SCENARIO, "modules": [], "milestones": [UNTRAINED]},
            "course.training",
            id="training beside probes",
        ),
        pytest.param("train.py", {"scripts": [], "runs": []}, "'training'", id="a key of ours"),
        pytest.param("checks.py", {"cells": []}, "'module'", id="a key of ours, of a lesson"),
        pytest.param(
            "train.py",
            {**UNTRAINED, "scripts": [("course.training", "def train(run): pass\n1 / 0")]},
            "division by zero",
            id="a script that raises",
        ),
    ],
)
def test_what_no_script_holds_is_a_fault_of_ours(worker, program, missing):
    (check,) = ProcessSandbox().ask(jobs.make("x", worker, STUDENT, program, ("asked",))).checks
    assert check.outcome is Outcome.FAULT
    assert missing in check.message
    assert "student code ran" not in check.output


def test_a_challenge_without_its_training_is_the_authors_to_mend(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "FOLDER", tmp_path)
    with pytest.raises(CourseError, match=r"needs train in grader/content/xor/training\.py"):
        content.scripts([], ["xor"])
