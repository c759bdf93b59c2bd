"""A small GitHub on this disk: a bare repository, a REST interface, and a runner for workflows.

The runner does what is in the file: conditions, expressions, environment, one process per `run:`
line. Actions by others are played by a few lines each. No network but the loopback.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from tests.conftest import Repository
from tests.github.expressions import Expression

NAME = "ada/tinytorch"
BOT = "github-actions[bot]"
CREATED = "2026-11-23T12:00:00Z"


@dataclass
class Step:
    """What one step did."""

    name: str
    status: int
    log: str


@dataclass
class Job:
    """ran: False when its `if:` did not hold."""

    ran: bool
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""

    @property
    def conclusion(self) -> str:
        return "success" if all(s.status == 0 for s in self.steps) else "failure"

    @property
    def log(self) -> str:
        return "\n".join(step.log for step in self.steps)


@dataclass
class Run:
    jobs: dict[str, Job]
    artifacts: Path

    @property
    def conclusion(self) -> str:
        return (
            "success" if all(j.conclusion == "success" for j in self.jobs.values()) else "failure"
        )


class Hub:
    """One repository, its pull requests and its runs."""

    def __init__(self, folder: Path, default: str = "main") -> None:
        self.folder = folder
        self.default = default
        self.origin = folder / "origin.git"
        folder.mkdir(parents=True, exist_ok=True)
        _git(folder, "init", "--quiet", "--bare", f"--initial-branch={default}", str(self.origin))
        # A runner asks for commits by their id.
        _git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.pulls: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        # (method, part of the path) -> (status, message, whether it was obeyed all the same), once
        self.mishaps: dict[tuple[str, str], tuple[int, str, bool]] = {}
        self._runs = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def push(self, repository: Repository, branch: str, ref: str = "") -> str:
        """HEAD of REPOSITORY to BRANCH (or to REF). The commit's id."""
        target = ref or f"refs/heads/{branch}"
        repository.git("push", "--quiet", "--force", str(self.origin), f"HEAD:{target}")
        return repository.git("rev-parse", "HEAD")

    def open_pull(self, repository: Repository, branch: str, owner: str = "ada") -> dict[str, Any]:
        """A pull request of HEAD. From a fork, its branch is nowhere but behind refs/pull."""
        number = len(self.pulls) + 1
        commit = self.push(repository, branch, f"refs/pull/{number}/head")
        if owner == "ada":
            self.push(repository, branch)
        pull = {
            "number": number,
            "state": "open",
            "labels": [],
            "head": {
                "sha": commit,
                "ref": branch,
                "repo": {"full_name": f"{owner}/tinytorch"},
                "user": {"login": owner},
            },
            "base": {
                "sha": _git(self.origin, "rev-parse", f"refs/heads/{self.default}"),
                "ref": self.default,
                "repo": {"full_name": NAME},
            },
        }
        self.pulls.append(pull)
        self.comments[number] = []
        return pull

    def badges(self) -> dict[str, str]:
        """The files of the badges branch, {} without one."""
        if not _git(self.origin, "branch", "--list", "badges"):
            return {}
        names = _git(self.origin, "ls-tree", "--name-only", "badges").split()
        return {name: _git(self.origin, "show", f"badges:{name}") + "\n" for name in names}

    # Running workflows

    def run(self, workflow: Path, name: str, event: Mapping[str, Any], **context: Any) -> Run:
        """WORKFLOW on the event NAME. context: sha, ref, actor, vars."""
        self._runs += 1
        home = self.folder / f"run-{self._runs}"
        artifacts = home / "artifacts"
        artifacts.mkdir(parents=True)
        document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        main = f"refs/heads/{self.default}"
        sha = context.get("sha") or _git(self.origin, "rev-parse", main)
        repository = {"full_name": NAME, "default_branch": self.default}
        values = {
            "github": {
                "event": {"repository": repository, **event},
                "event_name": name,
                "actor": context.get("actor", "ada"),
                "repository": NAME,
                "sha": sha,
                "ref": context.get("ref", main),
                "run_attempt": context.get("run_attempt", 1),
                "token": "ghs_secret",
            },
            "vars": context.get("vars", {}),
        }
        jobs = {
            job_name: Runner(self, home / job_name, values, artifacts).job(job)
            for job_name, job in document["jobs"].items()
        }
        return Run(jobs, artifacts)

    def finished(self, run: Run, name: str, sha: str, branch: str, **more: Any) -> dict[str, Any]:
        """The workflow_run event that follows RUN of milestones.yml."""
        self._artifacts = run.artifacts
        described = {
            "id": self._runs,
            "path": ".github/workflows/milestones.yml",
            "event": name,
            "conclusion": run.conclusion,
            "head_sha": sha,
            "head_branch": branch,
            "head_repository": {"full_name": NAME},
            "run_number": self._runs + 1,
            "run_attempt": 1,
            "created_at": CREATED,
            "html_url": f"https://github.com/{NAME}/actions/runs/{self._runs}",
        }
        return {"workflow_run": {**described, **more}}

    def artifact(self, name: str) -> Path:
        return self._artifacts / name


class Runner:
    """Runs one job in a folder of its own."""

    def __init__(self, hub: Hub, home: Path, values: dict[str, Any], artifacts: Path) -> None:
        self._hub = hub
        self._artifacts = artifacts
        self._workspace = home / "workspace"
        self._temp = home / "temp"
        self._files = home / "files"
        for folder in (self._workspace, self._temp, self._files):
            folder.mkdir(parents=True)
        self._outputs: dict[str, dict[str, str]] = {}
        self._failed = False
        github = {**values["github"], "workspace": str(self._workspace)}
        self.values = {**values, "github": github, "runner": {"temp": str(self._temp)}, "steps": {}}

    def _expression(self) -> Expression:
        steps = {name: {"outputs": found} for name, found in self._outputs.items()}
        functions = {
            "always": lambda: True,
            "cancelled": lambda: False,
            "success": lambda: not self._failed,
            "failure": lambda: self._failed,
        }
        return Expression({**self.values, "steps": steps}, functions)

    def job(self, job: Mapping[str, Any]) -> Job:
        if not self._expression().holds(job.get("if", "true")):
            return Job(ran=False)
        done = Job(ran=True)
        self.steps(job["steps"], done)
        return done

    def steps(self, steps: list[Mapping[str, Any]], done: Job, folder: Path | None = None) -> None:
        for number, step in enumerate(steps):
            if not self._expression().holds(step.get("if", "success()")):
                continue
            name = step.get("name") or step.get("uses") or step["run"]
            result = self._uses(step) if "uses" in step else self._run(step, number, done, folder)
            done.steps.append(
                Step(name, 0 if step.get("continue-on-error") else result[0], result[1])
            )
            self._failed = self._failed or bool(done.steps[-1].status)
        done.outputs = self._outputs

    def _run(
        self, step: Mapping[str, Any], number: int, done: Job, folder: Path | None
    ) -> tuple[int, str]:
        files = {n: self._files / f"{n}-{number}" for n in ("output", "summary", "env", "path")}
        for path in files.values():
            path.touch()
        where = self._expression().text(step.get("working-directory", ""))
        environment = {
            **self._environment(files),
            **{k: self._expression().text(v) for k, v in step.get("env", {}).items()},
        }
        command = self._expression().text(step["run"])
        assert "\n" not in command.strip(), "a run: step is one line"
        process = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-c", command],
            cwd=(folder or self._workspace) / where,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        log = process.stdout.decode("utf-8", "replace")
        outputs = dict(
            line.split("=", 1) for line in files["output"].read_text("utf-8").splitlines()
        )
        if "id" in step:
            self._outputs[step["id"]] = outputs
        done.summary += files["summary"].read_text("utf-8")
        return process.returncode, log

    def _environment(self, files: Mapping[str, Path]) -> dict[str, str]:
        github = self.values["github"]
        event = self._files / "event.json"
        event.write_text(json.dumps(github["event"]))
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "no_proxy": "127.0.0.1",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": github["actor"],
            "GITHUB_API_URL": self._hub.api,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_SHA": github["sha"],
            "GITHUB_REF": github["ref"],
            "GITHUB_WORKSPACE": str(self._workspace),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_ENV": str(files["env"]),
            "GITHUB_PATH": str(files["path"]),
            "RUNNER_TEMP": str(self._temp),
        }

    # Actions by others

    def _uses(self, step: Mapping[str, Any]) -> tuple[int, str]:
        action = step["uses"].partition("@")[0]
        given = {k: self._expression().text(v) for k, v in step.get("with", {}).items()}
        if action == "actions/checkout":
            return self._checkout(given)
        if action == "actions/setup-python":
            return 0, ""
        if action == "actions/upload-artifact":
            return self._upload(given)
        if action == "actions/download-artifact":
            return self._download(given)
        if action == "classroom-resources/autograding-grading-reporter":
            environment = {k: self._expression().text(v) for k, v in step["env"].items()}
            return _reporter(given["runners"], environment)
        raise AssertionError(f"no part is played for {action}")

    def _checkout(self, given: Mapping[str, str]) -> tuple[int, str]:
        assert given["persist-credentials"] == "false"
        target = self._workspace / given.get("path", "")
        target.mkdir(parents=True, exist_ok=True)
        assert given.get("repository", NAME) == NAME
        wanted = given.get("ref") or self.values["github"]["sha"]
        _git(target, "init", "--quiet")
        _git(target, "remote", "add", "origin", str(self._hub.origin))
        _git(target, "fetch", "--quiet", "--depth=1", "origin", wanted)
        _git(target, "-c", "advice.detachedHead=false", "checkout", "--quiet", "FETCH_HEAD")
        return 0, ""

    def _upload(self, given: Mapping[str, str]) -> tuple[int, str]:
        path = Path(given["path"])
        if not path.exists():
            assert given["if-no-files-found"] == "ignore"
            return 0, ""
        target = self._artifacts / given["name"]
        target.mkdir(parents=True)
        shutil.copy(path, target)
        return 0, ""

    def _download(self, given: Mapping[str, str]) -> tuple[int, str]:
        source = self._hub.artifact(given["name"])
        if not source.is_dir():
            return 1, "Unable to find any artifacts"
        shutil.copytree(source, given["path"], symlinks=True)
        return 0, ""


def _reporter(runners: str, environment: Mapping[str, str]) -> tuple[int, str]:
    results = [
        json.loads(base64.b64decode(environment[f"{name.strip().upper()}_RESULTS"]))
        for name in runners.split(",")
    ]
    points = sum(t["score"] for r in results for t in r["tests"])
    possible = sum(r["max_score"] for r in results)
    failed = any(r["status"] != "pass" for r in results)
    return int(failed), f"::notice title=Autograding complete::Points {points}/{possible}"


# The REST interface


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: Any) -> None:
            pass

        def _answer(self) -> None:
            url = urlsplit(self.path)
            hub.asked.append((self.command, unquote(self.path)))
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"null")
            assert self.headers["Authorization"] == "Bearer ghs_secret"
            prefix = f"/repos/{NAME}/"
            assert url.path.startswith(prefix), url.path
            query = {k: v[0] for k, v in parse_qs(url.query).items()}
            path = unquote(url.path.removeprefix(prefix))
            status, values = _met(hub, self.command, path) or (0, None)
            if status == 0:
                status, values = _served(hub, self.command, path, query, body)
            elif values.pop("obeyed"):
                _served(hub, self.command, path, query, body)
            content = json.dumps(values).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

    return Handler


def _met(hub: Hub, method: str, path: str) -> tuple[int, Any] | None:
    """The mishap that is prepared for this request. It happens once."""
    for key in [k for k in hub.mishaps if k[0] == method and k[1] in path]:
        status, message, obeyed = hub.mishaps.pop(key)
        return status, {"message": message, "obeyed": obeyed}
    return None


def _served(
    hub: Hub, method: str, path: str, query: Mapping[str, str], body: Any
) -> tuple[int, Any]:
    parts = path.split("/")
    if (method, path) == ("GET", "pulls"):
        owner, _, branch = query.get("head", ":").partition(":")
        found = [
            p
            for p in hub.pulls
            if p["state"] == query["state"]
            and p["head"]["ref"] == (branch or p["head"]["ref"])
            and p["head"]["user"]["login"] == (owner or p["head"]["user"]["login"])
        ]
        return 200, _page(found, query)
    if path == f"git/ref/heads/{hub.default}":
        return 200, {"object": {"sha": _git(hub.origin, "rev-parse", f"refs/heads/{hub.default}")}}
    if parts[0] == "compare":
        base, _, head = path.removeprefix("compare/").partition("...")
        inside = subprocess.run(
            ["git", "merge-base", "--is-ancestor", head, base], cwd=hub.origin, check=False
        )
        return 200, {"status": "behind" if inside.returncode == 0 else "ahead"}
    if parts[0] == "contents":
        content = hub.badges().get(parts[1])
        if content is None:
            return 404, {"message": "Not Found"}
        return 200, {"content": base64.encodebytes(content.encode()).decode()}
    if parts[:2] == ["issues", "comments"] and method == "PATCH":
        for comment in (c for comments in hub.comments.values() for c in comments):
            if comment["id"] == int(parts[2]):
                comment["body"] = body["body"]
                comment["edits"] += 1
        return 200, {}
    if parts[0] == "issues" and parts[2] == "comments":
        comments = hub.comments[int(parts[1])]
        if method == "GET":
            return 200, _page(comments, query)
        number = 1000 + sum(len(c) for c in hub.comments.values())
        comments.append({"id": number, "user": {"login": BOT}, "body": body["body"], "edits": 0})
        return 201, comments[-1]
    if parts[0] == "issues" and parts[2] == "labels":
        pull = hub.pulls[int(parts[1]) - 1]
        if method == "POST":
            pull["labels"] += [{"name": name} for name in body["labels"]]
        else:
            pull["labels"] = [x for x in pull["labels"] if x["name"] != "/".join(parts[3:])]
        return 200, pull["labels"]
    return 404, {"message": f"nobody serves {method} {path}"}


def _page(entries: list[Any], query: Mapping[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return entries[(page - 1) * size : page * size]


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip()
