"""python -m grader.github.award --role comment|badges --artifact FOLDER

The trusted job, started when a verification has finished. It never checks out or runs what a
student wrote. It reads the verdict strictly, takes the trust from GitHub's event, and writes:
for a pull request one comment (updated, not repeated) and labels; for the default branch the
badges. The job's summary says the same, or why not.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import TitoError
from grader.github import artifact, branch, event, state
from grader.github.api import ApiError, GitHub
from grader.github.event import FinishedRun, Role
from grader.reports import bounded, escape, strict
from grader.reports.formats import badges, markdown
from grader.reports.strict import Refused
from grader.rules import reading
from grader.rules.course import Course
from grader.sources.git import Git, clean_environment
from grader.verdicts.report import Problem, Report, Trust, unjudged

MARKER = "<!-- tinytorch:milestones -->"
BOT = "github-actions[bot]"
LABEL = "milestone: "
REMOTE = "origin"


@dataclass(frozen=True, slots=True)
class AwardJob:
    """What one start of this program has to do with."""

    run: FinishedRun
    course: Course
    github: GitHub
    git: Git
    summary: Path | None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m grader.github.award", description=__doc__)
    parser.add_argument("--role", choices=[Role.COMMENT.value, Role.BADGES.value], required=True)
    parser.add_argument("--artifact", type=Path, required=True)
    options = parser.parse_args(argv)
    environment = dict(os.environ)
    summary = environment.get("GITHUB_STEP_SUMMARY")
    place = Path(summary) if summary else None
    try:
        run = event.read(environment)
        role, why = event.decide(run)
        if role.value != options.role:
            _say(place, f"Nothing to do. {why}")
            return 0
        job = AwardJob(
            run, reading.load(Path.cwd()), _github(environment, run), _git(environment), place
        )
        return (
            _comment(job, options.artifact)
            if role is Role.COMMENT
            else _award(job, options.artifact)
        )
    except TitoError as error:
        _say(place, f"> [!CAUTION]\n> {escape.span(error.what)}\n>\n> {escape.span(error.hint)}")
        sys.stdout.write(f"::error title=Award::{escape.command_data(str(error), 1000)}\n")
        return error.exit_code
    except Exception as bug:  # noqa: BLE001  # the boundary: GitHub's answers may take any shape
        what = f"Awarding failed, not you ({type(bug).__name__}: {escape.line(str(bug), 200)})."
        _say(place, f"> [!CAUTION]\n> {escape.span(what)} Run the job again.")
        return TitoError.exit_code


def _github(environment: Mapping[str, str], run: FinishedRun) -> GitHub:
    url = environment.get("GITHUB_API_URL", "https://api.github.com")
    return GitHub(url, run.repository, environment.get("GH_TOKEN", ""))


def _git(environment: Mapping[str, str]) -> Git:
    """git in this checkout. The token is handed over in the environment: nothing is written."""
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    token = environment.get("GH_TOKEN", "")
    credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return Git(
        Path.cwd(),
        {
            **{k: v for k, v in clean_environment(environment).items() if k != "GH_TOKEN"},
            **_git_settings(environment),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {credentials}",
        },
    )


def _git_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Where git looks for its settings: that much of GIT_* is the machine's, not a hook's."""
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_ALLOW_PROTOCOL")
    return {k: environment[k] for k in kept if k in environment}


def _say(summary: Path | None, text: str) -> None:
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    first = next((line for line in text.splitlines() if line.strip()), "")
    sys.stdout.write(f"{escape.log(first, 300)}\n")


def _report(job: AwardJob, folder: Path, trust: Trust) -> Report:
    """What the artifact says; if it cannot be believed, a report that says why."""
    try:
        raw = artifact.read(folder)
        return artifact.report(raw, job.course, job.run.commit, trust, job.run.repository)
    except Refused as refused:
        hint = (
            "Open the verification's log, mend what it says and push again; "
            "tito status says the same on your machine."
        )
        problem = Problem(f"{refused.what} (The verification ended with {_ended(job.run)}.)", hint)
        return unjudged(job.course, job.run.commit, problem, trust, ours=True)


def _ended(run: FinishedRun) -> str:
    return run.conclusion.replace("_", " ") or "no conclusion"


# A pull request: a preview


def _comment(job: AwardJob, folder: Path) -> int:
    report = _report(job, folder, Trust.ADVISORY)
    try:
        known = state.read(job.github.file(state.FILE, branch.BRANCH))
    except Refused:
        known = {}  # a preview needs no history; awarding badges is where this is said
    report = state.tell(report, known)
    page = _page(job, report)
    _say(job.summary, page)
    requests = list(_pull_requests(job))
    if not requests:
        _say(
            job.summary, "No open pull request has this commit at its head: a newer one was pushed."
        )
        return 0
    for request in requests:
        number = int(request["number"])
        _write_comment(job.github, number, f"{MARKER}\n{page}")
        if report.problem is None:
            _try_to_label(job, number, request, report)
    return 0


def _page(job: AwardJob, report: Report) -> str:
    link = f"[Log of the verification]({job.run.url})."
    shown = bounded.shortened(report, 1000, 20)
    return f"{markdown.document(shown)}\n<sub>{link}</sub>\n"


def _pull_requests(job: AwardJob) -> list[dict[str, Any]]:
    """The open ones whose head is this very commit. For a fork, the event does not name them."""
    found = []
    # A fork that has been deleted has no owner to ask for.
    asked = {"head": job.run.head} if job.run.head_repository else {}
    for request in job.github.pages("pulls", state="open", **asked):
        head, base = request["head"], request["base"]
        if head["sha"] == job.run.commit and base["repo"]["full_name"] == job.run.repository:
            found.append(request)
    return found


def _write_comment(github: GitHub, number: int, body: str) -> None:
    try:
        _put_comment(github, number, body)
    except ApiError as error:
        # It may have been written although the answer was lost, or deleted after we had seen it.
        if error.status not in (0, 404) and error.status < 500:
            raise
        _put_comment(github, number, body)


def _put_comment(github: GitHub, number: int, body: str) -> None:
    for comment in github.pages(f"issues/{number}/comments"):
        author = (comment.get("user") or {}).get("login")  # no user: the account is gone
        there = comment.get("body") or ""
        if author == BOT and there.startswith(MARKER):
            if there.replace("\r\n", "\n").strip() != body.strip():
                github.send("PATCH", f"issues/comments/{comment['id']}", {"body": body})
            return
    github.send("POST", f"issues/{number}/comments", {"body": body})


def _try_to_label(job: AwardJob, number: int, request: Mapping[str, Any], report: Report) -> None:
    """The comment is written by now: labels are not worth a failed job."""
    try:
        _label(job.github, number, request, report)
    except ApiError as error:
        _say(job.summary, f"The labels were not set. {escape.span(error.what)}")
        sys.stdout.write(f"::warning title=Labels::{escape.command_data(str(error), 1000)}\n")


def _label(github: GitHub, number: int, request: Mapping[str, Any], report: Report) -> None:
    """One label per milestone that this commit proves. Other labels are left alone."""
    ours = {f"{LABEL}{i}" for i in report.standing.milestones}
    wanted = {f"{LABEL}{i}" for i in report.standing.achieved}
    there = {label["name"] for label in request.get("labels", ())}
    if wanted - there:
        github.send("POST", f"issues/{number}/labels", {"labels": sorted(wanted - there)})
    for name in sorted((there & ours) - wanted):
        try:
            quoted = urllib.parse.quote(name, safe="")
            github.send("DELETE", f"issues/{number}/labels/{quoted}", None)
        except ApiError as error:
            if error.status != 404:  # somebody has removed it meanwhile
                raise


# The default branch: badges


def _award(job: AwardJob, folder: Path) -> int:
    _refuse_unmerged(job)
    report = _report(job, folder, Trust.CI)
    if report.problem is not None:
        _say(job.summary, f"{_page(job, report)}\nThe badges stay as they are.")
        return 1
    joined: dict[str, state.History] = {}

    def content(stored: bytes | None) -> Mapping[str, str]:
        nonlocal joined
        try:
            known = state.read(stored)
        except Refused as refused:
            raise Refused(
                f"{refused.what} It lies on the branch '{branch.BRANCH}'; nothing was written.",
                hint="Revert the commit that changed it there, or delete the branch to begin anew.",
            ) from None
        joined = state.join(known, report, job.run.stamp)
        return {**badges.files(state.current(report, joined)), state.FILE: state.write(joined)}

    published = branch.publish(
        job.git,
        REMOTE,
        content,
        state_file=state.FILE,
        message=f"Badges after {job.run.commit[:10]}",
        when=job.run.created,
    )
    done = "updated" if published.changed else "already up to date"
    told = state.tell(report, joined)
    _say(job.summary, f"{_page(job, told)}\nBadges {done}: commit `{published.commit[:10]}`.")
    return 0


def _refuse_unmerged(job: AwardJob) -> None:
    """A tag can carry the default branch's name, and its commit be none of it.

    So the branch is asked for as a branch, and compared by its commit.
    """
    run = job.run
    found = job.github.get(f"git/ref/heads/{urllib.parse.quote(run.default_branch)}")
    tip = strict.commit(found["object"]["sha"], run.default_branch)
    compared = job.github.get(f"compare/{tip}...{run.commit}", per_page=1)
    status = compared.get("status") if isinstance(compared, dict) else None
    if status not in ("identical", "behind"):
        raise Refused(
            f"Commit {run.commit[:10]} is not part of {run.default_branch} (any more), "
            "so it earns nothing.",
            hint="Merge it, or push what took its place; badges follow.",
        )


if __name__ == "__main__":
    sys.exit(main())
