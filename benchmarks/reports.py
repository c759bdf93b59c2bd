"""What a report costs: to render each format, and to make at all.

    python benchmarks/reports.py

One report of a finished course, as `python -m grader grade` makes it, one that a student has filled
with hostile text, and one with 100 kB in every message.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from grader.reports import REPORTS, bounded
from grader.verdicts.report import Report
from tests.reports import samples

BUDGET_MS = 50
BUDGET_S = 10


def cost_ms(name: str, report: Report, rounds: int) -> float:
    bounded.render(name, report)  # imports
    took = []
    for _ in range(rounds):
        before = time.process_time()
        bounded.render(name, report)
        took.append(time.process_time() - before)
    return 1000 * min(took)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    reports = {
        "finished": samples.finished(),
        "hostile": samples.hostile(samples.HOSTILE * 20),
        "huge": samples.huge(),
    }
    sys.stdout.write(f"{'format':<14}{''.join(f'{name:>12}' for name in reports)}   ms of CPU\n")
    worst = 0.0
    for name in REPORTS:
        found = [cost_ms(name, report, options.rounds) for report in reports.values()]
        worst = max(worst, *found)
        sys.stdout.write(f"{name:<14}{''.join(f'{ms:12.2f}' for ms in found)}\n")
    sys.stdout.write(f"the most: {worst:.1f} ms of {BUDGET_MS}\n")
    wall_s, cpu_s = whole_run_s()
    sys.stdout.write(
        f"the reference solution in all formats, process start included: {wall_s:.1f} s "
        f"({cpu_s:.1f} s of CPU) of {BUDGET_S}\n"
    )
    return int(worst > BUDGET_MS or wall_s > BUDGET_S)


def whole_run_s() -> tuple[float, float]:
    """Wall and processor time of one `python -m grader grade`."""
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-m", "grader", "grade", ".", "--format", "all", "--out", out],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    wall_s, now = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
