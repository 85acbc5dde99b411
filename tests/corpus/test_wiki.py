"""Wikipedia dumps, whose pages and text are gensim's."""

import bz2
import sys
from pathlib import Path

import pytest
from support.texts import sentences

from wordsparse.errors import InputError, MissingDependencyError

wikicorpus = pytest.importorskip("gensim.corpora.wikicorpus", reason="gensim reads the format")

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


def test_articles_are_those_of_gensims_corpus(tmp_path):
    """But for its tokeniser: of gensim's, which splits in the same way here, the words of 2 to 15 letters."""
    dump = Path(wikicorpus.__file__).parents[1] / "test/test_data/bgwiki-latest-pages-articles-shortened.xml.bz2"
    theirs = list(wikicorpus.WikiCorpus(str(dump), processes=1, dictionary={}).get_texts())
    ours = list(sentences(dump, "wiki"))
    assert abs(len(ours) - len(theirs)) <= 0.2 * len(theirs)
    assert set(theirs[0]) <= set(ours[0])


def test_without_gensim_a_dump_is_refused(tmp_path, monkeypatch):
    (path := tmp_path / "dump.xml").write_text(DUMP)
    monkeypatch.setitem(sys.modules, "gensim", None)
    monkeypatch.setitem(sys.modules, "gensim.corpora.wikicorpus", None)
    with pytest.raises(MissingDependencyError, match=r"the format wiki needs gensim, .*pip install"):
        list(sentences(path, "wiki"))


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
