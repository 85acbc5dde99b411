"""Laws of corpora: the rows of a group are in the order of their exact values, and phrases are gensim's."""

import tempfile
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import NAMES, ODD, law

from wordsparse.corpus import encode, phrases
from wordsparse.corpus.reading import RawText, joined
from wordsparse.corpus.tables import table_rows, writing
from wordsparse.tokens.phrases import read

NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**80), 2**80),
    # The difference between a text and its nearest float64 is below float64 for smaller numbers.
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number if abs(number) > 1e-200 else 0.0),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=9),
)


@law(40)
@given(st.lists(st.tuples(st.integers(0, 2), NUMBERS, st.booleans()), min_size=1, max_size=12))
def test_rows_are_sorted_by_exact_values(rows: list[tuple[int, Any, bool]]) -> None:
    """Numbers may be integers, floats and decimals, equal, negative, and given as text. Equal rows keep their order."""
    table = [
        {"user": f"u{user}", "item": str(place), "at": str(value) if is_text else value}
        for place, (user, value, is_text) in enumerate(rows)
    ]

    def exact(place: int) -> Fraction:
        value, is_text = rows[place][1:]
        return Fraction(Decimal(str(value)) if is_text else value)

    users = {user: [place for place, row in enumerate(rows) if row[0] == user] for user in range(3)}
    expected = [[str(place) for place in sorted(places, key=exact)] for places in users.values() if places]
    assert list(joined(RawText(table, column="item", group_by="user", order_by="at").pieces())) == expected


@law(20)
@given(st.lists(NAMES).map(ODD.__add__), st.sampled_from([*writing.WRITERS]))
def test_tables_keep_texts(texts: list[str], suffix: str) -> None:
    """A table that was written is read again with the same texts, byte by byte."""
    with tempfile.TemporaryDirectory() as directory:
        writing.write(path := Path(directory) / f"table{suffix}", [{"item": texts, "user": texts[::-1]}])
        rows = [row for _, row in table_rows(path, ["item", "user"])]
    assert rows == [*zip(texts, texts[::-1], strict=True)]


@law(6)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([30, 100, 400]),
    st.integers(1, 9),
    st.floats(-2, 1.5).map(lambda power: 10**power),
    st.sets(st.sampled_from(["w0", "w1", "w5"])),
)
def test_phrases_are_gensims(seed: int, size: int, least: int, threshold: float, connectors: set[str]) -> None:
    """One pass joins the pairs that gensim joins, gives them the same scores, and leaves the same counts of words. A
    phrase has at most three connectors in a row, so the text has no four."""
    models = pytest.importorskip("gensim.models.phrases")
    text = [
        [word for at, word in enumerate(words) if at < 3 or not {*words[at - 3 : at + 1]} <= connectors]
        for words in text_of_pairs(np.random.default_rng(seed), size)
    ]
    theirs = models.Phrases(text, max(5, least), threshold, connector_words=connectors)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
        patch.setattr(phrases, "THRESHOLD", threshold)
        corpus = encode(text, f"{directory}/corpus", phrases=1, min_count=least, connectors=sorted(connectors))
        counts = Counter(word for sentence in theirs[text] for word in sentence)
        assert {word: count for word, count in counts.items() if count >= least} == dict(
            zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True)
        )
        assert corpus.tokenization is not None
        ((words, scores),) = read(corpus.tokenization["phrases"]).passes
    assert {"_".join(phrase): score for phrase, score in zip(words, scores, strict=True)} == theirs.export_phrases()


def text_of_pairs(random: np.random.Generator, size: int) -> list[list[str]]:
    """Make 1,000 sentences of a few frequent words and many rare ones, in which some words follow each other often."""
    text = []
    for _ in range(1000):
        numbers = np.minimum(random.pareto(0.8, 10).astype(int), size - 1)
        numbers = np.where(random.random(10) < 0.5, numbers, random.integers(0, size, 10))
        words = [[f"w{number}", f"x{number}"][: 1 + (number % 4 == 3 and random.random() < 0.7)] for number in numbers]
        text.append([word for some in words for word in some])
    return text
