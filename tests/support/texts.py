"""Small texts and runs that tests share."""

import bz2
import gzip
import lzma
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import wordsparse as ws
from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus
from wordsparse.corpus.reading import RawText, joined

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}
SHORT: dict[str, Any] = {"dim": 6, "epochs": 2, "threads": 1, "sample": 0, "min_count": 1, "batch_tokens": 100}


def write_text(path: Path, seed: int = 0, words: int = 12, sentences: int = 300, prefix: str = "w") -> Path:
    """Write sentences of six words."""
    random = np.random.default_rng(seed)
    lines = (" ".join(f"{prefix}{i}" for i in random.integers(0, words, 6)) for _ in range(sentences))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def sentences(*source: Any, **how: Any) -> Iterator[list[str]]:
    """Yield the sentences of a text as RawText reads them."""
    return joined(RawText(*source, **how).pieces())


def left_in(folder: Path) -> list[str]:
    """List the names of all files in the folder, including hidden files."""
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Refuse files of more than ``size`` bytes while the block runs, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def same_vectors(first: ws.Model, second: ws.Model) -> bool:
    """Return whether two models are bitwise equal: words, vectors, and the state for further training."""
    states = [model.state() for model in (first, second)]
    return first.vocabulary.words == second.vocabulary.words and all(
        np.asarray(states[0][name]).tobytes() == np.asarray(states[1][name]).tobytes() for name in states[0]
    )


def decoded(corpus: EncodedCorpus) -> list[list[str | None]]:
    """Decode the sentences. A token that is not in the vocabulary becomes None."""
    lines: list[list[str | None]] = [[]]
    for value in np.concatenate(corpus.shards):
        if value == END_OF_SENTENCE:
            lines.append([])
        else:
            lines[-1].append(None if value == OUT_OF_VOCABULARY else corpus.vocabulary.words[value])
    assert lines.pop() == []
    return lines
