"""Every sandbox that works on this machine, and a look at what a test leaves behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from grader.sandbox import SANDBOXES, STRONG
from grader.sandbox.choice import weakness
from tests.adversarial.attempts import OUTSIDE


def offered(name: str) -> str:
    """NAME, if that sandbox works here; else the test is skipped, with the reason."""
    if name in STRONG and (reason := weakness(name)):
        pytest.skip(f"{name} does not work here: {reason}")
    return name


@pytest.fixture(params=list(SANDBOXES))
def mode(request) -> str:
    return offered(request.param)


@pytest.fixture(params=STRONG)
def strong(request) -> str:
    return offered(request.param)


def _own_processes() -> set[str]:
    """Living processes that are children of ours: those that lost their parent come to us, too."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if words[0] != "Z" and words[1] == str(os.getpid()):
            found.add(entry.parent.name)
    return found


def _shared_memory() -> set[str]:
    """Without what the tests of another process, on the same machine, put there for a moment."""
    names = set(os.listdir("/dev/shm")) if Path("/dev/shm").is_dir() else set()  # noqa: PTH208  # names are all that is compared
    return {
        n for n in names if not n.startswith(OUTSIDE) or n.startswith(f"{OUTSIDE}{os.getpid()}-")
    }


@pytest.fixture(autouse=True)
def nothing_left(tmp_path, monkeypatch):
    """After the test: no process, no scratch directory, nothing in shared memory."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    processes, memory = _own_processes(), _shared_memory()
    yield
    assert _own_processes() <= processes
    assert _shared_memory() <= memory
    assert list(scratch.iterdir()) == []
