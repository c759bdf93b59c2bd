"""How is a verdict told? One file in formats/ and one line here per format.

Each format is a function files(report) -> {file name: content}. It is imported when it is asked
for: the hooks import the words in grader.reports.phrases, and pay for nothing else.
grader.reports.bounded.render() is how the doors call them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from grader.verdicts.report import Report

Renderer = Callable[["Report"], Mapping[str, str]]


def _format(source: str) -> Renderer:
    def files(report: Report) -> Mapping[str, str]:
        renderer = importlib.import_module(f"grader.reports.formats.{source}")
        return cast(Renderer, renderer.files)(report)

    return files


REPORTS: dict[str, Renderer] = {
    "text": _format("text"),
    "json": _format("json"),
    "junit": _format("junit"),
    "classroom": _format("classroom"),
    "classroom50": _format("classroom50"),
    "gradescope": _format("gradescope"),
    "markdown": _format("markdown"),
    "annotations": _format("annotate"),  # a __future__ import has taken the other name
    "badges": _format("badges"),
    "verdict": _format("verdict"),
}
