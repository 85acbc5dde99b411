"""Reads Wikipedia dumps, and removes their markup as gensim's ``filter_wiki`` does, in linear time in a page's length.

gensim's regular expressions search for an end from every position where markup may begin. If none ends (``[[File:a|``
repeated a hundred thousand times), the time is quadratic: hours for one page. The steps here return the same text
(a test compares them) and visit each character a bounded number of times.
"""

import html
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from wordsparse.corpus.sources import Readable, opened
from wordsparse.errors import InputError
from wordsparse.files.unpacking import MAX_EXPANSION

ARTICLE_MIN_TOKENS = 50
"""Shorter pages are redirects and stubs; gensim's WikiCorpus has the same limit."""

PAGE_BYTES = 2**26
"""The maximum size of a page's XML; a larger page is refused."""

logger = logging.getLogger(__name__)

_ROUNDS = 3  # for nested markup: gensim's number

_ENTITY = re.compile(r"&#?\w{1,8};")
_LANGUAGE = re.compile(r"\n\[\[[a-z][a-z][\w-]*:[^:\]]+\]\]")
_BRACE = re.compile(r"[{}]")
_FILE = re.compile(r"\[\[(?:[fF]ile:|[iI]mage)")
# Spans removed from their beginning to the first of their ends: comments, footnotes, code, formulas, other tags.
_SPANS = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ("-->",)),
    (re.compile(r"<ref[> ].*?(?:</ref>|/>)", re.DOTALL), ("</ref>", "/>")),
    (re.compile(r"<nowiki[> ].*?(?:</nowiki>|/>)", re.DOTALL), ("</nowiki>", "/>")),
    (re.compile(r"<math[> ].*?(?:</math>|/>)", re.DOTALL), ("</math>", "/>")),
    (re.compile(r"<.*?>", re.DOTALL), (">",)),
)
_CATEGORY = re.compile(r"\[\[Category:[^][]*\]\]")
_URL = re.compile(r"\[\w+://[^ \]\n]*( [^\]\n]*)?\]")
# The description follows the last bar and holds none, so a failed attempt visits each bar once.
_LINK = re.compile(r"\[[^][]*\|([^][|]*)\]")
_TABLE_LINE = re.compile(r"(?:\{\||\|-(?!\d)|\|\}).*?(?=\n)")
_CELL = re.compile(r"(?<=\n |\n\n|  |.\n|.\t)[|!]")
_TO_BRACKET = re.compile(r"[^][\n]*")
_STYLE = r"bgcolor|\d?[ ]?colspan|rowspan|style=|class=|align="
_STYLE_LINE = re.compile(rf"\n.{{0,4}}(?:{_STYLE}|scope=).*|^.{{0,2}}(?:{_STYLE}).*")


def wiki_pieces(
    path: Path, tokenize: Callable[[str], list[str]], max_expansion: float = MAX_EXPANSION
) -> Iterator[tuple[list[str], bool]]:
    """Each article of a Wikipedia dump (XML, compressed or not) as one sentence, its markup removed.

    Pages that are not articles are skipped, as by gensim's WikiCorpus; a message at the end counts them by reason.
    The parser runs in this process; gensim's WikiCorpus would start one process for each CPU.
    """
    kept = elsewhere = short = 0
    for text in _page_texts(path, max_expansion):
        if not text:
            elsewhere += 1
            continue
        tokens = tokenize(without_markup(_decoded(text)))
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


def _decoded(text: str) -> str:
    """The text of a page with its HTML entities replaced by the characters that they stand for."""
    return _ENTITY.sub(lambda found: html.unescape(found.group()), text)


def without_markup(text: str) -> str:
    """The text of a page without templates, tables, references and links; its HTML entities are already decoded."""
    text = _without_files(_without_templates(_without_languages(text)))
    for _ in range(_ROUNDS):
        before = text
        text = _CATEGORY.sub("", _without_spans(text))
        text = _LINK.sub(r"\1", _without_urls(text))
        text = _without_tables(text).replace("[]", "")
        if text == before:
            break
    return text.replace("[", "").replace("]", "")


def _without_languages(text: str) -> str:
    """Remove the list of links to other languages at the end."""
    start = end = -1
    for found in _LANGUAGE.finditer(text):
        if found.start() != end:
            start = found.start()
        end = found.end()
    return text[:start] + text[end:] if end in (len(text), len(text) - text.endswith("\n")) else text


def _without_templates(text: str) -> str:
    """Remove ``{{…}}``, which may be nested; an unclosed template extends to the end of the text."""
    pieces, done = [], 0
    while (start := text.find("{{", done)) >= 0:
        pieces.append(text[done:start])
        depth, done = 0, len(text)
        for brace in _BRACE.finditer(text, start):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                done = brace.end()
                break
    return "".join([*pieces, text[done:]])


def _without_files(text: str) -> str:
    """Replace images by their captions."""
    pieces, done = [], 0
    while (found := _FILE.search(text, done)) and (bracket := text.find("]", found.end())) >= 0:
        if text.startswith("]]", bracket):
            pieces += [text[done : found.start()], text[found.start() : bracket].rpartition("|")[2]]
            done = bracket + 2
        else:  # no image that begins before this bracket is closed
            pieces.append(text[done:bracket])
            done = bracket
    return "".join([*pieces, text[done:]])


def _without_spans(text: str) -> str:
    for pattern, ends in _SPANS:
        # No span ends after the last end.
        last = max((at + len(end) for end in ends if (at := text.rfind(end)) >= 0), default=0)
        text = pattern.sub("", text[:last]) + text[last:]
    return text


def _without_urls(text: str) -> str:
    """Replace external links by their descriptions; a link does not span lines."""
    lines = []
    for line in text.split("\n"):
        last = line.rfind("]") + 1
        lines.append(_URL.sub(r"\1", line[:last]) + line[last:])
    return "\n".join(lines)


def _without_tables(text: str) -> str:
    """Put each cell on its own line, without its formatting."""
    text = text.replace("!!", "\n|").replace("|-||", "\n|")
    last = text.rfind("\n") + 1
    text = _TABLE_LINE.sub("\n", text[:last]) + text[last:]
    text = text.replace("|||", "|\n|").replace("||", "\n|")
    return _STYLE_LINE.sub("\n", _without_cell_marks(text))


def _without_cell_marks(text: str) -> str:
    """Replace a cell's mark, from its bar or ``!`` to the last bar before a bracket or line end, by a line end."""
    pieces, done, run_end, last_bar = [], 0, -1, -1
    for found in _CELL.finditer(text):
        at = found.start()
        if at < done:
            continue
        if at >= run_end:
            run = _TO_BRACKET.match(text, at)
            run_end = at if run is None else run.end()
            last_bar = text.rfind("|", at, run_end)
        pieces += [text[done:at], "\n"]
        done = max(at, last_bar) + 1
    return "".join([*pieces, text[done:]])
