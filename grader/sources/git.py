"""The one place that starts git. Everything is -z and literal: a path is never parsed twice."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import Fault, StudentError

# A background `git status` of an editor may hold index.lock for some milliseconds.
LOCK_TRIES = 12
LOCK_FIRST_WAIT_S = 0.02


class GitError(Fault):
    """git said no. Fault unless a caller knows better."""

    def __init__(self, arguments: Sequence[str], stderr: str) -> None:
        self.stderr = stderr.strip()
        super().__init__(
            f"git {' '.join(arguments[:3])} failed: {self.stderr.splitlines()[-1] if self.stderr else 'no message'}.",
            hint="Run the same command by hand to see the whole message.",
        )


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """ENVIRONMENT without what git tells its hooks (GIT_DIR, GIT_INDEX_FILE, ...)."""
    return {k: v for k, v in environment.items() if not k.startswith("GIT_")}


@dataclass(frozen=True, slots=True)
class Git:
    """git, run at the top of one working tree.

    environment: what git sees. A hook passes its own (GIT_INDEX_FILE says which index is being
    committed), every other door a clean one.  limit_s: for one command, in a repository that may
    have been made to stop it.
    """

    top: Path
    environment: Mapping[str, str] = field(default_factory=lambda: clean_environment(os.environ))
    limit_s: float | None = None

    def run(
        self, *arguments: str, stdin: bytes = b"", check: bool = True, index: Path | None = None
    ) -> bytes:
        """Standard output.

        Raises GitError when git's exit status is not 0 and CHECK is set, StudentError when
        somebody stopped it, or it took too long.
        """
        # GIT_OPTIONAL_LOCKS: reading must never make somebody else's commit fail.
        extra = {
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "LC_ALL": "C",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        if index is not None:
            extra["GIT_INDEX_FILE"] = str(index)
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.top,
                env={**self.environment, **extra},
                input=stdin,
                capture_output=True,
                check=False,
                timeout=self.limit_s,
            )
        except subprocess.TimeoutExpired:
            raise StudentError(
                f"git {arguments[0]} still ran after {self.limit_s:g} s in {self.top}.",
                hint="The repository is damaged or made to stop git: clone it afresh.",
            ) from None
        except (FileNotFoundError, NotADirectoryError):
            if not self.top.is_dir():
                raise StudentError(
                    f"The folder {self.top} is not there any more.",
                    hint="Change into your course's folder: cd /path/to/TinyTorch",
                ) from None
            raise StudentError(
                "git is not installed.", hint="Install git, then run this command again."
            ) from None
        if done.returncode < 0:
            # Not a fault of ours, which would let a commit through untested.
            raise StudentError(
                f"git {arguments[0]} was stopped by signal {-done.returncode}.",
                hint="Run the same command again.",
            )
        if check and done.returncode != 0:
            raise GitError(arguments, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def text(self, *arguments: str, check: bool = True) -> str:
        return self.run(*arguments, check=check).decode("utf-8", "surrogateescape").strip()

    def line(self, *arguments: str) -> str:
        """text() without the newline that git adds: a path may itself end in white space."""
        return self.run(*arguments).decode("utf-8", "surrogateescape").removesuffix("\n")

    def ignores(self, path: str) -> bool:
        """Would `git add` pass over PATH, if it is not tracked?"""
        # check-ignore refuses to work at all while pathspecs are literal.
        return bool(self.text("--no-literal-pathspecs", "check-ignore", "--", path, check=False))

    def locked_run(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        """run(), tried again while another process holds the index lock."""
        wait_s = LOCK_FIRST_WAIT_S
        for _ in range(LOCK_TRIES):
            try:
                return self.run(*arguments, stdin=stdin, index=index)
            except GitError as error:
                if ".lock" not in error.stderr or "exists" not in error.stderr:
                    raise
            time.sleep(wait_s)
            wait_s *= 1.5
        raise StudentError(
            "Another process holds git's index lock, and did not let go.",
            hint="Close other git commands and editors on this repository; if none runs: "
            "rm .git/index.lock",
        )

    def head(self) -> str | None:
        """The commit id of HEAD, None before the first commit."""
        return self.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False) or None

    def directory(self) -> Path:
        """This working tree's git directory (HEAD and index are here)."""
        return self._path("--git-dir")

    def common_directory(self) -> Path:
        """The repository's git directory, shared by all its working trees."""
        usual = self.top / ".git"
        if usual.is_dir() and not {"GIT_DIR", "GIT_COMMON_DIR"} & self.environment.keys():
            return usual.resolve()  # 3 ms of every hook that need no process
        return self._path("--git-common-dir")

    def _path(self, which: str) -> Path:
        return (self.top / self.line("rev-parse", which)).resolve()

    def config(self, key: str) -> str:
        """The value, "" when it is not set."""
        return self.text("config", "--get", key, check=False)


def find_top(start: Path, environment: Mapping[str, str]) -> Path:
    """The top of the working tree that START is in. Raises StudentError outside of one."""
    git = Git(start, environment)
    if git.text("rev-parse", "--is-bare-repository", check=False) == "true":
        raise StudentError(
            f"{start} is a bare repository: it has no working tree to grade.",
            hint="Clone it and work in the clone: git clone REPOSITORY my-course",
        )
    try:
        return Path(git.line("rev-parse", "--show-toplevel"))
    except GitError as error:
        owned = re.search(r"dubious ownership in repository at '(.*)'", error.stderr)
        if owned:
            raise StudentError(
                f"{owned.group(1)} belongs to another user, so git does not open it.",
                hint=f"If you trust it: git config --global --add safe.directory {owned.group(1)}",
            ) from None
        raise StudentError(
            f"{start} is not inside a git repository.",
            hint="Change into your course's folder: cd /path/to/TinyTorch",
        ) from None
