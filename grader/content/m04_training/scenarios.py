"""Run in the child for 04_training, each (library, arrays, settings) -> arrays: losses, optimisers, data."""

from __future__ import annotations

from typing import Any

from grader.sandbox.worker.values import Arrays, copied, evaluate, plain


def certain(tt: Any, _: Arrays, __: Any) -> Arrays:
    p = tt.Tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = tt.BinaryCrossEntropyLoss()(p, tt.Tensor([1.0, 0.0, 0.0, 1.0]))
    loss.backward()
    return {"loss": plain(loss), "gradient": plain(p.grad)}


def optimiser(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    """Each step's loss is x . g + y . h, so that the gradients are what the judge drew."""
    start = {name: arrays[name].copy() for name in ("x", "idle", "y")}
    named = {name: tt.Tensor(array, requires_grad=True) for name, array in start.items()}
    start = {name: copied(tensor) for name, tensor in named.items()}
    made = evaluate(settings["call"], {**vars(tt), "params": list(named.values())})
    found: Arrays = {}
    x, y = named["x"], named["y"]
    for step, row in enumerate(arrays["rows"], start=1):
        made.zero_grad()
        g, h = row[: x.data.size].reshape(x.data.shape), row[x.data.size :]
        ((x * tt.Tensor(g)).sum() + (y * tt.Tensor(h)).sum()).backward()
        made.step()
        for name in ("x", "y"):
            found[f"the move of {name}, step {step}"] = plain(named[name]) - start[name]
    found["the move of a parameter without gradient"] = plain(named["idle"]) - start["idle"]
    return found


def still(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    x = tt.Tensor(arrays["x"], requires_grad=True)
    made = tt.Adam([x], lr=0.1)
    for _step in range(2):
        made.zero_grad()
        (x * 0.0).sum().backward()
        made.step()
    return {"the value": plain(x)}


def dataset(tt: Any, arrays: Arrays, _: Any) -> Arrays:
    import numpy as np

    x, n = arrays["x"], arrays["n"]
    made = tt.TensorDataset(x, np.arange(len(x)))
    inputs, labels = made[n]
    return {
        "inputs of dataset[n]": plain(inputs),
        "labels of dataset[n]": plain(labels),
        "dataset[3]": plain(made[3][0]),
        "len(dataset)": len(made),
    }


def loader(tt: Any, arrays: Arrays, settings: Any) -> Arrays:
    import numpy as np

    numbers = np.arange(settings["examples"])
    made_of = tt.TensorDataset(numbers, 2 * numbers)
    options = {name: settings[name] for name in settings if name != "examples"}
    n = int(arrays["n"])

    def epoch(batches: Any) -> list[Any]:
        parts = [[plain(part) for part in batch] for batch in batches]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    made = tt.DataLoader(made_of, **options, seed=n)
    batches = list(made)
    first = epoch(batches)
    found = {
        "first": first[0],
        "partner": first[1],
        "second": epoch(made)[0],
        "sizes": [len(batch[0]) for batch in batches],
        "length": len(made),
        "tensors": all(isinstance(part, tt.Tensor) for batch in batches for part in batch),
    }
    for name, seed in (("again", n), ("other", n + 1), ("free", None), ("free, too", None)):
        found[name] = epoch(tt.DataLoader(made_of, **options, seed=seed))[0]
    return found


SCENARIOS = (certain, optimiser, still, dataset, loader)
