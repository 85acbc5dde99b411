"""
A transformer of items
======================

A small causal transformer in PyTorch reads a user's history and predicts the next of 5,000 items. The output layer of
the transformer is ``FactoredOutput``, and its input embeddings are rows of the output layer's weights (``embed``). The
loss and the gradient are exact over all items, and no step computes 5,000 outputs. We compare this output layer with
the strongest cheap alternative for one target per position: cross-entropy among the targets of the minibatch, which is
``SampledOutput``.
"""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp
import torch

from wordsparse.torch import FactoredOutput, SampledOutput

torch.manual_seed(0)
torch.set_num_threads(1)

# %%
# The users are synthetic: each user has one of 100 tastes, with 50 items per taste. One item in three is a popular item
# of any taste.
random = np.random.default_rng(0)
n_items, n_users, length, dim = 5_000, 4_000, 8, 32
of_taste, taste = random.permutation(n_items).reshape(100, 50), random.integers(100, size=n_users)
popular = np.cumsum(1 / np.arange(1, n_items + 1))
sequences = np.empty((n_users, length + 2), np.int64)
for t in range(length + 2):
    own = of_taste[taste, (50 * random.random(n_users) ** 2).astype(int)]
    anything = np.searchsorted(popular, random.random(n_users) * popular[-1])
    sequences[:, t] = np.where(random.random(n_users) < 2 / 3, own, anything)
train, test = torch.from_numpy(sequences[:, :-1]), torch.from_numpy(sequences[:, -1])


# %%
# The network normalises the rows of the items, which have different norms, adds position embeddings, and has one
# transformer block.
class Body(torch.nn.Module):
    def __init__(self, embed: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.embed, self.norm = embed, torch.nn.LayerNorm(dim)
        self.places = torch.nn.Parameter(0.1 * torch.randn(length + 1, dim))
        block = torch.nn.TransformerEncoderLayer(dim, 2, dim, dropout=0.1, batch_first=True, norm_first=True)
        self.blocks = torch.nn.TransformerEncoder(block, 1, torch.nn.LayerNorm(dim), enable_nested_tensor=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        later = torch.nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        x: torch.Tensor = self.norm(self.embed(ids)) + self.places[: ids.shape[1]]
        h: torch.Tensor = self.blocks(x, mask=later, is_causal=True)
        return h


# %%
# The first output layer (*head*) is exact. The base measure of this head weights an item in the loss by the square root
# of the item's count, as for word vectors. The exact head takes its own second-order steps in the backward pass, so it
# needs no learning rate.
counts = np.bincount(train.ravel(), minlength=n_items)
head = FactoredOutput(dim, n_items, loss="zloss", bias=True, base_measure=np.sqrt(counts + 1.0))

# %%
# The second output layer is in-batch cross-entropy. The items in the minibatch stand for all items; an item is weighted
# by the inverse of the probability that it is in the minibatch. The second head moves only the rows of the items in the
# minibatch, with one learning rate per row.
sampled = SampledOutput(dim, n_items, counts=counts)


# %%
# Train the same network body with each of the two heads for eight epochs.
def learn(head: FactoredOutput | SampledOutput) -> list[float]:
    body, shares = Body(head.embed), []
    optimizer = torch.optim.Adam(body.parameters(), lr=2e-3)
    for _ in range(8):
        body.train()
        for batch in torch.randperm(n_users).split(100):
            inputs, following = train[batch, :-1], train[batch, 1:]
            loss = head(body(inputs).flatten(0, 1), following.flatten())
            optimizer.zero_grad()
            loss.backward()  # also takes the step of the head
            optimizer.step()
        body.eval()
        with torch.no_grad():
            ten = torch.cat([head.top(body(users)[:, -1], 10).indices for users in train.split(1000)])
        shares.append(float((ten == test[:, None]).any(1).double().mean()))
    return shares


found = {"exact, Z-loss": learn(head), "in-batch": learn(sampled)}
for name, shares in found.items():
    print(name, *(f"{share:.3f}" for share in shares))

# %%
# For comparison, rank items by how often other users had them together with this user's items, and by popularity.
had = sp.csr_array((np.ones(train.numel()), train.ravel(), np.arange(n_users + 1) * train.shape[1]))
had.resize(n_users, n_items)
together = had @ (had.T @ had)
top = [row.indices[np.argsort(-row.data, kind="stable")[:10]] for row in together]
by_pairs = np.mean([item in row for item, row in zip(test.tolist(), top, strict=True)])
by_popularity = np.isin(test, np.argsort(-counts, kind="stable")[:10]).mean()
print({"pairs": round(float(by_pairs), 3), "popularity": round(float(by_popularity), 3)})

# %%
figure, axes = plt.subplots(figsize=(4.4, 3.1), layout="constrained")
for name, shares in found.items():
    axes.plot(range(1, len(shares) + 1), shares, label=name)
axes.axhline(by_pairs, color="gray", label="counts of pairs")
axes.axhline(by_popularity, color="lightgray", label="popularity")
axes.set(xlabel="epoch", ylabel="next item among ten", ylim=(0, None))
axes.legend()
figure.tight_layout()
