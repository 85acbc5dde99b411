"""A loaded model equals the saved model bit for bit. For a directory without a model, the error names the directory."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from support.texts import SHORT, same_vectors, write_text

import wordsparse as ws
from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.files import regular, storage, system
from wordsparse.vectors.formats import save_vectors
from wordsparse.words.model import Model
from wordsparse.words.model_directory import INPUT, MANIFEST, OUTPUT, VOCABULARY

FILES = [MANIFEST, VOCABULARY, INPUT, OUTPUT]
V, DIM = 30, 4


def make(seed=0):
    random = np.random.default_rng(seed)
    # Careless file formats fail on these words, and the counts need more than 32 bits.
    words = ["the", "two words", "tab\there", "line\nend", "\u00e9", "e\u0301", "\u3000", "\U0001f600", "0", "#"]
    words += [f"w{i}" for i in range(V - len(words))]
    counts = [2**40 - i for i in range(V)]
    E = random.standard_normal((V, DIM), np.float32)
    W = random.standard_normal((V, DIM + 1), np.float32)
    return Model(Vocabulary(words, counts), E, W, {"dim": DIM, "sample": 1e-3}, {"loss": [2.5, 1.25], "tokens": 7})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model"
    make().save(path)
    return path


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("exchanges", [False, True])
@pytest.mark.parametrize("file", FILES)
def test_a_model_that_is_replaced_while_it_is_read_is_read_again(saved, tmp_path, monkeypatch, mapped, exchanges, file):
    """Previously, the new files were compared with the old manifest, so an intact model was reported as damaged."""
    make(seed=1).save(tmp_path / "new")
    descriptor_of = regular.descriptor_of

    def replacing(path):
        if Path(path) == saved / file and (tmp_path / "new").exists():
            storage.put(tmp_path / "new", saved)
        return descriptor_of(path)

    monkeypatch.setattr(regular, "descriptor_of", replacing)
    if not exchanges:
        monkeypatch.setattr(system, "exchange", lambda *paths: False)
    assert np.array_equal(ws.load(saved, mapped=mapped).input_rows, make(seed=1).input_rows)
    assert [path.name for path in tmp_path.iterdir()] == [saved.name]


@pytest.mark.parametrize("mapped", [False, True])
def test_what_is_saved_is_loaded_to_the_bit_and_saved_again(saved, tmp_path, mapped):
    model, loaded = make(), ws.load(str(saved), mapped=mapped)
    assert isinstance(loaded.input_rows, np.memmap) == isinstance(loaded.output_rows, np.memmap) == mapped
    assert loaded.vocabulary.words == model.vocabulary.words
    assert loaded.vocabulary.counts.tolist() == model.vocabulary.counts.tolist()
    for name in ("input_rows", "output_rows", "vectors"):
        ours, theirs = getattr(model, name), getattr(loaded, name)
        assert theirs.dtype == np.float32
        assert theirs.tobytes() == ours.tobytes()
    assert (loaded.options, loaded.report, loaded.dim) == (model.options, model.report, DIM)
    assert sorted(file.name for file in saved.iterdir()) == sorted(FILES)
    words = loaded.wv
    assert words.words == model.vocabulary.words
    assert words["tab\there"].tobytes() == model.vectors[2].tobytes()
    assert words.counts.tolist() == model.vocabulary.counts.tolist()
    loaded.save(tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_trained_on_and_exported_like_the_model(tmp_path, copied):
    text = write_text(tmp_path / "text.txt")
    model = ws.train(text, output=tmp_path / "model", **SHORT)
    made = copied(model)
    assert same_vectors(made, model)
    assert (made.wv.vectors == model.wv.vectors).all()
    made.save(tmp_path / "copy")
    longer = [
        ws.train(text, output=tmp_path / name, resume=True, **{**SHORT, "epochs": 3}) for name in ("model", "copy")
    ]
    assert same_vectors(*longer)
    save_vectors(copied(made).wv, tmp_path / "vectors", "word2vec")


# ── saving ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_overwritten(saved):
    before = (saved / INPUT).read_bytes()
    with pytest.raises(InputError, match="model: is a model already: replace it with overwrite=True"):
        make(1).save(saved)
    assert (saved / INPUT).read_bytes() == before


# ── damage ────────────────────────────────────────────────────────────────────────────────────────────────────────
