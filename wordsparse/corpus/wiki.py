"""Reads Wikipedia dumps by gensim, which takes the pages apart and removes their markup."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.corpus.sources import opened
from wordsparse.errors import InputError

ARTICLE_MIN_TOKENS = 50
"""Shorter pages are redirects and stubs; gensim's WikiCorpus has the same limit."""


def wiki_pieces(path: Path, tokenize: Callable[[str], list[str]]) -> Iterator[tuple[list[str], bool]]:
    """Each article of a Wikipedia dump (XML, compressed or not) as one sentence, as gensim's WikiCorpus has them."""
    wikicorpus = optional.load("the format wiki", "gensim.corpora.wikicorpus")

    def is_article(page: Any, *, title: str | None, ns_path: str, **_: Any) -> bool:
        # Dumps before 2012 tell the namespace of a page by the beginning of its title only.
        namespace = (title or "").partition(":")[0]
        return page.findtext(ns_path, "0") == "0" and namespace not in wikicorpus.IGNORED_NAMESPACES

    has_articles = False
    with opened(path) as file:
        for _, text, _ in wikicorpus.extract_pages(file, filter_articles=is_article):
            tokens = tokenize(wikicorpus.filter_wiki(text))
            if len(tokens) >= ARTICLE_MIN_TOKENS:
                has_articles = True
                yield tokens, True
    if not has_articles:
        raise InputError(f"{path}: holds no article of {ARTICLE_MIN_TOKENS} tokens or more; give a larger dump")
