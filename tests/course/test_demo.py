"""The demo itself is run by CI (make demo); here: what would make it stop, before it starts."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

from tests.lessons import reference

PROJECT = Path(__file__).parents[2]


def test_the_slip_of_the_demo_is_one_place_of_its_lesson_and_is_caught():
    module_id, good, bad = runpy.run_path(str(PROJECT / ".ci" / "demo.py"))["SLIP"]
    text = reference.lesson(module_id).text
    assert text.count(good) == 1
    assert reference.failing(reference.run(module_id, text.replace(good, bad)))


def test_a_folder_that_is_no_demo_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    done = subprocess.run(
        [sys.executable, ".ci/demo.py", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "was not made by the demo" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
