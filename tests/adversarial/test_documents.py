"""The pages for teachers say what was measured, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.sandbox import SANDBOXES
from tests.adversarial.attempts import ALLOWED, ATTEMPTS
from tests.adversarial.forgeries import FORGERIES
from tests.adversarial.tricks import TRICKS

DOCS = Path(__file__).resolve().parents[2] / "docs"
WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}


def test_the_page_on_trust_counts_the_forgeries():
    text = (DOCS / "trust.md").read_text(encoding="utf-8")
    rows = [*FORGERIES, *TRICKS]
    fooled = WORDS[sum(f.practice is True for f in rows)]
    assert f"of the {len(rows)} forgeries in `tests/adversarial/` {fooled} do" in text
    assert f"None\nof the {len(rows)} forgeries passes" in text


def test_the_page_on_trust_is_one_page():
    assert len((DOCS / "trust.md").read_text(encoding="utf-8").splitlines()) < 80


@pytest.mark.parametrize("attempt", [*ATTEMPTS, *ALLOWED], ids=lambda a: a.name)
def test_the_matrix_has_a_row_for_every_attempt_that_agrees_with_the_tests(attempt):
    text = (DOCS / "isolation.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {attempt.what} |")]
    cells = row.split("|")[2:-1]
    measured = {name: cell.strip() for name, cell in zip(SANDBOXES, cells, strict=True)}
    stopped = [name for name, cell in measured.items() if cell == "·"]
    assert attempt in ALLOWED or set(stopped) == set(attempt.stopped_by)
    assert attempt in ATTEMPTS or set(measured.values()) == {"yes"}
