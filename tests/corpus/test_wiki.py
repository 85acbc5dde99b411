"""Wikipedia dumps are read as the text of their articles."""

import bz2
import sys

import pytest
from support.texts import sentences

from wordsparse.corpus import wiki
from wordsparse.errors import InputError, MissingDependencyError

pytest.importorskip("wikitextparser")

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo/>'
PAGE = "<page><title>{}</title><ns>{}</ns><id>1</id>{}<revision><text>{}</text></revision></page>"
LONG = "'''Anarchism''' is a [[political philosophy|philosophy]] {{citation}} of 1840&lt;br/&gt;. " * 10
MARKUP = """== History ==
[[File:Cat.jpg|thumb|A [[tabby]] cat]] The ''cat''&lt;ref name=a&gt;A book&lt;/ref&gt; is&lt;ref name=a/&gt;
a [[domestic animal]].
{{Infobox|name=Cat|weight={{convert|4|kg}}}}
* kept in [http://example.org many] houses<!-- comment -->
{| class="wikitable"
| one || two
|}
[[Category:Felines|Cat]]
[[de:Katze]]
"""
DUMP = (
    HEAD
    + PAGE.format("Anarchism", 0, "", LONG)
    + PAGE.format("Anarchy", 0, '<redirect title="Anarchism"/>', "#REDIRECT [[Anarchism]] " + LONG)
    + PAGE.format("Talk:Anarchism", 1, "", LONG)
    + PAGE.format("Stub", 0, "", "Short.")
    + PAGE.format("Cats", 0, "", "Élan cats " * 30)
    + "</mediawiki>"
)


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(DUMP.encode()))
    return path


def test_a_dump_gives_an_article_a_sentence(dump):
    """Redirects, stubs, and pages of other namespaces are left out."""
    first, second = sentences(dump, "wiki")
    assert first == ["anarchism", "is", "a", "philosophy", "of"] * 10
    assert second == ["élan", "cats"] * 30


def test_markup_is_removed_and_the_tokeniser_gets_the_raw_text(tmp_path, monkeypatch):
    monkeypatch.setattr(wiki, "ARTICLE_MIN_TOKENS", 1)
    path = tmp_path / "dump.xml"
    path.write_text(HEAD + PAGE.format("Cat", 0, "", MARKUP) + "</mediawiki>")
    words = "History The cat is a domestic animal. kept in many houses one two"
    assert [*sentences(path, "wiki", "split")] == [words.split()]


def test_a_dump_without_a_namespace_of_xml_is_read(tmp_path):
    path = tmp_path / "dump.xml"
    path.write_text(DUMP.replace(HEAD, "<mediawiki>"))
    assert len([*sentences(path, "wiki")]) == 2


BOMB = "<!DOCTYPE b [<!ENTITY a '" + "a" * 10000 + "'>"
BOMB += "".join(f"<!ENTITY a{i} '{f'&a{i - 1 or str()};' * 20}'>" for i in range(1, 9)) + "]>"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (DUMP[:-200], "cannot be read"),
        ("plain text", "cannot be read"),
        ("", "the files are empty|is empty|no element"),
        ("<a><b/></a>", "holds no page"),
        (HEAD + "</mediawiki>", "holds no page"),
        (f"{BOMB}<mediawiki><page>&a8;</page></mediawiki>", "cannot be read"),
    ],
)
def test_what_is_no_dump_is_refused_by_name(tmp_path, data, said):
    path = tmp_path / "dump.xml"
    path.write_text(data)
    with pytest.raises(InputError, match=rf"dump\.xml.*({said})"):
        list(sentences(path, "wiki"))


def test_a_tokeniser_that_fails_is_reported_with_the_article(dump):
    with pytest.raises(
        InputError, match=r"dump\.xml\.bz2: article 'Anarchism': the tokeniser fails \(ZeroDivisionError"
    ):
        list(sentences(dump, "wiki", lambda text: 1 / 0))


def test_a_missing_package_is_named(dump, monkeypatch):
    monkeypatch.setitem(sys.modules, "wikitextparser", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'wordsparse\[wiki\]'"):
        list(sentences(dump, "wiki"))
