"""What a worker can reach in each sandbox, as root and as anybody else."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import pytest

from grader.errors import CourseError
from grader.sandbox import SANDBOXES, STRONG, choice, jobs
from grader.sandbox.jobs import Limits, site_directories
from grader.sandbox.worker import confine
from grader.verdicts.report import Trust
from tests.adversarial.attempts import ALLOWED, ATTEMPTS, reached

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
AS_SOMEBODY_ELSE = """
import json, os, sys, tempfile
root, site, scratch = sys.argv[1:]
sys.path[:0] = [root]
sys.path += json.loads(site)
tempfile.tempdir = scratch
from grader.sandbox import SANDBOXES, STRONG
from grader.sandbox.choice import weakness
from tests.adversarial.attempts import ALLOWED, ATTEMPTS, reached
works = [n for n in SANDBOXES if n not in STRONG or not weakness(n)]
found = {n: [reached(n, ATTEMPTS), reached(n, ALLOWED)] for n in works}
print(json.dumps([os.getuid(), found]))
"""


def must_be_stopped(name: str) -> dict[str, bool]:
    return {a.name: False for a in ATTEMPTS if name in a.stopped_by}


def test_no_attempt_reaches_what_its_sandbox_must_stop(mode):
    found = reached(mode, ATTEMPTS)
    must = must_be_stopped(mode)
    assert {name: found[name] for name in must} == must


def test_a_strong_sandbox_stops_everything_but_a_look_at_names_and_sizes(strong):
    found = reached(strong, ATTEMPTS)
    assert {name for name, there in found.items() if there is not False} <= {
        "see_hidden",
        "see",
        "parent",
    }


def test_the_attempts_succeed_where_nothing_stops_them():
    """An attempt that fails everywhere would prove nothing."""
    found = reached("process", ATTEMPTS)
    free = {a.name for a in ATTEMPTS if "process" not in a.stopped_by}
    # Kernels differ in what they have: System V, queues, keyrings, io_uring, namespaces, yama.
    optional = {"segment", "queue", "keyring", "io_uring", "namespace", "set_attribute"}
    optional |= {"trace", "memory", "copy_memory", "environ"}
    # An ordinary user may not write what the system installed.
    installed = {"poison_numpy": numpy.__file__, "poison_python": os.__file__}
    optional |= {name for name, file in installed.items() if not os.access(file, os.W_OK)}
    assert [name for name in free - optional if not found[name]] == []


def test_honest_code_runs_in_every_sandbox(mode):
    assert reached(mode, ALLOWED) == {a.name: True for a in ALLOWED}


def python_for_everybody() -> str:
    """An interpreter of our version that another user may run."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for candidate in (
        sys.executable,
        f"/usr/bin/python{version}",
        f"/usr/local/bin/python{version}",
    ):
        path = Path(candidate).resolve()
        if path.exists() and all(p.stat().st_mode & 0o001 for p in (path, *path.parents)):
            return str(path)
    pytest.skip(f"no Python {version} that another user may run")


@pytest.fixture
def here():
    """A folder that everybody may enter: pytest's own are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.thorough
@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root becomes nobody"
)
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (util-linux)")
def test_an_ordinary_user_is_as_safe_as_root(here):
    python = python_for_everybody()
    copy, scratch, home = here / "copy", here / "scratch", here / "home"
    for folder in ("grader", "tests/grader", "tests/adversarial"):
        shutil.copytree(ROOT / folder, copy / folder)
    shutil.copy(ROOT / "course.yaml", copy)
    site = here / "site-packages"  # ours may lie where nobody may look
    for package in ("numpy", "numpy.libs", "pytest", "_pytest", "yaml"):
        found = [Path(s) / package for s in site_directories() if (Path(s) / package).is_dir()]
        shutil.copytree(found[0], site / package) if found else None
    for folder in (scratch, home):
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    command = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs".split()
    done = subprocess.run(
        [*command, python, "-c", AS_SOMEBODY_ELSE, copy, json.dumps([str(site)]), scratch],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    uid, found = json.loads(done.stdout)
    assert uid == NOBODY
    assert "landlock" in found or choice.weakness("landlock")
    for name, (attempts, allowed) in found.items():
        must = must_be_stopped(name)
        assert {n: attempts[n] for n in must} == must
        assert allowed == {a.name: True for a in ALLOWED}
    assert list(scratch.iterdir()) == []


def test_landlock_works_where_namespaces_are_refused():
    """As in many containers: there bubblewrap cannot start, and the other rung takes over."""
    if choice.weakness("bubblewrap") or choice.weakness("landlock"):
        pytest.skip("both strong sandboxes are needed for this")
    outer = "bwrap --dev-bind / / --unshare-user --disable-userns --"
    code = (
        "from grader.sandbox.choice import available, weakness\n"
        "print(weakness('bubblewrap') != '', next(available()))"
    )
    done = subprocess.run(
        [*outer.split(), sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "landlock"]


@pytest.fixture
def no_strong_sandbox(monkeypatch):
    monkeypatch.setattr(choice, "weakness", lambda name: f"{name} is not installed")


def test_a_strong_sandbox_is_chosen_wherever_one_works():
    if all(choice.weakness(name) for name in STRONG):
        pytest.skip("no strong sandbox works here")
    assert choice.for_trust(Trust.AUTHORITATIVE).isolation in STRONG
    assert choice.for_trust(Trust.CI).isolation in STRONG


def test_advice_is_given_without_a_trial(monkeypatch):
    monkeypatch.setattr(choice, "weakness", lambda name: pytest.fail(f"{name} was tried"))
    assert choice.for_trust(Trust.ADVISORY).isolation == "process"


@pytest.mark.usefixtures("no_strong_sandbox")
def test_authoritative_grading_refuses_a_weak_sandbox_and_says_why():
    with pytest.raises(CourseError) as refused:
        choice.for_trust(Trust.AUTHORITATIVE)
    assert "bubblewrap (bubblewrap is not installed)" in refused.value.what
    assert "landlock (landlock is not installed)" in refused.value.what
    assert "docs/trust.md" in refused.value.hint


@pytest.mark.usefixtures("no_strong_sandbox")
def test_authoritative_grading_in_a_weak_sandbox_is_named_in_the_evidence():
    sandbox = choice.for_trust(Trust.AUTHORITATIVE, weak_allowed=True)
    job = jobs.make("self test", "self_test.py", {}, {"secret": "/nowhere"}, ("files",))
    assert sandbox.run(job).isolation == "process"


@pytest.mark.usefixtures("no_strong_sandbox")
def test_a_runner_without_a_strong_sandbox_uses_what_it_has():
    assert choice.for_trust(Trust.CI).isolation == "process"


def test_a_sandbox_without_its_program_is_weak_and_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    choice.weakness.cache_clear()
    assert "could not start" in choice.weakness("bubblewrap")
    choice.weakness.cache_clear()


def test_every_run_names_its_sandbox(mode):
    job = jobs.make(
        "self test", "self_test.py", {}, {"secret": "/nowhere"}, ("files",), limits=Limits()
    )
    assert SANDBOXES[mode]().run(job).isolation == mode


def test_nothing_of_one_system_only_is_imported_before_it_is_needed():
    """On Windows and macOS the portable sandbox must at least load."""
    code = (
        "import os, sys\n"
        "for name in ('resource', 'fcntl', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
        "for name in ('fork', 'killpg', 'getuid', 'uname', 'O_PATH', 'O_NOFOLLOW'):\n"
        "    vars(os).pop(name, None)\n"
        "import subprocess, tempfile, threading\n"
        "sys.platform = 'win32'\n"
        "import grader.sandbox.choice, grader.sandbox.process, grader.sandbox.landlock\n"
        "import grader.sandbox.bubblewrap, grader.sandbox.worker.confine\n"
        "assert grader.sandbox.worker.confine.landlock_version() == 0\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_where_orphans_cannot_be_adopted_the_sandbox_works_all_the_same(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert reached("process", ALLOWED) == {a.name: True for a in ALLOWED}


def test_the_table_of_system_calls_is_that_of_the_kernel():
    """Numbers are typed by hand; the headers of the kernel, where they are installed, know better."""
    header = next(Path("/usr/include").glob("**/asm/unistd_64.h"), None)
    if header is None or platform.machine() != "x86_64":
        pytest.skip("no linux/asm headers (linux-libc-dev) for x86-64")
    there = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read_text()))
    generic = dict(
        re.findall(
            r"#define __NR(?:3264)?_(\w+) (\d+)\n",
            Path("/usr/include/asm-generic/unistd.h").read_text(),
        )
    )
    tables = {**confine._DENIED, **confine._PRETENDED, **confine._OWN}
    known = {n: numbers for n, numbers in tables.items() if n in there}
    assert len(known) > 90
    assert {n: numbers[0] for n, numbers in known.items()} == {n: int(there[n]) for n in known}
    arm = {n: numbers[1] for n, numbers in known.items() if n in generic}
    assert {n: number for n, number in arm.items() if number} == {
        n: int(generic[n]) for n, number in arm.items() if number
    }
    assert (confine._PRLIMIT[0], confine._CLONE[0]) == (
        int(there["prlimit64"]),
        int(there["clone"]),
    )
