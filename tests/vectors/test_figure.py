"""Figures of words."""

import numpy as np
import pytest

import wordsparse as ws
from wordsparse import optional
from wordsparse.errors import InputError, MissingDependencyError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def some_vectors(dim: int = 4) -> ws.WordVectors:
    words = [f"w{number}" for number in range(20)]
    return ws.WordVectors(words, np.random.default_rng(0).standard_normal((20, dim)))


def drawn(ax: "matplotlib.axes.Axes") -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_chosen_words_or_the_neighbours_of_a_word_are_drawn() -> None:
    vectors = some_vectors()
    ax = vectors.plot(["w3", "w1", "w7"])
    assert drawn(ax) == ["w3", "w1", "w7"]
    points = ax.collections[0].get_offsets()
    assert np.ptp(points[:, 0]) >= np.ptp(points[:, 1]) > 0
    near = vectors.plot("w3", n=5)
    assert drawn(near) == ["w3", *(word for word, _ in vectors.similar("w3", 5))]
    assert vectors.plot(["w3", "w1", "w7"], ax=near) is near
    matplotlib.pyplot.close("all")


def test_labels_do_not_overlap() -> None:
    """Previously, the labels of near words, such as jpeg and png, were printed on top of each other."""
    random = np.random.default_rng(0)
    groups = np.repeat(random.standard_normal((4, 5)), 10, axis=0)
    words = [f"a long word {number}" for number in range(40)]
    ax = ws.WordVectors(words, groups + 0.01 * random.standard_normal((40, 5))).plot(words)
    assert sorted(drawn(ax)) == sorted(words)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    matplotlib.pyplot.close("all")


def test_a_figure_that_cannot_be_drawn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for vectors, words, message in (
        (some_vectors(), ["w1", "w2"], "give at least 3 words"),
        (some_vectors(1), ["w1", "w2", "w3"], "and dim 2"),
        (some_vectors(), ["w1", "w2", "x"], "'x' is not in the vocabulary"),
    ):
        with pytest.raises(InputError, match=message):
            vectors.plot(words)
    model = ws.train([["a", "b", "c"]] * 30, dim=3, epochs=1, min_count=1, progress=False)
    with pytest.raises(AttributeError, match=r"model\.wv\.plot\(words\)"):
        model.plot  # noqa: B018
    monkeypatch.setattr(optional.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError("no")))
    with pytest.raises(MissingDependencyError, match=r"a figure of words needs matplotlib.*wordsparse\[plot\]"):
        some_vectors().plot(["w1", "w2", "w3"])
