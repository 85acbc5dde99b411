"""
Sparse regression
=================

This example is a ridge regression for 100,000 targets, nearly all of them 0. The layer finds the exact solution in
minibatches, at a cost that does not depend on the number of targets.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

import wordsparse as ws

# %%
# The data is synthetic: each shopper has a mixture of 50 tastes, which determines the features of the shopper and the
# amounts of 20 out of 100,000 articles.
random = np.random.default_rng(0)
n_targets, n_features, n_rows, per_row = 100_000, 32, 20_000, 20
articles = random.integers(0, n_targets, (50, 200))
mixture = random.dirichlet(np.full(50, 0.1), n_rows)
H = (mixture @ random.standard_normal((50, n_features))).astype(np.float32)
taste = (mixture.cumsum(1)[:, None, :] < random.random((n_rows, per_row, 1))).sum(2).clip(max=49)
bought = articles[taste, random.integers(0, 200, taste.shape)]
amounts = random.gamma(2, 0.5, bought.size).astype(np.float32)
Y = sp.csr_array((amounts, (np.repeat(np.arange(n_rows), per_row), bought.ravel())), shape=(n_rows, n_targets))

# %%
# W = YᵀH C⁻¹, with C = λ I + HᵀH, minimises Σ ‖W h - y‖² + λ ‖W‖² over all rows so far; h is a row of the features H,
# and y is the row of the targets Y for h. Recursive least squares (Plackett, 1950) updates W for each minibatch with
# one gradient step of rate 1, preconditioned by ½ C⁻¹.
ridge = 10.0
layer, C = ws.FactoredOutput(n_targets, n_features, loss="squared"), ridge * np.eye(n_features)
began = time.process_time()
for start in range(0, n_rows, 500):
    rows = slice(start, start + 500)
    C += H[rows].T.astype(float) @ H[rows]
    losses, _ = layer.step(H[rows], Y[rows], lr=1.0, preconditioner=0.5 * np.linalg.inv(C))
seconds = {"the layer, all rows": time.process_time() - began}

# %%
# The weights of the layer equal the closed-form solution, up to the rounding of float32.
closed_form = (Y.T @ H) @ np.linalg.inv(C)
W = layer.weights()
print(f"largest weight {np.abs(W).max():.4f}, largest difference {np.abs(W - closed_form).max():.1e}")

# %%
# A dense layer computes all outputs of each row, which is slow, so we time the dense layer for only one of the forty
# minibatches.
began = time.process_time()
error = H[rows] @ W.T - Y[rows].toarray()
W -= 1.0 * (2 * error.T @ H[rows]) @ (0.5 * np.linalg.inv(C)).astype(np.float32)
seconds["a dense step, one minibatch"] = time.process_time() - began
print({name: round(value, 2) for name, value in seconds.items()})
figure, axes = plt.subplots(figsize=(4.4, 3.1), layout="constrained")
axes.barh(list(seconds), list(seconds.values()))
axes.set(xlabel="CPU seconds")
