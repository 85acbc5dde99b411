"""Corpus tokens a second, ours beside gensim's word2vec: the same text, vocabulary and threads, sides alternating.

    python tools/throughput.py english.txt --dim 300 --min-count 2 --threads 2 --rounds 5 -o throughput.json

All sides live in one process and train on the first ``--round-tokens`` of the text, a round each in turn, as often as
asked: what else the machine does hits all of them alike. Vocabularies are built and first minibatches run before the
clock starts. A side's numbers are medians over its rounds; on a machine that is shared, read the CPU time.

With ``--whole`` a round of ours is a whole run of one epoch over these tokens, small first minibatches and the fold of
the whole vocabulary at its end included; without, it is a piece of a long run.
"""

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import machine

from wordsparse.comparison.texts import PlainText, write_plain
from wordsparse.corpus import EncodedCorpus, encode
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.training.loop import Run
from wordsparse.words.options import MODELS, Options

NEGATIVES = 5
# Epochs of the schedule: enough for minibatches of full size in the last one.
EPOCHS = 100


@click.command()
@click.argument("corpus", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--models", multiple=True, type=click.Choice(MODELS), default=MODELS, show_default=True)
@click.option("--dim", type=click.IntRange(1), default=300, show_default=True)
@click.option("--window", type=click.IntRange(1), default=5, show_default=True)
@click.option("--min-count", type=click.IntRange(1), default=2, show_default=True)
@click.option(
    "--batch-tokens", type=click.IntRange(1), default=None, help="Ours: tokens a minibatch; else the default."
)
@click.option("--round-tokens", type=click.IntRange(1), default=2_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--whole", is_flag=True, help="A round of ours is a whole run of one epoch.")
@machine.threads_option
@machine.output_option
def main(
    corpus: Path,
    models: Sequence[str],
    dim: int,
    window: int,
    min_count: int,
    batch_tokens: int | None,
    round_tokens: int,
    rounds: int,
    whole: bool,
    threads: int,
    output: Path | None,
) -> None:
    """Time ours and gensim in turn and print tokens a second, wall and CPU."""
    with tempfile.TemporaryDirectory() as folder:
        encoded = encode(corpus, Path(folder, "encoded"), min_count=min_count)
        plain = write_plain(encoded, round_tokens, Path(folder, "plain.txt"))
        tokens = min(round_tokens, encoded.tokens)
        sides: dict[Any, tuple[int, machine.Step]] = {}
        for model in models:
            options = Options(
                model=model,
                dim=dim,
                window=window,
                batch_tokens=batch_tokens,
                threads=threads,
                max_tokens=tokens,
                epochs=1 if whole else EPOCHS,
            )
            one = whole_runs(encoded, options, rounds) if whole else ours(encoded, options)
            sides["wordsparse", model] = tokens, one
            sides["gensim", model] = tokens, gensim(encoded, plain, options)
        once_a_round = {side: rounds for side in sides if whole and side[0] == "wordsparse"}
        times = machine.alternate(sides, rounds, once_a_round)
    rows = [
        {
            "program": program,
            "model": model,
            "tokens_per_second": 1e6 / cell["wall_us"],
            "tokens_per_cpu_second": 1e6 / cell["cpu_us"],
            "cpus_used": cell["cpu_us"] / cell["wall_us"],
            "rounds_wall_us_per_token": cell["rounds_wall_us"],
        }
        for (program, model), cell in times.items()
    ]
    by_side = {(row["program"], row["model"]): row for row in rows}
    ratios = {
        model: {
            measure: by_side["wordsparse", model][measure] / by_side["gensim", model][measure]
            for measure in ("tokens_per_second", "tokens_per_cpu_second")
        }
        for model in models
    }
    headers = ["program", "model", "tokens/s", "tokens per CPU s", "CPUs used", "ours / gensim", "by CPU time"]
    measures = ("tokens_per_second", "tokens_per_cpu_second", "cpus_used")
    body = []
    for row in rows:
        ratio = list(ratios[row["model"]].values()) if row["program"] == "wordsparse" else [None, None]
        body.append([row["program"], row["model"], *(row[measure] for measure in measures), *ratio])
    print(machine.table(headers, body))
    report = {
        "tool": "throughput",
        "machine": machine.provenance(threads),
        "options": {
            "corpus": corpus.name,
            "dim": dim,
            "window": window,
            "min_count": min_count,
            "batch_tokens": batch_tokens,
            "round_tokens": tokens,
            "rounds": rounds,
            "whole": whole,
            "negatives": NEGATIVES,
        },
        "vocab_size": len(encoded.vocabulary),
        "sides": rows,
        "ours_by_gensim": ratios,
    }
    machine.write_report(report, output)


def ours(corpus: EncodedCorpus, options: Options) -> machine.Step:
    """One pass over the text, examples built ahead where there are threads for it, as training does."""
    run = Run(corpus, options)
    lr = options.used_recipe().steps.lr / 2  # as in the middle of a run

    def step() -> None:
        with single_threaded_blas(), closing(run.examples(options.epochs - 1)) as minibatches:
            for _, examples in minibatches:
                run.embedding.step(examples, lr, 0.5)

    return step


def whole_runs(corpus: EncodedCorpus, options: Options, rounds: int) -> machine.Step:
    """A whole run a round; their vectors are there before the clock starts, as gensim's."""
    return machine.in_turn([Run(corpus, options).train for _ in range(rounds)])


def gensim(corpus: EncodedCorpus, text: PlainText, options: Options) -> machine.Step:
    """One epoch over the text through gensim's compiled reader, its fastest way in."""
    from gensim.models import Word2Vec

    peer = Word2Vec(
        vector_size=options.dim,
        window=options.window,
        min_count=1,
        sg=int(options.model == "skipgram"),
        negative=NEGATIVES,
        sample=options.sample,
        workers=options.threads or len(os.sched_getaffinity(0)),
        seed=options.seed,
    )
    vocabulary = corpus.vocabulary
    counts = dict(zip(vocabulary.words, (int(count) for count in vocabulary.counts), strict=True))
    peer.build_vocab_from_freq(counts, corpus_count=text.lines)

    def step() -> None:
        peer.train(corpus_file=str(text.path), total_words=text.words, total_examples=text.lines, epochs=1)

    return step


if __name__ == "__main__":
    machine.run(main)
