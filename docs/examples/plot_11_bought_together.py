"""
Items that are bought together
==============================

The log of a shop has a row for each item: who bought what, and when. The items of a user are a basket, a sentence whose
order does not count; items whose vectors are near each other are bought by the same users.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import wordsparse as ws

# %%
# A log to try it on: 3,000 users who each do one of four things, and buy what they need for it, besides what everybody
# buys. Its rows stand in the order of time, so those of a user are far from each other.
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
# Rows that share a user become one basket, whose words are cells: "green tea" is one of them. The log may be larger
# than memory, and Parquet, JSON lines or a data frame. The same on the command line:
# ``wordsparse train log.csv -o model --for items --column item --group-by user``.
model = ws.train(path, preset="items", column="item", group="user", dim=16, epochs=20, progress=False)
for item in ("yeast", "helmet"):
    print(f"{item}:", ", ".join(near for near, _ in model.wv.similar(item, 4)))

# %%
# The cosines of all items. What everybody buys is near nothing in particular.
words = [item for items in needs.values() for item in items] + everybody
vectors = np.array([model[word] for word in words])
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
plt.imshow(vectors @ vectors.T, cmap="coolwarm", vmin=-1, vmax=1)
plt.xticks(range(len(words)), words, rotation=90)
plt.yticks(range(len(words)), words)
plt.tight_layout()

# %%
# What goes with a basket: the likeliest next items.
print("to green tea and honey:", ", ".join(item for item, _ in model.predict(["green tea", "honey"], 3)))

# %%
# How good that is, by 500 new users, all answered at once: one item of each is hidden, and looked for among the first
# three. Every tenth user has nothing else yet, and gets what is bought most.
purchases = [random.choice(needs[random.choice(list(needs))], 3, replace=False).tolist() for _ in range(500)]
hidden = [items[0] for items in purchases]
baskets = [[] if user % 10 == 0 else items[1:] for user, items in enumerate(purchases)]
answers = [[item for item, _ in answer] for answer in model.predict(baskets, 3)]
hits = {
    "recommended": np.mean([item in answer for item, answer in zip(hidden, answers, strict=True)]),
    "bought most": np.mean([item in model.vocabulary.words[:3] for item in hidden]),
}
print({name: f"{share:.0%} among the first three" for name, share in hits.items()})
