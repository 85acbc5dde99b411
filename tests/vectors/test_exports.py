"""Exports to formats of other programs: as those programs read them, and in half and 8-bit precision."""

import json
from pathlib import Path

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.vectors.precision import packed, unpacked
from wordsparse.vectors.whitening import zipf_whitened
from wordsparse.vectors.word_vectors import WordVectors, save_vectors
from wordsparse.words.model_directory import read_vectors

PACKED = ("npz", "safetensors")


def some_vectors(words: tuple[str, ...] = ("the", "king", "don't", ",", "日本", "queen"), dim: int = 7) -> WordVectors:
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)) * np.geomspace(1e-3, 1e3, len(words))[:, None]
    return WordVectors(words, vectors, range(len(words), 0, -1))


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_precisions_are_read_again(tmp_path: Path, name: str, precision: str) -> None:
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


def test_npz_as_others_see_it(tmp_path: Path) -> None:
    original = some_vectors()
    save_vectors(original, tmp_path / "v.npz", "npz")
    with np.load(tmp_path / "v.npz") as arrays:
        assert sorted(arrays) == ["counts", "vectors", "words"]
        assert arrays["words"].tolist() == original.words
        np.testing.assert_array_equal(arrays["vectors"], original.vectors)


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


def test_a_parquet_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(InputError, match="v: is a Parquet file: read it with pyarrow"):
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
