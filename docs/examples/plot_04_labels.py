"""
Many labels
===========

Predict tags and dependencies of Debian packages from their descriptions.

Nothing is downloaded: every machine with apt has the package list. On machines without apt, random rows replace the
packages.
"""

import re
import shutil
import subprocess

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

import wordsparse as ws

# %%
# Read the packages. Each package has a description, tags such as ``role::program``, and a list of packages that it
# depends on.
listed = ""
if shutil.which("apt-cache"):
    listed = subprocess.run(["apt-cache", "dumpavail"], check=True, capture_output=True, text=True).stdout
packages = []
for record in listed.split("\n\n"):
    fields = dict(re.findall(r"^(Description|Tag|Depends): (.*(?:\n .*)*)", record, re.MULTILINE))
    tags = re.findall(r"[a-z0-9-]+::[a-z0-9+:-]+", fields.get("Tag", ""))
    if tags and "Description" in fields:
        depends = {part.split()[0] for part in fields.get("Depends", "").split(",") if part.strip()}
        packages.append((fields["Description"], tags, depends))
if len(packages) < 1000:
    random = np.random.default_rng(0)
    kinds = random.integers(0, 20, 3000)
    packages = [(f"word{k} word{random.integers(40)}", [f"is::{k}"], {f"lib{k}", f"lib{(7 * k) % 20}"}) for k in kinds]
packages = packages[:6000]
print(len(packages), "packages;", packages[0])

# %%
# Predict tags from descriptions with a scikit-learn pipeline. The classifier chooses its own hyperparameters.
texts, tags, depends = zip(*packages, strict=True)
binarizer = MultiLabelBinarizer(sparse_output=True)
Y = sp.csr_array(binarizer.fit_transform(tags))
is_test = np.random.default_rng(1).random(len(texts)) < 0.2
texts = np.array(texts, object)
model = make_pipeline(TfidfVectorizer(sublinear_tf=True, dtype=np.float32), ws.SparseTargetClassifier())
model.fit(texts[~is_test], Y[~is_test])
classifier = model[-1]
scores = classifier.evaluate(model[:-1].transform(texts[is_test]), Y[is_test])
print({f"P@{k}": round(value, 3) for k, value in scores["precision"].items()}, "scoring power", classifier.power_)

# %%
# Print the most probable tags of some packages.
some = np.flatnonzero(is_test)[:4]
labels, probabilities = classifier.predict_topk(model[:-1].transform(texts[some]), 3)
for i, row, chances in zip(some, labels, probabilities, strict=True):
    found = ", ".join(f"{binarizer.classes_[label]} {p:.2f}" for label, p in zip(row, chances, strict=True))
    print(f"{texts[i][:50]:50s} {found}")

# %%
# The classifier's probabilities are calibrated: among the predictions with a probability of about p, a share of about p
# is right.
labels, probabilities = classifier.predict_topk(model[:-1].transform(texts[is_test]), 10)
right = Y[is_test].toarray()[np.arange(labels.shape[0])[:, None], labels]
bins = np.digitize(probabilities.ravel(), np.linspace(0, 1, 11)[1:-1])
share = [right.ravel()[bins == b].mean() if (bins == b).any() else np.nan for b in range(10)]
figure, axes = plt.subplots(figsize=(4.4, 3.1), layout="constrained")
axes.plot([0, 1], [0, 1], color="lightgrey")
axes.plot(np.arange(0.05, 1, 0.1), share, "o-")
axes.set(xlabel="probability", ylabel="share that is right")

# %%
# Predict the dependencies of packages with the same pipeline. There are many more dependencies than tags, and most
# dependencies belong to only a few packages.
user_items = MultiLabelBinarizer(sparse_output=True)
X = sp.csr_array(user_items.fit_transform(depends))
has_some = np.diff(X.indptr) > 0
model.fit(texts[~is_test & has_some], X[~is_test & has_some])
features = model[:-1].transform(texts[is_test & has_some])
scores = model[-1].evaluate(features, X[is_test & has_some])
print(f"{X.shape[1]:,} labels;", {f"P@{k}": round(value, 3) for k, value in scores["precision"].items()})
