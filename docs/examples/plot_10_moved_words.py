"""
Which words moved
=================

Two models of two periods differ in every word. Which words lie farther apart than the choice of the passages explains?
"""

import re
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.stats import false_discovery_control, norm

import wordsparse as ws

# %%
# Two "periods" of one text, the reference of the Python language. In the second one, words have changed places.
passages = [re.findall(r"[a-z_]+", part.lower()) for text in topics.values() for part in re.split(r"\n\s*\n", text)]
swaps = {"exception": "string", "string": "exception", "module": "integer", "integer": "module"}
periods = [passages[::2], [[swaps.get(word, word) for word in words] for words in passages[1::2]]]

# %%
# One model a period would show distances, but no scale for them. Five models of resampled passages show both.
random, models = np.random.default_rng(0), []
for part in periods:
    drawn = [[part[i] for i in random.integers(0, len(part), len(part))] for _ in range(5)]
    models.append([ws.train(text, model="skipgram", dim=30, epochs=20, seed=seed) for seed, text in enumerate(drawn)])
before, after = models
frequent = [dict(zip(model, model.vocabulary.counts, strict=True)) for model in before + after]
words = [word for word in before[0] if all(counts.get(word, 0) >= 15 for counts in frequent)]


# %%
# Models are rotated onto each other (orthogonal Procrustes) before a word's two vectors are compared. Cube roots of
# squared distances are close to normal (Wilson & Hilferty, 1931), so a z-score compares those between the periods with
# those within, whose variance is that of all words; the p-values are corrected for the number of words.
def distances(a: ws.Model, b: ws.Model) -> np.ndarray:
    """The cube root of 1 - cos of each word."""
    A, B = (np.array([model[word] / np.linalg.norm(model[word]) for word in words]) for model in (a, b))
    return np.cbrt(1 - np.einsum("ij,ij->i", A @ orthogonal_procrustes(A, B)[0], B))


within = np.array([distances(part[i], part[i + 1]) for part in models for i in range(4)])
between = np.mean([distances(a, b) for a, b in zip(before, after, strict=True)], axis=0)
scores = between - within.mean(0)
scores = (scores - np.median(scores)) / np.sqrt(within.var(0, ddof=1).mean())  # most words have not moved
q, order = false_discovery_control(norm.sf(scores)), np.argsort(-scores)
print([(words[i], round(float(scores[i]), 1), f"q = {q[i]:.3f}") for i in order[:8]])

# %%
figure, axes = plt.subplots(figsize=(6, 3))
axes.scatter(within.mean(0) ** 3, between**3, s=4)
for i in order[: len(swaps)]:
    axes.annotate(words[i], (within.mean(0)[i] ** 3, between[i] ** 3))
axes.set(xlabel="distance between resamples of a period", ylabel="distance between periods")
