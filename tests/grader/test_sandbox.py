"""What students write, and worse: every expected check gets exactly one outcome, in bounded time.

Each case runs three checks around one function: `first` has nothing to do with it, `second` calls
it, `third` comes afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.lessons.lesson import parse
from grader.sandbox import SANDBOXES, STRONG, bubblewrap, process
from grader.sandbox.choice import weakness
from grader.sandbox.jobs import WORKER, Limits
from grader.verdicts.facts import Evidence, Outcome
from tests.grader.small_course import job, lesson_text, path, text
from tests.tiers import first

ROOT = Path(__file__).parents[2]
P, F, TODO, E, LATE, MISSING, FAULT = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.TODO,
    Outcome.ERRORED,
    Outcome.TIMED_OUT,
    Outcome.MISSING,
    Outcome.FAULT,
)
TESTS = '''\
def test_first():
    """The first has nothing to do with it."""


def test_second():
    """answer() is 42."""
    got = answer()
    assert got == 42, f"answer() should be 42, got {got}. Hint: return 42."


def test_third():
    """The third comes afterwards."""
'''
NAMES = ("test_first", "test_second", "test_third")
SHORT = Limits(wall_s=2.0, cpu_s=10)
LITTLE = Limits(memory_mb=512)
ANSWER = "def answer():\n    return 42\n\n\n"


def offered(name: str):
    """The sandbox, if it works on this machine."""
    if name in STRONG and (reason := weakness(name)):
        pytest.skip(f"{name} does not work here: {reason}")
    return SANDBOXES[name]()


@pytest.fixture(
    params=[pytest.param(n, marks=pytest.mark.slow if n in STRONG else ()) for n in SANDBOXES]
)
def sandbox(request):
    return offered(request.param)


@pytest.fixture(params=STRONG)
def confined(request):
    return offered(request.param)


@pytest.fixture
def portable():
    """The sandbox in which student code may start processes."""
    return SANDBOXES["process"]()


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch) -> Path:
    """Where sandboxes make their directories in this test: empty again at the end."""
    directory = tmp_path / "scratch"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


@pytest.fixture
def without_numpy(monkeypatch) -> None:
    """Its import is most of the cost of a run, and most of these students do not need it."""
    monkeypatch.setattr("grader.sandbox.process.site_directories", tuple)


def body(*lines: str) -> str:
    """answer() with these lines."""
    return "def answer():\n" + "".join(f"    {line}\n" for line in lines)


def outcomes(evidence: Evidence) -> list[Outcome]:
    assert [c.name for c in evidence.checks] == list(NAMES)
    return [c.outcome for c in evidence.checks]


def processes_with(marker: str) -> list[str]:
    """Command lines of the living processes that hold MARKER."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        found += [words] if marker in words else []
    return found


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(
    ("code", "line", "hint"),
    [
        ("", "got = answer() + 1", "put it back under this name"),
        (body("42"), "got = answer() + 1", "is its return there?"),
        (body("return None.real"), "", "is its return there?"),
        (body("return undefined"), "", ""),
    ],
)
def test_an_exception_that_names_no_place_gets_the_tests_line_and_a_hint(
    portable, code, line, hint
):
    made = job(code, TESTS.replace("got = answer()", "got = answer() + 1"))
    second = the_second(portable.run(made))
    assert second.outcome is E
    assert second.message.partition("could not go on: ")[2] == line
    assert hint in second.hint


# code, outcomes of the three checks, words in the second's message, words in its place
STUDENTS = [
    pytest.param(body("return 42"), [P, P, P], "", "", id="right"),
    pytest.param(body("return 41"), [P, F, P], "should be 42, got 41", "", id="wrong"),
    pytest.param(
        body("raise NotImplementedError('write answer()')"),
        [P, TODO, P],
        "write answer()",
        "case.py:10",
        id="to do",
    ),
    pytest.param(
        body("raise NotImplementedError"),
        [P, TODO, P],
        "not written yet",
        "case.py:10",
        id="bare to do",
    ),
    pytest.param(
        "",
        [P, E, P],
        "NameError: name 'answer' is not defined\nThis line of the test could not go on: "
        "got = answer()",
        "",
        id="nothing there",
    ),
    pytest.param(
        body("return 1 / 0"),
        [P, E, P],
        "ZeroDivisionError: division by zero",
        "case.py:10: return 1 / 0",
        id="exception",
    ),
    pytest.param(
        body("return undefined"),
        [P, E, P],
        "NameError: name 'undefined'",
        "case.py:10: return undefined",
        id="misspelt name",
    ),
    pytest.param(
        body("return answer()"), [P, E, P], "RecursionError: maximum", "case.py:10", id="recursion"
    ),
    pytest.param(
        body("import sys", "sys.exit(0)"),
        [P, E, P],
        "SystemExit: calls sys.exit(0)",
        "case.py:11: sys.exit(0)",
        id="sys.exit",
    ),
    pytest.param(body("exit()"), [P, E, P], "NameError", "case.py:10", id="exit of the console"),
    pytest.param(
        body("raise KeyboardInterrupt"), [P, E, P], "KeyboardInterrupt", "case.py:10", id="Ctrl-C"
    ),
    pytest.param(
        body("class Odd(BaseException): pass", "raise Odd('why')"),
        [P, E, P],
        "Odd: why",
        "case.py:11",
        id="BaseException",
    ),
    pytest.param(
        body("class Odd(SystemExit): pass", "raise Odd('why')"),
        [P, E, P],
        "calls sys.exit(why)",
        "case.py:11",
        id="subclass of SystemExit",
    ),
    pytest.param(
        body("raise GeneratorExit"), [P, E, P], "GeneratorExit", "case.py:10", id="GeneratorExit"
    ),
    pytest.param(
        body("raise StopIteration('x')"),
        [P, E, P],
        "StopIteration: x",
        "case.py:10",
        id="StopIteration",
    ),
    pytest.param(
        body("class Odd(Exception):", "    def __str__(self): raise ValueError", "raise Odd"),
        [P, E, P],
        "Odd: (its message cannot be printed)",
        "case.py:12",
        id="message that raises",
    ),
    pytest.param(
        body(
            "class Text(str):",
            "    def __getitem__(self, key): return object()",
            "class Odd(Exception):",
            "    def __str__(self): return Text('why')",
            "raise Odd",
        ),
        [P, E, P],
        "Odd: why",
        "case.py:14",
        id="message that is no plain text",
    ),
    pytest.param(
        body(
            "class Meta(type):",
            "    __name__ = property(lambda self: 1 / 0)",
            "class Odd(Exception, metaclass=Meta): pass",
            "raise Odd('why')",
        ),
        [P, E, P],
        "why",
        "case.py:13",
        id="exception without a name",
    ),
    pytest.param(
        body(
            "class Odd(Exception):",
            "    @property",
            "    def __traceback__(self): raise ValueError",
            "raise Odd('why')",
        ),
        [P, E, P],
        "why",
        "",
        id="exception without a traceback",
    ),
    pytest.param(
        body("error = SyntaxError('odd')", "error.filename = 7", "raise error"),
        [P, E, P],
        "odd",
        "",
        id="SyntaxError from nowhere",
    ),
    pytest.param(
        body("raise ValueError('x' * 10_000_000)"),
        [P, E, P],
        "xxx",
        "case.py:10",
        id="10 MB message",
    ),
    pytest.param(
        body("raise ValueError('a\\ud800b\\x1b[2Jc\\x00d')"),
        [P, E, P],
        "ValueError: a",
        "case.py:10",
        id="message with control characters",
    ),
    pytest.param(
        body("import sys", "sys.stdout.kept = object()", "return 1 / 0"),
        [P, E, P],
        "ZeroDivisionError",
        "case.py:12",
        id="tampers with what is kept of its output",
    ),
    pytest.param(
        body("import sys", "sys.stdout = sys.stderr = None", "print(1)", "return 42"),
        [P, P, P],
        "",
        "",
        id="no output",
    ),
    pytest.param(
        body("print('x' * 100_000_000)", "return 42"), [P, P, P], "", "", id="prints 100 MB"
    ),
    pytest.param(
        body("return bytearray(5 << 30)"),
        [P, E, P],
        "MemoryError: needs more memory than the grader gives",
        "case.py:10: return bytearray(5 << 30)",
        id="5 GB",
    ),
    pytest.param(
        body("found = []", "while True: found.append(bytearray(100 << 20))"),
        [P, E, P],
        "MemoryError: needs more memory than the grader gives",
        "case.py:11",
        id="more and more memory",
    ),
    pytest.param(
        body("import os", "os._exit(0)"),
        [P, MISSING, MISSING],
        "the process ended (exit status 0) while this check ran",
        "",
        id="exits quietly",
    ),
    pytest.param(
        body("import os", "os.kill(os.getpid(), 9)"),
        [P, MISSING, MISSING],
        "the process ended (signal 9) while this check ran",
        "",
        id="kills itself",
    ),
    pytest.param(
        body("import ctypes", "ctypes.string_at(0)"),
        [P, MISSING, MISSING],
        "the process ended (signal 11) while this check ran",
        "",
        id="segfault",
    ),
    pytest.param(
        body("import os", "os.abort()"),
        [P, MISSING, MISSING],
        "the process ended (signal 6) while this check ran",
        "",
        id="abort",
    ),
    pytest.param(
        body("import os", "os.closerange(0, 21)", "return 42"),
        [P, MISSING, MISSING],
        "while this check ran",
        "",
        id="closes what it did not open",
    ),
    pytest.param(
        body(
            "import threading, time",
            "threading.Thread(target=time.sleep, args=(600,)).start()",
            "return 42",
        ),
        [P, P, P],
        "",
        "",
        id="thread that never ends",
    ),
    pytest.param(
        body(
            "import threading, time, os",
            "threading.Thread(target=time.sleep, args=(600,)).start()",
            "os.closerange(3, 21)",
            "return 42",
        ),
        [P, MISSING, MISSING],
        "while this check ran",
        "",
        id="thread that never ends, and nothing to say",
    ),
    pytest.param(
        body("import atexit, os", "atexit.register(os._exit, 0)", "return 42"),
        [P, P, P],
        "",
        "",
        id="atexit",
    ),
    pytest.param(
        body(
            "class Late:",
            "    def __del__(self): import os; os._exit(0)",
            "globals()['x'] = Late()",
            "return 42",
        ),
        [P, P, P],
        "",
        "",
        id="destructor",
    ),
    pytest.param(
        body("import sys", "sys.modules.clear()", "return 42"),
        [P, P, P],
        "",
        "",
        id="forgets all modules",
    ),
    pytest.param(
        body("import os", "os.chdir('/')", "os.environ.clear()", "return 42"),
        [P, P, P],
        "",
        "",
        id="goes elsewhere",
    ),
    pytest.param(
        body(
            "import os",
            "open('file', 'w').write('x')",
            "os.mkdir('d')",
            "os.chmod('d', 0)",
            "return 42",
        ),
        [P, P, P],
        "",
        "",
        id="leaves files behind",
    ),
    pytest.param(
        body(
            "import os",
            "for _ in range(1100):",
            "    os.mkdir('d')",
            "    os.chdir('d')",
            "return 42",
        ),
        [P, P, P],
        "",
        "",
        id="leaves folders behind, 1,100 deep",
    ),
    pytest.param(
        body("open('big', 'wb').write(b'0' * (100 << 20))", "return 42"),
        [P, E, P],
        "OSError: [Errno 27] File too large",
        "case.py:10",
        id="writes a 100 MB file",
    ),
    pytest.param(
        body("import os", "return [n for n in os.environ if n.startswith('GIT_')] or 42"),
        [P, P, P],
        "",
        "",
        id="looks for GIT_*",
    ),
    pytest.param(
        body("import socket, sys", "return 42 if sys.stdin.read() == '' else 1"),
        [P, P, P],
        "",
        "",
        id="reads standard input",
    ),
    pytest.param(
        body("import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "return 42"),
        [P, P, P],
        "",
        "",
        id="ignores signals",
    ),
]


# The same, of students who use processes: only the portable sandbox lets them.
STARTERS = [
    pytest.param(
        body("import os", "os.killpg(0, 15)", "return 42"),
        [P, MISSING, MISSING],
        "the process ended (signal 15)",
        "",
        id="ends its whole group",
    ),
    pytest.param(
        body("import os", "os.execv('/bin/true', ['true'])"),
        [P, MISSING, MISSING],
        "the process ended (exit status 0)",
        "",
        id="becomes another program",
    ),
    pytest.param(
        body("import os", "if os.fork() == 0: os._exit(0)", "return 42"),
        [P, P, P],
        "",
        "",
        id="forks a child that ends",
    ),
]


def the_second(evidence):
    return evidence.checks[1]


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(("code", "expected", "message", "where"), STUDENTS)
def test_every_check_gets_exactly_one_outcome(sandbox, scratch, code, expected, message, where):
    evidence = sandbox.run(job(code, TESTS, LITTLE))
    assert outcomes(evidence) == expected
    second = the_second(evidence)
    assert message in second.message
    assert where in second.where
    assert second.title == "answer() is 42."
    assert len(second.message) + len(second.output) < 20_000
    assert list(scratch.iterdir()) == []


HELD = """\
def check(x, hint):
    assert answer(x) == 42, f"answer({x}) should be 42. {hint}"


def test_first():
    \"""The hint of the test is in a local variable.\"""
    hint = "Hint: of the loop."
    for x in (1, 0):
        assert answer(x) == 42, f"answer({x}) should be 42. {hint}"


def test_second():
    \"""The hint is handed to a helper.\"""
    hint = "Hint: of the test."
    check(0, "Hint: handed over.")
    assert answer(0) == 42, f"answer(0) should be 42. {hint}"


def test_third():
    \"""The hint stands further down.\"""
    assert answer(1) == 42, "answer(1) should be 42. Hint: of the line above."
    got = answer(0)
    assert got == 42, (
        f"answer(0) should be 42, got {got}. "
        "Hint: of the next assertion."
    )
    assert got != 7, "never 7. Hint: of the line below."
"""


@pytest.mark.usefixtures("without_numpy")
def test_an_exception_comes_with_the_hint_that_a_wrong_result_would_get(portable):
    evidence = portable.run(job("def answer(x):\n    return 42 / x * x\n", HELD))
    assert [c.message for c in evidence.checks] == ["ZeroDivisionError: division by zero"] * 3
    hints = [c.hint for c in evidence.checks]
    assert hints == ["of the loop.", "handed over.", "of the next assertion."]


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(("code", "expected", "message", "where"), STARTERS)
def test_a_portable_worker_may_start_processes(portable, code, expected, message, where):
    evidence = portable.run(job(code, TESTS, LITTLE))
    assert outcomes(evidence) == expected
    assert message in the_second(evidence).message
    assert where in the_second(evidence).where


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize("code", [p.values[0] for p in STARTERS], ids=[p.id for p in STARTERS])
def test_a_confined_worker_starts_and_signals_no_process(confined, code):
    evidence = confined.run(job(code, TESTS, LITTLE))
    assert outcomes(evidence) == [P, E, P]
    assert "PermissionError: [Errno 1] Operation not permitted" in the_second(evidence).message


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("import sys\nsys.exit(0)", "SystemExit: calls sys.exit(0)", id="sys.exit"),
        pytest.param("raise KeyboardInterrupt", "KeyboardInterrupt", id="Ctrl-C"),
        pytest.param("return 42", "SyntaxError: 'return' outside function", id="SyntaxError"),
        pytest.param("x = (", "SyntaxError: '(' was never closed", id="bracket"),
        pytest.param(
            "import nothing", "ModuleNotFoundError: No module named 'nothing'", id="import"
        ),
        pytest.param("1 / 0", "ZeroDivisionError", id="exception"),
        pytest.param("x = bytearray(5 << 30)", "MemoryError", id="5 GB"),
    ],
)
def test_a_lesson_that_cannot_be_loaded_fails_every_check_with_its_line(sandbox, code, message):
    evidence = sandbox.run(job(f"{ANSWER}{code}", TESTS))
    assert outcomes(evidence) == [E, E, E]
    assert {c.message.startswith(message) for c in evidence.checks} == {True}
    assert {c.where.partition(": ")[0] for c in evidence.checks} <= {
        "modules/05_case/case.py:13",
        "modules/05_case/case.py:14",
    }


def test_not_implemented_while_loading_is_to_do(sandbox):
    assert outcomes(sandbox.run(job("raise NotImplementedError", TESTS))) == [TODO] * 3


def test_a_lesson_that_ends_the_process_while_loading_is_missing(sandbox):
    evidence = sandbox.run(job("import os\nos._exit(0)", TESTS))
    assert outcomes(evidence) == [MISSING] * 3
    assert "the process ended (exit status 0)" in evidence.checks[0].message


LOOPS = [
    pytest.param(body("while True: pass"), [P, LATE, MISSING], id="loops"),
    pytest.param(
        body("import time", "time.sleep(600)"),
        [P, LATE, MISSING],
        id="sleeps",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        body("while True: print('x')"),
        [P, LATE, MISSING],
        id="prints for ever",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        body(
            "while True:", "    try:", "        while True: pass", "    except BaseException: pass"
        ),
        [P, LATE, MISSING],
        id="loops and catches everything",
    ),
    pytest.param(
        body(
            "import signal",
            "for s in {1, 2, 3, 15, 24}: signal.signal(s, signal.SIG_IGN)",
            "while True: pass",
        ),
        [P, LATE, MISSING],
        id="loops and ignores signals",
    ),
    pytest.param(
        body("import os", "os.kill(os.getpid(), 19)", "return 42"),
        [P, LATE, MISSING],
        id="stops itself",
    ),
    pytest.param(f"{ANSWER}while True: pass", [LATE, LATE, LATE], id="loops while loading"),
]


@pytest.mark.thorough
@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(("code", "expected"), first(LOOPS, "loops", "stops itself"))
def test_what_never_ends_is_stopped(sandbox, scratch, code, expected):
    started = time.monotonic()
    evidence = sandbox.run(job(code, TESTS, SHORT))
    assert time.monotonic() - started < SHORT.wall_s + 5
    assert outcomes(evidence) == expected
    assert "still running after 2 s and was stopped" in the_second(evidence).message
    assert "loop that never ends" in the_second(evidence).hint
    assert evidence.checks[2].message in (
        "",
        "not reached: test_second ran out of time before it",
        the_second(evidence).message,
    )
    assert list(scratch.iterdir()) == []


def test_a_look_at_where_it_hangs_hurts_nothing_that_runs():
    script = f"""
import _thread, sys
sys.path.append({str(WORKER)!r})
from channel import BoundedText, say_where
looks = []
def look():
    for _ in range(120):
        say_where(0.0)
        looks.append(1)
_thread.start_new_thread(look, ())
sink = BoundedText()
while len(looks) < 120:
    print("x", file=sink)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0
    assert b'File "<string>", line 13 in <module>' in done.stderr


@pytest.mark.thorough
def test_computing_time_is_limited_too(sandbox):
    limits = Limits(wall_s=20.0, cpu_s=1)
    started = time.monotonic()
    evidence = sandbox.run(job(body("while True: pass"), TESTS, limits))
    assert time.monotonic() - started < 15
    assert outcomes(evidence) == [P, LATE, MISSING]
    assert "still running after 1 s of computing" in the_second(evidence).message


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("while True: os.write(1, b'x' * 65536)", id="standard output"),
        pytest.param("while True: os.write(2, b'x' * 65536)", id="standard error"),
    ],
)
def test_output_past_every_limit_is_stopped(sandbox, line):
    check_output_is_stopped(sandbox, line)


def test_output_of_another_program_is_stopped_too(portable):
    check_output_is_stopped(portable, "os.system('yes')")


def check_output_is_stopped(sandbox, line):
    limits = Limits(wall_s=20.0, output_mb=20)
    evidence = sandbox.run(job(body("import os", line), TESTS, limits))
    assert outcomes(evidence) == [P, E, MISSING]
    assert the_second(evidence).message == "printed more than 20 MB and was stopped"
    assert evidence.checks[2].message == "not reached: test_second printed too much"
    assert 0 < len(the_second(evidence).output) <= 4096


def test_what_a_failing_check_printed_is_kept(sandbox):
    evidence = sandbox.run(job(body("print('looking', 41)", "return 41"), TESTS))
    assert the_second(evidence).output == "looking 41\n"


def test_more_numpy_than_there_is_memory_says_so(sandbox):
    code = body("import numpy as np", "return np.zeros(5 << 27) + 1")
    second = the_second(sandbox.run(job(code, TESTS)))
    assert second.outcome is E
    words = "MemoryError: needs more memory than the grader gives (Unable to allocate 5.00 GiB"
    assert second.message.startswith(words)


def test_a_failure_is_message_hint_and_title(sandbox):
    second = the_second(sandbox.run(job(body("return 41"), TESTS)))
    assert (second.title, second.message, second.hint) == (
        "answer() is 42.",
        "answer() should be 42, got 41.",
        "return 42.",
    )


def test_no_control_character_reaches_the_terminal(sandbox):
    code = body(r"raise ValueError('a\ud800b\x1b[2Jc\x00\rd' + '\u202e')")
    second = the_second(sandbox.run(job(code, TESTS)))
    assert second.message == "ValueError: a\ufffdb\ufffd[2Jc\ufffd\ufffdd\ufffd"


def test_lines_in_a_message_are_kept(sandbox):
    second = the_second(sandbox.run(job(body(r"raise ValueError('a\n\tb')"), TESTS)))
    assert second.message == "ValueError: a\n\tb"


def test_the_place_is_the_students_line_also_in_a_module_it_needs(sandbox):
    need = parse(text("00_one", "def one():\n    return 1 / 0"), path("00_one"))
    code = "from tinytorch.core.one import one\n\n\ndef answer():\n    return one()"
    second = the_second(sandbox.run(job(code, TESTS, needs=(need,))))
    assert second.message == "ZeroDivisionError: division by zero"
    assert second.where == "modules/05_case/case.py:13: return one()"


def test_a_need_that_cannot_be_imported_is_named(sandbox):
    need = parse(text("00_one", "raise ValueError('broken need')"), path("00_one"))
    evidence = sandbox.run(job(ANSWER, TESTS, needs=(need,)))
    assert outcomes(evidence) == [E, E, E]
    assert the_second(evidence).message == "ValueError: broken need"
    assert the_second(evidence).where.startswith("tinytorch/core/one.py:")


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["subprocess.Popen(['sleep', '{seconds}'])"], id="child"),
        pytest.param(
            ["subprocess.Popen(['sleep', '{seconds}'], start_new_session=True)"],
            id="session of its own",
        ),
        pytest.param(
            [
                "if os.fork() == 0:",
                "    os.setsid()",
                "    if os.fork() == 0: os.execvp('sleep', ['sleep', '{seconds}'])",
                "    os._exit(0)",
            ],
            id="daemon",
        ),
    ],
)
def test_no_process_is_left_behind(portable, scratch, lines):
    seconds = f"98765.{os.getpid()}"
    code = body(
        "import os, subprocess", *[line.format(seconds=seconds) for line in lines], "return 42"
    )
    started = time.monotonic()
    evidence = portable.run(job(code, TESTS))
    assert outcomes(evidence) == [P, P, P]
    assert time.monotonic() - started < 5
    assert processes_with(seconds) == []
    assert list(scratch.iterdir()) == []


def test_git_in_a_check_cannot_reach_the_repository(portable, repo, commit, monkeypatch):
    head = commit({"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(repo.top / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.top / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.top))
    code = body(
        "import subprocess",
        "open('mine', 'w').write('x')",
        "for words in ['init -q', 'add -A', '-c user.name=a -c user.email=b commit -qm x']:",
        "    subprocess.run(['git', *words.split()], check=True)",
        "return 42",
    )
    assert outcomes(portable.run(job(code, TESTS))) == [P, P, P]
    monkeypatch.undo()
    assert repo.git("rev-parse", "HEAD") == head
    assert repo.git("status", "--porcelain") == ""


def test_git_in_a_check_does_not_find_a_repository_around_it(portable, repo, commit, monkeypatch):
    commit({"a": "1"})
    monkeypatch.setattr(tempfile, "tempdir", str(repo.top))
    code = body("import subprocess", "return subprocess.run(['git', 'status']).returncode - 86")
    assert outcomes(portable.run(job(code, TESTS))) == [P, P, P]


def test_the_callers_environment_stays_outside(sandbox, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    code = body(
        "import os, sys",
        "assert not {'SECRET_TOKEN', 'PYTHONPATH'} & set(os.environ), os.environ",
        f"assert {str(ROOT)!r} not in sys.path, sys.path",
        f"assert not any(p.startswith({str(ROOT)!r} + '/') for p in sys.path), sys.path",
        "return 42",
    )
    assert outcomes(sandbox.run(job(code, TESTS))) == [P, P, P]


def test_a_students_package_cannot_stand_in_for_the_standard_library(sandbox):
    good = job(ANSWER, TESTS)
    planted = {
        **good.files,
        "json.py": "1 / 0",
        "numpy/__init__.py": "1 / 0",
        "channel.py": "1 / 0",
    }
    assert outcomes(sandbox.run(replace(good, files=planted))) == [P, P, P]


# Code that finds the pipe to the judge, and writes to it.
FORGER = """\
import json, os, stat, struct


def pipes():
    found = []
    for fd in range(3, 64):
        try:
            found += [fd] if stat.S_ISFIFO(os.fstat(fd).st_mode) else []
        except OSError:
            continue
    return found


def frame(body):
    return struct.pack(">I", len(body)) + body


def say(*frames):
    data = b"".join(frames)
    for fd in pipes():
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]


def message(**content):
    return frame(json.dumps(content).encode())


"""


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(
    "frames",
    [
        pytest.param("[message(event='done', check='test_third', outcome='passed')]", id="ahead"),
        pytest.param(
            "[message(event='done', check='test_x', outcome='passed')]", id="unknown check"
        ),
        pytest.param("[message(event='start', check=['test_third'])]", id="name that is a list"),
        pytest.param("[message(event='done', check=None, outcome='passed')] * 2", id="no name"),
        pytest.param("[frame(b'x' * 100)]", id="no JSON"),
        pytest.param("[frame(b'[' * 200_000)]", id="200,000 brackets"),
        pytest.param("[frame(b'\\xff\\xfe')]", id="not UTF-8"),
        pytest.param("[frame(b'7'), frame(b'null'), frame(b'[]')]", id="JSON that says nothing"),
        pytest.param("[frame(b'9' * 100_000)]", id="100,000 digits"),
        pytest.param("[b'\\xff\\xff\\xff\\xff']", id="4 GB announced"),
        pytest.param("[b'\\0\\0\\0\\0'] * 10", id="empty frames"),
        pytest.param("[b'\\0\\0']", id="half a header"),
        pytest.param("[frame(b'A' * 1000)]", id="arrays that nobody asked for"),
        pytest.param("[frame(b'{}')] * 100_000", id="100,000 frames"),
        pytest.param(
            "[message(event='done', check=f'test_{n}', outcome='passed') for n in range(100_000)]",
            id="100,000 outcomes",
        ),
    ],
)
def test_forged_frames_prove_nothing_and_break_nothing(sandbox, scratch, frames):
    code = FORGER + body(f"say(*{frames})", "os._exit(0)")
    started = time.monotonic()
    evidence = sandbox.run(job(code, TESTS, Limits(wall_s=8.0)))
    assert time.monotonic() - started < 15
    assert outcomes(evidence) == [P, MISSING, MISSING]
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(
    "said",
    [
        pytest.param("outcome='excellent'", id="unknown outcome"),
        pytest.param("outcome=['passed']", id="outcome that is a list"),
        pytest.param("outcome=None", id="no outcome"),
    ],
)
def test_an_outcome_that_is_none_is_not_a_pass(sandbox, said):
    code = FORGER + body(f"say(message(event='done', check='test_second', {said}))", "os._exit(0)")
    assert outcomes(sandbox.run(job(code, TESTS))) == [P, MISSING, MISSING]


def test_a_fault_cannot_be_claimed_by_the_code_under_test(sandbox):
    said = "say(message(event='done', check='test_second', outcome='fault'))"
    evidence = sandbox.run(job(FORGER + body(said, "os._exit(0)"), TESTS))
    assert outcomes(evidence) == [P, MISSING, MISSING]


@pytest.mark.parametrize("field", ["message", "output", "file", "source"])
def test_what_is_no_text_is_not_printed(sandbox, field):
    """A thousand lists in lists: to print them may need more stack than to read them did."""
    said = f'{{"event": "done", "check": "test_second", "outcome": "failed", "{field}": '
    code = FORGER + body(f"say(frame({said!r}.encode() + b'[' * 900 + b']' * 900 + b'}}'))")
    second = the_second(sandbox.run(job(code, TESTS)))
    assert second.outcome is F
    assert "[" not in second.message + second.output + second.where


def test_what_a_forger_says_is_cut_to_a_readable_length(sandbox):
    said = "say(message(event='done', check='test_second', outcome='failed', message='x' * 10**6, "
    code = FORGER + body(
        said + "output='y' * 10**6, file='z' * 10**5, source=['w'] * 10**5, line={}))",
        "os._exit(0)",
    )
    second = the_second(sandbox.run(job(code, TESTS)))
    assert second.outcome is F
    assert len(second.message) + len(second.output) + len(second.where) + len(second.hint) < 20_000


def test_a_sandbox_that_cannot_start_is_our_fault(sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no such directory"))
    evidence = sandbox.run(job(ANSWER, TESTS))
    assert outcomes(evidence) == [FAULT] * 3
    assert "could not start" in evidence.checks[0].message
    assert not evidence.worth_keeping


def test_a_worker_that_fails_before_the_students_code_is_our_fault(sandbox):
    broken = replace(job(ANSWER, TESTS), worker="no_such_worker.py")
    evidence = sandbox.run(broken)
    assert outcomes(evidence) == [FAULT] * 3
    assert not evidence.worth_keeping


@pytest.mark.parametrize(("times", "expected"), [(1, P), (2, FAULT)])
@pytest.mark.parametrize("number", ["TERM", "KILL"])
def test_a_worker_that_somebody_kills_before_it_began_gets_a_second_one(
    sandbox, tmp_path, monkeypatch, times, number, expected
):
    deaths, start = tmp_path / "deaths", process.ProcessTree.start
    script = f'[ $(wc -l <"$0") -ge {times} ] && exec "$@"; echo >>"$0"; kill -{number} $$'
    killed = ["sh", "-c", script, str(deaths)]
    deaths.touch()
    monkeypatch.setattr(
        process.ProcessTree,
        "start",
        lambda self, command, **o: start(self, [*killed, *command], **o),
    )
    evidence = sandbox.run(job(ANSWER, TESTS))
    assert outcomes(evidence) == [expected] * 3
    assert evidence.worth_keeping is (expected is P)
    assert len(deaths.read_text().splitlines()) == times


def test_a_lesson_without_checks_has_no_outcome(sandbox):
    assert sandbox.run(job(ANSWER, "def helper(): pass")).checks == ()


@pytest.mark.slow
def test_recursion_without_a_limit_ends_somehow(sandbox):
    code = body(
        "import sys", "sys.setrecursionlimit(10**6)", "def f(n): return f(n + 1) + 1", "f(0)"
    )
    first, second, _ = outcomes(sandbox.run(job(code, TESTS)))
    assert first is P
    assert second in (E, MISSING)


def test_a_test_of_the_course_is_the_one_that_runs(sandbox):
    """A student's function of the same name does not replace the course's check."""
    code = body("return 41") + "\n\ndef test_second():\n    pass"
    assert outcomes(sandbox.run(job(code, TESTS))) == [P, F, P]


def test_lines_are_those_of_the_lesson(sandbox):
    made = job(body("", "", "return 1 / 0"), TESTS)
    lines = lesson_text("core.case", body("", "", "return 1 / 0"), TESTS).split("\n")
    where = the_second(sandbox.run(made)).where
    assert where == f"modules/05_case/case.py:{lines.index('    return 1 / 0') + 1}: return 1 / 0"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "limits"),
    [
        pytest.param("while True: pass", Limits(wall_s=20.0, cpu_s=1), id="computes"),
        pytest.param("__import__('time').sleep(60)", Limits(wall_s=2.5, cpu_s=10), id="waits"),
    ],
)
def test_what_never_ends_is_told_by_its_line(sandbox, line, limits):
    _, second, third = sandbox.run(job(body(line), TESTS, limits)).checks
    assert second.outcome is Outcome.TIMED_OUT
    assert second.where.endswith(f": {line}")
    assert (second.reached, third.reached) == (True, False)


# A worker of three lines, for what the judge hands over on request.
ASKER = """
import os, sys
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from channel import Channel, prepare
channel = Channel()
prepare(channel.request())
channel.send(event="start", check="test_first")
for name in {names}: channel.send_bytes(b"A" + channel.unseal(name))
channel.send(event="done", check="test_first", outcome="passed")
"""


@pytest.fixture
def ask(sandbox, tmp_path, monkeypatch):
    """ask("one", ...): the answer of a worker that asks for these; one and two are there."""
    scripts = tmp_path / "worker"
    shutil.copytree(process.WORKER, scripts)
    monkeypatch.setattr(process, "WORKER", scripts)
    monkeypatch.setattr(bubblewrap, "WORKER", scripts)

    def run(*names: str):
        (scripts / "asker.py").write_text(ASKER.format(names=names), encoding="utf-8")
        sealed = {"one": b"x" * 10**6, "two": b"y"}
        made = replace(job(ANSWER, TESTS), worker="asker.py", payload=b"open", sealed=sealed)
        return sandbox.ask(made)

    return run


def test_what_is_sealed_is_handed_over_when_it_is_asked_for(ask):
    answer = ask("two", "one")
    assert answer.checks[0].outcome is P
    assert answer.bundles == (b"Ay", b"A" + b"x" * 10**6)
    assert list(answer.unsealed_s) == ["two", "one"]
    assert answer.unsealed_s["two"] <= answer.arrived_s[0] <= answer.unsealed_s["one"]


@pytest.mark.parametrize("names", [("one", "one"), ("three",)])
def test_what_is_not_there_or_not_there_any_more_ends_the_worker(ask, names):
    answer = ask(*names)
    assert answer.checks[0].outcome is MISSING
