"""Models of the slices of a text."""

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse import validation
from wordsparse.corpus.reading import Source
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.files import storage, toml
from wordsparse.options import abouts, refuse_unknown
from wordsparse.stability.bootstrap import resample
from wordsparse.stability.time_slices import time_slices
from wordsparse.training.model import Model
from wordsparse.training.options import TrainOptions
from wordsparse.training.progress import RunDisplay
from wordsparse.training.runs import described_call, requested, train
from wordsparse.words import model_directory


def train_slices(
    corpus: Source | Mapping[str, Source],
    *,
    slice_by: str | None = None,
    slice_column: str | None = None,
    output: str | PathLike[str] | None = None,
    bootstrap: int = 0,
    **options: Any,
) -> dict[str, Model]:
    """Train one model for each slice of a text, such as a year, all over the vocabulary of the whole text.

    :func:`wordsparse.moved` compares two of them.

    Parameters
    ----------
    corpus : path, sequence of paths, iterable of rows, or dict of texts
        A dict has the name of each slice and its text, which is any text that :func:`wordsparse.train` takes.
    slice_by : {"year", "directory", "file"}, optional
        The slice of a file: the first year in its name or else in that of its nearest directory, the name of its
        directory, or its own name without endings.
    slice_column : str, optional
        The column of rows that says to which slice a row belongs, beside ``column``, which holds the text; with
        ``slice_by="year"``, the first year in it. Rows without it are left out; a warning counts them.
    output : path, optional
        A directory for the models, one below it for each slice, and ``options.toml``.
    bootstrap : int
        Resamples of each slice's text; see :func:`wordsparse.resample`.
    **options
        Options of :func:`wordsparse.train`. ``min_count`` and ``max_vocab`` apply to the whole text; a ``resume``
        trains the slices that are missing.

    Returns
    -------
    dict of str to Model
        By the names of the slices, in order.

    Raises
    ------
    InputError, TrainingError, ReadError, Interrupted
        As :func:`wordsparse.train`. InputError too if there are fewer than two slices or more than 500, a slice has
        none of the text's words, or its name cannot be that of a directory.

    Examples
    --------
    >>> import wordsparse as ws
    >>> old, new = [["a", "gay", "song"]] * 50, [["a", "gay", "man"]] * 50
    >>> ws.train_slices({"1900": old, "2000": new}, dim=4, min_count=1)["2000"]
    Model(cbow, 3 words × 4, 5 epochs)
    """
    return dict(each_slice(corpus, slice_by, slice_column, output, bootstrap, options))


def each_slice(
    corpus: Source | Mapping[str, Source],
    slice_by: str | None,
    slice_column: str | None,
    output: str | PathLike[str] | None,
    bootstrap: int,
    options: Mapping[str, Any],
) -> Iterator[tuple[str, Model]]:
    """The models of :func:`train_slices`, one after the other."""
    refuse_unknown(options, abouts(TrainOptions))
    validation.whole("bootstrap", bootstrap)
    chosen, text, run = requested(corpus, TrainOptions(**{**options, "output": output}))
    if run.init is not None:
        raise InputError("init: slices start from nothing in common: leave it out, or train each by itself")
    if output is not None and not run.resume:
        storage.check_new_directory(Path(output))
    with Display(run.progress in ("auto", True)) as display:
        encoding = RunDisplay(display).encoding
        with time_slices(text, slice_by, slice_column, encoding) as slices:
            display.close()
            if output is not None:
                Path(output).mkdir(exist_ok=True)
                cut = {"slice_by": slice_by, "slice_column": slice_column, "bootstrap": bootstrap or None}
                call = {**described_call(text, run), **cut}
                content = toml.dumps({**call, **chosen.as_dict()})
                storage.write_file(Path(output) / model_directory.OPTIONS, content.encode())
            for name, part in slices.items():
                place = None if output is None else Path(output) / name
                model = train(part.corpus, **{**vars(run), "output": place}, **vars(chosen))
                yield name, resample(place or model, part.corpus, bootstrap) if bootstrap else model
