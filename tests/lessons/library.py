"""The library that the reference lessons define, imported under a private name.

A private name, because a student's package is called tinytorch too, and this project never
imports that one.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType

from grader.lessons.lesson import package_files, parse

NAME = "reference_library"
MODULES = Path(__file__).resolve().parents[2] / "modules"


@functools.cache
def reference_library() -> ModuleType:
    """The exports of all lessons in modules/, built from their text and imported."""
    lessons = [
        parse(path.read_text(encoding="utf-8"), f"modules/{path.parent.name}/{path.name}")
        for path in sorted(MODULES.glob("[0-9]*/*.py"))
    ]
    files = {path.replace("tinytorch", NAME): text for path, text in package_files(lessons).items()}
    packages = [path for path in files if path.endswith("/__init__.py")]
    for path in packages:
        module = ModuleType(_dotted(path))
        module.__path__ = []
        sys.modules[module.__name__] = module
    # The package itself comes last: it imports what the lessons export.
    for path in [
        *(path for path in files if path not in packages),
        *sorted(packages, reverse=True),
    ]:
        module = sys.modules.setdefault(_dotted(path), ModuleType(_dotted(path)))
        text = files[path].replace("tinytorch.", f"{NAME}.")
        exec(compile(text, path, "exec"), vars(module))
    return sys.modules[NAME]


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
