"""A child process of its own session, in an empty directory, with limits and a clean environment."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

from grader.sandbox.jobs import WORKER, Job, site_directories
from grader.sandbox.leftovers import ProcessTree, kill, remove, too_large
from grader.sandbox.reading import End, Heard, fault
from grader.verdicts.facts import CheckResult, Evidence

KEPT_OUTPUT_BYTES = 64 * 1024
MAX_FRAMES = 100_000  # messages and bundles of one run
# Of all messages together: read as JSON, they may need fifty times as much. The rest is arrays.
MAX_MESSAGES_BYTES = 4 * 1024 * 1024
_LOOK_S = 0.1  # how often what it has written and started is measured
_GRACE_S = 2.0  # after the kill, for the pipes to close


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run said. bundles: array bundles as they came, unread (grader.sandbox.worker.arrays)."""

    checks: tuple[CheckResult, ...]
    bundles: tuple[bytes, ...]
    arrived_s: tuple[float, ...]  # when each bundle was here; only differences mean something
    unsealed_s: dict[str, float]  # when each part that was sealed was handed over, by this clock
    duration_s: float
    isolation: str = ""  # the name of the sandbox


class ProcessSandbox:
    """The rung for every machine: what it does not stop, docs/trust.md lists."""

    isolation: ClassVar[str] = "process"
    # What the worker does to itself (grader.sandbox.worker.channel): between: a process that stands
    # between it and us.  files, calls: Landlock, seccomp.
    confinement: ClassVar[dict[str, bool]] = {"between": True, "files": False, "calls": False}

    def command(self, _root: Path) -> list[str]:
        """What a worker's script is run by. root: of this run, with job/ and home/ below it."""
        return [sys.executable, "-I", "-S", "-B"]

    def run(self, job: Job) -> Evidence:
        answer = self.ask(job)
        return Evidence(
            job.key,
            job.subject,
            answer.checks,
            duration_s=answer.duration_s,
            isolation=answer.isolation,
        )

    def ask(self, job: Job) -> Answer:
        started = time.monotonic()
        root: Path | None = None
        try:
            root = Path(tempfile.mkdtemp(prefix="tito-")).resolve()
            _lay_out(job, root)
            run = _Child(job, root, self.command(root), self.confinement)
            if run.was_killed_before_it_began:  # by a machine short of memory, by a stray signal
                run = _Child(job, root, self.command(root), self.confinement)
            checks = Heard(job, run.messages, bytes(run.printed), run.end()).outcomes()
        except OSError as error:  # no room for files, no room for a process
            what = f"the grader could not start: {error.strerror or error}"
            hint = f"Look for room: df -h {tempfile.gettempdir()}"
            checks = tuple(fault(job, name, what, hint) for name in job.expected)
            return Answer(checks, (), (), {}, time.monotonic() - started, self.isolation)
        finally:
            if root is not None:
                remove(root)
        return Answer(
            checks,
            tuple(run.bundles),
            tuple(run.arrived_s),
            run.unsealed_s,
            time.monotonic() - started,
            self.isolation,
        )


def _lay_out(job: Job, root: Path) -> None:
    """job/: what is imported.  home/: where it runs, and may write."""
    (root / "home").mkdir()
    (root / ".git").touch()  # no gitfile: git looks no further up for a repository
    package = root / "job"
    package.mkdir()
    for path, text in job.files.items():
        target = package / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")


class _Child:
    """One child: what it said until it ended, was stopped, or fell silent."""

    def __init__(
        self, job: Job, root: Path, command: list[str], confinement: dict[str, bool]
    ) -> None:
        self._job = job
        self.messages: list[dict[str, Any]] = []
        self.bundles: list[bytes] = []
        self.arrived_s: list[float] = []
        self._sealed = dict(job.sealed)
        self.unsealed_s: dict[str, float] = {}
        self._said = self._talked = self._frames = 0
        self.printed = bytearray()
        self._too_much_output = threading.Event()
        self._wrote_too_much = False
        self._too_many_processes = False
        self._timed_out = False
        self._status = self._execute(root, command, _request(job, root, confinement))

    def _execute(self, root: Path, command: list[str], request: dict[str, Any]) -> int:
        job = self._job
        tree = ProcessTree()
        child = tree.start(
            [*command, str(WORKER / job.worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root / "home",
            env=_environment(root),
            start_new_session=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        readers = [
            threading.Thread(target=self._listen, args=(child,), daemon=True),
            threading.Thread(target=self._drain, args=(child.stderr, child), daemon=True),
        ]
        try:
            for reader in readers:
                reader.start()
            # A child that dies early closes its end; what it said until then is judged below.
            with contextlib.suppress(OSError):
                child.stdin.write(json.dumps(request).encode() + b"\n" + job.payload)
                child.stdin.flush()
                if not job.sealed:
                    child.stdin.close()
            self._wait(child, tree, root / "home")
        finally:  # also when we are interrupted
            tree.end()
            with contextlib.suppress(OSError):  # what it has not read
                child.stdin.close()
        for reader, pipe in zip(readers, (child.stdout, child.stderr), strict=True):
            reader.join(_GRACE_S)
            if not reader.is_alive():
                pipe.close()
        # bubblewrap reports the signal that ended a worker as a shell does.
        return child.returncode if child.returncode <= 128 else 128 - child.returncode

    def _wait(self, child: subprocess.Popen[bytes], tree: ProcessTree, home: Path) -> None:
        """Until the child ends, or has had its time, or has filled the disk or the machine."""
        limits = self._job.limits
        deadline = time.monotonic() + limits.wall_s
        while not (self._timed_out or self._wrote_too_much or self._too_many_processes):
            try:
                child.wait(timeout=max(0.0, min(_LOOK_S, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                self._timed_out = time.monotonic() >= deadline
                self._wrote_too_much = too_large(home, limits.scratch_mb * 1024 * 1024)
                self._too_many_processes = tree.larger_than(limits.processes)
            else:
                return

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        """Until the pipe ends, or something comes that our worker never says."""
        assert child.stdin is not None
        assert child.stdout is not None
        if not self._understood(child.stdout, child.stdin):
            kill(child)

    def _understood(self, pipe: IO[bytes], back: IO[bytes]) -> bool:
        while header := _read_exactly(pipe, 4):
            (size,) = struct.unpack(">I", header)
            self._said += len(header) + size
            self._frames += 1
            if self._said > self._job.limits.report_mb * 1024 * 1024 or self._frames > MAX_FRAMES:
                return False
            body = _read_exactly(pipe, size)
            if not body:
                return False
            if body[:1] == b"A":
                self.bundles.append(body)
                self.arrived_s.append(time.monotonic())
                continue
            self._talked += size
            if self._talked > MAX_MESSAGES_BYTES:
                return False
            try:
                message = json.loads(body)
            except (ValueError, RecursionError):
                return False
            if isinstance(message, dict) and message.get("event") == "unseal":
                if not self._unseal(message.get("check"), back):
                    return False
            elif isinstance(message, dict):
                self.messages.append(message)
        return True

    def _unseal(self, name: object, back: IO[bytes]) -> bool:
        """Our worker asks once for each, and for nothing else."""
        body = self._sealed.pop(name, None) if isinstance(name, str) else None
        if body is None:
            return False
        self.unsealed_s[str(name)] = time.monotonic()
        with contextlib.suppress(OSError, ValueError):  # it ended, and the pipe with it
            back.write(len(body).to_bytes(4, "big") + body)
            back.flush()
        return True

    def _drain(self, pipe: IO[bytes], child: subprocess.Popen[bytes]) -> None:
        total = 0
        while chunk := pipe.read1(65536):  # type: ignore[attr-defined]  # a BufferedReader
            total += len(chunk)
            self.printed += chunk[: KEPT_OUTPUT_BYTES - len(self.printed)]
            if total > self._job.limits.output_mb * 1024 * 1024:
                self._too_much_output.set()
                kill(child)

    def end(self) -> End:
        """What ended it; a status below zero is a signal."""
        return End(
            self._status,
            self._timed_out,
            self._too_much_output.is_set(),
            self._wrote_too_much,
            self._too_many_processes,
        )

    @property
    def was_killed_before_it_began(self) -> bool:
        """By somebody else, before a line of the student's ran: trying again tells nobody anything."""
        spoke = self.messages or self.bundles
        return self._status < 0 and not (spoke or self.end().by_us)


def _request(job: Job, root: Path, confinement: dict[str, bool]) -> dict[str, Any]:
    return {
        "program": job.program,
        "expected": job.expected,
        "directory": str(root / "job"),
        "pycache": str(root / "pycache"),
        "site": site_directories(),
        "confinement": confinement,
        "payload_bytes": len(job.payload),
        "sealed": bool(job.sealed),
        "limits": {
            "wall_s": job.limits.wall_s,
            "cpu_s": job.limits.cpu_s,
            "memory_mb": job.limits.memory_mb,
            "file_mb": job.limits.file_mb,
        },
    }


def _environment(root: Path) -> dict[str, str]:
    """Nothing of the caller's, above all no GIT_*: a test that runs git must not reach the repository."""
    kept = {k: os.environ[k] for k in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if k in os.environ}
    return {
        **kept,
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "home"),
        "TEMP": str(root / "home"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        # One BLAS thread: these matrices are small, and threads only spin against each other.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "VECLIB_MAXIMUM_THREADS": "1",
    }


def _read_exactly(pipe: IO[bytes], size: int) -> bytes:
    """SIZE bytes, or b"" when the pipe ended before them."""
    body = pipe.read(size)
    return body if len(body) == size else b""
