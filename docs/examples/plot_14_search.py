"""
Search in 20,000 texts
======================

Search a collection with vectors that are trained on the collection itself: 20,000 descriptions of functions and
classes, from the Python files on this machine. Training takes a few seconds and needs no other texts. The fused score
of a text adds the cosine of the vectors and BM25, which ranks by shared words.
"""

import re
import sysconfig
from pathlib import Path

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
# Train a model on the texts, and index the texts. With ``kind="search"`` (``--for search``), the weight of a word
# depends on how rare the word is among the texts, and how much it says about their topics. The tokeniser makes texts
# and questions lower-case and leaves punctuation out.
model = ws.train(iter(texts), tokens="simple", kind="search", dim=100, progress=False)
index = ws.Search(model, texts)
print(f"{len(model):,} words, {model.report['cpu_seconds']:.0f} CPU s; {index}")

# %%
# Search with some questions. The fused score of a text is the cosine of its vector with the vector of the question,
# plus a number for the words that the text shares with the question. With ``word_weight=0``, ``search`` ranks by
# cosines alone.
questions = ["remove a directory and its files", "read rows of a table", "wait until a thread has ended"]
for question, hits in zip(questions, index.search(questions, n=5), strict=True):
    print(question)
    for hit in hits:
        print(
            f"  {hit.score:.2f} = {hit.cosine:.2f} + {hit.words:.2f}  {name_of[texts[hit.row]]}: {texts[hit.row][:70]}"
        )

# %%
# Draw the vectors of the texts, projected onto the plane through the vectors of the three questions. Stars are the
# questions, and the 20 answers to each question have the question's colour.
vectors, asked = model.encode(texts), model.encode(questions)
best = [[hit.row for hit in hits] for hits in index.search(questions, n=20)]
plane = np.linalg.svd(asked - asked.mean(axis=0))[2][:2]
x, y = plane @ (vectors - vectors.mean(axis=0)).T
figure, axes = plt.subplots(figsize=(4.4, 3.1), layout="constrained")
axes.plot(x, y, ",", color="0.75")
for number, star in enumerate((asked - vectors.mean(axis=0)) @ plane.T):
    axes.plot(x[best[number]], y[best[number]], "o", color=f"C{number}", label=questions[number])
    axes.plot(*star, "*", color=f"C{number}", markersize=16, markeredgecolor="black")
axes.set(xticks=[], yticks=[])
axes.legend()
