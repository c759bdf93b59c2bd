# Generated from modules/07_spatial/spatial.py by tito. Edit the lesson: changes here are overwritten.


__all__ = ["output_size", "pad_images", "patches", "fold", "im2col", "as_images", "conv2d", "conv2d_gradient", "Conv2d", "max_pool2d", "max_pool2d_gradient", "MaxPool2d", "Flatten"]


#| export
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.nn import Module
from tinytorch.core.setup import uniform
from tinytorch.core.tensor import Tensor, as_tensor, gradient_of


#| export
def output_size(size, kernel_size, stride=1, padding=0):
    """Number of positions of a sliding window along one axis.

    size: length of the axis, before padding. All arguments are integers.

    Raises ValueError if the window is longer than the padded axis.

    Example: output_size(8, 3) is 6, output_size(8, 3, stride=2, padding=1) is 4.

    Hints: 1. the padding stands on both sides; 2. the first position is free, every further one
    costs a stride; 3. `//` is the floor.
    """
    room = size + 2 * padding - kernel_size
    if room < 0:
        raise ValueError(f"a window of {kernel_size} does not fit into {size} + 2 * {padding}")
    return room // stride + 1


#| export
def pad_images(images, padding):
    """The images inside a frame of zeros, `padding` pixels wide on all four sides.

    images: (N, C, H, W) array.

    Returns an array (N, C, H + 2 * padding, W + 2 * padding) of the same dtype. The argument stays
    as it is.

    Hints: 1. only the last two axes grow; 2. np.pad takes one pair (before, after) per axis;
    3. with padding 0 there is nothing to do.
    """
    if padding == 0:
        return images
    frame = (padding, padding)
    return np.pad(images, ((0, 0), (0, 0), frame, frame))


#| export
def patches(images, kernel_size, stride=1):
    """All windows of all images.

    images: (N, C, H, W) array, already padded.

    Returns an array (N, C, k, k, H', W') with k = kernel_size: entry [n, c, i, j, y, x] is pixel
    (i, j) of the window at position (y, x), that is images[n, c, y * stride + i, x * stride + j].

    Hints: 1. sliding_window_view(images, (k, k), axis=(2, 3)) has shape (N, C, rows, columns, k, k);
    2. keep every stride-th row and column; 3. transpose(0, 1, ...) moves the window axes forward.
    """
    windows = sliding_window_view(images, (kernel_size, kernel_size), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return windows.transpose(0, 1, 4, 5, 2, 3)


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
    n, channels, k, _, rows, columns = parts.shape
    images = np.zeros((n, channels, height, width), dtype=parts.dtype)
    for i in range(k):
        for j in range(k):
            down = slice(i, i + stride * rows, stride)
            across = slice(j, j + stride * columns, stride)
            images[:, :, down, across] += parts[:, :, i, j]
    return images


#| export
def im2col(images, kernel_size, stride=1, padding=0):
    """One column per window.

    images: (N, C, H, W) array.

    Returns an array (C * k * k, N * H' * W'). Column n * H' * W' + y * W' + x holds the window of
    image n at (y, x), in the order channel, row, column.

    Hints: 1. pad, then patches: (N, C, k, k, H', W'); 2. bring N behind k, k: (C, k, k, N, H', W');
    3. reshape to (C * k * k, -1).
    """
    windows = patches(pad_images(images, padding), kernel_size, stride)
    rows = images.shape[1] * kernel_size * kernel_size
    return windows.transpose(1, 2, 3, 0, 4, 5).reshape(rows, -1)


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
        bound = (in_channels * kernel_size**2) ** -0.5
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Tensor(uniform(shape, bound), requires_grad=True)
        self.bias = Tensor(uniform((out_channels,), bound), requires_grad=True)

    def forward(self, x):
        """Filter the images: (N, in_channels, H, W) to (N, out_channels, H', W').

        Hint: conv2d() with the parameters and the settings of this layer.
        """
        return conv2d(x, self.weight, self.bias, self.stride, self.padding)


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
    x = as_images(x)
    stride = kernel_size if stride is None else stride
    windows = patches(x.data, kernel_size, stride)
    n, channels, k, _, rows, columns = windows.shape
    entries = windows.reshape(n, channels, k * k, rows, columns)
    saved = {"winners": entries.argmax(axis=2), "kernel_size": kernel_size, "stride": stride}
    return Tensor.make(entries.max(axis=2), (x,), "max_pool2d", **saved)


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
    n, channels, rows, columns = grad.shape
    entries = np.arange(kernel_size**2).reshape(-1, 1, 1)
    parts = (entries == winners[:, :, None]) * grad[:, :, None]
    parts = parts.reshape(n, channels, kernel_size, kernel_size, rows, columns)
    return (fold(parts, x.shape[2], x.shape[3], stride),)


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
        return max_pool2d(x, self.kernel_size, self.stride)


#| export
class Flatten(Module):
    """A layer that turns (N, ...) into (N, features)."""

    def forward(self, x):
        """Keep the first axis and join all others.

        Example: (32, 8, 3, 3) becomes (32, 72).

        Hint: reshape to (N, -1).
        """
        return x.reshape(x.shape[0], -1)
