"""A run on several ranks. All ranks need access to the file system with the text and the output.

Rank 0 prepares the run as a single process would: it holds the lock, encodes the text, and resumes from a checkpoint or
continues a model. The other ranks start from a copy of rank 0's state, and all ranks take each step together. Only
rank 0 writes checkpoints and the model, for which the other ranks send their rows, so any number of ranks, or a single
process, can resume the run.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
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
def train(corpus: Text | EncodedCorpus | Source, keywords: Mapping[str, Any]) -> Model:
    """Train like :func:`wordsparse.train`, on all ranks that mpiexec started. Each rank must call this function, with
    an output.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists, of texts or of rows
        The training data, which must be the same on all ranks.
    {options}
    """
    ranks = world()
    if ranks.size == 1:
        return train_alone(corpus, **keywords)
    with ending_all(ranks):
        return _train(ranks, together(ranks, lambda: _request(corpus, keywords, ranks)))


def _request(corpus: Text | EncodedCorpus | Source, keywords: Mapping[str, Any], ranks: Ranks) -> Request:
    """Return the checked request. Successive ranks of a host take successive GPUs."""
    checked = request(corpus, keywords)
    options = checked.options
    if checked.run.output is None:
        raise InputError(f"{ranks.size} processes were started to train one model: give it an output (output=)")
    if options.device == "cuda":
        devices.take(ranks.local_rank)
    options = replace(options, device="cpu" if options.device == "auto" else options.device)
    return replace(checked, options=options, device=devices.choose(options.device))


def _train(ranks: Ranks, request: Request) -> Model:
    check_same(ranks, together(ranks, lambda: _facts(request)))
    run, threads = request.run, request.options.threads or max(1, resolve_threads(None) // ranks.local_size)
    here = replace(request, options=replace(request.options, threads=threads))
    with ExitStack() as stack:
        encoding, training = stack.enter_context(reports(*((run.progress, run.log) if ranks.rank == 0 else (False,))))
        job = together(ranks, lambda: stack.enter_context(begin(here, encoding)) if ranks.rank == 0 else None)
        start = gather_json(ranks, _start(job))[0]
        if start is None:  # no epochs are left to train
            return together(ranks, lambda: load(str(run.output)) if job is None else job.finish(training, 0))
        own = together(ranks, lambda: _follower(here, start) if job is None or job.run is None else job.run)
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
    return together(ranks, lambda: model if ranks.rank == 0 else load(start["output"]))


def _facts(request: Request) -> dict[str, Any]:
    """Return the options, versions and paths that must be equal on all ranks. Otherwise, results would differ."""
    run, here = request.run, {name: metadata.version(name) for name in ("wordsparse", "numpy")} | diagnosis.rounding()
    output = {
        "device": request.device.reason,
        "output": str(run.output),
        "resume": run.resume,
        "overwrite": run.overwrite,
    }
    return {**request.options.as_dict(), **request.call(), **here, **output}


def _start(job: OutputRun | None) -> dict[str, Any] | None:
    """Return a description of the run of rank 0 for the other ranks, or None if there is no run."""
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
        "state": asdict(run.state),
    }


def _follower(request: Request, start: dict[str, Any]) -> Run:
    """Return the run for a rank other than 0: a copy of rank 0's run whose arrays still lack rank 0's values."""
    if start["corpus"] is not None:
        request = replace(request, corpus=Corpus.of(start["corpus"]), reading={})
    with request.source() as source:  # nothing is encoded, so nothing is deleted at the end of the block
        if source.identity() != start["text"]:
            raise InputError("the text differs from rank 0's; start all ranks alike")
        vocabulary = source.vocabulary
        if vocabulary.words != start["words"] or vocabulary.counts.tolist() != start["counts"]:
            vocabulary = Vocabulary(start["words"], start["counts"])
        run = Run(source, replace(request.options, epochs=start["epochs"]), vocabulary, device=request.device)
        run.restore(run.embedding.state(), start["state"])
        return run


def _copy_state(run: Run, ranks: Ranks) -> None:
    """Set the state of this rank to the state of rank 0."""
    state = run.embedding.state()
    for name, part in state.items():
        copied = np.ascontiguousarray(part)
        ranks.copy(copied)
        state[name] = copied if isinstance(part, np.ndarray) else copied.item()
    run.restore(state, asdict(run.state))
