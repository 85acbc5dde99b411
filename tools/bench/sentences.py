"""Vectors of texts, compared with gensim's vectors from the same text, and search in collections."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import wordsparse as ws
from tools.bench.runner import Benchmark, OnText, Row, cpu_seconds, once
from tools.bench.words import peer
from wordsparse.evaluation.retrieval_files import read_collection


@dataclass
class Encoders(Benchmark):
    """Model directories as encoders of sentences: training cost, scores, and µs per sentence.

    ``form`` is the strength with which n-grams are fitted and blended into the model; "" adds no n-grams.
    """

    model: Any = ("model",)
    form: Any = ("",)
    sentences: tuple[str, ...] = ("sts.tsv",)
    texts: int = 100_000
    cases: ClassVar[tuple[str, ...]] = ("model", "form")

    def setup(self) -> None:
        self.trained, self.per = ws.load(self.model), self.texts
        if self.form:
            self.trained = self.trained.fit_ngrams(form=float(self.form))
        lines = [line.split("\t") for path in self.sentences for line in Path(path).read_text().splitlines()]
        sentences = [text for _, *pair in lines for text in pair]
        self.batch = (sentences * (self.texts // len(sentences) + 1))[: self.texts]

    @once
    def time_encode(self) -> None:
        self.trained.encode(self.batch)

    def track_recipe(self) -> list[Row]:
        facts = {name: self.trained.options[name] for name in ("model", "window", "epochs", "dim")}
        cost = {name: self.trained.report[name] for name in ("tokens", "cpu_seconds")}
        return [{"architecture": facts.pop("model"), **facts, **cost, **scores(self.trained, self.sentences)}]


@dataclass
class SentencePeers(OnText):
    """Sentence vectors of wordsparse, gensim's skip-gram and gensim's FastText on one text: CPU seconds and scores.

    All methods have the same dimension, epochs and word weights; all other options have their defaults. If a method has
    n-grams, vectors of unknown words are composed from n-grams.
    """

    side: Any = ("sentences", "text", "gensim skip-gram", "gensim fastText")
    dim: int = 300
    sentences: tuple[str, ...] = ("sts.tsv",)
    cases: ClassVar[tuple[str, ...]] = ("side",)

    def track_scores(self) -> list[Row]:
        before = cpu_seconds()
        peers = {"gensim skip-gram": "Word2Vec", "gensim fastText": "FastText"}
        if self.side in peers:
            vectors = peer(peers[self.side], self.text, **self.sizes())
        else:
            vectors = ws.train(self.text, kind=self.side, progress=False, **self.sizes()).wv
        return [{"cpu_seconds": cpu_seconds() - before, **scores(vectors, self.sentences)}]


@dataclass
class Retrieval(Benchmark):
    """Search in collections in BEIR's layout, with models trained on the documents: training CPU seconds and scores.

    ``side`` is a kind of data (a value of ``--for``). Training starts from the vectors in the file ``init``, if one is
    given; with ``side=init``, these vectors are judged without training. ``stem`` is the language of the collections.
    """

    data: Any = ("cranfield",)
    init: Any = ("",)
    side: Any = ("search", "sentences")
    dim: int = 300
    tokens: str = "unicode"
    stem: str = ""
    cases: ClassVar[tuple[str, ...]] = ("data", "init", "side")

    def track_search(self) -> list[Row]:
        vectors, seconds = self._vectors()
        if vectors is None:
            return []
        ((_, sides),) = ws.evaluate(vectors, retrieval=[self.data], stem=self.stem or None)["retrieval"].items()
        about = {"words": len(vectors), "cpu_seconds": seconds}
        return [
            {**about, **{f"{side}_{name}": sides[side][name] for side in sides}} for name in ("ndcg10", "recall100")
        ]

    def _vectors(self) -> tuple[ws.Model | ws.WordVectors | None, float | None]:
        """Return vectors for ``side`` and the CPU seconds of their training; None if there are no vectors to judge."""
        init = ws.read_vectors(self.init) if self.init else None
        if self.side == "init":
            return init, None
        options = {"tokens": self.tokens, "dim": self.dim, "threads": self.threads, "progress": False}
        if init is not None:
            options["init"] = init
        model = ws.train(read_collection(self.data).texts(), kind=self.side, **options)
        return model, model.report["cpu_seconds"]


def scores(vectors: Any, sentences: tuple[str, ...]) -> Row:
    """Return the rank correlation on each test set, in percent, and the mean over the sets."""
    results = ws.evaluate(vectors, sentences=sentences)["sentences"]
    row: Row = {name: 100 * score["spearman"] for name, score in results.items() if score["spearman"] is not None}
    return row | {"mean": float(np.mean(list(row.values())))}
