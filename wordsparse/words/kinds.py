"""The kinds of data that ``--for`` (``kind`` in Python) accepts: how to read each kind, and its default options.

Kinds of text are defined here. Other sources are listed in :mod:`wordsparse.doors` or are entry points of installed
packages. docs/graphs.md lists the defaults of baskets and walks. docs/sentences.md and docs/searching.md have the
measurements behind the defaults of sentences and search.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from wordsparse.corpus.options import TextOptions
from wordsparse.doors import SOURCES
from wordsparse.errors import InputError

# The entry-point group in which installed packages register their sources.
GROUP = "wordsparse.sources"
TEXT = "text"
# The kinds whose words are items, which next predicts.
ITEMS = ("items", "sessions")
# The window for baskets: wider than nearly every basket, but bounds the cost of a basket with thousands of items.
BASKET_WINDOW = 255
# Comparing sentences means comparing topics, and a model learns topics from wide windows.
SENTENCE_WINDOW = 30
# Every word of a document says something about the document's topic, so the window is wide.
SEARCH_WINDOW = 100
# Words with the same stem usually belong to the same topic, so spelling gets a large weight.
SENTENCE_FORM = 6.0
# The defaults of all kinds. A kind may override some of these defaults.
GENERAL = {"model": "cbow", "window": 5, "direction": "both", "sample": 1e-3, "form": 1.0, "memory": False, "epochs": 5}


@dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes
    ----------
    about : str
        A sentence for the help.
    defaults : mapping
        At initialisation, only the options whose defaults differ from ``GENERAL``; afterwards, the defaults of all
        options.
    recipe : mapping
        Constants that override the recommended recipe: ``distances``, the weight of context words by distance, and
        ``negatives``, the weight that the loss bounded-ns gives to words that are not targets.
    export : mapping
        Arguments of ``coordinates.combined``. A larger ``exponent`` stresses what many nodes share, which helps when
        few nodes are labelled. ``popularity`` separates hubs from leaves. ``turn`` 0 keeps the vectors of linked nodes
        close.
    epochs_by_length : bool
        Whether short texts get more epochs than the default.
    by_evidence : bool
        Whether neighbours are ranked by :mod:`wordsparse.vectors.evidence`. Hubs and popular items would replace the
        neighbours of nodes and items.
    searched : bool
        Whether the sentences are documents to be searched. If True, the weights of words in texts are computed from
        these documents: :mod:`wordsparse.vectors.weights`.
    question : str
        A command to try on a trained model; {} stands for the path of the model.
    name : str
        The name of the kind, which a model records.
    open : callable, optional
        The class of the source; None for text, which is encoded.
    reading : type
        The options for reading the data.
    """

    about: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    export: Mapping[str, float] = field(default_factory=dict)
    epochs_by_length: bool = False
    by_evidence: bool = True
    searched: bool = False
    question: str = "similar {} WORD"
    name: str = TEXT
    open: Callable[..., Any] | None = None
    reading: type = TextOptions

    def __post_init__(self) -> None:
        object.__setattr__(self, "defaults", {**GENERAL, **self.defaults})


KINDS = {
    kind.name: kind
    for kind in (
        Kind("sentences of a language", epochs_by_length=True),
        Kind(
            "sentences of a language, to find similar texts",
            {"window": SENTENCE_WINDOW, "form": SENTENCE_FORM},
            epochs_by_length=True,
            name="sentences",
        ),
        Kind(
            "documents to be searched, one per line or row",
            {"window": SEARCH_WINDOW, "form": SENTENCE_FORM},
            epochs_by_length=True,
            searched=True,
            name="search",
        ),
        Kind(
            "baskets or other sets of items, in any order",
            {"window": BASKET_WINDOW, "sample": 0.0, "form": 0.0, "memory": True, "min_count": 1},
            {"distances": "equal"},
            {"turn": 0.0},
            epochs_by_length=True,
            by_evidence=False,
            question="next {} ITEM",
            name="items",
        ),
        Kind(
            "sessions, playlists or purchases of items, in the order of time",
            {"window": 10, "direction": "after", "sample": 0.0, "form": 0.0, "memory": True, "min_count": 1},
            export={"turn": 0.0},
            epochs_by_length=True,
            by_evidence=False,
            question="next {} ITEM",
            name="sessions",
        ),
        Kind(
            "walks on a graph",
            {"sample": 0.0, "form": 0.0, "min_count": 1},
            {"distances": "linear", "negatives": 20.0},
            {"exponent": 1.5, "popularity": 0.05, "turn": 0.0},
            by_evidence=False,
            name="walks",
        ),
    )
}


def kind_of(kind: object) -> Kind:
    """Return the kind of data for a name or a source object. Raise InputError if no kind has this name, or if the
    package of the source cannot be imported. Also raise InputError if the class of a source object has its own
    ``recipe`` or ``export`` but no registered name. A saved model records only the name of its kind, and uses this name
    to find ``recipe`` and ``export`` again."""
    if hasattr(kind, "passes"):
        return _of_object(kind)
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind]
    if (entry := _entry_point(kind)) is None:
        names = dict.fromkeys((*KINDS, *SOURCES, *sorted(entry_points(group=GROUP).names)))
        raise InputError(f"kind must be one of {', '.join(names)}, not {kind!r}")
    try:
        return _of_class(entry.load(), entry.name)
    except ImportError as error:
        raise InputError(f"--for {kind} (kind) needs {entry.module}, which cannot be imported: {error}") from error


def defaults_in_words(option: str) -> str:
    """Return the defaults of an option as text for its help message, such as ``5; 30 with --for sentences``."""
    general = KINDS[TEXT].defaults[option]
    others: dict[Any, list[str]] = {}
    for name, kind in KINDS.items():
        if kind.defaults[option] != general:
            others.setdefault(kind.defaults[option], []).append(name)
    texts = [f"{_shown(value)} with --for {' or '.join(names)}" for value, names in others.items()]
    return "; ".join([_shown(general), *texts])


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _entry_point(name: object) -> EntryPoint | None:
    if not isinstance(name, str):
        return None
    if name in SOURCES:
        return EntryPoint(name, SOURCES[name][0], GROUP)
    return next(iter(entry_points(group=GROUP, name=name)), None)


def _of_class(source: Any, name: str) -> Kind:
    """Return the kind of data for a source's class, using the class attributes ``kind`` and ``options``."""
    return replace(getattr(source, "kind", KINDS[TEXT]), name=name, open=source, reading=source.options)


def _of_object(source: object) -> Kind:
    """Return the kind of data for a source object: the kind of its class, with the name that ``--for`` accepts."""
    source_class = type(source)
    place = f"{source_class.__module__}:{source_class.__qualname__}"
    names = {path: name for name, (path, _) in SOURCES.items()}
    names |= {entry.value: entry.name for entry in entry_points(group=GROUP)}
    if place in names:
        return _of_class(source_class, names[place])
    kind: Kind = getattr(source, "kind", KINDS[TEXT])
    if kind.recipe or kind.export:
        raise InputError(
            f"{place}: a saved model finds the recipe and export constants of its source by name: register the "
            f"class as an entry point in the group {GROUP}"
        )
    return kind
