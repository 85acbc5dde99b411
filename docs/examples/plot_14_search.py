"""
Search in 20,000 texts
======================

Search a collection with vectors that are trained on the collection itself: 20,000 descriptions of functions and
classes, from the Python files on this machine. Training takes a few seconds and needs no other texts. Hybrid search
adds BM25, which ranks by shared words.
"""

import re
import sysconfig
from pathlib import Path

import bm25s
import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# Read the docstrings of all functions and classes, first from the standard library, then from the installed packages.
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
# Train and encode. With ``preset="search"`` (``--for search``), the weight of a word depends on how rare the word is
# among the texts, and how much it says about their topics. The tokeniser makes texts and questions lower-case and
# leaves punctuation out.
model = ws.train(iter(texts), tokens="simple", preset="search", dim=100, progress=False)
vectors = model.encode(texts)
print(f"{len(model):,} words, {model.report['cpu_seconds']:.0f} CPU s")

# %%
# Search with some questions. Vectors have length one, so a dot product is a cosine. For millions of texts, use an
# index.
questions = ["remove a directory and its files", "read rows of a table", "wait until a thread has ended"]
asked = model.encode(questions)
cosines = asked @ vectors.T
best = np.argsort(-cosines, axis=1)[:, :20]
for question, found, near in zip(questions, best, cosines, strict=True):
    print(question)
    for place in found[:5]:
        print(f"  {near[place]:.2f}  {name_of[texts[place]]}: {texts[place][:70]}")

# %%
# Hybrid search: BM25 ranks the same texts by shared words. The score of a text is the sum of 1/(60 + rank) over both
# rankings.
index = bm25s.BM25(k1=1.2, b=0.75)
index.index([model.split(text) for text in texts], show_progress=False)
for question, near in zip(questions, cosines, strict=True):
    scores = index.get_scores(model.split(question))
    fused = sum(1 / (61 + np.argsort(np.argsort(-ranked))) for ranked in (near, scores))
    print(question)
    for place in np.argsort(-fused)[:5]:
        print(f"  {name_of[texts[place]]}: {texts[place][:70]}")

# %%
# Draw the texts, projected onto the plane of the three questions. Stars are the questions, and the 20 answers to each
# question have the question's colour.
plane = np.linalg.svd(asked - asked.mean(axis=0))[2][:2]
x, y = plane @ (vectors - vectors.mean(axis=0)).T
figure, axes = plt.subplots(figsize=(8, 5))
axes.plot(x, y, ",", color="0.75")
for number, star in enumerate((asked - vectors.mean(axis=0)) @ plane.T):
    axes.plot(x[best[number]], y[best[number]], "o", color=f"C{number}", label=questions[number])
    axes.plot(*star, "*", color=f"C{number}", markersize=16, markeredgecolor="black")
axes.set(xticks=[], yticks=[])
axes.legend()
