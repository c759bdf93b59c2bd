"""Who notices what: 500 one-line bugs against every oracle, and right libraries against all.

    python benchmarks/verification.py                  cost of a whole verification
    python benchmarks/verification.py --mutants        the bugs: about ten minutes
    python benchmarks/verification.py --seeds 1000 --probes-only
                                                       the right libraries, 0.6 s per seed

An oracle's row says how many bugs it was asked about, how many it noticed, and how many of those
it let pass have no effect on the numbers it looks at: there a training reports the same, up to
rounding. Milestones are trained for a few steps only; what is counted is the evidence behind the
claims. One worker in the portable sandbox.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from grader.lessons.lesson import Lesson
from grader.proof import examination
from grader.rules.course import Milestone, Module
from grader.sandbox import SANDBOXES, Sandbox, choice
from tests.lessons import reference
from tests.mutants import oracles
from tests.mutants.libraries import LIBRARIES


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cpu_s() -> float:
    """Of this process and of all children that have ended."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def cost(rounds: int) -> None:
    """Everything, in every sandbox that this machine has, process starts included."""
    course = oracles.COURSE
    lessons = {m: reference.lesson(m.id) for m in course.modules}
    say("A whole verification: probes of eight modules and five milestones, one worker")
    say(f"{'sandbox':<12} {'CPU s':>7} {'wall s':>7}   the least of {rounds} rounds")
    offered = list(choice.available())
    strongest = offered[0]
    for name in offered:
        _row(name, rounds, lambda name=name: _whole(lessons, SANDBOXES[name]()))
    say(f"In {strongest}, of that")
    _row("milestones", rounds, lambda: _milestones(SANDBOXES[strongest]()))
    _row("probes", rounds, lambda: _whole(lessons, SANDBOXES[strongest](), ()))


def _row(name: str, rounds: int, work: Callable[[], list[str]]) -> None:
    found = []
    for _ in range(rounds):
        started, at = cpu_s(), time.monotonic()
        if wrong := work():
            raise SystemExit(f"the reference solution is turned down: {wrong}")
        found.append((cpu_s() - started, time.monotonic() - at))
    say(f"{name:<12} {min(f[0] for f in found):7.2f} {min(f[1] for f in found):7.2f}")


def _whole(
    lessons: dict[Module, Lesson], sandbox: Sandbox, wanted: Sequence[Milestone] | None = None
) -> list[str]:
    """Ids of what is turned down."""
    course = oracles.COURSE
    wanted = course.milestones if wanted is None else wanted
    evidence = examination.examine(lessons, wanted, sandbox, course.root)
    return [i for i, e in evidence.items() if not e.passed]


def _milestones(sandbox: Sandbox) -> list[str]:
    """The five trainings in one worker, everything from drawing to judging."""
    asked = oracles.ask(oracles.trainings(oracles.COURSE.milestones), None, sandbox)
    return [a.part.id for a in asked if a.failing]


class Tally:
    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self.same: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.passed: dict[str, list[str]] = {}

    def add(self, oracle: str, mutant: str, *, killed: bool, same: bool = False) -> None:
        self.asked[oracle] += 1
        self.killed[oracle] += killed
        self.same[oracle] += same
        if not killed and not same:
            self.passed.setdefault(oracle, []).append(mutant)

    def show(self) -> None:
        say(
            f"{'oracle':<24} {'asked':>6} {'killed':>7} {'no effect':>10} {'let pass':>9} {'CPU s':>7}"
        )
        for oracle, asked in self.asked.items():
            killed, same = self.killed[oracle], self.same[oracle]
            rest = asked - killed - same
            seconds = f"{self.seconds[oracle]:7.0f}" if self.seconds[oracle] else ""
            say(f"{oracle:<24} {asked:>6} {killed:>7} {same:>10} {rest:>9} {seconds}")
        for oracle, mutants in self.passed.items():
            say(f"\n{oracle} let pass: {' '.join(mutants)}")


def mutants(every: int) -> None:
    tally = Tally()
    asked = {m.id: oracles.questions([m.id]) for m in oracles.COURSE.modules}
    with oracles.short_trainings():
        trained = dict(
            zip(
                [m.id for m in oracles.COURSE.milestones],
                oracles.trainings(oracles.COURSE.milestones),
                strict=True,
            )
        )
    right = {a.part.id: a for a in oracles.ask(list(trained.values()))}
    for mutant in oracles.MUTANTS[::every]:
        name = oracles.mutant_id(mutant)
        text = reference.lesson(mutant.module).text.replace(mutant.old, mutant.new)
        started = cpu_s()
        inline = bool(reference.failing(reference.run(mutant.module, text)))
        tally.seconds["inline tests"] += cpu_s() - started
        started = cpu_s()
        probes = _fails(mutant, asked)
        tally.seconds["probes"] += cpu_s() - started
        tally.add("inline tests", name, killed=inline)
        tally.add("probes", name, killed=probes)
        tally.add("inline tests or probes", name, killed=inline or probes)
        started = cpu_s()
        touched = oracles.touched(mutant)
        parts = [trained[m.id] for m in touched]
        for found in oracles.ask(parts, oracles.changed(mutant)) if parts else ():
            killed = bool(found.unproven)
            same = not killed and oracles.same_numbers(found, right[found.part.id])
            tally.add(f"milestone {found.part.id}", name, killed=killed, same=same)
        tally.seconds["milestones"] += cpu_s() - started
    tally.show()
    say(f"\nmilestones: {tally.seconds['milestones']:.0f} CPU s together")


def _fails(mutant: oracles.Mutant, asked: dict[str, list[oracles.Part]]) -> bool:
    """Of its own module, or of one that needs it."""
    files = oracles.changed(mutant)
    if oracles.ask(asked[mutant.module], files)[0].failing:
        return True
    later = [p for m in oracles.COURSE.modules if mutant.module in m.needs for p in asked[m.id]]
    return any(found.failing for found in oracles.ask(later, files)) if later else False


def seeds(count: int, first: int, wanted: str, *, probes_only: bool) -> None:
    """False rejects of libraries that are right. wanted: part of their names."""
    say(f"{'library':<40} {'seeds':>6} {'probes':>10} {'milestones':>11}   false rejects")
    for name, files in [row for row in LIBRARIES.items() if wanted in row[0]]:
        wrong: Counter[bool] = Counter()
        for seed in range(first, first + count):
            for found in _asked(seed, files, probes_only=probes_only):
                if found.failing:
                    is_probe = isinstance(found.part, examination.ProbePart)
                    wrong[is_probe] += 1
                    said = [f"{c.name}: {c.message}" for c in found.failing[:2]]
                    say(f"  seed {seed}, {found.part.id}: {'; '.join(said)}")
        say(f"{name:<40} {count:>6} {wrong[True]:>10} {wrong[False]:>11}")


def _asked(seed: int, files: dict[str, str], *, probes_only: bool) -> Iterator[oracles.Asked]:
    course = oracles.COURSE
    parts = oracles.questions([m.id for m in course.modules], seed)
    if not probes_only:
        parts += oracles.trainings(course.milestones, seed)
    yield from oracles.ask(parts, files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="of the mutants, one in so many")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--library", default="", help="part of the name, with --seeds")
    parser.add_argument("--probes-only", action="store_true", help="with --seeds")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.mutants:
        mutants(options.every)
    elif options.seeds:
        seeds(options.seeds, options.first_seed, options.library, probes_only=options.probes_only)
    else:
        cost(options.rounds)


if __name__ == "__main__":
    main()
