"""Answers to a question: :class:`Hit`, and :class:`Hits`, a list of hits that a notebook shows as a table."""

import re
from collections.abc import Callable, Iterator
from dataclasses import InitVar, asdict, dataclass
from html import escape
from itertools import groupby
from typing import Any

# The number of characters of a snippet, and how many of them may stand before the first matched word.
_LENGTH, _BEFORE = 200, 40
_WORD = re.compile(r"\w+|\W+")


@dataclass(frozen=True)
class Hit:
    """A document that answers a question.

    Attributes
    ----------
    row : int
        The place of the document among all documents, from 0 on.
    score : float
        ``cosine`` + ``word_weight`` · ``words``.
    cosine : float
        The cosine of the vectors of the question and of the document.
    words : float
        The part of shared words; it is 1 if a document of mean length holds each word of the question once.
    matched : list of str
        The words of the question that the document holds, perhaps in other forms if the index has stems.
    text : str
        The text of the document, or its best passage.
    document : dict
        The kept columns of the document.
    """

    row: int
    score: float
    cosine: float
    words: float
    matched: list[str]
    text: str
    document: dict[str, Any]
    is_matched: InitVar[Callable[[str], bool]]

    def __post_init__(self, is_matched: Callable[[str], bool]) -> None:
        object.__setattr__(self, "_is_matched", is_matched)

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes by their names, as JSON can store them."""
        return asdict(self)

    def snippet(self, length: int = _LENGTH) -> str:
        """Return the part of the text, of about ``length`` characters, that holds most of the matched words."""
        return "".join(piece for piece, _ in self._pieces(length))

    def _repr_html_(self) -> str:
        return "".join(f"<mark>{escape(piece)}</mark>" if held else escape(piece) for piece, held in self._pieces())

    def _pieces(self, length: int = _LENGTH) -> Iterator[tuple[str, bool]]:
        """Yield the pieces of the snippet, and whether they are matched words."""
        text, is_matched = " ".join(self.text.split()), self._is_matched  # type: ignore[attr-defined]
        pieces, end = list[tuple[int, str, bool]](), 0
        for piece in _WORD.findall(text):
            pieces.append((end, piece, bool(self.matched) and is_matched(piece)))
            end += len(piece)
        held = [(start, piece.lower()) for start, piece, is_held in pieces if is_held]
        sizes = [len({piece for at, piece in held if start <= at < start + length - _BEFORE}) for start, _ in held]
        first = held[sizes.index(max(sizes))][0] if held else 0
        start = max(0, min(first - _BEFORE, len(text) - length))
        shown = [(piece, is_held) for at, piece, is_held in pieces if start <= at < start + length]
        yield from [("…", False)] * (start > 0)
        for is_held, run in groupby(shown, key=lambda each: each[1]):
            yield "".join(piece for piece, _ in run), is_held
        yield from [("…", False)] * (start + length < len(text))


class Hits(list[Hit]):
    """The hits of a question, best first."""

    def _repr_html_(self) -> str:
        names = list(self[0].document) if self else []
        rows = (
            [f"{hit.score:.3f}", *(escape(str(cell)) for cell in hit.document.values()), hit._repr_html_()]
            for hit in self
        )
        head = "".join(f"<th>{escape(name)}</th>" for name in ("score", *names, "text"))
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table>"
