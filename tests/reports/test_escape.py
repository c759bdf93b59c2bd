"""Student text in a log, a comment and a name."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from grader.reports import escape
from grader.reports.formats import markdown
from tests.reports.samples import HOSTILE, hostile

GFM = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\r\nlines\rthree", "two\nlines\nthree"),
        ("a\tb", "a    b"),
        ("\x1b[31mred", "?[31mred"),
        ("\u202eevil", "?evil"),
        ("\ud800", "?"),
        ("Größe 漢字 🏆", "Größe 漢字 🏆"),
        ("हिन्दी Tiếng Việt ⚠\ufe0f", "हिन्दी Tiếng Việt ⚠\ufe0f"),
        ("e\u0301", "e\u0301"),
        ("Z" + "\u0300" * 500 + "a", "Z\u0300\u0300\u0300a"),
        ("a\u3164b\u115fc\u2800d\U000e0101", "a?b?c?d?"),
    ],
)
def test_plain_text_keeps_letters_and_nothing_that_steers(text, shown):
    assert escape.plain(text) == shown


@pytest.mark.parametrize(("limit", "shown"), [(None, "abcdef"), (6, "abcdef"), (3, "ab…"), (0, "")])
def test_a_long_text_is_cut(limit, shown):
    assert escape.plain("abcdef", limit) == shown


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("x", "`x`"),
        ("", ""),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``x", "``` ``x ```"),
        ("a|b", "`a\\|b`"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_a_code_span_holds_anything(text, span):
    assert escape.span(text) == span


@pytest.mark.parametrize(
    "text",
    ["@everyone", "[x](http://e.example)", "<img src=x>", "**b**", "`a", "a`", "``", "a|b", "#12"],
)
def test_a_code_span_is_one_code_span_for_a_markdown_parser(text):
    (paragraph, inline, _end) = GFM.parse(escape.span(text).replace("\\|", "|"))
    assert paragraph.type == "paragraph_open"
    assert [child.type for child in inline.children] == ["code_inline"]


@pytest.mark.parametrize(
    "text", ["```\nout", "~~~", "````\n```", "a\n\n# b", "</details>", HOSTILE]
)
def test_nothing_ends_a_fence(text):
    tokens = GFM.parse(escape.fence(text) + "\n\nafter")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_nothing_a_student_wrote_is_markup_in_a_comment():
    page = markdown.document(hostile())
    html = GFM.render(page)
    outside = re.sub(r"<(code|pre)[^>]*>.*?</\1>", "", html, flags=re.DOTALL)
    for sign in ("script", "evil.example", "@everyone", "octocat", "javascript", "onerror", "GH-1"):
        assert sign in html or sign == "GH-1"
        assert sign not in outside


def test_a_comment_that_is_too_long_is_cut_at_a_line():
    page = markdown.document(hostile("word " * 300), heading="# x\n" + "line\n" * 20_000)
    assert len(page) < 65_000
    assert page.endswith("(cut: the whole report is longer than a comment may be)\n")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("50% done\nnext", "50%25 done%0Anext"),
        ("%0A::error::x", "%250A::error::x"),
        ("a\r\nb", "a%0Ab"),
    ],
)
def test_the_data_of_a_workflow_command(text, data):
    assert escape.command_data(text) == data


def test_a_property_of_a_workflow_command():
    assert escape.command_property("x:y,z%") == "x%3Ay%2Cz%25"


@pytest.mark.parametrize("text", ["::error::x", "  ::add-mask::x", "##[group]x", "a ##[error]b"])
def test_a_line_of_the_log_is_no_command(text):
    shown = escape.log(text)
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cnn loss", "cnn loss"),
        ("a\n::notice title=x::y", "a notice title x y"),
        ("<script>", "script"),
        ("\u202e", "unnamed"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_name_any_consumer_takes(text, name):
    assert escape.name(text) == name


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("modules/01_tensor/tensor.py:120", ("modules/01_tensor/tensor.py", 120)),
        ("tinytorch/core/tensor.py:1", ("tinytorch/core/tensor.py", 1)),
        ("modules/a/b.py:12: return x::y", ("modules/a/b.py", 12)),
        ("modules/a/b.py:12: one\ntwo", None),
        ("modules/a/b.py:12 x", None),
        ("/etc/passwd:1", None),
        ("modules/../../x.py:1", None),
        ("modules/a.py:1,line=2::x", None),
        ("modules/a.py", None),
        ("", None),
    ],
)
def test_only_a_place_in_the_course_is_a_place(where, place):
    assert escape.place(where) == place
