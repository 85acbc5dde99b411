"""How much memory a run takes, and how much there is: asked before it starts.

The arrays of the state are counted exactly. The work space of a step is measured once, as multiples of a row for each
unique word of a minibatch, of a d×d matrix, of a pair of words and of a bag.
"""

from dataclasses import dataclass, replace

from wordsparse.errors import InputError
from wordsparse.machine.memory import least_left, shown

# The workspace of a step: float32 rows of d numbers for each unique word; float64 matrices of d×d numbers; bytes for
# each pair of words or each bag of words; and a constant number of bytes.
ROWS_PER_WORD = 4.0
SQUARES = 26
BYTES_PER_PAIR = 110
BYTES_PER_BAG = 260
BYTES = 20 * 10**6
# The n-grams of a vocabulary are fitted after the last step: float32 rows of d numbers, and what does not depend on d,
# for each word of it.
NGRAM_ROWS_PER_WORD, NGRAM_BYTES_PER_WORD = 1.5, 600
# For each word besides its two rows: mass and base measure (float64), count (int64), threshold and position (int32).
BYTES_PER_WORD = 32


@dataclass(frozen=True)
class Need:
    """The memory of a run, in bytes, beside the memory that its process holds already.

    ``words``, ``pairs`` and ``bags``: the unique words, pairs and bags of a minibatch.
    """

    vocab_size: int
    dim: int
    words: int
    pairs: int
    bags: int = 0
    subwords: bool = False

    @property
    def total(self) -> int:
        """Peak bytes."""
        d, words = self.dim + 1, min(self.words, self.vocab_size)
        step = 4 * d * ROWS_PER_WORD * words + 8 * SQUARES * d * d + BYTES
        step += BYTES_PER_PAIR * self.pairs + BYTES_PER_BAG * self.bags
        if self.subwords:
            step = max(step, (4 * d * NGRAM_ROWS_PER_WORD + NGRAM_BYTES_PER_WORD) * self.vocab_size)
        return 4 * self.vocab_size * (2 * self.dim + 1) + BYTES_PER_WORD * self.vocab_size + int(step)

    def check(self, what: str = "") -> None:
        """Refuse what does not fit into the memory left. The InputError has the numbers, and proposes options that
        fit."""
        limit = least_left()
        if limit is None or self.total <= limit[0]:
            return
        left, where = limit
        raise InputError(
            f"not enough memory: {what or f'dim {self.dim} with {self.vocab_size:,} words'} needs about "
            f"{shown(self.total)}, but {shown(left)} are left ({where}); {self._advice(left)}"
        )

    def _advice(self, left: int) -> str:
        fits = []
        for name, option in (("dim", "dim"), ("vocab_size", "max_vocab")):
            if most := self._largest(name, left):
                fits.append(f"{option} {most}")
        return f"options that fit: {', or '.join(fits)}" if fits else "free some memory"

    def _largest(self, name: str, left: int) -> int:
        """The largest value of a field, below its own, with which the run fits; 0 if there is none."""
        low, high = 0, getattr(self, name)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if replace(self, **{name: middle}).total <= left else (low, middle)
        return low


def check_dim(dim: int) -> None:
    """Refuse, before a text is read, a dimension that does not fit with any vocabulary."""
    Need(1, dim, 0, 0).check(what=f"dim {dim} in its d x d matrices alone")
