"""`make setup` in the course's repository and in a student's, with a Python that only pretends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILES = ("Makefile", "release/Makefile")


@pytest.fixture(params=MAKEFILES)
def folder(request, tmp_path):
    """A folder whose .venv is newer than everything that it depends on."""
    (tmp_path / "Makefile").write_text((ROOT / request.param).read_text())
    (tmp_path / "requirements").mkdir()
    for name in ("requirements/dev.lock", "requirements/student.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/installed").touch()
    return tmp_path


def setup(folder: Path) -> str:
    """What `make setup` would do."""
    done = subprocess.run(
        ["make", "-n", "setup"], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_venv_that_holds_everything_is_kept(folder):
    python = folder / ".venv/bin/python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    assert "pip install" not in setup(folder)


def test_a_venv_that_lacks_a_package_is_filled_again(folder):
    python = folder / ".venv/bin/python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert "pip install" in setup(folder)


def test_a_venv_whose_python_is_gone_is_made_again(folder):
    (folder / ".venv/bin/python").symlink_to("/nowhere/python3")
    said = setup(folder)
    assert "rm -rf .venv" in said
    assert "-m venv .venv" in said
