"""A student's repository with the real course, and the small GitHub it lies on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.lessons.lesson import package_files, parse
from grader.rules.parts import PARTS
from tests.conftest import Repository
from tests.github.hub import Hub
from tests.reports.samples import COURSE, ROOT

SKIPPED = ("__pycache__",)
MODULES, MILESTONES = len(COURSE.modules), len(COURSE.milestones)
POINTS = sum(milestone.points for milestone in COURSE.milestones)
THREE = {module.id for module in COURSE.modules[:3]}
EARLY = [m for m in COURSE.milestones if THREE.issuperset(m.needs)]
EARLY_POINTS = sum(milestone.points for milestone in EARLY)


def carried() -> dict[str, bytes]:
    """What a release carries, as it lies on this disk."""
    files = {}
    for entry in PARTS:
        place = ROOT / entry
        paths = place.rglob("*") if place.is_dir() else [place]
        for path in paths:
            if path.is_file() and not set(SKIPPED) & set(path.parts):
                files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    return files


def solution(number: int) -> dict[str, str]:
    """The reference solution of the first NUMBER modules, with the package they export."""
    lessons = [
        parse((ROOT / m.path).read_text(encoding="utf-8"), m.path) for m in COURSE.modules[:number]
    ]
    files = {m.path: (ROOT / m.path).read_text(encoding="utf-8") for m in COURSE.modules[:number]}
    return {**files, **package_files(lessons)}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student repository of one commit: starters, an empty package."""
    repository = Repository(tmp_path_factory.mktemp("release") / "template")
    files: dict[str, bytes | str] = {**carried(), **package_files([])}
    for module in COURSE.modules:
        text = (ROOT / module.path).read_text(encoding="utf-8")
        starter = parse(text, module.path).starter()
        files[module.path] = files[module.starter_path] = starter
    repository.commit(files, "The course as it is given out")
    return repository.top


@pytest.fixture
def student(template: Path, tmp_path: Path) -> Repository:
    shutil.copytree(template, tmp_path / "student")
    return Repository(tmp_path / "student")


@pytest.fixture
def hub(tmp_path: Path, student: Repository) -> Iterator[Hub]:
    """The student's repository, pushed."""
    made = Hub(tmp_path / "hub")
    made.push(student, "main")
    yield made
    made.close()


@pytest.fixture
def workflow() -> Callable[[str], Path]:
    return lambda name: ROOT / ".github" / "workflows" / f"{name}.yml"
