"""Trains gensim's word2vec on an encoded corpus, through gensim's fastest input: its compiled reader of text files."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.comparison.texts import PlainText
from wordsparse.corpus import Vocabulary
from wordsparse.machine.description import peak_memory_bytes
from wordsparse.training.progress import rate


def train_gensim(
    vocabulary: Vocabulary, text: PlainText, tokens: int, options: dict[str, Any], *, hierarchical: bool
) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Train gensim's word2vec; options that are not named in ``options`` have gensim's defaults.

    gensim receives the words and counts of ``vocabulary``, so both sides train on and subsample the same words.
    ``tokens`` counts an epoch's tokens, with words outside the vocabulary, which ``text`` omits; ``options`` are model,
    dim, window, sample, epochs, threads and seed. Returns the fields of ``train --json``, with ``loss`` None (gensim's
    loss is not a mean per pair and has no fixed scale), and the vectors (V, dim) float32 in the vocabulary's order.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=options["dim"],
        window=options["window"],
        sample=options["sample"],
        seed=options["seed"],
        workers=options["threads"],
        sg=int(options["model"] == "skipgram"),
        hs=int(hierarchical),
        negative=0 if hierarchical else 5,
        min_count=1,
    )
    counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    model.build_vocab_from_freq(counts, corpus_count=text.lines)
    wall, cpu = time.perf_counter(), time.process_time()
    model.train(corpus_file=str(text.path), total_examples=text.lines, total_words=text.words, epochs=options["epochs"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    report = {
        "tokens": tokens * options["epochs"],
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "tokens_per_second": rate(tokens * options["epochs"], wall),
        "vocab_size": len(vocabulary),
        "dim": options["dim"],
        "threads": options["threads"],
        "device": "cpu",
        "loss": None,
        "peak_memory_bytes": peak_memory_bytes(),
        "checkpoints": 0,
    }
    return report, model.wv.vectors[[model.wv.key_to_index[word] for word in vocabulary.words]]
