"""What the course brings, by the ids of course.yaml: everything is found by its place.

grader/content/m01_tensor/probes.py      PROBES, what the judge asks of a module
                          scenarios.py   SCENARIOS, what the worker does for them (may be absent)
grader/content/xor/challenge.py          CHALLENGE, what a milestone trains, and what is right
                   training.py           train(), the same with the student's library
grader/content/common.py                 what scripts share (may be absent)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.proof.milestones.challenges import Challenge
    from grader.proof.probe import Probe

PACKAGE = "grader.content"
FOLDER = Path(__file__).parents[1] / "content"
Script = tuple[str, str]  # dotted name, source


def room(subject: str) -> str:
    """The folder of a module or milestone: m01_tensor, xor. No Python package begins with a digit."""
    return f"m{subject}" if subject[:1].isdigit() else subject


def probes(module: str) -> Sequence[Probe]:
    """Raises CourseError when there are none."""
    found: Sequence[Probe] = _load(module, "probes", "PROBES")
    return found


def challenge(milestone: str) -> Challenge:
    """Raises CourseError when there is none."""
    found: Challenge = _load(milestone, "challenge", "CHALLENGE")
    return found


def training(milestone: str) -> str:
    """The dotted name of its script."""
    return f"{PACKAGE}.{room(milestone)}.training"


def scripts(modules: Iterable[str], milestones: Iterable[str]) -> list[Script]:
    """What a worker runs for these, those that others import first.

    Raises CourseError for a milestone without training.
    """
    places = ["common", *(f"{room(m)}/scenarios" for m in modules)]
    found = [(p, path) for p in places if (path := FOLDER / f"{p}.py").is_file()]
    for milestone in milestones:
        place = f"{room(milestone)}/training"
        path = FOLDER / f"{place}.py"
        if not path.is_file():
            raise _missing(milestone, "training", "train()")
        found.append((place, path))
    return [(f"{PACKAGE}.{p.replace('/', '.')}", f.read_text("utf-8")) for p, f in found]


def _load(subject: str, file: str, name: str) -> Any:
    if not (FOLDER / room(subject) / f"{file}.py").is_file():
        raise _missing(subject, file, name)
    try:
        module = importlib.import_module(f"{PACKAGE}.{room(subject)}.{file}")
    except Exception as error:  # an author's file may raise anything
        raise CourseError(
            f"grader/content/{room(subject)}/{file}.py cannot be imported "
            f"({type(error).__name__}: {error}).",
            hint=f"python -c 'import {PACKAGE}.{room(subject)}.{file}' shows where.",
        ) from error
    if not hasattr(module, name):
        raise _missing(subject, file, name)
    return getattr(module, name)


def _missing(subject: str, file: str, name: str) -> CourseError:
    return CourseError(
        f"course.yaml names '{subject}', and the course has no {name} for it.",
        hint=f"Write {name} in grader/content/{room(subject)}/{file}.py; another one there shows how.",
    )
