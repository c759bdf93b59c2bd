"""Real trainings in real child processes: right libraries pass, wrong ones fail by name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import CourseError
from grader.grading.engine import Engine
from grader.grading.ledgers.memory import MemoryLedger
from grader.lessons.lesson import package_files, parse
from grader.proof.milestones import trials
from grader.rules import reading
from grader.sandbox.jobs import Limits
from grader.sandbox.process import ProcessSandbox
from grader.sources.git import Git
from grader.sources.snapshots import of_commit, of_working_tree
from grader.verdicts.facts import CLAIMS, Outcome
from grader.verdicts.verdicts import MilestoneState
from tests.tiers import first

ROOT = Path(__file__).resolve().parents[2]
COURSE = reading.load(ROOT)
LESSONS = {m.id: parse((ROOT / m.path).read_text(encoding="utf-8"), m.path) for m in COURSE.modules}
IDS = [m.id for m in COURSE.milestones]


def trial(milestone: str, **appended: str) -> trials.Trial:
    """The reference library's trial. appended: "nn" -> code that comes after all of core/nn.py."""
    found = COURSE.milestone(milestone)
    package = package_files([LESSONS[n] for n in found.needs])
    for name, code in appended.items():
        package[f"tinytorch/core/{name}.py"] += "\n" + code
    return trials.trial(found, package)


def run(milestone: str, **appended: str):
    """Outcome and message of every check."""
    evidence = trials.run(trial(milestone, **appended), ProcessSandbox(), ROOT)
    return {c.name: c for c in evidence.checks}, evidence


@pytest.mark.parametrize("milestone", first([pytest.param(i, id=i) for i in IDS], IDS[0]))
def test_the_reference_library_reaches_every_milestone(milestone):
    checks, evidence = run(milestone)
    assert {n: c.outcome for n, c in checks.items()} == dict.fromkeys(checks, Outcome.PASSED)
    assert tuple(checks)[:4] == CLAIMS
    assert 1 < len(evidence.measures.loss) <= 200
    assert evidence.measures.gradients[0] == evidence.measures.gradients[1] > 0


@pytest.mark.thorough
def test_evidence_of_the_transformer_holds_a_picture_of_its_attention():
    _, evidence = run("transformer")
    heads = evidence.measures.beside["attention"]["weights"]
    assert [len(heads), len(heads[0]), len(heads[0][0])] == [2, 8, 8]
    assert max(sum(heads[h][row][row - 4] for row in range(4, 8)) for h in range(2)) > 2


def test_the_same_code_meets_the_same_challenge():
    first, second = run("perceptron")[1], run("perceptron")[1]
    assert first.key == second.key
    assert first.measures.loss == second.measures.loss


def test_other_code_meets_another_challenge():
    assert trial("perceptron").seed != trial("perceptron", setup="# changed").seed


WRONG = [
    pytest.param("mlp_digits", "updates", "training", "SGD.step = lambda self: None", id="no-op"),
    pytest.param(
        "mlp_digits",
        "loss",
        "training",
        "_init = SGD.__init__\n"
        "def _climb(self, params, lr, momentum=0.0):\n"
        "    _init(self, params, lr, momentum)\n"
        "    self.lr = -lr\n"
        "SGD.__init__ = _climb",
        id="ascent",
    ),
    pytest.param(
        "xor",
        "gradients",
        "nn",
        "@gradient_of('tanh')\ndef _zero(grad, out, x): return (grad * 0,)",
        id="zero gradients",
    ),
    pytest.param(
        "mlp_digits",
        "loss",
        "training",
        "_right = cross_entropy\n"
        "def cross_entropy(logits, labels): return _right(logits, labels) * float('nan')",
        id="NaN loss",
    ),
    pytest.param(
        "transformer",
        "accuracy",
        "attention",
        "_right = scaled_dot_product_attention\n"
        "def scaled_dot_product_attention(q, k, v, mask=None):\n"
        "    out, weights = _right(q, k, v, mask)\n"
        "    return out * 0, weights",
        id="attention puts out zero",
    ),
    pytest.param(
        "transformer",
        "accuracy",
        "attention",
        "def scaled_dot_product_attention(q, k, v, mask=None):\n"
        "    weights = softmax(attention_scores(q * 0, k * 0), axis=-1)\n"
        "    return weights @ v, weights",
        id="attention is uniform",
    ),
    pytest.param(
        "transformer",
        "accuracy",
        "embeddings",
        "PositionalEncoding.forward = lambda self, x: x + 0 * embedding(\n"
        "    np.arange(x.shape[1]), self.weight)",
        id="no positions",
    ),
    # With one block, the last position sees the same with and without a mask: some networks write
    # the right copy, but no loss is that of a masked one.
    pytest.param(
        "transformer",
        "losses",
        "attention",
        "def causal_mask(n): return np.ones((n, n), dtype=bool)",
        id="no mask",
    ),
    pytest.param(
        "transformer",
        "losses",
        "attention",
        "def causal_mask(n): return np.tril(np.ones((n, n), dtype=bool), 1)",
        id="mask off by one",
    ),
]


@pytest.mark.parametrize(
    ("milestone", "claim", "module", "code"), first(WRONG, "no-op", "zero gradients", "NaN loss")
)
def test_a_wrong_library_fails_the_claim_it_breaks(milestone, claim, module, code):
    checks, _ = run(milestone, **{module: code})
    assert checks[claim].outcome is Outcome.FAILED, checks[claim].message
    assert checks[claim].hint


def test_a_failed_claim_says_what_was_measured_and_what_was_required():
    checks, _ = run("mlp_digits", training="SGD.step = lambda self: None")
    assert "required > 50 %" in checks["loss"].message
    assert "required > 80 %" in checks["accuracy"].message
    assert "hidden.weight" in checks["updates"].message


def test_a_process_that_ends_early_is_silence_not_success():
    code = "import os\nLinear.forward = lambda self, x: os._exit(0)"
    checks, evidence = run("xor", nn=code)
    assert {c.outcome for c in checks.values()} == {Outcome.MISSING}
    assert "exit status 0" in checks["loss"].message
    assert not evidence.passed


@pytest.mark.thorough
def test_a_training_that_hangs_is_stopped():
    hanging = trial("xor", nn="def relu(x): pass\ndef tanh(x):\n    while True: pass")
    limits = Limits(wall_s=3.0, cpu_s=5, report_mb=8)
    evidence = trials.run(hanging, ProcessSandbox(), ROOT, limits)
    assert evidence.checks[0].outcome is Outcome.TIMED_OUT
    assert evidence.checks[1].outcome is Outcome.MISSING
    assert evidence.duration_s < 8


def test_an_error_in_the_library_names_the_line():
    checks, _ = run("xor", nn="def tanh(x):\n    return x.data.no_such_thing")
    assert checks["loss"].outcome is Outcome.ERRORED
    assert "no_such_thing" in checks["loss"].message
    assert re.search(r"tinytorch/core/nn.py:\d+: return x.data.no_such_thing", checks["loss"].where)


def test_code_that_is_not_written_is_to_do():
    code = "def tanh(x): raise NotImplementedError('write tanh()')"
    checks, _ = run("xor", nn=code)
    assert checks["loss"].outcome is Outcome.TODO


@pytest.mark.thorough
def test_a_loader_that_drops_the_last_batch_is_named():
    code = (
        "_all = DataLoader.__iter__\n"
        "def _drop(self): return (b for b in _all(self) if len(b[0]) == self.batch_size)\n"
        "DataLoader.__iter__ = _drop"
    )
    checks, _ = run("mlp_digits", training=code)
    assert checks["loss"].outcome is Outcome.FAILED
    assert "fewer than the 512 steps" in checks["loss"].message
    assert "every example once" in checks["loss"].hint


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda path: path.unlink(), "is missing", id="missing"),
        pytest.param(lambda path: path.write_bytes(b"PK"), "is damaged", id="damaged"),
    ],
)
def test_missing_data_are_never_a_pass(tmp_path, damage, said):
    data = tmp_path / "tests/milestones/data"
    shutil.copytree(ROOT / "tests/milestones/data", data)
    damage(data / "digits.npz")
    with pytest.raises(CourseError, match=said):
        trials.run(trial("cnn"), ProcessSandbox(), tmp_path)


@pytest.fixture
def student(tmp_path) -> Path:
    """A repository with a complete course in which everything is committed."""
    shutil.copytree(ROOT / "modules", tmp_path / "modules")
    shutil.copytree(ROOT / "tests/milestones", tmp_path / "tests/milestones")
    shutil.copy(ROOT / "course.yaml", tmp_path)
    for path, text in package_files(list(LESSONS.values())).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8", newline="\n")
    commit(tmp_path)
    return tmp_path


def commit(top: Path) -> None:
    git = Git(top)
    git.run("init", "-q")
    git.run("add", "--all")
    git.run("-c", "user.name=s", "-c", "user.email=s@x", "commit", "-q", "--no-verify", "-m", "x")


def learning(top: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The course's own test of one milestone, in a pytest of its own."""
    file = f"tests/milestones/test_learning_verification.py::test_{test}_learning"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", file, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=top, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.thorough
def test_the_pytest_of_a_milestone_passes_shows_and_earns(student):
    done = learning(student, "perceptron", "--revision", "HEAD")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "max |gradient|" in done.stdout
    assert "Loss decreases (> 50 %)" in done.stdout
    earned = (student / ".git/tito/earned/perceptron.json").read_text()
    assert Git(student).text("rev-parse", "HEAD") in earned


@pytest.mark.thorough
def test_the_pytest_of_a_locked_milestone_fails_and_lists_what_is_missing(student):
    lesson = student / "modules/01_tensor/tensor.py"
    stub = '\n# %%\n#| export\ndef exp(a):\n    raise NotImplementedError("write exp()")\n'
    lesson.write_text(lesson.read_text(encoding="utf-8") + stub, encoding="utf-8")
    done = learning(student, "perceptron")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1957 - The Perceptron is locked. Not complete:" in done.stdout
    assert re.search(r"01_tensor: \d+ of \d+ tests", done.stdout)
    assert "02_autograd: waits for 01_tensor" in done.stdout


def test_a_working_tree_proves_but_only_a_commit_earns(student):
    ledger = MemoryLedger()
    engine = Engine(reading.load(student), ledger, ProcessSandbox())
    milestone = engine.course.milestone("perceptron")
    verdict = engine.verify(of_working_tree(student), milestone)
    assert verdict.state is MilestoneState.ACHIEVED
    assert ledger.earned("perceptron") is None
    head = of_commit(Git(student), "HEAD")
    assert engine.verify(head, milestone).earned == ledger.earned("perceptron")
    assert ledger.earned("perceptron").commit == head.name


def test_the_hooks_do_not_pay_for_numpy():
    code = "import sys; import grader.grading.engine; sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0
