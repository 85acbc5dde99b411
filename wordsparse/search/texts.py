"""The texts of an index: :class:`Texts`."""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np

from wordsparse.types import Array


class Texts:
    """Texts, as UTF-8 in one array, which may stay on the disk. Texts never change: :meth:`added` and :meth:`selected`
    return other texts."""

    def __init__(self, data: Array, starts: Array) -> None:
        self.data, self.starts = data, starts

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> str:
        return self.data[self.starts[row] : self.starts[row + 1]].tobytes().decode("utf-8", "surrogatepass")

    def added(self, others: Sequence["Texts"]) -> "Texts":
        """Return these texts and others after them."""
        parts = [part for part in (self, *others) if len(part)]
        if len(parts) < 2:
            return parts[0] if parts else self
        ends = np.cumsum([0, *(len(part.data) for part in parts)])
        starts = [part.starts[1:] + end for part, end in zip(parts, ends, strict=False)]
        return Texts(np.concatenate([part.data for part in parts]), np.concatenate([[0], *starts]))

    def selected(self, rows: Array) -> "Texts":
        """Return the texts of some rows, in the order of ``rows``."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        data = np.empty(starts[-1], np.uint8)
        for at, begin, length in zip(starts.tolist(), self.starts[rows].tolist(), lengths.tolist(), strict=False):
            data[at : at + length] = self.data[begin : begin + length]
        return Texts(data, starts)
