"""Every classic bug fails a probe, and the evidence of every milestone that runs the bug.

The inline tests have the same corpus in tests/lessons/test_mutants.py. What probes and evidence
let pass stands in beyond.py, with reasons; a bug listed there that is noticed after all fails here.
"""

from __future__ import annotations

import functools

import pytest

from tests.mutants import beyond, oracles
from tests.tiers import sampled

SAMPLED = sampled(oracles.MUTANTS, every=120, thorough=24)


@functools.cache
def questions(module_id):
    return oracles.questions([module_id])


@functools.cache
def trainings():
    with oracles.short_trainings():
        parts = oracles.trainings(oracles.COURSE.milestones)
    return {part.id: part for part in parts}


@functools.cache
def right():
    """What the reference reports of each training."""
    return {asked.part.id: asked for asked in oracles.ask(list(trainings().values()))}


def test_the_reference_solution_fails_no_probe_and_proves_every_short_training():
    asked = [part for m in oracles.COURSE.modules for part in questions(m.id)]
    assert [found.failing for found in oracles.ask(asked)] == [[]] * len(asked)
    assert [found.unproven for found in right().values()] == [[]] * len(right())


@pytest.mark.parametrize("mutant", SAMPLED, ids=oracles.mutant_id)
def test_every_bug_fails_a_probe(mutant):
    """Of its own module or of a later one."""
    files = oracles.changed(mutant)
    own = oracles.ask(questions(mutant.module), files)[0].failing
    modules = [m for m in oracles.COURSE.modules if mutant.module in m.needs]
    later = [part for m in modules for part in questions(m.id)]
    noticed = bool(own) or any(found.failing for found in oracles.ask(later, files))
    assert noticed is (oracles.mutant_id(mutant) not in beyond.PROBES), mutant.what


@pytest.mark.thorough
@pytest.mark.parametrize("mutant", SAMPLED, ids=oracles.mutant_id)
def test_every_bug_fails_the_evidence_of_the_milestones_that_run_it(mutant):
    """Where a training reports what the right library reports, there is nothing to notice."""
    parts = [trainings()[m.id] for m in oracles.touched(mutant)]
    let_pass = [
        found.part.id
        for found in oracles.ask(parts, oracles.changed(mutant))
        if not found.unproven and not oracles.same_numbers(found, right()[found.part.id])
    ]
    known = beyond.EVIDENCE.get(oracles.mutant_id(mutant), {})
    assert set(let_pass) <= set(known), mutant.what


def test_what_is_let_pass_is_in_the_corpus():
    ids = {oracles.mutant_id(mutant) for mutant in oracles.MUTANTS}
    assert beyond.PROBES.keys() <= ids
    assert beyond.EVIDENCE.keys() <= ids


# Rows of the published list of mutants of which only the description is known, and ours for them.
DESCRIBED = {
    "M14 a second use replaces the gradient of the first": "02-A74",
    "M16 depth-first order": "02-A83",
    "M18 shared parts are walked again and again": "02-A85",
    "M20 a second backward through a shared node is dropped": "02-A79",
    "M28 sub: wrong sign": "02-A95",
    "M34 tanh: 1 - t": "03-A134",
    "M42 transpose: axes instead of their inverse": "02-A118",
    "M44 getitem: buffered +=": "02-A120",
    "M46 sum over an axis of a square matrix": "02-A110",
    "M62 softmax: p * g only": "03-A142",
    "M78 momentum damped": "04-A195",
    "M82 Adam without bias correction": "04-A202",
    "M88 shuffling does not change": "04-A220",
    "M90 inputs and labels shuffled apart": "04-A223",
    "M92 patches in another order": "07-S02",
    "M94 padding ignored": "07-S06",
    "M96 stride ignored": "07-S12",
    "M98 windows overlap and overwrite": "07-S19",
    "M100 frame cut off at the wrong side": "07-S18",
    "M102 bias gradient is a mean": "07-S22",
    "M104 bias not added": "07-S14",
    "M106 every tie gets the whole gradient": "07-S49",
    "M122 multiplied by the root": "12-T01",
    "M124 root of another length": "12-T02",
    "M126 mask after the softmax": "12-T14",
    "M146 mean detached": "12-T39",
    "M150 no residual around attention": "12-T51",
    "M152 no ReLU in the feed-forward network": "12-T59",
    "no_grad not restored after an exception": "02-A92",
    "tensors told apart by value": "02-A86",
    "labels shuffled independently of inputs": "04-A223",
    "scales and shifts made without requires_grad": "12-T46",
}


@pytest.mark.parametrize("number", range(1, 154, 2))
def test_the_published_rows_are_in_the_corpus(number):
    assert f"M{number:02d}" in {mutant.id for mutant in oracles.MUTANTS}


@pytest.mark.parametrize("ours", DESCRIBED.values(), ids=DESCRIBED.keys())
def test_the_described_rows_are_in_the_corpus_and_seen_by_a_probe(ours):
    assert ours in {oracles.mutant_id(mutant) for mutant in oracles.MUTANTS}
    assert ours not in beyond.PROBES
