"""Doc2Vec: vectors of tags and of further documents."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.gensim import Doc2Vec, TaggedDocument, TaggedLineDocument, Word2Vec

TOPICS = ["sun moon star sky night light", "bread milk egg flour sugar oven", "ship sea port wave sail storm"]
OPTIONS: dict[str, Any] = {"vector_size": 8, "min_count": 1, "epochs": 4, "workers": 1, "seed": 2, "sample": 0}


def documents(n: int = 90) -> list[TaggedDocument]:
    random = np.random.default_rng(0)
    return [TaggedDocument(random.choice(TOPICS[i % 3].split(), 12).tolist(), [i, f"topic{i % 3}"]) for i in range(n)]


@pytest.mark.parametrize(("dm", "dbow_words"), [(0, 0), (0, 1), (1, 0)])
def test_documents_of_a_topic_are_near_each_other(dm: int, dbow_words: int) -> None:
    model = Doc2Vec(documents(), dm=dm, dbow_words=dbow_words, **OPTIONS)
    assert len(model.dv) == 93
    assert model.docvecs is model.dv
    for topic in range(3):
        near = [tag for tag, _ in model.dv.most_similar(f"topic{topic}", topn=20)]
        assert sum(isinstance(tag, int) and tag % 3 == topic for tag in near) >= 18
    inferred = model.infer_vector(documents()[5].words)
    np.testing.assert_allclose(inferred, model.dv[5], atol=1e-5)
    again = Doc2Vec(documents(), dm=dm, dbow_words=dbow_words, **OPTIONS)
    assert again.dv.vectors.tobytes() == model.dv.vectors.tobytes()
    assert not model.infer_vector(["unknown"]).any()


def test_the_steps_of_gensims_tutorial() -> None:
    model = Doc2Vec(dm=0, window=0, **OPTIONS)
    with pytest.raises(InputError, match="needs a trained model"):
        model.infer_vector(["sun"])
    model.build_vocab(documents())
    model.train(documents(), total_examples=model.corpus_count, epochs=model.epochs)
    assert model.infer_vector(["sun", "moon"]).shape == (8,)
    assert str(model) == "Doc2Vec<vocab=18, documents=93, vector_size=8>"


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ([["sun", "moon"]], {}, "not a TaggedDocument"),
        ([TaggedDocument("sun moon", [0])], {}, "split it"),
        ([], {}, "no document"),
        (documents(), {"dm_concat": 1}, "dm_concat"),
        (None, {"corpus_file": "text"}, "corpus_file"),
    ],
)
def test_requests_that_are_refused(given: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Doc2Vec(given, **{**OPTIONS, **options})


def test_a_saved_model_infers_the_same_vectors(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(" ".join(document.words) for document in documents()))
    given = TaggedLineDocument(tmp_path / "text")
    assert list(given)[2] == TaggedDocument(documents()[2].words, [2])
    model = Doc2Vec(given, dm=0, **OPTIONS)
    model.save(tmp_path / "model")
    again = Doc2Vec.load(tmp_path / "model")
    assert (again.dm, again.epochs, again.dv.index_to_key) == (0, 4, model.dv.index_to_key)
    np.testing.assert_array_equal(again.infer_vector(["sun", "moon"]), model.infer_vector(["sun", "moon"]))
    again.train(given, total_examples=again.corpus_count, epochs=1)
    with pytest.raises(InputError, match="nothing has been trained"):
        Doc2Vec(**OPTIONS).save(tmp_path / "other")
    Word2Vec.load(tmp_path / "model").save(tmp_path / "words")
    with pytest.raises(InputError, match="no directory that Doc2Vec"):
        Doc2Vec.load(tmp_path / "words")
