"""A training run in its own process, so that its peak memory and its thread pools are separate.

The worker gets its task as an argument in JSON, and writes the report of the run, a line of JSON, and the numbers of
the vectors to standard output. The worker ends when its standard input ends, for example when its parent is killed.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import processes
from wordsparse.comparison.request import is_ours
from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.errors import WordsparseError
from wordsparse.machine.description import peak_memory_bytes
from wordsparse.training.progress import rate

Result = tuple[dict[str, Any], NDArray[np.float32]]


def in_process(folder: Path, **task: Any) -> Result:
    """Call :func:`train` in a worker. If the worker fails, raise WordsparseError with the last line of its standard
    error."""
    given, pipe = json.dumps(task, default=str), subprocess.PIPE
    with (
        open(folder / "errors", "w+") as errors,
        processes.start(__name__, "main", given, stdin=pipe, stdout=pipe, stderr=errors) as worker,
    ):
        assert worker.stdout is not None
        result, status = worker.stdout.read(), worker.wait()
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["it printed no message"])[-1]
    if status < 0:
        raise WordsparseError(
            f"killed by signal {-status}, perhaps for lack of memory: use a smaller dim, or less text"
        )
    if status:
        raise WordsparseError(f"exit status {status}: {last}")
    report, _, numbers = result.partition(b"\n")
    return json.loads(report), np.frombuffer(numbers, np.float32).reshape(-1, task["options"]["dim"])


def main() -> int:
    """Run the task, and return the exit status."""
    task = json.loads(sys.argv[1])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        report, vectors = train(**task)
    except WordsparseError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(json.dumps(report, allow_nan=False).encode() + b"\n")
    sys.stdout.buffer.write(np.ascontiguousarray(vectors, np.float32).data)
    return 0


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def train(method: str, options: dict[str, Any], encoded: str, **plain: Any) -> Result:
    """Return the report and the vectors of a run. ``encoded`` and ``plain`` hold the same text."""
    corpus = EncodedCorpus.open(encoded)
    if is_ours(method):
        return _train_ours(corpus, options)
    return _train_gensim(corpus.vocabulary, options, hierarchical=method.endswith("-hs"), **plain)


def _train_ours(corpus: EncodedCorpus, options: dict[str, Any]) -> Result:
    """Train with wordsparse. Times include the final transformation of the vectors, which gensim does not need."""
    from wordsparse.training.runs import train as train_ours

    model = train_ours(corpus, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    vectors = model.vectors
    report = dict(model.report)
    report["wall_seconds"] += time.perf_counter() - wall
    report["cpu_seconds"] += time.process_time() - cpu
    report["tokens_per_second"] = rate(report["tokens"], report["wall_seconds"])
    return {**report, "peak_memory_bytes": peak_memory_bytes()}, vectors


def _train_gensim(
    vocabulary: Vocabulary,
    options: dict[str, Any],
    *,
    hierarchical: bool,
    plain: str,
    lines: int,
    words: int,
    tokens: int,
) -> Result:
    """Train gensim's word2vec with its fastest input, its compiled reader of text files. Options that are not in
    ``options`` have gensim's defaults.

    gensim receives the words and counts of ``vocabulary``, so both programs subsample and train on the same words.
    ``tokens`` is the number of tokens per epoch, including out-of-vocabulary words. The file ``plain`` omits
    out-of-vocabulary words; it has ``lines`` lines and ``words`` words. Return the fields of ``train --json`` and the
    vectors (V, dim) float32 in the order of the vocabulary. ``loss`` is None, because gensim's loss is not a mean per
    pair and has no fixed scale.
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
    model.build_vocab_from_freq(counts, corpus_count=lines)
    wall, cpu = time.perf_counter(), time.process_time()
    model.train(corpus_file=plain, total_examples=lines, total_words=words, epochs=options["epochs"])
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
