"""A self-contained HTML page for exploring the vectors of a model.

Data flows one way: model → content (words, int8 vectors, map) → page → one file.
"""

from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError
from wordsparse.explorer.assembly import page
from wordsparse.explorer.content import content_of
from wordsparse.files import storage
from wordsparse.validation import positive_int
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import Model
from wordsparse.words.model_directory import files_of, read_vectors

__all__ = ["DEFAULT_MAP", "DEFAULT_WORDS", "explore"]

DEFAULT_WORDS, DEFAULT_MAP = 50_000, 2_000


class Page(dict[str, Any]):
    """Facts about a page. If this dict is the value of a notebook cell, the cell shows the page itself, ``html``."""

    html: str = ""

    def _repr_html_(self) -> str:
        # The sandboxed frame isolates the script of the page from the notebook.
        return (
            '<iframe sandbox="allow-scripts" style="width:100%;height:48rem;border:0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


def explore(
    model: str | PathLike[str] | WordVectors | Model,
    output: str | PathLike[str] | None = None,
    *,
    words: int = DEFAULT_WORDS,
    map_words: int = DEFAULT_MAP,
) -> Page:
    """Make a self-contained HTML page to explore word vectors in a browser or a notebook.

    The page works offline, and has search, nearest neighbours, analogies and a map.

    Parameters
    ----------
    model : path, Model or WordVectors
        A model directory, a file in any format of :mod:`wordsparse.vectors.formats`, or an object read from one.
    output : path, optional
        The file to write, replaced if it exists; ``-`` is standard output. Without an output, only a notebook shows the
        page.
    words : int
        The number of most frequent words on the page.
    map_words : int
        The number of most frequent words on the map.

    Returns
    -------
    dict
        ``file`` (None without an output), ``bytes``, ``name``, ``words``, ``dim`` and ``map_method`` (``"t-SNE"`` or
        ``"PCA"``). A notebook shows the page if this dict is the value of a cell.

    Raises
    ------
    InputError
        If the model cannot be read or has fewer than two dimensions, or if ``output`` cannot be created; nothing has
        been written.
    WordsparseError
        If writing fails. An existing file at ``output`` is unchanged.
    """
    words, map_words = positive_int("words", words), positive_int("map_words", map_words)
    target = None if output is None else Path(output)
    if target is not None:
        storage.check_file(target)
        storage.check_apart(target, files_of(model))
    name = Path(model).name if isinstance(model, str | PathLike) else "model"
    content = content_of(name, _read(name, model), words, map_words)
    data = page(content).encode("utf-8", "backslashreplace")  # the name of the file may be invalid Unicode
    if target is not None:
        storage.write_file(target, data)
    result = Page(file=None if target is None else str(target), bytes=len(data), name=name, words=len(content["words"]))
    result.update(dim=content["dim"], map_method=content["mapMethod"])
    result.html = data.decode()
    return result


def _read(name: str, model: Any) -> WordVectors:
    if isinstance(model, str | PathLike):
        model = read_vectors(Path(model))
    if not isinstance(model, WordVectors | Model):
        raise InputError(f"explore: {model!r:.60} is not a model, word vectors or a path")
    vectors = model if isinstance(model, WordVectors) else model.wv
    if vectors.dim < 2:
        raise InputError(
            f"{name}: its vectors have {vectors.dim} dimension: a page needs at least 2; train with a larger dim"
        )
    return vectors
