"""The two layers that the exact one is timed against, each written as well as we can.

:class:`NaiveDense`           all D outputs formed and all of W updated, squared error, by BLAS
:class:`HierarchicalSoftmax`  a Huffman tree over the outputs (Morin & Bengio 2005), by this package's compiled kernels

gensim's compiled hierarchical softmax would be another choice of the second. It steps after every pair, inside its own
sentence loop, so neither the minibatch nor the threads could be made the same; the kernels here run the same minibatch
as the exact layer, on the same threads, with no loop in Python.
"""

import heapq
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import sgemm

from wordsparse.kernels import CpuKernels, Csr

Array = NDArray[Any]

# Rows of W that pass through the three products together: their outputs and their rows stay in cache (measured best
# of 512 to 65,536 on minibatches of 128 and 1,024).
BLOCK_ROWS = 4096


def in_memory(rows: int, columns: int) -> Array:
    """Zeros, float32, written to: memory of np.zeros is first allocated when it is touched, inside a timed step."""
    return np.full((rows, columns), 0, np.float32)


class NaiveDense:
    """o = W h, squared error against one target output of value 1 an example; W (D, d) float32, updated in place.

    Blocks of outputs, so that W goes through memory once: O = H Wᵀ, dL/dO = 2 (O − Y), ∇H += dL/dO W and
    W ← W − lr (dL/dO)ᵀ H, 2 m D d operations each.
    """

    def __init__(self, n_outputs: int, n_features: int) -> None:
        self.W = in_memory(n_outputs, n_features)

    def step(self, H: Array, targets: Array, lr: float) -> Array:
        """One gradient step; ∇H (m, d) from before it.

        Parameters
        ----------
        H : (m, d) float32
        targets : (m,) int64
        """
        H_t = H.T  # BLAS wants columns: the transposes of C-ordered rows are that, without a copy
        grad_t = np.zeros_like(H_t, order="F")
        for start in range(0, self.W.shape[0], BLOCK_ROWS):
            W_t = self.W[start : start + BLOCK_ROWS].T
            grad_o = sgemm(2.0, W_t, H_t, trans_a=1)  # (rows, m): 2 O
            (here,) = np.nonzero((targets >= start) & (targets < start + W_t.shape[1]))
            grad_o[targets[here] - start, here] -= 2
            grad_t = sgemm(1.0, W_t, grad_o, beta=1.0, c=grad_t, overwrite_c=1)
            sgemm(-lr, H_t, grad_o, trans_b=1, beta=1.0, c=W_t, overwrite_c=1)
        return np.ascontiguousarray(grad_t.T)


class Paths(NamedTuple):
    """The tree's nodes above each example's target: CSR over the nodes, and the turn (+1 or −1) taken at each."""

    csr: Csr
    turns: Array


class HierarchicalSoftmax:
    """p(c | h) = Π σ(± v_n · h) over the nodes n on the way to output c; v (D − 1, d) float32.

    Parameters
    ----------
    weights : (D,) array
        Frequencies of the outputs; the Huffman tree makes the paths of the frequent ones short.
    """

    def __init__(self, weights: Array, n_features: int, kernels: CpuKernels) -> None:
        D = weights.shape[0]
        self.nodes = in_memory(D - 1, n_features)
        self._kernels = kernels
        # Leaves are 0 … D − 1, inner nodes follow as they are made, the root last.
        self._parent = np.zeros(2 * D - 1, np.int64)
        self._turn = np.ones(2 * D - 1, np.float32)
        heap = [(weight, leaf) for leaf, weight in enumerate(weights.tolist())]
        heapq.heapify(heap)
        for node in range(D, 2 * D - 1):
            (light, left), (heavy, right) = heapq.heappop(heap), heapq.heappop(heap)
            self._parent[[left, right]] = node
            self._turn[right] = -1
            heapq.heappush(heap, (light + heavy, node))

    def paths(self, targets: Array) -> Paths:
        """The paths to ``targets`` (m,). Word2vec keeps them per word: they are input to a step, not part of it."""
        root, at = self._parent.shape[0] - 1, targets.astype(np.int64)
        steps = []
        while (at < root).any():
            inside = np.nonzero(at < root)[0]
            steps.append((inside, self._parent[at[inside]], self._turn[at[inside]]))
            at[inside] = self._parent[at[inside]]
        example, node, turn = (np.concatenate(part) for part in zip(*steps, strict=True))
        order = np.argsort(example, kind="stable")
        indptr = np.concatenate([[0], np.bincount(example, minlength=targets.shape[0]).cumsum()])
        D = self.nodes.shape[0] + 1
        csr = Csr(indptr, (node[order] - D).astype(np.int32), D - 1)
        return Paths(csr, turn[order])

    def step(self, H: Array, paths: Paths, lr: float) -> tuple[Array, Array]:
        """One gradient step on the sum of −log p; the losses (m,) and ∇H (m, d) from before it."""
        kernels, csr = self._kernels, paths.csr
        x = paths.turns * kernels.pair_dots(csr, H, self.nodes)
        small = np.exp(-np.abs(x))
        losses = np.add.reduceat(np.maximum(-x, 0) + np.log1p(small), csr.indptr[:-1])
        slopes = -paths.turns * np.where(x >= 0, small, 1) / (1 + small)
        grad_h = kernels.combine(csr, slopes, self.nodes)
        # The minibatch's distinct nodes: each example's row is added to a node once, all of them together.
        rows, local = np.unique(csr.indices, return_inverse=True)
        transposed = kernels.transpose(Csr(csr.indptr, local.astype(np.int32), rows.shape[0]))
        change = kernels.combine(transposed, (-lr * slopes).astype(np.float32), H)
        kernels.add_rows(self.nodes, rows.astype(np.int64), change)
        return losses, grad_h
