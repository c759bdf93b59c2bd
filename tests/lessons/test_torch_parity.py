"""The library of the lessons agrees with PyTorch: values, gradients, optimiser steps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.library import reference_library
from tests.lessons.operations import CASES, parameters

torch = pytest.importorskip("torch", reason="PyTorch is an extra: pip install '.[parity]'")
# Two OpenMP threads on two busy cores wait for each other longer than these tests compute.
torch.set_num_threads(1)
tt = reference_library()

# Both libraries round differently: float32 after a dozen operations is good to about 1e-6.
TOLERANCES = [
    pytest.param(np.float32, 1e-4, id="float32"),
    pytest.param(np.float64, 1e-10, id="float64"),
]


def agree(ours, theirs, tolerance):
    expected = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    assert ours.dtype == expected.dtype
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def torch_leaves(arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def our_leaves(arrays):
    return [tt.Tensor(array.copy(), requires_grad=True) for array in arrays]


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("case", parameters(CASES))
def test_values_and_gradients_are_those_of_pytorch(case, dtype, tolerance):
    arrays = case.arrays(dtype)
    ours, theirs = our_leaves(arrays), torch_leaves(arrays)
    out, expected = case.ours(tt, *ours), case.theirs(torch, *theirs)
    agree(out.data, expected, tolerance)
    cotangent = case.cotangent(out.shape, dtype)
    out.backward(cotangent)
    expected.backward(torch.from_numpy(cotangent))
    for mine, right in zip(ours, theirs, strict=True):
        agree(mine.grad, right.grad, tolerance)


@pytest.mark.parametrize("case", parameters(CASES))
def test_inputs_stay_as_they_were(case):
    arrays = case.arrays(np.float32)
    ours = our_leaves(arrays)
    out = case.ours(tt, *ours)
    out.backward(case.cotangent(out.shape, np.float32))
    for mine, before in zip(ours, arrays, strict=True):
        np.testing.assert_array_equal(mine.data, before)


def test_a_graph_of_5000_operations_has_the_gradient_of_pytorch():
    start = np.array([0.5, -1.5], dtype=np.float32)
    (x,), (expected,) = our_leaves([start]), torch_leaves([start])
    y, right = x, expected
    for step in range(2500):
        y, right = y * 0.999 + x * 0.001, right * 0.999 + expected * 0.001
        y, right = (y.exp().log(), right.exp().log()) if step % 500 == 0 else (y, right)
    y.backward(np.array([1.0, 2.0], dtype=np.float32))
    right.backward(torch.tensor([1.0, 2.0]))
    agree(y.data, right, 1e-4)
    agree(x.grad, expected.grad, 1e-4)


def test_two_backward_passes_add_up_in_the_leaves():
    start = np.array([0.5, -1.5, 2.0], dtype=np.float32)
    (x,), (expected,) = our_leaves([start]), torch_leaves([start])
    shared, right = x * x, expected * expected
    (shared * 3).sum().backward()
    (shared.exp()).sum().backward()
    (right * 3).sum().backward(retain_graph=True)
    (right.exp()).sum().backward()
    agree(x.grad, expected.grad, 1e-4)


OPTIMISERS = [
    pytest.param("SGD", {"lr": 0.1}, id="SGD"),
    pytest.param("SGD", {"lr": 0.05, "momentum": 0.9}, id="SGD with momentum"),
    pytest.param("Adam", {}, id="Adam"),
    pytest.param("Adam", {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-3}, id="Adam, other betas"),
]


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize(("name", "options"), OPTIMISERS)
def test_every_step_of_an_optimiser_is_that_of_pytorch(name, options, dtype, tolerance):
    generator = np.random.default_rng(1)
    shapes = [(3, 2), (4,), (1, 1)]
    arrays = [generator.normal(size=shape).astype(dtype) for shape in shapes]
    ours, theirs = our_leaves(arrays), torch_leaves(arrays)
    optimiser = getattr(tt, name)(ours, **{"lr": 1e-3, **options})
    right = getattr(torch.optim, name)(theirs, **{"lr": 1e-3, **options})
    for step in range(12):
        for number, (mine, expected) in enumerate(zip(ours, theirs, strict=True)):
            grad = generator.normal(size=mine.shape).astype(dtype)
            skipped = number == 1 and step % 3 == 0  # a parameter that this step did not use
            mine.grad = None if skipped else grad
            expected.grad = None if skipped else torch.from_numpy(grad.copy())
        optimiser.step()
        right.step()
        for mine, expected in zip(ours, theirs, strict=True):
            agree(mine.data, expected, tolerance)
    optimiser.zero_grad()
    assert [mine.grad for mine in ours] == [None, None, None]


@pytest.mark.parametrize(("name", "options"), OPTIMISERS)
def test_a_network_trains_as_in_pytorch(name, options):
    generator = np.random.default_rng(2)
    x = generator.normal(size=(20, 1, 6, 6)).astype(np.float32)
    labels = generator.integers(0, 3, size=20)
    net = tt.Sequential(
        tt.Conv2d(1, 3, 3, padding=1), tt.ReLU(), tt.MaxPool2d(2), tt.Flatten(), tt.Linear(27, 3)
    )
    functional = torch.nn.functional
    theirs = torch_leaves([parameter.data for parameter in net.parameters()])
    optimiser = getattr(tt, name)(net.parameters(), **{"lr": 1e-3, **options})
    right = getattr(torch.optim, name)(theirs, **{"lr": 1e-3, **options})
    for _ in range(10):
        loss = tt.CrossEntropyLoss()(net(tt.Tensor(x)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        w, b, v, c = theirs
        hidden = torch.relu(functional.conv2d(torch.from_numpy(x), w, b, padding=1))
        scores = functional.linear(functional.max_pool2d(hidden, 2).flatten(1), v, c)
        expected = functional.cross_entropy(scores, torch.from_numpy(labels))
        right.zero_grad()
        expected.backward()
        right.step()
        agree(loss.data, expected, 1e-4)
    for mine, parameter in zip(net.parameters(), theirs, strict=True):
        agree(mine.data, parameter, 1e-3)
