"""No submission talks itself into a pass; see forgeries.py for what is asked of which oracle."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from grader.lessons.lesson import Lesson, package_files, parse
from grader.proof import examination
from grader.proof.milestones import trials
from grader.rules import reading
from grader.sandbox import SANDBOXES, jobs
from grader.sandbox.jobs import Limits
from grader.verdicts.facts import CLAIMS, CheckResult, Evidence, Outcome
from tests.adversarial.conftest import offered
from tests.adversarial.forgeries import FORGERIES, HONEST, NUMERICAL, Forgery
from tests.adversarial.tricks import HARMLESS, TRICKS
from tests.tiers import first

ROOT = Path(__file__).resolve().parents[2]
COURSE = reading.load(ROOT)
TEXTS = {m.id: (ROOT / m.path).read_text(encoding="utf-8") for m in COURSE.modules}
LESSONS = {m.id: parse(TEXTS[m.id], m.path) for m in COURSE.modules}
MODES = [pytest.param(n, marks=() if n == "process" else pytest.mark.slow) for n in SANDBOXES]
SHORT = Limits(wall_s=30.0, cpu_s=6, report_mb=192)
IMPATIENT = dataclasses.replace(SHORT, wall_s=5.0)
AUTOGRAD = next(m for m in COURSE.modules if m.path.endswith("autograd.py"))
FIRST, DIGITS = (m for m in COURSE.milestones if len(m.needs) in (3, 5))

ROWS = [*FORGERIES, *TRICKS]
RIGHT = {**HONEST, **HARMLESS}
FIRST_ROWS = (
    *("planted", "exit at import", "own results", "lying numpy", "liar objects", "torch"),
    *("no learning", "replay", "jump", "frozen bias", "driver's frames", "child", "fits a jump"),
)

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(params=MODES)
def mode(request) -> str:
    return offered(request.param)


def evidence(mode: str, limits: Limits = SHORT, milestone=FIRST, **appended: str) -> Evidence:
    """The milestone's, with code after all of core/NAME.py of the right library."""
    package = package_files([LESSONS[n] for n in milestone.needs])
    for name, code in appended.items():
        package[f"tinytorch/core/{name}.py"] += "\n" + code
    trial = trials.trial(milestone, package)
    return trials.run(trial, SANDBOXES[mode](), ROOT, limits)


def practice(mode: str, code: str) -> tuple[CheckResult, ...]:
    """The inline tests of the lesson on derivatives."""
    lesson = with_code(code)
    package = package_files([LESSONS[n] for n in AUTOGRAD.needs])
    job = jobs.for_module(AUTOGRAD, lesson, LESSONS[AUTOGRAD.id], package)
    return SANDBOXES[mode]().run(job).checks


def probed(mode: str, code: str) -> dict[str, Evidence]:
    """By the probes of the first modules, and the evidence of the first milestone beside them."""
    lessons = {m: LESSONS[m.id] for m in COURSE.modules if m.id in FIRST.needs}
    lessons[AUTOGRAD] = with_code(code)
    return examination.examine(lessons, [FIRST], SANDBOXES[mode](), ROOT)


def with_code(code: str) -> Lesson:
    """The lesson on derivatives, with CODE in its last cell."""
    return parse(f"{TEXTS[AUTOGRAD.id]}\n# %%\n#| export\n{code}\n", AUTOGRAD.path)


def proven(found: Evidence) -> bool:
    return found.passed and len(found.checks) > len(CLAIMS)


@pytest.mark.parametrize("row", first([pytest.param(r, id=r.id) for r in ROWS], *FIRST_ROWS))
def test_no_forgery_is_proven(mode, row: Forgery):
    started = time.monotonic()
    found = evidence(mode, SHORT if row.ends else IMPATIENT, autograd=row.source)
    assert not proven(found)
    assert row.says in " ".join(f"{c.message} {c.title}" for c in found.checks if not _passed(c))
    assert time.monotonic() - started < SHORT.wall_s + 10


def _passed(check: CheckResult) -> bool:
    return check.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "name", first([pytest.param(n, id=n) for n in RIGHT], "prints a lot", "a trace function")
)
def test_odd_but_honest_code_is_proven(mode, name):
    found = evidence(mode, autograd=RIGHT[name])
    assert [f"{c.title}: {c.message}" for c in found.checks if not _passed(c)] == []
    assert proven(found)


@pytest.mark.slow
@pytest.mark.parametrize("row", [f for f in ROWS if f.planted], ids=lambda row: row.id)
def test_no_forgery_passes_the_probes(mode, row: Forgery):
    found = probed(mode, row.source)
    assert not found[AUTOGRAD.id].passed
    assert FIRST.id not in found or not found[FIRST.id].passed


def test_a_bias_gradient_that_is_lost_in_broadcasting_is_named(mode):
    """F49. The loss falls all the same, and the answers are good."""
    lost = (
        "_right = unbroadcast\n"
        "def unbroadcast(grad, shape):\n"
        "    right = _right(grad, shape)\n"
        "    return right * 0 if len(shape) < grad.ndim else right\n"
    )
    found = evidence(mode, autograd=lost)
    assert not proven(found)
    said = " ".join(f"{c.title} {c.message}" for c in found.checks if not _passed(c))
    assert "gradient of bias" in said


@pytest.mark.slow
def test_differentiating_numerically_costs_too_much():
    """Its forward passes are exact and its differences good: only the price tells."""
    assert not proven(evidence("process", autograd=NUMERICAL))


@pytest.mark.slow
@pytest.mark.parametrize("row", [f for f in ROWS if f.practice is not None], ids=lambda row: row.id)
def test_what_the_tests_beside_the_code_fall_for_is_known(row: Forgery):
    """Practice, not proof: docs/trust.md counts these."""
    assert all(_passed(c) for c in practice("process", row.source)) == row.practice


# In the students' own places, where no worker has to be taken over.
TRAINING = [
    pytest.param(
        "_step = SGD.step\n"
        "def step(self):\n"
        "    self.lr /= 10\n"
        "    _step(self)\n"
        "    self.lr *= 10\n"
        "SGD.step = step\n",
        id="P11 small steps",
    ),
    pytest.param(
        "_step = SGD.step\n"
        "def step(self):\n"
        "    kept = [p.data.copy() for p in self.params]\n"
        "    _step(self)\n"
        "    self.params[1].data = kept[1]\n"
        "SGD.step = step\n",
        id="P13 one bias stands still",
    ),
    pytest.param(
        "_step, _count = SGD.step, [0]\n"
        "def step(self):\n"
        "    _step(self)\n"
        "    _count[0] += 1\n"
        "    if _count[0] == 300: self.params[0].data = self.params[0].data * 1.5\n"
        "SGD.step = step\n",
        id="P07 one step jumps",
    ),
    pytest.param(
        "_right, _count = cross_entropy, [0]\n"
        "def cross_entropy(logits, labels):\n"
        "    loss = _right(logits, labels)\n"
        "    _count[0] += 1\n"
        "    loss.data = np.asarray(2.3 / _count[0], dtype=loss.dtype)\n"
        "    return loss\n",
        id="F45 invented losses",
    ),
    pytest.param(
        "import tinytorch.core.nn as nn\n"
        "_forward = nn.Linear.forward\n"
        "def forward(self, x):\n"
        "    out = _forward(self, x)\n"
        "    return out * 2 if len(x) > 200 and out.shape[-1] == 10 else out\n"
        "nn.Linear.forward = forward\n",
        id="M05 another way for many rows",
    ),
    pytest.param(
        "import tinytorch.core.nn as nn\n"
        "_forward = nn.Linear.forward\n"
        "def forward(self, x):\n"
        "    out = _forward(self, x)\n"
        "    if len(x) > 200 and out.shape[-1] == 10: out.data = np.eye(10, dtype=np.float32)[np.arange(len(x)) % 10]\n"
        "    return out\n"
        "nn.Linear.forward = forward\n",
        id="F39 answers by heart",
    ),
]


@pytest.mark.parametrize("code", first(TRAINING, "F45 invented losses"))
def test_no_trick_in_the_training_is_proven(mode, code):
    assert not proven(evidence(mode, milestone=DIGITS, training=code))
