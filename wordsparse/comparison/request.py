"""The request for a comparison, checked; and the methods that it can train."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.evaluation.scores import RESTRICT_VOCAB
from wordsparse.machine import threads
from wordsparse.words.options import ModelName, Options


@dataclass(frozen=True)
class Method:
    """A training method: its program, its model, its title, and whether gensim uses hierarchical softmax."""

    program: str
    model: ModelName
    label: str
    hierarchical: bool = False

    @property
    def ours(self) -> bool:
        """Whether the program is wordsparse."""
        return self.program == "wordsparse"


# In the order in which they run.
METHODS = {
    "wordsparse-skipgram": Method("wordsparse", "skipgram", "wordsparse skip-gram"),
    "gensim-skipgram-ns": Method("gensim", "skipgram", "gensim skip-gram, negative sampling"),
    "gensim-skipgram-hs": Method("gensim", "skipgram", "gensim skip-gram, hierarchical softmax", hierarchical=True),
    "wordsparse-cbow": Method("wordsparse", "cbow", "wordsparse CBOW"),
    "gensim-cbow-ns": Method("gensim", "cbow", "gensim CBOW, negative sampling"),
    "gensim-cbow-hs": Method("gensim", "cbow", "gensim CBOW, hierarchical softmax", hierarchical=True),
}


@dataclass(frozen=True)
class Request:
    """A request; every field is checked when it is made.

    - ``max_expansion``: the maximum ratio of unpacked to compressed size of a text.
    - ``format``, ``column``, ``tokens``, ``phrases``, ``phrase_threshold``: see :func:`wordsparse.encode`.
    - ``methods``: names in METHODS; empty to compare vector files only.
    - ``vectors``: files or models made elsewhere.
    - ``epochs``: each method runs once for each of these numbers.
    - ``repeat``: the number of runs of each method, with seeds ``seed``, ``seed`` + 1, ….
    - ``sizes``: numbers of tokens; each method runs once for each number, on a text cut after that many tokens.
    - ``max_tokens``: the number of tokens to train on, from the start of the text; the vocabulary is the whole text's.
    - ``threads``: None means all available CPUs.
    - ``command``: the command line that repeats the comparison.

    Raises
    ------
    InputError
        If a value is out of range, two vector files have the same name, or the output cannot be created.
    MissingDependencyError
        If gensim is to be trained and is not installed.
    """

    corpus: Sequence[Path]
    output: Path
    format: str | None = None
    max_expansion: float | None = None
    column: str | None = None
    tokens: str | None = None
    phrases: int | None = None
    phrase_threshold: float | None = None
    methods: Sequence[str] = tuple(METHODS)
    vectors: Sequence[Path] = ()
    pairs: Sequence[Path] = ()
    analogies: Sequence[Path] = ()
    restrict_vocab: int = RESTRICT_VOCAB
    dim: int = 100
    window: int = 5
    min_count: int | None = None
    sample: float = 1e-3
    epochs: Sequence[int] = (5,)
    threads: int | None = None
    seed: int = 1
    repeat: int = 1
    sizes: Sequence[int] = ()
    max_tokens: int | None = None
    keep_vectors: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.methods) - set(METHODS))
        if unknown:
            raise InputError(f"unknown method {', '.join(unknown)}: choose from {', '.join(METHODS)}")
        if not self.methods and not self.vectors:
            raise InputError("there is nothing to compare: name a method or vectors")
        if not self.epochs:
            raise InputError("epochs must name at least one number, such as 1,2,5")
        for epochs in self.epochs:
            self.options(epochs, 0)
        validation.positive_int("repeat", self.repeat)
        validation.positive_int("restrict_vocab", self.restrict_vocab)
        for tokens in self.sizes:
            validation.positive_int("sizes", tokens)
        if self.sizes and self.max_tokens:
            raise InputError("give sizes or max_tokens, not both: each limits the amount of text")
        names = [*METHODS, *(path.stem for path in self.vectors)]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"two runs would be named {twice}: rename a file of vectors")
        if any(not METHODS[name].ours for name in self.methods):
            optional.check("a comparison with gensim's word2vec", "gensim")

    def options(self, epochs: int, repeat: int, model: ModelName = "cbow") -> dict[str, Any]:
        """The checked training options that both programs share, under wordsparse's names."""
        return asdict(
            Options(
                model=model,
                dim=self.dim,
                window=self.window,
                sample=self.sample,
                epochs=epochs,
                threads=threads.resolve_threads(self.threads),
                seed=validation.whole("seed", self.seed) + repeat,
                max_tokens=self.max_tokens,
            )
        )
