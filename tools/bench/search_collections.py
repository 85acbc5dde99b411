"""Write public test collections for search in BEIR's layout, for ``Retrieval`` and ``evaluate --retrieval``.

    python -m tools.bench.search_collections smart cran.all.1400 cran.qry cranqrel -o cranfield
    python -m tools.bench.search_collections smart CISI.ALL CISI.QRY CISI.REL -o cisi
    python -m tools.bench.search_collections known-items english-10m.txt -o known-items
    python -m tools.bench.search_collections squad valid-v1.3.json -o jsquad
    python -m tools.bench.search_collections debian-short Packages Translation-en -o debian-short
    python -m tools.bench.search_collections debian-long Packages Translation-en -o debian-long
    python -m tools.bench.search_collections debian-paraphrases Packages Translation-en -o debian-paraphrases

``smart`` reads documents, queries and judgements in the format of SMART. A document is its title and its text, as they
are in the file, so titles count twice in Cranfield, whose texts begin with the title. The judgements count queries by
their place in the file, not by their number, and the grade −1 means not relevant.

``known-items`` cuts the beginning of a text into passages of 200 words. A query is five random words of a passage, and
this passage is the one relevant document.

``squad`` reads a data set in the format of SQuAD (JSQuAD: Kurihara, Kawahara & Shibata, "JGLUE", LREC 2022): documents
are the paragraphs, queries the questions.

``debian-short`` and ``debian-long`` have the one-line and the long descriptions of Debian's packages, one package with
tags (debtags) per source package. The queries are tags in words, alone and in pairs, and the packages with these tags
are relevant. The tags are divided into two halves: choose on ``qrels/dev.tsv``, report on ``qrels/test.tsv``.

``debian-paraphrases`` has the one-line descriptions of the other source packages, one package of each. A query is the
first sentence of the long description of every tenth package, without the name of the package, and this package is the
one relevant document.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

import click
import numpy as np

from wordsparse.evaluation.retrieval_files import COLUMNS, CORPUS, QRELS, QUERIES
from wordsparse.files.storage import new_directory, write_file

PASSAGES, PASSAGE_WORDS, KNOWN_ITEMS, QUERY_WORDS = 10_000, 200, 500, 5
# Facets of tags that say what a package is about. The name of a topic is part of a query: "network server".
TOPICS = ("biology", "game", "mail", "network", "office", "science", "security", "sound", "web")
USES = ("admin", "field", "protocol", "use", "works-with", "works-with-format")
# The numbers of packages for which a tag, or a pair of tags, is a query.
TAGGED = range(5, 51)
# The numbers of words of a sentence that is a query.
SENTENCE = range(5, 26)


# Pairs of a query and a relevant document, for each file of judgements.
Relevant: TypeAlias = dict[str, list[tuple[str, str]]]


class Document(NamedTuple):
    """A document to search for."""

    id: str
    title: str
    text: str


class Collection(NamedTuple):
    """Documents, the text of each query, and the judgements."""

    documents: list[Document]
    queries: dict[str, str]
    relevant: Relevant


def smart(documents: Path, queries: Path, judgements: Path) -> Collection:
    """Read a collection in the format of SMART."""
    texts = [Document(str(number), fields.get(".T", ""), fields[".W"]) for number, fields in _records(documents)]
    asked = {str(i): fields[".W"] for i, (_, fields) in enumerate(_records(queries), 1)}
    rows = [line.split()[:3] for line in judgements.read_text().splitlines() if line.strip()]
    return Collection(texts, asked, {"test": [(query, document) for query, document, grade in rows if grade != "-1"]})


def _records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the fields of each record. White space in a field becomes a single space."""
    for record in re.split(r"^\.I ", path.read_text(), flags=re.MULTILINE)[1:]:
        number, *parts = re.split(r"^(\.[A-Z])\s", record, flags=re.MULTILINE)
        yield int(number), {name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def known_items(text: Path) -> Collection:
    """Make passages and queries of random words from the beginning of a text."""
    with text.open() as file:
        words = np.array(list(islice((word for line in file for word in line.split()), PASSAGES * PASSAGE_WORDS)))
    passages = words.reshape(-1, PASSAGE_WORDS)
    random = np.random.default_rng(1)
    wanted = random.choice(len(passages), KNOWN_ITEMS, replace=False)
    queries = {str(i): " ".join(random.choice(passages[i], QUERY_WORDS, replace=False)) for i in wanted}
    documents = [Document(str(i), "", " ".join(passage)) for i, passage in enumerate(passages)]
    return Collection(documents, queries, {"test": [(i, i) for i in queries]})


def squad(path: Path) -> Collection:
    """Read a data set in the format of SQuAD."""
    documents, queries, relevant = [], {}, []
    for article in json.loads(path.read_text())["data"]:
        for paragraph in article["paragraphs"]:
            title, _, text = paragraph["context"].rpartition(" [SEP] ")  # JSQuAD repeats the title before the text
            documents.append(Document(str(len(documents)), title or article["title"], text))
            queries |= {question["id"]: question["question"] for question in paragraph["qas"]}
            relevant += [(question["id"], documents[-1].id) for question in paragraph["qas"]]
    return Collection(documents, queries, {"test": relevant})


class Package(NamedTuple):
    """A package of Debian: its name, its tags, its one-line description and, as one line, its long description."""

    name: str
    tags: list[str]
    short: str
    long: str


def debian_short(packages: Path, translation: Path) -> Collection:
    """Read the one-line descriptions of tagged packages, to be searched by tags."""
    tagged = [package for package in _packages(packages, translation) if package.tags]
    return Collection([Document(it.name, "", it.short) for it in tagged], *_queries_of_tags(tagged))


def debian_long(packages: Path, translation: Path) -> Collection:
    """Read the whole descriptions of tagged packages, to be searched by tags."""
    tagged = [package for package in _packages(packages, translation) if package.tags]
    return Collection([Document(it.name, it.short, it.long) for it in tagged], *_queries_of_tags(tagged))


def debian_paraphrases(packages: Path, translation: Path) -> Collection:
    """Read the one-line descriptions of other packages, to be searched by the first sentences of long descriptions."""
    others = [package for package in _packages(packages, translation) if not package.tags]
    sentences = ((it, re.split(r"(?<=[.!?])\s", it.long)[0]) for it in others[::10])
    unnamed = ((it, re.sub(rf"\b{re.escape(it.name)}\b", "", text, flags=re.IGNORECASE)) for it, text in sentences)
    queries = {
        it.name: " ".join(text.split())
        for it, text in unnamed
        if len(text.split()) in SENTENCE and it.short.lower() not in text.lower()
    }
    documents = [Document(it.name, "", it.short) for it in others]
    return Collection(documents, queries, {"test": [(name, name) for name in queries]})


def _packages(packages: Path, translation: Path) -> list[Package]:
    """Read one package of each source package: the first tagged one, or else the first one."""
    described = {package["Description-md5"]: package["Description-en"] for package in _paragraphs(translation)}
    chosen: dict[str, Package] = {}
    for package in _paragraphs(packages):
        short, _, long = described.get(package.get("Description-md5", ""), "").partition("\n")
        tags = re.findall(r"[^\s,]+", package.get("Tag", ""))
        source = package.get("Source", package["Package"]).split()[0]
        if short and (source not in chosen or (tags and not chosen[source].tags)):
            chosen[source] = Package(package["Package"], tags, " ".join(short.split()), _joined(long))
    return list(chosen.values())


def _joined(long: str) -> str:
    """Return a long description as one line, without the lines of a full stop that separate its paragraphs."""
    return " ".join(word for line in long.splitlines() if line != " ." for word in line.split())


def _paragraphs(path: Path) -> Iterator[dict[str, str]]:
    """Yield the fields of each paragraph of a Debian control file."""
    for paragraph in path.read_text().strip().split("\n\n"):
        yield dict(re.findall(r"^([\w-]+):[ ]?(.*(?:\n .*)*)", paragraph, flags=re.MULTILINE))


def _queries_of_tags(packages: list[Package]) -> tuple[dict[str, str], Relevant]:
    """Make queries of tags and pairs of tags. Every second tag, in the order of their names, is for tests."""
    tagged = defaultdict[str, set[str]](set)
    for package in packages:
        for tag in package.tags:
            tagged[tag].add(package.name)
    tags = sorted(tag for tag in tagged if tag.partition("::")[0] in TOPICS + USES and "TODO" not in tag)
    queries: dict[str, str] = {}
    relevant: Relevant = {}
    for half, chosen in (("dev", tags[::2]), ("test", tags[1::2])):
        relevant[half] = []
        for group in [(tag,) for tag in chosen] + list(combinations(chosen, 2)):
            documents = set.intersection(*(tagged[tag] for tag in group))
            if len(documents) in TAGGED:
                query = " & ".join(group)
                queries[query] = " ".join(map(_in_words, group))
                relevant[half] += [(query, document) for document in sorted(documents)]
    return queries, relevant


def _in_words(tag: str) -> str:
    facet, _, name = tag.partition("::")
    return re.sub("[-:]", " ", f"{facet} {name}" if facet in TOPICS else name)


def write(collection: Collection, output: Path) -> None:
    """Write a collection in BEIR's layout."""
    with new_directory(output) as folder:
        rows = ({"_id": id, "title": title, "text": text} for id, title, text in collection.documents)
        _write_lines(folder / CORPUS, (json.dumps(row, ensure_ascii=False) for row in rows))
        asked = ({"_id": query, "text": text} for query, text in collection.queries.items())
        _write_lines(folder / QUERIES, (json.dumps(row, ensure_ascii=False) for row in asked))
        (folder / QRELS).mkdir()
        for name, pairs in collection.relevant.items():
            lines = ("\t".join(COLUMNS), *(f"{query}\t{document}\t1" for query, document in pairs))
            _write_lines(folder / QRELS / f"{name}.tsv", lines)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    write_file(path, "".join(f"{line}\n" for line in lines).encode())


READERS: dict[str, Callable[..., Collection]] = {
    "smart": smart,
    "known-items": known_items,
    "squad": squad,
    "debian-short": debian_short,
    "debian-long": debian_long,
    "debian-paraphrases": debian_paraphrases,
}


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", type=click.Choice(list(READERS)))
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Directory to write.")
def main(name: str, sources: tuple[Path, ...], output: Path) -> None:
    collection = READERS[name](*sources)
    write(collection, output)
    click.echo(f"{output}: {len(collection.documents)} documents, {len(collection.queries)} queries")


if __name__ == "__main__":
    main()
