"""One training run in a separate process, so that its peak memory and its thread pools are its own.

The worker reads a task as JSON from standard input, writes the run's report as JSON to standard output, and writes the
vectors to the file that the task names.
"""

import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.comparison.request import METHODS
from wordsparse.comparison.texts import PlainText
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import WordsparseError
from wordsparse.files import npy
from wordsparse.machine.description import peak_memory_bytes
from wordsparse.training.progress import rate


@dataclass(frozen=True)
class Task:
    """A method and its text: ``encoded`` and ``plain`` are the same text, ``tokens`` of it a pass."""

    method: str
    options: dict[str, Any]
    encoded: str
    plain: str
    lines: int
    words: int
    tokens: int
    vectors: str

    def to_json(self) -> str:
        """The form that :func:`main` reads."""
        return json.dumps(asdict(self))


# The worker uses its parent's import path: Python's default path begins with the working directory, which may contain
# another copy of wordsparse.
PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from wordsparse.comparison.worker import serve; sys.exit(serve())"


def command(lifeline: int) -> list[str]:
    """The command line of a worker; ``lifeline`` is the read end of a pipe whose write end its parent keeps open."""
    return [sys.executable, "-c", PROGRAM, str(lifeline), *sys.path]


def serve() -> int:
    """Run the task on standard input, ending with the parent process; returns the exit status."""
    threading.Thread(target=_end_with_parent, args=(int(sys.argv[1]),), daemon=True).start()
    return main()


def main() -> int:
    """Run the task on standard input; returns the exit status."""
    task = Task(**json.load(sys.stdin))
    try:
        report, vectors = train(task)
    except WordsparseError as error:
        print(error, file=sys.stderr)
        return 1
    with open(task.vectors, "xb") as file:
        npy.write_array(file, vectors)
    print(json.dumps(report, allow_nan=False))
    return 0


def _end_with_parent(lifeline: int) -> None:
    """Exit when the parent's end of the pipe is closed, which also happens when the parent dies."""
    os.read(lifeline, 1)
    os._exit(1)


def train(task: Task) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Carry out the task; returns the run's report and vectors."""
    started = time.perf_counter()
    method, corpus = METHODS[task.method], EncodedCorpus.open(task.encoded)
    if method.ours:
        opening = time.perf_counter() - started
        report, vectors = _train_ours(corpus, task.options)
        return {**report, "setup_seconds": opening}, vectors
    from wordsparse.comparison.peers import train_gensim

    text = PlainText(Path(task.plain), task.lines, task.words)
    return train_gensim(corpus.vocabulary, text, task.tokens, task.options, hierarchical=method.hierarchical)


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
