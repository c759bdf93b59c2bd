"""Which test runs which function of grader/ and tito/, in whatever process, for mutation.py.

A copy of the tree in which each function says that it runs. Coverage tools do not reach the hooks
(`python -I -S`) nor the workers, which have no environment and cannot open a file once they are
confined: they ask what the process above them is about, and open their file at once.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROBE = """
import builtins as _b, os as _o
def _begin():
    now, seen, out = {now!r}, set(), -1
    try:
        test = _o.environ.get("WHO_RUNS") or open(f"{{now}}/{{_o.getppid()}}.now").read()
        open(f"{{now}}/{{_o.getpid()}}.now", "w").write(test)
        out = _o.open(f"{{now}}/{{test}}.{{_o.getpid()}}.hits", _o.O_CREAT | _o.O_WRONLY | _o.O_APPEND)
    except OSError:
        pass
    def hit(number):
        if number not in seen:
            seen.add(number)
            try:
                _o.write(out, b"%d\\n" % number)
            except OSError:
                pass
    return hit
if not hasattr(_b, "_hit"):
    _b._hit = _begin()
def _hit(number, _b=_b):
    _b._hit(number)
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, Function]]:
    """Qualified name and node. A function within another is a part of that."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield f"{name}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{name}{node.name}.")
        elif not isinstance(node, ast.expr):
            yield from functions(node, name)


def instrumented(text: str, number_of: Callable[[str], int], now: Path) -> str:
    """TEXT whose functions say that they run. Lines move, names do not."""
    tree = ast.parse(text)
    lines = text.splitlines()
    first_lines = [node for node in tree.body[:1] if isinstance(node, ast.Expr)]
    first_lines += [
        n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]
    new = [(max((n.end_lineno or 0 for n in first_lines), default=0), PROBE.format(now=str(now)))]
    inner = [(name, n) for name, node in functions(tree) for n in ast.walk(node)]
    for name, node in inner:
        if not isinstance(node, Function):
            continue
        told = len(node.body) > 1 and ast.get_docstring(node) is not None
        first = node.body[told]
        line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
        if line > node.lineno:
            new.append((line - 1, " " * first.col_offset + f"_hit({number_of(name)})"))
    for line, addition in sorted(new, reverse=True):
        lines.insert(line, addition)
    return "\n".join(lines) + "\n"


class Recorder:
    """A plugin of pytest: what runs while a test, or a fixture for many, runs; and what it costs."""

    def __init__(self, now: Path) -> None:
        self._now = now
        self._hits: dict[str, set[int]] = defaultdict(set)
        self._needs: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        self._passed = True
        self._enter("nothing")
        builtins._hit = lambda number: self._current.add(number)  # type: ignore[attr-defined]

    def _enter(self, name: str) -> None:
        self._name, self._current = name, self._hits[name]
        label = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        (self._now / f"{label}.name").write_text(name)
        (self._now / f"{os.getpid()}.now").write_text(label)
        os.environ["WHO_RUNS"] = label

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        started = sum(os.times()[:4])
        self._passed = True
        self._enter(item.nodeid)
        yield
        if self._passed:  # the others notice nothing
            made = item._fixtureinfo.name2fixturedefs.values()  # type: ignore[attr-defined]
            self._needs[item.nodeid] = [f"{d.baseid}::{d.argname}" for ds in made for d in ds]
            self._seconds[item.nodeid] = round(sum(os.times()[:4]) - started, 3)
        self._enter("nothing")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        before = self._name
        if fixturedef.scope != "function":
            self._enter(f"{fixturedef.baseid}::{fixturedef.argname}")
        yield
        self._enter(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._passed = self._passed and (report.passed or report.when == "teardown")

    def pytest_sessionfinish(self) -> None:
        hits = {name: sorted(found) for name, found in self._hits.items()}
        said = {"hits": hits, "needs": self._needs, "seconds": self._seconds}
        (self._now / f"{os.getpid()}.json").write_text(json.dumps(said))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(Path(os.environ["WHO_RUNS_FOLDER"])))


def gathered(now: Path, numbers: dict[str, int]) -> dict[str, dict]:
    """tests: function -> those that run it, the fastest first.  seconds: of CPU, of each test."""
    names = {path.stem: path.read_text() for path in now.glob("*.name")}
    hits: dict[str, set[int]] = defaultdict(set)
    needs: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    for path in now.glob("*.json"):
        said = json.loads(path.read_text())
        needs.update(said["needs"])
        seconds.update(said["seconds"])
        for name, found in said["hits"].items():
            hits[name].update(found)
    for path in now.glob("*.hits"):
        hits[names[path.name.split(".")[0]]].update(map(int, path.read_text().split()))
    tests: dict[int, list[str]] = defaultdict(list)
    for test in sorted(seconds, key=seconds.__getitem__):
        for number in hits[test].union(*(hits[n] for n in needs[test] if n in hits)):
            tests[number].append(test)
    return {"tests": {name: tests[n] for name, n in numbers.items()}, "seconds": seconds}
