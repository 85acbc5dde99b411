"""A reader of the XML dumps of Wikipedia and other wikis of MediaWiki. Package ``wikitextparser`` turns the markup of
an article into text."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from wordsparse import optional
from wordsparse.corpus.sources import opened
from wordsparse.errors import InputError
from wordsparse.tokens.filtering import failure

ARTICLE_MIN_TOKENS = 50
"""The minimum number of tokens in an article. Shorter articles are stubs. gensim's WikiCorpus has the same limit."""
# Footnotes, formulas and the like, and links to categories, files and other languages, which are not part of the text.
# A tag that is not closed ends at the next tag of its name, so a hostile text takes linear time.
_ASIDE = re.compile(
    r"<(ref|gallery|math|timeline|syntaxhighlight)\b(?:[^<>]*/>|[^<>]*>(?:(?!<\1\b).)*?</\1\s*>)"
    r"|\[\[[^\[\]|:\n]+:\S[^\[\]\n]*\]\]",
    re.DOTALL,
)
# The marks of headings and of the items of lists.
_LINE_MARKS = re.compile(r"^[=*#:;]+|=+\s*$", re.MULTILINE)


def wiki_pieces(path: Path, tokenize: Callable[[str], list[str]]) -> Iterator[tuple[list[str], bool]]:
    """Yield each article of a dump (XML, possibly compressed) as one sentence. Redirects, pages of other namespaces and
    articles of few tokens are left out."""
    parse = optional.load("the format wiki", "wikitextparser").parse
    for title, markup in _articles(path):
        try:
            text = parse(_ASIDE.sub("", markup)).plain_text()
            tokens = tokenize(_LINE_MARKS.sub("", text))
        except Exception as error:
            raise failure(f"{path}: article {title!r:.80}", error) from None
        if len(tokens) >= ARTICLE_MIN_TOKENS:
            yield tokens, True


def _articles(path: Path) -> Iterator[tuple[str | None, str]]:
    """Yield the title and the markup of each article. Raise InputError if the file is no dump, or damaged."""
    has_page = False
    with opened(path) as file:
        for page in _pages(file):
            has_page = True
            if page.findtext("{*}ns") == "0" and page.find("{*}redirect") is None:
                yield page.findtext("{*}title"), page.findtext("{*}revision/{*}text") or ""
        if not has_page:
            raise InputError("holds no page: is it the XML dump of a wiki, such as pages-articles.xml.bz2?")


def _pages(file: Any) -> Iterator[Any]:
    events = ElementTree.iterparse(file, ("start", "end"))
    _, root = next(events)
    for event, element in events:
        if event == "end" and element.tag.rpartition("}")[2] == "page":
            yield element
            root.clear()  # otherwise the tree of the whole dump would stay in memory
