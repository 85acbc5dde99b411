import json
import os
import shutil

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus, draft, encode
from wordsparse.errors import InputError
from wordsparse.files import regular, storage

SHARD, OTHER_SHARD = "shard-00000.i32", "shard-00001.i32"


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


def files_of(corpus):
    return json.loads((corpus / "corpus.json").read_text())["files"]


def replace_shard(corpus, values, name=SHARD):
    """Other values, with size and checksum in the manifest to match: what a stranger could do."""
    (corpus / name).write_bytes(np.array(values, "<i4").tobytes())
    files = files_of(corpus)
    for entry in files:
        if entry["name"] == name:
            entry.update(bytes=4 * len(values), sha256=regular.sha256_of(corpus / name))
    forge(corpus, files=files)


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


@pytest.mark.parametrize("name", ["corpus.json", "vocabulary.json", SHARD, OTHER_SHARD])
def test_damage_to_any_file_is_refused_by_name(corpus, name):
    path = corpus / name
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for data in (whole[:-4], b"", whole + whole[-4:], bytes(flipped)):
        path.write_bytes(data)
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            EncodedCorpus.open(corpus)
    path.unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        EncodedCorpus.open(corpus)


def test_every_flipped_bit_is_found(corpus):
    for name in os.listdir(corpus):
        whole = (corpus / name).read_bytes()
        for place in range(0, len(whole), 7):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << place % 8
            (corpus / name).write_bytes(flipped)
            with pytest.raises(InputError):
                EncodedCorpus.open(corpus)
        (corpus / name).write_bytes(whole)
    EncodedCorpus.open(corpus)


def test_files_of_another_corpus_are_refused(corpus, tmp_path):
    other = encode([["p", "q", "r", "p"], ["q", "p", "y"]], tmp_path / "other", min_count=1, max_vocab=3).path
    shutil.copy(other / "vocabulary.json", corpus / "vocabulary.json")
    with pytest.raises(InputError, match=r"vocabulary\.json.*checksum"):
        EncodedCorpus.open(corpus)


@pytest.mark.parametrize("bad_id", [3, 2**31 - 1, -3, -(2**31)])
def test_ids_outside_the_vocabulary_are_refused(corpus, bad_id):
    replace_shard(corpus, [0, 1, bad_id, 0, END_OF_SENTENCE])
    with pytest.raises(InputError, match=rf"{SHARD}: holds an id outside"):
        EncodedCorpus.open(corpus)


def test_shards_that_contradict_the_manifest_are_refused(corpus):
    replace_shard(corpus, [0, 1, 2, 0, 0])
    with pytest.raises(InputError, match="does not end where a sentence ends"):
        EncodedCorpus.open(corpus)
    replace_shard(corpus, [0, 1, 2, END_OF_SENTENCE])
    with pytest.raises(InputError, match="counts are not those of the shards"):
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


def test_names_in_the_manifest_are_never_followed(corpus):
    for name in ("../secret", "/etc/passwd", OTHER_SHARD):
        files = files_of(corpus)
        files[1]["name"] = name
        forge(corpus, files=files)
        with pytest.raises(InputError, match=f"must describe {SHARD}"):
            EncodedCorpus.open(corpus)


def test_a_size_out_of_the_manifest_allocates_nothing(corpus):
    files = files_of(corpus)
    files[1]["bytes"] = 2**60
    forge(corpus, files=files)
    with pytest.raises(InputError, match="cut or altered"):
        EncodedCorpus.open(corpus)


def test_what_is_no_corpus_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="is not an encoded corpus"):
            EncodedCorpus.open(path)
