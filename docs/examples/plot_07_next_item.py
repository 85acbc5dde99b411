"""
The next item
=============

What will a user buy, hear or open next? Each row is a user's history, with the highest weight for the latest item. The
label of a row is the item that came next. The classifier needs no data besides the histories, and no options.

If you use a PyTorch network with one target per example, start with cross-entropy among the minibatch's own targets:
the page on PyTorch networks has the measurements.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

import wordsparse as ws

# %%
# The users are synthetic: each item has five successors that often follow it, and one step in three leads to a random
# item.
random = np.random.default_rng(0)
n_items = 2000
successors = random.integers(0, n_items, (n_items, 5))
popular = 1 / np.arange(1, n_items + 1)
sequences = []
for length in random.integers(4, 12, 3000):
    items = [random.choice(n_items, p=popular / popular.sum())]
    while len(items) < length:
        near = random.random() < 2 / 3
        items.append(int(random.choice(successors[items[-1]]) if near else random.integers(n_items)))
    sequences.append(items)


# %%
# Make the rows. Every item of a history has ``decay`` times the weight of the item after it.
def histories(parts: list[list[int]], decay: float = 0.6) -> sp.csr_array:
    """Return a row for each part of a sequence."""
    values = np.concatenate([decay ** np.arange(len(part))[::-1] for part in parts])
    starts = np.cumsum([0, *map(len, parts)])
    rows = sp.csr_array((values, np.concatenate(parts), starts), shape=(len(parts), n_items))
    rows.sum_duplicates()
    return rows


# %%
# Test on each user's last item. All earlier items of a user, except the first, are labels for training.
known, following = [sequence[:-1] for sequence in sequences], np.array([sequence[-1] for sequence in sequences])
X = histories([part[:t] for part in known for t in range(1, len(part))])
y = np.concatenate([part[1:] for part in known])
classifier = ws.SparseTargetClassifier().fit(X, y)

# %%
# Predict the ten most probable items that a user has not had. How often is the user's next item among these ten
# predictions? We compare the classifier with two rankings by counts: the most popular items, and the items that most
# often come after the items of the history, weighted as in the rows.
depth = 10 + max(map(len, known))
X_new = histories(known)
places, probabilities = classifier.predict_topk(X_new, depth)
labels = sp.csr_array((np.ones(y.size), y, np.arange(y.size + 1)), shape=(y.size, n_items))
pairs = (X_new @ (X.T @ labels)).toarray()
rankings = {
    "classifier": classifier.classes_[places],
    "pairs": np.argsort(-pairs, 1, kind="stable")[:, :depth],
    "popularity": np.broadcast_to(np.argsort(-np.bincount(y), kind="stable")[:depth], (len(known), depth)),
}
hits = {}
for name, ranking in rankings.items():
    new = [row[~np.isin(row, had)][:10] for row, had in zip(ranking, known, strict=True)]
    hits[name] = np.mean([item in row for row, item in zip(new, following, strict=True)])
print({name: round(float(share), 3) for name, share in hits.items()})

# %%
figure, axes = plt.subplots(figsize=(4.4, 3.1), layout="constrained")
axes.barh(list(hits), list(hits.values()))
axes.set(xlabel="next item among the first ten")
