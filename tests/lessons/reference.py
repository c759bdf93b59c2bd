"""The course's own lessons, and one way to run a changed one against its inline tests."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from grader.lessons.lesson import BEGIN, END, Lesson, package_files, parse
from grader.rules import reading
from grader.sandbox import jobs
from grader.sandbox.process import ProcessSandbox
from grader.verdicts.facts import CheckResult, Outcome

ROOT = Path(__file__).resolve().parents[2]
COURSE = reading.load(ROOT)
_REGION = re.compile(rf"^([ \t]*){BEGIN}[ \t]*\n.*?^[ \t]*{END}[ \t]*$", re.DOTALL | re.MULTILINE)


@functools.cache
def lesson(module_id: str) -> Lesson:
    module = COURSE.module(module_id)
    return parse((ROOT / module.path).read_text(encoding="utf-8"), module.path)


def run(module_id: str, text: str) -> tuple[CheckResult, ...]:
    """The inline tests of the reference lesson, on TEXT in its place and on reference modules."""
    module = COURSE.module(module_id)
    package = package_files([lesson(need) for need in module.needs])
    job = jobs.for_module(module, parse(text, module.path), lesson(module_id), package)
    return ProcessSandbox().run(job).checks


def failing(checks: tuple[CheckResult, ...]) -> list[str]:
    return [check.name for check in checks if check.outcome is not Outcome.PASSED]


def without_solution(module_id: str, number: int) -> str:
    """The lesson with its solution region NUMBER raising, all others as they are."""
    seen = iter(range(10_000))

    def stub(region: re.Match[str]) -> str:
        if next(seen) != number:
            return region.group(0)
        return f'{region.group(1)}raise RuntimeError("taken out")'

    return _REGION.sub(stub, lesson(module_id).text)


def regions() -> list[tuple[str, int]]:
    """(module id, number) of every solution region of the course."""
    return [
        (module.id, number)
        for module in COURSE.modules
        for number in range(len(lesson(module.id).solutions()))
    ]
