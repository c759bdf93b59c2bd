"""verdict.json from a job in which student code ran: believed in nothing that can be checked."""

from __future__ import annotations

import copy
import json
import os
import re
import sys

import pytest

from grader.github import artifact
from grader.reports import bounded
from grader.reports.formats import badges, markdown
from grader.reports.strict import Refused
from grader.verdicts.report import Trust
from tests.reports import samples
from tests.reports.samples import COMMIT, COURSE, SAMPLES, finished, starter

REPOSITORY = "ada/tinytorch"
LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def verdict(sample=finished):
    return json.loads(bounded.render("verdict", sample())["verdict.json"])


def read(raw, trust=Trust.CI):
    raw = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    return artifact.report(raw, COURSE, COMMIT, trust, REPOSITORY)


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_we_write_we_read(sample):
    report = SAMPLES[sample]()
    back = read(bounded.render("verdict", report)["verdict.json"])
    assert back.standing.achieved == report.standing.achieved
    assert back.standing.complete == report.standing.complete
    assert back.milestone_points == report.milestone_points
    flags = [v.flag for v in bounded.shortened(report, 500, 3).standing.milestones.values()]
    assert [v.flag for v in back.standing.milestones.values()] == flags
    assert {i: v.passed for i, v in back.standing.modules.items()} == {
        i: v.passed for i, v in report.standing.modules.items()
    }


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_field_is_lost_or_changed_by_reading_it(sample):
    files = bounded.render("verdict", SAMPLES[sample]())
    assert bounded.render("verdict", read(files["verdict.json"])) == files


def test_trust_and_names_are_the_readers_own():
    back = read(json.dumps(verdict()), Trust.ADVISORY)
    assert back.trust is Trust.ADVISORY
    assert back.title == COURSE.title
    assert [v.milestone for v in back.standing.milestones.values()] == list(COURSE.milestones)


# Refused: what is changed in a right verdict -> what the sentence says


def put(*path, value):
    """A change: the value at PATH."""

    def change(document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


def drop(*path):
    def change(document):
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return change


FIRST = COURSE.milestones[0]
LAST = COURSE.milestones.index(samples.LAST)
NEEDED = COURSE.milestones[LAST].needs[-1]
HOSTILE = [
    ("schema of tomorrow", put("schema", value="tinytorch/verdict/v2"), "schema should be one of"),
    ("schema is a list", put("schema", value=[]), "schema should be one of"),
    ("no schema", drop("schema"), "'schema' is missing"),
    ("forged trust", put("trust", value="authoritative"), "'trust' is not known"),
    ("forged points", put("milestones", 0, "points", value=9999), "'points' is not known"),
    ("forged earned", put("milestones", 0, "earned", value={}), "'earned' is not known"),
    (
        "unknown key with a line end",
        put("a\n::notice::x", value=1),
        r"'a\\n::notice::x' is not known",
    ),
    ("another commit", put("commit", value="0" * 40), "another commit"),
    ("short commit", put("commit", value="c0ffee"), "should be a commit id"),
    ("commit in capitals", put("commit", value=COMMIT.upper()), "should be a commit id"),
    ("commit with a line end", put("commit", value=COMMIT + "\n"), "should be a commit id"),
    ("commit is a number", put("commit", value=12), "should be a commit id"),
    ("rules are words", put("rules", value="main; rm -rf /"), "should be a commit id"),
    ("no modules", put("modules", value=[]), "does not list this course's"),
    ("modules are a table", put("modules", value={}), "should be a list"),
    (
        "a module twice",
        lambda d: d["modules"].append(d["modules"][0]),
        f"at most {len(COURSE.modules)} are read",
    ),
    (
        "10,000 milestones",
        put("milestones", value=[{}] * 10_000),
        f"10,000 entries; at most {len(COURSE.milestones)}",
    ),
    ("10,000 checks", put("modules", 0, "checks", value=[{}] * 10_000), "at most 400 are read"),
    (
        "10,000 loss values",
        put("milestones", 0, "measures", "loss", value=[1] * 10_000),
        "at most 32",
    ),
    ("unknown milestone", put("milestones", 0, "id", value="gpt"), "should be one of"),
    (
        "milestones in another order",
        lambda d: d["milestones"].reverse(),
        "does not list this course's",
    ),
    ("id is null", put("milestones", 0, "id", value=None), "should be one of"),
    ("id is a table", put("milestones", 0, "id", value={}), "should be one of"),
    ("unknown state", put("milestones", 0, "state", value="won"), "should be one of"),
    ("state is true", put("milestones", 0, "state", value=True), "should be one of"),
    ("ran is 1", put("milestones", 0, "ran", value=1), "should be true or false"),
    ("tests is true", put("modules", 0, "tests", value=True), "a whole number"),
    ("tests is a float", put("modules", 0, "tests", value=14.0), "a whole number"),
    ("tests is negative", put("modules", 0, "tests", value=-1), "a whole number"),
    ("tests is a text", put("modules", 0, "tests", value="14"), "a whole number"),
    (
        "accuracy is a text",
        put("milestones", 0, "measures", "accuracy_percent", value="99"),
        "a number",
    ),
    (
        "accuracy is true",
        put("milestones", 0, "measures", "accuracy_percent", value=True),
        "a number",
    ),
    (
        "a share of three",
        put("milestones", 0, "measures", "gradients", value=[1, 2, 3]),
        "at most 2",
    ),
    (
        "a share of floats",
        put("milestones", 0, "measures", "gradients", value=[1.5, 2]),
        "a whole number",
    ),
    ("measures lack a key", drop("milestones", 0, "measures", "loss"), "'loss' is missing"),
    ("unknown outcome", put("modules", 0, "checks", 0, "outcome", value="won"), "should be one of"),
    (
        "a name with a line end",
        put("modules", 0, "checks", 0, "name", value="x\n::notice::y"),
        "a name in one line",
    ),
    (
        "a name with an escape",
        put("modules", 0, "checks", 0, "name", value="\x1b[31m"),
        "a name in one line",
    ),
    ("no name", put("modules", 0, "checks", 0, "name", value=""), "a name in one line"),
    (
        "a very long name",
        put("modules", 0, "checks", 0, "name", value="x" * 5000),
        "a name in one line",
    ),
    (
        "a check twice",
        lambda d: d["modules"][0]["checks"].__setitem__(1, d["modules"][0]["checks"][0]),
        "listed twice",
    ),
    ("a long message", put("modules", 0, "checks", 0, "message", value="x" * 5000), "at most 600"),
    (
        "a message is a list",
        put("modules", 0, "checks", 0, "message", value=["x"]),
        "should be a text",
    ),
    ("problem is a text", put("problem", value="x"), "should be a table"),
    (
        "problem beside proofs",
        put("problem", value={"what": "x", "hint": "y"}),
        "a problem, and that something is proven",
    ),
    ("replaced by the hundred", put("replaced", value=["x"] * 100), "at most 20 are read"),
    (
        "proven without its claims",
        put("milestones", LAST, "checks", value=[]),
        "not all of its claims hold",
    ),
    (
        "proven with a failed claim",
        put("milestones", 0, "checks", 0, "outcome", value="failed"),
        "not all of its claims",
    ),
    (
        "proven with a failed proof",
        put("milestones", 0, "checks", 4, "outcome", value="failed"),
        "not all of its claims",
    ),
    ("proven, and never run", put("milestones", 0, "ran", value=False), "of a run that was not"),
    (
        "proven on a broken module",
        put("modules", 0, "state", value="in progress"),
        "is not complete",
    ),
    (
        "proven and locked",
        put("milestones", 0, "missing", value=["00_setup"]),
        "locked and unlocked at once",
    ),
    (
        "lacks what it does not need",
        put("milestones", 0, "missing", value=["12_attention"]),
        "does not need",
    ),
    (
        "complete, and a test fails",
        put("modules", 0, "checks", 0, "outcome", value="failed"),
        "its tests do not pass",
    ),
    (
        "complete without tests",
        lambda d: d["modules"][0].update(tests=0, checks=[]),
        "its tests do not pass",
    ),
    (
        "more passes than tests",
        put("modules", 0, "tests", value=3),
        "more tests pass than there are",
    ),
    (
        "waits for what it does not need",
        put("modules", 0, "waits_for", value=["12_attention"]),
        "does not need",
    ),
    ("complete, and waits", put("modules", 1, "waits_for", value=["00_setup"]), "waits and does"),
    ("blocked by nothing", put("modules", 1, "state", value="blocked"), "waits and does not wait"),
    (
        "waits for one twice",
        put("modules", 1, "waits_for", value=["00_setup", "00_setup"]),
        "names something twice",
    ),
    (
        "more passes than tests, unlisted",
        put("modules", 0, "unlisted", value=1),
        "more tests pass than there are",
    ),
    ("unlisted is true", put("modules", 0, "unlisted", value=True), "a whole number"),
    ("unlisted is negative", put("modules", 0, "unlisted", value=-1), "a whole number"),
    ("a flag that is no text", put("milestones", 0, "flag", value=["x"]), "should be a text"),
    ("a flag of a book", put("milestones", 0, "flag", value="x" * 601), "601 characters"),
    ("schema of yesterday", put("schema", value="tinytorch/verdict/v0"), "should be one of"),
    ("schema, almost", put("schema", value="tinytorch/verdict/v1\u200b"), "should be one of"),
    ("schema of a number", put("schema", value=1), "should be one of"),
    ("another repository", put("repository", value="mallory/x"), "'repository' is not known"),
    ("another run", put("run_id", value=1), "'run_id' is not known"),
    ("commit of 64 digits", put("commit", value="0" * 64), "another commit"),
    ("commit in full width", put("commit", value="\uff10" * 40), "should be a commit id"),
    ("rules are null", put("rules", value=None), "should be a commit id"),
    ("rules of 41 digits", put("rules", value="a" * 41), "should be a commit id"),
    ("replaced are numbers", put("replaced", value=[1]), "should be a text"),
    ("replaced is nested", put("replaced", value=[[["x"]]]), "should be a text"),
    (
        "a problem with more",
        put("problem", value={"what": "", "hint": "", "by": ""}),
        "'by' is not",
    ),
    ("a problem without a hint", put("problem", value={"what": "x"}), "'hint' is missing"),
    (
        "a problem with a list",
        put("problem", value={"what": ["x"], "hint": ""}),
        "should be a text",
    ),
    ("a check is a text", put("modules", 0, "checks", 0, value="passed"), "should be a table"),
    ("a check with points", put("modules", 0, "checks", 0, "points", value=9), "'points' is not"),
    ("a place is a number", put("modules", 0, "checks", 0, "where", value=7), "should be a text"),
    ("a name is null", put("modules", 0, "checks", 0, "name", value=None), "a name in one line"),
    ("a module is a milestone", put("modules", 0, "id", value=FIRST.id), "should be one of"),
    ("a module is another", put("modules", 0, "id", value="01_tensor"), "does not list this"),
    ("tests in words", put("modules", 0, "tests", value=1e2), "a whole number"),
    ("measures are a list", put("milestones", 0, "measures", value=[]), "should be a table"),
    ("one measure more", put("milestones", 0, "measures", "score", value=1), "'score' is not"),
    ("loss is null", put("milestones", 0, "measures", "loss", value=None), "should be a list"),
    ("loss is nested", put("milestones", 0, "measures", "loss", value=[[1]]), "a number"),
    ("loss is true", put("milestones", 0, "measures", "loss", value=[True]), "a number"),
    (
        "accuracy beyond all",
        put("milestones", 0, "measures", "accuracy_percent", value=1e308),
        "a number from 0 to 100",
    ),
    (
        "accuracy below nothing",
        put("milestones", 0, "measures", "accuracy_percent", value=-0.001),
        "a number from 0 to 100",
    ),
    (
        "the loss falls below zero",
        put("milestones", 0, "measures", "loss_fall_percent", value=101),
        "a number from -inf to 100",
    ),
    (
        "more gradients than there are",
        put("milestones", 0, "measures", "gradients", value=[5, 4]),
        r"should be \[some, all\]",
    ),
    (
        "a share of one",
        put("milestones", 0, "measures", "updates", value=[4]),
        r"should be \[some, all\]",
    ),
    (
        "a share of bools",
        put("milestones", 0, "measures", "updates", value=[True, True]),
        "a whole number",
    ),
    (
        "proven with 3 %",
        put("milestones", 0, "measures", "accuracy_percent", value=3),
        "accuracy_percent is not > 90 %",
    ),
    (
        "proven with just too little",
        put("milestones", 0, "measures", "loss_fall_percent", value=50),
        "loss_fall_percent is not > 50 %",
    ),
    (
        "proven, and not measured",
        put("milestones", 0, "measures", "accuracy_percent", value=None),
        "accuracy_percent is not > 90 %",
    ),
    (
        "proven without a gradient",
        put("milestones", 0, "measures", "gradients", value=[3, 4]),
        "not all gradients",
    ),
    (
        "proven by no parameter",
        put("milestones", 0, "measures", "updates", value=[0, 0]),
        "not all updates",
    ),
    (
        "locked by what is complete",
        lambda d: d["milestones"][0].update(
            state="locked", missing=["00_setup"], ran=False, checks=[]
        ),
        "says something else about 00_setup",
    ),
    (
        "unlocked by what is broken",
        lambda d: [
            d["milestones"][LAST].update(state="unlocked"),
            next(m for m in d["modules"] if m["id"] == NEEDED).update(state="in progress"),
        ],
        f"says something else about {NEEDED}",
    ),
]


@pytest.mark.parametrize(("change", "says"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_a_hostile_verdict_is_refused_with_a_sentence(change, says):
    document = copy.deepcopy(verdict())
    change(document)
    with pytest.raises(Refused, match=says) as refused:
        read(json.dumps(document))
    assert "\n" not in refused.value.what
    assert refused.value.what.isascii()
    assert len(refused.value.what) < 250


RIGHT = json.dumps(verdict())
RAW = [
    ("nothing", b"", "is not JSON"),
    ("no JSON", b"hello", "is not JSON"),
    ("a list", b"[]", "should be a table"),
    ("null", b"null", "should be a table"),
    ("a number", b"12", "should be a table"),
    ("no UTF-8", b"\xff\xfe{}", "is not UTF-8"),
    ("UTF-16", RIGHT.encode("utf-16"), "is not UTF-8"),
    ("NaN", RIGHT.replace("0.01", "NaN", 1).encode(), "holds NaN"),
    ("Infinity", RIGHT.replace("0.01", "Infinity", 1).encode(), "holds Infinity"),
    ("-Infinity", RIGHT.replace("0.01", "-Infinity", 1).encode(), "holds -Infinity"),
    ("1e999", RIGHT.replace("0.01", "1e999", 1).encode(), "a finite number"),
    ("a key twice", RIGHT.replace('"rules"', '"schema": "x", "rules"', 1).encode(), "a key twice"),
    ("a huge integer", RIGHT.replace("0.01", "9" * 5000, 1).encode(), "a number of 5000 digits"),
    ("deep brackets", b"[" * 30_000, "nested too deeply"),
    ("deep tables", b'{"a":' * 10_000, "nested too deeply"),
    ("huge", b" " * 70_000 + RIGHT.encode(), "at most 65,536 are read"),
    ("two documents", RIGHT.encode() * 2, "is not JSON"),
    ("a comment", b"// x\n" + RIGHT.encode(), "is not JSON"),
    ("a byte order mark", b"\xef\xbb\xbf" + RIGHT.encode(), "is not JSON"),
    ("UTF-16 without a mark", RIGHT.encode("utf-16-le"), "is not JSON"),
    ("UTF-32", RIGHT.encode("utf-32"), "is not UTF-8"),
    ("a surrogate in UTF-8", b'{"schema": "\xed\xa0\x80"}', "is not UTF-8"),
    ("an overlong slash", b'{"schema": "\xc0\xaf"}', "is not UTF-8"),
    ("a zero byte behind it", RIGHT.encode() + b"\0", "is not JSON"),
    ("a line end in a text", b'{"schema": "a\nb"}', "is not JSON"),
    ("a comma too many", b'{"schema": "x",}', "is not JSON"),
    ("an open text", b'{"schema": "x', "is not JSON"),
    ("half of it", RIGHT.encode()[: len(RIGHT) // 2], "is not JSON"),
    ("a hexadecimal number", RIGHT.replace("0.01", "0x10", 1).encode(), "is not JSON"),
    ("a number with a plus", RIGHT.replace("0.01", "+1", 1).encode(), "is not JSON"),
    ("a number with a leading zero", RIGHT.replace("0.01", "01", 1).encode(), "is not JSON"),
    ("-1e999", RIGHT.replace("0.01", "-1e999", 1).encode(), "a finite number"),
    ("19 digits", RIGHT.replace("0.01", "9" * 19, 1).encode(), "a number of 19 digits"),
    (
        "a key twice, deep inside",
        RIGHT.replace(
            '"outcome": "passed"', '"outcome": "failed", "outcome": "passed"', 1
        ).encode(),
        "a key twice",
    ),
    (
        "a key twice, once in disguise",
        RIGHT.replace('"rules"', '"\\u0072ules": "", "rules"', 1).encode(),
        "a key twice",
    ),
    ("many unknown keys", json.dumps({f"k{i}": 0 for i in range(4000)}).encode(), "is not known"),
    ("a zip archive", b"PK\x03\x04\x14\x00../../x\xff", "is not UTF-8"),
    ("a pickle", b"\x80\x04\x95\x0f.", "is not UTF-8"),
    ("a Python literal", b"{'schema': 'tinytorch/verdict/v1'}", "is not JSON"),
    ("YAML", b"schema: !!python/object/apply:os.system [id]", "is not JSON"),
    ("a text", b'"tinytorch/verdict/v1"', "should be a table"),
    ("true", b"true", "should be a table"),
    ("an empty table", b"{}", "'schema' is missing"),
]


@pytest.mark.parametrize(("raw", "says"), [r[1:] for r in RAW], ids=[r[0] for r in RAW])
def test_hostile_bytes_are_refused_with_a_sentence(raw, says):
    with pytest.raises(Refused, match=says):
        read(raw)


# Neutralised: text that a student may write, and that must not be obeyed

TEXTS = [
    ("markup", "<script>alert(1)</script><img src=x onerror=alert(1)>"),
    ("a mention of everyone", "@everyone and @octocat, see #1"),
    ("right to left", "\u202egpj.evil\u202c \u2066x\u2069"),
    ("a workflow command", "\n::notice title=Autograding report::{}\n##[error]x"),
    ("a code span that ends", "` ``` </code></pre> **bold**"),
    ("a table that ends", "| a | b |\n|---|---|\n\n# heading"),
    ("a link", "[click](https://evil.example) ![x](https://evil.example/x.png)"),
    ("an escape", "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07"),
    ("a lone surrogate", "\ud800\udc00 \udfff"),
    ("a comment marker", "<!-- tinytorch:milestones -->"),
    ("a footnote", "[^1]\n\n[^1]: bold"),
    ("a heading below", "notice\n===\n\nbold\n---"),
    ("an emoji's name", ":bold: :notice:"),
    ("a reference", "GH-1 notice/bold#1 c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff"),
    ("an address", "https://evil.example www.evil.example notice@evil.example"),
    ("mathematics", "$\\bold{x}$ $$notice$$"),
    ("an alert", "> [!CAUTION]\n> notice"),
    ("ticks without end", "`" * 600),
    ("eight ticks and a fence", "````````\n```\nbold\n~~~"),
    ("nothing but blanks", " \t\u3000\u3164\u2800 "),
    ("letters without ink", "\u115f\u1160\u3164\uffa0notice"),
    ("a tower of accents", "n\u0300" + "\u0301" * 500 + "otice"),
]
INVISIBLE = set("\u202e\u202c\u2066\x1b\x07\ud800\u3164\u115f\u1160\uffa0\u2800\x9b")


ONE_LINE = dict.fromkeys([*range(32), 127], " ")


def test_numbers_at_the_edge_are_shown_and_break_nothing():
    document = verdict(starter)
    document["milestones"][0]["ran"] = True
    measures = document["milestones"][0]["measures"]
    measures |= {"accuracy_percent": -0.0, "loss_fall_percent": -1.7e308}
    measures |= {"first_loss": 5e-324, "last_loss": 1.7e308, "loss": [1.7e308, -1.7e308, -0.0]}
    page = markdown.document(read(json.dumps(document)))
    assert "+1.7e+308" in page
    assert "-0.0" not in page
    assert all(len(line) < 400 for line in page.splitlines())


@pytest.mark.parametrize("text", [t[1] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_hostile_text_is_shown_as_text(text):
    document = verdict(starter)
    document["modules"][0]["checks"][0].update(
        outcome="failed", title=text, message=text, hint=text, where=text
    )
    document["modules"][0]["state"] = "in progress"
    document["replaced"] = [text[:600]]
    document["modules"][0]["checks"][1]["name"] = f"{text[:60]}\x9b\u202e".translate(ONE_LINE)
    report = read(json.dumps(document))
    page = markdown.document(bounded.shortened(report, 1000, 20))
    outside = re.sub(r"(`{3,})text\n.*?\n\1|(`+).*?\2", "", page, flags=re.DOTALL)
    for sign in ("script", "onerror", "@", "evil.example", "notice", "bold", "# heading", "<!--"):
        assert sign not in outside
    assert not INVISIBLE & set(page)
    assert "\u0301" * 4 not in page
    assert all("evil" not in svg for svg in badges.files(report).values())


@pytest.mark.parametrize("text", [t[1] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_a_hostile_flag_is_shown_as_text(text):
    document = verdict()
    document["milestones"][0]["flag"] = f"look {text}"[:600]
    page = markdown.document(bounded.shortened(read(json.dumps(document)), 1000, 20))
    (line,) = [line for line in page.splitlines() if line.startswith("> **")]
    assert re.fullmatch(r"> \*\*[^*]+\*\*: (`+)(?!`) ?look.*(?<!`)\1", line)
    assert not INVISIBLE & set(page)


# The folder


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "verdict"
    made.mkdir()
    return made


def test_the_one_file_is_read(folder):
    (folder / "verdict.json").write_text(RIGHT)
    assert artifact.read(folder) == RIGHT.encode()


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(Refused, match="left no verdict"):
        artifact.read(tmp_path / "nowhere")


def test_an_empty_folder_is_said(folder):
    with pytest.raises(Refused, match="left no verdict"):
        artifact.read(folder)


def test_another_file_beside_it_is_refused(folder):
    (folder / "verdict.json").write_text(RIGHT)
    (folder / "a.svg").write_text("<svg/>")
    with pytest.raises(Refused, match="nothing else"):
        artifact.read(folder)


@pytest.mark.parametrize(
    "path",
    [".verdict.json", "VERDICT.JSON", "verdict.json ", "verdict/verdict.json", "verdict.json.gz"],
)
def test_a_file_of_almost_that_name_is_refused(folder, path):
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(RIGHT)
    with pytest.raises(Refused, match="nothing else"):
        artifact.read(folder)


def test_10000_files_are_refused_without_being_listed(folder):
    for i in range(10_000):
        (folder / str(i)).touch()
    with pytest.raises(Refused, match="nothing else"):
        artifact.read(folder)


@LINKS
def test_a_symbolic_link_is_refused(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(RIGHT)
    (folder / "verdict.json").symlink_to(secret)
    with pytest.raises(Refused, match="not a regular file"):
        artifact.read(folder)


@LINKS
def test_a_link_to_nowhere_is_refused(folder):
    (folder / "verdict.json").symlink_to("/nowhere")
    with pytest.raises(Refused, match="not a regular file"):
        artifact.read(folder)


def test_a_folder_of_that_name_is_refused(folder):
    (folder / "verdict.json").mkdir()
    with pytest.raises(Refused, match="not a regular file"):
        artifact.read(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(folder):
    os.mkfifo(folder / "verdict.json")
    with pytest.raises(Refused, match="not a regular file"):
        artifact.read(folder)


def test_a_huge_file_is_refused_without_being_read(folder):
    with (folder / "verdict.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(Refused, match="at most 65,536 are read"):
        artifact.read(folder)
