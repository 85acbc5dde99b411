"""Long runs of marks, joiners and flags are cut, because normalisation and word boundaries take quadratic time for
them."""

from itertools import groupby

import pytest

from wordsparse.tokens import long_runs
from wordsparse.tokens.tokenizers import tokenizer

RUNS = {
    "marks": "\u0301\u0323",
    "marks beyond U+FFFF": "\U0001d165\U0001d16e",
    "joiners": "\u200d",
    "flags": "\U0001f1e9\U0001f1ea",
    "skin colours": "\U0001f3fb",
    "halfwidth voiced marks": "\uff9e\u0323",
}


@pytest.mark.parametrize("name", RUNS)
def test_no_part_has_a_long_run(name):
    """Previously, a line with 250,000 pairs of marks took half an hour, and only SIGKILL ended the command."""
    parts = []
    text = "é ate 漢字 " + RUNS[name] * 1000 + " and slept"
    long_runs.in_parts(lambda part: parts.append(part) or [])(text)
    assert "".join(parts) == text
    is_held = set(RUNS[name]).__contains__
    runs = [len([*run]) for part in parts for held, run in groupby(part, is_held) if held]
    assert max(runs) == long_runs.LONGEST


@pytest.mark.parametrize("name", ["simple", "unicode", "unicode-cased", "japanese", "chinese"])
def test_hostile_texts_are_split(name):
    for run in RUNS.values():
        assert "cat" in tokenizer(name)(f"a cat {run * 50_000} cat")


def test_flags_stay_whole():
    flags = RUNS["flags"]
    assert tokenizer("unicode")(f"go {flags * 100} go") == ["go", *[flags] * 100, "go"]


@pytest.mark.parametrize("name", RUNS)
def test_runs_are_found_at_any_place(name):
    run = (RUNS[name] * long_runs.LONGEST)[: long_runs.LONGEST]
    for place in range(40):
        text = "é" * place + run + "é" * 40
        parts = []
        long_runs.in_parts(lambda part, parts=parts: parts.append(part) or [])(text)
        assert parts == ["é" * place + run, "é" * 40]


def test_ordinary_text_is_not_cut():
    for text in ("Ünï" * 100, "漢字" * 100, "ทดสอบ" * 100, "👩‍👩‍👧" * 100, "\U0001f600" * 100, "a" + "\u0301" * 29):
        assert long_runs.in_parts(lambda part: [part])(text) == [text]
