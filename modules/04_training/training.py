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
# # 04 · Training: losses, optimisers, batches
#
# You have layers, and you have gradients. What is missing is the loop that every network in the
# world is trained by:
#
#     for inputs, labels in batches:
#         loss = how_wrong(network(inputs), labels)
#         forget the old gradients
#         loss.backward()
#         take a small step downhill
#
# This module fills in the three parts: *losses* say how wrong, *optimisers* take the step, the
# *data loader* makes the batches.
#
# **A piece of history.** In 1989 Yann LeCun and his colleagues trained a network with
# backpropagation to read handwritten digits from real envelopes. That moved neural networks from
# toy problems like XOR to the post office. The optimiser Adam, which you also write, came in 2014
# (Kingma and Ba) and trains most networks today.
#
# **What will be checked.** With this module the milestone *1989 - MLP on Real Data* unlocks:
# real 8x8 digits, and more than 80 % of those right that the network has never seen.

# %%
#| default_exp core.training

# %%
#| export
import numpy as np

from tinytorch.core.autograd import gradient_of
from tinytorch.core.nn import Module
from tinytorch.core.setup import one_hot, rng
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


def expect_error(kind, call, action, hint):
    """Check that action() raises an error of the given kind, and not for want of code."""
    try:
        got = action()
    except NotImplementedError:
        raise
    except kind:
        return
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        got = error
    raise AssertionError(f"{call} should raise {kind.__name__}, got {got!r}. {hint}")


def check_loss(call, loss, formula, x, hint):
    """Compare a loss with its NumPy formula, and its gradient with central differences."""
    t = Tensor(x.copy(), requires_grad=True)
    out = loss(t)
    expect(call, out, formula(x), hint)
    (out * 3.0).backward()
    step = 1e-6  # truncation ~ step**2 = 1e-12, rounding ~ 1e-16 / step = 1e-10
    expected = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        expected[index] = 3 * (formula(up) - formula(down)) / (2 * step)
    expect(f"the gradient of 3 * {call}", t.grad, expected, hint)
    expect(f"the prediction after {call}", t, x, "Hint: change no data.")


# %% [markdown]
# ## 1. Squared error
#
# The oldest loss (Gauss and Legendre, around 1800): the mean of the squared differences,
# $\frac{1}{n} \sum_i (y_i - t_i)^2$, over *all* entries.
#
# A trap: a prediction of shape (8, 1) minus a target of shape (8,) broadcasts to (8, 8), each with
# each, and the loss of that goes down to something that is never right. So losses insist on equal
# shapes; `same_shape` is given.


# %%
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
    ### BEGIN SOLUTION
    prediction, target = same_shape(prediction, target)
    return ((prediction - target) ** 2).mean()
    ### END SOLUTION


class MSELoss(Module):
    def forward(self, prediction, target):
        return mse_loss(prediction, target)


# %%
def test_mse_loss():
    """The squared error is averaged over all entries, and its gradient is 2 (y - t) / n."""
    hint = "Hint: ((prediction - target) ** 2).mean(), all in Tensors."
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))

    def formula(v):
        return float(np.sum((v - target) ** 2) / 12)

    check_loss("MSELoss()(x, t) of shape (4, 3)", lambda t: MSELoss()(t, target), formula, x, hint)
    single = mse_loss(Tensor([1.0, 5.0]), np.array([1.0, 2.0]))
    assert single.dtype == np.float32, (
        f"mse_loss of a float32 Tensor and a float64 array should be float32, got {single.dtype}. "
        "Hint: use what same_shape() returns."
    )
    got = mse_loss(Tensor([1.0, 5.0]), Tensor([1.0, 2.0]))
    expect("mse_loss([1, 5], [1, 2])", got, 4.5, hint)


def test_mse_loss_refuses_other_shapes():
    """The squared error refuses shapes that would only fit by broadcasting."""
    hint = "Hint: call same_shape(prediction, target) first."
    expect("mse_loss([[1]], [[3]])", mse_loss(Tensor([[1.0]]), Tensor([[3.0]])), 4.0, hint)
    expect_error(
        ValueError,
        "mse_loss of shapes (3, 1) and (3,)",
        lambda: mse_loss(Tensor(np.ones((3, 1))), Tensor(np.ones(3))),
        hint,
    )


# %% [markdown]
# ## 2. Cross entropy: how surprised is the network?
#
# If a network gives the right answer the probability $p$, its surprise is $-\log p$: nothing for
# $p = 1$, without limit for $p \to 0$. The cross entropy is the average surprise.
#
# **Two classes.** The network gives $p$, the probability of class 1, and the target $t$ is 0 or 1:
#
# $$ L = -\frac{1}{n} \sum_i \big[ t_i \log p_i + (1 - t_i) \log (1 - p_i) \big],
#    \qquad \frac{\partial L}{\partial p_i} = \frac{1}{n} \cdot \frac{p_i - t_i}{p_i (1 - p_i)} $$
#
# A sigmoid in float32 returns exactly 1 for inputs above 17, and $\log 0$ is infinite. So $p$ is
# first clipped, to stay away from 0 and 1 by a small eps. How small? In float32, `1 - 1e-12` *is*
# 1, and clipping there does nothing. The smallest step that a dtype can make next to 1 is
# `np.finfo(dtype).eps`: 1.2e-7 for float32. That is the eps to use.
#
# In the gradient, use the clipped $p$ as well: large and finite where the network is wrong.


# %%
#| export
def clip_probability(p):
    """Keep p away from 0 and 1 by the smallest step that its dtype can make at 1.

    p: array of floats. Returns an array of the same shape and dtype.

    Hint: np.clip(p, eps, 1 - eps) with eps = np.finfo(p.dtype).eps
    """
    ### BEGIN SOLUTION
    eps = np.finfo(p.dtype).eps
    return np.clip(p, eps, 1 - eps)
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    probability, target = same_shape(probability, target)
    p, y = clip_probability(probability.data), target.data
    losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return Tensor.make(losses.mean(), (probability,), "binary_cross_entropy", target=y)
    ### END SOLUTION


@gradient_of("binary_cross_entropy")
def binary_cross_entropy_gradient(grad, out, probability, target):
    """Gradient rule of binary_cross_entropy. Returns (gradient for probability,).

    grad: array of shape (). target: array.

    Hint: grad * (p - target) / (p * (1 - p)) / n, with p clipped and n its number of entries.
    """
    ### BEGIN SOLUTION
    p = clip_probability(probability.data)
    return (grad * (p - target) / (p * (1 - p)) / p.size,)
    ### END SOLUTION


class BinaryCrossEntropyLoss(Module):
    def forward(self, probability, target):
        """The loss; ValueError for what is no probability, such as a score without its sigmoid."""
        p = as_tensor(probability).data
        outside = p[~((p >= 0) & (p <= 1))]
        if outside.size:
            raise ValueError(f"a probability lies in 0..1, got {outside[0]:.6g}: sigmoid first")
        return binary_cross_entropy(probability, target)


# %%
PROBABILITIES = np.array([[0.1, 0.7], [0.5, 0.95], [0.3, 0.2]])
TARGETS = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])


def surprise(p):
    """Return the mean of -log of the probability of the right answer, entry by entry."""
    right = [v if t == 1 else 1 - v for v, t in zip(p.ravel(), TARGETS.ravel(), strict=True)]
    return float(-np.mean(np.log(right)))


def test_clipping_works_in_float32():
    """clip_probability() leaves 0 and 1 by a step that float32 and float64 can hold."""
    hint = "Hint: np.clip(p, eps, 1 - eps) with eps = np.finfo(p.dtype).eps; 1e-12 is too small."
    for dtype in (np.float32, np.float64):
        got = clip_probability(np.array([0.0, 0.25, 1.0], dtype=dtype))
        name = f"clip_probability([0, 0.25, 1] of {np.dtype(dtype)})"
        assert got.dtype == dtype, f"{name} should keep its dtype, got {got.dtype}. {hint}"
        inside = bool(np.all((got > 0) & (got < 1)))
        assert inside, f"{name} should lie strictly between 0 and 1, got {got}. {hint}"
        expect(name, got, [0, 0.25, 1], "Hint: change as little as possible.")


def test_binary_cross_entropy_value():
    """The binary cross entropy is the mean surprise over all entries."""
    hint = "Hint: -(y * log(p) + (1 - y) * log(1 - p)), then the mean."
    got = binary_cross_entropy(Tensor(PROBABILITIES), TARGETS)
    expect("binary_cross_entropy of 6 probabilities", got, surprise(PROBABILITIES), hint)
    expect_error(
        ValueError,
        "binary_cross_entropy of shapes (3, 1) and (3,)",
        lambda: binary_cross_entropy(Tensor(np.full((3, 1), 0.5)), Tensor(np.ones(3))),
        "Hint: call same_shape(probability, target) first.",
    )


def test_binary_cross_entropy_gradient():
    """The gradient of the binary cross entropy is (p - t) / (p (1 - p)) / n."""
    hint = "Hint: the sigmoid has its own rule; divide by p * (1 - p) here, and by p.size."
    check_loss(
        "binary_cross_entropy(p, t)",
        lambda t: BinaryCrossEntropyLoss()(t, TARGETS),
        surprise,
        PROBABILITIES,
        hint,
    )


def test_binary_cross_entropy_of_certain_answers():
    """Probabilities of exactly 0 and 1 give finite losses and gradients, in float32."""
    hint = "Hint: clip with eps = np.finfo(p.dtype).eps; 1e-12 vanishes in float32."
    p = Tensor(np.array([0.0, 1.0, 0.0, 1.0], dtype=np.float32), requires_grad=True)
    with np.errstate(all="ignore"):
        loss = binary_cross_entropy(p, Tensor([1.0, 0.0, 0.0, 1.0]))
        loss.backward()
    value = loss.item()
    assert 5.0 < value < 50.0, (
        f"the loss of two right and two wrong answers should be about 8, got {value}. {hint}"
    )
    assert np.all(np.isfinite(p.grad)), f"the gradient should be finite, got {p.grad}. {hint}"
    fine = p.grad[0] < -1e3 and p.grad[1] > 1e3
    assert fine, (
        f"the gradient should push wrong answers back hard, got {p.grad}. "
        "Hint: use the clipped p in the gradient, too."
    )


# %% [markdown]
# **Many classes.** The network gives one score per class (a *logit*), softmax makes probabilities
# of them, and the loss is the surprise about the right class:
#
# $$ L = -\frac{1}{N} \sum_n \log p_{n, \text{label}_n},
#    \qquad \frac{\partial L}{\partial x} = \frac{p - \text{one\_hot}(\text{labels})}{N} $$
#
# The gradient of softmax and logarithm together is simpler than either alone: what the network
# says minus what is true. So we make one operation of the two. It takes logits, *not*
# probabilities: a softmax layer before it would be applied twice, and the network would learn
# slowly and never be sure of anything.


# %%
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
    ### BEGIN SOLUTION
    logits = as_tensor(logits)
    target = one_hot(label_array(labels, logits), logits.shape[1])
    shifted = logits.data - logits.data.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(target * log_p).sum(axis=1).mean()
    return Tensor.make(loss, (logits,), "cross_entropy", log_p=log_p, target=target)
    ### END SOLUTION


@gradient_of("cross_entropy")
def cross_entropy_gradient(grad, out, logits, log_p, target):
    """Gradient rule of cross_entropy. Returns (gradient for logits,).

    grad: array of shape (). log_p, target: (N, C) arrays.

    Hint: grad * (p - target) / N, where p is np.exp(log_p).
    """
    ### BEGIN SOLUTION
    return (grad * (np.exp(log_p) - target) / len(target),)
    ### END SOLUTION


class CrossEntropyLoss(Module):
    def forward(self, logits, labels):
        return cross_entropy(logits, labels)


# %%
def surprise_of_labels(logits, labels):
    """Return the mean of log(sum of e**x) - x[label], row by row."""
    rows = [np.log(np.sum(np.exp(row))) - row[k] for row, k in zip(logits, labels, strict=True)]
    return float(np.mean(rows))


def test_cross_entropy_value():
    """The cross entropy is -log softmax of the right class, averaged over the batch."""
    hint = "Hint: take logits, not probabilities; sum over classes, mean over examples."
    logits, labels = np.random.default_rng(2).standard_normal((5, 3)), np.array([0, 2, 1, 1, 2])
    expected = surprise_of_labels(logits, labels)
    for name, given in [
        ("an array", labels),
        ("a Tensor", Tensor(labels)),
        ("a list", labels.tolist()),
    ]:
        got = CrossEntropyLoss()(Tensor(logits), given)
        expect(f"CrossEntropyLoss()(logits (5, 3), labels as {name})", got, expected, hint)
    got = cross_entropy(Tensor([[0.0, 0.0, 0.0, 0.0]]), [3])
    expect("cross_entropy([[0, 0, 0, 0]], [3])", got, np.log(4), hint)


def test_cross_entropy_gradient():
    """The gradient of the cross entropy is (softmax - one_hot) / N."""
    hint = "Hint: grad * (np.exp(log_p) - target) / len(target)."
    logits, labels = np.random.default_rng(2).standard_normal((5, 3)), np.array([0, 2, 1, 1, 2])
    check_loss(
        "cross_entropy(logits, labels)",
        lambda t: cross_entropy(t, labels),
        lambda v: surprise_of_labels(v, labels),
        logits,
        hint,
    )


def test_cross_entropy_of_huge_logits():
    """The cross entropy of scores like 1,000 is right, and so is its gradient."""
    hint = "Hint: subtract each row's maximum, and never take the logarithm of softmax."
    logits = Tensor([[1000.0, 0.0], [0.0, -1000.0], [3.0, 1003.0]], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = cross_entropy(logits, [0, 1, 0])
        loss.backward()
    expect("cross_entropy of logits up to 1000", loss, 2000 / 3, hint, tolerance=1e-4)
    expected = np.array([[0, 0], [1, -1], [-1, 1]]) / 3
    expect("the gradient of it", logits.grad, expected, hint)


def test_cross_entropy_refuses_bad_labels():
    """The cross entropy refuses labels that are no class and shapes that do not fit."""
    hint = "Hint: label_array() checks the shape and one_hot() the range: use both."
    logits = Tensor(np.zeros((2, 3)))
    expect("cross_entropy(zeros (2, 3), [0, 2])", cross_entropy(logits, [0, 2]), np.log(3), hint)
    for labels in ([0, 3], [-1, 0], [0], [[0], [1]]):
        expect_error(
            ValueError,
            f"cross_entropy(logits (2, 3), labels {labels})",
            lambda bad=labels: cross_entropy(logits, bad),
            hint,
        )


# %% [markdown]
# ## 3. Optimisers
#
# The gradient points uphill. Gradient descent takes a small step the other way, with the step
# size `lr` (learning rate):
#
# $$ w \leftarrow w - \text{lr} \cdot g $$
#
# **Momentum** remembers the direction. A ball that rolls down a narrow valley is not thrown from
# wall to wall by every new gradient:
#
# $$ v \leftarrow \mu v + g, \qquad w \leftarrow w - \text{lr} \cdot v $$
#
# Each parameter has its own $v$, with its own shape.
#
# **Adam** also remembers how large gradients usually are, and divides by it. A weight whose
# gradients are always tiny still gets steps of about `lr`:
#
# $$ m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad s \leftarrow \beta_2 s + (1 - \beta_2) g^2 $$
#
# Both start at 0, so at first they are too small: after one step $m$ is only $0.1 g$. The sum of
# the weights given so far is $1 - \beta^t$ after $t$ steps. Divide by it:
#
# $$ \hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat s = \frac{s}{1 - \beta_2^t}, \qquad
#    w \leftarrow w - \text{lr} \cdot \frac{\hat m}{\sqrt{\hat s} + \epsilon} $$
#
# With that, the first step of every weight is almost exactly `lr`, whatever its gradient.
#
# A parameter that took no part in the computation has `grad` None. It is left alone.


# %%
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
        ### BEGIN SOLUTION
        for parameter in self.params:
            parameter.grad = None
        ### END SOLUTION


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
        ### BEGIN SOLUTION
        for i, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            self.velocities[i] = self.momentum * self.velocities[i] + parameter.grad
            move(parameter, -self.lr * self.velocities[i])
        ### END SOLUTION


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
        ### BEGIN SOLUTION
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
        ### END SOLUTION


# %%
def trainable(*numbers):
    """Return a float64 parameter."""
    return Tensor(np.array(numbers, dtype=np.float64), requires_grad=True)


def play(optimizer, parameters, gradients):
    """Run one step for each tuple of gradients; return the data of all parameters at the end."""
    for row in gradients:
        for parameter, grad in zip(parameters, row, strict=True):
            parameter.grad = None if grad is None else np.array(grad, dtype=np.float64)
        optimizer.step()
    return [parameter.data for parameter in parameters]


def adam_by_hand(w, gradients, lr, beta1, beta2, eps):
    """Return the weights after Adam, each moment written out as one weighted sum."""
    gradients = [np.array(grad, dtype=np.float64) for grad in gradients]
    w = np.array(w, dtype=np.float64)
    for t in range(1, len(gradients) + 1):
        seen = gradients[:t]
        m = sum((1 - beta1) * beta1 ** (t - 1 - k) * grad for k, grad in enumerate(seen))
        s = sum((1 - beta2) * beta2 ** (t - 1 - k) * grad**2 for k, grad in enumerate(seen))
        w = w - lr * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return w


def test_zero_grad_forgets():
    """zero_grad() sets the gradient of every parameter to None."""
    a, b = trainable(1.0), trainable(2.0, 3.0)
    a.grad, b.grad = np.ones(1), np.ones(2)
    SGD([a, b], lr=0.1).zero_grad()
    fine = a.grad is None and b.grad is None
    assert fine, (
        f"after zero_grad() both gradients should be None, got {a.grad} and {b.grad}. "
        "Hint: loop over self.params and set parameter.grad = None."
    )


def test_sgd_goes_downhill():
    """SGD subtracts the learning rate times the gradient, in a new array."""
    hint = "Hint: move(parameter, -self.lr * velocity)."
    w = trainable(1.0, -2.0)
    old = w.data
    (got,) = play(SGD([w], lr=0.1), [w], [([10.0, -5.0],)])
    expect("w = [1, -2] after SGD(lr=0.1) with gradient [10, -5]", got, [0.0, -1.5], hint)
    expect("the array that w.data was before", old, [1, -2], "Hint: move() makes a new array.")
    w = Tensor([1.0], requires_grad=True)
    w.grad = np.array([1.0], dtype=np.float32)
    SGD((p for p in [w]), lr=0.25).step()
    expect("w = [1] after SGD(lr=0.25) with gradient [1]", w, [0.75], hint)
    assert w.data.dtype == np.float32, f"w should stay float32, got {w.data.dtype}. {hint}"


def test_optimizers_skip_parameters_without_gradient():
    """A parameter whose gradient is None is left alone, and the others are not."""
    hint = "Hint: if parameter.grad is None: continue (and do not return)."
    for name, make in [
        ("SGD", lambda params: SGD(params, lr=0.1, momentum=0.9)),
        ("Adam", lambda params: Adam(params, lr=0.1)),
    ]:
        a, b = trainable(1.0), trainable(1.0)
        moved = play(make([a, b]), [a, b], [(None, [4.0]), (None, [4.0])])
        expect(f"the parameter without gradient after {name}", moved[0], [1.0], hint)
        assert moved[1][0] < 0.9, (
            f"the parameter with gradient should have moved by {name}, got {moved[1]}. {hint}"
        )


def test_sgd_momentum_of_two_parameters():
    """Momentum keeps one velocity for each parameter: v = momentum * v + gradient."""
    hint = "Hint: self.velocities[i] = self.momentum * self.velocities[i] + parameter.grad."
    a, b = trainable(0.0), trainable(0.0, 0.0)
    steps = [([1.0], [10.0, 0.0]), ([1.0], [0.0, 20.0]), ([-2.0], [0.0, 0.0])]
    got = play(SGD([a, b], lr=0.1, momentum=0.5), [a, b], steps)
    # velocities of a: 1, 1.5, -1.25; of b: [10, 0], [5, 20], [2.5, 10]
    expect("a after 3 steps with gradients 1, 1, -2, momentum 0.5", got[0], [-0.125], hint)
    expect("b after 3 steps with gradients [10, 0], [0, 20], [0, 0]", got[1], [-1.75, -3.0], hint)
    again = trainable(0.0)
    (got,) = play(SGD([again], lr=0.1, momentum=0.5), [again], [([1.0],)])
    expect("a parameter of a second optimizer after one step", got, [-0.1], "Hint: share nothing.")


def test_adam_first_step():
    """The first step of Adam has the length lr, whatever the size of the gradient."""
    hint = "Hint: divide by 1 - beta ** steps, with steps = 1 at the first step."
    w = trainable(1.0, 1.0, 1.0)
    (got,) = play(Adam([w], lr=0.01), [w], [([100.0, -0.001, 0.0],)])
    # lr * g / (|g| + 1e-8): for g = 0.001 that is 0.01 * (1 - 1e-5).
    expect(
        "w = [1, 1, 1] after Adam(lr=0.01), gradient [100, -0.001, 0]", got, [0.99, 1.01, 1.0], hint
    )


def test_adam_many_steps():
    """Several steps of Adam agree with both moments written out as weighted sums."""
    hint = "Hint: check in this order: means, squares, both corrections, eps outside the root."
    rng = np.random.default_rng(3)
    gradients = [rng.standard_normal(3) * [1.0, 0.01, 30.0] for _ in range(6)]
    for options in [
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-8},
        {"lr": 0.1, "betas": (0.9, 0.999), "eps": 0.5},
    ]:
        w = trainable(1.0, 2.0, 3.0)
        (got,) = play(Adam([w], **options), [w], [(grad,) for grad in gradients])
        beta1, beta2 = options["betas"]
        expected = adam_by_hand([1, 2, 3], gradients, 0.1, beta1, beta2, options["eps"])
        expect(f"w after 6 steps of Adam({options})", got, expected, hint)
    w = trainable(1.0, 2.0, 3.0)
    (got,) = play(Adam([w]), [w], [(grad,) for grad in gradients])
    expected = adam_by_hand([1, 2, 3], gradients, 1e-3, 0.9, 0.999, 1e-8)
    expect("w after 6 steps of Adam with its defaults", got, expected, hint, tolerance=1e-8)


def test_adam_of_two_parameters():
    """Adam keeps moments and step count for each parameter, and skips those without gradient."""
    hint = "Hint: self.steps[i], self.means[i], self.squares[i]: one of each per parameter."
    a, b = trainable(1.0), trainable(1.0, 1.0)
    steps = [([1.0], [5.0, -1.0]), ([3.0], [1.0, 1.0]), ([-1.0], None), ([2.0], [0.5, 4.0])]
    got = play(Adam([a, b], lr=0.1), [a, b], steps)
    known = adam_by_hand([1], [row[0] for row in steps], 0.1, 0.9, 0.999, 1e-8)
    expect("a after 4 steps of Adam", got[0], known, hint)
    gradients = [row[1] for row in steps if row[1] is not None]
    known = adam_by_hand([1, 1], gradients, 0.1, 0.9, 0.999, 1e-8)
    expect("b after 3 steps, one skipped for want of a gradient", got[1], known, hint)


# %% [markdown]
# ## 4. Batches
#
# Computing the gradient over all data for every step is wasteful: a few dozen examples already
# show the direction. So each *epoch* cuts the data into batches, in a new random order, and every
# example is used exactly once. The last batch may be smaller; it must not be lost.
#
# Some trainings want batches of equal size: `drop_last=True` leaves out a smaller last one. Shuffled,
# that is no loss either, since in every epoch it hits others.
#
# Inputs and labels must be shuffled *together*: draw the order of the places once, and read all
# arrays at these places. With an array of indices NumPy reads a whole batch at once.


# %%
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
        ### BEGIN SOLUTION
        return tuple(Tensor(array[index]) for array in self.arrays)
        ### END SOLUTION


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
        ### BEGIN SOLUTION
        if not self.shuffle:
            return np.arange(len(self.dataset))
        generator = rng() if self.generator is None else self.generator
        return generator.permutation(len(self.dataset))
        ### END SOLUTION

    def __len__(self):
        """Return the number of batches of one epoch, the smaller last one included.

        Example: 10 examples in batches of 4 are 3 batches, and 2 with drop_last.

        Hint: N / batch_size, rounded up: (N + batch_size - 1) // batch_size. With self.drop_last
              rounded down.
        """
        ### BEGIN SOLUTION
        if self.drop_last:
            return len(self.dataset) // self.batch_size
        return (len(self.dataset) + self.batch_size - 1) // self.batch_size
        ### END SOLUTION

    def __iter__(self):
        """Yield the batches of one epoch, each a tuple of Tensors.

        Hint: 1. order = self.order(), once
              2. len(self) batches start at 0, batch_size, 2 * batch_size, ...:
                 for start in range(0, len(self) * batch_size, batch_size)
              3. yield the dataset at order[start : start + batch_size]. A slice may end beyond
                 the array.
        """
        ### BEGIN SOLUTION
        order = self.order()
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield self.dataset[order[start : start + self.batch_size]]
        ### END SOLUTION


# %%
def pairs_for_test(n=11):
    """Return inputs (n, 2) and labels (n,) that belong together: x[i] = [i, 100 i], y[i] = i."""
    y = np.arange(n)
    return np.stack([y, 100 * y], axis=1), y


def epoch_of(loader):
    """Return the labels of one epoch in order, and the sizes of the batches."""
    batches = list(loader)
    return [int(v) for batch in batches for v in batch[1].data], [
        len(batch[1]) for batch in batches
    ]


def test_dataset_indexes_all_arrays_together():
    """dataset[index] is a tuple of Tensors, one for each array, from the same places."""
    hint = "Hint: tuple(Tensor(array[index]) for array in self.arrays)."
    x, y = pairs_for_test()
    dataset = TensorDataset(x, Tensor(y))
    for index in (np.array([4, 0, 4]), slice(2, 5), 3):
        got = dataset[index]
        fine = isinstance(got, tuple) and all(isinstance(part, Tensor) for part in got)
        assert fine, f"dataset[{index}] should be a tuple of Tensors, got {got!r}. {hint}"
        expect(f"dataset[{index}][0]", got[0], x[index], hint)
        expect(f"dataset[{index}][1]", got[1], y[index], hint)


def test_loader_orders_the_places():
    """order() lists each place once: in order, or shuffled by a generator that goes on."""
    hint = "Hint: np.arange(N) or generator.permutation(N)."
    dataset = TensorDataset(np.zeros(30))
    got = DataLoader(dataset, batch_size=4).order()
    expect("order() of 30 examples without shuffle", got, np.arange(30), hint)
    loader = DataLoader(dataset, batch_size=4, shuffle=True, seed=1)
    first, second = loader.order(), loader.order()
    for call, got in [("the first order()", first), ("the second order()", second)]:
        expect(f"{call} with shuffle=True, sorted", np.sort(got), np.arange(30), hint)
    fresh = not np.array_equal(first, second) and not np.array_equal(first, np.arange(30))
    assert fresh, f"shuffled orders should differ, got {first} and {second}. {hint}"


def test_loader_in_order():
    """Without shuffle the batches go through the data in order, the smaller last one included."""
    hint = "Hint: range(0, len(self) * batch_size, batch_size); the last slice may be shorter."
    x, y = pairs_for_test()
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    batches = type(loader).__iter__(loader)
    assert hasattr(batches, "__next__"), (
        f"a loop over the loader should get batch after batch, got one {type(batches).__name__}. "
        "Hint: yield each batch; return would end with the first one."
    )
    for epoch in (1, 2):
        labels, sizes = epoch_of(loader)
        assert sizes == [4, 4, 3], (
            f"11 examples in batches of 4, epoch {epoch}, should have sizes [4, 4, 3], "
            f"got {sizes}. {hint}"
        )
        assert labels == list(range(11)), (
            f"epoch {epoch} should give the labels 0 to 10 in order, got {labels}. {hint}"
        )
    first = next(iter(loader))
    expect("the inputs of the first batch", first[0], x[:4], hint)


def test_loader_counts_its_batches():
    """len(loader) is the number of batches, the smaller last one included."""
    for n, size, expected in [(11, 4, 3), (12, 4, 3), (1, 4, 1), (4, 1, 4)]:
        got = len(DataLoader(TensorDataset(np.zeros(n)), batch_size=size))
        assert got == expected, (
            f"{n} examples in batches of {size} should be {expected} batches, got {got}. "
            "Hint: (N + batch_size - 1) // batch_size."
        )
    for n, size, expected in [(11, 4, 2), (12, 4, 3), (1, 4, 0)]:
        got = len(DataLoader(TensorDataset(np.zeros(n)), batch_size=size, drop_last=True))
        assert got == expected, (
            f"{n} examples in batches of {size} with drop_last should be {expected} batches, "
            f"got {got}. Hint: N // batch_size if self.drop_last."
        )


def test_drop_last_leaves_the_rest_out():
    """With drop_last an epoch ends with the last full batch, and the rest of its order is unused."""
    x, y = pairs_for_test()
    labels, sizes = epoch_of(DataLoader(TensorDataset(x, y), batch_size=4, drop_last=True))
    hint = "Hint: range(0, len(self) * batch_size, batch_size) has as many starts as batches."
    assert sizes == [4, 4], (
        f"11 examples in batches of 4 with drop_last should have sizes [4, 4], got {sizes}. {hint}"
    )
    assert labels == list(range(8)), (
        f"these two batches should hold the labels 0 to 7 in order, got {labels}. {hint}"
    )
    hint = "Hint: draw the order of all N examples; others are left out in every epoch."
    shuffled = DataLoader(TensorDataset(x, y), 4, shuffle=True, seed=1, drop_last=True)
    seen = {label for _ in range(20) for label in epoch_of(shuffled)[0]}
    assert seen == set(range(11)), (
        f"20 shuffled epochs with drop_last should show all of 0 to 10, got {sorted(seen)}. {hint}"
    )


def test_shuffling_keeps_pairs_together():
    """A shuffled epoch has every example exactly once, each input with its own label."""
    hint = "Hint: one permutation of the places, and the dataset read at these places."
    x, y = pairs_for_test(50)
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True, seed=1)
    labels = []
    for inputs, targets in loader:
        expect("inputs / 100 of a batch", inputs.data[:, 1] / 100, targets.data, hint)
        labels += [int(label) for label in targets.data]
    assert sorted(labels) == list(range(50)), (
        f"a shuffled epoch should have each label 0 to 49 once, got {sorted(labels)}. {hint}"
    )
    assert labels != list(range(50)), f"shuffle=True should change the order, got 0 to 49. {hint}"


def test_every_epoch_has_a_new_order():
    """Each epoch is shuffled anew, and a seed repeats the whole sequence of epochs."""
    hint = "Hint: self.generator is made once, in __init__; order() only draws from it."
    dataset = TensorDataset(*pairs_for_test(50))
    loader = DataLoader(dataset, batch_size=8, shuffle=True, seed=1)
    first, second = epoch_of(loader)[0], epoch_of(loader)[0]
    assert first != second, f"two epochs should have different orders, got {first} twice. {hint}"
    again = DataLoader(dataset, batch_size=8, shuffle=True, seed=1)
    got = [epoch_of(again)[0], epoch_of(again)[0]]
    assert got == [first, second], (
        f"the same seed should repeat both epochs, got others: {got}. {hint}"
    )
    other = epoch_of(DataLoader(dataset, batch_size=8, shuffle=True, seed=2))[0]
    assert other != first, f"another seed should give another order, got {other} again. {hint}"
    free = [epoch_of(DataLoader(dataset, 8, shuffle=True))[0] for _ in range(2)]
    assert free[0] != free[1], (
        "two loaders without a seed should have different orders, got the same. "
        "Hint: without a seed draw from rng()."
    )


# %% [markdown]
# ## 5. All together
#
# The last test trains a straight line for three epochs, once with your classes and once with
# formulas written out by hand. Every number must agree.


# %%
def test_training_a_line():
    """Three epochs of batches, loss, backward() and SGD agree with the same steps by hand."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((10, 2))
    y = x @ np.array([[2.0], [-1.0]]) + 0.5
    w, b = trainable(0.0, 0.0), trainable(0.0)
    optimizer, loss_of = SGD([w, b], lr=0.1, momentum=0.9), MSELoss()
    losses = []
    for _ in range(3):
        for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=4):
            loss = loss_of((inputs @ w.reshape(2, 1)) + b, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    known, v = np.zeros(3), np.zeros(3)
    known_losses = []
    wide = np.hstack([x, np.ones((10, 1))])
    for _ in range(3):
        for rows in (slice(0, 4), slice(4, 8), slice(8, 12)):
            error = wide[rows] @ known - y[rows, 0]
            known_losses.append(float(np.mean(error**2)))
            v = 0.9 * v + 2 * wide[rows].T @ error / len(error)
            known = known - 0.1 * v
    hint = "Hint: the parts are tested above; the first test that fails there is the cause."
    expect("the 9 losses", losses, known_losses, hint)
    expect("the weights after 3 epochs", np.concatenate([w.data, b.data]), known, hint)


# %% [markdown]
# ## Try it
#
# Two rings of points, one around the other: no line separates them, a small network does.

# %%
from tinytorch.core.nn import Linear, Sequential, Tanh
from tinytorch.core.setup import accuracy, seed

seed(0)
angle = rng().uniform(0, 2 * np.pi, 200)
ring = rng().integers(0, 2, 200)
points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 + ring[:, np.newaxis])
points += 0.1 * rng().standard_normal((200, 2))
net = Sequential(Linear(2, 16), Tanh(), Linear(16, 2))
optimizer, loss_of = Adam(net.parameters(), lr=0.01), CrossEntropyLoss()
for epoch in range(30):
    for inputs, labels in DataLoader(TensorDataset(points, ring), batch_size=20, shuffle=True):
        loss = loss_of(net(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, accuracy {accuracy(net(points), ring)}")

# %% [markdown]
# `tito module complete 04`, then `tito milestone run mlp_digits`: it is 1989, and the digits are
# real.
