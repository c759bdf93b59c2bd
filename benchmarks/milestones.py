"""CPU time of the five milestones, beside PyTorch doing the same five trainings.

    python benchmarks/milestones.py [--rounds 3]
    python benchmarks/milestones.py --seeds 1000 [--double] [--only transformer]

"verified" is everything: drawing the challenge, starting the child, importing, training with the
reference library, sending every step, judging. PyTorch trains the same networks from the same
first values on the same batches with the same optimisers, in one process, import included in the
last line only; it verifies nothing. Both with one thread. The least of all rounds counts.

--seeds trains and judges the reference library in this process, once per challenge, and counts
how often a correct library is turned down; "used" is the largest error ever met, as a share of
what is allowed. --double: with a library that computes in float64.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Before NumPy is there: afterwards it is too late, and a second thread that waits counts as CPU.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")

import numpy as np

from grader.lessons.lesson import package_files, parse
from grader.proof import content
from grader.proof.content import challenge
from grader.proof.milestones import trials
from grader.proof.milestones.challenges import Run
from grader.rules import reading
from grader.sandbox.process import ProcessSandbox

ROOT = Path(__file__).resolve().parents[1]


def cpu_s() -> float:
    """Of this process and of all children that have ended."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def all_trials() -> list[trials.Trial]:
    course = reading.load(ROOT)
    lessons = {m.id: parse((ROOT / m.path).read_text("utf-8"), m.path) for m in course.modules}
    return [
        trials.trial(m, package_files([lessons[n] for n in m.needs])) for m in course.milestones
    ]


def verify(trial: trials.Trial) -> float:
    started = cpu_s()
    evidence = trials.run(trial, ProcessSandbox(), ROOT)
    used = cpu_s() - started
    if not evidence.passed:
        raise SystemExit(f"{trial.milestone.id} is not achieved: {evidence.checks}")
    return used


def train_with_torch(trial: trials.Trial) -> float:
    import torch

    torch.set_num_threads(1)
    runs = challenge(trial.milestone.id).draw(np.random.default_rng(trial.seed), ROOT)
    started = cpu_s()
    for run in runs:
        TORCH[trial.milestone.id](torch, run)
    return cpu_s() - started


def _tensors(torch: Any, run: Run) -> dict[str, Any]:
    return {n: torch.tensor(a, requires_grad=True) for n, a in run.initial.items()}


def _batches(torch: Any, run: Run) -> Any:
    inputs, targets = (torch.tensor(np.asarray(run.data[k])) for k in ("inputs", "targets"))
    if "order" not in run.data:
        for _ in range(run.steps):
            yield inputs, targets
        return
    size = run.settings["batch_size"]
    for order in torch.tensor(run.data["order"]):
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield inputs[rows], targets[rows]


def _fit(torch: Any, run: Run, optimiser: Any, loss_of: Any) -> None:
    for inputs, targets in _batches(torch, run):
        optimiser.zero_grad()
        loss_of(inputs, targets).backward()
        optimiser.step()


def _perceptron(torch: Any, run: Run) -> None:
    p = _tensors(torch, run)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    optimiser = torch.optim.SGD(p.values(), lr=run.settings["lr"])
    _fit(torch, run, optimiser, lambda x, y: loss(x @ p["weight"] + p["bias"], y))


def _xor(torch: Any, run: Run) -> None:
    p, F = _tensors(torch, run), torch.nn.functional

    def loss(x: Any, y: Any) -> Any:
        hidden = torch.tanh(F.linear(x, p["hidden.weight"], p["hidden.bias"]))
        scores = F.linear(hidden, p["output.weight"], p["output.bias"])
        return F.binary_cross_entropy(torch.sigmoid(scores), y)

    _fit(torch, run, torch.optim.SGD(p.values(), lr=run.settings["lr"]), loss)


def _mlp_digits(torch: Any, run: Run) -> None:
    p, F, s = _tensors(torch, run), torch.nn.functional, run.settings

    def loss(x: Any, y: Any) -> Any:
        hidden = F.relu(F.linear(x, p["hidden.weight"], p["hidden.bias"]))
        return F.cross_entropy(F.linear(hidden, p["output.weight"], p["output.bias"]), y)

    _fit(torch, run, torch.optim.SGD(p.values(), lr=s["lr"], momentum=s["momentum"]), loss)


def _cnn(torch: Any, run: Run) -> None:
    p, F, s = _tensors(torch, run), torch.nn.functional, run.settings

    def loss(x: Any, y: Any) -> Any:
        for n, (_, stride, padding, pool) in enumerate(s["convolutions"], start=1):
            weight, bias = p[f"conv{n}.weight"], p[f"conv{n}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, stride=stride, padding=padding))
            x = F.max_pool2d(x, 2) if pool else x
        return F.cross_entropy(F.linear(x.flatten(1), p["output.weight"], p["output.bias"]), y)

    _fit(torch, run, torch.optim.Adam(p.values(), lr=s["lr"]), loss)


def _transformer(torch: Any, run: Run) -> None:
    p, F, s = _tensors(torch, run), torch.nn.functional, run.settings
    dim, heads, copied = s["dim"], s["heads"], s["copied"]
    inside = "block.attention."

    def norm(x: Any, name: str) -> Any:
        return F.layer_norm(x, (dim,), p[f"{name}.weight"], p[f"{name}.bias"])

    def linear(x: Any, name: str) -> Any:
        return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))

    def split(x: Any) -> Any:
        return x.view(*x.shape[:2], heads, dim // heads).transpose(1, 2)

    def loss(ids: Any, answers: Any) -> Any:
        x = p["tokens.weight"][ids] + p["positions.weight"][: ids.shape[1]]
        y = norm(x, "block.norm1")
        q, k, v = (split(linear(y, f"{inside}{n}_proj")) for n in "qkv")
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(y.transpose(1, 2).reshape(x.shape), f"{inside}out_proj")
        y = F.relu(linear(norm(x, "block.norm2"), "block.feed_forward1"))
        x = x + linear(y, "block.feed_forward2")
        scores = linear(norm(x, "norm"), "output")[:, copied:]
        return F.cross_entropy(scores.reshape(-1, s["vocabulary"]), answers.reshape(-1))

    _fit(torch, run, torch.optim.Adam(p.values(), lr=s["lr"]), loss)


TORCH = {
    "perceptron": _perceptron,
    "xor": _xor,
    "mlp_digits": _mlp_digits,
    "cnn": _cnn,
    "transformer": _transformer,
}


def torch_rows(rounds: int) -> dict[str, float]:
    """Milestone -> CPU seconds, and "fresh process": all five and the import."""
    command = [sys.executable, __file__, "--torch", "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows: dict[str, float] = json.loads(done.stdout)
    return rows


def only_torch(rounds: int) -> None:
    rows: dict[str, float] = {}
    for number in range(rounds):
        for trial in all_trials():
            used = train_with_torch(trial)
            name = trial.milestone.id
            rows[name] = min(used, rows.get(name, used))
        if number == 0:
            rows["fresh process"] = cpu_s()
    sys.stdout.write(json.dumps(rows))


class _Reports:
    """In the place of the pipe to the judge."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.arrived_s: list[float] = []

    def send_bytes(self, body: bytes) -> None:
        self.bodies.append(body)
        self.arrived_s.append(time.monotonic())


def library(double: bool) -> Any:
    """The reference library, imported into this process."""
    directory = tempfile.mkdtemp(prefix="tinytorch-")
    course = reading.load(ROOT)
    lessons = [parse((ROOT / m.path).read_text("utf-8"), m.path) for m in course.modules]
    for path, text in package_files(lessons).items():
        target = Path(directory) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if double and path.endswith("setup.py"):
            text += "\n\ndef as_float_array(data):\n    return np.asarray(data, dtype=np.float64)\n"
        target.write_text(text, encoding="utf-8")
    sys.path.insert(0, directory)
    return importlib.import_module("tinytorch")


def count_false_rejects(milestone: str, seeds: range, tt: Any) -> None:
    from grader.proof.milestones import proofs, transcript
    from grader.sandbox.worker.train import WorkerRun

    found = challenge(milestone)
    training = importlib.import_module(content.training(milestone))
    rules = reading.load(ROOT).milestone(milestone)
    rejected: list[str] = []
    used: dict[str, float] = {}
    lowest = {"loss": np.inf, "accuracy": np.inf}
    for seed in seeds:
        runs = found.draw(np.random.default_rng(seed), ROOT)
        reports = _Reports()
        for run in runs:
            described = {"name": run.name, "settings": dict(run.settings)}
            training.train(WorkerRun(tt, described, run.payload(), reports))
        records = transcript.read(reports.bodies, reports.arrived_s, runs, {})
        measured, _ = trials._measure(found, runs[0], records[0], {})
        lowest["loss"] = min(lowest["loss"], measured.falls_percent)
        lowest["accuracy"] = min(lowest["accuracy"], measured.accuracy_percent)
        for check in trials._claims(rules, found, measured):
            if check.outcome.value != "passed":
                rejected.append(f"seed {seed}: {check.name}: {check.message}")
        for finding in proofs.check(found, runs, records, str(seed)):
            used[finding.name] = max(used.get(finding.name, 0.0), finding.used)
            if not finding.holds:
                rejected.append(f"seed {seed}: {finding.name}: {finding.what}")
    write = sys.stdout.write
    write(f"{milestone}: {len(rejected)} false rejects in {len(seeds)} seeds; ")
    write(f"least fall {lowest['loss']:.1f} %, least accuracy {lowest['accuracy']:.1f} %\n")
    write("  used: " + ", ".join(f"{n} {share:.3f}" for n, share in used.items()) + "\n")
    write("".join(f"  {line}\n" for line in rejected[:20]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--only", action="append", choices=tuple(TORCH))
    arguments = parser.parse_args()
    if arguments.seeds:
        tt = library(arguments.double)
        for name in arguments.only or TORCH:
            seeds = range(arguments.first, arguments.first + arguments.seeds)
            count_false_rejects(name, seeds, tt)
        return
    if arguments.torch:
        only_torch(arguments.rounds)
        return
    ours: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for trial in all_trials():
            used = verify(trial)
            ours[trial.milestone.id] = min(used, ours.get(trial.milestone.id, used))
    torch = torch_rows(arguments.rounds) if importlib.util.find_spec("torch") else {}
    write = sys.stdout.write
    write(f"{'CPU seconds':14} {'verified':>9} {'PyTorch':>9} {'ratio':>7}\n")
    whole = sum(ours.values())
    if torch:
        fresh = torch.pop("fresh process")
        # Ours are five fresh processes in either line.
        torch |= {"all": sum(torch.values()), "and its import": fresh}
    for name, used in {**ours, "all": whole, "and its import": whole}.items():
        beside = f"{torch[name]:9.2f} {used / torch[name]:7.2f}" if torch else ""
        write(f"{name:14} {used:9.2f} {beside}\n")
    if not torch:
        write("PyTorch is not installed: no comparison (make parity installs it)\n")


if __name__ == "__main__":
    main()
