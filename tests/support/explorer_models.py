"""A model for tests of the explorer, with known answers and words that try to break the page."""

import numpy as np

from wordsparse.vectors.word_vectors import WordVectors

# The coordinates (royalty, womanhood, wealth, person) give neighbours and an analogy with known answers.
TRAITS = {
    "he": (0, -1, 0, 1),
    "she": (0, 1, 0, 1),
    "man": (0.1, -1, 0, 2),
    "woman": (0.1, 1, 0, 2),
    "king": (2, -1, 0.8, 2),
    "queen": (2, 1, 0.8, 2),
    "poor": (0, 0, -2, 0.2),
    "rich": (0, 0, 2, 0.2),
    "beggar": (-0.3, -0.4, -2, 1),
    "banker": (0.1, -0.3, 2, 1),
}
HOSTILE = (
    "</script><script>document.title='broken'</script>",
    "<img/src=x/onerror=document.title='broken'>",
    "<!--<script>",
    "&amp;",
    "line\u2028separator",
    "\u202egnirts\u202c",
    "__proto__",
    "constructor",
    "\x00nul",
    "naïve",
    "Ελλάδα",
    "日本",
    "😀",
    "x" * 300,
)


def made_model(filler=200):
    """Make a model with the words of TRAITS, hostile words, and ``filler`` other words, in 12 dimensions."""
    random = np.random.default_rng(7)
    words = [*TRAITS, *HOSTILE, *(f"filler{i}" for i in range(filler))]
    vectors = np.zeros((len(words), 12))
    vectors[: len(TRAITS), :4] = list(TRAITS.values())
    vectors[len(TRAITS) :, 4:] = random.standard_normal((len(words) - len(TRAITS), 8))
    return WordVectors(words, vectors, np.arange(len(words), 0, -1) * 3)
