"""The text of wiki pages is that of gensim's filter_wiki, and hostile markup costs no more than other text."""

import bz2
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordsparse.corpus.reading import sentences
from wordsparse.corpus.wiki import without_markup
from wordsparse.errors import InputError

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


HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo/>'
PAGE = "<page><title>{}</title><ns>{}</ns><id>1</id><revision><text>{}</text></revision></page>"
LONG = "'''Anarchism''' is a [[political philosophy|philosophy]] {{citation}} of 1840&lt;br/&gt;. " * 10
DUMP = (
    HEAD
    + PAGE.format("Anarchism", 0, LONG)
    + PAGE.format("Anarchy", 0, "#REDIRECT [[Anarchism]]")
    + PAGE.format("Talk:Anarchism", 1, LONG)
    + PAGE.format("Cats", 0, "Élan cats " * 30)
    + "</mediawiki>"
)


def test_a_dump_gives_an_article_a_sentence_and_says_what_it_left_out(tmp_path, caplog):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(DUMP.encode()))
    first, second = sentences(path, "wiki")
    assert first == ["anarchism", "is", "a", "philosophy", "of"] * 10
    assert second == ["élan", "cats"] * 30
    assert "2 articles read" in caplog.text
    assert "1 pages shorter than 50 tokens" in caplog.text
    assert "1 outside the article namespace" in caplog.text


def test_what_is_no_dump_is_refused_by_name(tmp_path):
    path = tmp_path / "dump.xml"
    for data, said in [
        (DUMP[:-200], "cannot be read"),
        ("plain text", "cannot be read"),
        ("<a><b/></a>", "is not a dump of MediaWiki"),
        (HEAD + "<page/></mediawiki>", "no article"),
        (HEAD + PAGE.format("Short", 0, "few words") + "</mediawiki>", "no article"),
    ]:
        path.write_text(data)
        with pytest.raises(InputError, match=rf"dump\.xml.*{said}"):
            list(sentences(path, "wiki"))


def test_a_page_without_end_is_refused(tmp_path, monkeypatch):
    # The parser keeps a page in memory until it ends.
    monkeypatch.setattr("wordsparse.corpus.wiki.PAGE_BYTES", 2**18)
    path = tmp_path / "dump.xml"
    path.write_text(f"{HEAD}<page><title>A</title><text>{'word ' * 2**17}")
    with pytest.raises(InputError, match="a page has more than"):
        list(sentences(path, "wiki"))


def test_a_dump_that_tells_no_namespaces(tmp_path):
    """Dumps before 2012: the message was that such a file is damaged."""
    names = '<siteinfo><namespaces><namespace key="1">Talk</namespace><namespace key="0" /></namespaces></siteinfo>'
    head = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.3/">{names}'
    pages = "".join(
        f"<page><title>{title}</title><revision><text>{word} {'word ' * 60}</text></revision></page>"
        for title, word in (("Anarchism", "first"), ("Talk:Anarchism", "other"), ("Talking", "second"))
    )
    (tmp_path / "dump.xml").write_text(f"{head}{pages}</mediawiki>")
    assert [sentence[0] for sentence in sentences(tmp_path / "dump.xml", "wiki")] == ["first", "second"]
    (tmp_path / "other.xml").write_text("<a><page><title>t</title></page></a>")
    with pytest.raises(InputError, match=r"other\.xml: is not a dump of MediaWiki"):
        list(sentences(tmp_path / "other.xml", "wiki"))
