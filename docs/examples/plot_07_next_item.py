"""
The next item of a sequence
===========================

What does somebody buy, hear or open next? A row of what they had, the latest item weighing most, and a label: the item
that came next. Nothing else is needed, and nothing is set. With one target an example, a network of PyTorch's starts
best with cross-entropy among the minibatch's own targets: the page on PyTorch networks has the figures.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

import wordsparse as ws

# %%
# Made-up users: each item has five successors that often follow it, and one step in three goes anywhere.
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
# The rows: every item of a history weighs ``decay`` times the item after it.
def histories(parts: list[list[int]], decay: float = 0.6) -> sp.csr_array:
    """A row for each part of a sequence."""
    values = np.concatenate([decay ** np.arange(len(part))[::-1] for part in parts])
    starts = np.cumsum([0, *map(len, parts)])
    rows = sp.csr_array((values, np.concatenate(parts), starts), shape=(len(parts), n_items))
    rows.sum_duplicates()
    return rows


# %%
# Each user's last item is left out as a test; every item before it but the first is a label.
known, following = [sequence[:-1] for sequence in sequences], np.array([sequence[-1] for sequence in sequences])
X = histories([part[:t] for part in known for t in range(1, len(part))])
y = np.concatenate([part[1:] for part in known])
classifier = ws.SparseTargetClassifier().fit(X, y)

# %%
# The ten likeliest items that a user has not had, and how often the next one is among them. Beside it, two counts:
# what is bought most, and which items come after which, weighted as the rows are.
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
figure, axes = plt.subplots(figsize=(5, 2))
axes.barh(list(hits), list(hits.values()))
axes.set(xlabel="next item among the first ten")
figure.tight_layout()
