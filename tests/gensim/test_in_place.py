"""Our classes in the place of gensim's."""

import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import wordsparse.gensim as door

gensim = pytest.importorskip("gensim", reason="gensim has no wheel here")


def test_classes_are_replaced_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, vectors = gensim.models.Word2Vec, gensim.models.KeyedVectors
    before, inside, own = (ModuleType(f"imported_{name}") for name in ("before", "inside", "own"))
    before.Trainer, before.w2v = theirs, gensim.models.word2vec  # type: ignore[attr-defined]
    kinds = {name: type(module) for name, module in sys.modules.items() if name.startswith("gensim")}
    own.Word2Vec = door.Word2Vec  # type: ignore[attr-defined]
    for module in (before, inside, own):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with door.in_place():
        from gensim.models import Word2Vec
        from gensim.models.word2vec import Word2Vec as again

        inside.Word2Vec = Word2Vec  # type: ignore[attr-defined]
        assert Word2Vec is again is before.Trainer is before.w2v.Word2Vec is door.Word2Vec
        assert all(type(sys.modules[name]) is kind for name, kind in kinds.items()), "no class of a module is swapped"
        assert gensim.models.KeyedVectors is gensim.models.keyedvectors.KeyedVectors is door.KeyedVectors
        assert isinstance(Word2Vec([["a", "b"]], min_count=1).wv, gensim.models.KeyedVectors)
        with door.in_place():
            assert gensim.models.Word2Vec is door.Word2Vec
        assert gensim.models.Word2Vec is door.Word2Vec
    assert gensim.models.Word2Vec is gensim.models.word2vec.Word2Vec is before.Trainer is inside.Word2Vec is theirs
    assert gensim.models.KeyedVectors is vectors
    assert before.w2v is gensim.models.word2vec is sys.modules["gensim.models.word2vec"]
    assert before.w2v.Word2Vec is theirs
    # A program that had asked for ours found gensim's in its place.
    assert own.Word2Vec is door.Word2Vec is not theirs


def test_doc2vec_is_ours_too_and_fasttext_still_works(tmp_path: Path) -> None:
    theirs = gensim.models.Doc2Vec
    with door.in_place():
        documents = [gensim.models.doc2vec.TaggedDocument(["a", "b", "c"], [0])] * 3
        model = gensim.models.Doc2Vec(documents, vector_size=4, min_count=1, epochs=1, sample=0)
        assert isinstance(model, door.Doc2Vec)
        assert gensim.models.doc2vec.Doc2Vec is door.Doc2Vec
        assert len(model.dv) == 1
        fast = gensim.models.FastText([["a", "b"]] * 3, vector_size=4, min_count=1, epochs=1)
        fast.save(str(tmp_path / "fast"))
        assert len(gensim.models.FastText.load(str(tmp_path / "fast")).wv) == 2
    assert gensim.models.Doc2Vec is gensim.models.doc2vec.Doc2Vec is theirs


def test_blocks_may_overlap() -> None:
    """Of two threads, the one that entered first and left first put gensim's classes back under the other."""
    theirs = gensim.models.Word2Vec
    first, second = door.in_place(), door.in_place()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gensim.models.Word2Vec is door.Word2Vec
    second.__exit__(None, None, None)
    assert gensim.models.Word2Vec is theirs


def test_objects_of_gensim_work_inside_and_are_not_pickled(tmp_path: Path) -> None:
    """gensim's methods found our class by its name, and failed."""
    theirs = gensim.models.Word2Vec([["a", "b"]] * 3, vector_size=4, min_count=1)
    theirs.save(str(tmp_path / "before"))
    with door.in_place():
        theirs.train([["a", "b"]], total_examples=1, epochs=1)
        assert type(theirs.wv.vectors_for_all(["a"])) is type(theirs.wv)
        with pytest.raises(pickle.PicklingError, match="not the same object"):
            theirs.save(str(tmp_path / "inside"))
        with pytest.raises(AttributeError):
            type(theirs).load(str(tmp_path / "before"))
    theirs.save(str(tmp_path / "after"))
    assert type(gensim.models.Word2Vec.load(str(tmp_path / "after"))) is type(theirs)


def test_other_threads_keep_what_they_hold_and_find_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, texts = gensim.models.Word2Vec, [["a", "b", "c"]] * 20
    alone = theirs(texts, vector_size=4, min_count=1, workers=1).wv.vectors

    def holds() -> None:
        """A thread that has gensim's class trains with it."""
        model = theirs(texts, vector_size=4, min_count=1, workers=1)
        assert type(model.wv).__module__ == "gensim.models.keyedvectors"
        np.testing.assert_array_equal(model.wv.vectors, alone)

    def imports() -> ModuleType:
        """A thread that imports a module finds the class of the moment."""
        module = ModuleType("imported_by_thread")
        exec("from gensim.models import Word2Vec", vars(module))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        assert module.Word2Vec is door.Word2Vec
        return module

    def enters() -> None:
        """A thread that enters and leaves a block inside that of another."""
        with door.in_place():
            model = gensim.models.Word2Vec(texts, vector_size=4, min_count=1, epochs=1, workers=1)
            assert type(model) is door.Word2Vec

    works: list[Callable[[], ModuleType | None]] = [holds, enters, imports]
    with ThreadPoolExecutor(len(works)) as pool, door.in_place():
        results = [running.result() for running in [pool.submit(work) for work in works]]
    assert gensim.models.Word2Vec is theirs
    assert results[-1] is not None
    assert results[-1].Word2Vec is theirs
