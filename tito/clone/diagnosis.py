"""What can be wrong with a clone: one Finding per check, with the command that mends it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.authors import release
from grader.errors import CourseError
from grader.rules import parts
from grader.sources import snapshots
from grader.sources.snapshots import LESSONS, PACKAGE
from grader.verdicts.verdicts import Standing, plan_exports
from tito.clone import installation
from tito.clone.clone import Clone
from tito.standing import progress
from tito.worktree import put_aside, staging, unwatched

MIN_PYTHON = (3, 10)
MIN_NUMPY = (1, 24)
PROBE_TIMEOUT_S = 30.0
# What decides an outcome. In a student's clone it comes from the course, not from the student.
RULES = parts.having("judge", "local")
RULES_KEY = "tito.rules"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    fix: a command to paste, "" when all is well.
    repair: does it, and loses nothing; says what it did. None for what only the person may decide.
    """

    check: str
    ok: bool
    says: str
    fix: str = ""
    repair: Callable[[], str] | None = field(default=None, compare=False)


def examine(clone: Clone) -> Iterator[Finding]:
    yield _python()
    yield _numpy()
    yield from _origin(clone)
    yield _hooks(clone)
    yield _hooks_path(clone)
    yield _hook_python(clone)
    yield _runner(clone)
    yield _identity(clone)
    yield from _locks(clone)
    yield from _put_aside(clone)
    yield from _conflicts(clone)
    yield from _hidden_edits(clone)
    standing = clone.engine.recall(clone.head())
    yield from _lessons(clone, standing)
    yield from _package_on_disk(clone, standing)
    yield from _progress_files(clone, standing)
    yield _ledger(clone)
    yield from _rules(clone)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info[:2] >= MIN_PYTHON
    return Finding(
        "Python", ok, f"{version} ({sys.executable})", "" if ok else "python3.11 -m venv .venv"
    )


def _numpy() -> Finding:
    fix = f'{sys.executable} -m pip install "numpy>={MIN_NUMPY[0]}.{MIN_NUMPY[1]}"'
    import importlib.metadata  # 20 ms of every command, where it stands above

    try:
        version = importlib.metadata.version("numpy")
    except importlib.metadata.PackageNotFoundError:
        return Finding("NumPy", False, "not installed", fix)
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    ok = numbers >= MIN_NUMPY
    return Finding("NumPy", ok, version, "" if ok else fix)


def _origin(clone: Clone) -> Iterator[Finding]:
    """Nothing in the course's own repository, and in a release of before it was written down."""
    try:
        if origin := release.origin_of(clone.top):
            yield Finding("Course", True, str(origin))
    except CourseError as error:
        yield Finding("Course", False, error.what.removesuffix("."), error.hint)


# The way from git to the grader


def _install(clone: Clone) -> str:
    done = installation.install(clone, installation.runner_of(clone.git) or installation.RUNNERS[0])
    return f"installed the hooks ({done.runner}), with {sys.executable}"


def _hooks(clone: Clone) -> Finding:
    says = ""
    if missing := installation.missing_hooks(clone.git):
        says = f"missing: {', '.join(missing)}"
    elif changed := installation.changed_hooks(clone.git):
        says = f"not as this version of the course writes them: {', '.join(changed)}"
    if says:
        return Finding("Hooks", False, says, "tito setup", lambda: _install(clone))
    return Finding("Hooks", True, "installed for all six stages")


def _hooks_path(clone: Clone) -> Finding:
    foreign = installation.foreign_path(clone.git)
    if not foreign:
        return Finding("core.hooksPath", True, "not set, so git finds the hooks of this clone")
    says = f"set to {foreign.path}: the hooks of this clone never run"
    return Finding("core.hooksPath", False, says, foreign.fix)


def _hook_python(clone: Clone) -> Finding:
    """The interpreter that the hooks start must still be there, with what they import."""
    name = "Hook's Python"
    python = clone.git.config("tito.python")
    if not python:
        says = "none recorded (git config tito.python)"
        return Finding(name, False, says, "tito setup", lambda: _install(clone))
    try:
        done = subprocess.run(
            [python, "-c", "import numpy, yaml"],
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        says = f"{python} cannot be started"
        return Finding(name, False, says, "tito setup", lambda: _install(clone))
    if done.returncode != 0:
        fix = f'"{python}" -m pip install numpy pyyaml'
        return Finding(name, False, f"{python} lacks numpy or pyyaml", fix)
    return Finding(name, True, python)


def _runner(clone: Clone) -> Finding:
    runner = installation.runner_of(clone.git)
    if not runner:
        says = "none recorded (git config tito.runner)"
        return Finding("Runner", False, says, "tito setup", lambda: _install(clone))
    if runner != "raw" and not installation.has_framework(clone.git.config("tito.python"), runner):
        return Finding(
            "Runner",
            False,
            f"{runner} is not installed: only the course's own checks run",
            f"{sys.executable} -m pip install {runner}   # or: tito setup --runner raw",
        )
    return Finding("Runner", True, runner)


def _identity(clone: Clone) -> Finding:
    who = clone.git.text("var", "GIT_COMMITTER_IDENT", check=False)
    if who:
        return Finding("Git identity", True, who.rpartition(">")[0] + ">")
    return Finding(
        "Git identity",
        False,
        "git does not know who you are, and refuses to commit",
        'git config --global user.name "Your Name" '
        "&& git config --global user.email you@example.org",
    )


# What a killed process leaves behind


def _locks(clone: Clone) -> Iterator[Finding]:
    """Not repaired: the process that made a lock may still be at work."""
    folders = {clone.git.directory(), clone.git.common_directory()}
    locks = [p for f in folders for p in (*f.glob("*.lock"), *(f / "refs").rglob("*.lock"))]
    for lock in sorted(set(locks)):
        try:
            age_s = max(0.0, time.time() - lock.stat().st_mtime)
        except OSError:
            continue  # let go in this very moment
        yield Finding(
            "Locks",
            False,
            f"{lock.name} is held, since {age_s:.0f} s; if no git runs here, its owner died",
            f'rm -f "{lock}"',
        )


def _put_aside(clone: Clone) -> Iterator[Finding]:
    found = put_aside.stranded(clone.git, clone.private)

    def restore() -> str:
        back = [p for p in found.missing if put_aside.restore(clone.git, p)]
        put_aside.forget(clone.private)
        return f"put {', '.join(_paths(back))} back as it was"

    for patch in found.missing:
        yield Finding(
            "Edits put aside",
            False,
            f"a commit was killed before it put edits of {', '.join(_paths([patch]))} back",
            f'git {" ".join(put_aside.APPLY)} "{patch}"',
            restore,
        )
    if found.doubtful and not found.missing:
        yield Finding(
            "Edits put aside",
            False,
            f"a commit was killed; {', '.join(_paths([found.doubtful[0]]))} may lack edits of then",
            f'git {" ".join(put_aside.APPLY)} --reject "{found.doubtful[0]}"   '
            f'# or, if nothing is missing: rm "{clone.private}/{put_aside.MARK}"*',
        )


def _paths(found: list[Path]) -> list[str]:
    return sorted(set().union(*(put_aside.paths_in(p.read_bytes()) for p in found)))


# Lessons, exports, progress


def _conflicts(clone: Clone) -> Iterator[Finding]:
    rows = clone.git.run("ls-files", "--unmerged", "-z").decode("utf-8", "surrogateescape")
    paths = sorted({row.partition("\t")[2] for row in rows.split("\0")[:-1]})
    if paths and all(p.startswith(f"{PACKAGE}/") for p in paths):
        says = f"only in what is made from your lessons: {', '.join(paths)}"
        yield Finding("Conflicts", False, says, f"git add {PACKAGE} && git commit --no-edit")
    elif paths:
        yield Finding(
            "Conflicts", False, f"not settled yet: {', '.join(paths)}", f"git add {paths[0]}"
        )


def _hidden_edits(clone: Clone) -> Iterator[Finding]:
    """Not repaired: whoever told git not to look may have meant it."""
    for path in unwatched.edits(clone.git, LESSONS, PACKAGE):
        says = f"{path} has changes that git was told not to look at: no commit takes them"
        yield Finding("Hidden edits", False, says, unwatched.look_again(clone.git, path))


def _lessons(clone: Clone, standing: Standing) -> Iterator[Finding]:
    def grade() -> str:
        clone.reconcile()
        return "tested what was committed without the hook"

    if standing.unverified:
        says = f"{', '.join(standing.unverified)}: committed without the hook"
        yield Finding("Verified", False, says, "tito status", grade)
        return
    yield Finding("Verified", True, "every committed lesson was tested")
    drift = standing.drift
    yield Finding(
        "Export",
        not drift,
        f"not what the lessons export: {', '.join(drift)}"
        if drift
        else "tinytorch/ is what the lessons export",
        "tito export && git add tinytorch && git commit -m 'Export the lessons'" if drift else "",
    )


def _package_on_disk(clone: Clone, standing: Standing) -> Iterator[Finding]:
    """Files under tinytorch/ that differ from what the next commit starts from."""
    git = clone.git
    index = snapshots.of_index(git)
    staged = clone.engine.recall(index)
    head = clone.head().entries
    plan = plan_exports(staged)
    if not (staged.unverified or standing.unverified or standing.drift):
        for path in (*plan.write, *plan.remove):
            if index.entries.get(path) != head.get(path):
                yield Finding(
                    "Index",
                    False,
                    f"{path} is staged, and is not what the staged lessons export",
                    f"git restore --staged {path}",
                )
    listing = git.run("diff", "--no-ext-diff", "--name-only", "-z", "--", PACKAGE)
    for path in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        yield _differing(clone, path)
    stray = git.run("ls-files", "--others", "-z", "--", f"{PACKAGE}/")
    for path in stray.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        if path.endswith(".py") and path not in index.entries:
            yield _stray(clone, path)


def _differing(clone: Clone, path: str) -> Finding:
    fix = f"git restore {path}"
    if not (clone.top / path).exists():
        return Finding(
            "Export", False, f"{path} was deleted", fix, lambda: _restore_file(clone, path)
        )
    if _ours(clone, path):
        says = f"{path} is an older export than the one that git has"
        return Finding("Export", False, says, fix, lambda: _restore_file(clone, path))
    if _half_written(clone, path):
        says = f"{path} is only the beginning of what git has: a commit was killed while it wrote"
        return Finding("Export", False, says, fix, lambda: _restore_file(clone, path))
    says = f"{path} was edited by hand; it is made from its lesson"
    return Finding("Export", False, says, f"{fix}   # drops the edit")


def _stray(clone: Clone, path: str) -> Finding:
    if _ours(clone, path):
        return Finding(
            "Stray export",
            False,
            f"{path} is one of the course's exports, and git does not track it",
            f'rm "{path}"',
            lambda: _remove(clone, path),
        )
    says = f"{path} was not made from a lesson, and git does not track it"
    return Finding("Stray export", False, says, f'mv "{path}" "{path}.mine"')


def _ours(clone: Clone, path: str) -> bool:
    """Is the file an export that we made? Then git has its content, and nobody wrote it."""
    file = clone.top / path
    if not file.is_file() or file.is_symlink():
        return False
    content = file.read_bytes()
    blob = clone.git.run("hash-object", f"--path={path}", "--stdin", stdin=content).decode().strip()
    return (clone.private / "exports" / blob).exists()


def _half_written(clone: Clone, path: str) -> bool:
    file = clone.top / path
    if not file.is_file() or file.is_symlink():
        return False
    whole = clone.git.run("cat-file", "blob", f":{path}", check=False)
    return bool(whole) and staging.half_written(file.read_bytes(), whole)


def _restore_file(clone: Clone, path: str) -> str:
    clone.git.run("checkout-index", "--force", "--", path)
    return f"restored {path} from the index"


def _remove(clone: Clone, path: str) -> str:
    (clone.top / path).unlink()
    return f"removed {path}"


def _progress_files(clone: Clone, standing: Standing) -> Iterator[Finding]:
    files = clone.progress()
    for path in (files.project_path, files.home_path):
        if path is None:
            yield Finding(
                f"~/{progress.HOME_FILE}", False, "HOME is not set", "export HOME=/home/you"
            )
            continue
        name = progress.PROJECT_FILE if path == files.project_path else f"~/{progress.HOME_FILE}"
        yield _progress_file(clone, name, path, standing)
    if clone.git.text("ls-files", "--", progress.PROJECT_FILE):
        fix = f"git rm --cached {progress.PROJECT_FILE}"
        yield Finding("progress.json in git", False, "tracked, so every commit carries it", fix)


def _progress_file(clone: Clone, name: str, path: Path, standing: Standing) -> Finding:
    def rebuild() -> str:
        clone.reconcile()
        return f"rebuilt {name} from git"

    stored = progress.read(path)
    if stored.problem:
        if stored.replace:
            fix = "tito status   # rebuilds it"
            return Finding(name, False, stored.problem, fix, rebuild)
        return Finding(name, False, stored.problem, f'ls -l "{path}"')
    if stored.absent:
        return Finding(name, True, "written at the next command")
    content = stored.content
    if name != progress.PROJECT_FILE:
        content = content.get("clones", {}).get(str(clone.top), content)
    now = progress.of_standing(standing, clone.progress().claimed()).as_json()
    wrong = sorted(
        {i for key in progress.KEYS for i in {str(i) for i in content.get(key, [])} ^ {*now[key]}}
    )
    if wrong and not standing.unverified:
        says = f"does not say what git says of {', '.join(wrong)}"
        return Finding(name, False, says, "tito status   # rebuilds it", rebuild)
    return Finding(name, True, "says what git says")


def _ledger(clone: Clone) -> Finding:
    folder = clone.private
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder, *(p for p in folder.iterdir() if p.is_dir())):
            handle, name = tempfile.mkstemp(dir=place)
            os.close(handle)
            os.unlink(name)  # noqa: PTH108  # mkstemp gives a str
    except OSError as error:
        fix = f'chmod -R u+rwX "{folder}"'
        return Finding("Ledger", False, f"{folder} cannot be written ({error.strerror})", fix)
    return Finding("Ledger", True, f"{folder} is writable")


# The rules


def rules_of(clone: Clone) -> str:
    """What HEAD holds of the rules, as `tito setup` records it: "path=object path=object"."""
    rows = clone.git.run("ls-tree", "-z", "HEAD", "--", *RULES, check=False).decode("utf-8")
    pairs = [row.split("\t") for row in rows.split("\0")[:-1]]
    return " ".join(f"{path}={meta.split(' ')[2][:12]}" for meta, path in pairs)


def _rules(clone: Clone) -> Iterator[Finding]:
    """Only in a student's clone: the course's own repository changes them every day."""
    if clone.is_source or clone.git.head() is None:
        return
    edited = clone.git.text("diff", "--no-ext-diff", "--name-only", "HEAD", "--", *RULES)
    if edited:
        paths = edited.splitlines()
        yield Finding(
            "Course rules",
            False,
            f"not as they are committed: {', '.join(paths)}",
            f"git restore --source=HEAD --staged --worktree {' '.join(paths)}",
        )
        return
    recorded = clone.git.config(RULES_KEY)
    now = rules_of(clone)
    if recorded and recorded != now:
        before = set(recorded.split(" "))
        changed = sorted({pair.partition("=")[0] for pair in before ^ set(now.split(" "))})
        yield Finding(
            "Course rules",
            False,
            f"changed since tito setup: {', '.join(changed)}",
            f"tito setup   # takes the new ones; to see why: git log -- {' '.join(changed)}",
        )
        return
    yield Finding("Course rules", True, "as the course gave them out")
