"""Every ledger remembers what it was given, or forgets it; it never invents and never fails."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from grader.files import write_whole
from grader.grading import ledgers
from grader.grading.ledgers import LEDGERS
from grader.grading.ledgers.files import FileLedger
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.measures import Measures

KEY = "a" * 64
OTHER = "b" * 64
CHECKS = (
    CheckResult("test_one", "One is one.", Outcome.PASSED, reached=False),
    CheckResult(
        "test_two", "Two.", Outcome.FAILED, "got\n1 é \ud800", "try 2", "a.py:3: x", "out\x00"
    ),
)
EVIDENCE = Evidence(KEY, "00_one", CHECKS, Measures(loss=(1.0, 0.5)), 1.25)


@pytest.fixture(params=sorted(LEDGERS))
def ledger(request, tmp_path):
    return ledgers.ledger(request.param, tmp_path / "tito")


@pytest.fixture
def directory(tmp_path) -> Path:
    return tmp_path / "tito"


@pytest.fixture
def files(directory) -> FileLedger:
    return FileLedger(directory)


# What every ledger does


def test_evidence_comes_back_as_it_was_given(ledger):
    ledger.put(EVIDENCE)
    assert ledger.get(KEY) == EVIDENCE


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.FAULT])
def test_every_outcome_comes_back(ledger, outcome):
    evidence = Evidence(KEY, "x", (CheckResult("c", "C.", outcome),))
    ledger.put(evidence)
    assert ledger.get(KEY) == evidence


def test_nothing_is_known_of_another_key(ledger):
    ledger.put(EVIDENCE)
    assert ledger.get(OTHER) is None


def test_the_last_evidence_of_a_key_counts(ledger):
    again = Evidence(KEY, "00_one", CHECKS[:1])
    ledger.put(EVIDENCE)
    ledger.put(again)
    assert ledger.get(KEY) == again


def test_a_fault_of_ours_is_not_remembered(ledger):
    ledger.put(Evidence(KEY, "x", (*CHECKS, CheckResult("c", "C.", Outcome.FAULT))))
    assert ledger.get(KEY) is None


def test_the_first_proof_of_a_milestone_is_the_one_that_counts(ledger):
    assert ledger.earned("early") is None
    ledger.earn("early", Earned("c1", "2026-01-01T00:00:00+00:00"))
    ledger.earn("early", Earned("c2", "2026-02-02T00:00:00+00:00"))
    assert ledger.earned("early") == Earned("c1", "2026-01-01T00:00:00+00:00")
    assert ledger.earned("late") is None


def test_a_memo_comes_back(ledger):
    assert ledger.recall("name") is None
    ledger.memo("name", {"a": [1, "é"], "b": None})
    assert ledger.recall("name") == {"a": [1, "é"], "b": None}
    assert ledger.recall("other") is None


# What lies on disk


def path_of(directory: Path) -> Path:
    (path,) = (directory / "evidence").iterdir()
    return path


def test_another_process_reads_what_was_written(directory, files):
    files.put(EVIDENCE)
    assert FileLedger(directory).get(KEY) == EVIDENCE


def test_a_file_is_plain_json_for_people(directory, files):
    files.put(EVIDENCE)
    stored = json.loads(path_of(directory).read_text(encoding="ascii"))
    assert (stored["key"], stored["checks"][0]["outcome"]) == (KEY, "passed")


def changed(**fields) -> bytes:
    """The file of EVIDENCE with other FIELDS."""
    check = {"name": "a", "title": "A.", "outcome": "passed", "message": "", "hint": ""}
    stored = {
        "key": KEY,
        "subject": "x",
        "checks": [{**check, "where": "", "output": ""}],
        "measures": {},
        "duration_s": 1.0,
    }
    return json.dumps({**stored, **fields}).encode()


def check(**fields) -> bytes:
    return changed(checks=[{**json.loads(changed())["checks"][0], **fields}])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0" * 400, id="zeros, as after a power cut"),
        pytest.param(changed()[:-20], id="cut off"),
        pytest.param(b"\xff\xfe{}", id="not text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="100,000 brackets"),
        pytest.param(b"1" * 10_000, id="10,000 digits"),
        pytest.param(changed(key=OTHER), id="wrong key inside"),
        pytest.param(changed(checks=None), id="no checks"),
        pytest.param(changed(checks={"a": 1}), id="checks are a mapping"),
        pytest.param(changed(checks=["passed"]), id="checks are words"),
        pytest.param(changed(subject=7), id="subject is a number"),
        pytest.param(changed(measures=[]), id="measures are a list"),
        pytest.param(changed(measures={"gradients": 4}), id="half a measurement"),
        pytest.param(changed(duration_s="long"), id="duration is a word"),
        pytest.param(check(outcome="excellent"), id="unknown outcome"),
        pytest.param(check(outcome=None), id="no outcome"),
        pytest.param(check(outcome="fault"), id="a fault"),
        pytest.param(check(message=None), id="message is null"),
        pytest.param(check(name=["a"]), id="name is a list"),
        pytest.param(check(reached="yes"), id="reached is a word"),
        pytest.param(check(added_by_a_newer_version=1), id="check with a new field"),
        pytest.param(json.dumps({"key": KEY}).encode(), id="fields are missing"),
    ],
)
def test_a_damaged_file_counts_as_absent_and_is_replaced(directory, files, content):
    files.put(EVIDENCE)
    path_of(directory).write_bytes(content)
    assert files.get(KEY) is None
    files.put(EVIDENCE)
    assert files.get(KEY) == EVIDENCE


def test_a_field_that_a_newer_version_added_does_not_hurt(directory, files):
    files.put(EVIDENCE)
    path_of(directory).write_bytes(changed(added_by_a_newer_version={"x": 1}))
    assert files.get(KEY).checks[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="nothing in it"),
        pytest.param('{"commit": "c"}', id="half"),
        pytest.param('{"commit": 7, "when": "x"}', id="number for a commit"),
        pytest.param("[1]", id="list"),
    ],
)
def test_a_damaged_record_of_a_milestone_counts_as_absent(directory, files, content):
    files.earn("early", Earned("c", "w"))
    (directory / "earned" / "early.json").write_text(content)
    assert files.earned("early") is None
    files.earn("early", Earned("c2", "w2"))
    assert files.earned("early") == Earned("c2", "w2")


def test_a_directory_in_place_of_a_file_counts_as_absent(directory, files):
    (directory / "evidence" / f"{KEY}.json").mkdir(parents=True)
    assert files.get(KEY) is None
    files.put(EVIDENCE)
    assert not files.writable


def test_a_ledger_that_cannot_be_written_says_so_and_does_not_fail(directory):
    directory.write_text("a file where the directory should be")
    ledger = FileLedger(directory)
    ledger.put(EVIDENCE)
    ledger.earn("early", Earned("c", "w"))
    ledger.memo("name", {})
    assert not ledger.writable
    assert (ledger.get(KEY), ledger.earned("early"), ledger.recall("name")) == (None, None, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_ledger_without_permission_says_so_and_does_not_fail(directory, files):
    directory.mkdir(mode=0o500)
    files.put(EVIDENCE)
    assert not files.writable


def test_asking_writes_nothing(directory, files):
    assert (files.get(KEY), files.earned("early"), files.recall("x")) == (None, None, None)
    assert not directory.exists()


def _write_many(directory: Path, writer: int) -> None:
    ledger = FileLedger(directory)
    for turn in range(30):
        message = f"{writer} {turn} " * 2000
        ledger.put(Evidence(KEY, "x", (CheckResult("c", "C.", Outcome.FAILED, message),)))
        ledger.earn("early", Earned(f"c{writer}", "w"))
        assert ledger.get(KEY) is not None, "a reader saw a part"
        assert ledger.writable


def test_several_processes_write_at_once_and_readers_see_whole_files(directory):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(directory, n)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0, 0, 0, 0]
    assert FileLedger(directory).earned("early").commit in {"c0", "c1", "c2", "c3"}
    assert [p.name for p in (directory / "evidence").iterdir()] == [f"{KEY}.json"]


def test_a_write_that_fails_leaves_the_old_content_and_no_litter(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208  # names
