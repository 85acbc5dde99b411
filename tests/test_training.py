"""Whole runs on small texts: what is learnt, counted, repeated and refused."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wordsparse as ws
from wordsparse import training
from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus
from wordsparse.errors import InputError, TrainingError, WordsparseError

TOPICS = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(10)]
AT_ZERO = {"bounded-ns": np.log(2) * 6, "squared": 1.0}
MODELS, LOSSES = ["cbow", "skipgram"], ["bounded-ns", "squared"]
# Without subsampling: in a text of a few words each is frequent.
SMALL: dict[str, Any] = {"dim": 8, "epochs": 3, "threads": 1, "sample": 0, "min_count": 1}

Sentences = list[list[str]]


def two_topics(sentences: int = 600, seed: int = 0) -> Sentences:
    """Sentences of eight words, all from one of two topics."""
    random = np.random.default_rng(seed)
    return [[TOPICS[i % 2][word] for word in random.integers(0, 10, 8)] for i in range(sentences)]


def between_topics(model: ws.Model) -> tuple[float, float]:
    """Mean cosine of two words of one topic, and of two words of different topics."""
    words = model.word_vectors()
    rows = [[words.row(word) for word in topic] for topic in TOPICS]
    cosines = words.unit @ words.unit.T
    within = [cosines[np.ix_(topic, topic)][~np.eye(10, dtype=bool)].mean() for topic in rows]
    return float(np.mean(within)), float(cosines[np.ix_(*rows)].mean())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODELS)
def test_topics_are_learnt(model: str, loss: str) -> None:
    trained = ws.train(two_topics(), **{**SMALL, "epochs": 5}, model=model, loss=loss)
    losses = trained.report["loss"]
    assert losses[-1] < losses[0] < AT_ZERO[loss]
    within, across = between_topics(trained)
    assert within > across + 0.3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODELS)
def test_the_first_loss_is_that_of_zero_weights_per_pair(model: str, loss: str) -> None:
    seen: list[training.Progress] = []
    ws.train(two_topics(), **SMALL, model=model, loss=loss, progress=seen.append)
    assert seen[0].loss == pytest.approx(AT_ZERO[loss], rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(model: str) -> None:
    text = two_topics(1500)
    # Enough work in a minibatch for more than one thread: many tokens, wide rows.
    options = {**SMALL, "dim": 40, "epochs": 1, "batch_tokens": 4000, "model": model}
    runs = [ws.train(text, **{**options, "threads": threads}) for threads in (1, 1, 2, 3)]
    for other in runs[1:]:
        assert other.input_rows.tobytes() == runs[0].input_rows.tobytes()
        assert other.output_rows.tobytes() == runs[0].output_rows.tobytes()
        assert other.vectors.tobytes() == runs[0].vectors.tobytes()
    assert [run.report["threads"] for run in runs] == [1, 1, 2, 3]


def test_another_seed_gives_other_vectors() -> None:
    first, second = (ws.train(two_topics(), **SMALL, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.vectors, second.vectors)


def test_the_report_counts_every_token_of_every_epoch() -> None:
    text = [*two_topics(100), ["rare"], ["b0", "once", "b1"]]  # words below min_count are tokens too
    model = ws.train(text, **{**SMALL, "min_count": 2})
    report = model.report
    assert report["tokens"] == 3 * 804
    assert (report["vocab_size"], report["dim"], report["threads"], report["device"]) == (20, 8, 1, "cpu")
    assert len(report["loss"]) == 3
    assert report["tokens_per_second"] == pytest.approx(report["tokens"] / report["wall_seconds"])
    assert report["peak_memory_bytes"] > 1e7
    assert report["checkpoints"] == 0
    assert "rare" not in model.vocabulary
    assert model.vectors.shape == (20, 8)
    assert model.vectors.dtype == np.float32


def test_progress_ends_where_the_run_does() -> None:
    seen: list[training.Progress] = []
    report = ws.train(two_topics(50), **SMALL, progress=seen.append).report
    assert all(before.tokens <= after.tokens for before, after in pairwise(seen))
    assert seen[-1].tokens == seen[-1].total_tokens == report["tokens"] == 1200
    assert [max(p.tokens for p in seen if p.epoch == epoch) for epoch in range(3)] == [400, 800, 1200]
    assert [p.loss for p in seen if p.tokens in (400, 800, 1200)] == pytest.approx(report["loss"])


@pytest.mark.parametrize("max_tokens", [5, 7, 8, 9, 100, 399, 400, 10_000])
def test_max_tokens_is_exact_and_leaves_the_vocabulary(max_tokens: int) -> None:
    model = ws.train(two_topics(50), **SMALL, max_tokens=max_tokens)
    assert model.report["tokens"] == 3 * min(max_tokens, 400)
    assert len(model.vocabulary) == 20


def test_nothing_beyond_max_tokens_has_an_effect() -> None:
    # The rest of the text is turned round: other neighbours at the cut, the same vocabulary with the same counts.
    words = [word for sentence in two_topics(80) for word in sentence]
    texts = [[words], [words[:397] + words[:396:-1]]]
    first, second = (ws.train(text, **SMALL, max_tokens=397) for text in texts)
    assert first.vectors.tobytes() == second.vectors.tobytes()


# ── small and odd texts ───────────────────────────────────────────────────────────────────────────────────────────

TINY: dict[str, Sentences] = {
    "one sentence of two words": [["a", "b"]],
    "one word": [["a"]],
    "one word repeated": [["a"] * 50],
    "one word, many sentences": [["a"]] * 50,
    "no two words in a sentence": [["a"], ["b"], ["c"]] * 20,
    "a long start without pairs": [["a"]] * 20 + [["b", "c"]] * 20,
    "three words": [["a", "b", "c"]] * 100,
    "one frequent word": [["the", "a"] * 30, ["the", "b"]],
}


@pytest.mark.parametrize("sample", [0, 1e-3])  # 1e-3, the default: hardly a token of these is kept
@pytest.mark.parametrize(("model", "loss"), [("cbow", "bounded-ns"), ("skipgram", "bounded-ns"), ("cbow", "squared")])
@pytest.mark.parametrize("name", TINY)
def test_tiny_texts_give_finite_vectors_or_a_clear_refusal(name: str, model: str, loss: str, sample: float) -> None:
    try:
        trained = ws.train(TINY[name], **{**SMALL, "sample": sample}, model=model, loss=loss)
    except WordsparseError:
        return
    assert np.isfinite(trained.vectors).all()
    assert np.isfinite(trained.report["loss"]).all()
    trained.word_vectors()  # checks them again


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("edge", [{"dim": 1}, {"dim": 64}, {"window": 255}, {"batch_tokens": 1}, {"epochs": 40}])
def test_options_at_the_edge_train(edge: dict[str, Any], model: str) -> None:
    trained = ws.train(two_topics(40), **{**SMALL, **edge}, model=model)
    assert np.isfinite(trained.vectors).all()
    assert np.isfinite(trained.report["loss"]).all()


def generator() -> Iterator[list[str]]:
    yield from two_topics(60)


@pytest.mark.parametrize("form", [lambda: two_topics(60), generator, lambda: map(tuple, two_topics(60))])
def test_any_iterable_of_token_lists_is_a_text(form: Callable[[], Any]) -> None:
    assert ws.train(form(), **SMALL).vectors.tobytes() == ws.train(two_topics(60), **SMALL).vectors.tobytes()


def test_files_and_encoded_text_train_alike(tmp_path: Path) -> None:
    text = two_topics(60)
    path, halves = tmp_path / "text.txt", [tmp_path / "1.txt", tmp_path / "2.txt"]
    lines = [" ".join(sentence) + "\n" for sentence in text]
    path.write_text("".join(lines))
    halves[0].write_text("".join(lines[:20]))
    halves[1].write_text("".join(lines[20:]))
    corpus = ws.encode(text, tmp_path / "encoded", min_count=1)
    unasked = {name: value for name, value in SMALL.items() if name != "min_count"}
    wanted = ws.train(text, **SMALL).vectors.tobytes()
    assert ws.train(path, **SMALL).vectors.tobytes() == wanted
    assert ws.train(str(path), **SMALL).vectors.tobytes() == wanted
    assert ws.train(halves, **SMALL).vectors.tobytes() == wanted
    for form in (corpus, tmp_path / "encoded", str(tmp_path / "encoded"), [tmp_path / "encoded"]):
        assert ws.train(form, **unasked).vectors.tobytes() == wanted
    assert ws.train(corpus, **SMALL).vectors.tobytes() == wanted  # asked for what it was encoded with


@pytest.mark.parametrize(
    ("options", "message"), [({"min_count": 3}, "min_count 1, not 3"), ({"max_vocab": 5}, "max_vocab None, not 5")]
)
def test_an_encoded_text_keeps_its_vocabulary(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    ws.encode(two_topics(20), tmp_path / "encoded", min_count=1)
    with pytest.raises(InputError, match=f"encoded with {message}: encode the text anew"):
        ws.train(tmp_path / "encoded", **options)


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "dim"),
        ({"sample": -1}, "sample"),
        ({"seed": "x"}, "seed"),
        ({"min_count": 0}, "min_count"),
        ({"max_vocab": 0}, "max_vocab"),
        ({"format": "pdf"}, "pdf"),
        ({"loss": "spherical"}, "spherical.*does not train word vectors yet"),
        ({"device": "cuda"}, "cuda"),
        ({"min_count": 10_000}, "vocabulary is empty"),
        ({"size": 100, "iter": 5}, "unknown option iter, size"),
    ],
)
def test_bad_requests_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.train(two_topics(20), **{**SMALL, **options})


@pytest.mark.parametrize("corpus", ["no-such-file.txt", ["no-such-file.txt"], [], [[]], 3, None, [[b"a"]], [["a", 3]]])
def test_what_is_no_text_is_refused(corpus: Any) -> None:
    with pytest.raises(InputError):
        ws.train(corpus, **SMALL)


def test_a_run_that_diverges_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "DIVERGED", 0.5)
    with pytest.raises(TrainingError, match=r"diverged after [\d,]+ of 14,400 tokens.*batch_tokens"):
        ws.train(two_topics(), **SMALL)


def test_nothing_is_left_behind_in_the_temporary_place(tmp_path: Path) -> None:
    with training.encoded(two_topics(20), min_count=1, directory=tmp_path) as corpus:
        assert corpus.path.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(InputError, match="vocabulary is empty"),
        training.encoded(two_topics(20), min_count=999, directory=tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


# ── slices ────────────────────────────────────────────────────────────────────────────────────────────────────────


def corpus_of(shards: list[list[int]]) -> EncodedCorpus:
    arrays = [np.array(shard, np.int32) for shard in shards]
    tokens = sum(int((shard != END_OF_SENTENCE).sum()) for shard in arrays)
    return EncodedCorpus(
        path=Path("nowhere"),
        vocabulary=ws.corpus.Vocabulary(["a"], [1]),
        tokens=tokens,
        sentences=1,
        distinct_words=1,
        min_count=1,
        max_vocab=None,
        shards=arrays,
    )


shard_lists = st.lists(st.lists(st.sampled_from([0, 0, -1, -2]), min_size=1, max_size=12), min_size=1, max_size=4)


@given(shards=shard_lists, batch=st.integers(1, 15), data=st.data())
@settings(max_examples=200, deadline=None)
def test_slices_pass_over_the_first_tokens_once_and_in_order(
    shards: list[list[int]], batch: int, data: st.DataObject
) -> None:
    corpus = corpus_of([[*shard, -2] for shard in shards])
    wanted = data.draw(st.integers(1, max(1, corpus.tokens)))
    positions: list[int] = []
    whole = np.concatenate(corpus.shards)
    for shard, start, stop, offset in training.slices(corpus, batch, wanted):
        assert 0 <= start < stop <= min(start + batch, shard.size)
        assert np.array_equal(whole[offset : offset + shard.size], shard)
        positions.extend(range(offset + start, offset + stop))
    assert positions == list(range(len(positions)))
    assert int((whole[positions] != END_OF_SENTENCE).sum()) == min(wanted, corpus.tokens)
