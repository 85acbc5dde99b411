"""Fixtures for tests of the command line: vectors of four words, and models of labels with their data."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors


@pytest.fixture
def vectors(tmp_path):
    word_vectors = WordVectors(["man", "king", "woman", "queen"], [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]])
    return str(save_vectors(word_vectors, tmp_path / "vectors.txt", "word2vec")[0])


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Write rows, as text and npz, and train a model on them. A row has one of six labels and two of that label's
    features."""
    folder = tmp_path_factory.mktemp("labels")
    for name, n, seed in (("train", 200, 1), ("test", 40, 2)):
        random = np.random.default_rng(seed)
        label = random.integers(0, 6, n)
        words = label[:, None] * 5 + random.integers(0, 5, (n, 2))
        X, Y = np.zeros((n, 30), np.float32), np.zeros((n, 6), np.float32)
        np.put_along_axis(X, words, 1, 1)
        np.put_along_axis(Y, label[:, None], 1, 1)
        with open(folder / f"{name}.txt", "wb") as file:
            file.write(f"{n} 30 6\n".encode())
            dump_svmlight_file(sp.csr_array(X), sp.csr_array(Y), file, multilabel=True)
        sp.save_npz(folder / f"{name}-x.npz", sp.csr_array(X))
        sp.save_npz(folder / f"{name}-y.npz", sp.csr_array(Y))
    assert main(["labels", "train", str(folder / "train.txt"), "-o", str(folder / "model"), "--threads=1"]) == 0
    return folder


@pytest.fixture(scope="session")
def posts(tmp_path_factory):
    """Write a table of texts, each tagged with its first word. Train a model on the table."""
    folder = tmp_path_factory.mktemp("posts")
    rows = [f'{i},{name} number {i % 7},"pet,{name}"' for i, name in enumerate(["dog", "cat", "cat"] * 30)]
    (folder / "posts.csv").write_text("\n".join(["id,text,tags", *rows]))
    columns = ["--column", "text", "--labels", "tags"]
    assert main(["labels", "train", str(folder / "posts.csv"), *columns, "-o", str(folder / "m"), "-q"]) == 0
    return folder
