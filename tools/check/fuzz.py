"""Fuzzing: each mutated text, table, file of vectors or test set must be read, or refused with a WordsparseError.

    python tools/check/fuzz.py --inputs 1000000 --seed 1

A finding is any other exception, more than 4 GiB of address space, or more than ``--seconds`` seconds of CPU time. An
input depends only on its kind, the seed and its number, so ``--kinds text --seed 1 --inputs 1 --first 4711`` reproduces
it. The program prints one JSON object; its exit status is 1 if there are findings.
"""

import json
import logging
import re
import resource
import shutil
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any
from unittest import mock

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
import smart_open

import wordsparse as ws
from wordsparse import labels
from wordsparse.errors import WordsparseError
from wordsparse.evaluation.testsets import read_analogies, read_pairs, read_sentences
from wordsparse.vectors.formats import READABLE, read_file, save_vectors
from wordsparse.vectors.word_vectors import WordVectors

PACKED = (".gz", ".bz2", ".xz", ".zst")
SMALL: dict[str, Any] = {"dim": 2, "threads": 1, "progress": False, "form": 0}
TOKENS = (
    *(b"\0", b"\xff", b"\n", b"\r", b"\t", b" ", b"\xef\xbb\xbf", b"-1", b"0", b"1e999", b"nan", b"9" * 30),
    *(b"{", b"}", b"[", b"]", b'"', b"\\u0000", b"\\ud800", b": ", b"\xf0"),
)
# Denormal and largest numbers of float64 and float32, larger numbers, integers beyond int64, and non-finite numbers.
NUMBERS = (
    *("5e-324", "1e-46", "1.2e-38", "3.3e38", "1e39", "1e308", "9223372036854775807", "18446744073709551616"),
    *("1" + 400 * "0", "0", "-0.0", "-1", "nan", "inf", "-inf"),
)
NUMBER = re.compile(rb"(?<![\w.])\d+(\.\d+)?(?![\w.])")
SIZES = (1, 2, 4, 8, 64, 1000)
# The limit of the address space, in bytes.
MEMORY = 2**32


def make_good(folder: Path) -> None:
    """Write valid inputs of every kind, each in the directory of its kind."""
    for name in KINDS:
        (folder / name).mkdir()
    random = np.random.default_rng(1)
    lines = [" ".join(f"w{i}" for i in random.zipf(1.5, 8) % 40) for _ in range(120)]
    rows = [{"id": i, "text": line, "n": i % 5 + 1} for i, line in enumerate(lines[:20])]
    texts = {
        "text/t.txt": lines,
        "rows/r.jsonl": map(json.dumps, rows),
        "rows/r.csv": ["id,text", '1,"a, b ""c""\nd"', *(f"{i},{line}" for i, line in enumerate(lines))],
        "tables/t.csv": ["word,context,count", *(f"w{i % 7},w{i % 5},{i}.5" for i in range(60))],
        "edges/e.csv": ["source,target,weight", *(f"n{i % 11},n{i % 7},2" for i in range(50))],
        "edges/e.txt": (f"n{i % 11} n{i % 7}" for i in range(50)),
        "labels/x.txt": ["3 9 4", "0,3 1:0.5 4:2", "2 0:1e-3 # c", " 8:-7"],
        "pairs/p": ["# c", "word1\tword2\tmean", *(f"w{i}\tw{i + 1}\t{i / 2}" for i in range(9))],
        "analogies/a": [": capitals", "w1 w2 w3 w4", "w2 w3 w4 w5", ": more", "w1 w2 w3 w5"],
        "sentences/s": (f"{i / 2}\tw{i} w2.\tW3, é" for i in range(9)),
    }
    for name, content in texts.items():
        text = "".join(f"{line}\n" for line in content).encode()
        for suffix in ("", *PACKED) if name in ("text/t.txt", "rows/r.jsonl") else ("",):
            with smart_open.open(folder / f"{name}{suffix}", "wb") as file:
                file.write(text)
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows/r.parquet")
    sp.save_npz(folder / "labels/z.npz", sp.csr_array(np.eye(3, 4, dtype=np.float32)))
    vectors = WordVectors([f"w{i}é" for i in range(8)], random.standard_normal((8, 3)), list(range(20, 12, -1)))
    for format in READABLE:
        save_vectors(vectors, folder / f"vectors/v.{format}", format)


KINDS = ("text", "rows", "tables", "edges", "labels", "vectors", "pairs", "analogies", "sentences")


def reader(kind: str, place: Path) -> Callable[[Path], object]:
    """Return the function that reads files of this kind."""
    readers: dict[str, Callable[[Path], object]] = {
        "text": lambda path: ws.encode(path, place / "encoded", min_count=1),
        "rows": lambda path: ws.encode(path, place / "encoded", column="text", min_count=1),
        "tables": lambda path: ws.train(path, kind="counts", epochs=1, **SMALL),
        "edges": lambda path: ws.train(path, kind="graph", epochs=1, walks=1, walk_length=4, **SMALL),
        "labels": lambda path: labels.read_data(path, path if path.suffix == ".npz" else None),
        "vectors": read_file,
        "pairs": read_pairs,
        "analogies": read_analogies,
        "sentences": read_sentences,
    }
    return readers[kind]


def mutated_file(folder: Path, place: Path, random: Random) -> Path:
    """Copy a random file of the folder to ``place``, with bytes changed before or after compression."""
    path = random.choice(sorted(folder.iterdir()))
    data, other = path.read_bytes(), random.choice(sorted(folder.iterdir())).read_bytes()
    if path.suffix in PACKED and random.random() < 0.5:
        with smart_open.open(path, "rb") as file:
            plain = file.read()
        with smart_open.open(place / path.name, "wb") as file:
            file.write(mutated(plain, other, random))
    else:
        (place / path.name).write_bytes(mutated(data, other, random))
    return place / path.name


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """Apply one to four changes; a change may insert a part of ``other``."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, size = random.randint(0, len(changed)), random.choice(SIZES)
        match random.randrange(8):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = changed[at : at + size] * random.choice((1, 2, 50))
            case 3:
                changed[at:at] = random.choice(TOKENS) * random.choice((1, 1, 1, 100))
            case 4:
                del changed[at:]
            case 5 if numbers := list(NUMBER.finditer(changed, at)):
                old, new = random.choice(numbers)[0], random.choice(NUMBERS).encode()
                changed[at:] = changed[at:].replace(old, new, random.choice((1, -1)))
            case 6:
                changed[at:] = other[random.randint(0, len(other)) :]
            case _:
                changed[at : at + size] = random.randbytes(size)
    return bytes(changed)


class Slow(BaseException):
    """An exception for inputs that take too long."""


def limit_memory() -> None:
    """Limit the address space of this process, and let a timer raise ``Slow``."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Slow

    signal.signal(signal.SIGPROF, ring)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


@click.command()
@click.option("--inputs", default=1000, show_default=True, help="Number of inputs, over all kinds.")
@click.option("--kinds", "chosen", multiple=True, type=click.Choice(KINDS), help="Only this kind; repeatable.")
@click.option("--seed", default=1, show_default=True)
@click.option("--first", default=0, show_default=True, help="Number of the first input.")
@click.option("--seconds", default=10.0, show_default=True, help="Limit of CPU time per input.")
def main(inputs: int, chosen: tuple[str, ...], seed: int, first: int, seconds: float) -> None:
    """Read mutated inputs, and report inputs that were neither read nor refused."""
    kinds = chosen or KINDS
    logging.disable(logging.CRITICAL)
    limit_memory()
    counts, accepted, findings = Counter[str](), Counter[str](), []
    with tempfile.TemporaryDirectory() as scratch:
        good, place = Path(scratch) / "good", Path(scratch) / "place"
        good.mkdir()
        make_good(good)
        # fsync is disabled, because waiting for the disk would take most of the time, and no file need survive the run.
        with mock.patch("os.fsync"):
            for number in range(first, first + inputs):
                kind = kinds[number % len(kinds)]
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                counts[kind] += 1
                try:
                    signal.setitimer(signal.ITIMER_PROF, seconds)
                    reader(kind, place)(mutated_file(good / kind, place, Random(f"{kind} {seed} {number}")))
                    accepted[kind] += 1
                except (WordsparseError, click.ClickException):
                    pass
                except (Exception, Slow) as error:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    report = "".join(traceback.format_exception(error))
                    findings.append({"kind": kind, "number": number, "seed": seed, "error": report})
        signal.setitimer(signal.ITIMER_PROF, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"inputs": dict(counts), "accepted": dict(accepted), "findings": findings, "peak_memory_bytes": peak}
    print(json.dumps(result))
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
