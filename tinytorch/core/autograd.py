# Generated from modules/02_autograd/autograd.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["add_gradient", "neg_gradient", "exp_gradient", "sub_gradient", "mul_gradient", "topological_order", "starting_gradient", "parent_gradients", "backward", "no_grad", "unbroadcast", "div_gradient", "pow_gradient", "log_gradient", "matmul_gradient", "stretch", "sum_gradient", "mean_gradient", "max_gradient", "reshape_gradient", "transpose_gradient", "getitem_gradient"]


#| export
import numpy as np

from tinytorch.core.tensor import GRADIENTS, Tensor, gradient_of


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
    return grad, -grad


@gradient_of("mul")
def mul_gradient(grad, out, a, b):
    """Gradient rule of out = a * b.

    grad: array shaped like out. a, b: the two Tensors; use a.data and b.data.
    Returns (gradient for a, gradient for b).

    Example: for a = 2, b = 5, grad = 10 the result is (50, 20).

    Hint: how fast a * b grows with a is b, and the other way round.
    """
    return grad * b.data, grad * a.data


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


class no_grad:
    """Context in which results record no graph, for evaluation: with no_grad(): ..."""

    def __enter__(self):
        self._before = Tensor.recording
        Tensor.recording = False
        return self

    def __exit__(self, *exception):
        Tensor.recording = self._before
        return False


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
    new = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(new)))
    copied = tuple(i for i, n in enumerate(shape) if n == 1 and grad.shape[i] != 1)
    return grad.sum(axis=copied, keepdims=True)


#| export
@gradient_of("div")
def div_gradient(grad, out, a, b):
    """Gradient rule of out = a / b.

    grad: array shaped like out. Returns (gradient for a, gradient for b).

    Example: for a = 6, b = 2, grad = 1 the result is (0.5, -1.5).

    Hint: grad / b.data for a; for b multiply grad by -a / b**2.
    """
    return grad / b.data, -grad * a.data / b.data**2


@gradient_of("pow")
def pow_gradient(grad, out, a, exponent):
    """Gradient rule of out = a ** exponent, exponent a number.

    grad: array shaped like a. Returns a tuple with one array: (gradient for a,).

    Example: for a = 3, exponent = 2, grad = 1 the result is (6,).

    Hint: 1. exponent 0: the result is the constant 1, the gradient np.zeros_like(grad) (the
             formula would give 0 times infinity at a = 0).
          2. Otherwise grad * exponent * a.data ** (exponent - 1). Mind the comma of the tuple.
    """
    if exponent == 0:
        return (np.zeros_like(grad),)
    return (grad * exponent * a.data ** (exponent - 1),)


@gradient_of("log")
def log_gradient(grad, out, a):
    """Gradient rule of out = log(a). Returns (gradient for a,).

    Example: for a = 4, grad = 1 the result is (0.25,).

    Hint: the derivative of log(a) is 1 / a.
    """
    return (grad / a.data,)


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
    left = a.data[np.newaxis, :] if a.ndim == 1 else a.data
    right = b.data[:, np.newaxis] if b.ndim == 1 else b.data
    grad = np.expand_dims(grad, -1) if b.ndim == 1 else grad
    grad = np.expand_dims(grad, -2) if a.ndim == 1 else grad
    left_grad = grad @ np.swapaxes(right, -1, -2) if a.requires_grad else None
    right_grad = np.swapaxes(left, -1, -2) @ grad if b.requires_grad else None
    if b.ndim == 1 and right_grad is not None:
        right_grad = right_grad[..., 0]
    return left_grad, right_grad


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
    return (stretch(grad, a.shape, axis, keepdims),)


@gradient_of("mean")
def mean_gradient(grad, out, a, axis, keepdims):
    """Gradient rule of out = a.mean(axis, keepdims). Returns (gradient for a,).

    Example: for a of shape (2, 3), axis=1, grad [3, 6]: ([[1, 1, 1], [2, 2, 2]],).

    Hint: every entry of out is made of a.size // out.size entries of a.
    """
    count = a.size // out.size
    return (stretch(grad / count, a.shape, axis, keepdims),)


@gradient_of("max")
def max_gradient(grad, out, a, axis, keepdims):
    """Gradient rule of out = a.max(axis, keepdims), axis an int or None. Returns (for a,).

    Example: for a = [[1, 5], [7, 7]], axis=1, grad [2, 3]: ([[0, 2], [3, 0]],).

    Hint: 1. full = np.zeros_like(a.data)
          2. axis None: full.flat[a.data.argmax()] = grad.item()
          3. Otherwise winner = np.expand_dims(a.data.argmax(axis=axis), axis), put the axis back
             into grad unless keepdims, and np.put_along_axis(full, winner, grad, axis).
    """
    full = np.zeros_like(a.data)
    if axis is None:
        full.flat[a.data.argmax()] = grad.item()
    else:
        winner = np.expand_dims(a.data.argmax(axis=axis), axis)
        np.put_along_axis(full, winner, grad if keepdims else np.expand_dims(grad, axis), axis)
    return (full,)


#| export
@gradient_of("reshape")
def reshape_gradient(grad, out, a):
    """Gradient rule of out = a.reshape(...). Returns (gradient for a,), shaped like a.

    Example: for a of shape (2, 3) and out of shape (6,), grad (6,) becomes (2, 3).

    Hint: no number changes, only its place.
    """
    return (grad.reshape(a.shape),)


@gradient_of("transpose")
def transpose_gradient(grad, out, a, axes):
    """Gradient rule of out = a.transpose(axes). Returns (gradient for a,), shaped like a.

    axes: tuple of all axes, none negative.

    Example: for a of shape (2, 3, 4), axes (1, 2, 0): grad (3, 4, 2) becomes (2, 3, 4).

    Hint: grad.transpose(...) by the inverse permutation, np.argsort(axes).
    """
    return (grad.transpose(np.argsort(axes)),)


@gradient_of("getitem")
def getitem_gradient(grad, out, a, key):
    """Gradient rule of out = a[key]. Returns (gradient for a,), shaped like a.

    Example: for a of shape (3,), key [2, 2], grad [1, 10]: ([0, 0, 11],).

    Hint: full = np.zeros_like(a.data), then np.add.at(full, key, grad).
    """
    full = np.zeros_like(a.data)
    np.add.at(full, key, grad)
    return (full,)
