"""`make demo`: real text to word vectors, beside gensim's word2vec on the same text and threads.

The text is the one that gensim's wheel ships (its card: corpora/gensim-text.toml), 0.87M tokens: small, so read the
scores as a sign of life. Vectors are left in demo/.
"""

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import wordsparse as ws
from wordsparse.corpus.cards import load_card
from wordsparse.evaluation import evaluate
from wordsparse.formats import save_vectors
from wordsparse.threads import resolve_threads

ROOT = Path(__file__).resolve().parent.parent
WORDS = ("king", "water", "war", "music", "computer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "demo", help="where encoded text and vectors go")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--threads", type=int, default=None, help="default: every CPU available")
    options = parser.parse_args()
    threads = resolve_threads(options.threads)
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)

    card = load_card(ROOT / "corpora" / "gensim-text.toml")
    sentences = list(card.sentences())
    corpus = ws.encode(sentences, options.output / "encoded")
    print(f"{corpus.tokens:,} tokens, {len(corpus.vocabulary):,} words, {threads} threads, {options.epochs} epochs\n")

    rows = []
    for name in ("skipgram", "cbow"):
        model = ws.train(corpus, model=name, dim=options.dim, epochs=options.epochs, threads=threads)
        model.save(options.output / name)
        vectors = model.word_vectors()
        save_vectors(vectors, options.output / f"{name}.txt", "word2vec")
        rows.append((f"wordsparse {name}", vectors, model.report["wall_seconds"], model.report["cpu_seconds"]))
        if name == "skipgram":
            for word in WORDS:
                print(f"{word:10s} {', '.join(near for near, _ in vectors.similar(word, 8))}")
    rows += [peer(sentences, skipgram, options, threads) for skipgram in (True, False)]

    print(f"\n{'':22s} {'WordSim-353':>11s} {'SimLex-999':>11s} {'analogies':>10s} {'wall s':>8s} {'CPU s':>8s}")
    for name, vectors, wall, cpu in rows:
        scores = evaluate(vectors)
        pairs = scores["pairs"]
        print(
            f"{name:22s} {pairs['wordsim353']['spearman']:11.3f} {pairs['simlex999']['spearman']:11.3f} "
            f"{scores['analogies']['questions-words']['accuracy']:10.3f} {wall:8.1f} {cpu:8.1f}"
        )
    print(f"\nmodels and vectors: {options.output}")


def peer(sentences: list[list[str]], skipgram: bool, options: argparse.Namespace, threads: int) -> tuple[Any, ...]:
    """gensim's word2vec, 5 negatives, on the same sentences; training time only, the vocabulary is built before."""
    from gensim.models import Word2Vec

    model = Word2Vec(vector_size=options.dim, sg=int(skipgram), min_count=5, workers=threads, seed=1)
    model.build_vocab(sentences)
    wall, cpu = time.perf_counter(), time.process_time()
    model.train(sentences, total_examples=model.corpus_count, epochs=options.epochs)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    vectors = ws.WordVectors(model.wv.index_to_key, model.wv.vectors)
    return f"gensim {'skipgram' if skipgram else 'cbow'}", vectors, wall, cpu


if __name__ == "__main__":
    main()
