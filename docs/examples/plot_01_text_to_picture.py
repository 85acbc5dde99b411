"""
From a text to a picture
========================

Train word vectors on a small text, list neighbours, and draw a map of some words.

The text is part of gensim's tests: 300 short news texts of the Australian Broadcasting Corporation. 60,000 words are
few for training, so expect only rough neighbours.
"""

from pathlib import Path

import gensim
import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# A text is a file, several files, or any iterable of sentences, where each sentence is a list of words. In gensim's
# file, each line is a news text. gensim's ``simple_preprocess`` splits a line into lower-case words.
text = Path(gensim.__path__[0], "test", "test_data", "lee_background.cor").read_text(encoding="utf-8")
sentences = [gensim.utils.simple_preprocess(line) for line in text.splitlines()]
print(len(sentences), "texts;", sum(map(len, sentences)), "words;", " ".join(sentences[0][:12]), "…")

# %%
# You can train without any options. For a text of only 60,000 words, use more epochs and fewer dimensions than the
# defaults.
model = ws.train(sentences, model="skipgram", dim=50, epochs=30, seed=1)
print(model)

# %%
# Print the words that are nearest to some words, by the cosine of the vectors.
for word in ("israeli", "fire", "cricket", "economy"):
    print(f"{word:10s}", ", ".join(near for near, _ in model.wv.similar(word, 6)))

# %%
# Draw a map of the 20 most frequent words with at least five letters, by the first two principal components of their
# vectors.
words = [word for word in model.wv.words if len(word) >= 5][:20]
vectors = model.wv[words]
centred = vectors - vectors.mean(0)
plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T

figure, axes = plt.subplots(figsize=(4.4, 3.1), layout="constrained")
axes.scatter(*plane.T, s=8)
for word, place in zip(words, plane, strict=True):
    axes.annotate(word, place)
axes.margins(x=0.2)
axes.set_axis_off()

# %%
# The following commands train a model and list neighbours for a file with a sentence or a paragraph on each line.
# Instead of a picture, ``explore`` writes an interactive page:
#
# .. code-block:: none
#
#     wordsparse train text.txt -o model --tokens simple --model skipgram --dim 50 --epochs 30
#     wordsparse similar model fire
#     wordsparse explore model -o page.html
