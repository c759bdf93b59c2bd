# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 00 · Fractions
#
# Two thirds are four sixths. Three functions on pairs of whole numbers.

# %%
#| default_exp core.fractions

# %%
#| export
def largest_divisor(a, b):
    """The largest whole number that divides both a and b, which are positive.

    Hint: while b is not 0, (a, b) becomes (b, a % b); then it is a.
    """
    ### BEGIN SOLUTION
    while b:
        a, b = b, a % b
    return a
    ### END SOLUTION


# %%
def test_largest_divisor():
    """The largest divisor of two numbers is found."""
    got = largest_divisor(12, 18)
    assert got == 6, f"largest_divisor(12, 18) should be 6, got {got}. Hint: it divides both."


# %%
#| export
def reduced(a, b):
    """The fraction a / b in lowest terms, as a pair.

    Hint: divide both by their largest divisor.
    """
    ### BEGIN SOLUTION
    divisor = largest_divisor(a, b)
    return a // divisor, b // divisor
    ### END SOLUTION


# %%
def test_reduced():
    """A fraction is brought to lowest terms."""
    got = reduced(4, 6)
    assert got == (2, 3), f"reduced(4, 6) should be (2, 3), got {got}. Hint: 2 divides both."


# %%
#| export
def added(one, other):
    """The sum of two fractions, in lowest terms.

    Hint: a / b + c / d = (a * d + c * b) / (b * d).
    """
    ### BEGIN SOLUTION
    (a, b), (c, d) = one, other
    return reduced(a * d + c * b, b * d)
    ### END SOLUTION


# %%
def test_added():
    """Fractions are added, and reduced."""
    got = added((1, 6), (1, 3))
    assert got == (1, 2), f"added((1, 6), (1, 3)) should be (1, 2), got {got}. Hint: 9 / 18."
