"""Losses from tensor operations, optimisers that work in place, batches from lists."""

import numpy as np

from tinytorch.core.nn import Module, log_softmax
from tinytorch.core.setup import rng
from tinytorch.core.tensor import Tensor, result


class MSELoss(Module):
    def forward(self, prediction, target):
        target = target if isinstance(target, Tensor) else Tensor(target)
        if prediction.shape != target.shape:
            raise ValueError("prediction and target differ in shape")
        difference = prediction - target
        return (difference * difference).mean()


class BinaryCrossEntropyLoss(Module):
    def forward(self, probability, target):
        y = np.asarray(target.data if isinstance(target, Tensor) else target, probability.dtype)
        small = np.finfo(probability.dtype).eps
        p = np.minimum(np.maximum(probability.data, small), 1 - small)
        value = -np.where(y > 0.5, np.log(p), np.log1p(-p)).mean()
        slope = np.where(y > 0.5, -1 / p, 1 / (1 - p)) / p.size
        return result(value, (probability, lambda g: g * slope))


class CrossEntropyLoss(Module):
    def forward(self, logits, labels):
        labels = np.asarray(labels.data if isinstance(labels, Tensor) else labels).astype(int)
        picked = log_softmax(logits)[np.arange(len(labels)), labels]
        return -picked.sum() / len(labels)


class Optimizer:
    def __init__(self, params, lr):
        self.params = [*params]
        self.lr = lr

    def zero_grad(self):
        for parameter in self.params:
            parameter.zero_grad()

    def step(self):
        for number, parameter in enumerate(self.params):
            if parameter.grad is not None:
                self.update(number, parameter.data, np.asarray(parameter.grad))


class SGD(Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, lr)
        self.momentum = momentum
        self.velocity = {}

    def update(self, number, values, gradient):
        if number not in self.velocity:
            self.velocity[number] = np.zeros_like(values)
        self.velocity[number] *= self.momentum
        self.velocity[number] += gradient
        values -= (self.lr * self.velocity[number]).astype(values.dtype)


class Adam(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr)
        self.betas, self.eps = betas, eps
        self.state = {}

    def update(self, number, values, gradient):
        """The corrections are folded into the rate and into eps, as some libraries do."""
        m, v, t = self.state.get(number, (0.0, 0.0, 0))
        b1, b2 = self.betas
        t += 1
        m = m + (1 - b1) * (gradient - m)
        v = v + (1 - b2) * (gradient * gradient - v)
        self.state[number] = (m, v, t)
        root = (1 - b2**t) ** 0.5
        rate = self.lr * root / (1 - b1**t)
        values -= (rate * m / (np.sqrt(v) + self.eps * root)).astype(values.dtype)


class TensorDataset:
    def __init__(self, *arrays):
        self.arrays = [a.data if isinstance(a, Tensor) else np.array(a) for a in arrays]
        if any(len(a) != len(self.arrays[0]) for a in self.arrays):
            raise ValueError("lengths differ")

    def __len__(self):
        return len(self.arrays[0])

    def __getitem__(self, index):
        return tuple(Tensor(array[index]) for array in self.arrays)


class DataLoader:
    def __init__(self, dataset, batch_size=1, shuffle=False, seed=None, drop_last=False):
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last = drop_last
        self.random = np.random.RandomState(seed) if seed is not None else None

    def __len__(self):
        count = len(self.dataset)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self):
        left = list(range(len(self.dataset)))
        if self.shuffle:
            (self.random or rng()).shuffle(left)
        for _ in range(len(self)):
            now, left = left[: self.batch_size], left[self.batch_size :]
            yield self.dataset[np.array(now)]
