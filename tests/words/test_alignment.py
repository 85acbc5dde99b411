"""Alignment finds a known rotation from the words in common, and refuses vectors with too few words in common."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

import wordsparse as ws


def made(words, dim=4, seed=0):
    random = np.random.default_rng(seed)
    return ws.WordVectors(list(words), random.standard_normal((len(words), dim)), random.integers(1, 99, len(words)))


def test_alignment_finds_the_rotation_by_the_words_in_common():
    onto = made("abcdefghij")
    random, turn = np.random.default_rng(1), ortho_group(4, seed=1).rvs()
    rows = np.vstack([onto.vectors[7:0:-1], random.standard_normal((2, 4))]) @ turn
    aligned = ws.align(ws.WordVectors(list("hgfedcbXY"), rows, random.integers(1, 99, 9)), onto)
    np.testing.assert_allclose(aligned.rotation, turn.T, atol=1e-5)
    np.testing.assert_allclose(aligned.vectors["c"], onto["c"], atol=1e-5)
    assert (aligned.words, aligned.fit) == (7, pytest.approx(1))
    assert aligned.vectors.words == list("hgfedcbXY")


def test_alignment_is_weighted_procrustes_of_unit_vectors():
    moved, onto = made("abcdefgh", seed=2), made("abcdefgh", seed=3)
    weights = np.sqrt(moved.counts)
    rotation, _ = orthogonal_procrustes(moved.unit * weights[:, None], onto.unit)
    aligned = ws.align(moved, onto)
    np.testing.assert_allclose(aligned.rotation, rotation, atol=1e-5)
    cosines = np.sum(moved.unit @ rotation * onto.unit, axis=1)
    assert aligned.fit == pytest.approx(np.average(cosines, weights=weights), abs=1e-5)


def test_the_program_of_the_page_finds_the_word_that_moved(tmp_path, monkeypatch, capsys):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    people = "he him man father son husband brother she her woman mother daughter wife sister clerk nurse"
    places = "business office profession work money trade home house family marriage children wedding"
    topics = [f"{words} " + " ".join(f"{name}{i}" for i in range(60)) for name, words in (("p", people), ("q", places))]
    random, rows = np.random.default_rng(0), []
    for book in range(24):
        for paragraph in range(100):
            words = random.choice(topics[paragraph % 2].split(), 20).tolist()
            if paragraph % 2 == (book >= 12):  # "moved" has another topic in the second half
                words[::5] = ["moved"] * 4
            rows.append((1860 + 40 * (book >= 12), f"book {book}", " ".join(words)))
    pd.DataFrame(rows, columns=["year", "title", "text"]).to_csv("novels.csv", index=False)
    page = Path(__file__).resolve().parents[2] / "docs" / "over-time.md"
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names = {}
    exec(program.replace('"dim": 100', '"dim": 10, "min_count": 1').replace("epochs=2", "epochs=20"), names)
    printed = capsys.readouterr()
    assert printed.err.count("training on") == printed.err.count("\n") == 6
    first, *_ = printed.out.splitlines()
    assert re.match(r"moved +q = 0\.0[0-4]", first)
    assert Path("moved.pdf").stat().st_size > 1000
