"""Runs one lesson's inline tests beside the student's code. The child of grader.sandbox.

Started by path with -I -S: nothing of the student's is importable before prepare().
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any

_here = os.path.dirname(os.path.abspath(__file__))  # pathlib costs 10 ms
sys.path.append(_here)
from channel import MAX_OUTPUT_CHARS, BoundedText, Channel, prepare, say_where_it_hangs

sys.path.remove(_here)
Frame = dict[str, Any]


def main() -> None:
    channel = Channel()
    request = channel.request()
    prepare(request)
    say_where_it_hangs(request["limits"])
    program = request["program"]
    namespace, failure = _load(program, channel)
    for name in request["expected"]:
        channel.send(event="start", check=name)
        result = failure or _run(namespace, name, program)
        channel.send(event="done", check=name, **result)
    channel.send(event="end")
    # Not sys.exit: threads, atexit functions and destructors of student code have no say here.
    os._exit(0)


def _load(program: Frame, channel: Channel) -> tuple[dict[str, Any], Frame | None]:
    """Execute the lesson under the name it is exported as; a failure counts for every check."""
    module = types.ModuleType(program["module"])
    parent, _, leaf = program["module"].rpartition(".")
    channel.send(event="loading")  # from here on, what goes wrong is the student's
    sink = BoundedText()
    sys.stdout = sys.stderr = sink
    try:
        __import__(parent)
        setattr(sys.modules[parent], leaf, module)
        sys.modules[program["module"]] = module
        for cell in program["cells"]:
            # Empty lines in front make every traceback show the lesson's own line numbers.
            source = "\n" * (cell["line"] - 1) + cell["source"]
            exec(compile(source, _label(cell), "exec"), module.__dict__)
    except BaseException as error:  # noqa: BLE001  # student code may raise anything, SystemExit too
        return module.__dict__, _describe(error, program, sink)
    return module.__dict__, None


def _run(namespace: dict[str, Any], name: str, program: Frame) -> Frame:
    sink = BoundedText()
    sys.stdout = sys.stderr = sink
    try:
        namespace[name]()
    except BaseException as error:  # noqa: BLE001  # student code may raise anything, SystemExit too
        return _describe(error, program, sink)
    return {"outcome": "passed", "output": ""}


def _describe(error: BaseException, program: Frame, sink: BoundedText) -> Frame:
    """What was raised, and where. An exception is student code too: each look at it may raise."""
    try:
        return _described(error, program, sink)
    except BaseException:  # noqa: BLE001  # see above
        return {"outcome": "errored", "message": "an exception that cannot be described"}


def _label(cell: Frame) -> str:
    return f"{cell['role']}:{cell['file']}"


def _described(error: BaseException, program: Frame, sink: BoundedText) -> Frame:
    kind = type(error)
    name = "MemoryError" if issubclass(kind, MemoryError) else _name(kind)
    text = _text(error)
    file, line, source = _innermost(error, program)
    output = sink.kept[:MAX_OUTPUT_CHARS] if type(sink.kept) is str else ""
    result = {"file": file, "line": line, "output": output, "source": source}
    if issubclass(kind, NotImplementedError):
        return {**result, "outcome": "todo", "message": text or "not written yet"}
    if issubclass(kind, AssertionError):
        return {**result, "outcome": "failed", "message": text}
    if issubclass(kind, MemoryError):
        text = (
            f"needs more memory than the grader gives ({text})"
            if text
            else "needs more memory than the grader gives"
        )
    elif issubclass(kind, SystemExit):
        text = f"calls sys.exit({text})"
    message = f"{name}: {text}" if text else name
    if source and not file:
        message += f"\nThis line of the test could not go on: {source}"
    slip = _hint(kind, text, in_test=not file)
    hint = f"Hint: {slip}" if slip else _hint_at_hand(error, program)
    return {**result, "outcome": "errored", "message": f"{message}\n{hint}".rstrip()}


def _hint(kind: type, text: str, *, in_test: bool) -> str:
    """Of the two slips whose exception names neither the place nor the cause."""
    if "'NoneType'" in text and issubclass(kind, (AttributeError, TypeError)):
        return "A function gave None where a value belongs: is its return there?"
    if in_test and issubclass(kind, NameError):
        return "The lesson does not define it any more: put it back under this name."
    return ""


def _hint_at_hand(error: BaseException, program: Frame) -> str:
    """What the test would have said of a wrong result: a wrong formula may raise instead.

    The local "hint" of the innermost function of a check cell that has one; else the first hint
    that stands in the text of the test at or below the line that raised.
    """
    local = written = ""
    trace = vars(BaseException)["__traceback__"].__get__(error)
    while trace is not None:
        label = trace.tb_frame.f_code.co_filename
        if label.startswith("check:"):
            hint = trace.tb_frame.f_locals.get("hint")
            local = hint if type(hint) is str and hint.startswith("Hint:") else local
            written = written or _hint_below(program, label, trace.tb_lineno)
        trace = trace.tb_next
    return local or written


def _hint_below(program: Frame, label: str, line: int) -> str:
    import ast

    for cell in program["cells"]:
        if _label(cell) != label or not 0 <= line - cell["line"] < cell["source"].count("\n") + 1:
            continue
        here = line - cell["line"] + 1
        for function in ast.parse(cell["source"]).body:
            if function.lineno <= here <= (function.end_lineno or here):
                texts = (n for n in ast.walk(function) if isinstance(n, ast.Constant))
                hints = [
                    (n.lineno, n.value[n.value.index("Hint:") :])
                    for n in texts
                    if type(n.value) is str and "Hint:" in n.value and (n.end_lineno or 0) >= here
                ]
                return min(hints, default=(0, ""))[1]
    return ""


def _name(kind: type) -> str:
    """As type itself knows it: a metaclass may have another idea of __name__."""
    return str(vars(type)["__name__"].__get__(kind))


def _text(error: BaseException) -> str:
    try:
        # A subclass of str may bring its own __getitem__; str.__str__ gives the plain text.
        return str.__str__(str(error))[:4000]
    except BaseException:  # noqa: BLE001  # a student's __str__ may itself raise
        return "(its message cannot be printed)"


def _innermost(error: BaseException, program: Frame) -> tuple[str, int, str]:
    """File, line and text of the deepest line of the lesson, else of the package it imports.

    Code cells win over check cells: the student's own line is where to look.
    """
    found = ("", 0, "")
    rank = 0
    if isinstance(error, SyntaxError) and type(error.filename) is str:
        return error.filename.partition(":")[2], error.lineno or 0, (error.text or "").strip()
    trace = vars(BaseException)["__traceback__"].__get__(error)
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        role, _, path = name.partition(":")
        here = 3 if role == "code" else 2 if role == "check" else 1 if "tinytorch" in name else 0
        if here and here >= rank:
            rank = here
            file = path if here > 1 else name[name.rindex("tinytorch") :].replace(os.sep, "/")
            found = (
                file if here != 2 else "",
                trace.tb_lineno,
                _source_line(program, name, trace.tb_lineno),
            )
        trace = trace.tb_next
    return found


def _source_line(program: Frame, label: str, line: int) -> str:
    for cell in program["cells"]:
        lines = cell["source"].split("\n")
        if _label(cell) == label and cell["line"] <= line < cell["line"] + len(lines):
            return str(lines[line - cell["line"]].strip()[:200])
    return ""


try:
    main()
except BaseException:  # noqa: BLE001  # the process ends here, whatever threads student code left
    import traceback

    os.write(2, traceback.format_exc().encode("utf-8", "replace"))
finally:
    os._exit(1)
