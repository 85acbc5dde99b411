import bz2
import importlib.util

import pytest

from wordsparse.corpus.reading import sentences
from wordsparse.errors import InputError, MissingDependencyError

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


@pytest.fixture
def gensim():
    return pytest.importorskip("gensim", reason="gensim is not installed")


def test_a_dump_gives_an_article_a_sentence_and_says_what_it_left_out(tmp_path, gensim, caplog):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(DUMP.encode()))
    first, second = sentences(path, "wiki")
    assert first == ["anarchism", "is", "a", "philosophy", "of"] * 10
    assert second == ["élan", "cats"] * 30
    assert "2 articles read" in caplog.text
    assert "1 pages shorter than 50 tokens" in caplog.text
    assert "1 outside the article namespace" in caplog.text


def test_what_is_no_dump_is_refused_by_name(tmp_path, gensim):
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


def test_without_gensim_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (tmp_path / "text").write_text("words")
    with pytest.raises(MissingDependencyError, match="needs gensim, which is not installed"):
        sentences(tmp_path / "text", "wiki")


def test_a_page_without_end_is_refused(tmp_path, gensim, monkeypatch):
    # The parser keeps a page in memory until it ends.
    monkeypatch.setattr("wordsparse.corpus.gensim_text.PAGE_BYTES", 2**18)
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
