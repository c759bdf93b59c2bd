"""course.yaml: what is read from it, and what is said when it is broken."""

from __future__ import annotations

import functools
import re
import time
from pathlib import Path

import pytest
import yaml

from grader.errors import CourseError, UsageError
from grader.rules import reading
from grader.rules.course import Threshold
from grader.rules.reading import MAX_COURSE_BYTES
from tests.grader.small_course import RULES, course

ROOT = Path(__file__).parents[2]


def changed(old: str, new: str) -> bytes:
    """RULES with the one place that says OLD saying NEW."""
    assert RULES.count(old) == 1, f"{old!r} stands {RULES.count(old)} times in RULES"
    return RULES.replace(old, new).encode()


@functools.cache  # three tests look at each error
def refusal(raw: bytes) -> CourseError:
    with pytest.raises(CourseError) as caught:
        reading.parse(raw, Path("/nowhere"))
    return caught.value


def test_the_course_of_this_repository_reads_as_its_table_says():
    read, table = reading.load(ROOT), yaml.safe_load((ROOT / "course.yaml").read_text())
    assert [(m.id, m.title, list(m.needs), m.points) for m in read.modules] == [
        (row["id"], row["title"], row["needs"], row["points"]) for row in table["modules"]
    ]
    assert [(m.id, m.name, str(m.accuracy), m.points) for m in read.milestones] == [
        (row["id"], row["name"], row["accuracy"], row["points"]) for row in table["milestones"]
    ]
    assert {str(m.loss_falls) for m in read.milestones} == {table["loss_falls"]}


def test_paths_are_derived_from_the_id():
    module = course().module("01_two")
    assert (module.number, module.name) == ("01", "two")
    assert module.path == "modules/01_two/two.py"
    assert module.starter_path == "starters/01_two/two.py"


def test_a_milestone_names_the_test_that_verifies_it():
    node = "tests/milestones/test_learning_verification.py::test_late_learning"
    assert course().milestone("late").test == node


@pytest.mark.parametrize("wanted", ["01_two", "01", "1", "two"])
def test_a_module_is_found_by_id_number_and_name(wanted):
    assert course().module(wanted).id == "01_two"


def test_module_zero_is_found_by_its_number_without_zeros():
    assert course().module("0").id == "00_one"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        pytest.param("01_twoo", "Did you mean '01_two'?", id="misspelt"),
        pytest.param("99", "Known: 00_one, 01_two, 02_three", id="nothing like it"),
        pytest.param("", "Known: 00_one", id="empty"),
    ],
)
def test_an_unknown_module_is_a_usage_error_with_a_suggestion(wanted, hint):
    with pytest.raises(UsageError, match=f"no module '{wanted}'") as caught:
        course().module(wanted)
    assert hint in caught.value.hint


def test_an_unknown_milestone_is_a_usage_error_with_a_suggestion():
    with pytest.raises(UsageError, match="no milestone 'earl'") as caught:
        course().milestone("earl")
    assert caught.value.hint == "Did you mean 'early'?"


@pytest.mark.parametrize(
    ("rule", "measured", "holds"),
    [
        pytest.param(Threshold(90.0, strict=True), 90.0, False, id="more than 90 is not 90"),
        pytest.param(Threshold(90.0, strict=True), 90.1, True, id="more than 90"),
        pytest.param(Threshold(100.0, strict=False), 100.0, True, id="all"),
        pytest.param(Threshold(100.0, strict=False), 99.9, False, id="nearly all"),
        pytest.param(Threshold(0.0, strict=False), float("nan"), False, id="not a number"),
        pytest.param(Threshold(50.0, strict=True), float("nan"), False, id="not a number, strict"),
    ],
)
def test_a_threshold_holds_only_for_what_reaches_it(rule, measured, holds):
    assert rule.holds(measured) is holds


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param('"> 90 %"', Threshold(90.0, strict=True), id="more than"),
        pytest.param('">90%"', Threshold(90.0, strict=True), id="without spaces"),
        pytest.param('">= 90 %"', Threshold(90.0, strict=False), id="at least"),
        pytest.param("90 %", Threshold(90.0, strict=False), id="bare"),
        pytest.param('"99.5 %"', Threshold(99.5, strict=False), id="with a point"),
    ],
)
def test_a_threshold_is_read_as_it_is_written(text, rule):
    read = reading.parse(changed('accuracy: "> 90 %"', f"accuracy: {text}"), Path("/nowhere"))
    assert read.milestone("early").accuracy == rule


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(RULES.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + RULES.encode(), id="BOM"),
        pytest.param(RULES.rstrip("\n").encode(), id="no newline at the end"),
        pytest.param(b"---\n" + RULES.encode() + b"...\n", id="document marks"),
        pytest.param(b"# a comment\n\n" + RULES.encode(), id="comment first"),
        pytest.param(changed("story: The first thing that worked", "story: Ça marche ✓"), id="é"),
        pytest.param(changed("needs: []", "needs:\n      []"), id="list on the next line"),
    ],
)
def test_how_the_file_is_saved_does_not_change_the_course(raw):
    read = reading.parse(raw, Path("/nowhere"))
    assert [m.id for m in read.modules] == ["00_one", "01_two", "02_three"]
    assert [m.points for m in read.milestones] == [20, 40]


# raw, words of the line that is meant, words of the message, words of the hint
BROKEN = [
    pytest.param(
        changed("title: The second number", "titel: The second number"),
        "titel",
        "'title' is missing",
        "Rename 'titel' to 'title'.",
        id="misspelt key of a module",
    ),
    pytest.param(
        changed("proves: that one is enough", "prooves: that one is enough"),
        "prooves",
        "'proves' is missing",
        "Rename 'prooves' to 'proves'.",
        id="misspelt key of a milestone",
    ),
    pytest.param(
        changed("loss_falls:", "loss_fall:"),
        "loss_fall:",
        "'loss_falls' is missing",
        "Rename 'loss_fall' to 'loss_falls'.",
        id="misspelt key at the top",
    ),
    pytest.param(
        changed("course: Small", "course: Small\nlanguage: python"),
        "language",
        "'language' is not known here",
        "Known keys: course, version",
        id="key that nobody reads",
    ),
    pytest.param(
        changed("title: The second number", "title: The second number\n    title: Again"),
        "Again",
        "'title' appears twice (first in line 10)",
        "Remove one",
        id="repeated key",
    ),
    pytest.param(
        RULES.encode() + b"modules: []\n",
        "modules: []",
        "'modules' appears twice",
        "Remove one",
        id="repeated key at the top",
    ),
    pytest.param(
        changed("    title: The second number\n", ""),
        "id: 01_two",
        "'title' is missing",
        "Add 'title:'.",
        id="missing key",
    ),
    pytest.param(
        changed("version: 1\n", ""),
        "course: Small",
        "'version' is missing",
        "Add 'version:'.",
        id="missing key at the top",
    ),
    pytest.param(
        changed("points: 5", "points: five"),
        "five",
        "'points' should be a whole number",
        "points: 5",
        id="word for a number",
    ),
    pytest.param(
        changed("points: 5", "points: -5"), "-5", "whole number", "points: 5", id="negative points"
    ),
    pytest.param(
        changed("points: 5", "points: true"), "true", "whole number", "points: 5", id="bool points"
    ),
    pytest.param(
        changed("points: 5", "points: 5.5"), "5.5", "whole number", "points: 5", id="half points"
    ),
    pytest.param(
        changed("points: 5", "points: '7'"), "'7'", "whole number", "points: 7", id="quoted points"
    ),
    pytest.param(
        changed("points: 5", "points: 1_000"), "1_000", "whole", "points: 5", id="grouped digits"
    ),
    pytest.param(
        changed("points: 5", "points: 0x10"), "0x10", "whole number", "points: 5", id="hex points"
    ),
    pytest.param(
        changed("points: 5", "points: 10001"), "10001", "10000", "points: 5", id="too many points"
    ),
    pytest.param(
        changed("points: 5", f"points: {'9' * 5000}"),
        "999",
        "whole number",
        "points: 5",
        id="5,000 digits",
    ),
    pytest.param(
        changed("points: 5", "points:"), "points:", "whole number", "points: 5", id="empty points"
    ),
    pytest.param(
        changed("title: The second number", "title: 1957"),
        "title: 1957",
        "'title' should be text",
        'Write title: "1957"',
        id="number for text",
    ),
    pytest.param(
        changed("title: The second number", "title:"),
        "title:",
        "'title' is empty",
        "Write some words after title:",
        id="no text",
    ),
    pytest.param(
        changed("title: The second number", f"title: {'x' * 201}"),
        "title: xxx",
        "'title' has 201 characters",
        "at most 200",
        id="a title that no table can show",
    ),
    pytest.param(
        changed("title: The second number", "title: ''"),
        "title: ''",
        "'title' is empty",
        "after title:",
        id="empty text",
    ),
    pytest.param(
        changed("title: The second number", "title: [a]"),
        "title: [a]",
        "'title' should be text",
        "Write title:",
        id="list for text",
    ),
    pytest.param(
        changed("title: The second number", 'title: "a\\eb"'),
        "title: ",
        "control characters",
        "words after title:",
        id="escape character",
    ),
    pytest.param(
        changed("needs: []", "needs: none"),
        "needs: none",
        "'needs' should be a list",
        "Write needs: [00_setup",
        id="word for a list",
    ),
    pytest.param(
        changed("needs: []", "needs: {00_one: 1}"),
        "needs: {",
        "'needs' should be a list",
        "Write needs: [",
        id="mapping for a list",
    ),
    pytest.param(
        changed("needs: []", "needs: [[00_one]]"),
        "needs: [[",
        "'needs' should be a list",
        "Write needs: [",
        id="list in a list",
    ),
    pytest.param(
        b'course: Small\nversion: 1\nloss_falls: "> 50 %"\nmodules:\n  a: b\nmilestones: []\n',
        "modules:",
        "'modules' should be a list",
        "- id:",
        id="mapping of modules",
    ),
    pytest.param(
        b'course: Small\nversion: 1\nloss_falls: "> 50 %"\nmodules:\n  - 00_one\nmilestones: []\n',
        "- 00_one",
        "an entry of 'modules' should have keys",
        "- id:",
        id="modules as words",
    ),
    pytest.param(
        b'course: Small\nversion: 1\nloss_falls: "> 50 %"\nmodules: []\nmilestones: []\n',
        "modules:",
        "modules is empty",
        "List at least one",
        id="no modules",
    ),
    pytest.param(b"- a\n- b\n", "- a", "should hold keys", "git checkout", id="list at the top"),
    pytest.param(b"hello\n", "hello", "should hold keys", "git checkout", id="a word"),
    pytest.param(
        changed("needs: [00_one]\n    points: 10", "needs: [00_on]\n    points: 10"),
        "[00_on]",
        "'00_on' is not a module",
        "Did you mean '00_one'?",
        id="unknown need",
    ),
    pytest.param(
        changed("needs: [00_one, 01_two, 02_three]", "needs: [00_one, 07_spatial]"),
        "07_spatial",
        "'07_spatial' is not a module",
        "Known: 00_one",
        id="unknown need of a milestone",
    ),
    pytest.param(
        changed("needs: [00_one, 01_two, 02_three]", "needs: [00_one, two]"),
        "[00_one, two]",
        "'two' is not a module",
        "Write its whole id: 01_two.",
        id="need by its name",
    ),
    pytest.param(
        changed("needs: [00_one, 01_two, 02_three]", "needs: [00_one, 01]"),
        "[00_one, 01]",
        "'01' is not a module",
        "Write its whole id: 01_two.",
        id="need by its number",
    ),
    pytest.param(
        changed("  - id: 01_two", "    id: 01_two"),
        "id: 01_two",
        "'id' appears twice",
        "Begin the line with '- '",
        id="entry without a dash",
    ),
    pytest.param(
        changed("course: Small", "<<<<<<< HEAD\ncourse: Small\n=======\ncourse: Big\n>>>>>>> x"),
        "<<<<<<< HEAD",
        "a merge conflict is not settled here",
        "Keep one of the two versions",
        id="merge conflict",
    ),
    pytest.param(
        changed("needs: []", "needs: [02_three]"),
        "needs: [02_three]",
        "00_one needs 02_three, which stands below it",
        "Move 02_three above 00_one",
        id="need below",
    ),
    pytest.param(
        changed("needs: []", "needs: [00_one]"),
        "needs: [00_one]",
        "00_one needs itself",
        "Remove 00_one from needs.",
        id="needs itself",
    ),
    pytest.param(
        changed("needs: [00_one]\n    points: 20\nmile", "needs: [01_two]\n    points: 20\nmile"),
        "needs: [01_two]",
        "02_three needs 01_two, which needs 00_one, and 00_one is not listed",
        "Add 00_one to needs.",
        id="needs not closed",
    ),
    pytest.param(
        changed("needs: [00_one, 01_two, 02_three]", "needs: [01_two]"),
        "needs: [01_two]",
        "late needs 01_two, which needs 00_one",
        "Add 00_one to needs.",
        id="needs of a milestone not closed",
    ),
    pytest.param(
        changed("needs: [00_one, 01_two, 02_three]", "needs: [00_one, 00_one]"),
        "[00_one, 00_one]",
        "names a module twice",
        "Remove one",
        id="need twice",
    ),
    pytest.param(
        changed("id: 02_three", "id: 01_two").replace(b"01_two, 02_three", b"01_two"),
        "id: 01_two",
        "'01_two' appears twice in modules",
        "Remove one",
        id="duplicate module",
    ),
    pytest.param(
        changed("id: late", "id: early"),
        "id: early",
        "'early' appears twice in milestones",
        "Remove one",
        id="duplicate milestone",
    ),
    pytest.param(
        changed("id: 02_three", "id: 01_three").replace(b"01_two, 02_three", b"01_two"),
        "id: 01_three",
        "01_two and 01_three have the same number",
        "number of its own",
        id="one number for two modules",
    ),
    pytest.param(
        changed("id: 02_three", "id: 02_two").replace(b"01_two, 02_three", b"01_two"),
        "id: 02_two",
        "01_two and 02_two have the same name",
        "name of its own",
        id="one name for two modules",
    ),
    pytest.param(
        changed("id: 01_two", "id: two"),
        "id: two",
        "'two' is not a module id",
        "01_tensor",
        id="id without a number",
    ),
    pytest.param(
        changed("id: 01_two", "id: 01_../../etc"),
        "id: 01_..",
        "is not a module id",
        "Write 01_etc:",
        id="id that climbs out",
    ),
    pytest.param(
        changed("id: 01_two", "id: \u0660\u0661_two"),
        "_two",
        "is not a module id",
        "01_tensor",
        id="digits of another script",
    ),
    pytest.param(
        changed("id: 01_two", "id: 01"),
        "id: 01",
        "'id' should be text",
        "Write id: 01_tensor",
        id="number as id",
    ),
    pytest.param(
        changed("id: 01_two", "id: 01-Two"),
        "id: 01-Two",
        "'01-Two' is not a module id",
        "Write 01_two:",
        id="id with a dash and a capital",
    ),
    pytest.param(
        changed("id: late", "id: Late Milestone"),
        "id: Late",
        "'Late Milestone' is not a milestone id",
        "mlp_digits",
        id="bad milestone id",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', "accuracy: high"),
        "accuracy: high",
        "'accuracy' should be a percentage",
        'accuracy: "> 90 %"',
        id="word for a threshold",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', "accuracy: 0.9"),
        "accuracy: 0.9",
        "'accuracy' should be a percentage such as \"> 90 %\", not '0.9'",
        'Write accuracy: "> 90 %"',
        id="fraction for a threshold",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', 'accuracy: "> 100 %"'),
        "> 100",
        "nothing is more than 100 %",
        'Write accuracy: "100 %"',
        id="more than all",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', 'accuracy: "> 190 %"'),
        "190",
        "'accuracy' should be a percentage",
        "> 90 %",
        id="more than 100 %",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', 'accuracy: "< 90 %"'),
        "< 90",
        "'accuracy' should be a percentage",
        "> 90 %",
        id="less than",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', 'accuracy: "-5 %"'),
        "-5 %",
        "'accuracy' should be a percentage",
        "> 90 %",
        id="negative threshold",
    ),
    pytest.param(
        changed('loss_falls: "> 50 %"', "loss_falls: half"),
        "loss_falls",
        "'loss_falls' should be a percentage",
        "loss_falls:",
        id="bad loss_falls",
    ),
    pytest.param(
        changed("version: 1", "version: 2"),
        "version: 2",
        "version 2 is not known here",
        "Update the course's tools",
        id="newer version",
    ),
    pytest.param(
        changed("version: 1", "version: v1"),
        "version: v1",
        "'version' should be a whole number",
        "version:",
        id="version as a word",
    ),
    pytest.param(b"", "", "should hold keys", "git checkout", id="empty"),
    pytest.param(b"# nothing\n\n", "", "should hold keys", "git checkout", id="comments only"),
    pytest.param(
        changed("title: The second number", "title:\n\t\tThe second number"),
        "\t\tThe second",
        "not valid YAML",
        "Indent with spaces",
        id="tab",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', 'accuracy: "> 90 %'),
        'accuracy: "100',
        "not valid YAML",
        "quotes",
        id="open quote",
    ),
    pytest.param(
        changed("needs: []", "needs: ["),
        "id: 01_two",
        "expected ',' or ']', but got ':' (while parsing a flow sequence that begins in line 7)",
        "quotes",
        id="open bracket",
    ),
    pytest.param(
        changed('accuracy: "> 90 %"', "accuracy: > 90 %"),
        "accuracy: >",
        "not valid YAML",
        'Put it in quotes: accuracy: "> 90 %"',
        id="threshold without quotes",
    ),
    pytest.param(
        changed("title: The second number", "title: The second: number"),
        "second: number",
        "not valid YAML",
        'Put it in quotes: title: "The second: number"',
        id="colon without quotes",
    ),
    pytest.param(
        changed("title: The second number", "title: *nobody"),
        "*nobody",
        "not valid YAML: found undefined alias",
        "Compare",
        id="undefined alias",
    ),
    pytest.param(
        changed("course: Small", "course: !!python/object/apply:os.system [ls]"),
        "os.system",
        "'course' should be text",
        "Write course:",
        id="Python object",
    ),
    pytest.param(
        changed("needs: []", "needs: &self [*self]"),
        "*self",
        "should be a list",
        "Write needs:",
        id="list that holds itself",
    ),
    pytest.param(
        changed("course: Small", "<<: {course: Small}"),
        "<<",
        "'<<' is not known here",
        "Known keys",
        id="merge key",
    ),
    pytest.param(
        changed("course: Small", "? [a, b]\n: c\ncourse: Small"),
        "[a, b]",
        "a key should be a word",
        "course:",
        id="list as a key",
    ),
    pytest.param(
        RULES.encode() + b"---\ncourse: Second\n",
        "---",
        "not valid YAML",
        "remove the line '---'",
        id="two documents",
    ),
    pytest.param(
        changed("title: The second number", "title: Cafe ").replace(b"Cafe ", b"Caf\xe9"),
        "title: Caf",
        "not UTF-8",
        "Save the file as UTF-8.",
        id="Latin-1",
    ),
    pytest.param(
        RULES.encode("utf-16"),
        "",
        "a byte here is not UTF-8",
        "Save the file as UTF-8",
        id="UTF-16",
    ),
    pytest.param(
        changed("title: The second number", "title: a\x07b"),
        "a\x07b",
        "not valid YAML",
        "plain UTF-8",
        id="bell",
    ),
    pytest.param(
        changed("needs: []", "needs: " + "[" * 100_000),
        "",
        "nested too deeply",
        "git checkout",
        id="100,000 brackets",
    ),
    pytest.param(
        b"a: " + b"{a: " * 60_000, "", "nested too deeply", "git checkout", id="60,000 mappings"
    ),
    pytest.param(
        b"a: &a [x, x, x, x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (c + 1, c + 1, b", ".join([b"*%c" % c] * 9)) for c in range(97, 115)
        ),
        "a: &a",
        "'a' is not known here",
        "Known keys",
        id="a billion laughs",
    ),
    pytest.param(
        RULES.encode() + b"# " + b"x" * MAX_COURSE_BYTES,
        "",
        "at most 262,144 are read",
        "remove what does not belong",
        id="huge",
    ),
]


@pytest.mark.parametrize(("raw", "meant", "what", "hint"), BROKEN)
def test_a_broken_course_is_refused_with_the_reason_and_a_way_out(raw, meant, what, hint):
    error = refusal(raw)
    assert error.what.startswith("course.yaml")
    assert what in error.what
    assert hint in error.hint
    assert meant in raw.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("raw", "meant", "what", "hint"), [case for case in BROKEN if case.values[1]]
)
def test_a_broken_course_names_the_line_that_is_meant(raw, meant, what, hint):  # noqa: ARG001  # one table for both tests
    said = int(re.match(r"course\.yaml, line (\d+): ", refusal(raw).what).group(1))
    rows = raw.decode("utf-8", "replace").splitlines()
    assert meant in rows[said - 1]


@pytest.mark.parametrize(("raw", "meant", "what", "hint"), BROKEN)
def test_a_broken_course_is_refused_in_one_readable_sentence(raw, meant, what, hint):  # noqa: ARG001  # one table for both tests
    error = refusal(raw)
    assert error.exit_code == 2
    assert error.what.isprintable()
    assert error.hint.isprintable()
    assert len(error.what) < 300
    assert error.what.endswith(".")
    assert "object at 0x" not in error.what


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" * 200_000, id="brackets"),
        pytest.param(b"? " * 100_000, id="keys of keys"),
        pytest.param(b"- " * 100_000, id="lists of lists"),
        pytest.param(b"!" * 200_000, id="tags"),
        pytest.param(b"a: '" + b"''" * 100_000, id="open quote"),
    ],
)
def test_a_hostile_course_is_refused_quickly(raw):
    started = time.process_time()
    refusal.__wrapped__(raw)
    assert time.process_time() - started < 5.0


def test_a_missing_course_is_refused_with_the_way_to_bring_it_back(tmp_path):
    with pytest.raises(CourseError, match=r"There is no course\.yaml in") as caught:
        reading.load(tmp_path)
    assert "git checkout HEAD -- :/course.yaml" in caught.value.hint


def test_a_course_that_cannot_be_read_is_refused_with_the_reason(tmp_path):
    (tmp_path / "course.yaml").mkdir()
    with pytest.raises(CourseError, match=r"course\.yaml cannot be read: Is a directory") as caught:
        reading.load(tmp_path)
    assert "ls -l course.yaml" in caught.value.hint


def test_a_course_knows_where_it_was_read_from_and_what_it_was(write_course):
    root = write_course(RULES)
    read = reading.load(root)
    assert read.root == root
    assert read.digest != reading.parse(changed("points: 5", "points: 6"), root).digest
