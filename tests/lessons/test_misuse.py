"""What students write at two in the morning, and what the given parts of the library answer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.library import reference_library

tt = reference_library()


def net():
    return tt.Sequential(tt.Linear(3, 4), tt.Tanh(), tt.Linear(4, 2))


def images(*shape):
    return np.zeros(shape, dtype=np.float32)


MISTAKES = [
    pytest.param(
        lambda: tt.Tensor(None), TypeError, "did a function forget to return", id="no return"
    ),
    pytest.param(
        lambda: tt.Tensor([1.0]) + None, TypeError, "forget to return", id="None as operand"
    ),
    pytest.param(
        lambda: tt.Tensor([1.0]) ** tt.Tensor([2.0]), TypeError, "got Tensor", id="x ** x"
    ),
    pytest.param(
        lambda: tt.Tensor([1.0, 2.0]).backward(), RuntimeError, "no gradient", id="constant"
    ),
    pytest.param(
        lambda: tt.Tensor([1.0, 2.0], requires_grad=True).backward(),
        RuntimeError,
        r"shape \(2,\) needs a gradient",
        id="backward of a vector",
    ),
    pytest.param(lambda: iter(tt.Tensor(1.0)), TypeError, "unsized", id="loop over a number"),
    pytest.param(
        lambda: float(tt.Tensor([1.0, 2.0])), ValueError, "size 1", id="vector as a number"
    ),
    pytest.param(
        lambda: tt.Tensor([1.0, 2.0]).permute(0, 1), IndexError, "out of range", id="missing axis"
    ),
    pytest.param(
        lambda: tt.Sequential([tt.ReLU()]), TypeError, r"Sequential\(a, b\) takes", id="a list"
    ),
    pytest.param(
        lambda: tt.Sequential(tt.ReLU), TypeError, r"such as ReLU\(\)", id="class, not layer"
    ),
    pytest.param(lambda: tt.SGD(net(), lr=0.1), TypeError, r"net.parameters\(\)", id="the net"),
    pytest.param(
        lambda: tt.SGD(net().parameters, lr=0.1), TypeError, r"net.parameters\(\)", id="no call"
    ),
    pytest.param(
        lambda: tt.Adam(tt.Tensor([1.0], requires_grad=True)), TypeError, r"\[w, b\]", id="a tensor"
    ),
    pytest.param(
        lambda: tt.SGD([np.ones(2)], lr=0.1), TypeError, "can be trained: array", id="arrays"
    ),
    pytest.param(
        lambda: tt.SGD([tt.Tensor([1.0], requires_grad=True) * 2], lr=0.1),
        TypeError,
        "not computed",
        id="a result",
    ),
    pytest.param(
        lambda: tt.SGD(tt.ReLU().parameters(), lr=0.1), ValueError, "no parameters", id="nothing"
    ),
    pytest.param(
        lambda: tt.SGD(net().parameters(), lr=-0.1),
        ValueError,
        "goes downhill already",
        id="uphill",
    ),
    pytest.param(
        lambda: tt.mse_loss(tt.Tensor(images(3, 1)), tt.Tensor(images(3))),
        ValueError,
        r"shape \(3, 1\), target \(3,\)",
        id="squared error that would broadcast",
    ),
    pytest.param(
        lambda: tt.BinaryCrossEntropyLoss()(tt.Tensor([2.5]), [1.0]),
        ValueError,
        "got 2.5: sigmoid first",
        id="scores as probabilities",
    ),
    pytest.param(
        lambda: tt.BinaryCrossEntropyLoss()(tt.Tensor([np.nan]), [1.0]),
        ValueError,
        "got nan",
        id="a loss that exploded",
    ),
    pytest.param(
        lambda: tt.CrossEntropyLoss()(tt.Tensor(images(2, 3)), [0, 3]),
        ValueError,
        r"0\.\.2",
        id="label out of range",
    ),
    pytest.param(
        lambda: tt.CrossEntropyLoss()(tt.Tensor(images(2, 3)), [0, 1.5]),
        ValueError,
        "whole numbers, got 1.5",
        id="half a label",
    ),
    pytest.param(
        lambda: tt.CrossEntropyLoss()(tt.Tensor(images(2, 3)), np.eye(3)[:2]),
        ValueError,
        r"want \(N, C\) and \(N,\)",
        id="one-hot labels",
    ),
    pytest.param(
        lambda: tt.TensorDataset(images(3, 2), images(4)),
        ValueError,
        r"lengths differ: \[3, 4\]",
        id="labels missing",
    ),
    pytest.param(lambda: tt.TensorDataset(), ValueError, "at least one array", id="no data"),
    pytest.param(
        lambda: tt.DataLoader(tt.TensorDataset(images(3)), batch_size=0),
        ValueError,
        "1 or more, got 0",
        id="empty batches",
    ),
    pytest.param(
        lambda: tt.Conv2d(1, 2, 3)(images(5, 8, 8)),
        ValueError,
        r"\(N, 1, H, W\), got \(5, 8, 8\)",
        id="images without channels",
    ),
    pytest.param(
        lambda: tt.Conv2d(1, 2, 3)(images(5, 3, 8, 8)),
        ValueError,
        r"\(N, 1, H, W\), got \(5, 3, 8, 8\)",
        id="colour images into a grey layer",
    ),
    pytest.param(
        lambda: tt.MaxPool2d(2)(images(5, 64)), ValueError, r"\(N, C, H, W\)", id="rows of pixels"
    ),
    pytest.param(
        lambda: tt.Conv2d(1, 2, 9)(images(1, 1, 8, 8)),
        ValueError,
        "does not fit",
        id="large window",
    ),
    pytest.param(
        lambda: tt.Embedding(4, 2)([4]), IndexError, r"\[0, 4\)", id="token that is not there"
    ),
    pytest.param(
        lambda: tt.PositionalEncoding(4, 2)(tt.Tensor(images(1, 5, 2))),
        ValueError,
        "does not fit into 4",
        id="long sequence",
    ),
    pytest.param(
        lambda: tt.MultiHeadAttention(6, 4), ValueError, "shared by 4 heads", id="heads left over"
    ),
]


@pytest.mark.parametrize(("mistake", "kind", "words"), MISTAKES)
def test_a_mistake_is_refused_with_its_cause(mistake, kind, words):
    with pytest.raises(kind, match=words):
        mistake()


def test_a_tensor_is_as_true_as_its_number():
    assert [bool(tt.Tensor(x)) for x in (0.0, [0.0], 2.0, [[-1.0]])] == [False, False, True, True]
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tt.Tensor([1.0, 2.0]))


def test_a_tensor_of_one_entry_is_a_number_and_a_longer_one_a_sequence():
    assert float(tt.Tensor([[2.5]])) == 2.5
    assert [row.shape for row in tt.Tensor(images(3, 2))] == [(2,), (2,), (2,)]


def test_layers_of_a_network_are_found_by_their_number():
    made = net()
    assert len(made) == 3
    assert isinstance(made[1], tt.Tanh)
    assert made[-1] is made.layers[2]
    assert [p.shape for p in made[:2].parameters()] == [(4, 3), (4,)]


def test_reductions_and_softmax_take_the_words_of_pytorch_too():
    x = tt.Tensor(np.arange(6.0).reshape(2, 3))
    for name in ("sum", "mean", "max"):
        ours = getattr(x, name)(axis=1, keepdims=True)
        np.testing.assert_array_equal(getattr(x, name)(dim=1, keepdim=True).data, ours.data)
    np.testing.assert_array_equal(tt.Softmax(dim=0)(x).data, tt.Softmax(axis=0)(x).data)


def test_everything_that_the_design_names_comes_from_the_package_itself():
    names = "Tensor no_grad Linear ReLU Sigmoid Tanh Softmax Sequential MSELoss CrossEntropyLoss "
    names += "BinaryCrossEntropyLoss SGD Adam DataLoader TensorDataset Conv2d MaxPool2d Flatten "
    names += "Embedding PositionalEncoding LayerNorm MultiHeadAttention TransformerBlock"
    assert [name for name in names.split() if not hasattr(tt, name)] == []
