"""Wikipedia dumps are read as the pages and text that gensim's reader finds in them."""

import bz2

import pytest
from support.texts import sentences

from wordsparse.errors import InputError

pytest.importorskip("gensim.corpora.wikicorpus", reason="the test compares with gensim's reader")

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


def test_a_dump_gives_an_article_a_sentence(tmp_path):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(DUMP.encode()))
    first, second = sentences(path, "wiki")
    assert first == ["anarchism", "is", "a", "philosophy", "of"] * 10
    assert second == ["élan", "cats"] * 30


def test_what_is_no_dump_is_refused_by_name(tmp_path):
    path = tmp_path / "dump.xml"
    for data, said in [
        (DUMP[:-200], "cannot be read"),
        ("plain text", "cannot be read"),
        ("<a><b/></a>", "cannot be read"),
        (HEAD + "<page/></mediawiki>", "cannot be read"),
    ]:
        path.write_text(data)
        with pytest.raises(InputError, match=rf"dump\.xml.*{said}"):
            list(sentences(path, "wiki"))
