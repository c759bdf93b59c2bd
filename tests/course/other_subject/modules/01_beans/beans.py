# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 01 · Beans in jars
#
# Somebody counts the beans of many boxes of jars. How many are in one jar? Guess, see how wrong
# the guess is, and better it.

# %%
#| default_exp core.beans

# %%
#| export
import numpy as np


class Guess:
    """What we think is in a jar. data: an array of one number.  grad: how the error changes with it."""

    def __init__(self, beans):
        self.data = np.array([float(beans)])
        self.grad = None


# %%
#| export
def error(guess, jars, beans):
    """The mean square of how far guess.data * jars is from beans.

    Hint: np.mean of a square.
    """
    ### BEGIN SOLUTION
    return np.mean((guess.data * jars - beans) ** 2)
    ### END SOLUTION


# %%
def test_error():
    """The error is the mean square of the differences."""
    got = error(Guess(2), np.array([1.0, 2.0]), np.array([3.0, 6.0]))
    assert got == 2.5, f"error() should be (1 + 4) / 2 = 2.5, got {got}. Hint: square, then mean."


# %%
#| export
def differentiate(guess, jars, beans):
    """Store in guess.grad how error() changes with guess.data: an array of one number.

    Hint: the derivative of (g * j - b) ** 2 is 2 * (g * j - b) * j.
    """
    ### BEGIN SOLUTION
    guess.grad = np.array([np.mean(2 * (guess.data * jars - beans) * jars)])
    ### END SOLUTION


# %%
def test_differentiate():
    """The derivative of the error stands in grad."""
    guess = Guess(2)
    differentiate(guess, np.array([1.0]), np.array([3.0]))
    assert guess.grad == [-2], f"grad should be [-2], got {guess.grad}. Hint: 2 * (2 - 3) * 1."


# %%
#| export
def better(guess, rate):
    """Move guess.data by rate against guess.grad.

    Hint: a new array: guess.data - ...
    """
    ### BEGIN SOLUTION
    guess.data = guess.data - rate * guess.grad
    ### END SOLUTION


# %%
def test_better():
    """A guess moves against its derivative."""
    guess = Guess(2)
    guess.grad = np.array([-2.0])
    better(guess, 0.5)
    assert guess.data == [3], f"data should be [3], got {guess.data}. Hint: 2 - 0.5 * -2."
