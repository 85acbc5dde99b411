"""Laws of labels: permutations, weights, forgotten rows, shares, names of labels, and fresh rows."""

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.labels import KINDS, always_reranked, of_kind
from support.laws import NAMES, law

from wordsparse.cli import main
from wordsparse.corpus.tables import table_rows
from wordsparse.labels import TextClassifier, classification, ranking, read_texts, specialists, tuning
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.logistic import Calibration
from wordsparse.labels.targets import labels_of

SEEDS = st.integers(0, 2**32 - 1)


def made(seed: int, rows: int, features: int, labels: int, density: float | None = None) -> tuple[Any, Any]:
    """Make rows with real values, of which some are empty if they are sparse, and labels that depend on them."""
    random = np.random.default_rng(seed)
    density = random.choice([0.05, 0.3, 1]) if density is None else density
    X = random.standard_normal((rows, features)) * (random.random((rows, features)) < density)
    scores = X @ random.standard_normal((features, labels)) + random.standard_normal((rows, labels))
    Y = scores > np.quantile(scores, random.choice([0.6, 0.9]))
    Y[0, 0] = True
    return sp.csr_array(X.astype(np.float32)), sp.csr_array(Y.astype(np.float32))


@contextlib.contextmanager
def small_steps(is_reranked: bool) -> Iterator[None]:
    """Fit heads and re-rankings from 40 rows on. With ``is_reranked``, every re-ranking seems better."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classification, "HEAD_ROWS", 40)
        patch.setattr(classification, "HEAD_LABELS", 2)
        patch.setattr(classification, "HELD_OUT", 3)
        patch.setattr(specialists, "LEAST_ROWS", 3)
        with always_reranked() if is_reranked else contextlib.nullcontext():
            yield


def files(model: Any) -> dict[str, bytes]:
    """Return the files of a saved classifier."""
    with tempfile.TemporaryDirectory() as directory:
        model.save(Path(directory) / "model")
        return {path.name: path.read_bytes() for path in (Path(directory) / "model").iterdir()}


@law(15)
@given(SEEDS, st.integers(2, 300), st.integers(1, 40), st.integers(1, 20))
def test_a_permutation_of_rows_changes_rounding_only(seed: int, rows: int, features: int, labels: int) -> None:
    """With fewer than 1,000 rows, and with λ and the scoring power fixed. (Rounding ranks two labels of the same rows,
    so it can choose between values of λ that rank equally well.)"""
    X, Y = made(seed, rows, features, labels)
    order, weights = np.random.default_rng(seed).permutation(rows), np.random.default_rng(seed).uniform(0.5, 2, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "RIDGES", (1.25,))
        patch.setattr(tuning, "POWERS", (0.3,))
        one = SparseTargetClassifier(threads=1).fit(X, Y, weights)
        other = SparseTargetClassifier(threads=1).fit(X[order], Y[order], weights[order])
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=2e-3)


@law(15)
@given(SEEDS, st.integers(2, 120), st.integers(1, 40), st.integers(1, 20))
def test_a_weight_n_is_n_rows(seed: int, rows: int, features: int, labels: int) -> None:
    """With λ fixed, the outputs of the regression and the counts of labels are equal."""
    X, Y = made(seed, rows, features, labels)
    weights = np.random.default_rng(seed).integers(0, 5, rows)
    weights[0] = max(1, weights[0])
    again = np.repeat(np.arange(rows), weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "RIDGES", (1.25,))
        weighted = SparseTargetClassifier(threads=1).fit(X, Y, weights)
        repeated = SparseTargetClassifier(threads=1).fit(X[again], Y[again])
    np.testing.assert_array_equal(weighted.label_counts_, repeated.label_counts_)
    assert weighted.n_rows_ == repeated.n_rows_
    prepared = classification.prepared(X, weighted._fitted.length)
    outputs = [each._fitted.scorer.outputs(prepared, np.arange(labels)) for each in (weighted, repeated)]
    np.testing.assert_allclose(*outputs, atol=1e-3)


VALUES: dict[str, Any] = {
    "classes": lambda row, n: f"class {row % n}",
    "numbers": lambda row, n: row % n,
    "lists": lambda row, n: {f"l{row % n}", f"l{row % 3}"},
}


@law(5)
@given(SEEDS, st.sampled_from(["sparse", *VALUES]), st.booleans(), st.integers(10, 120), st.data())
def test_a_history_leaves_no_trace(seed: int, form: str, is_weighted: bool, rows: int, data: st.DataObject) -> None:
    """After rows were added and forgotten, and the model was saved and loaded, its files have the bytes of a model
    trained on the remaining rows at once. So its predictions, thresholds, machines and neighbours are equal too."""
    random = np.random.default_rng(seed)
    X, Y = made(seed, rows, 30, 6)
    y = Y if form == "sparse" else [VALUES[form](row, 6) for row in random.permutation(rows).tolist()]
    weights = np.exp(random.standard_normal(rows)) * (random.random(rows) < 0.8)
    weights[0] = 1
    names = [f"user {row}" for row in random.integers(0, max(2, rows // 2), rows)]
    odds: dict[Any, float] = {}

    def fit(places: list[int]) -> Any:
        labels = y[places] if form == "sparse" else [y[place] for place in places]
        classes = labels_of(labels)[1].tolist()
        for label in odds.keys() - classes:  # the weight of a label is forgotten with its rows
            del odds[label]
        of_labels = [odds.setdefault(label, 1.0) for label in classes] if odds else None
        ids = [names[place] for place in places]
        return SparseTargetClassifier(threads=1).fit(X[places], labels, weights[places], of_labels, ids)

    kept = list(range(max(2, rows // 2)))
    left = list(range(len(kept), rows))
    if is_weighted:
        classes = labels_of(y[kept] if form == "sparse" else y[: len(kept)])[1].tolist()
        odds = {label: data.draw(st.floats(5e-324, 1.7e308), "weight") for label in classes}
    with small_steps(data.draw(st.booleans(), "reranked")):
        model = fit(kept)
        for step in data.draw(st.lists(st.sampled_from(["add", "forget", "save"]), min_size=1, max_size=4)):
            if step == "add" and left:
                new = left[: data.draw(st.integers(1, len(left)), "count")]
                labels = y[new] if form == "sparse" else [y[place] for place in new]
                model.partial_fit(X[new], labels, sample_weight=weights[new], ids=[names[place] for place in new])
                kept, left = kept + new, left[len(new) :]
            elif step == "forget":
                gone = data.draw(st.sets(st.sampled_from(sorted({names[place] for place in kept})), min_size=1), "gone")
                rest = [place for place in kept if names[place] not in gone]
                if any(weights[place] and (form != "sparse" or Y[[place]].nnz) for place in rest):
                    model.forget(gone)
                    kept = rest
            elif step == "save":
                with tempfile.TemporaryDirectory() as directory:
                    model.save(Path(directory) / "model")
                    model = SparseTargetClassifier.load(Path(directory) / "model")
                    model.threads = 1
            expected = fit(kept)
            assert files(model) == files(expected)
        assert model.explain(X, 3) == expected.explain(X, 3)


@law(8)
@given(SEEDS, st.booleans(), st.booleans(), st.integers(2, 120))
def test_shares_sum_to_the_output(seed: int, is_one_class: bool, is_weighted: bool, rows: int) -> None:
    """The shares of an explanation and its constant sum to the output, which is the log-odds of a label of the head,
    unless the label is ranked again. The numbers of neighbours are those of training rows with the label."""
    X, Y = made(seed, rows, 30, 6)
    y = [f"class {row % 4}" for row in range(rows)] if is_one_class else Y
    weights = np.arange(rows) % 3 < 2 if is_weighted else np.ones(rows)
    with small_steps(True):
        model = SparseTargetClassifier(threads=1).fit(X, y, weights)
    fitted, odds = model._fitted, model._fitted.logits(X, np.arange(len(model.classes_)))
    for i, row in enumerate(model.explain(X, 3)):
        for part in row:
            assert sum(part.shares.values()) + part.constant == pytest.approx(part.output, rel=1e-6, abs=1e-6)
            column = model.classes_.tolist().index(part.label)
            if not (model.reranked_ or is_one_class) and column in fitted.head.labels:
                assert part.output == pytest.approx(odds[i, column], abs=1e-3)
            for neighbour in part.neighbours:
                assert weights[neighbour]
                assert y[neighbour] == part.label if is_one_class else Y[neighbour, column]


TEXTS = ["a cat purrs", "the dog barks", "cat and dog sleep", "a cat sleeps", "one dog runs"]


@law(5)
@given(st.lists(NAMES.filter(lambda name: not name.endswith("\0")), min_size=2, max_size=4, unique=True))
def test_names_of_labels_are_kept(names: list[str]) -> None:
    """Labels come back as they were given, from the estimator, from a saved model, and from the files of the commands.
    Each row has one line of output."""
    labels = [[names[row % len(names)]] for row in range(len(TEXTS))]
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        lines = [json.dumps({"text": text, "tags": tags}) for text, tags in zip(TEXTS * 4, labels * 4, strict=True)]
        (directory / "rows.jsonl").write_text("\n".join(lines))
        read = read_texts(directory / "rows.jsonl", "text", "tags")
        stripped = [[name.strip() for name in row if name.strip()] for row in labels]
        assert read == (TEXTS * 4, stripped * 4)
        if not any(map(any, stripped)):
            return
        model = TextClassifier(threads=1, min_count=1).fit(TEXTS * 4, labels * 4)
        assert model.classes_.tolist() == sorted({*names} & {row[0] for row in labels})
        model.save(directory / "fitted")
        again = TextClassifier.load(directory / "fitted")
        assert again.classes_.tolist() == model.classes_.tolist()
        assert again.predict_topk(TEXTS, 1)[0][:, 0].tolist() == [row[0] for row in labels]
        source = [str(directory / "rows.jsonl"), "--column", "text"]
        main(["labels", "train", *source, "--labels", "tags", "-o", str(directory / "model"), "--min-count", "1", "-q"])
        expected = [row[0] if row else None for row in stripped * 4]
        for name in ("labels.jsonl", "labels.parquet"):
            main(["labels", "predict", str(directory / "model"), *source, "-k", "1", "-o", str(directory / name)])
            answers = [cells[0] for _, cells in table_rows(directory / name, ["labels"])]
            for answer, label in zip(answers, expected, strict=True):
                assert label is None or answer == [label]
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            main(["labels", "predict", str(directory / "model"), *source, "-k", "1"])
        assert len(shown.getvalue().split("\n")) == len(TEXTS) * 4 + 1


def losses(model: Any, X: Any, Y: Any) -> Any:
    """Return the log loss of each row, (n,), for the labels among which calibration is fitted: the likeliest."""
    labels, z = model._fitted.top(X, tuning.DEPTH)
    z = np.where(np.isfinite(z), z, -99)
    return (np.logaddexp(0, z) - z * ranking.is_true(Y, labels)).sum(axis=1)


@pytest.mark.parametrize(
    ("kind", "rows", "seeds"),
    [
        *((kind, 1500, (1,)) for kind in ("topics", "nearest prototype", "dense")),
        *(
            pytest.param(kind, rows, (1, 2, 3), marks=pytest.mark.nightly)
            for rows in (400, 1000, 3000)
            for kind in KINDS
        ),
    ],
)
def test_choices_suit_fresh_rows_as_well_as_the_defaults(kind: str, rows: int, seeds: tuple[int, ...]) -> None:
    """No choice by held-out rows is worse than its default by more than two standard errors, for as many rows as in
    training that no part of training has seen: re-ranking in nDCG@5 and P@1, thresholds in the F1 of labels, and
    calibration in the log loss. They are chosen by nDCG@5, F1 and log loss."""
    gains: dict[str, list[Any]] = {}
    for seed in seeds:
        X, Y = of_kind(kind, 2 * rows, seed)
        fresh, truth = X[rows:], Y[rows:]
        models = [SparseTargetClassifier(rerank=rerank, threads=1).fit(X[:rows], Y[:rows]) for rerank in (True, False)]
        model, plain = models
        hits = [ranking.is_true(truth, each.predict_topk(fresh, 5)[0]) for each in models]
        ndcg = [ranking.ndcg(each, np.diff(truth.indptr), 5) for each in hits]
        gains.setdefault("re-ranking", []).append(ndcg[0] - ndcg[1])
        gains.setdefault("re-ranking by P@1", []).append(hits[0][:, 0] - hits[1][:, 0])
        uncalibrated = copy(plain)
        usual = Calibration(plain._fitted.calibration.power)
        uncalibrated._fitted = replace(plain._fitted, calibration=usual)
        gains.setdefault("calibration", []).append(losses(uncalibrated, fresh, truth) - losses(plain, fresh, truth))
        p, exists = model.predict_proba(fresh), truth.sum(0) > 0
        f1 = [
            2 * (truth.toarray() * (p >= least)).sum(0) / np.maximum((p >= least).sum(0) + truth.sum(0), 1)
            for least in (model.thresholds_, 0.5)
        ]
        gains.setdefault("thresholds", []).append((f1[0] - f1[1])[exists])
    for which, of_seeds in gains.items():
        gain = np.concatenate(of_seeds)
        assert gain.mean() >= -2 * gain.std() / np.sqrt(len(gain)), which
