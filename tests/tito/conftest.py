"""A tiny course in a real git repository, and a student who types commands in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.proof import content
from tests.conftest import copy_of_the_product
from tito.clone import installation
from tito.clone.clone import open_clone
from tito.main import main

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

COURSE = """\
course: Tiny
version: 1
loss_falls: "> 50 %"
modules:
  - {id: 00_setup, title: Tools, needs: [], points: 5}
  - {id: 01_tensor, title: Tensors, needs: [00_setup], points: 10}
  - {id: 02_autograd, title: Gradients, needs: [00_setup, 01_tensor], points: 20}
milestones:
  - id: perceptron
    name: 1957 - The Perceptron
    story: First learning algorithm with automatic weight updates
    proves: gradient descent actually works
    needs: [00_setup, 01_tensor]
    accuracy: "> 90 %"
    points: 20
  - id: xor
    name: 1986 - Backpropagation (XOR)
    story: Hidden layers learn what one layer cannot
    proves: backpropagation reaches through your layers
    needs: [00_setup, 01_tensor, 02_autograd]
    accuracy: "100 %"
    points: 20
"""

LESSON = '''\
# %% [markdown]
# # {title}

# %%
#| default_exp core.{name}

# %%
#| export
{imports}def {function}(a, b):
    """Return {what} of a and b.

    {function}(2, 3) is {answer}.

    Hint: 1. Both are plain numbers.
          2. return a {operator} b
    """
{body}

# %%
def test_{function}_of_small_numbers():
    """{function}() gives {what} of two numbers."""
    got = {function}(2, 3)
    assert got == {answer}, f"{function}(2, 3) should be {answer}, got {{got}}. Hint: use {operator}."


def test_{function}_of_zero():
    """{function}() works with zero."""
    got = {function}(0, 0)
    assert got == 0, f"{function}(0, 0) should be 0, got {{got}}. Hint: use {operator}."
'''

MODULES = {
    "00_setup": ("Tools", "double_sum", "twice the sum", "+ a + b +", 10, ""),
    "01_tensor": ("Tensors", "add", "the sum", "+", 5, "from tinytorch.core.setup import *\n\n\n"),
    "02_autograd": (
        "Gradients",
        "mul",
        "the product",
        "*",
        6,
        "from tinytorch.core.tensor import *\n\n\n",
    ),
}


def lesson(module_id: str, body: str) -> str:
    """The lesson's text; BODY is the code of its one function."""
    title, function, what, operator, answer, imports = MODULES[module_id]
    return LESSON.format(
        title=title,
        name=module_id[3:],
        function=function,
        what=what,
        operator=operator,
        answer=answer,
        imports=imports,
        body="\n".join(f"    {line}" for line in body.splitlines()),
    )


def starter(module_id: str) -> str:
    path = f"modules/{module_id}/{module_id[3:]}.py"
    return lesson(
        module_id, f'raise NotImplementedError("write {MODULES[module_id][1]}() in {path}")'
    )


def solution(module_id: str) -> str:
    return lesson(module_id, f"return a {MODULES[module_id][3]} b")


def wrong(module_id: str) -> str:
    return lesson(module_id, "return a - b")


def still(module_id: str) -> str:
    """Passes its tests and learns nothing: right for whole numbers only."""
    operator = MODULES[module_id][3]
    return lesson(module_id, f"return a {operator} b if isinstance(a, int) else a")


@dataclass
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str


@dataclass
class Student:
    """Sits in TOP and types."""

    top: Path
    home: Path
    capfd: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    folder: str = field(default=".")

    def tito(self, *arguments: str) -> Said:
        """In this process."""
        self.capfd.readouterr()
        with self.monkeypatch.context() as patch:
            patch.chdir(self.top / self.folder)
            status = main(list(arguments))
        out, err = self.capfd.readouterr()
        return Said(status, out, err)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own, as the console script does."""
        return subprocess.run(
            [sys.executable, "-m", "tito", *arguments],
            cwd=self.top / self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.top, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def path(self, module_id: str) -> Path:
        return self.top / "modules" / module_id / f"{module_id[3:]}.py"

    def write(self, module_id: str, text: str) -> None:
        self.path(module_id).write_text(text)

    def commit_solved(self, *module_ids: str, text: Callable[[str], str] = solution) -> None:
        """Lessons with their exports, committed without any hook."""
        for module_id in module_ids:
            self.write(module_id, text(module_id))
        assert self.tito("export").status == 0
        self.git("add", "--", "modules", "tinytorch")
        self.git("commit", "-q", "--no-verify", "-m", f"Solve {', '.join(module_ids)}")


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """No home, configuration or identity but the test's own."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [n for n in os.environ if n.startswith(("GIT_", "PRE_COMMIT", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    return home


@pytest.fixture(scope="session")
def release(tmp_path_factory):
    """The tiny course as a student gets it: one commit, no hooks yet."""
    top = tmp_path_factory.mktemp("release") / "course"
    files = {
        "course.yaml": COURSE,
        "tinytorch/__init__.py": "# Generated by tito: everything that the complete modules export.\n",
        ".gitignore": "__pycache__/\n.pytest_cache/\n",
        ".pre-commit-config.yaml": (ROOT / ".pre-commit-config.yaml").read_text(),
    }
    for module_id in MODULES:
        for folder in ("modules", "starters"):
            files[f"{folder}/{module_id}/{module_id[3:]}.py"] = starter(module_id)
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    copy_of_the_product(top)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    identity = ("-c", "user.name=course", "-c", "user.email=course@example.org")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*identity, "commit", "-q", "-m", "The tiny course"),
    ):
        subprocess.run(["git", *arguments], cwd=top, env=environment, check=True)
    return top


@pytest.fixture(scope="session")
def release_with_hooks(release, tmp_path_factory):
    """The same after `tito setup`, whose slow part is pre-commit."""
    top = tmp_path_factory.mktemp("hooked") / "course"
    shutil.copytree(release, top)
    installation.install(open_clone(top, os.environ, lambda _subject: None))
    return top


@pytest.fixture
def hooked(release_with_hooks, tmp_path, isolated, capfd, monkeypatch):
    """A student whose hooks are installed."""
    top = tmp_path / "course"
    shutil.copytree(release_with_hooks, top)
    return Student(top, isolated, capfd, monkeypatch)


@pytest.fixture
def trained(monkeypatch):
    """The milestones train what the tiny course's library can learn, in a real child."""
    monkeypatch.setattr(content, "PACKAGE", "tests.tito.content")
    monkeypatch.setattr(content, "FOLDER", HERE / "content")


@pytest.fixture
def student(release, tmp_path, isolated, capfd, monkeypatch):
    top = tmp_path / "course"
    shutil.copytree(release, top)
    return Student(top, isolated, capfd, monkeypatch)
