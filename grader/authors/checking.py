"""The author's check: what must hold before a course is given out."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from grader.authors import release
from grader.errors import CourseError, StudentError, TitoError
from grader.grading.engine import Engine
from grader.lessons import of_module as engines
from grader.lessons.lesson import Lesson, package_files, parse
from grader.proof import content, examination
from grader.rules.course import Course, Milestone, Module
from grader.sandbox import Sandbox, jobs
from grader.sources.git import Git
from grader.sources.snapshots import Snapshot
from grader.verdicts.facts import Outcome


@dataclass(frozen=True, slots=True)
class CourseFinding:
    """what: one sentence. problem: False for a line that says what was found to be right."""

    what: str
    hint: str = ""
    problem: bool = True


def check(engine: Engine, git: Git, snapshot: Snapshot) -> Iterator[CourseFinding]:
    """Everything, in the order in which an author would mend it. Yields as it goes."""
    course = engine.course
    lessons, findings = _lessons(course, snapshot)
    yield from findings
    yield from _folders(course, snapshot)
    yield from _judges(course)
    for lesson in lessons.values():
        yield from _tests(lesson)
    if len(lessons) < len(course.modules):
        return
    yield from _solutions(engine, snapshot)
    if engine.sandbox is not None:
        yield from _probes(engine.sandbox, course, lessons)
        yield from _starters(engine.sandbox, course, lessons)
    yield from _milestones(engine, snapshot)
    yield from _release(git, course, list(lessons.values()))


def _lessons(course: Course, snapshot: Snapshot) -> tuple[dict[str, Lesson], list[CourseFinding]]:
    lessons: dict[str, Lesson] = {}
    findings = []
    exports: dict[str, str] = {}
    for module in course.modules:
        broken: StudentError | None
        try:
            lesson = engines.read_lesson(snapshot, module)
            broken = lesson.syntax_error() if lesson else None
        except StudentError as error:
            lesson, broken = None, error
        if lesson is None and broken is None:
            broken = StudentError(
                f"{module.path} is not there.", hint=_likely(module, course, snapshot)
            )
        if lesson is None or broken is not None:
            findings.append(
                CourseFinding(broken.what, broken.hint) if broken else CourseFinding(module.path)
            )
            continue
        other = exports.setdefault(lesson.export_name, module.id)
        if other != module.id:
            findings.append(
                CourseFinding(
                    f"{module.id} and {other} both export to {lesson.export_path}.",
                    f"Change #| default_exp in {module.path}.",
                )
            )
        lessons[module.id] = lesson
    return lessons, findings


def _likely(module: Module, course: Course, snapshot: Snapshot) -> str:
    """What to do about a lesson that is not where its id says: mostly one of the two is misspelt."""
    taken = {m.path for m in course.modules}
    lessons = [p for p in snapshot.entries if p.startswith("modules/") and p not in taken]
    here = f"modules/{module.id}/"
    same = [p for p in lessons if p.startswith((here, f"modules/{module.number}_"))]
    close = same or difflib.get_close_matches(module.path, lessons, n=1, cutoff=0.8)
    if close:
        return f"Rename {close[0]} to {module.path}, or mend the id in course.yaml."
    return f"Write the lesson, or remove {module.id} from course.yaml."


def _folders(course: Course, snapshot: Snapshot) -> Iterator[CourseFinding]:
    listed = {m.id for m in course.modules}
    folders = {
        p.split("/")[1] for p in snapshot.entries if p.startswith("modules/") and p.count("/") > 1
    }
    for folder in sorted(folders - listed):
        yield CourseFinding(
            f"modules/{folder} is not listed in course.yaml.",
            f"Add an entry with id: {folder}, or remove the folder.",
        )


def _judges(course: Course) -> Iterator[CourseFinding]:
    """What grades a commit on a server is there for every module and milestone."""
    subjects: list[Module | Milestone] = [*course.modules, *course.milestones]
    for gap in filter(None, [_gap(s) for s in subjects]):
        yield CourseFinding(gap.what, gap.hint)
    for milestone in course.milestones:
        file, _, name = milestone.test.partition("::")
        path = course.root / file
        if not path.is_file() or f"def {name}(".encode() not in path.read_bytes():
            yield CourseFinding(
                f"{milestone.id}: {file} has no {name}().", "Write it as the others are."
            )


def _gap(subject: Module | Milestone) -> CourseError | None:
    """What the course does not bring for SUBJECT, so that no commit could be graded."""
    try:
        if isinstance(subject, Module):
            content.probes(subject.id)
        else:
            content.challenge(subject.id)
            content.scripts(subject.needs, [subject.id])
    except CourseError as error:
        return error
    return None


def _tests(lesson: Lesson) -> Iterator[CourseFinding]:
    """Every inline test has a docstring and a hint, and there is something to write."""
    if not lesson.checks:
        yield CourseFinding(
            f"{lesson.path} has no inline test.", "Add a function test_... with a docstring."
        )
    if not lesson.solutions():
        yield CourseFinding(
            f"{lesson.path} has no solution region.",
            "Put ### BEGIN SOLUTION and ### END SOLUTION around what students write.",
        )
    seen: set[str] = set()
    for cell in lesson.check_cells:
        for node in ast.parse(cell.source).body:
            if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
                continue
            where = f"{lesson.path}, line {cell.line + node.lineno - 1}: {node.name}"
            if node.name in seen:
                yield CourseFinding(f"{where} is defined twice.", "Rename one of the two.")
            seen.add(node.name)
            if not ast.get_docstring(node):
                yield CourseFinding(
                    f"{where} has no docstring, which is the name that students see.",
                    "Say in one sentence what should hold.",
                )
            if "Hint:" not in (ast.get_source_segment(cell.source, node) or ""):
                yield CourseFinding(
                    f"{where} gives no hint.", "End its assertion messages with 'Hint: ...'."
                )


def _all(number: int, things: str) -> str:
    return f"all {number} {things}s" if number > 1 else f"its one {things}"


def _solutions(engine: Engine, snapshot: Snapshot) -> Iterator[CourseFinding]:
    standing = engine.grade(snapshot)
    for verdict in standing.modules.values():
        if verdict.proven:
            yield CourseFinding(
                f"{verdict.module.id}: the solution passes {_all(verdict.expected, 'test')}",
                problem=False,
            )
            continue
        first = next(iter((*verdict.failures, *verdict.todo, *verdict.faults)), None)
        detail = f": {first.name}: {first.message}" if first else ""
        yield CourseFinding(
            f"{verdict.module.id}: the solution is {verdict.state.value}{detail}",
            f"tito module test {verdict.module.number}",
        )
    if standing.drift:
        yield CourseFinding(
            f"tinytorch/ is not what the lessons export ({standing.drift[0]}).",
            "tito export && git add tinytorch",
        )


def _probes(
    sandbox: Sandbox, course: Course, lessons: dict[str, Lesson]
) -> Iterator[CourseFinding]:
    """What counts on a server passes on the solutions."""
    if any(map(_gap, course.modules)):
        return  # said by _judges()
    solved = {module: lessons[module.id] for module in course.modules}
    for subject, evidence in examination.examine(solved, (), sandbox, course.root).items():
        wrong = [c for c in evidence.checks if c.outcome is not Outcome.PASSED]
        if wrong:
            yield CourseFinding(
                f"{subject}: the solution does not pass {len(wrong)} of {len(evidence.checks)} "
                f"probes: {wrong[0].name}: {wrong[0].message}",
                "Mend the solution, or the probe in grader/content/.",
            )
        else:
            yield CourseFinding(
                f"{subject}: the solution passes {_all(len(evidence.checks), 'probe')}",
                problem=False,
            )


def _starters(
    sandbox: Sandbox, course: Course, lessons: dict[str, Lesson]
) -> Iterator[CourseFinding]:
    """On top of the solved modules it needs, no test of a starter passes, and it can be imported."""
    for module in course.modules:
        lesson = lessons[module.id]
        starter = parse(lesson.starter(), module.path)
        needs = [lessons[n] for n in module.needs]
        evidence = sandbox.run(jobs.for_module(module, starter, lesson, package_files(needs)))
        wrong = [c for c in evidence.checks if c.outcome not in (Outcome.TODO, Outcome.FAILED)]
        for result in wrong:
            if result.outcome is Outcome.PASSED:
                yield CourseFinding(
                    f"{module.id}: {result.name} passes on the starter, so it proves nothing.",
                    "Let it touch a function that students write.",
                )
            else:
                yield CourseFinding(
                    f"{module.id}: {result.name} on the starter: {result.message}",
                    "The starter must import, and its tests be to do or fail.",
                )
        if not wrong:
            yield CourseFinding(
                f"{module.id}: the starter imports, and none of its tests passes", problem=False
            )


def _milestones(engine: Engine, snapshot: Snapshot) -> Iterator[CourseFinding]:
    for milestone in engine.course.milestones:
        if _gap(milestone):
            continue  # said by _judges()
        verdict = engine.verify(snapshot, milestone)
        if verdict.achieved:
            yield CourseFinding(f"{milestone.id}: the solutions pass", problem=False)
        elif verdict.missing:
            yield CourseFinding(
                f"{milestone.id}: locked on the solutions: {', '.join(verdict.missing)} not complete",
                "Mend these modules first.",
            )
        else:
            failed = [
                c
                for c in (verdict.evidence.checks if verdict.evidence else ())
                if c.outcome is not Outcome.PASSED
            ]
            detail = failed[0].message if failed else "no evidence"
            yield CourseFinding(
                f"{milestone.id}: the solutions fail: {detail}",
                f"tito milestone run {milestone.id}",
            )


def _release(git: Git, course: Course, lessons: list[Lesson]) -> Iterator[CourseFinding]:
    try:
        files = release.build(git, course)
    except TitoError as error:
        yield CourseFinding(error.what, error.hint)
        return
    leaks = release.leaked_solutions(lessons, files)
    for path, line in leaks:
        yield CourseFinding(f"{path} in the release holds a solution: {line}", "Remove it there.")
    if not leaks:
        yield CourseFinding("the release holds no solution text", problem=False)
