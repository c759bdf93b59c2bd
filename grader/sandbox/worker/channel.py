"""The worker's private way to the judge and back, and the limits it puts on itself.

Runs in the child only, before and beside student code. Standard library only.
Every message is one frame: 4 bytes length, big-endian, then that many bytes: JSON, or an array
bundle (arrays.py), which begins with the letter A. From the judge comes one line of JSON, then the
payload as it is; then what it has sealed, one frame for each that is asked for.
"""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import importlib
import io
import json
import os
import signal
import struct
import sys
import time
from typing import Any

import confine

MAX_OUTPUT_CHARS = 4096


class Channel:
    def __init__(self) -> None:
        # Standard output becomes the private pipe; what students print goes to standard error,
        # which the judge reads as text and believes nothing of.
        self._pipe = os.dup(1)
        os.dup2(2, 1)
        os.set_inheritable(self._pipe, False)
        self._inlet = -1

    def request(self) -> dict[str, Any]:
        """What the judge asks for."""
        request: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
        request["payload"] = sys.stdin.buffer.read(request["payload_bytes"])
        if request["sealed"]:
            self._inlet = os.dup(0)
            os.set_inheritable(self._inlet, False)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        return request

    def unseal(self, name: str) -> bytes:
        """What the judge keeps under NAME. It looks at the clock when it hands it over."""
        self.send(event="unseal", check=name)
        return self._receive(int.from_bytes(self._receive(4), "big"))

    def _receive(self, size: int) -> bytes:
        body = bytearray()
        while len(body) < size:
            part = os.read(self._inlet, size - len(body))
            if not part:
                raise EOFError("the judge has hung up")
            body += part
        return bytes(body)

    def send(self, **message: Any) -> None:
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, body: bytes) -> None:
        frame = memoryview(struct.pack(">I", len(body)) + body)
        while frame:
            frame = frame[os.write(self._pipe, frame) :]


class BoundedText(io.TextIOBase):
    """Keeps the first few kilobytes of what is printed, and forgets the rest without memory."""

    def __init__(self) -> None:
        self.kept = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = MAX_OUTPUT_CHARS - len(self.kept)
        if room > 0:
            self.kept += str(text)[:room]
        return len(text)


def set_limits(limits: dict[str, int]) -> None:
    """Let the kernel stop what runs away. Windows has no rlimits: there the judge's clock does."""
    try:
        import resource
    except ImportError:
        return
    megabyte = 1024 * 1024
    for name, value in (
        ("RLIMIT_CPU", limits["cpu_s"]),
        ("RLIMIT_AS", limits["memory_mb"] * megabyte),
        ("RLIMIT_FSIZE", limits["file_mb"] * megabyte),
        ("RLIMIT_CORE", 0),
    ):
        try:
            hard = resource.getrlimit(getattr(resource, name))[1]
            soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
            # One more second of computing, and SIGKILL follows SIGXCPU, which may be ignored.
            most = {"RLIMIT_AS": hard, "RLIMIT_CPU": soft + 1}.get(name, soft)
            if hard != resource.RLIM_INFINITY:
                most = min(most, hard)
            resource.setrlimit(getattr(resource, name), (soft, most))
        except (ValueError, OSError):
            # macOS refuses RLIMIT_AS; the other limits and the judge's clock still hold.
            continue


def prepare(request: dict[str, Any]) -> None:
    """Paths, limits and confinement, after which student code may be imported."""
    set_limits(request["limits"])
    with contextlib.suppress(OSError):  # not Linux
        confine.no_new_privileges()
        confine.die_with_parent()
    if request["confinement"]["between"]:
        _stand_between()
    standard = [p for p in sys.path if p]
    sys.path = standard + list(request["site"])
    # NumPy comes before anything of the student's can be found. It and the standard library use
    # their compiled files (compiling NumPy takes half a second); from here on an empty folder is
    # looked at instead, so that a planted .pyc is never read.
    with contextlib.suppress(ImportError):
        importlib.import_module("numpy")
    sys.pycache_prefix = request["pycache"]
    # What is installed beside NumPy, another PyTorch perhaps, is not there for student code.
    sys.path = [request["directory"], *standard]
    _confine(request, standard)


def say_where_it_hangs(limits: dict[str, int]) -> None:
    """Print the running lines to standard error shortly before a limit ends the process.

    Only a help for the student: the judge shows the line, and believes nothing else of it.
    """
    # The judge's clock began before this process did: on a busy machine, seconds before.
    _thread.start_new_thread(say_where, (max(1.0, limits["wall_s"] * 0.75),))
    # Compiled code that keeps the interpreter's lock lets no thread speak. Its frames stand still,
    # so they can be read without the lock; read while they change, they end the process.
    faulthandler.dump_traceback_later(max(1.2, limits["wall_s"] * 0.9), file=2)
    if hasattr(signal, "SIGXCPU"):
        faulthandler.register(signal.SIGXCPU, file=2, all_threads=False, chain=True)


def say_where(after_s: float) -> None:
    time.sleep(after_s)
    faulthandler.dump_traceback(file=2)
    faulthandler.cancel_dump_traceback_later()


def _stand_between() -> None:
    """Fork, and wait in the parent: who kills the parent of student code kills only this."""
    if not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):  # not Linux, or no seccomp: the judge looks for daemons
            confine.die_with_parent()
            confine.stay_in_session()
        return
    os.closerange(0, 64)  # the pipes: they end when student code does
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def _confine(request: dict[str, Any], standard: list[str]) -> None:
    """Raises OSError when what was asked for cannot be had: then no student code runs."""
    confinement = request["confinement"]
    if confinement["files"]:
        confine.drop_capabilities()
        confine.close_files(
            readable=[
                request["directory"],
                os.path.dirname(os.path.abspath(__file__)),
                "/dev/urandom",
                *_standard_library(standard),
                *_numpy(),
                *_shared_libraries(),
            ],
            listed=standard,
            writable=[os.environ["HOME"], os.devnull],
        )
    if confinement["calls"]:
        confine.close_calls()


def _standard_library(standard: list[str]) -> list[str]:
    """Its files and folders, without the packages that are installed among them."""
    found = []
    for folder in standard:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            found += [e.path for e in entries if not e.name.endswith("-packages")]
    return found


def _numpy() -> list[str]:
    """Its package, and the libraries that its wheel carries beside it."""
    if "numpy" not in sys.modules:
        return []
    package = os.path.dirname(str(sys.modules["numpy"].__file__))
    return [package, package + ".libs"]


def _shared_libraries() -> list[str]:
    """The folders of the libraries that are loaded: the standard library loads more from there."""
    with open("/proc/self/maps", "rb") as maps:
        names = {os.fsdecode(line.split(None, 5)[-1].strip()) for line in maps if b".so" in line}
    folders = {os.path.dirname(name) for name in names if name.startswith("/")}
    return [f for f in folders if f.startswith(("/lib", "/usr/lib"))] + ["/etc/ld.so.cache"]
