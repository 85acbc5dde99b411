"""The encoding of a text as plain Python: what the compiled reader must give, to the byte."""

from collections import Counter
from typing import Any, NamedTuple

from support.texts import sentences
from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus


class PlainCorpus(NamedTuple):
    """The content of an encoded corpus."""

    words: list[str]
    counts: list[int]
    shards: list[list[int]]
    tokens: int
    sentences: int
    distinct_words: int


def plainly_encoded(
    source: Any, format: str | None, min_count: int, max_vocab: int | None, shard_tokens: int
) -> PlainCorpus:
    """``source`` as Python reads it; its errors are those of RawText."""
    text = list(sentences(source, format))
    counts = Counter(word for sentence in text for word in sentence)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    words = [word for word in ranked if counts[word] >= min_count][:max_vocab]
    ids = {word: id for id, word in enumerate(words)}
    shards: list[list[int]] = [[]]
    for sentence in filter(None, text):
        if len(shards[-1]) >= shard_tokens:
            shards.append([])
        shards[-1] += [*(ids.get(word, OUT_OF_VOCABULARY) for word in sentence), END_OF_SENTENCE]
    return PlainCorpus(
        words, [counts[word] for word in words], shards, counts.total(), sum(map(bool, text)), len(counts)
    )


def content(corpus: EncodedCorpus) -> PlainCorpus:
    """The content of an encoded corpus, for comparisons."""
    return PlainCorpus(
        corpus.vocabulary.words,
        corpus.vocabulary.counts.tolist(),
        [shard[:].tolist() for shard in corpus.shards],
        corpus.tokens,
        corpus.sentences,
        corpus.distinct_words,
    )
