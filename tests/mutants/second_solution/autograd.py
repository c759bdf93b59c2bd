"""Kahn's algorithm: a tensor's turn comes when all that use it have had theirs."""

from collections import Counter, deque

import numpy as np

from tinytorch.core.tensor import Tensor


def run_backward(out, gradient=None):
    if not out.requires_grad:
        raise RuntimeError("this tensor needs no gradient")
    if gradient is None:
        if out.size != 1:
            raise RuntimeError("only a single number needs no gradient to start from")
        gradient = np.ones_like(out.data)
    gradient = np.asarray(gradient)
    if gradient.shape != out.shape:
        raise RuntimeError("the gradient should have the shape of the tensor")
    uses = count_uses(out)
    arrived = {out: gradient.astype(out.dtype)}
    ready = deque([out])
    while ready:
        node = ready.popleft()
        here = arrived.pop(node)
        if not node.came_from:
            node.grad = here.copy() if node.grad is None else np.add(node.grad, here)
            continue
        for parent, rule in node.came_from:
            part = fold(rule(here), parent.shape)
            arrived[parent] = np.add(arrived[parent], part) if parent in arrived else part
            uses[parent] -= 1
            if not uses[parent]:
                ready.append(parent)


def count_uses(out):
    uses, waiting, met = Counter(), [out], {out}
    while waiting:
        for parent, _ in waiting.pop().came_from:
            uses[parent] += 1
            if parent not in met:
                met.add(parent)
                waiting.append(parent)
    return uses


def fold(array, shape):
    """Sum over what was broadcast, one axis after the other, from the last."""
    while array.ndim > len(shape):
        array = array.sum(axis=0)
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            array = array.sum(axis=axis, keepdims=True)
    return array


class no_grad:
    def __enter__(self):
        Tensor.recording.insert(0, False)

    def __exit__(self, *_):
        Tensor.recording.pop(0)
