"""Every classic bug in the tables is caught by an inline test of its own lesson."""

from __future__ import annotations

import pytest

from tests.lessons import mutants_a, mutants_b, mutants_c, reference
from tests.tiers import sampled

MUTANTS = [*mutants_a.MUTANTS, *mutants_b.MUTANTS, *mutants_c.MUTANTS]


def _id(mutant):
    return f"{mutant.module[:2]}-{mutant.id}"


def test_no_two_mutants_share_an_id():
    assert len({_id(m) for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", sampled(MUTANTS, every=48, thorough=12), ids=_id)
def test_every_classic_bug_is_caught(mutant):
    text = reference.lesson(mutant.module).text
    assert text.count(mutant.old) == mutant.count, f"{mutant.id} no longer fits its lesson"
    checks = reference.run(mutant.module, text.replace(mutant.old, mutant.new))
    assert reference.failing(checks), f"{mutant.id} ({mutant.what}) passes every test"
