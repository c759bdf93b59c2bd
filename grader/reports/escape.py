"""What a student wrote, on its way into a log, a comment, an SVG or XML: shown, never obeyed.

Everything that came from a submission passes through here. Markdown has too many ways to be
clever (mentions, links, HTML, tables), so such text stands in code spans and fenced blocks only.
"""

from __future__ import annotations

import re

_RUN_OF_TICKS = re.compile(r"`+")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9 _.\-]+")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}  # & comes first
# A path and a line; a worker adds what stands there: "modules/a/b.py:12: return x".
_PLACE = re.compile(
    r"((?:modules|tinytorch|starters)/[A-Za-z0-9_./\-]+\.py):([0-9]{1,7})(?:: [^\n]*)?\Z"
)
# Leave no ink, though they count as printable (Unicode 15, Default_Ignorable_Code_Point, and the
# blank Braille cell). The selector of emoji, U+FE0F, may stay.
_INKLESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)
# Accents and the vowel signs of scripts that stack them: more than three on one letter, which no
# language writes, would cover the lines around it.
_TOWER = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0e31-\u0e3a\u0e47-\u0e4e"
    "\u0f71-\u0f84\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0e31-\u0e3a\u0e47-\u0e4e"
    "\u0f71-\u0f84\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)

MAX_NAME = 60


def plain(text: str, limit: int | None = None) -> str:
    """TEXT without what steers a reader: control characters, bidirectional and invisible ones.

    Line ends and tabs stay. At most LIMIT characters.
    """
    if limit is not None:
        text = text[: 2 * limit + 16]  # a megabyte is not looked at to show a line of it
    if text.isascii() and text.isprintable():
        return cut(text, limit)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    # Line by line: most lines of most texts have nothing in them to replace.
    shown = "\n".join(
        row if row.isprintable() else "".join(c if c.isprintable() else "?" for c in row)
        for row in lines.split("\n")
    )
    if not shown.isascii():
        shown = _TOWER.sub(r"\1", _INKLESS.sub("?", shown))
    return cut(shown, limit)


def line(text: str, limit: int | None = None) -> str:
    """plain() in one line."""
    if limit is not None:
        text = text[: 4 * limit + 16]
    return cut(" ".join(plain(text).split()), limit)


def cut(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return text[: max(0, limit - 1)].rstrip() + "…" if limit else ""


def name(text: str) -> str:
    """A name that any consumer takes: letters, digits, blank, _ . - and at most 60 of them."""
    return _NOT_A_NAME.sub(" ", text).strip()[:MAX_NAME].strip() or "unnamed"


# Markdown (GitHub's)


def span(text: str, limit: int | None = None) -> str:
    """A code span. Inside one there are no mentions, links, HTML or emphasis.

    Usable in a table: there a bar ends a cell even inside a code span, unless escaped.
    """
    shown = line(text, limit).replace("\\|", "|").replace("|", "\\|")
    if not shown:
        return ""
    ticks = "`" * (_longest_run(shown) + 1)
    edge = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}"


def fence(text: str, limit: int | None = None) -> str:
    """A fenced block that nothing inside can end."""
    shown = plain(text, limit).strip("\n")
    ticks = "`" * max(3, _longest_run(shown) + 1)
    return f"{ticks}text\n{shown}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _RUN_OF_TICKS.findall(text)), default=0)


def words(text: str) -> str:
    """Words of the course (names, titles) as Markdown text: what could be markup is escaped."""
    shown = re.sub(r"([\\`*_\[\]#!|~@])", r"\\\1", line(text))
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# XML and SVG


def xml(text: str, limit: int | None = None) -> str:
    """For text and attribute values. plain() has removed what XML does not allow."""
    shown = plain(text, limit)
    for sign, entity in _HTML.items():
        shown = shown.replace(sign, entity)
    return shown


# Workflow commands of a GitHub runner


def command_data(text: str, limit: int | None = None) -> str:
    """The message of a ::command::. % first: it begins the other escapes."""
    shown = plain(text, limit)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str, limit: int | None = None) -> str:
    return command_data(line(text), limit).replace(":", "%3A").replace(",", "%2C")


def log(text: str, limit: int | None = None) -> str:
    """One line of a job's log that the runner does not take for a command.

    It obeys `::command::` at the start of a line and `##[command]` anywhere in it.
    """
    return line(text, limit).replace("::", ": :").replace("##[", "# #[")


def place(where: str) -> tuple[str, int] | None:
    """("modules/01_tensor/tensor.py", 120) of a path and a line in the course, else None."""
    match = _PLACE.match(where)
    if not match or ".." in match.group(1):
        return None
    return match.group(1), int(match.group(2))
