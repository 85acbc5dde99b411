"""The data sets of tools/labels.py: each a pair of training and test rows, (X, Y) SciPy CSR.

Debian's package list (from apt, nothing is downloaded), mulan's sparse ARFF files (Bibtex, Delicious, Corel5k, from a
directory of the user's), and rows drawn at random. Labels that no training row has are dropped, and rows without any.
"""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

TEST_SHARE = 0.2
MIN_DEGREE = 3
# The share of packages with a long description, below which apt does not have them.
MIN_LONG = 0.9


@dataclass(frozen=True)
class DataSet:
    """Training and test rows of one data set: features (n, f) float32 and labels (n, D) of ones."""

    X: Any
    Y: Any
    X_test: Any
    Y_test: Any


@dataclass(frozen=True)
class Package:
    """A package of Debian: its source, description, facet tags, and the packages that it depends on or recommends.

    ``recommends`` has those that it suggests, too.
    """

    name: str
    source: str
    description: str
    tags: list[str]
    depends: list[str]
    recommends: list[str]


@cache
def debian_packages() -> list[Package]:
    """Every package that apt knows, by name; the first record of each."""
    long = {
        record["Description-md5"]: record["Description-en"]
        for target in _targets("Translations")
        for record in _records(_apt_file(target))
        if "Description-en" in record and "Description-md5" in record
    }
    packages: dict[str, Package] = {}
    lengthened = 0
    for record in _records(_output("apt-cache", "dumpavail")):
        name = record["Package"]
        if name in packages:
            continue
        description, is_long = record.get("Description", ""), "\n" in record.get("Description", "")
        if (found := long.get(record.get("Description-md5", ""))) is not None:
            description, is_long = found, True
        lengthened += is_long
        source = record.get("Source", name).split(" ")[0]
        tags = [tag.strip() for tag in record.get("Tag", "").replace("\n", " ").split(",") if "::" in tag]
        depends, recommends = _names(record, "Depends", "Pre-Depends"), _names(record, "Recommends", "Suggests")
        packages[name] = Package(name, source, description, tags, depends, recommends)
    if lengthened < MIN_LONG * len(packages):
        raise click.UsageError(
            f"apt has the long descriptions of {lengthened:,} of {len(packages):,} packages only: get them by "
            "`apt-get -o Acquire::Languages=en update` as root"
        )
    return [packages[name] for name in sorted(packages)]


def _names(record: dict[str, str], *fields: str) -> list[str]:
    """The first package of each alternative in the fields."""
    wanted = ", ".join(record[field] for field in fields if field in record)
    return sorted({re.split(r"[\s(:|]", part.strip(), maxsplit=1)[0] for part in wanted.split(",") if part.strip()})


def debian(which: str) -> DataSet:
    """Descriptions → tags, dependencies or recommendations (``which``: a field of :class:`Package`), 80/20 by an MD5.

    That of the name; for recommendations that of the source, so that no source is on both sides.
    """
    packages = [package for package in debian_packages() if getattr(package, which)]
    key = "source" if which == "recommends" else "name"
    in_test = np.array([_is_test(getattr(package, key)) for package in packages])
    texts = np.array([package.description for package in packages], object)
    vectorizer = TfidfVectorizer(
        token_pattern=r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]|[a-z0-9]", min_df=2, sublinear_tf=True, dtype=np.float32
    )
    X = sp.csr_array(vectorizer.fit_transform(texts[~in_test]))
    X_test = sp.csr_array(vectorizer.transform(texts[in_test]))
    names = sorted({label for package in packages for label in getattr(package, which)})
    column = {name: i for i, name in enumerate(names)}
    rows = [[column[label] for label in getattr(package, which)] for package in packages]
    Y = _indicator(rows, len(names))
    return _cleaned(X, Y[~in_test], X_test, Y[in_test])


def dependencies(seed: int) -> tuple[Any, Any]:
    """Packages × their dependencies, for a recommender: the items but one of each package, and the one held out.

    Packages have ``MIN_DEGREE`` items or more, items as many packages.
    """
    packages = debian_packages()
    names = sorted({name for package in packages for name in package.depends})
    column = {name: i for i, name in enumerate(names)}
    items = _indicator([[column[name] for name in package.depends] for package in packages], len(names))
    while True:
        seen = np.flatnonzero(np.bincount(items.indices, minlength=items.shape[1]) >= MIN_DEGREE)
        users = np.flatnonzero(np.diff(items[:, seen].indptr) >= MIN_DEGREE)
        if items.shape == (users.size, seen.size):
            break
        items = items[users][:, seen]
    place = np.random.default_rng(seed).integers(0, np.diff(items.indptr)) + items.indptr[:-1]
    left = np.ones(items.nnz, bool)
    left[place] = False
    indptr = items.indptr - np.arange(items.indptr.shape[0])
    return sp.csr_array((items.data[left], items.indices[left], indptr), shape=items.shape), items.indices[place]


def mulan(folder: Path, name: str, labels: int, *, idf: bool) -> DataSet:
    """A data set of mulan's repository: NAME-train.arff and NAME-test.arff, labels in the last columns."""
    parts = []
    for part in ("train", "test"):
        path = next(folder.glob(f"{name}-{part}*.arff"))
        columns, rows = _sparse_arff(path)
        indicator = _indicator(rows, columns)
        parts += [indicator[:, : columns - labels], indicator[:, columns - labels :]]
    X, Y, X_test, Y_test = parts
    weights = TfidfTransformer(use_idf=idf)
    return _cleaned(sp.csr_array(weights.fit_transform(X)), Y, sp.csr_array(weights.transform(X_test)), Y_test)


def synthetic(seed: int, rows: int = 20_000, features: int = 10_000, labels: int = 10_000) -> DataSet:
    """64 topics behind words and labels, three of 64 in a row; each fourth label brings three words of its own too."""
    random = np.random.default_rng(seed)
    topics = 64
    of_row = random.integers(0, topics, (rows, 3))
    words = _drawn(of_row, np.stack([random.permutation(features) for _ in range(topics)]), 30, 1.0, random)
    chosen = _drawn(of_row, np.stack([random.permutation(labels) for _ in range(topics)]), 3, 1.0, random)
    own = random.integers(0, features, (labels, 3))
    X_rows = [
        sorted({*some, *(word for c in labelled if c % 4 == 0 for word in own[c].tolist())})
        for some, labelled in zip(words.tolist(), chosen.tolist(), strict=True)
    ]
    X, Y = _indicator(X_rows, features), _indicator([sorted(set(row)) for row in chosen.tolist()], labels)
    cut = int(rows * (1 - TEST_SHARE))
    weights = TfidfTransformer()
    return _cleaned(
        sp.csr_array(weights.fit_transform(X[:cut])), Y[:cut], sp.csr_array(weights.transform(X[cut:])), Y[cut:]
    )


def spread(seed: int, rows: int, labels: int, words: int = 2000) -> DataSet:
    """Three words a row, each with one label of its own: the labels spread evenly over all that there are."""
    random = np.random.default_rng(seed)
    chosen = np.stack([random.choice(words, 3, replace=False) for _ in range(rows)])
    label = np.sort(random.choice(labels, words, replace=False))
    X, Y = _indicator(chosen.tolist(), words), _indicator(label[chosen].tolist(), labels)
    cut = int(rows * (1 - TEST_SHARE))
    return DataSet(X[:cut], Y[:cut], X[cut:], Y[cut:])


def _drawn(of_row: Any, order: Any, n: int, power: float, random: np.random.Generator) -> Any:
    """n columns a row, each from one of the row's topics, by Zipf's law in that topic's own order."""
    rows, columns = of_row.shape[0], order.shape[1]
    mass = np.cumsum(np.arange(1.0, columns + 1) ** -power)
    rank = np.searchsorted(mass, random.random((rows, n)) * mass[-1])
    topic = np.take_along_axis(of_row, random.integers(0, of_row.shape[1], (rows, n)), 1)
    return order[topic, np.minimum(rank, columns - 1)]


def _indicator(rows: list[list[int]], columns: int) -> Any:
    indptr = np.cumsum([0, *map(len, rows)])
    indices = np.array([column for row in rows for column in row], np.int32)
    return sp.csr_array((np.ones(len(indices), np.float32), indices, indptr), shape=(len(rows), columns))


def _cleaned(X: Any, Y: Any, X_test: Any, Y_test: Any) -> DataSet:
    """Without labels that no training row has, and without rows that have no label then."""
    seen = np.flatnonzero(np.asarray(Y.sum(0)).ravel() > 0)
    Y, Y_test = Y[:, seen], Y_test[:, seen]
    train, test = np.diff(Y.indptr) > 0, np.diff(Y_test.indptr) > 0
    return DataSet(X[train].astype(np.float32), Y[train], X_test[test].astype(np.float32), Y_test[test])


def _is_test(name: str) -> bool:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") < TEST_SHARE * 2**32


def _sparse_arff(path: Path) -> tuple[int, list[list[int]]]:
    """The number of attributes, and the columns that are 1 in each row."""
    columns, rows = 0, []
    with path.open(encoding="latin-1") as file:
        for line in file:
            if line.lower().startswith("@attribute"):
                columns += 1
            elif line.startswith("{"):
                rows.append([int(entry.split()[0]) for entry in line.strip().strip("{}").split(",") if entry.strip()])
    return columns, rows


def _targets(kind: str) -> list[str]:
    return _output(
        "apt-get", "-o", "Acquire::Languages=en", "indextargets", "--format", "$(FILENAME)", f"Created-By: {kind}"
    ).split()


def _apt_file(path: str) -> str:
    return _output("/usr/lib/apt/apt-helper", "cat-file", path)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _records(text: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file, field by field."""
    for paragraph in text.split("\n\n"):
        record: dict[str, str] = {}
        for field in re.split(r"\n(?! )", paragraph):
            name, colon, value = field.partition(":")
            if colon:
                record[name] = value.strip()
        if "Package" in record:
            yield record
