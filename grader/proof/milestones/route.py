"""Which lessons a training did not go through: a note for the teacher, which decides nothing.

Proof is of numbers, so a private, correct backpropagation behind the names of the course passes.
After everything is judged the worker takes one step once more, and reports which functions of the
student's package were called in it. A library that computes its gradients by rules of its own
calls few of those that the lessons ask for. It is the worker that says so: one that lies is not
found out here.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import StudentError
from grader.lessons.lesson import parse, parsed
from grader.rules.course import Module
from grader.sources.snapshots import decode, read_at_most

RULE = "gradient_of"  # the decorator by which a lesson registers a gradient rule
SHOWN = 3  # names of rules in a note


@dataclass(frozen=True, slots=True)
class Stage:
    """One module on the way.

    rules: the functions that the course's own lesson registers as gradient rules, in its order.
    path, source: of the student's export.
    """

    module: str
    rules: tuple[str, ...]
    path: str
    source: str

    def entered(self, lines: Collection[int]) -> bool:
        """lines: the first ones of the functions of this source that were called.

        A source that has no rule with these names is right in another way, or is not used.
        """
        own = {line for line, name, rule in _functions(self.source) if rule or name in self.rules}
        return not own.isdisjoint(lines) if own else bool(lines)


def stages(paths: Mapping[Module, str], package: Mapping[str, str], root: Path) -> list[Stage]:
    """Of the modules whose lesson, in the course at ROOT, has gradient rules.

    paths: module -> path of its export in the student's package.
    """
    found = []
    for module, path in paths.items():
        if rules := tuple(name for _, name, rule in _functions(_export(module, root)) if rule):
            found.append(Stage(module.id, rules, path, package[path]))
    return found


def _export(module: Module, root: Path) -> str:
    """Of the course's own lesson; "" when it cannot be read, for a note is worth no verdict."""
    starter = root / module.starter_path
    path = starter if starter.is_file() else root / module.path
    if not path.is_file():
        return ""
    try:
        return parse(decode(read_at_most(path), module.path), module.path).export()
    except (StudentError, OSError):
        return ""


def note(way: Sequence[Stage], called: Mapping[str, Collection[int]]) -> str:
    """ "" when the training went the way of the lessons.

    called: path of an export -> first lines of its functions that were called. Half of the stages
    may be left out: who writes a whole layer as one operation, or a loss by operations that are
    there already, has no need of some module's rules.
    """
    silent = [stage for stage in way if not stage.entered(called.get(stage.path, ()))]
    if 2 * len(silent) <= len(way):
        return ""
    rules = [rule for stage in silent for rule in stage.rules]
    more = f" and {len(rules) - SHOWN} more" if len(rules) > SHOWN else ""
    return (
        f"The training called none of the gradient rules of {', '.join(s.module for s in silent)} "
        f"({', '.join(rules[:SHOWN])}{more}): another backpropagation may stand behind these "
        "names. It counts all the same; look at it with the student."
    )


@functools.lru_cache(maxsize=64)  # every milestone asks
def _functions(source: str) -> tuple[tuple[int, str, bool], ...]:
    """Of those outside classes and functions, where rules stand: first line (of its code, decorators
    included), name, and whether it is a gradient rule.
    """
    try:
        body = parsed(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []  # a lesson that can be read cell by cell only: nothing is known of its names
    return tuple(
        (
            min([node.lineno, *(d.lineno for d in node.decorator_list)]),
            node.name,
            any(map(_registers, node.decorator_list)),
        )
        for node in body
        if isinstance(node, ast.FunctionDef)
    )


def _registers(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == RULE
