"""Libraries that are right in another way pass every probe and every milestone."""

from __future__ import annotations

import pytest

from tests.mutants import oracles
from tests.mutants.libraries import LIBRARIES


@pytest.mark.parametrize(
    "name",
    ["a second solution", pytest.param("a second solution in 64 bits", marks=pytest.mark.thorough)],
)
def test_a_right_library_passes_all_probes_and_the_first_milestones(name):
    _assert_passes(name, 1, oracles.COURSE.milestones[:3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LIBRARIES)
def test_every_right_library_passes_everything(name, seed):
    _assert_passes(name, seed, oracles.COURSE.milestones)


def _assert_passes(name, seed, milestones):
    parts = oracles.questions([m.id for m in oracles.COURSE.modules], seed)
    parts += oracles.trainings(milestones, seed, LIBRARIES[name])
    asked = oracles.ask(parts, LIBRARIES[name])
    assert {a.part.id: a.failing for a in asked} == {a.part.id: [] for a in asked}
    assert [a.evidence.flag for a in asked if a.evidence.flag] == []
