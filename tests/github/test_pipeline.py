"""Every `run:` line of every workflow, executed: pull request, fork, push, Classroom's bot."""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ET

import pytest
import yaml

from grader.reports import bounded
from tests.github.conftest import EARLY, EARLY_POINTS, MILESTONES, POINTS, solution
from tests.github.hub import BOT, NAME, Hub, Job, Run, Runner
from tests.reports.samples import COURSE, ROOT, finished

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or sys.platform == "win32", reason="workflows run in bash"
)
MARKER = "<!-- tinytorch:milestones -->"
FIRST = COURSE.milestones[0]
COURSE_IDS = [m.id for m in COURSE.milestones]


def verify(hub, workflow, name="push", event=None, **context):
    return hub.run(workflow("milestones"), name, event or {}, **context)


def award(hub, workflow, event):
    return hub.run(workflow("award"), "workflow_run", event)


def preview(hub, workflow, pull, owner="ada"):
    """A pull request, verified and commented. The two runs."""
    event = {"number": pull["number"], "pull_request": pull}
    run = verify(hub, workflow, "pull_request", event, ref=f"refs/pull/{pull['number']}/merge")
    event = hub.finished(
        run,
        "pull_request",
        pull["head"]["sha"],
        pull["head"]["ref"],
        head_repository={"full_name": f"{owner}/tinytorch"},
    )
    return run, award(hub, workflow, event)


def only(hub, number=1):
    (comment,) = hub.comments[number]
    return comment


@pytest.mark.thorough
def test_a_pull_request_gets_one_comment_that_is_updated(hub, student, workflow):
    student.git("switch", "--quiet", "-c", "work")
    student.commit(solution(3), "tensors and gradients")
    pull = hub.open_pull(student, "work")
    run, awarded = preview(hub, workflow, pull)

    assert run.conclusion == "success", run.jobs["verify"].log
    assert awarded.conclusion == "success", awarded.jobs["comment"].log
    assert not awarded.jobs["badges"].ran
    comment = only(hub)
    assert comment["body"].startswith(MARKER)
    told = f"{len(EARLY)} of {MILESTONES} milestones, {EARLY_POINTS} of {POINTS} points"
    assert told in comment["body"]
    assert "This is a preview" in comment["body"]
    assert {x["name"] for x in pull["labels"]} == {f"milestone: {m.id}" for m in EARLY}
    assert hub.badges() == {}

    preview(hub, workflow, pull)
    assert only(hub)["edits"] == 1  # its run has another number, and the comment links to it
    assert {x["name"] for x in pull["labels"]} == {f"milestone: {m.id}" for m in EARLY}


@pytest.mark.thorough
def test_a_fork_is_judged_by_the_base_and_can_change_no_rule(hub, student, workflow):
    """The fork's own grader would pass everything; its lesson of tensors is wrong."""
    student.git("switch", "--quiet", "-c", "main-of-fork")
    lesson = COURSE.modules[1]
    wrong = solution(3)
    wrong[lesson.path] = wrong[lesson.path].replace("a.data + b.data", "a.data - b.data", 1)
    assert wrong[lesson.path] != solution(3)[lesson.path]
    theirs = {
        "grader/github/verify.py": "raise SystemExit(0)",
        "course.yaml": (ROOT / "course.yaml").read_text().replace("points: 20", "points: 99"),
        "conftest.py": "raise SystemExit(0)",
        lesson.starter_path: "# no tests\n",
    }
    student.commit({**wrong, **theirs}, "cheat")
    pull = hub.open_pull(student, "main-of-fork", owner="mallory")
    run, awarded = preview(hub, workflow, pull, owner="mallory")

    assert run.conclusion == "failure"
    assert "::error file=modules/01_tensor/tensor.py" in run.jobs["verify"].log
    assert awarded.conclusion == "success", awarded.jobs["comment"].log
    body = only(hub)["body"]
    assert f"0 of {MILESTONES} milestones, 0 of {POINTS} points" in body
    assert "came from the base branch" in body
    assert "`course.yaml`" in body
    assert "`grader/github/verify.py`" in body
    assert "`tito module test 01`" in body
    assert pull["labels"] == []


@pytest.mark.thorough
def test_a_push_to_main_awards_badges_and_a_regression_keeps_what_is_earned(hub, student, workflow):
    sha = student.commit(solution(3), "tensors and gradients")
    hub.push(student, "main")
    run = verify(hub, workflow, sha=sha)
    event = hub.finished(run, "push", sha, "main")
    awarded = award(hub, workflow, event)

    assert not awarded.jobs["comment"].ran
    assert awarded.conclusion == "success", awarded.jobs["badges"].log
    files = hub.badges()
    assert json.loads(files["milestones.json"])["message"] == "1/5"
    assert json.loads(files["state.json"])["milestones"][FIRST.id]["earned"]["commit"] == sha
    assert "earned by" in ET.fromstring(files[f"{FIRST.id}.svg"])[0].text
    assert "Badges updated" in awarded.jobs["badges"].summary

    again = award(hub, workflow, event)
    assert hub.badges() == files
    assert "already up to date" in again.jobs["badges"].summary

    broken = COURSE.modules[1].path
    text = solution(3)[broken].replace("a.data + b.data", "a.data - b.data", 1)
    worse = student.commit({broken: text}, "break it")
    hub.push(student, "main")
    run = verify(hub, workflow, sha=worse)
    awarded = award(hub, workflow, hub.finished(run, "push", worse, "main"))

    files = hub.badges()
    record = json.loads(files["state.json"])["milestones"][FIRST.id]
    assert (record["earned"]["commit"], record["since"]["commit"]) == (sha, worse)
    assert "regressed" in files[f"{FIRST.id}.svg"]
    assert json.loads(files["milestones.json"])["message"] == "0/5"
    summary = awarded.jobs["badges"].summary
    assert f"was earned by `{sha[:10]}`" in summary
    assert f"since `{worse[:10]}`" in summary
    assert "tito module test 01" in summary


@pytest.mark.thorough
def test_classrooms_workflow_reports_points_and_skips_its_bot(hub, student, workflow):
    sha = student.commit(solution(3), "tensors and gradients")
    hub.push(student, "main")
    bot = hub.run(workflow("classroom"), "push", {}, sha=sha, actor="github-classroom[bot]")
    assert not bot.jobs["run-autograding-tests"].ran

    run = hub.run(workflow("classroom"), "push", {}, sha=sha)
    job = run.jobs["run-autograding-tests"]
    assert job.ran
    assert job.steps[-1].log == "::notice title=Autograding complete::Points 20/100"
    assert set(COURSE_IDS) <= job.outputs["grade"].keys()
    assert job.outputs["grade"]["points"] == "20"


@pytest.mark.thorough
def test_the_action_judges_for_another_course(hub, student, tmp_path):
    """As `uses: org/course@sha` would: the grader from the action, the rules from a checkout."""
    student.commit(solution(1), "tools")
    hub.push(student, "main")
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    given = {"rules": "rules", "student": "student", "python-version": "3.12", "format": "junit"}
    out = tmp_path / "verdict"
    values = {
        "github": {
            "event": {},
            "event_name": "push",
            "actor": "ada",
            "repository": NAME,
            "sha": "x",
            "ref": "refs/heads/main",
            "action_path": str(ROOT),
        },
        "inputs": {**given, "out": str(out)},
    }
    runner = Runner(hub, tmp_path / "job", values, tmp_path)
    done = Job(ran=True)
    checkouts = [
        {
            "uses": "actions/checkout@x",
            "with": {"path": p, "ref": "main", "persist-credentials": False},
        }
        for p in ("rules", "student")
    ]
    runner.steps([*checkouts, *action["runs"]["steps"]], done)

    assert done.conclusion == "success", done.log
    assert done.outputs["judge"]["points"] == "0"
    assert set(json.loads(done.outputs["judge"]["results"])) == set(COURSE_IDS)
    assert {p.name for p in out.iterdir()} == {"verdict.json", "junit.xml"}
    assert f"0 of {MILESTONES} milestones" in done.summary


# The trusted job alone, with artifacts that no honest run would leave


@pytest.fixture
def pulled(hub, student):
    """An open pull request that has not been verified."""
    student.git("switch", "--quiet", "-c", "work")
    student.commit({"notes.txt": "x"}, "work")
    return hub.open_pull(student, "work")


def letter(hub, tmp_path, content, pull=None, **more):
    """The event of a verification that left CONTENT (None: nothing) as its verdict."""
    artifacts = tmp_path / "artifacts"
    if content is not None:
        (artifacts / "verdict-1").mkdir(parents=True)
        (artifacts / "verdict-1" / "verdict.json").write_text(content)
    sha = pull["head"]["sha"] if pull else more.pop("sha")
    branch = pull["head"]["ref"] if pull else "main"
    name = "pull_request" if pull else "push"
    return hub.finished(Run({}, artifacts), name, sha, branch, **more)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "The verification left no verdict."),
        ("{", "verdict.json is not JSON."),
        ('{"schema": "tinytorch/verdict/v1", "trust": "authoritative"}', "is not known"),
    ],
)
def test_an_unreadable_verdict_is_one_sentence_in_the_comment(
    hub, pulled, workflow, tmp_path, content, says
):
    event = letter(hub, tmp_path, content, pulled, conclusion="timed_out")
    run = award(hub, workflow, event)
    assert run.conclusion == "success", run.jobs["comment"].log
    body = only(hub)["body"]
    assert says in body
    assert "ended with timed out" in body
    assert "tito status" in body
    assert [i for i in COURSE_IDS if f"`{i}`" not in body] == []
    assert "Traceback" not in run.jobs["comment"].log + body
    assert "ghs_secret" not in run.jobs["comment"].log + body


@pytest.mark.thorough
def test_a_verdict_without_a_newer_head_is_not_told(hub, pulled, workflow, tmp_path):
    event = letter(hub, tmp_path, None, pulled)
    pulled["head"]["sha"] = "0" * 40
    run = award(hub, workflow, event)
    assert hub.comments[1] == []
    assert "a newer one was pushed" in run.jobs["comment"].summary


@pytest.mark.thorough
def test_a_comment_of_somebody_else_is_never_edited(hub, pulled, workflow, tmp_path):
    forged = {"id": 1, "user": {"login": "mallory"}, "body": f"{MARKER}\nhello", "edits": 0}
    many = [{"id": i, "user": {"login": "x"}, "body": "x", "edits": 0} for i in range(2, 150)]
    hub.comments[1] += [forged, *many]
    award(hub, workflow, letter(hub, tmp_path, None, pulled))
    award(hub, workflow, letter(hub, tmp_path, None, pulled))
    ours = [c for c in hub.comments[1] if c["user"]["login"] == BOT]
    assert len(ours) == 1
    assert forged["edits"] == 0


@pytest.mark.thorough
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"path": ".github/workflows/evil.yml"}, id="another file of the same name"),
        pytest.param({"event": "schedule"}, id="another event"),
        pytest.param({"head_branch": "feature"}, id="another branch"),
        pytest.param({"head_repository": {"full_name": "mallory/tinytorch"}}, id="a fork's main"),
    ],
)
def test_other_runs_start_no_job(hub, student, workflow, tmp_path, more):
    sha = student.git("rev-parse", "HEAD")
    run = award(hub, workflow, letter(hub, tmp_path, None, sha=sha, **more))
    assert [job.ran for job in run.jobs.values()] == [False, False]


def whole_verdict(sha):
    document = json.loads(bounded.render("verdict", finished())["verdict.json"])
    return json.dumps({**document, "commit": sha})


def test_a_commit_outside_of_main_earns_nothing_whatever_its_branch_is_called(
    hub, student, workflow, tmp_path
):
    """A tag named main brings its own workflow file, and its run says head_branch: main."""
    student.git("switch", "--quiet", "-c", "elsewhere")
    sha = student.commit({"notes.txt": "x"}, "elsewhere")
    hub.push(student, "", "refs/tags/main")
    run = award(hub, workflow, letter(hub, tmp_path, whole_verdict(sha), sha=sha))
    assert run.conclusion == "failure"
    assert "is not part of main (any more), so it earns nothing" in run.jobs["badges"].summary
    assert hub.badges() == {}


@pytest.mark.thorough
def test_a_verdict_that_cannot_be_read_leaves_the_badges_as_they_are(
    hub, student, workflow, tmp_path
):
    sha = student.git("rev-parse", "HEAD")
    run = award(hub, workflow, letter(hub, tmp_path, "[]", sha=sha))
    assert run.conclusion == "failure"
    assert "The badges stay as they are." in run.jobs["badges"].summary
    assert hub.badges() == {}


def test_a_damaged_state_is_not_written_over(hub, student, workflow, tmp_path):
    other = student.git("rev-parse", "HEAD")
    student.git("switch", "--quiet", "--orphan", "badges")
    student.commit({"state.json": '{"schema": "mine"}'}, "by hand")
    hub.push(student, "badges")
    run = award(hub, workflow, letter(hub, tmp_path, whole_verdict(other), sha=other))
    assert run.conclusion == "failure"
    assert "nothing was written" in run.jobs["badges"].summary
    assert hub.badges() == {"state.json": '{"schema": "mine"}\n'}


@pytest.mark.thorough
def test_a_comment_of_an_account_that_is_gone_is_passed_by(hub, pulled, workflow, tmp_path):
    hub.comments[1] += [{"id": 1, "user": None, "body": None, "edits": 0}]
    run = award(hub, workflow, letter(hub, tmp_path, None, pulled))
    assert run.conclusion == "success", run.jobs["comment"].log
    assert len(hub.comments[1]) == 2


@pytest.mark.thorough
@pytest.mark.parametrize("status", [502, 504])
def test_a_comment_whose_answer_was_lost_is_not_written_twice(
    hub, pulled, workflow, tmp_path, status
):
    hub.mishaps["POST", "comments"] = (status, "Server Error", True)
    run = award(hub, workflow, letter(hub, tmp_path, None, pulled))
    assert run.conclusion == "success", run.jobs["comment"].log
    assert "left no verdict" in only(hub)["body"]


@pytest.mark.thorough
def test_a_comment_that_was_deleted_meanwhile_is_written_anew(hub, pulled, workflow, tmp_path):
    old = {"id": 7, "user": {"login": BOT}, "body": f"{MARKER}\nold", "edits": 0}
    hub.comments[1] = [old]
    hub.mishaps["PATCH", "comments/7"] = (404, "Not Found", False)
    run = award(hub, workflow, letter(hub, tmp_path, None, pulled))
    assert run.conclusion == "success", run.jobs["comment"].log
    assert "left no verdict" in only(hub)["body"]


@pytest.mark.thorough
def test_labels_that_may_not_be_made_are_said_and_the_comment_stands(
    hub, pulled, workflow, tmp_path
):
    why = "You do not have permission to create labels on this repository."
    hub.mishaps["POST", "labels"] = (403, why, False)
    content = whole_verdict(pulled["head"]["sha"])
    run = award(hub, workflow, letter(hub, tmp_path, content, pulled))
    assert run.conclusion == "success", run.jobs["comment"].log
    assert f"{MILESTONES} of {MILESTONES} milestones" in only(hub)["body"]
    assert "The labels were not set." in run.jobs["comment"].summary
    assert why.rstrip(".") in run.jobs["comment"].summary
    assert "::warning title=Labels::" in run.jobs["comment"].log


@pytest.mark.thorough
def test_a_pull_request_of_a_fork_that_is_gone_gets_its_comment(hub, pulled, workflow, tmp_path):
    pulled["head"]["repo"] = None
    pulled["head"]["user"]["login"] = "ghost"
    event = letter(hub, tmp_path, None, pulled, head_repository=None)
    run = award(hub, workflow, event)
    assert run.conclusion == "success", run.jobs["comment"].log
    assert len(hub.comments[1]) == 1


@pytest.mark.thorough
def test_two_pull_requests_of_one_branch_are_both_told(hub, student, pulled, workflow, tmp_path):
    hub.open_pull(student, "work")
    award(hub, workflow, letter(hub, tmp_path, None, pulled))
    assert [len(hub.comments[n]) for n in (1, 2)] == [1, 1]


@pytest.mark.parametrize("conclusion", ["cancelled", "skipped"])
def test_what_was_cancelled_starts_no_billed_job(hub, pulled, workflow, tmp_path, conclusion):
    event = letter(hub, tmp_path, None, pulled, conclusion=conclusion)
    run = award(hub, workflow, event)
    assert [job.ran for job in run.jobs.values()] == [False, False]


@pytest.mark.thorough
def test_a_second_attempt_is_not_told_by_the_verdict_of_the_first(hub, pulled, workflow, tmp_path):
    content = whole_verdict(pulled["head"]["sha"])
    award(hub, workflow, letter(hub, tmp_path, content, pulled, run_attempt=2))
    assert "left no verdict" in only(hub)["body"]


@pytest.mark.thorough
def test_a_default_branch_of_another_name_awards_badges(tmp_path, student, workflow):
    hub = Hub(tmp_path / "other-hub", default="master")
    sha = student.git("rev-parse", "HEAD")
    hub.push(student, "master")
    run = verify(hub, workflow, sha=sha)
    assert run.conclusion == "success", run.jobs["verify"].log
    awarded = award(hub, workflow, hub.finished(run, "push", sha, "master"))
    assert awarded.conclusion == "success", awarded.jobs["badges"].log
    assert json.loads(hub.badges()["milestones.json"])["message"] == "0/5"
    hub.close()


@pytest.mark.thorough
def test_only_what_is_needed_is_asked_of_the_interface(hub, pulled, workflow, tmp_path):
    award(hub, workflow, letter(hub, tmp_path, None, pulled))
    methods = {(method, path.split("?")[0].rpartition("/")[2]) for method, path in hub.asked}
    assert methods == {
        ("GET", "state.json"),
        ("GET", "pulls"),
        ("GET", "comments"),
        ("POST", "comments"),
    }
