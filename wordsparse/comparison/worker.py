"""One training run in a process of its own, so that its peak memory and its thread pools are its own.

The worker reads a task as one line of JSON from standard input, writes the run's report as JSON to standard output and
the vectors to the file that the task names. It ends when its standard input does, which also happens when its parent is
killed.
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

from wordsparse.comparison.request import METHODS
from wordsparse.comparison.texts import PlainText
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import WordsparseError
from wordsparse.machine.description import peak_memory_bytes
from wordsparse.training.progress import rate


def in_process(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The report of a task that a worker has carried out; WordsparseError with its last word if it failed."""
    # The parent's import path: that of a new Python begins with the working directory, which may hold other modules.
    command = [sys.executable, "-P", "-m", "wordsparse.comparison"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    with open(folder / "report", "w+") as report, open(folder / "errors", "w+") as errors:
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=report, stderr=errors, text=True
        ) as worker:
            assert worker.stdin is not None
            try:
                worker.stdin.write(json.dumps(task, default=str) + "\n")
                worker.stdin.flush()
                status = worker.wait()
            except BaseException:
                worker.kill()
                raise
        for file in (report, errors):
            file.seek(0)
        if status < 0:
            raise WordsparseError(
                f"killed by signal {-status}: is there too little memory? Take a smaller dim, or less text"
            )
        if status:
            last = (errors.read().strip().splitlines() or ["it said nothing"])[-1]
            raise WordsparseError(f"exit status {status}: {last}")
        content: dict[str, Any] = json.load(report)
        return content


def main() -> int:
    """Run the task on standard input; returns the exit status."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        report, vectors = train(**task)
    except WordsparseError as error:
        print(error, file=sys.stderr)
        return 1
    with open(task["vectors"], "wb") as file:
        np.save(file, vectors)
    print(json.dumps(report, allow_nan=False))
    return 0


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def train(
    method: str, options: dict[str, Any], encoded: str, plain: str, lines: int, words: int, tokens: int, **_: Any
) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """The report and the vectors of a run; ``encoded`` and ``plain`` are the same text, ``tokens`` of it a pass."""
    corpus = EncodedCorpus.open(encoded)
    if METHODS[method].ours:
        return _train_ours(corpus, options)
    from wordsparse.comparison.peers import train_gensim

    text, is_tree = PlainText(Path(plain), lines, words), METHODS[method].hierarchical
    return train_gensim(corpus.vocabulary, text, tokens, options, hierarchical=is_tree)


def _train_ours(corpus: EncodedCorpus, options: dict[str, Any]) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Train wordsparse. The times include the final transformation of the vectors, which gensim does not need."""
    from wordsparse.training.runs import train as train_ours

    model = train_ours(corpus, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    vectors = model.vectors
    report = dict(model.report)
    report["wall_seconds"] += time.perf_counter() - wall
    report["cpu_seconds"] += time.process_time() - cpu
    report["tokens_per_second"] = rate(report["tokens"], report["wall_seconds"])
    return {**report, "peak_memory_bytes": peak_memory_bytes()}, vectors
