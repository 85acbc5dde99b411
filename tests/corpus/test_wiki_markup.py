"""The text of wiki pages is that of gensim's filter_wiki, and hostile markup costs no more than other text."""

import bz2
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordsparse.corpus.wiki_markup import without_markup

wikicorpus = pytest.importorskip("gensim.corpora.wikicorpus", reason="the text that it gives is gensim's")
utils = pytest.importorskip("gensim.utils")

DUMPS = Path(wikicorpus.__file__).parents[1] / "test" / "test_data"
TOKENS = (
    *("[[", "]]", "[", "]", "{{", "}}", "{", "}", "|", "||", "|-", "{|", "|}", "!", "!!", "\n", " ", "  ", "\t"),
    *("File:", "Image", "Category:", "<", "<!--", "-->", "<ref>", "<ref ", "</ref>", "/>", ">", "<math>", "</math>"),
    *("<nowiki>", "http://a", "://", "de:", "aa", "b", "1", "colspan", "style=", "scope=", "&amp;", "&lt;"),
)
# Each quadratic in gensim's filter_wiki: a few hundred kilobytes took it minutes.
HOSTILE = ("[[File:a|", "\n[[de:a]]", "<!--", "<ref ", "<", "[a://b ", "  !", "[a|a|", "[[File:a|b]]", "{{", "|")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_any_markup_is_removed_as_by_gensim(text: str) -> None:
    assert without_markup(utils.decode_htmlentities(text)) == wikicorpus.filter_wiki(text)


@pytest.mark.parametrize("dump", ["bgwiki-latest-pages-articles-shortened.xml.bz2", "enwiki-table-markup.xml.bz2"])
def test_pages_are_read_as_by_gensim(dump: str) -> None:
    with bz2.open(DUMPS / dump) as file:
        for _title, text, _number in wikicorpus.extract_pages(file):
            assert without_markup(utils.decode_htmlentities(text)) == wikicorpus.filter_wiki(text)


@pytest.mark.parametrize("end", ["x", "]x"])
@pytest.mark.parametrize("markup", HOSTILE)
def test_markup_that_never_ends(markup: str, end: str) -> None:
    without_markup(markup * (150_000 // len(markup)) + end)
