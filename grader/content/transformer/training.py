"""Trains the network of the milestone transformer with the student's library. Runs in the child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.content.common import parameters_of, train_batches
from grader.content.m12_attention.scenarios import parts_of_block
from grader.sandbox.worker.values import plain

if TYPE_CHECKING:
    from grader.sandbox.worker.train import WorkerRun


def train(run: WorkerRun) -> None:
    """Predict the next token of [a b c d SEP a b c d]; only the copy counts."""
    import numpy as np

    tt, settings = run.tt, run.settings
    dim, copied = settings["dim"], settings["copied"]
    tokens = tt.Embedding(settings["vocabulary"], dim)
    positions = tt.PositionalEncoding(2 * copied, dim)
    block = tt.TransformerBlock(dim, settings["heads"])
    norm = tt.LayerNorm(dim)
    output = tt.Linear(dim, settings["vocabulary"])
    parts = [tokens, positions, block, norm, output]
    attention, layers = parts_of_block(tt, block)
    inside = {f"block.{name}": layer for name, layer in layers.items()}
    run.start(parameters_of(tokens=tokens, positions=positions, **inside, norm=norm, output=output))

    def logits(ids: Any) -> Any:
        """(B, T) token numbers to (B, T, vocabulary)."""
        return output(norm(block(positions(tokens(ids)), tt.causal_mask(ids.shape[1]))))

    def loss(ids: Any, answers: Any) -> Any:
        scores = logits(ids)[:, copied:].reshape(-1, settings["vocabulary"])
        return criterion(scores, answers.reshape(-1))

    criterion = tt.CrossEntropyLoss()
    parameters = [p for part in parts for p in part.parameters()]
    train_batches(run, tt.Adam(parameters, lr=settings["lr"]), loss)
    written = np.array(run.arrays["held_out"])
    scores = []
    for _ in range(copied):
        scores.append(plain(logits(written))[:, -1])
        written = np.concatenate([written, scores[-1].argmax(axis=1)[:, None]], axis=1)
    run.send("outputs", {"scores": np.stack(scores, axis=1)})
    logits(written[:1, : 2 * copied])
    run.send("attention", {"weights": plain(attention.weights)[0]})
