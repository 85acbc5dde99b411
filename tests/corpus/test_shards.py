import json

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus, draft, encode
from wordsparse.errors import InputError
from wordsparse.files import regular, storage

SHARD = "shard-00000.i32"


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Two shards: a b c a | b a x."""
    monkeypatch.setattr(draft, "SHARD_TOKENS", 4)
    return encode([["a", "b", "c", "a"], ["b", "a", "x"]], tmp_path / "corpus", min_count=1, max_vocab=3).path


def forge(corpus, **members):
    """Give the manifest other members, with a checksum that is right again."""
    manifest = json.loads((corpus / "corpus.json").read_text())
    del manifest["sha256"]
    storage.write_manifest(corpus / "corpus.json", {**manifest, **members})


def files_of(corpus, **members):
    """The manifest's records of its files, with other members in that of the first shard."""
    files = json.loads((corpus / "corpus.json").read_text())["files"]
    files[1].update(members)
    return files


def test_an_opened_corpus(corpus):
    opened = EncodedCorpus.open(str(corpus))
    assert opened.path == corpus
    assert (opened.tokens, opened.sentences, opened.distinct_words) == (7, 2, 4)
    assert (opened.min_count, opened.max_vocab) == (1, 3)
    assert [shard[:].tolist() for shard in opened.shards] == [[0, 1, 2, 0, -2], [1, 0, -1, -2]]
    for shard in opened.shards:
        assert shard[:].dtype == np.int32
        assert not shard[:].flags.writeable
        assert np.array_equal(np.asarray(shard), shard[:])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        *(([0, 1, bad, 0, END_OF_SENTENCE], f"{SHARD}: holds an id outside") for bad in (3, 2**31 - 1, -3, -(2**31))),
        ([0, 1, 2, 0, 0], "does not end where a sentence ends"),
        ([0, 1, 2, END_OF_SENTENCE], "counts are not those of the shards"),
        (b"\0\0\0\0\xfe\xff\xff\xff\0", "no whole number of values"),
    ],
)
def test_shards_that_a_stranger_has_signed(corpus, values, said):
    (corpus / SHARD).write_bytes(values if isinstance(values, bytes) else np.array(values, "<i4").tobytes())
    forge(corpus, files=files_of(corpus, sha256=regular.sha256_of(corpus / SHARD)))
    with pytest.raises(InputError, match=said):
        EncodedCorpus.open(corpus)


@pytest.mark.parametrize(
    "members",
    [
        {"tokens": 2**62},
        {"tokens": "7"},
        {"tokens": True},
        {"sentences": -1},
        {"min_count": None},
        {"max_vocab": 0},
        {"files": []},
        {"files": None},
        {"files": [{}, {}]},
        {"files": [1, 2]},
    ],
)
def test_forged_manifests_are_refused(corpus, members):
    forge(corpus, **members)
    with pytest.raises(InputError, match=r"corpus\.json"):
        EncodedCorpus.open(corpus)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "shard-00001.i32"])
def test_names_in_the_manifest_are_never_followed(corpus, name):
    forge(corpus, files=files_of(corpus, name=name))
    with pytest.raises(InputError, match=f"must describe {SHARD}"):
        EncodedCorpus.open(corpus)


def test_what_is_no_corpus_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="is not an encoded corpus"):
            EncodedCorpus.open(path)
