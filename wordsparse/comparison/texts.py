"""The text in the form that each program reads: encoded for wordsparse, lines of words for gensim."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus
from wordsparse.errors import InputError

# The largest number of words in a line; longer sentences are split. The compiled reader of gensim 4.4 skips words
# beyond its batches of 10,000 words. With lines of up to 10,000 words, gensim skipped 11 % of the words of long
# documents; with lines of up to 1,000 words, 2 %. gensim computes its learning rate from the number of lines, which
# must therefore equal the number of sentences that gensim reads.
LINE_TOKENS = 500


def write_plain(corpus: EncodedCorpus, max_tokens: int, path: Path) -> tuple[int, int]:
    """Write the first ``max_tokens`` tokens of the corpus as lines of words, and return the numbers of lines and words.

    Out-of-vocabulary words are omitted, as gensim's reader would omit them. Raise InputError if a word of the
    vocabulary contains white space, because words are separated by white space in the file.
    """
    for word in corpus.vocabulary.words:
        if word.split() != [word]:
            raise InputError(
                f"the word {word!r:.80} holds white space: gensim's reader would split it; join its parts with _"
            )
    words = np.array(corpus.vocabulary.words, dtype=object)
    lines = written = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for ids in _sentences(corpus, max_tokens):
            in_vocabulary = ids[ids >= 0]
            for start in range(0, in_vocabulary.size, LINE_TOKENS):
                line = words[in_vocabulary[start : start + LINE_TOKENS]]
                file.write(" ".join(line) + "\n")
                lines += 1
                written += line.size
    return lines, written


def _sentences(corpus: EncodedCorpus, max_tokens: int) -> Iterator[NDArray[np.int32]]:
    """Yield the sentences of the first ``max_tokens`` tokens as ids, including OUT_OF_VOCABULARY."""
    for shard in map(np.asarray, corpus.shards):
        ends = np.flatnonzero(shard == END_OF_SENTENCE)
        for start, end in itertools.pairwise([-1, *ends.tolist()]):
            yield shard[start + 1 : min(end, start + 1 + max_tokens)]
            max_tokens -= end - start - 1
            if max_tokens <= 0:
                return
