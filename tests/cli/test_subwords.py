"""``subwords`` adds n-grams to a model or a file of vectors; ``similar`` and ``export`` use them."""

import json

import numpy as np
from support.texts import SHORT

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.vectors.formats import read_file, save_vectors
from wordsparse.vectors.word_vectors import WordVectors

WORDS = [stem + ending for stem in ("kind", "happy", "bright", "walk") for ending in ("", "ness", "ing", "er")]


def test_vectors_of_others_get_ngrams(tmp_path, capsys):
    random = np.random.default_rng(0)
    of_stems, of_endings = np.repeat(random.standard_normal((4, 5)), 4, axis=0), random.standard_normal((4, 5))
    vectors = of_stems + np.tile(of_endings, (4, 1)) + 0.1 * random.standard_normal((len(WORDS), 5))
    file = str(save_vectors(WordVectors(WORDS, vectors), tmp_path / "vectors.txt", "word2vec")[0])
    output, moved = tmp_path / "with.npz", tmp_path / "moved.npz"
    assert main(["subwords", "--vectors", file, "-o", str(moved)]) == 0
    assert np.abs(read_file(moved).unit - read_file(file).unit).max() > 0.01
    capsys.readouterr()
    assert main(["subwords", "--vectors", file, "-o", str(output), "--form", "0", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    fitted, before = read_file(output), read_file(file)
    assert (result["vocab_size"], result["dim"]) == (len(WORDS), 5)
    assert result["ngrams"] == len(fitted.ngrams)
    np.testing.assert_allclose(fitted.unit, before.unit, atol=1e-6)
    assert main(["similar", str(output), "unkindness", "-n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["composed"] is True
    assert main(["similar", str(output), "unkindness", "-n", "1"]) == 0
    assert "composed from its n-grams" in capsys.readouterr().err


def test_a_model_gets_ngrams(tmp_path, capsys):
    random, model, output = np.random.default_rng(1), str(tmp_path / "model"), str(tmp_path / "with")
    ws.train([random.choice(WORDS, 8).tolist() for _ in range(60)], output=model, **SHORT)
    assert main(["subwords", model, "-o", output, "--shortest", "2", "--longest", "3"]) == 0
    ngrams = ws.load(output).ngrams
    assert (ngrams.vectors.index.shortest, ngrams.vectors.index.longest) == (2, 3)
    assert "n-grams fitted to 16 words x 6" in capsys.readouterr().out
    assert main(["export", output, "-o", str(tmp_path / "v.txt"), "--format", "word2vec"]) == 0
    assert "the n-grams are left out" in capsys.readouterr().out
    assert main(["export", output, "-o", str(tmp_path / "v.npz"), "--format", "npz", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["subwords"] is True
