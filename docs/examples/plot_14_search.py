"""
Search in 20,000 texts
======================

A corpus becomes its own search engine: here 20,000 descriptions of functions and classes, from the Python files of this
machine. The vectors are trained on these texts alone, in a few seconds. Hybrid search adds BM25, the ranking by shared
words.
"""

import re
import sysconfig
from pathlib import Path

import bm25s
import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# The texts: the docstring of each function and class of the standard library, and then of the installed packages.
DEFINED = re.compile(r'^ *(?:def|class) (\w+)[^\n]*:\n +r?"""(.*?)"""', re.MULTILINE | re.DOTALL)
name_of: dict[str, str] = {}
stdlib, others = (sorted(Path(sysconfig.get_path(name)).rglob("*.py")) for name in ("stdlib", "purelib"))
for path in [path for path in stdlib if "site-packages" not in path.parts] + others:
    for name, text in DEFINED.findall(path.read_text("utf-8", "ignore")):
        name_of.setdefault(" ".join(text.split()), f"{path.stem}.{name}")
    if len(name_of) >= 20_000:
        break
texts = list(name_of)[:20_000]
print(f"{len(texts):,} texts, such as {name_of[texts[100]]}: {texts[100][:80]}")

# %%
# Train and encode. ``preset="search"`` (``--for search``) weighs a word by how rare it is among the texts, and by how
# much it says about them. The tokeniser lower-cases texts and leaves punctuation out, also in each question.
model = ws.train(iter(texts), tokens="simple", preset="search", dim=100, progress=False)
vectors = model.encode(texts)
print(f"{len(model):,} words, {model.report['cpu_seconds']:.0f} CPU s")

# %%
# Ask: vectors have length one, so a product is a cosine. An index does the same for millions of texts.
questions = ["remove a directory and its files", "read rows of a table", "wait until a thread has ended"]
asked = model.encode(questions)
cosines = asked @ vectors.T
best = np.argsort(-cosines, axis=1)[:, :20]
for question, found, near in zip(questions, best, cosines, strict=True):
    print(question)
    for place in found[:5]:
        print(f"  {near[place]:.2f}  {name_of[texts[place]]}: {texts[place][:70]}")

# %%
# Hybrid search: BM25 ranks the same texts by shared words, and each text gets 1/(60 + rank) from both rankings.
index = bm25s.BM25(k1=1.2, b=0.75)
index.index([model.split(text) for text in texts], show_progress=False)
for question, near in zip(questions, cosines, strict=True):
    scores = index.get_scores(model.split(question))
    fused = sum(1 / (61 + np.argsort(np.argsort(-ranked))) for ranked in (near, scores))
    print(question)
    for place in np.argsort(-fused)[:5]:
        print(f"  {name_of[texts[place]]}: {texts[place][:70]}")

# %%
# A picture: the texts in the plane of the three questions, which are stars, and the 20 answers to each in its colour.
plane = np.linalg.svd(asked - asked.mean(axis=0))[2][:2]
x, y = plane @ (vectors - vectors.mean(axis=0)).T
figure, axes = plt.subplots(figsize=(8, 5))
axes.plot(x, y, ",", color="0.75")
for number, star in enumerate((asked - vectors.mean(axis=0)) @ plane.T):
    axes.plot(x[best[number]], y[best[number]], "o", color=f"C{number}", label=questions[number])
    axes.plot(*star, "*", color=f"C{number}", markersize=16, markeredgecolor="black")
axes.set(xticks=[], yticks=[])
axes.legend()
