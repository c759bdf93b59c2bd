"""tito verify: the numbers of a commit, computed again."""

from __future__ import annotations

import json
import shutil

import pytest

from grader.proof.content import probes
from tests.tito.conftest import ROOT, Student

FIRST = ("00_setup", "01_tensor", "02_autograd")
COURSE = """\
course: TinyTorch
version: 1
loss_falls: "> 50 %"
modules:
  - {id: 00_setup, title: Tools, needs: [], points: 5}
  - {id: 01_tensor, title: Tensors, needs: [00_setup], points: 15}
  - {id: 02_autograd, title: Gradients, needs: [00_setup, 01_tensor], points: 20}
milestones:
  - id: perceptron
    name: 1957 - The Perceptron
    story: First learning algorithm
    proves: gradient descent works
    needs: [00_setup, 01_tensor, 02_autograd]
    accuracy: "> 90 %"
    points: 20
"""
WRONG = ("    return grad * b.data, grad * a.data", "    return grad * b.data, 8 * grad * a.data")


@pytest.fixture
def owner(tmp_path, isolated, capfd, monkeypatch):
    """The first three lessons of the course with their solutions, committed; then a wrong one."""
    top = tmp_path / "course"
    top.mkdir()
    (top / "course.yaml").write_text(COURSE)
    for module_id in FIRST:
        shutil.copytree(ROOT / "modules" / module_id, top / "modules" / module_id)
    student = Student(top, isolated, capfd, monkeypatch)
    student.git("init", "-q", "-b", "main")
    student.git("add", "-A")
    student.git("commit", "-q", "-m", "Lessons")
    assert student.tito("export").status == 0
    student.git("add", "-A")
    student.git("commit", "-q", "-m", "Right")
    path = student.path("02_autograd")
    text = path.read_text()
    assert text.count(WRONG[0]) == 1
    path.write_text(text.replace(*WRONG))
    generated = top / "tinytorch/core/autograd.py"
    generated.write_text(generated.read_text().replace(*WRONG))
    student.git("commit", "-q", "-a", "-m", "Wrong")
    return student


def test_a_wrong_commit_is_told_and_the_right_one_before_it_holds(owner):
    wrong = owner.tito("verify")
    assert wrong.status == 1
    assert "Commit" in wrong.out
    assert "computed again, isolation:" in wrong.out
    assert "the gradient of b is 8 times too large" in wrong.out
    assert "needs 02_autograd" in wrong.out
    right = owner.tito("verify", "HEAD~1")
    assert right.status == 0, right.out
    asked = len(probes("01_tensor"))
    assert f"{asked} of {asked} hold" in right.out
    assert "achieved" in right.out


def test_json_is_one_document_with_every_check(owner):
    said = owner.tito("verify", "HEAD~1", "--json")
    found = json.loads(said.out)
    assert said.status == 0
    assert [m["complete"] for m in found["modules"]] == [True] * 3
    assert found["milestones"][0]["state"] == "achieved"
    assert len(found["modules"][1]["checks"]) > 100


def test_a_name_that_is_no_commit_is_refused(owner):
    said = owner.tito("verify", "nonsense")
    assert said.status == 1
    assert "'nonsense' is no commit of this repository." in said.err
    assert "git log --oneline" in said.err


def test_without_a_commit_there_is_nothing_to_verify(tmp_path, isolated, capfd, monkeypatch):
    top = tmp_path / "empty"
    top.mkdir()
    (top / "course.yaml").write_text(COURSE)
    student = Student(top, isolated, capfd, monkeypatch)
    student.git("init", "-q", "-b", "main")
    said = student.tito("verify")
    assert said.status == 1
    assert "There is no commit yet" in said.err
