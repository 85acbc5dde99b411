"""The content of the page, which is int8 vectors and a map, and the inputs that are refused."""

import base64

import numpy as np
import pytest
from support.explorer_models import made_model

import wordsparse as ws
from wordsparse import optional
from wordsparse.explorer import explore
from wordsparse.explorer.content import content_of
from wordsparse.explorer.projection import projected
from wordsparse.vectors.figure import principal_components


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_the_page_holds_the_most_frequent_words(order):
    counts = np.array([5, 3, 1])
    vectors = ws.WordVectors(["abc"[row] for row in order], np.eye(3)[order], counts[order])
    model = content_of("m", vectors, 2, 2)
    assert (model["words"], model["counts"], model["vocabSize"]) == (["a", "b"], [5, 3], 3)
    assert np.frombuffer(base64.b64decode(model["vectors"]), np.int8).tolist() == [127, 0, 0, 0, 127, 0]


def test_principal_components_are_those_of_the_singular_values():
    rows = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
    left, values, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(principal_components(rows)), np.abs(left * values)[:, :2], rtol=1e-4, atol=1e-5)


def test_tsne_keeps_clusters():
    random = np.random.default_rng(0)
    centres = np.repeat(np.eye(6), 30, axis=0)
    unit = (centres + 0.05 * random.standard_normal(centres.shape)).astype(np.float32)
    _, places = projected(unit, "six")
    middles = places.reshape(6, 30, 2).mean(axis=1)
    assigned = np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1)
    assert (assigned == np.repeat(np.arange(6), 30)).all()
    assert not projected(np.ones_like(unit), "one")[1].any()


def test_without_scikit_learn_the_map_is_pca_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr(optional, "installed", lambda package: False)
    caplog.set_level("INFO", "wordsparse")
    assert explore(made_model())["map_method"] == "PCA"
    assert "by PCA (t-SNE needs scikit-learn: pip install 'wordsparse[labels]')" in caplog.text


def test_a_model_is_a_page_of_a_notebook():
    text = [["<b>", "cat", "sat"], ["<b>", "dog", "sat"]] * 50
    model = ws.train(text, dim=4, epochs=2, progress=False)
    assert explore(model)["file"] is None
    assert dict(explore(model)) == dict(explore(model.wv))
    shown = explore(model)._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert "<script" not in shown
    about = model._repr_html_()
    assert "<b>" not in about
    assert "loss per epoch" in about
    assert "&lt;b&gt;" in about
