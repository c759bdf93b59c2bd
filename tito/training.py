"""Runs the pytest tests of milestones in a child, and reads what it says about each."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.errors import CourseError, Fault, StudentError
from grader.rules.course import Milestone
from tito.clone.clone import Clone

# Set for other pytest runs; here they could select other tests, or hide these.
_OTHERS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")
_TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Run:
    """passed: ids of the milestones whose test passed.  said: id -> what the test's assertion says."""

    passed: tuple[str, ...]
    said: Mapping[str, str]


def run(clone: Clone, milestones: Sequence[Milestone], revision: str) -> Run:
    """The tests of MILESTONES on the commit REVISION, in one pytest process.

    Raises CourseError when there is no such test, StudentError when there is no pytest, Fault when
    pytest itself fails.
    """
    if importlib.util.find_spec("pytest") is None:
        raise StudentError(f"pytest is not installed for {sys.executable}.", hint="make setup")
    for milestone in milestones:
        file = milestone.test.partition("::")[0]
        if not (clone.top / file).is_file():
            raise CourseError(
                f"{file} is missing: it holds the milestones' tests.",
                hint=f"git checkout HEAD -- :/{file}",
            )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider"),
            *("--color=no", *(m.test for m in milestones), "--revision", revision),
        ],
        cwd=clone.top,
        env={k: v for k, v in clone.environment.items() if k not in _OTHERS},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode not in (0, 1):
        raise _no_verdict(done.returncode, output)
    failed = {m.id for m in milestones if done.returncode and _failed(m, output)}
    if done.returncode == 1 and not failed:
        raise _no_verdict(done.returncode, output)
    passed = tuple(m.id for m in milestones if m.id not in failed)
    return Run(passed, {i: _assertion(i, output) for i in failed})


def _failed(milestone: Milestone, output: str) -> bool:
    name = milestone.test.rpartition("::")[2]
    return any(
        line.startswith(("FAILED ", "ERROR ")) and f"::{name}" in line.partition(" - ")[0]
        for line in output.splitlines()
    )


def _assertion(milestone_id: str, output: str) -> str:
    """What pytest says of this milestone's test: the lines that it marks with E, or all of them
    when it shows no traceback (a locked milestone, a data file that is missing).
    """
    lines: list[str] = []
    inside = False
    for line in output.splitlines():
        if line.startswith(("____", "====", "----")):
            inside = line.startswith("____") and f"test_{milestone_id}_learning" in line
        elif inside and line.strip():
            lines.append(line)
    marked = [line[1:].strip() for line in lines if line.startswith("E  ")]
    return "\n".join(marked or lines)


def _no_verdict(status: int, output: str) -> CourseError | Fault:
    tail = "\n".join(output.strip().splitlines()[-_TAIL_LINES:])
    if status in (4, 5):
        return CourseError(
            f"The milestone's test could not be run:\n{tail}",
            hint="git checkout HEAD -- :/tests/milestones",
        )
    return Fault(
        f"pytest ended with status {status} and no verdict:\n{tail}",
        hint="tito doctor, then run the command again",
    )
