"""
Which words moved, and when
===========================

Models of decades differ in every word. Which ones lie farther apart than the choice of the passages explains, and when?
"""

import re
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.stats import false_discovery_control, norm

import wordsparse as ws

# %%
# Passages with a year, here of the reference of the Python language, in which words change places from 1960 on. A row
# of Google's n-grams has a text, a year and a weight: it goes to its decade, as often as the weight says.
passages = [re.findall(r"[a-z_]+", part.lower()) for text in topics.values() for part in re.split(r"\n\s*\n", text)]
swaps = {"exception": "string", "string": "exception", "module": "integer", "integer": "module"}
chance, decades, random = {1960: 0.5, 1970: 1.0}, {1950: [], 1960: [], 1970: []}, np.random.default_rng(0)
for year, words in ((1950 + i % 30, words) for i, words in enumerate(passages)):
    moved = random.random() < chance.get(decade := year // 10 * 10, 0)
    decades[decade].append([swaps.get(word, word) if moved else word for word in words])

# %%
# One model a decade would show distances, but no scale for them. Five models of resampled passages show both.
models = []
for part in decades.values():
    drawn = [[part[i] for i in random.integers(0, len(part), len(part))] for _ in range(5)]
    models.append([ws.train(text, model="skipgram", dim=30, epochs=20, seed=seed) for seed, text in enumerate(drawn)])
frequent = [dict(zip(model, model.vocabulary.counts, strict=True)) for part in models for model in part]
words = [word for word in models[0][0] if all(counts.get(word, 0) >= 15 for counts in frequent)]


# %%
# Models are rotated onto each other before a word's two vectors are compared. Cube roots of squared distances are near
# normal (Wilson & Hilferty, 1931): z-scores compare the last decade's with those within the first, whose variance is
# that of all words; the p-values are corrected for the number of words.
def cosines(a: ws.Model, b: ws.Model) -> np.ndarray:
    A, B = (np.array([model[word] / np.linalg.norm(model[word]) for word in words]) for model in (a, b))
    return np.einsum("ij,ij->i", A @ orthogonal_procrustes(A, B)[0], B)


course = np.array([[cosines(a, b) for a, b in zip(models[0], part[1:] + part[:1], strict=True)] for part in models])
within, between = np.cbrt(1 - course[0]), np.cbrt(1 - course[-1])
scores = between.mean(0) - within.mean(0)
scores = (scores - np.median(scores)) / np.sqrt(within.var(0, ddof=1).mean())  # most words have not moved
q, order = false_discovery_control(norm.sf(scores)), np.argsort(-scores)
print([(words[i], round(float(scores[i]), 1), f"q = {q[i]:.3f}") for i in order[:8]])

# %%
# The course of a word: its cosine with the first decade, and two standard deviations of what resamples make of it.
for i in [*order[:3], words.index("function")]:
    plt.errorbar(list(decades), course[:, :, i].mean(1), 2 * course[:, :, i].std(1), label=words[i], capsize=3)
plt.gca().set(xticks=list(decades), ylabel="cosine with the first decade")
plt.legend()
