"""A dense output layer in the trial on labels: the network that the exact layer would stand in, by PyTorch.

    z = Σ x_w e_w (DIM numbers for each feature)      o = W z + b      logistic loss of every label, Adam

b starts at the log-odds of the labels' counts.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.labels.data import LabelledRows
from wordsparse.machine.threads import pytorch_threads

Array = NDArray[Any]

# All outputs of a minibatch are dense, and Adam touches every feature in each step.
MAX_OUTPUTS, MAX_FEATURES = 10_000, 100_000
DIM, EPOCHS, MINIBATCH, LEARNING_RATE = 100, 10, 100, 0.01


def is_possible(data: LabelledRows) -> bool:
    """Whether PyTorch is installed and the sizes are not too large."""
    small = data.Y.shape[1] <= MAX_OUTPUTS and data.X.shape[1] <= MAX_FEATURES
    return small and optional.installed("torch")


def first_labels(train: LabelledRows, rows: Any, threads: int, seed: int) -> tuple[Array, float]:
    """The first label of each of ``rows``, and the CPU seconds of training."""
    torch = optional.load("a trial of a dense layer", "torch", "torch")
    with pytorch_threads(torch, threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        begun = time.process_time()
        network = _trained(torch, train, np.random.default_rng(seed))
        seconds = time.process_time() - begun
        with torch.no_grad():
            blocks = [rows[start : start + MINIBATCH] for start in range(0, rows.shape[0], MINIBATCH)]
            found = [network(*_bags(torch, block)).argmax(1).numpy() for block in blocks]
    return np.concatenate(found), seconds


def _trained(torch: Any, train: LabelledRows, random: np.random.Generator) -> Any:
    """The outputs as a function of rows as :func:`_bags` gives them."""
    n, D = train.Y.shape
    embedding, layer = torch.nn.EmbeddingBag(train.X.shape[1], DIM, mode="sum"), torch.nn.Linear(DIM, D)
    counts = np.bincount(train.Y.indices, minlength=D)
    with torch.no_grad():
        embedding.weight *= DIM**-0.5
        layer.bias += torch.from_numpy(np.log((counts + 0.5) / (n - counts + 0.5))).float()
    optimizer = torch.optim.Adam([*embedding.parameters(), *layer.parameters()], LEARNING_RATE)
    loss = torch.nn.BCEWithLogitsLoss(reduction="sum")

    def outputs(features: Any, starts: Any, values: Any) -> Any:
        return layer(embedding(features, starts, per_sample_weights=values))

    for _ in range(EPOCHS):
        order = random.permutation(n)
        for start in range(0, n, MINIBATCH):
            chosen = order[start : start + MINIBATCH]
            truth = torch.from_numpy(train.Y[chosen].toarray())
            optimizer.zero_grad()
            (loss(outputs(*_bags(torch, train.X[chosen])), truth) / chosen.size).backward()
            optimizer.step()
    return outputs


def _bags(torch: Any, rows: Any) -> tuple[Any, Any, Any]:
    """The features of sparse rows, where those of each row start, and their values."""
    parts = (rows.indices.astype(np.int64), rows.indptr[:-1].astype(np.int64), rows.data)
    features, starts, values = map(torch.from_numpy, parts)
    return features, starts, values
