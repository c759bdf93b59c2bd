"""What holds for every format and every report, whoever wrote what is in it."""

from __future__ import annotations

import functools
import json
import sys
import xml.etree.ElementTree as ET

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


# Badges leave out what a reader of SVG does not need; text, notices and commands are for people.
TOLD_BY_ID = [
    "text",
    "json",
    "junit",
    "classroom",
    "classroom50",
    "gradescope",
    "markdown",
    "verdict",
]


@pytest.mark.parametrize("name", TOLD_BY_ID)
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s != "crashed"])
def test_every_milestone_is_always_there(name, sample):
    text = "".join(rendered(name, sample).values())
    assert [m.id for m in COURSE.milestones if m.id not in text] == []


@pytest.mark.parametrize(
    "name", ["json", "junit", "classroom", "classroom50", "gradescope", "verdict"]
)
def test_every_milestone_is_there_after_a_crash(name):
    text = "".join(rendered(name, "crashed").values())
    assert [m.id for m in COURSE.milestones if m.id not in text] == []


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("json", "report.json"),
        ("classroom50", "result.json"),
        ("gradescope", "results.json"),
        ("verdict", "verdict.json"),
        ("badges", "milestones.json"),
    ],
)
def test_json_is_json_without_nan(name, file, sample):
    def refuse(word):
        raise AssertionError(word)

    json.loads(rendered(name, sample)[file], parse_constant=refuse)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", ["junit", "badges"])
def test_xml_is_well_formed(name, sample):
    for file, text in rendered(name, sample).items():
        if not file.endswith(".json"):
            ET.fromstring(text)


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


def points(name, sample):
    files = rendered(name, sample)
    if name == "json":
        values = json.loads(files["report.json"])
        return values["milestone_points"], values["milestone_points_possible"]
    if name == "classroom50":
        values = json.loads(files["result.json"])
        return values["score"], values["max-score"]
    if name == "gradescope":
        values = json.loads(files["results.json"])
        return values["score"], sum(t.get("max_score", 0) for t in values["tests"])
    totals = json.loads(files["classroom-notices.txt"].splitlines()[1].split("::", 2)[2])
    return totals["totalPoints"], totals["maxPoints"]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("finished", 100),
        ("starter", 0),
        ("begun", 20 + 15),
        ("regressed", 80 + 15),
        ("unproven", 0),
        ("crashed", 0),
        ("many tests", 100),
        ("timed out", 5 * 15),
        ("hostile", 2 * 15),
    ],
)
@pytest.mark.parametrize("name", ["json", "classroom", "classroom50", "gradescope"])
def test_every_format_gives_the_same_points(name, sample, expected):
    assert points(name, sample) == (expected, 100)
