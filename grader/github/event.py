"""What GitHub itself says about a run: the event's payload, which no pull request can write."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.github.state import Stamp
from grader.reports import strict
from grader.reports.strict import Refused

VERIFY_WORKFLOW = ".github/workflows/milestones.yml"


class Role(enum.Enum):
    """What a finished verification is good for."""

    COMMENT = "comment"  # a pull request: a preview
    BADGES = "badges"  # the default branch of this repository
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A completed run of the verification, as GitHub describes it."""

    repository: str
    default_branch: str
    path: str
    event: str
    conclusion: str
    commit: str
    branch: str
    head_repository: str
    number: int
    created: str
    url: str

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.number, self.commit, self.created)

    @property
    def head(self) -> str:
        """ "owner:branch", as pull requests are looked up."""
        return f"{self.head_repository.partition('/')[0]}:{self.branch}"


def read(environment: Mapping[str, str]) -> FinishedRun:
    """Raises UsageError outside of a workflow_run event."""
    path = environment.get("GITHUB_EVENT_PATH", "")
    name = environment.get("GITHUB_EVENT_NAME", "")
    if name != "workflow_run" or not path:
        raise UsageError(
            f"This is for workflow_run events, not for '{name}'.",
            hint="It is started by .github/workflows/award.yml.",
        )
    try:
        raw = Path(path).read_bytes()
        values = json.loads(raw)
        run, repository = values["workflow_run"], values["repository"]
        found = FinishedRun(
            repository=_text(repository["full_name"]),
            default_branch=_text(repository["default_branch"]),
            path=_text(run["path"]),
            event=_text(run["event"]),
            conclusion=_text(run["conclusion"] or ""),
            commit=strict.commit(run["head_sha"], "head_sha"),
            branch=_text(run["head_branch"] or ""),
            head_repository=_head_repository(run),
            number=strict.integer(1, 10**12)(run["run_number"], "run_number"),
            created=strict.instant(run["created_at"], "created_at"),
            url=_text(run["html_url"]),
        )
    except (OSError, ValueError, KeyError, TypeError, Refused) as error:
        raise UsageError(
            f"The event's payload cannot be read ({error.__class__.__name__}: {error}).",
            hint="Run the workflow again.",
        ) from None
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _head_repository(run: dict[str, Any]) -> str:
    """ "" when the fork is gone."""
    head = run.get("head_repository")
    return _text(head["full_name"]) if head else ""


def decide(run: FinishedRun) -> tuple[Role, str]:
    """What RUN is good for, and why. Nothing here comes from the pull request's own files."""
    if run.path != VERIFY_WORKFLOW:
        return Role.NOTHING, "It was not made by the verification's own workflow file."
    if run.conclusion in ("cancelled", "skipped"):
        return Role.NOTHING, f"The verification was {run.conclusion}, so there is nothing to tell."
    if run.event == "pull_request":
        return Role.COMMENT, "A pull request gets a preview."
    here = run.head_repository == run.repository and run.branch == run.default_branch
    if run.event in ("push", "workflow_dispatch") and here:
        return Role.BADGES, "The default branch awards badges."
    return Role.NOTHING, "Neither a pull request nor the default branch."
