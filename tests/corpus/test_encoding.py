import bz2
import gzip
import lzma
import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.texts import decoded, sentences

from wordsparse.corpus import (
    END_OF_SENTENCE,
    OUT_OF_VOCABULARY,
    EncodedCorpus,
    blocks,
    draft,
    encode,
    reading,
)
from wordsparse.errors import InputError


def plainly_encoded(source, format, min_count, max_vocab, shard_tokens):
    """Encode ``source`` in plain Python, with the same errors as RawText, and return the content of the corpus."""
    text = list(sentences(source, format))
    counts = Counter(word for sentence in text for word in sentence)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    words = [word for word in ranked if counts[word] >= min_count][:max_vocab]
    ids = {word: id for id, word in enumerate(words)}
    shards = [[]]
    for sentence in filter(None, text):
        if len(shards[-1]) >= shard_tokens:
            shards.append([])
        shards[-1] += [*(ids.get(word, OUT_OF_VOCABULARY) for word in sentence), END_OF_SENTENCE]
    numbers = {"tokens": counts.total(), "sentences": sum(map(bool, text)), "distinct_words": len(counts)}
    return {"words": words, "counts": [counts[word] for word in words], "shards": shards, **numbers}


def content(corpus):
    """Return the content of an encoded corpus in plain Python types."""
    numbers = {name: getattr(corpus, name) for name in ("tokens", "sentences", "distinct_words")}
    words, shards = corpus.vocabulary, [shard[:].tolist() for shard in corpus.shards]
    return {"words": words.words, "counts": words.counts.tolist(), "shards": shards, **numbers}


WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=3)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(WORDS | st.sampled_from("abcd")), min_size=1).filter(any),
    st.integers(1, 3),
    st.none() | st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_sentences_are_encoded_as_by_plain_python(
    tmp_path_factory, text, min_count, max_vocab, shard_tokens, block_values
):
    expected = plainly_encoded(text, None, min_count, max_vocab, shard_tokens)
    if not expected["words"]:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draft, "SHARD_TOKENS", shard_tokens)
        patch.setattr(reading, "BLOCK_TOKENS", block_values)
        output = tmp_path_factory.mktemp("encoded") / "corpus"
        corpus = encode((iter(s) for s in text), output, min_count=min_count, max_vocab=max_vocab)
    assert content(corpus) == expected


TEXT_PARTS = st.sampled_from(
    [b"the", b"cat", b" ", b" ", b"\n", b"\n", b"\t\r", *map(str.encode, ("\u2003", "\xa0", "猫", "\ufeff"))]
)
TEXT_FILES = st.lists(st.lists(TEXT_PARTS | st.binary(max_size=2), min_size=1).map(b"".join), min_size=1, max_size=3)


@settings(deadline=None, max_examples=150)
@given(TEXT_FILES, st.sampled_from(["lines", "text8"]), st.integers(1, 40), st.integers(1, 9), st.integers(1, 3))
def test_files_are_encoded_as_by_plain_python(tmp_path_factory, files, format, block_bytes, shard_tokens, min_count):
    """Any number of threads gives the same vocabulary and shards, or the same error at the same place of a file."""
    folder = tmp_path_factory.mktemp("texts")
    for number, data in enumerate(files):
        (folder / str(number)).write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        patch.setattr(draft, "SHARD_TOKENS", shard_tokens)
        try:
            expected = plainly_encoded(folder, format, min_count, 4, shard_tokens)
            said = None if expected["words"] else rf"(the vocabulary is empty|{folder}.*: the text holds no token)"
        except InputError as error:
            said = re.escape(str(error))
        outputs = [folder.with_name(f"{folder.name}-{threads}") for threads in (1, 3)]
        for threads, output in zip((1, 3), outputs, strict=True):
            if said is None:
                assert (
                    content(encode(folder, output, format=format, min_count=min_count, max_vocab=4, threads=threads))
                    == expected
                )
            else:
                with pytest.raises(InputError, match=f"^{said}"):
                    encode(folder, output, format=format, min_count=min_count, max_vocab=4, threads=threads)
                assert not output.exists()
    if said is None:
        for name in os.listdir(outputs[0]):
            assert (outputs[0] / name).read_bytes() == (outputs[1] / name).read_bytes()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_larger_text_is_encoded_as_by_plain_python(tmp_path, monkeypatch, threads):
    """The text has many blocks and word tables. Some files are compressed, and some words cross the ends of blocks."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5_000)
    monkeypatch.setattr(draft, "SHARD_TOKENS", 7_000)
    (tmp_path / "text").mkdir()
    generator = np.random.default_rng(0)
    for number, open_file in enumerate([open, gzip.open, lzma.open, bz2.open]):
        words = generator.zipf(1.3, 20_000).astype(str)
        words[generator.random(words.size) < 0.05] = "\n"
        words[generator.random(words.size) < 0.01] = "größer-als-acht-bytes"
        ending = ["", ".gz", ".xz", ".bz2"][number]
        with open_file(tmp_path / "text" / f"{number}{ending}", "wb") as file:
            file.write(" ".join(words).encode())
    expected = plainly_encoded(tmp_path / "text", "lines", 2, None, 7_000)
    corpus = encode(tmp_path / "text", tmp_path / "out", min_count=2, threads=threads)
    opened = EncodedCorpus.open(corpus.path)
    assert content(corpus) == content(opened) == expected
    assert corpus.identity() == opened.identity()
    assert (opened.path, opened.min_count, opened.max_vocab) == (tmp_path / "out", 2, None)
    assert not any(shard[:].flags.writeable for shard in opened.shards)
    with pytest.raises(InputError, match="is not an encoded corpus"):
        EncodedCorpus.open(tmp_path / "text")
    assert len(expected["shards"]) > 5


def test_only_a_text_without_any_token_is_refused(tmp_path):
    # Previously, encode refused a text of 10,000 files if one file held only white space.
    for name, words in (("1", " \n"), ("2", "a b"), ("3", "\n")):
        (tmp_path / name).write_text(words)
    files = [tmp_path / name for name in "123"]
    corpus = encode(files, tmp_path / "out", min_count=1, threads=3)
    assert corpus.vocabulary.words == ["a", "b"]
    with pytest.raises(InputError, match=rf"{files[0]}, {files[2]}: the text holds no token"):
        encode([files[0], files[2]], tmp_path / "none")


def test_empty_tokens_are_left_out_and_counted(tmp_path, caplog):
    """Previously, models were trained with the word "", which no format of vectors can hold."""
    text = [line.split(" ") for line in ("a  b", "a b", " a b  ")]
    corpus = encode(text, tmp_path / "out", min_count=1)
    assert corpus.vocabulary.words == ["a", "b"]
    assert corpus.tokens == 6
    assert "4 empty tokens were left out" in caplog.text


def test_progress_ends_at_the_number_of_tokens(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_TOKENS", 4)
    seen = []
    encode([["a", "b"]] * 7, tmp_path / "out", progress=lambda tokens, share: seen.append(tokens))
    assert seen == sorted(seen)
    assert seen[-1] == 14
    assert len(seen) > 2


def test_two_encodings_of_a_file_have_their_own_progress(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8)
    (tmp_path / "text").write_text("a b\n" * 20)
    shares = []

    def progress(tokens, share):
        shares.append(share)
        if len(shares) == 1:  # previously, progress stopped when another encoding ended
            with ThreadPoolExecutor(1) as other:
                other.submit(encode, tmp_path / "text", tmp_path / "other", min_count=1).result()

    encode(tmp_path / "text", tmp_path / "out", min_count=1, threads=1, progress=progress)
    assert shares[:5] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_format_that_is_added_is_read_by_its_own_reader(tmp_path, monkeypatch):
    """Previously, the compiled reader read every format as lines, and never called the format's own reader."""

    def comma_pieces(path, tokenize):
        yield path.read_text().split(","), True

    monkeypatch.setitem(reading.FORMATS, "commas", reading.Format("words between commas", None, comma_pieces))
    (tmp_path / "text").write_text("a b,c,a b")
    corpus = encode(tmp_path / "text", tmp_path / "corpus", min_count=1, format="commas")
    assert decoded(corpus) == [["a b", "c", "a b"]]


@pytest.mark.parametrize("threads", [1, 3])
def test_known_words_stay_whatever_their_count(tmp_path, threads):
    (tmp_path / "text").write_text("a a a a a b b b b d c c c c e\n")
    how = {"min_count": 2, "max_vocab": 2, "threads": threads}
    corpus = encode(tmp_path / "text", tmp_path / "out", known=["e", "nowhere", "a"], **how)
    assert list(zip(corpus.vocabulary.words, corpus.vocabulary.counts, strict=True)) == [("a", 5), ("b", 4), ("e", 1)]
    assert decoded(corpus) == [[*"aaaaabbbb", None, *[None] * 4, "e"]]
