"""Small texts and runs that tests share."""

import bz2
import gzip
import lzma
import resource
import sys
from contextlib import contextmanager

import numpy as np

from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY
from wordsparse.corpus.reading import RawText, joined

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}
SHORT = {"dim": 6, "epochs": 2, "threads": 1, "sample": 0, "min_count": 1, "batch_tokens": 100}


def write_text(path, seed=0, words=12, sentences=300, prefix="w"):
    """Write sentences of six words."""
    random = np.random.default_rng(seed)
    lines = (" ".join(f"{prefix}{i}" for i in random.integers(0, words, 6)) for _ in range(sentences))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def sentences(*source, **how):
    """Yield the sentences of a text as RawText reads them."""
    return joined(RawText(*source, **how).pieces())


def left_in(folder):
    """List the names of all files in the folder, including hidden files."""
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def disk_of(size):
    """Refuse files of more than ``size`` bytes while the block runs, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def same_vectors(first, second):
    """Return whether two models are bitwise equal: words, vectors, and the state for further training."""
    states = [model.state() for model in (first, second)]
    return first.vocabulary.words == second.vocabulary.words and all(
        np.asarray(states[0][name]).tobytes() == np.asarray(states[1][name]).tobytes() for name in states[0]
    )


def decoded(corpus):
    """Decode the sentences. A token that is not in the vocabulary becomes None."""
    lines = [[]]
    for value in np.concatenate(corpus.shards):
        if value == END_OF_SENTENCE:
            lines.append([])
        else:
            lines[-1].append(None if value == OUT_OF_VOCABULARY else corpus.vocabulary.words[value])
    assert lines.pop() == []
    return lines
