"""Convolution and pooling by loops over positions, without im2col."""

import numpy as np

from tinytorch.core.nn import Module
from tinytorch.core.setup import uniform
from tinytorch.core.tensor import Tensor, result


def windows(height, width, k, stride):
    for y in range((height - k) // stride + 1):
        for x in range((width - k) // stride + 1):
            yield y, x, slice(y * stride, y * stride + k), slice(x * stride, x * stride + k)


class Conv2d(Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        fan_in = in_channels * kernel_size**2
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Tensor(uniform(shape, (6 / fan_in) ** 0.5), requires_grad=True)  # He
        self.bias = Tensor(uniform((1, out_channels, 1, 1), fan_in**-0.5), requires_grad=True)
        self.stride, self.padding = stride, padding

    def forward(self, images):
        w, p = self.weight, self.padding
        n, k = len(images), w.shape[-1]
        framed = np.pad(images.data, [(0, 0), (0, 0), (p, p), (p, p)])
        tall, broad = framed.shape[2:]
        if min(tall, broad) < k:
            raise ValueError("the window does not fit")
        places = list(windows(tall, broad, k, self.stride))
        out = np.zeros((n, len(w), places[-1][0] + 1, places[-1][1] + 1))
        for y, x, down, across in places:
            out[:, :, y, x] = np.tensordot(
                framed[:, :, down, across], w.data, ([1, 2, 3], [1, 2, 3])
            )

        def image_gradient(g):
            total = np.zeros(framed.shape)
            for y, x, down, across in places:
                total[:, :, down, across] += np.tensordot(g[:, :, y, x], w.data, (1, 0))
            return total[:, :, p : tall - p, p : broad - p]

        def weight_gradient(g):
            total = np.zeros(w.shape)
            for y, x, down, across in places:
                total += np.tensordot(g[:, :, y, x], framed[:, :, down, across], (0, 0))
            return total

        return result(out, (images, image_gradient), (w, weight_gradient)) + self.bias


class MaxPool2d(Module):
    def __init__(self, kernel_size, stride=None):
        self.k, self.stride = kernel_size, stride or kernel_size

    def forward(self, images):
        n, c, height, width = images.shape
        places = list(windows(height, width, self.k, self.stride))
        out = np.empty((n, c, places[-1][0] + 1, places[-1][1] + 1), images.dtype)
        winners = {}
        for y, x, down, across in places:
            flat = images.data[:, :, down, across].reshape(n * c, -1)
            winners[y, x] = flat.shape[1] - 1 - flat[:, ::-1].argmax(axis=1)  # the last one
            out[:, :, y, x] = flat.max(axis=1).reshape(n, c)

        def back(g):
            total = np.zeros(images.shape)
            for y, x, down, across in places:
                part = np.zeros((n * c, self.k * self.k))
                part[np.arange(n * c), winners[y, x]] = g[:, :, y, x].reshape(-1)
                total[:, :, down, across] += part.reshape(n, c, self.k, self.k)
            return total

        return result(out, (images, back))


class Flatten(Module):
    def forward(self, x):
        return x.reshape(len(x), int(np.prod(x.shape[1:])))
