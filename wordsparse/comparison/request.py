"""The checked request for a comparison, and the methods that it can train."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

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
    """Return whether the program of a method is wordsparse."""
    return method.startswith("wordsparse-")


# Training options that both programs have.
SHARED = ("dim", "window", "sample", "threads", "seed", "max_tokens")


@dataclass(frozen=True)
class Request:
    """A checked request. ``text`` holds fields of TextOptions, ``training`` the options that all runs share.

    InputError is raised if a value is out of range, and MissingDependencyError if only gensim's methods are named and
    gensim is not installed.
    """

    corpus: Sequence[Path]
    output: Path
    text: dict[str, Any]
    training: Options
    methods: Sequence[str] = tuple(METHODS)
    epochs: Sequence[int] = (5,)
    keep_vectors: bool = False
    command: str = ""

    @classmethod
    def of(cls, corpus: Sequence[Path], output: Path, **keywords: Any) -> "Request":
        """Make a request from keywords: its own fields, and options of the text and of training."""
        own = [field.name for field in fields(cls) if field.name not in ("corpus", "output", "text", "training")]
        of_text = [*abouts(TextOptions)]
        refuse_unknown(keywords, [*own, *READERS, *of_text, *SHARED])
        text, training, rest = (
            {name: keywords[name] for name in part if name in keywords} for part in (of_text, SHARED, own)
        )
        return cls(corpus, output, text, Options(**training), **rest)

    def __post_init__(self) -> None:
        TextOptions(**self.text)  # raises InputError for a wrong option
        unknown = sorted(set(self.methods) - set(METHODS))
        if unknown:
            raise InputError(f"unknown method {', '.join(unknown)}: choose from {', '.join(METHODS)}")
        for epochs in self.epochs:
            self.options(epochs, 0)
        if not self.trainable:
            optional.load("a comparison with gensim's word2vec", "gensim")

    @property
    def trainable(self) -> list[str]:
        """The methods whose program is installed."""
        has_gensim = optional.installed("gensim")
        return [name for name in METHODS if name in self.methods and (is_ours(name) or has_gensim)]

    @property
    def left_out(self) -> list[str]:
        """A sentence that names the methods whose program is not installed, in a list that may be empty."""
        titles = "; ".join(METHODS[name] for name in self.methods if name not in self.trainable)
        return [f"gensim is not installed ({optional.command('gensim')}); not compared: {titles}."] if titles else []

    def options(self, epochs: int, repeat: int, model: str = "cbow") -> dict[str, Any]:
        """Return the checked training options that both programs share, with wordsparse's names."""
        cpus, seed = threads.resolve_threads(self.training.threads), self.training.seed + repeat
        return asdict(replace(self.training, model=cast("ModelName", model), epochs=epochs, threads=cpus, seed=seed))

    def tokens(self, corpus: EncodedCorpus) -> int:
        """Return the number of tokens in an epoch."""
        return min(corpus.tokens, self.training.max_tokens or corpus.tokens)

    def turns(self) -> list[tuple[int, int, str]]:
        """Return the epochs, the repeat and the method of each run. Methods alternate; repeated numbers repeat runs."""
        places = [(epochs, self.epochs[:place].count(epochs)) for place, epochs in enumerate(self.epochs)]
        return [(epochs, repeat, name) for epochs, repeat in places for name in self.trainable]
