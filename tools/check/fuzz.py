"""Mutated inputs of every kind: each must be read, or refused by an error of wordsparse's own.

    python tools/check/fuzz.py --inputs 1000000 --seed 1 --save findings

Each input is a good one with some changes (fuzz_inputs.py makes both); checksums are made right again, so that the
checks behind them are reached. A finding is any other exception, more than ``--memory`` bytes of address space, or more
than ``--seconds`` seconds of CPU time. An input depends on its kind, the seed and its number alone: ``--kinds model
--seed 1 --inputs 1 --first 4711`` makes it again. Prints one JSON object; the exit status is 1 if there are findings.
"""

import io
import json
import logging
import resource
import shutil
import signal
import tempfile
import time
import tomllib
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
import pyarrow.parquet as parquet
import smart_open
from fuzz_inputs import OPTIONS, PACKED, altered, make_good, mutated, renumbered

import wordsparse as ws
from wordsparse import labels
from wordsparse.cards.card import load_card
from wordsparse.cli.train import command as train_command
from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.errors import WordsparseError
from wordsparse.evaluation.testsets import read_analogies, read_pairs, read_sentences
from wordsparse.files import arrays, regular, storage, toml
from wordsparse.gensim import KeyedVectors, Word2Vec
from wordsparse.training import resume
from wordsparse.training.checkpoints import Checkpoint
from wordsparse.training.loop import Run
from wordsparse.unseen import documents, infer
from wordsparse.vectors.word_vectors import read_file
from wordsparse.words import model_directory as models
from wordsparse.words.options import Options
from wordsparse.words.text_source import TextSource

Attempt = Callable[[Random], object]


# Of a thousand inputs; kinds that train are slower by far.
SHARES = {
    "vectors": 130,
    "static": 20,
    "counts": 10,
    "text": 80,
    "rows": 40,
    "tables": 30,
    "weighted": 20,
    "baskets": 10,
    "edges": 30,
    "labels": 40,
    "estimator": 30,
    "pairs": 100,
    "analogies": 80,
    "sentences": 40,
    "card": 80,
    "config": 30,
    "vocabulary": 51,
    "model": 50,
    "subwords": 30,
    "word2vec": 10,
    "corpus": 40,
    "resume": 6,
    "checkpoint": 2,
    "train": 1,
}


SMALL: dict[str, Any] = {"dim": 2, "threads": 1, "progress": False, "form": 0}

# Formats whose values are changed as often as their bytes.
VALUES: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    ".json": (json.loads, json.dumps),
    ".toml": (tomllib.loads, toml.dumps),
}


def single(folder: Path, place: Path, read: Callable[[Path], object]) -> Attempt:
    """Files that stand alone: bytes are changed, before or after compression."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    plain = {path.name: _unpacked(path) for path in sorted(folder.iterdir())}

    def attempt(random: Random) -> object:
        name = random.choice(list(files))
        other = plain[random.choice(list(plain))]
        path = place / name
        if path.suffix == ".parquet" and random.random() < 0.5:
            parquet.write_table(renumbered(parquet.read_table(io.BytesIO(files[name])), random), path)
        elif path.suffix in VALUES and random.random() < 0.5:
            read_value, write_value = VALUES[path.suffix]
            path.write_text(write_value(altered(read_value(files[name].decode()), random)), errors="replace")
        elif files[name] is not plain[name] and random.random() < 0.5:
            with smart_open.open(path, "wb") as file:
                file.write(mutated(plain[name], other, random))
        else:
            path.write_bytes(mutated(files[name], other, random))
        return read(path)

    return attempt


def _unpacked(path: Path) -> bytes:
    if path.suffix not in PACKED:
        return path.read_bytes()
    with smart_open.open(path, "rb") as file:
        content: bytes = file.read()
    return content


def signed(folder: Path, place: Path, manifest: str, entries: Callable[[Any], Iterator[tuple[str, Any]]]) -> Attempt:
    """Directories: a file's bytes or the manifest's members are changed, and the checksums made right again.

    ``entries`` gives (name, entry with "bytes" and "sha256") for each file that a manifest describes.
    """
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != manifest}
    content = storage.read_json(folder / manifest)
    del content["sha256"]

    def attempt(random: Random) -> Path:
        target = place / folder.name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        changed = random.choice(list(files))
        new = altered(content, random) if random.random() < 0.6 else json.loads(json.dumps(content))
        for name, data in files.items():
            if name == changed and random.random() < 0.5:
                data = mutated(data, random.choice(list(files.values())), random)
                for described, entry in entries(new):
                    if described == name and isinstance(entry, dict):
                        (target / name).write_bytes(data)
                        entry.update(bytes=len(data), sha256=regular.sha256_of(target / name))
            (target / name).write_bytes(data)
        storage.write_manifest(target / manifest, new)
        return target

    return attempt


def kinds(good: Path, place: Path) -> dict[str, Attempt]:
    """The function that reads an input, for each kind."""
    return {
        **file_kinds(good, place),
        **model_kinds(good, place),
        **label_kinds(good, place),
        **training_kinds(good, place),
    }


def file_kinds(good: Path, place: Path) -> dict[str, Attempt]:
    """Files that stand alone, and directories of files without checksums."""
    plain = good / "vectors" / "v.word2vec"

    def static(random: Random) -> object:
        folder = shutil.copytree(good / "static", place / "static")
        return single(good / "static", folder, lambda path: read_file(folder))(random)

    def read_counts(path: Path) -> object:
        return KeyedVectors.load_word2vec_format(plain, path, unicode_errors="replace")

    def configure(path: Path) -> None:
        arguments = ["text.txt", "--output", "model", "--config", str(path)]
        with train_command.make_context("train", arguments) as context:
            given = {name: value for name, value in context.params.items() if name in OPTIONS}
            Options(**given)

    def count_weighted(path: Path) -> None:
        pairs = place / "pairs.parquet"
        ws.count(path, pairs, column="text", weight="n", min_count=1, threads=1)
        try:
            ws.count(pairs, place / "again.parquet", preset="counts")
        except WordsparseError as error:
            raise AssertionError("what count has written, it does not read") from error

    readers: dict[str, Callable[[Path], object]] = {
        "vectors": read_file,
        "counts": read_counts,
        "text": lambda path: ws.encode(path, place / "encoded", min_count=1),
        "rows": lambda path: ws.encode(path, place / "encoded", column="text", min_count=1),
        "tables": lambda path: ws.train(path, preset="counts", epochs=1, **SMALL),
        "weighted": count_weighted,
        "baskets": lambda path: ws.encode(path, place / "encoded", column="text", group="n", order="id", min_count=1),
        "edges": lambda path: ws.train(path, preset="graph", epochs=1, walks=1, walk_length=4, **SMALL),
        "labels": lambda path: labels.read_data(path, path if path.suffix == ".npz" else None),
        "pairs": read_pairs,
        "analogies": read_analogies,
        "sentences": read_sentences,
        "card": load_card,
        "config": configure,
        "vocabulary": Vocabulary.load,
    }
    return {"static": static, **{name: single(good / name, place, read) for name, read in readers.items()}}


def model_kinds(good: Path, place: Path) -> dict[str, Attempt]:
    """Models, which are read and asked for neighbours."""
    model = signed(good / "model", place, models.MANIFEST, _model_entries)
    subwords = signed(good / "subwords", place, models.MANIFEST, _model_entries)
    word2vec = signed(good / "word2vec", place, "gensim.json", lambda content: iter(()))

    def use(random: Random) -> None:
        vectors = models.load(model(random)).word_vectors()
        vectors.similar(vectors.words[0], 3)

    def compose(random: Random) -> None:
        read = models.load(subwords(random))
        read.word_vectors().similar("w1w2", 3)
        documents.encoded(read, [["w1", "w1w2", "absent"]])
        infer.infer(read, [["w1", "absent", "w2"]], ["absent"])

    def use_word2vec(random: Random) -> None:
        read = Word2Vec.load(word2vec(random))
        read.wv.most_similar(positive=[read.wv.index_to_key[0]])
        read.train([["w1", "w2", "w3"]] * 20, total_examples=20, epochs=1)

    return {"model": use, "subwords": compose, "word2vec": use_word2vec}


def label_kinds(good: Path, place: Path) -> dict[str, Attempt]:
    """Estimators of labels, which are read and predict."""
    labelled = labels.read_data(good / "labels" / "y.txt")
    kinds = (labels.SparseTargetClassifier, labels.TextClassifier)

    def estimate(random: Random) -> None:
        kind = random.choice(kinds)
        folder = shutil.copytree(good / kind.__name__, place / kind.__name__, dirs_exist_ok=True)
        estimator: Any = single(good / kind.__name__, folder, lambda path: kind.load(folder))(random)
        estimator.predict(["word number 1", ""] if kind is labels.TextClassifier else labelled.X)

    return {"estimator": estimate}


def training_kinds(good: Path, place: Path) -> dict[str, Attempt]:
    """A corpus, models and checkpoints, from which a training goes on."""
    corpus, options = TextSource(EncodedCorpus.open(good / "corpus")), Options(**OPTIONS)
    run = Run(corpus, options)
    save_checkpoint(run, good / "checkpoint")
    model = signed(good / "model", place, models.MANIFEST, _model_entries)
    encoded = signed(good / "corpus", place, "corpus.json", _corpus_entries)
    checkpoint = signed(good / "checkpoint", place, "checkpoint.json", _checkpoint_entries)

    def train_on(random: Random) -> None:
        read, more = models.load(model(random)), Options(**{**OPTIONS, "epochs": 3})
        if not resume.is_same_text(read.trained().text, corpus):
            resume.on_new_text(read, corpus, more).train()
        elif resume.check_more_epochs(read, more):
            resume.more_epochs(read, corpus, more).train()

    def go_on(random: Random) -> None:
        Checkpoint.open(checkpoint(random)).restore(run)
        run.train()

    return {
        "resume": train_on,
        "checkpoint": go_on,
        "corpus": lambda random: EncodedCorpus.open(encoded(random)),
        "train": lambda random: Run(TextSource(EncodedCorpus.open(encoded(random))), options).train(),
    }


def save_checkpoint(run: Run, folder: Path) -> None:
    """A checkpoint of the run's first minibatches."""
    next(run.steps())
    folder.mkdir()
    content = {"request": {"options": {}, "text": {}}, "run_state": run.state.as_dict(), "count": 1}
    table = arrays.write(folder / "state.bin", run.embedding.state())
    storage.write_manifest(
        folder / "checkpoint.json", {"format": "wordsparse-checkpoint", "version": 1, **content, "state": table}
    )


def _model_entries(content: Any) -> Iterator[tuple[str, Any]]:
    files, training = content.get("files"), content.get("training")
    yield from files.items() if isinstance(files, dict) else ()
    yield models.TRAINING, training.get("state") if isinstance(training, dict) else None
    yield models.SUBWORDS, content.get("subwords")


def _corpus_entries(content: Any) -> Iterator[tuple[str, Any]]:
    files = content.get("files")
    for entry in files if isinstance(files, list) else ():
        if isinstance(entry, dict):
            yield str(entry.get("name")), entry


def _checkpoint_entries(content: Any) -> Iterator[tuple[str, Any]]:
    yield "state.bin", content.get("state")


class Slow(BaseException):
    """An input took too long."""


@contextmanager
def limited(memory: int, seconds: float) -> Iterator[Callable[[], object]]:
    """A limit of the address space inside the block, which gets the function that starts the clock of an input."""

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


def numbered(shares: dict[str, int], inputs: int, first: int) -> Iterator[tuple[str, int]]:
    """Kind and number of each input, from the number ``first`` on, the kinds by their shares in turn."""
    turn = [(kind, i) for kind, share in shares.items() for i in range(share)]
    for n in range(inputs):
        turns, at = divmod(n, len(turn))
        kind, i = turn[at]
        yield kind, first + turns * shares[kind] + i


@click.command()
@click.option("--inputs", default=1000, show_default=True, help="How many, over all kinds.")
@click.option("--kinds", "chosen", multiple=True, type=click.Choice(list(SHARES)), help="Only this kind; repeatable.")
@click.option("--seed", default=1, show_default=True)
@click.option("--first", default=0, show_default=True, help="Number of the first input of each kind.")
@click.option("--seconds", default=10.0, show_default=True, help="CPU time of an input, at most.")
@click.option("--memory", default=2**32, show_default=True, help="Bytes of address space, at most.")
@click.option("--save", type=click.Path(path_type=Path), help="Directory for what was found, made if missing.")
def main(
    inputs: int,
    chosen: tuple[str, ...],
    seed: int,
    first: int,
    seconds: float,
    memory: int,
    save: Path | None,
) -> None:
    """Read mutated inputs, and tell which were neither read nor refused."""
    shares = {kind: SHARES[kind] for kind in chosen or SHARES}
    logging.disable(logging.CRITICAL)
    counts, accepted, slowest, findings = Counter[str](), Counter[str](), 0.0, []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        good, place = Path(scratch) / "good", Path(scratch) / "place"
        good.mkdir()
        place.mkdir()
        make_good(good)
        attempts = kinds(good, place)
        # Nothing here must outlive the run: waiting for the disk would take most of its time.
        with mock.patch("os.fsync"), limited(memory, seconds) as start_clock:
            for kind, number in numbered(shares, inputs, first):
                shutil.rmtree(place)
                place.mkdir()
                counts[kind] += 1
                at = time.perf_counter()
                try:
                    start_clock()
                    attempts[kind](Random(f"{kind} {seed} {number}"))
                    accepted[kind] += 1
                except (WordsparseError, click.ClickException):
                    pass
                except (Exception, Slow) as error:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    said = "".join(traceback.format_exception(error))
                    findings.append({"kind": kind, "number": number, "seed": seed, "error": repr(error)[:300]})
                    if save is not None:
                        shutil.copytree(place, save / f"{kind}-{seed}-{number}", dirs_exist_ok=True)
                        (save / f"{kind}-{seed}-{number}" / "traceback.txt").write_text(said, errors="backslashreplace")
                slowest = max(slowest, time.perf_counter() - at)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"inputs": dict(counts), "accepted": dict(accepted), "findings": findings, "slowest_seconds": slowest}
    print(json.dumps({**result, "peak_memory_bytes": peak, "seconds": time.perf_counter() - started}))
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
