"""Processes that are killed, that race, that hold a lock; consoles, environments and disks."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.errors import StudentError
from grader.sources.git import Git
from tests.git.conftest import EXPORT, ONE, SIX, STUB, TWO, Committer, one, six, start, two

NOTES = "notes.txt"
SLOW = "import time\n    time.sleep(1.2)\n    return 1"
on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def family(root: int) -> list[int]:
    """ROOT and every process below it, parents first."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += sorted(child for child, parent in parents.items() if parent == pid)
    return found


def commands(pids: list[int]) -> dict[int, str]:
    shown = {}
    for pid in pids:
        try:
            shown[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return shown


def worker_runs(pid: int) -> bool:
    return any("worker/checks.py" in line for line in commands(family(pid)).values())


def begin_slow_commit(student, body: str = SLOW) -> subprocess.Popen[bytes]:
    """A commit whose tests take more than a second, until they run."""
    student.write(ONE, one(body))
    student.git("add", ONE)
    process = start(student, "git", "commit", "-m", "slow")
    until(lambda: worker_runs(process.pid))
    return process


def ended(process: subprocess.Popen[bytes]) -> str:
    """What it said, once it and everything that it started is gone."""
    said = process.communicate(timeout=60)[0].decode("utf-8", "replace")
    return said


# Killed


VICTIMS = ("terminal", "git", "framework", "hook")


def shoot(process: subprocess.Popen[bytes], victim: str, number: int) -> None:
    """Ctrl-C goes to all of a terminal's processes; the others to one of the chain."""
    if victim == "terminal":
        os.killpg(process.pid, number)
        return
    chain = [
        (pid, line)
        for pid, line in commands(family(process.pid)).items()
        if "worker/checks.py" not in line
    ]
    frameworks = [pid for pid, line in chain if "hook-impl" in line and "sh tito/hook" not in line]
    targets = {"git": [chain[0][0]], "framework": frameworks, "hook": [chain[-1][0]]}
    with contextlib.suppress(ProcessLookupError):  # it ended since we looked
        os.kill((targets[victim] or [chain[-1][0]])[0], number)


def moments(count: int) -> list[object]:
    """COUNT random moments of a commit, from a fixed seed, over all signals and victims."""
    rng = random.Random(5)
    signals = ("SIGINT", "SIGTERM", "SIGKILL")
    kinds = [(v, s) for v in VICTIMS for s in signals]
    return [
        pytest.param(
            *kinds[i % len(kinds)],
            rng.random(),
            id=f"{i}-{kinds[i % len(kinds)][0]}-{kinds[i % len(kinds)][1]}",
            marks={0: (), 5: (pytest.mark.thorough,), 8: (pytest.mark.thorough,)}.get(
                i, (pytest.mark.slow,)
            ),
        )
        for i in range(count)
    ]


@pytest.mark.first
@on_linux
@pytest.mark.parametrize(("victim", "number", "moment"), moments(20))
def test_a_signal_at_any_moment_costs_no_byte(student, victim, number, moment):
    whole_s = {"raw": 0.6, "prek": 0.7, "pre-commit": 1.6}[student.runner]
    student.write(NOTES, "unstaged\n")
    student.write(TWO, two("return 'unstaged'", STUB))
    student.write(ONE, one())
    student.git("add", ONE)
    before = student.head()
    process = start(student, "git", "commit", "-m", "interrupted")
    time.sleep(moment * whole_s)
    if process.poll() is None:
        shoot(process, victim, getattr(signal, number))
    ended(process)
    nothing_is_lost(student, before)


def nothing_is_lost(student, before: str) -> None:
    """After what doctor repairs, all is there, and the next commit is as if nothing happened."""
    remove_locks_as_doctor_says(student)
    student.tito("doctor", "--fix")
    assert student.read(NOTES) == "unstaged\n"
    assert student.read(TWO) == two("return 'unstaged'", STUB)
    assert student.read(ONE) == student.staged(ONE) == one()
    if student.head() == before:
        student.git("commit", "-m", "again")
    student.tito("status")
    assert student.progress() == ["00_one"]
    assert EXPORT in student.files()
    student.settle(" M modules/01_two/two.py\n M notes.txt\n")


def remove_locks_as_doctor_says(student) -> None:
    locks = [p for p in (student.top / ".git").rglob("*.lock") if p.parent.name != "tito"]
    said = student.tito("doctor").output if locks else ""
    for lock in locks:
        assert f'rm -f "{lock}"' in said
        lock.unlink()


@on_linux
@pytest.mark.each_runner
def test_a_framework_killed_while_tests_run_leaves_its_patch_and_doctor_puts_it_back(student):
    student.write(NOTES, "unstaged\n")
    process = begin_slow_commit(student)
    shoot(process, "framework", signal.SIGKILL)
    said = ended(process)
    told = f"tito: {student.runner} was killed. If it had put unstaged edits aside: tito doctor"
    assert (told in said) is (student.runner != "raw")
    until(lambda: not any("tito.hooks import entry" in c for c in commands(family(1)).values()))
    assert EXPORT not in student.git("ls-files")
    if student.runner != "raw":
        assert student.read(NOTES) != "unstaged\n"
        said = student.tito("doctor")
        assert said.status == 1
        assert f"{NOTES}" in said.output
        assert "apply --whitespace=nowarn" in said.output
    assert student.tito("doctor", "--fix").status == 0
    assert student.read(NOTES) == "unstaged\n"
    student.git("commit", "-m", "again")
    student.settle(" M notes.txt\n")


@pytest.mark.first
@on_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_hook_says_so_without_a_traceback(student, number):
    process = begin_slow_commit(student)
    shoot(process, "hook", number)
    said = ended(process)
    assert "tito: stopped. Nothing was committed, your work is as you left it." in said
    assert "Traceback" not in said
    assert EXPORT not in student.git("ls-files")
    student.settle("M  modules/00_one/one.py\n")


@on_linux
def test_a_stopped_grading_after_the_commit_says_so(student):
    student.write(ONE, one(SLOW))
    student.git("add", ONE)
    process = start(student, "git", "commit", "--no-verify", "-m", "slow")
    until(lambda: worker_runs(process.pid))
    shoot(process, "hook", signal.SIGTERM)
    said = ended(process)
    assert "tito: stopped. The commit is made, but not graded. -> tito status" in said
    assert student.tito("status").status == 0
    student.settle(drift=True)


@on_linux
def test_a_hook_that_outlives_git_changes_nothing(student):
    process = begin_slow_commit(student)
    shoot(process, "git", signal.SIGKILL)
    said = ended(process)
    assert "tito: git was stopped while the tests ran; nothing was changed. -> git commit" in said
    student.settle("M  modules/00_one/one.py\n")


@on_linux
def test_a_git_of_ours_that_is_killed_stops_the_commit(tmp_path):
    """An error of ours would let the commit through, without its exports."""
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\nkill -TERM $$\n", "utf-8")
    fake.chmod(0o755)
    with pytest.raises(StudentError, match="git cat-file was stopped by signal 15"):
        Git(tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"}).run("cat-file", check=False)


@on_linux
def test_nothing_of_a_stopped_run_keeps_running(student):
    process = begin_slow_commit(student)
    worker = next(p for p, c in commands(family(process.pid)).items() if "checks.py" in c)
    shoot(process, "terminal", signal.SIGINT)
    ended(process)
    until(lambda: not Path(f"/proc/{worker}").exists())


# At the same time


@pytest.mark.first
@on_linux
@pytest.mark.each_runner
def test_what_an_editor_saves_while_the_tests_run_is_kept(student):
    student.write(NOTES, "unstaged\n")
    process = begin_slow_commit(student)
    student.write(NOTES, "newer\n")
    said = ended(process)
    if student.runner == "raw":
        assert student.read(NOTES) == "newer\n"
        student.settle(" M notes.txt\n")
        return
    kept = list((student.top / ".git" / "tito" / "kept").rglob(NOTES))
    assert [p.read_text("utf-8") for p in kept] == ["newer\n"]
    assert f"tito: {NOTES} changed while the tests ran" in said
    assert str(kept[0]) in said


@on_linux
@pytest.mark.each_runner
def test_a_save_that_cannot_be_kept_lets_no_wrong_code_through(student):
    (student.top / ".git" / "tito").mkdir(exist_ok=True)
    (student.top / ".git" / "tito" / "kept").write_text("a file", "utf-8")
    student.write(NOTES, "unstaged\n")
    process = begin_slow_commit(student, SLOW.replace("return 1", "return 2"))
    student.write(NOTES, "newer\n")
    said = ended(process)
    assert process.returncode == 1
    assert "one() should be 1, got 2." in said
    kept = f"{NOTES} changed while the tests ran, and no copy can be made" in said
    assert kept is (student.runner != "raw")


@on_linux
def test_what_another_terminal_stages_meanwhile_is_graded_afterwards(student):
    process = begin_slow_commit(student)
    student.write(SIX, six("return 7"))
    student.git("add", SIX)
    ended(process)
    assert student.at("HEAD", SIX) == six("return 7")
    assert student.progress() == ["00_one"]
    student.settle()


@on_linux
def test_a_short_lock_of_another_process_is_waited_for(student):
    process = begin_slow_commit(student)
    lock = student.top / ".git" / "index.lock"
    lock.touch()
    time.sleep(2.2)
    lock.unlink()
    assert "00_one is complete" in ended(process)
    student.settle()


@on_linux
def test_a_lock_that_stays_stops_the_commit_with_a_way_out(student):
    process = begin_slow_commit(student)
    lock = student.top / ".git" / "index.lock"
    lock.touch()
    said = ended(process)
    assert process.returncode != 0
    assert "Another process holds git's index lock" in said
    assert "rm .git/index.lock" in said
    assert "rm -f" in student.tito("doctor").output
    lock.unlink()
    student.git("commit", "-m", "again")
    student.settle()


@pytest.mark.thorough
@pytest.mark.first
@on_linux
def test_of_two_racing_commits_one_or_both_happen(student):
    student.write(ONE, one())
    student.write(SIX, six())
    student.git("add", "modules")
    racers = [start(student, "git", "commit", "-m", f"racer {n}") for n in range(2)]
    for racer in racers:
        ended(racer)
    assert any(racer.returncode == 0 for racer in racers)
    student.tito("status")
    student.git("commit", "--allow-empty", "-m", "afterwards")
    assert student.progress() == ["00_one", "02_six"]
    student.settle()


# Consoles


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.parametrize(
    "console",
    [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C"}, {"LC_ALL": "C", "TERM": "dumb"}],
    ids=["cp1252", "C", "dumb"],
)
def test_a_console_that_cannot_draw_gets_ascii(student, console):
    for path, text in ((ONE, one()), (TWO, two())):
        student.write(path, text)
    student.git("add", "modules")
    done = student.run("git", "commit", "-m", "two", **console)
    assert done.status == 0
    assert "MILESTONE UNLOCKED!" in done.output
    assert done.output.isascii()
    student.settle()


@pytest.mark.skipif(shutil.which("script") is None, reason="needs script, which makes terminals")
def test_on_a_terminal(student):
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    done = student.run("script", "-qec", "git commit -m x", "/dev/null", TERM="xterm")
    assert done.status == 1
    assert "one() should be 1, got 2." in done.output
    assert "tito: testing this commit." not in done.output


@pytest.mark.first
@pytest.mark.each_runner
def test_the_first_line_alone_says_what_happened_and_what_to_do(student):
    student.write(NOTES, "unstaged\n")
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    first = student.commit().output.splitlines()[0]
    assert first.startswith("tito: ")
    assert "-> tito" in first
    assert "stopped" in first


@pytest.mark.parametrize("end", ["| true", "> /dev/full"], ids=["closed pipe", "full disk"])
def test_words_that_nobody_can_read_do_not_decide(student, end):
    if student.runner != "raw":
        pytest.skip("a framework ends where its own words do not arrive")
    student.write(ONE, one())
    student.git("add", ONE)
    student.run("sh", "-c", f"git commit -q -m x 2>&1 {end}")
    assert student.progress() == ["00_one"]
    student.settle()


# Environments


@pytest.mark.each_runner
def test_without_a_home_no_edit_is_lost(done_with_one):
    """pre-commit then keeps its patches where the system says that the home is."""
    student = done_with_one
    for name in ("HOME", "XDG_CACHE_HOME", "PRE_COMMIT_HOME", "PREK_HOME"):
        student.environment.pop(name)
    student.write(NOTES, "unstaged\n")
    student.write(EXPORT, "by hand\n")
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert f"{EXPORT} has changes that are not staged" in done.output
    assert ("-> export HOME" in done.output) is (student.runner != "raw")
    assert (student.read(NOTES), student.read(EXPORT)) == ("unstaged\n", "by hand\n")


@pytest.mark.first
@pytest.mark.each_runner
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("tito/hook", "-> git diff HEAD -- tito/hook"),
        ("tito/hooks/entry.py", "-> git diff HEAD -- tito"),
        ("tito/hooks/fast.py", "tito.log"),
        ("tito/hooks/messages.py", "tito.log"),
    ],
)
def test_a_part_of_ours_that_is_damaged_blocks_nobody(student, path, says):
    """As a conflict leaves it that somebody resolved in a hurry."""
    student.write(path, f"<<<<<<< HEAD\n{student.read(path)}")
    student.write(ONE, one("return 2"))
    student.git("add", path, ONE)
    done = student.commit()
    assert done.status == 0, done.output
    assert "This commit is unverified" in done.output or "this commit is unverified" in done.output
    assert says in done.output
    assert "Traceback" not in done.output


def test_a_repository_that_the_environment_names(student):
    place = {"GIT_DIR": str(student.top / ".git"), "GIT_WORK_TREE": str(student.top)}
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.run("git", "-C", "/", "commit", "-m", "from afar", **place)
    assert done.status == 0, done.output
    assert student.progress() == ["00_one"]
    student.settle()


def test_an_editor_without_the_virtual_environment(student):
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.run("git", "commit", "-m", "from an editor", PATH="/usr/bin:/bin")
    assert done.status == 0, done.output
    assert "00_one: 1 of 1 tests pass." in done.output
    student.settle()


@pytest.mark.first
@pytest.mark.each_runner
def test_a_virtual_environment_that_is_gone(student):
    student.git("config", "tito.python", "/nowhere/bin/python")
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 0
    assert done.output.splitlines()[0] == (
        "tito: not checked: /nowhere/bin/python is not there. -> make setup"
    )
    assert "-> tito setup" in student.tito("doctor").output
    student.tito("status")
    student.settle()


def test_a_framework_that_is_gone(student):
    beside = student.home / "bin"
    beside.mkdir()
    python = beside / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
    python.chmod(0o755)
    student.git("config", "tito.python", str(python))
    student.write(ONE, one("return 2"))
    student.git("add", ONE)
    done = student.run("git", "commit", "-m", "x", PATH="/usr/bin:/bin")
    assert done.status == 1
    assert "one() should be 1, got 2." in done.output
    gone = f"tito: {student.runner} is not installed, so only the course's own checks run."
    assert (gone in done.output) is (student.runner != "raw")


@pytest.mark.parametrize("missing", [".pre-commit-config.yaml", "course.yaml", "tito"])
def test_a_branch_without_the_course_s_files(student, missing):
    student.git("checkout", "-q", "-b", "bare")
    student.git("rm", "-rq", missing)
    student.git("commit", "-m", "without")
    student.write(NOTES, "later\n")
    assert student.run("git", "commit", "-a", "-m", "still").status == 0
    student.git("checkout", "-q", "main")
    student.save({ONE: one()})
    student.settle()


# Disks


def test_a_ledger_that_cannot_be_written(done_with_one, unprivileged):
    student = done_with_one
    private = student.top / ".git" / "tito"
    for folder in (private, private / "evidence", private / "memos", private / "exports"):
        folder.chmod(0o500)
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.run(*unprivileged, "git", "commit", "-m", "read-only")
    assert done.status == 0, done.output
    assert "2 - 1" in student.at("HEAD", EXPORT)
    doctor = student.run(*unprivileged, sys.executable, "-m", "tito", "doctor")
    assert "-> chmod -R u+rwX" in doctor.output
    for folder in (private, private / "evidence", private / "memos", private / "exports"):
        folder.chmod(0o700)
    student.settle()


@pytest.mark.thorough
@pytest.mark.first
def test_a_home_that_cannot_be_written(student, unprivileged):
    for path in (student.home / ".cache", student.home):
        shutil.rmtree(path / student.runner, ignore_errors=True)
        path.mkdir(exist_ok=True)
        path.chmod(0o500)
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.run(*unprivileged, "git", "commit", "-m", "read-only home")
    for path in (student.home, student.home / ".cache"):
        path.chmod(0o700)
    assert done.status == 0, done.output
    assert "00_one is complete" in done.output
    assert "~/.tinytorch/progress.json could not be written" in done.output
    alone = f"tito: {student.runner} cannot write to {student.home}/.cache/{student.runner}"
    assert (alone in done.output) is (student.runner != "raw")
    assert "Traceback" not in done.output
    student.tito("status")
    student.settle()


def test_a_full_disk(student):
    """In a small file system that only this test's processes see."""
    disk = student.top.parent / "disk"
    disk.mkdir()
    student.write(NOTES, "unstaged\n")
    student.write(ONE, one())
    student.git("add", ONE)
    shutil.rmtree(student.top / ".mypy_cache", ignore_errors=True)
    script = f"""
        mount -t tmpfs -o size=12m,mode=700 none {disk} || exit 77
        cp -a {student.top} {disk}/course || exit 78
        cat /dev/zero > {disk}/rest 2> /dev/null
        cd {disk}/course
        git commit -m full > {student.home}/said 2>&1
        echo $? > {student.home}/status
        cp -a {disk}/course {student.top.parent}/after
    """
    done = student.run("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
    if done.status == 77 or "unshare" in done.output:
        pytest.skip(f"no file system of our own here: {done.output.strip()}")
    after = Committer(student.top.parent / "after", student.home, student.runner, student.reference)
    assert int((student.home / "status").read_text("utf-8")) != 0
    assert after.head() == student.head()
    assert (after.read(NOTES), after.read(ONE)) == ("unstaged\n", one())
    said = (student.home / "said").read_text("utf-8")
    assert "Traceback" not in said
    for lock in (after.top / ".git").glob("*.lock"):
        lock.unlink()
    after.git("commit", "-m", "again")
    after.settle(" M notes.txt\n")


BROKEN = {
    "corrupt": b"\xff\xfe{",
    "truncated": b'{"schema": 1, "completed_mod',
    "a list": b"[1, 2]",
    "empty": b"",
}


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_progress_file_that_is_broken_is_made_again(done_with_one, content):
    student = done_with_one
    for path in (student.top / "progress.json", student.home / ".tinytorch/progress.json"):
        path.write_bytes(content)
    student.save({SIX: six()})
    assert student.progress() == ["00_one", "02_six"]
    student.settle()


def test_a_progress_file_of_the_future_is_left_alone(done_with_one):
    student = done_with_one
    student.write("progress.json", '{"schema": 9}\n')
    said = student.save({SIX: six()})
    assert "was written by a newer tito" in said
    assert student.read("progress.json") == '{"schema": 9}\n'


def test_progress_files_written_at_the_same_time(done_with_one):
    student = done_with_one
    student.git("worktree", "add", "-q", "-b", "linked", str(student.top.parent / "linked"))
    linked = Committer(
        student.top.parent / "linked", student.home, student.runner, student.reference
    )
    for place in (student, linked):
        place.write(SIX, six())
        place.git("add", SIX)
    both = [start(place, "git", "commit", "-m", "at once") for place in (student, linked)]
    for process in both:
        ended(process)
        assert process.returncode == 0
    for place in (student, linked):
        assert place.progress() == ["00_one", "02_six"]
        place.settle()
