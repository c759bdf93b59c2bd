"""Puts exports into the commit that is being made: index first, then the working tree.

pre-commit and prek put unstaged edits aside while hooks run and apply them again afterwards. If we
changed a file that such an edit touches, the edit would be lost from the working tree. So
everything that could clash is refused before anything is touched, and what is written is written
in one go.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import StudentError
from grader.sources.git import Git
from grader.sources.snapshots import PACKAGE, Snapshot
from grader.verdicts.verdicts import Plan
from tito.worktree import put_aside, unwatched

_ABSENT = "0" * 40
# While one of these is there, the index holds exports of another commit, or of both sides.
_STATES = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")


@dataclass(frozen=True, slots=True)
class Staging:
    """The commit that is being made.

    index, head: what it will hold, and what the one before it holds.
    known_blobs: the folder that names every export we ever made.
    parent: the process id of who runs this hook: git, or a framework.
    """

    git: Git
    index: Snapshot
    head: Snapshot | None
    known_blobs: Path
    parent: int

    def refuse_clashes(self, plan: Plan) -> None:
        """Raises StudentError when writing PLAN would touch what the student did not commit."""
        paths = [*plan.write, *plan.remove]
        self._refuse_places(paths)
        self._refuse_hidden_edits(paths)
        self._refuse_edits(plan)
        self._refuse_staged_by_hand(paths)

    def apply(self, plan: Plan) -> None:
        """The exports enter the index of this commit in one step, then the working tree follows."""
        blobs = {path: self._store(plan.files[path]) for path in plan.write}
        absent = "0" * len(next(iter(blobs.values()), _ABSENT))
        rows = [f"100644 {blob}\t{path}\0" for path, blob in blobs.items()]
        rows += [f"0 {absent}\t{path}\0" for path in plan.remove]
        update = "".join(rows).encode("utf-8", "surrogateescape")
        sparse = self._sparse(plan.write)
        there = "".join(f"{p}\0" for p in plan.write if p not in sparse)
        written = there.encode("utf-8", "surrogateescape")
        with _undisturbed():
            self._refuse_without_git()
            for index in self._indexes():
                self.git.locked_run(
                    "update-index", "--add", "-z", "--index-info", stdin=update, index=index
                )
                self._stay_sparse(sparse, index)
            self.git.run("checkout-index", "--force", "-z", "--stdin", stdin=written)
            for path in plan.remove:
                (self.git.top / path).unlink(missing_ok=True)

    def _indexes(self) -> list[Path | None]:
        """None: the one that GIT_INDEX_FILE names.

        `git commit -- path` commits from a temporary index and then installs another one, which
        waits as index.lock. Without our exports there, the next commit would take them back.
        """
        if not Path(self.git.environment.get("GIT_INDEX_FILE", "")).name.startswith("next-index-"):
            return [None]
        waiting = self.git.directory() / "index.lock"
        return [None, waiting] if waiting.exists() else [None]

    def _refuse_without_git(self) -> None:
        """Whoever started this hook may be dead by now, and git with it; then nothing is changed."""
        index = self.git.environment.get("GIT_INDEX_FILE", "")
        chain = self.git.environment.get("TITO_CHAIN", "").split()
        alive = os.getppid() == self.parent and all(put_aside.alive(int(pid)) for pid in chain)
        if not alive or (index.endswith(".lock") and not (self.git.top / index).exists()):
            raise StudentError(
                "git was stopped while the tests ran; nothing was changed.", hint="git commit"
            )

    def _sparse(self, paths: Collection[str]) -> list[str]:
        """Which of PATHS a sparse checkout leaves out of the working tree."""
        inside = self.git.top / ".git"
        if inside.is_dir() and not (inside / "info" / "sparse-checkout").exists():
            return []  # the usual case, without asking git
        if self.git.config("core.sparseCheckout") != "true":
            return []
        listing = self.git.run("ls-files", "-t", "-z", "--", PACKAGE)
        rows = listing.decode("utf-8", "surrogateescape").split("\0")
        left_out = {row[2:] for row in rows if row.startswith("S ")}
        new_too = f"{PACKAGE}/__init__.py" in left_out
        return [p for p in paths if p in left_out or (new_too and p not in self.index.entries)]

    def _stay_sparse(self, paths: list[str], index: Path | None) -> None:
        if paths:
            self.git.locked_run("update-index", "--skip-worktree", "--", *paths, index=index)

    def _store(self, text: str) -> str:
        blob = self.git.run("hash-object", "-w", "--stdin", stdin=text.encode()).decode().strip()
        remember(self.known_blobs, blob)
        return blob

    def _refuse_places(self, paths: Collection[str]) -> None:
        """What git would clear away, on disk or in the index, to make room for PATHS."""
        for folder in sorted({p.as_posix() for path in paths for p in Path(path).parents[:-1]}):
            place, entry = self.git.top / folder, self.index.entries.get(folder)
            taken = place.is_symlink() or (place.exists() and not place.is_dir())
            if taken or entry:
                raise self._not_a_folder(folder, taken)
        for path in paths:
            file = self.git.top / path
            below = any(other.startswith(f"{path}/") for other in self.index.entries)
            if below or (file.is_dir() and not file.is_symlink()):
                out = f" && git rm -rq --cached {path}" if below else ""
                raise StudentError(
                    f"{path} is a folder here, and this commit would write a file there.",
                    hint=f"Move it away: mv {path} {path}.mine{out}, then commit again.",
                )
        for nearest in sorted({self._nearest_folder(path) for path in paths}):
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise StudentError(
                    f"{nearest.relative_to(self.git.top)} cannot be written, and the exports of "
                    "your modules go there.",
                    hint=f'chmod u+rwx "{nearest}", then commit again. Nothing was touched.',
                )

    def _not_a_folder(self, folder: str, taken: bool) -> StudentError:
        """taken: something else is there on disk, not only in the index."""
        kinds = {"120000": "a symbolic link", "160000": "a submodule"}
        entry = self.index.entries.get(folder)
        kind = kinds.get(entry.mode if entry else "", "a file")
        if (self.git.top / folder).is_symlink():
            kind = "a symbolic link"
        steps = [f"mv {folder} {folder}.old"] if taken or kind == "a submodule" else []
        if entry:
            steps.append(f"git rm -q --cached {folder}")
        elif any(path.startswith(f"{folder}/") for path in self.index.entries):
            steps.append(f"git restore {folder}")
        return StudentError(
            f"{folder} is not a folder here but {kind}; the exports of your modules go there.",
            hint=f"{' && '.join(steps)}, then commit again. Nothing was touched.",
        )

    def _nearest_folder(self, path: str) -> Path:
        """Where a file is made or removed first when PATH is written."""
        return next(p for p in (self.git.top / path).parents if p.is_dir())

    def _refuse_hidden_edits(self, paths: Collection[str]) -> None:
        for patch in put_aside.of_process(self.parent, self.git.environment):
            hidden = put_aside.paths_in(patch.read_bytes())
            for path in paths:
                if path in hidden:
                    raise _unstaged(path)

    def _refuse_edits(self, plan: Plan) -> None:
        """Every file that is written or removed holds what git has, or what we made.

        By its content: git looks away where it was told to (assume-unchanged, skip-worktree,
        fsmonitor), and calls a file changed that was only touched.
        """
        there = [
            path
            for path in (*plan.write, *plan.remove)
            if os.path.lexists(self.git.top / path)  # a deleted export comes back
        ]
        for path in there:
            file = self.git.top / path
            if not file.is_file() or file.is_symlink():
                raise self._in_the_way(path)
            if not os.access(file, os.R_OK):
                raise StudentError(
                    f"{path} cannot be read, and this commit would write that file.",
                    hint=f"chmod u+rw {path}, then commit again. Nothing was touched.",
                )
        blobs = self.git.text("hash-object", "--", *there).split() if there else []
        for path, blob in zip(there, blobs, strict=True):
            if not (self._made_by_us(path, blob) or self._holds_nothing_new(path, blob, plan)):
                raise self._in_the_way(path)

    def _holds_nothing_new(self, path: str, blob: str, plan: Plan) -> bool:
        staged = self.index.entries.get(path)
        if staged and staged.blob == blob:
            return True
        content = (self.git.top / path).read_bytes()
        if path in plan.write and half_written(content, plan.files[path].encode()):
            return True
        if not (staged and staged.regular):
            return False
        # Line ends that git would convert today may have been committed as they are.
        committed = self.index.reader([path]).get(path)
        return committed is not None and half_written(content, committed)

    def _in_the_way(self, path: str) -> StudentError:
        if path not in self.index.entries:
            return StudentError(
                f"{path} lies in the working tree but not in git, and this commit would write "
                "that file.",
                hint=f"Move it away: mv {path} {path}.mine, then commit again. "
                "Nothing was touched.",
            )
        if steps := unwatched.look_again(self.git, path):
            return StudentError(
                f"{path} has changes that git was told not to look at, and this commit would "
                "write that file.",
                hint=f"{steps}, then commit again. Nothing was touched.",
            )
        return _unstaged(path)

    def _made_by_us(self, path: str, blob: str) -> bool:
        """An export of ours, or what the last commit holds.

        So it is when a hook was killed between the index and the working tree.
        """
        before = self.head.entries.get(path) if self.head else None
        return (before is not None and before.blob == blob) or (self.known_blobs / blob).exists()

    def _refuse_staged_by_hand(self, paths: Collection[str]) -> None:
        """A staged export that no commit holds and that we did not make is somebody's edit."""
        suspects = [
            path
            for path in paths
            if path in self.index.entries
            and not self._made_by_us(path, self.index.entries[path].blob)
        ]
        if not suspects:
            return
        folder = self.git.directory()
        if any((folder / state).exists() for state in _STATES):
            return  # they are made again from the lessons that this commit holds
        for path in suspects:
            if not self._in_history(path):
                raise StudentError(
                    f"{path} was edited by hand and staged; it is made from your lesson.",
                    hint=f"git restore --staged --worktree {path}\n"
                    "   Make the change in the lesson instead. Nothing was touched.",
                )

    def _in_history(self, path: str) -> bool:
        """A commit made elsewhere may hold it: merge --squash, reset --soft, checkout of a file."""
        blob = self.index.entries[path].blob
        found = self.git.text(
            *("log", "--all", "-1", "--format=%h", f"--find-object={blob}", "--", path), check=False
        )
        return bool(found)


def remember(known_blobs: Path, blob: str) -> None:
    """That BLOB is an export of ours: found staged later, it is stale and not somebody's edit."""
    try:
        known_blobs.mkdir(parents=True, exist_ok=True)
        (known_blobs / blob).touch()
    except OSError:
        return  # then a stale export needs one command more


def half_written(content: bytes, whole: bytes) -> bool:
    """Is CONTENT the beginning of WHOLE, or all of it? Then nothing is in it that git does not have.

    So a file is when git was killed while it wrote it.
    """
    return whole.replace(b"\r\n", b"\n").startswith(content.replace(b"\r\n", b"\n").rstrip(b"\r"))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits some milliseconds, here and in the git processes that are started.

    So index and working tree change together, or not at all.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    later = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, later)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _unstaged(path: str) -> StudentError:
    return StudentError(
        f"{path} has changes that are not staged, and this commit would write that file.",
        hint=f"It is made from your lesson. To drop the changes: git restore {path}\n"
        f"   To keep them: git stash push {path}. Then commit again. Nothing was touched.",
    )
