"""Comparison of wordsparse with gensim's word2vec, on the same text and with the same evaluation.

Data flows one way: request → texts → runs (each in its own process: worker) → judgement → page.
"""

import json
import logging
import os
from collections.abc import Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wordsparse.comparison.judgement import differences, headlines, warnings
from wordsparse.comparison.page import page
from wordsparse.comparison.request import METHODS, SHARED, Request
from wordsparse.comparison.result import Comparison
from wordsparse.comparison.runs import JudgedRun, trained
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.encoding import encoded
from wordsparse.display import Display
from wordsparse.errors import InputError, WordsparseError
from wordsparse.evaluation.testsets import READERS, TestSets, load_test_sets
from wordsparse.files import storage
from wordsparse.kernels.diagnosis import provenance
from wordsparse.machine.threads import resolve_threads

logger = logging.getLogger(__name__)

__all__ = ["METHODS", "Request", "compare"]


def compare(
    corpus: str | PathLike[str] | Sequence[str | PathLike[str]],
    output: str | PathLike[str] | None = None,
    *,
    methods: Sequence[str] = tuple(METHODS),
    epochs: Sequence[int] = (5,),
    keep_vectors: bool = False,
    progress: bool = True,
    command: str = "",
    **options: Any,
) -> Comparison:
    """Train wordsparse and gensim's word2vec on the same text, and evaluate both.

    Every run has its own process. The logger ``wordsparse`` reports the start and the end of each run.

    Parameters
    ----------
    corpus : path or sequence of paths
        Text files or directories, or one directory written by :func:`wordsparse.encode`.
    output : path, optional
        The new directory for ``report.json`` and ``report.html``; by default, nothing is written.
    methods, epochs : sequence
        The names of methods, by default all, and numbers of epochs. A repeated number gives another run with the next
        seed.
    keep_vectors : bool
        Whether to write the vectors of every run into the directory, too, which needs ``output``.
    progress : bool
        Whether to show on standard error how many runs are done.
    command : str
        The command line that the report shows.
    **options
        The test sets of :func:`wordsparse.evaluate`; dim, window, sample, threads, seed and max_tokens as for
        :func:`wordsparse.train`, where dim and window may be lists, whose combinations are compared; and the options
        of :func:`wordsparse.encode`.

    Returns
    -------
    Comparison
        A dict that is shown as a table of all scores; ``rows()`` is a tidy table. It has the content of report.json:
        ``runs`` has the fields of ``train --json`` and ``evaluate --json`` for every run, and ``nearest``, the
        neighbours of ten words; ``cpu_seconds`` and ``wall_seconds`` cover training only. A failed run has ``error`` in
        place of these fields.
        If gensim is not installed, the warnings name the methods that did not run.

    Raises
    ------
    InputError
        If the text, an option or a test set cannot be used. After an InputError, nothing has been trained or written.
    MissingDependencyError
        If only gensim's methods are named and gensim is not installed.
    WordsparseError
        If the report cannot be written.
    """
    paths = [corpus] if isinstance(corpus, (str, PathLike)) else corpus
    sets = {kind: options.pop(kind, ()) for kind in READERS}
    request = Request([Path(path) for path in paths], methods, epochs, **options)
    for sentence in request.left_out:
        logger.warning("%s", sentence)
    test_sets = load_test_sets(**sets)
    if keep_vectors and output is None:
        raise InputError("keep_vectors writes the vectors into the directory of the report: name it with output")
    with ExitStack() as stack:
        display = stack.enter_context(Display(progress))
        if output is None:
            place = Path(stack.enter_context(TemporaryDirectory(prefix="wordsparse-")), "report")
        else:
            place = Path(output)
        return _compared(request, test_sets, {"keep_vectors": keep_vectors, **sets}, command, place, display)


def _compared(
    request: Request, test_sets: TestSets, said: dict[str, Any], command: str, output: Path, display: Display
) -> Comparison:
    """Train and evaluate all runs, and write the report."""
    target = Path(os.path.realpath(output))
    with (
        storage.new_directory(output) as folder,
        # If this process is killed, the next comparison with the same output removes this directory.
        storage.staging(target.with_name(f"{target.name}.texts"), mode=0o700) as scratch,
        encoded(request.corpus, request.text, place=scratch / "text", threads=request.training.threads) as text,
    ):
        vectors = folder / "vectors" if said["keep_vectors"] else None
        if vectors is not None:
            vectors.mkdir()
        runs, number = list[JudgedRun](), len(request.turns())
        display.update("compare", "runs", 0, number)
        for run in trained(request, text, test_sets, scratch, vectors):
            runs.append(run)
            display.update("compare", "runs", len(runs), number)
        content = Comparison(_facts(request, said, command, text) | _judged(test_sets, runs, request.left_out))
        storage.write_file(folder / "report.json", (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
        storage.write_file(folder / "report.html", page(content).encode("utf-8", "backslashreplace"))
    return content


def _facts(request: Request, said: dict[str, Any], command: str, corpus: EncodedCorpus) -> dict[str, Any]:
    options = {name: getattr(request, name) for name in ("corpus", "methods", "epochs")} | said | request.text
    options |= request.sizes | {name: getattr(request.training, name) for name in SHARED}
    return {
        "format": "wordsparse comparison",
        "version": 4,
        "command": command,
        "machine": provenance(resolve_threads(request.training.threads)),
        "options": json.loads(json.dumps(options, default=str)),
        "methods": {name: METHODS[name] for name in request.trainable},
        "text": {
            "tokens": request.tokens(corpus),
            "sentences": corpus.sentences,
            "vocab_size": len(corpus.vocabulary),
            "min_count": corpus.min_count,
        },
    }


def _judged(test_sets: TestSets, runs: list[JudgedRun], left_out: list[str]) -> dict[str, Any]:
    if all(run.answers is None for run in runs):
        raise WordsparseError(f"every run failed; the first run: {runs[0].report['error']}")
    reports, rows = [run.report for run in runs], differences(test_sets, runs)
    found = {"runs": reports, "differences": rows, "warnings": [*left_out, *warnings(rows, reports)]}
    return {**found, "headlines": headlines(rows, reports, METHODS)}
