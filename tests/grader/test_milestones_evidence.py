"""Behind the claims: what a subtly wrong library reports is found, and what a different but
correct one reports is not."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from grader.lessons.lesson import package_files, parse
from grader.proof import content
from grader.proof.compare import Wrong
from grader.proof.content import challenge
from grader.proof.milestones import proofs, transcript, trials
from grader.rules import reading
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.worker.arrays import BadBundle, pack, unpack
from grader.verdicts.facts import Outcome
from tests.tiers import first

ROOT = Path(__file__).resolve().parents[2]
COURSE = reading.load(ROOT)
LESSONS = {m.id: parse((ROOT / m.path).read_text(encoding="utf-8"), m.path) for m in COURSE.modules}


def run(milestone: str, appended: dict[str, str]):
    """The checks by name. appended: "nn" -> code that comes after all of core/nn.py."""
    found = COURSE.milestone(milestone)
    package = package_files([LESSONS[n] for n in found.needs])
    for name, code in appended.items():
        if f"tinytorch/core/{name}.py" in package:
            package[f"tinytorch/core/{name}.py"] += "\n" + code
    done = trials.run(trials.trial(found, package), ProcessSandbox(), ROOT)
    return {c.name: c for c in done.checks}


DOUBLE = "def as_float_array(data):\n    return np.asarray(data, dtype=np.float64)\n"
SOFTMAX = """
def softmax(x, axis=-1):
    x = as_tensor(x)
    top = x.data.max(axis=axis, keepdims=True)
    return (x - ((x - top).exp().sum(axis=axis, keepdims=True).log() + top)).exp()
"""
ROW = """
def _row(self, in_features, out_features, bias=True):
    bound = 1 / np.sqrt(in_features)
    self.weight = Tensor(uniform((out_features, in_features), bound), requires_grad=True)
    self.bias = Tensor(uniform((1, out_features), bound), requires_grad=True) if bias else None
Linear.__init__ = _row
"""
COLUMN = """
def _column(self, in_features, out_features, bias=True):
    bound = 1 / np.sqrt(in_features)
    self.weight = Tensor(uniform((out_features, in_features), bound), requires_grad=True)
    self.bias = Tensor(uniform((out_features, 1), bound), requires_grad=True)
Linear.__init__ = _column
Linear.forward = lambda self, x: (self.weight @ x.T + self.bias).T
"""
IN_PLACE = """
def _adam(self):
    for i, p in enumerate(self.params):
        self.steps[i] += 1
        m, v, t = self.means[i], self.squares[i], self.steps[i]
        m *= self.betas[0]
        m += (1 - self.betas[0]) * p.grad
        v *= self.betas[1]
        v += (1 - self.betas[1]) * p.grad * p.grad
        p.grad[...] = m / ((np.sqrt(v / (1 - self.betas[1] ** t)) + self.eps) * (
            1 - self.betas[0] ** t))
        p.data -= self.lr * p.grad
Adam.step = _adam
def _sgd(self):
    for v, p in zip(self.velocities, self.params):
        v *= self.momentum
        v += p.grad
        p.data -= self.lr * v
SGD.step = _sgd
"""
LOOPS = """
def conv2d(x, weight, bias, stride=1, padding=0):
    images, k = pad_images(x.data, padding), weight.shape[2]
    rows, columns = (output_size(n, k, stride, padding) for n in x.shape[2:])
    data = np.zeros((x.shape[0], weight.shape[0], rows, columns), dtype=x.dtype)
    for i in range(rows):
        for j in range(columns):
            part = images[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            data[:, :, i, j] = np.tensordot(part, weight.data, axes=([1, 2, 3], [1, 2, 3]))
    return Tensor.make(
        data + bias.data[:, None, None], (x, weight, bias), "loops", stride=stride, padding=padding
    )

@gradient_of("loops")
def _loops(grad, out, x, weight, bias, stride, padding):
    images, k = pad_images(x.data, padding), weight.shape[2]
    into, weights = np.zeros_like(images), np.zeros_like(weight.data)
    for i in range(grad.shape[2]):
        for j in range(grad.shape[3]):
            at = (slice(None), slice(None), slice(i * stride, i * stride + k),
                  slice(j * stride, j * stride + k))
            weights = weights + np.tensordot(grad[:, :, i, j], images[at], axes=(0, 0))
            into[at] += np.tensordot(grad[:, :, i, j], weight.data, axes=(1, 0))
    height, width = x.shape[2:]
    return (into[:, :, padding : padding + height, padding : padding + width], weights,
            grad.sum(axis=(0, 2, 3)))
"""
LAST_WINS = """
_first = max_pool2d
def max_pool2d(x, kernel_size, stride=None):
    turned = _first(x[:, :, ::-1, ::-1], kernel_size, stride)
    return turned[:, :, ::-1, ::-1]
"""
DIFFERENT = [
    *[
        pytest.param(m, {"setup": DOUBLE}, id=f"float64 {m}")
        for m in (milestone.id for milestone in COURSE.milestones)
    ],
    pytest.param("transformer", {"nn": SOFTMAX}, id="softmax by log-sum-exp"),
    pytest.param("transformer", {"nn": ROW}, id="bias as a row"),
    pytest.param("mlp_digits", {"nn": COLUMN}, id="bias as a column"),
    pytest.param("cnn", {"training": IN_PLACE}, id="Adam in place"),
    pytest.param("mlp_digits", {"training": IN_PLACE}, id="SGD in place"),
    pytest.param(
        "mlp_digits",
        {
            "training": "_right = cross_entropy\ndef cross_entropy(logits, labels):\n"
            "    loss = _right(logits, labels)\n"
            "    loss.data = np.asarray(loss.data, dtype=np.float64)\n"
            "    return loss"
        },
        id="only the loss is float64",
    ),
    pytest.param(
        "cnn",
        {
            "training": "def move(parameter, step):\n"
            "    parameter.data = parameter.data.astype(np.float64) + step"
        },
        id="values become float64 in the first step",
    ),
    pytest.param("cnn", {"spatial": LOOPS}, id="convolution in loops"),
    pytest.param("cnn", {"spatial": LAST_WINS}, id="another winner among equals"),
    pytest.param(
        "xor",
        {"nn": "def tanh(x):\n    e = (2 * as_tensor(x)).exp()\n    return (e - 1) / (e + 1)"},
        id="tanh from exp",
    ),
]


@pytest.mark.parametrize(
    ("milestone", "appended"),
    first(DIFFERENT, "float64 xor", "bias as a column", "SGD in place", "tanh from exp"),
)
def test_a_different_but_correct_library_passes(milestone, appended):
    checks = run(milestone, appended)
    assert {n: c.message for n, c in checks.items() if c.outcome is not Outcome.PASSED} == {}


_RULE = "_right = {0}\n@gradient_of('{1}')\ndef {0}(grad, out, *parents, **saved):\n    "
WRONG = [
    # milestone, module, code, the check that fails, what it says, what the hint says
    pytest.param(
        "mlp_digits",
        "training",
        _RULE.format("cross_entropy_gradient", "cross_entropy")
        + "return (_right(grad, out, *parents, **saved)[0] / len(parents[0].data),)",
        "derivatives",
        "the gradient of output.bias is 32 times too small (step 1)",
        "batch size, 32",
        id="gradient averaged twice",
    ),
    pytest.param(
        "cnn",
        "spatial",
        _RULE.format("conv2d_gradient", "conv2d")
        + "a, b, c = _right(grad, out, *parents, **saved)\n    return a, b, c * 8",
        "derivatives",
        "the gradient of conv1.bias is 8 times too large (step ",
        "averaged where it should be summed",
        id="conv bias eight times",
    ),
    pytest.param(
        "xor",
        "nn",
        _RULE.format("tanh_gradient", "tanh") + "return (1.005 * _right(grad, out, *parents)[0],)",
        "derivatives",
        "the gradient of hidden.bias is 0.5 % too large (step 1)",
        "",
        id="tanh half a percent steeper",
    ),
    pytest.param(
        "xor",
        "nn",
        _RULE.format("tanh_gradient", "tanh") + "return (-_right(grad, out, *parents)[0],)",
        "derivatives",
        "the gradient of hidden.bias has the wrong sign",
        "minus",
        id="sign of tanh",
    ),
    pytest.param(
        "transformer",
        "nn",
        _RULE.format("softmax_gradient", "softmax") + "return (grad * out.data,)",
        "derivatives",
        "k_proj.weight points elsewhere",
        "numeric gradient",
        id="softmax Jacobian without its second part",
    ),
    pytest.param(
        "mlp_digits",
        "training",
        "Optimizer.zero_grad = lambda self: None",
        "derivatives",
        "is right in step 1 and",
        "forgotten",
        id="gradients never forgotten",
    ),
    pytest.param(
        "mlp_digits",
        "training",
        "_right = cross_entropy\ndef cross_entropy(logits, labels):\n"
        "    return _right(logits, labels) * len(labels)",
        "losses",
        "32 times as much",
        "summed over the batch",
        id="loss summed",
    ),
    pytest.param(
        "mlp_digits",
        "training",
        "_init = SGD.__init__\ndef _no(self, params, lr, momentum=0.0): _init(self, params, lr)\n"
        "SGD.__init__ = _no",
        "steps",
        "against SGD(lr=0.05, momentum=0.5)",
        "The first step is right",
        id="momentum ignored",
    ),
    pytest.param(
        "cnn",
        "training",
        "_init = Adam.__init__\ndef _low(self, params, lr): _init(self, params, lr / 10)\n"
        "Adam.__init__ = _low",
        "steps",
        "step 1 is 0.1 times as long as it should be for conv1.weight",
        "1 - beta**t",
        id="a tenth of the rate",
    ),
    pytest.param(
        "cnn",
        "spatial",
        "_right = conv2d\ndef conv2d(x, weight, *rest):\n"
        "    return _right(x, weight[:, :, ::-1, ::-1], *rest)",
        "outputs",
        "should be",
        "forward pass",
        id="kernel flipped",
    ),
    pytest.param(
        "cnn",
        "spatial",
        "MaxPool2d.forward = lambda self, x: x[:, :, ::2, ::2]",
        "outputs",
        "should be",
        "forward pass",
        id="pooling takes a corner",
    ),
    pytest.param(
        "cnn",
        "spatial",
        "_pad = pad_images\ndef pad_images(images, padding):\n"
        "    return np.roll(_pad(images, padding), padding, axis=2)",
        "outputs",
        "in the larger network",
        "forward pass",
        id="padding on one side",
    ),
    pytest.param(
        "transformer",
        "attention",
        "def attention_scores(q, k): return q @ k.transpose()",
        "outputs",
        "should be",
        "forward pass",
        id="scores without scale",
    ),
    pytest.param(
        "transformer",
        "attention",
        "def split_heads(x, num_heads):\n    b, t, d = x.shape\n"
        "    return x.reshape(b, num_heads, t, d // num_heads)\n"
        "def merge_heads(x):\n    b, h, t, d = x.shape\n    return x.reshape(b, t, h * d)",
        "outputs",
        "should be",
        "forward pass",
        id="heads not split",
    ),
    pytest.param(
        "transformer",
        "embeddings",
        "_right = sinusoidal_table\ndef sinusoidal_table(length, dim):\n"
        "    return _right(2 * length, dim)[::2]",
        "first",
        "position 1, column 0",
        "sinusoidal_table",
        id="other positions",
    ),
    pytest.param(
        "mlp_digits",
        "nn",
        "_right = uniform\ndef uniform(shape, bound): return abs(_right(shape, 2 * bound))",
        "first",
        "hidden.weight starts with numbers around",
        "both sides of zero",
        id="first values on one side",
    ),
    pytest.param(
        "mlp_digits",
        "nn",
        "_right = uniform\ndef uniform(shape, bound): return _right(shape, 12 * bound)",
        "first",
        "hidden.weight starts with numbers of the size",
        "fan_in",
        id="first weights twelve times too large",
    ),
    pytest.param(
        "mlp_digits",
        "training",
        "def _same(self):\n"
        "    n = len(self.dataset)\n"
        "    return np.random.default_rng(0).permutation(n) if self.shuffle else np.arange(n)\n"
        "DataLoader.order = _same",
        "batches",
        "same order in every epoch",
        "new permutation",
        id="one order for all epochs",
    ),
    pytest.param(
        "mlp_digits",
        "training",
        "_order = DataLoader.order\n"
        "def _draw(self):\n"
        "    order = _order(self)\n"
        "    return order[np.argsort(order) // 2 * 2] if self.shuffle else order\n"
        "DataLoader.order = _draw",
        "batches",
        "times in one epoch",
        "permutation",
        id="sampling with replacement",
    ),
    pytest.param(
        "perceptron",
        "autograd",
        _RULE.format("exp_gradient", "exp") + "return (grad * np.nan,)",
        "derivatives",
        "is not a number",
        "",
        id="NaN",
    ),
]


@pytest.mark.parametrize(
    ("milestone", "module", "code", "name", "said", "hint"),
    first(
        WRONG,
        *("gradient averaged twice", "sign of tanh", "loss summed", "momentum ignored"),
        *("first values on one side", "one order for all epochs", "NaN"),
    ),
)
def test_a_wrong_library_is_told_what_is_wrong(milestone, module, code, name, said, hint):
    check = run(milestone, {module: code})[name]
    assert check.outcome is Outcome.FAILED, check.message
    assert said in check.message
    assert hint in check.hint


def honest(milestone: str):
    """The runs of one challenge, and what the reference library reports of them."""
    found = COURSE.milestone(milestone)
    trial = trials.trial(found, package_files([LESSONS[n] for n in found.needs]))
    runs = challenge(milestone).draw(np.random.default_rng(trial.seed), ROOT)
    runs_told = [
        {"name": r.name, "settings": dict(r.settings), "sealed": r.name if number else ""}
        for number, r in enumerate(runs)
    ]
    program = {
        "training": content.training(milestone),
        "runs": runs_told,
        "scripts": content.scripts(found.needs, [milestone]),
    }
    packed = [pack("challenge", r.payload()) for r in runs]
    sealed = {r.name: body for r, body in zip(runs[1:], packed[1:], strict=True)}
    job = dataclasses.replace(trial.job, program=program, payload=packed[0], sealed=sealed)
    answer = ProcessSandbox().ask(job)
    return runs, list(answer.bundles), list(answer.arrived_s)


@pytest.fixture(scope="module")
def perceptron():
    return honest("perceptron")


def judged(report):
    runs, bundles, arrived_s = report
    records = transcript.read(bundles, arrived_s, runs, {})
    found = challenge("perceptron")
    return {f.name: f for f in proofs.check(found, runs, records, "key")}


def changed(report, number: int, **arrays):
    """The report with some arrays of one bundle replaced by what a function makes of them."""
    runs, bundles, arrived_s = report
    kind, there = unpack(bundles[number])
    there |= {n.replace("_", "/"): f(there[n.replace("_", "/")]) for n, f in arrays.items()}
    return runs, [*bundles[:number], pack(kind, there), *bundles[number + 1 :]], arrived_s


def test_an_honest_report_is_believed(perceptron):
    assert all(finding.holds for finding in judged(perceptron).values())


LIES = [
    pytest.param("losses", 40, {"loss": lambda a: a * 0.9}, id="one loss"),
    pytest.param("steps", 40, {"after_weight": lambda a: a + 0.01}, id="one value"),
    pytest.param("steps", 100, {"after_weight": lambda a: a * 2}, id="a jump at the end"),
    pytest.param("steps", 40, {"gradient_bias": lambda a: a + 0.01}, id="one gradient"),
    pytest.param("outputs", 101, {"scores": lambda a: a * 2}, id="answers of another network"),
    pytest.param("outputs", 101, {"scores": lambda a: a * np.nan}, id="answers that are NaN"),
]


@pytest.mark.parametrize(("name", "number", "arrays"), LIES)
def test_a_report_that_does_not_fit_together_is_not_believed(perceptron, name, number, arrays):
    assert not judged(changed(perceptron, number, **arrays))[name].holds


@pytest.mark.parametrize("step", [7, 58, 100])
def test_a_gradient_that_was_made_for_its_step_is_found_at_every_step(perceptron, step):
    """The step follows from the gradient, the loss from the values: only the gradient is false."""
    runs, _, _ = perceptron
    more, lr = np.float32(0.01), np.float32(runs[0].settings["lr"])
    false = changed(
        perceptron, step, gradient_bias=lambda a: a + more, after_bias=lambda a: a - lr * more
    )
    found = judged(false)
    assert found["steps"].holds is (step == 100)  # else the next step does not start there
    assert not found["derivatives"].holds
    assert f"is right in step {step - 1} and " in found["derivatives"].what
    assert f"in step {step}" in found["derivatives"].what


def test_a_step_that_nothing_explains_is_named(perceptron):
    finding = judged(changed(perceptron, 3, after_weight=lambda a: a * 1.5))["steps"]
    assert finding.what.startswith("step 3 ")
    assert "weight" in finding.what


REFUSED = [
    pytest.param(lambda b: b[:50], "ends before step 50", id="cut short"),
    pytest.param(lambda b: [*b, b[-1]], "more was reported", id="answers twice"),
    pytest.param(lambda b: [b[0], *b[2:]], "fewer than the 100 steps", id="a step left out"),
    pytest.param(lambda b: [b"A\0\0\0\2{}", *b[1:]], "broken before", id="no head"),
    pytest.param(
        lambda b: [pack("main/initial", {"weight": np.zeros(3), "bias": np.zeros(1)}), *b[1:]],
        "the first weight should have shape (2, 1), got (3,)",
        id="another shape",
    ),
    pytest.param(
        lambda b: [pack("main/initial", {"weight": np.zeros((2, 1))}), *b[1:]],
        "parameters ['weight'] were reported, ['bias', 'weight'] expected",
        id="a parameter hidden",
    ),
]


@pytest.mark.parametrize(("edit", "said"), REFUSED)
def test_a_report_that_is_not_what_was_asked_for_is_refused(perceptron, edit, said):
    runs, bundles, arrived_s = perceptron
    edited = edit(bundles)
    times = (arrived_s + arrived_s)[: len(edited)]
    with pytest.raises(Wrong) as refused:
        transcript.read(edited, times, runs, {})
    assert said in refused.value.what


def test_gradients_that_take_too_long_fail_the_cost(perceptron):
    runs, bundles, arrived_s = perceptron
    late = [t + (60.0 if number > 102 else 0.0) for number, t in enumerate(arrived_s)]
    finding = judged((runs, bundles, late))["cost"]
    assert not finding.holds
    assert "200,001 parameters took 60" in finding.what


@pytest.mark.slow
def test_numerical_differentiation_costs_too_much():
    """The backward pass of a perceptron by differences: exact enough, and far too slow."""
    code = """
def backward(out, gradient=None):
    leaves, seen = [], [out]
    while seen:
        node = seen.pop()
        seen.extend(node._parents)
        if node.requires_grad and not node._parents and node not in leaves:
            leaves.append(node)
    z = out
    while z._op != "matmul":
        z = next(p for p in z._parents if p.requires_grad)
    x, w = z._parents
    b = next(leaf for leaf in leaves if leaf is not w)
    y = None
    node = out
    def loss(values, bias):
        p = 1 / (1 + np.exp(-(x.data.astype(np.float64) @ values + bias)))
        t = (np.arange(len(p)) % 2)[:, None]
        return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    values, h = w.data.astype(np.float64), 1e-6
    w.grad = np.empty_like(w.data)
    for i in range(len(values)):
        values[i] += h
        above = loss(values, b.data)
        values[i] -= 2 * h
        w.grad[i] = (above - loss(values, b.data)) / (2 * h)
        values[i] += h
    b.grad = np.array([(loss(values, b.data + h) - loss(values, b.data - h)) / (2 * h)], b.dtype)
"""
    checks = run("perceptron", {"autograd": code})
    assert any(c.outcome is not Outcome.PASSED for c in checks.values())
    assert checks["loss"].outcome in (Outcome.TIMED_OUT, Outcome.PASSED)


def test_what_a_large_network_costs_counts_from_when_its_numbers_were_handed_over(perceptron):
    """Whoever computes first, and only then says that it begins, gains nothing."""
    runs, bundles, arrived_s = perceptron
    began = {runs[1].name: arrived_s[-1] - 20.0}
    records = transcript.read(bundles, arrived_s, runs, began)
    (cost,) = (
        f for f in proofs.check(challenge("perceptron"), runs, records, "key") if f.name == "cost"
    )
    assert not cost.holds
    assert "took 20.0 s, allowed 8 s" in cost.what


def test_the_numbers_of_the_larger_networks_are_sealed():
    found = COURSE.milestone("perceptron")
    trial = trials.trial(found, package_files([LESSONS[n] for n in found.needs]))
    prepared = trials.prepare(trial, ROOT)
    assert all(name.startswith("main/") for name in prepared.arrays)
    assert [run["sealed"] for run in prepared.program["runs"]] == ["", *prepared.sealed]


def bundle(head: object, body: bytes = b"") -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack(">cI", b"A", len(text)) + text + body


def kinds(*rows: object) -> dict[str, object]:
    return {"kind": "x", "arrays": list(rows)}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"A", id="too short"),
        pytest.param(struct.pack(">cI", b"A", 2**31) + b"{}", id="a head of 2 GB"),
        pytest.param(bundle(b"\xff\xfe"), id="no text"),
        pytest.param(bundle(b"[" * 60_000), id="deep"),
        pytest.param(bundle([]), id="no object"),
        pytest.param(bundle({"kind": 1, "arrays": []}), id="kind is a number"),
        pytest.param(bundle(kinds(["a", "|O", [1]]), b"12345678"), id="objects"),
        pytest.param(bundle(kinds(["a", "<c16", [1]]), b"1" * 16), id="complex"),
        pytest.param(bundle(kinds(["a", ["<f4"], [1]]), b"1234"), id="dtype is a list"),
        pytest.param(bundle(kinds(["a", "<f4", [-1]]), b""), id="negative"),
        pytest.param(bundle(kinds(["a", "<f4", [1.0]]), b"1234"), id="a shape of floats"),
        pytest.param(bundle(kinds(["a", "<f4", [True]]), b"1234"), id="a shape of bools"),
        pytest.param(bundle(kinds(["a", "<f8", [2**39, 2**39]]), b"1"), id="more than there is"),
        pytest.param(bundle(kinds(["a", "<f4", [0, 2**39, 2**39]])), id="empty beyond measure"),
        pytest.param(bundle(kinds(["a", "<f4", [2]]), b"1234"), id="less than announced"),
        pytest.param(bundle(kinds(["a", "<f4", [1]]), b"12345"), id="more than announced"),
        pytest.param(bundle(kinds(["a", "<f4", [1] * 9]), b"1234"), id="nine axes"),
        pytest.param(
            bundle(kinds(["a", "<f4", [1]], ["a", "<f4", [1]]), b"12345678"), id="one name twice"
        ),
        pytest.param(bundle(kinds([["a"], "<f4", [1]]), b"1234"), id="name is a list"),
    ],
)
def test_a_bundle_that_is_not_one_is_refused_before_anything_is_made(body):
    with pytest.raises(BadBundle):
        unpack(body)


def test_arrays_arrive_as_they_were_sent():
    sent = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "b": np.float64(0.1),
        "c": np.array([True, False]),
        "d": np.zeros((0, 3)),
    }
    kind, got = unpack(pack("some", sent))
    assert kind == "some"
    assert list(got) == list(sent)
    assert all(np.array_equal(got[n], sent[n]) and got[n].shape == sent[n].shape for n in sent)
    assert not got["a"].flags.writeable
