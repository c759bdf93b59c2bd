"""The milestone of the course."""

from __future__ import annotations


def test_jar_learning(verified, unproven):
    """1202: a guess finds out what is in a jar."""
    problems = unproven(verified("jar"))
    assert not problems, "\n".join(problems)
