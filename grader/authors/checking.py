"""The author's check: what must hold before a course is given out."""

from __future__ import annotations

import ast
import difflib
import functools
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.authors import release
from grader.errors import CourseError, StudentError, TitoError
from grader.grading import ledgers
from grader.grading.engine import Engine
from grader.grading.ledgers import LEDGERS
from grader.lessons import of_module as engines
from grader.lessons.lesson import BEGIN, Lesson, functions, package_files, parse
from grader.proof import content, examination
from grader.proof.probe import Scenario
from grader.reports import REPORTS
from grader.rules.course import Course, Milestone, Module
from grader.sandbox import SANDBOXES, Sandbox, choice, jobs
from grader.sources.git import Git
from grader.sources.snapshots import Snapshot
from grader.verdicts.facts import CLAIMS, Outcome
from grader.verdicts.report import Problem, Trust, unjudged


@dataclass(frozen=True, slots=True)
class Remark:
    """what: one sentence. problem: False for a line that says what was found to be right."""

    what: str
    hint: str = ""
    problem: bool = True


def check(engine: Engine, git: Git, snapshot: Snapshot) -> Iterator[Remark]:
    """Everything, in the order in which an author would mend it. Yields as it goes."""
    course = engine.course
    lessons, findings = _lessons(course, snapshot)
    yield from findings
    yield from written(course, snapshot, lessons)
    yield from _usable(course)
    if len(lessons) < len(course.modules):
        return
    yield from _solutions(engine, snapshot)
    if engine.sandbox is not None:
        yield from _guarded(_probes(engine.sandbox, course, lessons))
        yield from _starters(engine.sandbox, course, lessons)
    yield from _guarded(_milestones(engine, snapshot))
    yield from _release(git, course, list(lessons.values()))


def written(course: Course, snapshot: Snapshot, lessons: Mapping[str, Lesson]) -> Iterator[Remark]:
    """What can be seen without running anything."""
    yield from _folders(course, snapshot)
    yield from _uses(course)
    yield from _content(course, lessons)
    for lesson in lessons.values():
        yield from _form(lesson)
    yield from _lists(course)


def _lessons(course: Course, snapshot: Snapshot) -> tuple[dict[str, Lesson], list[Remark]]:
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
            findings.append(Remark(broken.what, broken.hint) if broken else Remark(module.path))
            continue
        other = exports.setdefault(lesson.export_name, module.id)
        if other != module.id:
            findings.append(
                Remark(
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


def _folders(course: Course, snapshot: Snapshot) -> Iterator[Remark]:
    listed = {m.id for m in course.modules}
    folders = {
        p.split("/")[1] for p in snapshot.entries if p.startswith("modules/") and p.count("/") > 1
    }
    for folder in sorted(folders - listed):
        yield Remark(
            f"modules/{folder} is not listed in course.yaml.",
            f"Add an entry with id: {folder}, or remove the folder.",
        )


def _uses(course: Course) -> Iterator[Remark]:
    """Every module is for something."""
    needed = {need for milestone in course.milestones for need in milestone.needs}
    for module in course.modules:
        if module.id not in needed:
            yield Remark(
                f"{module.id} is needed by no milestone.",
                f"Add {module.id} to the needs of one in course.yaml.",
            )


def _content(course: Course, lessons: Mapping[str, Lesson]) -> Iterator[Remark]:
    """What grades a commit on a server is there for every module and milestone."""
    subjects: list[Module | Milestone] = [*course.modules, *course.milestones]
    for gap in filter(None, map(_gap, subjects)):
        yield Remark(gap.what, gap.hint)
    yield from _scenarios(course)
    for module in course.modules:
        if module.id in lessons and not _gap(module):
            yield from _sizes(module, lessons[module.id])
            names = [probe.name for probe in content.probes(module.id)]
            for name in sorted({n for n in names if names.count(n) > 1}):
                yield Remark(
                    f"{module.id} has two probes named '{name}'.", "Give one of them a label."
                )
    for milestone in course.milestones:
        file, _, name = milestone.test.partition("::")
        path = course.root / file
        if not path.is_file() or f"def {name}(".encode() not in path.read_bytes():
            yield Remark(f"{milestone.id}: {file} has no {name}().", "Write it as the others are.")


def _gap(subject: Module | Milestone) -> CourseError | None:
    """What the course does not bring for SUBJECT, so that no commit could be graded."""
    try:
        content.sizes()
        if isinstance(subject, Module):
            content.probes(subject.id)
            content.scenarios(subject.id)
        else:
            hints = content.challenge(subject.id).hints
            content.load(f"{content.room(subject.id)}/training", "train")
            if missing := [claim for claim in CLAIMS if claim not in hints]:
                return CourseError(
                    f"The challenge of {subject.id} has no hint for {', '.join(missing)}.",
                    hint="Say in its hints what to look at when that claim fails.",
                )
    except CourseError as error:
        return error
    folder = content.room(subject.id)
    if not (content.FOLDER / folder / "__init__.py").is_file():
        path = f"grader/content/{folder}/__init__.py"
        return CourseError(
            f"{path} is not there: a wheel would leave {folder} out.", hint=f"touch {path}"
        )
    return None


def _scenarios(course: Course) -> Iterator[Remark]:
    """Workers know scenarios by name alone, those of all modules at once."""
    modules = [module.id for module in course.modules if not _gap(module)]
    known = [(name, module) for module in modules for name in content.scenarios(module)]
    asked = {
        probe.scenario: module
        for module in modules
        for probe in content.probes(module)
        if isinstance(probe, Scenario)
    }
    owners: dict[str, str] = {}
    for name, module in known:
        if (other := owners.setdefault(name, module)) != module:
            yield Remark(
                f"{other} and {module} both have a scenario {name}.", "Rename one of them."
            )
        if name not in asked:
            yield Remark(
                f"No probe asks for the scenario {name} of {module}.",
                f"Ask for it in probes.py, or remove it from {_file(module, 'scenarios')}.",
            )
    for name in asked.keys() - owners.keys():
        yield Remark(
            f"A probe of {asked[name]} asks for the scenario {name}, which is not there.",
            f"Write {name}() in {_file(asked[name], 'scenarios')}, and list it in SCENARIOS.",
        )


def _file(subject: str, name: str) -> str:
    return f"grader/content/{content.room(subject)}/{name}.py"


def _sizes(module: Module, lesson: Lesson) -> Iterator[Remark]:
    sizes = content.sizes()
    lines = [sum(bool(line.strip()) for line in s.splitlines()) for s in lesson.solutions()]
    probes = len(content.probes(module.id))
    for count, (least, most), what, path in (
        (len(lines), sizes.functions, "solution regions", lesson.path),
        (sum(lines), sizes.lines, "lines of solutions", lesson.path),
        (max(lines, default=0), sizes.longest, "lines in its longest solution", lesson.path),
        (probes, sizes.probes, "probes", _file(module.id, "probes")),
    ):
        if not least <= count <= most:
            more = f"Write {'more' if count < least else 'fewer'}"
            yield Remark(
                f"{path} has {count} {what}; this course wants {least} to {most}.",
                f"{more}, or change grader/content/sizes.py.",
            )


def _form(lesson: Lesson) -> Iterator[Remark]:
    """It opens as a notebook; every function to write and every inline test says what students read."""
    if not re.match(r"# ---\n(#.*\n)*#\s+jupytext:\n(#.*\n)*# ---\n", lesson.text):
        yield Remark(
            f"{lesson.path} does not begin with a jupytext header.",
            "Copy the lines between the two '# ---' from another lesson.",
        )
    if all(cell.kind == "code" for cell in lesson.cells):
        yield Remark(
            f"{lesson.path} explains nothing.", "Write a cell of text: a line '# %% [markdown]'."
        )
    if not lesson.checks:
        yield Remark(
            f"{lesson.path} has no inline test.", "Add a function test_... with a docstring."
        )
    yield from _functions(lesson)
    seen: set[str] = set()
    for cell in lesson.check_cells:
        for node in ast.parse(cell.source).body:
            if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
                continue
            where = f"{lesson.path}, line {cell.line + node.lineno - 1}: {node.name}"
            if node.name in seen:
                yield Remark(f"{where} is defined twice.", "Rename one of the two.")
            seen.add(node.name)
            said = ast.get_docstring(node)
            if not said:
                yield Remark(
                    f"{where} has no docstring, which is the name that students see.",
                    "Say in one sentence what should hold.",
                )
            elif not said.endswith("."):
                yield Remark(f"{where}: its docstring is no sentence.", "End it with a full stop.")
            if "Hint:" not in (ast.get_source_segment(cell.source, node) or ""):
                yield Remark(
                    f"{where} gives no hint.", "End its assertion messages with 'Hint: ...'."
                )


def _functions(lesson: Lesson) -> Iterator[Remark]:
    said = {
        name: ast.get_docstring(node) or ""
        for cell in lesson.export_cells
        for name, node in functions(ast.parse(cell.source).body)
    }
    for number, line in enumerate(lesson.text.split("\n"), start=1):
        name = lesson.function_at(number) if line.strip() == BEGIN else ""
        if name and not re.search(r"^\s*Hints?:", said.get(name, ""), re.MULTILINE):
            yield Remark(
                f"{lesson.path}, line {number}: the docstring of {name}() gives no hint.",
                "End it with 'Hint: ...', which `tito module hint` shows.",
            )


# Folder of files that a list names -> the list, and what such a file holds.
LISTED = {
    "grader/reports/formats": ("REPORTS", r"^def files\("),
    "grader/sandbox": ("SANDBOXES", r"^class \w+Sandbox\b"),
    "grader/grading/ledgers": ("LEDGERS", r"^class \w+Ledger\b"),
    "tito/commands": ("COMMANDS", r"^@click\.(command|group)\("),
}


# Where a release speaks of each milestone -> how.
TOLD = {
    "release/README.md": "badges/{}.svg",
    ".github/workflows/classroom.yml": "steps.grade.outputs.{} ",
}


def _lists(course: Course) -> Iterator[Remark]:
    """No report, sandbox, ledger, command or milestone is forgotten where they are listed."""
    for path, words in TOLD.items():
        text = (course.root / path).read_text("utf-8") if (course.root / path).is_file() else ""
        for milestone in course.milestones if text else ():
            if words.format(milestone.id) not in text:
                yield Remark(
                    f"{path} has no line for {milestone.id}.", "Add one like those of the others."
                )
    for folder, (name, mark) in LISTED.items():
        path = f"{folder.removesuffix('/formats')}/__init__.py"
        text = (course.root / path).read_text("utf-8") if (course.root / path).is_file() else ""
        _, *listed = re.split(rf"^{name}\b", text, maxsplit=1, flags=re.MULTILINE)
        for file in sorted((course.root / folder).glob("[!_]*.py")):
            made = re.search(mark, file.read_text("utf-8"), re.MULTILINE)
            if made and not re.search(rf"\b{file.stem}\b", "".join(listed)):
                yield Remark(f"{folder}/{file.name} is not in {name}.", f"Add a line to {path}.")


def _usable(course: Course) -> Iterator[Remark]:
    """What is listed is there."""
    sample = unjudged(course, "0" * 40, Problem("A trial.", ""), Trust.ADVISORY, ours=True)
    tried: dict[str, Callable[[], object]] = {
        **{f"report '{n}'": functools.partial(files, sample) for n, files in REPORTS.items()},
        **{f"sandbox '{n}'": functools.partial(choice.weakness, n) for n in SANDBOXES},
        **{f"ledger '{n}'": functools.partial(ledgers.ledger, n, course.root) for n in LEDGERS},
    }
    for what, attempt in tried.items():
        try:
            attempt()
        except Exception as error:  # noqa: BLE001  # a new one may raise anything
            yield Remark(
                f"The {what} cannot be used ({type(error).__name__}: {error}).",
                "Mend its file, or the line that lists it.",
            )


def _guarded(findings: Iterator[Remark]) -> Iterator[Remark]:
    """What grader/content/ raises is its author's to mend; whatever else is raised is our fault."""
    try:
        yield from findings
    except CourseError as error:
        yield Remark(error.what, error.hint)
    except Exception as error:  # raised again below, unless it is the content's own
        frames = traceback.extract_tb(error.__traceback__)
        places = [f for f in frames if Path(f.filename).is_relative_to(content.FOLDER)]
        if not places:
            raise
        path = Path(places[-1].filename).relative_to(content.FOLDER)
        yield Remark(
            f"grader/content/{path}, line {places[-1].lineno}: {type(error).__name__}: {error}",
            "Mend what this line asks for.",
        )


def _all(number: int, things: str) -> str:
    return f"all {number} {things}s" if number > 1 else f"its one {things}"


def _solutions(engine: Engine, snapshot: Snapshot) -> Iterator[Remark]:
    standing = engine.grade(snapshot)
    for verdict in standing.modules.values():
        if verdict.proven:
            yield Remark(
                f"{verdict.module.id}: the solution passes {_all(verdict.expected, 'test')}",
                problem=False,
            )
            continue
        first = next(iter((*verdict.failures, *verdict.todo, *verdict.faults)), None)
        detail = f": {first.name}: {first.message}" if first else ""
        yield Remark(
            f"{verdict.module.id}: the solution is {verdict.state.value}{detail}",
            f"tito module test {verdict.module.number}",
        )
    if standing.drift:
        yield Remark(
            f"tinytorch/ is not what the lessons export ({standing.drift[0]}).",
            "tito export && git add tinytorch",
        )


def _probes(sandbox: Sandbox, course: Course, lessons: dict[str, Lesson]) -> Iterator[Remark]:
    """What counts on a server passes on the solutions."""
    if any(map(_gap, course.modules)):
        return  # said by _content()
    solved = {module: lessons[module.id] for module in course.modules}
    for subject, evidence in examination.examine(solved, (), sandbox, course.root).items():
        wrong = [c for c in evidence.checks if c.outcome is not Outcome.PASSED]
        if wrong:
            yield Remark(
                f"{subject}: the solution does not pass {len(wrong)} of {len(evidence.checks)} "
                f"probes: {wrong[0].name}: {wrong[0].message}",
                "Mend the solution, or the probe in grader/content/.",
            )
        else:
            yield Remark(
                f"{subject}: the solution passes {_all(len(evidence.checks), 'probe')}",
                problem=False,
            )


def _starters(sandbox: Sandbox, course: Course, lessons: dict[str, Lesson]) -> Iterator[Remark]:
    """On top of the solved modules it needs, no test of a starter passes, and it can be imported."""
    for module in course.modules:
        lesson = lessons[module.id]
        starter = parse(lesson.starter(), module.path)
        package = package_files([lessons[n] for n in module.needs])
        evidence = sandbox.run(jobs.for_module(module, starter, lesson, package))
        wrong = [c for c in evidence.checks if c.outcome not in (Outcome.TODO, Outcome.FAILED)]
        for result in wrong:
            if result.outcome is Outcome.PASSED:
                yield Remark(
                    f"{module.id}: {result.name} passes on the starter, so it proves nothing.",
                    "Let it touch a function that students write.",
                )
            else:
                yield Remark(
                    f"{module.id}: {result.name} on the starter: {result.message}",
                    "The starter must import, and its tests be to do or fail.",
                )
        if not wrong:
            yield Remark(
                f"{module.id}: the starter imports, and none of its tests passes", problem=False
            )
        yield from _one_by_one(sandbox, module, lesson, package)


def _one_by_one(
    sandbox: Sandbox, module: Module, lesson: Lesson, package: dict[str, str]
) -> Iterator[Remark]:
    """Written from the top, each solution turns a test green, and none red."""
    before: set[str] = set()
    for number in range(1, len(lesson.solutions()) + 1):
        text = parse(lesson.starter(number), module.path)
        checks = sandbox.run(jobs.for_module(module, text, lesson, package)).checks
        red = [c for c in checks if c.outcome not in (Outcome.PASSED, Outcome.TODO)]
        green = {c.name for c in checks if c.outcome is Outcome.PASSED}
        where = f"{module.id}: with the first {number} of its solutions"
        if red:
            yield Remark(
                f"{where}, {red[0].name} fails: {red[0].message}",
                "Let no test need a function that is written below it.",
            )
        elif green <= before:
            yield Remark(
                f"{where}, no test passes that did not before.",
                "Write a test that needs no function below this one.",
            )
        before = green


def _milestones(engine: Engine, snapshot: Snapshot) -> Iterator[Remark]:
    for milestone in engine.course.milestones:
        if _gap(milestone):
            continue  # said by _content()
        verdict = engine.verify(snapshot, milestone)
        if verdict.achieved:
            yield Remark(f"{milestone.id}: the solutions pass", problem=False)
        elif verdict.missing:
            yield Remark(
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
            yield Remark(
                f"{milestone.id}: the solutions fail: {detail}",
                f"tito milestone run {milestone.id}",
            )


def _release(git: Git, course: Course, lessons: list[Lesson]) -> Iterator[Remark]:
    try:
        files = release.build(git, course)
    except TitoError as error:
        yield Remark(error.what, error.hint)
        return
    leaks = release.leaked_solutions(lessons, files)
    for path, line in leaks:
        yield Remark(f"{path} in the release holds a solution: {line}", "Remove it there.")
    if not leaks:
        yield Remark("the release holds no solution text", problem=False)
