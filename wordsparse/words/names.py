"""The names of options: hints for misspelt ones, and for those of gensim and fastText."""

import difflib
import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from typing import ParamSpec, TypeVar

from wordsparse.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")

NO_LEARNING_RATE = "there is no learning rate to choose: the exact steps find their own length"
EVERY_OUTPUT = "every word is a negative here, and nothing is sampled: leave it out, or choose the loss"

# What gensim and fastText call it, in lower case without - and _ → our name, or a sentence.
_ELSEWHERE = {
    **dict.fromkeys(("vectorsize", "size", "dimension", "dimensions", "vectorlength"), "dim"),
    **dict.fromkeys(("workers", "thread", "cpus"), "threads"),
    **dict.fromkeys(("iter", "iterations", "epoch", "niter"), "epochs"),
    **dict.fromkeys(("sg", "cbow", "skipgram"), "model"),
    **dict.fromkeys(("ws", "windowsize", "context"), "window"),
    **dict.fromkeys(("mincount", "minfreq"), "min_count"),
    **dict.fromkeys(("maxvocabsize", "maxfinalvocab", "vocabsize"), "max_vocab"),
    **dict.fromkeys(("t", "subsample", "subsampling"), "sample"),
    **dict.fromkeys(("batchwords", "batchsize"), "batch_tokens"),
    **dict.fromkeys(("minn", "maxn", "bucket"), "subwords"),
    **dict.fromkeys(("validation", "holdout"), "heldout"),
    **dict.fromkeys(("randomstate", "randomseed"), "seed"),
    **dict.fromkeys(("pretrainedvectors", "pretrained"), "init"),
    **dict.fromkeys(("sentences", "corpusfile", "input"), "corpus"),
    **dict.fromkeys(("alpha", "minalpha", "lr", "learningrate", "lrupdaterate", "startalpha"), NO_LEARNING_RATE),
    **dict.fromkeys(("negative", "neg", "hs", "nsexponent"), EVERY_OUTPUT),
    **dict.fromkeys(("lower", "lowercase", "tokenizer"), "tokens"),
    **dict.fromkeys(("verbose", "silent"), "quiet"),
}


def hint(name: str, known: Collection[str], shown: Callable[[str], str] = str) -> str:
    """A sentence about an unknown option for the user; empty if nothing is like it.

    Parameters
    ----------
    name : str
        As it was given; ``-`` and ``_`` are the same, and so are upper and lower case.
    known : collection of str
        The names that exist, with ``_``.
    shown : callable
        How a name is written, ``--min-count`` for one.
    """
    elsewhere = _ELSEWHERE.get(name.lower().replace("_", "").replace("-", ""))
    if elsewhere is not None and elsewhere in known:
        return f"did you mean {shown(elsewhere)}?"
    if elsewhere is not None and " " in elsewhere:
        return elsewhere
    close = difflib.get_close_matches(name.lower().replace("-", "_"), known, 2, 0.7)
    return f"did you mean {' or '.join(map(shown, close))}?" if close else ""


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Raise InputError, with a hint, if a keyword is unknown; the first of the ``known`` is no keyword."""
    for name in given:
        if name not in known:
            said = hint(name, known) or f"choose from {', '.join([*known][1:])}"
            raise InputError(f"unknown option {name}: {said}")


def refusing_unknown_names(function: Callable[P, T]) -> Callable[P, T]:
    """The function, which refuses an unknown keyword with a hint (InputError) and not with Python's TypeError."""
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_unknown(kwargs, known)
        return function(*args, **kwargs)

    return checked
