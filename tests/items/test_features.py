"""Features are read from tables, and a dense ridge regression gives the same rows of new items."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from wordsparse.errors import InputError
from wordsparse.items import features
from wordsparse.kernels import CpuKernels

TABLE = {
    "item": ["a", "b", "c", "d"],
    "genre": ["Film noir, Drama", "drama", "", "Comedy"],
    "is_new": [0, 1, 1, None],
    "stars": [3, 5, 3, None],
}


def groups(read):
    columns = read.matrix.toarray().T
    assert set(np.unique(columns)) <= {0, 1}
    return sorted("".join(np.array(read.items)[column > 0]) for column in columns)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "frame"])
def test_tags_words_and_numbers_are_features(kind, tmp_path):
    frame = pd.DataFrame(TABLE)
    path = tmp_path / f"items.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        frame.to_parquet(path)
    read = features.read(frame if kind == "frame" else path, "item")
    assert read.items == TABLE["item"]
    # The items with film noir, film, noir, drama, comedy, is_new, three stars and five stars.
    assert groups(read) == sorted(["a", "a", "a", "ab", "d", "bc", "ac", "b"])


def test_many_different_numbers_are_features_by_quantiles():
    frame = pd.DataFrame({"price": np.arange(100.0) ** 2, "sku": [f"s{i}" for i in range(100)]})
    read = features.read(frame, "sku")
    sizes = np.diff(read.matrix.indptr)
    assert read.items[7] == "s7"
    np.testing.assert_array_equal(sizes, np.arange(100) // 10)
    assert features.read(frame[["sku", "price"]], "item").items == read.items  # the first column


@pytest.mark.parametrize("kind", ["text", "list"])
def test_a_cell_of_a_frame_may_be_a_list(kind):
    cells = ["x,y", "y"] if kind == "text" else [["x", "y"], ["y"]]
    assert groups(features.read(pd.DataFrame({"item": [1, 2], "tags": cells}))) == ["1", "12"]


@pytest.mark.parametrize("k", [1, 33, 70])
def test_new_rows_are_those_of_a_dense_ridge(k):
    random = np.random.default_rng(k)
    V, new, p = 300, 40, 25
    X = (random.random((V + new, p)) < 0.15).astype(np.float32)
    X[:, -1] = 0
    X[V - 1 :, -1] = 1  # only one trained item has this feature, so it is not used
    rows = X[:V] @ random.normal(0, 1, (p, k)) * 10.0 ** random.integers(-3, 3, k) + random.normal(0, 0.1, (V, k))
    counts = random.integers(1, 200, V).astype(float)
    w = counts / (counts + features.DOUBT)
    mean = w @ rows / w.sum()
    A, B = X[:V, :-1], X[V:, :-1]
    G = np.linalg.solve((A.T * w) @ A + features.RIDGE * np.eye(p - 1), (A.T * w) @ (rows - mean))
    made = [features.fitted(sp.csr_array(X), rows, counts, CpuKernels(threads)) for threads in (1, 3)]
    assert made[0].tobytes() == made[1].tobytes()
    error = np.linalg.norm(made[0] - (mean + B @ G), axis=0) / np.linalg.norm(B @ G, axis=0)
    assert error.max() < 0.05


def test_popularity_is_the_mean_of_means():
    X = sp.csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], np.float32))
    made = features.popularity(X, np.array([1.0, 3.0, 8.0]))
    np.testing.assert_allclose(made, [(2 + 5.5) / 2, 5.5 / 2, 0])


def test_features_of_words_come_in_their_order():
    read = features.read(pd.DataFrame({"item": ["x", "y", "z"], "tag": ["u", "v", "u"]}))
    known = read.of(["q", "z"])
    assert known.items == ["q", "z", "x", "y"]
    np.testing.assert_array_equal(known.matrix.toarray().sum(axis=1), [0, 1, 1, 1])
    with pytest.raises(InputError, match="none of the items, such as 'x', is in the log"):
        read.check({"q"})
