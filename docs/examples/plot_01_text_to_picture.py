"""
From a text to a picture
========================

Word vectors of a small text, their neighbours, and a map of some words.

The text is the one that gensim ships for its own tests: 300 short news texts of the Australian Broadcasting
Corporation. It has 60,000 words, which is little: read the neighbours as a sign of life.
"""

from pathlib import Path

import gensim
import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# A text is a file, several files, or any iterable of sentences, each a list of words. Here, a line is a news text;
# words are cut out and made lower-case by gensim's ``simple_preprocess``.
text = Path(gensim.__path__[0], "test", "test_data", "lee_background.cor").read_text(encoding="utf-8")
sentences = [gensim.utils.simple_preprocess(line) for line in text.splitlines()]
print(len(sentences), "texts;", sum(map(len, sentences)), "words;", " ".join(sentences[0][:12]), "…")

# %%
# Nothing has to be chosen. On a text as small as this one, more epochs and fewer dimensions than the defaults help.
model = ws.train(sentences, model="skipgram", dim=50, epochs=30, seed=1)
print(model)

# %%
# The nearest words, by the cosine of their vectors:
for word in ("israeli", "fire", "cricket", "economy"):
    print(f"{word:10s}", ", ".join(near for near, _ in model.wv.similar(word, 6)))

# %%
# A map: the 150 most frequent words of five letters or more, by the two largest principal components.
words = [word for word in model.wv.words if len(word) >= 5][:150]
vectors = model.wv[words]
centred = vectors - vectors.mean(0)
plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T

figure, axes = plt.subplots(figsize=(9, 7))
axes.scatter(*plane.T, s=4)
for word, place in zip(words, plane, strict=True):
    axes.annotate(word, place, fontsize=7)
axes.set_axis_off()

# %%
# The same as commands, for a text of your own in a file, a sentence or a paragraph a line; and instead of the picture,
# a page to look around in::
#
#     wordsparse train text.txt -o model --tokens simple --model skipgram --dim 50 --epochs 30
#     wordsparse similar model fire
#     wordsparse explore model -o page.html
