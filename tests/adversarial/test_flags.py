"""A private, correct backpropagation behind the names of the course is proven, and flagged.

Rows M03, P06 and F42 of the corpus: a verdict that stands, and a note that asks for a look.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.lessons.lesson import parse
from grader.proof import examination
from grader.rules import reading
from grader.sandbox import SANDBOXES
from grader.verdicts.facts import Evidence
from tests.adversarial.conftest import offered
from tests.lessons import reference
from tests.mutants import oracles

ROOT = Path(__file__).resolve().parents[2]
COURSE = reading.load(ROOT)
FIRST, DIGITS = (m for m in COURSE.milestones if len(m.needs) in (3, 5))
MODES = [pytest.param(n, marks=() if n == "process" else pytest.mark.slow) for n in SANDBOXES]

# All of what the first network needs, by other names than those of the lesson.
TAPE = """\
_SLOPES = {
    "add": lambda g, o, a, b: (g, g),
    "sub": lambda g, o, a, b: (g, -g),
    "neg": lambda g, o, a: (-g,),
    "mul": lambda g, o, a, b: (g * b.data, g * a.data),
    "div": lambda g, o, a, b: (g / b.data, -g * o.data / b.data),
    "exp": lambda g, o, a: (g * o.data,),
    "log": lambda g, o, a: (g / a.data,),
    "sum": lambda g, o, a, axis, keepdims: (stretch(g, a.shape, axis, keepdims),),
}


def _matmul(g, o, a, b):
    if a.ndim == b.ndim == 2:
        return g @ b.data.T, a.data.T @ g
    return GRADIENTS["matmul"](g, o, a, b)


def parent_gradients(node, grad):
    rule = {**GRADIENTS, **_SLOPES, "matmul": _matmul}[node._op]
    parts = zip(node._parents, rule(grad, node, *node._parents, **node._saved), strict=True)
    return [
        (p, g if g.shape == p.shape else unbroadcast(g, p.shape))
        for p, g in parts
        if p.requires_grad and g is not None
    ]
"""

# One formula for the whole network of layers, beside a library that has everything as it should be.
WHOLE = """\
import tinytorch.core.nn as _nn

_linear, _relu, _loss, _backward = _nn.Linear.forward, _nn.ReLU.forward, cross_entropy, Tensor.backward


def _remembering(forward, layer_of):
    def remember(self, x):
        out = forward(self, x)
        out._came = (layer_of(self), x)
        return out

    return remember


_nn.Linear.forward = _remembering(_linear, lambda layer: layer)
_nn.ReLU.forward = _remembering(_relu, lambda layer: None)


def cross_entropy(logits, labels):
    loss = _loss(logits, labels)
    if hasattr(logits, "_came"):
        loss._net = (logits, labels)
    return loss


def _whole(self, gradient=None):
    if not hasattr(self, "_net"):
        return _backward(self, gradient)
    node, labels = self._net
    p = np.exp(node.data - node.data.max(axis=1, keepdims=True))
    g = p / p.sum(axis=1, keepdims=True)
    g[np.arange(len(g)), np.asarray(getattr(labels, "data", labels)).astype(int)] -= 1
    g /= len(g)
    while hasattr(node, "_came"):
        layer, before = node._came
        if layer is None:
            g = g * (before.data > 0)
        else:
            layer.weight.grad, layer.bias.grad = g.T @ before.data, g.sum(axis=0)
            g = g @ layer.weight.data
        node = before


Tensor.backward = _whole
"""

# Right, and no bypass: a layer that is one operation, with a rule of its own.
FUSED = """\
@gradient_of("whole_layer")
def whole_layer_gradient(grad, out, x, weight, bias):
    return grad @ weight.data, grad.T @ x.data, grad.sum(axis=0)


_steps = Linear.forward


def _forward(self, x):
    if x.ndim != 2 or self.bias is None:
        return _steps(self, x)
    out = x.data @ self.weight.data.T + self.bias.data
    return Tensor.make(out, (x, self.weight, self.bias), "whole_layer")


Linear.forward = _forward
"""

# It calls every rule once for show, and throws away what comes out.
LIE = """

_quietly = parent_gradients


def parent_gradients(node, grad):
    GRADIENTS[node._op](grad, node, *node._parents, **node._saved)
    return _quietly(node, grad)
"""


@pytest.fixture(params=MODES)
def mode(request) -> str:
    return offered(request.param)


def examined(mode: str, milestone, **appended: str) -> Evidence:
    """The milestone's, with code in the last cell of the lessons NAME.py; all modules are probed."""
    lessons = {}
    for module in COURSE.modules:
        if module.id in milestone.needs:
            path = ROOT / module.path
            text = path.read_text(encoding="utf-8")
            if code := appended.get(path.stem):
                text += f"\n# %%\n#| export\n{code}\n"
            lessons[module] = parse(text, module.path)
    found = examination.examine(lessons, [milestone], SANDBOXES[mode](), ROOT)
    assert [(i, c) for i, e in found.items() for c in e.checks if c.outcome.value != "passed"] == []
    return found[milestone.id]


def test_other_gradient_rules_than_those_of_the_lesson_are_proven_and_flagged(mode):
    flag = examined(mode, FIRST, autograd=TAPE).flag
    assert "called none of the gradient rules of 02_autograd (add_gradient, " in flag
    assert "look at it with the student" in flag


def test_one_formula_for_the_whole_network_is_proven_and_flagged(mode):
    flag = examined(mode, DIGITS, training=WHOLE).flag
    assert "called none of the gradient rules of 02_autograd, 03_nn, 04_training (" in flag


def test_the_library_of_the_course_is_proven_and_not_flagged(mode):
    assert examined(mode, FIRST).flag == ""


@pytest.mark.thorough
def test_a_layer_as_one_operation_is_not_flagged(mode):
    assert examined(mode, DIGITS, nn=FUSED).flag == ""


@pytest.mark.thorough
def test_a_library_that_calls_the_rules_for_show_is_not_found_out(mode):
    """docs/trust.md says so."""
    assert examined(mode, FIRST, autograd=TAPE + LIE).flag == ""


@pytest.mark.thorough
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("raise ValueError", id="an exception"),
        pytest.param("raise SystemExit", id="an exit"),
        pytest.param("while True: pass", id="a loop"),
        pytest.param("import os; os._exit(1)", id="the end of the process"),
        pytest.param("sys.setprofile(None); raise KeyboardInterrupt", id="an interrupt"),
    ],
)
def test_what_happens_while_the_worker_looks_costs_nothing(mode, code):
    """Everything is reported by then."""
    trap = (
        "import sys\n"
        "_order = topological_order\n"
        "def topological_order(out):\n"
        "    if sys.getprofile() is not None:\n"
        f"        {code}\n"
        "    return _order(out)\n"
    )
    assert examined(mode, FIRST, autograd=TAPE + trap).flag == ""


def test_a_look_that_fails_costs_no_other_look():
    once = (
        "import sys\n"
        "_order, _looks = topological_order, []\n"
        "def topological_order(out):\n"
        "    if sys.getprofile() is not None and not _looks:\n"
        "        _looks.append(1)\n"
        "        raise SystemExit\n"
        "    return _order(out)\n"
    )
    lesson = reference.lesson(FIRST.needs[-1])
    parts = oracles.trainings(COURSE.milestones[:2])
    asked = oracles.ask(parts, {lesson.export_path: f"{lesson.export()}\n{once}"})
    looks = [any(b.kind == a.part.called for b in a.heard.bundles) for a in asked]
    assert looks == [False, True]
