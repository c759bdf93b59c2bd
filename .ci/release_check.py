"""make release-check: is this commit ready to be released? Changes nothing; says what to type next."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from git import Repo

ROOT = Path(__file__).resolve().parents[1]
BRANCH = "main"
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
_SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)


def main() -> int:
    """Exit status 0 when nothing is to mend."""
    with Repo(ROOT) as repo:
        version = _version()
        problems = [*_state(repo, version)] or [*_course()] or [*_wheel(version)]
    for what, hint in problems:
        sys.stdout.write(f"{what}\n-> {hint}\n")
    if problems:
        return 1
    sys.stdout.write(
        f"{version} is ready. When CI is green for this commit:\n"
        f"-> git tag -a v{version} -m 'TinyTorch {version}'\n"
        f"-> git push origin {BRANCH} v{version}\n"
        "-> .venv/bin/tito course release ../tinytorch-students\n"
    )
    return 0


def _version() -> str:
    (version,) = _VERSION.findall((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(version)


def _state(repo: Repo, version: str) -> Iterator[tuple[str, str]]:
    """What takes no time to see."""
    branch = "no branch" if repo.head.is_detached else repo.active_branch.name
    if branch != BRANCH:
        yield f"A release is made on {BRANCH}; this is {branch}.", f"git switch {BRANCH}"
    if repo.is_dirty(untracked_files=True):
        yield "Not everything is committed.", "git status"
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"{version} is not a version such as 1.2.0.", "Mend version in pyproject.toml."
    if f"v{version}" in [tag.name for tag in repo.tags]:
        yield f"v{version} was released already.", "Write the next version in pyproject.toml."
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = {title: lines.strip() for title, lines in _SECTION.findall(text)}
    if sections.get("Unreleased"):
        yield (
            "CHANGELOG.md still has lines under Unreleased.",
            f"Put '## {version} (date)' above them, and leave Unreleased empty.",
        )
    dated = re.compile(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)")
    if not any(dated.fullmatch(title) and lines for title, lines in sections.items()):
        yield f"CHANGELOG.md says nothing of {version}.", f"Write '## {version} (2026-12-31)'."


def _course() -> Iterator[tuple[str, str]]:
    done = subprocess.run([sys.executable, "-m", "tito", "course", "check"], cwd=ROOT, check=False)
    if done.returncode:
        yield "The course does not hold.", "tito course check"


def _wheel(version: str) -> Iterator[tuple[str, str]]:
    """Built from a clone: a build leaves folders behind, and takes what an earlier one left."""
    with tempfile.TemporaryDirectory() as folder:
        Repo.clone_from(str(ROOT), f"{folder}/clone").close()
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        options = ["--no-build-isolation", "--no-deps", "--wheel-dir", folder, f"{folder}/clone"]
        done = subprocess.run([*command, *options], check=False)
        if done.returncode or not [*Path(folder).glob(f"*-{version}-*.whl")]:
            yield "No wheel can be built.", "pip wheel --no-build-isolation --no-deps ."


if __name__ == "__main__":
    sys.exit(main())
