"""Workers that hang, crash, flood, hide and stay: a verdict in bounded time, and nothing is left."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.lessons import lesson
from grader.sandbox import SANDBOXES, STRONG
from grader.sandbox.jobs import Limits
from grader.sandbox.leftovers import ProcessTree, remove
from grader.verdicts.facts import Outcome
from tests.adversarial.conftest import offered
from tests.grader.small_course import job
from tests.tiers import first

P, F, E, LATE, MISSING = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.ERRORED,
    Outcome.TIMED_OUT,
    Outcome.MISSING,
)
TESTS = '''\
def test_first():
    """The first has nothing to do with it."""


def test_second():
    """answer() is 42."""
    assert answer() == 42, "answer() should be 42. Hint: return 42."
'''
SHORT = Limits(wall_s=2.0, cpu_s=8)
MODES = [pytest.param(n, marks=() if n == "process" else pytest.mark.slow) for n in SANDBOXES]


@pytest.fixture(params=MODES)
def mode(request) -> str:
    return offered(request.param)


def body(*lines: str) -> str:
    return "def answer():\n" + "".join(f"    {line}\n" for line in lines)


HOSTILE = [
    pytest.param(
        body("import re", "return re.match('(a+)+$', 'a' * 40 + 'b')"),
        {LATE},
        id="A19 a regular expression that takes for ever",
    ),
    pytest.param(
        body(
            "import threading, time",
            "for _ in range(3000): threading.Thread(target=time.sleep, args=(60,)).start()",
        ),
        {E},
        id="A05 3,000 threads",
    ),
    pytest.param(
        body(
            "for n in range(20):",
            "    with open(f'file{n}', 'wb') as file: file.write(bytes(10 << 20))",
        ),
        {E},
        id="A07 20 files of 10 MB",
    ),
    pytest.param(
        body(
            "import os, time",
            "for n in range(1000):",
            "    with open(f'file{n}', 'wb') as file: file.write(os.urandom(7 << 20))",
        ),
        {E},
        id="1,000 files of 7 MB",
    ),
    pytest.param(
        body("for n in range(10**9):", "    open(str(n), 'w').close()"),
        {E, LATE},
        id="a billion empty files",
    ),
    pytest.param(
        body("import os", "while True: os.read(0, 1) or __import__('time').sleep(1)"),
        {LATE},
        id="A21 reads what the judge says, and waits",
    ),
    pytest.param(
        body(
            "import os, stat, time",
            "fds = [fd for fd in range(3, 64) if is_pipe(fd)]",
            "while True:",
            "    for fd in fds: os.write(fd, b'\\0')",
            "    time.sleep(0.1)",
        )
        + "\n\ndef is_pipe(fd):\n    import os, stat\n    try: return stat.S_ISFIFO(os.fstat(fd).st_mode)\n    except OSError: return False\n",
        {LATE, MISSING},
        id="A23 one byte now and then",
    ),
    pytest.param(
        body("import gc", "gc.disable()", "deep = []", "while True: deep = [deep, deep]"),
        {E, MISSING, LATE},
        id="A03 lists in lists until memory ends",
    ),
    pytest.param(
        "x = " + "(" * 300 + ")" * 300 + "\n" + body("return 42"),
        {E},
        id="S17 brackets the parser gives up on",
    ),
    pytest.param(
        "x = " + "-" * 200_000 + "1\n" + body("return 42"),
        {E, MISSING},
        id="S17 200,000 minus signs",
    ),
    pytest.param(
        f"x = [{'[0],' * 120_000}]\n" + body("return 42"),
        {P, LATE, E},
        id="A29 a literal of 120,000 lists",
    ),
    pytest.param(
        body("import sys", "sys.stdout = sys.stderr = open('/dev/full', 'w')", "print('x')"),
        {E, F},
        id="a full disk behind standard output",
    ),
    pytest.param(
        body(
            "import os, stat",
            "for fd in range(64):",
            "    try: os.close(fd)",
            "    except OSError: pass",
            "import time",
            "time.sleep(600)",
        ),
        {LATE, MISSING},
        id="closes its pipes and stays",
    ),
    pytest.param(
        body("import os, signal", "os.kill(os.getppid(), signal.SIGSTOP)", "return 1"),
        {E, F, LATE, MISSING},
        id="stops its parent",
    ),
    pytest.param(
        body("import os, signal", "os.kill(os.getppid(), signal.SIGKILL)", "return 1"),
        {E, F, MISSING},
        id="F53 kills its parent",
    ),
]


@pytest.mark.parametrize(
    ("code", "outcomes"),
    first(
        HOSTILE,
        *("A19 a regular expression that takes for ever", "A07 20 files of 10 MB"),
        *("S17 200,000 minus signs", "F53 kills its parent"),
    ),
)
def test_a_hostile_worker_costs_one_row_and_bounded_time(mode, monkeypatch, code, outcomes):
    monkeypatch.setattr(lesson, "MAX_CODE_CHARS", 1 << 20)  # what is refused is run here
    started = time.monotonic()
    evidence = SANDBOXES[mode]().run(job(code, TESTS, SHORT))
    assert time.monotonic() - started < SHORT.wall_s + 6
    assert [c.name for c in evidence.checks] == ["test_first", "test_second"]
    assert evidence.checks[1].outcome in outcomes, evidence.checks[1].message
    assert evidence.checks[1].outcome is P or evidence.checks[1].message


def test_shared_memory_is_given_back(strong):
    """A31. Not in the portable sandbox, which docs/isolation.md says of it."""
    code = body(
        "for n in range(300):",
        "    with open(f'/dev/shm/tito-{n}', 'wb') as file: file.write(bytes(1 << 20))",
    )
    evidence = SANDBOXES[strong]().run(job(code, TESTS, SHORT))
    assert evidence.checks[1].outcome in (E, F)
    assert list(Path("/dev/shm").glob("tito-*")) == []


# With what the portable sandbox says; a strong one lets nothing be started.
STAY = [
    pytest.param(
        body(
            "import os, time",
            "if os.fork() == 0:",
            "    os.setsid()",
            "    if os.fork() == 0:",
            "        os.chdir('/')",
            "        os.execve('/bin/sleep', ['sleep', '987.65'], {})",
            "    os._exit(0)",
            "os.wait()",
            "return 42",
        ),
        {P},
        id="A10 a daemon without a name, a folder, an environment",
    ),
    pytest.param(
        body(
            "import os, time",
            "if os.fork() == 0:",
            "    os.setsid()",
            "    time.sleep(0.05)",
            "    os.kill(os.getppid(), 9)",
            "    time.sleep(987.65)",
            "os.kill(os.getppid(), 9)",
            "time.sleep(987.65)",
        ),
        {MISSING, LATE},
        id="a daemon that kills everybody above it",
    ),
    pytest.param(
        body(
            "import os, time",
            "for _ in range(6):",
            "    if os.fork() == 0:",
            "        os.setsid()",
            "        deadline = time.monotonic() + 20",
            "        while time.monotonic() < deadline:",
            "            if os.fork() == 0:",
            "                os.setsid()",
            "                time.sleep(0.02)",
            "            else:",
            "                time.sleep(0.05)",
            "                os._exit(0)",
            "return 42",
        ),
        {P},
        id="daemons that are always somebody else",
    ),
    pytest.param(
        body("import os, time", "for _ in range(7): os.fork()", "time.sleep(987.65)"),
        {E, LATE},
        id="128 processes",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["while True: os.fork()"], id="doubles"),
        pytest.param(
            ["while True:", "    if os.fork() == 0: os.setsid()"],
            id="doubles, in sessions of its own",
        ),
    ],
)
def test_a_fork_bomb_is_stopped(mode, lines):
    started = time.monotonic()
    evidence = SANDBOXES[mode]().run(job(body("import os", *lines), TESTS))
    assert time.monotonic() - started < 15
    assert evidence.checks[1].outcome in (E, MISSING)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (util-linux)")
def test_a_process_that_left_its_session_is_found_and_ended():
    """As on a kernel without seccomp, where a worker's daemons can leave."""
    tree = ProcessTree()
    script = "setsid sh -c 'setsid sleep 987.65 & setsid sleep 987.65' & sleep 0.3; echo"
    command = ["setpriv", "--no-new-privs", "sh", "-c", script]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    tree.watch(child)
    assert child.stdout is not None
    with child.stdout as said:
        said.readline()
    assert len(sleepers()) == 2
    tree.end()
    assert sleepers() == []


def test_only_processes_of_the_run_are_ended():
    other = subprocess.Popen(["sleep", "30"], start_new_session=True)
    tree = ProcessTree()
    tree.watch(subprocess.Popen(["true"], start_new_session=True))
    late = subprocess.Popen(["sleep", "30"], start_new_session=True)
    tree.end()
    assert [other.poll(), late.poll()] == [None, None]
    for process in (other, late):
        process.kill()
        process.wait()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (util-linux)")
def test_a_run_that_ends_leaves_one_that_starts_alone(monkeypatch):
    """Between the start of a worker and the moment at which its run knows of it."""
    real, other = subprocess.Popen, ProcessTree()
    other.watch(real(["true"], start_new_session=True))
    ending = threading.Thread(target=other.end)

    def slow(command, **options):
        child = real(command, **options)
        wait_for(lambda: b"NoNewPrivs:\t1" in Path(f"/proc/{child.pid}/status").read_bytes())
        ending.start()
        ending.join(0.5)
        return child

    monkeypatch.setattr(subprocess, "Popen", slow)
    tree = ProcessTree()
    started = tree.start(["setpriv", "--no-new-privs", "sleep", "30"], start_new_session=True)
    ending.join()
    assert started.poll() is None
    tree.end()


def sleepers() -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [entry.parent.name] if entry.read_bytes() == b"sleep\000987.65\0" else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param("[b'[' + b'[],' * 2_000_000 + b'1]']", id="one message of two million lists"),
        pytest.param("(b'{}' for _ in range(20_000_000))", id="20 million empty messages"),
        pytest.param("(b'A' for _ in range(20_000_000))", id="20 million empty bundles"),
        pytest.param("(b'A' * 10_000_000 for _ in range(1000))", id="10 GB of bundles"),
    ],
)
def test_a_flood_of_frames_costs_the_judge_no_memory(mode, frames):
    code = body(
        "import os, stat, struct",
        "fds = []",
        "for fd in range(3, 64):",
        "    try: fds += [fd] if stat.S_ISFIFO(os.fstat(fd).st_mode) else []",
        "    except OSError: pass",
        f"for frame in {frames}:",
        "    for fd in fds:",
        "        rest = memoryview(struct.pack('>I', len(frame)) + frame)",
        "        while rest: rest = rest[os.write(fd, rest):]",
    )
    limits = replace(SHORT, report_mb=256)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    evidence = SANDBOXES[mode]().run(job(code, TESTS, limits))
    assert evidence.checks[1].outcome in (MISSING, LATE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


@pytest.mark.parametrize(("code", "outcomes"), STAY)
def test_no_process_stays(mode, code, outcomes):
    evidence = SANDBOXES[mode]().run(job(code, TESTS, SHORT))
    assert sleepers() == []
    assert evidence.checks[1].outcome in ({E} if mode in STRONG else outcomes)


def test_a_worker_ends_with_its_grader(mode, tmp_path):
    """Killed half-way, as a batch may be: no worker goes on alone."""
    code = body("import time", "time.sleep(61.25)")
    program = (
        "import sys, tempfile\n"
        "from grader.sandbox import SANDBOXES\n"
        "from tests.grader.small_course import job\n"
        f"tempfile.tempdir = {str(tmp_path / 'scratch')!r}\n"
        f"SANDBOXES[{mode!r}]().run(job({code!r}, {TESTS!r}))\n"
    )
    root = Path(__file__).resolve().parents[2]
    grader = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    scratch = tmp_path / "scratch"
    wait_for(lambda: workers_in(scratch))
    grader.kill()
    grader.wait()
    wait_for(lambda: not workers_in(scratch))
    for folder in scratch.iterdir():  # nobody was left to remove it
        remove(folder)


def workers_in(scratch: Path) -> list[str]:
    """Processes whose home is below SCRATCH, or that were told to use it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def wait_for(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_hostile_and_honest_workers_run_side_by_side(mode):
    """X01, X04: nobody's result depends on who is graded at the same time."""
    hostile = body(
        "import os, signal", "for target in (os.getppid(), 0): os.kill(target, signal.SIGKILL)"
    )
    honest = "import time\n" + body("time.sleep(0.3)", "return 42")
    found: list[Outcome] = []

    def grade() -> None:
        found.append(SANDBOXES[mode]().run(job(honest, TESTS, SHORT)).checks[1].outcome)

    threads = [threading.Thread(target=grade) for _ in range(2)]
    for thread in threads:
        thread.start()
    SANDBOXES[mode]().run(job(hostile, TESTS, SHORT))
    for thread in threads:
        thread.join()
    assert found == [P, P]


@pytest.mark.parametrize(
    "victim", ["os.kill(-1, signal.SIGKILL)", "os.kill(VICTIM, signal.SIGKILL)"]
)
def test_no_worker_ends_another(strong, victim):
    """X01. Not in the portable sandbox: there it would end this test as well."""
    other = subprocess.Popen(["sleep", "30"], start_new_session=True)
    try:
        code = body("import os, signal", f"VICTIM = {other.pid}", victim)
        evidence = SANDBOXES[strong]().run(job(code, TESTS, SHORT))
        assert evidence.checks[1].outcome is E
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
