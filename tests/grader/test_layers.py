"""Who may import whom, what a hook may load, and where the course's ids may stand."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import course as courses

ROOT = Path(__file__).parents[2]
PROJECT = ("grader", "tito")

# From below to above. A file imports from its own layer or from a lower one.
LAYERS = [
    ["grader", "grader.errors"],
    ["grader.course", "grader.git", "grader.lesson"],
    ["grader.results", "grader.snapshot", "grader.ingest"],
    ["grader.outline"],
    ["grader.job", "grader.worker"],
    ["grader.sandboxes", "grader.ledgers", "grader.reports", "grader.judge"],
    ["grader.challenges", "grader.probes"],
    ["grader.evidence"],
    ["grader.evidence_checks"],
    ["grader.milestones", "grader.detour"],
    ["grader.examination"],
    ["grader.engine"],
    ["grader.release", "grader.bundle"],
    ["grader.authoring", "grader.grading"],
    ["grader.github"],
    ["grader.__main__", "tito"],
]
DOORS = ("grader/__main__.py", "grader/github/__main__.py")
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# The few files that are about one module or one milestone.
OWN_FILES = {
    "grader/challenges/__init__.py": "one line for each milestone",
    "grader/probes/__init__.py": "one line for each module",
    "grader/worker/training.py": "one training for each milestone",
    "tito/demo.py": "a story that has to begin somewhere",
}

HOOK_PATH = [
    *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tito" / "hooks").glob("*.py")),
    "tito/progress.py",
    "tito/reconcile.py",
]


def sources(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(name: str) -> int:
    """The rank of the longest name in LAYERS that NAME is, or is below."""
    parts = name.split(".")
    prefixes = [".".join(parts[:n]) for n in range(len(parts), 1, -1)]
    known = [RANK[p] for p in prefixes if p in RANK]
    return known[0] if known else RANK[parts[0]]


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


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_imports_point_down(path):
    here = layer(dotted(path))
    above = [n for n in imports(path) if n.split(".")[0] in PROJECT and layer(n) > here]
    assert above == []


@pytest.mark.parametrize("path", sources("grader"), ids=dotted)
def test_every_part_of_the_engine_has_its_layer(path):
    name = dotted(path)
    assert any(name == n or name.startswith(f"{n}.") for n in RANK if n != "grader") or name in RANK


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
    assert calls == [] or "grader/worker/" in path.as_posix()


@pytest.mark.parametrize("path", sources(*PROJECT), ids=dotted)
def test_of_the_worker_only_the_form_of_arrays_is_imported(path):
    """Its scripts are started by path, beside student code; arrays.py is the form of a message."""
    used = {n for n in imports(path) if n.startswith("grader.worker")}
    assert used <= {"grader.worker.arrays"}


@pytest.mark.parametrize("path", sources("grader/worker"), ids=dotted)
def test_a_worker_needs_nothing_but_numpy_and_its_siblings(path):
    siblings = {p.stem for p in path.parent.glob("*.py")}
    strangers = {n.split(".")[0] for n in imports(path)} - siblings - {"numpy"}
    assert strangers <= sys.stdlib_module_names


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
    """The rule that stands twice is the rule that disagrees with itself."""
    course = courses.load(ROOT)
    ids = {m.id for m in (*course.modules, *course.milestones)}
    constants = [
        f"line {node.lineno}: {node.value}"
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ids
    ]
    assert constants == [] or path.relative_to(ROOT).as_posix() in OWN_FILES


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
    allowed = {"exec", "eval"} if "grader/worker/" in path.as_posix() else set()
    assert calls & forbidden <= allowed
