"""grade() and recall(): from a snapshot to its standing. Every door comes through here.

recall() asks the ledger and starts no process; grade() runs what the ledger does not know.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from grader.errors import StudentError
from grader.grading.ledgers import Ledger
from grader.lessons.lesson import Lesson, parse
from grader.lessons.memo import Outline, Package
from grader.lessons.of_module import _restore, starter_text
from grader.proof.milestones import trials
from grader.rules import parts
from grader.rules.course import Course, Milestone, Module
from grader.sandbox import Sandbox, jobs
from grader.sources.snapshots import PACKAGE, Snapshot, blob_id
from grader.verdicts import judge
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.verdicts import MilestoneVerdict, ModuleVerdict, Standing

Watcher = Callable[[str], None]
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")  # what is earned is earned by a commit


def _nobody(_subject: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Engine:
    """watch: told the subject ("01_tensor", "milestone xor") before each run that takes time.

    accepts: names of the sandboxes whose recorded evidence counts (grader.sandbox.choice), None
    for any. Other evidence is as good as absent.
    """

    course: Course
    ledger: Ledger
    sandbox: Sandbox | None = None  # None: an engine that only recalls
    watch: Watcher = _nobody
    accepts: Collection[str] | None = None

    def recall(self, snapshot: Snapshot) -> Standing:
        """What the ledger knows of SNAPSHOT; the rest is unverified. Starts no process."""
        return _Grading(self, snapshot, run=None).standing()

    def grade(
        self,
        snapshot: Snapshot,
        only: Collection[str] | None = None,
        retry: Collection[str] = (),
    ) -> Standing:
        """Run the inline tests that the ledger does not know. Milestones are recalled, not run.

        only: ids of modules; they and what they need are run, the others recalled.
        retry: ids of modules that are run again unless the ledger knows that they pass.
        """
        wanted = set(only) if only is not None else {m.id for m in self.course.modules}
        for module in self.course.modules:
            if module.id in wanted:
                wanted.update(module.needs)
        return _Grading(self, snapshot, run=wanted, retry=retry).standing()

    def test(self, snapshot: Snapshot, module: Module) -> ModuleVerdict:
        """Grade one module, again even if the ledger knows it."""
        grading = _Grading(self, snapshot, run={module.id, *module.needs}, again={module.id})
        return grading.standing().modules[module.id]

    def verify(self, snapshot: Snapshot, milestone: Milestone) -> MilestoneVerdict:
        """Train the milestone's network on the student's package and judge it, ledger or not.

        A locked milestone is returned as it is: nothing is run. A first success is earned when
        SNAPSHOT is a commit. Raises CourseError when the data of the milestone are missing.
        """
        grading = _Grading(self, snapshot, run=set(milestone.needs), again={milestone.id})
        return grading.standing().milestones[milestone.id]

    def examine(self, snapshot: Snapshot) -> Standing:
        """Every module by its probes, every milestone by its evidence, whatever the ledger says.

        The inline tests run in the student's own process, which can say what it likes; here only
        numbers count that the judge computes again. Nothing is recorded. Raises CourseError when
        the data of a milestone are missing.
        """
        from grader.proof import examination  # needs what no hook needs

        if self.sandbox is None:
            raise ValueError("this engine only recalls: it has no sandbox")
        self.watch("all probes and milestones")
        return examination.stand(self.course, snapshot, self.sandbox)


def _package_paths(snapshot: Snapshot) -> set[str]:
    return {p for p in snapshot.entries if p.startswith(f"{PACKAGE}/") and p.endswith(".py")}


def _holds(snapshot: Snapshot, package: Package, path: str) -> bool:
    """Does SNAPSHOT have this file of PACKAGE as it should be? By its id if possible: no reading."""
    entry = snapshot.entries.get(path)
    if entry is None or not entry.regular:
        return False
    return entry.blob == package.blob(path) or _text(snapshot, path) == package[path]


def _text(snapshot: Snapshot, path: str) -> str | None:
    try:
        return snapshot.text(path)
    except StudentError:
        return None  # a link or binary where an export belongs: not what the lesson says


class _Grading:
    """One pass over the course, in order: each module's verdict can depend on those above it."""

    def __init__(
        self,
        engine: Engine,
        snapshot: Snapshot,
        run: Collection[str] | None,
        again: Collection[str] = (),
        retry: Collection[str] = (),
    ) -> None:
        self._engine = engine
        self._snapshot = snapshot
        self._run = run
        self._again = again
        self._retry = retry
        self._lessons: dict[str, Lesson] = {}  # path -> the lesson, once somebody needs its text
        self._outlines: dict[str, Outline] = {}  # module id -> what is known of its lesson
        self._verdicts: dict[str, ModuleVerdict] = {}
        self._isolations: set[str] = set()

    def standing(self) -> Standing:
        course = self._engine.course
        for module in course.modules:
            self._verdicts[module.id] = self._module(module)
        proven = [i for i, v in self._verdicts.items() if v.proven]
        package = self._package(proven)
        drift = sorted(p for p in package if not _holds(self._snapshot, package, p))
        drift += sorted(_package_paths(self._snapshot) - set(package))
        verdicts = {m.id: self._milestone(m) for m in course.milestones}
        isolations = tuple(sorted(self._isolations))
        name = self._snapshot.name
        return Standing(name, self._verdicts, verdicts, tuple(drift), package, isolations)

    def _package(self, module_ids: Collection[str], room_for: Outline | None = None) -> Package:
        outlines = [self._outlines[i] for i in module_ids if i in self._outlines]
        return Package(outlines, self._export, room_for)

    def _export(self, outline: Outline) -> str:
        """The text of a lesson's export: as the snapshot has it, if that is right, else made."""
        entry = self._snapshot.entries.get(outline.export_path)
        if entry is not None and entry.regular and entry.blob == outline.code_blob:
            return self._snapshot.text(outline.export_path) or ""
        return self._lesson(outline.path).export()

    def _lesson(self, path: str) -> Lesson:
        if path not in self._lessons:
            self._lessons[path] = parse(self._snapshot.text(path) or "", path)
        return self._lessons[path]

    def _outline(self, path: str, blob: str, lesson_of: Callable[[], Lesson]) -> Outline:
        """From the ledger if this very text was outlined before. Raises StudentError."""
        where = hashlib.sha256(path.encode()).hexdigest()[:8]
        name = f"{blob}-{where}-{parts.digest()[:16]}"
        stored = self._engine.ledger.recall(name) if blob else None
        known = Outline.from_json(stored) if stored else None
        if known is None:
            known = Outline.of(lesson_of())
            if blob:
                self._engine.ledger.memo(name, known.as_json())
        return known

    def _trusted(self, module: Module) -> tuple[Outline, Callable[[], Lesson]] | None:
        """The starter of a release: its outline, and the lesson for when it is run.

        Raises StudentError when it is damaged: a broken cell would silently take its tests along.
        """
        try:
            text = starter_text(self._engine.course, module)
            if text is None:
                return None

            def lesson() -> Lesson:
                return parse(text, module.starter_path)

            outline = self._outline(module.starter_path, blob_id(text.encode()), lesson)
        except StudentError as error:
            raise StudentError(error.what, hint=_restore(module)) from None
        if outline.problem:
            raise StudentError(outline.problem[0], hint=_restore(module))
        return outline, lesson

    def _module(self, module: Module) -> ModuleVerdict:
        incomplete = [i for i, v in self._verdicts.items() if not v.proven]
        try:
            trusted = self._trusted(module)
        except StudentError as error:
            return self._broken(module, error.what, error.hint, (), incomplete)
        expected = tuple(c.name for c in trusted[0].checks) if trusted else ()
        entry = self._snapshot.entries.get(module.path)
        if entry is None:
            return self._absent(module, expected, incomplete)
        try:
            blob = entry.blob if entry.regular else ""
            outline = self._outline(module.path, blob, lambda: self._lesson(module.path))
        except StudentError as error:
            return self._broken(module, error.what, error.hint, expected, incomplete)
        self._outlines[module.id] = outline
        tests, tests_of = trusted or (outline, lambda: self._lesson(module.path))
        expected = tuple(c.name for c in tests.checks)
        if outline.problem:
            return self._broken(module, *outline.problem, expected, incomplete)
        if outline.export_name != tests.export_name:
            what = (
                f"{module.path}: #| default_exp {outline.export_name} is not what the course says."
            )
            hint = f"Write it as in the starter: #| default_exp {tests.export_name}"
            return self._broken(module, what, hint, expected, incomplete)
        package = self._package(module.needs, room_for=outline)
        key = jobs.module_key(module, outline, tests, package)
        evidence = None
        if not any(n in incomplete for n in module.needs):
            evidence = self._evidence(module, key, tests_of)
        return judge.judge_module(
            module,
            evidence,
            expected,
            incomplete=incomplete,
            exported=_holds(self._snapshot, self._package([module.id]), outline.export_path),
            notes=_removed_tests(outline, tests),
            key=key,
        )

    def _absent(
        self, module: Module, expected: tuple[str, ...], incomplete: Collection[str]
    ) -> ModuleVerdict:
        return judge.judge_module(
            module,
            Evidence("", module.id, ()),
            expected or ("?",),
            incomplete=incomplete,
            exported=False,
            notes=(f"{module.path} is not there. -> tito module start {module.number}",),
        )

    def _broken(
        self,
        module: Module,
        error: str,
        hint: str,
        expected: tuple[str, ...],
        incomplete: Collection[str],
    ) -> ModuleVerdict:
        """A file that cannot be read as a lesson: one failure that says where."""
        where, _, what = error.partition(": ")
        check = CheckResult(
            "lesson",
            "The lesson can be read.",
            Outcome.ERRORED,
            what or error,
            hint,
            where.replace(", line ", ":") if what else module.path,
        )
        evidence = Evidence("", module.id, (check,))
        return judge.judge_module(
            module, evidence, expected or ("lesson-checks",), incomplete=incomplete, exported=False
        )

    def _milestone(self, milestone: Milestone) -> MilestoneVerdict:
        complete = [i for i, v in self._verdicts.items() if v.complete]
        earned = self._engine.ledger.earned(milestone.id)
        if not all(n in complete for n in milestone.needs):
            return judge.judge_milestone(milestone, None, complete=complete, earned=earned)
        trial = trials.trial(milestone, self._package(milestone.needs))
        evidence = self._known(trial.key)
        if milestone.id in self._again and self._engine.sandbox is not None:
            self._engine.watch(f"milestone {milestone.id}")
            evidence = trials.run(trial, self._engine.sandbox, self._engine.course.root)
            self._engine.ledger.put(evidence)
            self._isolations.add(evidence.isolation)
            if evidence.passed and _COMMIT.match(self._snapshot.name):
                now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
                self._engine.ledger.earn(milestone.id, Earned(self._snapshot.name, now))
                earned = self._engine.ledger.earned(milestone.id)
        return judge.judge_milestone(
            milestone, evidence, complete=complete, earned=earned, key=trial.key
        )

    def _evidence(
        self, module: Module, key: str, tests_of: Callable[[], Lesson]
    ) -> Evidence | None:
        engine = self._engine
        known = None if module.id in self._again else self._known(key)
        if known and not known.passed and module.id in self._retry:
            # A time-out may pass now, and a failure was told with the lines of an older text.
            known = None
        if known or engine.sandbox is None or self._run is None or module.id not in self._run:
            return known
        engine.watch(module.id)
        package = self._package(module.needs)
        self._snapshot.fetch([module.path, *(self._outlines[n].export_path for n in module.needs)])
        job = jobs.for_module(module, self._lesson(module.path), tests_of(), package)
        evidence = engine.sandbox.run(job)
        engine.ledger.put(evidence)
        self._isolations.add(evidence.isolation)
        return evidence

    def _known(self, key: str) -> Evidence | None:
        """From the ledger, if it was made in a sandbox that counts."""
        engine = self._engine
        evidence = engine.ledger.get(key)
        if evidence is None or (
            engine.accepts is not None and evidence.isolation not in engine.accepts
        ):
            return None
        self._isolations.add(evidence.isolation)
        return evidence


def _removed_tests(lesson: Outline, trusted: Outline) -> tuple[str, ...]:
    """Tests of the course that the student's file no longer holds. The course's own copy is run."""
    if lesson is trusted:
        return ()
    there = {c.name for c in lesson.checks}
    return tuple(
        f"{c.name} is no longer in {lesson.path}; the course's own copy was run."
        for c in trusted.checks
        if c.name not in there
    )
