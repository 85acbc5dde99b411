"""One self-contained HTML page in which people explore the vectors of one or more models.

Data goes one way: models → content (words, int8 vectors, maps, alignments) → page → one file.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError
from wordsparse.explorer.assembly import page
from wordsparse.explorer.content import content_of
from wordsparse.files import storage
from wordsparse.files.escaping import page_bytes
from wordsparse.training.model import Model
from wordsparse.validation import positive_int
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

__all__ = ["DEFAULT_MAP", "DEFAULT_WORDS", "explore"]

DEFAULT_WORDS, DEFAULT_MAP = 50_000, 5_000

Source = str | PathLike[str] | WordVectors | Model


class Page(dict[str, Any]):
    """What was made: ``file`` (None where no output was named), ``bytes`` and ``models``; a notebook shows ``html``."""

    html: str = ""

    def _repr_html_(self) -> str:
        # The frame has no part in the notebook's origin: the page's script sees the page alone.
        return (
            '<iframe sandbox="allow-scripts allow-downloads" style="width:100%;height:48rem;border:0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


def explore(
    models: Mapping[str, Source] | Sequence[Source] | Source,
    output: str | PathLike[str] | None = None,
    *,
    words: int = DEFAULT_WORDS,
    map_words: int = DEFAULT_MAP,
    progress: Callable[[str], None] = lambda _: None,
) -> Page:
    """Make one HTML page, complete in itself, to explore word vectors in a browser or a notebook.

    The page opens offline: search, neighbours, analogies, a map, a plot on two axes, and, for several models,
    the words that moved most between them.

    Parameters
    ----------
    models : path, Model or WordVectors, a sequence of them, or a mapping of names to them
        Model directories, or files in any format of :mod:`wordsparse.vectors.formats`.
    output : path, optional
        The page's file, replaced if it exists; ``-`` is standard output. Without it, a notebook shows the page.
    words : int
        Number of most frequent words of each model on the page.
    map_words : int
        Number of words on the map.
    progress : callable, optional
        Called with one sentence at the start of each phase.

    Returns
    -------
    dict
        ``file``, ``bytes`` and ``models``, a list with the ``name``, ``words``, ``dim`` and ``map_method``
        (``"t-SNE"`` or ``"PCA"``) of each. A notebook shows the page where it is the value of a cell.

    Raises
    ------
    InputError
        If a model cannot be read or has fewer than two dimensions, two models have no word in common or one
        name, or ``output`` cannot be made; nothing has been written then.
    WordsparseError
        If writing fails; an existing file at ``output`` is unchanged.
    """
    words, map_words = positive_int("words", words), positive_int("map_words", map_words)
    target = None if output is None else Path(output)
    if target is not None:
        storage.check_file(target)
    sources = _named(models)
    vectors = {}
    for name, source in sources.items():
        progress(f"reading {name}")
        vectors[name] = _read(name, source)
    content = content_of(vectors, words, map_words, progress)
    text = page(content)
    data = page_bytes(text)
    if target is not None:
        progress("writing the page")
        storage.write_file(target, data)
    shown = [
        {"name": model["name"], "words": len(model["words"]), "dim": model["dim"], "map_method": model["mapMethod"]}
        for model in content["models"]
    ]
    made = Page(file=None if target is None else str(target), bytes=len(data), models=shown)
    made.html = data.decode()
    return made


def _named(models: Mapping[str, Source] | Sequence[Source] | Source) -> dict[str, Source]:
    """A name for each model: the last part of its path, or the whole path where that occurs twice; or its number."""
    if isinstance(models, Mapping):
        named = {str(name): source for name, source in models.items()}
    else:
        given = [models] if isinstance(models, str | PathLike | WordVectors | Model) else list(models)
        paths = [Path(one) if isinstance(one, str | PathLike) else None for one in given]
        short = [None if path is None else path.name for path in paths]
        named = {}
        for number, (source, path) in enumerate(zip(given, paths, strict=True), 1):
            if path is None:
                name = "model" if len(given) == 1 else f"model {number}"
            else:
                name = path.name if short.count(path.name) == 1 else str(path)
            if name in named:
                raise InputError(f"{name} is named twice: name each model once")
            named[name] = source if path is None else path
    if not named:
        raise InputError("no model is named: name at least one")
    return named


def _read(name: str, source: Source) -> WordVectors:
    if not isinstance(source, WordVectors | Model):
        if not isinstance(source, str | PathLike):
            raise InputError(f"{name}: is {source!r:.60}, not a model, word vectors or a path")
        source = read_vectors(source)
    vectors = source if isinstance(source, WordVectors) else source.word_vectors()
    if vectors.dim < 2:
        raise InputError(
            f"{name}: its vectors have {vectors.dim} dimension: a page needs at least 2; train with a larger dim"
        )
    return vectors
