"""Where tito/hook arrives, with the arguments (pre | post) TOP.

First the fast path: if git would record exactly what was already judged, nothing is imported and
nothing is run. Otherwise the engine.
"""

import gc
import os
import sys


def run() -> None:
    """Ends this process."""
    status = main(*sys.argv[1:])
    try:  # noqa: SIM105  # importing contextlib takes 10 ms
        sys.stdout.flush()
    except OSError:
        pass  # see say()
    os._exit(status)  # skips the interpreter's tear-down: some milliseconds per commit


def main(stage: str, top: str) -> int:
    try:
        return _run(stage, top)
    except KeyboardInterrupt:
        return _say_stopped(stage)
    except Exception as bug:  # noqa: BLE001  # the boundary: a bug of ours must not block anybody's work
        from tito.hooks import faults

        return faults.excuse(bug, top)


def _run(stage: str, top: str) -> int:
    from tito.hooks import fast

    _speak()
    memo = fast.look_up(stage, top)
    if memo.known:
        if memo.text:
            sys.stdout.write(memo.text + "\n")
        return 0
    gc.disable()  # a process of a fifth of a second: collecting costs more than the memory
    _end_as_ctrl_c_does()
    _add_packages()
    from tito.hooks import door

    return door.run(stage, top, memo)


def _speak() -> None:
    """In the encoding that the environment asks for, which -I keeps Python from reading.

    A console that cannot draw a character must not be the reason that a commit fails.
    """
    wanted = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    locale = next((v for k in ("LC_ALL", "LC_CTYPE", "LANG") if (v := os.environ.get(k))), "")
    if not wanted and locale in ("C", "POSIX"):
        wanted = "ascii"
    try:
        sys.stdout.reconfigure(encoding=wanted or None, errors="replace")  # type: ignore[union-attr]
    except LookupError:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]


def _end_as_ctrl_c_does() -> None:
    """SIGTERM and SIGHUP stop what we started, and say so."""
    import signal

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


def _say_stopped(stage: str) -> int:
    if stage == "pre":
        sys.stdout.write("tito: stopped. Nothing was committed, your work is as you left it.\n")
    else:
        sys.stdout.write("tito: stopped. The commit is made, but not graded. -> tito status\n")
    return 130


def _add_packages() -> None:
    """-S left them out; the engine needs PyYAML, and its worker NumPy.

    In a virtual environment their folder is known, and a folder is all that is needed: processing
    every .pth file, as the site module does, costs 15 ms.
    """
    prefix = os.path.dirname(os.path.dirname(sys.executable))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = os.path.join(prefix, "lib", version, "site-packages")
    if os.path.exists(os.path.join(prefix, "pyvenv.cfg")) and os.path.isdir(folder):
        sys.path.append(folder)
        return
    import site

    site.main()
