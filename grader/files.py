"""Files that are whole or not there, and locks that a dead process does not keep."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Readers see the old content or the new, never a part; after a crash too."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  # mkstemp gives a str
    except BaseException:  # raised again: only what is half written goes
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  # as above
        raise


LOCK_WAIT_S = 2.0  # a writer holds the lock for milliseconds; who waits longer waits for nobody


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """True when this process holds the lock; False when another did not let go in time.

    The kernel's lock on an open file ends with its process, so a dead one never blocks anybody.
    The file itself stays: removing it would let two processes lock two files of one name.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + LOCK_WAIT_S
        while not (held := _try_lock(handle)) and time.monotonic() < until:
            time.sleep(0.01)
        yield held
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    """The one place that knows the platform's locks."""
    name = "msvcrt" if os.name == "nt" else "fcntl"
    try:
        module: Any = importlib.import_module(name)
    except ImportError:
        return True  # no locks here: a whole-file replace is what protects
    try:
        if name == "msvcrt":
            module.locking(handle, module.LK_NBLCK, 1)
        else:
            module.flock(handle, module.LOCK_EX | module.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # So Windows says while another process holds it. Anything else means that this file
        # system has no locks (some network drives), and waiting would not help.
        return error.errno not in (errno.EACCES, errno.EDEADLK)
    return True
