"""A student with the hooks that `tito setup` installs, for each of its runners.

Every test that asks for `student` is run three times: with raw hooks, with pre-commit and with prek.
`make test` runs those that are marked `first`, with raw hooks; CI runs all with raw hooks and those
marked each_runner with every runner on each system, and everything on one. After each, `settle()`
has to hold.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.grading.engine import Engine
from grader.grading.ledgers.files import FileLedger
from grader.rules import reading
from grader.sandbox import SANDBOXES
from grader.sources import snapshots
from grader.sources.git import Git
from grader.verdicts.verdicts import Standing
from tests.conftest import copy_of_the_product, lying_at
from tests.hooks.conftest import PROJECT, STUB, Student, one, two
from tito.clone.installation import RUNNERS

ONE = "modules/00_one/one.py"
TWO = "modules/01_two/two.py"
SIX = "modules/02_six/six.py"
EXPORT = "tinytorch/core/one.py"
INIT = "tinytorch/__init__.py"

COURSE = """\
course: Small
version: 1
loss_falls: "> 50 %"
modules:
  - {id: 00_one, title: One, needs: [], points: 5}
  - {id: 01_two, title: Two, needs: [00_one], points: 5}
  - {id: 02_six, title: Six, needs: [], points: 5}
milestones:
  - id: perceptron
    name: 1957 - The Perceptron
    story: First learning algorithm with automatic weight updates
    proves: gradient descent actually works
    needs: [00_one, 01_two]
    accuracy: "> 90 %"
    points: 10
"""

SIX_LESSON = '''\
# %% [markdown]
# # Six
#
# A lesson that needs no other.

# %%
#| default_exp core.six

# %%
#| export
def six():
    """Return 6."""
    {six}

# %%
def test_six_is_six():
    """six() is 6."""
    assert six() == 6, f"six() should be 6, got {{six()}}. Hint: return 6."
'''


def six(body: str = "return 6") -> str:
    return SIX_LESSON.format(six=body)


class Committer(Student):
    """A student who knows git. reference: a ledger that no hook ever wrote to."""

    def __init__(self, top: Path, home: Path, runner: str, reference: Path) -> None:
        super().__init__(top, home)
        self.runner = runner
        self.reference = reference
        self.environment.update(
            PREK_HOME=str(home / ".cache" / "prek"), GIT_ALLOW_PROTOCOL="file", GIT_EDITOR="true"
        )

    def tito(self, *arguments: str, **environment: str):
        return self.run(sys.executable, "-m", "tito", *arguments, **environment)

    def save(self, files: dict[str, str], message: str = "work", *options: str) -> str:
        """Write, stage and commit through the hooks. What was said."""
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--", *files)
        return self.git("commit", "-m", message, *options)

    def past_the_hook(self, files: dict[str, str], message: str = "no hook") -> None:
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--", *files)
        self.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", message)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def staged(self, path: str) -> str:
        return self.git("show", f":{path}")

    def git_directory(self) -> Path:
        return (self.top / self.git("rev-parse", "--git-dir").strip()).resolve()

    def progress(self) -> list[str]:
        """The completed modules, of which both files must say the same."""
        files = (self.top / "progress.json", self.home / ".tinytorch" / "progress.json")
        if not any(file.exists() for file in files):
            return []  # nothing was committed yet
        project, home = (json.loads(file.read_text("utf-8")) for file in files)
        clone = home["clones"][str(self.top)]
        assert clone["completed_modules"] == project["completed_modules"]
        return project["completed_modules"]

    def graded_from_scratch(self, revision: str = "HEAD") -> Standing:
        """What somebody says who has nothing but the commit."""
        git = Git(self.top, {k: v for k, v in self.environment.items() if k != "GIT_EDITOR"})
        engine = Engine(reading.load(self.top), FileLedger(self.reference), SANDBOXES["process"]())
        return engine.grade(snapshots.of_commit(git, revision))

    def settle(self, status: str = "", *, drift: bool = False) -> None:
        """What holds after every scenario.

        status: what `git status` shows.  drift: a commit came without the hook, and lacks exports.
        """
        assert self.status() == status
        assert self.git("fsck", "--no-dangling") == ""
        assert [p for p in self.git_directory().rglob("*.lock") if p.parent.name != "tito"] == []
        standing = self.graded_from_scratch()
        assert bool(standing.drift) is drift, standing.drift
        assert self.progress() == list(standing.complete)


@pytest.fixture(scope="session")
def reference(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reference")


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """Built once: the course given out, and one commit."""
    root = tmp_path_factory.mktemp("git-template")
    home, top = root / "home", root / "course"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        "[advice]\n\tdetachedHead = false\n",
        encoding="utf-8",
    )
    top.mkdir()
    copy_of_the_product(top)
    for name in (".pre-commit-config.yaml", ".gitattributes", ".gitignore"):
        shutil.copy(PROJECT / name, top / name)
    student = Student(top, home)
    student.write("course.yaml", COURSE)
    student.write("notes.txt", "first\n\n\nlast\n")
    for folder in ("modules", "starters"):
        student.write(f"{folder}/00_one/one.py", one(STUB))
        student.write(f"{folder}/01_two/two.py", two(STUB, STUB))
        student.write(f"{folder}/02_six/six.py", six(STUB))
    student.write(INIT, "# Generated by tito: everything that the complete modules export.\n")
    student.git("init", "-q")
    student.git("config", "core.autocrlf", "false")
    student.git("add", "-A")
    student.git("commit", "-q", "-m", "the course")
    student.git("repack", "-q", "-a", "-d")  # few files to copy and to check, as after a clone
    return root


@pytest.fixture(scope="session")
def hooked(template, tmp_path_factory):
    """hooked(runner) -> a copy of the template after `tito setup --runner`."""

    @functools.cache
    def of(runner: str) -> Path:
        root = tmp_path_factory.mktemp(f"hooked-{runner}") / "s"
        shutil.copytree(template, root, symlinks=True)
        student = Student(root / "course", root / "home")
        done = student.run(sys.executable, "-m", "tito", "setup", "--runner", runner)
        assert done.status == 0, done.output
        (root / "course" / "progress.json").unlink()  # it names a clone that nobody uses
        shutil.rmtree(root / "home" / ".tinytorch")
        return root

    return of


@pytest.fixture(scope="session")
def with_one(hooked, place, reference, tmp_path_factory):
    """with_one(runner) -> a copy of `hooked` in which module 00 was committed through the hooks."""

    @functools.cache
    def of(runner: str) -> Path:
        root = tmp_path_factory.mktemp(f"with-one-{runner}") / "s"
        with lying_at(place, hooked(runner), root):
            Committer(place / "course", place / "home", runner, reference).save({ONE: one()})
        return root

    return of


@pytest.fixture(scope="session")
def well_with_one(with_one, place, reference, tmp_path_factory):
    """well_with_one(runner) -> a copy of `with_one` in which doctor finds nothing."""

    @functools.cache
    def of(runner: str) -> Path:
        root = tmp_path_factory.mktemp(f"well-{runner}") / "s"
        with lying_at(place, with_one(runner), root):
            student = Committer(place / "course", place / "home", runner, reference)
            student.tito("status")
            done = student.tito("doctor")
            assert done.status == 0, done.output
        return root

    return of


def pytest_generate_tests(metafunc):
    if "runner" in metafunc.fixturenames:
        has = metafunc.definition.get_closest_marker
        raw = () if has("first") else (pytest.mark.thorough,)
        others = (pytest.mark.thorough,) if has("each_runner") else (pytest.mark.slow,)
        metafunc.parametrize(
            "runner", [pytest.param(r, marks=raw if r == "raw" else others) for r in RUNNERS]
        )


@pytest.fixture
def student(runner, hooked, place, reference, tmp_path) -> Iterator[Committer]:
    with lying_at(place, hooked(runner), tmp_path / "s"):
        yield Committer(place / "course", place / "home", runner, reference)


@pytest.fixture
def done_with_one(runner, with_one, place, reference, tmp_path) -> Iterator[Committer]:
    """Module 00 is complete and committed."""
    with lying_at(place, with_one(runner), tmp_path / "s"):
        yield Committer(place / "course", place / "home", runner, reference)


@pytest.fixture
def well(runner, well_with_one, place, reference, tmp_path) -> Iterator[Committer]:
    """As done_with_one, and doctor finds nothing."""
    with lying_at(place, well_with_one(runner), tmp_path / "s"):
        yield Committer(place / "course", place / "home", runner, reference)


@pytest.fixture
def unprivileged():
    """The words that start a command under which file permissions hold, also for root."""
    if os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("as root, permissions hold only under setpriv, which is not installed")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--"]


def start(student: Student, *command: str, **environment: str) -> subprocess.Popen[bytes]:
    """COMMAND in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        command,
        cwd=student.top,
        env={**student.environment, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
