# Generated from modules/04_training/training.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["same_shape", "mse_loss", "MSELoss", "clip_probability", "binary_cross_entropy", "binary_cross_entropy_gradient", "BinaryCrossEntropyLoss", "label_array", "cross_entropy", "cross_entropy_gradient", "CrossEntropyLoss", "move", "Optimizer", "SGD", "Adam", "TensorDataset", "DataLoader"]


#| export
import numpy as np

from tinytorch.core.autograd import gradient_of
from tinytorch.core.nn import Module
from tinytorch.core.setup import one_hot, rng
from tinytorch.core.tensor import Tensor, as_tensor


#| export
def same_shape(prediction, target):
    """Return both as Tensors; ValueError if their shapes differ (broadcasting hides bugs).

    A target that is no Tensor takes the dtype of the prediction: labels that happen to be
    float64 must not turn a float32 training into 64 bits.
    """
    prediction = as_tensor(prediction)
    if not isinstance(target, Tensor):
        target = Tensor(np.asarray(target, dtype=prediction.dtype))
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}")
    return prediction, target


def mse_loss(prediction, target):
    """Return the mean squared error, over all entries.

    prediction, target: Tensors (or arrays) of equal shape; ValueError otherwise.
    Returns a Tensor of shape ().

    Example: mse_loss(Tensor([1, 5]), Tensor([1, 2])) is 4.5.

    Hint: same_shape(...) first; then operations of Tensors, so that the gradient comes by itself.
    """
    prediction, target = same_shape(prediction, target)
    return ((prediction - target) ** 2).mean()


class MSELoss(Module):
    def forward(self, prediction, target):
        return mse_loss(prediction, target)


#| export
def clip_probability(p):
    """Keep p away from 0 and 1 by the smallest step that its dtype can make at 1.

    p: array of floats. Returns an array of the same shape and dtype.

    Hint: np.clip(p, eps, 1 - eps) with eps = np.finfo(p.dtype).eps
    """
    eps = np.finfo(p.dtype).eps
    return np.clip(p, eps, 1 - eps)


def binary_cross_entropy(probability, target):
    """Return the mean surprise of a network with one output, in nats.

    probability: Tensor of any shape, entries in [0, 1]. target: same shape, 0 or 1; ValueError
    if the shapes differ.
    Returns a Tensor of shape (), operation "binary_cross_entropy", with target saved as an array.

    Example: binary_cross_entropy(Tensor([0.5]), Tensor([1])) is 0.6931.

    Hint: 1. same_shape(...), then arrays: p = clip_probability(probability.data), y = target.data
          2. losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))
          3. Tensor.make(losses.mean(), (probability,), "binary_cross_entropy", target=y)
    """
    probability, target = same_shape(probability, target)
    p, y = clip_probability(probability.data), target.data
    losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return Tensor.make(losses.mean(), (probability,), "binary_cross_entropy", target=y)


@gradient_of("binary_cross_entropy")
def binary_cross_entropy_gradient(grad, out, probability, target):
    """Gradient rule of binary_cross_entropy. Returns (gradient for probability,).

    grad: array of shape (). target: array.

    Hint: grad * (p - target) / (p * (1 - p)) / n, with p clipped and n its number of entries.
    """
    p = clip_probability(probability.data)
    return (grad * (p - target) / (p * (1 - p)) / p.size,)


class BinaryCrossEntropyLoss(Module):
    def forward(self, probability, target):
        """The loss; ValueError for what is no probability, such as a score without its sigmoid."""
        p = as_tensor(probability).data
        outside = p[~((p >= 0) & (p <= 1))]
        if outside.size:
            raise ValueError(f"a probability lies in 0..1, got {outside[0]:.6g}: sigmoid first")
        return binary_cross_entropy(probability, target)


#| export
def label_array(labels, logits):
    """Return labels as (N,) integers; ValueError if they are not whole or logits is not (N, C)."""
    labels = np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"logits {logits.shape} and labels {labels.shape}: want (N, C) and (N,)")
    if not np.all(labels % 1 == 0):
        raise ValueError(f"labels should be whole numbers, got {labels[labels % 1 != 0][0]}")
    return labels.astype(np.int64)


def cross_entropy(logits, labels):
    """Return the mean surprise about the right class, in nats.

    logits: Tensor (N, C), one score per class. labels: (N,) whole numbers in [0, C), a Tensor
    or an array.
    Returns a Tensor of shape (), operation "cross_entropy".

    Example: cross_entropy(Tensor([[0, 0]]), [1]) is log(2) = 0.6931.

    Hint: 1. logits = as_tensor(logits); labels = label_array(labels, logits)
          2. target = one_hot(labels, C), an (N, C) array
          3. log_p as in log_softmax, but with arrays: shift by the row's maximum, subtract the
             logarithm of the row's sum of exponentials.
          4. loss: minus the sum of target * log_p over classes, then the mean over examples
          5. Tensor.make(loss, (logits,), "cross_entropy", log_p=log_p, target=target)
    """
    logits = as_tensor(logits)
    target = one_hot(label_array(labels, logits), logits.shape[1])
    shifted = logits.data - logits.data.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(target * log_p).sum(axis=1).mean()
    return Tensor.make(loss, (logits,), "cross_entropy", log_p=log_p, target=target)


@gradient_of("cross_entropy")
def cross_entropy_gradient(grad, out, logits, log_p, target):
    """Gradient rule of cross_entropy. Returns (gradient for logits,).

    grad: array of shape (). log_p, target: (N, C) arrays.

    Hint: grad * (p - target) / N, where p is np.exp(log_p).
    """
    return (grad * (np.exp(log_p) - target) / len(target),)


class CrossEntropyLoss(Module):
    def forward(self, logits, labels):
        return cross_entropy(logits, labels)


#| export
def move(parameter, step):
    """Replace parameter.data by a new array, step further; the old array is left as it was."""
    parameter.data = np.asarray(parameter.data + step, dtype=parameter.dtype)


class Optimizer:
    """Holds the parameters that step() changes, as a list in self.params."""

    def __init__(self, params, lr):
        if isinstance(params, Tensor) or callable(params):
            raise TypeError("params should be a list of Tensors: net.parameters(), or [w, b]")
        self.params = list(params)
        self.lr = lr
        if not self.params:
            raise ValueError("the optimizer got no parameters")
        for parameter in self.params:
            if not isinstance(parameter, Tensor) or parameter._parents:
                raise TypeError(f"only a Tensor that was not computed can be trained: {parameter!r}")
        if lr < 0:
            raise ValueError(f"lr should not be negative, got {lr}: step() goes downhill already")

    def zero_grad(self):
        """Forget the gradients: set .grad of every parameter to None.

        Call it once per step: backward() adds to what is there.

        Hint: a loop over self.params.
        """
        for parameter in self.params:
            parameter.grad = None


class SGD(Optimizer):
    """Gradient descent, with momentum if momentum > 0. Arithmetic as in PyTorch."""

    def __init__(self, params, lr=1e-3, momentum=0.0):
        super().__init__(params, lr)
        self.momentum = momentum
        self.velocities = [np.zeros_like(parameter.data) for parameter in self.params]

    def step(self):
        """Move every parameter that has a gradient.

        Hint: for i, parameter in enumerate(self.params), skipping those with grad None:
              1. velocity = momentum * old velocity + grad; keep it in self.velocities[i]
              2. move(parameter, -self.lr * velocity)
        """
        for i, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            self.velocities[i] = self.momentum * self.velocities[i] + parameter.grad
            move(parameter, -self.lr * self.velocities[i])


class Adam(Optimizer):
    """Adam, with the arithmetic and defaults of PyTorch.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2014), algorithm 1.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr)
        self.betas = betas
        self.eps = eps
        self.steps = [0 for _ in self.params]
        self.means = [np.zeros_like(parameter.data) for parameter in self.params]
        self.squares = [np.zeros_like(parameter.data) for parameter in self.params]

    def step(self):
        """Move every parameter that has a gradient.

        Hint: for i, parameter in enumerate(self.params), skipping those with grad None:
              1. self.steps[i] counts the steps of this parameter, from 1.
              2. Renew self.means[i] and self.squares[i] by the formulas above.
              3. Divide each by 1 - beta ** steps, into new variables: keep what is stored.
              4. move(parameter, ...), with eps added to the root and not under it.
        """
        beta1, beta2 = self.betas
        for i, parameter in enumerate(self.params):
            grad = parameter.grad
            if grad is None:
                continue
            self.steps[i] += 1
            self.means[i] = beta1 * self.means[i] + (1 - beta1) * grad
            self.squares[i] = beta2 * self.squares[i] + (1 - beta2) * grad**2
            mean = self.means[i] / (1 - beta1 ** self.steps[i])
            square = self.squares[i] / (1 - beta2 ** self.steps[i])
            move(parameter, -self.lr * mean / (np.sqrt(square) + self.eps))


#| export
class TensorDataset:
    """Arrays of equal length, indexed together: dataset[i] is a tuple of Tensors.

    arrays: arrays or Tensors with the same length N of axis 0; ValueError otherwise.
    """

    def __init__(self, *arrays):
        if not arrays:
            raise ValueError("TensorDataset() needs at least one array")
        self.arrays = [np.asarray(array) for array in arrays]
        if len({len(array) for array in self.arrays}) != 1:
            raise ValueError(f"lengths differ: {[len(array) for array in self.arrays]}")

    def __len__(self):
        return len(self.arrays[0])

    def __getitem__(self, index):
        """Return a tuple with the entries at index of each array, as Tensors.

        index: int, slice or array of integers.

        Example: TensorDataset(x, y)[[2, 0]] is (Tensor(x[[2, 0]]), Tensor(y[[2, 0]])).

        Hint: NumPy reads all places at once, array[index]; a tuple, even of a single Tensor.
        """
        return tuple(Tensor(array[index]) for array in self.arrays)


class DataLoader:
    """Cuts a dataset into batches: for inputs, labels in loader: ...

    batch_size: examples per batch; the last one may have fewer. shuffle: new order each epoch.
    seed: for an order of its own that can be repeated; None uses rng() of 00_setup.
    drop_last: leave out the last batch of an epoch if it would be smaller than the others.
    """

    def __init__(self, dataset, batch_size=1, shuffle=False, seed=None, drop_last=False):
        if batch_size < 1:
            raise ValueError(f"batch_size should be 1 or more, got {batch_size}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.generator = None if seed is None else np.random.default_rng(seed)

    def order(self):
        """Return the places of one epoch: (N,) integers, each of 0..N-1 once.

        Hint: np.arange(N) without shuffle; else permutation(N) of self.generator, or of rng()
              if self.generator is None. A generator that goes on gives each epoch a new order.
        """
        if not self.shuffle:
            return np.arange(len(self.dataset))
        generator = rng() if self.generator is None else self.generator
        return generator.permutation(len(self.dataset))

    def __len__(self):
        """Return the number of batches of one epoch, the smaller last one included.

        Example: 10 examples in batches of 4 are 3 batches, and 2 with drop_last.

        Hint: N / batch_size, rounded up: (N + batch_size - 1) // batch_size. With self.drop_last
              rounded down.
        """
        if self.drop_last:
            return len(self.dataset) // self.batch_size
        return (len(self.dataset) + self.batch_size - 1) // self.batch_size

    def __iter__(self):
        """Yield the batches of one epoch, each a tuple of Tensors.

        Hint: 1. order = self.order(), once
              2. len(self) batches start at 0, batch_size, 2 * batch_size, ...:
                 for start in range(0, len(self) * batch_size, batch_size)
              3. yield the dataset at order[start : start + batch_size]. A slice may end beyond
                 the array.
        """
        order = self.order()
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield self.dataset[order[start : start + self.batch_size]]
