"""A reader of Wikipedia dumps. The reader uses gensim to extract the pages and to remove their markup."""

from collections.abc import Callable, Iterator
from pathlib import Path

from wordsparse import optional
from wordsparse.corpus.sources import opened

ARTICLE_MIN_TOKENS = 50
"""The minimum number of tokens in an article. Shorter pages are redirects and stubs. gensim's WikiCorpus has the same
limit."""


def wiki_pieces(path: Path, tokenize: Callable[[str], list[str]]) -> Iterator[tuple[list[str], bool]]:
    """Yield each article of a Wikipedia dump (XML, possibly compressed) as one sentence, as gensim's WikiCorpus
    does."""
    wikicorpus = optional.load("the format wiki", "gensim.corpora.wikicorpus")
    with opened(path) as file:
        for _, text, _ in wikicorpus.extract_pages(file, filter_namespaces=("0",)):
            tokens = tokenize(wikicorpus.filter_wiki(text))
            if len(tokens) >= ARTICLE_MIN_TOKENS:
                yield tokens, True
