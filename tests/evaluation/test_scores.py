import numpy as np
import pytest
from scipy.stats import spearmanr

from wordsparse.errors import InputError
from wordsparse.evaluation import scores as evaluation
from wordsparse.evaluation.testsets import Pair, Question
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.evaluate import evaluate


@pytest.fixture(scope="module")
def trained():
    """Train gensim's word2vec on the small corpus in its wheel, in which some words have several spellings."""
    models = pytest.importorskip("gensim.models", reason="gensim is not installed")
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


def score_pairs(pairs):
    content = [Pair(*pair) for pair in pairs]
    return evaluation.score_pairs(content, evaluation.answer_pairs(SIX, content))


def score_analogies(vectors, questions, restrict=30_000):
    return evaluation.score_analogies(questions, evaluation.answer_analogies(vectors, questions, restrict))


def without_intervals(score):
    """Return a score, and its sections, without the entries ``low`` and ``high``."""
    if not isinstance(score, dict):
        return score
    return {key: without_intervals(value) for key, value in score.items() if key not in ("low", "high")}


def test_pairs_without_regard_to_case():
    """The more frequent spelling of a word is used: "man" rather than "MAN", and "Queen" rather than "queen"."""
    score = score_pairs([("MAN", "king", 3.0), ("man", "woman", 1.0), ("king", "qUEEN", 2.0), ("king", "prince", 9.0)])
    cosines = [0.5**0.5, 0, 0.9 / (1.81 * 2) ** 0.5]
    assert without_intervals(score) == {
        "spearman": pytest.approx(spearmanr([3, 1, 2], cosines).statistic),
        "n": 3,
        "oov": 1,
    }
    assert (score["low"], score["high"]) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    "pairs",
    [[("x", "y", 1.0)], [("man", "king", 1.0)], [("man", "king", 1.0), ("man", "woman", 1.0)]],
    ids=["none known", "one known", "constant judgement"],
)
def test_nothing_to_correlate(pairs):
    score = score_pairs(pairs)
    assert (score["spearman"], score["low"], score["high"]) == (None, None, None)
    assert score["n"] + score["oov"] == len(pairs)


def test_analogies_by_hand():
    questions = [
        Question("good", ("man", "king", "woman", "QUEEN")),
        Question("good", ("man", "king", "woman", "prince")),
        Question("bad", ("man", "king", "woman", "man")),
        Question("unknown", ("x", "king", "woman", "man")),
    ]
    score = score_analogies(SIX, questions)
    assert without_intervals(score) == {
        "accuracy": 0.5,
        "n": 2,
        "oov": 2,
        "sections": {
            "good": {"accuracy": 1.0, "n": 1, "oov": 1},
            "bad": {"accuracy": 0.0, "n": 1, "oov": 0},
            "unknown": {"accuracy": None, "n": 0, "oov": 1},
        },
    }
    assert (score["low"], score["high"]) == (0, 1)
    # The answer to "good" is not among the first 3 words. If only 1 word is used, the question excludes this word.
    assert score_analogies(SIX, questions, 3)["oov"] == 3
    assert score_analogies(SIX, [Question("s", ("man", "man", "man", "MAN"))], 1)["accuracy"] == 0
    # In a model that was trained further, rows are not in the order of their counts.
    order = [5, 2, 0, 4, 1, 3]
    shuffled = WordVectors([SIX.words[row] for row in order], SIX.vectors[order], 9 - np.array(order))
    for restrict in (1, 3, 5, 6):
        assert score_analogies(shuffled, questions, restrict) == score_analogies(SIX, questions, restrict)


def test_related_words_are_among_the_nearest(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    words = ["man", "king", *(f"w{i}" for i in range(40)), "MAN"]
    vectors = WordVectors(words, random.standard_normal((len(words), 5)))
    (tmp_path / "r.txt").write_text("king Man\nw1\tw2\n# a comment\nw3 w4\nking prince\n")
    (score,) = evaluate(vectors, related=[tmp_path / "r.txt"])["related"].values()
    unit, ranks = vectors.unit, []
    for one, other in (("king", "man"), ("man", "king"), ("w1", "w2"), ("w2", "w1"), ("w3", "w4"), ("w4", "w3")):
        cosines = unit @ unit[words.index(one)]
        same_word = [row for row, word in enumerate(words) if word.upper() == one.upper()]
        ranks.append(1 + int((np.delete(cosines, same_word) > cosines[words.index(other)]).sum()))
    assert (score["n"], score["oov"]) == (6, 2)  # each line gives two questions
    assert score["hit10"] == pytest.approx(np.mean(np.array(ranks) <= 10))
    assert score["mrr"] == pytest.approx(np.mean(1 / np.array(ranks)))
    assert 0 <= score["low"] <= score["hit10"] <= score["high"] <= 1
    monkeypatch.setattr(evaluation, "_BATCH_COSINES", 100)
    assert evaluate(vectors, related=[tmp_path / "r.txt"])["related"] == {"r": score}
    for line in ("one\n", "one two three\n"):
        (tmp_path / "w.txt").write_text(line)
        with pytest.raises(InputError, match="line 1: expected two words"):
            evaluate(vectors, related=[tmp_path / "w.txt"])


def test_default_sets_score_as_gensim_scores(trained):
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
def test_analogies_score_as_gensim_scores(trained, tmp_path, restrict_vocab, monkeypatch):
    """Each question expects the best or second-best answer of the vectors, so that some answers are right."""
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
    assert without_intervals(ours["sections"]["unknown"]) == {"accuracy": None, "n": 0, "oov": 1}
    monkeypatch.setattr(evaluation, "_BATCH_COSINES", 7 * len(trained))
    assert evaluate(trained, analogies=[path], restrict_vocab=restrict_vocab)["analogies"]["own"] == ours


def test_a_wrong_restriction_is_refused():
    with pytest.raises(InputError, match="restrict_vocab must be at least 1"):
        evaluation.answer(SIX, {}, 0)
