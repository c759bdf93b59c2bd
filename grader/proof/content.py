"""What the course brings, by the ids of course.yaml: everything is found by its place.

grader/content/m01_tensor/probes.py      PROBES, what the judge asks of a module
                          scenarios.py   SCENARIOS, what the worker does for them (may be absent)
grader/content/xor/challenge.py          CHALLENGE, what a milestone trains, and what is right
                   training.py           train(), the same with the student's library
grader/content/common.py                 what scripts share (may be absent)
grader/content/sizes.py                  SIZES, how large a lesson should be (may be absent)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.proof.milestones.challenges import Challenge
    from grader.proof.probe import Probe

PACKAGE = "grader.content"
FOLDER = Path(__file__).parents[1] / "content"
Script = tuple[str, str]  # dotted name, source
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a lesson: the least and the most.

    functions: that students write.  lines: of all solutions.  longest: lines of one solution.
    """

    functions: Range = (1, 99)
    lines: Range = (1, 999)
    longest: Range = (1, 999)
    probes: Range = (1, 999)


def room(subject: str) -> str:
    """The folder of a module or milestone: m01_tensor, xor. No Python package begins with a digit."""
    return f"m{subject}" if subject[:1].isdigit() else subject


def probes(module: str) -> Sequence[Probe]:
    """Raises CourseError when there are none."""
    found: Sequence[Probe] = load(f"{room(module)}/probes", "PROBES")
    return found


def scenarios(module: str) -> list[str]:
    """Their names. Raises CourseError for a file without SCENARIOS."""
    place = f"{room(module)}/scenarios"
    there = (FOLDER / f"{place}.py").is_file()
    return [function.__name__ for function in load(place, "SCENARIOS")] if there else []


def sizes() -> Sizes:
    """Raises CourseError for a file without SIZES."""
    there = (FOLDER / "sizes.py").is_file()
    found: Sizes = load("sizes", "SIZES") if there else Sizes()
    return found


def challenge(milestone: str) -> Challenge:
    """Raises CourseError when there is none."""
    found: Challenge = load(f"{room(milestone)}/challenge", "CHALLENGE")
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
            raise _missing(place, "train")
        found.append((place, path))
    return [(f"{PACKAGE}.{p.replace('/', '.')}", f.read_text("utf-8")) for p, f in found]


def load(place: str, name: str) -> Any:
    """What NAME is in the file at PLACE: "xor/challenge". Raises CourseError."""
    if not (FOLDER / f"{place}.py").is_file():
        raise _missing(place, name)
    dotted = f"{PACKAGE}.{place.replace('/', '.')}"
    try:
        module = importlib.import_module(dotted)
    except Exception as error:  # an author's file may raise anything
        raise CourseError(
            f"grader/content/{place}.py cannot be imported ({type(error).__name__}: {error}).",
            hint=f"python -c 'import {dotted}' shows where.",
        ) from error
    if not hasattr(module, name):
        raise _missing(place, name)
    return getattr(module, name)


def _missing(place: str, name: str) -> CourseError:
    return CourseError(
        f"The course needs {name} in grader/content/{place}.py, and it is not there.",
        hint="Write it there; the other folders of grader/content/ show how.",
    )
