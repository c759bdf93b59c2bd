"""What holds for every format and every report, whoever wrote what is in it."""

from __future__ import annotations

import functools
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from grader.reports import REPORTS, bounded
from tests.reports.samples import COURSE, HOSTILE, SAMPLES, finished, hostile, huge

CASES = [(name, sample) for name in REPORTS for sample in SAMPLES]
CONTROL = {chr(i) for i in range(32)} - {"\n"} | {chr(i) for i in range(127, 160)}
INVISIBLE = set(
    "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2028\u2029\u2066\u2067\u2068\u2069\ufeff"
)


@functools.cache
def rendered(name, sample):
    return bounded.render(name, SAMPLES[sample]())


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_every_file_is_small(name, sample):
    sizes = {file: len(text.encode()) for file, text in rendered(name, sample).items()}
    assert sizes
    assert max(sizes.values()) < 64 * 1024, sizes


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_nothing_steers_the_reader(name, sample):
    text = "".join(rendered(name, sample).values())
    assert not (CONTROL | INVISIBLE) & set(text)
    text.encode("utf-8")  # no lone surrogate either


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_the_same_report_gives_the_same_bytes(name, sample):
    assert bounded.render(name, SAMPLES[sample]()) == rendered(name, sample)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_a_file_is_whole(name, sample):
    for file, text in rendered(name, sample).items():
        assert file.strip() == file
        assert "/" not in file
        assert text == "" or text.endswith("\n")


# These leave out what their readers have no use for: a badge is a picture, an annotation a problem.
NOT_BY_ID = ("badges", "annotations")
WITHOUT_TOTALS = (*NOT_BY_ID, "text", "junit", "markdown", "verdict")


@pytest.mark.parametrize("name", [name for name in REPORTS if name not in NOT_BY_ID])
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_milestone_is_always_there(name, sample):
    text = "".join(rendered(name, sample).values())
    assert [m.id for m in COURSE.milestones if m.id not in text] == []


def refuse(word):
    raise AssertionError(word)


PARSERS = {
    ".json": lambda text: json.loads(text, parse_constant=refuse),
    ".xml": ET.fromstring,
    ".svg": ET.fromstring,
}


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_json_is_json_without_nan_and_xml_is_well_formed(name, sample):
    for file, text in rendered(name, sample).items():
        PARSERS.get(Path(file).suffix, str)(text)


def calls(name, report):
    """How many functions rendering calls: what it costs, whoever else uses this machine."""
    bounded.render(name, report)  # imports
    counted = 0

    def count(_frame, event, _argument):
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    bounded.render(name, report)
    sys.setprofile(before)
    return counted


# benchmarks/reports.py says what these are in milliseconds: at most 50.
@pytest.mark.parametrize("name", REPORTS)
def test_rendering_is_cheap(name):
    assert calls(name, finished()) < 150_000


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(
    "report",
    [pytest.param(lambda: hostile(HOSTILE * 20), id="hostile"), pytest.param(huge, id="huge")],
)
def test_rendering_what_a_student_filled_up_is_cheap_too(name, report):
    """A megabyte is not looked at character by character, nor once per length that is tried."""
    assert calls(name, report()) < 600_000


# Where a format says what was reached, and of how much. In another one, both numbers stand somewhere.
TOTALS = {
    "json": lambda files: pair(
        files["report.json"], "milestone_points", "milestone_points_possible"
    ),
    "classroom50": lambda files: pair(files["result.json"], "score", "max-score"),
    "classroom": lambda files: pair(
        files["classroom-notices.txt"].splitlines()[1].split("::", 2)[2], "totalPoints", "maxPoints"
    ),
    "gradescope": lambda files: (
        json.loads(files["results.json"])["score"],
        sum(t.get("max_score", 0) for t in json.loads(files["results.json"])["tests"]),
    ),
}


def pair(text, reached, possible):
    values = json.loads(text)
    return values[reached], values[possible]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", [name for name in REPORTS if name not in WITHOUT_TOTALS])
def test_every_format_gives_the_points_of_the_report(name, sample):
    report = SAMPLES[sample]()
    expected = (report.milestone_points, report.milestone_points_possible)
    files = rendered(name, sample)
    numbers = {int(n) for n in re.findall(r"\b\d+\b", "".join(files.values()))}
    found = TOTALS[name](files) if name in TOTALS else tuple(n for n in expected if n in numbers)
    assert found == expected


@pytest.mark.parametrize(
    ("sample", "share"),
    [("finished", 1), ("starter", 0), ("unproven", 0), ("timed out", 3 / 4), ("crashed", 0)],
)
def test_a_report_counts_what_is_proven(sample, share):
    """Three of the four claims of a milestone that timed out hold."""
    assert SAMPLES[sample]().milestone_points == share * sum(m.points for m in COURSE.milestones)
