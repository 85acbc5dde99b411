"""``wordsparse infer``: vectors of new words, inferred from a text that contains the words."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from wordsparse.cli.common import counted, emit, json_option, output_option, quiet_option, report_stream
from wordsparse.cli.options import column_options, corpus_argument, options_of, text_for
from wordsparse.corpus.options import TextOptions
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.files.escaping import number_of
from wordsparse.vectors import queries
from wordsparse.words.model import Model


@click.command("infer")
@click.argument("model")
@corpus_argument
@output_option("npz file, replaced if it exists.")
@click.option("--word", "words", multiple=True, help="Infer only this word; repeatable.  [default: all unknown words]")
@click.option(
    "--min-count", type=click.IntRange(min=1), default=2, show_default=True, help="Minimum count of an unknown word."
)
@column_options
@options_of(TextOptions, ["group_by", "order_by"])
@quiet_option
@json_option
def command(
    model: str,
    corpus: tuple[Path, ...],
    output: Path,
    words: tuple[str, ...],
    min_count: int,
    format: str | None,
    column: str | None,
    group_by: str | None,
    order_by: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Infer from a text the vectors of words that MODEL does not know. The model itself does not change.

    The text is split into words in the same way as the model's training text. The new vectors are comparable with the
    model's vectors. If the model has n-grams, the n-grams improve the vectors of rare words. With --group-by, rows that
    share a value form one sentence, as in training. - is standard input, which is kept in memory.
    """
    from wordsparse.corpus.reading import joined
    from wordsparse.corpus.sources import STANDARD_INPUT
    from wordsparse.files import storage
    from wordsparse.machine.threads import resolve_threads
    from wordsparse.unseen.infer import infer
    from wordsparse.vectors.formats import save_vectors
    from wordsparse.words.model_directory import files_of, load
    from wordsparse.words.prediction import log_of

    report = report_stream(output, as_json)
    storage.check_file(output)
    storage.check_apart(output, [*files_of(model), *corpus])
    trained = load(model)
    with Display(not quiet) as display:
        # A file is read twice. Standard input can be read only once, so its text is kept in memory.
        columns = {"column": column, "group_by": group_by, "order_by": order_by}
        is_log = group_by is not None or order_by is not None
        source = log_of(trained, [*corpus], format, **columns) if is_log else text_for(trained, corpus, format, column)
        sentences = list(joined(source.pieces())) if STANDARD_INPUT in corpus else None

        def text(phase: str) -> Iterator[list[str]]:
            return counted(sentences or joined(source.pieces(resolve_threads(None))), display, phase, "sentences")

        chosen = list(dict.fromkeys(_as_written(word, trained) for word in words))
        chosen = chosen or _unknown(text("count"), trained, min_count)
        new = infer(
            trained, text("read"), chosen, progress=lambda done: display.update("infer", "words", done, len(chosen))
        )
    save_vectors(new, output, "npz")
    result = {"output": str(output), "words": len(new), "dim": new.dim, "without_context": len(chosen) - len(new)}
    lines = [f"{number_of(len(new), 'word')} x {new.dim} -> {output}"]
    emit(result, lines, as_json, report)


def _as_written(word: str, trained: Model) -> str:
    """Return a word as the model's tokeniser writes it."""
    return written[0] if len(written := trained.split(word)) == 1 else word


def _unknown(text: Iterable[list[str]], trained: Model, min_count: int) -> list[str]:
    """Return the words of a text that are not in the vocabulary, most frequent first."""
    words = (str(queries.spelt(trained.wv, token)) for sentence in text for token in sentence)
    counts = Counter(word for word in words if word not in trained)
    chosen = [word for word, count in counts.most_common() if count >= min_count]
    if not chosen:
        raise InputError(
            f"the text holds no word that occurs {min_count} times and is not in the vocabulary: lower --min-count, "
            "or give more text"
        )
    return chosen
