"""A request to train, which is checked and completed once. A completed request is plain data.

The value of each option comes from four layers, each of which overrides the layers before it: the defaults for the kind
of data; the record of the run or model that is continued; the file given with ``--config``; and the user's own options.
If a layer does not set an option, the option is missing from this layer. None, in contrast, is a value that asks for
the default. A new text gets its own default number of epochs.
"""

import itertools
import logging
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus
from wordsparse.corpus.encoding import encoded
from wordsparse.corpus.options import ROWS, TextOptions
from wordsparse.corpus.sources import Corpus, files_at
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tables import column_names, format_of_name, guessed, needs_column
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.files.escaping import number_of
from wordsparse.machine import devices
from wordsparse.machine.threads import available_cpus
from wordsparse.options import abouts, refuse_unknown
from wordsparse.tokens import phrases
from wordsparse.tokens.records import restored
from wordsparse.tokens.tokenizers import FUNCTION, Splitter
from wordsparse.training import checkpoints, memory
from wordsparse.training.options import RunOptions
from wordsparse.training.run_directory import PREVIOUS, RunDirectory
from wordsparse.words import model_directory as models
from wordsparse.words.calibration import Features, read_features
from wordsparse.words.kinds import ITEMS, KINDS, TEXT, Kind, kind_of
from wordsparse.words.model import Model
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Source
from wordsparse.words.text_source import TextSource

# Options that a finished model does not pass on: a new text has its own number of epochs, and the model itself holds
# its features.
ANEW = ("epochs", "features")

RAW_TOKENS = "simple"
RAW_TEXT = (
    "the tokeniser simple splits the texts into lower-case words; tokens='split' (--tokens split) keeps them as they "
    "are, and unicode keeps digits, too"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A checked request to train.

    ``reading`` holds the options for reading the data, as the user gave them or a model recorded them. The options for
    reading are fields of the dataclass ``kind.reading``. ``options`` determine the steps; ``options.epochs`` is None if
    the number of epochs depends on the length of the data. ``features`` are the features of items, if a table is given.
    """

    kind: Kind
    corpus: Corpus
    reading: Mapping[str, Any]
    options: Options
    run: RunOptions
    device: devices.Choice
    features: Features | None = None

    @contextmanager
    def source(self, place: Path | None = None, **how: Any) -> Iterator[Source]:
        """Yield the source of the training data. Text is encoded in a temporary directory next to ``place``.

        ``how`` holds the ``known`` words and the ``progress`` of :func:`wordsparse.encode`.
        """
        if self.corpus.form == "source":
            yield self.corpus.given
        elif self.kind.open is not None:
            yield self.kind.open(self.corpus.given, self.kind.reading(**self.reading))
        else:
            fitting = {name: value for name, value in self.kind.defaults.items() if name in abouts(TextOptions)}
            how |= {"threads": self.options.threads, "are_items": self.kind.name in (*ITEMS, "walks")}
            how["are_documents"] = self.kind.searched
            with encoded(self.corpus, self.reading, fitting, place, **how) as corpus:
                if self.kind.name == "walks" and _are_pairs(corpus):
                    raise InputError(
                        "every line has two words, so this looks like a list of edges, not of walks: choose "
                        "a source that reads edges with --for (kind), such as graph"
                    )
                if corpus.advice is not None and self.run.output is not None and not self.run.resume:
                    remedy = "to replace it afterwards, add --overwrite (overwrite=True)"
                    logger.warning("%s will hold these words: %s", self.run.output, remedy)
                yield TextSource(corpus)

    def call(self) -> dict[str, Any]:
        """Return the options that a model records in addition to ``options``, in types that JSON and TOML can store."""
        paths = self.corpus.paths
        corpus = {} if paths is None else {"corpus": [os.fspath(path) for path in paths]}
        reading = {name: _recorded(value) for name, value in self.reading.items()}
        return {**reading, **corpus, **self.run.call()}


def request(corpus: Any, keywords: Mapping[str, Any], model: Model | None = None) -> Request:
    """Check and complete the request to train on ``corpus`` with the options that the user gave as ``keywords``.

    If ``resume`` is True, options that the user left out are taken from the run or the model at the output. If a
    ``model`` is trained further in memory, options left out are taken from this model. Raise InputError if an option is
    unknown, does not apply to this kind of data, or has a value that is out of range; or if the machine lacks the
    device or the memory.
    """
    data = Corpus.of(corpus)
    stored = _Stored.of_model(model) if model is not None else None
    if keywords.get("resume") and keywords.get("output"):
        stored = _Stored.of_output(Path(keywords["output"]))
    recorded = {} if stored is None else stored.steps(keywords)
    named = keywords.get("kind", recorded.get("kind"))
    kind = _kind(data, TEXT if named is None else named)
    _refuse_foreign(kind, data, keywords, with_run=model is None)
    if stored is not None and kind.name == recorded.get("kind"):
        data, reading = stored.reading(data, kind)
        recorded |= reading
    if stored is None and kind.reading is TextOptions:
        _refuse_log(data, kind, keywords)
        data, default = _tokenised(data, kind, keywords)
        recorded |= default
    values = {**recorded, **keywords, "kind": kind.name}
    values = {name: value for name, value in values.items() if value is not None}
    # If the kind has no name, options cannot look up its defaults, so the defaults must be passed explicitly.
    unnamed = kind.defaults if kind.name == TEXT and kind is not KINDS[TEXT] else {}
    steps, reading, run_options = _split({**unnamed, **values}, kind.reading)
    options, run, checked = Options(**steps), RunOptions(**run_options), kind.reading(**reading)
    reading = {name: getattr(checked, name) for name in reading}  # with Python's numbers in place of NumPy's
    if kind.name in (*ITEMS, "walks") and reading.get("phrases") is not None:
        raise InputError("phrases are of words in texts, not of items: leave phrases (--phrases) out")
    if kind.name in ITEMS and reading.get("weight_column") is not None and reading.get("group_by") is None:
        # The last item of a basket could not be held out: its copies would stay.
        raise InputError("weights of items (--weight-column) need grouped rows: name their column too (--group-by)")
    if kind.name in ITEMS and keywords.get("tokens") not in (None, "split"):
        logger.warning(
            "tokens: a tokeniser cuts names of items, such as K95.4-A, into words: leave tokens (--tokens) out"
        )
    if run.log is not None:
        storage.check_apart(run.log, [*(data.paths or ()), *models.files_of(run.init)])
    memory.check(1, options.dim)  # checked before the text is read
    if options.threads is not None and options.threads > (cpus := available_cpus()):
        logger.warning("%s threads share %s", options.threads, number_of(cpus, "CPU"))
    return Request(kind, data, reading, options, run, devices.choose(options.device), _features(options, reading))


def _tokenised(data: Corpus, kind: Kind, keywords: Mapping[str, Any]) -> tuple[Corpus, dict[str, Any]]:
    """Return the corpus and, if the user gave no tokeniser, the tokeniser of raw texts. The cells of a table, the str
    of an iterable, and documents to be searched are raw texts; items and walks are not."""
    if keywords.get("tokens") is not None or keywords.get("group_by") is not None or kind.name in (*ITEMS, "walks"):
        return data, {}
    is_raw = data.form in ("frame", "files") and keywords.get("column") is not None
    if data.form == "files":
        is_raw = is_raw or (kind.searched and keywords.get("format") is None)
    elif data.form == "items" and isinstance(data.given, Iterable):
        first, items = _first(data.given)
        is_text = isinstance(first, str | float)  # a missing text is NaN
        data, is_raw = Corpus(items, "items"), is_text if keywords.get("column") is None else True
    if is_raw:
        logger.warning("tokens: %s", RAW_TEXT)
    return data, {"tokens": RAW_TOKENS} if is_raw else {}


def _refuse_log(data: Corpus, kind: Kind, keywords: Mapping[str, Any]) -> None:
    """Raise InputError that shows the whole request if a table of items was given without the names of its columns."""
    if kind.name not in ITEMS or keywords.get("column") is not None:
        return
    for path in data.paths or ():
        if (format := keywords.get("format") or format_of_name(Path(path))) in TABLES and os.path.isfile(path):
            names = guessed(column_names(Path(path), format))
            names = {name: column for name, column in names.items() if name != "order_by" or kind.name == "sessions"}
            shell = " ".join(f"--{name.replace('_', '-')} {shlex.quote(column)}" for name, column in names.items())
            python = ", ".join(f"{name}={column!r}" for name, column in names.items())
            line = f"wordsparse train {shlex.quote(os.fspath(path))} --for {kind.name} {shell} -o MODEL"
            raise needs_column(Path(path), format, f"name the columns of items, users and times: {line} ({python})")


def _features(options: Options, reading: Mapping[str, Any]) -> Features | None:
    """Return the features in the table that the user gave. Raise InputError if the model would have no memory."""
    if options.features is None:
        return None
    if not options.memory:
        raise InputError("features (--features) are of items: choose --for items or sessions, and keep the memory")
    return read_features(options.features, reading.get("column"))


def _split(values: Mapping[str, Any], reading: type) -> list[dict[str, Any]]:
    """Split options by name into the options for the steps, for reading the data, and for the run."""
    parts: list[dict[str, Any]] = [{}, {}, {}]
    for name, value in values.items():
        for part, kind in zip(parts, (Options, reading, RunOptions), strict=True):
            if name in abouts(kind):
                part[name] = value
    return parts


def _kind(corpus: Corpus, name: Any) -> Kind:
    """Return the kind of the corpus if it is a source object, otherwise the kind with this ``name``."""
    if corpus.form != "source":
        return kind_of(name)
    kind = kind_of(corpus.given)
    if name in (TEXT, kind.name):
        return kind
    named = kind_of(name)
    if kind.name != TEXT or named.open is not None:
        raise InputError(f"kind: the corpus is a source of its own ({kind.about}), not {name}: leave kind out")
    return named


def _refuse_foreign(kind: Kind, corpus: Corpus, keywords: Mapping[str, Any], *, with_run: bool) -> None:
    """Raise InputError if an option is unknown, or does not apply to this kind of data."""
    known = [*abouts(Options), *abouts(kind.reading), *(abouts(RunOptions) if with_run else ())]
    for name in keywords:
        if corpus.form == "source" and (name in abouts(kind.reading) or name in abouts(TextOptions)):
            raise InputError(f"{name}: says how text is read, but the corpus is a Source: leave {name} out")
        if name not in known and name in abouts(TextOptions):
            raise InputError(f"{name}: does not apply to the kind of data in kind (--for): leave {name} out")
        if name not in known:
            refuse_unknown([name], ["corpus", *known], skip=1)


class _Stored(NamedTuple):
    """The record of a run or a model: the options for the steps, the identity of the text, and all remaining
    options."""

    options: Mapping[str, Any]
    text: Mapping[str, Any]
    call: Mapping[str, Any]

    @classmethod
    def of_model(cls, model: Model) -> "_Stored":
        """Return the record of a finished model."""
        return cls(_without(model.options, *ANEW), model.trained().text, model.call)

    @classmethod
    def of_output(cls, output: Path) -> "_Stored | None":
        """Return the record of the interrupted run for an output. If there is no interrupted run, return the record of
        the model at the output, or None if there is no model."""
        directory = RunDirectory(output)
        for path in (each / checkpoints.MANIFEST for each in directory.checkpoints()):
            with suppress(InputError), storage.trusting(path):  # the run itself will report any damage
                manifest = storage.read_manifest(path, checkpoints.FORMAT, checkpoints.VERSION)
                recorded = manifest["request"]
                return cls(recorded["options"], restored(path.parent, recorded["text"]), recorded["call"])
        for path in (each / models.MANIFEST for each in (directory.path / PREVIOUS, output) if models.is_model(each)):
            manifest = models.manifest_of(path.parent)
            with storage.trusting(path):
                text = restored(path.parent, (manifest["training"] or {"text": {}})["text"])
                return cls(_without(manifest["options"], *ANEW), text, manifest["call"])
        return None

    def steps(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recorded options for the steps. If the user gave a loss or a recipe, leave out loss and recipe."""
        if "loss" in keywords or "recipe" in keywords:
            return _without(self.options, "loss", "recipe")
        recipe = self.options.get("recipe")
        return {**self.options, "recipe": None if recipe is None else Recipe.from_dict(recipe)}

    def reading(self, corpus: Corpus, kind: Kind) -> tuple[Corpus, dict[str, Any]]:
        """Return the corpus and the options for reading it ({} for encoded text). The corpus yields all items, even if
        this function has read the first item from an iterator."""
        call = {name: value for name, value in self.call.items() if name in abouts(kind.reading)}
        if kind.reading is not TextOptions:
            return corpus, call
        if corpus.form in ("source", "encoded"):
            return corpus, {}
        counts = {name: self.text[name] for name in ("min_count", "max_vocab") if name in self.text}
        options = {**call, **counts}
        if tokenization := self.text.get("tokenization"):
            options["tokens"] = Splitter(**tokenization).without_phrases()
            if "phrases" in tokenization:  # the phrases of the first text, not new phrases
                options["phrases"] = phrases.read(tokenization["phrases"])
        if corpus.form == "frame":
            return corpus, _without(options, "format")
        if corpus.paths is not None:
            files = itertools.chain.from_iterable(files_at(Path(path), []) for path in corpus.paths)
            are_rows = "column" in call and all(map(format_of_name, files))
            same = [os.fspath(path) for path in corpus.paths] == self.call.get("corpus")
            return corpus, options if are_rows or same else _without(options, *ROWS)
        first, items = _first(corpus.given)
        if isinstance(first, Mapping):
            return Corpus.of(items), _without(options, "format")
        return Corpus.of(items), _without(options, *ROWS, *([] if isinstance(first, str) else ["tokens"]))


def _recorded(value: Any) -> Any:
    """Return the value of an option for reading, converted to a type that JSON and TOML can store."""
    if isinstance(value, Splitter):
        return value.tokens
    if isinstance(value, phrases.Phrases):
        return len(value.passes)
    if callable(value):
        return FUNCTION
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _without(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


def _first(items: Any) -> tuple[Any, Any]:
    """Return the first item of an iterable, and an iterable of all items."""
    iterator: Iterator[Any] = iter(items)
    first = next(iterator, None)
    return first, items if first is None or iterator is not items else itertools.chain([first], iterator)


def _are_pairs(corpus: EncodedCorpus) -> bool:
    """Return whether all sentences seem to have two tokens, judging by the totals and the first sentences."""
    first = corpus.shards[0][: 3 * 1000]
    return corpus.tokens == 2 * corpus.sentences and bool((first[2::3] == END_OF_SENTENCE).all())
