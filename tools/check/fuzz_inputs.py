"""Good inputs of every kind, and the changes that make hostile ones of them; fuzz.py reads these."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
import smart_open

import wordsparse as ws
from wordsparse import labels
from wordsparse.corpus import Vocabulary
from wordsparse.gensim import Word2Vec
from wordsparse.vectors.formats import FORMATS
from wordsparse.vectors.word_vectors import WordVectors, save_vectors

PACKED = (".gz", ".bz2", ".xz", ".zst")
OPTIONS: dict[str, Any] = {"dim": 4, "epochs": 2, "threads": 1, "batch_tokens": 400, "heldout": 0.1}
KINDS = (
    "vectors",
    "counts",
    "text",
    "rows",
    "tables",
    "weighted",
    "baskets",
    "edges",
    "labels",
    "pairs",
    "analogies",
    "sentences",
    "card",
    "config",
    "vocabulary",
)
CARD = """name = "n"
description = "d"
licence = "l"
format = "lines"
tokens = "split"
wheel = "n==1"
[files]
"questions-words.txt" = "sha256:{sha256}"
"""
DOWNLOAD = """name = "d"
description = "d"
licence = "l"
format = "wiki"
tokens = "simple"
[download]
url = "http://127.0.0.1/d.zip"
bytes = 100
checksum = "sha1:{sha1}"
members = ["*/text"]
end = ["a", "b"]
"""
CONFIG = """dim = 5
epochs = 3
model = "skipgram"
min-count = 1
subwords = true
corpus = ["a.txt", "b.txt"]
"""
INTERESTING: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 3.5, -0.0, 1e-320, 1e308, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, 10**400),
    *(5e-324, -5e-324, 1e-46, 1e-40, 3e38, 4e19, 2**64),
    *(float("nan"), float("inf"), "", "x", "0", "<f8", "../x", "\x1b[31m", [], {}, [1], [[]], {"a": 1}),
)
TOKENS = (
    *(b"\0", b"\xff", b"\n", b"\r", b"\t", b" ", b"\xef\xbb\xbf", b"-1", b"0", b"1e999", b"nan", b"9" * 30),
    *(b"{", b"}", b"[", b"]", b'"', b"\\u0000", b"\\ud800", b"</page>", b"<!--", b"[[File:a|", b"{{", b": ", b"\xf0"),
)
# Weights and counts: denormal numbers of float64 and float32, the largest ones and beyond, sums beyond int64, and none.
NUMBERS = (
    *("5e-324", "-5e-324", "1e-310", "1e-46", "1e-40", "1.2e-38", "2e-38", "1e30", "3.3e38", "3.4e38", "1e39"),
    *("1e308", "1.7e308", "4e18", "4e19", "9223372036854775807", "18446744073709551616", "1" + 400 * "0"),
    *("0", "-0.0", "-1", "nan", "inf", "-inf"),
)
NUMBER = re.compile(rb"(?<![\w.])\d+(\.\d+)?(?![\w.])")
SIZES = (1, 2, 4, 8, 64, 1000)


def make_good(folder: Path) -> None:
    """Good inputs of every kind."""
    for name in KINDS:
        (folder / name).mkdir()
    random = np.random.default_rng(1)
    lines = [" ".join(f"w{i}" for i in random.zipf(1.5, 8) % 40) for _ in range(120)]
    text = "".join(f"{line}\n" for line in lines)
    for suffix in ("", *PACKED):
        with smart_open.open(folder / f"text/t.txt{suffix}", "wb") as file:
            file.write(text.encode())
    rows = [{"id": i, "text": line, "words": line.split(), "n": i % 5 + 1} for i, line in enumerate(lines[:20])]
    table = "".join(f"{i},{line}\n" for i, line in enumerate(lines))
    (folder / "rows" / "r.csv").write_text(f'id,text\n1,"a, b ""c""\nd"\n{table}')
    for suffix in ("", *PACKED):
        with smart_open.open(folder / "rows" / f"r.jsonl{suffix}", "wb") as file:
            file.write("".join(f"{json.dumps(row)}\n" for row in rows).encode())
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows" / "r.parquet")
    for kind in ("weighted", "baskets"):
        pq.write_table(pa.Table.from_pylist(rows), folder / kind / "r.parquet")
        (folder / kind / "r.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        (folder / kind / "r.csv").write_text(
            "id,text,n\n" + "".join(f"{i},{line},{i % 4 + 1}\n" for i, line in enumerate(lines))
        )
    pairs = [{"word": f"w{i % 7}", "context": f"w{i % 5}", "count": 1.5 * (i % 9) + 0.1} for i in range(60)]
    pq.write_table(pa.Table.from_pylist(pairs), folder / "tables" / "t.parquet")
    for suffix, mark in ((".csv", ","), (".tsv", "\t")):
        header = mark.join(("word", "context", "count"))
        body = "".join(mark.join(map(str, pair.values())) + "\n" for pair in pairs)
        (folder / "tables" / f"t{suffix}").write_text(f"{header}\n{body}")
    edges = [(f"n{i % 11}", f"n{i * 3 % 7}", i % 4 + 1) for i in range(50)]
    (folder / "edges" / "e.csv").write_text("source,target,weight\n" + "".join(f"{a},{b},{w}\n" for a, b, w in edges))
    (folder / "edges" / "e.txt").write_text("".join(f"{a} {b}\n" for a, b, _ in edges))
    (folder / "edges" / "weighted.txt").write_text("".join(f"{a}\t{b}\t{w}\n" for a, b, w in edges))
    columns = dict(zip(("source", "target", "weight"), map(list, zip(*edges, strict=True)), strict=True))
    pq.write_table(pa.table(columns), folder / "edges" / "e.parquet")
    (folder / "labels" / "x.txt").write_text("3 9 4\n0,3 1:0.5 4:2\n2 0:1e-3 # c\n 8:-7\n")
    (folder / "labels" / "y.txt").write_text("3,1 1:.5 4:2\n\n0 0:1 2:1.25e2")
    sp.save_npz(folder / "labels" / "z.npz", sp.csr_array(np.eye(3, 4, dtype=np.float32)))
    vectors = WordVectors([f"w{i}é" for i in range(8)], random.standard_normal((8, 3)), list(range(20, 12, -1)))
    for format in FORMATS:
        save_vectors(vectors, folder / ("static" if format == "model2vec" else f"vectors/v.{format}"), format)
    for suffix in PACKED:
        save_vectors(vectors, folder / "vectors" / f"v{suffix}", "word2vec")
    glove = (folder / "vectors" / "v.word2vec").read_bytes().partition(b"\n")[2]
    (folder / "vectors" / "glove").write_bytes(glove)
    lines = [f"w{i}\tw{i + 1}\t{i / 2}\n" for i in range(9)]
    (folder / "pairs" / "p").write_text("".join(["# c\nword1\tword2\tmean\n", *lines]))
    (folder / "analogies" / "a").write_text(": capitals\n" + "w1 w2 w3 w4\nw2 w3 w4 w5\n: more\nw1 w2 w3 w5\n")
    (folder / "sentences" / "s").write_text("".join(f"{i / 2}\tw{i} w2.\tW3, é\n" for i in range(9)))
    (folder / "card" / "c.toml").write_text(CARD.format(sha256="0" * 64))
    (folder / "card" / "d.toml").write_text(DOWNLOAD.format(sha1="0" * 40))
    ws.encode(folder / "text" / "t.txt", folder / "corpus", min_count=1)
    Vocabulary(["é", "b", "c"], [5, 4, 4]).save(folder / "vocabulary" / "vocabulary.json")
    ws.train(folder / "corpus", output=folder / "model", **OPTIONS)
    _make_others(folder, text)


def _make_others(folder: Path, text: str) -> None:
    """Files made of a model, and other saved files."""
    (folder / "config" / "c.toml").write_text(CONFIG)
    (folder / "config" / "options.toml").write_bytes((folder / "model" / "options.toml").read_bytes())
    (folder / "counts" / "counts").write_text("".join(f"w{i}é {20 - i}\n" for i in range(8)))
    model = ws.load(folder / "model")
    model.fit_subwords(2, 3).save(folder / "subwords")
    save_vectors(ws.load(folder / "subwords").word_vectors(), folder / "vectors" / "n.npz", "npz")
    sentences = [line.split() for line in text.splitlines()]
    Word2Vec(sentences, vector_size=4, min_count=1, epochs=2, workers=1).save(folder / "word2vec")
    X = sp.random_array((30, 3), density=0.7, format="csr", dtype=np.float32, rng=1)
    Y = sp.csr_array((np.arange(30)[:, None] % 5 == np.arange(5)).astype(np.float32))
    rows = labels.read_data(folder / "labels" / "y.txt")
    wide = sp.csr_array((X.data, X.indices, X.indptr), shape=(30, rows.X.shape[1]))
    labels.SparseTargetClassifier(threads=1).fit(wide, Y).save(folder / "SparseTargetClassifier")
    texts = [f"word number {i % 5}a" for i in range(30)]
    labels.TextClassifier(threads=1).fit(texts, [{f"l{i % 5}"} for i in range(30)]).save(folder / "TextClassifier")


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """One to four changes; one may put a part of ``other`` in."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, size = random.randint(0, len(changed)), random.choice(SIZES)
        match random.randrange(9):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1 if at < len(changed):
                changed[at] = random.randrange(256)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size] * random.choice((1, 2, 50))
            case 4:
                changed[at:at] = random.choice(TOKENS) * random.choice((1, 1, 1, 100))
            case 5:
                del changed[at:]
            case 6 if numbers := list(NUMBER.finditer(changed, at)):
                old, new = random.choice(numbers)[0], random.choice(NUMBERS).encode()
                changed[at:] = changed[at:].replace(old, new, random.choice((1, -1)))
            case 7:
                changed[at:] = other[random.randint(0, len(other)) :]
            case _:
                changed[at : at + size] = random.randbytes(size)
    return bytes(changed)


def renumbered(table: pa.Table, random: Random) -> pa.Table:
    """With one number of a column, or all of them, replaced; as float64, or as decimals."""
    columns = [
        i for i, kind in enumerate(table.schema.types) if pa.types.is_integer(kind) or pa.types.is_floating(kind)
    ]
    if not columns:
        return table
    at, new = random.choice(columns), float(random.choice(NUMBERS))
    values = table.column(at).cast(pa.float64()).to_pylist()
    rows = [random.randrange(len(values))] if random.random() < 0.5 else range(len(values))
    for row in rows:
        values[row] = new
    column = pa.array(values, pa.float64())
    if random.random() < 0.2 and all(abs(value) < 1e15 for value in values):
        column = column.cast(pa.decimal128(38, 20), safe=False)
    return table.set_column(at, table.schema.names[at], column)


def altered(content: Any, random: Random) -> Any:
    """A copy of a JSON value with one to three members replaced, changed a little, doubled or removed."""
    content = copy.deepcopy(content)
    for _ in range(random.randint(1, 3)):
        ways = list(_ways(content))
        if not ways:
            break
        *way, last = random.choice(ways)
        parent = content
        for key in way:
            parent = parent[key]
        value = parent[last]
        match random.randrange(4):
            case 0:
                del parent[last]
            case 1 if type(value) in (int, float):
                parent[last] = random.choice((-value, value + 1, value - 1, value * 1000))
            case 2 if isinstance(value, list):
                parent[last] = value * 2
            case _:
                parent[last] = copy.deepcopy(random.choice(INTERESTING))
    return content


def _ways(content: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to every member of a JSON value."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from _ways(value, (*way, key))
