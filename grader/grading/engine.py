"""grade() and recall(): from a snapshot to its standing. Every door comes through here.

recall() asks the ledger and starts no process; grade() runs what the ledger does not know.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from grader.errors import StudentError
from grader.grading.ledgers import Ledger
from grader.lessons.lesson import Lesson, parse
from grader.lessons.memo import LessonMemo, Package
from grader.lessons.of_module import restore_hint, starter_text
from grader.proof.milestones import trials
from grader.rules import parts
from grader.rules.course import Course, Milestone, Module
from grader.sandbox import Sandbox, jobs
from grader.sources.snapshots import Snapshot, blob_id
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.standing import MilestoneAccount, ModuleAccount, stand
from grader.verdicts.verdicts import Basis, MilestoneVerdict, ModuleVerdict, Standing

Watcher = Callable[[str], None]
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")  # what is earned is earned by a commit


@dataclass(frozen=True, slots=True)
class Engine:
    """watch: told the subject ("01_tensor", "milestone xor") before each run that takes time."""

    course: Course
    ledger: Ledger
    sandbox: Sandbox | None = None  # None: an engine that only recalls
    watch: Watcher = lambda _subject: None

    def recall(self, snapshot: Snapshot) -> Standing:
        """What the ledger knows of SNAPSHOT; the rest is unverified. Starts no process."""
        return stand(self.course, snapshot, Practice(self, snapshot, run=None))

    def grade(
        self, snapshot: Snapshot, only: Collection[str] | None = None, retry: Collection[str] = ()
    ) -> Standing:
        """Run the inline tests that the ledger does not know. Milestones are recalled, not run.

        only: ids of modules; they and what they need are run, the others recalled.
        retry: ids of modules that are run again unless the ledger knows that they pass.
        """
        wanted = set(only) if only is not None else {m.id for m in self.course.modules}
        for module in self.course.modules:
            if module.id in wanted:
                wanted.update(module.needs)
        return stand(self.course, snapshot, Practice(self, snapshot, run=wanted, retry=retry))

    def test(self, snapshot: Snapshot, module: Module) -> ModuleVerdict:
        """Grade one module, again even if the ledger knows it."""
        run = {module.id, *module.needs}
        tested = Practice(self, snapshot, run=run, again={module.id})
        return stand(self.course, snapshot, tested).modules[module.id]

    def verify(self, snapshot: Snapshot, milestone: Milestone) -> MilestoneVerdict:
        """Train the milestone's network on the student's package and judge it, ledger or not.

        A locked milestone is returned as it is: nothing is run. A first success is earned when
        SNAPSHOT is a commit. Raises CourseError when the data of the milestone are missing.
        """
        trained = Practice(self, snapshot, run=set(milestone.needs), again={milestone.id})
        return stand(self.course, snapshot, trained).milestones[milestone.id]

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
        return stand(self.course, snapshot, examination.Proof(self.course, snapshot, self.sandbox))


class Practice:
    """Accounts by inline tests: from the ledger, or run now. One pass over the course, in order."""

    basis = Basis.TESTS

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
        self._memos: dict[str, LessonMemo] = {}  # module id -> what is known of its lesson
        self.isolations: set[str] = set()
        self.accounts: dict[str, ModuleAccount] = {}

    def _package(self, module_ids: Collection[str], room_for: LessonMemo | None = None) -> Package:
        memos = [self._memos[i] for i in module_ids if i in self._memos]
        return Package(memos, self.export, room_for)

    def export(self, memo: LessonMemo) -> str:
        """The text of a lesson's export: as the snapshot has it, if that is right, else made."""
        entry = self._snapshot.entries.get(memo.export_path)
        if entry is not None and entry.regular and entry.blob == memo.code_blob:
            return self._snapshot.text(memo.export_path) or ""
        return self._lesson(memo.path).export()

    def _lesson(self, path: str) -> Lesson:
        if path not in self._lessons:
            self._lessons[path] = parse(self._snapshot.text(path) or "", path)
        return self._lessons[path]

    def _memo(self, path: str, blob: str, lesson_of: Callable[[], Lesson]) -> LessonMemo:
        """From the ledger if this very text was remembered before. Raises StudentError."""
        where = hashlib.sha256(path.encode()).hexdigest()[:8]
        name = f"{blob}-{where}-{parts.digest()[:16]}"
        stored = self._engine.ledger.recall(name) if blob else None
        known = LessonMemo.from_json(stored) if stored else None
        if known is None:
            known = LessonMemo.of(lesson_of())
            if blob:
                self._engine.ledger.memo(name, known.as_json())
        return known

    def _trusted(self, module: Module) -> tuple[LessonMemo, Callable[[], Lesson]] | None:
        """The starter of a release: its memo, and the lesson for when it is run.

        Raises StudentError when it is damaged: a broken cell would silently take its tests along.
        """
        try:
            text = starter_text(self._engine.course, module)
            if text is None:
                return None

            def lesson() -> Lesson:
                return parse(text, module.starter_path)

            memo = self._memo(module.starter_path, blob_id(text.encode()), lesson)
        except StudentError as error:
            raise StudentError(error.what, hint=restore_hint(module)) from None
        if memo.problem:
            raise StudentError(memo.problem[0], hint=restore_hint(module))
        return memo, lesson

    def module(self, module: Module, incomplete: Collection[str]) -> ModuleAccount:
        self.accounts[module.id] = self._account(module, incomplete)
        return self.accounts[module.id]

    def _account(self, module: Module, incomplete: Collection[str]) -> ModuleAccount:
        try:
            trusted = self._trusted(module)
        except StudentError as error:
            return _broken(module, error.what, error.hint, ())
        expected = tuple(c.name for c in trusted[0].checks) if trusted else ()
        entry = self._snapshot.entries.get(module.path)
        if entry is None:
            note = f"{module.path} is not there. -> tito module start {module.number}"
            return ModuleAccount(Evidence("", module.id, ()), expected or ("?",), notes=(note,))
        try:
            blob = entry.blob if entry.regular else ""
            memo = self._memo(module.path, blob, lambda: self._lesson(module.path))
        except StudentError as error:
            return _broken(module, error.what, error.hint, expected)
        self._memos[module.id] = memo
        tests, tests_of = trusted or (memo, lambda: self._lesson(module.path))
        expected = tuple(c.name for c in tests.checks)
        if memo.problem:
            return _broken(module, *memo.problem, expected)
        if memo.export_name != tests.export_name:
            what = f"{module.path}: #| default_exp {memo.export_name} is not what the course says."
            hint = f"Write it as in the starter: #| default_exp {tests.export_name}"
            return _broken(module, what, hint, expected)
        package = self._package(module.needs, room_for=memo)
        key = jobs.module_key(module, memo, tests, package)
        evidence = None
        if not any(n in incomplete for n in module.needs):
            evidence = self._evidence(module, key, tests_of)
        return ModuleAccount(evidence, expected, memo, _removed_tests(memo, tests), key)

    def milestone(self, milestone: Milestone, *, unlocked: bool) -> MilestoneAccount:
        earned = self._engine.ledger.earned(milestone.id)
        if not unlocked:
            return MilestoneAccount(earned=earned)
        trial = trials.trial(milestone, self._package(milestone.needs))
        evidence = self._known(trial.key)
        if milestone.id in self._again and self._engine.sandbox is not None:
            self._engine.watch(f"milestone {milestone.id}")
            evidence = trials.run(trial, self._engine.sandbox, self._engine.course.root)
            self._engine.ledger.put(evidence)
            self.isolations.add(evidence.isolation)
            if evidence.passed and _COMMIT.match(self._snapshot.name):
                now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
                self._engine.ledger.earn(milestone.id, Earned(self._snapshot.name, now))
                earned = self._engine.ledger.earned(milestone.id)
        return MilestoneAccount(evidence, earned, trial.key)

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
        self._snapshot.fetch([module.path, *(self._memos[n].export_path for n in module.needs)])
        job = jobs.for_module(module, self._lesson(module.path), tests_of(), package)
        evidence = engine.sandbox.run(job)
        engine.ledger.put(evidence)
        self.isolations.add(evidence.isolation)
        return evidence

    def _known(self, key: str) -> Evidence | None:
        evidence = self._engine.ledger.get(key)
        if evidence is not None:
            self.isolations.add(evidence.isolation)
        return evidence


def _broken(module: Module, error: str, hint: str, expected: Sequence[str]) -> ModuleAccount:
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
    return ModuleAccount(Evidence("", module.id, (check,)), expected or ("lesson-checks",))


def _removed_tests(lesson: LessonMemo, trusted: LessonMemo) -> tuple[str, ...]:
    """Tests of the course that the student's file no longer holds. The course's own copy is run."""
    if lesson is trusted:
        return ()
    there = {c.name for c in lesson.checks}
    return tuple(
        f"{c.name} is no longer in {lesson.path}; the course's own copy was run."
        for c in trusted.checks
        if c.name not in there
    )
