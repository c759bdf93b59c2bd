"""What CONTRIBUTING.md promises of `make hooks` and `make release-check`, in repositories of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Repository

ROOT = Path(__file__).parents[2]
PYTHON = Path(sys.executable)
UNTIDY = "import os\nx = {  1:2 }\n"
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-12-01)\n\n- Better.\n\n## 1.1.0 (2026-11-01)\n\n- Good.\n"


def pushed(repository):
    return subprocess.run(
        ["git", "push", "origin", "main"],
        cwd=repository.top,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def hooked(repo, tmp_path):
    """A clone in which `make hooks` ran, and the repository that it pushes to."""
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "hub"], check=True)
    (repo.top / ".venv" / "bin").mkdir(parents=True)
    (repo.top / ".venv" / "bin" / "ruff").symlink_to(PYTHON.parent / "ruff")
    names = (".pre-commit-lint.yaml", ".gitignore", "pyproject.toml")
    repo.commit({name: (ROOT / name).read_text(encoding="utf-8") for name in names})
    repo.git("remote", "add", "origin", str(tmp_path / "hub"))
    command = ("-m", "pre_commit", "install", "--config", ".pre-commit-lint.yaml")
    subprocess.run([PYTHON, *command], cwd=repo.top, check=True, capture_output=True)
    assert pushed(repo).returncode == 0
    return repo


def test_make_hooks_installs_what_is_tested_here():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nhooks:")[2]
    assert "pre-commit install --config .pre-commit-lint.yaml" in recipe.partition("\n\n")[0]


def test_a_push_of_what_lint_refuses_does_not_leave(hooked):
    hooked.commit({"grader/new.py": UNTIDY})
    done = pushed(hooked)
    assert done.returncode == 1
    assert "F401" in done.stdout
    assert "unformatted" in done.stdout
    hooked.commit({"grader/new.py": "x = {1: 2}\n"})
    assert pushed(hooked).returncode == 0


def test_only_what_a_push_changes_is_linted(hooked):
    hooked.commit({"grader/old.py": UNTIDY})
    hooked.git("push", "--no-verify", "--quiet", "origin", "main")
    hooked.commit({"grader/new.py": "x = 1\n"})
    assert pushed(hooked).returncode == 0


@pytest.fixture
def source(repo):
    """A course of version 1.2.0 that nothing speaks against."""
    script = (ROOT / ".ci" / "release_check.py").read_text(encoding="utf-8")
    project = '[project]\nname = "small"\nversion = "1.2.0"\n'
    files = {".ci/release_check.py": script, "pyproject.toml": project, "CHANGELOG.md": CHANGELOG}
    repo.commit(files)
    return repo


def checked(top):
    return subprocess.run(
        [PYTHON, ".ci/release_check.py"], cwd=top, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("mend", "says"),
    [
        pytest.param(
            lambda r: r.git("switch", "-q", "-c", "next"),
            "A release is made on main; this is next.\n-> git switch main\n",
            id="another branch",
        ),
        pytest.param(
            lambda r: r.git("checkout", "-q", "--detach"),
            "A release is made on main; this is no branch.\n-> git switch main\n",
            id="detached",
        ),
        pytest.param(
            lambda r: r.write({"new.txt": "x"}),
            "Not everything is committed.\n-> git status\n",
            id="untracked",
        ),
        pytest.param(
            lambda r: r.git("tag", "v1.2.0"),
            "v1.2.0 was released already.\n-> Write the next version in pyproject.toml.\n",
            id="released",
        ),
        pytest.param(
            lambda r: r.commit({"pyproject.toml": '[project]\nversion = "1.1"\n'}),
            "1.1 is not a version such as 1.2.0.\n-> Mend version in pyproject.toml.\n"
            "CHANGELOG.md says nothing of 1.1.\n-> Write '## 1.1 (2026-12-31)'.\n",
            id="two numbers",
        ),
        pytest.param(
            lambda r: r.commit({"CHANGELOG.md": CHANGELOG.replace("- Better.", "")}),
            "CHANGELOG.md says nothing of 1.2.0.\n-> Write '## 1.2.0 (2026-12-31)'.\n",
            id="an empty section",
        ),
        pytest.param(
            lambda r: r.commit({"CHANGELOG.md": CHANGELOG.replace("leased\n", "leased\n\n- More.")}),
            "CHANGELOG.md still has lines under Unreleased.\n"
            "-> Put '## 1.2.0 (date)' above them, and leave Unreleased empty.\n",
            id="unreleased lines",
        ),
    ],
)  # fmt: skip
def test_what_a_release_lacks_is_said_with_what_mends_it(source, mend, says):
    mend(source)
    done = checked(source.top)
    assert (done.returncode, done.stdout, done.stderr) == (1, says, "")


def test_a_course_that_does_not_hold_is_not_ready(source):
    """There is no course here at all."""
    done = checked(source.top)
    assert done.returncode == 1
    assert "The course does not hold.\n-> tito course check\n" in done.stdout


@pytest.mark.slow
def test_a_course_that_holds_is_ready_and_nothing_was_changed(tmp_path):
    top = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, top], check=True)
    repository = Repository(top)
    repository.git("checkout", "-q", "-B", "main")
    shutil.copy(ROOT / ".ci" / "release_check.py", top / ".ci")
    project = (top / "pyproject.toml").read_text(encoding="utf-8")
    version = '\nversion = "'
    old = project.partition(version)[2].partition('"')[0]
    released = {
        "pyproject.toml": project.replace(f"{version}{old}", f"{version}9.8.7"),
        "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n## 9.8.7 (2026-12-01)\n\n- Much.\n",
        ".ci/release_check.py": (top / ".ci" / "release_check.py").read_text(encoding="utf-8"),
    }
    repository.commit(released)
    before = repository.git("rev-parse", "HEAD")
    done = checked(top)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9.8.7 is ready. When CI is green for this commit:\n-> git tag -a v9.8.7" in done.stdout
    assert repository.git("status", "--porcelain") == ""
    assert (repository.git("rev-parse", "HEAD"), repository.git("tag")) == (before, "")
