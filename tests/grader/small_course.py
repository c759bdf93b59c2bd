"""A course small enough to read in one look: three modules, two milestones, no NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from grader.lessons.lesson import Lesson, package_files, parse
from grader.rules import reading
from grader.rules.course import Course, Module
from grader.sandbox import jobs
from grader.sandbox.jobs import Job, Limits

RULES = """\
course: Small
version: 1
loss_falls: "> 50 %"
modules:
  - id: 00_one
    title: The first number
    needs: []
    points: 5
  - id: 01_two
    title: The second number
    needs: [00_one]
    points: 10
  - id: 02_three
    title: The third number
    needs: [00_one]
    points: 20
milestones:
  - id: early
    name: 1900 - Early
    story: The first thing that worked
    proves: that one is enough
    needs: [00_one]
    accuracy: "> 90 %"
    points: 20
  - id: late
    name: 2000 - Late
    story: The last thing that worked
    proves: that three are enough
    needs: [00_one, 01_two, 02_three]
    accuracy: "100 %"
    points: 40
"""

RIGHT = {
    "00_one": "def one():\n    return 1",
    "01_two": "from tinytorch.core.one import one\n\n\ndef two():\n    return one() + one()",
    "02_three": "from tinytorch.core.one import one\n\n\ndef three():\n    return one() * 3",
}
TESTS = {
    "00_one": '''\
def test_one():
    """one() is 1."""
    assert one() == 1, f"one() should be 1, got {one()}. Hint: return 1."


def test_one_is_whole():
    """one() is a whole number."""
    assert isinstance(one(), int), f"one() should be an int, got {one()}. Hint: no point."
''',
    "01_two": '''\
def test_two():
    """two() is 2."""
    assert two() == 2, f"two() should be 2, got {two()}. Hint: add one() to itself."
''',
    "02_three": '''\
def test_three():
    """three() is 3."""
    assert three() == 3, f"three() should be 3, got {three()}. Hint: count."
''',
}
MODULES = tuple(RIGHT)
TODO = 'raise NotImplementedError("write it")'


def course(root: Path = Path("/nowhere")) -> Course:
    return reading.parse(RULES.encode(), root)


def path(module: str) -> str:
    return f"modules/{module}/{module[3:]}.py"


def export_path(module: str) -> str:
    return f"tinytorch/core/{module[3:]}.py"


def text(module: str, code: str | None = None, tests: str | None = None, prose: str = "") -> str:
    """A lesson in percent format. CODE and TESTS default to right ones."""
    return lesson_text(
        f"core.{module[3:]}",
        RIGHT[module] if code is None else code,
        TESTS[module] if tests is None else tests,
        prose,
    )


def lesson_text(export: str, code: str, tests: str, prose: str = "") -> str:
    return (
        f"# %% [markdown]\n# A lesson. {prose}\n\n# %%\n#| default_exp {export}\n\n"
        f"# %%\n#| export\n{code}\n\n# %%\n{tests}\n"
    )


def todo(module: str) -> str:
    """The lesson with nothing written."""
    return text(module, f"def {module[3:]}():\n    {TODO}")


def lessons(**changed: str) -> dict[str, str]:
    """path -> text of all three lessons. CHANGED: module's name ("two") -> text."""
    return {path(m): changed.get(m[3:], text(m)) for m in MODULES}


def exports(files: Mapping[str, str]) -> dict[str, str]:
    """The package that the lessons in FILES export, as a hook would have committed it."""
    return package_files([parse(content, name) for name, content in sorted(files.items())])


def complete() -> dict[str, str]:
    """Lessons and package of a student who has finished."""
    files = lessons()
    return {**files, **exports(files)}


def job(code: str, tests: str, limits: Limits | None = None, needs: tuple[Lesson, ...] = ()) -> Job:
    """The inline tests of one made-up lesson, ready for a sandbox."""
    module = Module("05_case", "A case", (), 1)
    lesson = parse(lesson_text("core.case", code, tests), module.path)
    made = jobs.for_module(module, lesson, lesson, package_files(list(needs)))
    return replace(made, limits=limits or made.limits)
