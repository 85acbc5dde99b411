"""Numbers tokens of any hashable type, in the order of their first appearance."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError

# The number of values after which ``numbered`` yields an array at the next end of a sentence.
BLOCK = 2**20


class Numbers(dict[Hashable, int]):
    """A dict from tokens to their numbers. Looking up a new token assigns the next number to the token."""

    def __missing__(self, token: Hashable) -> int:
        number = self[token] = len(self)
        return number


def numbered(sentences: Iterable[Sequence[Hashable]], numbers: Numbers, end: int) -> Iterator[NDArray[np.int32]]:
    """Yield arrays of the numbers of the sentences' tokens, with ``end`` after each sentence that is not empty.
    Raise InputError if a token is not hashable."""
    values: list[int] = []
    for sentence in sentences:
        try:
            values.extend(map(numbers.__getitem__, sentence))
        except TypeError as error:
            raise InputError(f"a sentence must be a list of hashable tokens: {error}") from error
        if len(sentence):
            values.append(end)
        if len(values) >= BLOCK:
            yield np.array(values, np.int32)
            values.clear()
    yield np.array(values, np.int32)
