"""Lessons: cells, what is exported, what the starter says, and what counts as a change."""

from __future__ import annotations

import ast
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest

from grader.lessons import lesson as lessons
from grader.lessons.lesson import BEGIN, END, LessonError, package_files, parse
from tests.grader.small_course import lesson_text, path, text

ROOT = Path(__file__).parents[2]
REFERENCE = sorted(ROOT.glob("modules/[0-9]*/*.py"))
PATH = "modules/05_case/case.py"
PLAIN = lesson_text("core.case", "def f():\n    return 1", 'def test_f():\n    """f is 1."""')


def case(code: str, tests: str = "def test_f(): pass") -> lessons.Lesson:
    return parse(lesson_text("core.case", code, tests), PATH)


def refusal(content: str) -> LessonError:
    with pytest.raises(LessonError) as caught:
        parse(content, PATH)
    return caught.value


# Cells


@pytest.mark.parametrize("lines", [1, 100_000])
def test_endless_code_is_refused_before_it_is_parsed(monkeypatch, lines):
    """250,000 statements fit into the largest file that is read, and take seconds to parse."""
    monkeypatch.setattr(lessons, "parsed", lambda source: pytest.fail(f"parsed {source[:20]!r}"))
    code = ("a;" * (100_000 // lines) + "\n") * lines
    found = refusal(lesson_text("core.case", code, "def test_f(): pass"))
    assert found.what == (
        f"{PATH}, line 8: up to the end of this cell there are more than 128 KiB of code, "
        "the most that is read."
    )
    assert "pasted output" in found.hint


def test_cells_know_their_kind_their_line_and_their_directives():
    cells = parse(PLAIN, PATH).cells
    assert [(c.kind, c.line, c.directives) for c in cells] == [
        ("markdown", 2, ()),
        ("code", 5, ("default_exp core.case",)),
        ("code", 8, ("export",)),
        ("code", 13, ()),
    ]
    assert all(PLAIN.split("\n")[c.line - 2].startswith("# %%") for c in cells)


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        pytest.param("# %%", "code", id="plain"),
        pytest.param("#%%", "code", id="without the space, as some editors write it"),
        pytest.param("# %% A title", "code", id="with a title"),
        pytest.param('# %% tags=["x"]', "code", id="with tags"),
        pytest.param("# %% [markdown]", "markdown", id="markdown"),
        pytest.param("#%% [markdown]", "markdown", id="markdown without the space"),
        pytest.param("# %% [raw]", "markdown", id="raw"),
        pytest.param("# %% Title [markdown]", "markdown", id="markdown with a title"),
    ],
)
def test_a_cell_begins_where_an_editor_says_so(marker, kind):
    cells = parse(f"{PLAIN}{marker}\nx = 1\n", PATH).cells
    assert (cells[-1].kind, cells[-1].source) == (kind, "x = 1\n")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("# %%%", id="three"),
        pytest.param("#  # %%", id="comment in a comment"),
        pytest.param("x = '# %%'", id="in a string"),
        pytest.param("# %timeit f()", id="magic"),
    ],
)
def test_what_only_looks_like_a_cell_is_none(line):
    assert len(parse(f"{PLAIN}{line}\n", PATH).cells) == 4


@pytest.mark.parametrize(
    ("cell", "directives"),
    [
        pytest.param("#| export\nx = 1", ("export",), id="one"),
        pytest.param("\n#| export\nx = 1", ("export",), id="after an empty line"),
        pytest.param("#|export\nx = 1", ("export",), id="without a space"),
        pytest.param("#| export\n#| hide\nx = 1", ("export", "hide"), id="two"),
        pytest.param("x = 1\n#| export", (), id="below the code it is a comment"),
        pytest.param("# export\nx = 1", (), id="without the bar it is a comment"),
    ],
)
def test_directives_stand_above_the_code(cell, directives):
    assert parse(f"{PLAIN}# %%\n{cell}\n", PATH).cells[-1].directives == directives


def test_a_directive_in_a_text_cell_is_text():
    assert parse(f"{PLAIN}# %% [markdown]\n#| export\n", PATH).cells[-1].directives == ()


@pytest.mark.parametrize(
    ("cell", "checks"),
    [
        pytest.param("def test_g(): pass", ["test_g"], id="a test"),
        pytest.param("def helper(): pass", [], id="a helper"),
        pytest.param("def test_g(): pass\ndef test_h(): pass", ["test_g", "test_h"], id="two"),
        pytest.param("print(f())", [], id="a demonstration"),
        pytest.param("class T:\n    def test_g(self): pass", [], id="a method"),
        pytest.param("if True:\n    def test_g(): pass", [], id="not at the top"),
        pytest.param("#| export\ndef test_g(): pass", [], id="exported"),
        pytest.param("text = 'def test_g(): pass'", [], id="in a string"),
    ],
)
def test_checks_are_the_test_functions_of_cells_that_are_not_exported(cell, checks):
    found = parse(f"{PLAIN}# %%\n{cell}\n", PATH).checks
    assert [c.name for c in found] == ["test_f", *checks]


def test_a_check_is_called_by_the_first_line_of_its_docstring():
    tests = 'def test_f():\n    """f is right.\n\n    And more.\n    """\n\n\ndef test_g(): pass'
    found = case("f = 1", tests).checks
    assert [(c.title, c.line) for c in found] == [("f is right.", 12), ("test_g", 19)]


# Export


def test_the_export_holds_the_exported_cells_and_nothing_else():
    solved = case(
        f"def f():\n    {BEGIN}\n    return 1\n    {END}", "def test_f(): pass\n\n# %%\nprint(f())"
    )
    exported = solved.export()
    assert "return 1" in exported
    assert BEGIN not in exported
    assert END not in exported
    assert "test_f" not in exported
    assert "print" not in exported
    assert exported.startswith(f"# Generated from {PATH} by tito.")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        pytest.param("def f(): pass\nclass C: pass\nX = 1", ("f", "C", "X"), id="defined"),
        pytest.param("_x = 1\ndef _f(): pass", (), id="private"),
        pytest.param("import math\nfrom math import pi", (), id="imported"),
        pytest.param("X: int = 1", ("X",), id="annotated"),
        pytest.param("X: int", (), id="only announced, so not there to import"),
        pytest.param("A, B = 1, 2", ("A", "B"), id="unpacked"),
        pytest.param("A, *B = 1, 2\n[C, D] = 3, 4", ("A", "B", "C", "D"), id="starred and listed"),
        pytest.param("A = B = 1", ("A", "B"), id="chained"),
        pytest.param("f.x = 1\nf[0] = 1", (), id="into something"),
        pytest.param("def f(): pass\ndef f(): pass", ("f",), id="twice"),
        pytest.param("async def f(): pass", ("f",), id="async"),
    ],
)
def test_public_names_are_what_the_exported_code_defines(code, names):
    assert case(code).public_names() == names


def run(exported: str) -> types.ModuleType:
    module = types.ModuleType("exported")
    exec(compile(exported, PATH, "exec"), vars(module))
    return module


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        pytest.param("X = 'a\\nb'", "X", "a\nb", id="escape"),
        pytest.param("X = 'a\x0cb'", "X", "a\x0cb", id="form feed"),
        pytest.param("X = 'a\u2028b'", "X", "a\u2028b", id="line separator"),
        pytest.param("X = 'a\x85b\x1cc'", "X", "a\x85b\x1cc", id="other line ends of Unicode"),
        pytest.param('X = """a\n\n\nb"""', "X", "a\n\n\nb", id="text over several lines"),
        pytest.param(
            "from __future__ import annotations\nX = 1", "X", 1, id="future, in the first cell"
        ),
        pytest.param(
            "Y = 1\n\n# %%\n#| export\nfrom __future__ import annotations\nX = 1",
            "X",
            1,
            id="future, in a later cell",
        ),
        pytest.param('"""About."""\nX = 1', "X", 1, id="docstring"),
    ],
)
def test_the_export_runs_and_defines_what_the_cells_define(code, name, value):
    exported = case(code).export()
    module = run(exported)
    assert getattr(module, name) == value
    assert name in module.__all__


@pytest.mark.parametrize("reference", REFERENCE, ids=lambda p: p.parent.name)
def test_a_reference_lesson_exports_code_that_compiles_and_has_no_markers(reference):
    exported = parse(reference.read_text(encoding="utf-8"), "modules/x/x.py").export()
    compile(exported, str(reference), "exec")
    assert "SOLUTION" not in exported


@pytest.mark.parametrize(
    "saved",
    [
        pytest.param(lambda t: t, id="again"),
        pytest.param(lambda t: t.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda t: t.replace("\n", "\r"), id="CR"),
    ],
)
def test_the_export_does_not_depend_on_how_the_lesson_was_saved(saved):
    once = parse(PLAIN, PATH)
    again = parse(saved(PLAIN), PATH)
    assert again.export() == once.export()
    assert again.digest() == once.digest()
    assert again.starter() == once.starter()


def test_the_package_lists_modules_in_course_order_with_all_folders():
    first, second = parse(text("01_two"), path("01_two")), parse(text("00_one"), path("00_one"))
    files = package_files([first, second])
    assert list(files) == [
        "tinytorch/__init__.py",
        "tinytorch/core/__init__.py",
        "tinytorch/core/two.py",
        "tinytorch/core/one.py",
    ]
    assert files["tinytorch/__init__.py"].splitlines()[1:] == [
        "from tinytorch.core.two import *",
        "from tinytorch.core.one import *",
    ]


def test_a_lesson_exported_to_the_top_needs_no_folder():
    files = package_files([parse(lesson_text("one", "x = 1", "def test_x(): pass"), PATH)])
    assert list(files) == ["tinytorch/__init__.py", "tinytorch/one.py"]


# Starter


def region(*body: str, indent: int = 4) -> str:
    margin = " " * indent
    return "\n".join(margin + line for line in (BEGIN, *body, END))


@pytest.mark.parametrize(
    ("code", "named"),
    [
        pytest.param(f"def f():\n{region('return 1')}", ["f"], id="function"),
        pytest.param(
            f"def f():\n{region('return 1')}\n\n\ndef g():\n{region('return 2')}",
            ["f", "g"],
            id="two functions",
        ),
        pytest.param(
            f"class C:\n    def m(self):\n{region('return 1', indent=8)}", ["C.m"], id="method"
        ),
        pytest.param(
            f"class C:\n    class D:\n        def m(self):\n{region('return 1', indent=12)}",
            ["D.m"],
            id="method of a class in a class",
        ),
        pytest.param(
            "class C:\n    def m(self):\n        def inner():\n"
            f"{region('return 1', indent=12)}\n        return inner",
            ["inner"],
            id="function in a method",
        ),
        pytest.param(
            f"def f():\n    def inner():\n        return 1\n\n{region('return inner()')}",
            ["f"],
            id="below a nested function",
        ),
        pytest.param(
            f"def f():\n    def inner():\n{region('return 1', indent=8)}\n    return inner",
            ["inner"],
            id="in a nested function",
        ),
        pytest.param(
            f"class C:\n    def m(self): pass\n\n\ndef f():\n{region('return 1')}",
            ["f"],
            id="function below a class",
        ),
        pytest.param(
            f"def f(\n    a,\n    b=(1, 2),\n):\n{region('return 1')}", ["f"], id="long signature"
        ),
        pytest.param(
            f"def f():\n    with a:\n{region('return 1', indent=8)}", ["f"], id="in a block"
        ),
        pytest.param(f"async def f():\n{region('return 1')}", ["f"], id="async"),
        pytest.param(
            f"def f():\n{region('def g():', '    return 1', 'return g')}\n\n\n"
            f"def h():\n{region('return 1')}",
            ["f", "h"],
            id="a function in the solution",
        ),
        pytest.param(
            f'def f():\n    """Not a\n    def g(): here.\n    """\n{region("return 1")}',
            ["f"],
            id="def in a docstring",
        ),
    ],
)
def test_every_solution_becomes_a_sentence_that_names_its_function(code, named):
    starter = case(code).starter()
    raised = [line.strip() for line in starter.splitlines() if "NotImplementedError" in line]
    expected = [f'raise NotImplementedError("write {name}() in {PATH}")' for name in named]
    assert raised == expected
    assert BEGIN not in starter
    assert END not in starter
    ast.parse(starter)


def test_a_starter_keeps_everything_that_is_not_a_solution():
    before = PLAIN.replace("    return 1", region("return 1"))
    assert parse(before, PATH).starter() == PLAIN.replace(
        "    return 1", f'    raise NotImplementedError("write f() in {PATH}")'
    )


def test_a_starter_can_keep_the_first_solutions():
    code = f"def f():\n{region('return 1')}\n\n\ndef g():\n{region('return 2')}"
    starter = case(code).starter(solved=1)
    assert "return 1" in starter
    assert "return 2" not in starter


@pytest.mark.parametrize("reference", REFERENCE, ids=lambda p: p.parent.name)
def test_the_starter_of_a_reference_lesson_holds_no_solution(reference):
    lesson = parse(reference.read_text(encoding="utf-8"), f"modules/x/{reference.name}")
    starter = parse(lesson.starter(), lesson.path)
    assert starter.syntax_error() is None
    assert starter.solutions() == ()
    assert len(lesson.solutions()) == lesson.text.count(BEGIN) >= 5
    assert starter.text.count("raise NotImplementedError(") >= len(lesson.solutions())
    assert [c.name for c in starter.checks] == [c.name for c in lesson.checks]


def test_solutions_are_the_texts_between_the_markers():
    code = f"def f():\n{region('a = 1', 'return a')}\n\n\ndef g():\n{region('return 2')}"
    assert case(code).solutions() == ("    a = 1\n    return a\n", "    return 2\n")


# Broken lessons


@pytest.mark.parametrize(
    ("content", "line", "what", "hint"),
    [
        pytest.param("", 1, "there is no code cell", "git checkout HEAD", id="empty"),
        pytest.param("x = 1\n", 1, "there is no code cell", "git checkout", id="plain Python"),
        pytest.param("# %% [markdown]\n# Text\n", 1, "no code cell", "reset", id="text only"),
        pytest.param(
            "# %%\nx = 1\n",
            1,
            "no cell says where the code goes",
            "of its own",
            id="no default_exp",
        ),
        pytest.param(
            "# %%\n#| default_exp\n", 2, "'' is not a module name", "core.tensor", id="no name"
        ),
        pytest.param(
            "# %%\n#| default_exp ../../etc\n", 2, "'../../etc' is not", "core.tensor", id="climbs"
        ),
        pytest.param(
            "# %%\n#| default_exp core..x\n", 2, "'core..x' is not", "core.tensor", id="two dots"
        ),
        pytest.param(
            "# %%\n#| default_exp core.class\n", 2, "'core.class' is", "core.tensor", id="keyword"
        ),
        pytest.param(
            f"# %%\n#| default_exp {'x' * 5000}\n", 2, "'xxxx", "core.tensor", id="5,000 letters"
        ),
        pytest.param(
            "# %%\n#| default_exp __init__\n", 2, "'__init__' is not", "core.tensor", id="dunder"
        ),
        pytest.param(
            f"{PLAIN}# %%\n{BEGIN}\nx = 1\n", 16, f"'{BEGIN}' has no '{END}'", END, id="not closed"
        ),
        pytest.param(
            f"{PLAIN}# %%\n{BEGIN}\n# %%\n{END}\n", 16, "in its cell", END, id="closed elsewhere"
        ),
        pytest.param(f"{PLAIN}# %%\n{END}\n", 16, f"'{END}' without", BEGIN, id="not opened"),
        pytest.param(
            f"{PLAIN}# %%\n{BEGIN}\n{BEGIN}\n{END}\n", 17, "line 16 is still open", END, id="nested"
        ),
    ],
)
def test_a_broken_lesson_is_refused_with_its_line_and_a_way_out(content, line, what, hint):
    error = refusal(content)
    assert error.what.startswith(f"{PATH}, line {line}: ")
    assert error.line == line
    assert what in error.what
    assert hint in error.hint
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("cell", "line", "what"),
    [
        pytest.param("#| export\ndef g(:\n    pass", 17, "def g(:", id="in exported code"),
        pytest.param("def test_g():\nreturn 1", 17, "expected an indented block", id="in a check"),
        pytest.param("#| export\n\n\nx = (1,\n", 19, "never closed", id="bracket"),
        pytest.param("#| export\nx = '", 17, "unterminated string", id="quote"),
        pytest.param("#| export\nx = 1\n\ty = 2", 18, "unexpected indent", id="indentation"),
        pytest.param("#| export\nif 1:\n\tx = 1\n        y = 2", 19, "use of tabs", id="S11 tabs"),
        pytest.param("#| export\nx = \x00", 17, "null bytes", id="null byte"),
        pytest.param("#| export\nx = " + "(" * 5000, 17, "too many nested", id="5,000 brackets"),
        pytest.param(
            "#| export\nx = " + "-" * 100_000 + "1", 16, "cannot read", id="100,000 signs"
        ),
    ],
)
def test_a_syntax_error_is_reported_with_the_line_of_the_lesson(cell, line, what):
    error = parse(f"{PLAIN}# %%\n{cell}\n", PATH).syntax_error()
    assert error is not None
    assert (error.line, what in error.what) == (line, True), error.what
    assert error.what.startswith(f"{PATH}, line {line}: Python cannot read this")
    assert error.hint


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("print(", id="a demonstration is never run"),
        pytest.param("%timeit f()", id="magic of a notebook"),
        pytest.param("#| export\nx = 1", id="right code"),
    ],
)
def test_what_the_grader_does_not_run_may_be_anything(cell):
    assert parse(f"{PLAIN}# %%\n{cell}\n", PATH).syntax_error() is None


def test_a_doubtful_escape_neither_warns_nor_fails():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lesson = case(r"X = '\d'")
        assert lesson.syntax_error() is None
        assert lesson.public_names() == ("X",)


def test_a_broken_check_cell_does_not_silence_the_syntax_error():
    lesson = parse(f"{PLAIN}# %%\ndef test_g(:\n", PATH)
    assert [c.name for c in lesson.checks] == ["test_f"]
    assert lesson.syntax_error() is not None


# Digest


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        pytest.param("# A lesson.", "# Another lesson.", True, id="prose"),
        pytest.param("# %% [markdown]", "# %% [markdown]\n#\n#", True, id="lines above"),
        pytest.param("# A lesson.", "# A lesson.\n\n# %%\nprint(2)", True, id="demonstration"),
        pytest.param("return 1", "return 1  ", True, id="blanks at the end of a cell"),
        pytest.param("return 1", "return 2", False, id="code"),
        pytest.param("return 1", "return 1  # one", False, id="comment in the code"),
        pytest.param("f is 1.", "f is one.", False, id="title of a check"),
        pytest.param("def test_f", "def test_g", False, id="name of a check"),
        pytest.param("#| export", "# export", False, id="no longer exported"),
        pytest.param("core.case", "core.other", False, id="exported elsewhere"),
    ],
)
def test_the_digest_follows_what_the_grader_runs(old, new, same):
    assert old in PLAIN
    again = parse(PLAIN.replace(old, new, 1), PATH)
    assert (again.digest() == parse(PLAIN, PATH).digest()) is same


def test_swapping_two_cells_changes_the_digest():
    one, two = "#| export\nx = 1", "#| export\nx = 2"
    forth = parse(f"{PLAIN}# %%\n{one}\n# %%\n{two}\n", PATH)
    back = parse(f"{PLAIN}# %%\n{two}\n# %%\n{one}\n", PATH)
    assert forth.digest() != back.digest()


def test_reading_a_lesson_imports_neither_jupytext_nor_numpy():
    # A process of its own: the tests around this one import both.
    code = (
        "import sys; from grader.lessons.lesson import parse; parse(sys.stdin.read(), 'modules/05_case/case.py');"
        "print(sorted({'jupytext', 'numpy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, input=PLAIN, capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("[]\n", "")
