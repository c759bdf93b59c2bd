"""Hints, one step at a time: from the failing test, then from the docstring of the function to write."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

from grader.lessons.lesson import Lesson
from grader.verdicts.facts import CheckResult

_HINT = re.compile(r"^\s*(?:Hints?|Steps):?\s*", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*(?=\d+[.)]\s)", re.MULTILINE)
_LINE = re.compile(r":(\d+)(?::|$)")


def steps(lesson: Lesson, check: CheckResult) -> tuple[str, ...]:
    """What to read next, in order, each saying a little more than the one before."""
    found = []
    if check.hint:
        found.append(check.hint)
    function = stumbling_block(lesson, check)
    if function is not None:
        found += _of_docstring(function)
    if not found:
        found.append(
            f"Read the test itself: it is {check.name}() in {lesson.path}, "
            "and its first line says what should hold."
        )
    return tuple(found)


def stumbling_block(lesson: Lesson, check: CheckResult) -> ast.FunctionDef | None:
    """The student's function that CHECK stumbles on: by its line, else by what the test calls."""
    at = _line_in_lesson(lesson, check)
    functions = [f for f in _functions(lesson) if ast.get_docstring(f[1])]
    if at:
        inside = [f for start, f in functions if start <= at <= start + _height(f)]
        if inside:
            return inside[-1]  # the innermost: functions come in the order of the text
    called = _names_in_test(lesson, check.name)
    named = {f.name.rpartition(".")[2]: f for _, f in functions}
    for name in (*re.findall(r"(\w+)\(", check.title), *called):
        if name in named:
            return named[name]
    return None


def _height(function: ast.FunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno


def _line_in_lesson(lesson: Lesson, check: CheckResult) -> int:
    if not check.where.startswith(lesson.path):
        return 0
    match = _LINE.search(check.where[len(lesson.path) :])
    return int(match.group(1)) if match else 0


def _functions(lesson: Lesson) -> Iterator[tuple[int, ast.FunctionDef]]:
    """The functions and methods of the exported cells, with their first line in the lesson.

    A method is named as in the sentence of its starter: Linear.forward.
    """
    for cell in lesson.export_cells:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef):
                start = cell.line + node.lineno - 1
                node.name = lesson.function_at(start)
                yield start, node


def _names_in_test(lesson: Lesson, test: str) -> list[str]:
    """Every name the test uses, in the order of the text."""
    for cell in lesson.check_cells:
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.FunctionDef) and node.name == test:
                used = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))]
                used.sort(key=lambda n: (n.lineno, n.col_offset))
                return [n.id if isinstance(n, ast.Name) else n.attr for n in used]
    return []


def _of_docstring(function: ast.FunctionDef) -> list[str]:
    """What the function takes and gives, then each step of its hint."""
    doc = ast.get_docstring(function) or ""
    told, *hints = _HINT.split(doc)
    found = [f"What {function.name}() has to do:\n{textwrap.indent(told.strip(), '  ')}"]
    for hint in hints:
        parts = [textwrap.dedent(p).strip() for p in _NUMBERED.split(hint)]
        found += [f"In {function.name}(): {p}" for p in parts if p]
    return found
