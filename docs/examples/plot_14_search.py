"""
Search in 20,000 texts
======================

A corpus becomes its own search: here 20,000 descriptions of functions and classes, out of the Python files of this
machine. The vectors are trained on them alone, in a few seconds, and a question finds what does it.
"""

import re
import sysconfig
from pathlib import Path

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
# Train and encode. ``preset="sentences"`` (``--for sentences``) is a wider window; the tokeniser lower-cases texts and
# leaves punctuation out, and does the same with each question.
model = ws.train(iter(texts), tokens="simple", preset="sentences", dim=100, progress=False)
vectors = model.encode(texts)
print(f"{len(model):,} words, {model.report['cpu_seconds']:.0f} CPU s")

# %%
# Ask: vectors have length one, so that a product is the cosine. An index does the same for millions of texts.
questions = ["remove a directory and its files", "read rows of a table", "wait until a thread has ended"]
asked = model.encode(questions)
cosines = asked @ vectors.T
best = np.argsort(-cosines, axis=1)[:, :20]
for question, found, near in zip(questions, best, cosines, strict=True):
    print(question)
    for place in found[:5]:
        print(f"  {near[place]:.2f}  {name_of[texts[place]]}: {texts[place][:70]}")

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
