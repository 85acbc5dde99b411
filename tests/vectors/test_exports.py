"""Exports to formats of other programs: as those programs read them, and in half and 8-bit precision."""

import json
from pathlib import Path

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.vectors.formats.floret import hashed
from wordsparse.vectors.ngrams import ngrams_of
from wordsparse.vectors.precision import packed, unpacked
from wordsparse.vectors.whitening import zipf_whitened
from wordsparse.vectors.word_vectors import WordVectors, save_vectors
from wordsparse.words.model_directory import read_vectors

PACKED = ("npz", "safetensors", "parquet")


def some_vectors(words: tuple[str, ...] = ("the", "king", "don't", ",", "日本", "queen"), dim: int = 7) -> WordVectors:
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)) * np.geomspace(1e-3, 1e3, len(words))[:, None]
    return WordVectors(words, vectors, range(len(words), 0, -1))


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_precisions_are_read_again(tmp_path: Path, name: str, precision: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    original = some_vectors()
    save_vectors(original, tmp_path / "v", name, precision)
    found = read_vectors(tmp_path / "v")
    assert found.words == original.words
    np.testing.assert_array_equal(found.counts, original.counts)
    largest = np.abs(original.vectors).max(axis=1, keepdims=True)
    bound = largest / 254 * 1.001 if precision == "int8" else np.abs(original.vectors) * 2**-11 + 2**-24
    assert (np.abs(found.vectors - original.vectors) <= bound).all()


def test_a_row_of_zeros_and_the_largest_numbers() -> None:
    rows = np.array([[0, 0], [3.4e38, -3.4e38], [1e-45, 0]], np.float32)
    codes, scales = packed(rows, "int8")
    assert codes.tolist() == [[0, 0], [127, -127], [127, 0]]
    assert np.isfinite(unpacked(codes, scales)).all()
    with pytest.raises(InputError, match="65,504"):
        packed(rows, "float16")


def test_npz_and_parquet_as_others_see_them(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    original = some_vectors()
    for name in ("npz", "parquet"):
        save_vectors(original, tmp_path / f"v.{name}", name)
    with np.load(tmp_path / "v.npz") as arrays:
        assert sorted(arrays) == ["counts", "vectors", "words"]
        assert arrays["words"].tolist() == original.words
        np.testing.assert_array_equal(arrays["vectors"], original.vectors)
    columns = parquet.read_table(tmp_path / "v.parquet").to_pydict()
    assert (columns["word"], columns["count"]) == (original.words, [6, 5, 4, 3, 2, 1])
    assert columns["vector"][1] == original.vectors[1].tolist()


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_other_programs(tmp_path: Path, dtype: str, order: str, save: object) -> None:
    assert callable(save)
    vectors = np.arange(6).reshape(2, 3).astype(dtype, order=order)
    save(tmp_path / "v.npz", words=np.array(["a", "Ærø"], ">U5"), vectors=vectors, unknown=np.array([object()]))
    found = read_vectors(tmp_path / "v.npz")
    assert found.words == ["a", "Ærø"]
    np.testing.assert_array_equal(found.vectors, np.arange(6).reshape(2, 3))


def test_npz_with_long_words_stays_small(tmp_path: Path) -> None:
    words = ["x" * 10_000, *map(str, range(1000))]
    save_vectors(WordVectors(words, np.eye(1001, 2)), tmp_path / "v", "npz")
    assert (tmp_path / "v").stat().st_size < 100_000
    assert read_vectors(tmp_path / "v").words == words


def test_parquet_of_other_programs(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    words, path = arrow.array(["a", "b"]), tmp_path / "v"

    def written(**columns: object) -> Path:
        parquet.write_table(arrow.table(columns), path)
        return path

    found = read_vectors(written(word=words, vector=arrow.array([[1.0, 2.0], [3.0, 4.0]])))
    assert found.vectors.tolist() == [[1, 2], [3, 4]]
    refused = {
        "different lengths": {"word": words, "vector": arrow.array([[1.0, 2.0], [3.0]])},
        "different lengths|empty cells": {"word": words, "vector": arrow.array([[1.0], [2.0, 3.0, 4.0]])},
        "empty cells": {"word": words, "vector": arrow.array([[1.0, None], [3.0, 4.0]])},
        "column word has empty cells": {"word": arrow.array(["a", None]), "vector": arrow.array([[1.0], [3.0]])},
        "column word cannot be": {"word": arrow.array([1, 2]), "vector": arrow.array([[1.0], [3.0]])},
        "must be a list of numbers": {"word": words, "vector": arrow.array([1.0, 2.0])},
        "without the column 'vector'": {"word": words},
        "floating-point numbers or int8": {"word": words, "vector": arrow.array([["x"], ["y"]])},
        "or there are none": {"word": words[:0], "vector": arrow.array([[1.0]])[:0]},
        "not finite": {"word": words, "vector": arrow.array([[1.0], [float("nan")]])},
    }
    for message, columns in refused.items():
        with pytest.raises(InputError, match=message):
            read_vectors(written(**columns))
    content = written(word=words, vector=arrow.array([[1.0], [3.0]])).read_bytes()
    no_utf8 = written(word=arrow.array(["abcd"]), vector=arrow.array([[1.0]])).read_bytes().replace(b"abcd", b"ab\xffd")
    for damaged in (content[: len(content) // 2], no_utf8):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="v: cannot be read as Parquet"):
            read_vectors(path)


def test_a_long_word_in_many_rows_of_parquet_takes_its_memory_once(tmp_path: Path) -> None:
    """A kilobyte took gigabytes before it was refused, by a message of a megabyte."""
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    word = arrow.DictionaryArray.from_arrays(arrow.array([0] * 2000, arrow.int32()), ["a" * 2**18])
    vector = arrow.FixedSizeListArray.from_arrays(arrow.array(np.ones(4000, np.float32)), 2)
    options = {"compression": "zstd", "store_schema": False, "dictionary_pagesize_limit": 2**30}
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"word": word, "vector": vector}), tmp_path / "v", **options)
    pool = arrow.default_memory_pool()
    before = pool.max_memory()
    with pytest.raises(InputError, match=r"the word .a{79} occurs twice"):
        read_vectors(tmp_path / "v")
    assert pool.max_memory() < max(before, 2**26) + 2**26


def test_parquet_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    flat = arrow.array(np.zeros(2**23))  # 64 MiB, which a dictionary and run lengths make a few hundred bytes
    vectors = arrow.FixedSizeListArray.from_arrays(flat, 2**13)
    table = arrow.table({"word": arrow.array(list(map(str, range(2**10)))), "vector": vectors})
    parquet.write_table(table, tmp_path / "v")
    assert (tmp_path / "v").stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacks to more than"):
        read_vectors(tmp_path / "v")


def tokens(directory: Path, text: str) -> list[str]:
    """What Model2Vec and Sentence-Transformers make of a text."""
    package = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    encoding = package.Tokenizer.from_file(str(directory / "tokenizer.json")).encode(text, add_special_tokens=False)
    return list(encoding.tokens)


def test_model2vec_finds_words_as_they_were_trained(tmp_path: Path) -> None:
    save_vectors(some_vectors(), tmp_path / "apart", "model2vec")
    assert tokens(tmp_path / "apart", "The king, don't! 日本") == ["the", "king", ",", "don't", "[UNK]", "日本"]
    save_vectors(some_vectors(("The", "said.", "[UNK]")), tmp_path / "raw", "model2vec")
    assert tokens(tmp_path / "raw", "The the said. [UNK]") == ["The", "[[UNK]]", "said.", "[UNK]"]


def test_the_hash_is_murmurs() -> None:
    """By the numbers of spaCy 3.8."""
    texts = ["<word>", "", "日本語です", "z" * 31]
    assert hashed([text.encode() for text in texts], 0).tolist() == [
        [880251449, 4141037520, 3849447452, 1662912130],
        [0, 0, 0, 0],
        [29276187, 2242945887, 2832993051, 30275935],
        [1120734229, 1613563101, 522636919, 3898445942],
    ]


def test_floret_composes_the_vectors_from_its_rows(tmp_path: Path) -> None:
    original = some_vectors()
    save_vectors(original, tmp_path / "v.floret")
    head, *lines = (tmp_path / "v.floret").read_text().splitlines()
    assert head == "4096 7 3 5 2 0 < >"
    rows = np.array([line.split()[1:] for line in lines], float)
    for word, vector in zip(original.words, original.vectors, strict=True):
        parts = [f"<{word}>", *ngrams_of(word, 3, 5)]
        found = rows[hashed([part.encode() for part in parts], 0)[:, :2] % 4096].mean(axis=(0, 1))
        assert found @ vector > 0.99 * np.linalg.norm(found) * np.linalg.norm(vector)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_model2vec_encodes_a_text_as_the_mean_of_its_words(tmp_path: Path, precision: str) -> None:
    tensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    original = WordVectors(["the", "king"], [[1, -3], [0.5, 2]], [2, 1])
    save_vectors(original, tmp_path / "m", "model2vec", precision)
    embeddings = tensors.load_file(tmp_path / "m" / "model.safetensors")["embeddings"]
    assert embeddings.dtype == precision
    assert not embeddings[2].any()  # an unknown word
    scale = 3 / 127 if precision == "int8" else 1
    np.testing.assert_allclose(embeddings[:2] * scale, original.vectors, atol=0.5 * 3 / 127 if scale < 1 else 0)
    found = read_vectors(tmp_path / "m")
    assert found.words == original.words
    np.testing.assert_allclose(found.unit, original.unit, atol=0.01)
    assert (tmp_path / "m" / "README.md").read_text().startswith("---\nlibrary_name: model2vec\n")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["model_type"], config["hidden_dim"], config["normalize"]) == ("model2vec", 2, False)


def test_model2vec_in_its_own_package(tmp_path: Path) -> None:
    static = pytest.importorskip("model2vec", reason="model2vec is not installed").StaticModel
    original = some_vectors()
    save_vectors(original, tmp_path / "m", "model2vec")
    found = static.from_pretrained(str(tmp_path / "m")).encode(["The king, nobody don't", "queen"])
    np.testing.assert_allclose(found[0], original.vectors[[0, 1, 3, 2]].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found[1], original.vectors[5], rtol=1e-6)


def test_model2vec_makes_a_new_directory_only(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mine").touch()
    with pytest.raises(InputError, match="exists already"):
        save_vectors(some_vectors(), tmp_path / "m", "model2vec")
    with pytest.raises(InputError, match="needs a regular file"):
        save_vectors(some_vectors(), Path("-"), "model2vec")
    for word in ("new york", "", " a"):
        with pytest.raises(InputError, match="tokenizer cuts texts"):
            save_vectors(some_vectors(("a", word)), tmp_path / "n", "model2vec")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_damaged_model2vec_directory_is_refused(tmp_path: Path) -> None:
    save_vectors(some_vectors(), tmp_path / "m", "model2vec")
    tokenizer = tmp_path / "m" / "tokenizer.json"
    content = json.loads(tokenizer.read_text())
    changes = {
        "numbered from 0": {"vocab": {**content["model"]["vocab"], "the": 1}},
        "number cannot be": {"vocab": {**content["model"]["vocab"], "the": "x"}},
        "into pieces": {"type": "BPE"},
        "a row for each of 8 words": {"vocab": {**content["model"]["vocab"], "more": 7}},
    }
    for message, change in changes.items():
        tokenizer.write_text(json.dumps({**content, "model": {**content["model"], **change}}))
        with pytest.raises(InputError, match=f"^{tmp_path / 'm'}.*{message}"):
            read_vectors(tmp_path / "m")
    tokenizer.write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        read_vectors(tmp_path / "m")


@pytest.mark.parametrize("dim", [1, 5])
def test_zipfian_whitening(dim: int) -> None:
    """Under the words' frequencies, the mean is 0 and the covariance the identity (Yokoi et al., 2024)."""
    random = np.random.default_rng(3)
    counts = np.sort(random.integers(1, 1000, 50))[::-1]
    original = WordVectors(
        [f"w{i}" for i in range(50)], random.normal(2, 3, (50, dim)) @ random.normal(size=(dim, dim)), counts
    )
    white, share = zipf_whitened(original).vectors.astype(np.float64), counts / counts.sum()
    np.testing.assert_allclose(share @ white, 0, atol=1e-6)
    np.testing.assert_allclose(white.T @ (white * share[:, None]), np.eye(dim), atol=1e-5)


def test_whitening_leaves_out_directions_without_variance() -> None:
    flat = WordVectors(["a", "b", "c"], [[1, 2, 1], [2, 1, 1], [5, 5, 1]], [3, 2, 1])
    white = zipf_whitened(flat).vectors
    np.testing.assert_allclose(white[:, 2], 0, atol=1e-6)
    assert np.abs(white).max() < 10
    with pytest.raises(InputError, match="needs the words' counts"):
        zipf_whitened(WordVectors(["a"], [[1, 2]]))
