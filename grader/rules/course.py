"""course.yaml: modules, milestones, what each needs and must reach."""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from grader.errors import CourseError, UsageError

if TYPE_CHECKING:
    import yaml

COURSE_FILE = "course.yaml"
MAX_COURSE_BYTES = 256 * 1024
MAX_TEXT = 200  # characters of a title or sentence
MAX_POINTS = 10_000
VERSION = 1  # of the format; a newer one is refused, not guessed

_ID = re.compile(r"([0-9]{2})_([a-z][a-z0-9_]*)\Z")
_MILESTONE_ID = re.compile(r"[a-z][a-z0-9_]*\Z")
_THRESHOLD = re.compile(r"(?:(>=?)\s*)?([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%\Z")
_POINTS = re.compile(r"[0-9]{1,5}\Z")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A percentage to reach. strict: more than it; else at least it."""

    percent: float
    strict: bool

    def holds(self, measured_percent: float) -> bool:
        """False for NaN: an unmeasured value reaches nothing."""
        if self.strict:
            return measured_percent > self.percent
        return measured_percent >= self.percent

    def __str__(self) -> str:
        return f"> {self.percent:g} %" if self.strict else f"{self.percent:g} %"


@dataclass(frozen=True, slots=True)
class Module:
    id: str
    title: str
    needs: tuple[str, ...]
    points: int

    @property
    def number(self) -> str:
        return self.id[:2]

    @property
    def name(self) -> str:
        return self.id[3:]

    @property
    def path(self) -> str:
        """The lesson, relative to the course's root: "modules/01_tensor/tensor.py"."""
        return f"modules/{self.id}/{self.name}.py"

    @property
    def starter_path(self) -> str:
        """The untouched starter that a release carries: what reset restores, and whose tests count."""
        return f"starters/{self.id}/{self.name}.py"


@dataclass(frozen=True, slots=True)
class Milestone:
    id: str
    name: str
    story: str
    proves: str
    needs: tuple[str, ...]
    accuracy: Threshold
    loss_falls: Threshold
    points: int

    @property
    def test(self) -> str:
        """The pytest node that verifies it, relative to the course's root."""
        return f"tests/milestones/test_learning_verification.py::test_{self.id}_learning"


@dataclass(frozen=True, slots=True)
class Course:
    """The rules, and the trusted root they were read from."""

    root: Path
    title: str
    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]
    digest: str  # of the bytes of course.yaml

    def as_json(self) -> dict[str, Any]:
        """Everything but the root: what a ledger can remember of course.yaml."""
        content = asdict(self)
        del content["root"]
        return content

    @classmethod
    def from_json(cls, root: Path, stored: dict[str, Any]) -> Course | None:
        """None when STORED is not what as_json() makes."""
        try:
            modules = tuple(Module(**{**m, "needs": tuple(m["needs"])}) for m in stored["modules"])
            milestones = tuple(
                Milestone(
                    **{
                        **m,
                        "needs": tuple(m["needs"]),
                        "accuracy": Threshold(**m["accuracy"]),
                        "loss_falls": Threshold(**m["loss_falls"]),
                    }
                )
                for m in stored["milestones"]
            )
            return cls(root, stored["title"], modules, milestones, stored["digest"])
        except (KeyError, TypeError):
            return None

    def module(self, wanted: str) -> Module:
        """By id ("01_tensor"), number ("01", "1") or name ("tensor"). Raises UsageError."""
        for module in self.modules:
            if wanted in (module.id, module.number, module.name, module.number.lstrip("0") or "0"):
                return module
        raise UsageError(
            f"There is no module '{wanted}' in this course.",
            hint=_suggest(wanted, [m.id for m in self.modules], "tito module list shows them all."),
        )

    def milestone(self, wanted: str) -> Milestone:
        """By id. Raises UsageError."""
        for milestone in self.milestones:
            if wanted == milestone.id:
                return milestone
        raise UsageError(
            f"There is no milestone '{wanted}' in this course.",
            hint=_suggest(
                wanted, [m.id for m in self.milestones], "tito milestone status shows them all."
            ),
        )


def _suggest(wrong: str, known: Iterable[str], otherwise: str) -> str:
    known = list(known)
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known)}. {otherwise}"


def load(root: Path) -> Course:
    """Read and check ROOT/course.yaml. Raises CourseError with file, line and what to do."""
    path = root / COURSE_FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise CourseError(
            f"There is no {COURSE_FILE} in {root}.",
            hint="Change into your course's folder (cd /path/to/TinyTorch), or restore it: "
            f"git checkout HEAD -- :/{COURSE_FILE}",
        ) from None
    except OSError as error:
        raise CourseError(
            f"{COURSE_FILE} cannot be read: {error.strerror}.",
            hint=f"Check the file's permissions: ls -l {COURSE_FILE}",
        ) from None
    return parse(raw, root)


def parse(raw: bytes, root: Path) -> Course:
    """The Course that RAW, the bytes of a course.yaml, describes."""
    if len(raw) > MAX_COURSE_BYTES:
        raise CourseError(
            f"{COURSE_FILE} has {len(raw):,} bytes; at most {MAX_COURSE_BYTES:,} are read.",
            hint="A course fits in a few kilobytes: remove what does not belong there.",
        )
    top = _Table.of_document(raw)
    top.allow("course", "version", "loss_falls", "modules", "milestones")
    version = top.integer("version")
    if version != VERSION:
        raise top.error(
            "version",
            f"version {version} is not known here (only {VERSION})",
            f"Update the course's tools, or write version: {VERSION}.",
        )
    loss_falls = _threshold(top, "loss_falls")
    modules = _unique("modules", [_module(t) for t in top.tables("modules")], top)
    _check_handles(top, modules)
    milestones = _unique(
        "milestones", [_milestone(t, loss_falls) for t in top.tables("milestones")], top
    )
    _check_needs(top, modules, milestones)
    return Course(root, top.string("course"), modules, milestones, hashlib.sha256(raw).hexdigest())


def _module(table: _Table) -> Module:
    table.allow("id", "title", "needs", "points")
    module_id = table.string("id", "Write id: 01_tensor")
    if not _ID.match(module_id):
        raise table.error(
            "id",
            f"'{module_id}' is not a module id",
            f"Write {_as_id(module_id)}: two digits, an underscore and a lower-case name.",
        )
    return Module(module_id, table.string("title"), table.strings("needs"), table.integer("points"))


def _as_id(wrong: str) -> str:
    """The id that was probably meant, else an example of one."""
    likely = re.sub(r"[^a-z0-9]+", "_", wrong.lower()).strip("_")
    return likely if _ID.match(likely) else "an id such as 01_tensor"


def _milestone(table: _Table, loss_falls: Threshold) -> Milestone:
    table.allow("id", "name", "story", "proves", "needs", "accuracy", "points")
    milestone_id = table.string("id", "Write id: mlp_digits")
    if not _MILESTONE_ID.match(milestone_id):
        raise table.error(
            "id",
            f"'{milestone_id}' is not a milestone id",
            "Write lower-case letters, digits and underscores: mlp_digits.",
        )
    return Milestone(
        milestone_id,
        table.string("name"),
        table.string("story"),
        table.string("proves"),
        table.strings("needs"),
        _threshold(table, "accuracy"),
        loss_falls,
        table.integer("points"),
    )


def _threshold(table: _Table, key: str) -> Threshold:
    text = table.scalar(key)
    match = _THRESHOLD.match(text)
    if not match or float(match.group(2)) > 100:
        raise table.error(
            key,
            f"'{key}' should be a percentage such as \"> 90 %\", not {_short(text)!r}",
            f'Write {key}: "> 90 %" (more than) or "100 %" (at least).',
        )
    threshold = Threshold(float(match.group(2)), strict=match.group(1) == ">")
    if threshold.strict and threshold.percent >= 100:
        raise table.error(
            key,
            f"nothing is more than 100 %, so '{key}' is never reached",
            f'Write {key}: "100 %".',
        )
    return threshold


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


def _unique(key: str, things: list[T], top: _Table) -> tuple[T, ...]:
    seen: set[str] = set()
    for thing, table in zip(things, top.tables(key), strict=True):
        thing_id: str = thing.id  # type: ignore[attr-defined]  # Module or Milestone
        if thing_id in seen:
            raise table.error(
                "id", f"'{thing_id}' stands twice in {key}", "Remove one of the two entries."
            )
        seen.add(thing_id)
    if not things:
        raise top.error(key, f"{key} is empty", f"List at least one entry under {key}:.")
    return tuple(things)


def _check_handles(top: _Table, modules: tuple[Module, ...]) -> None:
    """Commands take "01" and "tensor" for "01_tensor", so neither may mean two modules."""
    seen: dict[str, str] = {}
    for module, table in zip(modules, top.tables("modules"), strict=True):
        for kind, handle in (("number", module.number), ("name", module.name)):
            other = seen.setdefault(handle, module.id)
            if other != module.id:
                raise table.error(
                    "id",
                    f"{other} and {module.id} have the same {kind}",
                    f"Give {module.id} a {kind} of its own.",
                )


def _check_needs(
    top: _Table, modules: tuple[Module, ...], milestones: tuple[Milestone, ...]
) -> None:
    """Each need is a module; a module's needs stand above it, with all that they need themselves."""
    by_id = {m.id: m for m in modules}
    above: set[str] = set()
    for module, table in zip(modules, top.tables("modules"), strict=True):
        for need in module.needs:
            _check_need(need, by_id, table)
            if need == module.id:
                raise table.error(
                    "needs", f"{module.id} needs itself", f"Remove {module.id} from needs."
                )
            if need not in above:
                raise table.error(
                    "needs",
                    f"{module.id} needs {need}, which stands below it",
                    f"Move {need} above {module.id}, or remove it from needs.",
                )
        _check_closed(module.id, module.needs, by_id, table)
        above.add(module.id)
    for milestone, table in zip(milestones, top.tables("milestones"), strict=True):
        for need in milestone.needs:
            _check_need(need, by_id, table)
        _check_closed(milestone.id, milestone.needs, by_id, table)


def _check_need(need: str, by_id: dict[str, Module], table: _Table) -> None:
    if need not in by_id:
        # Commands take a number or a name for the id; here only the id will do.
        meant = [i for i, m in by_id.items() if need in (m.number, m.name)]
        raise table.error(
            "needs",
            f"'{need}' is not a module of this course",
            f"Write its whole id: {meant[0]}."
            if meant
            else _suggest(need, by_id, "Add it under modules."),
        )


def _check_closed(
    owner: str, needs: tuple[str, ...], by_id: dict[str, Module], table: _Table
) -> None:
    for need in needs:
        for deeper in by_id[need].needs:
            if deeper not in needs:
                raise table.error(
                    "needs",
                    f"{owner} needs {need}, which needs {deeper}, and {deeper} is not listed",
                    f"Add {deeper} to needs.",
                )


class _Table:
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
                    f"'{name}' stands twice (first in line {self._key_lines[name]})",
                    "Remove one of the two lines."
                    if name != "id"
                    else "Begin the line with '- ' if a new entry starts here, or remove it.",
                )
            self._values[name] = value
            self._key_lines[name] = line

    @classmethod
    def of_document(cls, raw: bytes) -> _Table:
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
            words = f'"{_short(text)}"' if quotable else "some words"
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

    def tables(self, key: str) -> list[_Table]:
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
            tables.append(_Table(entry, f"this entry of {key}"))
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
        return f'Put it in quotes: {colon[1]}: "{_short(colon[2].strip())}"'
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
