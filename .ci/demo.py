"""make demo: a student plays the whole course: a released repository, real commits, real hooks.

Every line that starts with $ is a command that is really run; its output is not touched. A command
that ends otherwise than it should stops the demo with exit status 3: the demo is a test too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.authors import release
from grader.errors import Fault, StudentError, TitoError, UsageError
from grader.lessons.of_module import read_lesson
from grader.rules.course import Course, Milestone, Module
from grader.sources.git import Git, clean_environment
from grader.sources.snapshots import Snapshot
from tito.clone.clone import open_clone
from tito.screen import Screen

MARKER = ".made-by-tito-demo"
SHELL = "tito"
# One believable slip: module, what is right, what the student wrote.
SLIP = ("01_tensor", "make(a.data + b.data,", "make(a.data - b.data,")


def main(folder: str = "demo") -> int:
    """Play in FOLDER, where an earlier demo is replaced. The exit status."""
    screen = Screen(sys.stdout, sys.stderr, os.environ)
    try:
        clone = open_clone(Path(__file__).parent, os.environ, screen.progress)
        if not clone.is_source:
            raise UsageError(
                "A demo needs the course's solutions, and this is a student repository.",
                hint="Run it in the repository that the course is made in.",
            )
        Demo(
            clone.course,
            clone.git,
            clone.head(),
            Path(folder).absolute(),
            os.environ,
            lambda line: screen.say(line, style="bold cyan"),
        ).play()
    except TitoError as error:
        screen.error(error)
        return error.exit_code
    return 0


@dataclass(frozen=True, slots=True)
class Demo:
    """target: the folder that is made.  say: draws one line of ours."""

    course: Course
    git: Git  # of the course's own repository
    solutions: Snapshot  # its HEAD
    target: Path
    environment: Mapping[str, str]
    say: Callable[[str], None]

    @property
    def student(self) -> Path:
        return self.target / "student"

    def play(self) -> None:
        """Raises Fault at the first command that does not end as it should."""
        self._prepare()
        self._open()
        for module in self.course.modules:
            self._module(module)
            self._milestones_after(module)
        self._close()

    def _prepare(self) -> None:
        """A fresh folder with the released repository and a home of its own."""
        if self.target.exists():
            if any(self.target.iterdir()) and not (self.target / MARKER).exists():
                raise UsageError(
                    f"{self.target} was not made by the demo, so it is not replaced.",
                    hint="Name a folder that does not exist yet: make demo DEMO=my-demo",
                )
            shutil.rmtree(self.target)
        home = self.target / "home"
        home.mkdir(parents=True)
        (self.target / MARKER).write_text("make demo replaces this folder\n", encoding="utf-8")
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
            "[advice]\n\tdetachedHead = false\n",
            encoding="utf-8",
        )
        self.say(
            "# The teacher's side: starters instead of solutions, no history, an empty package."
        )
        files = release.build(self.git, self.course)
        commit = release.write(files, self.student, release.date_of_head(self.git))
        self.say(f"# {len(files)} files, one commit ({commit[:10]}): {self.student}\n")

    def _open(self) -> None:
        self.say("# The student's side: install the hooks once.")
        self._tito("setup")
        self._tito("module", "start", self.course.modules[0].number)

    def _module(self, module: Module) -> None:
        self.say(
            f"\n# ---- {module.id}: {module.title} " + "-" * (50 - len(module.id + module.title))
        )
        if module.id == SLIP[0]:
            self._slip(module)
            return
        if module is self.course.modules[0]:
            self.say(
                "# Half of it is written, the rest still raises NotImplementedError: work in progress."
            )
            self._write(module, self._text(module, solved=2))
            self._commit(module, "First functions")
        self._write(module, self._text(module))
        self._tito("module", "complete", module.number)

    def _slip(self, module: Module) -> None:
        """Wrong code, stopped; the right one, with its export in the same commit."""
        right = self._text(module)
        _, good, bad = SLIP
        if right.count(good) != 1:
            raise Fault(
                f"The demo's slip '{good}' is not in {module.path} once.", hint="Mend SLIP."
            )
        self.say(f"# A slip in add(): {bad[5:-1]} where {good[5:-1]} is meant. The hook checks it.")
        self._write(module, right.replace(good, bad))
        self._commit(module, "Tensor arithmetic", expect=1)
        self.say("# Nothing was changed. Mend it and commit again:")
        self._write(module, right)
        self._commit(module, "Tensor arithmetic")
        self.say("# The export is part of the same commit:")
        self._run(["git", "show", "--stat", "--format=%s", "HEAD"])

    def _milestones_after(self, module: Module) -> None:
        for milestone in self.course.milestones:
            if self._last_need(milestone) == module.id:
                self.say("")
                self._tito("milestone", "run", milestone.id)

    def _last_need(self, milestone: Milestone) -> str:
        order = [m.id for m in self.course.modules]
        return max(milestone.needs, key=order.index)

    def _close(self) -> None:
        self.say("\n# ---- The end of the course " + "-" * 30)
        self._tito("status")
        self._tito("doctor")
        self._check_everything()
        self.say(f"\n# The repository is yours to look at: cd {self.student}")

    def _check_everything(self) -> None:
        done = self._quiet([sys.executable, "-m", "tito", "status", "--json"])
        standing = json.loads(done)
        open_ones = [m["id"] for m in standing["modules"] if not m["complete"]]
        open_ones += [m["id"] for m in standing["milestones"] if m["state"] != "achieved"]
        if open_ones:
            raise Fault(
                f"The demo ended, but {', '.join(open_ones)} is not done.", hint="tito course check"
            )

    def _text(self, module: Module, solved: int = sys.maxsize) -> str:
        lesson = read_lesson(self.solutions, module)
        if lesson is None:
            raise StudentError(f"{module.path} is not committed.", hint="git add it, then commit.")
        return lesson.starter(solved)

    def _write(self, module: Module, text: str) -> None:
        (self.student / module.path).write_text(text, encoding="utf-8", newline="\n")

    def _commit(self, module: Module, message: str, expect: int = 0) -> None:
        self._run(["git", "add", module.path])
        self._run(["git", "commit", "-m", message], expect)

    def _tito(self, *arguments: str) -> None:
        self._run([sys.executable, "-m", "tito", *arguments], shown=[SHELL, *arguments])

    def _run(self, command: Sequence[str], expect: int = 0, shown: Sequence[str] = ()) -> None:
        self.say("$ " + " ".join(f"'{w}'" if " " in w else w for w in shown or command))
        status = subprocess.run(
            command, cwd=self.student, env=self._child_environment(), check=False
        ).returncode
        if status != expect:
            raise Fault(
                f"The demo expected exit status {expect}, got {status}: {' '.join(shown or command)}.",
                hint=f"Look at {self.student} as it is.",
            )

    def _quiet(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.student,
            env=self._child_environment(),
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        return done.stdout

    def _child_environment(self) -> dict[str, str]:
        """A home inside the demo: nothing of the person who watches is read or written."""
        home = str((self.target / "home").resolve())
        dropped = ("XDG_", "PRE_COMMIT", "PYTHONPATH", "TITO_")
        kept = {
            k: v
            for k, v in clean_environment(self.environment).items()
            if not k.startswith(dropped)
        }
        return {
            **kept,
            "HOME": home,
            "USERPROFILE": home,
            "GIT_CONFIG_GLOBAL": str(self.target.resolve() / "home" / ".gitconfig"),
        }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
