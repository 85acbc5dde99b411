"""Files of labelled rows: valid files give the rows of a plain parser; for invalid files, the error names the line."""

import gzip

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file

from wordsparse.corpus.tables.sparse import read_data
from wordsparse.errors import InputError
from wordsparse.machine import memory


def plainly(content, header):
    """Return the features and the labels of each row, parsed in plain Python."""
    rows = []
    labels = []
    for line in (line for line in content.splitlines()[header:] if not line.lstrip().startswith("#")):
        line = line.partition("#")[0]
        parts = line.split()
        labelled = bool(parts) and ":" not in parts[0]
        labels.append({int(label) for label in parts[0].split(",")} if labelled else set())
        rows.append({int(f): float(v) for f, v in (part.split(":") for part in parts[labelled:])})
    return rows, labels


GOOD = {
    "header": ("3 5 4\n0,3 1:0.5 4:2\n2 0:1e-3\n 3:-7\n", True),
    "no header, unsorted and repeated labels, no end of line": ("3,0,3 1:0.5 4:2\n2 0:.5 1:5.", False),
    "tabs, carriage returns, comments": ("0\t1:1\t2:2 # 9:9 nan\r\n1  3:4 \r\n", False),
    "rows without anything": ("4 3 2\n0 1:1\n\n1\n 2:2\n", True),
    "a zero that is stored": ("1 0:0 1:0.0\n", False),
    "lines of comments, which are no rows": ("# qid\n0 1:1 # one\n\n  # two\n2 3:1\n# end\n", False),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_read_as_a_plain_parser_does(name, tmp_path):
    content, header = GOOD[name]
    path = tmp_path / "data.txt"
    path.write_text(content, newline="")
    X, Y = read_data(path)
    rows, labels = plainly(content, header)
    assert (X.shape[0], Y.shape[0]) == (len(rows), len(labels))
    for i, (row, labelled) in enumerate(zip(rows, labels, strict=True)):
        part = slice(X.indptr[i], X.indptr[i + 1])
        assert dict(zip(X.indices[part].tolist(), X.data[part].tolist(), strict=True)) == pytest.approx(
            {feature: value for feature, value in row.items() if value}
        )
        assert set(Y.indices[Y.indptr[i] : Y.indptr[i + 1]].tolist()) == labelled
    assert (Y.data == 1).all()
    assert X.has_sorted_indices
    assert Y.has_sorted_indices


def test_what_scikit_learn_and_scipy_write_is_read(tmp_path):
    random = np.random.default_rng(1)
    X = sp.random_array((40, 30), density=0.2, rng=random, format="csr", dtype=np.float32)
    Y = sp.csr_array((sp.random_array((40, 9), density=0.2, rng=random, format="csr") > 0).astype(np.float32))
    with open(tmp_path / "a.txt", "wb") as file:
        file.write(b"40 30 9\n")
        dump_svmlight_file(X, Y, file, multilabel=True)
    sp.save_npz(tmp_path / "x.npz", X)
    sp.save_npz(tmp_path / "y.npz", Y, compressed=False)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress((tmp_path / "a.txt").read_bytes()))
    for files in (["a.txt"], ["a.txt.gz"], ["x.npz", "y.npz"]):
        features, labels = read_data(*(tmp_path / name for name in files))
        assert (features != X).nnz == (labels != Y).nnz == 0
        assert (features.shape, labels.shape) == (X.shape, Y.shape)


def test_columns_that_no_memory_holds_are_refused(tmp_path, monkeypatch):
    """Previously, a line of twenty bytes made a model of two billion labels, which did not fit into memory."""
    monkeypatch.setattr(memory, "limits", lambda: iter([(10**9, "available memory")]))
    for content in ("1 2147483647 2147483647\n0 0:1\n", "2147483646 0:1\n", "0 2147483647:1\n"):
        (tmp_path / "y.txt").write_text(content)
        with pytest.raises(InputError, match=r"y\.txt: not enough memory: a model of .* needs about"):
            read_data(tmp_path / "y.txt")


def test_sizes_of_the_training_data_are_kept(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("0 1:1\n")
    X, Y = read_data(path, n_features=7, n_labels=5)
    assert (X.shape, Y.shape) == ((1, 7), (1, 5))
    with pytest.raises(InputError, match="has 2 features, more than the 1 that are known"):
        read_data(path, n_features=1)


def broken(path, **changed):
    """Return an npz file of a small CSR matrix with some arrays replaced."""
    arrays = {
        "format": np.array(b"csr"),
        "shape": np.array([2, 3]),
        "data": np.ones(2, np.float32),
        "indices": np.array([0, 2], np.int32),
        "indptr": np.array([0, 1, 2], np.int32),
    }
    np.savez(path, **{**arrays, **changed})
    return path


def test_targets_belong_to_npz_files_of_as_many_rows(tmp_path):
    X = broken(tmp_path / "x.npz")
    sp.save_npz(tmp_path / "y.npz", sp.csr_array((3, 4)))
    with pytest.raises(InputError, match=r"y.npz: has 3 rows, but .*x.npz has 2"):
        read_data(X, tmp_path / "y.npz")
    assert read_data(X)[1].shape == (2, 0)
    (tmp_path / "t.txt").write_text("0 1:1\n0 1:1\n")
    assert read_data(tmp_path / "t.txt", X)[1].shape == (2, 3)
    (tmp_path / "cut.npz").write_bytes(X.read_bytes()[:100])
    with pytest.raises(InputError, match=r"cut.npz: is not a matrix saved by scipy.sparse.save_npz"):
        read_data(tmp_path / "cut.npz", X)
