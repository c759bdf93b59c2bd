# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Layers: from operations to networks
#
# The perceptron of 1957 is a weighted sum and a threshold. It learns to draw *one* straight line
# between two classes. In 1969 Marvin Minsky and Seymour Papert showed how little that is: no
# single line separates XOR, the four points where the answer is "one or the other, but not both".
#
# The way out is a second layer. Let a first layer draw several lines, bend what comes out of it
# by a non-linear function, and let a second layer combine the pieces. Without the bend it would
# be in vain: two linear layers in a row are one linear layer. And without backpropagation nobody
# knew how to train the first layer; since 1986 we do, and since module 02 your library does.
#
# **What you build.** Five functions that bend (with their gradient rules), the layer `Linear`, the
# chain `Sequential`, and the search that finds all parameters of a network.
#
# **What will be checked.** With this module the milestone *1986 - Backpropagation (XOR)* unlocks:
# a network with one hidden layer of tanh units must get all four points right.

# %%
#| default_exp core.nn

# %%
#| export
import numpy as np

from tinytorch.core.autograd import gradient_of
from tinytorch.core.setup import uniform
from tinytorch.core.tensor import Tensor, as_tensor


# %% [markdown]
# Helpers that the tests of this lesson share.


# %%
def expect(call, got, expected, hint, tolerance=1e-6):
    """Compare a Tensor or array with the expected numbers, shape included; NaN equals nothing."""
    assert got is not None, f"{call} should be an array, got None. {hint}"
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, (
        f"{call} should have shape {expected.shape}, got {got.shape}. {hint}"
    )
    wrong = ~np.isclose(got, expected, rtol=tolerance, atol=tolerance)
    if got.size <= 6:
        assert not wrong.any(), (
            f"{call} should be {np.round(expected, 6).tolist()}, "
            f"got {np.round(got, 6).tolist()}. {hint}"
        )
        return
    at = tuple(int(i) for i in np.unravel_index(wrong.argmax(), got.shape))
    assert not wrong.any(), (
        f"{call} should be {expected[at]:.6g} at index {at}, got {got[at]:.6g}. {hint}"
    )


def check_activation(call, function, formula, x, hint):
    """Compare values with the formula, gradients with its central differences, entry by entry."""
    t = Tensor(x.copy(), requires_grad=True)
    out = function(t)
    expect(f"{call} of {np.round(x, 3).tolist()}", out, formula(x), hint)
    expect(f"the data of x after {call}", t, x, "Hint: make a new array, never change x.data.")
    grad = np.random.default_rng(7).standard_normal(x.shape)
    (out * 1.0).backward(grad)
    step = 1e-5  # truncation ~ step**2 = 1e-10, rounding ~ 1e-16 / step = 1e-11
    expected = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        expected[index] = np.sum(grad * (formula(up) - formula(down))) / (2 * step)
    expect(f"x.grad of {call}", t.grad, expected, hint)
    expect(f"{call} of an array", function(x.copy()), formula(x), "Hint: x = as_tensor(x).")
    single = function(Tensor(x.astype(np.float32)))
    assert single.dtype == np.float32, (
        f"{call} of float32 should stay float32, got {single.dtype}. "
        "Hint: keep float64 arrays out of the formula."
    )


# %% [markdown]
# ## 1. Three functions that bend
#
# | name | formula | range | derivative |
# |---|---|---|---|
# | ReLU | $\max(0, x)$ | 0 and up | 1 where $x > 0$, else 0 |
# | sigmoid | $1 / (1 + e^{-x})$ | 0 to 1 | $s\,(1 - s)$ |
# | tanh | $(e^x - e^{-x}) / (e^x + e^{-x})$ | -1 to 1 | $1 - t^2$ |
#
# In the derivatives, $s$ and $t$ are the *outputs*. The rule gets them for free: `out.data`.
#
# **Why the sigmoid takes two formulas.** $e^{1000}$ is too large for any float. With
# $1 / (1 + e^{-x})$ that happens at $x = -1000$. For negative $x$ use the same value written
# differently, $e^{x} / (1 + e^{x})$. Both are one formula in $z = e^{-|x|}$, which is never larger
# than 1: the numerator is 1 for $x \ge 0$ and $z$ for $x < 0$, and the denominator is $1 + z$.


# %%
#| export
def relu(x):
    """Return x where it is positive, 0 elsewhere.

    x: Tensor (or array) of any shape. Returns a Tensor of the same shape.

    Example: relu(Tensor([-1, 2])) is Tensor([0, 2]).

    Hint: 1. x = as_tensor(x), so that arrays will do.
          2. np.maximum compares each entry with 0 and makes a new array.
          3. Tensor.make(data, (x,), "relu")
    """
    ### BEGIN SOLUTION
    x = as_tensor(x)
    return Tensor.make(np.maximum(x.data, 0), (x,), "relu")
    ### END SOLUTION


@gradient_of("relu")
def relu_gradient(grad, out, x):
    """Gradient rule of out = relu(x). Returns (gradient for x,); at x = 0 it is 0.

    Example: for x = [-1, 2], grad = [5, 5] the result is ([0, 5],).

    Hint: multiply grad by (x.data > 0): True counts as 1.
    """
    ### BEGIN SOLUTION
    return (grad * (x.data > 0),)
    ### END SOLUTION


def sigmoid(x):
    """Return 1 / (1 + e**-x), without overflow for x of either sign.

    x: Tensor of any shape. Returns a Tensor of the same shape, operation "sigmoid".

    Example: sigmoid(Tensor([0, 1000, -1000])) is Tensor([0.5, 1, 0]).

    Hint: 1. z = np.exp(-np.abs(x.data))
          2. numerator np.where(x.data >= 0, 1, z), denominator 1 + z
    """
    ### BEGIN SOLUTION
    x = as_tensor(x)
    z = np.exp(-np.abs(x.data))
    return Tensor.make(np.where(x.data >= 0, 1, z) / (1 + z), (x,), "sigmoid")
    ### END SOLUTION


@gradient_of("sigmoid")
def sigmoid_gradient(grad, out, x):
    """Gradient rule of out = sigmoid(x). Returns (gradient for x,).

    Hint: s * (1 - s), where s is the output out.data and not the input.
    """
    ### BEGIN SOLUTION
    return (grad * out.data * (1 - out.data),)
    ### END SOLUTION


def tanh(x):
    """Return the hyperbolic tangent of each entry: np.tanh, operation "tanh".

    Example: tanh(Tensor([0, 1])) is Tensor([0, 0.7616]).

    Hint: as_tensor and Tensor.make, as in relu(). NumPy's function never overflows.
    """
    ### BEGIN SOLUTION
    x = as_tensor(x)
    return Tensor.make(np.tanh(x.data), (x,), "tanh")
    ### END SOLUTION


@gradient_of("tanh")
def tanh_gradient(grad, out, x):
    """Gradient rule of out = tanh(x). Returns (gradient for x,).

    Hint: 1 - t**2, where t is the output out.data.
    """
    ### BEGIN SOLUTION
    return (grad * (1 - out.data**2),)
    ### END SOLUTION


# %%
SAMPLE = np.array([[-2.0, -0.5, 0.25], [1.0, 3.0, -1.5]])


def test_relu_values():
    """relu() keeps what is positive and makes the rest 0, in a new array."""
    hint = "Hint: np.maximum(x.data, 0)."
    x = Tensor(SAMPLE.copy())
    expect("relu(x)", relu(x), [[0, 0, 0.25], [1, 3, 0]], hint)
    expect("relu(100)", relu(Tensor([100.0])), [100.0], hint)
    expect("x after relu(x)", x, SAMPLE, "Hint: do not write into x.data.")
    assert relu(Tensor([-1.0])).dtype == np.float32, (
        f"relu of float32 should stay float32, got {relu(Tensor([-1.0])).dtype}. {hint}"
    )


def test_relu_gradient():
    """The gradient of relu() passes where the input is positive, and is 0 at 0."""
    hint = "Hint: grad * (x.data > 0)."
    check_activation("relu(x)", relu, lambda a: a * (a > 0), SAMPLE, hint)
    x = Tensor([0.0, 1.0, -1.0, 100.0], requires_grad=True)
    relu(x).backward([5.0, 5.0, 5.0, 5.0])
    expect("x.grad of relu(x) at [0, 1, -1, 100], grad 5", x.grad, [0, 5, 0, 5], hint)


def test_sigmoid_values():
    """sigmoid() is 1 / (1 + e**-x)."""
    hint = "Hint: with z = e**-|x|: 1 / (1 + z) for x >= 0, z / (1 + z) for x < 0."
    expect("sigmoid(x)", sigmoid(Tensor(SAMPLE)), 1 / (1 + np.exp(-SAMPLE)), hint)
    expect("sigmoid([0, -0.0])", sigmoid(Tensor([0.0, -0.0])), [0.5, 0.5], hint)


def test_sigmoid_of_huge_numbers():
    """sigmoid() neither overflows nor divides by zero for huge inputs of either sign."""
    hint = "Hint: np.exp only of negative numbers: z = np.exp(-np.abs(x.data))."
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        got = without_overflow(lambda: sigmoid(Tensor([1000.0, -1000.0, 90.0, -90.0])), hint)
    expect("sigmoid([1000, -1000, 90, -90])", got, [1, 0, 1, 0], hint)
    tiny = sigmoid(Tensor([-80.0])).item()
    assert 1.7e-35 < tiny < 1.9e-35, f"sigmoid(-80) should be 1.8e-35, got {tiny}. {hint}"


def without_overflow(action, hint):
    """Run action(); an overflow becomes a message that says so."""
    try:
        return action()
    except FloatingPointError as error:
        raise AssertionError(f"huge inputs should be no problem, got: {error}. {hint}") from None


def test_sigmoid_gradient():
    """The gradient of sigmoid() is s * (1 - s) of its output."""
    hint = "Hint: grad * out.data * (1 - out.data): the output, not the input."
    check_activation("sigmoid(x)", sigmoid, lambda a: 1 / (1 + np.exp(-a)), SAMPLE, hint)


def test_tanh_values():
    """tanh() is the hyperbolic tangent, also of huge inputs."""
    expected = [
        [(np.exp(v) - np.exp(-v)) / (np.exp(v) + np.exp(-v)) for v in row] for row in SAMPLE
    ]
    expect("tanh(x)", tanh(Tensor(SAMPLE)), expected, "Hint: np.tanh(x.data).")
    expect("tanh([1000, -1000])", tanh(Tensor([1000.0, -1000.0])), [1, -1], "Hint: np.tanh.")


def test_tanh_gradient():
    """The gradient of tanh() is 1 - t**2 of its output."""
    hint = "Hint: grad * (1 - out.data**2): the square, and of the output."
    check_activation("tanh(x)", tanh, np.tanh, SAMPLE, hint)


# %% [markdown]
# ## 2. Softmax: scores become probabilities
#
# A classifier gives one score per class. Softmax makes them positive and lets them add up to 1:
#
# $$ p_i = \frac{e^{x_i}}{\sum_j e^{x_j}} $$
#
# Adding the same number to all scores changes nothing: it multiplies numerator and denominator
# alike. So subtract the largest score first; then the largest exponent is 0, and nothing can
# overflow.
#
# Each output depends on *all* inputs, since they share the denominator. Therefore the gradient is
# more than one factor per entry:
#
# $$ \frac{\partial L}{\partial x_i} = p_i \Big( g_i - \sum_j g_j\, p_j \Big) $$
#
# The bracket compares the gradient of one class with the average over all classes.
#
# Losses need the logarithm of $p$. Computing softmax first and `log` afterwards is bad: where $p$
# rounds to 0, the logarithm is minus infinity. Together they are harmless, with $x$ already
# shifted by its maximum:
#
# $$ \log p_i = x_i - \log \sum_j e^{x_j}, \qquad
#    \frac{\partial L}{\partial x_i} = g_i - p_i \sum_j g_j $$


# %%
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
    ### BEGIN SOLUTION
    x = as_tensor(x)
    powers = np.exp(x.data - x.data.max(axis=axis, keepdims=True))
    data = powers / powers.sum(axis=axis, keepdims=True)
    return Tensor.make(data, (x,), "softmax", axis=axis)
    ### END SOLUTION


@gradient_of("softmax")
def softmax_gradient(grad, out, x, axis):
    """Gradient rule of out = softmax(x, axis). Returns (gradient for x,).

    Hint: 1. average = the sum of grad * out.data along axis, keepdims=True
          2. out.data * (grad - average)
    """
    ### BEGIN SOLUTION
    average = (grad * out.data).sum(axis=axis, keepdims=True)
    return (out.data * (grad - average),)
    ### END SOLUTION


def log_softmax(x, axis=-1):
    """Return the logarithm of softmax(x, axis), also where softmax rounds to 0.

    x: Tensor of any shape. Returns a Tensor of the same shape, operation "log_softmax", axis saved.

    Example: log_softmax(Tensor([0, 1000])) is Tensor([-1000, 0]).

    Hint: 1. shifted = x.data minus its maximum along axis
          2. shifted - np.log(the sum of np.exp(shifted) along axis, keepdims=True)
    """
    ### BEGIN SOLUTION
    x = as_tensor(x)
    shifted = x.data - x.data.max(axis=axis, keepdims=True)
    data = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return Tensor.make(data, (x,), "log_softmax", axis=axis)
    ### END SOLUTION


@gradient_of("log_softmax")
def log_softmax_gradient(grad, out, x, axis):
    """Gradient rule of out = log_softmax(x, axis). Returns (gradient for x,).

    Hint: grad minus p times the sum of grad along axis; p is np.exp(out.data).
    """
    ### BEGIN SOLUTION
    return (grad - np.exp(out.data) * grad.sum(axis=axis, keepdims=True),)
    ### END SOLUTION


# %%
def softmax_formula(axis):
    """Return softmax along axis as a NumPy formula, for small inputs."""
    return lambda a: np.exp(a) / np.exp(a).sum(axis=axis, keepdims=True)


def test_softmax_values():
    """softmax() gives probabilities along the axis it is told, the last one by default."""
    x = np.random.default_rng(8).standard_normal((2, 3, 4))
    for axis in (0, 1, 2, -1):
        got = softmax(Tensor(x), axis)
        hint = "Hint: use axis=axis, keepdims=True in the maximum and in the sum."
        expect(f"softmax(x, axis={axis})", got, softmax_formula(axis)(x), hint)
    hint = "Hint: the default is axis=-1."
    expect("softmax(x)", softmax(Tensor(x)), softmax_formula(-1)(x), hint)
    expect("Softmax(axis=0)(x)", Softmax(axis=0)(Tensor(x)), softmax_formula(0)(x), hint)


def test_softmax_of_huge_scores():
    """softmax() copes with scores of 1,000 and more, and with different rows."""
    hint = "Hint: subtract the maximum along axis, row by row, before np.exp."
    scores = Tensor([[1000.0, 1000.0, 0.0], [-1000.0, -1000.0, -1001.0]])
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        got = without_overflow(lambda: softmax(scores), hint)
    third = np.exp(-1) / (2 + np.exp(-1))
    expected = [[0.5, 0.5, 0.0], [(1 - third) / 2, (1 - third) / 2, third]]
    expect(f"softmax({scores.data.tolist()})", got, expected, hint)


def test_softmax_gradient():
    """The gradient of softmax() couples all classes along its axis."""
    x = np.random.default_rng(8).standard_normal((2, 3, 2))
    hint = "Hint: out.data * (grad - the sum of grad * out.data along axis)."
    for axis in (0, 1, -1):
        call = f"softmax(x, axis={axis})"
        check_activation(call, lambda t, i=axis: softmax(t, i), softmax_formula(axis), x, hint)


def test_log_softmax_values():
    """log_softmax() is the logarithm of softmax, and stays finite where softmax is 0."""
    x = np.random.default_rng(9).standard_normal((2, 3, 4))
    hint = "Hint: shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))."
    for axis in (0, 1, -1):
        expected = np.log(softmax_formula(axis)(x))
        expect(f"log_softmax(x, axis={axis})", log_softmax(Tensor(x), axis), expected, hint)
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        got = without_overflow(lambda: log_softmax(Tensor([[0.0, 1000.0], [-900.0, 0.0]])), hint)
    expect("log_softmax([[0, 1000], [-900, 0]])", got, [[-1000, 0], [-900, 0]], hint)


def test_log_softmax_gradient():
    """The gradient of log_softmax() is g minus p times the sum of g along its axis."""
    x = np.random.default_rng(9).standard_normal((2, 3, 2))
    hint = "Hint: grad - np.exp(out.data) * grad.sum(axis=axis, keepdims=True)."
    for axis in (0, 1, -1):
        check_activation(
            f"log_softmax(x, axis={axis})",
            lambda t, i=axis: log_softmax(t, i),
            lambda a, i=axis: np.log(softmax_formula(i)(a)),
            x,
            hint,
        )


# %% [markdown]
# ## 3. Modules and their parameters
#
# A *module* is a piece of a network. It has a method `forward` that computes, and attributes that
# hold what it needs: tensors to train (parameters), other modules, plain settings. Calling the
# module calls `forward`.
#
# The optimiser of module 04 asks one thing of a network: give me all your parameters. So somebody
# must search through attributes, lists and modules inside modules. A tensor that is used twice
# (shared weights) must be found once, or it would be updated twice.


# %%
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
    ### BEGIN SOLUTION
    found, seen, waiting = [], set(), [value]
    while waiting:
        value = waiting.pop()
        if id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, Tensor) and value.requires_grad:
                found.append(value)
            waiting.extend(reversed(members_of(value)))
    return found
    ### END SOLUTION


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


# %%
class PartsForTest(Module):
    """A module with parameters in every kind of attribute."""

    def __init__(self):
        self.first = Tensor([1.0], requires_grad=True)
        self.setting = 3
        self.constant = Tensor([9.0])
        self.nothing = None
        inner = Module()
        inner.weight = Tensor([2.0], requires_grad=True)
        inner.bias = Tensor([3.0], requires_grad=True)
        self.blocks = [inner, (Tensor([4.0], requires_grad=True), ReLU())]
        self.by_name = {"a": Tensor([5.0], requires_grad=True)}
        self.last = Tensor([6.0], requires_grad=True)


def numbers_of(parameters):
    """Return the only entry of each parameter, to show which ones were found."""
    return [float(parameter.data[0]) for parameter in parameters]


def test_parameters_are_found_everywhere():
    """parameters() finds tensors in attributes, containers and inner modules, in order."""
    got = numbers_of(PartsForTest().parameters())
    assert got == [1, 2, 3, 4, 5, 6], (
        f"the parameters of attributes, lists and inner modules should be 1 to 6 in order of "
        f"definition, without the constant 9, got {got}. "
        "Hint: search Modules, lists, tuples and dicts; keep tensors with requires_grad."
    )


def test_shared_parameters_are_listed_once():
    """parameters() lists a tensor once, however often it is used, and equal ones apart."""
    net = Module()
    net.a = Tensor([1.0], requires_grad=True)
    net.again = net.a
    net.inner = Module()
    net.inner.shared = net.a
    net.inner.other = Tensor([1.0], requires_grad=True)
    got = net.parameters()
    fine = len(got) == 2 and got[0] is net.a and got[1] is net.inner.other
    assert fine, (
        f"a network with one tensor used three times and an equal one used once should have 2 "
        f"parameters, got {len(got)}. Hint: remember id(value) in a set, not the numbers."
    )


# %% [markdown]
# ## 4. The linear layer
#
# $$ y = x\,W^\top + b $$
#
# `W` has the shape (out, in), as in PyTorch: row $j$ holds the weights of output neuron $j$. Any
# number of leading axes is welcome: (batch, in), or (batch, time, in) for sequences.
#
# **First weights.** A sum of `in` terms grows with `in`, unless the weights shrink. Drawn
# uniformly between $\pm 1/\sqrt{\text{in}}$ they keep the signal at a size where tanh and sigmoid
# still have a slope. Weights of size 1 would push a layer of 100 inputs into the flat part, where
# the gradient is nearly 0 and nothing is learned. The bias uses the same range.


# %%
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
        ### BEGIN SOLUTION
        bound = 1 / np.sqrt(in_features)
        self.weight = Tensor(uniform((out_features, in_features), bound), requires_grad=True)
        self.bias = None
        if bias:
            self.bias = Tensor(uniform((out_features,), bound), requires_grad=True)
        ### END SOLUTION

    def forward(self, x):
        """Return x W^T + b.

        x: (..., in). Returns a Tensor (..., out).

        Hint: as_tensor(x) @ self.weight.T, and the bias only if there is one.
        """
        ### BEGIN SOLUTION
        y = as_tensor(x) @ self.weight.T
        if self.bias is None:
            return y
        return y + self.bias
        ### END SOLUTION


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
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x
        ### END SOLUTION


# %%
def test_linear_starts_small():
    """Linear draws weight (out, in) and bias (out,) from +-1 / sqrt(in), as parameters."""
    layer = Linear(25, 400)
    hint = "Hint: bound = 1 / np.sqrt(in_features); uniform((out_features, in_features), bound)."
    for name, tensor, shape in [
        ("weight", layer.weight, (400, 25)),
        ("bias", layer.bias, (400,)),
    ]:
        assert tensor.shape == shape, (
            f"Linear(25, 400).{name} should have shape {shape}, got {tensor.shape}. {hint}"
        )
        assert tensor.requires_grad, (
            f"Linear(25, 400).{name} should require a gradient, got a constant. {hint}"
        )
        assert tensor.dtype == np.float32, (
            f"Linear(25, 400).{name} should be float32, got {tensor.dtype}. {hint}"
        )
        low, high = tensor.data.min(), tensor.data.max()
        # 400 draws: the chance to miss the outer 5 % of the range is 0.95 ** 400 = 1e-9.
        assert -0.2 <= low < -0.18, f"{name} should reach down to -0.2, got {low}. {hint}"
        assert 0.18 < high <= 0.2, f"{name} should reach up to 0.2, got {high}. {hint}"
    other = Linear(25, 400)
    assert not np.array_equal(layer.weight.data, other.weight.data), (
        f"two layers should start with different weights, got equal ones. {hint}"
    )


def test_linear_computes():
    """Linear is the sum of input times weight plus bias, for any leading axes."""
    hint = "Hint: as_tensor(x) @ self.weight.T + self.bias."
    rng = np.random.default_rng(1)
    layer = Linear(3, 2)
    layer.weight.data, layer.bias.data = rng.standard_normal((2, 3)), rng.standard_normal(2)
    weight, bias = layer.weight.data, layer.bias.data
    for shape in [(5, 3), (3,), (2, 4, 3)]:
        x = rng.standard_normal(shape)
        expected = np.zeros((*shape[:-1], 2))
        for index in np.ndindex(expected.shape):
            row, j = x[index[:-1]], index[-1]
            expected[index] = sum(row[k] * weight[j, k] for k in range(3)) + bias[j]
        expect(f"Linear(3, 2)(x) for x of shape {shape}", layer(Tensor(x)), expected, hint)
        expect(f"the same with an array of shape {shape}", layer(x), expected, hint)


def test_linear_without_bias():
    """Linear(..., bias=False) has only a weight."""
    hint = "Hint: self.bias = None, and forward() adds it only if it is not None."
    layer = Linear(2, 2, bias=False)
    layer.weight.data = np.array([[1.0, 2.0], [3.0, 4.0]])
    expect("x W^T of x = [[1, 10]]", layer(Tensor([[1.0, 10.0]])), [[21, 43]], hint)
    assert layer.bias is None, f"bias should be None, got {layer.bias!r}. {hint}"
    got = len(layer.parameters())
    assert got == 1, f"Linear(2, 2, bias=False) should have 1 parameter, got {got}. {hint}"


def test_linear_gradients():
    """Weight, bias and input of Linear get the right gradients, summed over the batch."""
    hint = "Hint: build forward() from @ and + of Tensors; self.weight.T keeps the graph."
    rng = np.random.default_rng(2)
    layer = Linear(3, 2)
    layer.weight.data = rng.standard_normal((2, 3))
    for shape in [(5, 3), (2, 4, 3)]:
        x = Tensor(rng.standard_normal(shape), requires_grad=True)
        grad = rng.standard_normal((*shape[:-1], 2))
        layer.zero_grad()
        layer(x).backward(grad)
        weight_grad, x_grad = np.zeros((2, 3)), np.zeros(shape)
        for *place, j, k in np.ndindex(*shape[:-1], 2, 3):
            where = tuple(place)
            weight_grad[j, k] += grad[(*where, j)] * x.data[(*where, k)]
            x_grad[(*where, k)] += grad[(*where, j)] * layer.weight.data[j, k]
        expect(f"weight.grad for x of shape {shape}", layer.weight.grad, weight_grad, hint)
        bias_grad = grad.reshape(-1, 2).sum(axis=0)
        expect(f"bias.grad for x of shape {shape}", layer.bias.grad, bias_grad, hint, 1e-5)
        expect(f"x.grad for x of shape {shape}", x.grad, x_grad, hint)


def test_sequential_goes_in_order():
    """Sequential applies its layers first to last, and owns all their parameters."""
    hint = "Hint: for layer in self.layers: x = layer(x), then return x."

    class AddOne(Module):
        def forward(self, x):
            return x + 1.0

    class Double(Module):
        def forward(self, x):
            return x * 2.0

    expect(
        "Sequential(AddOne, Double, AddOne)(3)",
        Sequential(AddOne(), Double(), AddOne())(Tensor([3.0])),
        [9.0],
        hint,
    )
    expect(
        "Sequential(Double, AddOne)(3)", Sequential(Double(), AddOne())(Tensor([3.0])), [7.0], hint
    )
    expect("Sequential()(3)", Sequential()(Tensor([3.0])), [3.0], hint)
    net = Sequential(Linear(2, 3), Tanh(), Sequential(Linear(3, 1), Sigmoid()))
    got = [parameter.shape for parameter in net.parameters()]
    assert got == [(3, 2), (3,), (1, 3), (1,)], (
        f"Linear(2, 3), Tanh, Linear(3, 1) should have parameters of shape (3, 2), (3,), (1, 3), "
        f"(1,), got {got}. Hint: parameters_in() must look into lists and inner modules."
    )
    net(Tensor(np.ones((4, 2)))).sum().backward()
    missing = [i for i, parameter in enumerate(net.parameters()) if parameter.grad is None]
    assert missing == [], (
        f"all 4 parameters should get a gradient, got none for number {missing}. {hint}"
    )


def test_xor_network_gradients():
    """A network of two layers has the gradients that backpropagation by hand gives."""
    rng = np.random.default_rng(4)
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    net = Sequential(Linear(2, 3), Tanh(), Linear(3, 1), Sigmoid())
    first, second = net.layers[0], net.layers[2]
    for parameter in net.parameters():
        parameter.data = rng.standard_normal(parameter.shape)
    error = net(Tensor(x)) - Tensor(y)
    (error * error).mean().backward()

    hidden = np.tanh(x @ first.weight.data.T + first.bias.data)
    p = 1 / (1 + np.exp(-(hidden @ second.weight.data.T + second.bias.data)))
    d_second = 2 * (p - y) / 4 * p * (1 - p)
    d_first = (d_second @ second.weight.data) * (1 - hidden**2)
    hint = "Hint: see which layer's own test fails; this network is made of nothing else."
    for name, parameter, expected in [
        ("second.bias", second.bias, d_second.sum(axis=0)),
        ("second.weight", second.weight, d_second.T @ hidden),
        ("first.bias", first.bias, d_first.sum(axis=0)),
        ("first.weight", first.weight, d_first.T @ x),
    ]:
        expect(f"{name}.grad", parameter.grad, expected, hint)


# %% [markdown]
# ## XOR, at last
#
# Gradient descent by hand, on a network of your own layers. (Module 04 gives you the optimiser.)

# %%
points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
answers = np.array([[0], [1], [1], [0]], dtype=np.float32)
net = Sequential(Linear(2, 8), Tanh(), Linear(8, 1), Sigmoid())
for step in range(1000):
    net.zero_grad()
    loss = ((net(points) - answers) ** 2).mean()
    loss.backward()
    for parameter in net.parameters():
        parameter.data = parameter.data - np.float32(2.0) * parameter.grad
    if step % 200 == 199:
        print(f"step {step + 1}: loss {loss.item():.4f}")
print(np.round(net(points).data.ravel(), 2))

# %% [markdown]
# `tito module complete 03`, then `tito milestone run xor`: it is 1986.
