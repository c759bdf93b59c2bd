"""2017: copy a sequence that has gone by. [a b c d SEP] is continued with a b c d.

Written one token after the other, every answer feeds the next: without attention, positions or
the causal mask the copy cannot be right, while a training loss alone can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from grader.content import forward, truth
from grader.content.drawing import linear, orders, percent_right, steps_per_epoch
from grader.proof.compare import Wrong
from grader.proof.milestones.challenges import Array, Challenge, Optimiser, Run, Values, Watch

SYMBOLS, COPIED = 10, 4
VOCABULARY = SYMBOLS + 1  # and the separator
SEQUENCES, HELD_OUT = 640, 200
EPOCHS, BATCH, LR = 15, 32, 5e-3

# Claim -> the likely causes when it fails, in order.
HINTS = {
    "loss": "Is softmax taken over the keys (the last axis) and the score divided by the "
    "square root of the head's width? Do LayerNorm and both residuals pass the gradient on?",
    "accuracy": "Does position i see the positions 0 to i and no later one? Does "
    "PositionalEncoding add its rows? Do split_heads and merge_heads undo each other?",
    "gradients": "Are attention weights cut from the graph (.data where a Tensor belongs)?",
    "updates": "Does parameters() find what lies in lists and inside the block?",
    "attention": "Head, query, key: does each query look at its own place and at all before "
    "it, and are the weights those of the last call?",
}


class Transformer(Challenge):
    hints = HINTS

    def draw(self, generator: np.random.Generator, root: Path) -> list[Run]:
        return [
            _run(generator, "main", 32, 2, SEQUENCES, HELD_OUT, EPOCHS),
            _run(generator, "large", 128, 4, 2, 2, 1),
        ]

    def scores(self, run: Run, values: Values, inputs: Array, watch: Watch) -> Array:
        """(S, N, vocabulary): of the copy only, the sequences one after the other."""
        return _flat(_logits(run, values, inputs, watch)[:, :, run.settings["copied"] :])

    def loss(self, run: Run, scores: Array, targets: Array) -> Array:
        return forward.cross_entropy(scores, targets.reshape(len(targets), -1))

    def answer_scores(self, run: Run, values: Values, reported: Array) -> Array:
        """Written one token after the other, each as the library under test chose it."""
        copied = run.settings["copied"]
        chosen = reported.argmax(axis=2)[:, :-1]
        written = np.concatenate([run.data["held_out"], chosen], axis=1)
        scores = _logits(run, values, written[None], Watch(0))[0]
        return np.asarray(scores[:, copied:])

    def beside(self, run: Run, values: Values, reported: Array) -> Mapping[str, Array]:
        """The attention of the first held-out sequence, as it was written: (heads, T, T).

        The scores depend on the last rows of the mask only; here are the others.
        """
        last = reported[:1].argmax(axis=2)[:, :-1]
        written = np.concatenate([run.data["held_out"][:1], last], axis=1)
        normed = forward.layer_norm(_vectors(values, written[None]), values, "block.norm1")
        name, heads = "block.attention", run.settings["heads"]
        weights = forward.attention_weights(normed, values, name, heads)[0, 0]
        return {"attention/weights": weights}

    def first(self, name: str, own: Array) -> bool:
        if name == "positions.weight":
            expected = truth.sines(*own.shape)
            wrong = ~(np.abs(own - expected) <= 1e-4)
            if wrong.any():
                at = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
                raise Wrong(
                    f"position {at[0]}, column {at[1]} starts with {own[at]:.4g}, "
                    f"{expected[at]:.4g} expected",
                    "sinusoidal_table: angle = position * 10000 ** (-2 i / dim) for the i-th pair "
                    "of columns, sine in the even one, cosine in the odd one.",
                )
        return name in ("positions.weight", "tokens.weight")  # tokens are drawn as large as 1

    def accuracy_percent(self, run: Run, scores: Array) -> float:
        """Of whole sequences: one wrong token, and the sequence is wrong."""
        return percent_right(scores.argmax(axis=2), run.answers)


def _logits(run: Run, values: Values, ids: Array, watch: Watch) -> Array:
    """(S, B, T) token numbers to (S, B, T, vocabulary)."""
    x = _vectors(values, ids)
    normed = forward.layer_norm(x, values, "block.norm1")
    x = x + forward.attention(normed, values, "block.attention", run.settings["heads"])
    wide = forward.linear(
        forward.layer_norm(x, values, "block.norm2"), values, "block.feed_forward1"
    )
    x = x + forward.linear(forward.relu(wide, watch), values, "block.feed_forward2")
    return forward.linear(forward.layer_norm(x, values, "norm"), values, "output")


def _vectors(values: Values, ids: Array) -> Array:
    """(S, B, T) token numbers to (S, B, T, dim), positions added."""
    table = values["tokens.weight"]
    ids = np.broadcast_to(ids, (len(table), *ids.shape[1:]))
    x = table[np.arange(len(table))[:, None, None], ids]
    return np.asarray(x + values["positions.weight"][:, None, : ids.shape[2]])


def _flat(logits: Array) -> Array:
    return logits.reshape(len(logits), -1, logits.shape[-1])


def _run(
    generator: np.random.Generator,
    name: str,
    dim: int,
    heads: int,
    sequences: int,
    held_out: int,
    epochs: int,
) -> Run:
    # Drawn without repetition: a held-out sequence was never trained with.
    codes = generator.choice(SYMBOLS**COPIED, size=sequences + held_out, replace=False)
    symbols = codes[:, None] // SYMBOLS ** np.arange(COPIED) % SYMBOLS
    separator = np.full((len(symbols), 1), SYMBOLS)
    whole = np.concatenate([symbols, separator, symbols], axis=1)
    train, unseen = whole[:sequences], whole[sequences:]
    settings = {
        "vocabulary": VOCABULARY,
        "copied": COPIED,
        "dim": dim,
        "heads": heads,
        "batch_size": BATCH,
        "lr": LR,
    }
    arrays = {
        "inputs": train[:, :-1],
        "targets": train[:, COPIED + 1 :],
        "order": orders(generator, epochs, sequences),
        "held_out": unseen[:, : COPIED + 1],
    }
    epoch = steps_per_epoch(sequences, BATCH)
    return Run(
        name,
        settings,
        first_values(generator, dim),
        arrays,
        epochs * epoch,
        Optimiser("Adam", LR),
        unseen[:, COPIED + 1 :],
        (held_out, COPIED, VOCABULARY),
        epoch,
        {"attention": {"weights": (heads, 2 * COPIED, 2 * COPIED)}},
    )


def first_values(generator: np.random.Generator, dim: int) -> dict[str, Array]:
    def norm(name: str) -> dict[str, Array]:
        return {
            f"{name}.weight": generator.uniform(0.9, 1.1, size=dim).astype(np.float32),
            f"{name}.bias": generator.uniform(-0.1, 0.1, size=dim).astype(np.float32),
        }

    drawn = {
        "tokens.weight": generator.normal(size=(VOCABULARY, dim)).astype(np.float32),
        "positions.weight": generator.normal(size=(2 * COPIED, dim)).astype(np.float32),
    }
    drawn |= norm("block.norm1")
    for leaf in ("q_proj", "k_proj", "v_proj"):
        drawn |= linear(generator, f"block.attention.{leaf}", dim, dim, bias=False)
    drawn |= linear(generator, "block.attention.out_proj", dim, dim)
    drawn |= norm("block.norm2")
    drawn |= linear(generator, "block.feed_forward1", dim, 4 * dim)
    drawn |= linear(generator, "block.feed_forward2", 4 * dim, dim)
    return drawn | norm("norm") | linear(generator, "output", dim, VOCABULARY)


CHALLENGE = Transformer()
