"""N-grams fitted to vectors: the ridge fit against a dense solution, shrinkage, composed words, and their storage."""

from pathlib import Path

import numpy as np
import pytest
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import InputError, UnknownWordError
from wordsparse.files import storage
from wordsparse.vectors.formats import read_file, save_vectors
from wordsparse.vectors.ngrams import ARRAYS, Subwords, ngrams_of
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import subwords
from wordsparse.words.model_directory import MANIFEST, SUBWORDS

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


def test_ngrams_are_those_of_the_bracketed_word() -> None:
    assert ngrams_of("cat", 4, 6) == ["<cat", "cat>", "<cat>"]
    assert ngrams_of("a", 4, 6) == []
    assert ngrams_of("中国", 2, 3) == ["<中", "中国", "国>", "<中国", "中国>"]


@pytest.mark.parametrize("dim", [1, 7, 33])
def test_the_fit_is_the_dense_solution_of_the_ridge_problem(dim: int) -> None:
    fitted = subwords.fit(WORDS, vectors(dim), COUNTS)
    ngrams = fitted.table.ngrams
    shared = {g for word in WORDS for g in ngrams_of(word, 4, 6)}
    assert ngrams == sorted(g for g in shared if sum(g in ngrams_of(word, 4, 6) for word in WORDS) >= 3)
    X = np.zeros((len(WORDS), len(ngrams)))
    for i, word in enumerate(WORDS):
        known = [ngrams.index(g) for g in ngrams_of(word, 4, 6) if g in ngrams]
        np.add.at(X[i], known, 1 / max(len(known), 1))
    np.testing.assert_allclose(fitted.members.toarray(), X, atol=1e-7)
    unit = vectors(dim) / np.linalg.norm(vectors(dim), axis=1, keepdims=True)
    weights = COUNTS / (COUNTS + subwords.DOUBT)
    matrix = X.T @ (weights[:, None] * X) + subwords.RIDGE * np.eye(len(ngrams))
    exact = np.linalg.solve(matrix, X.T @ (weights[:, None] * unit))
    found = subwords.ridge_rows(fitted.members, unit.astype(np.float32), weights, steps=200)
    np.testing.assert_allclose(found, exact, atol=1e-3)
    np.testing.assert_allclose(X @ fitted.table.rows, X @ exact, atol=0.1)  # the default number of steps is near it


def test_rare_words_are_shrunk_towards_their_ngrams_and_words_without_any_are_not() -> None:
    fitted = subwords.fit(WORDS, vectors(), COUNTS, tau=30.0)
    unit = WordVectors(WORDS, vectors()).unit
    shrunk = fitted.shrunk(unit, COUNTS)
    composed = fitted.members @ fitted.table.rows
    row = WORDS.index("kindness")
    expected = (COUNTS[row] * unit[row] + 30 * composed[row]) / (COUNTS[row] + 30)
    np.testing.assert_allclose(shrunk[row], expected, atol=1e-6)
    for word in ("a", "of", "it's"):
        assert shrunk[WORDS.index(word)].tobytes() == unit[WORDS.index(word)].tobytes()
    assert subwords.fit(WORDS, vectors(), COUNTS, tau=0.0).shrunk(unit, COUNTS).tobytes() == unit.tobytes()


def test_tau_grows_with_the_text() -> None:
    assert subwords.fit(WORDS, vectors(), np.full(len(WORDS), 10**6)).tau == subwords.MAX_TAU
    assert subwords.fit(WORDS, vectors(), COUNTS).tau == pytest.approx(subwords.TAU_SHARE * COUNTS.sum())
    assert subwords.fit(WORDS, vectors()).tau == 0


def test_an_unknown_word_is_composed_and_flagged() -> None:
    made = subwords.with_subwords(WordVectors(WORDS, vectors(), COUNTS))
    assert made.subwords is not None
    known = [g for g in ngrams_of("unhappiness", 4, 6) if g in made.subwords.ngrams]
    rows = made.subwords.rows[[made.subwords.ngrams.index(g) for g in known]]
    np.testing.assert_allclose(made["unhappiness"], rows.mean(axis=0), rtol=1e-6)
    assert np.linalg.norm(made.get_vector("unhappiness", norm=True)) == pytest.approx(1)
    assert made.is_composed("unhappiness")
    assert not made.is_composed("kindness")
    assert "unhappiness" not in made
    assert made.similar("unhappiness", 3) == made.most_similar("unhappiness", topn=3)
    assert made.similarity("unhappiness", "kindness") != 0
    both = made.vectors_for_all(["unhappiness", "kind", "zzz"], copy_vecattrs=True)
    assert (both.words, both.counts.tolist()) == (["unhappiness", "kind"], [0, COUNTS[WORDS.index("kind")]])
    assert made.vectors_for_all(["unhappiness", "kind"], allow_inference=False).words == ["kind"]


@pytest.mark.parametrize("word", ["", "zzz", "kind ness", "kindness\n", " "])
def test_words_that_cannot_be_composed_are_refused(word: str) -> None:
    made = subwords.with_subwords(WordVectors(WORDS, vectors()))
    with pytest.raises(UnknownWordError, match="none of its n-grams is known"):
        made[word]


@pytest.mark.parametrize("lengths", [(0, 3), (5, 4), (4, 65), (4.5, 6)])
def test_lengths_out_of_range_are_refused(lengths: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="n-grams"):
        subwords.fit(WORDS, vectors(), COUNTS, shortest=lengths[0], longest=lengths[1])


def test_words_without_a_shared_ngram_are_refused_and_leave_training_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose shorter n-grams"):
        subwords.fit(["ab", "cd"], np.eye(2, dtype=np.float32))
    text = tmp_path / "text"
    text.write_text("ab cd ef gh\n" * 50)
    assert ws.train(text, subwords=True, **SHORT).subwords is None
    with pytest.raises(InputError, match="words that are text"):
        subwords.with_subwords(WordVectors([1, 2], np.eye(2)))


def test_a_model_keeps_its_ngrams(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    plain = ws.train(text, subwords=False, **SHORT)
    model = ws.train(text, subwords=True, output=tmp_path / "model", **SHORT)
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
        ws.train(text, subwords=given, output=tmp_path / name, resume=True, **{**SHORT, "epochs": 3})
        for given, name in ((True, "model"), (False, "plain"))
    ]
    assert same_vectors(*longer)
    assert [made.subwords is None for made in longer] == [False, True]


@pytest.mark.parametrize("place", [0, -1])
def test_a_damaged_file_of_ngrams_is_named(tmp_path: Path, place: int) -> None:
    ws.train(write_text(tmp_path / "text"), subwords=True, output=tmp_path / "model", **SHORT)
    path = tmp_path / "model" / SUBWORDS
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=SUBWORDS):
        ws.load(tmp_path / "model")
    path.unlink()
    with pytest.raises(InputError, match=SUBWORDS):
        ws.load(tmp_path / "model")


@pytest.mark.parametrize(("name", "value"), [("tau", -1.0), ("tau", 10**400), ("ngrams", None)])
def test_a_table_of_ngrams_that_a_stranger_signed_is_refused(tmp_path: Path, name: str, value: object) -> None:
    ws.train(write_text(tmp_path / "text"), subwords=True, output=tmp_path / "model", **SHORT)
    path = tmp_path / "model" / MANIFEST
    manifest = storage.read_json(path)
    del manifest["sha256"]
    part = manifest["subwords"]["numbers" if name == "tau" else "arrays"]
    part[name] = value
    path.unlink()
    storage.write_manifest(path, manifest)
    with pytest.raises(InputError, match=SUBWORDS):
        ws.load(tmp_path / "model")


def test_npz_holds_the_ngrams(tmp_path: Path) -> None:
    made = subwords.with_subwords(WordVectors(WORDS, vectors(), COUNTS))
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
    found = ws.evaluate(subwords.with_subwords(plain), [pairs])["pairs"]["pairs"]
    assert (found["n"], found["oov"]) == (3, 2)
    assert (found["with_composed"]["n"], found["with_composed"]["oov"]) == (4, 1)
    assert "with_composed" not in ws.evaluate(plain, [pairs])["pairs"]["pairs"]
