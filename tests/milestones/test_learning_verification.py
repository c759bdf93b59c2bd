"""The five milestones: the student's library trains a network, and a judge looks at every step.

    pytest tests/milestones/test_learning_verification.py::test_perceptron_learning -v -s

Each test asserts the four claims of the course: the loss falls, the accuracy is reached, every
parameter receives a gradient, every parameter changes. With -s each prints what was measured.
`tito milestone run perceptron` runs the same verification.
"""

from __future__ import annotations


def test_perceptron_learning(verified, unproven):
    """1957: one neuron separates two clouds of points, with tensors and autograd alone."""
    problems = unproven(verified("perceptron"))
    assert not problems, "\n".join(problems)


def test_xor_learning(verified, unproven):
    """1986: two layers learn XOR, which one layer cannot."""
    problems = unproven(verified("xor"))
    assert not problems, "\n".join(problems)


def test_mlp_digits_learning(verified, unproven):
    """1989: a network reads handwritten digits that it has never seen."""
    problems = unproven(verified("mlp_digits"))
    assert not problems, "\n".join(problems)


def test_cnn_learning(verified, unproven):
    """1998: a convolution reads the same digits with fewer weights."""
    problems = unproven(verified("cnn"))
    assert not problems, "\n".join(problems)


def test_transformer_learning(verified, unproven):
    """2017: attention copies sequences that it has never seen, without a mistake."""
    problems = unproven(verified("transformer"))
    assert not problems, "\n".join(problems)
