"""Do the tests notice when a line of grader/ or tito/ is wrong? Mutants, and who kills them.

    python -m benchmarks.mutation map --map map.json      which test runs which function
    python -m benchmarks.mutation run --map map.json --count 300 --seed 1 --out results.jsonl

A mutant differs from the tree in one place of one function; functions are drawn uniformly, then a
kind of change, then a place. Each runs in namespaces, where only copies can be written and no
process outside is seen: a mutant of the code that kills processes and removes folders may do
anything. Tests that run its function come first, fast ones before slow ones. Whoever survives them
is in `results.jsonl` with "survived" ("open": --most was reached first). `--again` asks those once
more, after a test was mended, and calls "gone" what the tree has not any more.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from itertools import accumulate
from pathlib import Path
from queue import Queue
from typing import Any

from benchmarks.who_runs_what import Function, functions, gathered, instrumented

ROOT = Path(__file__).parents[1]
PACKAGES = ("grader", "tito")
FEW = 3  # tests that run a function: it may be named where it is made, and run elsewhere
FIRST = 60  # tests asked before all others: most mutants die here
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "-rfE")
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # three quarters of the time pytest takes to start
NAMES_ARE_GONE = 4  # pytest's status when it is asked for a test that is not there
# Not bubblewrap: whatever runs in it can gain no privileges, by which the grader knows its workers.
ALONE = """
set -e
top=$1 tree=$2 tmp=$3
shift 3
place=$top
case $top in /tmp/*) place=$tmp/${top#/tmp/}; mkdir -p "$place" ;; esac
mount --make-rprivate /
while read -r _ at _; do
    case $at in /dev*|/proc*|/sys*) ;; *) mount -o remount,bind,ro "$at" 2>/dev/null || : ;; esac
done < /proc/self/mounts
mount --bind "$top/.venv" "$tree/.venv"
mount --rbind "$tree" "$place"
mount -o remount,bind,rw "$place"
mount --rbind "$tmp" /tmp
mount -o remount,bind,rw /tmp
cd "$top"
"$@"
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """node: its place in ast.walk() of the function.  before, after: of the source, to be read."""

    file: str
    function: str
    line: int
    kind: str
    node: int
    before: str
    after: str


def mutant_of(said: dict[str, Any]) -> Mutant:
    return Mutant(**{field.name: said[field.name] for field in fields(Mutant)})


def sources(top: Path) -> list[Path]:
    return sorted(p for package in PACKAGES for p in (top / package).rglob("*.py"))


# -- changes ---------------------------------------------------------------------------------------

FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


def _comparison(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Compare):
        node.ops[0] = FLIPPED[type(node.ops[0])]()
        return node
    return None


def _connective(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        node.op = ARITHMETIC[type(node.op)]()
        return node
    return None


def _constant(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Constant) or node.value is None or node.value is ...:
        return None
    value = node.value
    if isinstance(value, bool):
        return ast.Constant(not value)
    if isinstance(value, (str, bytes)):
        other: str | bytes = "x" if isinstance(value, str) else b"x"
        return ast.Constant(value[:0] if value else other)
    return ast.Constant(value + 1)


def _deletion(node: ast.AST) -> ast.AST | None:
    gone = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)
    return ast.Pass() if isinstance(node, gone) else None


def _negation(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    return ast.UnaryOp(ast.Not(), node) if getattr(node, "is_test", False) else None


def _returned(node: ast.AST) -> ast.AST | None:
    plain = isinstance(node, ast.Return) and node.value is not None
    return ast.Return(ast.Constant(None)) if plain and ast.unparse(node) != "return None" else None


def _forced(node: ast.AST) -> ast.AST | None:
    test = getattr(node, "is_test", False)
    return ast.Constant(len(ast.unparse(node)) % 2 == 0) if test else None


def _argument(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Call) and (node.args or node.keywords):
        (node.keywords or node.args).pop()
        return node
    return None


KINDS: dict[str, Callable[[ast.AST], ast.AST | None]] = {
    "comparison": _comparison, "connective": _connective, "constant": _constant,
    "deletion": _deletion, "negation": _negation, "return": _returned, "branch": _forced,
    "argument": _argument,
}  # fmt: skip


def places(function: Function) -> dict[int, ast.AST]:
    """What may change: not annotations, decorators, docstrings, asserts, nor parts of f-strings."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(function):
        barred: list[ast.AST | None] = [
            getattr(node, "annotation", None),
            getattr(node, "returns", None),
        ]
        barred += getattr(node, "decorator_list", [])
        if isinstance(node, (ast.JoinedStr, ast.Assert)):
            barred += [*ast.iter_child_nodes(node), node]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            barred += [node, node.value]
        if isinstance(node, (ast.If, ast.While, ast.IfExp)):
            node.test.is_test = True  # type: ignore[attr-defined]
        for each in filter(None, barred):
            skipped.update(ast.walk(each))
    return {
        i: n for i, n in enumerate(ast.walk(function)) if n not in skipped and hasattr(n, "lineno")
    }


def changes(function: Function, kind: str) -> dict[int, ast.AST]:
    found = {i: KINDS[kind](copy.deepcopy(n)) for i, n in places(function).items()}
    return {i: n for i, n in found.items() if n is not None}


def draw(top: Path, count: int, seed: int) -> list[Mutant]:
    chance = random.Random(seed)
    all_functions = [
        (path.relative_to(top).as_posix(), text, name, node)
        for path in sources(top)
        for text in [path.read_text(encoding="utf-8")]
        for name, node in functions(ast.parse(text))
    ]
    drawn: dict[tuple[str, str, str, int], Mutant] = {}
    while len(drawn) < count:
        file, text, name, function = chance.choice(all_functions)
        kind = chance.choice(list(KINDS))
        if not (found := changes(function, kind)):
            continue
        number = chance.choice(sorted(found))
        node = list(ast.walk(function))[number]
        before = ast.get_source_segment(text, node) or ""
        mutant = Mutant(file, name, node.lineno, kind, number, before, ast.unparse(found[number]))
        drawn.setdefault((file, name, kind, number), mutant)
    return list(drawn.values())


def mutated(text: str, mutant: Mutant) -> str:
    """TEXT with nothing changed but the place of the mutant; as it was, if that is not there."""
    function = dict(functions(ast.parse(text))).get(mutant.function)
    node = dict(enumerate(ast.walk(function) if function else ())).get(mutant.node)
    if node is None or ast.get_source_segment(text, node) != mutant.before:
        return text
    new = ast.unparse(changes(function, mutant.kind)[mutant.node])
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    first, last = node.lineno - 1, node.end_lineno - 1
    head, tail = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
    new = f"({new})" if isinstance(node, ast.expr) else new
    lines[first : last + 1] = [head + new.encode() + tail]
    return b"".join(lines).decode()


# -- running ---------------------------------------------------------------------------------------


class Copy:
    """A copy of the tree that lies, for those who run in it, where the tree lies."""

    def __init__(self, scratch: Path, top: Path) -> None:
        self._top, self.tree, self.tmp = top, scratch / "tree", scratch / "tmp"
        self._clock = time.time()
        self.renew()

    def renew(self) -> None:
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.copytree(
            self._top, self.tree, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".*_cache")
        )
        (self.tree / ".venv").mkdir()
        self.at_first = self.differences()

    def differences(self) -> bytes:
        told = ["git", "diff", "HEAD"]
        return subprocess.run(told, cwd=self.tree, stdout=subprocess.PIPE, check=False).stdout

    def write(self, file: str, text: str) -> None:
        """With a time of its own, by which Python knows that what it compiled is old."""
        self._clock += 2
        (self.tree / file).write_text(text, encoding="utf-8")
        os.utime(self.tree / file, (self._clock, self._clock))

    def run(self, command: list[str], limit_s: float, **environment: str) -> tuple[int | None, str]:
        """Status (None: out of time) and output."""
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.tmp.mkdir(exist_ok=True)
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
        alone += [] if os.geteuid() == 0 else ["--map-root-user"]
        places = [str(self._top), str(self.tree), str(self.tmp)]
        command = [*alone, "sh", "-c", ALONE, "sh", *places, *command]
        environment = {**os.environ, "TMPDIR": "/tmp", **environment}
        with tempfile.TemporaryFile() as said:
            try:
                status: int | None = subprocess.run(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    timeout=limit_s,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                status = None
            said.seek(0)
            return status, said.read().decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Map:
    """tests: function -> those that run it, the fastest first.  seconds: of each test."""

    tests: dict[str, list[str]]
    seconds: dict[str, float]

    @classmethod
    def read(cls, path: Path, there: set[str]) -> Map:
        """there: the names of the tests that still exist."""
        said = json.loads(path.read_text(encoding="utf-8"))
        tests = {name: [t for t in ts if t in there] for name, ts in said["tests"].items()}
        return cls(tests, said["seconds"])

    def of(self, mutant: Mutant) -> list[str]:
        """One of each parametrized test first, then its variants.

        Of a function that few run, then those of its namesakes elsewhere (it was moved since), of
        its file, of its room.
        """
        found = self.tests.get(f"{mutant.file}:{mutant.function}", [])
        room = Path(mutant.file).parent.as_posix()
        for near in (f":{mutant.function} ", f"{mutant.file}:", f"{room}/"):
            if len(found) < FEW:
                beside = {t for name, ts in self.tests.items() if near in f"{name} " for t in ts}
                found = found + sorted(beside - set(found), key=self.seconds.__getitem__)
        heads = list({name.split("[")[0]: name for name in reversed(found)}.values())[::-1]
        return [*heads, *(name for name in found if name not in set(heads))]


def judge(place: Copy, mutant: Mutant, known: Map, most_s: float) -> dict[str, Any]:
    """What became of it: killed, timeout, survived; open if tests of MOST_S seconds were not all."""
    started = time.monotonic()
    every = known.of(mutant)
    spent = list(accumulate(known.seconds[name] for name in every))
    tests = [name for name, until in zip(every, spent, strict=True) if until <= most_s] or every[:1]
    path = place.tree / mutant.file
    original = path.read_text(encoding="utf-8") if path.exists() else ""
    if (changed := mutated(original, mutant)) == original:
        return {**asdict(mutant), "fate": "gone", "killer": "", "asked": 0, "took_s": 0.0}
    place.write(mutant.file, changed)
    fate, killer = ("survived" if tests == every else "open"), ""
    for part in filter(None, (tests[:FIRST], tests[FIRST:])):
        limit_s = 60 + 10 * sum(known.seconds[name] for name in part)
        status, said = place.run([*PYTEST, "-x", *part], limit_s, **BARE)
        if status == NAMES_ARE_GONE:  # or what every test imports is broken
            files = {name.split("::")[0] for name in part}
            status, said = place.run([*PYTEST, "-x", *sorted(files)], 4 * limit_s, **BARE)
        if status != 0:
            fate = "timeout" if status is None else "killed"
            ends = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
            killer = (ends or [said[-300:]])[0]
            break
    place.write(mutant.file, original)
    if place.differences() != place.at_first:  # it wrote, or removed, what is not its own
        place.renew()
    took_s = round(time.monotonic() - started, 1)
    return {**asdict(mutant), "fate": fate, "killer": killer, "asked": len(tests), "took_s": took_s}


# -- doors -----------------------------------------------------------------------------------------


def make_map(options: argparse.Namespace) -> None:
    """Called again, for other tests, it adds to what is known."""
    scratch, out = options.scratch / "map", options.map
    place, now = Copy(scratch, ROOT), Path("/tmp/now")
    numbers: dict[str, int] = {}
    for path in sources(place.tree):
        file = path.relative_to(place.tree).as_posix()

        def number_of(name: str, file: str = file) -> int:
            return numbers.setdefault(f"{file}:{name}", len(numbers))

        place.write(file, instrumented(path.read_text(encoding="utf-8"), number_of, now))
    start = f'mkdir {now}; WHO_RUNS_FOLDER={now} exec "$@"'
    command = ["sh", "-c", start, "sh", *PYTEST, "-p", "benchmarks.who_runs_what", *options.pytest]
    sys.stdout.write(place.run(command, 7200)[1][-5000:])
    found = gathered(place.tmp / "now", numbers)
    if out.exists():
        old = json.loads(out.read_text())
        found["seconds"].update(old["seconds"])
        for name, tests in found["tests"].items():
            tests[:] = sorted(
                {*tests, *old["tests"].get(name, [])}, key=found["seconds"].__getitem__
            )
    out.write_text(json.dumps(found))


def run(options: argparse.Namespace) -> None:
    copies = [Copy(options.scratch / str(n), ROOT) for n in range(options.jobs)]
    collected = copies[0].run([*PYTEST, "--collect-only", "tests"], 600)[1].splitlines()
    known = Map.read(options.map, set(collected))
    fates: dict[Mutant, dict[str, Any]] = {}
    if options.out.exists():
        fates = {mutant_of(said): said for said in map(json.loads, options.out.open())}
    if options.again:
        mutants = [m for m in fates if fates[m]["fate"] not in ("killed", "timeout")]
    else:
        mutants = [m for m in draw(ROOT, options.count, options.seed) if m not in fates]
    free: Queue[Copy] = Queue()
    for each in copies:
        free.put(each)

    def judged(mutant: Mutant) -> dict[str, Any]:
        place = free.get()
        try:
            return judge(place, mutant, known, options.most)
        finally:
            free.put(place)

    with ThreadPoolExecutor(options.jobs) as pool, options.out.open("a") as out:
        for done in as_completed([pool.submit(judged, mutant) for mutant in mutants]):
            said = done.result()
            fates[mutant_of(said)] = said
            out.write(json.dumps(said) + "\n")
            out.flush()
            sys.stdout.write("{fate} {file}:{line} {function} {kind} {took_s} s\n".format(**said))
            sys.stdout.flush()
        for mutant, said in convicted_by_the_guilty(fates, copies[0]).items():
            fates[mutant] = said
            out.write(json.dumps(said) + "\n")
    sys.stdout.write(f"{dict(Counter(said['fate'] for said in fates.values()))}\n")


def convicted_by_the_guilty(
    fates: dict[Mutant, dict[str, Any]], place: Copy
) -> dict[Mutant, dict[str, Any]]:
    """Mutants killed by tests that fail for the tree as it is, too: `--again` asks the others."""
    killers = {m: said["killer"].split(" ", 1)[-1].split(" - ")[0] for m, said in fates.items()}
    names = sorted({name for name in killers.values() if "::" in name})
    said = place.run([*PYTEST, *names], 7200, **BARE)[1].splitlines() if names else []
    guilty = {line.split(" ", 1)[1].split(" - ")[0] for line in said if line.startswith("FAILED")}
    return {m: {**fates[m], "fate": "unsure"} for m, name in killers.items() if name in guilty}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    doors = parser.add_subparsers(required=True)
    for door, words in ((make_map, "which test runs which function"), (run, "kill mutants")):
        its = doors.add_parser("map" if door is make_map else "run", help=words)
        its.set_defaults(door=door)
        its.add_argument("--map", type=Path, default=Path("map.json"))
        its.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir(), "mutation"))
        if door is run:
            its.add_argument("--out", type=Path, default=Path("results.jsonl"))
            its.add_argument("--count", type=int, default=300)
            its.add_argument("--seed", type=int, default=1)
            its.add_argument("--jobs", type=int, default=2)
            its.add_argument("--again", action="store_true", help="only who survived, by --out")
            its.add_argument("--most", type=float, default=1e9, help="seconds of tests per mutant")
        else:
            its.add_argument("pytest", nargs="*", default=["tests"], help="what pytest is told")
    options = parser.parse_args()
    options.door(options)


if __name__ == "__main__":
    main()
