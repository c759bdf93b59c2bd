"""A lesson: percent-format text, and what is made from it (checks, export, starter).

The format is jupytext's percent format with nbdev's directives:

    # %% [markdown]          a text cell
    # %%                     a code cell
    #| default_exp core.tensor
    #| export                this cell's code goes to tinytorch/core/tensor.py
    ### BEGIN SOLUTION       what the student writes
    ### END SOLUTION

A code cell without #| export that defines a top-level function is a check cell: its functions
named test_... are the inline tests. Other cells are demonstrations; the grader never runs them.

Parsed with a splitter of our own: importing jupytext costs more than all inline tests together.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import keyword
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.errors import StudentError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
_MAGIC = "Commands of a notebook (%..., !...) are not Python: remove the line."
# Three times the longest lesson. Parsed, code takes a hundred times its room, and seconds.
MAX_CODE_CHARS = 128 * 1024
MAX_EXPORT_NAME = 100  # characters: it becomes the name of a file
_CELL = re.compile(r"#\s*%%(?:\s+(?P<rest>.*))?\Z")
_DIRECTIVE = re.compile(r"#\|\s*(?P<name>\w+)\s*(?P<value>.*)\Z")
_EXPORT_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")


class LessonError(StudentError):
    """The lesson's text is broken. The message begins with file and line."""

    def __init__(self, path: str, line: int, what: str, *, hint: str) -> None:
        super().__init__(f"{path}, line {line}: {what}", hint=hint)
        self.line = line


@dataclass(frozen=True, slots=True)
class Cell:
    """source: the cell's text without its marker line.  line: of the first source line, from 1."""

    kind: str  # "code" or "markdown"
    source: str
    line: int
    directives: tuple[str, ...] = ()

    @property
    def exported(self) -> bool:
        return "export" in self.directives


@dataclass(frozen=True, slots=True)
class Check:
    """An inline test. title: the first line of its docstring, which is what the student reads."""

    name: str
    title: str
    line: int


class Exports:
    """Names that follow from the export_name of a lesson ("core.tensor")."""

    __slots__ = ()
    export_name: str

    @property
    def module_name(self) -> str:
        return f"tinytorch.{self.export_name}"

    @property
    def export_path(self) -> str:
        return f"tinytorch/{self.export_name.replace('.', '/')}.py"


@dataclass(frozen=True, slots=True)
class Lesson(Exports):
    path: str
    export_name: str
    cells: tuple[Cell, ...]
    text: str

    @property
    def export_cells(self) -> tuple[Cell, ...]:
        return tuple(c for c in self.cells if c.exported)

    @property
    def check_cells(self) -> tuple[Cell, ...]:
        return tuple(
            c for c in self.cells if c.kind == "code" and not c.exported and _defines_function(c)
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """In the order of the text. A broken check cell has none: see syntax_error()."""
        found = []
        for cell in self.check_cells:
            for node in _body(cell):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    title = (ast.get_docstring(node) or node.name).strip().splitlines()[0]
                    found.append(Check(node.name, title, cell.line + node.lineno - 1))
        return tuple(found)

    def syntax_error(self) -> LessonError | None:
        """The first cell that Python cannot read, as an error with the line in the lesson."""
        for cell in self.cells:
            if cell.kind != "code" or not (cell.exported or "def " in cell.source):
                continue
            if "\0" in cell.source:  # Python versions disagree on how to say so, and where
                before, _, _ = cell.source.partition("\0")
                return LessonError(
                    self.path,
                    cell.line + before.count("\n"),
                    "Python cannot read this line: it holds null bytes.",
                    hint="Remove what does not belong into the cell.",
                )
            try:
                parsed(cell.source)
            except SyntaxError as error:
                line = cell.line + (error.lineno or 1) - 1
                shown = (error.text or "").strip()
                return LessonError(
                    self.path,
                    line,
                    f"Python cannot read this line ({error.msg}): {shown}",
                    hint=_MAGIC
                    if shown.startswith(("%", "!"))
                    else "Look at this line and the one above it: brackets, colons, indentation.",
                )
            except (ValueError, RecursionError, MemoryError) as error:  # nesting
                return LessonError(
                    self.path,
                    cell.line,
                    f"Python cannot read this cell: {error}.",
                    hint="Remove what does not belong into the cell.",
                )
        return None

    def public_names(self) -> tuple[str, ...]:
        """What `from tinytorch.core.tensor import *` gives: classes, functions, constants."""
        names: dict[str, None] = {}
        for cell in self.export_cells:
            for node in _body(cell):
                for name in _defined_names(node):
                    if not name.startswith("_"):
                        names[name] = None
        return tuple(names)

    def export(self) -> str:
        """The generated source of tinytorch/<...>.py."""
        head = f"# Generated from {self.path} by tito. Edit the lesson: changes here are overwritten.\n"
        futures: list[str] = []
        parts = []
        for cell in self.export_cells:
            # Not splitlines(): a form feed or U+2028 in a string is not the end of a line of code.
            lines = cell.source.split("\n")
            future = _future_lines(cell)
            futures += [line for number, line in enumerate(lines, 1) if number in future]
            kept = [
                line
                for number, line in enumerate(lines, 1)
                if number not in future and line.strip() not in (BEGIN, END)
            ]
            parts.append("\n".join(kept).strip("\n") + "\n")
        head += "".join(f"{line}\n" for line in dict.fromkeys(futures))
        return "\n\n".join([head, f"__all__ = {_listing(self.public_names())}\n", *parts])

    def starter(self, solved: int = 0) -> str:
        """The text with every solution replaced by a NotImplementedError that names the function.

        solved: how many of them, from the top, are left as the reference has them.
        """
        lines: list[str] = []
        inside = keep = False
        seen = 0
        for number, line in enumerate(self.text.rstrip("\n").split("\n"), start=1):
            stripped = line.strip()
            if stripped == BEGIN:
                inside, keep, seen = True, seen < solved, seen + 1
                indent = line[: len(line) - len(line.lstrip())]
                if not keep:
                    missing = f"write {self.function_at(number)}() in {self.path}"
                    lines.append(f'{indent}raise NotImplementedError("{missing}")')
            elif stripped == END:
                inside = False
            elif keep or not inside:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def function_at(self, line: int) -> str:
        """The innermost function that LINE of the lesson stands in, or the last one above it.

        A method comes with its class: a lesson has many a forward().
        """
        name = ""
        for cell in self.cells:
            for qualified, top, end in _spans(cell.source) if cell.kind == "code" else ():
                first, last = cell.line + top - 1, cell.line + end - 1
                if first <= line <= last or (not name and cell.line <= line and first <= line):
                    name = qualified
        return name

    def solutions(self) -> tuple[str, ...]:
        """The texts between the markers: what must not survive in a release."""
        return tuple(
            match.group(1)
            for match in re.finditer(
                rf"^[ \t]*{BEGIN}[ \t]*\n(.*?)^[ \t]*{END}[ \t]*$",
                self.text,
                re.DOTALL | re.MULTILINE,
            )
        )

    def digest(self) -> str:
        """Of what the grader runs. Prose and demonstrations are not in it."""
        cells = [(c.source.rstrip(), c.exported) for c in (*self.export_cells, *self.check_cells)]
        return hashlib.sha256(repr((self.export_name, cells)).encode()).hexdigest()


def parse(text: str, path: str) -> Lesson:
    """Split TEXT into cells.

    Raises LessonError: no cells, no default_exp, a marker without its pair, too much code.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as Python reads line ends
    cells = _split(text)
    if not any(c.kind == "code" for c in cells):
        raise LessonError(
            path,
            1,
            "there is no code cell (a line '# %%') in this lesson.",
            hint=f"Put the lesson's text back: git checkout HEAD -- :/{path}, "
            f"or tito module reset {path.rpartition('/')[2].removesuffix('.py')}",
        )
    _check_markers(text, path)
    _check_length(cells, path)
    return Lesson(path, _export_name(cells, path), tuple(cells), text)


def is_export_name(value: object) -> bool:
    """A dotted name that can be a path below tinytorch/ and stand in an import."""
    return (
        isinstance(value, str)
        and len(value) <= MAX_EXPORT_NAME
        and _EXPORT_NAME.match(value) is not None
        and not any(keyword.iskeyword(part) for part in value.split("."))
    )


def package_init(lessons: Iterable[Exports]) -> str:
    """tinytorch/__init__.py for the lessons whose exports are in the package, in course order."""
    lines = ["# Generated by tito: everything that the complete modules export."]
    lines += [f"from {lesson.module_name} import *" for lesson in lessons]
    return "\n".join(lines) + "\n"


def package_files(lessons: Sequence[Lesson]) -> dict[str, str]:
    """The whole package: path -> generated source."""
    files = {"tinytorch/__init__.py": package_init(lessons)}
    for lesson in lessons:
        files.update(parent_packages(lesson))
        files[lesson.export_path] = lesson.export()
    return files


def parent_packages(lesson: Exports) -> dict[str, str]:
    """The __init__.py files between tinytorch/ and where the lesson is exported to."""
    parts = lesson.export_path.split("/")[:-1]
    return {
        "/".join(parts[:depth]) + "/__init__.py": "# Generated by tito.\n"
        for depth in range(2, len(parts) + 1)
    }


def _split(text: str) -> list[Cell]:
    cells: list[Cell] = []
    kind, start = "", 0
    body: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        marker = _CELL.match(line)
        if marker:
            if kind:
                cells.append(_cell(kind, body, start))
            rest = marker.group("rest") or ""
            kind = "markdown" if "[markdown]" in rest or "[raw]" in rest else "code"
            start, body = number + 1, []
        elif kind:
            body.append(line)
    if kind:
        cells.append(_cell(kind, body, start))
    return cells


def _cell(kind: str, body: list[str], start: int) -> Cell:
    names = []
    for line in body:
        directive = _DIRECTIVE.match(line.strip())
        if directive and kind == "code":
            names.append(f"{directive.group('name')} {directive.group('value')}".strip())
        elif line.strip():
            break  # directives stand before the code, as in nbdev
    return Cell(kind, "\n".join(body), start, tuple(names))


def _export_name(cells: list[Cell], path: str) -> str:
    for cell in cells:
        for directive in cell.directives:
            name, _, value = directive.partition(" ")
            if name == "default_exp":
                if not is_export_name(value):
                    raise LessonError(
                        path,
                        cell.line,
                        f"'{value[:MAX_EXPORT_NAME]}' is not a module name after #| default_exp.",
                        hint="Write a dotted name such as: #| default_exp core.tensor",
                    )
                return value
    raise LessonError(
        path,
        1,
        "no cell says where the code goes (#| default_exp core.NAME).",
        hint=f"Put that line back as a cell of its own, as in the starter: git log -- {path}",
    )


def _check_markers(text: str, path: str) -> None:
    opened = 0
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped == BEGIN:
            if opened:
                raise LessonError(
                    path,
                    number,
                    f"'{BEGIN}' while the one of line {opened} is still open.",
                    hint=f"Write '{END}' before this line.",
                )
            opened = number
        elif stripped == END:
            if not opened:
                raise LessonError(
                    path,
                    number,
                    f"'{END}' without a '{BEGIN}' above it.",
                    hint=f"Write '{BEGIN}' where the solution starts, or remove this line.",
                )
            opened = 0
        elif opened and _CELL.match(line):
            raise LessonError(
                path,
                opened,
                f"'{BEGIN}' has no '{END}' in its cell.",
                hint=f"Write '{END}' below the solution.",
            )
    if opened:
        raise LessonError(
            path, opened, f"'{BEGIN}' has no '{END}'.", hint=f"Write '{END}' below the solution."
        )


def _check_length(cells: list[Cell], path: str) -> None:
    length = 0
    for cell in cells:
        length += len(cell.source) if cell.kind == "code" else 0
        if length > MAX_CODE_CHARS:
            raise LessonError(
                path,
                cell.line,
                f"up to the end of this cell there are more than {MAX_CODE_CHARS // 1024} KiB of "
                "code, the most that is read.",
                hint="Take out what is no code of the lesson, such as data or pasted output.",
            )


def _body(cell: Cell) -> list[ast.stmt]:
    return _statements(cell.source)


@functools.lru_cache(maxsize=1024)  # a lesson is asked several times for the same cells
def _statements(source: str) -> list[ast.stmt]:
    try:
        return parsed(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # reported by syntax_error(), with its line


def parsed(source: str) -> ast.Module:
    """Raises SyntaxError, and for what is nested too deeply ValueError, RecursionError, MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a doubtful escape ("\d") is no reason to talk in a hook
        return ast.parse(source)


def _future_lines(cell: Cell) -> set[int]:
    """Lines, from 1 in the cell, of `from __future__ import ...`: Python wants them on top."""
    return {
        number
        for node in _body(cell)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


@functools.lru_cache(maxsize=1024)  # function_at() walks every cell, once per solution
def _spans(source: str) -> tuple[tuple[str, int, int], ...]:
    """Name, first and last line, from 1 in the cell, of all its functions; outer ones first."""
    return tuple(
        (name, node.lineno, node.end_lineno or 0) for name, node in functions(_statements(source))
    )


def functions(
    nodes: Iterable[ast.AST], owner: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions below NODES, outer ones first; methods are called Class.method."""
    for node in nodes:
        inside = owner
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield owner + node.name, node
            inside = ""
        elif isinstance(node, ast.ClassDef):
            inside = f"{node.name}."
        yield from functions(ast.iter_child_nodes(node), inside)


def _defines_function(cell: Cell) -> bool:
    return any(isinstance(node, ast.FunctionDef) for node in _body(cell))


def _defined_names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [name for target in node.targets for name in _assigned_names(target)]
    if isinstance(node, ast.AnnAssign) and node.value is not None:  # `x: int` alone defines nothing
        return _assigned_names(node.target)
    return []


def _assigned_names(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Starred):
        return _assigned_names(target.value)
    if isinstance(target, (ast.Tuple, ast.List)):
        return [name for element in target.elts for name in _assigned_names(element)]
    return []  # an attribute or an item of something


def _listing(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
