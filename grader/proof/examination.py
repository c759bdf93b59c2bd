"""Every module by its probes, every milestone by its evidence, in one worker.

Nothing that the worker says of itself counts: what it computed is computed again. A worker that
dies, hangs or falls silent costs the module or milestone it was at; what comes after is asked of
a new one.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import StudentError
from grader.lessons.lesson import Lesson, package_files, parse
from grader.lessons.memo import LessonMemo
from grader.proof import content
from grader.proof.conversation import LIMITS, SUBJECT, WORKER, ArrayBundle, Heard, Part, ask
from grader.proof.milestones import route, trials
from grader.proof.milestones.trials import Prepared
from grader.rules.course import Course, Milestone, Module
from grader.sandbox import Sandbox, jobs
from grader.sandbox.jobs import Job
from grader.sources.snapshots import Snapshot
from grader.verdicts.facts import CheckResult, Evidence, Outcome
from grader.verdicts.standing import MilestoneAccount, ModuleAccount
from grader.verdicts.verdicts import Basis

if TYPE_CHECKING:
    from grader.proof.compare import Array
    from grader.proof.probe import Probe

_INIT = "tinytorch/__init__.py"


class Proof:
    """Accounts by what the judge computed again: no student code is believed.

    Raises CourseError when the data of a milestone are missing or damaged.
    """

    basis = Basis.PROOF

    def __init__(self, course: Course, snapshot: Snapshot, sandbox: Sandbox) -> None:
        self._lessons, unread = _read(course, snapshot)
        ids = {module.id for module in self._lessons}
        wanted = [m for m in course.milestones if ids.issuperset(m.needs)]
        self.evidence = unread | examine(self._lessons, wanted, sandbox, course.root)
        self.isolations = {e.isolation for e in self.evidence.values()}

    def module(self, module: Module, incomplete: Collection[str]) -> ModuleAccount:  # noqa: ARG002  # all were asked at once
        evidence, lesson = self.evidence[module.id], self._lessons.get(module)
        memo = LessonMemo.of(lesson) if lesson else None
        return ModuleAccount(evidence, [check.name for check in evidence.checks], memo)

    def milestone(self, milestone: Milestone, *, unlocked: bool) -> MilestoneAccount:  # noqa: ARG002  # trained or not
        found = self.evidence.get(milestone.id)
        return MilestoneAccount(found, key=found.key if found else "")

    def export(self, memo: LessonMemo) -> str:
        lessons = {lesson.path: lesson for lesson in self._lessons.values()}
        return lessons[memo.path].export()


def _read(course: Course, snapshot: Snapshot) -> tuple[dict[Module, Lesson], dict[str, Evidence]]:
    """The lessons, and for those that cannot be read, what says so."""
    snapshot.fetch([module.path for module in course.modules])
    lessons: dict[Module, Lesson] = {}
    unread: dict[str, Evidence] = {}
    for module in course.modules:
        try:
            text = snapshot.text(module.path)
            lesson = parse(text, module.path) if text is not None else None
            if lesson is not None and (error := lesson.syntax_error()):
                raise error
        except StudentError as error:
            check = CheckResult("lesson", "", Outcome.ERRORED, error.what, error.hint)
            unread[module.id] = Evidence("", module.id, (check,))
            continue
        if lesson is None:
            check = CheckResult("lesson", "", Outcome.TODO, f"{module.path} is not there.")
            unread[module.id] = Evidence("", module.id, (check,))
        else:
            lessons[module] = lesson
    return lessons, unread


def examine(
    modules: Mapping[Module, Lesson], wanted: Sequence[Milestone], sandbox: Sandbox, root: Path
) -> dict[str, Evidence]:
    """Evidence by id of module or milestone.

    modules: those whose lesson can be read, in course order.  wanted: milestones whose needs are
    among them; one whose needs turn out wrong is not trained.  root: of the course, for its data.

    Raises CourseError when the data of a milestone are missing or damaged.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # see milestones.prepare()
    files = {**package_files(list(modules.values())), _INIT: ""}  # the worker fills it
    key = jobs.key_of(SUBJECT, WORKER, files, None, [m.id for m in modules], LIMITS)
    seed = int(key[:12], 16)
    parts: list[Part] = [ProbePart(m, seed) for m in modules]
    way = route.stages({m: lesson.export_path for m, lesson in modules.items()}, files, root)
    parts += [TrialPart(m, _trial(m, modules), root, way) for m in wanted]
    imports = [(m.id, lesson.module_name) for m, lesson in modules.items()]
    heard = ask(parts, imports, Job(SUBJECT, WORKER, files, {}, (), key, limits=LIMITS), sandbox)
    return {part.id: part.conclude(heard[part.id], key) for part in parts}


def _trial(milestone: Milestone, modules: Mapping[Module, Lesson]) -> trials.Trial:
    """The seed is that of `tito milestone run`: it depends on what the milestone needs, only."""
    needed = [lesson for module, lesson in modules.items() if module.id in milestone.needs]
    return trials.trial(milestone, package_files(needed))


class ProbePart(Part):
    """The probes of one module."""

    def __init__(self, module: Module, seed: int) -> None:
        import numpy as np

        super().__init__(module.id, module.needs)
        self._probes = list(content.probes(module.id))
        self.checks = tuple(f"{module.id}: {probe.name}" for probe in self._probes)
        self._drawn = [
            probe.draw(np.random.default_rng([seed, number, int(module.number)]))
            for number, probe in enumerate(self._probes)
        ]

    def program(self) -> dict[str, Any]:
        rows = [
            {"check": check, "sealed": probe.timed, **probe.request()}
            for check, probe in zip(self.checks, self._probes, strict=True)
        ]
        return {"id": self.id, "probes": rows}

    def payload(self) -> list[dict[str, Any]]:
        rows = zip(self._probes, self._drawn, strict=True)
        return [drawn for probe, drawn in rows if not probe.timed]

    def sealed(self) -> dict[str, dict[str, Any]]:
        rows = zip(self.checks, self._probes, self._drawn, strict=True)
        return {check: drawn for check, probe, drawn in rows if probe.timed}

    def barred(self, silent: set[str], wrong: set[str]) -> bool:  # noqa: ARG002  # a wrong need is asked all the same
        return not silent.isdisjoint(self.needs)

    def conclude(self, heard: Heard | None, key: str) -> Evidence:
        if heard is None:
            what = "not asked: a module that this one needs stopped the worker"
            checks = [CheckResult(p.name, p.name, Outcome.MISSING, what) for p in self._probes]
            return Evidence(key, self.id, tuple(checks))
        bundles = {bundle.kind: bundle for bundle in reversed(heard.bundles)}  # the first counts
        results = [
            _judged(probe, drawn, said, bundles.get(check), heard.unsealed_s.get(check))
            for probe, drawn, check, said in zip(
                self._probes, self._drawn, self.checks, heard.checks, strict=True
            )
        ]
        return Evidence(key, self.id, tuple(results), duration_s=heard.duration_s)


def _judged(
    probe: Probe,
    drawn: dict[str, Array],
    said: CheckResult,
    bundle: ArrayBundle | None,
    unsealed_s: float | None,
) -> CheckResult:
    """said: how the worker's part ended; that it computed something is all it can say."""
    import numpy as np

    from grader.proof.compare import Wrong
    from grader.sandbox.worker.arrays import BadBundle, unpack

    said = dataclasses.replace(said, name=probe.name, title=probe.name)
    if said.outcome is not Outcome.PASSED:
        return said
    if bundle is None:
        return _failed(said, "nothing came back", "")
    try:
        got = dict(unpack(bundle.body)[1])
        if unsealed_s is not None:
            got["seconds"] = np.array(bundle.at_s - unsealed_s)
        with np.errstate(all="ignore"):  # what is not finite is found to be so
            probe.judge(drawn, got)
    except Wrong as wrong:
        return _failed(said, wrong.what, wrong.hint or probe.hint)
    except (BadBundle, ValueError, IndexError, KeyError, TypeError) as odd:
        # Arrays of shapes that no library gives: numbers, but nothing that can be compared.
        return _failed(said, f"the answer cannot be read: {odd}", "")
    return CheckResult(said.name, said.title, Outcome.PASSED)


def _failed(said: CheckResult, what: str, hint: str) -> CheckResult:
    return dataclasses.replace(said, outcome=Outcome.FAILED, message=what, hint=hint)


class TrialPart(Part):
    """The runs of one milestone. way: the modules that they should go through."""

    trains = True

    def __init__(
        self, milestone: Milestone, trial: trials.Trial, root: Path, way: Sequence[route.Stage] = ()
    ) -> None:
        super().__init__(milestone.id, milestone.needs)
        self.checks = (f"milestone {milestone.id}",)
        self.called = f"{self.checks[0]}, called"  # the bundle that says where they went
        self._way = [stage for stage in way if stage.module in milestone.needs]
        self._prepared: Prepared = trials.prepare(trial, root)

    def program(self) -> dict[str, Any]:
        seconds = self._prepared.challenge.limits.wall_s
        head = {
            "check": self.checks[0],
            "called": self.called,
            "needs": list(self.needs),
            "seconds": seconds,
        }
        return {**head, **self._prepared.program}

    def payload(self) -> list[dict[str, Any]]:
        return [self._prepared.arrays]

    def sealed(self) -> dict[str, dict[str, Any]]:
        return self._prepared.sealed

    def barred(self, silent: set[str], wrong: set[str]) -> bool:
        return not (silent | wrong).isdisjoint(self.needs)

    def conclude(self, heard: Heard | None, key: str) -> Evidence:  # noqa: ARG002  # its own key
        if heard is None:
            what = "not trained: a module that it needs stopped the worker"
            heard = Heard([CheckResult("", "", Outcome.MISSING, what)], [], {}, 0.0)
        bundles = [b for b in heard.bundles[1:] if b.kind != self.called]  # the first: whose
        bodies = [bundle.body for bundle in bundles]
        arrived = [bundle.at_s for bundle in bundles]
        found = self._prepared.conclude(
            heard.checks[0], bodies, arrived, heard.unsealed_s, heard.duration_s
        )
        flag = self._flag(heard) if found.passed else ""
        return dataclasses.replace(found, flag=flag, isolation=heard.isolation)

    def _flag(self, heard: Heard) -> str:
        """What the worker says of where it went, read as a stranger's word. "" when it says nothing."""
        from grader.sandbox.worker.arrays import unpack

        for bundle in heard.bundles:
            if bundle.kind == self.called:
                lines = unpack(bundle.body)[1]
                paths = {stage.path for stage in self._way} & lines.keys()
                return route.note(self._way, {p: set(lines[p].ravel().tolist()) for p in paths})
        return ""
