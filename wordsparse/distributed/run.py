"""A run over several ranks. The text and the output are on a file system that all ranks see.

Rank 0 prepares the run as one process does: it holds the lock, encodes the text, and goes on from a checkpoint or a
model. The others begin with a copy of its state, and all take the same steps. Rank 0 alone writes checkpoints and the
model, so a run goes on with another number of ranks, or with one process.
"""

from contextlib import ExitStack
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.corpus.reading import Source as Text
from wordsparse.distributed.agreement import check_same, ending_all, gather_json, together
from wordsparse.distributed.ranks import Ranks, world
from wordsparse.distributed.share import RanksShare
from wordsparse.errors import InputError
from wordsparse.kernels import diagnosis
from wordsparse.machine import devices
from wordsparse.machine.threads import resolve_threads
from wordsparse.options import taking
from wordsparse.training.interruption import stop_requests
from wordsparse.training.loop import Run
from wordsparse.training.options import RunOptions, TrainOptions
from wordsparse.training.output_run import OutputRun, begin
from wordsparse.training.progress import reports
from wordsparse.training.runs import as_before, kind_of, requested
from wordsparse.training.runs import train as train_alone
from wordsparse.training.texts import TrainingText
from wordsparse.words.model import Model
from wordsparse.words.model_directory import load
from wordsparse.words.options import Options
from wordsparse.words.source import Source
from wordsparse.words.text_source import TextSource


@taking(TrainOptions, kind_of, as_before)
def train(corpus: Text | EncodedCorpus | Source, asked: TrainOptions) -> Model:
    """As :func:`wordsparse.train`, by all ranks that mpiexec has started; each of them calls it, with an output.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists, of texts or of rows
        The same on all ranks.
    {options}
    """
    ranks = world()
    if ranks.size == 1:
        return train_alone(corpus, **vars(asked))
    with ending_all(ranks):
        options, text, run = together(ranks, lambda: _request(corpus, asked, ranks))
        return _train(ranks, options, text, run)


def _request(
    corpus: Text | EncodedCorpus | Source, asked: TrainOptions, ranks: Ranks
) -> tuple[Options, TrainingText, RunOptions]:
    """The checked parts of a request. Of the GPUs of a host, rank after rank takes the next one."""
    options, text, run = requested(corpus, asked)
    if run.output is None:
        raise InputError(f"{ranks.size} processes were started: they train one model, for an output: name it")
    if options.device == "cuda":
        devices.take(ranks.local_rank)
    options = replace(options, device="cpu" if options.device == "auto" else options.device)
    return options, text, run


def _train(ranks: Ranks, options: Options, text: TrainingText, run: RunOptions) -> Model:
    check_same(ranks, together(ranks, lambda: _facts(options, text, run)))
    here = replace(options, threads=options.threads or max(1, resolve_threads(None) // ranks.beside))
    with ExitStack() as stack:
        encoding, training = stack.enter_context(reports(*((run.progress, run.log) if ranks.rank == 0 else (False,))))

        def start() -> OutputRun | Model:
            return stack.enter_context(begin(text, here, run, encoding))

        job = together(ranks, start if ranks.rank == 0 else lambda: None)
        told = gather_json(ranks, _start(job) if isinstance(job, OutputRun) else None)[0]
        if told is None:  # there is nothing left to train
            return together(ranks, lambda: job if isinstance(job, Model) else load(str(run.output)))
        own = together(ranks, lambda: job.run if isinstance(job, OutputRun) else _follower(text, here, told))
        _copy_state(own, ranks)
        stop = job.stop if isinstance(job, OutputRun) else stack.enter_context(stop_requests())
        own.join(RanksShare(ranks, stop))
        if isinstance(job, OutputRun):
            model = job.finish(training, run.checkpoint_every)
        else:
            stop.awaited = True
            for _ in own.steps():
                pass
    ranks.wait()
    return together(ranks, lambda: model if ranks.rank == 0 else load(told["output"]))


def _facts(options: Options, text: TrainingText, run: RunOptions) -> dict[str, Any]:
    """What must be the same on all ranks for the same numbers."""
    here = {name: metadata.version(name) for name in ("wordsparse", "numpy")} | diagnosis.rounding()
    here["device"] = devices.choose(options.device).reason
    return {**options.as_dict(), **text.as_dict(), **here, "output": str(run.output), "resume": run.resume}


def _start(job: OutputRun) -> dict[str, Any]:
    """Where the others find the run of rank 0."""
    run, source = job.run, job.run.minibatches.source
    return {
        "corpus": str(source.corpus.path) if isinstance(source, TextSource) else None,
        "output": str(job.directory.output),
        "words": run.vocabulary.words,
        "counts": run.vocabulary.counts.tolist(),
        "text": run.text,
        "epochs": run.options.epochs,
        "state": run.state.as_dict(),
    }


def _follower(text: TrainingText, options: Options, told: dict[str, Any]) -> Run:
    """The run of rank 0 on another one, but for its arrays."""
    source = text.opened() or TextSource(EncodedCorpus.open(Path(told["corpus"])))
    if source.identity() != told["text"]:
        raise InputError("the text is another one than that of rank 0; start all ranks alike")
    vocabulary = source.vocabulary
    if vocabulary.words != told["words"] or vocabulary.counts.tolist() != told["counts"]:
        vocabulary = Vocabulary(told["words"], told["counts"])
    run = Run(source, replace(options, epochs=told["epochs"]), vocabulary)
    run.restore(run.embedding.state(), told["state"])
    return run


def _copy_state(run: Run, ranks: Ranks) -> None:
    """Let all go on from the state of rank 0."""
    state = run.embedding.state()
    for name, part in state.items():
        copied = np.ascontiguousarray(part)
        ranks.copy(copied)
        state[name] = copied if isinstance(part, np.ndarray) else copied.item()
    run.restore(state, run.state.as_dict())
