"""Which trainings get a note for the teacher, and which do not."""

from __future__ import annotations

import pytest

from grader.proof.milestones import route
from grader.proof.milestones.route import Stage
from tests.lessons import reference

RULES = """\
@gradient_of("mul")
def mul_gradient(grad, out, a, b):
    return grad * b.data, grad * a.data


@given
@gradient_of("exp")
def exp_gradient(grad, out, a):
    return (grad * out.data,)


def backward(out):
    return out
"""
MUL, EXP, BACKWARD = 1, 6, 11
OTHER_NAMES = RULES.replace("_gradient", "_rule").replace("@gradient_of", "@register")
OWN = RULES.replace("mul", "fused").replace("exp", "whole")
STAGE = Stage("02_autograd", ("mul_gradient", "exp_gradient"), "a.py", RULES)


@pytest.mark.parametrize(
    ("source", "lines", "entered"),
    [
        pytest.param(RULES, {MUL}, True, id="a rule"),
        pytest.param(RULES, {EXP, BACKWARD}, True, id="a rule under two decorators"),
        pytest.param(RULES, {BACKWARD}, False, id="backward without a rule"),
        pytest.param(RULES, set(), False, id="nothing"),
        pytest.param(OWN, {MUL}, True, id="a rule that the lesson does not know"),
        pytest.param(OWN, {BACKWARD}, False, id="none of these"),
        pytest.param(OTHER_NAMES, {BACKWARD}, True, id="another design"),
        pytest.param(OTHER_NAMES, set(), False, id="another design, not used"),
        pytest.param("", set(), False, id="an empty file"),
        pytest.param("x = " + "(" * 5000 + ")" * 5000, {1}, True, id="nested too deeply"),
        pytest.param("x = '\\d'\n" + OTHER_NAMES, {12}, True, id="a doubtful escape"),
    ],
)
def test_a_module_is_entered_by_one_of_its_rules(source, lines, entered):
    assert Stage("02_autograd", STAGE.rules, "a.py", source).entered(lines) is entered


def way(*modules: str) -> list[Stage]:
    return [Stage(module, STAGE.rules, f"{module}.py", RULES) for module in modules]


@pytest.mark.parametrize(
    ("modules", "entered", "flagged"),
    [
        pytest.param(["02"], ["02"], False, id="the only one"),
        pytest.param(["02"], [], True, id="not the only one"),
        pytest.param(["02", "03"], ["02"], False, id="layers of operations that are there"),
        pytest.param(["02", "03"], [], True, id="neither of two"),
        pytest.param(["02", "03", "04"], ["03", "04"], False, id="a layer as one operation"),
        pytest.param(["02", "03", "04"], ["04"], True, id="only the loss"),
        pytest.param([], [], False, id="a course without gradient rules"),
    ],
)
def test_a_note_is_written_when_most_modules_are_left_out(modules, entered, flagged):
    assert bool(route.note(way(*modules), {f"{m}.py": {MUL} for m in entered})) is flagged


def test_the_note_names_modules_and_rules_and_accuses_nobody():
    assert route.note(way("02_autograd", "03_nn"), {}) == (
        "The training called none of the gradient rules of 02_autograd, 03_nn (mul_gradient, "
        "exp_gradient, mul_gradient and 1 more): another backpropagation may stand behind these "
        "names. It counts all the same; look at it with the student."
    )


def test_the_way_is_read_from_the_lessons_of_the_course():
    paths = {m: reference.lesson(m.id).export_path for m in reference.COURSE.modules}
    found = route.stages(paths, dict.fromkeys(paths.values(), ""), reference.ROOT)
    rules = {stage.module: stage.rules for stage in found}
    assert list(rules) == ["02_autograd", "03_nn", "04_training", "07_spatial", "11_embeddings"]
    assert {"matmul_gradient", "sum_gradient"} < set(rules["02_autograd"])
    assert rules["11_embeddings"] == ("embedding_gradient",)


def test_a_course_without_lessons_has_no_way(tmp_path):
    module = reference.COURSE.modules[0]
    assert route.stages({module: "a.py"}, {"a.py": ""}, tmp_path) == []
