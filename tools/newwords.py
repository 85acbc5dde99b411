"""Words never seen and words seen seldom: the quality of their vectors, and the time that they take.

    python tools/newwords.py ngrams MODEL... --pairs rare.tsv --output ngrams.json     scores without and with n-grams
    python tools/newwords.py plot ngrams.json --pairs rare -o ngrams.svg                quality over frequency
    python tools/newwords.py held-out CORPUS --pairs men.tsv --output held-out.json    deleted, then inferred
    python tools/newwords.py fasttext CORPUS --folder DIR --pairs rare.tsv --output fasttext.json     beside fastText
    python tools/newwords.py speed MODEL CORPUS --output speed.json                     CPU time of inference
    python tools/newwords.py exponents MODEL... --pairs verb143.tsv --output exponents.json   whitening of the vectors

MODEL is a model directory, trained without n-grams. Each command prints a table and writes JSON. WordSim-353,
SimLex-999 and questions-words come with gensim; fastText is a program of its own (Debian's package ``fasttext``).
"""

import itertools
import json
import resource
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from a_la_carte import a_la_carte
from machine import alternate, provenance, write_report

import wordsparse as ws
from wordsparse.evaluation.scores import answer, answer_composed_pairs, answer_pairs, spearman
from wordsparse.evaluation.testsets import TestSets, load_test_sets, read_analogies, read_pairs
from wordsparse.unseen import documents
from wordsparse.unseen.infer import infer
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import coordinates

Array = np.ndarray
# Counts of the rarer word of a pair.
BANDS = (0, 1, 10, 30, 100, 300, 1000)


@click.group()
def main() -> None:
    """See the head of the file."""


def save(path: Path, content: dict[str, Any]) -> None:
    """Write the results, with the command and the machine."""
    write_report({"provenance": provenance(1), **content}, path)


def sets_of(pairs: tuple[Path, ...], analogies: tuple[Path, ...]) -> TestSets:
    """The sets of gensim, and those of the files."""
    shipped = load_test_sets()
    return TestSets(
        {**shipped.pairs, **{path.stem: read_pairs(path) for path in pairs}},
        {**shipped.analogies, **{path.stem: read_analogies(path) for path in analogies}},
    )


def scores(vectors: WordVectors, sets: TestSets) -> dict[str, Any]:
    """Of each set: the score of known words; over all pairs, where one without a vector counts 0; and by band."""
    found: dict[str, Any] = {}
    assert vectors.counts is not None
    counts: dict[str, int] = {}
    for word, count in zip(vectors.words, vectors.counts.tolist(), strict=True):
        counts.setdefault(word.upper(), count)
    for name, pairs in sets.pairs.items():
        judged = np.array([pair.score for pair in pairs])
        known, cosines = answer_pairs(vectors, pairs), answer_composed_pairs(vectors, pairs)
        cosines = np.where(np.isnan(cosines), 0, cosines)
        covered = np.isfinite(known)
        rarer = np.array([min(counts.get(word.upper(), 0) for word in pair[:2]) for pair in pairs])
        bands = {}
        for low, high in itertools.pairwise((*BANDS, 2**62)):
            inside = (rarer >= low) & (rarer < high)
            if inside.sum() >= 20:
                bands[str(low)] = {"n": int(inside.sum()), "spearman": spearman(judged[inside], cosines[inside])}
        found[name] = {"covered": spearman(judged[covered], known[covered]), "n": int(covered.sum())}
        found[name] |= {"all": spearman(judged, cosines), "bands": bands}
    answers = answer(vectors, TestSets({}, sets.analogies))["analogies"]
    for name, questions in sets.analogies.items():
        syntactic = np.array([question.section.startswith("gram") for question in questions])
        for half, inside in (("semantic", ~syntactic), ("syntactic", syntactic)):
            if np.isfinite(answers[name][inside]).any():
                found[f"{name} {half}"] = {"covered": float(np.nanmean(answers[name][inside]))}
    return found


@main.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--pairs", multiple=True, type=click.Path(path_type=Path))
@click.option("--analogies", multiple=True, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True)
def ngrams(models: tuple[str, ...], pairs: tuple[Path, ...], analogies: tuple[Path, ...], output: Path) -> None:
    """Scores of models without and with n-grams."""
    sets, runs = sets_of(pairs, analogies), []
    for path in models:
        model = ws.load(path).without_subwords()
        plain = model.word_vectors()
        started = time.process_time()
        fitted = model.fit_subwords()
        cpu = time.process_time() - started
        assert fitted.subwords is not None
        run: dict[str, Any] = {"options": model.options, "vocab_size": len(model), "fit_cpu_seconds": cpu}
        run |= {"ngrams": len(fitted.subwords.table), "tau": fitted.subwords.tau}
        stored = fitted.subwords.arrays()
        run["bytes"] = sum(part.nbytes for part in stored.values() if isinstance(part, np.ndarray))
        run |= {"plain": scores(plain, sets), "with": scores(fitted.word_vectors(), sets)}
        runs.append(run)
        print(f"{path}: {len(fitted.subwords.table):,} n-grams, {run['bytes'] / 1e6:.1f} MB, {cpu:.1f} CPU s")
        for name, before in run["plain"].items():
            for kind in ("covered", "all"):
                if before.get(kind) is not None and run["with"][name][kind] is not None:
                    print(f"  {name:28} {kind:8} {before[kind]:.3f} → {run['with'][name][kind]:.3f}")
    save(output, {"runs": runs})


@main.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True))
@click.option("--pairs", "name", required=True, help="Name of a set of pairs in the results.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def plot(results: Path, name: str, output: Path) -> None:
    """Draw the rank correlation over the frequency of the rarer word, the mean of the runs of each model."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "newwords"
    from matplotlib import pyplot

    runs = json.loads(results.read_text())["runs"]
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for colour, kind in (("#0b6e99", "skipgram"), ("#c2571a", "cbow")):
        of_kind = [run for run in runs if run["options"]["model"] == kind]
        for style, side, label in ((":", "plain", "without n-grams"), ("-", "with", "with n-grams")):
            if of_kind:
                bands = list(of_kind[0][side][name]["bands"])
                means = [
                    np.mean([run[side][name]["bands"][band]["spearman"] or 0 for run in of_kind]) for band in bands
                ]
                axes.plot(range(len(bands)), means, style, color=colour, marker="o", label=f"{kind}, {label}")
                axes.set_xticks(range(len(bands)), ["never" if band == "0" else f"{band}+" for band in bands])
    axes.set_xlabel("occurrences of the rarer word of a pair")
    axes.set_ylabel("rank correlation with human judgement")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(output, metadata={"Date": None}, bbox_inches="tight")


@main.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--pairs", multiple=True, required=True, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True)
def exponents(models: tuple[str, ...], pairs: tuple[Path, ...], output: Path) -> None:
    """Scores of vectors that keep more and more of the spectrum, from white ones (0) on."""
    sets, runs = {path.stem: read_pairs(path) for path in pairs}, []
    for path in models:
        model = ws.load(path)
        counts = np.asarray(model.vocabulary.counts, np.float64)
        rows = model.input_rows, model.output_rows[:, : model.dim]
        run: dict[str, Any] = {"options": model.options}
        for exponent in (0.0, 0.25, 0.5, 1.0):
            made = coordinates.combined(*rows, counts, exponent=exponent, turn=model.export["turn"], threads=1)
            vectors, found = WordVectors(model.vocabulary.words, made), {}
            for name, judged in sets.items():
                cosines = answer_pairs(vectors, judged)
                known = np.isfinite(cosines)
                found[name] = spearman(np.array([pair.score for pair in judged])[known], cosines[known])
            run[str(exponent)] = found
            print(path, exponent, found, flush=True)
        runs.append(run)
    save(output, {"runs": runs})


@main.command("held-out")
@click.argument("corpus", type=click.Path(path_type=Path, exists=True))
@click.option("--pairs", type=click.Path(path_type=Path), required=True, multiple=True, help="The first one is judged.")
@click.option("--model", "kind", type=click.Choice(["skipgram", "cbow"]), default="skipgram")
@click.option("--words", "n_words", default=300, show_default=True)
@click.option("--counts", default="200,2000", show_default=True, help="Range of counts of the deleted words.")
@click.option("--occurrences", default="1,4,8,16,64", show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def held_out(
    corpus: Path,
    pairs: tuple[Path, ...],
    kind: str,
    n_words: int,
    counts: str,
    occurrences: str,
    seed: int,
    output: Path,
) -> None:
    """Delete words of test sets from a text, train on the rest, and infer them from a few of their sentences."""
    judged, random = read_pairs(pairs[0]), np.random.default_rng(seed)
    text = [line.split() for line in corpus.read_text().splitlines()]
    of_word: dict[str, list[int]] = defaultdict(list)
    asked = {word.lower() for path in pairs for pair in read_pairs(path) for word in pair[:2]}
    for number, line in enumerate(text):
        for word in asked.intersection(line):
            of_word[word].append(number)
    low, high = map(int, counts.split(","))
    fitting = sorted(word for word, lines in of_word.items() if low <= len(lines) <= high)
    chosen = sorted(random.choice(fitting, min(n_words, len(fitting)), replace=False).tolist())
    held = set(chosen)
    plain = ws.train([[word for word in line if word not in held] for line in text], model=kind, seed=seed, threads=1)
    model = plain.fit_subwords()
    carte = a_la_carte(plain, text, held)
    rows = []
    for n in map(int, occurrences.split(",")):
        lines = {word: random.choice(of_word[word], n, replace=False).tolist() for word in chosen}
        row: dict[str, Any] = {"occurrences": n}
        for name, used in (("exact", plain), ("exact with n-grams", model)):
            # Of each word its own n occurrences: other deleted words of a sentence are unknown there.
            sentences = [[w for w in text[i] if w == word or w not in held] for word in chosen for i in lines[word]]
            started = time.process_time()
            new = infer(used, sentences, chosen)
            row[f"{name}, ms a word"] = 1000 * (time.process_time() - started) / len(chosen)
            row[name] = score_new(judged, used.word_vectors(), new, held)
        vectors = carte({word: [text[i] for i in lines[word]] for word in chosen})
        row["à la carte"] = score_new(judged, plain.word_vectors(), vectors, held)
        rows.append(row)
        print(row, flush=True)
    none: dict[str, Any] = {}
    if alone := [word for word in chosen if model.wv.has_vector(word)]:
        composed = WordVectors(alone, np.stack([model[word] for word in alone]))
        none = {"n-grams alone": score_new(judged, model.word_vectors(), composed, held)}
    print(none)
    save(output, {"model": kind, "pairs": pairs[0].stem, "words": chosen, "rows": rows, **none})


def score_new(judged: list[Any], known: WordVectors, new: WordVectors, held: set[str]) -> dict[str, Any]:
    """The rank correlation over the pairs that hold a deleted word."""
    found = []
    for pair in judged:
        words = [word.lower() for word in pair[:2]]
        if held.intersection(words) and all(word in new or (word in known and word not in held) for word in words):
            first, second = (
                new.get_vector(w, norm=True) if w in new else known.get_vector(w, norm=True) for w in words
            )
            found.append((pair.score, float(first @ second)))
    return {"pairs": len(found), "spearman": spearman(*map(np.array, zip(*found, strict=True)))}


class WithComposed(WordVectors):
    """Word vectors, and vectors of words that are not among them."""

    def __init__(self, known: WordVectors, counts: Array, composed: dict[str, Array]) -> None:
        super().__init__(known.words, known.vectors, counts)
        self.composed = composed

    def has_vector(self, key: object) -> bool:
        return key in self or key in self.composed

    def get_vector(self, key: Any, norm: bool = False) -> Array:
        if key in self:
            return super().get_vector(key, norm)
        row = self.composed[key]
        return np.asarray(row / np.linalg.norm(row)) if norm else row


@main.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True))
@click.option("--pairs", multiple=True, type=click.Path(path_type=Path))
@click.option("--analogies", multiple=True, type=click.Path(path_type=Path))
@click.option("--model", "kind", type=click.Choice(["skipgram", "cbow"]), default="skipgram")
@click.option("--dim", default=100, show_default=True)
@click.option("--epochs", default=5, show_default=True)
@click.option("--program", default="fasttext", show_default=True, help="fastText's program.")
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="For fastText's model; one that is there is used."
)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def fasttext(
    corpus: Path,
    pairs: tuple[Path, ...],
    analogies: tuple[Path, ...],
    kind: str,
    dim: int,
    epochs: int,
    program: str,
    folder: Path,
    output: Path,
) -> None:
    """FastText with its defaults and ours with n-grams, from the same text to the vectors, on one thread."""
    sets = sets_of(pairs, analogies)
    folder.mkdir(parents=True, exist_ok=True)
    stem, used = folder / f"{kind}-{dim}-{epochs}", folder / f"{kind}-{dim}-{epochs}.json"
    if not used.exists():
        options = ["-input", corpus, "-output", stem, "-dim", dim, "-epoch", epochs, "-thread", 1]
        subprocess.run(
            [program, kind, *map(str, options)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1000}
        used.write_text(json.dumps(found))
    theirs = json.loads(used.read_text()) | {"model_bytes": stem.with_suffix(".bin").stat().st_size}
    theirs["scores"] = scores(fasttext_vectors(program, stem, sets), sets)
    started = time.process_time()
    model = ws.train(corpus, model=kind, dim=dim, epochs=epochs, threads=1, subwords=True, progress=False)
    vectors = model.word_vectors()
    ours: dict[str, Any] = {"cpu_seconds": time.process_time() - started, "scores": scores(vectors, sets)}
    print(f"CPU s: fastText {theirs['cpu_seconds']:.0f}, ours {ours['cpu_seconds']:.0f}")
    for name, row in theirs["scores"].items():
        for side in ("covered", "all"):
            if row.get(side) is not None:
                print(f"  {name:28} {side:8} fastText {row[side]:.3f}  ours {ours['scores'][name][side]:.3f}")
    save(output, {"model": kind, "dim": dim, "epochs": epochs, "fasttext": theirs, "wordsparse": ours})


def fasttext_vectors(program: str, stem: Path, sets: TestSets) -> WithComposed:
    """The vectors of a model of fastText, with those of the unknown words of the pairs."""
    binary, known = str(stem.with_suffix(".bin")), ws.read_vectors(stem.with_suffix(".vec"))
    dictionary = subprocess.run([program, "dump", binary, "dict"], check=True, capture_output=True, text=True).stdout
    counts = {line.split()[0]: int(line.split()[1]) for line in dictionary.splitlines() if len(line.split()) == 3}
    asked = sorted({word for each in sets.pairs.values() for pair in each for word in pair[:2]} - set(known.words))
    said = subprocess.run(
        [program, "print-word-vectors", binary], check=True, capture_output=True, text=True, input="\n".join(asked)
    ).stdout
    rows = (line.rstrip().split(" ") for line in said.splitlines())
    composed = {row[0]: np.array(row[1:], np.float32) for row in rows}
    return WithComposed(known, np.array([counts[word] for word in known.words]), composed)


@main.command()
@click.argument("model")
@click.argument("corpus", type=click.Path(path_type=Path, exists=True))
@click.option("--words", "n_words", default=2000, show_default=True)
@click.option("--occurrences", default="1,2,8,64", show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def speed(model: str, corpus: Path, n_words: int, occurrences: str, rounds: int, output: Path) -> None:
    """CPU time of inferring words from sentences of CORPUS, and of the vectors of its lines: medians of rounds."""
    trained, random = ws.load(model), np.random.default_rng(1)
    text = list(itertools.islice(documents.lines([corpus]), 20_000))
    sizes = [int(n) for n in occurrences.split(",")]
    made, result = documents.Documents(trained), {"options": trained.options, "lines": len(text)}
    sides: dict[str, tuple[int, Any]] = {"document": (len(text), lambda: made.vectors(text))}
    sides["document, sif"] = (len(text), lambda: made.vectors(text, sif=True))
    for n in sizes:
        words = [f"new-word-{i}" for i in range(n_words)]
        # A new word takes the place of a token in the middle of n lines.
        chosen = random.integers(0, len(text), n_words * n)
        sentences = [replaced(text[line], words[i // n]) for i, line in enumerate(chosen)]
        sides[f"infer, {n} occurrences"] = (n_words, lambda s=sentences, w=words: infer(trained, s, w))
    timed = alternate(sides, rounds, dict.fromkeys(sides, rounds))
    for name in sides:
        result[name] = timed[name]["cpu_us"] / 1000
        print(f"{name:24} {result[name]:.3f} CPU ms each")
    save(output, result)


def replaced(line: list[str], word: str) -> list[str]:
    """The line with a word in the place of its middle one."""
    middle = len(line) // 2
    return [*line[:middle], word, *line[middle + 1 :]]


if __name__ == "__main__":
    main()
