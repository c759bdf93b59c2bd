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
# # 02 · Autograd: the graph, walked backwards
#
# To train is to ask, for every weight: if I turn you up a little, does the loss go up or down,
# and how fast? That number is the derivative of the loss with respect to the weight. A network
# has thousands of weights, and your numeric gradient of module 00 needs two runs for each. This
# module finds all derivatives in a single walk.
#
# **A piece of history.** Frank Rosenblatt's perceptron (1957) could train one layer. How to
# train the layers before it was unclear for decades: who is to blame for the error, if it went
# through many hands? Seppo Linnainmaa (1970) had the algorithm, Paul Werbos (1974) saw that it
# fits neural networks, and Rumelhart, Hinton and Williams (1986) showed what it can learn. It is
# nothing but the chain rule, applied in the right order.
#
# **What will be checked.** The tests here compare every gradient with the definition of the
# derivative. With this module the milestone *1957 - The Perceptron* unlocks: gradient descent on
# tensors and gradients alone, loss down by more than 50 %, accuracy above 90 %.

# %% [markdown]
# ## 1. The chain rule, one link at a time
#
# Say $L$ depends on $y$, and $y = a \cdot b$. Somebody already knows how $L$ reacts to $y$: the
# array $g = \partial L / \partial y$. Then
#
# $$ \frac{\partial L}{\partial a} = g \cdot b, \qquad \frac{\partial L}{\partial b} = g \cdot a $$
#
# That is the whole knowledge about multiplication. A *gradient rule* holds such knowledge for
# one operation. It never sees the rest of the network. Its form is always
#
#     rule(grad, out, *parents, **saved) -> tuple, one array (or None) per parent
#
# - `grad`: $\partial L / \partial \text{out}$, a NumPy array shaped like `out`
# - `out`: the result of the operation, a Tensor (useful: the derivative of exp(a) is exp(a))
# - `parents`: the Tensors it was computed from, and `saved`: what `Tensor.make` kept, such as
#   `exponent` or `axis`
#
# A rule works on `.data`, with NumPy. Broadcasting need not concern it: that is repaired later, in
# one place. Do not change `grad` in place, others may hold the same array.
#
# The rules for `add`, `neg` and `exp` are given as patterns.

# %%
#| default_exp core.autograd

# %%
#| export
import numpy as np

from tinytorch.core.tensor import GRADIENTS, Tensor, gradient_of


# %% [markdown]
# Helpers that the tests of this lesson share. `check_gradient` is worth a look: it is the numeric
# gradient of module 00, built for operations instead of losses.


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


def numeric_slopes(formula, arrays, k, weights):
    """Return the derivative of sum(weights * formula(*arrays)) for each entry of arrays[k]."""
    step = 1e-5  # truncation ~ step**2 = 1e-10, rounding ~ 1e-16 / step = 1e-11
    slopes = np.zeros_like(arrays[k])
    for index in np.ndindex(slopes.shape):
        sides = []
        for change in (step, -step):
            moved = [array.copy() for array in arrays]
            moved[k][index] += change
            sides.append(float(np.sum(weights * formula(*moved))))
        slopes[index] = (sides[0] - sides[1]) / (2 * step)
    return slopes


def check_gradient(call, function, arrays, hint, formula=None):
    """Compare backward() with central differences of a NumPy formula, for every operand.

    function works on Tensors, formula on arrays (the same code, if both understand it). The
    gradient that comes in is random: ones would hide a rule that mixes up the places.
    """
    arrays = [np.array(array, dtype=np.float64) for array in arrays]
    tensors = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    out = function(*tensors)
    grad = np.random.default_rng(7).standard_normal(out.shape)
    kept = grad.copy()
    out.backward(grad)
    for k, tensor in enumerate(tensors):
        expected = numeric_slopes(formula or function, arrays, k, kept)
        name = f"gradient of {call} for operand {k + 1} of shape {tensor.shape}"
        expect(name, tensor.grad, expected, hint)
        expect(f"operand {k + 1} after {call}", tensor, arrays[k], "Hint: change no data.")


def away_from_zero(*shape):
    """Return float64 numbers between 0.5 and 2, half of them negative."""
    rng = np.random.default_rng(sum(shape) + 3)
    return rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


# %%
#| export
@gradient_of("add")
def add_gradient(grad, out, a, b):
    """L reacts to a and to b as it reacts to a + b."""
    return grad, grad


@gradient_of("neg")
def neg_gradient(grad, out, a):
    return (-grad,)


@gradient_of("exp")
def exp_gradient(grad, out, a):
    """The derivative of e**a is e**a, and out holds that already."""
    return (grad * out.data,)


@gradient_of("sub")
def sub_gradient(grad, out, a, b):
    """Gradient rule of out = a - b.

    grad: array shaped like out.
    Returns (gradient for a, gradient for b).

    Example: for grad [3.0] the result is ([3.0], [-3.0]).

    Hint: when b goes up, a - b goes down.
    """
    ### BEGIN SOLUTION
    return grad, -grad
    ### END SOLUTION


@gradient_of("mul")
def mul_gradient(grad, out, a, b):
    """Gradient rule of out = a * b.

    grad: array shaped like out. a, b: the two Tensors; use a.data and b.data.
    Returns (gradient for a, gradient for b).

    Example: for a = 2, b = 5, grad = 10 the result is (50, 20).

    Hint: how fast a * b grows with a is b, and the other way round.
    """
    ### BEGIN SOLUTION
    return grad * b.data, grad * a.data
    ### END SOLUTION


# %%
def test_sub_rule():
    """The rule of sub sends the gradient to the first operand and its negative to the second."""
    a, b = Tensor([5.0, 1.0]), Tensor([2.0, 4.0])
    got = sub_gradient(np.array([3.0, -2.0]), a - b, a, b)
    hint = "Hint: return a tuple of two arrays: grad, -grad."
    fine = isinstance(got, tuple) and len(got) == 2
    assert fine, f"sub_gradient should return a tuple of 2 arrays, got {got!r}. {hint}"
    expect("sub_gradient([3, -2], ...) for a", got[0], [3, -2], hint)
    expect("sub_gradient([3, -2], ...) for b", got[1], [-3, 2], hint)


def test_mul_rule():
    """The rule of mul multiplies the gradient by the other operand."""
    a, b = Tensor([2.0, -1.0]), Tensor([5.0, 4.0])
    got = mul_gradient(np.array([10.0, 3.0]), a * b, a, b)
    hint = "Hint: return grad * b.data, grad * a.data: each gets the value of the other."
    fine = isinstance(got, tuple) and len(got) == 2
    assert fine, f"mul_gradient should return a tuple of 2 arrays, got {got!r}. {hint}"
    expect("mul_gradient([10, 3], a*b, a=[2, -1], b=[5, 4]) for a", got[0], [50, 12], hint)
    expect("mul_gradient([10, 3], a*b, a=[2, -1], b=[5, 4]) for b", got[1], [20, -3], hint)


# %% [markdown]
# ## 2. The right order
#
# A tensor may be used more than once. In
#
#     h = 3 * x
#     y = h + 2 * h
#
# $L$ reacts to `h` along two roads, and the gradients of both roads add up. So the rule of `h`
# may only be called when *everything* that used `h` has already reported. The order that
# guarantees this is called topological: list the tensors so that parents stand before the
# tensors computed from them, then walk the list from its end.
#
# The natural way to write it is recursive: first the parents, then myself. But Python gives up
# at about 1,000 nested calls, and a graph is easily deeper than that. So we keep our own list of
# things to do, a stack:
#
#     stack = [(out, False)]              (tensor, have its parents been listed?)
#     while the stack is not empty:
#         take the last pair off
#         parents listed?       -> append the tensor to the order
#         else, if it is new:   -> push (tensor, True), and above it (parent, False) for each
#                                  parent that requires a gradient
#
# What lies above is dealt with first, so every parent is in the order before its child. "New"
# means: not in the set of what was seen. Without that set, a tensor that is used twice is walked
# twice, what it is made from four times, then eight times: 30 layers later the program stands
# still. Put `id(tensor)` into the set, since it is about this very object and not its value.


# %%
#| export
def topological_order(out):
    """Return everything that out was computed from and that requires a gradient, parents first.

    out: Tensor that requires a gradient.
    Returns a list of Tensors, each once, out last.

    Example: for y = (x * 2) + x the order is [x, x * 2, y].

    Hint: 1. Start with order = [], seen = set(), stack = [(out, False)], and write the loop of
             the text above: while stack: node, parents_listed = stack.pop().
          2. A pair that comes back with True has its parents in the order: append node.
          3. Otherwise skip a node whose id is in seen. A new one: remember its id, push
             (node, True), then (parent, False) for each parent that requires a gradient.
    """
    ### BEGIN SOLUTION
    order, seen, stack = [], set(), [(out, False)]
    while stack:
        node, parents_listed = stack.pop()
        if parents_listed:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node._parents if parent.requires_grad)
    return order
    ### END SOLUTION


# %%
def without_recursion_error(action, hint):
    """Run action(); running out of nested calls becomes a message that says so."""
    try:
        return action()
    except RecursionError:
        raise AssertionError(
            f"a graph of 5,000 operations should work, got RecursionError. {hint}"
        ) from None


def test_order_lists_parents_first():
    """topological_order() lists parents before children, each once, constants not at all."""
    hint = "Hint: append a tensor only when it comes off the stack for the second time."
    x, c = Tensor([1.0], requires_grad=True), Tensor([2.0])
    a = x * c
    b = a * x
    graphs = {
        "b + a": b + a,
        "a + b": a + b,
        "(b * a) + x": (b * a) + x,
        "x + (a * b)": x + (a * b),
    }
    for call, out in graphs.items():
        order = topological_order(out)
        ids = [id(node) for node in order]
        assert len(ids) == len(set(ids)), (
            f"topological_order({call}) should list each tensor once, got {len(ids)} entries for "
            f"{len(set(ids))} tensors. Hint: remember id(tensor) in a set."
        )
        fine = order and order[-1] is out and id(x) in ids and id(a) in ids
        assert fine, (
            f"topological_order({call}) should contain x and a and end with the result, "
            f"got {order!r}. {hint}"
        )
        assert id(c) not in ids, (
            f"topological_order({call}) should leave out the constant 2, got {order!r}. "
            "Hint: follow only parents with requires_grad."
        )
        for child in order:
            for parent in child._parents:
                if parent.requires_grad:
                    assert ids.index(id(parent)) < ids.index(id(child)), (
                        f"in topological_order({call}) the {parent._op or 'leaf'} should stand "
                        f"before the {child._op} made from it, got it after. {hint}"
                    )


def test_order_of_equal_values():
    """topological_order() tells tensors apart by identity, not by their numbers."""
    x, y = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    got = len(topological_order(x + y))
    assert got == 3, (
        f"topological_order(x + y) should list x, y and the sum, got {got} tensors. "
        "Hint: two tensors with equal numbers are still two; use id(tensor)."
    )


def test_order_visits_each_tensor_once():
    """topological_order() walks a tensor that is used twice only once."""
    x = Tensor([1.0], requires_grad=True)
    out = x
    for _ in range(12):
        out = out + out
    got = len(topological_order(out))
    assert got == 13, (
        f"topological_order of x doubled 12 times should list 13 tensors, got {got}. "
        "Hint: skip what is already in the set of seen ids, before you push its parents."
    )


def test_order_of_a_deep_graph():
    """topological_order() copes with 5,000 operations in a row."""
    out = Tensor([1.0], requires_grad=True)
    for _ in range(5000):
        out = out + 1.0
    hint = "Hint: use a while loop and a stack of your own, no recursion."
    got = len(without_recursion_error(lambda: topological_order(out), hint))
    assert got == 5001, f"the order of 5,000 additions should have 5001 entries, got {got}. {hint}"


# %% [markdown]
# ## 3. Backward
#
# Now the walk itself. It keeps a dict `grads`: for each tensor, by `id`, the gradient that has
# arrived so far. It begins with the end: $\partial L / \partial L = 1$ (that is
# `starting_gradient`, given). Then, from the last tensor to the first:
#
# - take its gradient out of the dict. All of it has arrived.
# - Is it a *leaf*, made by nobody? Then this is a result: add it to `.grad`. It is added because
#   `.grad` collects over several calls of `backward()`, until `zero_grad()`.
# - Otherwise call the rule of its operation (`parent_gradients`, given, does that and lists pairs
#   of parent and gradient), and add each part to what the dict holds for that parent.
#
# Add with `a + b`, which makes a new array, and never with `+=`. The rule of addition hands *one*
# array to both parents, and `+=` would change it for the other one, too. For the same reason
# `.grad` gets a copy.
#
# Only leaves keep a `.grad`, as in PyTorch. The gradients in between are dropped on the way.


# %%
#| export
def starting_gradient(out, gradient=None):
    """Return dL/d(out) as an array shaped like out; 1.0 if out is the scalar loss itself.

    Raises RuntimeError if out has no graph, if gradient is missing although out has more
    than one entry, or if the shapes differ.
    """
    if not out.requires_grad:
        raise RuntimeError("backward() on a tensor that requires no gradient")
    if gradient is None:
        if out.size != 1:
            raise RuntimeError(f"backward() of shape {out.shape} needs a gradient argument")
        gradient = np.ones(out.shape)
    gradient = np.asarray(gradient, dtype=out.dtype)
    if gradient.shape != out.shape:
        raise RuntimeError(f"gradient has shape {gradient.shape}, the tensor {out.shape}")
    return gradient


def parent_gradients(node, grad):
    """Return pairs (parent, gradient in the shape of parent) for the parents that need one."""
    rule = GRADIENTS.get(node._op)
    if rule is None:
        raise RuntimeError(f"no gradient rule for {node._op!r}: write one with @gradient_of")
    pairs = []
    parts = rule(grad, node, *node._parents, **node._saved)
    if not isinstance(parts, tuple) or len(parts) != len(node._parents):
        raise TypeError(
            f"the gradient rule of {node._op!r} should return a tuple of "
            f"{len(node._parents)} arrays, got {type(parts).__name__}"
        )
    for parent, part in zip(node._parents, parts, strict=True):
        if isinstance(part, Tensor):  # right numbers, but a new graph with every step backwards
            raise TypeError(f"the gradient rule of {node._op!r} works on arrays: a.data, not a")
        if parent.requires_grad and part is not None:
            fits = part.shape == parent.shape
            pairs.append((parent, part if fits else unbroadcast(part, parent.shape)))
    return pairs


def backward(out, gradient=None):
    """Add dL/d(leaf) to .grad of every leaf that out was computed from.

    out: Tensor that requires a gradient. gradient: dL/d(out), shaped like out; may be left out
    if out has a single entry.
    Returns nothing. Raises RuntimeError as starting_gradient() says.

    Example: x = Tensor([3.0], requires_grad=True); (x * x).backward(); x.grad is [6.].

    Hint: 1. grads = {id(out): starting_gradient(out, gradient)}
          2. for node in reversed(topological_order(out)): grad = grads.pop(id(node), None).
             None means that no rule sent anything: nothing to do.
          3. If node has no _parents: node.grad = np.array(total, dtype=node.dtype), where total
             is grad, plus the old node.grad if there is one.
          4. Otherwise, for parent, part in parent_gradients(node, grad): store part under
             id(parent), added (a + b, not +=) to what is already stored there.
    """
    ### BEGIN SOLUTION
    grads = {id(out): starting_gradient(out, gradient)}
    for node in reversed(topological_order(out)):
        grad = grads.pop(id(node), None)
        if grad is not None and node._parents:
            for parent, part in parent_gradients(node, grad):
                known = grads.get(id(parent))
                grads[id(parent)] = part if known is None else known + part
        elif grad is not None:
            total = grad if node.grad is None else node.grad + grad
            node.grad = np.array(total, dtype=node.dtype)
    ### END SOLUTION


class no_grad:
    """Context in which results record no graph, for evaluation: with no_grad(): ..."""

    def __enter__(self):
        self._before = Tensor.recording
        Tensor.recording = False
        return self

    def __exit__(self, *exception):
        Tensor.recording = self._before
        return False


# %%
import contextlib
import weakref


def leaf(*numbers):
    """Return a float32 tensor that wants a gradient."""
    return Tensor(list(numbers), requires_grad=True)


def test_backward_through_one_operation():
    """backward() brings the gradients of +, -, * and exp to the leaves."""
    hint = "Hint: call parent_gradients(node, grad) and pass each part on to its parent."
    for call, function in [
        ("a + b", lambda a, b: a + b),
        ("a - b", lambda a, b: a - b),
        ("a * b", lambda a, b: a * b),
        ("-a * b", lambda a, b: -a * b),
        ("2 - a * 3 + b", lambda a, b: 2 - a * 3 + b),
    ]:
        check_gradient(call, function, [away_from_zero(2, 3), away_from_zero(2, 3) + 5], hint)
    check_gradient("exp(a)", lambda a: a.exp(), [away_from_zero(4)], hint, np.exp)


def test_a_tensor_used_twice_gets_both_gradients():
    """The gradients of all uses of a tensor add up."""
    hint = "Hint: add to what grads already holds for the parent, do not replace it."
    for call, function, expected in [
        ("x + x", lambda x: x + x, [2.0]),
        ("x * x", lambda x: x * x, [6.0]),
        ("x * x + x", lambda x: x * x + x, [7.0]),
        ("x + x * x", lambda x: x + x * x, [7.0]),
        ("x - x * 4", lambda x: x - x * 4, [-3.0]),
    ]:
        x = leaf(3.0)
        function(x).backward()
        expect(f"x.grad after ({call}).backward() at x = 3", x.grad, expected, hint)


def test_long_and_short_roads():
    """A tensor passes its gradient on only after every road to it has reported."""
    hint = "Hint: walk reversed(topological_order(out)); any other order calls a rule too early."

    def polynomial(x, swap):
        a = x * x
        b = x + a if swap else a + x
        c = a * b if swap else b * a
        return b + c if swap else c + b

    for swap in (False, True):
        x = leaf(2.0)
        polynomial(x, swap).backward()
        # y = x^4 + x^3 + x^2 + x, so y' = 4 x^3 + 3 x^2 + 2 x + 1 = 49 at x = 2.
        expect("x.grad of x^4 + x^3 + x^2 + x at 2, built from shared parts", x.grad, [49.0], hint)
    for call, function in [
        ("h + ((h * 2) * 2) * 2", lambda h: h + ((h * 2) * 2) * 2),
        ("((h * 2) * 2) * 2 + h", lambda h: ((h * 2) * 2) * 2 + h),
    ]:
        x = leaf(1.0)
        function(x * 3).backward()
        expect(f"x.grad of {call} with h = 3 * x", x.grad, [27.0], hint)


def test_each_rule_runs_once():
    """backward() calls the rule of each operation exactly once, however often it was used."""
    calls = []

    @gradient_of("double_for_test")
    def rule(grad, out, a):
        calls.append(out)
        return (2 * grad,)

    x = leaf(1.0)
    out = x
    for _ in range(8):
        out = Tensor.make(out.data * 2, (out,), "double_for_test")
        out = out + out
    out.backward()
    del GRADIENTS["double_for_test"]
    hint = "Hint: collect the whole gradient of a tensor first, then call its rule."
    assert len(calls) == 8, f"8 operations should need 8 rule calls, got {len(calls)}. {hint}"
    expect("x.grad of x * 4**8", x.grad, [4.0**8], hint)


def test_shared_arrays_stay_apart():
    """No gradient array is changed by adding to another one."""
    hint = "Hint: add with known + part (a new array), and copy into .grad with np.array(...)."
    for call, function in [
        ("(a + b) + a", lambda a, b: (a + b) + a),
        ("a + (a + b)", lambda a, b: a + (a + b)),
        ("(b + a) + a", lambda a, b: (b + a) + a),
        ("a + (b + a)", lambda a, b: a + (b + a)),
    ]:
        a, b = leaf(1.0, 1.0), leaf(1.0, 1.0)
        grad = np.array([1.0, 10.0], dtype=np.float32)
        function(a, b).backward(grad)
        expect(f"a.grad of {call}", a.grad, [2, 20], hint)
        expect(f"b.grad of {call}", b.grad, [1, 10], hint)
        expect(f"the gradient array given to ({call}).backward()", grad, [1, 10], hint)
    a, b = leaf(1.0, 1.0), leaf(1.0, 1.0)
    grad = np.array([1.0, 10.0], dtype=np.float32)
    (a + b).backward(grad)
    a.grad[0] = 99.0
    expect("b.grad after a.grad[0] = 99", b.grad, [1, 10], hint)
    expect("the array given to backward() after a.grad[0] = 99", grad, [1, 10], hint)


def test_gradients_collect_until_zero_grad():
    """Every backward() adds to .grad, zero_grad() clears it, and shared parts count rightly."""
    hint = "Hint: node.grad = node.grad + grad for leaves; keep nothing else between two calls."
    x = leaf(3.0)
    shared = x * 2
    first, second = shared * 5, shared * shared
    first.backward()
    expect("x.grad after (h * 5).backward(), h = 2 x, x = 3", x.grad, [10.0], hint)
    second.backward()
    expect("x.grad after (h * h).backward() as well", x.grad, [34.0], hint)
    second.backward()
    expect("x.grad after (h * h).backward() again", x.grad, [58.0], hint)
    x.zero_grad()
    assert x.grad is None, f"x.grad after x.zero_grad() should be None, got {x.grad}. {hint}"
    first.backward()
    expect("x.grad after zero_grad() and (h * 5).backward()", x.grad, [10.0], hint)


def test_only_leaves_keep_gradients():
    """Leaves that ask for it get a .grad; constants and results in between do not."""
    hint = "Hint: set .grad only on tensors without _parents, and skip constants."
    for order in ("constant first", "constant second"):
        c, w = Tensor([2.0]), leaf(5.0)
        middle = c * w if order == "constant first" else w * c
        out = middle * 3.0
        out.backward()
        expect(f"w.grad of c * w * 3 ({order})", w.grad, [6.0], hint)
        for name, tensor in (("c", c), ("the product", middle), ("the result", out)):
            assert tensor.grad is None, (
                f".grad of {name} ({order}) should be None, got {tensor.grad}. {hint}"
            )
    x = leaf(3.0)
    (x.detach() * x).backward()
    expect("x.grad of x.detach() * x at 3", x.grad, [3.0], "Hint: detach() makes a constant.")


def refuses(action):
    """Tell whether action() raises a RuntimeError that is not for want of code."""
    try:
        action()
    except NotImplementedError:
        raise
    except RuntimeError:
        return True
    return False


def test_backward_needs_a_start():
    """backward() starts from one number, or from a gradient of the right shape; else it refuses."""
    hint = "Hint: begin with starting_gradient(out, gradient), which refuses for you."
    x = leaf(1.0, 2.0)
    (x * 3).backward([1.0, 10.0])
    expect("x.grad after (x * 3).backward([1, 10])", x.grad, [3, 30], hint)
    for call, action in [
        ("(x * 3).backward() of shape (2,)", lambda: (x * 3).backward()),
        ("(x * 3).backward([1.0])", lambda: (x * 3).backward([1.0])),
        ("Tensor([1.0]).backward()", lambda: Tensor([1.0]).backward()),
    ]:
        assert refuses(action), f"{call} should raise RuntimeError, got none. {hint}"
    one = Tensor([[2.0]], requires_grad=True)
    (one * one).backward()
    expect("x.grad of x * x for x of shape (1, 1)", one.grad, [[4.0]], hint)


def test_backward_of_a_deep_graph():
    """backward() copes with 5,000 operations in a row."""
    x = leaf(1.0)
    out = x
    for _ in range(5000):
        out = out + x
    hint = "Hint: walk the list of topological_order() in a loop, no recursion."
    without_recursion_error(lambda: out.backward(), hint)
    expect("x.grad of x added 5,000 times to x", x.grad, [5001.0], hint)


def test_graphs_die_when_dropped():
    """backward() keeps no graph alive, so that memory does not grow step by step."""
    x = leaf(1.0)
    out = x * 2.0
    out.backward()
    expect("x.grad of x * 2", x.grad, [2.0], "Hint: the rule of mul.")
    alive = weakref.ref(out)
    out = None
    assert alive() is None, (
        f"dropping the result of x * 2 should free it, got {alive()!r} still alive. "
        "Hint: keep gradients in a local dict, by id, and store no tensors elsewhere."
    )


def test_no_grad_switches_recording_off_for_a_while():
    """Inside no_grad() results are constants; afterwards, even after an error, all is as before."""
    x = leaf(2.0)
    with no_grad():
        with no_grad():
            inner = x * x
        outer = x * x
    for name, tensor in (("inside two no_grad()", inner), ("after the inner one", outer)):
        fine = not tensor.requires_grad and tensor._parents == ()
        assert fine, (
            f"x * x {name} should be a constant, got {tensor!r}. Hint: restore the state before."
        )
    with contextlib.suppress(ValueError), no_grad():
        int("an error inside")
    restored, Tensor.recording = Tensor.recording, True
    assert restored is True, (
        f"Tensor.recording after an error inside no_grad() should be True, got {restored}. "
        "Hint: __exit__ runs after an error, too: restore there what __enter__ found."
    )
    (x * x).backward()
    expect("x.grad of x * x after no_grad()", x.grad, [4.0], "Hint: the rule of mul.")


# %% [markdown]
# ## 4. Broadcasting, undone
#
# A bias `b` of shape (3,) is added to each of 4 rows: `x + b` has shape (4, 3), and so has the
# gradient that comes back. But the gradient of `b` must have the shape of `b`. Each entry of `b`
# was used 4 times, and the gradients of all uses add up: sum over the rows.
#
# In general: wherever broadcasting has *copied*, the gradient is *summed*.
#
# | operand | result | sum the gradient over |
# |---|---|---|
# | (3,) | (4, 3) | the new axis 0 |
# | (4, 1) | (4, 3) | axis 1, and keep it with length 1 |
# | (1, 3) | (2, 4, 3) | the new axis 0, then axis 0 of what remains, kept |
# | () | (4, 3) | everything |


# %%
#| export
def unbroadcast(grad, shape):
    """Sum grad back to shape, the shape that an operand had before it was broadcast.

    grad: array. shape: tuple that broadcasts to grad.shape.
    Returns an array of the given shape.

    Example: unbroadcast(np.ones((4, 3)), (3,)) is [4, 4, 4];
        unbroadcast(np.ones((4, 3)), (4, 1)) is [[3], [3], [3], [3]].

    Hint: 1. How many axes are new? grad.ndim - len(shape). They are the first ones: sum over
             them, grad.sum(axis=tuple(range(new))).
          2. Which axes i have length 1 in shape but not in grad? Sum over them with
             keepdims=True.
    """
    ### BEGIN SOLUTION
    new = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(new)))
    copied = tuple(i for i, n in enumerate(shape) if n == 1 and grad.shape[i] != 1)
    return grad.sum(axis=copied, keepdims=True)
    ### END SOLUTION


# %%
def test_unbroadcast():
    """unbroadcast() sums over new axes and over axes that had length 1."""
    hint = "Hint: sum over the first grad.ndim - len(shape) axes, then over axes of length 1."
    grad = np.random.default_rng(2).standard_normal((2, 4, 3))
    for shape in [(3,), (4, 3), (1, 3), (4, 1), (1, 1), (2, 1, 3), (2, 1, 1), (1, 4, 1), (), (1,)]:
        expected = np.zeros(shape)
        for index in np.ndindex(grad.shape):
            tail = index[len(index) - len(shape) :]
            place = tuple(0 if n == 1 else i for i, n in zip(tail, shape, strict=True))
            expected[place] += grad[index]
        expect(
            f"unbroadcast(grad of shape (2, 4, 3), {shape})",
            unbroadcast(grad, shape),
            expected,
            hint,
        )
    expect("unbroadcast(grad, its own shape)", unbroadcast(grad, (2, 4, 3)), grad, hint)


def test_gradients_have_the_shape_of_their_operand():
    """Gradients of broadcast operands are summed back to the operand's own shape."""
    hint = "Hint: unbroadcast() sums (it does not average) over every axis that was copied."
    for first, second in [((4, 3), (3,)), ((4, 1), (1, 3)), ((), (2, 3)), ((2, 1, 3), (4, 1))]:
        arrays = [away_from_zero(*first), away_from_zero(*second)]
        for call, function in [
            ("a + b", lambda a, b: a + b),
            ("a - b", lambda a, b: a - b),
            ("a * b", lambda a, b: a * b),
        ]:
            check_gradient(f"{call} of shapes {first} and {second}", function, arrays, hint)


# %% [markdown]
# ## 5. The other rules
#
# Each comes from one line of calculus:
#
# | operation | derivative |
# |---|---|
# | $a / b$ | $1 / b$ for $a$, $-a / b^2$ for $b$ |
# | $a^n$ | $n\,a^{n-1}$ |
# | $\log a$ | $1 / a$ |
#
# **Matrix multiplication.** For $Y = A B$, with $G$ the gradient of $Y$:
#
# $$ \frac{\partial L}{\partial A} = G\,B^\top, \qquad \frac{\partial L}{\partial B} = A^\top G $$
#
# You need not remember that. The shapes leave no choice: A is (n, k), B is (k, m), G is (n, m).
# What can you multiply to get (n, k)? Only G (n, m) by the transposed B (m, k). For stacks of
# matrices, transpose the last two axes only: `np.swapaxes(b.data, -1, -2)`.


# %%
#| export
@gradient_of("div")
def div_gradient(grad, out, a, b):
    """Gradient rule of out = a / b.

    grad: array shaped like out. Returns (gradient for a, gradient for b).

    Example: for a = 6, b = 2, grad = 1 the result is (0.5, -1.5).

    Hint: grad / b.data for a; for b multiply grad by -a / b**2.
    """
    ### BEGIN SOLUTION
    return grad / b.data, -grad * a.data / b.data**2
    ### END SOLUTION


@gradient_of("pow")
def pow_gradient(grad, out, a, exponent):
    """Gradient rule of out = a ** exponent, exponent a number.

    grad: array shaped like a. Returns a tuple with one array: (gradient for a,).

    Example: for a = 3, exponent = 2, grad = 1 the result is (6,).

    Hint: 1. exponent 0: the result is the constant 1, the gradient np.zeros_like(grad) (the
             formula would give 0 times infinity at a = 0).
          2. Otherwise grad * exponent * a.data ** (exponent - 1). Mind the comma of the tuple.
    """
    ### BEGIN SOLUTION
    if exponent == 0:
        return (np.zeros_like(grad),)
    return (grad * exponent * a.data ** (exponent - 1),)
    ### END SOLUTION


@gradient_of("log")
def log_gradient(grad, out, a):
    """Gradient rule of out = log(a). Returns (gradient for a,).

    Example: for a = 4, grad = 1 the result is (0.25,).

    Hint: the derivative of log(a) is 1 / a.
    """
    ### BEGIN SOLUTION
    return (grad / a.data,)
    ### END SOLUTION


@gradient_of("matmul")
def matmul_gradient(grad, out, a, b):
    """Gradient rule of out = a @ b.

    a: (..., n, k) or a vector (k,). b: (..., k, m) or a vector (k,). grad: shaped like out.
    Returns (gradient for a, gradient for b); None for a parent that requires no gradient, since
    a matrix product is too expensive to be computed for nobody.

    Example: for a (5, 3) and b (3, 2), grad is (5, 2) and the results are (5, 3) and (3, 2).

    Hint: 1. Make matrices of vectors: a vector a becomes a row, a.data[np.newaxis, :], a vector
             b a column, b.data[:, np.newaxis]. Their axis is missing in grad as well: put it
             back with np.expand_dims(grad, -1) for b, then np.expand_dims(grad, -2) for a.
          2. grad @ right transposed if a.requires_grad, left transposed @ grad if
             b.requires_grad.
          3. If b was a vector, drop the last axis of its gradient: [..., 0]. What remains to be
             summed, unbroadcast() sums.
    """
    ### BEGIN SOLUTION
    left = a.data[np.newaxis, :] if a.ndim == 1 else a.data
    right = b.data[:, np.newaxis] if b.ndim == 1 else b.data
    grad = np.expand_dims(grad, -1) if b.ndim == 1 else grad
    grad = np.expand_dims(grad, -2) if a.ndim == 1 else grad
    left_grad = grad @ np.swapaxes(right, -1, -2) if a.requires_grad else None
    right_grad = np.swapaxes(left, -1, -2) @ grad if b.requires_grad else None
    if b.ndim == 1 and right_grad is not None:
        right_grad = right_grad[..., 0]
    return left_grad, right_grad
    ### END SOLUTION


# %%
def test_div_gradient():
    """The gradient of a / b is right for numerator and denominator."""
    hint = "Hint: 1 / b for a, and -a / b**2 for b."
    for first, second in [((2, 3), (2, 3)), ((4, 3), (3,)), ((3,), (2, 1))]:
        arrays = [away_from_zero(*first), away_from_zero(*second)]
        check_gradient(f"a / b of {first} and {second}", lambda a, b: a / b, arrays, hint)
    check_gradient("2 / a", lambda a: 2 / a, [away_from_zero(3)], hint)


def test_pow_gradient():
    """The gradient of a ** n is n * a ** (n - 1), for whole, broken, negative and zero n."""
    hint = "Hint: grad * exponent * a.data ** (exponent - 1)."
    x = np.random.default_rng(1).uniform(0.5, 2.0, (2, 3))
    for exponent in (2, 3, 0.5, -1, -0.5, 1):
        check_gradient(f"a ** {exponent}", lambda a, n=exponent: a**n, [x], hint)
    check_gradient("a ** 3 of negative a", lambda a: a**3, [-x], hint)
    zero = Tensor([0.0, 2.0], requires_grad=True)
    (zero**0).backward([1.0, 1.0])
    expect("x.grad of x ** 0 at [0, 2]", zero.grad, [0, 0], "Hint: exponent 0 is a constant.")


def test_log_gradient():
    """The gradient of log(a) is 1 / a."""
    x = np.random.default_rng(1).uniform(0.5, 2.0, (2, 3))
    check_gradient("log(a)", lambda a: a.log(), [x], "Hint: grad / a.data.", np.log)
    check_gradient("log(a) of small a", lambda a: a.log(), [x / 100], "Hint: grad / a.data.", np.log)


def test_matmul_gradient():
    """The gradients of a @ b are G B^T and A^T G, for matrices and vectors."""
    hint = "Hint: grad @ b transposed for a, a transposed @ grad for b; check the shapes."
    for first, second in [
        ((2, 3), (3, 4)),
        ((3, 3), (3, 3)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((3,), (3,)),
    ]:
        arrays = [away_from_zero(*first), away_from_zero(*second) + 1]
        check_gradient(f"a @ b of {first} and {second}", lambda a, b: a @ b, arrays, hint)


def test_matmul_gradient_of_stacks():
    """The gradients of stacked products turn each matrix, and sum over a broadcast stack."""
    hint = "Hint: np.swapaxes(x, -1, -2) turns each matrix; .T would turn the stack as well."
    shapes = [
        ((2, 3, 4), (2, 4, 2)),
        ((2, 3, 4), (4, 2)),
        ((3, 4), (2, 4, 2)),
        ((2, 2, 3, 1), (2, 1, 3)),
    ]
    shapes += [((2, 3, 4), (4,)), ((4,), (2, 4, 3))]
    for first, second in shapes:
        arrays = [away_from_zero(*first), away_from_zero(*second) + 1]
        check_gradient(f"a @ b of {first} and {second}", lambda a, b: a @ b, arrays, hint)


def test_matmul_spares_constants():
    """The rule of matmul computes no gradient for a parent that wants none."""
    x, w = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)), requires_grad=True)
    got = matmul_gradient(np.ones((2, 4)), x @ w, x, w)
    hint = "Hint: ... if a.requires_grad else None, and the same for b."
    assert got[0] is None, f"the gradient for constant a should be None, got {got[0]}. {hint}"
    expect("the gradient for w of ones (2, 3) @ w", got[1], np.full((3, 4), 2.0), hint)
    c = Tensor(np.ones((4, 2)))
    got = matmul_gradient(np.ones((3, 2)), w @ c, w, c)
    assert got[1] is None, f"the gradient for constant b should be None, got {got[1]}. {hint}"
    expect("the gradient for w of w @ ones (4, 2)", got[0], np.full((3, 4), 2.0), hint)


# %% [markdown]
# ## 6. Reductions
#
# A sum copies its gradient to everything that was added. So the rule stretches `grad` back to
# the shape of the operand: first put the removed axis back with length 1, then repeat along it.
# That is `stretch`, given. The order matters: on a square matrix, a gradient of shape (3,)
# would also fit without the first step, but along the wrong axis.
#
# The mean is the sum divided by the number of entries that were added. For the maximum, only the
# winner moves the result, all others get zero. If several entries are equally large, the first
# one wins: exactly one, or the gradient would be counted double.


# %%
#| export
def stretch(grad, shape, axis, keepdims):
    """Repeat the gradient of a reduction along the axes that it removed: back to shape."""
    if axis is not None and not keepdims:
        grad = np.expand_dims(grad, axis)
    return np.broadcast_to(grad, shape)


@gradient_of("sum")
def sum_gradient(grad, out, a, axis, keepdims):
    """Gradient rule of out = a.sum(axis, keepdims). Returns (gradient for a,).

    grad: array shaped like out.

    Example: for a of shape (2, 3), axis=1, grad [1, 5]: ([[1, 1, 1], [5, 5, 5]],).

    Hint: stretch(grad, a.shape, axis, keepdims), in a tuple.
    """
    ### BEGIN SOLUTION
    return (stretch(grad, a.shape, axis, keepdims),)
    ### END SOLUTION


@gradient_of("mean")
def mean_gradient(grad, out, a, axis, keepdims):
    """Gradient rule of out = a.mean(axis, keepdims). Returns (gradient for a,).

    Example: for a of shape (2, 3), axis=1, grad [3, 6]: ([[1, 1, 1], [2, 2, 2]],).

    Hint: every entry of out is made of a.size // out.size entries of a.
    """
    ### BEGIN SOLUTION
    count = a.size // out.size
    return (stretch(grad / count, a.shape, axis, keepdims),)
    ### END SOLUTION


@gradient_of("max")
def max_gradient(grad, out, a, axis, keepdims):
    """Gradient rule of out = a.max(axis, keepdims), axis an int or None. Returns (for a,).

    Example: for a = [[1, 5], [7, 7]], axis=1, grad [2, 3]: ([[0, 2], [3, 0]],).

    Hint: 1. full = np.zeros_like(a.data)
          2. axis None: full.flat[a.data.argmax()] = grad.item()
          3. Otherwise winner = np.expand_dims(a.data.argmax(axis=axis), axis), put the axis back
             into grad unless keepdims, and np.put_along_axis(full, winner, grad, axis).
    """
    ### BEGIN SOLUTION
    full = np.zeros_like(a.data)
    if axis is None:
        full.flat[a.data.argmax()] = grad.item()
    else:
        winner = np.expand_dims(a.data.argmax(axis=axis), axis)
        np.put_along_axis(full, winner, grad if keepdims else np.expand_dims(grad, axis), axis)
    return (full,)
    ### END SOLUTION


# %%
def check_reduction_gradient(name, function, axes, hint):
    """Check the gradient of a reduction on a square and on an odd shape, for every axis."""
    for shape in [(3, 3), (2, 3, 4)]:
        # Distinct entries: next to a tie the maximum has no derivative.
        x = np.random.default_rng(6).permutation(float(np.prod(shape)) - np.arange(np.prod(shape)))
        for axis in [
            axis for axis in axes if not isinstance(axis, tuple) or len(shape) > max(axis)
        ]:
            for keepdims in (False, True):
                check_gradient(
                    f"x.{name}(axis={axis}, keepdims={keepdims})",
                    lambda a, i=axis, k=keepdims: function(a, i, k),
                    [x.reshape(shape) / 10],
                    hint,
                )


def test_sum_gradient():
    """The gradient of a sum is copied to every entry that was added."""
    hint = "Hint: put the axis back (np.expand_dims) before you repeat along it: use stretch()."
    axes = [None, 0, 1, -1, (0, 2)]
    check_reduction_gradient("sum", lambda a, i, k: a.sum(axis=i, keepdims=k), axes, hint)


def test_mean_gradient():
    """The gradient of a mean is shared out among the entries that were averaged."""
    hint = "Hint: divide by a.size // out.size, then stretch."
    axes = [None, 0, 1, -1, (0, 2)]
    check_reduction_gradient("mean", lambda a, i, k: a.mean(axis=i, keepdims=k), axes, hint)


def test_max_gradient():
    """The gradient of a maximum goes to the entry that won."""
    hint = "Hint: zeros everywhere, and grad at the place that argmax(axis) names."
    axes = [None, 0, 1, -1]
    check_reduction_gradient("max", lambda a, i, k: a.max(axis=i, keepdims=k), axes, hint)


def test_max_ties_have_one_winner():
    """Among equal maxima exactly one, the first, gets the gradient."""
    hint = "Hint: argmax gives one place, the first; comparing with the maximum gives several."
    x = Tensor([[7.0, 7.0, 1.0], [2.0, 5.0, 5.0]], requires_grad=True)
    x.max(axis=1).backward([2.0, 3.0])
    expect("x.grad of [[7, 7, 1], [2, 5, 5]].max(axis=1)", x.grad, [[2, 0, 0], [0, 3, 0]], hint)
    x.zero_grad()
    x.max().backward()
    expect("x.grad of [[7, 7, 1], [2, 5, 5]].max()", x.grad, [[1, 0, 0], [0, 0, 0]], hint)


# %% [markdown]
# ## 7. Shapes
#
# An operation that only rearranges has a rule that rearranges back.
#
# - `reshape`: back to the shape of the operand.
# - `transpose(1, 2, 0)`: the inverse order. Swapping two axes is its own inverse, which is why a
#   wrong rule survives every test with matrices; (1, 2, 0) is not. `np.argsort(axes)` is the
#   inverse of a permutation.
# - `x[key]`: zeros, with the gradient put at the places that were read. If a place was read
#   twice, as in `x[[2, 2]]`, both gradients count. `full[key] += grad` looks right and is wrong:
#   NumPy reads once, adds, and writes once. `np.add.at(full, key, grad)` adds one by one. Word
#   embeddings (module 11) live on this: a word that occurs twice must learn twice.


# %%
#| export
@gradient_of("reshape")
def reshape_gradient(grad, out, a):
    """Gradient rule of out = a.reshape(...). Returns (gradient for a,), shaped like a.

    Example: for a of shape (2, 3) and out of shape (6,), grad (6,) becomes (2, 3).

    Hint: no number changes, only its place.
    """
    ### BEGIN SOLUTION
    return (grad.reshape(a.shape),)
    ### END SOLUTION


@gradient_of("transpose")
def transpose_gradient(grad, out, a, axes):
    """Gradient rule of out = a.transpose(axes). Returns (gradient for a,), shaped like a.

    axes: tuple of all axes, none negative.

    Example: for a of shape (2, 3, 4), axes (1, 2, 0): grad (3, 4, 2) becomes (2, 3, 4).

    Hint: grad.transpose(...) by the inverse permutation, np.argsort(axes).
    """
    ### BEGIN SOLUTION
    return (grad.transpose(np.argsort(axes)),)
    ### END SOLUTION


@gradient_of("getitem")
def getitem_gradient(grad, out, a, key):
    """Gradient rule of out = a[key]. Returns (gradient for a,), shaped like a.

    Example: for a of shape (3,), key [2, 2], grad [1, 10]: ([0, 0, 11],).

    Hint: full = np.zeros_like(a.data), then np.add.at(full, key, grad).
    """
    ### BEGIN SOLUTION
    full = np.zeros_like(a.data)
    np.add.at(full, key, grad)
    return (full,)
    ### END SOLUTION


# %%
def test_reshape_gradient():
    """The gradient of reshape() returns in the old shape, entry by entry."""
    hint = "Hint: grad.reshape(a.shape)."
    x = away_from_zero(2, 3, 2)
    for shape in [(6, 2), (12,), (3, -1), (2, 2, 3)]:
        check_gradient(f"x.reshape{shape}", lambda a, s=shape: a.reshape(s), [x], hint)


def test_transpose_gradient():
    """The gradient of transpose() is turned back by the inverse permutation."""
    hint = "Hint: grad.transpose(np.argsort(axes)); the same axes again are no inverse."
    x = away_from_zero(2, 3, 4)
    for axes in [(1, 2, 0), (2, 0, 1), (0, 2, 1), (-1, 0, 1)]:
        check_gradient(f"x.transpose{axes}", lambda a, p=axes: a.transpose(p), [x], hint)
    cube = away_from_zero(2, 2, 2)
    check_gradient("x.transpose(1, 2, 0)", lambda a: a.transpose(1, 2, 0), [cube], hint)
    check_gradient("x.T", lambda a: a.T, [x], hint, lambda a: np.swapaxes(a, 1, 2))


def test_getitem_gradient():
    """The gradient of x[key] goes to the places that were read."""
    hint = "Hint: zeros shaped like a, then np.add.at(full, key, grad)."
    x = away_from_zero(3, 4)
    for call, key in [
        ("x[1]", 1),
        ("x[:, 2]", (slice(None), 2)),
        ("x[1:, ::2]", (slice(1, None), slice(None, None, 2))),
        ("x[[2, 0]]", np.array([2, 0])),
        ("x[[0, 1, 2], [3, 0, 1]]", (np.array([0, 1, 2]), np.array([3, 0, 1]))),
    ]:
        check_gradient(call, lambda a, k=key: a[k], [x], hint)


def test_getitem_adds_up_repeated_places():
    """A place that was read several times gets the gradients of all readings."""
    hint = "Hint: full[key] += grad loses repeated places; np.add.at(full, key, grad) does not."
    x = leaf(1.0, 2.0, 3.0)
    x[[2, 0, 2, 2]].backward([1.0, 10.0, 100.0, 1000.0])
    expect("x.grad of x[[2, 0, 2, 2]]", x.grad, [10, 0, 1101], hint)
    rows = np.array([[0, 2], [2, 2]])
    check_gradient("x[[[0, 2], [2, 2]]]", lambda a: a[rows], [away_from_zero(3, 2)], hint)


# %% [markdown]
# ## 8. All together
#
# The perceptron of the first milestone, in one line: $p = \sigma(Xw + b)$ with
# $\sigma(z) = 1 / (1 + e^{-z})$, judged by the mean squared error. Below, your gradients are
# compared with those derived by hand, and they must come as float32, like the weights they will
# be subtracted from.


# %%
def test_perceptron_gradients():
    """The gradients of a whole perceptron agree with the formulas derived by hand."""
    rng = np.random.default_rng(0)
    inputs, labels = rng.standard_normal((6, 2)), np.array([[0], [1], [1], [0], [1], [0]])
    w = Tensor(np.array([[0.5], [-0.3]], dtype=np.float32), requires_grad=True)
    b = Tensor(np.array([0.1], dtype=np.float32), requires_grad=True)
    z = Tensor(inputs.astype(np.float32)) @ w + b
    p = 1 / (1 + (-z).exp())
    loss = ((p - labels.astype(np.float32)) ** 2).mean()
    loss.backward()

    known_p = 1 / (1 + np.exp(-(inputs @ w.data.astype(np.float64) + 0.1)))
    slope = 2 * (known_p - labels) / 6 * known_p * (1 - known_p)
    hint = "Hint: all rules are tested above; the first test that fails there is the cause."
    expect("the loss", loss, np.mean((known_p - labels) ** 2), hint, tolerance=1e-5)
    expect("w.grad", w.grad, inputs.T @ slope, hint, tolerance=1e-5)
    expect("b.grad", b.grad, slope.sum(axis=0), hint, tolerance=1e-5)
    for name, tensor in (("w", w), ("b", b)):
        fine = isinstance(tensor.grad, np.ndarray) and tensor.grad.dtype == np.float32
        assert fine, (
            f"{name}.grad should be a float32 array, got {type(tensor.grad).__name__} of "
            f"{tensor.grad.dtype}. Hint: node.grad = np.array(total, dtype=node.dtype)."
        )


# %% [markdown]
# ## Gradient descent, for the first time
#
# Run this cell. It walks downhill on $(x - 3)^2$, by nothing but your own gradients.

# %%
x = Tensor(0.0, requires_grad=True)
for step in range(20):
    x.zero_grad()
    loss = (x - 3) ** 2
    loss.backward()
    x.data = x.data - np.float32(0.2) * x.grad
    if step % 5 == 4:
        print(f"step {step + 1}: x = {x.item():.4f}, loss = {loss.item():.6f}")

# %% [markdown]
# `tito module complete 02`, and then `tito milestone run perceptron`: the year is 1957.
