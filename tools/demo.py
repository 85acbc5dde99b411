"""`make demo`: real text to word vectors, beside gensim's word2vec on the same text and threads.

The text is the one that gensim's wheel ships (`wordsparse corpora fetch gensim-text`), 0.53M tokens: small, so read the
scores as a sign of life. The text, the vectors and a report with pictures are left in demo/.
"""

import shutil
import sys
from pathlib import Path

from wordsparse.comparison import ComparisonProgress, compare
from wordsparse.corpus.cards import load_card
from wordsparse.corpus.fetching import fetch
from wordsparse.words.model_directory import read_vectors

OUTPUT = Path(__file__).resolve().parent.parent / "demo"
EPOCHS = 10
WORDS = ("music", "war", "language", "computer", "iron", "january")
METHODS = ("wordsparse-skipgram", "gensim-skipgram-ns", "wordsparse-cbow", "gensim-cbow-ns")


def main() -> None:
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    report = OUTPUT / "report"
    text = fetch(load_card("gensim-text"), OUTPUT / "text").path
    content = compare(
        text,
        report,
        progress=show,
        methods=METHODS,
        epochs=[EPOCHS],
        keep_vectors=True,
        command="make demo",
    )
    used = content["texts"][0]
    print(f"{used['tokens']:,} tokens, {used['vocab_size']:,} words, {content['machine']['threads']} threads\n")
    vectors = read_vectors(report / "vectors" / f"{METHODS[0]}.npz")
    for word in WORDS:
        print(f"{word:10s} {', '.join(near for near, _ in vectors.similar(word, 8))}")
    print(f"\n{'':36s} {'WordSim-353':>11s} {'SimLex-999':>11s} {'analogies':>10s} {'wall s':>8s} {'CPU s':>8s}")
    for run in content["runs"]:
        similarity = [run["pairs"][name]["spearman"] for name in ("wordsim353", "simlex999")]
        accuracy = run["analogies"]["questions-words"]["accuracy"]
        print(
            f"{content['methods'][run['name']]:36s} {similarity[0]:11.3f} {similarity[1]:11.3f} {accuracy:10.3f} "
            f"{run['wall_seconds']:8.1f} {run['cpu_seconds']:8.1f}"
        )
    print("", *content["conclusions"]["in_short"], f"\nreport: {report / 'report.html'}; vectors beside it", sep="\n")


def show(progress: ComparisonProgress) -> None:
    """Print the name of the run that starts."""
    if progress.starting:
        print(f"{progress.done + 1} of {progress.total}: {progress.starting}", file=sys.stderr)


if __name__ == "__main__":
    main()
