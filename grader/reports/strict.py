"""JSON from strangers: parsed strictly, checked key by key, refused with one sentence.

A Check returns a value or raises Refused. It converts nothing: a number that is a bool, a float where
an integer belongs, an unknown or a repeated key is refused. What one program writes and another one
reads is described once, for both ends: by Fields, whose Forms know how a value is written and read.
"""

from __future__ import annotations

import enum
import json
import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from grader.errors import StudentError

E = TypeVar("E", bound=enum.Enum)
Check = Callable[[Any, str], Any]
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


def _such(holds: Callable[[Any], bool], wanted: str) -> Check:
    def checked(value: Any, where: str) -> Any:
        if not holds(value):
            raise _wrong(where, wanted, value)
        return value

    return checked


def matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)
    return _such(lambda v: isinstance(v, str) and compiled.fullmatch(v) is not None, what)


def one_of(*allowed: str) -> Check:
    return _such(lambda v: isinstance(v, str) and v in allowed, f"one of {', '.join(allowed)}")


def integer(least: int, most: int) -> Check:
    return _such(
        lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v <= most,
        f"a whole number from {least} to {most}",
    )


def number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(where, "a number", value)
    if not math.isfinite(value):
        raise _wrong(where, "a finite number", value)
    return value


def number_within(least: float, most: float) -> Check:
    within = _such(lambda v: least <= v <= most, f"a number from {least:g} to {most:g}")
    return lambda value, where: within(number(value, where), where)


boolean = _such(lambda v: isinstance(v, bool), "true or false")
commit = matching("[0-9a-f]{40}|[0-9a-f]{64}", "a commit id")
instant = matching(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|\+00:00)",
    "an instant such as 2026-11-23T12:00:00Z",
)


def _wrong(where: str, wanted: str, value: Any) -> Refused:
    # !a: what it was is shown as ASCII, cut, so that it cannot steer whoever reads the sentence.
    shown = f"{value!a}"
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return Refused(f"{where} should be {wanted}, not {shown}.")


# What one program writes and another one reads


@dataclass(frozen=True, slots=True)
class Form:
    """read: raises Refused, else returns the value as its owner holds it."""

    read: Check
    write: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, slots=True)
class Field:
    """take: the value, of the object that is written; without, its attribute of this name.

    optional: left out of a short document when there is nothing in it.
    """

    name: str
    form: Form
    take: Callable[[Any], Any] | None = None
    optional: bool = False


def written(fields: Iterable[Field], thing: Any, *, short: bool = False) -> dict[str, Any]:
    """The table of THING."""
    table = {}
    for field in fields:
        value = (field.take or operator.attrgetter(field.name))(thing)
        if value or not (short and field.optional):
            table[field.name] = field.form.write(value)
    return table


def read(fields: Iterable[Field], value: Any, where: str) -> dict[str, Any]:
    """Name -> value of a table of exactly these fields. An optional one may be absent."""
    if not isinstance(value, dict):
        raise _wrong(where, "a table", value)
    known = {field.name: field for field in fields}
    if unknown := sorted(value.keys() - known.keys()):
        raise Refused(f"{where}: {unknown[0][:_SHOWN]!a} is not known.")
    values = {}
    for name, field in known.items():
        if name in value:
            values[name] = field.form.read(value[name], f"{where}.{name}")
        elif not field.optional:
            raise Refused(f"{where}: {name!a} is missing.")
    return values


def record(make: Callable[..., Any], *fields: Field) -> Form:
    """A table, read into what MAKE returns for the fields by their names."""
    return Form(
        lambda value, where: make(**read(fields, value, where)),
        lambda thing: written(fields, thing, short=True),
    )


def word(kind: type[E]) -> Form:
    """The value of one of an enum's members."""
    known = one_of(*(member.value for member in kind))
    return Form(lambda value, where: kind(known(value, where)), lambda member: member.value)


def nullable(form: Form) -> Form:
    return Form(
        lambda value, where: None if value is None else form.read(value, where),
        lambda value: None if value is None else form.write(value),
    )


def sequence(form: Form, most: int) -> Form:
    """A list, read into a tuple."""
    items = array(form.read, most)
    return Form(
        lambda value, where: tuple(items(value, where)),
        lambda values: [form.write(value) for value in values],
    )
