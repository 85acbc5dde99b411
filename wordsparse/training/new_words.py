"""Where the words that a new text adds to a model start: at the rows inferred from some of their occurrences.

The rows are the minima of :mod:`wordsparse.unseen.infer`, found while the model stays as it is. Training then sees the
same occurrences again, so a start counts as nothing seen before: its first minibatches move it as freely as noise.
"""

import numpy as np

from wordsparse.corpus import END_OF_SENTENCE
from wordsparse.layer.losses import BoundedNS
from wordsparse.types import Array
from wordsparse.unseen.infer import MIN_FOR_OUTPUT, Occurrences, rows
from wordsparse.unseen.objective import objective_of
from wordsparse.words.embedding import WordEmbedding
from wordsparse.words.model import Model
from wordsparse.words.options import Options
from wordsparse.words.text_source import Cuts

# Occurrences of a word that its start is inferred from.
OCCURRENCES = 16
# Tokens that are looked through at a time.
_TOKENS = 2**20


def start_new_words(embedding: WordEmbedding, model: Model, passes: Cuts, known: Array) -> None:
    """Let the words that a text adds to a model start from their inferred rows; with another loss than bounded-ns, from
    which no word is inferred, they start as in any run.

    Word i of the model is word ``known[i]`` of the embedding, and has its rows already. The held-out part of the text
    is not looked at.
    """
    words = len(embedding.mass)
    new = np.setdiff1d(np.arange(words), known)
    if not new.size or not isinstance(Options.from_dict(model.options).used_recipe().loss, BoundedNS):
        return
    to_model = np.empty(words, np.int64)
    to_model[known], to_model[new] = np.arange(len(known)), len(known) + np.arange(len(new))
    found = _occurrences(passes, to_model, len(known), 2 * int(str(model.options["window"])))
    counts = np.bincount(found.tokens[found.places] - len(known), minlength=len(new))
    inputs, outputs, has_context = rows(model, found, counts)
    # The inverses of E @ inputs and W @ outputs, since inputsᵀ outputs = I.
    canonical = objective_of(model).maps.canonical
    E = (inputs[has_context] @ canonical.outputs.T).astype(np.float32)
    embedding.start(new[has_context], E, np.zeros(len(E)))
    often = has_context & (counts >= MIN_FOR_OUTPUT)
    weights = embedding.output.weights()
    weights[new[often], :-1] = outputs[often, :-1] @ canonical.inputs.T
    weights[new[often], -1] = outputs[often, -1]
    embedding.output.set_weights(weights)


def _occurrences(passes: Cuts, to_model: Array, known: int, reach: int) -> Occurrences:
    """The first OCCURRENCES occurrences of each new word, with the ``reach`` tokens on both sides of each."""
    seen = np.zeros(len(to_model) - known, np.int64)
    parts: list[tuple[Array, Array, Array]] = []
    sentence, offset = 0, 0
    for ids, start, stop, _ in passes.train(lambda position: _TOKENS):
        centre = np.zeros(len(ids), bool)
        centre[start:stop] = True
        words = (ids >= 0) | (ids == END_OF_SENTENCE)  # unknown words take no place in a window
        ids, centre = ids[words], centre[words]
        tokens = np.where(ids >= 0, to_model[ids], -1)
        places = np.flatnonzero(centre & (tokens >= known))
        places = places[_rank(tokens[places] - known, seen) < OCCURRENCES]
        near = np.zeros(len(ids) + 1, np.int64)
        np.add.at(near, np.maximum(places - reach, 0), 1)
        np.add.at(near, np.minimum(places + reach + 1, len(ids)), -1)
        kept = np.cumsum(near[:-1]) > 0
        # A gap between two kept stretches separates as the end of a sentence does.
        number = np.cumsum((tokens < 0) | ~kept) + sentence
        chosen = kept & (tokens >= 0)
        is_place = np.zeros(len(ids), bool)
        is_place[places] = True
        parts.append((tokens[chosen], number[chosen], np.flatnonzero(is_place[chosen]) + offset))
        sentence, offset = int(number[-1]) + 1 if len(ids) else sentence, offset + int(chosen.sum())
    tokens, number, places = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Occurrences(tokens, number, places[np.argsort(tokens[places], kind="stable")])


def _rank(items: Array, seen: Array) -> Array:
    """How often each item came before, in ``items`` and in ``seen``, which counts these now."""
    order = np.argsort(items, kind="stable")
    ordered = items[order]
    first = np.searchsorted(ordered, ordered)
    rank = np.empty(len(items), np.int64)
    rank[order] = np.arange(len(items)) - first + seen[ordered]
    seen += np.bincount(items, minlength=len(seen))
    return rank
