"""Named arrays as bytes, in both directions. Nothing is unpickled, nothing is allocated unchecked.

A bundle is

    b"A" | 4 bytes length of the head, big-endian | head, JSON | the arrays, one after the other

where the head is {"kind": text, "arrays": [[name, dtype, shape], ...]} and every array lies in C
order, little-endian. unpack() checks the head against the length of the bytes that are there, and
makes views on them.
"""

from __future__ import annotations

import functools
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MARK = b"A"
MAX_HEAD_BYTES = 64 * 1024
MAX_AXES = 8
MAX_ENTRIES = 2**40  # of one array, its empty axes left out: NumPy cannot even describe more
DTYPES = {"<f4": 4, "<f8": 8, "<i8": 8}
_HEAD = struct.Struct(">cI")

Array = np.ndarray[Any, np.dtype[Any]]


class BadBundle(ValueError):
    """Bytes that are not a bundle. Says what is wrong with them."""


def pack(kind: str, arrays: Mapping[str, Array]) -> bytes:
    """Float and integer arrays of any layout; integers travel as 64 bits."""
    head: list[tuple[str, str, tuple[int, ...]]] = []
    parts: list[bytes] = []
    for name, given in arrays.items():
        array = np.asarray(given)
        if array.dtype.kind in "iub":
            array = array.astype("<i8")
        elif array.dtype.str not in DTYPES:
            raise BadBundle(f"{name} has dtype {array.dtype}, which cannot be sent")
        head.append((name, array.dtype.str, array.shape))
        parts.append(array.tobytes())
    return b"".join([_packed(kind, tuple(head)), *parts])


@functools.lru_cache(maxsize=16)  # the steps of a training all have the same head
def _packed(kind: str, head: tuple[tuple[str, str, tuple[int, ...]], ...]) -> bytes:
    text = json.dumps({"kind": kind, "arrays": head}).encode()
    return _HEAD.pack(MARK, len(text)) + text


@dataclass(frozen=True)
class Head:
    """arrays: name -> its dtype, shape and first byte, counted from the end of the head."""

    kind: str
    arrays: Mapping[str, tuple[str, tuple[int, ...], int]]
    size: int  # of all arrays, in bytes


def head_of(body: bytes) -> tuple[Head, int]:
    """The head of a bundle whose length is right, and where its arrays start. Raises BadBundle."""
    if len(body) < _HEAD.size:
        raise BadBundle("shorter than its own head")
    mark, length = _HEAD.unpack_from(body)
    if mark != MARK or length > MAX_HEAD_BYTES:
        raise BadBundle("no head where a head belongs")
    start = _HEAD.size + length
    head = _head(body[_HEAD.size : start])
    if start + head.size != len(body):
        raise BadBundle(f"announces {head.size} bytes of numbers, holds {len(body) - start}")
    return head, start


def unpack(body: bytes) -> tuple[str, dict[str, Array]]:
    """The kind and the arrays, read-only. Raises BadBundle."""
    head, start = head_of(body)
    arrays = {
        name: np.frombuffer(body, dtype, math.prod(shape), start + offset).reshape(shape)
        for name, (dtype, shape, offset) in head.arrays.items()
    }
    return head.kind, arrays


@functools.lru_cache(maxsize=16)
def _head(text: bytes) -> Head:
    try:
        head = json.loads(text)
        kind, rows = head["kind"], head["arrays"]
        described = [(name, dtype, shape) for name, dtype, shape in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadBundle("its head is not what pack() writes") from None
    names = [name for name, _, _ in described]
    right = (
        isinstance(kind, str)
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names)
        and all(isinstance(dtype, str) and dtype in DTYPES for _, dtype, _ in described)
        and all(isinstance(shape, list) and len(shape) <= MAX_AXES for _, _, shape in described)
        and all(type(n) is int and n >= 0 for _, _, shape in described for n in shape)
        and all(math.prod(n or 1 for n in shape) <= MAX_ENTRIES for _, _, shape in described)
    )
    if not right:
        raise BadBundle("its head names arrays that cannot be")
    arrays = {}
    size = 0
    for name, dtype, shape in described:
        arrays[name] = (dtype, tuple(shape), size)
        size += DTYPES[dtype] * math.prod(shape)
    return Head(kind, arrays, size)
