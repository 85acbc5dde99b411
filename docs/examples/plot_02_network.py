"""
A network in NumPy
==================

Use :class:`wordsparse.FactoredOutput` as the last layer of your own network in NumPy. The gradient is exact over all
100,000 outputs, but the array of these outputs is never computed.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse

import wordsparse as ws

# %%
# The data is synthetic. The inputs belong to 200 classes, and each class has its own five labels, out of 100,000
# labels.
random = np.random.default_rng(0)
D, d, examples = 100_000, 32, 4000
labels = random.integers(D, size=(200, 5))
classes = random.integers(200, size=examples)
centres = random.standard_normal((200, 20))
X = (centres[classes] + 0.3 * random.standard_normal((examples, 20))).astype(np.float32)
Y = scipy.sparse.csr_matrix(
    (np.ones(5 * examples, np.float32), (np.repeat(np.arange(examples), 5), labels[classes].ravel())),
    shape=(examples, D),
)

# %%
# The network has one hidden layer of rectified linear units. The layer returns the losses and the gradient with respect
# to its inputs, and takes its own gradient step. The chain rule gives the gradient of the hidden layer. The layer's
# step is for the sum of the losses over the minibatch; for the mean, divide the learning rate by the minibatch size.
A = (random.standard_normal((20, d)) / np.sqrt(20)).astype(np.float32)
layer = ws.FactoredOutput(n_outputs=D, n_features=d, loss="squared")
rate, minibatch, losses = 0.05, 100, []
for _ in range(20):
    for start in range(0, examples, minibatch):
        x, y = X[start : start + minibatch], Y[start : start + minibatch]
        hidden = np.maximum(x @ A, 0)
        loss, by_hidden = layer.step(hidden, y, lr=rate / minibatch)
        A -= rate / minibatch * x.T @ (by_hidden * (hidden > 0))
        losses.append(loss.mean())

# %%
# The squared error per example starts at 5: all outputs are 0 at first, and each example has five targets of 1.
plt.figure(figsize=(4.4, 3.1), layout="constrained")
plt.plot(losses)
plt.xlabel("minibatch")
plt.ylabel("loss per example")

# %%
# What share of the five largest outputs for an input are labels of the input's class?
best, _ = layer.top(np.maximum(X[:500] @ A, 0), k=5)
print("precision at 5:", np.mean([np.isin(row, labels[c]).mean() for row, c in zip(best, classes, strict=False)]))
