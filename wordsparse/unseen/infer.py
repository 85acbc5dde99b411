"""Computes the vectors of new words from sentences that contain them. The trained model does not change.

The input row and the output row of a new word each minimise a convex function. Neither function needs a sum over the
vocabulary or the text: small matrices from training, Q = W̃ᵀW̃ and C̄, replace these two sums.

    input row a    The context words are the targets of the input h = (a, 1). A context word at distance k has the
                   weight y = keep(context) · weight(k). With CBOW, the new word replaces all words in the bag of each
                   neighbour: vectors were worse if the new word was only one word of the bag.
    output row b   min_b Σ softplus(−b·h) + N π (½ K h̄·b + K λ bᵀ C̄ b), summed over the word's occurrences. Here h is
                   the mean of the context words' inputs weighted by y, N the number of tokens of the text, and π ∝ nᵖ
                   the word's measure. C̄ is the running mean of h hᵀ from training, with a ridge; for skip-gram, C̄, a
                   mean over single words, is only an approximation.

The row a is shrunk towards 0, as if DOUBT more occurrences had the vector 0. The rows a and b are combined as the input
and output rows of trained words are combined. Finally, :mod:`wordsparse.words.form` blends n-grams into the vector; the
weight of the n-grams depends on the number of occurrences of the word.
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
from wordsparse.vectors.queries import spellings
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.examples import distance_weights
from wordsparse.words.model import Model

logger = logging.getLogger(__name__)

# Words are inferred in batches with about this many occurrences, so that the context rows of a batch stay in a core's
# cache.
_TOGETHER = 2**10


class Occurrences(NamedTuple):
    """The occurrences of new words. ``tokens`` are the ids of the known and new words in the text; new word i has the
    id V + i. ``sentence`` is the index of each token's sentence. ``places`` are the positions of new words, sorted by
    word."""

    tokens: Array
    sentence: Array
    places: Array


def infer(
    model: Model,
    sentences: Iterable[str | Sequence[str]],
    words: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> WordVectors:
    """Return the vectors of ``words`` from the sentences that contain them.

    Raise InputError if a word is empty or contains white space, if none of the words has a known word near it, or if
    the model has no training state or was trained with a loss other than bounded-ns.

    Parameters
    ----------
    model : Model
        A model that was trained with the loss bounded-ns and has its training state.
    sentences : iterable of str or of sequences of str
        The sentences, which are read only once. Sentences without any of the new words are ignored. The model's
        tokeniser splits a str.
    words : sequence of str
        One or more new words, all different. A word of the vocabulary is inferred as if it were unknown. Give each word
        in the form that the tokeniser produces, because texts are searched for this form.
    progress : callable, optional
        Called repeatedly with the number of words inferred so far.

    Returns
    -------
    WordVectors
        The new words that have a known word in a window, with unit vectors and with the number of their occurrences as
        counts. A warning names one of the remaining words, if there are any.
    """
    for word in words:
        if not isinstance(word, str) or not is_word(word):
            raise InputError(f"{word!r:.80} is not a word: it is empty or holds white space; give a word")
    objective, text = objective_of(model), _occurrences(model, sentences, words)
    counts = np.bincount(text.tokens[text.places] - len(model), minlength=len(words))
    vectors, has_context = _vectors(model, objective, text, counts, progress)
    if objective.maps.axes is not None:
        vectors = vectors @ objective.maps.axes
    if model.ngrams is not None:
        model.ngrams.blend(words, vectors, counts, model.threads)
    contextless = [word for word, has in zip(words, has_context, strict=True) if not has]
    if len(contextless) == len(words):
        raise InputError(f"no sentence has {words[0]!r:.80} near a known word")
    if contextless:
        logger.warning("%s words have no known word near them, for example %r", f"{len(contextless):,}", contextless[0])
    inferred = [word for word, has in zip(words, has_context, strict=True) if has]
    return WordVectors(inferred, vectors[has_context], counts[has_context])


def _vectors(
    model: Model, objective: Objective, text: Occurrences, counts: Array, progress: Callable[[int], None]
) -> tuple[Array, Array]:
    """Infer vectors of new words from their contexts alone, without n-grams. Return the exported vectors, (n, dim), and
    a mask of the new words with a known word in a context window. The vectors of other words are zero."""
    vectors, has_context = np.zeros((len(counts), model.dim), np.float32), np.zeros(len(counts), bool)
    ends, maps = np.cumsum([0, *counts]), objective.maps
    starts = np.flatnonzero(np.diff(ends[:-1] // _TOGETHER, prepend=-1))
    # NumPy's warnings are off, because the solver refuses numbers that are not finite.
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        for start, stop in itertools.pairwise([*starts.tolist(), len(counts)]):
            progress(start)
            part, places = slice(start, stop), text.places[ends[start] : ends[stop]]
            batch = _Batch(model, objective, text._replace(places=places), part)
            inputs, has_context[part] = batch.inputs()
            outputs = batch.outputs(counts[part])[:, :-1]
            sums = unit(inputs * maps.inputs) + unit(outputs * maps.outputs) @ maps.turned
            maps.add_popularity(sums, counts[part])
            vectors[part] = unit(sums)
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
        of_sentence = model.split(sentence) if isinstance(sentence, str) else words_of(f"sentence {row}", sentence)
        if as_written:
            of_sentence = [_spelt(token, new, model) for token in of_sentence]
        if new.keys().isdisjoint(of_sentence):
            continue
        tokens += [i for token in of_sentence if (i := new[token] if token in new else known(token)) is not None]
        ends.append(len(tokens))
    text = np.array(tokens, np.int64)
    number = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    places = np.flatnonzero(text >= len(model))
    return Occurrences(text, number, places[np.argsort(text[places], kind="stable")])


def _spelt(token: str, new: Container[str], model: Model) -> str:
    """Return the first of the token's spellings (as written, without punctuation, in lower case) that is a new or known
    word. If no spelling is such a word, return the token."""
    if token in new or token in model:
        return token
    return next((spelling for spelling in spellings(token) if spelling in new or spelling in model), token)


class _Batch:
    """The slice ``part`` of the new words, with the occurrences of these words in ``text.places``.

    A pair consists of an occurrence and a known word in its window. For each pair, ``place`` is the index of the
    occurrence (ascending), and ``target`` the known word. ``leads`` is the weight with which the new word predicts the
    known word, and ``follows`` the weight with which the known word predicts the new word. The two weights are equal
    unless windows look one way.
    """

    def __init__(self, model: Model, objective: Objective, text: Occurrences, part: slice) -> None:
        self.model, self.objective, self.n = model, objective, part.stop - part.start
        self.word = text.tokens[text.places] - len(model) - part.start
        window = objective.window
        # ``near`` holds the positions of the tokens at the distances −window … −1 and 1 … window, in this order.
        by_distance = distance_weights(window, objective.recipe.distances)
        near = text.places[:, None] + np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
        inside = (near >= 0) & (near < len(text.tokens))
        near = np.where(inside, near, 0)
        inside &= text.sentence[near] == text.sentence[text.places][:, None]
        inside &= text.tokens[near] < len(model)
        self.place, step = np.nonzero(inside)
        self.target = text.tokens[near[self.place, step]]
        y = objective.keep[self.target] * np.concatenate([by_distance[::-1], by_distance])[step]
        self.leads, self.follows = (y, y) if objective.is_both else (y * (step >= window), y * (step < window))

    def inputs(self) -> tuple[Array, Array]:
        """Return the input rows in canonical coordinates, (n, dim), and a mask of the words that have a context
        word."""
        o, item = self.objective, self.word[self.place]
        rows, offsets = o.outputs[self.target, :-1], o.outputs[self.target, -1]
        mass = np.bincount(item, self.leads, self.n)
        linear, diagonal = np.outer(mass, o.linear), np.outer(mass, o.curvature) + o.doubt
        return minimise(rows, self.leads, offsets, item, linear, diagonal), mass > 0

    def outputs(self, counts: Array) -> Array:
        """Return the output rows in canonical coordinates, (n, dim + 1)."""
        o, places = self.objective, len(self.word)
        total = np.bincount(self.place, self.follows, places)
        has = total > 0
        bags = (
            sp.csr_array((self.follows.astype(np.float32), (self.place, self.target)), (places, len(self.model)))
            @ o.inputs
        )
        h = np.ones((np.count_nonzero(has), self.model.dim + 1), np.float32)
        h[:, :-1] = bags[has] / total[has, None]
        mass = self._negative_mass(counts)
        linear, diagonal = np.outer(mass * o.beta, o.mean @ o.basis), np.outer(mass * 2 * o.alpha, o.moments)
        rows = h @ o.basis.astype(np.float32)
        minima = minimise(rows, np.ones(len(rows)), np.zeros(len(rows)), self.word[has], linear, diagonal)
        return minima @ o.basis.T.astype(np.float32)

    def _negative_mass(self, counts: Array) -> Array:
        """Return the factor N π of each new word, (n,)."""
        o, counted = self.objective, np.asarray(self.model.vocabulary.counts, np.float64)
        measure = o.recipe.base_measure(counted).sum()
        return np.asarray(float(counted @ o.keep) * o.recipe.base_measure(np.maximum(counts, 1)) / measure)
