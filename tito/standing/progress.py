"""The two progress files: progress.json in the project, ~/.tinytorch/progress.json at home.

Both are projections of what git and the ledger know; losing them loses nothing. They are read for
one thing only: what was known last, so that news is told once.

Standard library and grader only: the hooks import this.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.files import locked, write_whole
from grader.rules.course import Course
from grader.sources.git import Git
from grader.verdicts.verdicts import Standing

SCHEMA = 1
PROJECT_FILE = "progress.json"
HOME_FILE = ".tinytorch/progress.json"
MAX_BYTES = 1024 * 1024
KEYS = ("completed_modules", "unlocked_milestones", "completed_milestones")

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """Ids, in course order. claimed_milestones: completed once, by a proof that is lost."""

    completed_modules: tuple[str, ...] = ()
    unlocked_milestones: tuple[str, ...] = ()
    completed_milestones: tuple[str, ...] = ()
    claimed_milestones: tuple[str, ...] = ()

    def as_json(self) -> Content:
        """The lists under their names. Claims only when there are any."""
        content: Content = {key: list(getattr(self, key)) for key in KEYS}
        if self.claimed_milestones:
            content["claimed_milestones"] = list(self.claimed_milestones)
        return content


def of_standing(standing: Standing, claimed: tuple[str, ...] = ()) -> Progress:
    """A milestone counts as completed when the present code, or earlier code here, was proven."""
    completed = tuple(
        i for i, v in standing.milestones.items() if v.achieved or v.earned is not None
    )
    lost = tuple(i for i in standing.milestones if i in claimed and i not in completed)
    return Progress(standing.complete, standing.unlocked, completed, lost)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a progress file holds.

    content: {} when it is absent or unusable.  problem: why it cannot be used, "" when it can.
    replace: it may be written; False for a file of a newer version, or one nobody can read.
    """

    content: Content = field(default_factory=dict)
    problem: str = ""
    replace: bool = True
    absent: bool = False


def read(path: Path) -> Stored:
    """Never raises: a progress file is no reason to stop anybody."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its other end
            return Stored(problem="is not a regular file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Stored(absent=True)
    except OSError as error:
        return Stored(problem=f"cannot be read ({error.strerror})", replace=False)
    if len(raw) > MAX_BYTES:
        return Stored(problem=f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Stored(problem="is not valid JSON")
    return _checked(content)


def _checked(content: Any) -> Stored:
    if not isinstance(content, dict):
        return Stored(problem="does not hold a JSON object")
    schema = content.get("schema", SCHEMA)
    if isinstance(schema, bool) or not isinstance(schema, int):
        return Stored(problem="has a schema that is not a number")
    if schema > SCHEMA:
        return Stored(content, f"was written by a newer tito (schema {schema})", replace=False)
    clones = content.get("clones", {})
    if not isinstance(clones, dict):
        return Stored(problem="has 'clones' that is not an object")
    for table in (content, *clones.values()):
        if not isinstance(table, dict):
            return Stored(problem="has a clone that is not an object")
        for key in (*KEYS, "claimed_milestones"):
            if not isinstance(table.get(key, []), list):
                return Stored(problem=f"has '{key}' that is not a list")
    return Stored(content)


def _progress(table: Mapping[str, Any]) -> Progress:
    def ids(key: str) -> tuple[str, ...]:
        listed = table.get(key, [])
        return tuple(i for i in listed if isinstance(i, str)) if isinstance(listed, list) else ()

    return Progress(*(ids(key) for key in (*KEYS, "claimed_milestones")))


@dataclass(frozen=True, slots=True)
class ProgressFiles:
    """The two progress files of one working tree.

    top: of the working tree.  home: the person's home directory, None when nobody knows it.
    private: <git-common-dir>/tito, where the project file's lock lies.
    """

    top: Path
    home: Path | None
    private: Path

    @property
    def project_path(self) -> Path:
        return self.top / PROJECT_FILE

    @property
    def home_path(self) -> Path | None:
        return self.home / HOME_FILE if self.home is not None else None

    def last(self) -> Progress | None:
        """What was written last for this working tree, None when nothing usable was."""
        stored = read(self.project_path)
        if stored.content:
            return _progress(stored.content)
        return self._last_at_home()

    def claimed(self) -> tuple[str, ...]:
        """Milestones that the home file calls completed in this clone, with or without proof.

        A file from before clones were told apart speaks for the clone that finds it.
        """
        home = self._last_at_home()
        if home is None:
            content = self._home_content()
            home = _progress(content) if "clones" not in content else Progress()
        return (*home.completed_milestones, *home.claimed_milestones)

    def _home_content(self) -> Content:
        return read(self.home_path).content if self.home_path else {}

    def _last_at_home(self) -> Progress | None:
        clone = self._home_content().get("clones", {}).get(str(self.top))
        return _progress(clone) if isinstance(clone, dict) else None

    def write(self, course: Course, standing: Standing, now: Progress) -> tuple[str, ...]:
        """Bring both files up to date. The sentences to show: what could not be done, and why."""
        project = _project_content(course, standing, now)
        messages = list(
            _update(
                self.project_path,
                self.private / f"{PROJECT_FILE}.lock",
                lambda old: {**_foreign(old), **project},
            )
        )
        if self.home_path is None:
            messages.append(
                "Your home directory is not known (HOME is not set), so "
                f"~/{HOME_FILE} was not written. {PROJECT_FILE} is up to date."
            )
        else:
            lock = self.home_path.with_name(self.home_path.name + ".lock")
            messages += _update(
                self.home_path,
                lock,
                lambda old: _home_content(old, str(self.top), course.title, now),
            )
        return tuple(messages)


def files(git: Git, environment: Mapping[str, str], private: Path | None = None) -> ProgressFiles:
    """The files of GIT's working tree for the person whose ENVIRONMENT this is.

    private: <git-common-dir>/tito, if the caller knows it already.
    """
    home = environment.get("HOME") or environment.get("USERPROFILE")
    private = private or git.common_directory() / "tito"
    return ProgressFiles(git.top, Path(home) if home else None, private)


def _foreign(content: Content) -> Content:
    """What others keep in the file: left as it is."""
    ours = {"schema", "course", "head", "modules", "points", "claimed_milestones", *KEYS}
    return {k: v for k, v in content.items() if k not in ours}


def _project_content(course: Course, standing: Standing, now: Progress) -> Content:
    modules = {
        i: {
            "state": v.state.value,
            "tests_passed": v.passed,
            "tests": v.expected,
            "points": v.points,
        }
        for i, v in standing.modules.items()
    }
    return {
        "schema": SCHEMA,
        "course": course.title,
        **now.as_json(),
        "modules": modules,
        "points": standing.points,
    }


def _home_content(old: Content, top: str, title: str, now: Progress) -> Content:
    """The lists of the clone used last at the top, as other tools expect; all clones below."""
    clones = dict(old.get("clones", {}))
    before = {k: old[k] for k in KEYS if old.get(k)}
    kept = _foreign(old)
    if "clones" not in old and before:
        kept["before_clones"] = before  # of a tool that knew one course only
    clones[top] = {**_foreign(clones.get(top, {})), "course": title, **now.as_json()}
    return {**kept, "schema": SCHEMA, **now.as_json(), "clones": clones}


def _update(path: Path, lock: Path, change: Callable[[Content], Content]) -> tuple[str, ...]:
    """Read, change and write PATH under its lock. Nothing is written when nothing changes."""
    shown = _shown(path)
    try:
        path.parent.mkdir(exist_ok=True)  # not its parents: a home that is not there stays so
        lock.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock) as held:
            if not held:
                return (
                    f"{shown} was not updated: another process is writing it. "
                    "The next tito command brings it up to date.",
                )
            stored = read(path)
            if not stored.replace:
                return (f"{shown} {stored.problem}; it was left as it is.",)
            said = _put_aside(path, stored) if stored.problem else ()
            content = change(stored.content)
            if content != stored.content:
                write_whole(path, json.dumps(content, indent=2) + "\n")
            return said
    except OSError as error:
        return (f"{shown} could not be written ({error.strerror}). Nothing depends on it.",)


def _put_aside(path: Path, stored: Stored) -> tuple[str, ...]:
    number = 1
    while (broken := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    path.replace(broken)
    return (
        f"{_shown(path)} {stored.problem}. It was rebuilt from git; the old file is {broken.name}.",
    )


def _shown(path: Path) -> str:
    return f"~/{HOME_FILE}" if path.parent.name == ".tinytorch" else path.name
