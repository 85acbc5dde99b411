"""The vectors of new words from the sentences that hold them, while all else of the model stays as it is.

A new word's input row a (with its n contexts as targets) and its output row b (as the target of their mean) are the
minima of two convex problems, since Q and the running mean of h hᵀ stand for the whole vocabulary and the whole text:

    a   contexts at distance k count y = keep(context) · weight(k), and h = (a, 1). With CBOW the word stands for the
        whole bag of each neighbour: beside its share and the mean of the others, new words came out worse
    b   min_b Σ softplus(−b·h) + N π (½ K h̄·b + K λ bᵀ C̄ b), h the mean of a place's contexts by y, N places of the
        whole text, π ∝ nᵖ the word's measure, C̄ = E h hᵀ of training with a ridge. With skip-gram too, whose targets
        have one context each

a is drawn to 0 as if by DOUBT occurrences, as in the vectors of trained words, and the exported vector is made as
theirs are, with n-grams as :mod:`wordsparse.words.form` blends them into words that occur so often.
"""

import itertools
import logging
from collections.abc import Callable, Container, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse.errors import InputError
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.unseen.objective import Objective, objective_of, unit
from wordsparse.unseen.solver import minimise
from wordsparse.validation import words_of
from wordsparse.vectors.ngrams import is_word
from wordsparse.vectors.spelling import spellings
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.examples import distance_weights
from wordsparse.words.model import Model

logger = logging.getLogger(__name__)

# Occurrences are cut into stretches of this length, and the words that begin in one are inferred together: the rows of
# their pairs stay in a core's cache.
_TOGETHER = 2**10


class Occurrences(NamedTuple):
    """Where the new words occur: ``tokens`` the text's known and new words, those of V on being new (word V + i), with
    ``sentence`` the number of its sentence for each, and ``places`` the positions of new words, sorted by word."""

    tokens: Array
    sentence: Array
    places: Array


def infer(
    model: Model,
    sentences: Iterable[str | Sequence[str]],
    words: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> WordVectors:
    """The vectors of ``words`` from the sentences that hold them.

    InputError if a word is empty, holds white space or is given twice, none has a context, or the model holds no
    training state or was trained with another loss.

    Parameters
    ----------
    model : Model
        With its training state, trained with the loss bounded-ns.
    sentences : iterable of str or of sequences of str
        Read once; sentences without any of the words are ignored. The model's tokeniser splits a str.
    words : sequence of str
        Distinct. A word of the vocabulary is inferred as if it were not known. In a text, a word is found as the
        tokeniser writes it.
    progress : callable, optional
        Called with the number of words that are inferred, again and again.

    Returns
    -------
    WordVectors
        The words that have at least one known word in a window, with vectors of length one and the numbers of their
        occurrences as counts. A warning names the others.
    """
    for word in words:
        if not isinstance(word, str) or not is_word(word):
            raise InputError(f"{word!r:.80} is no word: it is empty or holds white space; give a word")
    if len(set(words)) != len(words):
        raise InputError("a word is given twice: give all its sentences at once")
    objective, found = objective_of(model), _occurrences(model, sentences, words)
    counts = np.bincount(found.tokens[found.places] - len(model), minlength=len(words))
    vectors, has_context = _vectors(model, objective, found, counts, progress)
    if model.axes is not None:
        vectors = vectors @ model.axes
    if model.ngrams is not None:
        model.ngrams.blend(words, vectors, counts, model.threads)
    without = [word for word, known in zip(words, has_context, strict=True) if not known]
    if len(without) == len(words):
        raise InputError(f"no sentence holds {words[0]!r:.80} beside a known word" if words else "no word is given")
    if without:
        logger.warning("%s words have no known word beside them, among them %r", f"{len(without):,}", without[0])
    kept = [word for word, known in zip(words, has_context, strict=True) if known]
    return WordVectors(kept, vectors[has_context], counts[has_context])


def _vectors(
    model: Model, objective: Objective, found: Occurrences, counts: Array, progress: Callable[[int], None]
) -> tuple[Array, Array]:
    """The exported vectors of new words without their n-grams, (n, dim), zeros for those that have no known word in a
    window; and which have one."""
    vectors, has_context = np.zeros((len(counts), model.dim), np.float32), np.zeros(len(counts), bool)
    ends, maps = np.cumsum([0, *counts]), objective.maps
    starts = np.flatnonzero(np.diff(ends[:-1] // _TOGETHER, prepend=-1))
    # The solver refuses what is not finite.
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        for start, stop in itertools.pairwise([*starts.tolist(), len(counts)]):
            progress(start)
            part, places = slice(start, stop), found.places[ends[start] : ends[stop]]
            batch = _Batch(model, objective, found._replace(places=places), part)
            inputs, has_context[part] = batch.inputs()
            outputs = batch.outputs(counts[part])[:, :-1]
            made = unit(inputs * maps.inputs) + unit(outputs * maps.outputs) @ maps.turned
            maps.add_popularity(made, counts[part])
            vectors[part] = unit(made)
    vectors[~has_context] = 0
    return vectors, has_context


def _occurrences(model: Model, sentences: Iterable[str | Sequence[str]], words: Sequence[str]) -> Occurrences:
    known = model.vocabulary.get
    new = {word: len(model) + i for i, word in enumerate(words)}
    as_written = model.split.tokens == "split"
    if as_written:
        written = {lower: number for word, number in new.items() if (lower := spellings(word)[2]) not in model}
    else:
        written = {" ".join(model.split(word)): number for word, number in new.items()}
    new = written | new
    tokens: list[int] = []
    ends = [0]
    for row, sentence in enumerate(sentences):
        found = model.split(sentence) if isinstance(sentence, str) else words_of(f"sentence {row}", sentence)
        if as_written:
            found = [_spelt(token, new, model) for token in found]
        if new.keys().isdisjoint(found):
            continue
        tokens += [i for token in found if (i := new[token] if token in new else known(token)) is not None]
        ends.append(len(tokens))
    text = np.array(tokens, np.int64)
    number = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    places = np.flatnonzero(text >= len(model))
    return Occurrences(text, number, places[np.argsort(text[places], kind="stable")])


def _spelt(token: str, sought: Container[str], model: Model) -> str:
    """The spelling of a token that is sought or known."""
    if token in sought or token in model:
        return token
    return next((spelling for spelling in spellings(token) if spelling in sought or spelling in model), token)


class _Batch:
    """Some of the new words, ``part`` of all; their occurrences are sorted by word.

    Each pair of an occurrence and a known word t in its window has ``place``, the number of the occurrence, ascending,
    ``target``, which is t, and the weight ``y``.
    """

    def __init__(self, model: Model, objective: Objective, found: Occurrences, part: slice) -> None:
        self.model, self.objective, self.n = model, objective, part.stop - part.start
        self.word = found.tokens[found.places] - len(model) - part.start
        window = objective.window
        # Distances −window … −1, 1 … window, and the weight of each.
        by_distance = distance_weights(window, objective.recipe.distances)
        near = found.places[:, None] + np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
        inside = (near >= 0) & (near < len(found.tokens))
        near = np.where(inside, near, 0)
        inside &= found.sentence[near] == found.sentence[found.places][:, None]
        inside &= found.tokens[near] < len(model)
        self.place, step = np.nonzero(inside)
        self.target = found.tokens[near[self.place, step]]
        self.y = objective.keep[self.target] * np.concatenate([by_distance[::-1], by_distance])[step]

    def inputs(self) -> tuple[Array, Array]:
        """The input rows in canonical coordinates, (n, dim), and whether each word has a context."""
        o, item = self.objective, self.word[self.place]
        rows, offsets = o.outputs[self.target, :-1], o.outputs[self.target, -1]
        mass = np.bincount(item, self.y, self.n)
        linear, diagonal = np.outer(mass, o.linear), np.outer(mass, o.curvature) + o.doubt
        return minimise(rows, self.y, offsets, item, linear, diagonal), mass > 0

    def outputs(self, counts: Array) -> Array:
        """The output rows in canonical coordinates, (n, dim + 1)."""
        o, places = self.objective, len(self.word)
        total = np.bincount(self.place, self.y, places)
        has = total > 0
        bags = (
            sp.csr_array((self.y.astype(np.float32), (self.place, self.target)), (places, len(self.model))) @ o.inputs
        )
        h = np.ones((np.count_nonzero(has), self.model.dim + 1), np.float32)
        h[:, :-1] = bags[has] / total[has, None]
        mass = self._negative_mass(counts)
        linear, diagonal = np.outer(mass * o.beta, o.mean @ o.basis), np.outer(mass * 2 * o.alpha, o.moments)
        rows = h @ o.basis.astype(np.float32)
        found = minimise(rows, np.ones(len(rows)), np.zeros(len(rows)), self.word[has], linear, diagonal)
        return found @ o.basis.T.astype(np.float32)

    def _negative_mass(self, counts: Array) -> Array:
        """N π of each new word, (n,)."""
        o, known = self.objective, np.asarray(self.model.vocabulary.counts, np.float64)
        measure = o.recipe.base_measure(known).sum()
        return np.asarray(float(known @ o.keep) * o.recipe.base_measure(np.maximum(counts, 1)) / measure)
