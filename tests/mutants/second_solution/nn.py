"""Layers. A bias is a column, a softmax the exponential of a log-softmax by log-sum-exp."""

import numpy as np

from tinytorch.core.setup import uniform
from tinytorch.core.tensor import Tensor, result


def relu(x):
    positive = x.data > 0
    return result(np.where(positive, x.data, 0), (x, lambda g: np.where(positive, g, 0)))


def sigmoid(x):
    s = 0.5 * (1 + np.tanh(0.5 * x.data))
    return result(s, (x, lambda g: g * s * (1 - s)))


def tanh(x):
    t = np.tanh(x.data)
    return result(t, (x, lambda g: g - g * t * t))


def log_sum_exp(array, axis):
    return np.logaddexp.reduce(array, axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    value = x.data - log_sum_exp(x.data, axis)
    p = np.exp(value)
    return result(value, (x, lambda g: g - p * g.sum(axis=axis, keepdims=True)))


def softmax(x, axis=-1):
    return log_softmax(x, axis).exp()


class Module:
    def __call__(self, *inputs, **options):
        return self.forward(*inputs, **options)

    def parameters(self):
        found = []
        collect(self, found)
        return found

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.zero_grad()


def collect(thing, found):
    if isinstance(thing, Tensor):
        if thing.requires_grad and not any(thing is known for known in found):
            found.append(thing)
    elif isinstance(thing, Module):
        for value in thing.__dict__.values():
            collect(value, found)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            collect(value, found)
    elif isinstance(thing, dict):
        for value in thing.values():
            collect(value, found)


class ReLU(Module):
    def forward(self, x):
        return relu(x)


class Sigmoid(Module):
    def forward(self, x):
        return sigmoid(x)


class Tanh(Module):
    def forward(self, x):
        return tanh(x)


class Softmax(Module):
    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return softmax(x, self.axis)


class Linear(Module):
    def __init__(self, in_features, out_features, bias=True):
        limit = (6 / (in_features + out_features)) ** 0.5  # Glorot
        self.bias = Tensor(np.zeros((out_features, 1)), requires_grad=True) if bias else None
        if bias:
            self.bias.data = self.bias.data.astype(uniform((1,), 1.0).dtype)
        self.weight = Tensor(uniform((out_features, in_features), limit), requires_grad=True)

    def forward(self, x):
        x = x if isinstance(x, Tensor) else Tensor(x)
        flat = x.reshape(-1, x.shape[-1])
        y = self.weight @ flat.transpose()
        if self.bias is not None:
            y = y + self.bias
        return y.transpose().reshape(*x.shape[:-1], -1)


class Sequential(Module):
    def __init__(self, *layers):
        self.stages = dict(enumerate(layers))

    def forward(self, x):
        for number in sorted(self.stages):
            x = self.stages[number](x)
        return x
