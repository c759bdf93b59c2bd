"""The one place that draws. Rich on a terminal; plain text without one or with NO_COLOR; ASCII
where the encoding cannot carry more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.errors import TitoError
from grader.reports import console as words

# Outcome and state -> colour of Rich. What is not listed is drawn as it is.
STYLES = {
    **dict.fromkeys(("pass", "yes", "ok", "complete", "completed"), "green"),
    **dict.fromkeys(("FAILED", "ERROR", "TIMED OUT", "MISSING", "NO", "fix"), "red"),
    **dict.fromkeys(("to do", "in progress"), "yellow"),
    **dict.fromkeys(("locked", "blocked"), "dim"),
    "unlocked": "cyan",
}


class Screen:
    def __init__(self, out: TextIO, err: TextIO, environment: Mapping[str, str]) -> None:
        self._out = out
        self._err = err
        self._fancy = (
            out.isatty()
            and not environment.get("NO_COLOR")
            and environment.get("TERM", "") not in ("", "dumb")
        )
        self._live = err.isatty() and environment.get("TERM", "") not in ("", "dumb")
        self._console = Console(file=out, highlight=False) if self._fancy else None
        self._passing = ""  # the line that the next one takes away

    def say(self, text: str = "", style: str = "") -> None:
        self.wipe()
        shown = words.fit(text, self._out.encoding)
        if self._console is not None and style:
            self._console.print(Text(shown, style=style), soft_wrap=True)
        else:
            self._out.write(shown + "\n")
            self._out.flush()  # children write to the same file: keep the order

    def json(self, document: str) -> None:
        """DOCUMENT is the whole of standard output."""
        self.wipe()
        shown = document
        if words.fit(document, self._out.encoding) != document:
            shown = "".join(c if ord(c) < 128 else _escaped(c) for c in document)
        self._out.write(shown + "\n")

    def warn(self, text: str) -> None:
        """On standard error: beside the answer, not part of it."""
        self.wipe()
        self._err.write(words.fit(text, self._err.encoding) + "\n")
        self._err.flush()

    def error(self, error: TitoError) -> None:
        self.warn(f"tito: {error}")

    def progress(self, subject: str) -> None:
        """Said before something that takes time, to people only, and only until it is over."""
        if self._live:
            self.wipe()
            self._passing = f"running {subject} ..."
            self._err.write(self._passing)
            self._err.flush()

    def wipe(self) -> None:
        """Take the progress off the screen. Before anything else is written to it."""
        if self._passing:
            self._err.write("\r" + " " * len(self._passing) + "\r")
            self._err.flush()
            self._passing = ""

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns under HEADS. The last may be as long as it likes."""
        self.wipe()
        if self._console is None:
            self.say(plain_table(heads, rows))
            return
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for place, head in enumerate(heads):
            # A name broken in two cannot be copied; sentences beside it may take more lines.
            names = place + 1 < len(heads) and not any(" " in row[place] for row in rows)
            table.add_column(head, overflow="fold", no_wrap=names)
        encoding = self._out.encoding
        for row in rows:
            table.add_row(*(Text(words.fit(c, encoding), style=STYLES.get(c, "")) for c in row))
        self._console.print(table)


def plain_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(words.columns(r[i]) for r in [heads, *rows]) for i in range(len(heads))]
    lines = []
    for row in [heads, ["-" * w for w in widths], *rows]:
        cells = [c + " " * (w - words.columns(c)) for c, w in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
