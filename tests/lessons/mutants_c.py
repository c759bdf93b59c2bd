"""More bugs, most of them quiet: wrong for some sizes, some signs, some values, or the second time.

What mutants_a.py and mutants_b.py hold is wrong wherever it runs; these are right now and then.
"""

from __future__ import annotations

from tests.lessons.mutant import Mutant

SETUP = "00_setup"
TENSOR = "01_tensor"
AUTOGRAD = "02_autograd"
NN = "03_nn"
TRAINING = "04_training"
SPATIAL = "07_spatial"
EMBEDDINGS = "11_embeddings"
ATTENTION = "12_attention"

_CE_GRAD = "    return (grad * (np.exp(log_p) - target) / len(target),)"
_KEEP = "            node.grad = np.array(total, dtype=node.dtype)"
_PART = "                grads[id(parent)] = part if known is None else known + part"
_RELU_GRAD = "    return (grad * (x.data > 0),)"
_LINEAR_END = "        return y + self.bias"
_VELOCITY = "            self.velocities[i] = self.momentum * self.velocities[i] + parameter.grad"
_ADAM_MOVE = "            move(parameter, -self.lr * mean / (np.sqrt(square) + self.eps))"
_BATCH = "            yield self.dataset[order[start : start + self.batch_size]]"
_RESIDUAL = "        return x + self.feed_forward(self.norm2(x))"
_SCORES = "    return q @ k.transpose() / length**0.5"
_ROWS = "    return (scatter_rows(grad, ids, weight.shape[0]),)"
_WEIGHT_GRAD = "    weight_grad = (flat @ columns.T).reshape(weight.shape)"

MUTANTS = [
    # 00_setup
    Mutant(
        "C01",
        SETUP,
        "one_hot counts the classes that occur",
        "    return np.eye(num_classes, dtype=np.float32)[labels]",
        "    return np.eye(max(num_classes, len(set(labels.tolist()))), dtype=np.float32)[labels].T",
    ),
    Mutant(
        "C03",
        SETUP,
        "relative_error measures against the first array only",
        "    scale = np.maximum(np.abs(got), np.abs(expected)).max(initial=0.0)",
        "    scale = np.abs(got).max(initial=0.0)",
    ),
    Mutant(
        "C04",
        SETUP,
        "numeric_gradient has a step of its own",
        "        x[index] = middle + eps\n",
        "        eps = 1e-6\n        x[index] = middle + eps\n",
    ),
    Mutant(
        "C05",
        SETUP,
        "uniform scales with the square of the bound",
        "    return rng().uniform(-bound, bound, size=shape).astype(np.float32)",
        "    return (bound * rng().uniform(-bound, bound, size=shape)).astype(np.float32)",
    ),
    Mutant(
        "C06",
        SETUP,
        "predicted_labels rounds labels that are whole already",
        "    return flat.astype(np.int64)\n",
        "    return (flat > 0).astype(np.int64)\n",
    ),
    # 01_tensor
    Mutant(
        "C10",
        TENSOR,
        "max along a negative axis takes everything",
        "    data = a.data.max(axis=axis, keepdims=keepdims)",
        "    axis = None if axis is not None and axis < 0 else axis\n"
        "    data = a.data.max(axis=axis, keepdims=keepdims)",
    ),
    Mutant(
        "C11",
        TENSOR,
        "power of a negative exponent is inverted twice",
        "    data = np.asarray(a.data**exponent, dtype=a.dtype)",
        "    data = np.asarray(a.data ** (exponent if exponent > -1 else -exponent), dtype=a.dtype)",
    ),
    Mutant(
        "C12",
        TENSOR,
        "sum over several axes takes the first only",
        "    data = a.data.sum(axis=axis, keepdims=keepdims)",
        "    axis = axis[0] if isinstance(axis, tuple) else axis\n"
        "    data = a.data.sum(axis=axis, keepdims=keepdims)",
    ),
    Mutant(
        "C13",
        TENSOR,
        "permute forgets that an axis may be negative",
        "    axes = tuple(range(a.ndim)[axis] for axis in axes)",
        "    axes = tuple(axes)",
    ),
    Mutant(
        "C14",
        TENSOR,
        "division looks at whole numbers only",
        '    return Tensor.make(a.data / b.data, (a, b), "div")',
        '    return Tensor.make(a.data * np.reciprocal(b.data).round(2), (a, b), "div")',
    ),
    Mutant(
        "C15",
        TENSOR,
        "multiplying by a number leaves the graph",
        '    return Tensor.make(a.data * b.data, (a, b), "mul")',
        "    if b.ndim == 0 and not b.requires_grad:\n        return Tensor(a.data * b.data)\n"
        '    return Tensor.make(a.data * b.data, (a, b), "mul")',
    ),
    Mutant(
        "C16",
        TENSOR,
        "a key inside a tuple keeps its floats",
        "        return tuple(index_arrays(part) for part in key)",
        "        return key",
    ),
    Mutant(
        "C18",
        TENSOR,
        "log of small numbers is cut off",
        '    return Tensor.make(np.log(a.data), (a,), "log")',
        '    return Tensor.make(np.log(np.maximum(a.data, 0.1)), (a,), "log")',
    ),
    Mutant(
        "C19",
        TENSOR,
        "mean of one axis keeps the count of the last",
        "    data = a.data.mean(axis=axis, keepdims=keepdims)",
        "    data = a.data.sum(axis=axis, keepdims=keepdims)\n"
        "    data = data / (a.size if axis is None else a.shape[-1])",
    ),
    # 02_autograd
    Mutant(
        "C20",
        AUTOGRAD,
        "a third use of a tensor is forgotten",
        _PART,
        "                grads[id(parent)] = part if known is None else known + part\n"
        "                seen = grads.setdefault(('n', id(parent)), 0) + 1\n"
        "                grads[('n', id(parent))] = seen\n"
        "                if seen == 3:\n"
        "                    grads[id(parent)] = known",
    ),
    Mutant(
        "C21",
        AUTOGRAD,
        "gradients are clipped at 1",
        _KEEP,
        "            node.grad = np.array(np.clip(total, -1, 1), dtype=node.dtype)",
    ),
    Mutant(
        "C22",
        AUTOGRAD,
        "tiny gradients are rounded to nothing",
        _KEEP,
        "            node.grad = np.array(np.round(total, 3), dtype=node.dtype)",
    ),
    Mutant(
        "C23",
        AUTOGRAD,
        "division by a negative number has the wrong sign in its gradient",
        "    return grad / b.data, -grad * a.data / b.data**2",
        "    return grad / b.data, -grad * np.abs(a.data) / b.data**2",
    ),
    Mutant(
        "C24",
        AUTOGRAD,
        "gradient of a power is taken at the absolute value",
        "    return (grad * exponent * a.data ** (exponent - 1),)",
        "    return (grad * exponent * abs(a.data) ** (exponent - 1),)",
    ),
    Mutant(
        "C25",
        AUTOGRAD,
        "mean over two axes counts one",
        "    count = a.size // out.size",
        "    count = a.size // out.size if not isinstance(axis, tuple) else a.shape[axis[0]]",
    ),
    Mutant(
        "C26",
        AUTOGRAD,
        "matmul sums the batch away",
        "    left_grad = grad @ np.swapaxes(right, -1, -2) if a.requires_grad else None",
        "    left_grad = grad @ np.swapaxes(right, -1, -2) if a.requires_grad else None\n"
        "    if left_grad is not None and left_grad.ndim == 4:\n"
        "        left_grad = left_grad.mean(axis=0, keepdims=True) + 0 * left_grad",
    ),
    Mutant(
        "C27",
        AUTOGRAD,
        "unbroadcast takes the sum of one size-1 axis only",
        "    return grad.sum(axis=copied, keepdims=True)",
        "    return grad.sum(axis=copied[:1], keepdims=True)",
    ),
    Mutant(
        "C28",
        AUTOGRAD,
        "max along an axis gives its gradient to the first row",
        "        winner = np.expand_dims(a.data.argmax(axis=axis), axis)",
        "        winner = np.expand_dims(a.data.argmax(axis=0 if axis == 0 else -1), axis)",
    ),
    Mutant(
        "C29",
        AUTOGRAD,
        "log is differentiated at a number that is cut off",
        "    return (grad / a.data,)",
        "    return (grad / np.maximum(a.data, 0.1),)",
    ),
    Mutant(
        "C30",
        AUTOGRAD,
        "an old gradient counts half",
        "            total = grad if node.grad is None else node.grad + grad",
        "            total = grad if node.grad is None else node.grad / 2 + grad",
    ),
    # 03_nn
    Mutant(
        "C40",
        NN,
        "relu stops at 6",
        '    return Tensor.make(np.maximum(x.data, 0), (x,), "relu")',
        '    return Tensor.make(np.clip(x.data, 0, 6), (x,), "relu")',
    ),
    Mutant(
        "C41",
        NN,
        "relu is dead beyond 6 on the way back",
        _RELU_GRAD,
        "    return (grad * ((x.data > 0) & (x.data < 6)),)",
    ),
    Mutant(
        "C42",
        NN,
        "sigmoid is clipped",
        '    return Tensor.make(np.where(x.data >= 0, 1, z) / (1 + z), (x,), "sigmoid")',
        "    s = np.clip(np.where(x.data >= 0, 1, z) / (1 + z), 1e-3, 1 - 1e-3)\n"
        '    return Tensor.make(s.astype(x.dtype), (x,), "sigmoid")',
    ),
    Mutant(
        "C43",
        NN,
        "softmax adds a little to its sum",
        "    data = powers / powers.sum(axis=axis, keepdims=True)",
        "    data = powers / (powers.sum(axis=axis, keepdims=True) + 1e-2)",
    ),
    Mutant(
        "C44",
        NN,
        "softmax gradient averages where it should sum",
        "    average = (grad * out.data).sum(axis=axis, keepdims=True)",
        "    average = (grad * out.data).mean(axis=axis, keepdims=True)",
    ),
    Mutant(
        "C45",
        NN,
        "bias is added to two axes only",
        _LINEAR_END,
        "        return y + self.bias if y.ndim == 2 else y",
    ),
    Mutant(
        "C47",
        NN,
        "parameters stop at the third",
        "            if isinstance(value, Tensor) and value.requires_grad:",
        "            if isinstance(value, Tensor) and value.requires_grad and len(found) < 3:",
    ),
    Mutant(
        "C48",
        NN,
        "tanh is a polynomial",
        '    return Tensor.make(np.tanh(x.data), (x,), "tanh")',
        '    return Tensor.make(np.clip(x.data - x.data**3 / 3, -1, 1), (x,), "tanh")',
    ),
    Mutant(
        "C49",
        NN,
        "one weight in a Linear never gets its gradient",
        "        y = as_tensor(x) @ self.weight.T\n",
        "        y = as_tensor(x) @ self.weight.T\n        self.weight.data.flat[0] = 0.05\n",
    ),
    # 04_training
    Mutant(
        "C50",
        TRAINING,
        "cross entropy divides by the size of the first batch it saw",
        _CE_GRAD,
        "    global _first_size\n"
        "    _first_size = globals().get('_first_size') or len(target)\n"
        "    return (grad * (np.exp(log_p) - target) / _first_size,)",
    ),
    Mutant(
        "C52",
        TRAINING,
        "cross entropy forgets the last class",
        "    loss = -(target * log_p).sum(axis=1).mean()",
        "    loss = -(target * log_p)[:, :-1].sum(axis=1).mean()",
    ),
    Mutant(
        "C54",
        TRAINING,
        "the learning rate decays by itself",
        "            move(parameter, -self.lr * self.velocities[i])",
        "            move(parameter, -self.lr * self.velocities[i])\n            self.lr *= 0.9999",
    ),
    Mutant(
        "C55",
        TRAINING,
        "weights decay",
        "            move(parameter, -self.lr * self.velocities[i])",
        "            move(parameter, -self.lr * (self.velocities[i] + 1e-3 * parameter.data))",
    ),
    Mutant(
        "C56",
        TRAINING,
        "Adam clips its step",
        _ADAM_MOVE,
        "            move(parameter, np.clip(-self.lr * mean / (np.sqrt(square) + self.eps), -0.004, 0.004))",
    ),
    Mutant(
        "C57",
        TRAINING,
        "Adam starts its correction a step late",
        "            self.steps[i] += 1\n",
        "            self.steps[i] += 1 if self.means[i].any() else 2\n",
    ),
    Mutant(
        "C58",
        TRAINING,
        "the last batch takes what is left of the first, too",
        _BATCH,
        "            places = order[start : start + self.batch_size]\n"
        "            missing = self.batch_size - len(places)\n"
        "            yield self.dataset[np.concatenate([places, order[:missing]])]",
    ),
    Mutant(
        "C60",
        TRAINING,
        "gradients are clipped by SGD",
        _VELOCITY,
        "            grad = np.clip(parameter.grad, -0.05, 0.05)\n"
        "            self.velocities[i] = self.momentum * self.velocities[i] + grad",
    ),
    # 07_spatial
    Mutant(
        "C70",
        SPATIAL,
        "weight gradient leaves out the last image of a batch",
        _WEIGHT_GRAD,
        "    last = columns.shape[1] // n\n"
        "    weight_grad = (flat[:, :-last] @ columns[:, :-last].T).reshape(weight.shape)",
    ),
    Mutant(
        "C71",
        SPATIAL,
        "bias of the first filter for all",
        "    data = weight.data.reshape(filters, -1) @ windows + bias.data[:, None]",
        "    data = weight.data.reshape(filters, -1) @ windows + bias.data[0]",
    ),
    Mutant(
        "C72",
        SPATIAL,
        "stride of the rows only in the windows",
        "    windows = windows[:, :, ::stride, ::stride]\n",
        "    windows = windows[:, :, ::stride, :: max(1, stride)][:, :, :, : windows.shape[3]]\n"
        "    windows = windows + 0 * windows[:, ::-1]\n    windows = windows[..., ::-1, :]\n",
    ),
    Mutant(
        "C73",
        SPATIAL,
        "the frame is cut off one pixel too far",
        "    x_grad = framed[:, :, padding : padding + height, padding : padding + width]",
        "    x_grad = framed[:, :, 2 * padding : 2 * padding + height, padding : padding + width]\n"
        "    x_grad = np.pad(x_grad, ((0, 0), (0, 0), (0, height - x_grad.shape[2]), (0, 0)))",
    ),
    Mutant(
        "C74",
        SPATIAL,
        "padding with ones",
        "    return np.pad(images, ((0, 0), (0, 0), frame, frame))",
        "    return np.pad(images, ((0, 0), (0, 0), frame, frame), constant_values=1)",
    ),
    Mutant(
        "C75",
        SPATIAL,
        "kernel is transposed",
        "    data = weight.data.reshape(filters, -1) @ windows + bias.data[:, None]",
        "    turned = weight.data.swapaxes(2, 3)\n"
        "    data = turned.reshape(filters, -1) @ windows + bias.data[:, None]",
    ),
    Mutant(
        "C76",
        SPATIAL,
        "pooling looks at the absolute values",
        '    return Tensor.make(entries.max(axis=2), (x,), "max_pool2d", **saved)',
        '    return Tensor.make(np.abs(entries).max(axis=2), (x,), "max_pool2d", **saved)',
    ),
    Mutant(
        "C77",
        SPATIAL,
        "pooling takes the bottom right entry",
        '    return Tensor.make(entries.max(axis=2), (x,), "max_pool2d", **saved)',
        '    return Tensor.make(entries[:, :, -1], (x,), "max_pool2d", **saved)',
    ),
    Mutant(
        "C78",
        SPATIAL,
        "pooling gradient counts an entry once, however many windows it wins",
        "            images[:, :, down, across] += parts[:, :, i, j]",
        "            now = images[:, :, down, across]\n"
        "            images[:, :, down, across] = np.where(now == 0, parts[:, :, i, j], now)",
    ),
    # 11_embeddings
    Mutant(
        "C80",
        EMBEDDINGS,
        "the gradient of row 0 is dropped, as if it were padding",
        _ROWS,
        "    rows = scatter_rows(grad, ids, weight.shape[0])\n    rows[0] = 0\n    return (rows,)",
    ),
    Mutant(
        "C81",
        EMBEDDINGS,
        "the gradient of the first sequence only",
        _ROWS,
        "    return (scatter_rows(grad[:1] if grad.ndim > 2 else grad, ids[:1] if grad.ndim > 2 else ids,"
        " weight.shape[0]),)",
    ),
    Mutant(
        "C82",
        EMBEDDINGS,
        "positions are scaled down",
        "        return x + embedding(positions, self.weight)",
        "        return x + embedding(positions, self.weight) * 0.5",
    ),
    Mutant(
        "C83",
        EMBEDDINGS,
        "tokens are scaled up by the root of the width",
        "        return embedding(ids, self.weight)",
        "        return embedding(ids, self.weight) * self.weight.shape[1] ** 0.5",
    ),
    Mutant(
        "C84",
        EMBEDDINGS,
        "the last position is that before it",
        "        positions = np.arange(length)\n",
        "        positions = np.minimum(np.arange(length), max(length - 2, 0))\n",
    ),
    # 12_attention
    Mutant(
        "C90",
        ATTENTION,
        "attention output is zero",
        "        return self.out_proj(merge_heads(heads))",
        "        return self.out_proj(merge_heads(heads)) * 0",
    ),
    Mutant("C91", ATTENTION, "attention is uniform", _SCORES, "    return q @ k.transpose() * 0.0"),
    Mutant(
        "C92",
        ATTENTION,
        "the scale is that of the whole width",
        "heads, weights = scaled_dot_product_attention(q, k, v, mask)\n",
        "heads, weights = scaled_dot_product_attention(\n"
        "            q * self.num_heads**-0.5, k, v, mask\n        )\n",
    ),
    Mutant(
        "C93",
        ATTENTION,
        "causal mask lets the first row see two",
        "    return np.tril(np.ones((n, n), dtype=bool))",
        "    mask = np.tril(np.ones((n, n), dtype=bool))\n    mask[0, 1:2] = True\n    return mask",
    ),
    Mutant(
        "C94",
        ATTENTION,
        "the last query sees nothing but itself",
        "    return np.tril(np.ones((n, n), dtype=bool))",
        "    mask = np.tril(np.ones((n, n), dtype=bool))\n    mask[-1, :-1] = n < 3\n    return mask",
    ),
    Mutant(
        "C95",
        ATTENTION,
        "scores are clipped",
        _SCORES,
        "    scores = q @ k.transpose() / length**0.5\n"
        "    scores.data = np.clip(scores.data, -1, 1)\n    return scores",
    ),
    Mutant(
        "C96",
        ATTENTION,
        "weights are those of the first call",
        "        self.weights = weights.data\n",
        "        if self.weights is None:\n            self.weights = weights.data\n",
    ),
    Mutant(
        "C97",
        ATTENTION,
        "the feed-forward network is added twice",
        _RESIDUAL,
        "        step = self.feed_forward(self.norm2(x))\n        return x + step + step",
    ),
    Mutant(
        "C98",
        ATTENTION,
        "heads are in reverse order",
        "    return heads.transpose(1, 2)",
        "    return heads.transpose(1, 2)[:, ::-1]",
    ),
    Mutant(
        "C99",
        ATTENTION,
        "LayerNorm has an eps of one thousandth",
        "    return centred * (variance + eps) ** -0.5 * weight + bias",
        "    return centred * (variance + 100 * eps) ** -0.5 * weight + bias",
    ),
    # Found by changing every operator, number and statement of the solutions in turn.
    Mutant(
        "C100",
        SETUP,
        "one_hot refuses a batch without labels",
        "    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):",
        "    if labels.min() < 0 or labels.max() >= num_classes:",
    ),
    Mutant(
        "C101",
        SETUP,
        "relative_error is never below the inverse of the scale",
        "    difference = np.abs(got - expected).max(initial=0.0)\n    scale",
        "    difference = np.abs(got - expected).max(initial=1.0)\n    scale",
    ),
    Mutant(
        "C102",
        SETUP,
        "relative_error measures small entries against 1",
        "np.abs(expected)).max(initial=0.0)\n    return",
        "np.abs(expected)).max(initial=1.0)\n    return",
    ),
    Mutant(
        "C103",
        TENSOR,
        "an array as exponent is taken for a number",
        "    if not isinstance(exponent, numbers.Real):\n        raise",
        "    if False:\n        raise",
    ),
    Mutant(
        "C104",
        NN,
        "relu takes no array",
        "    x = as_tensor(x)\n    return Tensor.make(np.maximum(",
        "    return Tensor.make(np.maximum(",
    ),
    Mutant("C105", NN, "softmax takes no array", "    x = as_tensor(x)\n    powers", "    powers"),
    Mutant(
        "C106",
        SPATIAL,
        "images framed by 3 lose a row of their gradient",
        "fold(parts, height + 2 * padding, width",
        "fold(parts, height + 2 + padding, width",
    ),
]
