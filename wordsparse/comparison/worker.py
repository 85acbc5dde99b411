"""One training run in a process of its own.

Its peak memory is its own that way, and no thread pool of another run is left over. It reads a task as JSON from
standard input, writes the run's report as JSON to standard output and the vectors to the file that the task names.
Where it reads a number of threads instead, it writes the provenance of runs on so many threads and trains nothing.
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
from wordsparse.kernels.diagnosis import provenance
from wordsparse.machine.description import peak_memory_bytes


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


# Imports what the parent process has imported, wherever that was found; Python's own first entry is the directory in
# which the process runs, which may hold another wordsparse.
PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from wordsparse.comparison.worker import serve; sys.exit(serve())"


def command(lifeline: int) -> list[str]:
    """The command line of a worker; ``lifeline`` is the end to read of a pipe that its parent holds open."""
    return [sys.executable, "-c", PROGRAM, str(lifeline), *sys.path]


def serve() -> int:
    """Run the task on standard input as long as the parent lives; the exit status."""
    threading.Thread(target=_end_with_parent, args=(int(sys.argv[1]),), daemon=True).start()
    return main()


def main() -> int:
    """Run the task on standard input, or describe the machine; the exit status."""
    given = json.load(sys.stdin)
    if isinstance(given, int):
        print(json.dumps(provenance(given)))
        return 0
    task = Task(**given)
    try:
        report, vectors = train(task)
    except WordsparseError as error:
        print(error, file=sys.stderr)
        return 1
    with open(task.vectors, "xb") as file:
        np.save(file, vectors, allow_pickle=False)
    print(json.dumps(report, allow_nan=False))
    return 0


def _end_with_parent(lifeline: int) -> None:
    """End this process when the parent's end of the pipe is closed, as it is by the parent's death."""
    os.read(lifeline, 1)
    os._exit(1)


def train(task: Task) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Train as the task says; the run's report and vectors."""
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
    """wordsparse's side. Its times include making the vectors to use from the trained ones: the peer's need no such."""
    from wordsparse.training.runs import train as train_ours

    model = train_ours(corpus, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    vectors = model.vectors
    report = dict(model.report)
    report["wall_seconds"] += time.perf_counter() - wall
    report["cpu_seconds"] += time.process_time() - cpu
    report["tokens_per_second"] = report["tokens"] / report["wall_seconds"]
    return {**report, "peak_memory_bytes": peak_memory_bytes()}, vectors
