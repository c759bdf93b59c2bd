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
# # 07 · Convolution
#
# A `Linear` layer does not know that an image is an image. Shuffle the 64 pixels of every digit
# in the same way, and it learns exactly as well as before: to it, pixel 12 and pixel 13 are two
# numbers like any others. Two facts about pictures are lost that way:
#
# * **what belongs together is close together**: an edge is a matter of neighbouring pixels;
# * **the same thing can be anywhere**: an edge is an edge in the left corner and in the right one.
#
# A *convolution* puts both facts into the layer itself. One small window of weights, 3 by 3 say,
# looks at 3 by 3 pixels at a time and slides over the whole image. Few weights, used everywhere.
#
# ## Why it mattered
#
# In 1980 Kunihiko Fukushima built the *Neocognitron*, a network of small receptive fields after
# what Hubel and Wiesel had seen in the visual cortex of cats, but without a good way to train it.
# In 1989 Yann LeCun trained such windows by backpropagation on handwritten digits, and in 1998
# *LeNet-5* read cheques in banks. In 2012 the same idea on a graphics card (*AlexNet*) won the
# ImageNet competition by so much that computer vision changed subject.
#
# Count the weights. From an 8 by 8 image to 8 maps of 6 by 6 numbers, a `Linear` layer needs
# 64 · 288 + 288 = 18,720 of them. The convolution that you write today needs 8 · 9 + 8 = 80.
#
# ## What you build
#
# | step | you write | shape |
# |---|---|---|
# | 1 | `output_size`, `pad_images` | how far a window can slide |
# | 2 | `patches`, `fold` | `(N, C, H, W)` to `(N, C, k, k, H', W')`, and the way back |
# | 3 | `im2col`, `conv2d`, `conv2d_gradient` | a convolution is one matrix product |
# | 4 | `Conv2d` | the layer |
# | 5 | `max_pool2d`, `max_pool2d_gradient`, `MaxPool2d` | keep the strongest answer |
# | 6 | `Flatten` | from maps to a row for `Linear` |
#
# Images are arrays of shape `(N, C, H, W)`: N images, C channels (1 for grey, 3 for colour), H rows
# of W pixels. As everywhere in this course: no loop over pixels. The public TinyTorch writes
# convolution with seven nested Python loops and trains the network of this lesson for minutes;
# yours will need a fraction of a second, and the mathematics is the same.
#
# ## What will be checked
#
# The tests below compare with slow, plain loops that you can read. Then the milestone
# **1998 - Convolutional Networks** trains `Conv2d(1, 8, 3)`, `ReLU`, `MaxPool2d(2)`, `Flatten`,
# `Linear(72, 10)` on real handwritten digits and asks for more than 80 % on images that were
# never seen in training.

# %%
#| default_exp core.spatial

# %%
#| export
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.nn import Module
from tinytorch.core.setup import uniform
from tinytorch.core.tensor import Tensor, as_tensor, gradient_of

# %% [markdown]
# The next cell belongs to the tests: the messages they print, and the same layers once more, as
# slow loops over every position. Read `loop_conv2d`: it is the definition of what you build.

# %%
def assert_close(call, got, expected, hint, tolerance=1e-5):
    """Fail with the call, what was expected, what came, and a hint, unless the two agree."""
    expected = np.asarray(expected)
    got = got.data if isinstance(got, Tensor) else got
    assert got is not None, f"{call} should have shape {expected.shape}, got None. {hint}"
    got = np.asarray(got)
    assert got.shape == expected.shape, (
        f"{call} should have shape {expected.shape}, got {got.shape}. {hint}"
    )
    off = np.abs(got - expected) > tolerance * (1 + np.abs(expected))
    off |= np.isnan(got)
    at = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape)) if off.size else ()
    assert not off.any(), (
        f"{call} should be {expected[at]:.6g} at index {at}, got {got[at]:.6g}. {hint}"
    )


def loop_positions(height, width, kernel_size, stride):
    """Every (row, column) of the output with the slices of the input that its window covers."""
    for row in range((height - kernel_size) // stride + 1):
        for column in range((width - kernel_size) // stride + 1):
            top, left = row * stride, column * stride
            yield row, column, slice(top, top + kernel_size), slice(left, left + kernel_size)


def loop_frame(images, padding):
    """A copy of the images inside a frame of zeros."""
    n, channels, height, width = images.shape
    framed = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
    framed[:, :, padding : padding + height, padding : padding + width] = images
    return framed


def loop_conv2d(images, weight, bias, stride, padding):
    """The definition: at every position, window times weights, summed, plus the bias."""
    framed = loop_frame(images, padding)
    n, filters, k = len(images), len(weight), weight.shape[2]
    rows = (framed.shape[2] - k) // stride + 1
    columns = (framed.shape[3] - k) // stride + 1
    out = np.zeros((n, filters, rows, columns))
    for row, column, high, wide in loop_positions(*framed.shape[2:], k, stride):
        for f in range(filters):
            window = framed[:, :, high, wide]
            out[:, f, row, column] = (window * weight[f]).sum(axis=(1, 2, 3)) + bias[f]
    return out


def loop_conv2d_gradients(grad, images, weight, stride, padding):
    """What every weight, bias and pixel contributed, collected one window at a time."""
    framed = loop_frame(images, padding)
    images_grad, weight_grad = np.zeros(framed.shape), np.zeros(weight.shape)
    for row, column, high, wide in loop_positions(*framed.shape[2:], weight.shape[2], stride):
        for i in range(len(images)):
            for f in range(len(weight)):
                weight_grad[f] += grad[i, f, row, column] * framed[i, :, high, wide]
                images_grad[i, :, high, wide] += grad[i, f, row, column] * weight[f]
    height, width = images.shape[2:]
    images_grad = images_grad[:, :, padding : padding + height, padding : padding + width]
    return images_grad, weight_grad, grad.sum(axis=(0, 2, 3))


def loop_max_pool2d(images, kernel_size, stride, grad=None):
    """The maximum of every window, and where the gradient of every maximum has to go."""
    n, channels, height, width = images.shape
    rows, columns = (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1
    out, images_grad = np.zeros((n, channels, rows, columns)), np.zeros(images.shape)
    for row, column, high, wide in loop_positions(height, width, kernel_size, stride):
        for i in range(n):
            for c in range(channels):
                window = images[i, c, high, wide]
                out[i, c, row, column] = window.max()
                y, x = np.unravel_index(window.argmax(), window.shape)
                if grad is not None:
                    images_grad[i, c, high.start + y, wide.start + x] += grad[i, c, row, column]
    return out, images_grad


# %% [markdown]
# ## 1. How far can a window slide?
#
# An axis of 8 pixels and a window of 3: the window can start at 0, 1, 2, 3, 4, 5, and no later,
# because it has to fit. Six positions, so the output is 6 long. With *stride* 2 it starts at 0, 2
# and 4 only. With *padding* 1 the axis is 10 long, because one zero stands on each side.
#
# $$ \text{out} = \left\lfloor \frac{\text{size} + 2\,\text{padding} - k}{\text{stride}} \right\rfloor + 1 $$
#
# The floor says that a step which would leave the image is not taken.

# %%
#| export
def output_size(size, kernel_size, stride=1, padding=0):
    """Number of positions of a sliding window along one axis.

    size: length of the axis, before padding. All arguments are integers.

    Raises ValueError if the window is longer than the padded axis.

    Example: output_size(8, 3) is 6, output_size(8, 3, stride=2, padding=1) is 4.

    Hints: 1. the padding stands on both sides; 2. the first position is free, every further one
    costs a stride; 3. `//` is the floor.
    """
    ### BEGIN SOLUTION
    room = size + 2 * padding - kernel_size
    if room < 0:
        raise ValueError(f"a window of {kernel_size} does not fit into {size} + 2 * {padding}")
    return room // stride + 1
    ### END SOLUTION


# %%
def test_output_size():
    """output_size() counts the positions of a window, with stride and padding."""
    cases = [
        ((8, 3, 1, 0), 6),
        ((8, 3, 2, 0), 3),
        ((8, 3, 2, 1), 4),
        ((7, 2, 2, 0), 3),
        ((5, 5, 3, 0), 1),
        ((4, 1, 1, 2), 8),
    ]
    for arguments, expected in cases:
        got = output_size(*arguments)
        assert got == expected, (
            f"output_size{arguments} should be {expected}, got {got}. "
            "Hint: (size + 2 * padding - kernel_size) // stride + 1."
        )
    got = output_size(8, 3)
    assert got == 6, f"output_size(8, 3) should be 6, got {got}. Hint: stride 1, padding 0."


def test_output_size_refuses_a_window_that_does_not_fit():
    """output_size() raises ValueError when the window is longer than the padded axis."""
    assert output_size(2, 4, padding=1) == 1, (
        f"output_size(2, 4, padding=1) should be 1, got {output_size(2, 4, padding=1)}. "
        "Hint: a window that fits exactly has one position."
    )
    try:
        got = output_size(2, 3)
    except ValueError:
        return
    raise AssertionError(
        f"output_size(2, 3) should raise ValueError, got {got}. "
        "Hint: raise it when size + 2 * padding - kernel_size is negative."
    )


# %% [markdown]
# ## A frame of zeros
#
# Without padding a 3 by 3 window makes every image 2 pixels smaller, and the corner pixels are
# seen by one window only while those in the middle are seen by nine. A frame of zeros cures both.
# Padding 1 with a 3 by 3 window keeps the size.

# %%
#| export
def pad_images(images, padding):
    """The images inside a frame of zeros, `padding` pixels wide on all four sides.

    images: (N, C, H, W) array.

    Returns an array (N, C, H + 2 * padding, W + 2 * padding) of the same dtype. The argument stays
    as it is.

    Hints: 1. only the last two axes grow; 2. np.pad takes one pair (before, after) per axis;
    3. with padding 0 there is nothing to do.
    """
    ### BEGIN SOLUTION
    if padding == 0:
        return images
    frame = (padding, padding)
    return np.pad(images, ((0, 0), (0, 0), frame, frame))
    ### END SOLUTION


# %%
def test_pad_images():
    """pad_images() puts zeros on all four sides and keeps images, channels and dtype."""
    images = np.arange(1, 13, dtype=np.float32).reshape(2, 1, 2, 3)
    before = images.copy()
    hint = "Hint: np.pad(images, ((0, 0), (0, 0), (p, p), (p, p)))."
    for padding in (0, 1, 2):
        got = pad_images(images, padding)
        call = f"pad_images(images of shape {images.shape}, {padding})"
        assert_close(call, got, loop_frame(images, padding), hint)
        assert got.dtype == np.float32, f"{call} should stay float32, got {got.dtype}. {hint}"
    assert_close("images after pad_images()", images, before, "Hint: do not write into images.")


# %% [markdown]
# ## 2. All windows at once
#
# Instead of sliding one window, look at *all* of them at once. Number the windows by their
# position `(y, x)` in the output and the pixels inside a window by `(i, j)`:
#
# $$ \text{patches}[n, c, i, j, y, x] = \text{images}[n, c,\; y \cdot \text{stride} + i,\; x \cdot \text{stride} + j] $$
#
# That looks like k² copies of the image, but NumPy does not copy: an array is a block of memory
# with a *step* in bytes per axis, and `sliding_window_view` just makes two more axes with
# the same steps. It gives shape `(N, C, rows, columns, k, k)` for stride 1; a slice with a step
# drops the positions that a larger stride jumps over, and a transpose puts the axes in our order.

# %%
#| export
def patches(images, kernel_size, stride=1):
    """All windows of all images.

    images: (N, C, H, W) array, already padded.

    Returns an array (N, C, k, k, H', W') with k = kernel_size: entry [n, c, i, j, y, x] is pixel
    (i, j) of the window at position (y, x), that is images[n, c, y * stride + i, x * stride + j].

    Hints: 1. sliding_window_view(images, (k, k), axis=(2, 3)) has shape (N, C, rows, columns, k, k);
    2. keep every stride-th row and column; 3. transpose(0, 1, ...) moves the window axes forward.
    """
    ### BEGIN SOLUTION
    windows = sliding_window_view(images, (kernel_size, kernel_size), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return windows.transpose(0, 1, 4, 5, 2, 3)
    ### END SOLUTION


# %%
def test_patches():
    """patches() finds every window, also with a stride and in images that are not square."""
    images = np.random.default_rng(1).normal(size=(2, 3, 5, 6))
    for kernel_size, stride in ((3, 1), (2, 2), (2, 3), (3, 2), (1, 1)):
        got = np.asarray(patches(images, kernel_size, stride))
        shape = (
            *(2, 3, kernel_size, kernel_size),
            *((5 - kernel_size) // stride + 1, (6 - kernel_size) // stride + 1),
        )
        call = f"patches(images of shape {images.shape}, {kernel_size}, {stride})"
        assert got.shape == shape, (
            f"{call} should have shape {shape}, got {got.shape}. "
            "Hint: slice the window positions with ::stride, then transpose(0, 1, 4, 5, 2, 3)."
        )
        for row, column, high, wide in loop_positions(5, 6, kernel_size, stride):
            assert_close(
                f"{call}[:, :, :, :, {row}, {column}]",
                got[:, :, :, :, row, column],
                images[:, :, high, wide],
                "Hint: i counts rows and j columns inside the window, y and x the positions.",
            )


# %% [markdown]
# ## The way back
#
# In the backward pass a gradient arrives for every entry of `patches`. A pixel that was seen by
# nine windows has nine of them, and they **add up**: that is the chain rule for a value used nine
# times. `fold` does this. Do not loop over pixels: loop over the k² places `(i, j)` inside a window.
# For one such place, the pixels that all windows see there form a regular grid,
#
# ```
# images[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
# ```
#
# and in one grid no pixel occurs twice, so a plain `+=` is right.
#
# Mathematically `patches` is a linear map (every output is some input), and `fold` is its
# transpose. That is the whole secret of the backward pass of a convolution.

# %%
#| export
def fold(parts, height, width, stride=1):
    """The transpose of patches(): every window entry is added to the pixel it came from.

    parts: (N, C, k, k, H', W') array, like the result of patches().
    height, width: size of the images that were cut into windows.

    Returns an array (N, C, height, width) of the same dtype.

    Example: fold(np.ones((1, 1, 2, 2, 2, 2)), 3, 3) is [[1, 2, 1], [2, 4, 2], [1, 2, 1]]: the
    pixel in the middle lies in all four windows.

    Hints: 1. start from zeros; 2. two loops over i and j, each of kernel_size steps; 3. add
    parts[:, :, i, j] to the grid of pixels that starts at (i, j).
    """
    ### BEGIN SOLUTION
    n, channels, k, _, rows, columns = parts.shape
    images = np.zeros((n, channels, height, width), dtype=parts.dtype)
    for i in range(k):
        for j in range(k):
            down = slice(i, i + stride * rows, stride)
            across = slice(j, j + stride * columns, stride)
            images[:, :, down, across] += parts[:, :, i, j]
    return images
    ### END SOLUTION


# %%
def test_fold():
    """fold() adds every window entry to its pixel; pixels that no window saw stay zero."""
    generator = np.random.default_rng(2)
    for kernel_size, stride in ((3, 1), (2, 2), (2, 3), (3, 2)):
        rows, columns = (5 - kernel_size) // stride + 1, (6 - kernel_size) // stride + 1
        parts = generator.normal(size=(2, 3, kernel_size, kernel_size, rows, columns))
        expected = np.zeros((2, 3, 5, 6))
        for row, column, high, wide in loop_positions(5, 6, kernel_size, stride):
            expected[:, :, high, wide] += parts[:, :, :, :, row, column]
        assert_close(
            f"fold(parts of shape {parts.shape}, 5, 6, {stride})",
            fold(parts, 5, 6, stride),
            expected,
            "Hint: add with +=, and step through the image by stride.",
        )
    got = fold(np.ones((1, 1, 2, 2, 2, 2), dtype=np.float32), 3, 3)
    assert_close(
        "fold(ones of shape (1, 1, 2, 2, 2, 2), 3, 3)",
        got,
        [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]],
        "Hint: the pixel in the middle lies in four windows.",
    )
    assert got.dtype == np.float32, (
        f"fold(float32 parts) should stay float32, got {got.dtype}. "
        "Hint: np.zeros(..., dtype=parts.dtype)."
    )


# %% [markdown]
# ## 3. A convolution is one matrix product
#
# At one position a filter computes a weighted sum of the C·k·k numbers in its window: a scalar
# product. All filters at all positions are then all scalar products of
#
# * the O rows of the weight matrix, `(O, C·k·k)`, with
# * the columns of the matrix of windows, `(C·k·k, N·H'·W')`, one window per column.
#
# That is **one matrix product**, the operation that computers do best. Making that matrix is
# called *im2col*, "image to columns". The order inside a column must be the one of
# `weight.reshape(O, -1)`: channel, then row, then column.
#
# (Mathematicians would flip the kernel first and call ours *cross-correlation*. Every deep-learning
# library leaves the flip out, since the weights are learned anyway, and says convolution.)

# %%
#| export
def im2col(images, kernel_size, stride=1, padding=0):
    """One column per window.

    images: (N, C, H, W) array.

    Returns an array (C * k * k, N * H' * W'). Column n * H' * W' + y * W' + x holds the window of
    image n at (y, x), in the order channel, row, column.

    Hints: 1. pad, then patches: (N, C, k, k, H', W'); 2. bring N behind k, k: (C, k, k, N, H', W');
    3. reshape to (C * k * k, -1).
    """
    ### BEGIN SOLUTION
    windows = patches(pad_images(images, padding), kernel_size, stride)
    rows = images.shape[1] * kernel_size * kernel_size
    return windows.transpose(1, 2, 3, 0, 4, 5).reshape(rows, -1)
    ### END SOLUTION


# %%
def test_im2col():
    """im2col() makes one column per window, in the order channel, row, column."""
    images = np.random.default_rng(3).normal(size=(2, 3, 4, 5))
    for kernel_size, stride, padding in ((3, 1, 0), (2, 2, 1), (3, 2, 1)):
        framed = loop_frame(images, padding)
        expected = [
            framed[n, :, high, wide].reshape(-1)
            for n in range(2)
            for _, _, high, wide in loop_positions(*framed.shape[2:], kernel_size, stride)
        ]
        assert_close(
            f"im2col(images of shape {images.shape}, {kernel_size}, {stride}, {padding})",
            im2col(images, kernel_size, stride, padding),
            np.array(expected).T,
            "Hint: transpose the patches to (C, k, k, N, H', W') before the reshape.",
        )


# %% [markdown]
# Now the operation itself. It is an operation on tensors like `matmul`, with a forward pass, a
# name and a gradient rule, and it is recorded by `Tensor.make(data, parents, op, **saved)`.
# What the rule will need again, the matrix of windows and the settings, goes into `saved`. If no
# parent requires a gradient, `make` keeps none of it.
#
# The first step is given: `as_images` refuses what is no stack of images and says why. A grey
# image without its channel axis, `(N, H, W)`, is the usual reason.

# %%
#| export
def as_images(x, channels=None):
    """x as a Tensor (N, C, H, W); ValueError that names its shape if it has another one."""
    x = as_tensor(x)
    if x.ndim != 4 or channels not in (None, x.shape[1]):
        raise ValueError(f"images should have shape (N, {channels or 'C'}, H, W), got {x.shape}")
    return x


def conv2d(x, weight, bias, stride=1, padding=0):
    """Slide every filter over every image.

    x: Tensor (N, C, H, W). weight: Tensor (O, C, k, k). bias: Tensor (O,).

    Returns a Tensor (N, O, H', W'):
    out[n, o, y, x] = bias[o] + sum over c, i, j of weight[o, c, i, j] * window[c, i, j].

    Hints: 1. x = as_images(x, C), with C from the weight; 2. weights as a matrix (O, C * k * k) @
    columns (C * k * k, N * H' * W') + bias as a column; 3. reshape to (O, N, H', W') and put N
    first; 4. end with
    Tensor.make(data, (x, weight, bias), "conv2d", columns=columns, stride=stride, padding=padding).
    """
    ### BEGIN SOLUTION
    filters, channels, k, _ = weight.shape
    x = as_images(x, channels)
    n, _, height, width = x.shape
    rows = output_size(height, k, stride, padding)
    columns = output_size(width, k, stride, padding)
    windows = im2col(x.data, k, stride, padding)
    data = weight.data.reshape(filters, -1) @ windows + bias.data[:, None]
    data = data.reshape(filters, n, rows, columns).transpose(1, 0, 2, 3)
    saved = {"columns": windows, "stride": stride, "padding": padding}
    return Tensor.make(data, (x, weight, bias), "conv2d", **saved)
    ### END SOLUTION


# %%
CONVOLUTIONS = [
    # images, weight, stride, padding
    ((1, 1, 4, 4), (1, 1, 3, 3), 1, 0),
    ((2, 3, 5, 6), (4, 3, 3, 3), 1, 0),
    ((2, 2, 6, 5), (3, 2, 2, 2), 2, 0),
    ((2, 2, 5, 4), (3, 2, 3, 3), 1, 1),
    ((1, 3, 6, 7), (2, 3, 3, 3), 2, 1),
    ((2, 1, 3, 4), (2, 1, 2, 2), 3, 2),
    ((1, 1, 2, 3), (2, 1, 2, 2), 1, 3),
    ((3, 2, 4, 4), (5, 2, 1, 1), 1, 0),
]


def random_convolution(images, weight, seed=4):
    """Images, weights and biases of the given shapes, in float64."""
    generator = np.random.default_rng(seed)
    return (
        generator.normal(size=images),
        generator.normal(size=weight),
        generator.normal(size=weight[0]),
    )


def test_conv2d_by_hand():
    """conv2d() multiplies window and weights as they stand; it does not flip the filter."""
    image = Tensor(np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]], dtype=np.float32))
    weight = Tensor(np.array([[[[1.0, 0], [0, 0]]], [[[0.0, 1], [0, 0]]]], dtype=np.float32))
    bias = Tensor(np.array([0.0, 100.0], dtype=np.float32))
    got = conv2d(image, weight, bias)
    assert_close(
        "conv2d(1..9, filters [[1, 0], [0, 0]] and [[0, 1], [0, 0]], biases 0 and 100)",
        got,
        [[[[1, 2], [4, 5]], [[102, 103], [105, 106]]]],
        "Hint: the first filter copies the top left pixel of every window, the second its right "
        "neighbour, and filter o gets bias[o].",
    )
    assert got.dtype == np.float32, (
        f"conv2d(float32 images) should stay float32, got {got.dtype}. "
        "Hint: make no float64 array on the way."
    )


def test_conv2d_agrees_with_plain_loops():
    """conv2d() equals the sum over every window, for all strides, paddings and channels."""
    for images_shape, weight_shape, stride, padding in CONVOLUTIONS:
        images, weight, bias = random_convolution(images_shape, weight_shape)
        got = conv2d(Tensor(images), Tensor(weight), Tensor(bias), stride, padding)
        assert_close(
            f"conv2d(x {images_shape}, weight {weight_shape}, stride={stride}, padding={padding})",
            got,
            loop_conv2d(images, weight, bias, stride, padding),
            "Hint: the product has shape (O, N * H' * W'); reshape to (O, N, H', W') before you "
            "move N to the front.",
        )


# %% [markdown]
# ## The gradient
#
# The forward pass is `weights @ columns + bias`, and you know the gradient of a matrix product.
# With `flat` the arriving gradient as an `(O, N·H'·W')` matrix:
#
# $$ \frac{\partial L}{\partial W} = \text{flat} \cdot \text{columns}^{\top}, \qquad
#    \frac{\partial L}{\partial b} = \text{flat} \cdot \mathbf{1}, \qquad
#    \frac{\partial L}{\partial\, \text{columns}} = W^{\top} \cdot \text{flat} $$
#
# The last one is a gradient per window entry. Give it the shape of patches, `fold` it, cut off
# the frame, and you have the gradient of the images.
#
# Two traps. To cut the frame, write `padding : padding + height`, not `padding : -padding`:
# with padding 0 the latter is `0:0`, an empty slice. And images that come from a file need no
# gradient: the first layer of a network must not pay for `fold`. Return `None` in their place.

# %%
#| export
@gradient_of("conv2d")
def conv2d_gradient(grad, out, x, weight, bias, columns, stride, padding):
    """The gradients of conv2d().

    grad: (N, O, H', W') array, dL/d(out). x, weight, bias: the parents, as for conv2d().
    columns, stride, padding: what conv2d() saved.

    Returns three arrays shaped like x, weight and bias; None for x if x.requires_grad is False.

    Hints: 1. flat = grad with O first, as a matrix (O, N * H' * W'); 2. flat @ columns.T for the
    weight, the sum of each row for the bias; 3. weight matrix.T @ flat, reshaped to
    (C, k, k, N, H', W'), transposed to (N, C, k, k, H', W'), folded, and the frame cut off.
    """
    ### BEGIN SOLUTION
    n, channels, height, width = x.shape
    filters, _, k, _ = weight.shape
    flat = grad.transpose(1, 0, 2, 3).reshape(filters, -1)
    weight_grad = (flat @ columns.T).reshape(weight.shape)
    bias_grad = flat.sum(axis=1)
    if not x.requires_grad:
        return None, weight_grad, bias_grad
    parts = weight.data.reshape(filters, -1).T @ flat
    parts = parts.reshape(channels, k, k, n, *grad.shape[2:]).transpose(3, 0, 1, 2, 4, 5)
    framed = fold(parts, height + 2 * padding, width + 2 * padding, stride)
    x_grad = framed[:, :, padding : padding + height, padding : padding + width]
    return x_grad, weight_grad, bias_grad
    ### END SOLUTION


# %%
def test_conv2d_gradients():
    """The gradients of conv2d() for images, weights and biases equal those of plain loops."""
    for images_shape, weight_shape, stride, padding in CONVOLUTIONS:
        images, weight, bias = random_convolution(images_shape, weight_shape)
        tensors = [Tensor(array, requires_grad=True) for array in (images, weight, bias)]
        out = conv2d(*tensors, stride, padding)
        grad = np.random.default_rng(5).normal(size=out.shape)
        out.backward(grad)
        expected = loop_conv2d_gradients(grad, images, weight, stride, padding)
        hints = (
            "Hint: W.T @ flat, then fold with the stride, then cut off the frame.",
            "Hint: flat @ columns.T, reshaped like the weight; nothing is averaged.",
            "Hint: every position and every image adds to the bias.",
        )
        for name, tensor, right, hint in zip(("x", "weight", "bias"), tensors, expected, hints, strict=True):
            call = f"{name}.grad of conv2d(x {images_shape}, weight {weight_shape}, "
            assert_close(call + f"stride={stride}, padding={padding})", tensor.grad, right, hint)


def test_constant_images_get_no_gradient():
    """Images that require no gradient get None, and the weights still get theirs."""
    images, weight, bias = random_convolution((2, 1, 4, 4), (3, 1, 3, 3))
    x = Tensor(images)
    w, b = Tensor(weight, requires_grad=True), Tensor(bias, requires_grad=True)
    out = conv2d(x, w, b, padding=1)
    grad = np.random.default_rng(6).normal(size=out.shape)
    rule = conv2d_gradient(grad, out, x, w, b, columns=im2col(images, 3, 1, 1), stride=1, padding=1)
    assert rule[0] is None, (
        f"conv2d_gradient(...)[0] for constant images should be None, got {type(rule[0]).__name__}. "
        "Hint: if not x.requires_grad, return None in the place of its gradient."
    )
    out.backward(grad)
    assert x.grad is None, (
        f"x.grad of constant images should be None, got {type(x.grad).__name__}. "
        "Hint: only parents with requires_grad receive a gradient."
    )
    expected = loop_conv2d_gradients(grad, images, weight, 1, 1)
    hint = "Hint: constant images must not stop the gradient of the weights."
    assert_close("weight.grad with constant images", w.grad, expected[1], hint)
    assert_close("bias.grad with constant images", b.grad, expected[2], hint)


# %% [markdown]
# ## 4. The layer
#
# `Conv2d` holds the parameters: a weight of shape `(out_channels, in_channels, k, k)` and a bias
# of shape `(out_channels,)`. How large should they be at the start? One output adds up
# *fan_in* = in_channels · k · k products. If every weight is of size one, that sum has
# size √fan_in, and a few layers later nothing is left but huge numbers. So, as in `Linear`, and
# as in PyTorch: uniform between -1/√fan_in and 1/√fan_in, weights and biases alike.
#
# The bias counts here: a `Conv2d(1, 8, 3)` has 72 weights and 8 biases, 80 parameters.

# %%
#| export
class Conv2d(Module):
    """A layer of filters that slide over images (N, in_channels, H, W).

    Attributes: weight, Tensor (out_channels, in_channels, kernel_size, kernel_size); bias, Tensor
    (out_channels,); kernel_size, stride, padding.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        """Draw weight and bias uniformly from [-bound, bound), bound = 1 / sqrt(fan_in).

        Hints: 1. fan_in = in_channels * kernel_size**2, the numbers one output looks at;
        2. uniform(shape, bound) of 00_setup draws float32 numbers from rng();
        3. both are Tensors with requires_grad=True.
        """
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        ### BEGIN SOLUTION
        bound = (in_channels * kernel_size**2) ** -0.5
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Tensor(uniform(shape, bound), requires_grad=True)
        self.bias = Tensor(uniform((out_channels,), bound), requires_grad=True)
        ### END SOLUTION

    def forward(self, x):
        """Filter the images: (N, in_channels, H, W) to (N, out_channels, H', W').

        Hint: conv2d() with the parameters and the settings of this layer.
        """
        ### BEGIN SOLUTION
        return conv2d(x, self.weight, self.bias, self.stride, self.padding)
        ### END SOLUTION


# %%
def test_conv2d_layer_has_its_parameters():
    """Conv2d keeps one weight and one bias, trainable, float32, bounded by 1 / sqrt(fan_in)."""
    layer = Conv2d(16, 64, 3)
    hint = "Hint: weight (out, in, k, k) and bias (out,), both Tensors with requires_grad=True."
    shapes = [tensor.shape for tensor in layer.parameters()]
    assert shapes == [(64, 16, 3, 3), (64,)], (
        "Conv2d(16, 64, 3).parameters() should have shapes [(64, 16, 3, 3), (64,)], "
        f"got {shapes}. {hint}"
    )
    bound = 1 / np.sqrt(16 * 9)
    for name, values in (("weight", layer.weight), ("bias", layer.bias)):
        assert values.requires_grad, f"{name}.requires_grad should be True, got False. {hint}"
        assert values.dtype == np.float32, (
            f"{name} of Conv2d should be float32, got {values.dtype}. "
            "Hint: draw with uniform(shape, bound) of 00_setup."
        )
        largest = float(np.abs(values.data).max())
        assert 0.8 * bound < largest <= bound * 1.0001, (
            f"the largest {name} of Conv2d(16, 64, 3) should be just below {bound:.4f}, "
            f"got {largest:.4f}. Hint: the bound is 1 / sqrt(in_channels * kernel_size**2)."
        )
        mean = float(values.data.mean())
        assert abs(mean) < 0.3 * bound, (
            f"the mean {name} of Conv2d(16, 64, 3) should be near 0, got {mean:.4f}. "
            "Hint: uniform(shape, bound) draws from -bound to bound."
        )
    assert not np.array_equal(Conv2d(1, 4, 3).weight.data, Conv2d(1, 4, 3).weight.data), (
        "two layers Conv2d(1, 4, 3) should start with different weights, got the same ones. "
        "Hint: draw with uniform(); do not seed anything inside the layer."
    )


def test_conv2d_layer_uses_its_settings():
    """Conv2d slides its own weights with its own stride and padding, in float32."""
    images = np.random.default_rng(7).normal(size=(2, 3, 6, 5)).astype(np.float32)
    for stride, padding in ((1, 0), (2, 0), (1, 1), (2, 2)):
        layer = Conv2d(3, 4, 3, stride=stride, padding=padding)
        got = layer(Tensor(images))
        call = f"Conv2d(3, 4, 3, stride={stride}, padding={padding})(x of shape (2, 3, 6, 5))"
        expected = loop_conv2d(images, layer.weight.data, layer.bias.data, stride, padding)
        assert_close(call, got, expected, "Hint: pass self.stride and self.padding on.", 1e-4)
        assert got.dtype == np.float32, (
            f"{call} should be float32, got {got.dtype}. Hint: parameters are float32."
        )


def test_one_layer_may_look_at_two_images():
    """A Conv2d that is used twice before backward() adds up both gradients."""
    first, weight, bias = random_convolution((1, 2, 4, 5), (3, 2, 3, 3))
    second = random_convolution((2, 2, 3, 3), (3, 2, 3, 3), seed=8)[0]
    layer = Conv2d(2, 3, 3)
    layer.weight.data, layer.bias.data = weight, bias
    out_1, out_2 = layer(Tensor(first)), layer(Tensor(second))
    (out_1.sum() + (out_2 * out_2).sum()).backward()
    ones = np.ones(out_1.shape)
    twice = 2 * loop_conv2d(second, weight, bias, 1, 0)
    expected = [
        one + two
        for one, two in zip(
            loop_conv2d_gradients(ones, first, weight, 1, 0)[1:],
            loop_conv2d_gradients(twice, second, weight, 1, 0)[1:],
            strict=True,
        )
    ]
    hint = "Hint: keep the columns in Tensor.make(..., columns=columns), not in the layer."
    assert_close("weight.grad after two uses", layer.weight.grad, expected[0], hint)
    assert_close("bias.grad after two uses", layer.bias.grad, expected[1], hint)


# %% [markdown]
# ## See it
#
# Two filters that answer to edges, on an image whose right half is bright. The vertical one
# answers at the border and nowhere else, the horizontal one not at all.

# %%
edges = Conv2d(1, 2, 3)
edges.weight.data[:] = [[[[-1, 0, 1]] * 3], [[[-1] * 3, [0] * 3, [1] * 3]]]
edges.bias.data[:] = 0
picture = np.zeros((1, 1, 6, 6), dtype=np.float32)
picture[..., 3:] = 1
print("vertical edges:\n", edges(Tensor(picture)).data[0, 0])
print("horizontal edges:\n", edges(Tensor(picture)).data[0, 1])

# %% [markdown]
# ## 5. Pooling: keep the strongest answer
#
# A filter answers at every position. For recognising a digit it matters *that* there is an edge in
# this region, less at which pixel. Max pooling divides each map into windows and keeps the
# largest number of each: half the height, half the width, and a shift by one pixel often changes
# nothing. Every channel is pooled by itself, and there is nothing to learn.
#
# By default the windows stand side by side: the stride is the kernel size. What is left over at the
# right and lower border is dropped, as in `output_size`.
#
# You have `patches`; a maximum over the k·k entries of each window is all that is missing. Save
# *which* entry won (`argmax`): the backward pass needs it.

# %%
#| export
def max_pool2d(x, kernel_size, stride=None):
    """The maximum of every window, channel by channel.

    x: Tensor (N, C, H, W). stride: steps between windows; None means kernel_size.

    Returns a Tensor (N, C, H', W').

    Hints: 1. x = as_images(x), then patches (N, C, k, k, H', W'), reshaped to
    (N, C, k * k, H', W'); 2. max and argmax over axis 2 (argmax names the first winner if several
    are equal); 3. end with
    Tensor.make(data, (x,), "max_pool2d", winners=winners, kernel_size=kernel_size, stride=stride).
    """
    ### BEGIN SOLUTION
    x = as_images(x)
    stride = kernel_size if stride is None else stride
    windows = patches(x.data, kernel_size, stride)
    n, channels, k, _, rows, columns = windows.shape
    entries = windows.reshape(n, channels, k * k, rows, columns)
    saved = {"winners": entries.argmax(axis=2), "kernel_size": kernel_size, "stride": stride}
    return Tensor.make(entries.max(axis=2), (x,), "max_pool2d", **saved)
    ### END SOLUTION


# %%
POOLINGS = [
    # images, kernel_size, stride
    ((2, 3, 6, 6), 2, None),
    ((1, 2, 5, 7), 2, None),
    ((2, 1, 6, 5), 3, 1),
    ((1, 2, 7, 8), 2, 3),
    ((2, 2, 5, 6), 3, 2),
]


def test_max_pool2d():
    """max_pool2d() takes the largest number of every window, also among negative ones."""
    for shape, kernel_size, stride in POOLINGS:
        images = np.random.default_rng(9).normal(size=shape) - 5
        expected = loop_max_pool2d(images, kernel_size, stride or kernel_size)[0]
        assert_close(
            f"max_pool2d(x of shape {shape}, {kernel_size}, stride={stride})",
            max_pool2d(Tensor(images), kernel_size, stride),
            expected,
            "Hint: stride None means kernel_size; add no zeros at the border.",
        )
    image = Tensor(np.array([[[[1, 5, 2, 0], [3, 4, 8, 1]]]], dtype=np.float32))
    got = max_pool2d(image, 2)
    assert_close(
        "max_pool2d([[1, 5, 2, 0], [3, 4, 8, 1]], 2)",
        got,
        [[[[5, 8]]]],
        "Hint: the windows are [[1, 5], [3, 4]] and [[2, 0], [8, 1]].",
    )
    assert got.dtype == np.float32, (
        f"max_pool2d(float32 images) should stay float32, got {got.dtype}. Hint: max keeps it."
    )


# %% [markdown]
# ## The gradient goes to the winner
#
# Change the largest number of a window a little and the output changes as much. Change any other
# and nothing happens. So the gradient of each output belongs to the entry that won, and to no
# other one. If two entries are equal, one of them gets it, always the first: if both got it in
# full, the gradient would be counted twice.
#
# Make an array in the form of the windows, zero but for the winners. A comparison of the numbers
# 0 ... k·k - 1 with `winners` does that without a loop. Then `fold` knows the rest.

# %%
#| export
@gradient_of("max_pool2d")
def max_pool2d_gradient(grad, out, x, winners, kernel_size, stride):
    """The gradient of max_pool2d().

    grad: (N, C, H', W') array. winners: (N, C, H', W') integers in [0, k * k), what argmax said.

    Returns a tuple with one array (N, C, H, W).

    Hints: 1. np.arange(k * k) as a column (k * k, 1, 1) == winners[:, :, None] has shape
    (N, C, k * k, H', W') and is True at the winners; 2. times grad[:, :, None]; 3. reshape to
    (N, C, k, k, H', W') and fold.
    """
    ### BEGIN SOLUTION
    n, channels, rows, columns = grad.shape
    entries = np.arange(kernel_size**2).reshape(-1, 1, 1)
    parts = (entries == winners[:, :, None]) * grad[:, :, None]
    parts = parts.reshape(n, channels, kernel_size, kernel_size, rows, columns)
    return (fold(parts, x.shape[2], x.shape[3], stride),)
    ### END SOLUTION


# %%
def test_max_pool2d_gradient():
    """The gradient of a maximum goes to the entry that won; overlapping windows add up."""
    for shape, kernel_size, stride in POOLINGS:
        generator = np.random.default_rng(10)
        images = generator.normal(size=shape)
        x = Tensor(images, requires_grad=True)
        out = max_pool2d(x, kernel_size, stride)
        grad = generator.normal(size=out.shape)
        out.backward(grad)
        assert_close(
            f"x.grad of max_pool2d(x of shape {shape}, {kernel_size}, stride={stride})",
            x.grad,
            loop_max_pool2d(images, kernel_size, stride or kernel_size, grad)[1],
            "Hint: (entries == winners) * grad, then fold with the same stride.",
        )


def test_max_pool2d_has_one_winner():
    """Among equal entries the first one gets the whole gradient of its window."""
    x = Tensor(np.ones((1, 1, 2, 4), dtype=np.float32), requires_grad=True)
    max_pool2d(x, 2).backward(np.array([[[[3.0, 5.0]]]], dtype=np.float32))
    assert_close(
        "x.grad of max_pool2d(ones of shape (1, 1, 2, 4), 2) for the gradient [[3, 5]]",
        x.grad,
        [[[[3, 0, 5, 0], [0, 0, 0, 0]]]],
        "Hint: use argmax, which names one winner; x == max names them all.",
    )


# %%
#| export
class MaxPool2d(Module):
    """A layer that keeps the maximum of every window. It has no parameters."""

    def __init__(self, kernel_size, stride=None):
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x):
        """Pool the maps: (N, C, H, W) to (N, C, H', W').

        Hint: max_pool2d() with the settings of this layer.
        """
        ### BEGIN SOLUTION
        return max_pool2d(x, self.kernel_size, self.stride)
        ### END SOLUTION


# %%
def test_max_pool_layer_used_twice():
    """A MaxPool2d that is used twice before backward() sends each gradient to its own image."""
    generator = np.random.default_rng(11)
    images = [generator.normal(size=(1, 2, 5, 6)) for _ in range(2)]
    layer = MaxPool2d(2)
    assert layer.parameters() == [], (
        f"MaxPool2d(2).parameters() should be [], got {layer.parameters()}. "
        "Hint: keep no Tensor in the layer."
    )
    tensors = [Tensor(array, requires_grad=True) for array in images]
    outs = [layer(x) for x in tensors]
    for number in (0, 1):
        grad = generator.normal(size=outs[number].shape)
        outs[number].backward(grad)
        assert_close(
            f"x.grad of use {number + 1} of MaxPool2d(2)",
            tensors[number].grad,
            loop_max_pool2d(images[number], 2, 2, grad)[1],
            "Hint: save the winners in Tensor.make(...), not in the layer.",
        )
    got = MaxPool2d(3, stride=1)(Tensor(images[0]))
    assert_close(
        "MaxPool2d(3, stride=1)(x of shape (1, 2, 5, 6))",
        got,
        loop_max_pool2d(images[0], 3, 1)[0],
        "Hint: pass self.stride on.",
    )


# %% [markdown]
# ## 6. From maps to a row
#
# `Linear` wants rows `(N, features)`. `Flatten` keeps the first axis, the images, and lays all
# others out one after the other. The reshape of your `Tensor` knows its own gradient.

# %%
#| export
class Flatten(Module):
    """A layer that turns (N, ...) into (N, features)."""

    def forward(self, x):
        """Keep the first axis and join all others.

        Example: (32, 8, 3, 3) becomes (32, 72).

        Hint: reshape to (N, -1).
        """
        ### BEGIN SOLUTION
        return x.reshape(x.shape[0], -1)
        ### END SOLUTION


# %%
def test_flatten():
    """Flatten keeps the images apart, keeps the order of the pixels and passes gradients back."""
    images = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
    x = Tensor(images, requires_grad=True)
    out = Flatten()(x)
    hint = "Hint: x.reshape(x.shape[0], -1), on the Tensor itself."
    rows = [list(range(12)), list(range(12, 24))]
    assert_close("Flatten()(0..23 of shape (2, 3, 2, 2))", out, rows, hint)
    grad = np.random.default_rng(12).normal(size=(2, 12)).astype(np.float32)
    out.backward(grad)
    assert_close("x.grad of Flatten()", x.grad, grad.reshape(2, 3, 2, 2), hint)


# %% [markdown]
# ## All together
#
# The last test builds the network of the milestone in small, two convolutions deep, and compares
# the gradient of every parameter with numeric differences of the same network in plain loops. The
# second convolution needs the gradient of *its input* to tell the first one what to do.

# %%
def loop_network(images, w1, b1, w2, b2):
    """Convolution, ReLU, pooling, convolution, sum of squares: one number, in plain loops."""
    hidden = np.maximum(loop_conv2d(images, w1, b1, 1, 1), 0)
    hidden = loop_max_pool2d(hidden, 2, 2)[0]
    return (loop_conv2d(hidden, w2, b2, 1, 0) ** 2).sum()


def test_gradients_reach_the_first_layer():
    """Through pooling and a second convolution, every parameter gets its numeric gradient."""
    images, w1, b1 = random_convolution((1, 1, 4, 4), (2, 1, 3, 3), seed=13)
    _, w2, b2 = random_convolution((1, 2, 2, 2), (2, 2, 2, 2), seed=14)
    first, pool, second = Conv2d(1, 2, 3, padding=1), MaxPool2d(2), Conv2d(2, 2, 2)
    arrays = [w1, b1, w2, b2]
    tensors = [first.weight, first.bias, second.weight, second.bias]
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.data = array.copy()
    hidden = first(Tensor(images))
    out = Flatten()(second(pool(hidden * (hidden.data > 0))))
    (out * out).sum().backward()
    step = 1e-6  # truncation ~ step**2 = 1e-12, rounding ~ 1e-16 / step = 1e-10
    for number, tensor in enumerate(tensors):
        expected = np.zeros(arrays[number].shape)
        for index in np.ndindex(expected.shape):
            near = [array.copy() for array in arrays]
            near[number][index] += step
            up = loop_network(images, *near)
            near[number][index] -= 2 * step
            expected[index] = (up - loop_network(images, *near)) / (2 * step)
        assert_close(
            f"gradient {number + 1} of 4 of conv, relu, pool, conv",
            tensor.grad,
            expected,
            "Hint: the second convolution must return a gradient for its input, and the pooling "
            "must pass it on.",
        )


# %% [markdown]
# ## What you have now
#
# The network of the milestone, in your own library:
#
# ```python
# Sequential(Conv2d(1, 8, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(72, 10))
# ```
#
# Where do the 72 come from? 8 by 8 pixels, a window of 3: `output_size(8, 3)` is 6. Pooled by 2: 3.
# Eight maps of 3 by 3: 72.
#
# Commit this file. If its tests pass, the next thing you may run is the milestone
# **1998 - Convolutional Networks**.
