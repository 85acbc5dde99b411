"""The runs of a comparison, one after another with alternating methods, all evaluated on the same test sets."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordsparse.comparison.request import Request, is_ours
from wordsparse.comparison.texts import write_plain
from wordsparse.comparison.worker import in_process
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import WordsparseError
from wordsparse.evaluation.scores import KINDS, Answers, answer, own, score
from wordsparse.evaluation.testsets import TestSets
from wordsparse.files.escaping import number_of
from wordsparse.tokens.tokenizers import FUNCTION, Splitter
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors

logger = logging.getLogger(__name__)

# The number of words whose neighbours are shown, and of their neighbours.
WORDS, NEAREST = 10, 6


@dataclass(frozen=True)
class JudgedRun:
    """A run: its entry in the report, and the answers to the test sets by its vectors (None if the run failed)."""

    report: dict[str, Any]
    answers: Answers | None


def trained(
    request: Request, corpus: EncodedCorpus, test_sets: TestSets, scratch: Path, vectors_folder: Path | None
) -> Iterator[JudgedRun]:
    """Train and evaluate every method, in turn, for each dimension, window and number of epochs.

    If a run fails, report it and start the next run. If there is a ``vectors_folder``, write the vectors there.
    """
    tokens = request.tokens(corpus)
    needs_plain = any(not is_ours(name) for name in request.trainable)
    plain = scratch / "plain.txt"
    lines, words = write_plain(corpus, tokens, plain) if needs_plain else (0, 0)
    texts = {"encoded": corpus.path.absolute(), "plain": plain, "lines": lines, "words": words, "tokens": tokens}
    turns = request.turns()
    for number, turn in enumerate(turns, 1):
        name, options = turn.name, request.options(turn)
        program, model = name.split("-")[:2]
        identity = {**turn._asdict(), "program": program, "model": model}
        identity |= {"seed": options["seed"], "tokens_per_epoch": tokens}
        settings = f"dim {turn.dim}, window {turn.window}, {number_of(turn.epochs, 'epoch')}, seed {options['seed']}"
        logger.info("compare: run %s of %s: %s, %s", number, len(turns), name, settings)
        try:
            report, rows = in_process(scratch, method=name, options=options, **texts)
        except WordsparseError as error:
            run = JudgedRun({**identity, "error": str(error)}, None)
        else:
            vectors = WordVectors(corpus.vocabulary.words, rows, corpus.vocabulary.counts)
            if (how := corpus.tokenization) and how["tokens"] != FUNCTION:
                vectors.split, vectors.tokens = Splitter(**how), how["tokens"]
            # Each program's neighbours are those that its own users see: gensim ranks by cosine.
            answers = answer(vectors, test_sets, evidence=is_ours(name))
            near = {"nearest": _nearest(vectors, is_ours(name))}
            run = JudgedRun({**identity, **report, **score(test_sets, answers), **near}, answers)
            if vectors_folder is not None:
                sizes = "".join(f"-{each}-{options[each]}" for each, values in request.sizes.items() if len(values) > 1)
                file = f"{name}-{turn.epochs}-epochs-seed-{options['seed']}{sizes}.npz"
                save_vectors(vectors, vectors_folder / file)
        logger.info("compare: %s", _summary(run.report))
        yield run


def _nearest(vectors: WordVectors, evidence: bool) -> dict[str, list[str]]:
    """Return the nearest neighbours of some words, which people judge by."""
    words = vectors.telling_words(WORDS) if len(vectors) > 1 else []
    found, _ = vectors.similar_to_each(words, NEAREST, evidence=evidence)
    return {word: [near for near in row if near] for word, row in zip(words, found.tolist(), strict=True)}


def _summary(run: dict[str, Any]) -> str:
    """Return a summary of a finished run in one line."""
    if "error" in run:
        return f"failed: {run['error']}"
    scores = {name: own(score)[kind.measure] for key, kind in KINDS.items() for name, score in run[key].items()}
    parts = [f"{name} {'-' if value is None else f'{value:.3f}'}" for name, value in scores.items()]
    cost = f"{run['cpu_seconds']:.1f} CPU s, {run['wall_seconds']:.1f} s, {run['peak_memory_bytes'] / 1e6:,.0f} MB"
    return "; ".join([cost, *parts])
