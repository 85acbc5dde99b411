"""Fuzzing: each mutated text, table, file of vectors or test set must be read, or refused by our own error.

    python tools/check/fuzz.py --inputs 1000000 --seed 1 --save findings

A finding is any other exception, more than ``--memory`` bytes of address space, or more than ``--seconds`` seconds of
CPU time. An input depends only on its kind, the seed and its number, so ``--kinds text --seed 1 --inputs 1 --first
4711`` reproduces it. The program prints one JSON object; its exit status is 1 if there are findings.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
# Denormal numbers of float64 and float32, numbers near and above the largest, sums beyond int64, and non-numbers.
NUMBERS = (
    *("5e-324", "1e-46", "1.2e-38", "3.3e38", "1e39", "1e308", "9223372036854775807", "18446744073709551616"),
    *("1" + 400 * "0", "0", "-0.0", "-1", "nan", "inf", "-inf"),
)
NUMBER = re.compile(rb"(?<![\w.])\d+(\.\d+)?(?![\w.])")
SIZES = (1, 2, 4, 8, 64, 1000)


def make_good(folder: Path) -> None:
    """Write valid inputs of every kind, each in the directory of its kind."""
    for name in KINDS:
        (folder / name).mkdir()
    random = np.random.default_rng(1)
    lines = [" ".join(f"w{i}" for i in random.zipf(1.5, 8) % 40) for _ in range(120)]
    rows = [{"id": i, "text": line, "n": i % 5 + 1} for i, line in enumerate(lines[:20])]
    texts = {"text/t.txt": "".join(f"{line}\n" for line in lines)}
    texts["rows/r.jsonl"] = "".join(f"{json.dumps(row)}\n" for row in rows)
    for name, text in texts.items():
        for suffix in ("", *PACKED):
            with smart_open.open(folder / f"{name}{suffix}", "wb") as file:
                file.write(text.encode())
    (folder / "rows/r.csv").write_text(
        'id,text\n1,"a, b ""c""\nd"\n' + "".join(f"{i},{x}\n" for i, x in enumerate(lines))
    )
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows/r.parquet")
    (folder / "tables/t.csv").write_text(
        "word,context,count\n" + "".join(f"w{i % 7},w{i % 5},{i}.5\n" for i in range(60))
    )
    (folder / "edges/e.csv").write_text(
        "source,target,weight\n" + "".join(f"n{i % 11},n{i % 7},2\n" for i in range(50))
    )
    (folder / "edges/e.txt").write_text("".join(f"n{i % 11} n{i % 7}\n" for i in range(50)))
    (folder / "labels/x.txt").write_text("3 9 4\n0,3 1:0.5 4:2\n2 0:1e-3 # c\n 8:-7\n")
    sp.save_npz(folder / "labels/z.npz", sp.csr_array(np.eye(3, 4, dtype=np.float32)))
    vectors = WordVectors([f"w{i}é" for i in range(8)], random.standard_normal((8, 3)), list(range(20, 12, -1)))
    for format in READABLE:
        save_vectors(vectors, folder / f"vectors/v.{format}", format)
    (folder / "pairs/p").write_text(
        "# c\nword1\tword2\tmean\n" + "".join(f"w{i}\tw{i + 1}\t{i / 2}\n" for i in range(9))
    )
    (folder / "analogies/a").write_text(": capitals\nw1 w2 w3 w4\nw2 w3 w4 w5\n: more\nw1 w2 w3 w5\n")
    (folder / "sentences/s").write_text("".join(f"{i / 2}\tw{i} w2.\tW3, é\n" for i in range(9)))


KINDS = ("text", "rows", "tables", "edges", "labels", "vectors", "pairs", "analogies", "sentences")


def reader(kind: str, place: Path) -> Callable[[Path], object]:
    """Return the function that reads files of this kind."""
    readers: dict[str, Callable[[Path], object]] = {
        "text": lambda path: ws.encode(path, place / "encoded", min_count=1),
        "rows": lambda path: ws.encode(path, place / "encoded", column="text", min_count=1),
        "tables": lambda path: ws.train(path, preset="counts", epochs=1, **SMALL),
        "edges": lambda path: ws.train(path, preset="graph", epochs=1, walks=1, walk_length=4, **SMALL),
        "labels": lambda path: labels.read_data(path, path if path.suffix == ".npz" else None),
        "vectors": read_file,
        "pairs": read_pairs,
        "analogies": read_analogies,
        "sentences": read_sentences,
    }
    return readers[kind]


def mutated_file(folder: Path, place: Path, random: Random) -> Path:
    """Write a random file of the folder with changed bytes, either before or after compression."""
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


@contextmanager
def limited(memory: int, seconds: float) -> Iterator[Callable[[], object]]:
    """Limit the address space inside the block, and yield a function that starts the clock for an input."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Slow

    before = signal.signal(signal.SIGPROF, ring)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, limits[1]))
    try:
        yield lambda: signal.setitimer(signal.ITIMER_PROF, seconds)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGPROF, before)


@click.command()
@click.option("--inputs", default=1000, show_default=True, help="Number of inputs, over all kinds.")
@click.option("--kinds", "chosen", multiple=True, type=click.Choice(KINDS), help="Only this kind; repeatable.")
@click.option("--seed", default=1, show_default=True)
@click.option("--first", default=0, show_default=True, help="Number of the first input.")
@click.option("--seconds", default=10.0, show_default=True, help="Limit of CPU time per input.")
@click.option("--memory", default=2**32, show_default=True, help="Limit of the address space, in bytes.")
@click.option("--save", type=click.Path(path_type=Path), help="Directory for the findings, created if missing.")
def main(
    inputs: int, chosen: tuple[str, ...], seed: int, first: int, seconds: float, memory: int, save: Path | None
) -> None:
    """Read mutated inputs, and report inputs that were neither read nor refused."""
    kinds = chosen or KINDS
    logging.disable(logging.CRITICAL)
    counts, accepted, findings = Counter[str](), Counter[str](), []
    with tempfile.TemporaryDirectory() as scratch:
        good, place = Path(scratch) / "good", Path(scratch) / "place"
        good.mkdir()
        make_good(good)
        # Without fsync: waiting for the disk would take most of the time, and these files need not survive the run.
        with mock.patch("os.fsync"), limited(memory, seconds) as start_clock:
            for number in range(first, first + inputs):
                kind = kinds[number % len(kinds)]
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                counts[kind] += 1
                try:
                    start_clock()
                    reader(kind, place)(mutated_file(good / kind, place, Random(f"{kind} {seed} {number}")))
                    accepted[kind] += 1
                except (WordsparseError, click.ClickException):
                    pass
                except (Exception, Slow) as error:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    findings.append({"kind": kind, "number": number, "seed": seed, "error": repr(error)[:300]})
                    if save is not None:
                        shutil.copytree(place, save / f"{kind}-{seed}-{number}", dirs_exist_ok=True)
                        report = "".join(traceback.format_exception(error))
                        (save / f"{kind}-{seed}-{number}.txt").write_text(report, errors="backslashreplace")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"inputs": dict(counts), "accepted": dict(accepted), "findings": findings, "peak_memory_bytes": peak}
    print(json.dumps(result))
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
