"""One self-contained HTML page in which people explore the vectors of one or more models.

Data goes one way: models → content (words, int8 vectors, maps, alignments) → page → one file.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError
from wordsparse.explorer.assembly import page
from wordsparse.explorer.content import content_of
from wordsparse.files import storage
from wordsparse.files.escaping import page_bytes
from wordsparse.stability.model import ResampledModel, resampled_model
from wordsparse.stability.resamples import Resamples
from wordsparse.training.model import Model
from wordsparse.validation import positive_int
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import is_model, read_vectors

__all__ = ["DEFAULT_MAP", "DEFAULT_WORDS", "explore"]

DEFAULT_WORDS, DEFAULT_MAP = 50_000, 5_000

Source = str | PathLike[str] | WordVectors | Model


def explore(
    models: Mapping[str, Source] | Sequence[str | PathLike[str]] | str | PathLike[str],
    output: str | PathLike[str],
    *,
    words: int = DEFAULT_WORDS,
    map_words: int = DEFAULT_MAP,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write one HTML page, complete in itself, to explore word vectors in a browser.

    The page opens offline: search, neighbours, analogies, a map, a plot on two axes, and, for several models,
    the words that moved most between them.

    Parameters
    ----------
    models : path, sequence of paths, or mapping of names to paths, WordVectors or Models
        Model directories, or files in any format of :mod:`wordsparse.vectors.formats`.
    output : path
        The page's file, replaced if it exists; ``-`` is standard output.
    words : int
        Number of most frequent words of each model on the page.
    map_words : int
        Number of words on the map. For these words the page also shows how often their neighbours came back in the
        resamples of a model that has some.
    progress : callable, optional
        Called with one sentence at the start of each phase.

    Returns
    -------
    dict
        ``file``, ``bytes`` and ``models``, a list with the ``name``, ``words``, ``dim`` and ``map_method``
        (``"t-SNE"`` or ``"PCA"``) of each.

    Raises
    ------
    InputError
        If a model cannot be read or has fewer than two dimensions, two models have no word in common or one
        name, or ``output`` cannot be made; nothing has been written then.
    WordsparseError
        If writing fails; an existing file at ``output`` is unchanged.
    """
    words, map_words = positive_int("words", words), positive_int("map_words", map_words)
    target = Path(output)
    storage.check_file(target)
    sources = _named(models)
    vectors, resamples = {}, {}
    for name, source in sources.items():
        progress(f"reading {name}")
        vectors[name], found = _read(name, source)
        if found is not None:
            resamples[name] = found
    content = content_of(vectors, words, map_words, progress, resamples)
    progress("writing the page")
    data = page_bytes(page(content))
    storage.write_file(target, data)
    shown = [
        {"name": model["name"], "words": len(model["words"]), "dim": model["dim"], "map_method": model["mapMethod"]}
        for model in content["models"]
    ]
    return {"file": str(target), "bytes": len(data), "models": shown}


def _named(models: Mapping[str, Source] | Sequence[str | PathLike[str]] | str | PathLike[str]) -> dict[str, Source]:
    """A name for each model: the last part of its path, or the whole path where that occurs twice."""
    if isinstance(models, Mapping):
        named = {str(name): source for name, source in models.items()}
    else:
        paths = [Path(path) for path in ([models] if isinstance(models, str | PathLike) else models)]
        short = [path.name for path in paths]
        named = {path.name if short.count(path.name) == 1 else str(path): path for path in paths}
        if len(named) < len(paths):
            twice = next(path for path in paths if paths.count(path) > 1)
            raise InputError(f"{twice} is named twice: name each model once")
    if not named:
        raise InputError("no model is named: name at least one")
    return named


def _read(name: str, source: Source) -> tuple[WordVectors, Resamples | None]:
    if not isinstance(source, WordVectors | Model):
        source = resampled_model(source) if is_model(source) else read_vectors(source)
    vectors = source if isinstance(source, WordVectors) else source.word_vectors()
    if vectors.dim < 2:
        raise InputError(
            f"{name}: its vectors have {vectors.dim} dimension: a page needs at least 2; train with a larger dim"
        )
    return vectors, source.resamples if isinstance(source, ResampledModel) else None
