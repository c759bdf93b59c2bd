"""What a training measured: read back as it was written, or not at all."""

from __future__ import annotations

import json

import pytest

from grader.verdicts.measures import Measures, Parameter

MEASURES = Measures(
    seed=7,
    seconds=0.5,
    loss=(1.0, None, 0.25),
    first_loss=1.0,
    last_loss=0.25,
    loss_fall_percent=75.0,
    accuracy_percent=None,
    gradients=(1, 2),
    updates=(2, 2),
    parameters=(Parameter("w", (2, 1), 0.5, None), Parameter("b", ())),
    beside={"attention": {"weights": [0.5]}},
    tolerance_used={"losses": 0.1},
)


@pytest.mark.parametrize("measures", [MEASURES, Measures()], ids=["all", "nothing"])
def test_what_is_written_is_read_back(measures):
    assert Measures.from_json(json.loads(json.dumps(measures.as_json()))) == measures


def test_what_an_older_or_newer_version_wrote_beside_is_left_out():
    parameter = {"name": "w", "shape": [2], "gradient": 1, "change": 2, "median": 3}
    found = Measures.from_json({"attention": [[1]], "seed": 7, "parameters": [parameter]})
    assert found == Measures(seed=7, parameters=(Parameter("w", (2,), 1, 2),))


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param([], id="a list"),
        pytest.param({"first_loss": "1"}, id="a number as text"),
        pytest.param({"accuracy_percent": True}, id="a truth for a number"),
        pytest.param({"loss": 1.0}, id="one loss"),
        pytest.param({"loss": [[1.0]]}, id="a loss of losses"),
        pytest.param({"gradients": [1]}, id="half a share"),
        pytest.param({"updates": [1, 2.5]}, id="half a parameter"),
        pytest.param({"parameters": [{"shape": [2]}]}, id="no name"),
        pytest.param({"parameters": [3]}, id="no parameter"),
        pytest.param({"beside": 1}, id="nothing beside"),
        pytest.param({"seed": "7"}, id="a seed as text"),
    ],
)
def test_what_was_damaged_is_refused(stored):
    with pytest.raises((TypeError, ValueError)):
        Measures.from_json(stored)


def test_of_each_claim_what_was_measured_is_said_in_a_few_words():
    assert MEASURES.words == {
        "loss": "1 → 0.25 (-75 %)",
        "accuracy": "not finite",
        "gradients": "1 of 2",
        "updates": "2 of 2",
    }
    assert Measures(seed=7, seconds=1.0).words == {}
