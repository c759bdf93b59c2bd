"""CPU time of git commit with and without the hooks, for each runner of `tito setup`.

    python benchmarks/hooks.py [--rounds 15] [--runner raw prek pre-commit]

A student's repository with all modules complete, made from HEAD. Per round and runner, interleaved:

    bare         git commit without any hook
    no-op        the framework with one hook that does nothing, before the commit only
    no-op twice  the same, and one after the commit
    cached       ours: the commit changes no lesson
    changed      ours: the commit changes the code of one lesson, whose tests run
    tests        what the sandbox takes for those tests alone

User and system time of git and everything that it started (wait4), in milliseconds: medians, and
the least in brackets. On a busy machine the least is nearer to the truth.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from grader.authors import release
from grader.lessons.lesson import package_files
from grader.lessons.of_module import read_lesson, trusted_lesson
from grader.rules import reading
from grader.sandbox import SANDBOXES, jobs
from grader.sources.git import Git
from grader.sources.snapshots import of_commit
from tito.clone.installation import RUNNERS

ROOT = Path(__file__).resolve().parents[1]
LAST = "12_attention"  # no other module needs it, so its tests alone run again
NO_OP = """\
repos:
  - repo: local
    hooks:
      - {id: pre, name: pre, entry: "true", language: system, always_run: true,
         pass_filenames: false, stages: [pre-commit]}
      - {id: post, name: post, entry: "true", language: system, always_run: true,
         pass_filenames: false, stages: [post-commit]}
"""


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PRE_COMMIT", "PREK"))}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
    }


class Clone:
    def __init__(self, top: Path, home: Path) -> None:
        self.top = top
        self.environment = environment(home)
        self.number = 0

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command, cwd=self.top, env=self.environment, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{command}: {(done.stdout + done.stderr).decode()}")

    def timed(self, *command: str) -> float:
        """CPU time of COMMAND and its descendants, in milliseconds."""
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        pid = os.posix_spawnp(
            "env", ["env", "-C", str(self.top), *command], self.environment, file_actions=actions
        )
        os.close(null)
        _, status, used = os.wait4(pid, 0)
        if status != 0:
            raise SystemExit(f"{command} ended with {status}")
        return (used.ru_utime + used.ru_stime) * 1000

    def commit_notes(self) -> float:
        self.number += 1
        (self.top / "notes.txt").write_text(f"{self.number}\n", "utf-8")
        self.run("git", "add", "notes.txt")
        return self.timed("git", "commit", "-q", "-m", "notes")

    def commit_lesson(self, path: str) -> float:
        self.number += 1
        lesson = self.top / path
        lines = [
            line for line in lesson.read_text("utf-8").split("\n") if not line.startswith("_MARK")
        ]
        lines.insert(lines.index("#| export") + 1, f"_MARK = {self.number}")
        lesson.write_text("\n".join(lines), "utf-8")
        self.run("git", "add", path)
        return self.timed("git", "commit", "-q", "-m", "lesson")


def prepare(folder: Path) -> Path:
    """A student's repository with every module complete, committed without hooks."""
    home = folder / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", "utf-8")
    source = folder / "source"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    git = Git(source)
    course = reading.load(source)
    files = release.build(git, course)
    top = folder / "student"
    release.write(files, top, release.date_of_head(git))
    snapshot = of_commit(git, "HEAD")
    lessons = [read_lesson(snapshot, m) for m in course.modules]
    texts = {lesson.path: lesson.starter(sys.maxsize) for lesson in lessons if lesson}
    done = [lesson for lesson in lessons if lesson]
    for path, text in {**texts, **package_files(done)}.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text, "utf-8", newline="\n")
    clone = Clone(top, home)
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-q", "-m", "all modules")
    return top


def variants(template: Path, folder: Path, runner: str) -> Mapping[str, Clone]:
    home = template.parent / "home"

    def copy(name: str) -> Clone:
        top = folder / f"{runner}-{name.replace(' ', '-')}"
        shutil.copytree(template, top, symlinks=True)
        return Clone(top, home)

    ours = copy("ours")
    ours.run(sys.executable, "-m", "tito", "setup", "--runner", runner)
    made = {"bare": copy("bare"), "cached": ours}
    for name, stages in (("no-op", ["pre-commit"]), ("no-op twice", ["pre-commit", "post-commit"])):
        clone = copy(name)
        (clone.top / ".pre-commit-config.yaml").write_text(NO_OP, "utf-8")
        clone.run("git", "commit", "-q", "-a", "-m", "no-op")
        install(clone, runner, stages)
        made[name] = clone
    for clone in made.values():
        clone.commit_notes()  # compiles what is imported, and fills the caches
    return made


def install(clone: Clone, runner: str, stages: list[str]) -> None:
    if runner == "raw":
        for stage in stages:
            hook = clone.top / ".git" / "hooks" / stage
            hook.parent.mkdir(exist_ok=True)
            hook.write_text("#!/bin/sh\nexit 0\n", "utf-8")
            hook.chmod(0o755)
        return
    beside = Path(sys.executable).parent
    command = (
        [sys.executable, "-m", "pre_commit"] if runner == "pre-commit" else [str(beside / runner)]
    )
    types = [option for stage in stages for option in ("--hook-type", stage)]
    clone.run(*command, "install", *types)


def tests_alone(top: Path) -> float:
    """What the sandbox and its child take for the tests of the last module, in milliseconds."""
    git = Git(top)
    course = reading.load(top)
    snapshot = of_commit(git, "HEAD")
    module = course.module(LAST)
    lessons = {m.id: read_lesson(snapshot, m) for m in course.modules}
    package = package_files(
        [lesson for i, lesson in lessons.items() if lesson and i in module.needs]
    )
    lesson, trusted = lessons[LAST], trusted_lesson(course, module)
    if lesson is None or trusted is None:
        raise SystemExit(f"{LAST} is not there")
    job = jobs.for_module(module, lesson, trusted, package)
    before = os.times()
    evidence = SANDBOXES["process"]().run(job)
    after = os.times()
    if not evidence.passed:
        raise SystemExit(f"{LAST} does not pass")
    return (sum(after[2:4]) - sum(before[2:4])) * 1000


def measure(rounds: int, runners: list[str]) -> dict[tuple[str, str], list[float]]:
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="hooks-") as name:
        folder = Path(name)
        template = prepare(folder)
        path = reading.load(template).module(LAST).path
        made = {r: variants(template, folder, r) for r in runners}
        for _ in range(rounds):
            for runner, clones in made.items():
                for variant, clone in clones.items():
                    taken[runner, variant].append(clone.commit_notes())
                taken[runner, "changed"].append(clones["cached"].commit_lesson(path))
            taken["", "tests"].append(tests_alone(template))
    return taken


def table(taken: Mapping[tuple[str, str], list[float]], runners: list[str]) -> str:
    def cell(runner: str, variant: str) -> str:
        times = taken[runner, variant]
        return f"{statistics.median(times):.0f} ({min(times):.0f})"

    rows = ["| CPU, ms | " + " | ".join(runners) + " |", "|---|" + "---:|" * len(runners)]
    for variant in ("bare", "no-op", "no-op twice", "cached", "changed"):
        rows.append(f"| {variant} | " + " | ".join(cell(r, variant) for r in runners) + " |")
    rows.append("| tests | " + " | ".join(cell("", "tests") for _ in runners) + " |")

    def own(runner: str, variant: str, of: Callable[[list[float]], float]) -> float:
        tests = of(taken["", "tests"]) if variant == "changed" else 0.0
        return of(taken[runner, variant]) - of(taken[runner, "no-op"]) - tests

    for name, variant in (("cached - no-op", "cached"), ("changed - no-op - tests", "changed")):
        cells = [
            f"**{own(r, variant, statistics.median):.0f}** ({own(r, variant, min):.0f})"
            for r in runners
        ]
        rows.append(f"| **{name}** | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--runner", nargs="+", choices=RUNNERS, default=["raw", "prek", "pre-commit"]
    )
    options = parser.parse_args()
    taken = measure(options.rounds, options.runner)
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    print(table(taken, options.runner))
    print(
        f"\n{options.rounds} rounds; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, NumPy {np.__version__}, {git.stdout.strip()}"
    )


if __name__ == "__main__":
    main()
