"""Who may import whom, what a hook may load, and where the course's ids may stand."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.rules import reading

ROOT = Path(__file__).parents[2]
PROJECT = ("grader", "tito")

# The rooms, from below to above. A file imports from its own room and from those below it.
ROOMS = [
    "grader.errors",
    "grader.files",
    "grader.rules",
    "grader.sources",
    "grader.lessons",
    "grader.verdicts",
    "grader.sandbox",
    "grader.proof",
    "grader.content",
    "grader.reports",
    "grader.grading",
    "grader.authors",
    "grader.github",
    "grader.__main__",
    "tito.worktree",
    "tito.standing",
    "tito.clone",
    "tito.hooks",
    "tito.screen",
    "tito.app",
    "tito.hints",
    "tito.commands",
    "tito.main",
    "tito.__main__",
]
DOORS = ("grader/__main__.py", "grader/github/__main__.py")
MOST_FILES_IN_A_HALL = 8

# What the judge sends to the worker: it runs beside student code, and nowhere else.
CHILD_FILES = [
    *sorted((ROOT / "grader" / "content").glob("common.py")),
    *sorted((ROOT / "grader" / "content").glob("*/scenarios.py")),
    *sorted((ROOT / "grader" / "content").glob("*/training.py")),
]
HOOK_PATH = [
    *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tito" / "hooks").glob("*.py")),
    "tito/standing/progress.py",
    "tito/standing/reconcile.py",
]


def sources(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """ "grader.proof" for "grader.proof.milestones.trials"; "" for what no room holds."""
    return next((r for r in ROOMS if name == r or name.startswith(f"{r}.")), "")


def names_in(node: ast.AST) -> list[str]:
    """What an import statement names, as modules where they are files of this project."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        found = [name for name in inner if is_file(name)]
        return found or [str(node.module)]
    return []


def is_file(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(parsed(path)))


def imports(path: Path) -> Iterator[str]:
    """Of the whole file, functions included."""
    for node in nodes(path):
        yield from names_in(node)


def loaded(path: Path) -> Iterator[str]:
    """What importing the file imports: not in functions, not for type checkers only."""
    waiting = list(parsed(path).body)
    while waiting:
        node = waiting.pop()
        yield from names_in(node)
        if isinstance(node, (ast.Try, ast.With, ast.ClassDef)):
            waiting += node.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            waiting += [*node.body, *node.orelse]


def file_of(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


FILES = [p for p in sources(*PROJECT) if dotted(p) not in PROJECT]


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_imports_point_down(path):
    here = ROOMS.index(room(dotted(path)))
    above = [
        name
        for name in imports(path)
        if name.split(".")[0] in PROJECT and ROOMS.index(room(name)) > here
    ]
    assert above == []


def test_no_file_is_imported_by_what_it_imports():
    """Across and within rooms, imports in functions and for type checkers included."""
    below = {dotted(p): {n for n in imports(p) if is_file(n)} for p in FILES}
    while ready := [name for name, found in below.items() if not found & below.keys()]:
        for name in ready:
            del below[name]
    assert below == {}


def test_every_room_says_first_what_it_answers():
    inits = [p for p in sources(*PROJECT) if p.name == "__init__.py" and room(dotted(p))]
    inits = [p for p in inits if p.parents[1].name != "content"]  # one per module and milestone
    silent = [
        dotted(p) for p in inits if "?" not in (ast.get_docstring(parsed(p)) or "").split("\n")[0]
    ]
    assert silent == []


@pytest.mark.parametrize("hall", PROJECT)
def test_a_hall_holds_few_files(hall):
    files = [p.name for p in (ROOT / hall).iterdir() if p.is_file() and p.suffix != ".pyc"]
    assert len(files) <= MOST_FILES_IN_A_HALL, files


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_what_only_this_course_knows_is_found_by_its_place(path):
    """The engine names no file of the course's content: all of it can be replaced."""
    named = {n for n in imports(path) if n.startswith("grader.content")}
    assert named == set() or path.is_relative_to(ROOT / "grader" / "content")


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_nothing_here_imports_the_students_package(path):
    assert [n for n in imports(path) if n.split(".")[0] == "tinytorch"] == []


@pytest.mark.parametrize("path", sources("grader"), ids=dotted)
def test_only_the_worker_names_the_students_package_to_import_it(path):
    calls = [
        ast.unparse(node)
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("import_module", "__import__"))
        and "tinytorch" in ast.unparse(node)
    ]
    assert calls == [] or "grader/sandbox/worker/" in path.as_posix()


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_of_the_worker_only_the_form_of_arrays_is_imported(path):
    """Its scripts are started by path, beside student code; arrays.py is the form of a message."""
    used = {n for n in imports(path) if n.startswith("grader.sandbox.worker")}
    assert used <= {"grader.sandbox.worker.arrays"} or path in CHILD_FILES


@pytest.mark.parametrize("path", sources("grader/sandbox/worker"), ids=dotted)
def test_a_worker_needs_nothing_but_numpy_and_its_siblings(path):
    siblings = {p.stem for p in path.parent.glob("*.py")}
    strangers = {n.split(".")[0] for n in imports(path)} - siblings - {"numpy"}
    assert strangers <= sys.stdlib_module_names


@pytest.mark.parametrize("path", CHILD_FILES, ids=dotted)
def test_a_script_of_the_course_needs_nothing_but_numpy_and_other_scripts(path):
    """The judge sends it to the worker as text: nothing else is there."""
    scripts = {dotted(p) for p in CHILD_FILES}
    strangers = {
        n
        for n in loaded(path)
        if n.split(".")[0] not in {"numpy", *sys.stdlib_module_names}
        and n not in scripts
        and not n.startswith("grader.sandbox.worker.values")
    }
    assert {n for n in strangers if n.rpartition(".")[0] not in scripts} == set()


@pytest.mark.parametrize("start", HOOK_PATH)
def test_a_hook_loads_the_standard_library_only(start):
    seen: set[str] = set()
    waiting = [dotted(ROOT / start)]
    strangers = []
    while waiting:
        name = waiting.pop()
        for found in loaded(file_of(name)):
            parents = [found.rpartition(".")[0]] if "." in found else []
            ours = [n for n in (found, *parents) if n.split(".")[0] in PROJECT]
            waiting += [n for n in ours if n not in seen and is_file(n)]
            seen.update(ours)
            root = found.split(".")[0]
            known = root in PROJECT or root in sys.stdlib_module_names
            strangers += [] if known else [f"{name} imports {found}"]
    assert strangers == []


def test_the_hooks_can_be_imported_where_no_package_is_installed():
    modules = [dotted(ROOT / p) for p in HOOK_PATH if not p.endswith("entry.py")]
    code = f"import sys; sys.path.append({str(ROOT)!r})\n" + "\n".join(
        f"import {m}" for m in modules
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_the_ids_of_the_course_stand_in_the_course(path):
    """The rule that appears twice is the rule that disagrees with itself."""
    course = reading.load(ROOT)
    ids = {m.id for m in (*course.modules, *course.milestones)}
    constants = [
        f"line {node.lineno}: {node.value}"
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ids
    ]
    assert constants == []


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_nobody_imports_the_tests(path):
    assert [n for n in imports(path) if n.split(".")[0] in ("tests", "benchmarks")] == []


@pytest.mark.parametrize("path", sources("grader"), ids=dotted)
def test_the_engine_reads_no_arguments(path):
    used = {ast.unparse(n) for n in nodes(path) if isinstance(n, ast.Attribute)}
    assert "sys.argv" not in used or path.relative_to(ROOT).as_posix() in DOORS


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_nothing_is_unpickled_or_evaluated(path):
    """A worker runs what the judge sends it, which is what it is for; nobody else does."""
    calls = {ast.unparse(node.func) for node in nodes(path) if isinstance(node, ast.Call)}
    forbidden = {"eval", "exec", "pickle.load", "pickle.loads", "marshal.loads", "yaml.load"}
    allowed = {"exec", "eval"} if "grader/sandbox/worker/" in path.as_posix() else set()
    assert calls & forbidden <= allowed
