"""Text that a console can draw: columns, panels, and ASCII where it must be."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable

INNER = 66  # columns between the panel's bars

# Each as wide as what it replaces, so that panels stay panels.
_ASCII = {
    **dict.fromkeys("╔╗╚╝╭╮╰╯├┤┬┴┼└┌┐┘", "+"),
    **dict.fromkeys("🔓🎉🏆🧪📊", "**"),
    **dict(zip("═─║│▁▂▃▄▅▆▇█·—≥→…\u00d7", "=-||..ooo###-->>.x", strict=True)),
    **{"🎓": "  ", "🔒": "--", "✅": "ok", "❌": "NO"},
}


def fit(text: str, encoding: str | None) -> str:
    """TEXT as it is when ENCODING can carry it, else in ASCII."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return to_ascii(text)
    return text


def to_ascii(text: str) -> str:
    simple = "".join(_ASCII.get(c, c) for c in text)
    return unicodedata.normalize("NFKD", simple).encode("ascii", "replace").decode("ascii")


def columns(text: str) -> int:
    """How many columns of a terminal TEXT takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 or c == "\ufe0f" for c in text)


def panel(lines: Iterable[str]) -> str:
    """LINES in a double frame. A line too long for it is wrapped."""
    rows = []
    for line in lines:
        for part in textwrap.wrap(line, INNER - 4) or [""]:
            rows.append(f"║ {part}{' ' * (INNER - 1 - columns(part))}║")
    bar = "═" * INNER
    return "\n".join([f"╔{bar}╗", *rows, f"╚{bar}╝"])
