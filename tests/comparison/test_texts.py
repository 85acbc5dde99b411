import pytest

import wordsparse as ws
from wordsparse.comparison import texts
from wordsparse.comparison.request import Request
from wordsparse.corpus.encoding import encoded

SENTENCES = ["a b a c", "rare", "b a", "c b a x y"]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(SENTENCES) + "\n")
    return path


def request(text, **options):
    options = {"min_count": 2, "methods": ["wordsparse-cbow"], **options}
    return Request([text], **options)


def plain(corpus, max_tokens, folder):
    numbers = texts.write_plain(corpus, max_tokens, folder / "plain.txt")
    lines = (folder / "plain.txt").read_text().splitlines()
    assert numbers == (len(lines), sum(len(line.split()) for line in lines))
    return lines


@pytest.mark.parametrize(
    ("max_tokens", "expected"), [(1, ["a"]), (4, ["a b a c"]), (6, ["a b a c", "b"]), (99, ["a b a c", "b a", "c b a"])]
)
def test_the_first_tokens_with_the_whole_vocabulary(text, tmp_path, max_tokens, expected):
    compare = request(text, max_tokens=max_tokens)
    with encoded(compare.corpus, compare.text) as used:
        assert compare.tokens(used) == min(max_tokens, 12)
        assert used.vocabulary.words == ["a", "b", "c"]
        # Words that occur once in the text are left out, and so are lines that have only such words.
        assert plain(used, compare.tokens(used), tmp_path) == expected


def test_an_encoded_text_is_used_as_it_is(text, tmp_path):
    path = ws.encode(text, tmp_path / "encoded", min_count=2).path
    with encoded([path], {"min_count": 2}) as used:
        assert used.path == path


def test_long_sentences_are_cut_where_gensims_reader_cuts(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "LINE_TOKENS", 3)
    corpus = ws.encode([list("abcabcab"), list("abc")], tmp_path / "encoded", min_count=1)
    assert plain(corpus, corpus.tokens, tmp_path) == ["a b c", "a b c", "a b", "a b c"]
