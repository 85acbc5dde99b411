"""
The idea in plain NumPy
=======================

Train word vectors with the exact loss over all words, without wordsparse: everything that happens in a step is on this
page.

The model predicts the words near a word. With d numbers per word, the outputs for a word with vector h are o = W h, one
for each of the D words. Ordinary training computes all of o, and changes every row of W, which takes 3 D d
multiplications per input. The method of Vincent, de Brébisson and Bouthillier (NIPS 2015) gives the same loss, gradient
and new W as ordinary training, in O(d²) per input:

- The weights W = V U + p ωᵀ are stored as the factors V, U, p and ω. To change every row of W, it is enough to change
  the small U (d × d) and ω (d).
- The loss needs only the outputs of the words that are near the input in the text, and two sums over all outputs: q = Σ
  o² = hᵀ Q h and s = Σ p o = hᵀ w̄. Q = WᵀW (d × d) and w̄ = Wᵀp (d) are kept up to date.
"""

import re
import sysconfig
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

# %%
# The text is the docstrings of Python, NumPy and SciPy. Each paragraph becomes a list of lower-case words.
folders = [Path(np.__file__).parent, Path(sp.__file__).parents[1], Path(sysconfig.get_path("stdlib"))]
files = [(path, path.relative_to(folder).parts) for folder in folders for path in sorted(folder.rglob("*.py"))]
files = [path for path, parts in files if not {"tests", "test", "site-packages"} & {*parts} and path.is_file()]
sources = [path.read_text("utf-8", "replace") for path in files]
docstrings = [match for source in sources for match in re.findall(r'"""(.*?)"""', source, re.DOTALL)]
paragraphs = [re.findall(r"[a-z]\w+", part.lower()) for doc in docstrings for part in re.split(r"\n\s*\n", doc)]

frequent = Counter(word for words in paragraphs for word in words)
words = [word for word, count in frequent.most_common() if count >= 5]
row = {word: i for i, word in enumerate(words)}
counts = np.array([frequent[word] for word in words], float)
texts = [np.array([row[word] for word in part if word in row], int) for part in paragraphs]
print(f"{sum(map(len, texts)):,} words of text, D = {len(words):,} different words")

# %%
# Define the loss. The input is a word with vector h, and the target is a word c near the input in the text. Negative
# sampling would add k random words, drawn with probabilities π. The loss below is the *expected* loss of negative
# sampling, over all words at once, except that the term log(1 + eᵒ) of a random word is replaced by its bound log 2 +
# o/2 + o²/8, which needs only the sums q and s:
#
#     loss = log(1 + e^(−o_c)) + k (log 2 + s/2 + q/8),   q = Σ_i π_i o_i²,  s = Σ_i π_i o_i
#
# To make plain sums of the sums weighted by π, row i of W is stored multiplied by p_i = √π_i. The output of a word c is
# then o_c = a_c / p_c, with a = W h.
D, d, k = len(words), 50, 5
random = np.random.default_rng(1)
pi = counts**0.5 / (counts**0.5).sum()
p = np.sqrt(pi)

E = random.uniform(-0.5, 0.5, (D, d)) / d  # the word vectors
E[:, 0] = 1  # a constant, so that each output has a bias
V, U, omega = np.zeros((D, d)), np.eye(d), np.zeros(d)  # W = V U + p ωᵀ
Q, w_bar = np.zeros((d, d)), np.zeros(d)  # WᵀW and Wᵀp


# %%
# Take one step with the exact gradient. ``inputs`` (m) and ``targets`` (u) are the different words of a minibatch;
# ``near`` (m × u, sparse) says how often each target is near each input in the text. ``P`` is a preconditioner,
# ``rate`` the step size. The step returns the gradient for the vectors of the inputs. No array that the step computes
# has D rows.
def step(inputs, targets, near, P, rate):
    global U, omega, Q, w_bar
    H = E[inputs]
    i, j = near.nonzero()
    number = np.asarray(near.sum(1)).ravel()  # pairs of each input
    W_T = V[targets] @ U + np.outer(p[targets], omega)  # the targets' rows of W
    a = np.einsum("nd,nd->n", H[i], W_T[j])
    sigma = 1 / (1 + np.exp(a / p[targets[j]]))
    alpha, beta = k / 8 * number, k / 2 * number  # ∂loss/∂q and ∂loss/∂s
    gamma = sp.csr_array((-near.data * sigma / p[targets[j]], (i, j)), shape=near.shape)  # ∂loss/∂a
    gradient = 2 * alpha[:, None] * (H @ Q) + gamma @ W_T + np.outer(beta, w_bar)

    A = np.eye(d) - rate * 2 * H.T @ (alpha[:, None] * H) @ P
    b = rate * P.T @ (H.T @ beta)
    Delta = -rate * (gamma.T @ (H @ P))  # the change of the targets' rows alone: W ← W A − p bᵀ + Δ
    U, omega = U @ A, A.T @ omega - b
    V[targets] += Delta @ np.linalg.inv(U)
    w_A, W_A = A.T @ w_bar, W_T @ A - np.outer(p[targets], b)
    Q = A.T @ Q @ A - np.outer(w_A, b) - np.outer(b, w_A) + np.outer(b, b)  # Σ p² = 1
    R = Delta.T @ W_A + Delta.T @ Delta / 2
    Q, w_bar = Q + R + R.T, w_A - b + Delta.T @ p[targets]
    return gradient


# %%
# A minibatch is a block of 200 paragraphs. Two words are near each other if their positions in a paragraph differ by at
# most five.
def minibatch(block):
    pairs = [(part[:-gap], part[gap:]) for part in block for gap in range(1, 6) if len(part) > gap]
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    inputs, i = np.unique(np.r_[left, right], return_inverse=True)
    targets, j = np.unique(np.r_[right, left], return_inverse=True)
    near = sp.csr_array((np.ones(i.size), (i, j)), shape=(inputs.size, targets.size))
    near.sum_duplicates()
    return inputs, targets, near


# %%
# First check the step against the definition of the gradient: compute all outputs, the gradient by all words, and the
# new W.
inputs, targets, near = minibatch(texts[:50])
V[:] = random.standard_normal((D, d)) / 50
Q, w_bar, P = V.T @ V, V.T @ p, np.eye(d)
W, H, full = V.copy(), E[inputs], np.zeros((inputs.size, D))
full[:, targets] = near.toarray()
outputs = H @ W.T / p
by_output = -full / (1 + np.exp(outputs)) + full.sum(1)[:, None] * k * pi * (1 / 2 + outputs / 4)  # ∂loss/∂o
gradient = step(inputs, targets, near, P, 1e-3)
print("gradient:", abs(gradient - by_output / p @ W).max())
W -= 1e-3 * (by_output / p).T @ H
print("new W:", abs(V @ U + np.outer(p, omega) - W).max(), " Q:", abs(Q - W.T @ W).max())
V[:], U, omega, Q, w_bar = 0, np.eye(d), np.zeros(d), np.zeros((d, d)), np.zeros(d)

# %%
# Train. The steps are scaled by the curvature of the loss, which Q = WᵀW and the mean of h hᵀ give at no cost: the step
# of W is multiplied by P, the inverse of the mean of h hᵀ. The step of an input's vector is multiplied by the inverse
# of Q, and divided by how often the word has occurred.
seen, moment, epochs, t = np.zeros(D), np.eye(d), 2, 0
blocks = [texts[at : at + 200] for at in range(0, len(texts), 200)]
keep = np.minimum(1, np.sqrt(1e-3 * counts.sum() / counts))  # frequent words are left out more often
for epoch in range(epochs):
    for block in (blocks[at] for at in random.permutation(len(blocks))):
        inputs, targets, near = minibatch([part[random.random(part.size) < keep[part]] for part in block])
        H, pairs = E[inputs], near.sum()
        number = np.asarray(near.sum(1)).ravel()
        moment += max(1 / (t + 20), 0.01) * (H.T @ (number[:, None] * H) / pairs - moment)
        P = np.linalg.inv(moment + 0.05 * np.trace(moment) / d * np.eye(d))
        gradient = step(inputs, targets, near, P, max(1 / (t + 20), 0.01) / (k / 4) / pairs)
        seen[inputs] += number
        t += 1
        if t > 50:  # the first 50 steps only fit W to the initial vectors
            curvature = np.linalg.inv(Q + 0.01 * np.trace(Q) / d * np.eye(d)) / (k / 4)
            speed = 2.5 * (1 - t / (epochs * len(blocks)))
            E[inputs] -= speed * (gradient @ curvature) / (seen[inputs] + 100)[:, None]
            E[inputs, 0] = 1
        if np.linalg.cond(U) > 1e4:  # rarely: set U to the identity, in O(D d²)
            V[:] = V @ U + np.outer(p, omega)
            U, omega, Q, w_bar = np.eye(d), np.zeros(d), V.T @ V, V.T @ p
    W = V @ U + np.outer(p, omega)
    print(f"epoch {epoch + 1}: error of Q {abs(Q - W.T @ W).max() / abs(Q).max():.0e}")

# %%
# Print the nearest neighbours of some words, by cosine.
vectors = E[:, 1:] - np.average(E[:, 1:], axis=0, weights=counts)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
some = ("matrix", "integer", "file", "thread", "probability", "maximum")
nearest = np.argsort(-vectors[[row[word] for word in some]] @ vectors.T)[:, :7]
for near in nearest:
    print(f"{words[near[0]]:12s}", ", ".join(words[i] for i in near[1:]))

# %%
# Draw a map of some words and their neighbours, by the first two principal components of their vectors.
plane = np.linalg.svd(vectors[nearest.ravel()], full_matrices=False)[2][:2]
plt.figure(figsize=(4.4, 3.1), layout="constrained")
for color, near in enumerate(nearest):
    plt.plot(*plane @ vectors[near].T, "o", color=f"C{color}", label=some[color])
plt.legend()

# %%
# In wordsparse, the step is in ``wordsparse/layer/core.py``, the losses are in ``layer/losses.py``, the step sizes are
# in ``words/recipe.py``, and the training loop is in ``training/loop.py``; compiled kernels compute the products.
