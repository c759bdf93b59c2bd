"""From the bytes of course.yaml to the Course: the rules for rules, and what each mistake is called."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TypeVar

from grader.errors import CourseError
from grader.rules.course import COURSE_FILE, Course, Milestone, Module, Threshold, suggest
from grader.rules.yaml_lines import Table, short

MAX_COURSE_BYTES = 256 * 1024
VERSION = 1  # of the format; a newer one is refused, not guessed
_ID = re.compile(r"([0-9]{2})_([a-z][a-z0-9_]*)\Z")
_MILESTONE_ID = re.compile(r"[a-z][a-z0-9_]*\Z")
_THRESHOLD = re.compile(r"(?:(>=?)\s*)?([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%\Z")
T = TypeVar("T")


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
    top = Table.of_document(raw)
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


def _module(table: Table) -> Module:
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


def _milestone(table: Table, loss_falls: Threshold) -> Milestone:
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


def _threshold(table: Table, key: str) -> Threshold:
    text = table.scalar(key)
    match = _THRESHOLD.match(text)
    if not match or float(match.group(2)) > 100:
        raise table.error(
            key,
            f"'{key}' should be a percentage such as \"> 90 %\", not {short(text)!r}",
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


def _unique(key: str, things: list[T], top: Table) -> tuple[T, ...]:
    seen: set[str] = set()
    for thing, table in zip(things, top.tables(key), strict=True):
        thing_id: str = thing.id  # type: ignore[attr-defined]  # Module or Milestone
        if thing_id in seen:
            raise table.error(
                "id", f"'{thing_id}' appears twice in {key}", "Remove one of the two entries."
            )
        seen.add(thing_id)
    if not things:
        raise top.error(key, f"{key} is empty", f"List at least one entry under {key}:.")
    return tuple(things)


def _check_handles(top: Table, modules: tuple[Module, ...]) -> None:
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
    top: Table, modules: tuple[Module, ...], milestones: tuple[Milestone, ...]
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


def _check_need(need: str, by_id: dict[str, Module], table: Table) -> None:
    if need not in by_id:
        # Commands take a number or a name for the id; here only the id will do.
        meant = [i for i, m in by_id.items() if need in (m.number, m.name)]
        raise table.error(
            "needs",
            f"'{need}' is not a module of this course",
            f"Write its whole id: {meant[0]}."
            if meant
            else suggest(need, by_id, "Add it under modules."),
        )


def _check_closed(
    owner: str, needs: tuple[str, ...], by_id: dict[str, Module], table: Table
) -> None:
    for need in needs:
        for deeper in by_id[need].needs:
            if deeper not in needs:
                raise table.error(
                    "needs",
                    f"{owner} needs {need}, which needs {deeper}, and {deeper} is not listed",
                    f"Add {deeper} to needs.",
                )
