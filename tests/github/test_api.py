"""GitHub's answers: too much, too late, cut off, refused."""

from __future__ import annotations

import email.message
import http.client
import io
import time
import urllib.request
import urllib.response

import pytest

from grader.github.api import ApiError, GitHub

OK = (200, {}, b"[]")
LIMIT = {"X-RateLimit-Remaining": "0"}


class Half(io.BytesIO):
    """An answer whose connection breaks."""

    def read(self, *_size):
        raise http.client.IncompleteRead(b"[1,")


class Played(urllib.request.HTTPHandler):
    """A server that gives ANSWERS, one by one, and then no more."""

    def __init__(self, answers):
        super().__init__()
        self.answers = list(answers)
        self.asked = []

    def http_open(self, request):
        self.asked.append(request.get_method())
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        status, headers, body = answer
        message = email.message.Message()
        for name, value in headers.items():
            message[name] = value
        content = body if isinstance(body, io.BytesIO) else io.BytesIO(body)
        found = urllib.response.addinfourl(content, message, request.full_url, status)
        found.msg = ""
        return found


@pytest.fixture
def answers():
    """answers(first, second, ...): a GitHub that gives these, and the list of what it was asked."""

    def script(*given):
        server = Played(given)
        urllib.request.install_opener(urllib.request.build_opener(server))
        return GitHub("http://github.example", "ada/x", "ghs_secret", 0.001), server.asked

    yield script
    urllib.request.install_opener(None)


@pytest.mark.parametrize(
    "mishap",
    [
        pytest.param((502, {}, b"<html>"), id="a bad gateway"),
        pytest.param((503, {"Retry-After": "0"}, b""), id="maintenance"),
        pytest.param((429, {}, b""), id="too many, and no word of when"),
        pytest.param((403, {"Retry-After": "0"}, b""), id="the second limit"),
        pytest.param((403, {**LIMIT, "X-RateLimit-Reset": "1"}, b""), id="the first limit"),
        pytest.param((429, {**LIMIT, "X-RateLimit-Reset": "soon"}, b""), id="a reset in words"),
        pytest.param((200, {}, b"<html>"), id="no JSON"),
        pytest.param((200, {}, Half()), id="half an answer"),
        pytest.param(ConnectionResetError(), id="a broken connection"),
        pytest.param(TimeoutError(), id="silence"),
    ],
)
def test_what_may_pass_is_asked_again(answers, mishap):
    github, asked = answers(mishap, OK)
    assert github.get("pulls") == []
    assert asked == ["GET", "GET"]


@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, {**LIMIT, "X-RateLimit-Reset": "1"}])
def test_what_a_limit_turned_down_was_not_obeyed_and_is_sent_again(answers, headers):
    github, asked = answers((403, headers, b""), OK)
    github.send("POST", "issues/1/comments", {})
    assert asked == ["POST", "POST"]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_what_may_have_been_obeyed_is_not_sent_again(answers, status):
    github, asked = answers((status, {}, b""))
    with pytest.raises(ApiError, match=f"GitHub answered {status} to POST"):
        github.send("POST", "issues/1/comments", {})
    assert asked == ["POST"]


def test_a_limit_that_lasts_for_an_hour_is_not_waited_for(answers):
    github, asked = answers((403, {**LIMIT, "X-RateLimit-Reset": str(time.time() + 3600)}, b""))
    with pytest.raises(ApiError):
        github.get("pulls")
    assert asked == ["GET"]


def test_a_permission_that_lacks_is_named_with_where_to_give_it(answers):
    said = b'{"message": "Resource not accessible by integration\\n::error::x"}'
    github, asked = answers((403, {}, said))
    with pytest.raises(ApiError) as refused:
        github.send("POST", "issues/1/labels", {})
    assert refused.value.what == (
        "GitHub answered 403 to POST /repos/ada/x/issues/1/labels: "
        "Resource not accessible by integration ::error::x."
    )
    assert "Workflow permissions" in refused.value.hint
    assert "ghs_secret" not in str(refused.value)
    assert asked == ["POST"]


def test_three_times_no_is_no(answers):
    github, asked = answers(*[(502, {}, b"[]")] * 3)
    with pytest.raises(ApiError, match="GitHub answered 502") as refused:
        github.get("pulls")
    assert "githubstatus" in refused.value.hint
    assert asked == ["GET"] * 3


def test_nobody_at_home_is_said(answers):
    github, _asked = answers(*[ConnectionRefusedError()] * 3)
    with pytest.raises(ApiError, match="gave no answer") as refused:
        github.get("pulls")
    assert refused.value.status == 0
