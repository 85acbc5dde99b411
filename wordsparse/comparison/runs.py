"""The runs of a comparison: sequential, with alternating methods, all evaluated on the same test sets."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.comparison.examples import neighbours
from wordsparse.comparison.request import METHODS, Request
from wordsparse.comparison.texts import EncodedText, PlainText, write_plain
from wordsparse.comparison.worker import Task, command
from wordsparse.errors import WordsparseError
from wordsparse.evaluation.scores import Answers, answer, score
from wordsparse.evaluation.testsets import TestSets
from wordsparse.vectors.word_vectors import WordVectors, save_vectors


@dataclass(frozen=True)
class JudgedRun:
    """A run's part of the report, and the answers of its vectors to the test sets; None for a failed run."""

    report: dict[str, Any]
    answers: Answers | None


@dataclass(frozen=True)
class ComparisonProgress:
    """``done`` of ``total`` runs; ``starting`` describes the next run, ``finished`` is the one that just ended."""

    done: int
    total: int
    starting: str | None = None
    finished: JudgedRun | None = None


def judged_files(
    files: Mapping[Path, WordVectors], test_sets: TestSets, words: Sequence[str], request: Request
) -> list[JudgedRun]:
    """The vectors that were handed over as files, judged."""
    runs = []
    for path, vectors in files.items():
        identity = {"name": path.stem, "program": "file", "model": None, "epochs": None, "seed": None, "repeat": 0}
        facts = {"vocab_size": len(vectors), "dim": vectors.dim}
        runs.append(_judged({**identity, "tokens_per_epoch": None, **facts}, vectors, test_sets, words, request))
    return runs


def trained(
    request: Request,
    text: EncodedText,
    test_sets: TestSets,
    words: Sequence[str],
    scratch: Path,
    kept: Path | None,
    progress: Callable[[ComparisonProgress], None],
) -> Iterator[JudgedRun]:
    """Train and evaluate every method, in turn, for each number of epochs, ``repeat`` times.

    A failed run is reported, and the next run starts. If ``kept`` is a directory, the vectors are written into it.
    """
    needs_plain = any(not METHODS[name].ours for name in request.methods)
    plain = write_plain(text.corpus, text.tokens, scratch / "plain.txt") if needs_plain else None
    turns = [
        (repeat, epochs, name)
        for repeat in range(request.repeat)
        for epochs in sorted(set(request.epochs))
        for name in METHODS
        if name in request.methods
    ]
    for done, (repeat, epochs, name) in enumerate(turns):
        progress(ComparisonProgress(done, len(turns), starting=f"{name}, {text.tokens:,} tokens, epochs: {epochs}"))
        options = request.options(epochs, repeat, METHODS[name].model)
        identity = {
            "name": name,
            "program": METHODS[name].program,
            "model": METHODS[name].model,
            "epochs": epochs,
            "seed": options["seed"],
            "repeat": repeat,
            "tokens_per_epoch": text.tokens,
        }
        try:
            report, vectors = _in_process(name, options, text, plain, scratch)
        except WordsparseError as error:
            run = JudgedRun({**identity, "error": str(error)}, None)
        else:
            run = _judged({**identity, **report}, vectors, test_sets, words, request)
            if kept is not None:
                save_vectors(vectors, kept / f"{_file_name(request, identity)}.npz", "npz")
        progress(ComparisonProgress(done + 1, len(turns), finished=run))
        yield run


def _in_process(
    name: str, options: dict[str, Any], text: EncodedText, plain: PlainText | None, scratch: Path
) -> tuple[dict[str, Any], WordVectors]:
    """Train in a separate process; returns the report of ``train --json`` and the vectors. Of a run that fails, the
    last line of its standard error is the WordsparseError."""
    target = scratch / "vectors.npy"
    target.unlink(missing_ok=True)
    plain = plain or PlainText(Path(), 0, 0)
    encoded = str(text.corpus.path.absolute())
    task = Task(name, options, encoded, str(plain.path), plain.lines, plain.words, text.tokens, str(target))
    done = _worker(task)
    if done.returncode < 0:
        raise WordsparseError(
            f"killed by signal {-done.returncode}: is there too little memory? Take a smaller dim, or less text"
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise WordsparseError(f"exit status {done.returncode}: {said[-1]}")
    vocabulary = text.corpus.vocabulary
    vectors = WordVectors(vocabulary.words, np.load(target, allow_pickle=False), vocabulary.counts)
    report = json.loads(done.stdout)
    if METHODS[name].ours:
        seconds = None if text.seconds is None else text.seconds + report["setup_seconds"] + report["wall_seconds"]
        report["text_to_vectors_seconds"] = seconds
    return report, vectors


def _worker(task: Task) -> "subprocess.CompletedProcess[str]":
    lifeline, held = os.pipe()
    try:
        return subprocess.run(
            command(lifeline),
            input=task.to_json(),
            capture_output=True,
            encoding="utf-8",
            check=False,
            pass_fds=(lifeline,),
        )
    finally:
        os.close(lifeline)
        os.close(held)


def _file_name(request: Request, identity: dict[str, Any]) -> str:
    """A file name that identifies the run within the request."""
    parts = [
        identity["name"],
        f"{identity['epochs']}-epochs" if len(set(request.epochs)) > 1 else None,
        f"seed-{identity['seed']}" if request.repeat > 1 else None,
    ]
    return "-".join(part for part in parts if part)


def _judged(
    facts: dict[str, Any], vectors: WordVectors, test_sets: TestSets, words: Sequence[str], request: Request
) -> JudgedRun:
    answers = answer(vectors, test_sets, request.restrict_vocab)
    return JudgedRun({**facts, **score(test_sets, answers), "neighbours": neighbours(vectors, words)}, answers)
