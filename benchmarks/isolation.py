"""What each sandbox stops, and what it costs.

python -m benchmarks.isolation            the matrix, as Markdown
python -m benchmarks.isolation --cost     a job's CPU and wall time in each sandbox, medians
python -m benchmarks.isolation --update   writes both into docs/isolation.md
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import time
from pathlib import Path

from grader.sandbox import SANDBOXES, STRONG
from grader.sandbox.choice import weakness
from grader.sandbox.worker.confine import landlock_version
from tests.adversarial.attempts import ALLOWED, ATTEMPTS, Attempt, reached
from tests.grader.small_course import job

RUNS = 15
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "isolation.md"
MARKS = ("<!-- measured: begin -->\n", "<!-- measured: end -->\n")
TESTS = 'def test_it():\n    """It is 42."""\n    assert answer() == 42\n'
CODE = "import numpy as np\n\n\ndef answer():\n    return int(np.int64(42))\n"


def works(name: str) -> bool:
    return name not in STRONG or not weakness(name)


def matrix() -> str:
    """Rows: attempts. Columns: sandboxes. A dot where it was stopped."""
    names = [name for name in SANDBOXES if works(name)]
    found = {name: reached(name, ATTEMPTS) for name in names}
    allowed = {name: reached(name, ALLOWED) for name in names}
    lines = [f"| a worker tries to | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [_row(a, [found[n][a.name] for n in names], "reached", "·") for a in ATTEMPTS]
    lines += [
        "",
        f"| an honest worker may | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    lines += [_row(a, [allowed[n][a.name] for n in names], "yes", "NO") for a in ALLOWED]
    return "\n".join(lines) + "\n"


def _row(attempt: Attempt, found: list[bool | None], there: str, stopped: str) -> str:
    words = ["no answer" if f is None else there if f else stopped for f in found]
    return f"| {attempt.what} | {' | '.join(words)} |"


def cost() -> str:
    """Of one small job with NumPy, the runs of all sandboxes taking turns."""
    names = [name for name in SANDBOXES if works(name)]
    cpu: dict[str, list[float]] = {name: [] for name in names}
    wall: dict[str, list[float]] = {name: [] for name in names}
    made = job(CODE, TESTS)
    for _ in range(RUNS):
        for name in names:
            sandbox = SANDBOXES[name]()
            before, started = _cpu_s(), time.perf_counter()
            assert sandbox.run(made).passed
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(_cpu_s() - before)
    lines = ["| sandbox | CPU, ms | wall, ms |", "|---|---|---|"]
    for name in names:
        figures = [statistics.median(v[name]) * 1000 for v in (cpu, wall)]
        lines.append(f"| {name} | {figures[0]:.0f} | {figures[1]:.0f} |")
    return "\n".join(lines) + "\n"


def _cpu_s() -> float:
    """Of this process and of all children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def machine() -> str:
    who = "root" if os.getuid() == 0 else "an ordinary user"
    return (
        f"{platform.system()} {platform.release().split('-')[0]} on {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Landlock {landlock_version()}, as {who}"
    )


def main() -> None:
    if "--update" in sys.argv:
        text = DOCUMENT.read_text(encoding="utf-8")
        head, _, rest = text.partition(MARKS[0])
        _, _, tail = rest.partition(MARKS[1])
        measured = f"{machine()}.\n\n{matrix()}\nOne job, medians of {RUNS}:\n\n{cost()}"
        DOCUMENT.write_text(f"{head}{MARKS[0]}{measured}{MARKS[1]}{tail}", encoding="utf-8")
        return
    sys.stdout.write(f"{machine()}\n\n{cost() if '--cost' in sys.argv else matrix()}")


if __name__ == "__main__":
    main()
