"""tito course check and release, on a small course that is broken in one way at a time."""

from __future__ import annotations

import importlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from grader.authors import checking, release
from grader.errors import CourseError, StudentError, UsageError
from grader.grading.engine import Engine
from grader.grading.ledgers.memory import MemoryLedger
from grader.lessons.lesson import parse
from grader.proof import content
from grader.rules import reading
from grader.sandbox.process import ProcessSandbox
from grader.sources.git import Git
from grader.sources.snapshots import of_working_tree
from tests.conftest import ROOT, Repository
from tests.tiers import first

COURSE = """\
course: Small
version: 1
loss_falls: "> 50 %"
modules:
  - {id: 00_one, title: One, needs: [], points: 5}
  - {id: 01_two, title: Two, needs: [00_one], points: 5}
milestones:
  - {id: perceptron, name: The Perceptron, story: It learns, proves: it learns, needs: [00_one, 01_two], accuracy: "> 90 %", points: 5}
"""

ONE = '''\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # One

# %%
#| default_exp core.one

# %%
#| export
def one():
    """Return 1.

    Hint: 20 // 20.
    """
    ### BEGIN SOLUTION
    numerator_of_the_solution = 20
    return numerator_of_the_solution // 20
    ### END SOLUTION

# %%
def test_one():
    """one() is 1."""
    assert one() == 1, f"one() should be 1, got {one()}. Hint: return 1."
'''

TWO = (
    ONE.replace("core.one", "core.two")
    .replace("def one()", "def two()")
    .replace("test_one", "test_two")
    .replace("one()", "two()")
    .replace("Return 1", "Return 2")
    .replace("// 20", "// 10")
    .replace("is 1", "is 2")
    .replace("== 1", "== 2")
)


PROBE = """\
import numpy as np
from grader.proof.probe import Call

PROBES = [Call("{name}()", lambda: np.int64({value}), {{}}, gradient=False, plain=True)]
"""

# Asks for the scenario "counted" only.
SCENARIO = """\
from grader.proof.probe import Scenario

PROBES = [Scenario("counting", "counted", expected=lambda: {"the count": 3})]
"""
SCENARIOS = """\
def counted(tt, arrays, settings):
    return {"the count": 3}


SCENARIOS = (counted,)
"""
TRAINING = "def train(run):\n    pass\n"
CHALLENGE = """\
from grader.proof.milestones.challenges import Challenge


class Small(Challenge):
    hints = dict.fromkeys(("loss", "accuracy", "gradients", "updates"), "Look.")

    def draw(self, generator, root):
        return {}["rate"]

    def scores(self, run, values, inputs, watch):
        return inputs

    def loss(self, run, scores, targets):
        return scores

    def accuracy_percent(self, run, scores):
        return 100.0


CHALLENGE = Small()
"""


@pytest.fixture
def brings(tmp_path, monkeypatch):
    """brings({path: text}): the course has these files, and no others, in its room for content."""
    package = f"content_{tmp_path.name}"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(content, "PACKAGE", package)
    monkeypatch.setattr(content, "FOLDER", tmp_path / package)

    def write(files: dict[str, str]) -> None:
        for path, text in files.items():
            place = tmp_path / package / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            (place.parent / "__init__.py").touch()
            sys.modules.pop(f"{package}.{path.removesuffix('.py').replace('/', '.')}", None)
        importlib.invalidate_caches()

    return write


@pytest.fixture
def course_repo(repo, brings):
    """A course of two modules, committed, its package exported."""
    brings({"m00_one/probes.py": PROBE.format(name="one", value=1)})
    brings({"m01_two/probes.py": PROBE.format(name="two", value=2)})
    repo.commit(
        {
            "course.yaml": COURSE,
            "modules/00_one/one.py": ONE,
            "modules/01_two/two.py": TWO,
            "release/README.md": "for students\n",
            "LICENSE": "MIT License\n",
            "pyproject.toml": '[project]\nname = "small"\nversion = "1.2.0"\n',
            "README.md": "for authors\n",
            "grader/grading/engine.py": "# engine\n",
            "tito/hook": "#!/bin/sh\n",
            "notes/private.md": "not for students\n",
        }
    )
    export(repo)
    return repo


def export(repo):
    standing = engine_of(repo).grade(of_working_tree(repo.top))
    repo.commit({path: standing.package[path] for path in standing.package})


def engine_of(repo):
    return Engine(reading.load(repo.top), MemoryLedger(), ProcessSandbox())


def findings(repo):
    return list(checking.check(engine_of(repo), Git(repo.top), of_working_tree(repo.top)))


def problems(repo):
    """What the check finds, without what it says of the milestone, which nobody brings."""
    found = [f.what for f in findings(repo) if f.problem]
    return [what for what in found if "perceptron" not in what]


def seen(top):
    """What is found without running anything."""
    course, snapshot = reading.load(top), of_working_tree(top)
    lessons = {m.id: parse(snapshot.text(m.path), m.path) for m in course.modules}
    return [finding.what for finding in checking.written(course, snapshot, lessons)]


def build(repo):
    return release.build(Git(repo.top), reading.load(repo.top))


def test_a_course_that_holds_has_no_problem(course_repo):
    assert problems(course_repo) == []


FLAWS = [
    pytest.param("modules/00_one/one.py", "// 20", "// 5", "00_one: the solution is in progress: test_one: one() should be 1, got 4", id="solution fails"),
    pytest.param("modules/00_one/one.py", "assert one() == 1", "assert True", "test_one passes on the starter", id="test proves nothing"),
    pytest.param("modules/00_one/one.py", "    ### END SOLUTION\n", "", "line 21: '### BEGIN SOLUTION' has no '### END SOLUTION'", id="marker missing"),
    pytest.param("modules/00_one/one.py", "def one():\n", "def one():\n    return (\n", "Python cannot read this line", id="syntax error"),
    pytest.param("modules/01_two/two.py", "core.two", "core.one", "both export to tinytorch/core/one.py", id="two modules, one export"),
    pytest.param("modules/00_one/one.py", "#| default_exp core.one", "pass", "no cell says where the code goes", id="no default_exp"),
    pytest.param("tinytorch/core/one.py", "return", "return -", "tinytorch/ is not what the lessons export (tinytorch/core/one.py)", id="export drift"),
    pytest.param("modules/00_one/one.py", "#| export\n", "#| export\nVALUE = one_more\n", "00_one: the solution is in progress", id="does not import"),
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("path", "old", "new", "finding"),
    first(FLAWS, "solution fails", "marker missing", "export drift"),
)
def test_one_flaw_is_one_finding_that_names_it(course_repo, path, old, new, finding):
    text = (course_repo.top / path).read_text()
    assert old in text
    course_repo.commit({path: text.replace(old, new)})
    assert any(finding in found for found in problems(course_repo)), problems(course_repo)


UNWRITTEN = [
    pytest.param("modules/00_one/one.py", '    """one() is 1."""\n', "", "test_one has no docstring", id="no docstring"),
    pytest.param("modules/00_one/one.py", " Hint: return 1.", "", "test_one gives no hint", id="no hint"),
    pytest.param("modules/00_one/one.py", "one() is 1.", "one() is 1", "test_one: its docstring is no sentence", id="no full stop"),
    pytest.param("modules/00_one/one.py", "    Hint: 20 // 20.\n", "", "line 20: the docstring of one() gives no hint", id="no hint for a function"),
    pytest.param("modules/00_one/one.py", "# %% [markdown]\n# # One\n", "", "one.py explains nothing", id="no text"),
    pytest.param("modules/00_one/one.py", "#   jupytext:\n", "", "one.py does not begin with a jupytext header", id="no header"),
    pytest.param("course.yaml", "needs: [00_one, 01_two]", "needs: [00_one]", "01_two is needed by no milestone", id="of no use"),
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(("path", "old", "new", "finding"), UNWRITTEN)
def test_what_an_author_forgot_to_write_is_named(course_repo, path, old, new, finding):
    text = (course_repo.top / path).read_text()
    assert old in text
    course_repo.write({path: text.replace(old, new)})
    assert any(finding in found for found in seen(course_repo.top)), seen(course_repo.top)


@pytest.mark.thorough
def test_each_test_needs_a_hint_of_its_own(course_repo):
    """Two tests in one cell: the hint of the other is no hint for this one."""
    second = '\n\ndef test_again():\n    """Again."""\n    assert one() == 1\n'
    course_repo.commit({"modules/00_one/one.py": ONE + second})
    (found,) = [p for p in problems(course_repo) if "hint" in p]
    assert "test_again gives no hint" in found


@pytest.mark.thorough
def test_what_grades_on_a_server_must_be_there(course_repo):
    (content.FOLDER / "m01_two" / "probes.py").unlink()
    found = [f.what for f in findings(course_repo)]
    for name, file in (("PROBES", "m01_two/probes"), ("CHALLENGE", "perceptron/challenge")):
        assert f"The course needs {name} in grader/content/{file}.py, and it is not there." in found


FORGOTTEN = [
    pytest.param({"perceptron/challenge.py": CHALLENGE}, "needs train in grader/content/perceptron/training.py", id="training"),
    pytest.param({"perceptron/challenge.py": CHALLENGE, "perceptron/training.py": "def go(run):\n    pass\n"}, "needs train in", id="train()"),
    pytest.param({"perceptron/challenge.py": CHALLENGE.replace('"loss", ', ""), "perceptron/training.py": TRAINING}, "perceptron has no hint for loss", id="hint for a claim"),
    pytest.param({"perceptron/challenge.py": CHALLENGE.replace("def loss", "def lost")}, "challenge.py cannot be imported (TypeError", id="method"),
    pytest.param({"m01_two/probes.py": SCENARIO}, "01_two asks for the scenario counted, which is not there", id="scenario"),
    pytest.param({"m01_two/scenarios.py": SCENARIOS}, "No probe asks for the scenario counted of 01_two", id="probe for a scenario"),
    pytest.param({"m01_two/scenarios.py": "def counted():\n    pass\n"}, "needs SCENARIOS in grader/content/m01_two/scenarios.py", id="SCENARIOS"),
    pytest.param({"m00_one/probes.py": SCENARIO, "m00_one/scenarios.py": SCENARIOS, "m01_two/scenarios.py": SCENARIOS}, "00_one and 01_two both have a scenario counted", id="scenario twice"),
    pytest.param({"m01_two/probes.py": PROBE.format(name="two", value=2) + "PROBES *= 2\n"}, "01_two has two probes named 'two()'", id="another name"),
    pytest.param({"sizes.py": "from grader.proof.content import Sizes\nSIZES = Sizes(probes=(2, 9))\n"}, "m01_two/probes.py has 1 probes; this course wants 2 to 9", id="probes"),
    pytest.param({"sizes.py": "from grader.proof.content import Sizes\nSIZES = Sizes(lines=(3, 9))\n"}, "one.py has 2 lines of solutions; this course wants 3 to 9", id="solutions"),
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(("files", "says"), FORGOTTEN)
def test_what_the_course_forgot_to_bring_is_named(course_repo, brings, files, says):
    brings(files)
    assert any(says in what for what in seen(course_repo.top)), seen(course_repo.top)


@pytest.mark.thorough
def test_what_the_courses_own_files_raise_is_named_with_its_line(course_repo, brings):
    brings({"perceptron/challenge.py": CHALLENGE, "perceptron/training.py": TRAINING})
    place = "grader/content/perceptron/challenge.py, line 8"
    assert f"{place}: KeyError: 'rate'" in [f.what for f in findings(course_repo)]


LISTS = [
    pytest.param("grader/reports/formats/csv.py", "def files(report):\n", "grader/reports/__init__.py", "REPORTS", id="report"),
    pytest.param("grader/sandbox/jail.py", "class JailSandbox(Sandbox):\n", "grader/sandbox/__init__.py", "SANDBOXES", id="sandbox"),
    pytest.param("grader/grading/ledgers/paper.py", "class PaperLedger:\n", "grader/grading/ledgers/__init__.py", "LEDGERS", id="ledger"),
    pytest.param("tito/commands/points.py", "@click.command()\n", "tito/commands/__init__.py", "COMMANDS", id="command"),
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(("file", "text", "where", "name"), LISTS)
def test_a_file_that_is_in_no_list_is_found(course_repo, file, text, where, name):
    course_repo.commit({where: f"import {Path(file).stem}\n\n{name} = {{}}\n", file: text})
    assert f"{file} is not in {name}." in seen(course_repo.top)
    course_repo.commit({where: f"{name}: dict = {{1: {Path(file).stem}}}\n"})
    assert f"{file} is not in {name}." not in seen(course_repo.top)


@pytest.mark.thorough
def test_a_report_that_is_listed_and_not_there_is_found(course_repo, monkeypatch):
    monkeypatch.setitem(checking.REPORTS, "csv", lambda _report: {}["csv"])
    assert "The report 'csv' cannot be used (KeyError: 'csv')." in problems(course_repo)


SECOND = '''
# %%
#| export
def three():
    """Return 3.

    Hint: 1 + 2.
    """
    ### BEGIN SOLUTION
    return one() + 2
    ### END SOLUTION
'''


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("test", "says"),
    [
        pytest.param("", "with the first 2 of its solutions, no test passes that", id="no test"),
        pytest.param(
            'def test_none():\n    """Nothing."""\n    try:\n        three()\n'
            '    except NotImplementedError:\n        assert one() == 2, "Hint: no."\n',
            "with the first 1 of its solutions, test_none fails",
            id="a test of what is below",
        ),
    ],
)
def test_solutions_that_are_written_from_the_top_turn_one_test_green_each(course_repo, test, says):
    cell = f"\n# %%\n{test}" if test else ""
    course_repo.commit({"modules/00_one/one.py": ONE + SECOND + cell})
    assert any(says in problem for problem in problems(course_repo)), problems(course_repo)


def test_the_course_itself_is_written_as_its_authors_agreed():
    """What costs nothing to see; CI runs all of `tito course check`."""
    assert seen(ROOT) == []


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("", "The course needs PROBES in", id="empty"),
        pytest.param("PROBES = [", "cannot be imported (SyntaxError:", id="unfinished"),
        pytest.param("import nowhere", "cannot be imported (ModuleNotFoundError:", id="import"),
    ],
)
def test_an_authors_broken_file_is_the_authors_to_mend(course_repo, brings, source, says):
    brings({"m01_two/probes.py": source})
    assert any(says in problem for problem in problems(course_repo))


@pytest.mark.thorough
def test_a_solution_that_no_server_would_accept_is_found(course_repo, brings):
    brings({"m01_two/probes.py": PROBE.format(name="two", value=3)})
    (found,) = problems(course_repo)
    assert found.startswith("01_two: the solution does not pass 1 of 1 probes: two(): the result")
    assert "00_one: the solution passes its one probe" in [f.what for f in findings(course_repo)]


def test_a_folder_that_a_wheel_would_leave_out_is_found(course_repo):
    (content.FOLDER / "m01_two" / "__init__.py").unlink()
    path = "grader/content/m01_two/__init__.py"
    assert f"{path} is not there: a wheel would leave m01_two out." in seen(course_repo.top)


def test_a_milestone_without_its_test_is_found(course_repo):
    file = "tests/milestones/test_learning_verification.py"
    missing = f"perceptron: {file} has no test_perceptron_learning()."
    assert missing in seen(course_repo.top)
    course_repo.write({file: "def test_perceptron_learning(verified):\n    pass\n"})
    assert missing not in seen(course_repo.top)


@pytest.mark.parametrize("file", ["release/README.md", ".github/workflows/classroom.yml"])
def test_a_milestone_that_students_would_not_see_is_found(course_repo, file):
    course_repo.write({file: "the others\n"})
    assert f"{file} has no line for perceptron." in seen(course_repo.top)


def test_an_unlisted_folder_is_found(course_repo):
    course_repo.commit({"modules/02_three/three.py": ONE})
    assert "modules/02_three is not listed in course.yaml." in seen(course_repo.top)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "there",
    [
        pytest.param("modules/01_twoo/twoo.py", id="folder misspelt"),
        pytest.param("modules/01_two/second.py", id="file misspelt"),
        pytest.param("modules/02_two/two.py", id="another number"),
    ],
)
def test_a_lesson_that_is_not_where_its_id_says_is_found_nearby(course_repo, there):
    course_repo.git("rm", "-q", "modules/01_two/two.py")
    course_repo.commit({there: TWO})
    hints = [f.hint for f in findings(course_repo)]
    assert f"Rename {there} to modules/01_two/two.py, or mend the id in course.yaml." in hints


@pytest.mark.thorough
def test_a_missing_lesson_is_found(course_repo):
    course_repo.git("rm", "-q", "-r", "modules/01_two")
    course_repo.git("commit", "-q", "-m", "gone")
    assert "modules/01_two/two.py is not there." in problems(course_repo)


@pytest.mark.thorough
def test_a_solution_left_in_a_carried_file_is_found(course_repo):
    leak = ONE.split("### BEGIN SOLUTION\n")[1].split("    ### END")[0]
    course_repo.commit({"release/cheat.py": f"def one():\n{leak}"})
    assert any("release holds a solution: numerator" in p for p in problems(course_repo))


def test_a_release_has_starters_and_no_solutions_and_nothing_private(course_repo):
    files = build(course_repo)
    assert set(files) == {
        "LICENSE",
        "pyproject.toml",
        "release.json",
        "course.yaml",
        "README.md",
        "grader/grading/engine.py",
        "tito/hook",
        "modules/00_one/one.py",
        "modules/01_two/two.py",
        "starters/00_one/one.py",
        "starters/01_two/two.py",
        "tinytorch/__init__.py",
    }
    assert files["README.md"].content == b"for students\n"
    assert all(b"numerator" not in file.content for file in files.values())
    assert b"NotImplementedError" in files["modules/00_one/one.py"].content


def test_a_release_says_which_version_and_commit_it_was_made_from(course_repo, tmp_path):
    release.write(build(course_repo), tmp_path / "a", "1700000000 +0000")
    head = course_repo.git("rev-parse", "HEAD")
    assert release.origin_of(tmp_path / "a") == release.Origin("1.2.0", head)
    assert release.origin_of(course_repo.top) is None


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("", id="nothing"),
        pytest.param('["1.2.0"]', id="a list"),
        pytest.param('{"commit": "main", "version": "1.2.0"}', id="no commit id"),
        pytest.param('{"commit": 7, "version": "1.2.0"}', id="a number"),
        pytest.param(f'{{"commit": "{"0" * 40}"}}', id="no version"),
    ],
)
def test_what_no_release_says_of_its_origin_is_named(tmp_path, said):
    (tmp_path / "release.json").write_text(said)
    with pytest.raises(CourseError, match=r"release\.json does not say what this course was made"):
        release.origin_of(tmp_path)


def test_a_course_without_a_version_is_not_released(course_repo):
    course_repo.commit({"pyproject.toml": '[project]\nname = "small"\n'})
    hint = 'Add under [project]: version = "1.0.0"'
    assert ("pyproject.toml does not say which version of the course this is.", hint) in [
        (f.what, f.hint) for f in findings(course_repo)
    ]


def test_a_release_is_of_its_own_repository_whatever_the_environment_says(course_repo, monkeypatch):
    """A hook, or a shell left over from one, names another repository."""
    files = build(course_repo)
    other = Repository(course_repo.top.parent / "other")
    other.commit({"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.top / ".git"))
    assert build(course_repo) == files


def test_before_the_first_commit_there_is_nothing_to_release(repo):
    with pytest.raises(StudentError, match="Nothing is committed yet"):
        release.refuse_uncommitted(Git(repo.top))


def test_a_repository_of_another_kind_is_refused_in_a_sentence(tmp_path):
    git = Git(tmp_path)
    git.run("init", "--quiet", "--object-format=sha256")
    git.run("commit", "--quiet", "--allow-empty", "-m", "one")
    with pytest.raises(CourseError, match="names its commits by SHA-256"):
        release.build(git, reading.load(Path(__file__).parents[2]))


def test_two_releases_of_one_commit_are_the_same_commit(course_repo, tmp_path):
    """Every byte, those of .git included."""
    git = Git(course_repo.top)
    when = release.date_of_head(git)
    first = release.write(build(course_repo), tmp_path / "a", when)
    second = release.write(build(course_repo), tmp_path / "b", when)
    assert first == second
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")


def _bytes(root: Path):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_release_has_one_commit_and_a_clean_tree(course_repo, tmp_path):
    release.write(build(course_repo), tmp_path / "a", release.date_of_head(Git(course_repo.top)))
    student = Git(tmp_path / "a")
    assert student.text("rev-list", "--count", "HEAD") == "1"
    assert student.text("status", "--porcelain") == ""
    assert student.text("fsck") == ""


def test_a_release_is_not_made_over_something(course_repo, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        release.write(build(course_repo), tmp_path, "1700000000 +0000")


def test_a_release_that_breaks_off_leaves_nothing(course_repo, tmp_path):
    files = {**build(course_repo), "course.yaml/x": release.File("100644", b"")}
    target = tmp_path / "new" / "students"
    with pytest.raises(UsageError, match=r"students cannot be written: "):
        release.write(files, target, "1700000000 +0000")
    assert list(target.parent.iterdir()) == []


def test_a_release_fills_an_empty_folder_that_others_may_read(course_repo, tmp_path):
    target = tmp_path / "students"
    target.mkdir()
    release.write(build(course_repo), target, "1700000000 +0000")
    assert (target / "course.yaml").is_file()
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_a_release_is_made_from_what_is_committed(course_repo):
    course_repo.write({"course.yaml": COURSE + "# later\n"})
    with pytest.raises(StudentError, match=r"course\.yaml is not committed as it is"):
        build(course_repo)


def tito(repo, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "tito", *arguments],
        cwd=repo.top,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.mark.thorough
def test_the_command_refuses_to_release_a_course_that_does_not_hold(course_repo, tmp_path):
    course_repo.commit({"modules/00_one/one.py": ONE.replace("// 20", "// 5")})
    done = tito(course_repo, "course", "release", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "nothing was written" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("folder", "says"),
    [
        pytest.param("../full", "../full is not empty", id="occupied"),
        pytest.param("../full/file", "../full/file is not a folder", id="a file"),
        pytest.param("../full/file/out", "full/file cannot be written", id="below a file"),
        pytest.param("out", "out is inside the course's own repository", id="inside"),
        pytest.param(".", ". is inside the course's own repository", id="the course itself"),
    ],
)
def test_a_folder_that_will_not_do_is_refused_before_anything_is_checked(course_repo, folder, says):
    full = course_repo.top.parent / "full"
    full.mkdir()
    (full / "file").touch()
    done = tito(course_repo, "course", "release", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "rm -r" not in done.stderr
    assert not (course_repo.top / "out").exists()


def test_a_folder_that_git_ignores_may_be_inside(course_repo):
    course_repo.write({".gitignore": "/out/\n"})
    git = Git(course_repo.top)
    release.refuse_inside(git, course_repo.top / "out")
    with pytest.raises(UsageError, match="holds the solutions"):
        release.refuse_inside(git, course_repo.top / "elsewhere")


@pytest.mark.thorough
def test_uncommitted_work_is_refused_before_anything_is_checked(course_repo, tmp_path):
    course_repo.write({"course.yaml": COURSE + "# later\n"})
    done = tito(course_repo, "course", "release", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "course.yaml is not committed as it is" in done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("arguments", [("check",), ("release", "out")])
def test_a_student_repository_has_nothing_to_check(course_repo, arguments):
    course_repo.write({"starters/00_one/one.py": ONE})
    done = tito(course_repo, "course", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "This is a student repository" in done.stderr
