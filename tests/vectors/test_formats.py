"""Files of vectors: round trips, agreement with gensim, and words that a format cannot hold."""

import os
import types

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.vectors.compact import DTYPES
from wordsparse.vectors.formats import FORMATS, READABLE, _decimals, save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

HOLDS_COUNTS = ("npz", "safetensors")
ODD_FLOATS = [0.0, -0.0, 1e-45, 3.4028235e38, 0.1, -1 / 3, 1.17549435e-38, 16777217.0]


def some_vectors(words=None, dim=8):
    words = words or ["the", "Ærø", "日本", "a_b", "x\u0301", "1", "100_200"]
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)).astype(np.float32)
    vectors[1] = np.resize(np.array(ODD_FLOATS, dtype=np.float32), dim)
    return WordVectors(words, vectors, range(len(words), 0, -1))


def assert_same(found, expected, counts=False):
    assert found.words == expected.words
    assert found.vectors.tobytes() == expected.vectors.tobytes()
    if counts:
        np.testing.assert_array_equal(found.counts, expected.counts)


@pytest.mark.parametrize("dim", [1, 2, 8, 300])
@pytest.mark.parametrize("name", READABLE)
def test_round_trip(tmp_path, name, dim):
    word_vectors = some_vectors(dim=dim)
    path = tmp_path / "no_telling_suffix"
    assert save_vectors(word_vectors, path, name) == [path]
    found = read_vectors(path)
    assert_same(found, word_vectors, counts=name in HOLDS_COUNTS)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("name", READABLE)
def test_rounded_vectors_are_read_as_they_were(tmp_path, name, dtype):
    """Formats that are lossy keep the smaller type."""
    word_vectors, sizes = some_vectors(dim=64), []
    word_vectors.vectors[1] = np.geomspace(1e-6, 6e4, 64)
    for original in (word_vectors, word_vectors.rounded(dtype)):
        save_vectors(original, path := tmp_path / original.vectors.__class__.__name__, name)
        sizes.append(path.stat().st_size)
    found, expected = read_vectors(path), word_vectors.rounded(dtype)
    assert (found.words, found.vectors.dtype) == (expected.words, np.float32)
    np.testing.assert_array_equal(found.vectors, np.asarray(expected.vectors))
    if FORMATS[name].is_lossy:
        assert sizes[1] < sizes[0]
        np.testing.assert_array_equal(found.counts, expected.counts)


def test_every_float32_is_the_same_after_its_digits():
    bits = np.random.default_rng(1).integers(0, 2**32, 30_000, np.uint32)
    bits[:6] = [0, 1 << 31, 1, 0x00800000, 0x7F7FFFFF, 0x80800000]  # ±0, smallest, smallest normal, largest
    numbers = bits.view(np.float32)
    rows = numbers[np.isfinite(numbers)][: 20 * 1400].reshape(-1, 20)
    for row, text in zip(rows, _decimals.texts(rows), strict=True):
        assert [np.float32(float(number)).tobytes() for number in text.split(b" ")] == [x.tobytes() for x in row]
        again = np.empty(20)
        assert _decimals.parse(b"word " + text, 5, again)
        assert again.astype(np.float32).tobytes() == row.tobytes()


@pytest.mark.parametrize(
    "text", [b"", b"1", b"1 2 3", b"1  2", b" 1 2", b"1 2 ", b"1,5 2", b"1 x", b"0x1 2", b"1_0 2", b"1 1e999", b"1\t2"]
)
def test_a_line_that_is_not_plain_numbers_is_left_to_python(text):
    assert not _decimals.parse(text, 0, np.empty(2))


def test_numbers_that_python_knows_are_read(tmp_path):
    (tmp_path / "a.txt").write_text("2 3\na +1 10 1e-999\nb .5 5. -1E2\n")
    np.testing.assert_array_equal(read_vectors(tmp_path / "a.txt").vectors, [[1, 10, 0], [0.5, 5, -100]])


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("name", ["word2vec", "word2vec-bin"])
def test_compressed_files(tmp_path, name, suffix):
    path = tmp_path / f"vectors{suffix}"
    save_vectors(some_vectors(), path, name)
    plain = tmp_path / "plain"
    save_vectors(some_vectors(), plain, name)
    assert path.read_bytes()[:6] != plain.read_bytes()[:6]
    path.rename(tmp_path / "renamed")
    assert_same(read_vectors(tmp_path / "renamed"), some_vectors())
    (tmp_path / "cut").write_bytes((tmp_path / "renamed").read_bytes()[:-20])
    with pytest.raises(InputError, match="cut"):
        read_vectors(tmp_path / "cut")


@pytest.mark.parametrize(
    "content",
    [
        "the 1 2.5 -3e-1\r\nof 4 5 6",  # GloVe's format
        "2 3 \nthe 1 2.5 -0.3 \nof 4 5 6 \n",  # word2vec and fastText write spaces before line ends
    ],
)
def test_text_of_other_programs(tmp_path, content):
    (tmp_path / "v").write_bytes(content.encode())
    found = read_vectors(tmp_path / "v")
    assert found.words == ["the", "of"]
    np.testing.assert_array_equal(found.vectors, np.array([[1, 2.5, -0.3], [4, 5, 6]], dtype=np.float32))


def test_binary_without_line_ends(tmp_path):
    """gensim writes no line ends, so the first byte of a vector may be the byte of a line end."""
    vectors = np.frombuffer(b"\n12\x3f \n \n" * 3, dtype="<f4").reshape(3, 2)
    path = tmp_path / "vectors"
    path.write_bytes(b"3 2\n" + b"".join(b"w%d " % row + vectors[row].tobytes() for row in range(3)))
    found = read_vectors(path)
    assert found.words == ["w0", "w1", "w2"]
    assert found.vectors.tobytes() == vectors.tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("binary", [False, True])
def test_same_as_gensim_both_ways(tmp_path, binary, suffix):
    gensim_models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    ours, theirs = tmp_path / f"ours{suffix}", str(tmp_path / f"theirs{suffix}")
    word_vectors = some_vectors(dim=50)
    save_vectors(word_vectors, ours, "word2vec-bin" if binary else "word2vec")
    keyed = gensim_models.KeyedVectors.load_word2vec_format(str(ours), binary=binary)
    assert keyed.index_to_key == word_vectors.words
    assert keyed.vectors.tobytes() == word_vectors.vectors.tobytes()
    keyed.save_word2vec_format(theirs, binary=binary)
    assert_same(read_vectors(theirs), word_vectors)


def test_gensim_native(tmp_path):
    gensim_models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    words = [f"w{i}" for i in range(35_000)]
    large = some_vectors(words, dim=300)  # gensim puts large arrays in a separate file
    files = save_vectors(large, tmp_path / "v.kv", "gensim")
    assert sorted(os.listdir(tmp_path)) == sorted(file.name for file in files)
    assert [file.name for file in files] == ["v.kv", "v.kv.vectors.npy"]
    keyed = gensim_models.KeyedVectors.load(str(files[0]))
    assert keyed.vectors.tobytes() == large.vectors.tobytes()
    assert keyed.get_vecattr("w0", "count") == 35_000
    with pytest.raises(InputError, match="pickle"):
        read_vectors(files[0])


# Most formats refuse these words; npz and safetensors can hold them. Splitting at single spaces gives empty words.
ODD = ["new york", "tab\t", "\n", "nul\x00", "no\u00a0break", "\x85", "\u2028", "x" * 70_000, ""]
ODD_WORDS = {"word2vec": ODD, "word2vec-bin": ODD}


@pytest.mark.parametrize(("name", "word"), [(name, word) for name, words in ODD_WORDS.items() for word in words])
def test_words_that_would_corrupt_a_file_are_refused(tmp_path, name, word):
    """gensim writes files with such words, and cannot read them again: see its issue 2881."""
    word_vectors = WordVectors(["a", word], [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="npz, safetensors or gensim, which can hold it"):
        save_vectors(word_vectors, tmp_path / "v", name)
    assert os.listdir(tmp_path) == []
    for holding in ("npz", "safetensors"):
        save_vectors(word_vectors, tmp_path / "v", holding)
        assert_same(read_vectors(tmp_path / "v"), word_vectors)


def test_keys_that_are_no_words(tmp_path):
    keys = [7, "seven", (1, "a"), np.int64(3), None]
    word_vectors = WordVectors(keys, np.eye(5), [5, 4, 3, 2, 1])
    assert_same(read_vectors(save_vectors(word_vectors, tmp_path / "v.npz", "npz")[0]), word_vectors)
    as_text = read_vectors(save_vectors(WordVectors([7, "seven"], np.eye(2)), tmp_path / "v.txt", "word2vec")[0])
    assert as_text.words == ["7", "seven"]
    with pytest.raises(InputError, match="have the same text"):
        save_vectors(WordVectors([1, "1"], np.eye(2)), tmp_path / "v.txt", "word2vec")
    with pytest.raises(InputError, match="stored as keys"):
        save_vectors(WordVectors([frozenset()], np.eye(1)), tmp_path / "v.npz", "npz")


def test_a_model_directory_is_recognised(tmp_path, monkeypatch):
    monkeypatch.setattr("wordsparse.words.model_directory.load", lambda path, mapped: types.SimpleNamespace(wv=path))
    with pytest.raises(InputError, match=r"without a model\.json"):
        read_vectors(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    assert read_vectors(tmp_path) == tmp_path
