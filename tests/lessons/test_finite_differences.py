"""The gradients of the library agree with central differences in float64: an oracle for machines
without PyTorch, over the same table."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.library import reference_library
from tests.lessons.operations import CASES, parameters

tt = reference_library()

STEP = 1e-6  # truncation ~ STEP**2 = 1e-12, rounding ~ 1e-16 / STEP = 1e-10
TOLERANCE = 1e-6


def slopes(function, arrays, cotangent):
    """The gradient of sum(function(arrays) * cotangent), entry by entry."""
    gradients = [np.zeros(array.shape) for array in arrays]
    for array, gradient in zip(arrays, gradients, strict=True):
        for index in np.ndindex(array.shape):
            middle = array[index]
            array[index] = middle + STEP
            up = (function(*arrays) * cotangent).sum()
            array[index] = middle - STEP
            gradient[index] = (up - (function(*arrays) * cotangent).sum()) / (2 * STEP)
            array[index] = middle
    return gradients


@pytest.mark.parametrize("case", parameters(case for case in CASES if case.smooth))
def test_gradients_are_the_slopes_of_the_values(case):
    arrays = case.arrays(np.float64)
    leaves = [tt.Tensor(array.copy(), requires_grad=True) for array in arrays]
    out = case.ours(tt, *leaves)
    cotangent = case.cotangent(out.shape, np.float64)
    out.backward(cotangent)

    def values(*arrays):
        return case.ours(tt, *(tt.Tensor(array) for array in arrays)).data

    for leaf, expected in zip(leaves, slopes(values, arrays, cotangent), strict=True):
        assert leaf.grad.shape == leaf.shape
        np.testing.assert_allclose(leaf.grad, expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_every_gradient_rule_occurs_in_the_table():
    used = set()
    for case in CASES:
        leaves = [tt.Tensor(array, requires_grad=True) for array in case.arrays(np.float32)]
        used |= {node._op for node in tt.topological_order(case.ours(tt, *leaves))}
    assert used - {""} == set(tt.GRADIENTS)


def test_a_graph_of_5000_operations_has_the_right_gradient():
    x = tt.Tensor(np.array([0.5, -1.5]), requires_grad=True)
    y = x
    for _ in range(5000):
        y = y * 0.999
    y.backward(np.array([1.0, 2.0]))
    np.testing.assert_allclose(x.grad, 0.999**5000 * np.array([1.0, 2.0]), rtol=1e-9)


def test_a_tensor_used_5000_times_has_the_sum_of_the_gradients():
    x = tt.Tensor(np.array([0.5, -1.5]), requires_grad=True)
    y = x * 0
    for number in range(5000):
        y = y + x * number
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [5000 * 4999 / 2] * 2, rtol=1e-9)
