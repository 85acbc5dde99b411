import json

import pytest

from wordsparse.cli import main
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

FORMATS = {"v.npz": "npz", "v.vec.gz": "word2vec", "v.bin": "word2vec-bin", "v.safetensors": "safetensors"}


@pytest.mark.parametrize("name", FORMATS)
def test_the_suffix_tells_the_format(vectors, tmp_path, name, capsys):
    output = str(tmp_path / name)
    assert main(["export", vectors, "-o", output, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == {"files": [output], "format": FORMATS[name], "vocab_size": 4, "dim": 3}
    assert read_vectors(output).words == ["man", "king", "woman", "queen"]


def test_smaller_files_say_what_they_cost(vectors, tmp_path, capsys):
    output, words = str(tmp_path / "v.npz"), tmp_path / "words.txt"
    assert main(["export", vectors, "-o", output, "--dim", "2", "--dtype", "int8", "--words", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("neighbours kept: 100% of the ten nearest")
    found = read_vectors(output, mapped=True)
    assert (found.words, found.dim, found.vectors.numbers.dtype) == (["man", "king", "woman"], 2, "int8")
    words.write_text("queen\nking\nnobody\n")
    assert main(["export", vectors, "-o", output, "--words", str(words), "--json"]) == 0
    printed = capsys.readouterr()
    assert "neighbours_kept" not in json.loads(printed.out)
    assert "1 of 3 lines not in the vocabulary" in printed.err
    assert read_vectors(output).words == ["king", "queen"]


def test_lengths_can_be_the_evidence_of_words(tmp_path, capsys):
    source, output = tmp_path / "source.npz", str(tmp_path / "v.npz")
    words = WordVectors(["the", "dog", "cat", "feline"], [[1, 0], [3, 1], [2, 3], [0, 1]], [80_000, 500, 500, 5])
    words.export(source)
    assert main(["export", str(source), "-o", output, "--evidence"]) == 0
    assert read_vectors(output).norms.tolist() == pytest.approx(words.with_evidence().norms.tolist(), rel=1e-6)
    assert main(["export", str(source), "-o", str(tmp_path / "m2v"), "--format", "model2vec", "--evidence"]) == 2
    assert "leave --evidence out" in capsys.readouterr().err
    for options, first in (([], "dog"), (["--no-evidence"], "feline")):
        assert main(["similar", str(source), "cat", "-n", "1", *options]) == 0
        assert capsys.readouterr().out.startswith(first)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dtype", "int8"], "word2vec stores float32: choose one of the formats npz, safetensors, model2vec"),
        (["--dim", "4"], "dim must be at most 3"),
        (["--words", "0"], "--words must be at least 1"),
        (["--words", "nowhere.txt"], "nowhere.txt: cannot be read"),
        (["--dtype", "int4"], "'int4' is not known"),
        (["--evidence"], "the counts of the words are unknown"),
    ],
)
def test_smaller_files_that_cannot_be_written_are_refused(vectors, tmp_path, options, message, capsys):
    assert main(["export", vectors, "-o", str(tmp_path / "v.txt"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "v.txt").exists()
