"""The lessons as a student meets them: enough to write, and a test that asks for each of it."""

from __future__ import annotations

import pytest

from grader.grading.engine import Engine
from grader.grading.ledgers.memory import MemoryLedger
from grader.lessons.lesson import parse
from grader.sandbox.process import ProcessSandbox
from grader.sources.snapshots import Entry, Snapshot, blob_id, of_working_tree
from grader.verdicts import verdicts as engines
from grader.verdicts.facts import Outcome
from grader.verdicts.verdicts import MilestoneState
from tests.lessons import reference
from tests.tiers import sampled
from tito import hints

IDS = [module.id for module in reference.COURSE.modules]
EACH_MODULE = sampled(IDS, every=len(IDS), thorough=1)
REGIONS = reference.regions()


def _marks(region):
    """One region of each module is thorough, one of the first module runs always."""
    if region == REGIONS[0]:
        return ()
    return (pytest.mark.slow if region[1] else pytest.mark.thorough,)


@pytest.mark.parametrize("module_id", EACH_MODULE)
def test_the_reference_solution_passes_every_test(module_id):
    checks = reference.run(module_id, reference.lesson(module_id).text)
    assert reference.failing(checks) == []


@pytest.mark.parametrize("module_id", EACH_MODULE)
def test_everything_on_a_starter_is_to_do(module_id):
    checks = reference.run(module_id, reference.lesson(module_id).starter())
    assert {check.outcome for check in checks} == {Outcome.TODO}


@pytest.mark.parametrize("module_id", EACH_MODULE)
def test_whoever_asks_twice_is_told_more(module_id):
    """First what the function has to do, by the name that finds it; then how to go about it."""
    starter = parse(reference.lesson(module_id).starter(), reference.lesson(module_id).path)
    for check in reference.run(module_id, starter.text):
        first, *more = hints.steps(starter, check)
        asked_for = check.message.removeprefix("write ").partition("(")[0]
        assert first.startswith(f"What {asked_for}() has to do:")
        assert more, f"{check.name}: {asked_for}() has no Hint: in its docstring"
        assert all(step.startswith(f"In {asked_for}(): ") for step in more)


@pytest.mark.parametrize(
    ("module_id", "number"),
    [
        pytest.param(*region, id=f"{region[0]}-{region[1]}", marks=_marks(region))
        for region in REGIONS
    ],
)
def test_taking_out_any_function_fails_a_test_and_every_milestone_that_needs_it(module_id, number):
    """Nothing stands in for what the student wrote."""
    text = reference.without_solution(module_id, number)
    engine = Engine(reference.COURSE, MemoryLedger(), ProcessSandbox())
    snapshot = _with(reference.COURSE.module(module_id).path, text)
    verdict = engine.test(snapshot, reference.COURSE.module(module_id))
    assert verdict.failures
    needing = [m for m in reference.COURSE.milestones if module_id in m.needs]
    states = {engine.verify(snapshot, milestone).state for milestone in needing}
    assert states == {MilestoneState.LOCKED}


def _with(path, text):
    """The working tree with one file changed."""
    real = of_working_tree(reference.ROOT)
    changed = text.encode()

    def read(paths):
        return {p: changed if p == path else real.reader([p])[p] for p in paths}

    return Snapshot("changed", {**real.entries, path: Entry("100644", blob_id(changed))}, read)


def test_the_tracked_package_is_what_the_lessons_export():
    standing = Engine(reference.COURSE, MemoryLedger(), ProcessSandbox()).grade(
        of_working_tree(reference.ROOT)
    )
    assert engines.plan_exports(standing).empty
    assert len(standing.complete) == len(IDS)


@pytest.mark.parametrize("module_id", IDS)
def test_a_lesson_opens_as_a_notebook_and_comes_back_unchanged(module_id):
    jupytext = pytest.importorskip("jupytext", reason="jupytext is in the dev packages")
    text = reference.lesson(module_id).text
    notebook = jupytext.reads(text, fmt="py:percent")
    back = jupytext.writes(notebook, fmt="py:percent")
    assert {cell.cell_type for cell in notebook.cells} == {"markdown", "code"}
    assert back.split("# ---\n", 2)[2].strip() == text.split("# ---\n", 2)[2].strip()
