"""KeyedVectors.save and load restore everything in the object, and read no pickle."""

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.gensim import KeyedVectors
from wordsparse.vectors.word_vectors import WordVectors

VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def saved(tmp_path):
    """Write a file with three keys of different types."""
    wv = KeyedVectors.of(WordVectors(["a", 2, ("b", 3)], VECTORS, [9, 8, 7]))
    wv.save(tmp_path / "wv")
    return tmp_path / "wv"


def test_everything_comes_back_and_can_be_changed(saved):
    read = KeyedVectors.load(saved, mmap="r")
    assert type(read) is KeyedVectors
    assert read.index_to_key == ["a", 2, ("b", 3)]
    np.testing.assert_array_equal(read.vectors, VECTORS)
    assert {name: values.tolist() for name, values in read.expandos.items()} == {"count": [9, 8, 7]}
    read.set_vecattr("a", "count", 1)
    read.vectors[0] = 5
    assert read.counts.tolist() == [1, 8, 7]
    assert read["a"].tolist() == [5, 5]


def test_attributes_that_are_not_saved_are_named(tmp_path, caplog):
    wv = KeyedVectors.of(WordVectors(["a", "b"], VECTORS[:2], [9, 8]))
    wv.set_vecattr("a", "language", "en")
    wv.save(tmp_path / "wv")
    assert "only counts are saved, not the other attributes of keys: language" in caplog.text


def test_a_changed_byte_is_found(saved):
    content = saved.read_bytes()
    place = content.index(VECTORS.tobytes()) + 5
    saved.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(InputError, match="is damaged"):
        KeyedVectors.load(saved)
