"""
From a text to a picture
========================

Train word vectors on a small text, list neighbours, and draw a map of some words.

The text comes with gensim's own tests: 300 short news texts of the Australian Broadcasting Corporation. Its 60,000
words are few for training, so expect only rough neighbours.
"""

from pathlib import Path

import gensim
import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# A text is a file, several files, or any iterable of sentences, each a list of words. Here, each line is a news text.
# gensim's ``simple_preprocess`` splits it into lower-case words.
text = Path(gensim.__path__[0], "test", "test_data", "lee_background.cor").read_text(encoding="utf-8")
sentences = [gensim.utils.simple_preprocess(line) for line in text.splitlines()]
print(len(sentences), "texts;", sum(map(len, sentences)), "words;", " ".join(sentences[0][:12]), "…")

# %%
# You can train without any options. For a text this small, use more epochs and fewer dimensions than by default.
model = ws.train(sentences, model="skipgram", dim=50, epochs=30, seed=1)
print(model)

# %%
# The nearest words, by the cosine of their vectors:
for word in ("israeli", "fire", "cricket", "economy"):
    print(f"{word:10s}", ", ".join(near for near, _ in model.wv.similar(word, 6)))

# %%
# A map of the 150 most frequent words with at least five letters: their two largest principal components.
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
# The same as commands, for a file with a sentence or a paragraph on each line. Instead of the picture, ``explore``
# writes an interactive page::
#
#     wordsparse train text.txt -o model --tokens simple --model skipgram --dim 50 --epochs 30
#     wordsparse similar model fire
#     wordsparse explore model -o page.html
