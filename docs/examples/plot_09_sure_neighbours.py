"""
Which neighbours to trust
=========================

Training is reproducible to the byte, so the only uncertainty of a word's neighbours comes from the text: another sample
of text would contain different passages. Train on resamples of the text (a bootstrap), and count how often a word has
the same neighbour.
"""

import re
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# The text is the reference of the Python language, which comes with Python. Each passage is a paragraph. If your
# documents are longer than a paragraph, resample whole documents, since the sentences of one document depend on each
# other.
passages = [re.findall(r"[a-z_]+", part.lower()) for text in topics.values() for part in re.split(r"\n\s*\n", text)]
passages = [words for words in passages if len(words) > 3]
options = {"model": "skipgram", "dim": 50, "epochs": 20}
model = ws.train(passages, **options)
print(model, sum(map(len, passages)), "words")

# %%
# A resample draws as many passages as the text has, with replacement. On average, a resample contains 63 % of the
# passages, some of them several times. Each resample has its own seed, and therefore its own random start.
random = np.random.default_rng(0)
resamples = []
for seed in range(10):
    drawn = [passages[i] for i in random.integers(0, len(passages), len(passages))]
    resamples.append(ws.train(drawn, **options, seed=seed).wv)


# %%
# In how many resamples is a neighbour of a word again among the ten words nearest to this word?
def returned(word: str, neighbour: str) -> int:
    """Return the number of resamples in which the neighbour is among the ten nearest words."""
    return sum(word in wv and neighbour in dict(wv.similar(word, 10)) for wv in resamples)


words = ("exception", "generator")
counts = {word: [(near, returned(word, near)) for near, _ in model.wv.similar(word, 10)] for word in words}
for word, near in counts.items():
    print(f"{word:10s}", ", ".join(f"{neighbour} {n}" for neighbour, n in near))

# %%
# A neighbour that appears in all resamples is supported by the whole text. A neighbour that appears in few resamples
# depends on a few passages, even if its cosine is high.
figure, panels = plt.subplots(1, len(words), figsize=(4.4, 3.1), sharex=True, layout="constrained")
for axes, (word, near) in zip(panels, counts.items(), strict=True):
    axes.barh([neighbour for neighbour, _ in near][::-1], [n for _, n in near][::-1])
    axes.set_title(word)
figure.supxlabel(f"resamples, of {len(resamples)}")
