"""Exported files are read by the programs for which they are written."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.tokenizers import CHINESE, JAPANESE, bpe, unigram
from tokenizers import Tokenizer

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.tokens.tokenizers import FUNCTION, tokenizer
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors


def some_vectors(words=("the", "king", "don't", ",", "日本", "queen"), dim=7):
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)) * np.geomspace(1e-3, 1e3, len(words))[:, None]
    return WordVectors(words, vectors, range(len(words), 0, -1))


def test_npz_as_others_see_it(tmp_path):
    original = some_vectors()
    save_vectors(original, tmp_path / "v.npz", "npz")
    with np.load(tmp_path / "v.npz") as arrays:
        assert sorted(arrays) == ["counts", "doubt", "vectors", "words"]
        assert arrays["words"].tolist() == original.words
        np.testing.assert_array_equal(arrays["vectors"], original.vectors)


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_other_programs(tmp_path, dtype, order, save):
    vectors = np.arange(6).reshape(2, 3).astype(dtype, order=order)
    save(tmp_path / "v.npz", words=np.array(["a", "Ærø"], ">U5"), vectors=vectors, unknown=np.array([object()]))
    found = read_vectors(tmp_path / "v.npz")
    assert found.words == ["a", "Ærø"]
    np.testing.assert_array_equal(found.vectors, np.arange(6).reshape(2, 3))
    if (dtype, order, save) == ("<f2", "C", np.savez):  # float16 at an even position can be mapped
        np.testing.assert_array_equal(read_vectors(tmp_path / "v.npz", mapped=True).vectors, found.vectors)
        return
    with pytest.raises(InputError, match="cannot be mapped"):
        read_vectors(tmp_path / "v.npz", mapped=True)


@pytest.mark.parametrize("dim", [1, 7, 16])
def test_vectors_stay_on_disk(tmp_path, dim):
    original, path = some_vectors(dim=dim), tmp_path / "v.npz"
    save_vectors(original, path)
    plain, found = read_vectors(path), read_vectors(path, mapped=True)
    assert isinstance(found.vectors.base, np.memmap)
    assert found.vectors.ctypes.data % 64 == 0
    np.testing.assert_array_equal(found.vectors, plain.vectors)
    assert found.similar("king", 3) == plain.similar("king", 3)
    np.testing.assert_array_equal(found.encode(["the king"]), plain.encode(["the king"]))
    command = [sys.executable, "-m", "wordsparse", "export", str(path), "-o", "-", "--format", "npz"]
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)  # a pipe cannot seek
    np.testing.assert_array_equal(read_vectors(path, mapped=True).vectors, plain.vectors)
    content = bytearray(path.read_bytes())
    content[content.index(original.vectors.tobytes())] ^= 1
    path.write_bytes(content)
    save_vectors(original, tmp_path / "v.vec", "word2vec")
    for name, message in (("v.npz", "is damaged"), ("v.vec", "only npz files can be mapped")):
        with pytest.raises(InputError, match=message):
            read_vectors(tmp_path / name, mapped=True)


def tokens(directory, text):
    """Return the tokens into which Model2Vec and Sentence-Transformers split a text."""
    encoding = Tokenizer.from_file(str(directory / "tokenizer.json")).encode(text, add_special_tokens=False)
    return list(encoding.tokens)


def test_model2vec_finds_words_as_the_encoder_does(tmp_path):
    save_vectors(some_vectors(), tmp_path / "bare", "model2vec")
    assert tokens(tmp_path / "bare", "“The king, (don't!) , 日本”") == ["the", "king", "don't", ",", "日本"]
    save_vectors(some_vectors(("The", "said.", "[UNK]")), tmp_path / "raw", "model2vec")
    assert tokens(tmp_path / "raw", "The the said. [UNK]") == ["The", "[[UNK]]", "said.", "[UNK]"]


@pytest.mark.parametrize("name", ["simple", "unicode", "unicode-cased", "unicode-tr"])
def test_model2vec_splits_texts_as_the_models_tokeniser(tmp_path, name):
    text = "The King’s 3.5 e-mails, don't: “ﬁne” cafe\u0301 a_b  x.y 1,000 naïve; v.2 II किताब, می\u200cخواهم السَّمَكَ."
    text += " İstanbul'da, Что́ ё́лка ѓ الـــسلام i̇z"
    words = list(dict.fromkeys(tokenizer(name)(text)))
    vectors = some_vectors(tuple(words))
    vectors.tokens = name
    save_vectors(vectors, tmp_path / "m", "model2vec")
    assert tokens(tmp_path / "m", text) == tokenizer(name)(text)
    assert tokens(tmp_path / "m", "kingㅋㅋㅋ, don't") == tokens(tmp_path / "m", "king, don't")


def test_model2vec_holds_the_words_by_their_weights(tmp_path):
    original = WordVectors(["the", "king"], [[1, -3], [0.5, 2]], [998, 2])
    expected = [[0.001 / 0.999], [0.001 / 0.003]]
    for name in ("w", "m"):
        save_vectors(original, tmp_path / name, "model2vec")
        embeddings = load_file(tmp_path / name / "model.safetensors")["embeddings"]
        assert not embeddings[2].any()  # the row of unknown words
        np.testing.assert_allclose(embeddings[:2], original.unit * expected, rtol=1e-6)
        original.weights, expected = np.array([3, 4], np.float32), [[3], [4]]
    card = (tmp_path / "m" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: model2vec\n")
    assert "# license:" in card
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["model_type"], config["hidden_dim"], config["normalize"]) == ("model2vec", 2, True)


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_model2vec_rounds_as_it_does(tmp_path, dtype):
    original = some_vectors()
    for name, vectors in (("float32", original), (dtype, original.rounded(dtype))):
        save_vectors(vectors, tmp_path / name, "model2vec")
    whole, found = (load_file(tmp_path / name / "model.safetensors")["embeddings"] for name in ("float32", dtype))
    assert json.loads((tmp_path / dtype / "config.json").read_text())["embedding_dtype"] == found.dtype == dtype
    scale = np.abs(whole).max() / 127 if dtype == "int8" else 1
    np.testing.assert_allclose(found * scale, whole, atol=1.01 * scale if dtype == "int8" else 1e-3)
    if importlib.util.find_spec("model2vec"):
        texts, load = ["the king", "queen"], importlib.import_module("model2vec").StaticModel.from_pretrained
        ours, theirs = (load(str(tmp_path / name)).encode(texts) for name in ("float32", dtype))
        assert (np.sum(ours * theirs, axis=1) > 0.99).all()


@pytest.mark.parametrize("program", ["model2vec", "sentence_transformers"])
def test_other_programs_encode_texts_as_we_do(tmp_path, program):
    package = pytest.importorskip(program, reason=f"{program} is not installed")
    random = np.random.default_rng(2)
    words = [f"w{i}" for i in range(500)]
    vectors = WordVectors(words, random.normal(size=(500, 20)), np.sort(random.zipf(1.3, 500).clip(max=10**6))[::-1])
    texts = [f"{' '.join(random.choice(words, 9))}, Nobody (W{i % 500})!".capitalize() for i in range(1000)]
    save_vectors(vectors, tmp_path / "m", "model2vec")
    load = package.StaticModel.from_pretrained if program == "model2vec" else package.SentenceTransformer
    found, ours = load(str(tmp_path / "m")).encode(texts), vectors.encode(texts)
    np.testing.assert_allclose(found, ours, atol=1e-5)
    np.testing.assert_allclose(found[:-1] @ found[1:].T, ours[:-1] @ ours[1:].T, atol=1e-4)
    card = package.StaticModel.from_pretrained(str(tmp_path / "m")).language if program == "model2vec" else None
    assert card is None  # the exported card leaves the language to the user


@pytest.mark.parametrize("train", [unigram, bpe])
@pytest.mark.parametrize("language", [JAPANESE, CHINESE])
def test_model2vec_takes_over_a_tokenizer_file(tmp_path, train, language):
    file = train(tmp_path / "file.json", language)
    model = ws.train(iter(language), tokens=file, dim=12, epochs=3, min_count=30, shortest=1, longest=2)
    assert model.export(tmp_path / "m", "model2vec")
    content = (tmp_path / "m" / "tokenizer.json").read_bytes()
    assert (content == file.read_bytes()) == (train is bpe)  # truncation and padding are removed from unigram's file
    texts = [*language[:3], "".join(language[:3]), "Café <s> [UNK] 昨日 昨天", "!"]
    encodings = Tokenizer.from_buffer(content).encode_batch(texts, add_special_tokens=False)
    embeddings = load_file(tmp_path / "m" / "model.safetensors")["embeddings"]
    means = np.array([embeddings[encoding.ids].sum(0) for encoding in encodings])
    means /= np.maximum(np.linalg.norm(means, axis=1), 1e-30)[:, None]
    ours = model.encode(texts)
    assert ours[:5].any(1).all()
    np.testing.assert_allclose(means, ours, atol=1e-6)
    if importlib.util.find_spec("model2vec"):
        theirs = importlib.import_module("model2vec").StaticModel.from_pretrained(str(tmp_path / "m")).encode(texts)
        np.testing.assert_allclose(theirs @ theirs.T, ours @ ours.T, atol=1e-6)


def test_model2vec_makes_a_new_directory_only(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mine").touch()
    with pytest.raises(InputError, match="exists already"):
        save_vectors(some_vectors(), tmp_path / "m", "model2vec")
    with pytest.raises(InputError, match="a directory is needed"):
        save_vectors(some_vectors(), Path("-"), "model2vec")
    for word in ("new york", "", " a"):
        with pytest.raises(InputError, match="tokenizer cuts texts"):
            save_vectors(some_vectors(("a", word)), tmp_path / "n", "model2vec")
    for name in ("japanese", "japanese-base", "chinese", FUNCTION):  # previously, all texts got zeros
        vectors = some_vectors()
        vectors.tokens = name
        with pytest.raises(InputError, match=re.escape(f"cannot split texts as the model's own ({name}) does")):
            vectors.export(tmp_path / "n", "model2vec")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
