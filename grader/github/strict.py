"""JSON from strangers: parsed strictly, checked key by key, refused with one sentence.

A value is described by a function that returns it or raises Refused. Nothing is converted: a
number that is a bool, a float where an integer belongs, an unknown or a repeated key is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from grader.errors import StudentError

T = TypeVar("T")
Check = Callable[[Any, str], Any]
_HEX = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|\+00:00)\Z")
_SHOWN = 60


class Refused(StudentError):
    """What is wrong with a document, without a word of what it says at length."""


def parse(raw: bytes, what: str, limit: int) -> Any:
    """The value of RAW. Refuses what is too large, no UTF-8, no JSON, or JSON with a second meaning."""
    if len(raw) > limit:
        raise Refused(f"{what} has {len(raw):,} bytes; at most {limit:,} are read.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{what} is not UTF-8.") from None
    try:
        return json.loads(
            text,
            object_pairs_hook=_pairs(what),
            parse_constant=_no_constant(what),
            parse_int=_integer(what),
        )
    except ValueError:
        raise Refused(f"{what} is not JSON.") from None
    except RecursionError:
        raise Refused(f"{what} is nested too deeply.") from None


def _pairs(what: str) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise Refused(f"{what} holds a key twice.")
        return made

    return table


def _no_constant(what: str) -> Callable[[str], Any]:
    def refuse(word: str) -> Any:
        raise Refused(f"{what} holds {word}, which is no JSON number.")

    return refuse


def _integer(what: str) -> Callable[[str], int]:
    def convert(digits: str) -> int:
        if len(digits) > 18:
            raise Refused(f"{what} holds a number of {len(digits)} digits.")
        return int(digits)

    return convert


# What a value may be


def table(value: Any, where: str, checks: Mapping[str, Check]) -> dict[str, Any]:
    """A table with exactly these keys. A check that is optional() may be absent."""
    if not isinstance(value, dict):
        raise _wrong(where, "a table", value)
    unknown = sorted(value.keys() - checks.keys())
    if unknown:
        raise Refused(f"{where}: {unknown[0][:_SHOWN]!a} is not known.")
    read = {}
    for key, check in checks.items():
        if key not in value:
            if getattr(check, "optional", False):
                continue
            raise Refused(f"{where}: {key!a} is missing.")
        read[key] = check(value[key], f"{where}.{key}")
    return read


def optional(check: Check) -> Check:
    def checked(value: Any, where: str) -> Any:
        return check(value, where)

    checked.optional = True  # type: ignore[attr-defined]
    return checked


def nullable(check: Check) -> Check:
    return lambda value, where: None if value is None else check(value, where)


def array(check: Check, most: int) -> Check:
    def checked(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        if len(value) > most:
            raise Refused(f"{where} has {len(value):,} entries; at most {most} are read.")
        return [check(item, f"{where}[{i}]") for i, item in enumerate(value)]

    return checked


def array_of_different(check: Check, most: int) -> Check:
    def checked(value: Any, where: str) -> list[Any]:
        found: list[Any] = array(check, most)(value, where)
        if len(set(found)) != len(found):
            raise Refused(f"{where} names something twice.")
        return found

    return checked


def text(most: int) -> Check:
    def checked(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise _wrong(where, "a text", value)
        if len(value) > most:
            raise Refused(f"{where} has {len(value):,} characters; at most {most} are read.")
        return value

    return checked


def matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def checked(value: Any, where: str) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise _wrong(where, what, value)
        return value

    return checked


def one_of(*allowed: str) -> Check:
    def checked(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _wrong(where, f"one of {', '.join(allowed)}", value)
        return value

    return checked


def integer(least: int, most: int) -> Check:
    def checked(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong(where, f"a whole number from {least} to {most}", value)
        return value

    return checked


def number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(where, "a number", value)
    if not math.isfinite(value):
        raise _wrong(where, "a finite number", value)
    return value


def number_within(least: float, most: float) -> Check:
    def checked(value: Any, where: str) -> float:
        found = number(value, where)
        if not least <= found <= most:
            raise _wrong(where, f"a number from {least:g} to {most:g}", value)
        return found

    return checked


def boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def commit(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _HEX.match(value):
        raise _wrong(where, "a commit id", value)
    return value


def instant(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _INSTANT.match(value):
        raise _wrong(where, "an instant such as 2026-11-23T12:00:00Z", value)
    return value


def _wrong(where: str, wanted: str, value: Any) -> Refused:
    # !a: what it was is shown as ASCII, cut, so that it cannot steer whoever reads the sentence.
    shown = f"{value!a}"
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return Refused(f"{where} should be {wanted}, not {shown}.")
