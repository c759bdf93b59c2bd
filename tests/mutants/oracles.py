"""Who notices a bug: the inline tests, the probes, and the evidence of a short training.

A mutant is a changed lesson (tests/lessons/mutant.py). Probes and milestones are asked of the whole
library with the changed export in it, with draws that do not depend on the change.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.lessons.lesson import package_files, parse
from grader.proof import conversation
from grader.proof.conversation import ArrayBundle, Heard, Part
from grader.proof.examination import ProbePart, TrialPart
from grader.proof.milestones import route, trials
from grader.rules.course import Milestone
from grader.sandbox import Sandbox
from grader.sandbox.jobs import Job
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.worker.arrays import unpack
from grader.verdicts.facts import CLAIMS, CheckResult, Evidence, Outcome
from tests.lessons import mutants_a, mutants_b, mutants_c, reference
from tests.lessons.library import reference_library
from tests.lessons.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*mutants_a.MUTANTS, *mutants_b.MUTANTS, *mutants_c.MUTANTS)
COURSE = reference.COURSE
ROUNDING = 1e-5  # of a short training, relative to the largest entry of an array
SHORT_STEPS = 12  # of the trainings without epochs; the others have one epoch


def mutant_id(mutant: Mutant) -> str:
    return f"{mutant.module[:2]}-{mutant.id}"


@contextmanager
def short_trainings() -> Iterator[None]:
    """Challenges of a few steps: what stands behind a claim is looked at, not the claim."""
    lengths = [
        ("perceptron", "STEPS", SHORT_STEPS),
        ("xor", "STEPS", SHORT_STEPS),
        ("mlp_digits", "EPOCHS", 1),
        ("cnn", "EPOCHS", 1),
        ("transformer", "EPOCHS", 1),
    ]
    lengths = [
        (importlib.import_module(f"grader.content.{i}.challenge"), n, v) for i, n, v in lengths
    ]
    before = [getattr(challenge, name) for challenge, name, _ in lengths]
    for challenge, name, short in lengths:
        setattr(challenge, name, short)
    try:
        yield
    finally:
        for (challenge, name, _), value in zip(lengths, before, strict=True):
            setattr(challenge, name, value)


@functools.cache
def _package() -> Mapping[str, str]:
    return package_files([reference.lesson(m.id) for m in COURSE.modules])


def changed(mutant: Mutant) -> dict[str, str]:
    """The export that the mutant changes: path -> source."""
    text = reference.lesson(mutant.module).text
    assert text.count(mutant.old) == mutant.count, f"{mutant.id} no longer fits its lesson"
    lesson = parse(text.replace(mutant.old, mutant.new), COURSE.module(mutant.module).path)
    return {lesson.export_path: lesson.export()}


def questions(module_ids: Sequence[str], seed: int = 0) -> list[Part]:
    return [ProbePart(m, seed) for m in COURSE.modules if m.id in module_ids]


def trainings(
    wanted: Sequence[Milestone], seed: int = 0, files: Mapping[str, str] | None = None
) -> list[Part]:
    """seed: stands for the key, so that a changed library meets the same challenge.

    files: in the place of the reference library's own.
    """
    paths = {m: reference.lesson(m.id).export_path for m in COURSE.modules}
    way = route.stages(paths, {**_package(), **(files or {})}, COURSE.root)
    key = f"{seed:064x}"
    parts: list[Part] = []
    for milestone in wanted:
        trial = trials.trial(milestone, {})
        trial = replace(trial, job=replace(trial.job, key=key))
        parts.append(TrialPart(milestone, trial, COURSE.root, way))
    return parts


@dataclass(frozen=True, slots=True)
class Asked:
    part: Part
    heard: Heard | None
    evidence: Evidence

    @property
    def failing(self) -> list[CheckResult]:
        return [c for c in self.evidence.checks if c.outcome is not Outcome.PASSED]

    @property
    def unproven(self) -> list[CheckResult]:
        """What fails besides the claims: a short training does not learn enough for these."""
        return [c for c in self.failing if c.name not in CLAIMS or c.outcome is not Outcome.FAILED]

    @property
    def reported(self) -> list[tuple[str, dict[str, np.ndarray]]]:
        """Every bundle, read."""
        bundles: list[ArrayBundle] = self.heard.bundles if self.heard else []
        return [unpack(bundle.body) for bundle in bundles]


def ask(
    parts: Sequence[Part], files: Mapping[str, str] | None = None, sandbox: Sandbox | None = None
) -> list[Asked]:
    """Of the reference library with FILES in the place of its own."""
    package = {**_package(), **(files or {}), "tinytorch/__init__.py": ""}
    imports = [(m.id, reference.lesson(m.id).module_name) for m in COURSE.modules]
    job = Job("mutant", conversation.WORKER, package, {}, (), "", limits=conversation.LIMITS)
    heard = conversation.ask(list(parts), imports, job, sandbox or ProcessSandbox())
    return [Asked(p, heard[p.id], p.conclude(heard[p.id], "0" * 64)) for p in parts]


def needing(module_id: str) -> list[Milestone]:
    return [m for m in COURSE.milestones if module_id in m.needs]


@functools.cache
def executed() -> Mapping[str, Mapping[str, frozenset[int]]]:
    """milestone -> path of an export -> lines of functions that a training runs."""
    from grader.sandbox.worker import train

    library = reference_library()
    found: dict[str, Mapping[str, frozenset[int]]] = {}
    with short_trainings():
        parts = {
            m.id: p for m, p in zip(COURSE.milestones, trainings(COURSE.milestones), strict=True)
        }
    for milestone, part in parts.items():
        lines: dict[str, set[int]] = {}
        program = part.program()
        arrays = part.payload()[0]
        for more in part.sealed().values():
            arrays = {**arrays, **more}
        sys.settrace(functools.partial(_trace, lines))
        try:
            for described in program["runs"]:
                run = train.WorkerRun(library, described, arrays, train.Silent())
                importlib.import_module(program["training"]).train(run)
        finally:
            sys.settrace(None)
        found[milestone] = {path: frozenset(numbers) for path, numbers in lines.items()}
    return found


def _trace(lines: dict[str, set[int]], frame: Any, event: str, _: Any) -> Any:
    path = frame.f_code.co_filename
    if path.startswith("reference_library"):
        if event == "line":
            lines.setdefault(path.replace("reference_library", "tinytorch"), set()).add(
                frame.f_lineno
            )
        return functools.partial(_trace, lines)
    return None


def touched(mutant: Mutant) -> list[Milestone]:
    """The milestones whose training runs a line that the mutant changes, or one beside it."""
    ((path, source),) = changed(mutant).items()
    before, after = _package()[path].split("\n"), source.split("\n")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    lines: set[int] = set()
    for tag, start, end, _, _ in matcher.get_opcodes():
        if tag != "equal":  # what is inserted stands behind line `start`
            lines.update(range(start + 1, end + 1) if end > start else (start, start + 1))
    return [m for m in needing(mutant.module) if lines & executed()[m.id].get(path, frozenset())]


def same_numbers(one: Asked, other: Asked) -> bool:
    """Did two libraries report the same, as far as rounding lets them?

    Their own first values are left out: they are drawn anew in every process, and the judge's
    numbers take their place. So are the functions that were called, which are no numbers.
    """
    pairs = [
        [b for b in asked.reported if "/initial" not in b[0] and not b[0].endswith(", called")]
        for asked in (one, other)
    ]
    if len(pairs[0]) != len(pairs[1]):
        return False
    for (kind, mine), (known, theirs) in zip(*pairs, strict=True):
        if kind != known or mine.keys() != theirs.keys():
            return False
        for name, array in mine.items():
            if array.shape != theirs[name].shape:
                return False
            size = np.abs(theirs[name]).max(initial=0.0)
            if not np.all(np.abs(array - theirs[name]) <= ROUNDING * size + 1e-12):
                return False
    return True
