"""Libraries that are right, each in another way: nothing may turn them down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.lessons import mutants_a, mutants_b
from tests.mutants import oracles

_HERE = Path(__file__).parent / "second_solution"
_WIDE = ("FLOAT = np.float32", "FLOAT = np.float64")


def _second() -> dict[str, str]:
    return {
        f"tinytorch/core/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(_HERE.glob("[a-z]*.py"))
    }


def _second_double() -> dict[str, str]:
    files = _second()
    source = files["tinytorch/core/setup.py"]
    assert source.count(_WIDE[0]) == 1
    return {**files, "tinytorch/core/setup.py": source.replace(*_WIDE)}


def _changed(*ids: str) -> dict[str, str]:
    """The reference with some of the harmless changes that the tables of mutants hold."""
    known = {oracles.mutant_id(m): m for m in (*mutants_a.MUTANTS, *mutants_b.MUTANTS)}
    files: dict[str, str] = {}
    for mutant_id in ids:
        found = oracles.changed(known[mutant_id])
        assert files.keys().isdisjoint(found)
        files |= found
    return files


LIBRARIES: Mapping[str, dict[str, str]] = {
    "the reference": {},
    "the reference in 64 bits": _changed("00-A01"),
    "an optimiser that works in place": _changed("04-A192"),
    "the last of equal maxima wins": _changed("02-A114", "07-S36"),
    "relu has slope 1 at 0": _changed("03-A132"),
    "gradients in 64 bits": _changed("02-A77"),
    "some results in 64 bits": _changed("07-S17", "11-E15", "12-T04"),
    "a second solution": _second(),
    "a second solution in 64 bits": _second_double(),
}
