"""The few things that are asked of GitHub's REST interface, with the standard library."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.errors import Fault
from grader.reports import escape

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_PAGES = 20
PER_PAGE = 100
_TIMEOUT_S = 20.0
_TRIES = 3
_RETRIED = (500, 502, 503, 504)
_LONGEST_WAIT_S = 60.0  # the job ends after five minutes
_FORBIDDEN = (
    "award.yml names the permissions that it needs; an organisation may forbid them: "
    "Settings, Actions, General, Workflow permissions."
)


class ApiError(Fault):
    """GitHub said no. status: of its answer, 0 when there was none."""

    def __init__(self, what: str, status: int) -> None:
        again = "Run the job again; if it persists: https://githubstatus.com"
        super().__init__(what, hint=_FORBIDDEN if status in (401, 403) else again)
        self.status = status


@dataclass(frozen=True, slots=True)
class GitHub:
    """url: of the REST interface.  repository: "owner/name"."""

    url: str
    repository: str
    token: str
    retry_wait_s: float = 2.0

    def get(self, path: str, **query: str | int) -> Any:
        """PATH below the repository."""
        return self._ask("GET", self._path(path, query), None)

    def send(self, method: str, path: str, values: Any) -> Any:
        return self._ask(method, self._path(path, {}), values)

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """The entries of a list, page by page."""
        for page in range(1, MAX_PAGES + 1):
            entries = self.get(path, per_page=PER_PAGE, page=page, **query)
            if not isinstance(entries, list):
                return
            yield from entries
            if len(entries) < PER_PAGE:
                return

    def file(self, path: str, branch: str) -> bytes | None:
        """The content of a file on BRANCH, None when one of them does not exist."""
        try:
            found = self.get(f"contents/{path}", ref=branch)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        content = found.get("content") if isinstance(found, dict) else None
        return base64.b64decode(content) if isinstance(content, str) else None

    def _path(self, path: str, query: dict[str, str | int]) -> str:
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return f"{self.url}/repos/{self.repository}/{path}{asked}"

    def _ask(self, method: str, url: str, values: Any) -> Any:
        request = urllib.request.Request(  # the runner says which server this is
            url,
            method=method,
            data=None if values is None else json.dumps(values).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "tinytorch-award",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        for attempt in range(1, _TRIES + 1):
            wait_s: float | None
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                    return json.loads(answer.read(MAX_ANSWER_BYTES) or b"null")
            except urllib.error.HTTPError as error:
                wait_s = _wait_asked_for(error)
                # A POST may have been obeyed before the answer was lost: it is not sent twice.
                if wait_s is None and error.code in _RETRIED and method != "POST":
                    wait_s = 0.0
                if wait_s is None or wait_s > _LONGEST_WAIT_S or attempt == _TRIES:
                    raise ApiError(
                        f"GitHub answered {error.code} to {method} {_shown(url)}{_reason(error)}.",
                        error.code,
                    ) from None
            except (OSError, ValueError, http.client.HTTPException) as error:
                wait_s = 0.0
                if method == "POST" or attempt == _TRIES:
                    raise ApiError(
                        f"GitHub gave no answer to {method} {_shown(url)} "
                        f"({error.__class__.__name__}).",
                        0,
                    ) from None
            time.sleep(max(wait_s, self.retry_wait_s * attempt))
        raise AssertionError


def _wait_asked_for(error: urllib.error.HTTPError) -> float | None:
    """Seconds until GitHub will listen again, None when it does not say that it was too much.

    A request beyond a limit was not obeyed, so that any may be sent again.
    """
    after, left = error.headers.get("Retry-After"), error.headers.get("X-RateLimit-Remaining")
    if error.code not in (403, 429, 503) or (after is None and left != "0" and error.code != 429):
        return None
    try:
        if after is None and left == "0":
            return float(error.headers.get("X-RateLimit-Reset", "")) - time.time()
        return float(after or 0)
    except ValueError:
        return 0.0


def _reason(error: urllib.error.HTTPError) -> str:
    """ ": and GitHub's own sentence", "" when there is none."""
    try:
        said = json.loads(error.read(MAX_ANSWER_BYTES))["message"]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return ""
    return f": {escape.line(str(said), 200).rstrip('.')}"


def _shown(url: str) -> str:
    return urllib.parse.urlsplit(url).path
