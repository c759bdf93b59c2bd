"""Every test is alone: a home of its own, git without anybody's settings, no network."""

from __future__ import annotations

import compileall
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Before NumPy is imported: its threads only spin against each other on matrices this small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

IDENTITY = "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
# Nothing answers here: whatever would go out fails at once.
NOWHERE = "http://127.0.0.1:9"
ROOM_IN_MEMORY = 6 * 1024**3  # bytes; the suite leaves some two gigabytes


def alone(home: Path) -> dict[str, str]:
    """The variables that keep a test, and every process it starts, inside HOME."""
    (home / ".gitconfig").write_text(IDENTITY)
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "PRE_COMMIT_HOME": str(home / ".cache/pre-commit"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file",
        "PIP_NO_INDEX": "1",
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _local_only(connect: Callable[..., object]) -> Callable[..., object]:
    def checked(self: socket.socket, address: object) -> object:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise AssertionError(f"a test tried to reach {address} over the network")
        return connect(self, address)

    return checked


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """-n auto: half as many again as there are cores, as a third of a worker's time is waiting."""
    cores = os.cpu_count() or 1
    return cores + cores // 2


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders in memory, where there is room: what these tests do is mostly small files.

    On a slow disk they take twice as long. With --basetemp they lie where it says.
    """
    memory = Path("/dev/shm")
    controller = not hasattr(config, "workerinput")
    if not (controller and os.access(memory, os.W_OK)) or config.option.basetemp:
        return
    if shutil.disk_usage(memory).free > ROOM_IN_MEMORY:
        config.option.basetemp = tempfile.mkdtemp(prefix="tests-of-tito-", dir=memory)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.fixture(scope="session", autouse=True)
def clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures that live longer than a test; also drops what git told a hook that runs us."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith(("GIT_", "PRE_COMMIT", "XDG_"))]:
            patch.delenv(name)
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # each process would compile anew
        for name, value in alone(tmp_path_factory.mktemp("session-home")).items():
            patch.setenv(name, value)
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _local_only(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of new homes. mktemp() looks at all siblings each time, which adds up."""
    return (tmp_path_factory.mktemp("homes") / str(n) for n in itertools.count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory with a git identity, which every process of this test uses."""
    directory = next(homes)
    directory.mkdir()
    for name, value in alone(directory).items():
        monkeypatch.setenv(name, value)
    return directory


def copy_of_the_product(top: Path) -> None:
    """grader/ and tito/ below TOP, compiled: copies of TOP keep the times that Python compares."""
    for folder in ("grader", "tito"):
        shutil.copytree(ROOT / folder, top / folder, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(top / folder, quiet=1)


@contextlib.contextmanager
def lying_at(place: Path, template: Path, afterwards: Path) -> Iterator[Path]:
    """A copy of TEMPLATE (home and course) at PLACE, which moves to AFTERWARDS in the end.

    A clone's memos and progress count where it was made. What is made once and copied therefore
    always lies at the same place while it is used.
    """
    shutil.copytree(template, place, symlinks=True)
    try:
        yield place
    finally:
        place.rename(afterwards)


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """Where this process has the one clone that is used."""
    return tmp_path_factory.mktemp("place") / "s"


class Repository:
    """A real git repository with a working tree at TOP."""

    def __init__(self, top: Path) -> None:
        self.top = top
        top.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"", **environment: str) -> str:
        """Standard output, stripped. CalledProcessError when git fails."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.top,
            env={**os.environ, **environment},
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Into the working tree only. Line ends as given."""
        for name, content in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def stage(self, files: Mapping[str, str | bytes]) -> None:
        self.write(files)
        self.git("--literal-pathspecs", "add", "--", *files)

    def commit(self, files: Mapping[str, str | bytes], message: str = "work") -> str:
        """Write, stage and record FILES. The commit's id."""
        self.stage(files)
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "course")


@pytest.fixture
def commit(repo: Repository) -> Callable[..., str]:
    """commit(files) -> the id of the commit that records them in `repo`."""
    return repo.commit


@pytest.fixture
def write_course(repo: Repository) -> Callable[[str], Path]:
    """write_course(text) -> the root whose course.yaml holds TEXT, which is not committed."""

    def write(text: str) -> Path:
        repo.write({"course.yaml": text})
        return repo.top

    return write
