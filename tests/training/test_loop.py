"""Whole runs on small texts: what is learnt, counted, repeated and refused."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.kernels import CpuKernels
from wordsparse.layer import losses
from wordsparse.machine import devices
from wordsparse.training import loop
from wordsparse.training.progress import Progress
from wordsparse.training.slices import Split
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.words import recipe, schedule
from wordsparse.words.options import LOSSES, MODELS, Options

pytestmark = pytest.mark.usefixtures("no_gpu")

TOPICS = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(10)]
# The loss per pair where a run starts; for the Z-loss that of an output at the mean, since it starts from noise.
# The bound of softplus that touches it at ±6, where the output is 0.
BOUND_AT_0 = np.log1p(np.exp(6)) - 3 - 1.5 * np.tanh(3)
AT_START = {
    "bounded-ns": np.log(2) + 5 * BOUND_AT_0,
    "squared": 1.0,
    "spherical": 0.0,
    "taylor": 0.0,
    "zloss": 10 * np.log1p(np.e),
}
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
    assert losses[-1] < losses[0] < AT_START[loss]
    within, across = between_topics(trained)
    assert within > across + 0.3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODELS)
def test_the_first_loss_is_that_of_the_start_per_pair(model: str, loss: str) -> None:
    seen: list[Progress] = []
    ws.train(two_topics(), **SMALL, model=model, loss=loss, progress=seen.append)
    assert seen[0].loss == pytest.approx(AT_START[loss], rel=0.1 if loss == "zloss" else 1e-6, abs=1e-5)


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


@pytest.mark.parametrize("model", MODELS)
def test_threads_beside_a_gpu_build_the_minibatches_of_one(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    def minibatches(threads: int, device: str) -> tuple[int, list[tuple[Any, ...]]]:
        monkeypatch.setattr(loop.devices, "choose", lambda asked: devices.Choice(device, "as the test has it"))
        options = Options(dim=4, sample=0, model=model, threads=threads, batch_tokens=150)
        with encoded(TrainingText(two_topics(), min_count=1)) as corpus:
            run = loop.Run(corpus, options)
            built = [
                (end, e.words.tobytes(), e.targets.indices.tobytes(), e.weights.tobytes()) for end, e in run.examples(0)
            ]
        return len(run.minibatches._ahead), built

    monkeypatch.setattr(loop, "kernels_on", lambda device, threads: CpuKernels(1))
    ahead, expected = minibatches(1, "cpu")
    assert ahead == 0
    assert len(expected) > 20
    for threads, device, builders in ((1, "cuda", 0), (2, "cuda", 1), (5, "cuda", 4), (64, "cuda", 8), (5, "cpu", 1)):
        assert minibatches(threads, device) == (builders, expected)


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


@pytest.mark.parametrize(
    ("acceleration", "expected"),
    [
        # A quarter of the positions before it, or of the warm-up's 60, at most 120; an epoch's last is what was left.
        (0.0, [15, 15, 15, 15, 15, 18, 23, 29, 36, 45, 56, 70, 88, 10, 112, 120, 120, 98, 120, 120, 120, 90]),
        # The same times √(positions before it / 60).
        (0.5, [15, 15, 15, 15, 15, 20, 29, 44, 70, 118, 94, 120, 120, 120, 90, 120, 120, 120, 90]),
    ],
)
def test_minibatches_grow_with_what_was_passed_over(acceleration: float, expected: list[int]) -> None:
    growing = replace(recipe.recommended("cbow", "bounded-ns"), growth=0.25, acceleration=acceleration)
    seen: list[Progress] = []
    ws.train(two_topics(50), **SMALL, batch_tokens=120, recipe=growing, progress=seen.append)
    sizes = np.diff([0, *(progress.tokens for progress in seen)]) * 9 / 8  # the end of a sentence is a position too
    assert sizes == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("loss", ["bounded-ns", "squared"])  # growing faster and faster, and all of one size
@pytest.mark.parametrize("sentences", [120, 500, 4000])  # in shorter ones sizes are a few tokens, rounded
def test_a_short_run_still_takes_enough_steps(loss: str, sentences: int) -> None:
    seen: list[Progress] = []
    ws.train(two_topics(sentences), **SMALL, loss=loss, progress=seen.append)
    assert 1 <= len(seen) / schedule.MIN_STEPS <= 1.2


def test_progress_ends_where_the_run_does() -> None:
    seen: list[Progress] = []
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


# ── held-out text ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODELS)
def test_heldout_loss_is_reported_each_epoch(model: str, loss: str) -> None:
    seen: list[Progress] = []
    text = two_topics(1200)
    trained = ws.train(text, **SMALL, model=model, loss=loss, heldout=0.2, progress=seen.append)
    report = trained.report
    assert len(report["heldout_loss"]) == 3
    assert max(report["heldout_loss"]) < AT_START[loss] - 0.2
    assert report["heldout_loss"][-1] == pytest.approx(report["loss"][-1], rel=0.1)
    assert [p.heldout_loss for p in seen if p.heldout_loss is not None] == report["heldout_loss"]
    assert report["tokens"] == pytest.approx(3 * 0.8 * 9600, rel=0.02)
    assert seen[-1].tokens == seen[-1].total_tokens == report["tokens"]


def test_the_heldout_loss_is_the_dense_loss_of_the_final_weights() -> None:
    model = ws.train(two_topics(300), **{**SMALL, "epochs": 1}, model="skipgram", heldout=0.3, window=1)
    corpus_options = Options(dim=8, epochs=1, threads=1, sample=0, model="skipgram", heldout=0.3, window=1)
    with encoded(TrainingText(two_topics(300), min_count=1)) as corpus:
        examples = list(loop.Run(corpus, corpus_options).minibatches.heldout())
    counts = np.asarray(model.vocabulary.counts, np.float64)
    pi = np.sqrt(counts) / np.sqrt(counts).sum()
    H = np.hstack([model.input_rows, np.ones((20, 1), np.float32)]).astype(np.float64)
    o = H @ (model.output_rows / np.sqrt(pi)[:, None]).T
    negative = 5 * (BOUND_AT_0 + o @ pi / 2 + o**2 @ pi * np.tanh(3) / 24)
    loss, pairs = 0.0, 0.0
    for e in examples:
        for j, word in enumerate(e.words):
            for k in range(e.targets.indptr[j], e.targets.indptr[j + 1]):
                target, y = e.words[e.targets.indices[k]], e.weights[k]
                loss += y * (np.log1p(np.exp(-o[word, target])) + negative[word])
                pairs += y
    assert model.report["heldout_loss"] == pytest.approx([loss / pairs], rel=1e-5)


def test_nothing_held_out_is_trained_on() -> None:
    # Two texts that differ where text is held out, with the same vocabulary and counts, give the same vectors.
    words = [word for sentence in two_topics(80) for word in sentence]
    held = np.flatnonzero(Split(len(words), 0.3, seed=1).mask(0, len(words)))
    other = list(words)
    for here, there in zip(held, np.random.default_rng(5).permutation(held), strict=True):
        other[here] = words[there]
    assert other != words
    first, second = (ws.train([text], **SMALL, heldout=0.3) for text in (words, other))
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.report["heldout_loss"] != second.report["heldout_loss"]


def test_without_heldout_text_there_is_no_such_loss() -> None:
    assert "heldout_loss" not in ws.train(two_topics(60), **SMALL).report


def test_patience_stops_a_run_that_no_longer_gets_better() -> None:
    noise = [list(sentence) for sentence in np.random.default_rng(0).choice(list("abcdefghij"), (80, 8))]
    model = ws.train(noise, **{**SMALL, "epochs": 200}, heldout=0.3, patience=2)
    found = model.report["heldout_loss"]
    assert 3 <= len(found) == len(model.report["loss"]) < 200
    assert min(found[-2:]) >= min(found[:-2])
    assert all(min(found[k - 2 : k]) < min(found[: k - 2]) for k in range(3, len(found)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heldout": 1.0}, "heldout"),
        ({"heldout": -0.1}, "heldout"),
        ({"heldout": float("nan")}, "heldout"),
        ({"patience": 2}, "patience needs held-out text"),
        ({"patience": 0, "heldout": 0.1}, "patience"),
        ({"heldout": 1e-6}, "too little text is held out"),
        ({"heldout": 1 - 1e-9}, "nothing of the text is left"),
    ],
)
def test_heldout_shares_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.train([["a", "b"] * 40], **SMALL, **options)


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


@pytest.mark.parametrize("sample", [0, 1e-3])
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


NINE_DOCUMENTS = """human interface computer
survey user computer system response time
eps user interface system
system human system eps
user response time
trees
graph trees
graph minors trees
graph minors survey"""


@pytest.mark.parametrize("text", [[line.split() for line in NINE_DOCUMENTS.split("\n")], [["a", "b"]] * 100])
def test_texts_of_a_few_words_train_with_the_defaults(text: Sentences) -> None:
    """gensim's first example was refused: subsampling left none of its words, each of which is frequent in 29."""
    model = ws.train(text, min_count=1)
    assert len(model.report["loss"]) == 5
    assert model.report["loss"][-1] < model.report["loss"][0]


def test_a_text_without_pairs_is_refused_with_what_to_give() -> None:
    with pytest.raises(TrainingError, match=r"no word among the 20 tokens .*: give longer sentences, or a smaller"):
        ws.train([["a"], ["b"]] * 10, min_count=1, epochs=1)
    with pytest.raises(TrainingError, match=r"or sample=0 \(now 0.0002\), or more max_tokens \(now 3\)"):
        ws.train([["a"], ["b"]] * 5000, epochs=1, max_tokens=3, sample=2e-4)


@pytest.mark.parametrize("model", MODELS)
def test_more_dimensions_than_examples_do_not_diverge(model: str) -> None:
    """dim 500 diverged on 130,000 tokens with all else default: each example had a direction to itself."""
    ranks = np.random.default_rng(0).zipf(1.5, 3000) % 300
    text = [[f"w{rank}" for rank in ranks[i : i + 10]] for i in range(0, 3000, 10)]
    trained = ws.train(text, model=model, dim=200, epochs=1, threads=1, min_count=1)
    assert trained.report["loss"][0] < AT_START["bounded-ns"]


def test_numpys_numbers_as_options_are_stored_with_the_model(tmp_path: Path) -> None:
    """They were not JSON: the run ended with a TypeError, and nothing was left of it."""
    options = {"dim": np.int64(4), "epochs": np.int32(1), "sample": np.float32(1e-3), "min_count": np.int64(1)}
    model = ws.train(two_topics(40), **options, seed=np.uint8(2), max_vocab=np.int16(9), output=tmp_path / "model")
    assert ws.load(tmp_path / "model").options == model.options
    assert {type(value) for value in model.options.values()} <= {int, float, str, bool, type(None)}


def test_a_loss_object_trains_and_is_stored(tmp_path: Path) -> None:
    """It was a KeyError."""
    given = {**SMALL, "loss": losses.BoundedNS(negatives=10), "output": tmp_path / "model"}
    ws.train(two_topics(60), **given)
    stored = ws.load(tmp_path / "model").options
    assert stored["recipe"]["loss"] == {"name": "bounded-ns", "negatives": 10, "touching": 0.0}
    assert len(ws.train(two_topics(60), **{**given, "epochs": 4}, resume=True).report["loss"]) == 4
    with pytest.raises(InputError, match="recipe was"):
        ws.train(two_topics(60), **{**given, "epochs": 5, "loss": "bounded-ns"}, resume=True)


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
    with pytest.raises(InputError, match=f"encoded with {message}: encode the text again"):
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
        ({"loss": "hinge"}, "hinge.*choose one of"),
        ({"device": "cuda"}, "cuda"),
        ({"min_count": 10_000}, "vocabulary is empty"),
        ({"size": 100, "iter": 5}, r"unknown option (iter: did you mean epochs|size: did you mean dim)"),
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
    monkeypatch.setattr(loop, "DIVERGED", -0.5)
    with pytest.raises(TrainingError, match=r"diverged after [\d,]+ of 14,400 tokens.*batch_tokens"):
        ws.train(two_topics(), **SMALL)


def test_nothing_is_left_behind_in_the_temporary_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with encoded(TrainingText(two_topics(20), min_count=1)) as corpus:
        assert corpus.path.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="vocabulary is empty"), encoded(TrainingText(two_topics(20), min_count=999)):
        pass
    assert list(tmp_path.iterdir()) == []


# ── a recipe that is handed in ────────────────────────────────────────────────────────────────────────────────────────


class Huber(losses.Loss):
    """A loss of a user's own: Taylor's, and so its model."""

    name = "huber"

    def terms(self, o: Any, q: Any, s: Any, total: float) -> losses.Terms:
        return losses.Taylor().terms(o, q, s, total)

    def __repr__(self) -> str:
        return "Huber()"


def test_a_recipe_is_trained_with_and_told() -> None:
    default, text = recipe.recommended("cbow", "taylor"), two_topics(60)
    plain = ws.train(text, **SMALL, loss="taylor")
    assert "recipe" not in plain.options
    same = ws.train(text, **SMALL, loss="taylor", recipe=default)
    assert same.vectors.tobytes() == plain.vectors.tobytes()
    own = ws.train(text, **SMALL, loss="huber", recipe=replace(default, loss=Huber()))
    assert own.options["recipe"]["loss"] == {"name": "huber", "text": "Huber()"}
    np.testing.assert_allclose(own.report["loss"], plain.report["loss"], rtol=1e-4)
    other = ws.train(text, **SMALL, loss="taylor", recipe=replace(default, measure_power=0.75))
    assert other.vectors.tobytes() != plain.vectors.tobytes()


def test_another_recipe_does_not_resume(tmp_path: Path) -> None:
    output, changed = tmp_path / "model", replace(recipe.recommended("cbow", "bounded-ns"), growth=0.5)
    ws.train(two_topics(60), **SMALL, output=output, recipe=changed)
    with pytest.raises(InputError, match=r"resume: .*recipe was \{'loss': .*\}, not None"):
        ws.train(two_topics(60), **{**SMALL, "epochs": 4}, output=output, resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "fast"}, "recipe must be a wordsparse.Recipe, not str"),
        ({"loss": "squared"}, "loss is squared, but the recipe is one for bounded-ns: leave out loss"),
    ],
)
def test_recipes_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options(**{"recipe": recipe.recommended("cbow", "bounded-ns"), **options})
