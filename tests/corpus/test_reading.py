import gzip
import os

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.texts import PACKED, sentences

from wordsparse.corpus import blocks, encode
from wordsparse.corpus.reading import RawText, joined
from wordsparse.errors import InputError


@pytest.mark.parametrize("ending", PACKED)
def test_damaged_compressed_files_are_refused_by_name(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    whole = PACKED[ending](os.urandom(4000).hex().encode())
    for data in (whole[:-20], whole[:12]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"text\{ending}: cannot be read"):
            list(sentences(path))


def test_a_directory_is_all_files_below_it_by_name(tmp_path):
    """Previously, files in subdirectories were silently left out."""
    for name in ("b", "a", "c.gz", "2023/z", "2023/y", "2024/deep/x"):
        content = f"from {name}".encode()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    names = ["2023/y", "2023/z", "2024/deep/x", "a", "b", "c.gz"]
    assert list(sentences(tmp_path)) == [["from", name] for name in names]


def test_files_that_programs_leave_in_directories_are_skipped_and_named(tmp_path, caplog):
    # Previously, encode refused the whole directory because of Spark's empty _SUCCESS or a binary .DS_Store.
    folder = tmp_path / "text"
    for name in ("_SUCCESS", ".DS_Store", "part-1", "part-2", ".git/config", "_temporary/0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a b" if name == "part-1" else b"\0" if name == ".DS_Store" else b"")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    assert list(sentences(folder)) == [["a", "b"]]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"7 hidden, special or empty files are not read: {folder / '.DS_Store'}, ")
    # Hidden and empty files are read if the user names these files explicitly.
    (folder / "_named").write_text("c")
    assert list(sentences([folder / "_named", folder / "part-2"])) == [["c"]]


def test_an_encoded_corpus_is_not_text(tmp_path):
    # Previously, the error only said that the shards of the encoded corpus were binary.
    (tmp_path / "texts").mkdir()
    encode([["a"]], tmp_path / "texts" / "encoded", min_count=1)
    (tmp_path / "texts" / "text").write_text("a b")
    for source in ([tmp_path / "texts" / "text", tmp_path / "texts" / "encoded"], tmp_path / "texts"):
        with pytest.raises(InputError, match="encoded: is an encoded corpus: train on it alone"):
            sentences(source)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("words".encode("utf-16"), r"not UTF-8 text|zero byte"),
        (b"PK\x03\x04\x14\0", "binary, not text .*byte 5"),
        (b"words before " * 5 + b"\0\1\2", "binary, not text .*byte 65"),
        (b"words before " * 5 + b"caf\xe9 latin", "not UTF-8 text .byte 68: invalid continuation byte"),
        (b"cut in a character \xc3", "byte 19: unexpected end of data"),
        (b"a b " + b"x" * 1000, "from byte 4 on: is this a text file"),
    ],
)
def test_what_is_no_text_is_reported_with_its_position(tmp_path, monkeypatch, data, said):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 16)
    (tmp_path / "text.txt").write_bytes(data)
    with pytest.raises(InputError, match=rf"text\.txt: .*{said}"):
        list(sentences(tmp_path / "text.txt"))
    with pytest.raises(InputError, match=rf"text\.txt: .*{said}"):
        encode(tmp_path / "text.txt", tmp_path / "out")


def test_a_byte_order_mark_is_no_part_of_the_first_token(tmp_path):
    path = tmp_path / "bom.txt"
    for text in ("first word", "first"):  # a text without white space is a single block
        path.write_text(text, encoding="utf-8-sig")
        assert list(sentences(path)) == [text.split()]
    path.write_bytes(b"\xef\xbb\xbfword \xff")
    with pytest.raises(InputError, match="byte 8: invalid start byte"):
        list(sentences(path))


@pytest.mark.parametrize("separator", "\t\r\v\f\x1c\x1d\x1e\x1f")
def test_any_white_space_of_ascii_ends_a_block(tmp_path, monkeypatch, separator):
    """Previously, a text without spaces and line feeds was refused as one endless token."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 16)
    path = tmp_path / "text"
    path.write_bytes(separator.join(["word"] * 100).encode())
    for format in ("lines", "text8"):
        assert list(sentences(path, format)) == [["word"] * 100]


@settings(deadline=None)
@given(
    st.lists(st.text(st.sampled_from("ab é猫\n\t\r")), min_size=1),
    st.integers(min_value=20, max_value=40),
    st.sampled_from(["lines", "text8"]),
)
def test_results_do_not_depend_on_blocks(tmp_path_factory, parts, block_bytes, format):
    """Tokens and sentences do not depend on where the blocks end."""
    text = "x" + " ".join(parts)
    path = tmp_path_factory.mktemp("blocks") / "text"
    path.write_bytes(text.encode())
    lines = text.split("\n") if format == "lines" else [text]
    expected = [line.split() for line in lines if line.split()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        if max(len(word.encode()) for word in text.replace("\n", " ").split(" ")) <= block_bytes:
            assert list(sentences(path, format)) == expected


def test_a_long_line_is_read_in_bounded_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    path = tmp_path / "text"
    path.write_text("word " * 10_000)
    for format in ("lines", "text8"):
        lengths = [len(list(tokens)) for tokens, _ in RawText(path, format).pieces()]
        assert sum(lengths) == 10_000
        assert max(lengths) <= 400


@pytest.mark.parametrize(("suffix", "format"), [*((suffix, "lines") for suffix in PACKED), (".xz", "text8")])
def test_a_small_file_does_not_unpack_without_end(tmp_path, suffix, format, monkeypatch):
    # Previously, 305 KB of .xz could fill the disk: nothing limited the unpacked size.
    monkeypatch.setattr("wordsparse.files.unpacking.ALWAYS_ALLOWED", 2**20)
    words = 3 * 2**19
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(PACKED[suffix](b"word " * words))
    with pytest.raises(InputError, match=r"bomb.*unpacks to more than .* bytes"):
        list(sentences(path, format))


def test_missing_texts_are_empty():
    """Previously, a Series of texts with a missing value was refused, with advice that failed as well."""
    texts = pd.Series(["a b", None, float("nan"), pd.NA, pd.NaT, "c"], dtype=object)
    assert list(joined(RawText(texts, tokens="split").pieces())) == [["a", "b"], ["c"]]
    with pytest.raises(InputError, match=r"text 2 is \['b'\], not a str"):
        list(RawText(iter(["a", ["b"]]), tokens="split").pieces())
