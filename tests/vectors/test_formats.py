"""Round trips, agreement with gensim, and hostile files."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import sys
import tracemalloc
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wordsparse.errors import InputError, MissingDependencyError, WordsparseError
from wordsparse.vectors.formats import FORMATS, READABLE, save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

IS_DIRECTORY = ("model2vec",)
HOLDS_COUNTS = ("npz", "safetensors", "parquet")
PACKAGES = {"parquet": "pyarrow", "gensim": "gensim"}
ODD_FLOATS = [0.0, -0.0, 1e-45, 3.4028235e38, 0.1, -1 / 3, 1.17549435e-38, 16777217.0]


def some_vectors(words: list[str] | None = None, dim: int = 8) -> WordVectors:
    words = words or ["the", "Ærø", "日本", "a_b", "x\u0301", "1", "100_200"]
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)).astype(np.float32)
    vectors[1] = np.resize(np.array(ODD_FLOATS, dtype=np.float32), dim)
    return WordVectors(words, vectors, range(len(words), 0, -1))


def needs(name: str) -> None:
    """Skip a test of a format whose package is not installed."""
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed")


@pytest.mark.parametrize("format", FORMATS)
def test_who_may_read_a_file_is_the_users_choice(format: str, tmp_path: Path) -> None:
    needs(format)
    (tmp_path / "plain").touch()
    (tmp_path / "directory").mkdir()
    output = tmp_path / "vectors.tsv"
    save_vectors(some_vectors(), output, format)
    expected = (tmp_path / ("directory" if output.is_dir() else "plain")).stat().st_mode
    assert output.stat().st_mode == expected
    for file in output.iterdir() if output.is_dir() else ():
        assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


def assert_same(found: WordVectors, expected: WordVectors, counts: bool = False) -> None:
    assert found.words == expected.words
    assert found.vectors.tobytes() == expected.vectors.tobytes()
    if counts:
        assert expected.counts is not None
        np.testing.assert_array_equal(found.counts, expected.counts)


@pytest.mark.parametrize("dim", [1, 2, 8, 300])
@pytest.mark.parametrize("name", READABLE)
def test_round_trip(tmp_path: Path, name: str, dim: int) -> None:
    needs(name)
    word_vectors = some_vectors(dim=dim)
    path = tmp_path / "no_telling_suffix"
    assert save_vectors(word_vectors, path, name) == [path]
    assert_same(read_vectors(path), word_vectors, counts=name in HOLDS_COUNTS)
    assert os.listdir(tmp_path) == [path.name]


@settings(deadline=None)
@given(st.binary(min_size=4, max_size=4).map(lambda raw: struct.unpack("<f", raw)[0]).filter(np.isfinite))
def test_text_holds_every_float32(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    word_vectors = WordVectors(["a"], [[number, 1]])
    path = tmp_path_factory.getbasetemp() / "number.txt"
    save_vectors(word_vectors, path, "word2vec")
    assert_same(read_vectors(path), word_vectors)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("name", ["word2vec", "word2vec-bin"])
def test_compressed_files(tmp_path: Path, name: str, suffix: str) -> None:
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


@pytest.mark.parametrize("name", ["npz", "safetensors", "gensim", "projector"])
def test_other_formats_are_not_compressed(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"leave out \.gz"):
        save_vectors(some_vectors(), tmp_path / "vectors.gz", name)


def test_glove_text_without_header(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2.5 -3e-1\r\nof 4 5 6", encoding="utf-8")
    found = read_vectors(path)
    assert found.words == ["the", "of"]
    np.testing.assert_array_equal(found.vectors, np.array([[1, 2.5, -0.3], [4, 5, 6]], dtype=np.float32))


def test_text_with_a_space_before_each_line_end(tmp_path: Path) -> None:
    """The original tool and fastText write it so."""
    path = tmp_path / "vectors"
    path.write_bytes(b"2 2 \nthe 1 2 \nof 3 4 \n")
    assert read_vectors(path).vectors.tolist() == [[1, 2], [3, 4]]


def test_binary_without_line_ends(tmp_path: Path) -> None:
    """gensim writes it so; a vector may well begin with the byte of a line end."""
    vectors = np.frombuffer(b"\n12\x3f \n \n" * 3, dtype="<f4").reshape(3, 2)
    path = tmp_path / "vectors"
    path.write_bytes(b"3 2\n" + b"".join(b"w%d " % row + vectors[row].tobytes() for row in range(3)))
    found = read_vectors(path)
    assert found.words == ["w0", "w1", "w2"]
    assert found.vectors.tobytes() == vectors.tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("binary", [False, True])
def test_same_as_gensim_both_ways(tmp_path: Path, binary: bool, suffix: str) -> None:
    gensim_models = pytest.importorskip("gensim.models", reason="gensim has no wheel here")
    ours, theirs = tmp_path / f"ours{suffix}", str(tmp_path / f"theirs{suffix}")
    word_vectors = some_vectors(dim=50)
    save_vectors(word_vectors, ours, "word2vec-bin" if binary else "word2vec")
    keyed = gensim_models.KeyedVectors.load_word2vec_format(str(ours), binary=binary)
    assert keyed.index_to_key == word_vectors.words
    assert keyed.vectors.tobytes() == word_vectors.vectors.tobytes()
    keyed.save_word2vec_format(theirs, binary=binary)
    assert_same(read_vectors(theirs), word_vectors)


def test_gensim_native(tmp_path: Path) -> None:
    gensim_models = pytest.importorskip("gensim.models", reason="gensim has no wheel here")
    words = [f"w{i}" for i in range(35_000)]
    large = some_vectors(words, dim=300)  # large enough for gensim to put the vectors in a file of their own
    files = save_vectors(large, tmp_path / "v.kv", "gensim")
    assert sorted(os.listdir(tmp_path)) == sorted(file.name for file in files)
    assert [file.name for file in files] == ["v.kv", "v.kv.vectors.npy"]
    keyed = gensim_models.KeyedVectors.load(str(files[0]))
    assert keyed.vectors.tobytes() == large.vectors.tobytes()
    assert keyed.get_vecattr("w0", "count") == 35_000
    with pytest.raises(InputError, match="pickle"):
        read_vectors(files[0])


def test_projector(tmp_path: Path) -> None:
    word_vectors = WordVectors(["new york", "b"], [[1, 2], [0.5, -1]], [7, 3])
    files = save_vectors(word_vectors, tmp_path / "v.tsv", "projector")
    assert files == [tmp_path / "v.tsv", tmp_path / "v-metadata.tsv"]
    assert files[0].read_text() == "1\t2\n0.5\t-1\n"
    assert files[1].read_text() == "word\tcount\nnew york\t7\nb\t3\n"
    save_vectors(WordVectors(["b"], [[1, 2]]), files[0], "projector")
    assert files[1].read_text() == "b\n"


ODD_WORDS = ["new york", "tab\t", "\n", "nul\x00", "no\u00a0break", "\x85", "\u2028", "x" * 70_000]


@pytest.mark.parametrize("word", ODD_WORDS)
def test_words_that_would_corrupt_a_file_are_refused(tmp_path: Path, word: str) -> None:
    """gensim #2881."""
    word_vectors = WordVectors(["a", word], [[1, 2], [3, 4]])
    for name in ("word2vec", "word2vec-bin"):
        with pytest.raises(InputError, match="npz, safetensors and gensim can hold it"):
            save_vectors(word_vectors, tmp_path / "v", name)
    assert os.listdir(tmp_path) == []
    for name in ("npz", "safetensors"):
        save_vectors(word_vectors, tmp_path / "v", name)
        assert_same(read_vectors(tmp_path / "v"), word_vectors)


@pytest.mark.parametrize("name", ["word2vec", "word2vec-bin", "projector", "npz", "safetensors"])
def test_words_that_are_no_text(tmp_path: Path, name: str) -> None:
    """A text split at single spaces has empty words: they train, and the formats that can hold them do."""
    with pytest.raises(InputError, match="not valid Unicode"):
        save_vectors(WordVectors(["a", "\ud800"], np.eye(2)), tmp_path / "v", name)
    word_vectors = WordVectors(["a", ""], np.eye(2))
    if name in ("npz", "safetensors"):
        save_vectors(word_vectors, tmp_path / "v", name)
        assert_same(read_vectors(tmp_path / "v"), word_vectors)
    else:
        with pytest.raises(InputError, match="empty"):
            save_vectors(word_vectors, tmp_path / "v", name)


def test_keys_that_are_no_words(tmp_path: Path) -> None:
    keys = [7, "seven", (1, "a"), np.int64(3), None]
    word_vectors = WordVectors(keys, np.eye(5), [5, 4, 3, 2, 1])
    assert_same(read_vectors(save_vectors(word_vectors, tmp_path / "v.npz", "npz")[0]), word_vectors)
    as_text = read_vectors(save_vectors(WordVectors([7, "seven"], np.eye(2)), tmp_path / "v.txt", "word2vec")[0])
    assert as_text.words == ["7", "seven"]
    with pytest.raises(InputError, match="have the same text"):
        save_vectors(WordVectors([1, "1"], np.eye(2)), tmp_path / "v.txt", "word2vec")
    with pytest.raises(InputError, match="stored as keys"):
        save_vectors(WordVectors([frozenset()], np.eye(1)), tmp_path / "v.npz", "npz")


@pytest.mark.parametrize("word", ["tab\t", "\n", "\x85", "\u2028x"])
def test_projector_refuses_tabs_and_line_ends(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match="projector"):
        save_vectors(WordVectors([word], [[1]]), tmp_path / "v", "projector")


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    word_vectors = some_vectors()
    with pytest.raises(InputError, match="no directory"):
        save_vectors(word_vectors, tmp_path / "missing" / "v", "npz")
    with pytest.raises(InputError, match="is a directory"):
        save_vectors(word_vectors, tmp_path, "npz")
    with pytest.raises(InputError, match="unknown format 'csv': choose one of word2vec, "):
        save_vectors(word_vectors, tmp_path / "v", "csv")


@pytest.mark.parametrize("name", FORMATS)
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(name)
    if name in IS_DIRECTORY:
        pytest.skip("a directory replaces nothing")
    path = tmp_path / "v"
    path.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WordsparseError, match="No space left") as caught:
        save_vectors(some_vectors(), path, name)
    assert not isinstance(caught.value, InputError)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["v"]


def test_without_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v"
    save_vectors(some_vectors(), path, "safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'wordsparse\[safetensors\]'"):
        read_vectors(path)
    with pytest.raises(MissingDependencyError, match=r"pip install 'wordsparse\[safetensors\]'"):
        save_vectors(some_vectors(), tmp_path / "w", "safetensors")
    assert os.listdir(tmp_path) == ["v"]


def test_without_gensim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingDependencyError, match="gensim"):
        save_vectors(some_vectors(), tmp_path / "v", "gensim")
    assert os.listdir(tmp_path) == []


def test_a_model_directory_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "wordsparse.words.model_directory.load", lambda path: types.SimpleNamespace(word_vectors=lambda: path)
    )
    with pytest.raises(InputError, match=r"without a model\.json"):
        read_vectors(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    assert read_vectors(tmp_path) == tmp_path


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(shape: str, dtype: str = "<f4", data: bytes = b"") -> bytes:
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def npz(vectors: bytes, words: bytes, offsets: bytes) -> bytes:
    return zipped(vectors=vectors, words=words, word_offsets=offsets)


def safetensors_file(words: str, dtype: str = "F32") -> bytes:
    size = {"F32": 4, "BF16": 2, "I8": 1, "I16": 2}[dtype]
    tensor = {"dtype": dtype, "shape": [1, 2], "data_offsets": [0, 2 * size]}
    header = json.dumps({"__metadata__": {"words": words}, "vectors": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(2 * size)


ONE_WORD = npy("(1,)", "|u1", b"a")
ONE_OFFSETS = npy("(2,)", "<i8", struct.pack("<qq", 0, 1))
ONE_VECTOR = npy("(1, 2)", "<f4", bytes(8))

HOSTILE = {
    "empty": (b"", "is empty"),
    "prose": (b"It was a dark and stormy night.\n", "not a known file of vectors"),
    "zeros": (bytes(5000), "not a known file of vectors"),
    "one long line": (b"a" * 3_000_000, "not a known file of vectors"),
    "long numbers": (b"a " + b"1" * 1_000_000 + b" 2\n", "line 1 .*too long"),
    "pickle": (pickle.dumps([1]), "pickle"),
    "npy": (npy("(1, 2)", "<f4", bytes(8)), "not a known file of vectors"),
    "no words": (b"0 5\n", "holds no vectors"),
    "no numbers": (b"5 0\n", "holds no vectors"),
    "negative": (b"-1 5\na 1 2\n", "not a known file of vectors"),
    "huge count": (b"1000000000000 300\na 1 2\n", "cut short"),
    "huge dim": (b"1 1000000000000\na 1 2\n", "cut short"),
    "digits without end": (b"9" * 5000 + b" 9\n", "not a known file of vectors"),
    "compressed huge count": (gzip.compress(b"10000000 300\na 1 2\n"), "cut short"),
    "text, cut": (b"3 2\na 1 2\nb 3 4\n" + b" " * 9, "line 4"),
    "text, more words": (b"2 2\na 1 2\nb 3 4\nc 5 6\n", "more in the file after the 2 words"),
    "text, space in a word": (b"2 2\na 1 2\nnew york 3 4\n", "line 3 .*holds 3 numbers instead of 2"),
    "text, too few": (b"2 2\na 1 2\nbbbb 3\n", "line 3 .*holds 1 numbers instead of 2"),
    "text, no number": (b"2 2\na 1 2\nb 3 x\n", "line 3"),
    "text, no word": (b"2 2\na 1 2\n 3 444\n", "line 3 has no word"),
    "text, NaN": (b"2 2\na 1 2\nb 3 nan\n", r"'b' \(word 2\)"),
    "text, overflow": (b"2 2\na 1 2\nb 3 1e39\n", r"'b' \(word 2\)"),
    "text, twice": (b"2 2\na 1 2\na 3 4\n", "'a' occurs twice"),
    "text, bad UTF-8": (b"2 2\na 1 2\n\xff 3 4\n", "line 3.*UTF-8"),
    "text, long line": (b"2 2\na 1 2\n" + b"b" * 200_000 + b" 1 2\n", "line 3"),
    "glove, bad line": (b"a 1.25 2.5\nb 3\n", "line 2"),
    "glove, blank line": (b"a 1.25 2.5\n\nb 3.25 4.5\n", "line 2"),
    "binary, cut": (b"2 2\na " + bytes(8) + b"b " + bytes(7), "inside word 2 of 2"),
    "binary, more": (b"1 2\na " + bytes(8) + b"b " + bytes(8), "more in the file"),
    "binary, NaN": (b"1 2\na " + struct.pack("<ff", 1, float("nan")), "'a'"),
    "binary, bad UTF-8": (b"1 2\n\xff " + bytes(8), "word 1.*UTF-8"),
    "binary, no word": (b"2 2\na " + bytes(8) + b" " + bytes(8) + b"\n", "word 2 has no word"),
    "binary, long word": (b"1 2\n" + b"a" * 70_000 + b" " + bytes(8), "word 1"),
    "bomb of zeros": (gzip.compress(b"1 2\na 1 2\n" + b"\n" * 70_000_000), "compress"),
    "bomb of a line": (lzma.compress(b"a 1 2" + b"0" * 70_000_000), "compress"),
    "bz2 of nothing": (bz2.compress(b""), "not a known file of vectors"),
    "zip": (zipped(other=b""), "without the array"),
    "npz, damaged": (npz(ONE_VECTOR, ONE_WORD, ONE_OFFSETS)[:-30], "damaged"),
    "npz, object": (
        npz(npy("(1, 2)", "|O", b"."), ONE_WORD, ONE_OFFSETS),
        "'vectors' holds Python objects, a pickle, which is never read",
    ),
    "npz, huge": (npz(npy("(100000000000, 100000000000)"), ONE_WORD, ONE_OFFSETS), "claims"),
    "npz, negative": (npz(npy("(-1, -2)"), ONE_WORD, ONE_OFFSETS), "'vectors' must be"),
    "npz, header": (npz(npy("__import__('os')"), ONE_WORD, ONE_OFFSETS), "damaged"),
    "npz, offsets": (npz(ONE_VECTOR, ONE_WORD, npy("(2,)", "<i8", struct.pack("<qq", 0, 2))), "word_offsets"),
    "npz, bomb": (npz(ONE_VECTOR, npy("(70000000,)", "|u1", bytes(70_000_000)), ONE_OFFSETS), "compress"),
    "safetensors, 8 bits without scales": (safetensors_file('["a"]', "I8"), "need the array scales"),
    "safetensors, whole numbers": (safetensors_file('["a"]', "I16"), "must be float32, float16 or int8"),
    "npz, words as objects": (npz(ONE_VECTOR, npy("(1,)", "|O", b"."), ONE_OFFSETS), r"numpy\.array\(words, dtype=str"),
    "npz, words of no Unicode": (npz(ONE_VECTOR, npy("(1,)", "<U1", b"\xff" * 4), ONE_OFFSETS), "not valid Unicode"),
    "npz, half a character": (npz(ONE_VECTOR, npy("(1,)", "<U1", b"\0\xd8\0\0"), ONE_OFFSETS), "not valid Unicode"),
    "npz, words as bytes": (npz(ONE_VECTOR, npy("(1,)", "|S1", b"a"), ONE_OFFSETS), "'words' must be text"),
    "npz, whole numbers": (npz(npy("(1, 2)", "<i4", bytes(8)), ONE_WORD, ONE_OFFSETS), "'vectors' must be floating"),
    "npz, 8 bits": (npz(npy("(1, 2)", "|i1", bytes(2)), ONE_WORD, ONE_OFFSETS), "need the array scales"),
    "npz, no offsets": (zipped(vectors=ONE_VECTOR, words=ONE_WORD), "word_offsets"),
    "safetensors, bfloat16": (safetensors_file('["a"]', "BF16"), "bfloat16"),
    "safetensors, words": (safetensors_file("[1]"), "list of strings"),
    "safetensors, no JSON": (safetensors_file("["), "JSON"),
    "safetensors, deep": (safetensors_file("[" * 100_000), "JSON"),
    "safetensors, cut": (safetensors_file('["a"]')[:-1], "damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(tmp_path: Path, case: str) -> None:
    content, message = HOSTILE[case]
    path = tmp_path / "hostile"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_vectors(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, message in [
        (tmp_path / "missing", "No such file"),
        (tmp_path / "pipe", "is a named pipe"),
        (Path("/dev/zero"), "is a character device"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ]:
        with pytest.raises(InputError, match=message):
            read_vectors(path)


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30e6


Mutation = Callable[[bytes], bytes]


def mutations() -> st.SearchStrategy[list[Mutation]]:
    """Flipped bytes, insertions, deletions and a cut, at random places."""
    place = st.floats(0, 1, exclude_max=True)

    def at(share: float, data: bytes) -> int:
        return int(share * len(data))

    def flip(share: float, value: int) -> Mutation:
        return lambda data: data[: at(share, data)] + bytes([value]) + data[at(share, data) + 1 :]

    def insert(share: float, new: bytes) -> Mutation:
        return lambda data: data[: at(share, data)] + new + data[at(share, data) :]

    def delete(share: float, length: int) -> Mutation:
        return lambda data: data[: at(share, data)] + data[at(share, data) + length :]

    def cut(share: float) -> Mutation:
        return lambda data: data[: at(share, data)]

    pieces = st.sampled_from([b" ", b"\n", b"9999999999", b"nan", b"-", b"\xff", b"\x00"]) | st.binary(max_size=9)
    one = st.one_of(
        st.builds(flip, place | st.floats(0, 0.02), st.integers(0, 255)),
        st.builds(insert, place | st.floats(0, 0.02), pieces),
        st.builds(delete, place, st.integers(1, 40)),
        st.builds(cut, place),
    )
    return st.lists(one, min_size=1, max_size=4)


@pytest.mark.usefixtures("bounded_memory")
@pytest.mark.parametrize("name", [*(name for name in READABLE if name not in IS_DIRECTORY), "glove"])
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=mutations())
def test_mutated_files_give_an_error_or_vectors(tmp_path: Path, name: str, changes: list[Mutation]) -> None:
    needs(name)
    original = tmp_path / "original"
    if not original.exists():
        save_vectors(some_vectors(dim=5), original, name.replace("glove", "word2vec"))
    content = original.read_bytes()
    if name == "glove":
        content = content.split(b"\n", 1)[1]
    for change in changes:
        content = change(content)
    mutated = tmp_path / "mutated"
    mutated.write_bytes(content)
    try:
        found = read_vectors(mutated)
    except InputError:
        return
    assert found.vectors.shape == (len(found.words), found.dim)
    assert np.isfinite(found.vectors).all()
