"""One worker after the other is asked for all that is left, and what each said is kept by part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from grader.proof import content
from grader.sandbox import Sandbox
from grader.sandbox.jobs import Job, Limits
from grader.verdicts.facts import CheckResult, Evidence, Outcome

if TYPE_CHECKING:
    from grader.sandbox.process import Answer

SUBJECT = "verification"
WORKER = "ask.py"

# For all modules and milestones together. A vectorised library needs two seconds; one whose
# convolution is written in plain loops is right as well, and needs more than a minute.
LIMITS = Limits(wall_s=210.0, cpu_s=180, report_mb=256)

# For all workers of one examination, each of which has at most half of what the others left. The
# jobs that grade end after 8 minutes, and what a job's own limit ends is told to nobody.
ALL_WORKERS_S = 420.0
_SAID = (Outcome.PASSED, Outcome.FAILED, Outcome.TODO, Outcome.ERRORED)


@dataclass(frozen=True, slots=True)
class ArrayBundle:
    """at_s: when it came."""

    kind: str
    body: bytes
    at_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a worker said of one part: how each check ended, and the bundles in between.

    unsealed_s: when it was given what was sealed, by name.
    """

    checks: list[CheckResult]
    bundles: list[ArrayBundle]
    unsealed_s: Mapping[str, float]
    duration_s: float
    isolation: str = ""


class Part:
    """A module whose probes are asked, or (trains) a milestone.

    called: the kind of the bundle that says where a training went (grader.proof.milestones.route).
    """

    trains: ClassVar[bool] = False

    def __init__(self, subject_id: str, needs: Sequence[str]) -> None:
        self.id = subject_id
        self.needs = needs
        self.checks: tuple[str, ...] = ()
        self.called = ""

    def program(self) -> dict[str, Any]:
        raise NotImplementedError

    def payload(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def sealed(self) -> dict[str, dict[str, Any]]:
        """What the worker is given when its turn comes, by name: the clock starts then."""
        raise NotImplementedError

    def barred(self, silent: set[str], wrong: set[str]) -> bool:
        """Is there nothing to ask any more?

        silent: ids of parts at which a worker fell silent.  wrong: of those, and of others of
        which something could not be computed.
        """
        raise NotImplementedError

    def conclude(self, heard: Heard | None, key: str) -> Evidence:
        raise NotImplementedError


def ask(
    parts: list[Part], imports: list[tuple[str, str]], job: Job, sandbox: Sandbox
) -> dict[str, Heard | None]:
    """What was heard of each part. None: it was not asked, for it needs what does not work.

    imports: id and dotted name of every module, in the order in which they are imported.
    """
    heard: dict[str, Heard | None] = dict.fromkeys(part.id for part in parts)
    waiting = list(parts)
    spent_s = 0.0
    while waiting:
        wall_s = min(job.limits.wall_s, (ALL_WORKERS_S - spent_s) / 2)
        limits = dataclasses.replace(job.limits, wall_s=round(wall_s, 1))
        answer = sandbox.ask(_job(waiting, imports, dataclasses.replace(job, limits=limits)))
        spent_s += answer.duration_s
        said = iter(answer.checks)
        bundles = _by_owner(answer, _owners(waiting))
        asked = 0
        for part in waiting:
            asked += 1
            results = [next(said) for _ in part.checks]
            heard[part.id] = Heard(
                results,
                bundles.get(part.id, []),
                answer.unsealed_s,
                answer.duration_s,
                answer.isolation,
            )
            outcomes = {result.outcome for result in results}
            if Outcome.FAULT not in outcomes and not outcomes.issubset(_SAID):
                break  # here the worker fell silent; the others are asked of a new one
        waiting = waiting[asked:]
        silent = {i for i, found in heard.items() if found and _fell_silent(found)}
        wrong = {i for i, found in heard.items() if found and not _computed(found)}
        imports = [(i, name) for i, name in imports if i not in silent]
        waiting = [part for part in waiting if not part.barred(silent, wrong)]
    return heard


def _job(parts: list[Part], imports: list[tuple[str, str]], job: Job) -> Job:
    from grader.sandbox.worker.arrays import pack

    bundles = [pack("", arrays) for part in parts for arrays in part.payload()]
    sealed = {n: pack("", a) for part in parts for n, a in part.sealed().items()}
    trained = [part.id for part in parts if part.trains]
    program = {
        "scripts": content.scripts((module for module, _ in imports), trained),
        "imports": imports,
        "modules": [part.program() for part in parts if not part.trains],
        "milestones": [part.program() for part in parts if part.trains],
    }
    return dataclasses.replace(
        job,
        program=program,
        expected=tuple(check for part in parts for check in part.checks),
        payload=b"".join(len(body).to_bytes(4, "big") + body for body in bundles),
        sealed=sealed,
    )


def _owners(parts: Sequence[Part]) -> dict[str, str]:
    """Kind of a bundle -> the id of the part that it and those after it belong to."""
    return {kind: part.id for part in parts for kind in (*part.checks, part.called) if kind}


def _by_owner(answer: Answer, owners: Mapping[str, str]) -> dict[str, list[ArrayBundle]]:
    """Every bundle under the id of the part it belongs to: that of the last one that is named."""
    from grader.sandbox.worker.arrays import BadBundle, head_of

    found: dict[str, list[ArrayBundle]] = {}
    owner = ""
    for body, at_s in zip(answer.bundles, answer.arrived_s, strict=True):
        try:
            kind = head_of(body)[0].kind
        except BadBundle:
            kind = ""  # it is refused where it is read
        owner = owners.get(kind, owner)
        found.setdefault(owner, []).append(ArrayBundle(kind, body, at_s))
    return found


def _fell_silent(heard: Heard) -> bool:
    return any(check.outcome not in _SAID for check in heard.checks)


def _computed(heard: Heard) -> bool:
    return all(check.outcome is Outcome.PASSED for check in heard.checks)
