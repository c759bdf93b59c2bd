"""Namespaces by bubblewrap, and seccomp: a machine that holds Python, NumPy and the job."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import ClassVar

from grader.sandbox.jobs import WORKER, site_directories
from grader.sandbox.process import ProcessSandbox

_HOME_BYTES = 64 * 1024 * 1024
_SHARED_MEMORY_BYTES = 16 * 1024 * 1024
# Shared libraries, and what finds them. Where /lib is a link to usr/lib, it is one in there too.
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")


class BubblewrapSandbox(ProcessSandbox):
    isolation: ClassVar[str] = "bubblewrap"
    confinement: ClassVar[dict[str, bool]] = {"between": False, "files": False, "calls": True}

    def command(self, root: Path) -> list[str]:
        # A worker that ends takes all processes of its namespace along; so does our own end.
        words = "bwrap --die-with-parent --new-session --cap-drop ALL --uid 65534 --gid 65534"
        words += " --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts"
        command = [*words.split(), "--unshare-cgroup-try"]
        # First, because what is bound below may lie there (TMPDIR=/dev/shm).
        command += ["--dev", "/dev", "--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm"]
        for library in _LIBRARIES:
            command += _as_it_is(Path(library))
        # The interpreter itself: a virtual environment only points to it.
        python = Path(sys.executable).resolve()
        standard = Path(sysconfig.get_path("stdlib"))
        command += ["--ro-bind", str(python), str(python)]
        command += ["--ro-bind", str(standard.parent), str(standard.parent)]
        command += _only_numpy(standard)
        command += ["--ro-bind", str(WORKER), str(WORKER)]
        command += ["--ro-bind", str(root / "job"), str(root / "job")]
        command += ["--size", str(_HOME_BYTES), "--tmpfs", str(root / "home")]
        command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(root / "home")]
        return [*command, "--", str(python), "-I", "-S", "-B"]


def _as_it_is(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", os.readlink(path), str(path)]  # noqa: PTH115  # wants a str
    return ["--ro-bind", str(path), str(path)] if path.exists() else []


def _only_numpy(standard: Path) -> list[str]:
    """Empty folders over what is installed, and in them NumPy with the libraries of its wheel."""
    folders = {Path(p) for p in site_directories()} | set(standard.glob("*-packages"))
    folders.add(Path("/usr/lib/python3/dist-packages"))
    words: list[str] = []
    for folder in sorted(f for f in folders if f.is_dir()):
        words += ["--tmpfs", str(folder)]
        for package in (folder / "numpy", folder / "numpy.libs"):
            if str(folder) in site_directories() and package.is_dir():
                words += ["--ro-bind", str(package), str(package)]
        words += ["--remount-ro", str(folder)]
    return words
