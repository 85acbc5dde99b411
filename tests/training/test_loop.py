"""Whole runs on small texts: what they learn, what they report, reproducibility, and refused requests."""

import tempfile
import weakref
from dataclasses import replace

import numpy as np
import pytest
from support.topics import AT_START, SMALL, TOPICS, two_topics

import wordsparse as ws
from wordsparse.errors import InputError, TrainingError
from wordsparse.kernels import CpuKernels
from wordsparse.machine import devices
from wordsparse.training import loop
from wordsparse.training.progress import rate
from wordsparse.training.request import request
from wordsparse.words import recipe
from wordsparse.words.embedding import WordEmbedding
from wordsparse.words.options import LOSSES, MODELS, Options

pytestmark = pytest.mark.usefixtures("no_gpu")


@pytest.mark.parametrize("model", MODELS)
def test_the_vectors_of_a_new_model_are_in_principal_axes(model):
    trained = ws.train(two_topics(), **SMALL, model=model)
    plain = replace(trained, ngrams=None, axes=None, is_principal=False)
    bare, unit = trained.without_ngrams().wv, plain.wv.unit
    np.testing.assert_allclose(bare.unit @ bare.unit.T, unit @ unit.T, atol=1e-6)
    for word in trained:
        assert {near for near, _ in bare.similar(word, 5)} == {near for near, _ in plain.wv.similar(word, 5)}
    moment = bare.unit.T @ bare.unit
    np.testing.assert_allclose(moment, np.diag(np.diag(moment)), atol=1e-5 * moment[0, 0])
    assert (np.diff(np.diag(moment)) <= 0).all()


def test_a_clock_that_stands_still_has_no_speed():
    """A run can be shorter than the resolution of the clock; computing its speed must not divide by zero."""
    assert (rate(5, 0), rate(5, 2)) == (0, 2.5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODELS)
def test_topics_are_learnt_and_the_heldout_loss_is_reported_each_epoch(model, loss):
    seen = []
    trained = ws.train(two_topics(1200), **SMALL, model=model, loss=loss, heldout=0.2, progress=seen.append)
    losses, heldout = trained.report["loss"], trained.report["heldout_loss"]
    assert seen[0].loss == pytest.approx(AT_START[loss], rel=0.1 if loss == "zloss" else 1e-6, abs=1e-5)
    assert losses[-1] < losses[0] < AT_START[loss]
    assert max(heldout) < AT_START[loss] - 0.2
    assert heldout[-1] == pytest.approx(losses[-1], rel=0.1)
    assert [p.heldout_loss for p in seen if p.heldout_loss is not None] == heldout
    assert seen[-1].tokens == seen[-1].total_tokens == trained.report["tokens"]
    assert trained.report["tokens"] == pytest.approx(3 * 0.8 * 9600, rel=0.02)
    unit = trained.wv.unit[[trained.wv.row(word) for topic in TOPICS for word in topic]]
    means = (unit @ unit.T).reshape(2, 10, 2, 10).mean(axis=(1, 3))  # means per topic, with 10 % self-pairs
    assert means.trace() / 2 - 0.1 > means[0, 1] + 0.3


@pytest.mark.parametrize("direction", ["both", "after"])
@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(model, direction):
    text = two_topics(1500)
    # Minibatches need many tokens and wide rows to have enough work for several threads.
    options = {**SMALL, "dim": 40, "epochs": 1, "batch_tokens": 4000, "model": model, "direction": direction}
    runs = [ws.train(text, **{**options, "threads": threads}) for threads in (1, 1, 2, 3)]
    for other in runs[1:]:
        assert other.input_rows.tobytes() == runs[0].input_rows.tobytes()
        assert other.output_rows.tobytes() == runs[0].output_rows.tobytes()
        assert other.vectors.tobytes() == runs[0].vectors.tobytes()
    assert [run.report["threads"] for run in runs] == [1, 1, 2, 3]
    assert not np.array_equal(ws.train(text, **options, seed=2).vectors, runs[0].vectors)


@pytest.mark.parametrize("model", MODELS)
def test_threads_beside_a_gpu_build_the_minibatches_of_one(monkeypatch, model):
    def minibatches(threads, device):
        monkeypatch.setattr(devices, "choose", lambda asked: devices.Choice(device, "as the test has it"))
        options = Options(dim=4, sample=0, model=model, threads=threads, batch_tokens=150)
        with request(two_topics(), {"min_count": 1}).source() as corpus:
            run = loop.Run(corpus, options)
            built = [
                (end, e.words.tobytes(), e.targets.csr.indices.tobytes(), e.targets.y.tobytes())
                for end, e in run.minibatches.epoch(0)
            ]
        return run.minibatches._threads, built

    monkeypatch.setattr(loop, "kernels_on", lambda device, threads, bfloat16: CpuKernels(1))
    ahead, expected = minibatches(1, "cpu")
    assert ahead == 0
    assert len(expected) > 20
    for threads, device, builders in ((1, "cuda", 0), (2, "cuda", 1), (5, "cuda", 4), (64, "cuda", 8), (5, "cpu", 1)):
        assert minibatches(threads, device) == (builders, expected)


def test_the_report_counts_every_token_of_every_epoch():
    text = [*two_topics(100), ["rare"], ["b0", "once", "b1"]]  # words below min_count are tokens too
    model = ws.train(text, **{**SMALL, "min_count": 2})
    report = model.report
    assert report["tokens"] == 3 * 804
    assert (report["vocab_size"], report["dim"], report["threads"], report["device"]) == (20, 8, 1, "cpu")
    assert len(report["loss"]) == 3
    assert report["tokens_per_second"] == pytest.approx(report["tokens"] / report["wall_seconds"])
    assert report["peak_memory_bytes"] > 1e7
    assert report["checkpoints"] == 0
    assert "heldout_loss" not in report
    assert "rare" not in model.vocabulary
    assert model.vectors.shape == (20, 8)
    assert model.vectors.dtype == np.float32


@pytest.mark.parametrize(
    ("acceleration", "expected"),
    [
        # Each minibatch has 1/4 of the number of earlier positions, at least 15 and at most 120, until the epoch ends.
        (0.0, [15, 15, 15, 15, 15, 18, 23, 29, 36, 45, 56, 70, 88, 10, 112, 120, 120, 98, 120, 120, 120, 90]),
        # The sizes for acceleration 0, multiplied by √(number of positions before the minibatch / 60).
        (0.5, [15, 15, 15, 15, 15, 20, 29, 44, 70, 118, 94, 120, 120, 120, 90, 120, 120, 120, 90]),
    ],
)
def test_minibatches_grow_with_the_positions_before_them(acceleration, expected):
    growing = replace(recipe.recommended("cbow", "bounded-ns"), growth=0.25, acceleration=acceleration)
    seen = []
    ws.train(two_topics(50), **SMALL, batch_tokens=120, recipe=growing, progress=seen.append)
    sizes = np.diff([0, *(progress.tokens for progress in seen)]) * 9 / 8  # the ends of sentences are positions too
    assert sizes == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("max_tokens", [5, 7, 8, 9, 100, 399, 400, 10_000])
def test_max_tokens_is_exact_and_leaves_the_vocabulary(max_tokens):
    model = ws.train(two_topics(50), **SMALL, max_tokens=max_tokens)
    assert model.report["tokens"] == 3 * min(max_tokens, 400)
    assert len(model.vocabulary) == 20


@pytest.mark.parametrize("model", MODELS)
def test_more_dimensions_than_examples_do_not_diverge(model):
    """With more dimensions than examples, each example has its own direction, and large steps could diverge."""
    ranks = np.random.default_rng(0).zipf(1.5, 3000) % 300
    text = [[f"w{rank}" for rank in ranks[i : i + 10]] for i in range(0, 3000, 10)]
    trained = ws.train(text, model=model, dim=200, epochs=1, threads=1, min_count=1)
    assert trained.report["loss"][0] < AT_START["bounded-ns"]


def test_a_loss_far_above_the_first_one_ends_the_run(monkeypatch):
    monkeypatch.setattr(loop, "DIVERGED", -0.9)
    with pytest.raises(TrainingError, match=r"diverged.*batch_tokens"):
        ws.train(two_topics(100), **SMALL)


def test_no_temporary_files_are_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with request(two_topics(20), {"min_count": 1}).source() as corpus:
        assert corpus.corpus.path.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(InputError, match="vocabulary is empty"),
        request(two_topics(20), {"min_count": 999}).source(),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_arrays_of_a_step_are_gone_before_the_next(monkeypatch):
    """If the gradient of a minibatch stayed alive during the next minibatch, a run would need a fifth more memory."""
    pull, pulls = WordEmbedding.pull, []

    def watched(embedding, examples):
        assert not any(reference() for reference in pulls)
        made = pull(embedding, examples)
        pulls.append(weakref.ref(made))
        return made

    monkeypatch.setattr(WordEmbedding, "pull", watched)
    ws.train([["a", "b", "c", "d"]] * 300, dim=4, epochs=2, batch_tokens=100, progress=False)
    assert len(pulls) > 10


def test_a_trained_model_keeps_the_vectors_of_its_fit():
    """Exporting uses the vectors to which n-grams were fitted, and does not compute them again."""
    model = ws.train([["walk", "walks", "walked", "walker"], ["talk", "talks", "talked"]] * 99, dim=4, epochs=1)
    assert model.ngrams is not None
    assert "vectors" in vars(model)
    np.testing.assert_array_equal(model.vectors, replace(model).vectors)


@pytest.mark.parametrize("form", [0.0, 1.0])
def test_vectors_do_not_depend_on_when_the_principal_axes_are_computed(tmp_path, form):
    """Previously, every run computed its vectors at its end, only to rotate them."""
    trained = ws.train(two_topics(), **SMALL, form=form)
    assert ("vectors" in vars(trained)) == (form > 0)
    trained.save(tmp_path / "before")
    vectors = trained.vectors
    trained.save(tmp_path / "after")
    for path in ("before", "after"):
        np.testing.assert_array_equal(ws.load(tmp_path / path).vectors, vectors)
    if form:
        np.testing.assert_array_equal(ws.load(tmp_path / "before").without_ngrams().fit_ngrams().vectors, vectors)
