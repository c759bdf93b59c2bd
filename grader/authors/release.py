"""A student repository, made from the course's own: starters, hooks, tests, an empty package.

Made from HEAD and nothing else, so the same commit gives the same bytes and the same commit id.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import CourseError, StudentError, UsageError
from grader.lessons.lesson import Lesson, package_files, parse
from grader.rules import parts
from grader.rules.course import Course
from grader.sources.git import Git, clean_environment

TEMPLATE = "release/"  # files that a student repository has instead of ours: README, Makefile
ORIGIN_FILE = "release.json"
_VERSION = re.compile(rb'^version = "([^"]+)"$', re.MULTILINE)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
AUTHOR = "TinyTorch course <course@tinytorch.invalid>"
BRANCH = "main"


@dataclass(frozen=True, slots=True)
class File:
    mode: str  # git's
    content: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """What a student repository was made from.

    version: that of pyproject.toml.  commit: of the course's own repository.
    """

    version: str
    commit: str

    def __str__(self) -> str:
        return f"{self.version}, released from commit {self.commit[:12]}"


def build(git: Git, course: Course) -> dict[str, File]:
    """path -> File of the student repository for HEAD. Raises StudentError if HEAD is not all there is."""
    refuse_uncommitted(git)
    commit, tracked = _head(git)
    files = {p: f for p, f in tracked.items() if p.startswith((*parts.PARTS, "modules/"))}
    files |= {p.removeprefix(TEMPLATE): f for p, f in tracked.items() if p.startswith(TEMPLATE)}
    origin = {"commit": commit, "version": version_of(files)}
    files[ORIGIN_FILE] = File("100644", f"{json.dumps(origin, indent=2)}\n".encode())
    for module in course.modules:
        starter = File("100644", lesson_at(files, module.path).starter().encode())
        files[module.path] = starter
        files[module.starter_path] = starter
    for path, text in package_files([]).items():
        files[path] = File("100644", text.encode())
    return dict(sorted(files.items()))


def version_of(files: Mapping[str, File]) -> str:
    project = files.get("pyproject.toml")
    found = _VERSION.search(project.content) if project else None
    if found is None:
        raise CourseError(
            "pyproject.toml does not say which version of the course this is.",
            hint='Add under [project]: version = "1.0.0"',
        )
    return found[1].decode()


def origin_of(root: Path) -> Origin | None:
    """What the student repository ROOT was made from, None where nothing says it.

    Raises CourseError for a file that no release holds.
    """
    try:
        said = json.loads((root / ORIGIN_FILE).read_bytes())
        if _COMMIT.fullmatch(said["commit"]):
            return Origin(str(said["version"]), said["commit"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError):
        pass
    raise CourseError(
        f"{ORIGIN_FILE} does not say what this course was made from.",
        hint=f"git checkout HEAD -- :/{ORIGIN_FILE}",
    )


def lesson_at(files: Mapping[str, File], path: str) -> Lesson:
    if path not in files:
        raise StudentError(f"{path} is not committed.", hint=f"git add {path} && git commit")
    return parse(files[path].content.decode("utf-8"), path)


def leaked_solutions(lessons: list[Lesson], files: Mapping[str, File]) -> list[tuple[str, str]]:
    """(path, first line) of every solution whose text stands somewhere in FILES.

    Compared without regard to white space. A solution that is one short line, such as
    `return out`, says nothing and may stand anywhere.
    """
    found = []
    texts = {p: _squeezed(f.content.decode("utf-8", "replace")) for p, f in files.items()}
    for lesson in lessons:
        for solution in lesson.solutions():
            squeezed = _squeezed(_without_comments(solution))
            if len(squeezed) < 40:
                continue
            for path, text in texts.items():
                if squeezed in text:
                    found.append((path, solution.strip().splitlines()[0].strip()))
    return found


def write(files: Mapping[str, File], target: Path, when: str) -> str:
    """FILES as a new repository of one commit in TARGET. Returns the commit's id.

    when: its date, as git writes it ("1700000000 +0000").
    """
    refuse_occupied(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: made beside TARGET, and moved there when it is complete.
        unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            for path, file in files.items():
                place = unfinished / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.content)
                place.chmod(0o755 if file.mode == "100755" else 0o644)
            commit = _commit(files, unfinished, when)
            unfinished.chmod(0o755)  # mkdtemp made it private
            if target.exists():
                target.rmdir()
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}.",
            hint="Name a folder in a place of your own: tito course release ~/tinytorch-students",
        ) from None
    return commit


def refuse_occupied(target: Path) -> None:
    """Raises UsageError unless TARGET is an empty folder, or one that can be made."""
    # No hint here says to remove something: it may be all that somebody has.
    hint = "Name a folder that does not exist yet: tito course release ../tinytorch-students"
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty.", hint=hint)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is not a folder.", hint=hint)
    above = next(p for p in target.absolute().parents if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UsageError(f"{target} cannot be made: {above} cannot be written.", hint=hint)


def refuse_inside(git: Git, target: Path) -> None:
    """Raises UsageError for a folder in the course's own repository, unless git ignores it there."""
    place = target.resolve()
    if not place.is_relative_to(git.top.resolve()):
        return
    # Of a file in it: a pattern that ends in a slash does not speak of a folder still to be made.
    if git.ignores(str(place / "README.md")):
        return
    raise UsageError(
        f"{target} is inside the course's own repository, whose history holds the solutions.",
        hint=f"Name a folder beside it: tito course release {git.top.parent / place.name}",
    )


def _commit(files: Mapping[str, File], target: Path, when: str) -> str:
    name, _, address = AUTHOR.rstrip(">").partition(" <")
    environment = {
        **clean_environment(os.environ),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        **{
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", address), ("DATE", when))
        },
    }
    git = Git(target, environment)
    git.run("init", "--quiet", f"--initial-branch={BRANCH}")
    rows = []
    for path, file in files.items():
        blob = git.run("hash-object", "-w", "--stdin", stdin=file.content).decode().strip()
        rows.append(f"{file.mode} {blob}\t{path}\0")
    git.run("update-index", "--add", "-z", "--index-info", stdin="".join(rows).encode())
    tree = git.text("write-tree")
    commit = git.text("commit-tree", tree, "-m", "The course as it is given out")
    git.run("update-ref", f"refs/heads/{BRANCH}", commit)
    # The index is not refreshed: times and inodes would make the same release differ. Git does it.
    return commit


def date_of_head(git: Git) -> str:
    return git.text("show", "--no-patch", "--format=%ct +0000", "HEAD")


def refuse_uncommitted(git: Git) -> None:
    """Raises StudentError while a tracked file differs from HEAD, or there is no HEAD."""
    if git.head() is None:
        raise StudentError("Nothing is committed yet.", hint="git add . && git commit")
    changed = git.text("status", "--porcelain", "--untracked-files=no")
    if changed:
        first = changed.splitlines()[0][2:].strip()
        raise StudentError(
            f"A release is made from a commit, and {first} is not committed as it is.",
            hint="git commit (or git stash) first.",
        )


def _head(git: Git) -> tuple[str, dict[str, File]]:
    """The id of HEAD, and its files, read through one process instead of one for each."""
    from git import Blob, Repo  # 0.1 s, and only a release needs it

    if len(git.text("rev-parse", "HEAD")) != 40:
        raise CourseError(
            "This repository names its commits by SHA-256, which GitPython cannot read.",
            hint="Make the course in a repository of the usual kind: git init --object-format=sha1",
        )
    with Repo(git.top) as repo:
        repo.git.update_environment(GIT_DIR=str(repo.git_dir))  # whatever the caller's own says
        head = repo.head.commit
        blobs = [item for item in head.tree.traverse() if isinstance(item, Blob)]
        files = {str(b.path): File(f"{b.mode:06o}", b.data_stream.read()) for b in blobs}
        return head.hexsha, files


def _without_comments(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.strip().startswith("#"))


def _squeezed(text: str) -> str:
    return "".join(text.split())
