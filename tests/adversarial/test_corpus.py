"""The published list of attacks, row by row: corpus.py names what shows each required verdict."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import numpy as np
import pytest

from grader.proof.milestones import trials
from grader.reports import REPORTS
from grader.rules import reading
from tests.adversarial.corpus import ROWS, Shown

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
# Letter -> the last number of it. Those with letters of the second kind are odd only: the other
# half of the list is not published.
ODD = {"F": 55, "P": 15, "A": 31, "S": 19, "I": 7, "M": 19}
ALL = {"H": 4, "G": 28, "C": 25, "D": 8, "X": 8}
COURSE = reading.load(ROOT)


def published() -> set[str]:
    odd = {f"{letter}{n:02d}" for letter, last in ODD.items() for n in range(1, last + 1, 2)}
    return odd | {f"{letter}{n:02d}" for letter, last in ALL.items() for n in range(1, last + 1)}


@functools.cache
def source(file: str) -> str:
    """Of a file of tests, and of the tables of cases beside it that it imports."""
    text = (TESTS / file).read_text(encoding="utf-8")
    tables = re.findall(r"^from tests\.adversarial\.(\w+) import", text, re.MULTILINE)
    beside = [TESTS / "adversarial" / f"{table}.py" for table in tables]
    return "\n".join([text, *(path.read_text(encoding="utf-8") for path in beside)])


@functools.cache
def functions(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_of_the_list_is_here():
    assert ROWS.keys() == published()
    assert all(ROWS.values())


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_names_is_there(row):
    shown = [place for place in ROWS[row] if isinstance(place, Shown)]
    for place in shown:
        file, _, function = place.test.partition("::")
        assert function in functions(file), place.test
        assert place.case in source(file), place
    assert shown or all(place.because for place in ROWS[row])


def test_no_row_is_without_a_test():
    """A reason in the place of a test stands beside one."""
    untested = {
        row for row, places in ROWS.items() if not any(isinstance(p, Shown) for p in places)
    }
    assert untested == set()


def test_no_limit_is_told_by_a_clock_that_somebody_sets():
    """C17, X08: a laptop that slept, a date that was changed, cost nobody a verdict."""
    judging = [
        *(ROOT / "grader" / "sandbox").glob("*.py"),
        *(ROOT / "grader" / "proof").rglob("*.py"),
    ]
    assert len(judging) > 10
    clocks = {
        (path.name, word)
        for path in judging
        for word in re.findall(r"\b(?:time\.time|datetime)\b", path.read_text(encoding="utf-8"))
    }
    assert clocks == set()
    assert "time.monotonic()" in (ROOT / "grader/sandbox/process.py").read_text(encoding="utf-8")


def test_no_report_is_opened_as_a_spreadsheet():
    """D03: a formula in a name is a formula in a table of comma-separated values only."""
    sources = [*(ROOT / "grader").rglob("*.py"), *(ROOT / "tito").rglob("*.py")]
    writers = [
        p for p in sources if re.search(r"^\s*import csv|\.csv\b|\.tsv\b|xlsx", p.read_text())
    ]
    assert writers == []
    assert not {"csv", "tsv", "xlsx"} & set(REPORTS)


@pytest.mark.parametrize("milestone", COURSE.milestones, ids=lambda m: m.id)
def test_whole_numbers_are_small_enough_for_any_type(milestone):
    """M15: a library that keeps labels as float32, or as short integers, loses none of them."""
    prepared = trials.prepare(trials.trial(milestone, {}), ROOT)
    arrays = [*prepared.arrays.values(), *(a for s in prepared.sealed.values() for a in s.values())]
    whole = [a for a in map(np.asarray, arrays) if a.dtype.kind in "iu" and a.size]
    assert all(a.min() >= 0 and a.max() < 2**15 for a in whole)
    assert arrays
