"""How much memory a run takes, and how much there is: asked before it starts.

The arrays of the state are counted exactly. The work space of a step is measured once, as multiples of a row for each
unique word of a minibatch, of a d×d matrix, of a pair of words and of a bag.
"""

from wordsparse.machine import memory

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


def check(vocab_size: int, dim: int, words: int = 0, pairs: int = 0, bags: int = 0, *, form: bool = False) -> None:
    """Refuse a run that does not fit into the memory left beside what its process holds already.

    ``words``, ``pairs`` and ``bags``: the unique words, pairs and bags of a minibatch; with ``form``, n-grams are
    fitted. Of one word, the message names the dimension alone, which no vocabulary would make fit.
    """
    d = dim + 1
    step = 4 * d * ROWS_PER_WORD * min(words, vocab_size) + 8 * SQUARES * d * d + BYTES
    step += BYTES_PER_PAIR * pairs + BYTES_PER_BAG * bags
    if form:
        step = max(step, (4 * d * NGRAM_ROWS_PER_WORD + NGRAM_BYTES_PER_WORD) * vocab_size)
    peak = 4 * vocab_size * (2 * dim + 1) + BYTES_PER_WORD * vocab_size + int(step)
    what = f"dim {dim}" if vocab_size == 1 else f"dim {dim} with {vocab_size:,} words"
    memory.check(peak, what, "; give a smaller dim, or fewer words (max_vocab)")
