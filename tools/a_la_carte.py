"""Vectors of new words by "à la carte" (Khodak et al., ACL 2018): the baseline of tools/newwords.py held-out."""

from typing import Any

import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from wordsparse.vectors.word_vectors import WordVectors

Array = np.ndarray


def a_la_carte(model: ws.Model, text: list[list[str]], held: set[str]) -> Any:
    """Khodak et al., 2018: the linear map from the mean of the context vectors to the vectors, least squares weighted
    by the logarithm of the counts; returns the function that makes the vectors of new words."""
    unit, V = model.wv.unit, len(model)
    get, window = model.vocabulary.get, int(str(model.options["window"]))

    def contexts(lines: list[list[int]]) -> tuple[Array, Array]:
        """Rows and columns of all pairs of a token and one in its window."""
        flat = np.fromiter((i for line in lines for i in line), np.int64)
        number = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
        near = []
        for k in range(1, window + 1):
            same = number[k:] == number[:-k]
            near += [(flat[k:][same], flat[:-k][same]), (flat[:-k][same], flat[k:][same])]
        return np.concatenate([a for a, _ in near]), np.concatenate([b for _, b in near])

    sums, sizes = np.zeros((V, model.dim)), np.zeros(V)
    for start in range(0, len(text), 20_000):
        lines = [[i for i in map(get, line) if i is not None] for line in text[start : start + 20_000]]
        centre, near = contexts(lines)
        pairs = sp.csr_array((np.ones(len(centre), np.float32), (centre, near)), shape=(V, V))
        sums += pairs @ unit
        sizes += np.bincount(centre, minlength=V)
    means = sums / np.maximum(sizes, 1)[:, None]
    weights = np.sqrt(np.log(np.maximum(np.asarray(model.vocabulary.counts), 2)))[:, None]
    map_ = np.linalg.lstsq(means * weights, unit * weights, rcond=None)[0]

    def vectors(lines_of: dict[str, list[list[str]]]) -> WordVectors:
        made = []
        for word, lines in lines_of.items():
            total = np.zeros(model.dim)
            for line in lines:
                ids = [V if other == word else get(other) for other in line]
                known = [i for i in ids if i is not None]
                for place, i in enumerate(known):
                    if i == V:
                        near = known[max(0, place - window) : place] + known[place + 1 : place + 1 + window]
                        total += sum((unit[j] for j in near if j < V), np.zeros(model.dim))
            made.append(total @ map_)
        return WordVectors(list(lines_of), np.array(made))

    return vectors
