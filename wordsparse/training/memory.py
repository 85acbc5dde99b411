"""A check that there is enough free memory for a run, made before the run starts.

The sizes of the arrays of the state are exact. The constants for the work space of a step were measured.
"""

from wordsparse.machine import memory

# The work space of a step holds ROWS_PER_WORD float32 rows of d numbers per unique word, SQUARES float64 d×d matrices,
# BYTES_PER_PAIR bytes per pair of words, BYTES_PER_BAG bytes per bag of words, and BYTES in any case.
ROWS_PER_WORD = 4.0
SQUARES = 26
BYTES_PER_PAIR = 110
BYTES_PER_BAG = 260
BYTES = 20 * 10**6
# The numbers of float32 rows of d numbers, and of other bytes, that fitting n-grams after the last step needs per word
# of the vocabulary.
NGRAM_ROWS_PER_WORD, NGRAM_BYTES_PER_WORD = 1.5, 600
# Each word also needs M_w (words/embedding.py) and π (float64), a count (int64), a threshold and a position (int32).
BYTES_PER_WORD = 32


def check(vocab_size: int, dim: int, words: int = 0, pairs: int = 0, bags: int = 0, *, form: bool = False) -> None:
    """Raise InputError if a run does not fit into the free memory.

    ``words``, ``pairs`` and ``bags`` are the numbers of unique words, pairs and bags in a minibatch. ``form`` says
    whether n-grams will be fitted. If not even a vocabulary of one word fits, the message names only the dimension.
    """
    d = dim + 1
    step = 4 * d * ROWS_PER_WORD * min(words, vocab_size) + 8 * SQUARES * d * d + BYTES
    step += BYTES_PER_PAIR * pairs + BYTES_PER_BAG * bags
    if form:
        step = max(step, (4 * d * NGRAM_ROWS_PER_WORD + NGRAM_BYTES_PER_WORD) * vocab_size)
    peak = 4 * vocab_size * (2 * dim + 1) + BYTES_PER_WORD * vocab_size + int(step)
    what = f"dim {dim}" if vocab_size == 1 else f"dim {dim} with {vocab_size:,} words"
    memory.check(peak, what, "; give a smaller dim, or fewer words (max_vocab)")
