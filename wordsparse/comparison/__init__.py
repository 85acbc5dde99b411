"""Comparison of wordsparse with gensim's word2vec and with vectors from files: the same text and the same evaluation.

Data goes one way: request → texts and example words → runs (each a process of its own: worker, peers) → verdicts →
conclusions → report.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.comparison import conclusions, report
from wordsparse.comparison.examples import example_words
from wordsparse.comparison.request import METHODS, Method, Request
from wordsparse.comparison.runs import ComparisonProgress, JudgedRun, judged_files, trained
from wordsparse.comparison.texts import EncodedText, prepare
from wordsparse.comparison.verdicts import boards
from wordsparse.errors import WordsparseError
from wordsparse.evaluation.testsets import TestSets, load_test_sets
from wordsparse.files import storage
from wordsparse.kernels.diagnosis import provenance
from wordsparse.machine.threads import resolve_threads
from wordsparse.words.model_directory import read_vectors

logger = logging.getLogger(__name__)

__all__ = ["METHODS", "ComparisonProgress", "Method", "Request", "compare"]


def compare(
    corpus: str | PathLike[str] | Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    *,
    progress: Callable[[ComparisonProgress], None] = lambda _: None,
    **options: Any,
) -> dict[str, Any]:
    """Train wordsparse and gensim's word2vec on the same text, evaluate both, and write a report.

    Every run has its own process.

    Parameters
    ----------
    corpus : path or sequence of paths
        Text files or directories, or one directory written by :func:`wordsparse.encode`.
    output : path
        The new directory for ``report.json``, ``report.html`` and ``pictures/``.
    progress : callable, optional
        Called before and after every run.
    **options
        The other fields of :class:`wordsparse.comparison.request.Request`: methods, vectors, pairs, analogies,
        restrict_vocab, epochs (a sequence), repeat, keep_vectors, command; dim, window, sample, threads, seed
        and max_tokens of :func:`wordsparse.train`; and the options of :func:`wordsparse.encode` for the text.

    Returns
    -------
    dict
        The content of report.json. ``runs`` has the fields of ``train --json`` and ``evaluate --json`` for every run;
        ``cpu_seconds`` and ``wall_seconds`` cover training only. A failed run has ``error`` instead. Without gensim,
        the conclusions say what is missing.

    Raises
    ------
    InputError
        If the text, an option, a test set or a file of vectors is not usable; nothing has been trained or written.
    MissingDependencyError
        If matplotlib or Jinja2, which the report needs, is not installed; or gensim, if it alone is to be trained.
    WordsparseError
        If the report cannot be written.
    """
    paths = [corpus] if isinstance(corpus, (str, PathLike)) else corpus
    for name in ("vectors", "pairs", "analogies"):
        options[name] = [Path(path) for path in options.get(name, ())]
    request = Request.of([Path(path) for path in paths], Path(output), **options)
    missing = conclusions.missing([name for name in request.methods if name not in request.trainable])
    for sentence in missing:
        logger.warning("%s", sentence)
    return _carry_out(replace(request, methods=request.trainable), missing, progress)


def _carry_out(request: Request, missing: list[str], progress: Callable[[ComparisonProgress], None]) -> dict[str, Any]:
    report.require()
    test_sets = load_test_sets(request.pairs, request.analogies)
    output = Path(os.path.realpath(request.output))
    with (
        storage.new_directory(request.output) as folder,
        # The next comparison for this output removes it where its own process was killed.
        storage.staging(output.with_name(f"{output.name}.texts"), mode=0o700) as scratch,
    ):
        files = {path: read_vectors(path) for path in request.vectors}
        text = prepare(request, scratch) if request.methods else None
        vocabularies = [text.corpus.vocabulary.words] if text else []
        vocabularies += [of_file.words for of_file in files.values()]
        words = example_words(test_sets, vocabularies)
        runs = judged_files(files, test_sets, words, request)
        del files
        facts = _facts(request, text)
        kept = folder / "vectors" if request.keep_vectors else None
        if kept is not None:
            kept.mkdir()
        if text is not None:
            runs += trained(request, text, test_sets, words, scratch, kept, progress)
        content = {**facts, "runs": [run.report for run in runs], **_judgement(test_sets, runs, missing)}
        report.write(content, folder)
    return content


def _facts(request: Request, text: EncodedText | None) -> dict[str, Any]:
    names = [name for name in METHODS if name in request.methods] + [path.stem for path in request.vectors]
    options = {name: value for name, value in request.as_dict().items() if name not in ("output", "command")}
    return {
        "format": "wordsparse comparison",
        "version": 2,
        "command": request.command,
        "machine": provenance(resolve_threads(request.training.threads)),
        "options": json.loads(json.dumps(options, default=str)),
        "methods": {name: conclusions.label(name) for name in names},
        "text": text
        and {
            "tokens": text.tokens,
            "sentences": text.corpus.sentences,
            "vocab_size": len(text.corpus.vocabulary),
            "min_count": text.corpus.min_count,
            "encode_seconds": text.seconds,
        },
    }


def _judgement(test_sets: TestSets, runs: list[JudgedRun], missing: list[str]) -> dict[str, Any]:
    if runs and all(run.answers is None for run in runs):
        raise WordsparseError(f"every run failed; the first one: {runs[0].report['error']}")
    judged = list(boards(test_sets, runs))
    scores = [row for board in judged for row in board.scores()]
    differences = [row for board in judged for row in board.differences()]
    budgets = [row for board in judged for row in board.budgets()]
    return {
        "scores": scores,
        "differences": differences,
        "budgets": budgets,
        "conclusions": conclusions.conclude(differences, budgets, [run.report for run in runs], missing),
    }
