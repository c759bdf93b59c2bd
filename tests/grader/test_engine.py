"""From a snapshot to its standing: what is run, what is recalled, and what hides what."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from grader.grading.engine import Engine
from grader.grading.ledgers.files import FileLedger
from grader.grading.ledgers.memory import MemoryLedger
from grader.rules import reading
from grader.sandbox import SANDBOXES
from grader.sandbox.jobs import Job
from grader.sources.git import Git
from grader.sources.snapshots import of_commit, of_index, of_working_tree
from grader.verdicts.facts import CheckResult, Earned, Evidence, Outcome
from grader.verdicts.verdicts import MilestoneState, ModuleState, plan_exports
from tests.grader.small_course import (
    RIGHT,
    RULES,
    TESTS,
    complete,
    export_path,
    exports,
    lesson_text,
    lessons,
    path,
    text,
    todo,
)

COMPLETE, IN_PROGRESS, TO_DO, BLOCKED, UNVERIFIED, NOT_EXPORTED = (
    ModuleState.COMPLETE,
    ModuleState.IN_PROGRESS,
    ModuleState.TODO,
    ModuleState.BLOCKED,
    ModuleState.UNVERIFIED,
    ModuleState.NOT_EXPORTED,
)
LOCKED, UNLOCKED, ACHIEVED = (
    MilestoneState.LOCKED,
    MilestoneState.UNLOCKED,
    MilestoneState.ACHIEVED,
)
WRONG = "def {0}():\n    return 'wrong'"


class CountingSandbox:
    """Starts nothing. Judges by a look at the code: 'wrong' fails, NotImplementedError is to do."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.jobs: list[Job] = []

    def run(self, job: Job) -> Evidence:
        self.runs.append(job.subject)
        self.jobs.append(job)
        code = "".join(c["source"] for c in job.program["cells"] if c["role"] == "code")
        outcome = self.outcome(code)
        checks = tuple(CheckResult(name, name, outcome) for name in job.expected)
        return Evidence(job.key, job.subject, checks)

    def outcome(self, code: str) -> Outcome:
        told = {"NotImplementedError": Outcome.TODO, "wrong": Outcome.FAILED}
        return next((o for word, o in told.items() if word in code), Outcome.PASSED)

    def ask(self, job: Job):
        raise AssertionError(f"{job.subject} should not be trained here")


class BrokenSandbox(CountingSandbox):
    """As if this machine had no room for a process."""

    def outcome(self, _code: str) -> Outcome:
        return Outcome.FAULT


class SlowSandbox(CountingSandbox):
    """As if every check had run out of time."""

    def outcome(self, _code: str) -> Outcome:
        return Outcome.TIMED_OUT


@pytest.fixture
def sandbox() -> CountingSandbox:
    return CountingSandbox()


@pytest.fixture
def engine(write_course, sandbox) -> Engine:
    return Engine(reading.load(write_course(RULES)), MemoryLedger(), sandbox)


@pytest.fixture
def snap(repo):
    """snap(files) -> the index that holds FILES and nothing else under modules/ and tinytorch/."""

    def stage(files):
        repo.git("rm", "-r", "-q", "--cached", "--ignore-unmatch", "modules", "tinytorch")
        repo.stage(files)
        return of_index(Git(repo.top))

    return stage


def states(standing) -> list[ModuleState]:
    return [v.state for v in standing.modules.values()]


def summary(standing):
    """What must not depend on the ledger."""
    return (
        states(standing),
        [v.state for v in standing.milestones.values()],
        standing.drift,
        standing.points,
        [v.key for v in standing.modules.values()],
    )


# What is run


def test_a_finished_course_is_complete_and_every_module_ran_once(engine, sandbox, snap):
    standing = engine.grade(snap(complete()))
    assert states(standing) == [COMPLETE] * 3
    assert [v.state for v in standing.milestones.values()] == [UNLOCKED] * 2
    assert (standing.points, standing.drift) == (35, ())
    assert sandbox.runs == ["00_one", "01_two", "02_three"]


def test_the_real_sandbox_agrees(write_course, snap):
    engine = Engine(reading.load(write_course(RULES)), MemoryLedger(), SANDBOXES["process"]())
    assert states(engine.grade(snap(complete()))) == [COMPLETE] * 3
    changed = lessons(two=text("01_two", WRONG.format("two")))
    verdict = engine.grade(snap(changed)).modules["01_two"]
    assert (verdict.state, verdict.failures[0].message) == (
        IN_PROGRESS,
        "two() should be 2, got wrong.",
    )


def test_what_the_ledger_knows_is_not_run_again(engine, sandbox, snap):
    first = engine.grade(snap(complete()))
    sandbox.runs.clear()
    assert summary(engine.grade(snap(complete()))) == summary(first)
    assert summary(engine.recall(snap(complete()))) == summary(first)
    assert sandbox.runs == []


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(text("00_one", prose="More prose."), id="prose"),
        pytest.param(text("00_one", prose="\n#\n#\n#"), id="lines above the code"),
        pytest.param(text("00_one") + "\n# %%\nprint(one())\n", id="demonstration"),
        pytest.param(text("00_one").replace("\n", "\r\n"), id="line ends"),
    ],
)
def test_editing_prose_runs_nothing(engine, sandbox, snap, changed):
    engine.grade(snap(complete()))
    sandbox.runs.clear()
    standing = engine.grade(snap({**complete(), path("00_one"): changed}))
    assert sandbox.runs == []
    assert states(standing) == [COMPLETE] * 3


def test_a_change_runs_the_module_and_all_that_depend_on_it(engine, sandbox, snap):
    engine.grade(snap(complete()))
    sandbox.runs.clear()
    files = lessons(one=text("00_one", "def one():\n    return 2 - 1"))
    engine.grade(snap({**files, **exports(files)}))
    assert sandbox.runs == ["00_one", "01_two", "02_three"]


def test_a_change_does_not_run_what_does_not_depend_on_it(engine, sandbox, snap):
    engine.grade(snap(complete()))
    sandbox.runs.clear()
    engine.grade(snap(lessons(two=text("01_two", "def two():\n    return 2"))))
    assert sandbox.runs == ["01_two"]


def test_a_changed_test_runs_its_module_only(engine, sandbox, snap):
    engine.grade(snap(complete()))
    sandbox.runs.clear()
    stricter = TESTS["00_one"].replace("return 1.", "return exactly 1.")
    engine.grade(snap(lessons(one=text("00_one", tests=stricter))))
    assert sandbox.runs == ["00_one"]


def test_going_back_to_what_was_graded_runs_nothing(engine, sandbox, snap):
    engine.grade(snap(complete()))
    engine.grade(snap(lessons(one=todo("00_one"))))
    sandbox.runs.clear()
    assert states(engine.grade(snap(complete()))) == [COMPLETE] * 3
    assert sandbox.runs == []


def test_recalling_starts_no_process(engine, sandbox, snap):
    standing = engine.recall(snap(complete()))
    assert sandbox.runs == []
    assert states(standing) == [UNVERIFIED, BLOCKED, BLOCKED]
    assert standing.unverified == ("00_one",)


def test_an_engine_without_a_sandbox_only_recalls(engine, snap):
    assert states(replace(engine, sandbox=None).grade(snap(complete()))) == [
        UNVERIFIED,
        BLOCKED,
        BLOCKED,
    ]


def test_only_the_wanted_modules_and_their_needs_are_run(engine, sandbox, snap):
    standing = engine.grade(snap(complete()), only=["01_two"])
    assert sandbox.runs == ["00_one", "01_two"]
    assert states(standing) == [COMPLETE, COMPLETE, UNVERIFIED]


def test_testing_a_module_runs_it_again(engine, sandbox, snap):
    engine.grade(snap(complete()))
    sandbox.runs.clear()
    assert engine.test(snap(complete()), engine.course.module("01_two")).complete
    assert sandbox.runs == ["01_two"]


def test_a_failure_is_run_again_only_when_that_is_asked_for(engine, sandbox, snap):
    files = lessons(one=text("00_one", WRONG.format("one")))
    engine.grade(snap(files))
    engine.grade(snap(files))
    assert sandbox.runs == ["00_one"]
    engine.grade(snap(files), retry=["00_one"])
    assert sandbox.runs == ["00_one", "00_one"]


def test_a_pass_is_not_run_again_when_a_retry_is_asked_for(engine, sandbox, snap):
    engine.grade(snap(complete()))
    sandbox.runs.clear()
    engine.grade(snap(complete()), retry=["00_one", "01_two"])
    assert sandbox.runs == []


def test_a_time_out_may_pass_the_next_time(engine, snap):
    slow = replace(engine, sandbox=SlowSandbox())
    assert states(slow.grade(snap(complete())))[0] is IN_PROGRESS
    assert states(engine.grade(snap(complete()), retry=["00_one"]))[0] is COMPLETE


def test_a_fault_of_ours_is_forgotten(engine, sandbox, snap):
    faulty = replace(engine, sandbox=BrokenSandbox())
    verdict = faulty.grade(snap(complete())).modules["00_one"]
    assert (len(verdict.faults), verdict.failures) == (2, ())
    assert states(engine.grade(snap(complete()))) == [COMPLETE] * 3
    assert sandbox.runs == ["00_one", "01_two", "02_three"]


def test_who_watches_is_told_before_each_run(engine, snap):
    told = []
    engine = replace(engine, watch=told.append)
    engine.grade(snap(complete()))
    engine.grade(snap(complete()))
    assert told == ["00_one", "01_two", "02_three"]


# What hides what


@pytest.mark.parametrize(
    ("content", "where", "message"),
    [
        pytest.param(text("01_two", "def two(:"), "modules/01_two/two.py:9", "two(:", id="syntax"),
        pytest.param("", "modules/01_two/two.py:1", "there is no code cell", id="empty"),
        pytest.param("x = 1\n", "modules/01_two/two.py:1", "there is no code cell", id="no cells"),
        pytest.param(
            "# %%\nx = 1\n", "modules/01_two/two.py:1", "no cell says where", id="no default_exp"
        ),
        pytest.param(
            text("01_two", "def two():\n    ### BEGIN SOLUTION\n    return 2"),
            "modules/01_two/two.py:10",
            "has no '### END SOLUTION'",
            id="marker missing",
        ),
        pytest.param(b"\xff\xfe", "modules/01_two/two.py:1", "not UTF-8", id="binary"),
        pytest.param(b"#" * 600_000, "modules/01_two/two.py", "larger than 512 KiB", id="huge"),
        pytest.param(
            text("01_two", "x = " + "(" * 5000), "modules/01_two/two.py:9", "nested", id="brackets"
        ),
        pytest.param(
            text("01_two", "x = '\x00'"), "modules/01_two/two.py:9", "a zero byte", id="null byte"
        ),
    ],
)
def test_one_broken_module_does_not_hide_the_others(engine, sandbox, snap, content, where, message):
    standing = engine.grade(snap({**complete(), path("01_two"): content}))
    assert states(standing) == [COMPLETE, IN_PROGRESS, COMPLETE]
    assert sandbox.runs == ["00_one", "02_three"]
    (failure,) = standing.modules["01_two"].failures
    assert failure.outcome is Outcome.ERRORED
    assert failure.where == where
    assert message in failure.message
    assert failure.hint


def test_a_lesson_that_is_a_link_does_not_hide_the_others(engine, repo, snap):
    snap(complete())
    (repo.top / path("01_two")).unlink()
    (repo.top / path("01_two")).symlink_to(repo.top / path("00_one"))
    repo.git("add", "-A")
    standing = engine.grade(of_index(Git(repo.top)))
    assert states(standing) == [COMPLETE, IN_PROGRESS, COMPLETE]
    assert "is a symbolic link" in standing.modules["01_two"].failures[0].message


def test_what_needs_a_broken_module_waits_and_is_not_run(engine, sandbox, snap):
    standing = engine.grade(snap({**complete(), path("00_one"): "broken"}))
    assert states(standing) == [IN_PROGRESS, BLOCKED, BLOCKED]
    assert standing.modules["02_three"].waits_for == ("00_one",)
    assert [v.missing for v in standing.milestones.values()] == [
        ("00_one",),
        ("00_one", "01_two", "02_three"),
    ]
    assert sandbox.runs == []


def test_what_needs_an_unfinished_module_waits(engine, sandbox, snap):
    standing = engine.grade(snap({**complete(), path("00_one"): todo("00_one")}))
    assert states(standing) == [TO_DO, BLOCKED, BLOCKED]
    assert sandbox.runs == ["00_one"]


def test_a_missing_lesson_is_to_do_and_says_how_to_start(engine, snap):
    files = complete()
    del files[path("01_two")]
    standing = engine.grade(snap(files))
    assert states(standing) == [COMPLETE, TO_DO, COMPLETE]
    (note,) = standing.modules["01_two"].notes
    assert note == f"{path('01_two')} is not there. -> tito module start 01"


def test_an_empty_repository_has_everything_to_do(engine, sandbox, repo):
    standing = engine.grade(of_index(Git(repo.top)))
    assert states(standing) == [TO_DO, BLOCKED, BLOCKED]
    assert (standing.points, sandbox.runs) == (0, [])


def test_a_lesson_without_a_test_is_not_complete(engine, snap):
    bare = lesson_text("core.one", RIGHT["00_one"], "print(one())")
    assert states(engine.grade(snap({**complete(), path("00_one"): bare})))[0] is TO_DO


# The course's own tests


@pytest.fixture
def starters(repo) -> None:
    """A student repository: the starters of all modules are there."""
    repo.write({f"starters/{m}/{m[3:]}.py": todo(m) for m in RIGHT})


@pytest.mark.usefixtures("starters")
@pytest.mark.parametrize(
    ("tests", "missing"),
    [
        pytest.param(
            TESTS["00_one"].replace("test_one()", "test_uno()"), ["test_one"], id="renamed"
        ),
        pytest.param("def helper(): pass", ["test_one", "test_one_is_whole"], id="removed"),
        pytest.param("", ["test_one", "test_one_is_whole"], id="cell removed"),
        pytest.param(TESTS["00_one"].replace("def test_one()", "def _one()"), ["test_one"], id="_"),
    ],
)
def test_a_removed_test_is_run_all_the_same_and_a_note_says_so(
    engine, sandbox, snap, tests, missing
):
    verdict = engine.grade(snap({**complete(), path("00_one"): text("00_one", tests=tests)}))
    verdict = verdict.modules["00_one"]
    assert sandbox.jobs[0].expected == ("test_one", "test_one_is_whole")
    assert verdict.complete
    assert verdict.notes == tuple(
        f"{name} is no longer in {path('00_one')}; the course's own copy was run."
        for name in missing
    )


@pytest.mark.usefixtures("starters")
def test_a_weakened_test_is_replaced_by_the_courses_own(engine, sandbox, snap):
    weak = TESTS["00_one"].replace("assert one() == 1", "assert True")
    engine.grade(snap({**complete(), path("00_one"): text("00_one", tests=weak)}))
    checks = [c for c in sandbox.jobs[0].program["cells"] if c["role"] == "check"]
    assert [c["file"] for c in checks] == ["starters/00_one/one.py"]
    assert "assert True" not in checks[0]["source"]


@pytest.mark.usefixtures("starters")
def test_a_test_that_a_student_adds_is_welcome_and_not_needed(engine, sandbox, snap):
    more = TESTS["00_one"] + "\n\ndef test_mine():\n    pass\n"
    verdict = engine.grade(snap({**complete(), path("00_one"): text("00_one", tests=more)}))
    assert sandbox.jobs[0].expected == ("test_one", "test_one_is_whole")
    assert verdict.modules["00_one"].notes == ()


@pytest.mark.usefixtures("starters")
def test_an_untouched_starter_is_to_do(engine, snap):
    assert states(engine.grade(snap({path(m): todo(m) for m in RIGHT})))[0] is TO_DO


@pytest.mark.usefixtures("starters")
def test_a_lesson_exported_elsewhere_than_the_course_says_is_refused(engine, snap):
    hijack = lesson_text("core.one", RIGHT["01_two"], TESTS["01_two"])
    standing = engine.grade(snap({**complete(), path("01_two"): hijack}))
    assert states(standing) == [COMPLETE, IN_PROGRESS, COMPLETE]
    (failure,) = standing.modules["01_two"].failures
    assert "default_exp core.one" in failure.message
    assert "#| default_exp core.two" in failure.hint


@pytest.mark.usefixtures("starters")
@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param("x = 1\n", "there is no code cell", id="no cells"),
        pytest.param(text("01_two", tests="def test_two(:"), "cannot read", id="syntax in a test"),
        pytest.param(b"\xff", "not UTF-8", id="binary"),
        pytest.param(b"#" * 600_000, "larger than", id="huge"),
    ],
)
def test_a_damaged_starter_is_named_and_hides_nothing(engine, repo, snap, content, what):
    repo.write({"starters/01_two/two.py": content})
    standing = engine.grade(snap(complete()))
    assert states(standing) == [COMPLETE, IN_PROGRESS, COMPLETE]
    (failure,) = standing.modules["01_two"].failures
    assert "starters/01_two/two.py" in failure.where + failure.message
    assert what in failure.message
    assert "git checkout HEAD -- :/starters/01_two/two.py" in failure.hint


@pytest.mark.usefixtures("starters")
def test_without_its_starter_a_module_of_a_student_is_not_judged_by_their_own_tests(
    engine, repo, snap
):
    (repo.top / "starters/01_two/two.py").unlink()
    standing = engine.grade(snap(complete()))
    assert states(standing) == [COMPLETE, IN_PROGRESS, COMPLETE]
    (failure,) = standing.modules["01_two"].failures
    assert "starters/01_two/two.py is not there" in failure.message


# Exports


@pytest.mark.parametrize(
    ("change", "state", "drift"),
    [
        pytest.param({export_path("01_two"): "# edited\n"}, NOT_EXPORTED, "two.py", id="edited"),
        pytest.param({export_path("01_two"): b"\xff"}, NOT_EXPORTED, "two.py", id="binary"),
        pytest.param({"tinytorch/core/mine.py": "x = 1\n"}, COMPLETE, "mine.py", id="stray"),
        pytest.param({"tinytorch/__init__.py": ""}, COMPLETE, "__init__.py", id="no imports"),
        pytest.param({"tinytorch/README.md": "mine"}, COMPLETE, None, id="no Python"),
    ],
)
def test_drift_of_the_package_is_seen(engine, snap, change, state, drift):
    standing = engine.grade(snap({**complete(), **change}))
    assert states(standing) == [COMPLETE, state, COMPLETE]
    assert [p.rpartition("/")[2] for p in standing.drift] == ([drift] if drift else [])


def test_a_module_without_its_export_is_proven_but_not_complete(engine, snap):
    files = complete()
    del files[export_path("02_three")]
    standing = engine.grade(snap(files))
    assert states(standing) == [COMPLETE, COMPLETE, NOT_EXPORTED]
    assert standing.milestones["late"].missing == ("02_three",)
    plan = plan_exports(standing)
    assert (plan.write, plan.remove) == ((export_path("02_three"),), ())
    assert plan.files[export_path("02_three")] == exports(lessons())[export_path("02_three")]


def test_line_ends_of_an_export_are_no_drift(engine, snap):
    files = {p: t.replace("\n", "\r\n") for p, t in complete().items()}
    assert engine.grade(snap(files)).drift == ()


def test_the_export_of_a_module_that_is_no_longer_proven_is_to_be_removed(engine, snap):
    standing = engine.grade(snap({**complete(), path("01_two"): todo("01_two")}))
    plan = plan_exports(standing)
    assert plan.remove == (export_path("01_two"),)
    assert plan.write == ("tinytorch/__init__.py",)
    assert "two" not in plan.files["tinytorch/__init__.py"]


def test_an_export_that_is_a_link_is_drift(engine, repo, snap, tmp_path):
    snap(complete())
    (tmp_path / "copy.py").write_text(complete()[export_path("01_two")])
    (repo.top / export_path("01_two")).unlink()
    (repo.top / export_path("01_two")).symlink_to(tmp_path / "copy.py")
    repo.git("add", "-A")
    standing = engine.grade(of_index(Git(repo.top)))
    assert standing.drift == (export_path("01_two"),)


def test_when_nothing_drifts_there_is_nothing_to_plan(engine, snap):
    assert plan_exports(engine.grade(snap(complete()))).empty


def test_lessons_alone_give_the_plan_of_the_whole_package(engine, snap):
    plan = plan_exports(engine.grade(snap(lessons())))
    assert dict(plan.files) == exports(lessons())
    assert sorted(plan.write) == sorted(exports(lessons()))


# The ledger


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "ledger"


@pytest.fixture
def filed(engine, directory) -> Engine:
    """An engine that remembers on disk."""
    return replace(engine, ledger=FileLedger(directory))


def test_deleting_the_ledger_gives_the_same_answer(filed, directory, snap):
    files = {**complete(), path("01_two"): text("01_two", WRONG.format("two"))}
    before = filed.grade(snap(files))
    shutil.rmtree(directory)
    assert summary(filed.grade(snap(files))) == summary(before)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="nothing in it"),
        pytest.param('{"path": 7, "checks": [{}], "problem": [1]}', id="other things in it"),
        pytest.param("[" * 50_000, id="brackets"),
    ],
)
def test_damaging_the_ledger_gives_the_same_answer(filed, directory, snap, damage):
    before = filed.grade(snap(complete()))
    files = [p for p in directory.rglob("*") if p.is_file()]
    assert len(files) >= 6
    [p.write_text(damage) for p in files]
    assert summary(filed.grade(snap(complete()))) == summary(before)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"line": ', '"line": null, "x": ', id="unknown field of a check"),
        pytest.param('"title": "', '"title": 7, "was": "', id="title that is a number"),
        pytest.param('"code_blob": "', '"code_blob": null, "was": "', id="id that is null"),
        pytest.param('"problem": null', '"problem": "x"', id="problem of one letter"),
        pytest.param('"problem": null', '"problem": [1, 2, 3]', id="problem of three numbers"),
        pytest.param('"export_name": "core', '"export_name": "../core', id="name that climbs"),
    ],
)
def test_a_memo_with_other_types_is_not_believed(filed, directory, snap, old, new):
    before = filed.grade(snap(complete()))
    memos = list((directory / "memos").iterdir())
    assert any(old in m.read_text() for m in memos)
    [m.write_text(m.read_text().replace(old, new)) for m in memos]
    assert summary(filed.grade(snap(complete()))) == summary(before)


def test_a_ledger_that_cannot_be_written_changes_no_verdict(filed, directory, snap):
    directory.write_text("not a directory")
    assert states(filed.grade(snap(complete()))) == [COMPLETE] * 3


def test_the_same_code_has_the_same_key_wherever_it_lies(engine, repo, snap, commit):
    index = engine.grade(snap(complete()))
    commit({"README.md": "x"})
    git = Git(repo.top)
    assert summary(engine.recall(of_commit(git, "HEAD"))) == summary(index)
    assert summary(engine.recall(of_working_tree(repo.top))) == summary(index)


def test_a_file_that_changes_while_it_is_graded_is_graded_as_it_was(filed, repo, sandbox):
    repo.write(complete())
    before = of_working_tree(repo.top)
    repo.write({path("00_one"): text("00_one", WRONG.format("one"))})
    assert states(filed.grade(before)) == [COMPLETE] * 3
    repo.write(complete())
    assert states(filed.grade(of_working_tree(repo.top))) == [COMPLETE] * 3
    assert sandbox.runs == ["00_one", "01_two", "02_three"]


# Milestones


def proof(key: str, outcome: Outcome = Outcome.PASSED) -> Evidence:
    return Evidence(key, "milestone late", (CheckResult("loss", "Loss", outcome),))


def test_a_milestone_is_unlocked_by_its_modules_and_achieved_by_its_proof(engine, snap):
    late = engine.grade(snap(complete())).milestones["late"]
    assert late.state is UNLOCKED
    engine.ledger.put(proof(late.key))
    again = engine.recall(snap(complete()))
    assert again.milestones["late"].state is ACHIEVED
    assert again.points == 35 + 40


def test_a_failed_proof_is_shown_and_achieves_nothing(engine, snap):
    late = engine.grade(snap(complete())).milestones["late"]
    engine.ledger.put(proof(late.key, Outcome.FAILED))
    late = engine.recall(snap(complete())).milestones["late"]
    assert (late.state, late.evidence.checks[0].outcome) == (UNLOCKED, Outcome.FAILED)


def test_a_proof_holds_for_the_code_that_was_trained_only(engine, snap):
    late = engine.grade(snap(complete())).milestones["late"]
    engine.ledger.put(proof(late.key))
    engine.ledger.earn("late", Earned("c1", "2026-01-01"))
    files = lessons(two=text("01_two", "def two():\n    return 2"))
    changed = engine.grade(snap({**files, **exports(files)})).milestones["late"]
    assert (changed.state, changed.earned) == (UNLOCKED, Earned("c1", "2026-01-01"))


def test_a_proof_outlives_prose_and_tests(engine, snap):
    late = engine.grade(snap(complete())).milestones["late"]
    engine.ledger.put(proof(late.key))
    stricter = TESTS["00_one"].replace("return 1.", "return exactly 1.")
    changed = {**complete(), path("00_one"): text("00_one", tests=stricter, prose="More.")}
    assert engine.grade(snap(changed)).milestones["late"].state is ACHIEVED


def test_a_proof_of_one_milestone_says_nothing_of_another(engine, snap):
    standing = engine.grade(snap(complete()))
    engine.ledger.put(proof(standing.milestones["late"].key))
    assert engine.recall(snap(complete())).milestones["early"].state is UNLOCKED


def test_verifying_a_locked_milestone_trains_nothing(engine, snap):
    files = {**complete(), path("01_two"): todo("01_two")}
    late = engine.verify(snap(files), engine.course.milestone("late"))
    assert (late.state, late.missing) == (LOCKED, ("01_two",))


def test_grading_never_trains(engine, snap):
    assert engine.grade(snap(complete())).milestones["early"].state is UNLOCKED
