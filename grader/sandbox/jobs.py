"""Exactly what one run will hold, and the key that says so."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import StudentError
from grader.lessons.lesson import Lesson, parent_packages
from grader.lessons.memo import LessonMemo, Package, digest
from grader.rules import parts
from grader.rules.course import Module

WORKER = Path(__file__).parent / "worker"
MODULE_WORKER = "checks.py"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. The wall clock is the judge's; the rest the kernel enforces."""

    wall_s: float = 20.0
    cpu_s: int = 10
    memory_mb: int = 2048
    output_mb: int = 64  # printed more: stopped
    file_mb: int = 8  # the largest file it may write
    scratch_mb: int = 64  # all its files together; looked at now and then
    processes: int = 64  # it and what it started; looked at now and then
    report_mb: int = 4  # what it may tell the judge, all messages together


@dataclass(frozen=True, slots=True)
class Job:
    """files: what lies in the worker's directory, path -> text.
    program: what the worker is told, JSON.  expected: the checks that must report, in order.
    titles: check -> what the student reads.
    payload: arrays that the worker is handed beside the program (grader.sandbox.worker.arrays).
    sealed: more of them by name, each handed over when the worker asks for it, and not before.
    """

    subject: str
    worker: str  # the script in grader/sandbox/worker/ that runs it
    files: Mapping[str, str]
    program: Mapping[str, Any]
    expected: tuple[str, ...]
    key: str
    titles: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    payload: bytes = field(default=b"", repr=False)
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def make(
    subject: str,
    worker: str,
    files: Mapping[str, str],
    program: Mapping[str, Any],
    expected: Sequence[str],
    *,
    identity: Any = None,
    titles: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Job:
    """A Job and its key.

    identity: what the key is made from instead of PROGRAM, when the program holds what cannot
    change an outcome (line numbers).
    """
    limits = limits or Limits()
    key = key_of(
        subject, worker, files, program if identity is None else identity, expected, limits
    )
    return Job(subject, worker, files, program, tuple(expected), key, titles or {}, limits)


def key_of(
    subject: str,
    worker: str,
    files: Mapping[str, str],
    identity: Any,
    expected: Sequence[str],
    limits: Limits,
) -> str:
    """Of exactly what runs: sources, checks, limits, all that judges, NumPy, Python."""
    content = [
        subject,
        worker,
        sorted((path, _digest(files, path)) for path in files),
        identity,
        list(expected),
        [limits.cpu_s, limits.memory_mb],
        parts.digest(),
        numpy_version(),
        sys.version_info[:2],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digest(files: Mapping[str, str], path: str) -> str:
    return files.digest(path) if isinstance(files, Package) else digest(files[path])


def module_key(module: Module, memo: LessonMemo, trusted: LessonMemo, files: Package) -> str:
    """The key that for_module() gives the same job, without parsing a lesson.

    files: the package of the modules it needs, with the folders that the lesson itself goes to.
    """
    expected = [c.name for c in trusted.checks]
    identity = [memo.digest, trusted.digest]
    return key_of(module.id, MODULE_WORKER, files, identity, expected, Limits())


def for_module(module: Module, lesson: Lesson, trusted: Lesson, package: Mapping[str, str]) -> Job:
    """The inline tests of one module.

    lesson: the student's.  trusted: where the tests are read from.  package: tinytorch/ as the
    modules export it that this one needs, path -> text.
    """
    cells = [
        {"file": lesson.path, "line": c.line, "source": c.source, "role": "code"}
        for c in lesson.export_cells
    ] + [
        {"file": trusted.path, "line": c.line, "source": c.source, "role": "check"}
        for c in trusted.check_cells
    ]
    checks = trusted.checks
    return make(
        module.id,
        MODULE_WORKER,
        {**package, **parent_packages(lesson)},
        {"module": lesson.module_name, "cells": cells},
        [c.name for c in checks],
        identity=[lesson.digest(), trusted.digest()],
        titles={c.name: c.title for c in checks},
    )


@functools.cache
def site_directories() -> tuple[str, ...]:
    """Where the packages of this interpreter are, NumPy among them."""
    return tuple(p for p in sys.path if Path(p).name in ("site-packages", "dist-packages"))


@functools.cache
def numpy_version() -> str:
    """The text of numpy/version.py: importing NumPy to ask would cost more than the whole hook."""
    for directory in site_directories():
        version = Path(directory) / "numpy" / "version.py"
        if version.is_file():
            return hashlib.sha256(version.read_bytes()).hexdigest()
    raise StudentError(
        f"NumPy is not installed for {sys.executable}.", hint="make setup (or: pip install numpy)"
    )
