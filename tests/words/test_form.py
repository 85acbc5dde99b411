"""N-grams fitted to vectors: the fit, compared with a dense solution, the blend, composed words, and storage."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import ngrams as oracle
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import InputError, UnknownWordError
from wordsparse.types import Array
from wordsparse.vectors.formats import read_file, save_vectors
from wordsparse.vectors.ngrams import ARRAYS, SPAN
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import form
from wordsparse.words.options import MOST_FORM, Options

STEMS = ("happy", "kind", "walk", "bright", "straße", "naïve")
ENDINGS = ("ness", "ing", "er", "est", "", "ly", "less")
WORDS = [stem + ending for ending in ENDINGS for stem in STEMS] + ["a", "of", "\U0001f600\U0001f600", "it's"]
COUNTS = np.arange(len(WORDS), 0, -1) ** 2


def vectors(dim: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((len(WORDS), dim), np.float32)


def write_text(path: Path, repeats: int = 40) -> Path:
    random = np.random.default_rng(3)
    path.write_text("".join(" ".join(random.choice(WORDS, 8)) + "\n" for _ in range(repeats)))
    return path


def blended(fitted: form.NgramFit, vectors: Array, counts: Array | None, words: Sequence[str] = WORDS) -> Array:
    """Blend n-grams into a copy of the vectors."""
    made = np.array(vectors, np.float32)
    fitted.blend(words, made, counts)
    return made


def unit(dim: int = 7) -> np.ndarray:
    return np.asarray(WordVectors(WORDS, vectors(dim)).unit, np.float64)


def composed(fitted: form.NgramFit, words: Sequence[str] = WORDS) -> Array:
    """Return c, the vectors composed from n-grams; zeros for a word without n-grams."""
    return fitted.vectors.index.means(fitted.vectors.rows, words, fitted.vectors.dim)


def expected(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ū and c by the formulas of the docstring of form.py, in float64."""
    ngrams = oracle.numbered(WORDS, 3, 6, 3)
    X = oracle.shares(WORDS, ngrams, 3, 6)
    weights = COUNTS / (COUNTS + form.DOUBT)
    mean = weights @ unit(dim) / weights.sum()
    c = X @ oracle.swept(X, unit(dim) - mean, weights, form.RIDGE, form.SWEEPS)
    values, basis = np.linalg.eigh((c.T * weights) @ c / weights.sum())
    M = (basis * np.maximum(values, form.FLOOR * values.max()) ** -form.POWER) @ basis.T
    return mean, c @ M / np.linalg.norm(c @ M, axis=1).mean()


@pytest.mark.parametrize("dim", [1, 3, 28, 32, 33, 300])
def test_the_fit_is_that_of_the_formulas(dim: int) -> None:
    mean, c = expected(dim)
    fitted = form.fit(WORDS, unit(dim).astype(np.float32), COUNTS)
    np.testing.assert_allclose(fitted.vectors.mean, mean, atol=1e-6)
    # With few words, eigenvectors are poorly determined, so rounding errors of 8 and 16 bits rotate M.
    assert np.linalg.norm(composed(fitted) - c) < 0.1 * np.linalg.norm(c)


def test_words_seen_too_seldom_are_not_in_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "FEW", 20)
    counts = np.where(np.arange(len(WORDS)) < 30, 9, 4)
    some = form.fit(WORDS[:30], unit().astype(np.float32)[:30], counts[:30])
    fitted = form.fit(WORDS, unit().astype(np.float32), counts)
    np.testing.assert_array_equal(fitted.vectors.rows, some.vectors.rows)
    seldom = form.fit(WORDS, unit().astype(np.float32), counts - 4)
    assert oracle.texts(seldom.vectors.index) == oracle.texts(some.vectors.index)
    assert len(form.fit(WORDS, unit().astype(np.float32), counts * 0 + 1).vectors) > len(some.vectors)


def test_a_word_takes_more_of_its_ngrams_the_rarer_it_is_and_none_without_any() -> None:
    fitted = replace(form.fit(WORDS, unit().astype(np.float32), COUNTS), strength=0.4, tau=5.0)
    made = blended(fitted, unit().astype(np.float32), COUNTS)
    row = WORDS.index("kindness")
    c = composed(fitted)[row]
    blend = unit()[row] + (0.4 + 5 / COUNTS[row]) * c
    np.testing.assert_allclose(made[row], blend / np.linalg.norm(blend), atol=1e-6)
    for word in ("a", "it's"):
        np.testing.assert_allclose(made[WORDS.index(word)], unit()[WORDS.index(word)], atol=1e-6)
    unknown = blended(fitted, unit().astype(np.float32), None)[row]
    blend = unit()[row] + 0.4 * c
    np.testing.assert_allclose(unknown, blend / np.linalg.norm(blend), atol=1e-6)


def spelled(dim: int = 100, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Make words from stems and endings. A word's vector is its stem's vector plus its ending's vector plus noise."""
    random = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnop"))
    stems = ["".join(random.choice(letters, 5)) for _ in range(100)]
    words = [stem + ending for stem in stems for ending in ("", "s", "ed", "ing")]
    of_stems, of_endings = random.standard_normal((100, dim)), random.standard_normal((4, dim))
    made = np.repeat(of_stems, 4, axis=0) + np.tile(of_endings, (100, 1)) + random.standard_normal((400, dim))
    return words, WordVectors(words, made.astype(np.float32)).unit


def test_the_strength_depends_on_the_words_the_dimension_and_form() -> None:
    words, vectors = spelled()
    counts = np.arange(400, 0, -1)
    fitted = form.fit(words, vectors, counts)
    assert (fitted.strength, fitted.tau) == (form.STRENGTH, form.TAU)
    assert form.fit(words, vectors, counts, form=2).strength == 2 * form.STRENGTH
    wide, wider = spelled(400)
    assert form.fit(wide, wider, counts).strength == pytest.approx(form.STRENGTH / 2)
    for given in (form.fit(words, vectors, counts, form=0), form.fit(words, vectors[::-1].copy(), counts, form=0)):
        assert (given.strength, given.tau) == (0, 0)
        np.testing.assert_allclose(blended(given, vectors, counts, words), vectors, atol=1e-6)
    largest = form.fit(words, vectors, counts, form=MOST_FORM)
    form.NgramFit.from_arrays(largest.arrays())  # the arrays can be read again
    for bad in (-1.0, float("nan"), "much", 2.1e7):
        with pytest.raises(InputError, match="form"):
            form.fit(words, vectors, counts, form=bad)
        with pytest.raises(InputError, match="form"):
            Options(form=bad)


def test_shuffled_spellings_have_no_strength() -> None:
    # Frequent and rare words have different mean vectors. Previously, random n-grams predicted this difference.
    words, _ = spelled()
    random = np.random.default_rng(5)
    counts = (1000 / np.arange(1, 401)).astype(np.int64)
    given = WordVectors(words, random.standard_normal((400, 100)) + 0.5 * (counts[:, None] > 20)).unit
    strengths = [form.fit(random.permutation(words).tolist(), given, counts).strength for _ in range(10)]
    assert np.mean(strengths) < 0.1 * form.STRENGTH


def test_vectors_and_counts_may_be_zero() -> None:
    zeros = np.zeros((len(WORDS), 3), np.float32)
    for counts in (COUNTS, None, COUNTS * 0):
        fitted = form.fit(WORDS, zeros, counts)
        assert not blended(fitted, zeros, counts).any()
        rows = form.fit(WORDS, unit(3).astype(np.float32), counts).vectors.rows
        assert np.isfinite(oracle.unpacked(rows, 3, SPAN)).all()


def test_an_unknown_word_is_composed_and_flagged() -> None:
    made = form.with_form(WordVectors(WORDS, vectors(), COUNTS))
    ngrams, rows = oracle.texts(made.ngrams.index), oracle.unpacked(made.ngrams.rows, 7, SPAN)
    composed = oracle.shares(["unhappiness"], ngrams, 3, 6)[0] @ rows
    np.testing.assert_allclose(made["unhappiness"], made.ngrams.mean + composed, rtol=1e-5)
    assert np.linalg.norm(made.vector("unhappiness", unit=True)) == pytest.approx(1)
    assert made.is_composed("unhappiness")
    unit = made["unhappiness"] / np.linalg.norm(made["unhappiness"])
    assert made.similarity(WORDS[0], "unhappiness") == pytest.approx(made.vector(WORDS[0], unit=True) @ unit, abs=1e-6)
    assert not made.is_composed("kindness")
    assert "unhappiness" not in made
    assert len(made.similar("unhappiness", 3)) == 3


def test_similar_names_a_composed_word_once(caplog: pytest.LogCaptureFixture) -> None:
    made = form.with_form(WordVectors(WORDS, vectors(), COUNTS))
    for query in ("unhappiness", ["kind", "unhappiness"], "kind", made["unhappiness"], ["walks", "bricht"]):
        made.similar(query)
    assert [record.args for record in caplog.records] == [("unhappiness",), ("walks",), ("bricht",)]
    assert "'walks' is not in the vocabulary: its vector is composed of its n-grams" in caplog.messages


def test_the_vector_of_a_composed_word_is_announced_once(caplog: pytest.LogCaptureFixture) -> None:
    """Previously, ``vectors[word]`` composed vectors in silence, although ``word in vectors`` was False."""
    made = form.with_form(WordVectors(WORDS, vectors(), COUNTS))
    for query in ("unhappiness", "kind", ["unhappiness", "walks"], np.array(["kind"])):
        _ = made[query]
    assert [record.args for record in caplog.records] == [("unhappiness",), ("walks",)]


@pytest.mark.parametrize("word", ["", "zzz", "kind ness", "kindness\n", " "])
def test_words_that_cannot_be_composed_are_refused(word: str) -> None:
    made = form.with_form(WordVectors(WORDS, vectors()))
    with pytest.raises(UnknownWordError, match="none of its n-grams is known"):
        made[word]


def test_a_word_that_shares_only_its_brackets_has_no_vector() -> None:
    """Previously, with n-grams of one character, Ω and 北京 had the same vector."""
    made = form.with_form(WordVectors(WORDS, vectors()), shortest=1, longest=5)
    assert made.is_composed("k")
    assert not made.is_composed("Ω")
    with pytest.raises(UnknownWordError, match="none of its n-grams is known"):
        made["北京"]


@pytest.mark.parametrize("lengths", [(0, 3), (5, 4), (4, 65), (4.5, 6)])
def test_lengths_out_of_range_are_refused(lengths: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="n-grams"):
        form.fit(WORDS, vectors(), COUNTS, shortest=lengths[0], longest=lengths[1])


def test_long_endings_give_short_ngrams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Italian endings replace each other: there, short n-grams lowered the correlation with ratings."""
    random = np.random.default_rng(2)
    stems = ["".join(random.choice(list("abc"), 12)) for _ in range(100)]
    turkish = ["", "da", "lar", "larda", "lardan", "larin", "larimda", "larimdan"]
    endings = (turkish, ["o", "i", "ano", "ere"], [",", ".", "!", ""])
    for some, habit in zip(endings, (form.AGGLUTINATIVE, form.USUAL, form.USUAL), strict=True):
        words = [stem + ending for ending in some for stem in stems]
        counts, topics = np.arange(len(words), 0, -1), random.standard_normal((100, 100))
        unit = WordVectors(words, np.tile(topics, (len(some), 1))).unit
        assert form.habit_of(words, counts) is form.USUAL  # too few words
        with monkeypatch.context() as patch:
            patch.setattr(form, "FEW", 100 if "," in some else 400)
            patch.setattr(form, "STEMS", 100)
            assert form.habit_of(words, counts) is form.habit_of(words, None) is habit
            fitted = form.fit(words, unit, counts)
        assert (fitted.vectors.index.shortest, fitted.strength) == (habit.lengths[0], form.STRENGTH)
        assert str(fitted) == f"n-grams of {habit.lengths[0]} to {habit.lengths[1]}, as in {habit.languages}"


def test_korean_words_are_judged_by_their_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, Korean was a language of short words, because a syllable has one character."""
    random = np.random.default_rng(2)
    stems = {"".join(random.choice(list("강남담랑만방산"), 2)): None for _ in range(50)}
    words = [stem + ending for ending in ("", "들", "들은", "들을", "들에게", "에서") for stem in stems]
    assert form.habit_of(words, None) is form.SHORT  # too few words
    monkeypatch.setattr(form, "FEW", len(words))
    monkeypatch.setattr(form, "STEMS", len(stems))
    assert form.habit_of(words, None) is form.AGGLUTINATIVE


def test_lengths_of_a_habit_have_its_ridge() -> None:
    words, vectors = spelled()
    found = [form.fit(words, vectors, shortest=1, longest=longest) for longest in (5, 6)]
    assert [str(each) for each in found] == ["n-grams of 1 to 5, as in agglutinative languages", "n-grams of 1 to 6"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "habit_of", lambda *_: form.AGGLUTINATIVE)
        chosen = form.fit(words, vectors)
    np.testing.assert_array_equal(found[0].vectors.rows, chosen.vectors.rows)


def test_short_words_have_short_ngrams(tmp_path: Path) -> None:
    """Previously, n-grams of 3 to 6 characters, which predict nothing for kanji, were blended in."""
    (tmp_path / "text").write_text("東京 東京都 東京駅 猫\n" * 20)
    ngrams = [ws.train(tmp_path / "text", **lengths, **SHORT).ngrams for lengths in ({}, {"shortest": 2, "longest": 4})]
    assert [str(each) for each in ngrams] == ["n-grams of 1 to 3, as in languages of short words", "n-grams of 2 to 4"]


def test_words_without_a_shared_ngram_are_refused_and_leave_training_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose shorter n-grams"):
        form.fit(["xy", "cd"], np.eye(2, dtype=np.float32))
    text = tmp_path / "text"
    text.write_text("abcd efgh ijkl mnop\n" * 50)
    assert ws.train(text, form=1, **SHORT).ngrams is None
    with pytest.raises(InputError, match="words that are text"):
        form.with_form(WordVectors([1, 2], np.eye(2)))


def test_text_has_ngrams_unless_it_is_told_not_to(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    plain, model = (ws.train(text, form=given, **SHORT) for given in (0, None))
    assert model.ngrams is not None
    assert plain.ngrams is None
    assert ws.train(text, kind="items", **SHORT).ngrams is None
    assert ws.train(text, kind="walks", form=1, **SHORT).ngrams is not None
    strong = ws.train(text, form=3.0, **SHORT)
    assert strong.ngrams.tau == pytest.approx(3 * model.ngrams.tau)


def test_a_model_keeps_its_ngrams(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    plain = ws.train(text, form=0, **SHORT)
    model = ws.train(text, form=1, output=tmp_path / "model", **SHORT)
    assert model.ngrams is not None
    loaded = ws.load(tmp_path / "model")
    assert same_vectors(plain, model)
    for other in (loaded, plain.fit_ngrams()):
        assert other.vectors.tobytes() == model.vectors.tobytes()
        assert other["unhappiness"].tobytes() == model["unhappiness"].tobytes()
    assert loaded.without_ngrams().vectors.tobytes() == plain.vectors.tobytes()
    assert model.vectors.tobytes() != plain.vectors.tobytes()
    plain.save(tmp_path / "plain")
    longer = [
        ws.train(text, form=given, output=tmp_path / name, resume=True, **{**SHORT, "epochs": 3})
        for given, name in ((1, "model"), (0, "plain"))
    ]
    assert same_vectors(*longer)
    assert [made.ngrams is None for made in longer] == [False, True]


def test_the_strength_can_be_chosen_after_training(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    models = {strength: ws.train(text, form=strength, **SHORT) for strength in (1, 3)}
    models[1].save(tmp_path / "model")
    for one in (models[1], models[3], ws.load(tmp_path / "model")):
        stronger = one.with_form(3)
        assert stronger.vectors.tobytes() == models[3].vectors.tobytes()
        assert stronger["unhappiness"].tobytes() == one["unhappiness"].tobytes()
        assert same_vectors(one.with_form(0), one.without_ngrams())
    no_blend = models[1].fit_ngrams(form=0)
    assert no_blend.with_form(1).vectors.tobytes() == models[1].vectors.tobytes()
    for bad in (-1, float("nan"), 2e6):
        with pytest.raises(InputError, match="form"):
            models[1].with_form(bad)
    with pytest.raises(InputError, match="no n-grams: fit them"):
        models[1].without_ngrams().with_form(1)


def test_models_of_older_versions_are_read(tmp_path: Path) -> None:
    model = ws.train(write_text(tmp_path / "text"), **SHORT)
    older = {name: part for name, part in model.ngrams.arrays().items() if name not in ("weight", "languages")}
    read = form.NgramFit.from_arrays(older)
    assert (read.strength, read.tau, str(read)) == (model.ngrams.strength, model.ngrams.tau, "n-grams of 3 to 6")
    assert replace(model, ngrams=read.with_form(2)).vectors.tobytes() == model.with_form(2).vectors.tobytes()


def test_npz_holds_the_ngrams(tmp_path: Path) -> None:
    made = form.with_form(WordVectors(WORDS, vectors(), COUNTS))
    save_vectors(made, tmp_path / "v.npz", "npz")
    found = read_file(tmp_path / "v.npz")
    assert oracle.texts(found.ngrams.index) == oracle.texts(made.ngrams.index)
    assert found["unhappiness"].tobytes() == made["unhappiness"].tobytes()
    stored = dict(np.load(tmp_path / "v.npz"))
    bad = {
        "ngram_rows": oracle.unpacked(stored["ngram_rows"], 7, SPAN),
        "ngrams": stored["ngrams"] | 0x80,
        "ngram_mean": stored["ngram_mean"].astype(np.float64),
        "ngram_lengths": stored["ngram_lengths"] * 0,
    }
    for name, value in bad.items():
        np.savez(tmp_path / "bad.npz", **{**stored, name: value})
        with pytest.raises(InputError, match="n-gram"):
            read_file(tmp_path / "bad.npz")
    np.savez(tmp_path / "bad.npz", **{name: value for name, value in stored.items() if name != ARRAYS[0]})
    with pytest.raises(InputError, match=f"without the array '{ARRAYS[0]}'"):
        read_file(tmp_path / "bad.npz")


def test_composed_pairs_are_reported_apart(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("kind\tkindness\t9\nwalk\twalker\t7\nhappy\tunkindest\t2\nzzz\tkind\t1\nwalk\tkinder\t3\n")
    plain = WordVectors(WORDS, vectors(), COUNTS)
    result = ws.evaluate(form.with_form(plain), [pairs])
    assert "with composed vectors" in str(result)
    found = result["pairs"]["pairs"]
    assert (found["n"], found["oov"]) == (3, 2)
    assert (found["with_composed"]["n"], found["with_composed"]["oov"]) == (4, 1)
    assert "with_composed" not in ws.evaluate(plain, [pairs])["pairs"]["pairs"]
