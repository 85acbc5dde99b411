"""
A network in PyTorch
====================

Use :class:`wordsparse.torch.FactoredOutput` as the last layer of a PyTorch network with 50,000 classes. The optimizer
trains the body (all other layers); the output layer takes its own step, by the exact gradient, in the backward pass.

Nothing is downloaded: the data is random.
"""

import matplotlib.pyplot as plt
import torch

from wordsparse.torch import FactoredOutput

# %%
# The data is random bags of words. Each of 100 topics has its own words, and three of the 50,000 classes.
generator = torch.Generator().manual_seed(0)
D, topics, words, examples = 50_000, 100, 1000, 3000
labels = torch.randint(D, (topics, 3), generator=generator)
topic = torch.randint(topics, (examples,), generator=generator)
bags = topic[:, None] * 10 + torch.randint(10, (examples, 6), generator=generator)
targets = labels[topic, torch.randint(3, (examples,), generator=generator)]

# %%
# The body embeds the words, takes their mean and has one hidden layer; you can use any module instead. The output layer
# has no parameters, so the optimizer sees only the parameters of the body. A scheduler can also change the learning
# rate of the output layer, through ``head.fused_optimizer``.
torch.manual_seed(0)
body = torch.nn.Sequential(torch.nn.EmbeddingBag(words, 64), torch.nn.Linear(64, 64), torch.nn.ReLU())
head = FactoredOutput(64, D, loss="squared", reduction="sum", lr=2e-4)
optimizer = torch.optim.Adam(body.parameters(), lr=0.01)
losses = []
for _ in range(5):
    for some in torch.randperm(examples, generator=generator).split(100):
        loss = head(body(bags[some]), targets[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        head.fused_optimizer.step()
        losses.append(loss.item() / len(some))

# %%
# The squared error per example starts at 1: all outputs are 0 at first, and each example has one target of 1.
plt.figure(figsize=(4.4, 3.1), layout="constrained")
plt.plot(losses)
plt.xlabel("minibatch")
plt.ylabel("loss per example")

# %%
# What share of the three largest of all 50,000 outputs are classes of the input's topic?
body.eval()
head.eval()
found = head.top(body(bags[:500]).detach(), 3).indices
print("precision at 3:", round((found[:, :, None] == labels[topic[:500]][:, None, :]).any(2).float().mean().item(), 3))
