import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from wordsparse import evaluation
from wordsparse.errors import InputError, MissingDependencyError
from wordsparse.evaluation import evaluate, read_analogies, read_pairs, score_analogies, score_pairs
from wordsparse.vectors import WordVectors

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def trained() -> WordVectors:
    """gensim's word2vec on the small corpus in its wheel; some words stand there in several spellings."""
    models = pytest.importorskip("gensim.models", reason="gensim has no wheel here")
    from gensim.test.utils import datapath
    from gensim.utils import tokenize

    with open(datapath("lee_background.cor"), encoding="utf-8") as file:
        sentences = [list(tokenize(line)) for line in file]
    model = models.Word2Vec(sentences, vector_size=50, min_count=2, epochs=5, workers=1, seed=1)
    return WordVectors(model.wv.index_to_key, model.wv.vectors)


SIX = WordVectors(
    ["man", "king", "woman", "Queen", "queen", "MAN"],
    [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0.9, 1], [0, 1, 1], [0.2, 1, 1]],
)


@pytest.mark.parametrize("separator", ["\t", " ", ",", " , "])
def test_pairs_in_any_layout(write: Write, separator: str) -> None:
    rows = [["Word 1".replace(" ", "_"), "Word2", "mean"], ["a", "b", "1.5"], ["c", "d", "2"]]
    text = "# comment\n\n" + "\r\n".join(separator.join(row) for row in rows)
    assert read_pairs(write("p.txt", text)) == [("a", "b", 1.5), ("c", "d", 2)]


def test_phrases_and_more_columns(write: Write) -> None:
    assert read_pairs(write("p.txt", "new york\tbig apple\t9\t1\t2\n")) == [("new york", "big apple", 9)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b 1\nc d\n", "line 2: expected two words and a number, found 'c d'"),
        ("a b 1\nc d e\n", "line 2"),
        ("head er line\nword 1 2\nc d e\n", "line 3"),
        ("a b nan\nc d inf\n", "line 2"),
        ("a,,1\nb,,2", "line 2"),
        ("word1 word2\na b 1", "line 1"),
        ("# nothing\n", "no word pairs"),
        ("a b score\n", "no word pairs"),
    ],
)
def test_malformed_pairs(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pairs(write("p.txt", text))


def test_analogies_and_sections(write: Write) -> None:
    path = write("questions.txt", "a b c d\n: first\ne f g h\n\n# comment\n:second part\ni j k l\n")
    assert read_analogies(path) == [
        ("questions", ("a", "b", "c", "d")),
        ("first", ("e", "f", "g", "h")),
        ("second part", ("i", "j", "k", "l")),
    ]


@pytest.mark.parametrize(("text", "message"), [(": s\na b c\n", "line 2: expected four"), (": s\n", "no anal")])
def test_malformed_analogies(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_analogies(write("a.txt", text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_pairs(tmp_path / "missing")
    (tmp_path / "latin").write_bytes(b"caf\xe9 tea 3\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_pairs(tmp_path / "latin")
    with pytest.raises(InputError, match="Is a directory"):
        read_analogies(tmp_path)


def test_pairs_without_regard_to_case() -> None:
    """ "man" comes before "MAN", "Queen" before "queen": the more frequent one stands for both."""
    pairs = [("MAN", "king", 3.0), ("man", "woman", 1.0), ("king", "qUEEN", 2.0), ("king", "prince", 9.0)]
    score = score_pairs(SIX, [evaluation.Pair(*pair) for pair in pairs])
    cosines = [0.5**0.5, 0, 0.9 / (1.81 * 2) ** 0.5]
    assert score == {"spearman": pytest.approx(spearmanr([3, 1, 2], cosines).statistic), "n": 3, "oov": 1}


@pytest.mark.parametrize(
    "pairs",
    [[("x", "y", 1.0)], [("man", "king", 1.0)], [("man", "king", 1.0), ("man", "woman", 1.0)]],
    ids=["none known", "one known", "constant judgement"],
)
def test_nothing_to_correlate(pairs: list[tuple[str, str, float]]) -> None:
    score = score_pairs(SIX, [evaluation.Pair(*pair) for pair in pairs])
    assert score["spearman"] is None
    assert score["n"] + score["oov"] == len(pairs)


def test_analogies_by_hand() -> None:
    questions = [
        evaluation.Question("good", ("man", "king", "woman", "QUEEN")),
        evaluation.Question("good", ("man", "king", "woman", "prince")),
        evaluation.Question("bad", ("man", "king", "woman", "man")),
        evaluation.Question("unknown", ("x", "king", "woman", "man")),
    ]
    assert score_analogies(SIX, questions) == {
        "accuracy": 0.5,
        "n": 2,
        "oov": 2,
        "sections": {
            "good": {"accuracy": 1.0, "n": 1, "oov": 1},
            "bad": {"accuracy": 0.0, "n": 1, "oov": 0},
            "unknown": {"accuracy": None, "n": 0, "oov": 1},
        },
    }
    # The answer is no longer among the most frequent words; with two of three words given none is left.
    assert score_analogies(SIX, questions, 3)["oov"] == 3
    assert score_analogies(SIX, [evaluation.Question("s", ("man", "man", "man", "MAN"))], 1)["accuracy"] == 0


def test_no_question_can_be_asked() -> None:
    questions = [evaluation.Question("s", ("w", "x", "y", "z"))]
    assert score_analogies(SIX, questions)["accuracy"] is None


def test_batches_change_nothing(trained: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    words = [tuple(row) for row in rng.choice(trained.words, (50, 4)).tolist()]
    questions = [evaluation.Question("s", quadruple) for quadruple in words]
    expected = score_analogies(trained, questions)
    monkeypatch.setattr(evaluation, "_BATCH_COSINES", 7 * len(trained))
    assert score_analogies(trained, questions) == expected


def test_default_sets_score_as_gensim_scores(trained: WordVectors) -> None:
    from gensim.test.utils import datapath

    ours = evaluate(trained)
    keyed = trained.keyed_vectors()
    assert list(ours["pairs"]) == ["wordsim353", "simlex999"]
    for name, file in [("wordsim353", "wordsim353.tsv"), ("simlex999", "simlex999.txt")]:
        score = ours["pairs"][name]
        _, spearman, oov_percent = keyed.evaluate_word_pairs(datapath(file), restrict_vocab=len(trained))
        assert score["n"] > 100
        assert score["spearman"] == pytest.approx(spearman.statistic, abs=1e-6)
        assert score["oov"] / (score["n"] + score["oov"]) * 100 == pytest.approx(oov_percent)


@pytest.mark.parametrize("restrict_vocab", [300, 2000, 30_000])
def test_analogies_score_as_gensim_scores(trained: WordVectors, tmp_path: Path, restrict_vocab: int) -> None:
    """On questions that these vectors can answer: made of their own neighbours, in several spellings."""
    rng = np.random.default_rng(restrict_vocab)
    lines = [": own"]
    for a, b, c in rng.choice(trained.words[:restrict_vocab], (150, 3)):
        answers = trained.analogy(a, b, c, 3)
        answer = answers[rng.integers(0, 2)][0]
        lines.append(" ".join([a.upper(), b, c.lower(), answer]))
    lines.append(": unknown")
    lines.append("Athens Greece Qqqq Rrrr")
    path = tmp_path / "own.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    ours = evaluate(trained, analogies=[path], restrict_vocab=restrict_vocab)["analogies"]["own"]
    accuracy, sections = trained.keyed_vectors().evaluate_word_analogies(
        str(path), restrict_vocab=restrict_vocab, case_insensitive=True, dummy4unknown=False
    )
    assert ours["n"] > 20
    assert 0.1 < accuracy < 0.95
    assert ours["accuracy"] == pytest.approx(accuracy)
    assert ours["n"] == len(sections[-1]["correct"]) + len(sections[-1]["incorrect"])
    assert ours["sections"]["unknown"] == {"accuracy": None, "n": 0, "oov": 1}


def test_only_what_is_named_is_scored(write: Write) -> None:
    pairs = write("mine.tsv", "man king 1\nman woman 2\n")
    result = evaluate(SIX, pairs=[pairs])
    assert result["analogies"] == {}
    assert result["pairs"].keys() == {"mine"}


def test_two_sets_of_one_name_are_refused(write: Write) -> None:
    paths = [write("same.tsv", "a b 1"), write("same.txt", "a b 1")]
    with pytest.raises(InputError, match="two test sets named same"):
        evaluate(SIX, pairs=paths)
    with pytest.raises(InputError, match="restrict_vocab must be at least 1"):
        evaluate(SIX, pairs=paths, restrict_vocab=0)


def test_without_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="name files of word pairs"):
        evaluate(SIX)
