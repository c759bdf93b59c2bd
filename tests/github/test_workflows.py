"""The workflow files themselves: linted, pinned, least privilege, and in step with the course."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from grader.github import event
from grader.proof import conversation
from grader.rules.parts import PARTS, places
from tests.reports.samples import COURSE, ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
FORMS = [p for p in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if p.stem != "config"]
NAMES = [p.stem for p in WORKFLOWS]
LINES = re.compile(
    r"python (\.ci/\w+\.py|(-E -s )?-m (pip|ruff|mypy|pytest|tito|grader|grader\.github\.\w+))( |$)"
)


def document(path):
    text = path.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    values["on"] = values.pop(True, values.get("on"))  # YAML 1.1 takes `on` for true
    return values


def steps(path):
    values = document(path)
    if "runs" in values:
        return values["runs"]["steps"]
    return [step for job in values["jobs"].values() for step in job["steps"]]


def tool(name):
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: make setup")
    return found


def pins(lock):
    text = (ROOT / "requirements" / lock).read_text()
    return {line.rstrip(" \\") for line in text.splitlines() if re.match(r"[a-z0-9-]+==", line)}


def ran(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing():
    done = ran(tool("zizmor"), "--offline", "--strict-collection", ".github", "action.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [ROOT / ".github/ISSUE_TEMPLATE/config.yml"]),
        ("vendor.dependabot", [ROOT / ".github/dependabot.yml"]),
    ],
)
def test_the_schema_of_github_is_followed(schema, paths):
    done = ran(tool("check-jsonschema"), "--builtin-schema", schema, *map(str, paths))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda p: p.stem)
def test_actions_are_pinned_by_their_full_id_with_the_version_beside_it(path):
    uses = [line for line in path.read_text().splitlines() if re.search(r"\buses:", line)]
    pinned = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d")
    assert uses
    assert [line for line in uses if not pinned.search(line)] == []


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda p: p.stem)
def test_every_run_is_one_line_that_calls_python_and_holds_no_expression(path):
    for step in steps(path):
        command = step.get("run", "python -m pip ")
        assert "\n" not in command.strip()
        assert "${{" not in command
        assert LINES.match(command), command


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda p: p.stem)
def test_no_checkout_keeps_its_credentials(path):
    checkouts = [s for s in steps(path) if s.get("uses", "").startswith("actions/checkout@")]
    assert [s for s in checkouts if s["with"].get("persist-credentials") is not False] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_nothing_is_written_to_a_cache_and_every_job_ends(path):
    values = document(path)
    assert values["cache-mode"] == "none"
    assert all("timeout-minutes" in job for job in values["jobs"].values())
    assert "pull_request_target" not in values["on"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_a_job_has_the_permissions_it_needs_and_no_more(path):
    allowed = {
        ("award", "comment"): {
            "actions": "read",
            "contents": "read",
            "pull-requests": "write",
            "issues": "write",
        },
        ("award", "badges"): {"actions": "read", "contents": "write"},
    }
    values = document(path)
    for name, job in values["jobs"].items():
        granted = job.get("permissions", values["permissions"])
        assert granted == allowed.get((path.stem, name), {"contents": "read"})


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_every_machine_is_thrown_away_afterwards(path):
    """One of one's own would keep for the next student what this one left on it."""
    for job in document(path)["jobs"].values():
        machines = job.get("strategy", {}).get("matrix", {}).get("os", [job["runs-on"]])
        assert all(re.match(r"(ubuntu|macos|windows)-", machine) for machine in machines)


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_no_job_that_runs_student_code_sees_a_token(path):
    text = path.read_text()
    assert "secrets." not in text
    assert ("github.token" in text) == (path.stem == "award")


@pytest.mark.parametrize("name", ["milestones", "classroom"])
def test_grading_ends_before_its_job_would_be_cancelled(name):
    """What a job's own limit ends counts as cancelled: no verdict, no reporter, nobody is told."""
    (job,) = document(ROOT / f".github/workflows/{name}.yml")["jobs"].values()
    (step,) = [s for s in job["steps"] if "grader.github.verify" in s.get("run", "")]
    assert 60 * step["timeout-minutes"] > conversation.ALL_WORKERS_S + 30
    assert step["timeout-minutes"] < job["timeout-minutes"]


def test_the_verdict_that_is_read_is_that_of_the_attempt_that_ended():
    def artifact(name, action):
        steps_of = steps(ROOT / f".github/workflows/{name}.yml")
        return {s["with"]["name"] for s in steps_of if s.get("uses", "").startswith(action)}

    assert artifact("milestones", "actions/upload-") == {"verdict-${{ github.run_attempt }}"}
    assert artifact("award", "actions/download-") == {
        "verdict-${{ github.event.workflow_run.run_attempt }}"
    }


def test_verification_is_one_job_so_that_a_push_costs_one_billed_minute():
    assert len(document(ROOT / ".github/workflows/milestones.yml")["jobs"]) == 1


def test_verification_runs_only_for_what_it_judges():
    on = document(ROOT / ".github/workflows/milestones.yml")["on"]
    assert on["pull_request"]["paths"] == on["push"]["paths"]
    assert on["push"]["branches"] == ["main", "master"]
    judged = ["modules", "tinytorch", *places("judge", "server")]
    watched = {path if (ROOT / path).is_file() else f"{path}/**" for path in judged}
    assert set(on["push"]["paths"]) == watched


def test_verification_takes_its_rules_from_the_base():
    rules, student = steps(ROOT / ".github/workflows/milestones.yml")[:2]
    assert rules["with"]["ref"] == "${{ github.event.pull_request.base.sha || github.sha }}"
    assert student["with"]["ref"] == "${{ github.event.pull_request.head.sha || github.sha }}"
    assert all(
        s.get("working-directory", "rules") == "rules"
        for s in steps(ROOT / ".github/workflows/milestones.yml")
    )


def test_awarding_follows_the_verification_by_name_and_checks_its_file():
    award, verify = (document(ROOT / f".github/workflows/{n}.yml") for n in ("award", "milestones"))
    assert award["on"]["workflow_run"]["workflows"] == [verify["name"]]
    assert all(event.VERIFY_WORKFLOW in job["if"] for job in award["jobs"].values())
    assert (ROOT / event.VERIFY_WORKFLOW).is_file()


def test_awarding_runs_no_code_but_that_of_the_default_branch():
    for step in steps(ROOT / ".github/workflows/award.yml"):
        assert step.get("with", {}).get(
            "ref", "refs/heads/${{ github.event.repository.default_branch }}"
        ) == ("refs/heads/${{ github.event.repository.default_branch }}")


def test_awarding_installs_one_wheel_by_its_hash_before_it_is_handed_a_token():
    for job in document(ROOT / ".github/workflows/award.yml")["jobs"].values():
        runs = [step["run"] for step in job["steps"] if "run" in step]
        installs, awards = runs
        assert "--require-hashes --only-binary=:all: --no-deps" in installs
        assert installs.endswith("-r requirements/award.lock")
        assert awards.startswith("python -E -s -m grader.github.award ")
        with_token = ["github.token" in str(step) for step in job["steps"]]
        assert not any(with_token[: [step.get("run") for step in job["steps"]].index(installs) + 1])
    assert [pin.partition("==")[0] for pin in pins("award.lock")] == ["pyyaml"]


def test_classroom_has_a_runner_for_every_milestone():
    job = document(ROOT / ".github/workflows/classroom.yml")["jobs"]["run-autograding-tests"]
    reporter = job["steps"][-1]
    ids = [m.id for m in COURSE.milestones]
    assert reporter["with"]["runners"].split(",") == ids
    assert reporter["env"] == {
        f"{i.upper()}_RESULTS": f"${{{{ steps.grade.outputs.{i} }}}}" for i in ids
    }
    assert job["if"] == "github.actor != 'github-classroom[bot]'"


def test_the_readme_of_a_release_shows_a_badge_for_every_milestone():
    readme = (ROOT / "release" / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\(\.\./\.\./raw/badges/(\w+)\.svg\)", readme)
    assert shown == ["milestones", *(m.id for m in COURSE.milestones)]


def test_a_release_carries_what_its_workflows_need():
    carried = [p.as_posix() for p in (ROOT / ".github/workflows").glob("*.yml")]
    names = {Path(p).relative_to(ROOT).as_posix() for p in carried}
    assert names & set(PARTS) == {".github/workflows/milestones.yml", ".github/workflows/award.yml"}
    texts = [(ROOT / n).read_text(encoding="utf-8") for n in names & set(PARTS)]
    locks = {lock for text in texts for lock in re.findall(r"-r (\S+)", text)}
    assert locks == {"requirements/grade.lock", "requirements/award.lock"}
    assert locks <= set(PARTS)


def test_a_students_repository_has_none_of_what_is_for_contributors():
    ours = [
        *FORMS,
        *(ROOT / ".github").glob("*.*"),
        *ROOT.glob("*.md"),
        *ROOT.glob(".pre-commit-l*"),
    ]
    names = [p.relative_to(ROOT).as_posix() for p in ours]
    assert len(names) > len(FORMS)
    assert [n for n in names if n.startswith(tuple(PARTS))] == []


@pytest.mark.parametrize("path", FORMS, ids=lambda p: p.stem)
def test_whoever_reports_something_says_which_version_it_is(path):
    asked = [part for part in document(path)["body"] if part["type"] != "markdown"]
    (version,) = [p for p in asked if "tito --version" in p["attributes"]["label"]]
    assert version["validations"]["required"]


def test_ci_covers_three_systems_and_five_pythons():
    matrix = document(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert [o.split("-")[0] for o in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13", "3.14"]


@pytest.mark.parametrize("lock", ["grade.lock", "award.lock"])
def test_what_a_server_installs_is_what_students_have(lock):
    assert pins(lock) <= pins("student.lock")


def test_the_workflow_in_the_documentation_is_pinned_like_ours():
    text = (ROOT / "docs" / "classroom.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    used = [s["uses"] for s in yaml.safe_load(shown)["jobs"]["verify"]["steps"]]
    ours = {s["uses"] for path in WORKFLOWS for s in steps(path) if "uses" in s}
    assert set(used) - ours == {"ORG/COURSE@FULL_SHA"}
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    required = {name for name, given in action["inputs"].items() if given.get("required")}
    assert yaml.safe_load(shown)["jobs"]["verify"]["steps"][-1]["with"].keys() == required
