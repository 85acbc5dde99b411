"""gensim's reader of Wikipedia dumps."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from wordsparse.corpus.sources import Readable, opened
from wordsparse.corpus.wiki_markup import without_markup
from wordsparse.errors import InputError
from wordsparse.files.unpacking import MAX_EXPANSION

ARTICLE_MIN_TOKENS = 50
"""Shorter pages are redirects and stubs; gensim's WikiCorpus has the same limit."""

PAGE_BYTES = 2**26
"""The maximum size of a page's XML; a larger page is refused."""

logger = logging.getLogger(__name__)


def wiki_pieces(
    path: Path, tokenize: Callable[[str], list[str]], max_expansion: float = MAX_EXPANSION
) -> Iterator[tuple[list[str], bool]]:
    """Each article of a Wikipedia dump (XML, compressed or not) as one sentence, its markup removed.

    Pages that are not articles are skipped, as by gensim's WikiCorpus; a message at the end counts them by reason.
    The parser runs in this process; gensim's WikiCorpus would start one process for each CPU.
    """
    from gensim.utils import decode_htmlentities

    kept = elsewhere = short = 0
    for text in _page_texts(path, max_expansion):
        if not text:
            elsewhere += 1
            continue
        tokens = tokenize(without_markup(decode_htmlentities(text)))
        if len(tokens) < ARTICLE_MIN_TOKENS:
            short += 1
            continue
        kept += 1
        yield tokens, True
    if not kept:
        raise InputError(f"{path}: holds no article of {ARTICLE_MIN_TOKENS} tokens or more; give a larger dump")
    logger.warning(
        "%s: %d articles read; left out: %d pages shorter than %d tokens (redirects and stubs), "
        "%d outside the article namespace or without text",
        *(path, kept, short, ARTICLE_MIN_TOKENS, elsewhere),
    )


def _page_texts(path: Path, max_expansion: float) -> Iterator[str]:
    """The wiki source of every page; "" for a page outside the article namespace.

    Dumps before 2012 do not tell the namespace of a page: there it is the beginning of its title.
    """
    from xml.etree.ElementTree import iterparse

    others: set[str | None] = set()
    with opened(path, max_expansion) as file:
        pages = _Pages(file)
        for _, element in iterparse(cast("IO[bytes]", pages), events=("end",)):
            schema, _, tag = element.tag.rpartition("}")
            if not schema.startswith("{http://www.mediawiki.org/xml/export-"):
                raise InputError("is not a dump of MediaWiki; give pages-articles.xml, or another --format")
            if tag == "namespace" and element.get("key") != "0":
                others.add(element.text)
            elif tag == "page":
                pages.since_page = 0
                number = element.findtext(f"{schema}}}ns")
                title = element.findtext(f"{schema}}}title") or ""
                namespace, colon, _ = title.partition(":")
                is_article = number == "0" if number is not None else not (colon and namespace in others)
                text = element.findtext(f"{schema}}}revision/{schema}}}text")
                yield text or "" if is_article else ""
                element.clear()


class _Pages:
    """A dump whose pages have a bounded size, because the parser stores a whole page in memory."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.since_page = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.since_page += len(data)
        if self.since_page > PAGE_BYTES:
            raise InputError(
                f"a page has more than {PAGE_BYTES:,} bytes, but MediaWiki allows only 2 MiB of text: use a dump of "
                "current pages (pages-articles), without their history"
            )
        return data
