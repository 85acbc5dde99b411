"""
Items that are bought together
==============================

The log of a shop has a row for each item: who bought what, and when. The items of a user form a basket: a sentence
without word order. Items with similar vectors are bought by the same users.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# A synthetic log: each of 3,000 users does one of four things, and buys what they need for it and what everybody buys.
# Rows are in order of time, so the rows of a user are far apart.
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
# Rows of the same user become one basket, and each cell is a word, also "green tea". The log may be larger than memory;
# it may also be Parquet, JSON lines or a data frame. The same on the command line: ``wordsparse train log.csv -o model
# --for items --column item --group-by user``.
model = ws.train(path, preset="items", column="item", group="user", dim=16, epochs=20, progress=False)
for item in ("yeast", "helmet"):
    print(f"{item}:", ", ".join(near for near, _ in model.wv.similar(item, 4)))

# %%
# The cosines of all items. Items that everybody buys are not close to any other item.
words = [item for items in needs.values() for item in items] + everybody
vectors = np.array([model[word] for word in words])
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
plt.imshow(vectors @ vectors.T, cmap="coolwarm", vmin=-1, vmax=1)
plt.xticks(range(len(words)), words, rotation=90)
plt.yticks(range(len(words)), words)
plt.tight_layout()

# %%
# What goes with a basket: the most probable next items.
print("to green tea and honey:", ", ".join(item for item, _ in model.predict(["green tea", "honey"], 3)))

# %%
# How good are the predictions? Hide one item of each of 500 new users, and look for it among the first three. Every
# tenth user has no other item yet, and gets the most popular ones.
purchases = [random.choice(needs[random.choice(list(needs))], 3, replace=False).tolist() for _ in range(500)]
hidden = [items[0] for items in purchases]
baskets = [[] if user % 10 == 0 else items[1:] for user, items in enumerate(purchases)]
answers = [[item for item, _ in answer] for answer in model.predict(baskets, 3)]
hits = {
    "recommended": np.mean([item in answer for item, answer in zip(hidden, answers, strict=True)]),
    "bought most": np.mean([item in model.vocabulary.words[:3] for item in hidden]),
}
print({name: f"{share:.0%} among the first three" for name, share in hits.items()})
