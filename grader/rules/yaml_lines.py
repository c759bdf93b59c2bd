"""YAML with its line numbers: every mistake is named by file, line and what to write instead."""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Any

from grader.errors import CourseError
from grader.rules.course import COURSE_FILE

if TYPE_CHECKING:
    import yaml

MAX_TEXT = 200  # characters of a title or sentence
MAX_POINTS = 10_000
_POINTS = re.compile(r"[0-9]{1,5}\Z")


def short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


class Table:
    """One YAML mapping with its line numbers; every getter says file, line and the likely key."""

    def __init__(self, node: yaml.MappingNode, where: str) -> None:
        self._where = where
        self._line = node.start_mark.line + 1
        self._values: dict[str, yaml.Node] = {}
        self._key_lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, _yaml().ScalarNode):
                raise _error(line, "a key should be a word", "Write keys such as course: or id:")
            name = str(key.value)
            if name in self._values:
                raise _error(
                    line,
                    f"'{name}' appears twice (first in line {self._key_lines[name]})",
                    "Remove one of the two lines."
                    if name != "id"
                    else "Begin the line with '- ' if a new entry starts here, or remove it.",
                )
            self._values[name] = value
            self._key_lines[name] = line

    @classmethod
    def of_document(cls, raw: bytes) -> Table:
        yaml = _yaml()
        try:
            text = raw.decode("utf-8")
            _refuse_conflict(text)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise _error(line, "a byte here is not UTF-8", "Save the file as UTF-8.") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise _error(
                line, f"not valid YAML: {error.problem}{_opened(error)}", _repair(error, raw, line)
            ) from None
        except yaml.YAMLError as error:
            before = raw.decode("utf-8")[: getattr(error, "position", 0)]  # a ReaderError has one
            raise _error(
                before.count("\n") + 1,
                f"not valid YAML: {str(error).splitlines()[0]}",
                "Save the file as plain UTF-8 text.",
            ) from None
        except RecursionError:
            raise _error(
                1,
                "nested too deeply to be a course",
                f"Restore it: git checkout HEAD -- :/{COURSE_FILE}",
            ) from None
        if not isinstance(node, _yaml().MappingNode):
            raise _error(
                1,
                "the file should hold keys (course:, modules:, ...)",
                f"Restore it: git checkout HEAD -- :/{COURSE_FILE}",
            )
        return cls(node, "the file")

    def error(self, key: str, what: str, hint: str) -> CourseError:
        return _error(self._key_lines.get(key, self._line), what, hint)

    def allow(self, *known: str) -> None:
        """Refuse keys that nobody reads: a misspelt rule must not be silently void."""
        for name, line in self._key_lines.items():
            if name not in known:
                missing = [k for k in known if k not in self._values]
                close = difflib.get_close_matches(name, missing or known, n=1, cutoff=0.5)
                if close:
                    raise _error(
                        line,
                        f"'{close[0]}' is missing" if missing else f"'{name}' is not known here",
                        f"Rename '{name}' to '{close[0]}'.",
                    )
                raise _error(
                    line, f"'{name}' is not known here", f"Known keys: {', '.join(known)}."
                )

    def _node(self, key: str) -> yaml.Node:
        if key not in self._values:
            raise _error(self._line, f"'{key}' is missing in {self._where}", f"Add '{key}:'.")
        return self._values[key]

    def scalar(self, key: str) -> str:
        """What stands after KEY, if it is one word or text, whatever YAML takes it for."""
        node = self._node(key)
        if not isinstance(node, _yaml().ScalarNode):
            raise self.error(key, f"'{key}' should be text", f"Write {key}: some words")
        return str(node.value)

    def string(self, key: str, hint: str = "") -> str:
        node = self._node(key)
        text = self.scalar(key)
        if node.tag == "tag:yaml.org,2002:null":
            text = ""
        elif node.tag != "tag:yaml.org,2002:str":
            quotable = text.isprintable() and '"' not in text
            words = f'"{short(text)}"' if quotable else "some words"
            raise self.error(key, f"'{key}' should be text", hint or f"Write {key}: {words}")
        if not text.strip() or not text.isprintable():
            raise self.error(
                key,
                f"'{key}' is empty or holds control characters",
                f"Write some words after {key}:",
            )
        if len(text) > MAX_TEXT:
            raise self.error(
                key,
                f"'{key}' has {len(text):,} characters; it is shown in tables and panels",
                f"Write at most {MAX_TEXT} characters after {key}:",
            )
        return text

    def integer(self, key: str) -> int:
        """A whole number from 0 to 10,000."""
        node = self._node(key)
        text = node.value if isinstance(node, _yaml().ScalarNode) else ""
        whole = node.tag == "tag:yaml.org,2002:int" and _POINTS.match(text)
        if not whole or int(text) > MAX_POINTS:
            digits = _POINTS.match(text) and int(text) <= MAX_POINTS
            raise self.error(
                key,
                f"'{key}' should be a whole number from 0 to {MAX_POINTS}",
                f"Write {key}: {int(text)}" if digits else f"Write {key}: 5",
            )
        return int(text)

    def strings(self, key: str) -> tuple[str, ...]:
        node = self._node(key)
        if not isinstance(node, _yaml().SequenceNode) or not all(
            isinstance(n, _yaml().ScalarNode) for n in node.value
        ):
            raise self.error(
                key, f"'{key}' should be a list", f"Write {key}: [00_setup, 01_tensor]"
            )
        values = tuple(str(n.value) for n in node.value)
        if len(set(values)) != len(values):
            raise self.error(key, f"'{key}' names a module twice", "Remove one of the two.")
        return values

    def tables(self, key: str) -> list[Table]:
        node = self._node(key)
        if not isinstance(node, _yaml().SequenceNode):
            raise self.error(key, f"'{key}' should be a list", "Start each entry with '- id:'.")
        tables = []
        for entry in node.value:
            if not isinstance(entry, _yaml().MappingNode):
                raise _error(
                    entry.start_mark.line + 1,
                    f"an entry of '{key}' should have keys",
                    "Start each entry with '- id:'.",
                )
            tables.append(Table(entry, f"this entry of {key}"))
        return tables


# What one line can hold that no YAML parser names: the cause, and what to write instead.
_BARE_THRESHOLD = re.compile(r"\s*(\w+):\s*(>=?\s*[\d.]+\s*%)")
_BARE_COLON = re.compile(r"\s*(?:- )?(\w+):\s+([^\"'\[{&*!|>#][^#]*:(?:\s[^#]*)?)")


def _repair(error: yaml.MarkedYAMLError, raw: bytes, line: int) -> str:
    """What most probably mends it, from the text of the line that could not be read."""
    text = raw.decode("utf-8-sig").splitlines()
    here = text[line - 1] if line <= len(text) else ""
    if threshold := _BARE_THRESHOLD.match(here):
        return f'Put it in quotes: {threshold[1]}: "{threshold[2]}"'
    if "mapping values" in (error.problem or "") and (colon := _BARE_COLON.match(here)):
        return f'Put it in quotes: {colon[1]}: "{short(colon[2].strip())}"'
    if here.lstrip(" ").startswith("\t"):
        return "Indent with spaces: replace the tab at the beginning of the line."
    if "another document" in (error.problem or ""):
        return "Compare with one course: remove the line '---' and what follows it."
    return "Compare the indentation and quotes with the lines around it."


def _refuse_conflict(text: str) -> None:
    """Raises CourseError at the marks that git leaves where two versions of the rules clash."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            raise _error(
                number,
                "a merge conflict is not settled here",
                "Keep one of the two versions, and remove the lines <<<<<<<, ======= and >>>>>>>.",
            )


def _opened(error: yaml.MarkedYAMLError) -> str:
    """Where the bracket or quote stands that is not closed: a line above the one that fails."""
    context = error.context or ""
    if error.context_mark and ("flow" in context or "quoted" in context):
        return f" ({context} that begins in line {error.context_mark.line + 1})"
    return ""


@functools.cache
def _yaml() -> Any:
    """PyYAML, imported when a course is parsed: a hook that remembers the course saves 40 ms."""
    import yaml

    return yaml


def _error(line: int, what: str, hint: str) -> CourseError:
    return CourseError(f"{COURSE_FILE}, line {line}: {what}.", hint=hint)
