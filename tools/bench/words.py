"""Word vectors: constants of the recipe, new words, counts, n-grams, other languages, and peers."""

import itertools
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pyarrow import parquet

import wordsparse as ws
from tools.bench.runner import Benchmark, OnText, Row, cpu_seconds, once
from wordsparse.comparison.texts import write_plain
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.encoding import encoded
from wordsparse.corpus.reading import RawText, joined
from wordsparse.corpus.shards import is_encoded
from wordsparse.evaluation.neighbours import answer_neighbours, read_lexicon
from wordsparse.evaluation.scores import answer_pairs, score_neighbours, spearman
from wordsparse.evaluation.testsets import read_pairs
from wordsparse.tokens.tokenizers import Splitter
from wordsparse.unseen.infer import infer
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.form import INFLECTIONS, fit
from wordsparse.words.recipe import recommended


def scores_of(vectors: ws.Model, pairs: tuple[str, ...] = ("",), analogies: tuple[str, ...] = ("",)) -> Row:
    """Return the score on each test set. The default test sets are gensim's."""
    sets = ws.evaluate(vectors, *([path for path in paths if path] or None for paths in (pairs, analogies)))
    scores = {name: result["spearman"] for name, result in sets["pairs"].items()}
    return scores | {name: result["accuracy"] for name, result in sets["analogies"].items()}


def correlations(vectors: WordVectors, path: str) -> tuple[int, float | None, float | None]:
    """Return the number of pairs of known words in a file, and the rank correlations over these pairs and over all
    pairs. Vectors of unknown words are composed from n-grams; if a word has no vector, its pairs have cosine 0."""
    pairs = read_pairs(Path(path))
    judged = np.array([pair.score for pair in pairs])
    cosines, composed = answer_pairs(vectors, pairs), np.nan_to_num(answer_pairs(vectors, pairs, composed=True))
    covered = np.isfinite(cosines)
    return int(covered.sum()), spearman(judged[covered], cosines[covered]), spearman(judged, composed)


def by_set(vectors: WordVectors, pairs: tuple[str, ...], analogies: tuple[str, ...]) -> Row:
    """Return the rank correlation of each file of pairs, and the accuracy for each file of analogies.

    *NAME, all* includes pairs of unknown words. *NAME syntactic* is the accuracy on the sections ``gram…``, *NAME
    semantic* on all other sections.
    """
    row: Row = {}
    for path in pairs:
        name, (_, covered, whole) = Path(path).stem, correlations(vectors, path)
        row |= {name: covered, f"{name}, all": whole}
    for name, result in ws.evaluate(vectors, [], analogies)["analogies"].items():
        for half, inside in (("semantic", False), ("syntactic", True)):
            parts = [part for title, part in result["sections"].items() if title.startswith("gram") is inside]
            if counted := sum(part["n"] for part in parts):
                right = sum((part["accuracy"] or 0) * part["n"] for part in parts)
                row[f"{name} {half}"] = right / counted
    return row


# own_forms looks at OWN_WORDS words of at least OWN_LENGTH letters.
OWN_WORDS, OWN_LENGTH, OWN_STEM = 400, 5, 4


def own_forms(vectors: WordVectors, rank: int, evidence: bool = True) -> float:
    """Return the share of the ten nearest neighbours that begin with the same OWN_STEM letters as a word. The share is
    the mean over words from a ``rank`` of frequency on. Without ``evidence``, neighbours are ranked by cosine."""
    ranked = (str(vectors.words[row]) for row in vectors.most_frequent(len(vectors)).tolist()[rank:])
    words = [*itertools.islice((word for word in ranked if word.isalpha() and len(word) >= OWN_LENGTH), OWN_WORDS)]
    nearest, _ = vectors.similar_to_each(words, 10, evidence=evidence)
    return float(
        np.mean([near.startswith(word[:OWN_STEM]) for word, row in zip(words, nearest, strict=True) for near in row])
    )


class Hashed:
    """The n-grams of gensim's FastText, from which a vector is composed for any word."""

    def __init__(self, vectors: Any) -> None:
        self.vector = vectors.get_vector


def peer(name: str, text: Path, dim: int, threads: int, sg: int = 1, **options: Any) -> WordVectors:
    """Train gensim's ``Word2Vec`` or ``FastText``, by default as skip-gram, on a text file."""
    from gensim import models

    model = getattr(models, name)(corpus_file=str(text), sg=sg, vector_size=dim, workers=threads, **options).wv
    vectors = WordVectors(model.index_to_key, model.vectors, model.expandos["count"])
    if name == "FastText":
        vectors.ngrams = Hashed(model)  # type: ignore[assignment]
    return vectors


class ByInnerProduct(WordVectors):
    """Vectors whose neighbours another program finds by inner product, in a file of ``export --evidence``."""

    def doubt_of(self, rows: Sequence[int | None]) -> float:
        """Return the number that stands for all queries, because the lengths of vectors are the same for all."""
        return self.doubt


@dataclass
class Neighbours(OnText):
    """The ten nearest neighbours of frequent words, judged by WordNet: shares of related words, of the same class, of
    forms of the word itself and of rare words, and the median count.

    ``wordnet`` is a directory of WordNet's database; without it, only the share of *own forms* (see :class:`Language`)
    is computed. ``part`` is a part of speech: noun, verb or adj. A row for each ``ranking``: *evidence* is that of
    ``similar``, *product* is by the inner product of vectors of ``export --evidence``, and gensim ranks by *cosine*.
    """

    tokens: str = "split"
    side: Any = ("cbow", "skipgram", "gensim-cbow")
    seed: Any = (1, 2, 3)
    wordnet: str = "/usr/share/wordnet"
    part: tuple[str, ...] = ("noun", "verb", "adj")
    window: int = 5
    cases: ClassVar[tuple[str, ...]] = ("side", "seed")

    def track_scores(self) -> list[Row]:
        how: Row = {**self.sizes("seed", "window")}
        if self.side == "gensim-cbow":
            vectors = peer("Word2Vec", self.text, sg=0, min_count=5, **how)
        else:
            vectors = ws.train(self.text, model=self.side, tokens=self.tokens, progress=False, **how).wv
        by_length = ByInnerProduct(vectors.words, vectors.vectors, vectors.counts)
        sides = (("evidence", vectors, True), ("product", by_length, True), ("cosine", vectors, False))
        return [{"ranking": name, **self._judged(*side)} for name, *side in sides]

    def _judged(self, vectors: WordVectors, evidence: bool) -> Row:
        row: Row = {"own forms": own_forms(vectors, 300, evidence)}
        for part in self.part if self.wordnet else ():
            lexicon = read_lexicon(self.wordnet, part)
            score = score_neighbours(lexicon, answer_neighbours(vectors, lexicon, evidence))
            row |= {f"{part} {name}": score[name] for name in ("related", "class", "own", "rare", "median")}
        return row


@dataclass
class Recipe(Benchmark):
    """Held-out loss, CPU time and scores for several values of one constant of the recipe, or of ``epochs``.

    ``constant`` is a field of the recipe, of its step sizes or of its loss, such as ``lr`` or ``touching``, or an
    option of ``train``, such as ``sample``. Differences below .02 on a few hundred word pairs are noise: compare
    several seeds and test sets.
    """

    text: Any = ("text.txt",)
    model: Any = ("cbow", "skipgram")
    constant: str = "lr"
    value: Any = (1.0, 2.5, 6.0)
    loss: str = "bounded-ns"
    dim: int = 100
    epochs: Any = (5,)
    seed: Any = (1,)
    pairs: tuple[str, ...] = ("",)
    analogies: tuple[str, ...] = ("",)
    cases: ClassVar[tuple[str, ...]] = ("text", "model", "value", "epochs", "seed")

    def track_run(self) -> list[Row]:
        recipe, options = recommended(self.model, self.loss), {}
        parts = {"steps": recipe.steps, "loss": recipe.loss}
        owner = next((name for name, part in parts.items() if hasattr(part, self.constant)), None)
        if owner is not None:
            recipe = replace(recipe, **{owner: replace(parts[owner], **{self.constant: self.value})})  # type: ignore[arg-type]
        elif hasattr(recipe, self.constant):
            recipe = replace(recipe, **{self.constant: self.value})
        else:
            options[self.constant] = self.value
        before = cpu_seconds()
        settings = {name: getattr(self, name) for name in ("model", "dim", "epochs", "seed", "threads")}
        model = ws.train(self.text, recipe=recipe, heldout=0.01, progress=False, **settings, **options)
        row: Row = {"cpu_seconds": cpu_seconds() - before, "heldout_loss": model.report["heldout_loss"][-1]}
        return [row | scores_of(model, self.pairs, self.analogies)]


@dataclass
class Counts(OnText):
    """Skip-gram trained on a text, and on its counted pairs: CPU seconds, and scores without and with n-grams.

    Pairs with a count below ``least`` are left out. ``pairs_mb`` is the size of the table in megabytes.
    """

    side: Any = ("text", "counts")
    least: Any = (0.0,)
    seed: Any = (1, 2, 3)
    pairs: tuple[str, ...] = ("",)
    analogies: tuple[str, ...] = ("",)
    cases: ClassVar[tuple[str, ...]] = ("seed", "side", "least")

    def track_run(self) -> list[Row]:
        row: Row = {}
        with tempfile.TemporaryDirectory() as scratch:
            encoded, table = Path(scratch) / "text", Path(scratch) / "pairs.parquet"
            ws.encode(self.text, encoded, threads=self.threads)
            source, request = encoded, {**self.sizes("seed"), "model": "skipgram", "progress": False}
            if self.side == "counts":
                before = cpu_seconds()
                ws.count(encoded, table, threads=self.threads)
                row["count_cpu_seconds"] = cpu_seconds() - before
                row |= self._frequent(table)
                source, request = table, {**request, "kind": "counts"}
            before = cpu_seconds()
            model = ws.train(source, **request)
            row |= {"cpu_seconds": cpu_seconds() - before, "step_cpu_seconds": model.report["cpu_seconds"]}
        row |= scores_of(model.without_ngrams(), self.pairs, self.analogies)
        return [row | {f"form {name}": score for name, score in scores_of(model, self.pairs, self.analogies).items()}]

    def _frequent(self, table: Path) -> Row:
        """Remove the pairs below ``least`` from a table. Return the table's number of pairs and its size."""
        if self.least:
            kept = parquet.read_table(table, filters=[("count", ">=", self.least)])
            parquet.write_table(kept, table)
        return {"pairs": parquet.read_metadata(table).num_rows, "pairs_mb": table.stat().st_size / 1e6}


@dataclass
class NewWords(Benchmark):
    """Microseconds to infer the vector of a new word from its sentences. ``model`` is a model directory."""

    model: Path = Path("model")
    text: Path = Path("text.txt")
    occurrences: Any = (1, 2, 8, 64)
    words: int = 2000
    cases: ClassVar[tuple[str, ...]] = ("occurrences",)

    def setup(self) -> None:
        self.trained, random = ws.load(self.model), np.random.default_rng(1)
        lines = list(itertools.islice(joined(RawText([self.text]).pieces(), blank=True), self.words))
        self.new = [f"new-word-{i}" for i in range(self.words)]
        chosen = random.integers(0, len(lines), self.words * self.occurrences)
        self.sentences = [list(lines[line]) for line in chosen.tolist()]
        for i, line in enumerate(self.sentences):  # a new word replaces the middle word of the line
            line[len(line) // 2 : len(line) // 2 + 1] = [self.new[i // self.occurrences]]
        self.per = self.words

    @once
    def time_infer(self) -> None:
        infer(self.trained, self.sentences, self.new)


@dataclass
class Form(Benchmark):
    """N-grams blended into a model's vectors with strength ``form``: CPU seconds to fit and blend them, and scores.

    ``model`` names model directories. :func:`by_set` explains the scores. *unknown words* is the mean cosine of
    composed and trained vectors of held-out words, a tenth of the words that occur 10 to 999 times.
    """

    model: Any = ("model",)
    form: Any = (0.0, 1.0, 2.0)
    pairs: tuple[str, ...] = ("pairs.tsv",)
    analogies: tuple[str, ...] = ("questions-words.txt",)
    cases: ClassVar[tuple[str, ...]] = ("model", "form")

    def track_scores(self) -> list[Row]:
        plain = ws.load(self.model).without_ngrams()
        plain.options["threads"] = self.threads
        before = cpu_seconds()
        model = plain.fit_ngrams(form=self.form) if self.form else plain
        vectors = model.wv
        row: Row = {"cpu_seconds": cpu_seconds() - before, "ngrams": len(vectors.ngrams or ())}
        if self.form:
            row["unknown words"] = self._unknown(plain)
        return [row | by_set(vectors, self.pairs, self.analogies)]

    def _unknown(self, plain: ws.Model) -> float:
        words, counts = plain.vocabulary.words, np.asarray(plain.vocabulary.counts, np.float64)
        unit, left_out = plain.wv.unit, np.flatnonzero((counts >= 10) & (counts < 1000))[::10]
        seen = np.delete(np.arange(len(words)), left_out)
        table = fit([words[i] for i in seen], unit[seen], counts[seen], threads=self.threads).vectors
        composed = [(unit[i], vector) for i in left_out if (vector := table.vector(words[i])) is not None]
        return float(np.mean([trained @ vector / np.linalg.norm(vector) for trained, vector in composed]))


@dataclass
class Language(OnText):
    """Our vectors, and gensim's Word2Vec and FastText (both skip-gram), from the same tokens of a text in any language.

    ``text`` is a text or an encoded corpus. *own forms* is the share of the ten nearest words that begin with the same
    four letters as a word, for words from a ``rank`` of frequency on. *NAME, inflections* are analogies with the
    n-grams of ``wordsparse analogy --inflections``. *NAME, all* includes pairs of unknown words: if the tokeniser
    splits such a word, its vector is the mean of its tokens' vectors; otherwise n-grams compose it, as in ``wordsparse
    evaluate``.
    """

    tokens: str = "split"
    side: Any = ("cbow", "skipgram", "sentences", "Word2Vec", "FastText")
    form: float = 1.0
    shortest: int = 0
    longest: int = 0
    rank: int = 300
    pairs: tuple[str, ...] = ("",)
    sentences: tuple[str, ...] = ("",)
    analogies: tuple[str, ...] = ("",)
    cases: ClassVar[tuple[str, ...]] = ("side",)

    def track_scores(self) -> list[Row]:
        how = {} if is_encoded(self.text) else {"tokens": self.tokens}
        with encoded(self.text, how, threads=self.threads) as corpus, tempfile.TemporaryDirectory() as folder:
            plain, before = Path(folder, "plain.txt"), cpu_seconds()
            if self.side in ("Word2Vec", "FastText"):
                write_plain(corpus, corpus.tokens, plain)
                before = cpu_seconds()
                vectors = peer(self.side, plain, min_count=1, **self.sizes())
            else:
                vectors = (model := self._ours(corpus)).wv
            seconds = cpu_seconds() - before
        vectors.split, vectors.tokens = Splitter(**corpus.tokenization), corpus.tokenization["tokens"]
        sets = [[*filter(None, paths)] for paths in (self.pairs, self.analogies, self.sentences)]
        found = ws.evaluate(vectors, sets[0], sets[1], sentences=sets[2])
        scores = found["pairs"] | found["sentences"] | found["analogies"]
        if self.side in ("cbow", "skipgram"):
            inflected = ws.evaluate(model.fit_ngrams(*INFLECTIONS), [], sets[1])["analogies"]
            scores |= {f"{name}, inflections": score for name, score in inflected.items()}
        row: Row = {"cpu_seconds": seconds, "vocabulary": len(vectors), "own forms": own_forms(vectors, self.rank)}
        for name, score in scores.items():
            for title, part in ((name, score), (f"{name}, all", score.get("with_composed"))):
                if part is not None:
                    value = part.get("spearman", part.get("accuracy"))
                    row[title] = [value, part["low"], part["high"], part["n"]]
        return [row]

    def _ours(self, corpus: EncodedCorpus) -> ws.Model:
        options: Row = {"kind": "sentences"} if self.side == "sentences" else {"model": self.side, "form": self.form}
        options |= {name: length for name in ("shortest", "longest") if (length := getattr(self, name))}
        return ws.train(corpus, progress=False, **self.sizes(), **options)


@dataclass
class FastText(OnText):
    """fastText's program with its defaults and our training with n-grams, on the same text: CPU seconds and scores.

    :func:`by_set` explains the scores. ``program`` is the command of Debian's package fasttext.
    """

    pairs: tuple[str, ...] = ("pairs.tsv",)
    analogies: tuple[str, ...] = ("questions-words.txt",)
    model: Any = ("skipgram", "cbow")
    form: float = 1.0
    program: str = "fasttext"
    cases: ClassVar[tuple[str, ...]] = ("model",)

    def track_ours(self) -> list[Row]:
        before = cpu_seconds()
        model = ws.train(self.text, form=self.form, progress=False, **self.sizes("model"))
        vectors = model.wv
        return [{"cpu_seconds": cpu_seconds() - before} | by_set(vectors, self.pairs, self.analogies)]

    def track_fasttext(self) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            stem = Path(folder, "model")
            numbers = f"-dim {self.dim} -epoch {self.epochs} -thread {self.threads}".split()
            command, before = [self.program, self.model, "-input", self.text, "-output", stem, *numbers], cpu_seconds()
            subprocess.run(command, check=True, capture_output=True)
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            cost = {"cpu_seconds": cpu_seconds() - before, "peak_bytes": usage.ru_maxrss * 1024}
            vectors = ws.read_vectors(stem.with_suffix(".bin"))
        return [cost | by_set(vectors, self.pairs, self.analogies)]


@dataclass
class Serving(Benchmark):
    """The time of one query on random vectors: find the neighbours of a word, or encode a text of 20 words.

    ``track_memory`` is the memory, in MB, that a process needs to load the vectors from npz and answer both queries.
    ``track_mapped`` is the unshared memory that such a process needs if the vectors are memory-mapped and shared.
    """

    words: Any = (50_000, 200_000)
    dim: Any = (100, 300)
    cases: ClassVar[tuple[str, ...]] = ("words", "dim")

    def setup(self) -> None:
        random = np.random.default_rng(0)
        names = [f"word{i}" for i in range(self.words)]
        vectors = WordVectors(names, random.standard_normal((self.words, self.dim), np.float32))
        with tempfile.TemporaryDirectory() as folder:
            (path,) = vectors.export(Path(folder, "vectors.npz"))
            code = (
                "import sys, wordsparse as ws; mapped, name = sys.argv[2] == 'True', sys.argv[3] + ':';"
                "size = lambda: int(open('/proc/self/status').read().split(name)[1].split()[0]) / 1024;"
                "ws.WordVectors(['a', 'b'], [[1, 0], [0, 1]]).encode(['a b']); before = size();"
                "vectors = ws.read_vectors(sys.argv[1], mapped=mapped);"
                "vectors.similar('word1'); vectors.encode(['word1 word2']); print(size() - before)"
            )
            # VmHWM is the peak memory of a process alone; ru_maxrss would include the memory of its parent. RssAnon is
            # the memory that is not shared with other processes through files.
            self.memory, self.mapped = (
                float(subprocess.check_output([sys.executable, "-c", code, path, str(mapped), name]))
                for mapped, name in ((False, "VmHWM"), (True, "RssAnon"))
            )
        self.vectors = vectors
        self.text = " ".join(names[i] for i in random.integers(0, self.words, 20))

    def time_similar(self) -> None:
        self.vectors.similar("word1")

    def time_encode(self) -> None:
        self.vectors.encode([self.text])

    def track_memory(self) -> float:
        return self.memory

    def track_mapped(self) -> float:
        return self.mapped
