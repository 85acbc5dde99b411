"""Translation of gensim's arguments into options and a recipe; some are refused, or accepted with a warning."""

from dataclasses import replace

from wordsparse import validation
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.gensim.building import VocabularyBuilder, threshold
from wordsparse.gensim.refusals import say_once
from wordsparse.gensim.texts import longest_sentence
from wordsparse.layer.losses import BoundedNS
from wordsparse.machine.threads import available_cpus
from wordsparse.words.examples import MAX_WINDOW
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe

LOSS = "bounded-ns"
GENSIMS_EXPONENT = 0.75
GENSIMS_NEGATIVE = 5
GENSIMS_ALPHAS = (0.025, 0.0001)


def check(settings: VocabularyBuilder) -> None:
    """Refuse arguments that would silently change results; log a warning for arguments without effect."""
    for name in ("vector_size", "window", "workers"):
        validation.positive_int(name, getattr(settings, name))
    if not settings.hs and not settings.negative:
        raise InputError("hs=0 and negative=0 together: nothing would be trained; leave hs or negative at its default")
    if settings.negative < 0:
        raise InputError(f"negative must not be below 0, not {settings.negative}")
    if settings.hs and not settings.negative:
        say_once("hs=1: wordsparse's loss is exact over the whole vocabulary and uses no tree of words")
    if not settings.cbow_mean and not settings.sg:
        raise InputError("cbow_mean=0: CBOW takes the mean of its context words here, never the sum; leave it at 1")
    if settings.max_vocab_size:
        say_once("max_vocab_size has no effect: every token is counted, and no word is dropped while counting")
    if settings.null_word:
        raise InputError("null_word: wordsparse has no padding word; leave null_word at 0")
    if (settings.alpha, settings.min_alpha) != GENSIMS_ALPHAS:
        say_once("alpha and min_alpha have no effect: the exact steps choose their own length")


def options(settings: VocabularyBuilder, epochs: int, corpus: EncodedCorpus) -> Options:
    """Return the options of a run on ``corpus``. Raise InputError if the window is too wide."""
    window, longest = settings.window, longest_sentence(corpus)
    if window > MAX_WINDOW and longest > MAX_WINDOW + 1:
        raise InputError(
            f"window: {window} reaches beyond {MAX_WINDOW}, the largest window here, in sentences of up to "
            f"{longest:,} tokens; cut the sentences, or choose a smaller window"
        )
    kind = _kind(settings, longest)
    if kind == "items":  # all distances have the same weight, so a window as wide as the sentences suffices
        window = min(window, max(longest - 1, 1))
    return Options(
        model="skipgram" if settings.sg else "cbow",
        loss=LOSS,
        dim=settings.vector_size,
        window=window,
        sample=_sample(settings.sample, corpus),
        epochs=epochs,
        threads=min(settings.workers, available_cpus()),
        seed=(settings.seed or 0) % 2**32,
        form=0,
        memory=False,
        recipe=recipe(settings, kind),
        kind=kind,
    )


def recipe(settings: VocabularyBuilder, kind: str = "text") -> Recipe:
    """Return the recommended recipe, changed by the arguments that differ from gensim's defaults."""
    chosen = Options(model="skipgram" if settings.sg else "cbow", loss=LOSS, kind=kind).used_recipe()
    if settings.ns_exponent != GENSIMS_EXPONENT:
        chosen = replace(chosen, measure_power=float(settings.ns_exponent))
    if settings.negative not in (0, GENSIMS_NEGATIVE) and isinstance(chosen.loss, BoundedNS):
        chosen = replace(chosen, loss=replace(chosen.loss, negatives=float(settings.negative)))
    return chosen if settings.shrink_windows else replace(chosen, distances="equal")


def _kind(settings: VocabularyBuilder, longest: int) -> str:
    """Return the kind of data that the arguments imply: "items", "walks" or "text".

    If the window covers whole sentences, a sentence is treated as a basket of items. Otherwise, if no token is dropped
    as rare, a sentence is treated as a walk along the nodes of a graph.
    """
    if settings.window >= longest - 1:
        return "items"
    return "walks" if settings.min_count <= 1 else "text"


def _sample(sample: float, corpus: EncodedCorpus) -> float:
    """Return the subsampling threshold, or 0 if it would subsample even words that occur once."""
    total = int(corpus.vocabulary.counts.sum())
    rate = threshold(sample, total)
    if rate and rate * total < 1:
        say_once(
            "sample: in this short text, the relative frequency of a single word exceeds sample; the text is "
            "trained on without subsampling"
        )
        return 0.0
    return rate
