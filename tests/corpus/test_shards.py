import numpy as np
import pytest

from wordsparse.corpus import EncodedCorpus, draft, encode
from wordsparse.errors import InputError


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Two shards: a b c a | b a x."""
    monkeypatch.setattr(draft, "SHARD_TOKENS", 4)
    return encode([["a", "b", "c", "a"], ["b", "a", "x"]], tmp_path / "corpus", min_count=1, max_vocab=3).path


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


def test_what_is_no_corpus_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="is not an encoded corpus"):
            EncodedCorpus.open(path)
