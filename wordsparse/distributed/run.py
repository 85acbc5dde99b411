"""A run over several ranks. The text and the output are on a file system that all ranks see.

Rank 0 prepares the run as one process does: it holds the lock, encodes the text, and goes on from a checkpoint or a
model. The others begin with a copy of its state, and all take the same steps. Rank 0 alone writes checkpoints and the
model, so a run goes on with another number of ranks, or with one process.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np

from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.corpus.reading import Source as Text
from wordsparse.corpus.sources import Corpus
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
from wordsparse.training.options import TrainOptions
from wordsparse.training.output_run import OutputRun, begin
from wordsparse.training.progress import reports
from wordsparse.training.request import Request, request
from wordsparse.training.runs import train as train_alone
from wordsparse.words.model import Model
from wordsparse.words.model_directory import load
from wordsparse.words.source import Source
from wordsparse.words.text_source import TextSource


@taking(TrainOptions, as_said=True)
def train(corpus: Text | EncodedCorpus | Source, said: Mapping[str, Any]) -> Model:
    """As :func:`wordsparse.train`, by all ranks that mpiexec has started; each of them calls it, with an output.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists, of texts or of rows
        The same on all ranks.
    {options}
    """
    ranks = world()
    if ranks.size == 1:
        return train_alone(corpus, **said)
    with ending_all(ranks):
        return _train(ranks, together(ranks, lambda: _request(corpus, said, ranks)))


def _request(corpus: Text | EncodedCorpus | Source, said: Mapping[str, Any], ranks: Ranks) -> Request:
    """The checked request. Of the GPUs of a host, rank after rank takes the next one."""
    asked = request(corpus, said)
    options = asked.options
    if asked.run.output is None:
        raise InputError(f"{ranks.size} processes were started: they train one model, for an output: name it")
    if options.device == "cuda":
        devices.take(ranks.local_rank)
    options = replace(options, device="cpu" if options.device == "auto" else options.device)
    return replace(asked, options=options, device=devices.choose(options.device))


def _train(ranks: Ranks, asked: Request) -> Model:
    check_same(ranks, together(ranks, lambda: _facts(asked)))
    run, threads = asked.run, asked.options.threads or max(1, resolve_threads(None) // ranks.beside)
    here = replace(asked, options=replace(asked.options, threads=threads))
    with ExitStack() as stack:
        encoding, training = stack.enter_context(reports(*((run.progress, run.log) if ranks.rank == 0 else (False,))))
        job = together(ranks, lambda: stack.enter_context(begin(here, encoding)) if ranks.rank == 0 else None)
        told = gather_json(ranks, _start(job))[0]
        if told is None:  # there is nothing left to train
            return together(ranks, lambda: load(str(run.output)) if job is None else job.finish(training, 0))
        own = together(ranks, lambda: _follower(here, told) if job is None or job.run is None else job.run)
        _copy_state(own, ranks)
        stop = stack.enter_context(stop_requests()) if job is None else job.stop
        own.join(RanksShare(ranks, stop))
        if job is not None:
            model = job.finish(training, run.checkpoint_every)
        else:
            stop.awaited = True
            for _ in own.steps():
                pass
    ranks.wait()
    return together(ranks, lambda: model if ranks.rank == 0 else load(told["output"]))


def _facts(asked: Request) -> dict[str, Any]:
    """What must be the same on all ranks for the same numbers."""
    run, here = asked.run, {name: metadata.version(name) for name in ("wordsparse", "numpy")} | diagnosis.rounding()
    output = {"device": asked.device.reason, "output": str(run.output), "resume": run.resume}
    return {**asked.options.as_dict(), **asked.call(), **here, **output}


def _start(job: OutputRun | None) -> dict[str, Any] | None:
    """Where the others find the run of rank 0; None if it has none."""
    if job is None or job.run is None:
        return None
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


def _follower(asked: Request, told: dict[str, Any]) -> Run:
    """The run of rank 0 on another one, but for its arrays."""
    if told["corpus"] is not None:
        asked = replace(asked, corpus=Corpus.of(told["corpus"]), reading={})
    with asked.source() as source:  # nothing is encoded, so that nothing goes at the end of the block
        return _run_like(asked, source, told)


def _run_like(asked: Request, source: Source, told: dict[str, Any]) -> Run:
    if source.identity() != told["text"]:
        raise InputError("the text is another one than that of rank 0; start all ranks alike")
    vocabulary = source.vocabulary
    if vocabulary.words != told["words"] or vocabulary.counts.tolist() != told["counts"]:
        vocabulary = Vocabulary(told["words"], told["counts"])
    run = Run(source, replace(asked.options, epochs=told["epochs"]), vocabulary, device=asked.device)
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
