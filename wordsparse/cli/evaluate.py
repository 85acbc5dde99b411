"""``wordsparse evaluate``: scores of word vectors on word pairs, analogies, sentences and search, and of the next items
that a model predicts."""

from typing import Any

import click

from wordsparse.cli.common import emit, json_option
from wordsparse.cli.options import options_of
from wordsparse.corpus.options import TextOptions


@click.command("evaluate")
@click.argument("model_or_vectors")
@click.option("--pairs", multiple=True, metavar="FILE", help="Lines 'word1 word2 score'; repeatable.")
@click.option("--analogies", multiple=True, metavar="FILE", help="Lines 'a b c d'; repeatable.")
@click.option("--sentences", multiple=True, metavar="FILE", help="Lines 'score TAB a TAB b'; repeatable.")
@click.option("--related", multiple=True, metavar="FILE", help="Lines 'word1 word2' of related words; repeatable.")
@click.option(
    "--neighbours",
    multiple=True,
    metavar="DIR|FILE",
    help="WordNet's database (Debian: /usr/share/wordnet), or a file with a word per line; repeatable.",
)
@click.option(
    "--retrieval",
    multiple=True,
    metavar="DIR|TABLE",
    help="Documents, queries and judgements as in BEIR; or, for an index in place of a model, a table of the columns "
    "question, id and grade; repeatable.",
)
@click.option("--stem", metavar="LANGUAGE", help="Score BM25 over stems of this language, too.")
@click.option("--next", multiple=True, metavar="LOG", help="A table with one row for each item of a user; repeatable.")
@options_of(TextOptions, ["column", "group_by", "order_by", "weight_column"])
@click.option(
    "--since",
    metavar="DATE",
    help="Use the items of LOG from this date or number on as test items.  [default: the last item of each user]",
)
@click.option(
    "--cold",
    is_flag=True,
    help="Rank only new items of LOG, which the model knows by their features alone (train --features).",
)
@click.option(
    "--restrict-vocab",
    default=30_000,
    show_default=True,
    help="Use only this number of the most frequent words in analogy questions and answers.",
)
@json_option
def command(
    model_or_vectors: str,
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
    sentences: tuple[str, ...],
    related: tuple[str, ...],
    retrieval: tuple[str, ...],
    neighbours: tuple[str, ...],
    next: tuple[str, ...],
    restrict_vocab: int,
    stem: str | None,
    cold: bool,
    as_json: bool,
    **log: Any,
) -> None:
    """Evaluate a model, or word vectors from any tool, on test sets.

    Vectors may be in word2vec, GloVe, fastText, npz or safetensors format. The default test sets are WordSim-353,
    SimLex-999 and Google's questions-words.

    --neighbours judges the ten nearest neighbours of 1,500 frequent nouns: the shares that WordNet calls related or has
    in the same class, forms of the word itself, and words seen fewer than ten times.

    --next scores how well a model of baskets or sessions predicts users' next items: how often the next items are among
    the first ten predictions (hit10), and how high they rank (ndcg10). Rankings by popularity and by item-to-item
    counts are scored for comparison, and the last row has the difference from the better of them. The mean probability
    of the first predictions is shown next to how often they came true. The model must be trained without the test
    items. With --cold, items without a history are ranked by their features, next to their popularity by the counts of
    items with the same features.
    """
    from wordsparse.words.evaluate import evaluate

    how = {"stem": stem, "cold": cold, **log}
    sets = (pairs, analogies, restrict_vocab, sentences, related, retrieval, neighbours, next)
    result = evaluate(model_or_vectors, *sets, **how)
    emit(result, str(result).splitlines(), as_json)
