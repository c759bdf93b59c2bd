"""What each format's readers expect, and the contracts with the real ones."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from grader.reports import bounded
from grader.reports.formats import annotate, badges, classroom, gradescope, junit, markdown, text
from grader.reports.measurements import curve
from grader.verdicts.facts import Earned, Outcome
from grader.verdicts.report import Problem, Trust, unjudged
from grader.verdicts.verdicts import ModuleState
from tests.reports.samples import (
    COMMIT,
    COURSE,
    EARLIER,
    LAST,
    MEASURES,
    NOTE,
    SAMPLES,
    begun,
    check,
    crashed,
    failed,
    finished,
    flagged,
    hostile,
    locked,
    many,
    module,
    regressed,
    report,
    starter,
    unproven,
)

DATA = Path(__file__).parent / "data"
SCHEMA = json.loads((DATA / "classroom50-result-v1.schema.json").read_text())
GOLDEN = json.loads((DATA / "reporter-golden.json").read_text())
ALL = len(COURSE.milestones)
POINTS = sum(m.points for m in COURSE.milestones)


# Classroom: a model of its reporter, held against what the reporter was seen to do


def reporter(runners):
    """The notices that the reporter prints for {runner: result}, as far as results are whole."""
    points = sum(t["score"] for r in runners.values() for t in r["tests"] if r["max_score"])
    possible = sum(r["max_score"] for r in runners.values())
    totals = json.dumps({"totalPoints": points, "maxPoints": possible}, separators=(",", ":"))
    notices = [
        f"::notice title=Autograding complete::Points {points}/{possible}",
        f"::notice title=Autograding report::{totals}",
    ]
    statuses = {r["status"] for r in runners.values()}
    if "error" in statuses and statuses <= {"error", "pass"}:
        return [*notices, "::error::Some tests errored."]
    return [*notices, "::error::Some tests failed."] if "fail" in statuses else notices


MODELLED = [
    "01_all_pass_five",
    "03_partial_credit_multi_tests",
    "05_score_gt_max",
    "09_tests_empty",
    "14_spaces_in_runners",
    "20_status_unknown_skipped",
    "22_overall_fail_but_max_full",
]


@pytest.mark.parametrize("case", MODELLED)
def test_the_model_of_the_reporter_does_what_the_reporter_did(case):
    assert reporter(GOLDEN[case]["runners"]) == GOLDEN[case]["annotations"]


def decoded(report):
    return {
        name: json.loads(base64.b64decode(result, validate=True))
        for name, result in classroom.outputs(report).items()
    }


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_reporter_says_what_our_own_notices_say(sample):
    report = bounded.shortened(SAMPLES[sample](), 300, 5)
    ours = classroom.notices(report).splitlines()
    assert reporter(decoded(report))[:2] == ours


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_result_is_of_the_shape_that_was_measured(sample):
    golden = GOLDEN["01_all_pass_five"]["runners"]["cnn"]
    for result in decoded(SAMPLES[sample]()).values():
        assert result.keys() == golden.keys()
        for test in result["tests"]:
            assert test.keys() == golden["tests"][0].keys()
            assert type(test["score"]) is int
            assert re.fullmatch(r"[A-Za-z0-9 _.\-]{1,60}", test["name"])


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_reporters_table_and_its_total_agree(sample):
    """The table shows passed / tests * max_score, the total is the sum of the scores."""
    for result in decoded(SAMPLES[sample]()).values():
        passed = sum(t["status"] == "pass" for t in result["tests"])
        shown = passed / len(result["tests"]) * result["max_score"]
        assert shown == sum(t["score"] for t in result["tests"])


@pytest.mark.parametrize("sample", ["hostile", "huge"])
def test_nothing_in_a_result_can_forge_a_notice(sample):
    for result in decoded(SAMPLES[sample]()).values():
        for words in (t[k] for t in result["tests"] for k in ("name", "message") if t[k]):
            assert "\n" not in words
            assert "::" not in words
            assert "##[" not in words


@pytest.mark.parametrize(
    ("sample", "status"),
    [("finished", "pass"), ("starter", "fail"), ("timed out", "error"), ("crashed", "error")],
)
def test_the_status_follows_from_the_tests(sample, status):
    assert {r["status"] for r in decoded(SAMPLES[sample]()).values()} == {status}


def test_a_failed_proof_leaves_no_part_of_the_points():
    milestone = unproven(LAST)
    assert not any(part.passed for part in milestone.parts)
    assert milestone.points == 0


def run_reporter(script, report):
    environment = {f"{n.upper()}_RESULTS": r for n, r in classroom.outputs(report).items()}
    return subprocess.run(
        ["node", script],
        env={**os.environ, **environment, "INPUT_RUNNERS": ",".join(classroom.outputs(report))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif("REPORTER_JS" not in os.environ, reason="REPORTER_JS: the built reporter")
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_real_reporter_prints_our_points(sample):
    report = bounded.shortened(SAMPLES[sample](), 300, 5)
    done = run_reporter(os.environ["REPORTER_JS"], report)
    notices = [line for line in done.stdout.splitlines() if line.startswith("::notice")]
    assert notices == classroom.notices(report).splitlines()


# Classroom 50


@pytest.mark.parametrize("sample", SAMPLES)
def test_result_json_follows_the_schema_of_classroom_50(sample):
    result = json.loads(bounded.render("classroom50", SAMPLES[sample]())["result.json"])
    jsonschema.validate(result, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert result["score"] == sum(t["score"] for t in result["tests"])
    assert result["max-score"] == sum(t["max-score"] for t in result["tests"])
    assert all(t["score"] <= t["max-score"] for t in result["tests"])


def test_result_json_names_the_submission_as_the_class_does():
    given = {
        "classroom": "tiny-f26",
        "assignment": "tinytorch",
        "owner": "ada",
        "submission": "submit/2026-11-22T00-00-00Z-abc1234",
        "commit": "https://c.example",
        "release": "https://r.example",
        "review": "https://v.example",
    }
    result = json.loads(bounded.render("classroom50", finished(submission=given))["result.json"])
    assert {k: result[k] for k in given} == given


def test_result_json_says_why_a_part_has_no_points_and_nothing_of_one_that_has():
    tests = json.loads(bounded.render("classroom50", begun())["result.json"])["tests"]
    assert {t["passed"] for t in tests} == {True, False}
    assert all(bool(t.get("detail")) is not t["passed"] for t in tests)
    assert any("what came out" in t.get("detail", "") for t in tests)


# Gradescope


def test_gradescope_adds_up_and_shows_modules_without_points():
    values = gradescope.values(begun())
    scored = [t for t in values["tests"] if "max_score" in t]
    assert sum(t["score"] for t in scored) == values["score"]
    assert values["score"] == begun().milestone_points > 0
    assert len(scored) == 4 * len(COURSE.milestones)
    assert {t["status"] for t in values["tests"]} == {"passed", "failed"}
    assert len(values["tests"]) - len(scored) == len(COURSE.modules)


# JUnit


def test_junit_counts_each_kind():
    suites = {s.get("name"): s for s in ET.fromstring(junit.files(begun())["junit.xml"])}
    broken = suites["04_training"]
    counts = [broken.get(k) for k in ("tests", "failures", "errors", "skipped")]
    assert counts == ["3", "1", "0", "1"]
    assert broken.find(".//failure").get("message") == "step() should give 1.0, got 2.0"
    assert suites["milestone.transformer"].get("skipped") == "4"


@pytest.mark.parametrize("sample", SAMPLES)
def test_junits_totals_are_those_of_its_cases(sample):
    for suite in ET.fromstring(bounded.render("junit", SAMPLES[sample]())["junit.xml"]):
        assert int(suite.get("tests")) == len(suite)
        assert int(suite.get("failures")) == len(suite.findall(".//failure"))
        assert int(suite.get("errors")) == len(suite.findall(".//error"))
        assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))


def test_junit_does_not_call_what_it_leaves_out_not_run():
    suite = ET.fromstring(bounded.render("junit", many())["junit.xml"])[0]
    assert [case.get("name") for case in suite] == ["600 more that pass"]
    assert suite.get("skipped") == "0"


def test_a_message_of_two_lines_has_two_lines_for_a_reader_of_junit():
    text = junit.files(failing(check("test_a", Outcome.FAILED, "one\n::error::two")))["junit.xml"]
    assert ET.fromstring(text).find(".//failure").get("message") == "one\n::error::two"
    assert not any(line.startswith("::error") for line in text.split("<failure")[1].split(">")[0])


# Annotations


@pytest.mark.parametrize("sample", SAMPLES)
def test_at_most_nine_annotations_each_one_line(sample):
    text = bounded.render("annotations", SAMPLES[sample]())["annotations.txt"]
    lines = text.splitlines()
    assert len(lines) <= 9
    assert all(
        re.match(r"::error (file=[^:,]+,line=\d+,)?title=[^:,]+::[^\r\n]*\Z", x) for x in lines
    )


def test_a_failure_is_shown_at_its_line():
    first = annotate.commands(begun())[0]
    assert first.startswith(
        "::error file=modules/04_training/training.py,line=120,title=04_training"
    )


def failing(*checks):
    """A report whose first module failed CHECKS."""
    return report([module(COURSE.modules[0], *checks, state=ModuleState.IN_PROGRESS)], [])


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("modules/00_setup/setup.py:7: raise ValueError('::error::x')", "modules/00_setup/setup.py,line=7"),
        ("modules/00_setup/setup.py", "modules/00_setup/setup.py,line=1"),
        ("<string>:3", "modules/00_setup/setup.py,line=1"),
        ("/etc/passwd:1", "modules/00_setup/setup.py,line=1"),
    ],
)  # fmt: skip
def test_an_annotation_stands_in_the_lesson_whatever_was_said_of_the_place(where, place):
    (command,) = annotate.commands(failing(check("test_a", Outcome.ERRORED, "x", where)))
    assert command.startswith(f"::error file={place},title=00_setup")


def test_an_annotation_ends_with_the_hint_if_there_is_one():
    wrong = replace(check("test_a", Outcome.FAILED, "wrong"), hint="use +")
    first, second = annotate.commands(failing(wrong, replace(wrong, hint="")))
    assert first.endswith("::wrong%0AHint: use +")
    assert second.endswith("::wrong")


def test_what_a_crash_kept_from_running_is_not_annotated_beside_it():
    crashed = check("test_a", Outcome.MISSING, "the process ended")
    unreached = replace(check("test_b", Outcome.MISSING, "not reached"), reached=False)
    told = failing(crashed, unreached, unreached)
    (command,) = bounded.render("annotations", told)["annotations.txt"].splitlines()
    assert "the process ended" in command


def test_the_ninth_annotation_says_how_many_there_are_more():
    last = annotate.commands(hostile())[-1]
    assert re.fullmatch(r"::error title=\d+ more::The job summary lists them all\.", last)


def test_nothing_is_said_of_what_is_only_unfinished():
    assert annotate.commands(starter()) == []


# Markdown


def test_dates_of_a_regression_are_whole():
    page = markdown.document(regressed())
    assert f"`{EARLIER[:10]}` (2026-10-01)" in page
    assert f"`{COMMIT[:10]}` (2026-11-01)" in page


def test_a_milestone_that_this_commit_lost_is_not_proven_with_this_commit():
    page = markdown.document(replace(regressed(), regressed={}))
    assert f"by `{EARLIER[:10]}` (2026-10-01) and is not proven with this commit." in page


def test_a_locked_milestone_names_what_to_begin_with():
    page = markdown.document(report([], [locked(LAST, LAST.needs)]))
    assert f"🔒 needs `00_setup` and {len(LAST.needs) - 1} more" in page


def test_what_was_not_judged_is_listed_and_is_no_zero():
    page = markdown.document(crashed())
    assert page.startswith(f"## {COURSE.title}: not judged")
    rows = [line for line in page.splitlines() if "❔ not judged | -&nbsp;/&nbsp;20" in line]
    assert [m.id for m in COURSE.milestones if not any(f"`{m.id}`" in r for r in rows)] == []


def test_what_a_student_broke_before_it_could_be_judged_is_listed_too():
    problem = Problem("'HEAD' is not a commit.", "git log shows what there is.")
    page = markdown.document(unjudged(COURSE, "", problem, Trust.CI, ours=False))
    assert [m.id for m in COURSE.milestones if f"`{m.id}`" not in page] == []


def test_no_change_of_the_loss_is_zero_without_a_sign_of_its_own():
    still = replace(MEASURES, last_loss=1.0, loss_fall_percent=0.0)
    verdict = failed(LAST)
    told = replace(verdict, evidence=replace(verdict.evidence, measures=still))
    assert "1 → 1 (+0 %)" in markdown.document(report([], [told])).replace("&nbsp;", " ")


def test_the_comment_gives_the_numbers_and_a_curve():
    page = markdown.document(finished())
    assert f"{ALL} of {ALL} milestones, {POINTS} of {POINTS} points" in page
    shown = page.replace("&nbsp;", " ")
    assert "1 → 0.01 (-99 %)" in shown
    assert "97.5 % (&gt; 90 %)" in shown
    assert "4 of 4" in page
    assert re.search(r"`█[▁▂▃▄▅▆▇█]{15}`", page)


def test_the_comment_says_what_fails_first_and_the_test_to_run():
    page = markdown.document(begun())
    assert "step() should give 1.0, got 2.0" in page
    assert "`tito module test 04`" in page
    assert "`tito milestone run xor`" in page
    assert "1 of 3" in page


def test_a_regression_names_the_milestone_the_commits_and_the_test():
    page = markdown.document(regressed())
    warning = next(line for line in page.splitlines() if "was earned by" in line)
    assert LAST.name.split(" (")[0] in warning
    assert f"`{EARLIER[:10]}`" in warning
    assert f"since `{COMMIT[:10]}`" in warning
    assert f"tito milestone run {LAST.id}" in warning
    assert f"test_{LAST.id}_learning" in warning


def test_other_rules_in_the_commit_are_said():
    assert "came from the base branch" in markdown.document(hostile())


def test_a_flag_is_a_note_beside_what_is_proven():
    page = markdown.document(flagged())
    assert f"{ALL} of {ALL} milestones, {POINTS} of {POINTS} points" in page
    assert page.count("> [!NOTE]") == 1
    assert f"> **{COURSE.milestones[1].name}**: `{NOTE}`" in page
    assert f"xor: proven, and worth a look\n  {NOTE[:40]}" in text.files(flagged())["report.txt"]
    assert text.summary(flagged()) == text.summary(finished()) + "; worth a look: xor, mlp_digits"


def test_a_flag_changes_nothing_else():
    told, plain = (
        json.loads(bounded.render("json", s())["report.json"]) for s in (flagged, finished)
    )
    flags = {m["id"]: m.pop("flag") for m in told["milestones"]}
    noted = [m.id for m in COURSE.milestones[1:3]]
    assert flags == {m.id: NOTE if m.id in noted else "" for m in COURSE.milestones}
    assert [m.pop("flag") for m in plain["milestones"]] == [""] * ALL
    assert told == plain


def test_what_is_not_proven_has_no_flag():
    verdict = failed(LAST)
    evidence = replace(verdict.evidence, flag=NOTE)
    assert replace(verdict, evidence=evidence).flag == ""


def test_a_problem_is_one_sentence_and_a_next_step():
    page = markdown.document(crashed())
    assert "**Not judged.** `The grader failed.`" in page
    assert "`Run it again.`" in page


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1.0], ""),
        ([1.0, 0.0], "█▁"),
        ([None, None], ""),
        ([1.0, None, 0.5], "█ ▄"),
        ([None, 1.0], " █"),
        ([1.7e308, -1.7e308], "█▁"),
        (list(range(1000)), "▁▁▁▂▂▃▃▄▄▅▅▆▆▇▇█"),
    ],
)
def test_the_curve_of_one_line(values, drawn):
    assert curve(values, 16) == drawn


def test_the_summary_is_one_line():
    assert text.summary(begun()).startswith(
        f"4 of {len(COURSE.modules)} modules complete, 1 of {ALL} milestones proven, "
        f"{begun().milestone_points} of {POINTS} points"
    )


# Badges


def title_of(svg):
    return ET.fromstring(svg).find("{http://www.w3.org/2000/svg}title").text


@pytest.mark.parametrize(
    ("sample", "count", "word"),
    [
        ("finished", f"{ALL}/{ALL}", "earned"),
        ("starter", f"0/{ALL}", "locked"),
        ("begun", f"1/{ALL}", "locked"),
        ("regressed", f"{ALL - 1}/{ALL}", "regressed"),
    ],
)
def test_badges_say_the_state_in_words(sample, count, word):
    files = badges.files(SAMPLES[sample]())
    assert json.loads(files["milestones.json"])["message"] == count
    assert json.loads(files[f"{LAST.id}.json"])["message"] == word
    assert f": {word}" in title_of(files[f"{LAST.id}.svg"])


@pytest.mark.parametrize(
    ("sample", "state"),
    [
        ("finished", badges.State.EARNED),
        ("starter", badges.State.LOCKED),
        ("begun", badges.State.UNLOCKED),
        ("regressed", badges.State.REGRESSED),
    ],
)
def test_the_badge_of_all_milestones_has_the_colour_of_what_matters_most(sample, state):
    told = json.loads(badges.files(SAMPLES[sample]())["milestones.json"])
    assert f"#{told['color']}" == state.colour


def test_a_badge_is_readable_without_eyes_and_without_our_font():
    root = ET.fromstring(badges.files(finished())[f"{LAST.id}.svg"])
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == root.find("{http://www.w3.org/2000/svg}title").get("id")
    texts = root.findall(".//{http://www.w3.org/2000/svg}text")
    assert [t.text for t in texts] == [LAST.name, "earned"]
    assert all(t.get("textLength") for t in texts)


def test_a_regressed_badge_names_who_earned_it():
    told = title_of(badges.files(regressed())[f"{LAST.id}.svg"])
    assert told == f"{LAST.name}: regressed, earned by {EARLIER[:10]} on 2026-10-01"


@pytest.mark.parametrize("state", badges.State)
def test_white_on_a_badge_can_be_read(state):
    """WCAG 2, contrast of at least 4.5 to 1."""
    channels = [int(state.colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) > 4.5


def test_a_hostile_name_is_text_in_an_svg():
    drawn = badges.svg(
        "</text><script>alert(1)</script>", "\u202eevil", badges.State.EARNED, "\"'<&>"
    )
    root = ET.fromstring(drawn)
    assert {e.tag.rpartition("}")[2] for e in root.iter()} == {
        "svg",
        "title",
        "linearGradient",
        "stop",
        "clipPath",
        "rect",
        "g",
        "path",
        "text",
    }


def test_an_earned_milestone_that_was_not_judged_stays_earned():
    verdict = next(iter(crashed().standing.milestones.values()))
    told = replace(verdict, earned=Earned(EARLIER, "2026-10-01"))
    assert verdict.evidence.checks[0].outcome is Outcome.FAULT
    assert badges.state(told) is badges.State.EARNED
