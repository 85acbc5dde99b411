"""The checked request for a comparison, and the methods that it can train."""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from wordsparse import optional
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.options import TextOptions
from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import READERS
from wordsparse.machine import threads
from wordsparse.options import abouts, refuse_unknown
from wordsparse.words.options import ModelName, Options

METHODS = {
    "wordsparse-skipgram": "wordsparse skip-gram",
    "gensim-skipgram-ns": "gensim skip-gram, negative sampling",
    "gensim-skipgram-hs": "gensim skip-gram, hierarchical softmax",
    "wordsparse-cbow": "wordsparse CBOW",
    "gensim-cbow-ns": "gensim CBOW, negative sampling",
    "gensim-cbow-hs": "gensim CBOW, hierarchical softmax",
}
"""The methods, in the order of their runs, with titles. The parts of a name are the program, the model, and whether
gensim samples negatives (ns) or uses hierarchical softmax (hs)."""


def is_ours(method: str) -> bool:
    """Return whether a method is one of wordsparse's, not gensim's."""
    return method.startswith("wordsparse-")


# Training options that both programs have. SIZES may have several values.
SIZES = {"dim": 100, "window": 5}
SHARED = ("sample", "threads", "seed", "max_tokens")


class Turn(NamedTuple):
    """A run of a comparison. ``repeat`` counts the runs that differ only in the seed."""

    dim: int
    window: int
    epochs: int
    repeat: int
    name: str


class Request:
    """A checked request. ``text`` holds fields of TextOptions, ``training`` the options that all runs share.

    ``trainable`` lists the methods whose program is installed. ``left_out`` is a list with one sentence about the
    methods whose program is missing; it is empty if no program is missing. InputError is raised if a value is out of
    range, and MissingDependencyError if only gensim's methods are named and gensim is not installed.
    """

    def __init__(
        self,
        corpus: Sequence[Path],
        methods: Sequence[str] = tuple(METHODS),
        epochs: Sequence[int] = (5,),
        **options: Any,
    ) -> None:
        of_text = abouts(TextOptions)
        refuse_unknown(options, ["methods", "epochs", "keep_vectors", *READERS, *of_text, *SIZES, *SHARED])
        self.corpus, self.methods, self.epochs = corpus, methods, epochs
        self.sizes = {name: _several(name, options.get(name), default) for name, default in SIZES.items()}
        self.text = {name: value for name, value in options.items() if name in of_text and value is not None}
        self.training = Options(**{name: value for name, value in options.items() if name in SHARED})
        TextOptions(**self.text)  # raises InputError for a wrong option
        unknown = sorted(set(methods) - set(METHODS))
        if unknown:
            raise InputError(f"unknown method {', '.join(unknown)}: choose from {', '.join(METHODS)}")
        has_gensim = optional.installed("gensim")
        self.trainable = [name for name in METHODS if name in methods and (is_ours(name) or has_gensim)]
        if not self.trainable:
            optional.load("a comparison with gensim's word2vec", "gensim")
        for turn in self.turns():
            self.options(turn)
        titles = "; ".join(METHODS[name] for name in methods if name not in self.trainable)
        absent = f"gensim is not installed ({optional.command('gensim')}); not compared: {titles}."
        self.left_out = [absent] if titles else []

    def options(self, turn: Turn) -> dict[str, Any]:
        """Return the checked training options that both programs share, with wordsparse's names."""
        model, cpus = cast("ModelName", turn.name.split("-")[1]), threads.resolve_threads(self.training.threads)
        chosen = replace(self.training, dim=turn.dim, window=turn.window, epochs=turn.epochs, model=model, threads=cpus)
        return asdict(replace(chosen, seed=self.training.seed + turn.repeat))

    def tokens(self, corpus: EncodedCorpus) -> int:
        """Return the number of tokens in an epoch."""
        return min(corpus.tokens, self.training.max_tokens or corpus.tokens)

    def turns(self) -> list[Turn]:
        """Return all runs. Methods alternate; a repeated number of epochs repeats the runs."""
        places = [(epochs, self.epochs[:place].count(epochs)) for place, epochs in enumerate(self.epochs)]
        combined = itertools.product(self.sizes["dim"], self.sizes["window"], places, self.trainable)
        return [Turn(dim, window, *place, name) for dim, window, place, name in combined]


def _several(name: str, value: Any, default: int) -> list[int]:
    """Return a value, or several values without repeats, as a list. Raise InputError if there are none."""
    if value is None:
        return [default]
    values = [*dict.fromkeys(value if isinstance(value, list | tuple) else [value])]
    if not values:
        raise InputError(f"{name} is empty: give at least one number")
    return values
