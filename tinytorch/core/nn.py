# Generated from modules/03_nn/nn.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["relu", "relu_gradient", "sigmoid", "sigmoid_gradient", "tanh", "tanh_gradient", "softmax", "softmax_gradient", "log_softmax", "log_softmax_gradient", "members_of", "parameters_in", "Module", "ReLU", "Sigmoid", "Tanh", "Softmax", "Linear", "Sequential"]


#| export
import numpy as np

from tinytorch.core.autograd import gradient_of
from tinytorch.core.setup import uniform
from tinytorch.core.tensor import Tensor, as_tensor


#| export
def relu(x):
    """Return x where it is positive, 0 elsewhere.

    x: Tensor (or array) of any shape. Returns a Tensor of the same shape.

    Example: relu(Tensor([-1, 2])) is Tensor([0, 2]).

    Hint: 1. x = as_tensor(x), so that arrays will do.
          2. np.maximum compares each entry with 0 and makes a new array.
          3. Tensor.make(data, (x,), "relu")
    """
    x = as_tensor(x)
    return Tensor.make(np.maximum(x.data, 0), (x,), "relu")


@gradient_of("relu")
def relu_gradient(grad, out, x):
    """Gradient rule of out = relu(x). Returns (gradient for x,); at x = 0 it is 0.

    Example: for x = [-1, 2], grad = [5, 5] the result is ([0, 5],).

    Hint: multiply grad by (x.data > 0): True counts as 1.
    """
    return (grad * (x.data > 0),)


def sigmoid(x):
    """Return 1 / (1 + e**-x), without overflow for x of either sign.

    x: Tensor of any shape. Returns a Tensor of the same shape, operation "sigmoid".

    Example: sigmoid(Tensor([0, 1000, -1000])) is Tensor([0.5, 1, 0]).

    Hint: 1. z = np.exp(-np.abs(x.data))
          2. numerator np.where(x.data >= 0, 1, z), denominator 1 + z
    """
    x = as_tensor(x)
    z = np.exp(-np.abs(x.data))
    return Tensor.make(np.where(x.data >= 0, 1, z) / (1 + z), (x,), "sigmoid")


@gradient_of("sigmoid")
def sigmoid_gradient(grad, out, x):
    """Gradient rule of out = sigmoid(x). Returns (gradient for x,).

    Hint: s * (1 - s), where s is the output out.data and not the input.
    """
    return (grad * out.data * (1 - out.data),)


def tanh(x):
    """Return the hyperbolic tangent of each entry: np.tanh, operation "tanh".

    Example: tanh(Tensor([0, 1])) is Tensor([0, 0.7616]).

    Hint: as_tensor and Tensor.make, as in relu(). NumPy's function never overflows.
    """
    x = as_tensor(x)
    return Tensor.make(np.tanh(x.data), (x,), "tanh")


@gradient_of("tanh")
def tanh_gradient(grad, out, x):
    """Gradient rule of out = tanh(x). Returns (gradient for x,).

    Hint: 1 - t**2, where t is the output out.data.
    """
    return (grad * (1 - out.data**2),)


#| export
def softmax(x, axis=-1):
    """Return e**x divided by its sum along axis: probabilities.

    x: Tensor of any shape. axis: the axis of the classes.
    Returns a Tensor of the same shape whose entries add up to 1 along axis.

    Example: softmax(Tensor([0, 0])) is Tensor([0.5, 0.5]).

    Hint: 1. Subtract x.data.max(axis=axis, keepdims=True).
          2. np.exp, then divide by the sum along axis, keepdims=True.
          3. Tensor.make(data, (x,), "softmax", axis=axis)
    """
    x = as_tensor(x)
    powers = np.exp(x.data - x.data.max(axis=axis, keepdims=True))
    data = powers / powers.sum(axis=axis, keepdims=True)
    return Tensor.make(data, (x,), "softmax", axis=axis)


@gradient_of("softmax")
def softmax_gradient(grad, out, x, axis):
    """Gradient rule of out = softmax(x, axis). Returns (gradient for x,).

    Hint: 1. average = the sum of grad * out.data along axis, keepdims=True
          2. out.data * (grad - average)
    """
    average = (grad * out.data).sum(axis=axis, keepdims=True)
    return (out.data * (grad - average),)


def log_softmax(x, axis=-1):
    """Return the logarithm of softmax(x, axis), also where softmax rounds to 0.

    x: Tensor of any shape. Returns a Tensor of the same shape, operation "log_softmax", axis saved.

    Example: log_softmax(Tensor([0, 1000])) is Tensor([-1000, 0]).

    Hint: 1. shifted = x.data minus its maximum along axis
          2. shifted - np.log(the sum of np.exp(shifted) along axis, keepdims=True)
    """
    x = as_tensor(x)
    shifted = x.data - x.data.max(axis=axis, keepdims=True)
    data = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return Tensor.make(data, (x,), "log_softmax", axis=axis)


@gradient_of("log_softmax")
def log_softmax_gradient(grad, out, x, axis):
    """Gradient rule of out = log_softmax(x, axis). Returns (gradient for x,).

    Hint: grad minus p times the sum of grad along axis; p is np.exp(out.data).
    """
    return (grad - np.exp(out.data) * grad.sum(axis=axis, keepdims=True),)


#| export
def members_of(value):
    """Return the list of what value holds: attributes of a Module, elements of a container."""
    if isinstance(value, Module):
        return list(vars(value).values())
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else []


def parameters_in(value):
    """Return the tensors that require a gradient in value, each once, in order of definition.

    value: a Tensor, a Module (its attributes are searched), a list, tuple or dict of these,
        or anything else (which holds no parameters).
    Returns a list of Tensors.

    Example: for a Sequential of two Linear layers: weight, bias, weight, bias.

    Hint: keep a list `waiting`, at first [value], and a set of seen ids. While waiting is not
          empty, pop its last element. Unless its id was seen:
          1. Remember the id.
          2. If it is a Tensor that requires a gradient, it is found.
          3. Extend waiting by reversed(members_of(it)), so that its first member is popped first.
    """
    found, seen, waiting = [], set(), [value]
    while waiting:
        value = waiting.pop()
        if id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, Tensor) and value.requires_grad:
                found.append(value)
            waiting.extend(reversed(members_of(value)))
    return found


class Module:
    """A piece of a network: forward() computes, the attributes hold parameters and modules."""

    def parameters(self):
        """Return the list of all parameters, each once, in order of definition."""
        return parameters_in(self)

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.zero_grad()

    def forward(self, *inputs):
        raise TypeError(f"{type(self).__name__} defines no forward() for {len(inputs)} inputs")

    def __call__(self, *inputs, **options):
        return self.forward(*inputs, **options)


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
    """Softmax along an axis, the last one by default. PyTorch calls it dim; either name will do."""

    def __init__(self, axis=-1, *, dim=None):
        self.axis = axis if dim is None else dim

    def forward(self, x):
        return softmax(x, self.axis)


#| export
class Linear(Module):
    """A linear layer: y = x W^T + b.

    in_features, out_features: numbers of inputs and outputs. bias: with or without b.
    weight: Tensor (out, in). bias: Tensor (out,) or None. Both drawn from +-1 / sqrt(in).
    """

    def __init__(self, in_features, out_features, bias=True):
        """Make self.weight and self.bias.

        Hint: 1. bound = 1 / np.sqrt(in_features)
              2. Tensor(uniform(shape, bound), requires_grad=True), first the weight, then the
                 bias; without bias, self.bias is None.
        """
        bound = 1 / np.sqrt(in_features)
        self.weight = Tensor(uniform((out_features, in_features), bound), requires_grad=True)
        self.bias = None
        if bias:
            self.bias = Tensor(uniform((out_features,), bound), requires_grad=True)

    def forward(self, x):
        """Return x W^T + b.

        x: (..., in). Returns a Tensor (..., out).

        Hint: as_tensor(x) @ self.weight.T, and the bias only if there is one.
        """
        y = as_tensor(x) @ self.weight.T
        if self.bias is None:
            return y
        return y + self.bias


class Sequential(Module):
    """Layers one after the other, each fed with the result of the one before."""

    def __init__(self, *layers):
        for layer in layers:
            if isinstance(layer, type) or not callable(layer):
                raise TypeError(f"Sequential(a, b) takes layers such as ReLU(), got {layer!r}")
        self.layers = list(layers)

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, index):
        """net[0] is the first layer, net[:2] a Sequential of the first two."""
        layers = self.layers[index]
        return Sequential(*layers) if isinstance(index, slice) else layers

    def forward(self, x):
        """Pass x through all layers, first to last.

        Hint: a loop over self.layers; call the layer like a function.
        """
        for layer in self.layers:
            x = layer(x)
        return x
