"""A second tinytorch, written from the documented names and shapes alone.

Nothing of the reference lessons is in it: closures instead of a table of rules, Kahn's algorithm,
loops over windows, products with one-hot rows, optimisers that work in place, biases as columns,
other first values, other random generators. It is right, and must pass.
"""
