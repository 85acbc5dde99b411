"""
Bought together
===============

A shop's log has a row for each purchase: who bought which item, and when. The items of a user form a basket, which is a
sentence without word order. Items with similar vectors are bought by the same users.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# The log is synthetic. Each of 3,000 users has one of four activities, and buys items for this activity and items that
# everybody buys. The rows of the log are in order of time, so the rows of a user are far apart.
random = np.random.default_rng(0)
needs = {
    "bread": ["flour", "yeast", "proofing basket", "bread knife", "baking stone"],
    "tea": ["green tea", "teapot", "tea strainer", "honey", "cups"],
    "bicycle": ["inner tube", "chain oil", "bicycle lamp", "helmet", "lock"],
    "garden": ["seeds", "spade", "flower pots", "watering can", "gloves"],
}
everybody = ["milk", "eggs", "batteries"]
log = []
for user in range(3000):
    items = [*random.choice(needs[random.choice(list(needs))], 3, replace=False), random.choice(everybody)]
    log += [(random.integers(10**6), user, item) for item in items]
path = Path(tempfile.mkdtemp()) / "log.csv"
path.write_text("time,user,item\n" + "".join(f"{time},{user},{item}\n" for time, user, item in sorted(log)))

# %%
# Rows of the same user become one basket. Each cell of the column ``item`` is one word, even if the cell contains a
# space, as "green tea" does. The log may be larger than memory; it may also be Parquet, JSON lines or a data frame. On
# the command line, run ``wordsparse train log.csv -o model --for items --column item --group-by user``.
model = ws.train(path, kind="items", column="item", group_by="user", dim=16, epochs=20, progress=False)
for item in ("yeast", "helmet"):
    print(f"{item}:", ", ".join(near for near, _ in model.wv.similar(item, 4)))

# %%
# Show the cosines of all pairs of items. Items that everybody buys are not close to any other item.
words = [item for items in needs.values() for item in items] + everybody
vectors = np.array([model[word] for word in words])
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
plt.figure(figsize=(4.4, 3.1), layout="constrained")
plt.imshow(vectors @ vectors.T, cmap="coolwarm", vmin=-1, vmax=1)
plt.xticks([])
plt.yticks(range(len(words)), words, fontsize=8)

# %%
# Predict the items that go with a basket: the most probable next items.
print("to green tea and honey:", ", ".join(item for item, _ in model.predict(["green tea", "honey"], 3)))

# %%
# How good are the predictions? Hide one item of each of 500 new users, and check whether the hidden item is among the
# first three predictions. Every tenth user has no other item yet, and gets the most popular items.
purchases = [random.choice(needs[random.choice(list(needs))], 3, replace=False).tolist() for _ in range(500)]
hidden = [items[0] for items in purchases]
baskets = [[] if user % 10 == 0 else items[1:] for user, items in enumerate(purchases)]
answers = [[item for item, _ in answer] for answer in model.predict(baskets, 3)]
hits = {
    "recommended": np.mean([item in answer for item, answer in zip(hidden, answers, strict=True)]),
    "bought most": np.mean([item in model.vocabulary.words[:3] for item in hidden]),
}
print({name: f"{share:.0%} among the first three" for name, share in hits.items()})
