"""N-grams fitted to vectors: the fit against a dense solution, the blend, composed words, and their storage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import InputError, UnknownWordError
from wordsparse.types import Array
from wordsparse.vectors import _ngrams
from wordsparse.vectors.ngrams import ARRAYS, Subwords, ngrams_of, numbered
from wordsparse.vectors.word_vectors import WordVectors, read_file, save_vectors
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


def blended(fitted: form.Form, vectors: Array, counts: Array | None) -> Array:
    """The blend of a copy."""
    made = np.array(vectors, np.float32)
    fitted.blend(made, counts)
    return made


def test_ngrams_are_those_of_the_bracketed_word() -> None:
    assert ngrams_of("cat", 4, 6) == ["<cat", "cat>", "<cat>"]
    assert ngrams_of("a", 4, 6) == []
    assert ngrams_of("中国", 2, 3) == ["<中", "中国", "国>", "<中国", "中国>"]


@pytest.mark.parametrize("lengths", [(1, 1), (2, 4), (4, 6), (3, 64)])
def test_ngrams_are_numbered_as_a_dictionary_would(lengths: tuple[int, int]) -> None:
    words = [*WORDS, "", "aaaaaaa", "\ud800kind", "kind\ud800", "\U0010ffffkind", "happiness" * 30, "kind"]
    ngrams, rows, sizes = numbered(words, *lengths, 3)
    of_words = [ngrams_of(word, *lengths) for word in words]
    every = {ngram for found in of_words for ngram in found}
    assert ngrams == sorted(g for g in every if sum(g in found for found in of_words) >= 3)
    place = {ngram: row for row, ngram in enumerate(ngrams)}
    ends = np.cumsum(sizes)
    for found, start, end in zip(of_words, ends - sizes, ends, strict=True):
        assert rows[start:end].tolist() == sorted(place[g] for g in found if g in place)


def test_no_words_and_a_million_characters_have_ngrams_too() -> None:
    ngrams, rows, sizes = numbered([], 3, 6, 3)
    assert (ngrams, len(rows), len(sizes)) == ([], 0, 0)
    letters = [chr(i) for i in range(0x20, 0x110000) if not 0xD800 <= i < 0xE000]
    ngrams, rows, sizes = numbered(["".join(letters), *letters[:5]] * 3, 1, 1, 3)
    assert len(ngrams) == len(letters)
    assert sizes[0] == len(letters) + 2


@pytest.mark.parametrize("ends", [[3, 2, 4], [2, 3], [-1, 4], [5]])
def test_words_that_do_not_fit_their_letters_are_refused(ends: list[int]) -> None:
    with pytest.raises(ValueError, match="must end"):
        _ngrams.number(np.zeros(4, np.uint32), np.array(ends), 1, 2, 1)
    with pytest.raises(ValueError, match="n-grams"):
        _ngrams.number(np.zeros(4, np.uint32), np.array([4]), 0, 2, 1)


def dense(dim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ū, the rows of the n-grams before whitening, and ū + c, by the formulas of the module's head in float64."""
    ngrams, _, _ = numbered(WORDS, 3, 6, 3)
    X = np.zeros((len(WORDS), len(ngrams)))
    for i, word in enumerate(WORDS):
        known = [ngrams.index(g) for g in ngrams_of(word, 3, 6) if g in ngrams]
        np.add.at(X[i], known, 1 / max(len(known), 1))
    weights = COUNTS / (COUNTS + form.DOUBT)
    mean = weights @ unit(dim) / weights.sum()
    matrix = X.T @ (weights[:, None] * X) + form.RIDGE * np.eye(len(ngrams))
    G = np.linalg.solve(matrix, X.T @ (weights[:, None] * (unit(dim) - mean)))
    c = X @ G
    values, basis = np.linalg.eigh((c.T * weights) @ c / weights.sum())
    M = (basis * np.maximum(values, form.FLOOR * values.max()) ** -0.25) @ basis.T
    return mean, G, X.any(1)[:, None] * mean + c @ M / np.linalg.norm(c @ M, axis=1).mean()


def unit(dim: int = 7) -> np.ndarray:
    return np.asarray(WordVectors(WORDS, vectors(dim)).unit, np.float64)


@pytest.mark.parametrize("dim", [1, 7, 33])
def test_the_fit_is_the_dense_solution(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mean, before, after = dense(dim)
    monkeypatch.setattr(form, "STEPS", 200)
    fitted = form.fit(WORDS, unit(dim).astype(np.float32), COUNTS)
    weights = COUNTS / (COUNTS + form.DOUBT)
    found = form.ridge_rows(fitted.members, (unit(dim) - mean).astype(np.float32), weights, ridge=form.RIDGE, steps=200)
    np.testing.assert_allclose(found, before, atol=1e-3)
    np.testing.assert_allclose(fitted.mean, mean, atol=1e-6)
    np.testing.assert_allclose(fitted.members @ fitted.table.rows, after, atol=5e-3)
    monkeypatch.undo()
    near = form.fit(WORDS, unit(dim).astype(np.float32), COUNTS)
    assert np.linalg.norm(near.members @ near.table.rows - after) < 0.15 * np.linalg.norm(after)


def test_a_word_takes_more_of_its_ngrams_the_rarer_it_is_and_none_without_any() -> None:
    fitted = replace(form.fit(WORDS, unit().astype(np.float32), COUNTS), strength=0.4, tau=5.0)
    made = blended(fitted, unit().astype(np.float32), COUNTS)
    c = fitted.members @ fitted.table.rows - fitted.mean
    row = WORDS.index("kindness")
    expected = unit()[row] + (0.4 + 5 / COUNTS[row]) * c[row]
    np.testing.assert_allclose(made[row], expected / np.linalg.norm(expected), atol=1e-6)
    for word in ("a", "it's"):
        np.testing.assert_allclose(made[WORDS.index(word)], unit()[WORDS.index(word)], atol=1e-6)
    unknown = blended(fitted, unit().astype(np.float32), None)[row]
    expected = unit()[row] + 0.4 * c[row]
    np.testing.assert_allclose(unknown, expected / np.linalg.norm(expected), atol=1e-6)


def spelled(dim: int = 100, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """A vocabulary whose vectors are what stem and ending say, and some noise."""
    random = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnop"))
    stems = ["".join(random.choice(letters, 5)) for _ in range(100)]
    words = [stem + ending for stem in stems for ending in ("", "s", "ed", "ing")]
    of_stems, of_endings = random.standard_normal((100, dim)), random.standard_normal((4, dim))
    made = np.repeat(of_stems, 4, axis=0) + np.tile(of_endings, (100, 1)) + random.standard_normal((400, dim))
    return words, WordVectors(words, made.astype(np.float32)).unit


def test_the_strength_is_that_of_the_text_of_the_dimension_and_of_the_user() -> None:
    words, vectors = spelled()
    counts = np.arange(400, 0, -1)
    fitted = form.fit(words, vectors, counts)
    assert (fitted.strength, fitted.tau) == (form.STRENGTH, form.TAU)
    assert form.fit(words, vectors, counts, form=2).strength == 2 * form.STRENGTH
    wide, wider = spelled(400)
    assert form.fit(wide, wider, counts).strength == pytest.approx(form.STRENGTH / 2)
    for given in (form.fit(words, vectors, counts, form=0), form.fit(words, vectors[::-1].copy(), counts, form=0)):
        assert (given.strength, given.tau) == (0, 0)
        np.testing.assert_allclose(blended(given, vectors, counts), vectors, atol=1e-6)
    largest = form.fit(words, vectors, counts, form=MOST_FORM)
    form.Form.from_arrays(largest.arrays(), len(words), vectors.shape[1])  # what is written can be read
    for bad in (-1.0, float("nan"), "much", 2.1e7):
        with pytest.raises(InputError, match="form"):
            form.fit(words, vectors, counts, form=bad)
        with pytest.raises(InputError, match="form"):
            Options(form=bad)


def test_where_spelling_tells_nothing_vectors_stay_as_they_are() -> None:
    words, _ = spelled()
    noise = np.random.default_rng(5).standard_normal((400, 100)).astype(np.float32)
    given = WordVectors(words, noise).unit
    counts = np.arange(400, 0, -1)
    fitted = form.fit(words, given, counts)
    assert fitted.strength < 0.2 * form.STRENGTH
    similar = np.einsum("ij,ij->i", blended(fitted, given, counts), given)
    assert similar.min() > 0.98


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    words, vectors = spelled(70)
    one, three = (form.fit(words, vectors, np.arange(400, 0, -1), threads=threads) for threads in (1, 3))
    assert one.table.rows.tobytes() == three.table.rows.tobytes()
    assert (one.strength, one.mean.tobytes()) == (three.strength, three.mean.tobytes())


def test_vectors_of_zeros_and_counts_of_zeros_are_no_trouble() -> None:
    zeros = np.zeros((len(WORDS), 3), np.float32)
    for counts in (COUNTS, None, COUNTS * 0):
        fitted = form.fit(WORDS, zeros, counts)
        assert not blended(fitted, zeros, counts).any()
        assert np.isfinite(form.fit(WORDS, unit(3).astype(np.float32), counts).table.rows).all()


def test_ngrams_of_the_version_before_are_read() -> None:
    fitted = form.fit(WORDS, unit().astype(np.float32), COUNTS)
    before = {name: part for name, part in fitted.arrays().items() if name not in ("mean", "strength")}
    old = form.Form.from_arrays({**before, "tau": 30.0}, len(WORDS), 7)
    row = WORDS.index("kindness")
    expected = COUNTS[row] * unit()[row] + 30 * (fitted.members @ fitted.table.rows)[row]
    found = blended(old, unit().astype(np.float32), COUNTS)[row]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


@pytest.mark.parametrize("number", [3e38, float("nan")])
@pytest.mark.parametrize("name", ["mean", "ngram_rows", "tau"])
def test_numbers_that_would_leave_float32_are_refused(name: str, number: float) -> None:
    arrays = form.fit(WORDS, unit().astype(np.float32), COUNTS).arrays()
    arrays[name] = arrays[name] * 0 + np.float32(number)
    with pytest.raises(InputError, match="make them again"):
        form.Form.from_arrays(arrays, len(WORDS), 7)


def test_an_unknown_word_is_composed_and_flagged() -> None:
    made = form.with_form(WordVectors(WORDS, vectors(), COUNTS))
    assert made.subwords is not None
    known = [g for g in ngrams_of("unhappiness", 3, 6) if g in made.subwords.ngrams]
    rows = made.subwords.rows[[made.subwords.ngrams.index(g) for g in known]]
    np.testing.assert_allclose(made["unhappiness"], rows.mean(axis=0), rtol=1e-6)
    assert np.linalg.norm(made.vector("unhappiness", unit=True)) == pytest.approx(1)
    assert made.is_composed("unhappiness")
    assert not made.is_composed("kindness")
    assert "unhappiness" not in made
    assert len(made.similar("unhappiness", 3)) == 3


@pytest.mark.parametrize("word", ["", "zzz", "kind ness", "kindness\n", " "])
def test_words_that_cannot_be_composed_are_refused(word: str) -> None:
    made = form.with_form(WordVectors(WORDS, vectors()))
    with pytest.raises(UnknownWordError, match="none of its n-grams is known"):
        made[word]


@pytest.mark.parametrize("lengths", [(0, 3), (5, 4), (4, 65), (4.5, 6)])
def test_lengths_out_of_range_are_refused(lengths: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="n-grams"):
        form.fit(WORDS, vectors(), COUNTS, shortest=lengths[0], longest=lengths[1])


def test_words_without_a_shared_ngram_are_refused_and_leave_training_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose shorter n-grams"):
        form.fit(["xy", "cd"], np.eye(2, dtype=np.float32))
    text = tmp_path / "text"
    text.write_text("ab cd ef gh\n" * 50)
    assert ws.train(text, form=1, **SHORT).subwords is None
    with pytest.raises(InputError, match="words that are text"):
        form.with_form(WordVectors([1, 2], np.eye(2)))


def test_text_has_ngrams_unless_it_is_told_not_to(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    plain, model = (ws.train(text, form=given, **SHORT) for given in (0, None))
    assert model.subwords is not None
    assert plain.subwords is None
    assert ws.train(text, preset="items", **SHORT).subwords is None
    assert ws.train(text, preset="walks", form=1, **SHORT).subwords is not None
    strong = ws.train(text, form=3.0, **SHORT)
    assert strong.subwords.tau == pytest.approx(3 * model.subwords.tau)


def test_a_model_keeps_its_ngrams(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    plain = ws.train(text, form=0, **SHORT)
    model = ws.train(text, form=1, output=tmp_path / "model", **SHORT)
    assert model.subwords is not None
    loaded = ws.load(tmp_path / "model")
    assert same_vectors(plain, model)
    for other in (loaded, plain.fit_subwords()):
        assert other.vectors.tobytes() == model.vectors.tobytes()
        assert other["unhappiness"].tobytes() == model["unhappiness"].tobytes()
    assert loaded.without_subwords().vectors.tobytes() == plain.vectors.tobytes()
    assert model.vectors.tobytes() != plain.vectors.tobytes()
    plain.save(tmp_path / "plain")
    longer = [
        ws.train(text, form=given, output=tmp_path / name, resume=True, **{**SHORT, "epochs": 3})
        for given, name in ((1, "model"), (0, "plain"))
    ]
    assert same_vectors(*longer)
    assert [made.subwords is None for made in longer] == [False, True]


def test_npz_holds_the_ngrams(tmp_path: Path) -> None:
    made = form.with_form(WordVectors(WORDS, vectors(), COUNTS))
    save_vectors(made, tmp_path / "v.npz", "npz")
    found = read_file(tmp_path / "v.npz")
    assert found.subwords is not None
    assert made.subwords is not None
    assert found.subwords.ngrams == made.subwords.ngrams
    assert found["unhappiness"].tobytes() == made["unhappiness"].tobytes()
    stored = dict(np.load(tmp_path / "v.npz"))
    bad = {
        "ngram_rows": stored["ngram_rows"][:, :3],
        "ngram_sizes": stored["ngram_sizes"][:-1],
        "ngrams": stored["ngrams"] | 0x80,
        "ngram_lengths": stored["ngram_lengths"] * 0,
    }
    for name, value in bad.items():
        np.savez(tmp_path / "bad.npz", **{**stored, name: value})
        with pytest.raises(InputError, match="n-gram"):
            read_file(tmp_path / "bad.npz")
    for name in ARRAYS:
        np.savez(tmp_path / "bad.npz", **{other: value for other, value in stored.items() if other != name})
        with pytest.raises(InputError, match=f"without the array '{name}'"):
            read_file(tmp_path / "bad.npz")


def test_rows_and_ngrams_must_agree() -> None:
    for ngrams, rows in ((["abcd"], 2), (["abcd", "abcd"], 2), (["abc"], 1)):
        with pytest.raises(InputError, match="n-gram"):
            Subwords(ngrams, np.zeros((rows, 3), np.float32), 4, 6)


def test_composed_pairs_are_reported_apart(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("kind\tkindness\t9\nwalk\twalker\t7\nhappy\tunkindest\t2\nzzz\tkind\t1\nwalk\tkinder\t3\n")
    plain = WordVectors(WORDS, vectors(), COUNTS)
    found = ws.evaluate(form.with_form(plain), [pairs])["pairs"]["pairs"]
    assert (found["n"], found["oov"]) == (3, 2)
    assert (found["with_composed"]["n"], found["with_composed"]["oov"]) == (4, 1)
    assert "with_composed" not in ws.evaluate(plain, [pairs])["pairs"]["pairs"]
