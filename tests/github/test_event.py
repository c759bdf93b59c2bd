"""What a finished run is good for, by what GitHub says about it and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from grader.github.event import VERIFY_WORKFLOW, FinishedRun, Role, decide

PUSHED = FinishedRun(
    repository="ada/tinytorch",
    default_branch="main",
    path=VERIFY_WORKFLOW,
    event="push",
    conclusion="success",
    commit="a" * 40,
    branch="main",
    head_repository="ada/tinytorch",
    number=7,
    created="2026-11-02T00:00:00Z",
    url="https://github.com/ada/tinytorch/actions/runs/7",
)


@pytest.mark.parametrize(
    ("more", "role"),
    [
        pytest.param({}, Role.BADGES, id="a push to the default branch"),
        pytest.param({"event": "workflow_dispatch"}, Role.BADGES, id="started by hand"),
        pytest.param({"conclusion": "failure"}, Role.BADGES, id="a push that fails"),
        pytest.param({"event": "pull_request"}, Role.COMMENT, id="a pull request"),
        pytest.param(
            {"event": "pull_request", "head_repository": "mallory/tinytorch", "branch": "main"},
            Role.COMMENT,
            id="a pull request from the main of a fork",
        ),
        pytest.param({"head_repository": "mallory/tinytorch"}, Role.NOTHING, id="a fork's push"),
        pytest.param({"head_repository": ""}, Role.NOTHING, id="a fork that is gone"),
        pytest.param({"branch": "feature"}, Role.NOTHING, id="another branch"),
        pytest.param({"event": "schedule"}, Role.NOTHING, id="another event"),
        pytest.param({"event": "pull_request_target"}, Role.NOTHING, id="an event with secrets"),
        pytest.param({"conclusion": "cancelled"}, Role.NOTHING, id="cancelled"),
        pytest.param({"conclusion": "skipped"}, Role.NOTHING, id="skipped"),
        pytest.param({"path": ".github/workflows/x.yml"}, Role.NOTHING, id="another workflow"),
        pytest.param(
            {"path": ".github/workflows/x.yml", "event": "pull_request"},
            Role.NOTHING,
            id="a pull request's own workflow",
        ),
    ],
)
def test_the_role_of_a_run_follows_from_what_github_says(more, role):
    assert decide(dataclasses.replace(PUSHED, **more))[0] is role
