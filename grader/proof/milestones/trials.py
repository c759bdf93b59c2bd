"""The trial of one milestone: a network is trained with the student's library, and judged.

The child (grader.sandbox.worker.train) sends what came out of every step; everything that is claimed
is computed here from these numbers. Imported by the hooks, so NumPy is imported in run() only.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.rules.course import Milestone, Threshold
from grader.sandbox import Sandbox, jobs
from grader.sandbox.jobs import Job, Limits
from grader.verdicts.facts import CheckResult, Evidence, Outcome
from grader.verdicts.facts import claim_titles as titles
from grader.verdicts.measures import Measures, Number, Parameter, finite

if TYPE_CHECKING:
    from grader.proof.milestones.challenges import Challenge, Run
    from grader.proof.milestones.proofs import Comparison
    from grader.proof.milestones.transcript import Transcript

CHECK = "training"  # what the worker reports on
WORKER = "train.py"
CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Trial:
    """key: of the student's sources, the rules of the milestone, and everything that judges."""

    milestone: Milestone
    job: Job

    @property
    def key(self) -> str:
        return self.job.key

    @property
    def seed(self) -> int:
        """What everything is drawn from: the same sources get the same challenge, always."""
        return int(self.key[:12], 16)


def trial(milestone: Milestone, package: Mapping[str, str]) -> Trial:
    """package: path -> source of the modules that the milestone needs."""
    rules = [milestone.id, str(milestone.accuracy), str(milestone.loss_falls)]
    subject = f"milestone {milestone.id}"
    return Trial(milestone, jobs.make(subject, WORKER, package, {}, (CHECK,), identity=rules))


def run(trial: Trial, sandbox: Sandbox, root: Path, limits: Limits | None = None) -> Evidence:
    """Train and judge. root: of the course, where the data lie.  limits: the challenge's own.

    Raises CourseError when the data are missing or damaged: that is no one's failure to learn.
    """
    from grader.proof import content
    from grader.sandbox.worker.arrays import pack

    prepared = prepare(trial, root)

    payload = pack("challenge", prepared.arrays)
    sealed = {name: pack("challenge", arrays) for name, arrays in prepared.sealed.items()}
    program = {
        **prepared.program,
        "scripts": content.scripts(trial.milestone.needs, [trial.milestone.id]),
    }
    job = dataclasses.replace(
        trial.job,
        program=program,
        payload=payload,
        sealed=sealed,
        limits=limits or prepared.challenge.limits,
    )
    answer = sandbox.ask(job)
    (training,) = answer.checks
    return prepared.conclude(
        training, answer.bundles, answer.arrived_s, answer.unsealed_s, answer.duration_s
    )


def prepare(trial: Trial, root: Path) -> Prepared:
    """Draw what the trial is about. Raises CourseError when the data are missing or damaged."""
    # Threads only spin against each other in matrices as small as these. Where NumPy is loaded
    # already, this comes too late, and costs time only.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy as np

    from grader.proof import content

    found = content.challenge(trial.milestone.id)
    return Prepared(trial, found, found.draw(np.random.default_rng(trial.seed), root))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial whose numbers are drawn: what the worker is told, and what its answer says."""

    trial: Trial
    challenge: Challenge
    runs: list[Run]

    @property
    def program(self) -> dict[str, Any]:
        from grader.proof import content

        described = [
            {"name": r.name, "settings": dict(r.settings), "sealed": self._seal(r)}
            for r in self.runs
        ]
        return {"training": content.training(self.trial.milestone.id), "runs": described}

    @property
    def arrays(self) -> dict[str, Any]:
        """Of the first run. It tells nothing of the others."""
        return self.runs[0].payload()

    @property
    def sealed(self) -> dict[str, dict[str, Any]]:
        """Of the others, by name: what they cost counts from when the worker is given these."""
        return {self._seal(run): run.payload() for run in self.runs[1:]}

    def _seal(self, run: Run) -> str:
        return "" if run is self.runs[0] else f"milestone {self.trial.milestone.id}, {run.name}"

    def conclude(
        self,
        training: CheckResult,
        bundles: Sequence[bytes],
        arrived_s: Sequence[float],
        unsealed_s: Mapping[str, float],
        duration_s: float,
    ) -> Evidence:
        """training: how the worker's part ended.  bundles: what it reported, and when.

        unsealed_s: when it was given what was sealed.
        """
        import numpy as np

        from grader.proof.compare import Wrong
        from grader.proof.milestones import proofs, transcript

        trial, milestone = self.trial, self.trial.milestone
        measures = Measures(trial.seed, round(duration_s, 3))
        if training.outcome is Outcome.PASSED:
            began_s = {r.name: unsealed_s.get(self._seal(r), -math.inf) for r in self.runs[1:]}
            try:
                records = transcript.read(bundles, arrived_s, self.runs, began_s)
            except Wrong as wrong:
                training = CheckResult(CHECK, "", Outcome.FAILED, wrong.what, wrong.hint)
        if training.outcome is not Outcome.PASSED:
            checks = _unmeasured(milestone, training)
            return Evidence(trial.key, trial.job.subject, checks, measures, duration_s)
        measures = _measure(self.challenge, self.runs[0], records[0], measures)
        with np.errstate(all="ignore"):  # what overflows is not finite, and found so
            findings = proofs.check(self.challenge, self.runs, records, trial.key)
        checks = _claims(milestone, self.challenge, measures) + tuple(map(_proof, findings))
        used = {f.name: round(f.used, 4) for f in findings if f.holds}
        measures = dataclasses.replace(measures, tolerance_used=used)
        return Evidence(trial.key, trial.job.subject, checks, measures, duration_s)


def _unmeasured(milestone: Milestone, training: CheckResult) -> tuple[CheckResult, ...]:
    """The training did not come to its end: the first claim says why, the others were not measured."""
    hint = training.hint
    if training.outcome not in (Outcome.FAILED, Outcome.FAULT):
        hint = hint or "tito module test shows whether the module itself still passes."
    message = training.message.replace("while this check ran", "while the network was trained")
    first, *others = titles(milestone).items()
    why = "not measured: the training did not come to its end"
    return (
        dataclasses.replace(training, name=first[0], title=first[1], message=message, hint=hint),
        *(CheckResult(name, title, Outcome.MISSING, why) for name, title in others),
    )


def _measure(found: Challenge, run: Run, record: Transcript, measures: Measures) -> Measures:
    """MEASURES with all that one run gives."""
    losses = record.losses
    first, last = float(losses[0]), float(losses[-run.epoch :].mean())
    accuracy = math.nan
    if record.finite:
        # From the parameters that came back, not from the answers that came with them.
        scores = found.answer_scores(run, record.last(), record.scores)
        accuracy = found.accuracy_percent(run, scores.reshape(record.scores.shape))
    parameters = record.parameters()
    count = len(parameters)
    per_point = -(-len(losses) // CURVE_POINTS)
    curve = [float(losses[i : i + per_point].mean()) for i in range(0, len(losses), per_point)]
    return dataclasses.replace(
        measures,
        loss=tuple(map(finite, curve)),
        first_loss=finite(first),
        last_loss=finite(last),
        loss_fall_percent=finite(100 * (first - last) / first if first else math.nan),
        accuracy_percent=finite(accuracy),
        gradients=(count - len(_without("gradient", parameters)), count),
        updates=(count - len(_without("change", parameters)), count),
        parameters=parameters,
        beside={
            kind: {name: array.round(4).tolist() for name, array in arrays.items()}
            for kind, arrays in record.extras.items()
        },
    )


def _without(what: str, parameters: Sequence[Parameter]) -> list[str]:
    """Names of those whose gradient, or change, is zero, missing or not a number."""
    return [p.name for p in parameters if not (getattr(p, what) or 0) > 0]


def _claims(milestone: Milestone, found: Challenge, measures: Measures) -> tuple[CheckResult, ...]:
    words = measures.words
    without = _without("gradient", measures.parameters)
    still = _without("change", measures.parameters)
    falls, accuracy = milestone.loss_falls, milestone.accuracy
    claims = {
        "loss": (_holds(falls, measures.loss_fall_percent), f"{words['loss']}; required {falls}"),
        "accuracy": (
            _holds(accuracy, measures.accuracy_percent),
            f"{words['accuracy']}; required {accuracy}",
        ),
        "gradients": (
            not without,
            f"{words['gradients']} parameters receive a gradient"
            + (f"; none for {_listed(without)}" if without else ""),
        ),
        "updates": (
            not still,
            f"{words['updates']} parameters change"
            + (f"; unchanged: {_listed(still)}" if still else ""),
        ),
    }
    return tuple(
        CheckResult(
            name,
            titles(milestone)[name],
            Outcome.PASSED if holds else Outcome.FAILED,
            message,
            "" if holds else found.hints[name],
        )
        for name, (holds, message) in claims.items()
    )


def _holds(threshold: Threshold, measured: Number) -> bool:
    return measured is not None and threshold.holds(measured)


def _proof(finding: Comparison) -> CheckResult:
    outcome = Outcome.PASSED if finding.holds else Outcome.FAILED
    return CheckResult(finding.name, finding.title, outcome, finding.what, finding.hint)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
