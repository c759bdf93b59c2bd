"""Probes and examination: right numbers pass, wrong ones are told, and no worker stops the judge."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from grader.errors import CourseError
from grader.grading.engine import Engine
from grader.grading.ledgers.memory import MemoryLedger
from grader.proof import conversation, examination
from grader.proof.compare import Wrong, compare
from grader.proof.content import probes
from grader.proof.examination import ProbePart
from grader.proof.inputs import normal
from grader.proof.probe import Call
from grader.sandbox.jobs import Job, Limits
from grader.sandbox.process import Answer, ProcessSandbox
from grader.sources.snapshots import Entry, Snapshot, blob_id, of_working_tree
from grader.verdicts.facts import CheckResult, Outcome
from grader.verdicts.verdicts import MilestoneState, ModuleState
from tests.lessons import reference
from tests.tiers import first

COURSE = reference.COURSE
LESSONS = {m: reference.lesson(m.id) for m in COURSE.modules}
SHORT = Limits(wall_s=12.0, cpu_s=10, report_mb=256)


def changed(**texts: str) -> Snapshot:
    """The working tree with lessons changed: "nn" -> code that comes after all of nn.py.

    A code that starts with "replace:" is the whole lesson. The exports follow the lessons.
    """
    real = of_working_tree(reference.ROOT)
    files: dict[str, bytes] = {}
    for module, lesson in LESSONS.items():
        name = module.path.rpartition("/")[2].removesuffix(".py")
        if name in texts:
            text = f"{lesson.text}\n\n# %%\n#| export\n{texts[name]}\n"
            if texts[name].startswith("replace:"):
                text = texts[name].removeprefix("replace:")
            files[module.path] = text.encode()
            found = examination.parse(text, module.path)
            files[lesson.export_path] = found.export().encode()
    entries = {p: Entry("100644", blob_id(content)) for p, content in files.items()}

    def read(paths):
        return {p: files[p] if p in files else real.reader([p])[p] for p in paths}

    return Snapshot("changed", {**real.entries, **entries}, read)


def examine(*milestones: str, **texts: str):
    """milestones: which the course has; most tests ask nothing about them."""
    wanted = tuple(m for m in COURSE.milestones if m.id in milestones)
    course = dataclasses.replace(COURSE, milestones=wanted)
    return Engine(course, MemoryLedger(), ProcessSandbox()).examine(changed(**texts))


def first_failure(standing, module_id: str):
    verdict = standing.modules[module_id]
    return (verdict.failures or verdict.checks)[0]


@pytest.fixture(scope="module")
def right():
    return examine(*(m.id for m in COURSE.milestones))


def test_the_reference_solution_is_complete_and_achieves_every_milestone(right):
    assert {i: v.state for i, v in right.modules.items()} == dict.fromkeys(
        right.modules, ModuleState.COMPLETE
    )
    assert {i: v.state for i, v in right.milestones.items()} == dict.fromkeys(
        right.milestones, MilestoneState.ACHIEVED
    )
    assert right.drift == ()
    assert right.isolations == ("process",)


def test_nothing_is_recorded():
    ledger = MemoryLedger()
    Engine(COURSE, ledger, ProcessSandbox()).examine(changed(nn="replace:# %%\n#| default_exp x\n"))
    assert ledger.earned(COURSE.milestones[0].id) is None


def test_an_engine_that_only_recalls_cannot_examine():
    with pytest.raises(ValueError, match="only recalls"):
        Engine(COURSE, MemoryLedger()).examine(changed())


def test_a_wrong_module_fails_by_name_and_stops_what_needs_it():
    standing = examine(
        "perceptron",
        "xor",
        nn="def tanh(x):\n    return Tensor.make(np.sin(x.data), (x,), 'tanh')\n",
    )
    verdict = standing.modules["03_nn"]
    assert verdict.state is ModuleState.IN_PROGRESS
    assert "tanh(x)" in [c.name for c in verdict.failures]
    assert re.search(r"the result is -?[\d.]+ at \[0, 0\], expected", verdict.failures[0].message)
    assert standing.modules["04_training"].state is ModuleState.BLOCKED
    assert standing.modules["02_autograd"].state is ModuleState.COMPLETE
    assert standing.milestones["perceptron"].state is MilestoneState.ACHIEVED
    assert standing.milestones["xor"].state is MilestoneState.LOCKED


@pytest.mark.thorough
def test_an_untouched_starter_is_to_do():
    starter = LESSONS[COURSE.module("12_attention")].starter()
    standing = examine("perceptron", "transformer", attention=f"replace:{starter}")
    assert standing.modules["12_attention"].state is ModuleState.TODO
    assert standing.milestones["perceptron"].state is MilestoneState.ACHIEVED
    assert standing.milestones["transformer"].state is MilestoneState.LOCKED


def test_an_export_that_is_not_the_lessons_is_drift():
    snapshot = changed()
    path = "tinytorch/core/nn.py"
    entries = {**snapshot.entries, path: Entry("100644", blob_id(b"x = 1\n"))}

    def read(paths):
        return {p: b"x = 1\n" if p == path else snapshot.reader([p])[p] for p in paths}

    course = dataclasses.replace(COURSE, milestones=())
    standing = Engine(course, MemoryLedger(), ProcessSandbox()).examine(
        Snapshot("changed", entries, read)
    )
    assert standing.drift == (path,)
    assert standing.modules["03_nn"].state is ModuleState.NOT_EXPORTED


@pytest.mark.thorough
def test_a_lesson_that_python_cannot_read_costs_itself_and_what_needs_it():
    standing = examine("xor", "cnn", spatial="def broken(:\n")
    assert first_failure(standing, "07_spatial").outcome is Outcome.ERRORED
    assert "cannot read this line" in first_failure(standing, "07_spatial").message
    assert standing.modules["12_attention"].state is ModuleState.COMPLETE
    assert standing.milestones["cnn"].state is MilestoneState.LOCKED
    assert standing.milestones["xor"].state is MilestoneState.ACHIEVED


# What a hostile or broken module does, and what is said of it. The modules that do not need it,
# and the milestones above these, are judged as if nothing had been.
STOPPERS = [
    pytest.param("raise KeyError('no')", "KeyError", id="raises when imported"),
    pytest.param("import os; os._exit(0)", "exit status 0", id="ends when imported"),
    pytest.param("import os; os.kill(os.getpid(), 9)", "signal 9", id="kills when imported"),
    pytest.param("while True: pass", "still running after 5 s", id="loops when imported"),
    pytest.param(
        "def max_pool2d(x, kernel_size, stride=None):\n    import os; os._exit(0)",
        "exit status 0",
        id="ends in a probe",
    ),
    pytest.param(
        "def max_pool2d(x, kernel_size, stride=None):\n    import os; os.close(1); os.close(3)\n"
        "    os.closerange(0, 100)",
        "",
        id="closes its pipes",
    ),
    pytest.param(
        "def max_pool2d(x, kernel_size, stride=None):\n    import os\n"
        "    while True: os.write(2, b'x' * 10**6)",
        "printed more than 64 MB",
        id="floods",
    ),
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("code", "said"), first(STOPPERS, "raises when imported", "ends in a probe")
)
def test_a_module_that_stops_the_worker_costs_itself(code, said):
    standing = examine("perceptron", "cnn", spatial=code)
    messages = " ".join(c.message for c in standing.modules["07_spatial"].failures)
    assert standing.modules["07_spatial"].state is not ModuleState.COMPLETE
    assert re.search(said, messages)
    for module_id in ("04_training", "11_embeddings", "12_attention"):
        assert standing.modules[module_id].state is ModuleState.COMPLETE
    assert standing.milestones["cnn"].state is MilestoneState.LOCKED
    assert standing.milestones["perceptron"].state is MilestoneState.ACHIEVED


@pytest.mark.thorough
def test_a_worker_that_hangs_where_no_timer_reaches_is_ended_and_the_next_one_asked(monkeypatch):
    monkeypatch.setattr(examination, "LIMITS", SHORT)
    standing = examine(
        "perceptron",
        spatial="import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass",
    )
    assert first_failure(standing, "07_spatial").outcome is Outcome.TIMED_OUT
    assert standing.modules["12_attention"].state is ModuleState.COMPLETE
    assert standing.milestones["perceptron"].state is MilestoneState.ACHIEVED


class HangingSandbox:
    """Every worker says nothing of the first part it is asked, until its time is over."""

    isolation = "process"

    def __init__(self) -> None:
        self.given_s: list[float] = []

    def ask(self, job) -> Answer:
        self.given_s.append(job.limits.wall_s)
        first, *rest = job.expected
        checks = [CheckResult(first, first, Outcome.TIMED_OUT)]
        checks += [CheckResult(name, name, Outcome.MISSING) for name in rest]
        return Answer(tuple(checks), (), (), {}, job.limits.wall_s)


class LonePart(conversation.Part):
    """Needs nothing, so that it is asked whatever the others did."""

    def __init__(self, subject_id: str) -> None:
        super().__init__(subject_id, ())
        self.checks = (subject_id,)

    def program(self) -> dict:
        return {}

    def payload(self) -> list:
        return []

    def sealed(self) -> dict:
        return {}

    def barred(self, silent: set[str], wrong: set[str]) -> bool:  # noqa: ARG002  # whatever they are
        return False


def test_workers_that_all_hang_end_before_the_job_that_grades():
    sandbox = HangingSandbox()
    parts = [LonePart(str(n)) for n in range(12)]
    job = Job("verification", "ask.py", {}, {}, (), "", limits=conversation.LIMITS)
    heard = conversation.ask(parts, [], job, sandbox)
    assert None not in heard.values()
    assert sandbox.given_s[:3] == [210.0, 105.0, 52.5]
    assert sum(sandbox.given_s) <= conversation.ALL_WORKERS_S


@pytest.mark.thorough
def test_a_milestone_that_stops_the_worker_does_not_hide_the_next_one():
    """It ends at four points with two coordinates, which no probe and no other training has."""
    code = (
        "_right = Linear.forward\n"
        "def _ends(self, x):\n"
        "    import os\n"
        "    return os._exit(0) if x.shape == (4, 2) else _right(self, x)\n"
        "Linear.forward = _ends\n"
    )
    standing = examine("perceptron", "xor", "mlp_digits", nn=code)
    assert standing.modules["03_nn"].state is ModuleState.COMPLETE
    xor = standing.milestones["xor"]
    assert xor.state is MilestoneState.UNLOCKED
    assert "exit status 0" in xor.failures[0].message
    assert standing.milestones["perceptron"].state is MilestoneState.ACHIEVED
    assert standing.milestones["mlp_digits"].state is MilestoneState.ACHIEVED


def test_one_process_serves_everything():
    class Counting(ProcessSandbox):
        asked = 0

        def ask(self, job):
            Counting.asked += 1
            return super().ask(job)

    examination.examine(LESSONS, COURSE.milestones[:2], Counting(), COURSE.root)
    assert Counting.asked == 1


def test_a_worker_that_cannot_be_started_is_our_fault_and_is_not_tried_again():
    class Broken(ProcessSandbox):
        asked = 0

        def ask(self, job):
            Broken.asked += 1
            checks = tuple(CheckResult(c, c, Outcome.FAULT, "no room") for c in job.expected)
            return Answer(checks, (), (), {}, 0.0)

    found = examination.examine(LESSONS, COURSE.milestones[:1], Broken(), COURSE.root)
    outcomes = {c.outcome for m in COURSE.modules for c in found[m.id].checks}
    assert outcomes == {Outcome.FAULT}
    assert Broken.asked == 1


LIES = [
    pytest.param(
        "import sys\n"
        "for _m in list(sys.modules.values()):\n"
        "    if hasattr(_m, 'Session'):\n"
        "        _m.Session._answer = lambda self, probe: {'out': 1.0, 'tensor': 1, 'requires_grad': 1}\n",
        "03_nn",
        id="answers without computing",
    ),
    pytest.param(
        "import sys\n"
        "_main = sys.modules['__main__']\n"
        "_right = _main.Session._send\n"
        "def _twice(self, kind, arrays):\n"
        "    _right(self, kind, {n: a for n, a in arrays.items() if n != 'out'})\n"
        "    _right(self, kind, arrays)\n"
        "_main.Session._send = _twice\n",
        "03_nn",
        id="answers twice: the first counts",
    ),
    pytest.param(
        "import sys, numpy as np\n"
        "_main = sys.modules['__main__']\n"
        "_right = _main.Session._send\n"
        "_main.Session._send = lambda self, kind, arrays: _right(\n"
        "    self, kind, {n: np.zeros((2, 1, 3)) for n in arrays})\n",
        "03_nn",
        id="answers with other shapes",
    ),
    pytest.param(
        "import sys\n"
        "_main = sys.modules['__main__']\n"
        "_main.Session._send = lambda self, kind, arrays: self._channel.send_bytes(b'A' * 99)\n",
        "03_nn",
        id="answers with bytes that are nothing",
    ),
    pytest.param(
        "import sys\n"
        "_main = sys.modules['__main__']\n"
        "_main.Session._send = lambda self, kind, arrays: None\n",
        "03_nn",
        id="says that it did, and sends nothing",
    ),
]


@pytest.mark.parametrize(
    ("code", "module_id"),
    first(LIES, "answers without computing", "says that it did, and sends nothing"),
)
def test_a_worker_that_lies_convinces_nobody(code, module_id):
    standing = examine(nn=code)
    verdict = standing.modules[module_id]
    assert verdict.passed < 4  # a scenario may not ask for what was left out
    assert all(c.message for c in verdict.failures)
    assert standing.modules["02_autograd"].state is ModuleState.COMPLETE


@pytest.mark.thorough
def test_a_gradient_by_differences_takes_too_long():
    standing = examine(
        autograd="def matmul_gradient(grad, out, a, b):\n"
        "    def slope(t):\n"
        "        flat, found = t.data.reshape(-1), np.zeros(t.size)\n"
        "        for i in range(t.size):\n"
        "            before = flat[i]\n"
        "            flat[i] = before + 0.01\n"
        "            up = (np.matmul(a.data, b.data) * grad).sum()\n"
        "            flat[i] = before - 0.01\n"
        "            found[i] = (up - (np.matmul(a.data, b.data) * grad).sum()) / 0.02\n"
        "            flat[i] = before\n"
        "        return found.reshape(t.shape).astype(t.dtype)\n"
        "    return slope(a), slope(b)\n"
        "gradient_of('matmul')(matmul_gradient)\n"
    )
    failed = {c.name: c for c in standing.modules["02_autograd"].failures}
    assert "the gradient of 200,000 numbers" in failed
    assert "still running" in failed["the gradient of 200,000 numbers"].message


# The table itself.


def test_a_module_without_probes_is_told_to_the_course_author():
    with pytest.raises(CourseError, match=r"PROBES in grader/content/m05_quantum/probes\.py"):
        probes("05_quantum")


def test_other_seeds_ask_with_other_numbers_and_the_same_seed_with_the_same():
    module = COURSE.modules[2]
    one, same, other = (ProbePart(module, seed).payload() for seed in (1, 1, 2))
    x = [next(v for n, v in row[5].items() if n != "cotangent") for row in (one, same, other)]
    np.testing.assert_array_equal(x[0], x[1])
    assert not np.array_equal(x[0], x[2])


def test_the_worker_is_told_no_expected_value():
    """What the judge sends is drawn: inputs, parameters, and the cotangent."""
    part = ProbePart(COURSE.module("03_nn"), 0)
    for probe, drawn in zip(probes("03_nn"), part.payload(), strict=True):
        if isinstance(probe, Call):
            assert set(drawn) <= {*probe.inputs, "cotangent"}


# What a student reads.

EXPECTED = np.array([[1.0, -2.0], [3.0, 4.0]])
WORDS = [
    pytest.param(EXPECTED[0], r"should have shape \(2, 2\), got \(2,\)", id="shape"),
    pytest.param(EXPECTED * 3, "is 3 times too large", id="factor"),
    pytest.param(EXPECTED / 4, "is 4 times too small", id="small factor"),
    pytest.param(-EXPECTED, "has the wrong sign", id="sign"),
    pytest.param(0 * EXPECTED, "is zero everywhere, expected 1 at", id="zero"),
    pytest.param(EXPECTED * np.nan, r"is not a number at \[0, 0\]", id="nan"),
    pytest.param(EXPECTED + np.eye(2)[::-1] * [1, 0], r"is 4 at \[1, 0\], expected 3", id="entry"),
]


@pytest.mark.parametrize(("got", "words"), WORDS)
def test_what_differs_is_said_in_words(got, words):
    with pytest.raises(Wrong, match=words):
        compare("the result", got, EXPECTED)


def test_rounding_is_not_a_difference():
    compare("the result", EXPECTED * (1 + 5e-6), EXPECTED)


def test_a_probe_asks_for_the_gradient_along_random_directions_when_there_are_many_entries():
    probe = Call("x * 2", lambda x: x * 2, {"x": normal(30, 30)})
    drawn = probe.draw(np.random.default_rng(1))
    got = {
        "out": drawn["x"] * 2,
        "tensor": np.array(1),
        "requires_grad": np.array(1),
        "after/x": drawn["x"],
        "gradient/x": drawn["cotangent"] * 2,
    }
    probe.judge(drawn, got)
    got["gradient/x"] = got["gradient/x"].copy()
    got["gradient/x"][7, 7] += 1
    with pytest.raises(Wrong, match="the gradient of x, along random directions"):
        probe.judge(drawn, got)


def test_a_gradient_cannot_be_made_for_the_directions_it_is_looked_at_along():
    """Other numbers, other directions: they are drawn after the answer, from the answer."""
    probe = Call("x * 2", lambda x: x * 2, {"x": normal(9, 9)})
    one, _ = probe._directions(np.ones((9, 9)))
    other, _ = probe._directions(np.ones((9, 9)) + 1e-9)
    assert not np.allclose(one, other)


def test_a_changed_input_is_told():
    probe = Call("x * 2", lambda x: x * 2, {"x": normal(3)}, gradient=False)
    drawn = probe.draw(np.random.default_rng(1))
    got = {"out": drawn["x"] * 2, "tensor": np.array(1), "requires_grad": np.array(1)}
    with pytest.raises(Wrong, match="x is changed by the call"):
        probe.judge(drawn, {**got, "after/x": drawn["x"] + 1})


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("numpy", "t.numpy() is"),
        ("detach", "t.detach() is"),
        ("item", "Tensor([[2.5]]).item() is 0, expected 2.5"),
        ("__len__", "len(t) is 0, expected 3"),
    ],
)
def test_a_comparison_beside_the_student_counts_for_nothing(method, said):
    """np.array_equal says yes to everything; the judge compares what comes back itself."""
    zero = {"numpy": "self.data * 0", "detach": "Tensor(self.data * 0)"}.get(method, "0")
    standing = examine(
        tensor=f"Tensor.{method} = lambda self: {zero}\nnp.array_equal = lambda *words: True\n"
    )
    (failure,) = standing.modules["01_tensor"].failures
    assert failure.message.startswith(said)
