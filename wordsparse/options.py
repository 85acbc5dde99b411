"""Options. Each option is declared once, as a dataclass field with a help text, a default, and whether ``resume`` may
change it.

The fields determine the signature and docstring of a function, the options of a command, and hints for misspelt names::

    @dataclass(frozen=True, kw_only=True)
    class Sizes:
        dim: int = option(100, "Number of dimensions.")

    @taking(Sizes)
    def train(corpus: Corpus, options: Sizes) -> Model: ...     # called as train(corpus, dim=50)
"""

import dataclasses
import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, overload

from wordsparse.errors import InputError

A = TypeVar("A")
B = TypeVar("B")
K = TypeVar("K")
P = ParamSpec("P")
R = TypeVar("R")

NO_LEARNING_RATE = "there is no learning rate to choose: the exact steps find their own length"
EVERY_OUTPUT = "the loss is exact over all words, so no negatives are sampled: leave the option out, or choose the loss"
PHRASES = "encode and train join words that occur together far more often than by chance, such as new_york: --phrases 1"
STRENGTH = "the strength is chosen in training, or by model.with_form(strength) in Python; --inflections has its own"
MEASURE = "it is a constant of the recipe, or an option in Python: wordsparse.train(..., measure_power=0.75)"
ONE_PASS = "a classifier of labels is fitted in one pass over the texts, so there are no epochs to choose"
OWN_PROBABILITIES = "a classifier of labels gives each label its own probability, as fastText's -loss ova does"
RANKED_AGAIN = "labels train ranks the best labels again if that helps: leave the option out"
TUNED = "a classifier of labels tunes itself on the rows that it is trained on"
LEMMAS = (
    "to train on lemmas, lemmatise the text before, for example with simplemma or spaCy, and write spaces between the "
    "words (docs/languages.md)"
)
LANGUAGES = f"tokens=unicode (--tokens unicode) splits most languages into words; {LEMMAS}"
STOP_WORDS = "there is no list of stop words: training subsamples frequent words (sample), and texts weigh them little"
NO_SOFTMAX = (
    "cross-entropy over all outputs has no exact step: take bounded-ns or, in a network with one target per example, "
    "wordsparse.torch.SampledOutput"
)
ROWS = "choose the rows of the table first, in a data frame or by DuckDB"
PERIODS = f"{ROWS} (docs/over-time.md)"

# A map from names in gensim and fastText (lower case, without - and _) to our name, or to a sentence of advice. Of
# several names or sentences, the first that suits the function or command counts.
_ELSEWHERE: dict[str, str | tuple[str, ...]] = {
    **dict.fromkeys(("vectorsize", "size", "dimension", "dimensions", "vectorlength"), "dim"),
    **dict.fromkeys(("workers", "thread", "cpus"), "threads"),
    **dict.fromkeys(("iter", "iterations", "epoch", "niter", "epochs"), ("epochs", ONE_PASS)),
    **dict.fromkeys(("sg", "cbow", "skipgram"), "model"),
    **dict.fromkeys(("ws", "windowsize", "context"), "window"),
    **dict.fromkeys(("mincount", "minfreq"), "min_count"),
    **dict.fromkeys(("maxvocabsize", "maxfinalvocab", "vocabsize"), "max_vocab"),
    **dict.fromkeys(("t", "subsample", "subsampling"), "sample"),
    **dict.fromkeys(("batchwords", "batchsize"), "batch_tokens"),
    "minn": "shortest",
    "maxn": "longest",
    **dict.fromkeys(("bucket", "subwords"), "form"),
    "form": ("form", STRENGTH),
    **dict.fromkeys(("validation", "holdout"), "heldout"),
    **dict.fromkeys(("randomstate", "randomseed"), "seed"),
    **dict.fromkeys(("pretrainedvectors", "pretrained"), "init"),
    **dict.fromkeys(("sentences", "corpusfile", "input"), "corpus"),
    **dict.fromkeys(("alpha", "minalpha", "lr", "learningrate", "lrupdaterate", "startalpha"), NO_LEARNING_RATE),
    **dict.fromkeys(("negative", "neg", "hs", "nsexponent"), EVERY_OUTPUT),
    **dict.fromkeys(("lower", "lowercase", "tokenizer"), "tokens"),
    **dict.fromkeys(("group", "user", "session"), "group_by"),
    **dict.fromkeys(("order", "sortby"), "order_by"),
    **dict.fromkeys(("topn", "topk", "k", "top", "count", "limit"), "n"),
    **dict.fromkeys(("verbose", "silent"), "quiet"),
    "quiet": "progress",
    "preset": "kind",
    "from": "since",
    "csv": "the method to_frame of what wordsparse.compare returns has the scores as a data frame",
    "measurepower": MEASURE,
    **dict.fromkeys(("phrases", "phrasethreshold", "bigrams"), ("phrases", PHRASES)),
    **dict.fromkeys(("connectorwords", "commonterms"), "connectors"),
    "wordngrams": ("ngrams", PHRASES),
    "loss": OWN_PROBABILITIES,
    "rerank": RANKED_AGAIN,
    **dict.fromkeys(
        (f"autotune{name}" for name in ("validation", "duration", "metric", "modelsize", "predictions")), TUNED
    ),
    **dict.fromkeys(("lemmas", "lemmatize", "lemmatise", "lemmatizer", "stem", "stemmer"), LEMMAS),
    **dict.fromkeys(("stopword", "stopwords", "stoplist"), STOP_WORDS),
    **dict.fromkeys(("lang", "language"), LANGUAGES),
    **dict.fromkeys(("mmap", "mmapmode"), "mapped"),
    **dict.fromkeys(("weight", "weights"), "weight_column"),
    **dict.fromkeys(("where", "filter"), ("filter", "candidates", ROWS)),
    "sliceby": PERIODS,
    "logfile": "log",
    "fitweights": "in Python, ws.Search(model.fit_weights(texts), texts) computes the weights of words from texts",
}


# A map from values used in other tools to our values, or to a sentence of advice.
_VALUES = {
    **dict.fromkeys(("sg", "skip-gram", "skip_gram"), "skipgram"),
    **dict.fromkeys(("ns", "neg", "negative-sampling", "sgns"), "bounded-ns"),
    **dict.fromkeys(("mse", "l2"), "squared"),
    **dict.fromkeys(("bce", "binary_cross_entropy", "bcewithlogits", "bce_with_logits", "logistic"), "bounded-ns"),
    **dict.fromkeys(("ce", "cross_entropy", "crossentropy", "cross-entropy", "nll"), NO_SOFTMAX),
    **dict.fromkeys(("gpu", "cuda:0"), "cuda"),
    **dict.fromkeys(("w2v", "txt", "text", "vec", "glove"), "word2vec"),
    **dict.fromkeys(("word2vec-binary", "bin", "binary"), "word2vec-bin"),
    **dict.fromkeys(("numpy", "npy"), "npz"),
    **dict.fromkeys(("static", "sentence-transformers"), "model2vec"),
    **dict.fromkeys(("czech", "danish", "dutch", "english", "finnish", "french", "german", "greek"), LANGUAGES),
    **dict.fromkeys(("hungarian", "italian", "korean", "norwegian", "polish", "portuguese", "romanian"), LANGUAGES),
    **dict.fromkeys(("russian", "slovak", "slovene", "spanish", "swedish", "turkish", "ukrainian"), LANGUAGES),
}


@dataclasses.dataclass(frozen=True)
class About:
    """The description of an option.

    Attributes
    ----------
    help : str
        The meaning, in a sentence or two.
    shown : str
        The default in words, if the default of the field is None.
    cli : str, optional
        The name on the command line, if it differs from the name in Python; None if the command line does not have the
        option.
    metavar : str, optional
        The placeholder for the value in the help of the command line.
    choices : mapping or sequence, optional
        The values to choose from. A mapping also describes each value.
    open : bool
        Whether values other than the choices are accepted, and checked only when they are used.
    free : bool
        Whether a resumed run may change the value. A change is allowed if the option does not affect the steps.
    check : callable, optional
        A function that takes the name and the value, and returns the value or raises InputError. The function is called
        when the object that holds the options is made, but not if the value is None.
    """

    help: str
    shown: str = ""
    cli: str | None = ""
    metavar: str | None = None
    choices: Mapping[str, str] | tuple[str, ...] | None = None
    open: bool = False
    free: bool = False
    check: Callable[[str, Any], Any] | None = None


class Checked:
    """The base class of dataclasses that hold options. None becomes the default of the field, every other value is
    checked, and NumPy scalars become Python numbers."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __post_init__(self) -> None:
        values, defaults = vars(self), type(self).__dataclass_fields__
        for name, about in abouts(type(self)).items():
            value = defaults[name].default if values[name] is None else values[name]
            if getattr(value, "shape", None) == ():
                value = value.item()  # JSON and TOML cannot hold NumPy numbers
            values[name] = value if value is None or about.check is None else about.check(name, value)


def option(default: Any, help: str, **about: Any) -> Any:
    """Return a dataclass field for an option. ``about`` holds the other attributes of :class:`About`."""
    return dataclasses.field(default=default, metadata={"about": About(help, **about)})


def _abouts(kind: type) -> dict[str, About]:
    return {field.name: field.metadata["about"] for field in dataclasses.fields(kind) if "about" in field.metadata}


abouts: Callable[[type], dict[str, About]] = functools.cache(_abouts)
"""Return a dict from the names of a class's options to their descriptions, in the order of the fields."""


def free(kind: type) -> set[str]:
    """Return the names of the options that a resumed run may change."""
    return {name for name, about in abouts(kind).items() if about.free}


class taking(Generic[P, K]):
    """A decorator that replaces the last argument of a function with keyword arguments, one for each field of a class.

    The original function receives an object of the class, which is made from the keywords. With ``as_said``, the
    original function receives the user's keywords as a mapping instead, and must check their names and values. An
    unknown keyword raises InputError with a hint. The line ``{options}`` in the docstring is replaced with descriptions
    of the fields.
    """

    def __init__(self, kind: Callable[P, K], *, as_said: bool = False) -> None:
        self._kind: Any = kind
        self._as_said = as_said

    @overload
    def __call__(self, function: Callable[[A, Any], R]) -> Callable[Concatenate[A, P], R]: ...
    @overload
    def __call__(self, function: Callable[[A, B, Any], R]) -> Callable[Concatenate[A, B, P], R]: ...
    def __call__(self, function: Any) -> Any:
        """Return a function that takes the fields as keywords, and calls ``function``."""
        *first, last = inspect.signature(function).parameters.values()
        places, options = [parameter.name for parameter in first], [*inspect.signature(self._kind).parameters]

        @functools.wraps(function)
        def called(*args: Any, **keywords: Any) -> Any:
            if len(args) > len(places):
                raise TypeError(
                    f"{function.__name__} takes {' and '.join(places)}, and options by name: {places[0]}, dim=50"
                )
            leading = {}
            for name in places[len(args) :]:
                if name in keywords:
                    leading[name] = keywords.pop(name)
            if not self._as_said:
                refuse_unknown(keywords, [*places, *options], skip=len(places))
            leading[last.name] = keywords if self._as_said else self._kind(**keywords)
            return function(*args, **leading)  # a missing argument raises TypeError here

        called.__signature__ = _signature(function, self._kind)  # type: ignore[attr-defined]
        called.__annotations__ = {**self._kind.__init__.__annotations__, **function.__annotations__}
        called.__doc__ = _described(function.__doc__ or "", self._kind)
        return called


def _signature(function: Callable[..., Any], kind: type) -> inspect.Signature:
    """Return the signature of a function, with the fields of a class as keywords in place of the last argument."""
    own = inspect.signature(function)
    *first, _ = own.parameters.values()
    fields = inspect.signature(kind).parameters.values()
    return own.replace(parameters=[*first, *(field.replace(kind=field.KEYWORD_ONLY) for field in fields)])


def _described(doc: str, kind: type) -> str:
    """Return a docstring in which the line ``{options}`` is replaced with a paragraph for each option."""
    marked = next((line for line in doc.splitlines() if line.strip() == "{options}"), None)
    if marked is None:
        return doc
    indent, fields = (
        marked[: len(marked) - len(marked.lstrip())],
        {field.name: field for field in dataclasses.fields(kind)},
    )
    lines, margin = [], f"{indent}    "
    for name, about in abouts(kind).items():
        field = fields[name]
        kinds = inspect.formatannotation(field.type) if not isinstance(field.type, str) else field.type
        lines.append(f"{indent}{name} : {kinds}")
        lines += textwrap.wrap(
            about.help + default_of(about, field.default), 120, initial_indent=margin, subsequent_indent=margin
        )
    return doc.replace(marked, "\n".join(lines))


def default_of(about: About, default: Any) -> str:
    """Return the default of an option in brackets, or "" if it is None, True or False."""
    text = about.shown or ("" if default is None or isinstance(default, bool) else str(default))
    return f"  [default: {text}]" if text else ""


def hint(
    name: str, known: Collection[str], shown: Callable[[str], str] = str, others: Mapping[str, Any] = _ELSEWHERE
) -> str:
    """Return a hint for the user about an unknown option, or "" if no option is similar.

    ``name`` is the name that the user typed; case, ``-`` and ``_`` make no difference. ``known`` are the existing
    names, with ``_``. ``shown`` is a function that turns a name into its written form, such as ``--min-count``.
    ``others`` maps names in other libraries (lower case, without ``-`` and ``_``) to our name, to a sentence of advice,
    or to a tuple of these.
    """
    elsewhere = others.get(name.lower().replace("_", "").replace("-", ""), ())
    for ours in (elsewhere,) if isinstance(elsewhere, str) else elsewhere:
        if ours in known:
            return f"did you mean {shown(ours)}?"
        if " " in ours:
            return str(ours)
    close = difflib.get_close_matches(name.lower().replace("-", "_"), known, 2, 0.7)
    return f"did you mean {' or '.join(map(shown, close))}?" if close else ""


def meant(value: object, choices: Collection[str]) -> str:
    """Return a hint for a value that is not among the choices. The hint names similar choices or, if there are none,
    all choices."""
    name = str(value).lower()
    if " " in _VALUES.get(name, ""):
        return _VALUES[name]
    close = [_VALUES[name]] if _VALUES.get(name) in choices else difflib.get_close_matches(name, choices, 2, 0.7)
    close = close or [choice for choice in choices if name and name in choice]
    return f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(choices)}"


def refuse_unknown(
    names: Iterable[str], known: Collection[str], skip: int = 0, others: Mapping[str, Any] = _ELSEWHERE
) -> None:
    """Raise InputError with a :func:`hint` for an unknown keyword. The first ``skip`` names in ``known`` are arguments,
    not options, so they are not suggested."""
    for name in names:
        if name not in known:
            advice = hint(name, known, others=others) or f"choose from {', '.join([*known][skip:])}"
            raise InputError(f"unknown option {name}: {advice}")
