"""What a worker may try to reach, one function each, and which sandboxes must stop it.

Every function runs in the worker. It returns something true when it got there; an exception, or
nothing, means that it did not. benchmarks/isolation.py prints the whole table.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox import SANDBOXES
from grader.sandbox.jobs import Job, site_directories
from grader.verdicts.facts import Outcome
from tests.grader.small_course import job

OUTSIDE = "outside-"
SECRET = "the labels that nobody may see"
COURSE = Path(__file__).resolve().parents[2] / "course.yaml"

COMMON = """\
import ctypes, os, platform, socket, stat, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
ARM = platform.machine() == "aarch64"


def call(x86, arm, *arguments):
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(arm if ARM else x86), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


def contains(path, word=SECRET):
    with open(path, "rb") as file:
        return word.encode() in file.read(1 << 20)


def is_file(fd):
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False


"""


@dataclass(frozen=True)
class Attempt:
    """stopped_by: names of the sandboxes in which it must not succeed."""

    name: str
    what: str
    lines: tuple[str, ...]
    stopped_by: tuple[str, ...]

    @property
    def code(self) -> str:
        own = f"VICTIM = OUTSIDE + '/{self.name}'"
        return f"def {self.name}():\n" + "".join(f"    {s}\n" for s in (own, *self.lines)) + "\n\n"


STRONG = ("bubblewrap", "landlock")
ALL = (*STRONG, "process")


def _try(name: str, what: str, *lines: str, stopped_by: tuple[str, ...] = STRONG) -> Attempt:
    return Attempt(name, what, lines, stopped_by)


ATTEMPTS = [
    # Files.
    _try("read_hidden", "read a hidden file of its user", "return contains(HIDDEN)"),
    _try("read_course", "read the course", "return contains(COURSE, 'modules')"),
    _try("read_passwd", "read /etc/passwd", "return open('/etc/passwd').read()"),
    _try("list_folder", "list a folder of its user", "return os.listdir(OUTSIDE)"),
    _try(
        "see_hidden",
        "see that a file is there, and how large",
        "return os.stat(HIDDEN).st_size",
        stopped_by=("bubblewrap",),
    ),
    _try("write_new", "write a file elsewhere", "return open(VICTIM + '.new', 'w').write('x')"),
    _try("overwrite", "overwrite a file", "return open(VICTIM, 'r+').write('x')"),
    _try("remove", "remove a file", "os.unlink(VICTIM)", "return True"),
    _try("rename", "rename a file", "os.rename(VICTIM, VICTIM + '.moved')", "return True"),
    _try("truncate", "empty a file", "os.truncate(VICTIM, 0)", "return True"),
    _try(
        "change_mode",
        "change the mode of a file",
        "os.chmod(VICTIM, 0o666)",
        "return os.stat(VICTIM).st_mode & 0o777 == 0o666",
    ),
    _try(
        "change_times",
        "change the times of a file",
        "os.utime(VICTIM, (1, 1))",
        "return os.stat(VICTIM).st_mtime == 1",
    ),
    _try(
        "set_attribute",
        "set an attribute of a file",
        "os.setxattr(VICTIM, 'user.x', b'x')",
        "return True",
    ),
    _try(
        "follow_link",
        "read a hidden file through a link",
        "os.symlink(HIDDEN, 'link')",
        "return contains('link')",
    ),
    _try(
        "hard_link",
        "make a hard link to a hidden file",
        "os.link(HIDDEN, 'hard')",
        "return contains('hard')",
    ),
    _try("poison_numpy", "write into NumPy", "import numpy", "return open(numpy.__file__, 'r+')"),
    _try("poison_python", "write into the standard library", "return open(os.__file__, 'r+')"),
    _try("shm", "write to shared memory of others", "return open(SHARED, 'r+').write('x')"),
    _try(
        "import_beside",
        "import what is installed beside NumPy",
        "import pytest",
        "return True",
        stopped_by=ALL,
    ),
    _try(
        "find_beside",
        "look for it, and import it",
        "sys.path += SITE",
        "import pytest",
        "return True",
    ),
    # Processes.
    _try(
        "fork",
        "start a process",
        "child = os.fork()",
        "if child == 0: os._exit(0)",
        "return os.waitpid(child, 0)",
    ),
    _try("run", "start a program", "import subprocess", "return subprocess.run(['/bin/true'])"),
    _try(
        "parent",
        "be a child of the grader",
        "return os.getppid() == GRADER",
        stopped_by=("bubblewrap", "process"),
    ),
    _try("signal", "signal the grader", "os.kill(GRADER, 0)", "return True"),
    _try("signal_all", "signal every process of its user", "os.kill(-1, 0)", "return True"),
    _try(
        "limit",
        "lower a limit of the grader",
        "import resource",
        "return resource.prlimit(GRADER, resource.RLIMIT_CORE)",
    ),
    _try(
        "renice",
        "lower the priority of the grader",
        "os.setpriority(os.PRIO_PROCESS, GRADER, os.getpriority(os.PRIO_PROCESS, GRADER))",
        "return True",
    ),
    _try(
        "affinity",
        "choose the processors of the grader",
        "os.sched_setaffinity(GRADER, os.sched_getaffinity(0))",
        "return True",
    ),
    _try("trace", "trace the grader", "return call(101, 117, 0x4206, GRADER, 0, 0)"),
    _try("environ", "read the grader's environment", "return contains(PROC + '/environ', 'PATH')"),
    _try("memory", "open the grader's memory", "return open(PROC + '/mem', 'rb')"),
    _try(
        "copy_memory",
        "copy from the grader's memory",
        "buffer = ctypes.create_string_buffer(8)",
        "local = struct.pack('QQ', ctypes.addressof(buffer), 8)",
        "remote = struct.pack('QQ', ADDRESS, 8)",
        "there, here = ctypes.c_char_p(remote), ctypes.c_char_p(local)",
        "return call(310, 270, GRADER, here, 1, there, 1, 0)",
    ),
    _try("pidfd", "hold a handle on the grader", "return os.pidfd_open(GRADER)"),
    _try("see", "see other processes", "return os.stat(PROC)", stopped_by=("bubblewrap",)),
    # The network, and what outlives a process.
    _try("tcp", "connect to a port", "return socket.create_connection(('127.0.0.1', PORT), 2)"),
    _try(
        "udp",
        "send a datagram",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "return s.sendto(b'x', ('127.0.0.1', PORT))",
    ),
    _try(
        "unix_path",
        "connect to a socket by its path",
        "s = socket.socket(socket.AF_UNIX)",
        "s.connect(SOCKET)",
        "return True",
    ),
    _try(
        "unix_name",
        "connect to a socket by its name",
        "s = socket.socket(socket.AF_UNIX)",
        "s.connect('\\0' + NAME)",
        "return True",
    ),
    _try(
        "segment",
        "make a segment that outlives it",
        "segment = libc.shmget(0, 4096, 0o1600)",
        "libc.shmctl(segment, 0, 0)",
        "return segment >= 0",
    ),
    _try(
        "queue",
        "make a queue that outlives it",
        "name = ctypes.c_char_p(NAME.encode())",
        "call(240, 180, name, os.O_CREAT | os.O_RDWR, 0o600, 0)",
        "return call(241, 181, name)",
    ),
    _try("keyring", "use the kernel's keyring", "return call(250, 219, 0, -3, 1)"),
    _try("memfd", "hide memory in a file without a name", "return os.memfd_create('x')"),
    # Powers.
    _try(
        "namespace",
        "become root of a namespace of its own",
        "if os.fork() == 0: os._exit(0 if libc.unshare(0x10000000) == 0 else 1)",
        "return os.wait()[1] == 0",
    ),
    _try(
        "io_uring",
        "call the kernel through io_uring",
        "return call(425, 425, 1, ctypes.create_string_buffer(120))",
    ),
    _try(
        "sudo",
        "gain privileges by a program",
        "return b'NoNewPrivs:\\t0' in open('/proc/self/status', 'rb').read()",
        stopped_by=ALL,
    ),
    _try(
        "secret",
        "find a secret in its environment",
        "return SECRET in str(os.environ)",
        stopped_by=ALL,
    ),
    _try(
        "leaked_file",
        "read a file that the grader has open",
        "files = [fd for fd in range(3, 64) if is_file(fd)]",
        "return any(SECRET.encode() in os.pread(fd, 100, 0) for fd in files)",
        stopped_by=ALL,
    ),
    _try(
        "tty", "open the user's terminal", "return os.open('/dev/tty', os.O_RDWR)", stopped_by=ALL
    ),
]
# What an honest solution may do in every sandbox.
ALLOWED = [
    _try("numpy", "use NumPy", "import numpy", "return numpy.linalg.inv(numpy.eye(3)).any()"),
    _try(
        "random",
        "draw random numbers",
        "import numpy",
        "return numpy.random.default_rng().random()",
    ),
    _try("scratch", "write a file where it runs", "return open('mine', 'w').write('x')"),
    _try("temporary", "use a temporary file", "import tempfile", "return tempfile.TemporaryFile()"),
    _try(
        "library",
        "import the standard library",
        "import decimal, fractions, json, ssl, sqlite3",
        "return True",
    ),
    _try(
        "copy",
        "copy a file, mode and all",
        "import shutil",
        "open('a', 'w').close()",
        "return shutil.copy2('a', 'b')",
    ),
    _try(
        "threads",
        "use threads",
        "import threading",
        "ran = []",
        "thread = threading.Thread(target=ran.append, args=(1,))",
        "thread.start()",
        "thread.join()",
        "return ran",
    ),
    _try("own_signal", "signal itself", "os.kill(os.getpid(), 0)", "return True"),
    _try("clock", "read the clock", "import time", "return time.perf_counter()"),
    _try("printing", "print", "print('x')", "return True"),
]


@contextlib.contextmanager
def world() -> Iterator[dict[str, object]]:
    """Something of everything that must not be reached: files, sockets, a secret, an open file."""
    with contextlib.ExitStack() as open_things:
        # Its name says whose it is, for somebody else's look at what is left.
        prefix = f"{OUTSIDE}{os.getpid()}-"
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
        name = folder.name
        # The address of a socket has room for a hundred bytes; a test's own folder may need more.
        short = open_things.enter_context(tempfile.TemporaryDirectory(prefix=OUTSIDE, dir="/tmp"))
        shared = Path("/dev/shm") / name
        for attempt in ATTEMPTS:
            (folder / attempt.name).write_text("precious")
        open_things.callback(shared.unlink, missing_ok=True)
        shared.write_text("precious")
        hidden = folder / "hidden"
        hidden.write_text(SECRET)
        hidden.chmod(0o600)
        opened = open_things.enter_context(hidden.open("rb"))
        os.set_inheritable(opened.fileno(), True)
        open_things.callback(os.environ.pop, "TITO_TEST_TOKEN")
        os.environ["TITO_TEST_TOKEN"] = SECRET
        tcp = open_things.enter_context(socket.create_server(("127.0.0.1", 0)))
        path = open_things.enter_context(socket.socket(socket.AF_UNIX))
        path.bind(f"{short}/socket")
        path.listen()
        abstract = open_things.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield {
            "SECRET": SECRET,
            "HIDDEN": str(hidden),
            "OUTSIDE": str(folder),
            "COURSE": str(COURSE),
            "SHARED": str(shared),
            "SOCKET": f"{short}/socket",
            "NAME": name,
            "PORT": tcp.getsockname()[1],
            "GRADER": os.getpid(),
            "PROC": f"/proc/{os.getpid()}",
            "ADDRESS": id(SECRET),
            "SITE": list(site_directories()),
        }


def attempts_job(given: dict[str, object], attempts: list[Attempt]) -> Job:
    """One check per attempt: it fails when the attempt succeeds."""
    constants = "".join(f"{name} = {value!r}\n" for name, value in given.items())
    code = constants + COMMON + "".join(a.code for a in attempts)
    tests = "".join(
        f'def test_{a.name}():\n    """It can {a.what}."""\n    assert not {a.name}(), "reached"\n\n\n'
        for a in attempts
    )
    return job(code, tests)


def reached(sandbox: str, attempts: list[Attempt]) -> dict[str, bool | None]:
    """Name of the attempt -> did it succeed? None: its worker ended without an answer."""
    with world() as given:
        checks = SANDBOXES[sandbox]().run(attempts_job(given, attempts)).checks
    silent = (Outcome.MISSING, Outcome.FAULT, Outcome.TIMED_OUT)
    return {
        c.name.removeprefix("test_"): None if c.outcome in silent else c.outcome is Outcome.FAILED
        for c in checks
    }
