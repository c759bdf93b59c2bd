"""What a run leaves behind: processes and files, gone when it is over."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ADOPT_ORPHANS = 36  # prctl(2), PR_SET_CHILD_SUBREAPER
_TRIES = 3  # to remove a directory
_END_S = 20.0  # for processes that start others while they are ended
_MAX_ENTRIES = 10_000  # files and folders of one run
_running: set[int] = set()  # the children of runs that other threads wait for
_starting = threading.Lock()  # between the start of a child and its name in _running


def kill(child: subprocess.Popen[bytes]) -> None:
    """The child and every process of its session."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


class ProcessTree:
    """The processes of one run. Those that left its session (a daemon) come to us when they lose
    their parent, which is how they are found. Linux only: elsewhere daemons stay behind.
    """

    def __init__(self) -> None:
        self._before = _children() if _adopt_orphans() else None
        self._tasks_before = _tasks_of_the_machine()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Popen, watched from its first moment: no run beside this one takes it for a stranger."""
        with _starting:
            child = subprocess.Popen(command, **options)
            self.watch(child)
        return child

    def watch(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        _running.add(child.pid)

    def larger_than(self, limit: int) -> bool:
        """Is it more processes than that? A look at one number, as long as the machine is calm."""
        if self._child is None or _tasks_of_the_machine() - self._tasks_before <= limit:
            return False
        return len(_descendants({self._child.pid, *self._strangers()})) > limit

    def end(self) -> None:
        """End all of them, whatever they do about it."""
        if self._child is None:
            return
        kill(self._child)
        self._child.wait()
        _running.discard(self._child.pid)
        deadline = time.monotonic() + _END_S
        while (strangers := self._strangers()) and time.monotonic() < deadline:
            for process in _descendants(strangers):
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            for process in strangers:
                with contextlib.suppress(OSError):
                    os.waitpid(process, os.WNOHANG)  # once gone, its children are ours

    def _strangers(self) -> set[int]:
        """Children of ours that a worker started."""
        if self._before is None:
            return set()
        with _starting:
            return {p for p in _children() - self._before - _running if _is_stranger(p)}


def _adopt_orphans() -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    return ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0) == 0  # type: ignore[no-any-return]


def _children() -> set[int]:
    """Of all our threads, zombies included. Empty where the kernel does not tell."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                found.update(map(int, (task / "children").read_text().split()))
    return found


def _descendants(roots: set[int]) -> set[int]:
    """ROOTS, their children, and so on."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208  # names, quickly
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The name, in brackets, may hold anything; the parent comes after it and the state.
            words = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
            children.setdefault(int(words[1]), []).append(int(name))
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        if process not in found:
            found.add(process)
            waiting += children.get(process, [])
    return found


def _tasks_of_the_machine() -> int:
    """Processes and threads of everybody; 0 where /proc does not say."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    except (OSError, IndexError, ValueError):
        return 0


def _is_stranger(process: int) -> bool:
    """Started by a worker: not of our session, and without the means to gain privileges, which
    every worker gives up and none of its descendants can take back.
    """
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{process}/status").read_bytes()
        return os.getsid(process) != os.getsid(0) and b"\nNoNewPrivs:\t0" not in status
    return False


def too_large(folder: Path, limit_bytes: int) -> bool:
    """Does the folder hold more bytes, or more files, than one run may write?"""
    total = entries = 0
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as found:
            for entry in found:
                entries += 1
                if entries > _MAX_ENTRIES:
                    return True
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    info = entry.stat(follow_symlinks=False)
                    # Blocks of 512 bytes: a file may be long and hold nothing. Not on Windows.
                    total += getattr(info, "st_blocks", info.st_size // 512) * 512
                    if total > limit_bytes:
                        return True
    return False


def remove(root: Path) -> None:
    """The directory of a run, however deep, and however protected, it was left."""
    for _ in range(_TRIES):
        try:
            shutil.rmtree(root, onerror=_open_up)
        except RecursionError:  # folders in folders in folders: bring the deep ones up
            _flatten(root)
        if not root.exists():
            return


def _open_up(_function: object, path: str, _error: object) -> None:
    """A folder without permissions: the next try can remove it."""
    with contextlib.suppress(OSError):
        if not os.path.islink(path):  # noqa: PTH114  # rmtree hands over str
            os.chmod(path, 0o700)  # noqa: PTH101  # rmtree hands over str


def _flatten(root: Path) -> None:
    """Every folder becomes a direct child of ROOT. Renaming needs neither depth nor long paths."""
    number = 0
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    number += 1
                    moved = root / f".tito-{os.getpid()}-{number}"
                    with contextlib.suppress(OSError):
                        os.rename(entry.path, moved)  # noqa: PTH104  # a DirEntry has a str
                        waiting.append(moved)
