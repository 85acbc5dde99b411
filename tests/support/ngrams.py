"""N-grams and their rows in plain Python and NumPy float64, for comparison with compiled code."""

import numpy as np


def ngrams_of(word, shortest, longest):
    """Return the n-grams of ``<word>`` with ``shortest`` to ``longest`` characters, with repetitions."""
    text = f"<{word}>"
    return [text[i : i + n] for i in range(len(text)) for n in range(shortest, longest + 1) if i + n <= len(text)]


def texts(ngrams):
    """Return the n-grams of a compiled table as strings, in the order of their rows."""
    text, ends = ngrams.text(), ngrams.ends.tolist()
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def numbered(words, shortest, longest, at_least):
    """Return the n-grams in at least ``at_least`` words: longest first, and rarest first among equal lengths."""
    counts = {}
    for word in words:
        for ngram in dict.fromkeys(ngrams_of(word, shortest, longest)):
            counts[ngram] = counts.get(ngram, 0) + 1
    return sorted((g for g in counts if counts[g] >= at_least), key=lambda g: (-len(g), counts[g]))


def shares(words, ngrams, shortest, longest):
    """Return X (V, B) such that X G is, for each word, the mean of the rows G of its n-grams."""
    X, number = np.zeros((len(words), len(ngrams))), {ngram: i for i, ngram in enumerate(ngrams)}
    for row, word in zip(X, words, strict=True):
        columns = [number[g] for g in ngrams_of(word, shortest, longest) if g in number]
        np.add.at(row, columns, 1 / max(len(columns), 1))
    return X


def swept(X, U, weights, ridge, sweeps):
    """Return the rows G (B, d) after sweeps that start from zeros and minimise Σ weights |U − X G|² + ridge |G|²."""
    G, R = np.zeros((X.shape[1], U.shape[1])), U.astype(np.float64)
    for _ in range(sweeps):
        for row, x in zip(G, X.T, strict=True):
            change = ((weights * x) @ R - ridge * row) / (weights @ x**2 + ridge)
            row += change
            R -= np.outer(x, change)
    return G


def packed(numbers, span):
    """Return rows rounded to 8 bits, as whole numbers, and one scale for each ``span`` of columns."""
    scales = np.maximum.reduceat(np.abs(numbers), np.arange(0, numbers.shape[1], span), axis=1) / 127
    of_column = np.repeat(scales, span, axis=1)[:, : numbers.shape[1]]
    return np.rint(np.divide(numbers, of_column, out=np.zeros_like(numbers), where=of_column > 0)), scales


def parts(rows, dim):
    """Split packed rows into whole numbers and scales."""
    return rows[:, -dim:].view(np.int8), np.ascontiguousarray(rows[:, :-dim]).view(np.float32)


def unpacked(rows, dim, span):
    """Return the numbers (B, dim) that packed rows stand for."""
    numbers, scales = parts(rows, dim)
    return np.repeat(scales, span, axis=1)[:, :dim] * numbers
