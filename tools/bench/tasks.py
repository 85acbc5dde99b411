"""Tasks for ``Heads``: inputs, targets and their values, drawn at random or read from a text."""

from collections import Counter
from itertools import islice
from typing import Any

import numpy as np

from wordsparse.corpus.reading import RawText, joined

# The number of words before a predicted word, and the number of features of an artificial row.
BEFORE, FEATURES = 10, 64


class Task:
    """Inputs, K target ids per row, the values of targets (or None), and training counts of each output as a target."""

    def __init__(self, outputs: int, inputs: Any, ids: Any, values: Any, judged: int) -> None:
        import torch

        self.outputs, self.ids, self.values = outputs, ids.reshape(len(ids), -1), values
        self.of_ids = inputs.dtype.kind == "i"
        self.inputs = torch.from_numpy(inputs if self.of_ids else inputs.astype(np.float32))
        self.counts = np.bincount(self.ids[:-judged].ravel(), minlength=outputs)

    def values_of(self, chosen: Any) -> Any:
        """Return the values of rows, or None."""
        import torch

        return None if self.values is None else torch.from_numpy(self.values[chosen])


def task_of(settings: Any) -> Task:
    """Make the rows of a task; the last rows are held out, and of these, ``held_back`` rows are left out."""
    kind, _, outputs = settings.task.partition("-")
    inputs, ids, values = {"values": made_up, "labels": made_up, "class": made_up}.get(kind, following)(
        settings, kind, int(outputs)
    )
    end = len(ids) - settings.held_back
    inputs, ids, values = inputs[:end], ids[:end], None if values is None else values[:end]
    return Task(int(outputs), inputs, ids, values, settings.judged)


def following(settings: Any, kind: str, outputs: int) -> tuple[Any, Any, None]:
    """Read targets (a word of a text, or ten for ``bag``) and the ten words before the targets; unknown words are 0."""
    lines = joined(RawText(settings.text).pieces())
    words = list(islice((word for line in lines for word in (*line, "</s>")), (BEFORE + 1) * settings.examples))
    number = {word: i for i, (word, _) in enumerate(Counter(words).most_common(outputs - 1), 1)}
    ids = np.array([number.get(word, 0) for word in words])
    targets = 10 if kind == "bag" else 1
    padded = np.concatenate([np.zeros(BEFORE - 1, np.int64), ids])
    rows = np.lib.stride_tricks.sliding_window_view(padded, BEFORE + targets)
    return rows[:, :-targets], rows[:, -targets:], None


def made_up(settings: Any, kind: str, outputs: int) -> tuple[Any, Any, Any]:
    """Sample the points of a synthetic task at random. With one class per example, a point lies near the centre of its
    class. With several outputs, each centre has outputs of its own, and a point lies near the sum of two centres."""
    random, n = np.random.default_rng(1), settings.examples
    size = {"class": 1, "labels": 100, "values": 10}[kind]  # outputs per centre
    centres = random.standard_normal((outputs // 10 if kind == "class" else outputs // size, FEATURES))
    shuffled = random.permutation(outputs)
    popular = np.cumsum(1 / np.arange(1, len(centres) + 1)) if kind == "values" else np.arange(1.0, len(centres) + 1)
    topics = np.searchsorted(popular, random.random((n, 1 if kind == "class" else 2)) * popular[-1])
    if kind == "class":
        return centres[topics[:, 0]] + 0.3 * random.standard_normal((n, FEATURES)), shuffled[topics], None
    topics[:, 1] = np.where(topics[:, 0] == topics[:, 1], (topics[:, 1] + 1) % len(centres), topics[:, 1])
    inputs = centres[topics].sum(1) + 0.3 * random.standard_normal((n, FEATURES))
    popularity = -np.log(np.arange(1, size + 1))  # Gumbel trick: Zipf's law without repeats
    drawn = [
        np.argpartition(-popularity - random.gumbel(size=(len(part), 2, size)), 9)[:, :, :10]
        for part in np.array_split(topics, max(1, n // 1000))
    ]
    places = topics[:, :, None] * size + np.concatenate(drawn)
    ids = shuffled[places].reshape(n, 20)
    return inputs, ids, random.standard_normal(outputs).astype(np.float32)[ids] if kind == "values" else None
