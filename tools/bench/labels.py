"""Classifiers for huge sparse sets of labels: ranking scores and CPU seconds of wordsparse, omikuji and fastText."""

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

import wordsparse as ws
from tools.bench.runner import Benchmark, Row, cpu_seconds, output_of
from wordsparse.labels import TextClassifier
from wordsparse.labels.ranking import inverse_propensities, ranking_scores

KS = (1, 3, 5)
OMIKUJI = """
import json, sys
import omikuji
train, test, out = sys.argv[1:]
model = omikuji.Model.train_on_data(train, omikuji.Model.default_hyper_param(), n_threads=1)
rows = [line.split()[1:] for line in open(test).readlines()[1:]]
rows = [[(int(f), float(v)) for f, v in (pair.split(":") for pair in row)] for row in rows]
json.dump([model.predict(row, top_k=5) for row in rows], open(out, "w"))
"""
# Train fastText with the given settings; write the labels predicted for each line of the test file.
FASTTEXT = """
import json, sys
import fasttext
train, test, out, settings = sys.argv[1:]
model = fasttext.train_supervised(train, thread=1, verbose=0, **json.loads(settings))
rows = [model.f.predict(line, 5, 0.0, "strict") for line in open(test)]
json.dump([[label.removeprefix("__label__") for _, label in row] for row in rows], open(out, "w"))
"""
LONG_RUN = {"lr": 0.5, "epoch": 25, "wordNgrams": 2}
# The number of labels above which fastText uses its hierarchical softmax: the full softmax would take hours.
MANY_LABELS = 10_000
WORDNET = Path("/usr/share/wordnet/data.noun")


@dataclass(frozen=True)
class DataSet:
    """Training and test rows of a data set: features (n, f) float32, and labels (n, D) as a sparse matrix of ones."""

    X: Any
    Y: Any
    X_test: Any
    Y_test: Any


@dataclass
class Labels(Benchmark):
    """P@k and PSP@k in per cent, and CPU seconds, of our classifier with its defaults and of omikuji.

    ``debian-tags`` and ``debian-depends`` predict facet tags or dependencies from the descriptions of Debian's
    packages, which apt lists. ``wordnet`` predicts the hypernyms of nouns, up to three levels above, from the words and
    the definitions in Debian's package wordnet-base. ``synthetic`` is a random data set with topics. Any other NAME
    stands for the files NAME-train.txt and NAME-test.txt in the format of the Extreme Classification Repository.
    """

    data: Any = ("debian-tags", "debian-depends", "synthetic")
    split: Any = (0,)  # another number gives texts other training and test rows
    rerank: Any = ("auto",)  # 0 leaves it out
    omikuji: str = ""  # the Python interpreter of an environment with omikuji
    cases: ClassVar[tuple[str, ...]] = ("data", "split", "rerank")

    def setup(self) -> None:
        self.rows = load(self.data, self.split)

    def leaves_out(self, name: str) -> bool:
        return name == "track_omikuji" and not self.omikuji

    def track_classifier(self) -> list[Row]:
        before = cpu_seconds()
        classifier = ws.SparseTargetClassifier(rerank=str(self.rerank) != "0", threads=self.threads)
        classifier.fit(self.rows.X, self.rows.Y)
        fitted = cpu_seconds()
        labels, _ = classifier.predict_topk(self.rows.X_test, max(KS))
        return [{"cpu_seconds": fitted - before, "predict_cpu_seconds": cpu_seconds() - fitted, **self._judged(labels)}]

    def track_omikuji(self) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder, "train.txt"), self.rows.X, self.rows.Y)
            write_rows(Path(folder, "test.txt"), self.rows.X_test, self.rows.Y_test)
            cpu, rows = ran(self.omikuji, OMIKUJI, folder)
        return [{"cpu_seconds": cpu, **self._judged(table_of([[label for label, _ in row] for row in rows]))}]

    def _judged(self, labels: Any) -> Row:
        return judged(labels, self.rows.Y, self.rows.Y_test)


def write_rows(path: Path, X: Any, Y: Any) -> None:
    """Write rows in the format of the Extreme Classification Repository."""
    for matrix in (X, Y):  # the only type that scikit-learn writes
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    rows = io.BytesIO()
    dump_svmlight_file(X, Y, rows, multilabel=True)
    header = f"{X.shape[0]} {X.shape[1]} {Y.shape[1]}\n".encode()
    # A row without features ends with a space, which omikuji refuses.
    path.write_bytes(header + rows.getvalue().replace(b" \n", b"\n"))


@dataclass
class Texts(Benchmark):
    """P@k and PSP@k in per cent, and CPU seconds including the reading of texts, of our classifier with its defaults
    and of fastText.

    The task is to predict facet tags (``debian-tags``) or dependencies (``debian-depends``) from the short descriptions
    of Debian's packages, which apt lists. fastText, with defaults and in a long run, reads the same lower-case words.
    """

    data: Any = ("debian-tags", "debian-depends")
    fasttext: str = ""  # the Python interpreter of an environment with fastText
    cases: ClassVar[tuple[str, ...]] = ("data",)

    def setup(self) -> None:
        texts, labels, in_test = split_texts(debian_packages(self.data, long=False))
        self.texts, self.new, self.labels = texts[~in_test].tolist(), texts[in_test].tolist(), labels[~in_test].tolist()
        self.column = columns_of(self.labels)
        Y = indicator(labels, self.column)
        self.Y, self.Y_test = Y[~in_test], Y[in_test]

    def leaves_out(self, name: str) -> bool:
        return name.startswith("track_fasttext") and not self.fasttext

    def track_text_classifier(self) -> list[Row]:
        before = cpu_seconds()
        classifier = TextClassifier(threads=self.threads).fit(self.texts, self.labels)
        names, _ = classifier.predict_topk(self.new, max(KS))
        columns = np.array([[self.column.get(name, -1) for name in row] for row in names])
        return [{"cpu_seconds": cpu_seconds() - before, **judged(columns, self.Y, self.Y_test)}]

    def track_fasttext(self) -> list[Row]:
        return self._fasttext({})

    def track_fasttext_long_run(self) -> list[Row]:
        return self._fasttext(LONG_RUN)

    def _fasttext(self, settings: dict[str, Any]) -> list[Row]:
        if len(self.column) > MANY_LABELS:
            settings = {**settings, "loss": "hs"}
        words = TfidfVectorizer().build_analyzer()
        lines = [" ".join(words(text)) + "\n" for text in (*self.texts, *self.new)]
        with tempfile.TemporaryDirectory() as folder:
            marks = ["".join(f"__label__{label} " for label in row) for row in self.labels]
            marked = "".join(mark + line for mark, line in zip(marks, lines[: len(marks)], strict=True))
            Path(folder, "train.txt").write_text(marked)
            Path(folder, "test.txt").write_text("".join(lines[len(marks) :]))
            cpu, rows = ran(self.fasttext, FASTTEXT, folder, json.dumps(settings))
        top = table_of([[self.column[label] for label in row] for row in rows])
        return [{"settings": settings, "cpu_seconds": cpu, **judged(top, self.Y, self.Y_test)}]


def ran(python: str, program: str, folder: str, *more: str) -> tuple[float, list[Any]]:
    """Run a rival in its own environment on the files in a folder. Return CPU seconds and each line's predictions."""
    files, before = [Path(folder, name) for name in ("train.txt", "test.txt", "out.json")], cpu_seconds()
    output_of(python, "-c", program, *files, *more)
    return cpu_seconds() - before, json.loads(files[-1].read_text())


def table_of(rows: list[list[int]]) -> Any:
    """Return the first max(KS) labels of each row as a table, padded with −1."""
    return np.array([(row + [-1] * max(KS))[: max(KS)] for row in rows])


def judged(labels: Any, Y: Any, Y_test: Any) -> Row:
    """Compute P@k and PSP@k of ranked labels, in per cent."""
    inverse = inverse_propensities(np.bincount(Y.indices, minlength=Y.shape[1]), Y.shape[0])
    scores = ranking_scores(labels, Y_test, inverse, KS)
    return {f"{name}@{k}": round(100 * scores[name][k], 1) for name in ("precision", "psp") for k in KS}


@cache
def load(name: str, split: int = 0) -> DataSet:
    """Load a data set by name, or from two files whose names begin with ``name``."""
    if name == "synthetic":
        return synthetic()
    if name == "wordnet" or name.startswith("debian-"):
        return of_texts(name, split)
    parts = (ws.labels.read_data(Path(f"{name}-{part}.txt")) for part in ("train", "test"))
    return cleaned(*(matrix for part in parts for matrix in part))


def of_texts(name: str, split: int) -> DataSet:
    """Pair the words of texts with their labels."""
    texts, labels, in_test = split_texts(wordnet_nouns() if name == "wordnet" else debian_packages(name), split)
    words = r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]|[a-z0-9]"
    vectorizer = TfidfVectorizer(token_pattern=words, min_df=2, sublinear_tf=True, dtype=np.float32)
    X = sp.csr_array(vectorizer.fit_transform(texts[~in_test]))
    Y = indicator(labels, columns_of(labels[~in_test]))
    return cleaned(X, Y[~in_test], sp.csr_array(vectorizer.transform(texts[in_test])), Y[in_test])


def split_texts(described: dict[str, tuple[str, list[str]]], split: int = 0) -> tuple[Any, Any, Any]:
    """Return the texts and the lists of labels of named rows, and a mask of the test set: a fifth of the rows, chosen
    by the byte number ``split`` of the MD5 of their names."""
    names = sorted(described)
    texts, labels = np.empty((2, len(names)), object)
    for row, name in enumerate(names):
        texts[row], labels[row] = described[name]
    digests = (hashlib.md5(name.encode(), usedforsecurity=False).digest() for name in names)
    return texts, labels, np.array([digest[split] < 51 for digest in digests])


def columns_of(labels: Any) -> dict[Any, int]:
    """Return a dict from each label of some rows to its column."""
    return {label: column for column, label in enumerate(sorted({label for row in labels for label in row}))}


def wordnet_nouns() -> dict[str, tuple[str, list[str]]]:
    """Return the words with the definition of every noun of WordNet, and its hypernyms up to three levels above."""
    glosses, above = dict[str, str](), dict[str, set[str]]()
    for line in WORDNET.read_text("latin-1").splitlines():
        if not line.startswith(" "):  # the licence
            data, _, gloss = line.partition(" | ")
            noun, _, _, count, *rest = data.split()
            words, pointers = rest[: 2 * int(count, 16) : 2], rest[2 * int(count, 16) + 1 :]
            glosses[noun] = " ".join([*words, gloss]).replace("_", " ").lower()
            above[noun] = {to for kind, to in zip(pointers[::4], pointers[1::4], strict=True) if kind in ("@", "@i")}
    nouns = {}
    for noun, gloss in glosses.items():
        hypernyms = level = above[noun]
        for _ in range(2):
            level = set().union(*(above[each] for each in level))
            hypernyms = hypernyms | level
        if hypernyms:
            nouns[noun] = gloss, sorted(hypernyms)
    return nouns


def debian_packages(name: str, *, long: bool = True) -> dict[str, tuple[str, list[str]]]:
    """Return, for every package that has labels, its long or short description and its labels: facet tags or, for
    ``debian-depends``, dependencies."""
    records_of_long = translations() if long else []
    described = {record.get("Description-md5"): record["Description-en"] for record in records_of_long}
    packages: dict[str, tuple[str, list[str]]] = {}
    for record in records(output_of("apt-cache", "dumpavail")):
        if name == "debian-tags":
            parts = record.get("Tag", "").replace("\n", " ").split(",")
            labels = [tag.strip() for tag in parts if "::" in tag]
        else:
            wanted = ", ".join(record[field] for field in ("Depends", "Pre-Depends") if field in record)
            names = {re.split(r"[\s(:|]", part.strip(), maxsplit=1)[0] for part in wanted.split(",") if part.strip()}
            labels = sorted(names)
        if labels:
            description = described.get(record.get("Description-md5"), record.get("Description", ""))
            packages.setdefault(record["Package"], (description, labels))
    return packages


def translations() -> list[dict[str, str]]:
    """Return apt's records of long descriptions."""
    command = ("apt-get", "-o", "Acquire::Languages=en", "indextargets", "--format", "$(FILENAME)")
    files = output_of(*command, "Created-By: Translations").split()
    read = [one for path in files for one in records(output_of("/usr/lib/apt/apt-helper", "cat-file", path))]
    described = [record for record in read if "Description-en" in record]
    if not described:
        raise click.ClickException("apt has no long descriptions: run apt-get -o Acquire::Languages=en update as root")
    return described


def records(text: str) -> Iterator[dict[str, str]]:
    """Yield each paragraph of a Debian control file as a dict of its fields."""
    for paragraph in text.split("\n\n"):
        fields = (field.partition(":") for field in re.split(r"\n(?! )", paragraph))
        record = {name: value.strip() for name, colon, value in fields if colon}
        if "Package" in record:
            yield record


def synthetic() -> DataSet:
    """Draw rows whose words and labels come from three of 64 topics; every fourth label adds three words of its own."""
    random, topics, rows, features, labels = np.random.default_rng(1), 64, 20_000, 10_000, 10_000
    of_row = random.integers(0, topics, (rows, 3))
    words = drawn(of_row, np.stack([random.permutation(features) for _ in range(topics)]), 30, random)
    chosen = drawn(of_row, np.stack([random.permutation(labels) for _ in range(topics)]), 3, random)
    own = random.integers(0, features, (labels, 3))
    X_rows = [
        sorted({*some, *(word for c in labelled if c % 4 == 0 for word in own[c].tolist())})
        for some, labelled in zip(words.tolist(), chosen.tolist(), strict=True)
    ]
    X, Y = indicator(X_rows, range(features)), indicator([sorted(set(row)) for row in chosen.tolist()], range(labels))
    cut, weights = rows * 4 // 5, TfidfTransformer()
    X_train = sp.csr_array(weights.fit_transform(X[:cut]))
    return cleaned(X_train, Y[:cut], sp.csr_array(weights.transform(X[cut:])), Y[cut:])


def drawn(of_row: Any, order: Any, n: int, random: np.random.Generator) -> Any:
    """Draw n columns per row, each by Zipf's law over the order of columns of a random topic of the row."""
    rows, columns = of_row.shape[0], order.shape[1]
    mass = np.cumsum(1 / np.arange(1.0, columns + 1))
    rank = np.searchsorted(mass, random.random((rows, n)) * mass[-1])
    topic = np.take_along_axis(of_row, random.integers(0, of_row.shape[1], (rows, n)), 1)
    return order[topic, np.minimum(rank, columns - 1)]


def indicator(rows: Any, column: Any) -> Any:
    """Return a sparse matrix with a one for each label of each row. ``column`` gives the column of a label; labels
    without a column are left out."""
    indices = [[column[label] for label in row if label in column] for row in rows]
    indptr = np.cumsum([0, *map(len, indices)])
    flat = np.fromiter(chain.from_iterable(indices), np.int32)
    return sp.csr_array((np.ones(len(flat), np.float32), flat, indptr), shape=(len(rows), len(column)))


def cleaned(X: Any, Y: Any, X_test: Any, Y_test: Any) -> DataSet:
    """Remove labels that no training row has, then rows without any label."""
    seen = np.flatnonzero(np.asarray(Y.sum(0)).ravel() > 0)
    Y, Y_test = Y[:, seen], Y_test[:, seen]
    train, test = np.diff(Y.indptr) > 0, np.diff(Y_test.indptr) > 0
    return DataSet(X[train].astype(np.float32), Y[train], X_test[test].astype(np.float32), Y_test[test])
