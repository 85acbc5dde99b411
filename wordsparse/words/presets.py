"""What ``--for`` names: kinds of text and sources, those of :mod:`wordsparse.doors` and of installed packages.

docs/text.md and docs/sentences.md have the measurements behind the defaults of sentences, baskets and walks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from wordsparse.corpus.options import MIN_COUNT
from wordsparse.doors import SOURCES
from wordsparse.errors import InputError
from wordsparse.words.examples import Distances

# Where installed packages name sources of their own.
GROUP = "wordsparse.sources"
# The default window of baskets: as wide as nearly every basket, at a bounded cost in a file of long lines.
BASKET_WINDOW = 255
# That of vectors of sentences, which are compared by what they are about.
SENTENCE_WINDOW = 30
# Words that share a stem speak of the same thing, whatever form of it a sentence has.
SENTENCE_FORM = 6.0


@dataclass(frozen=True)
class Preset:
    """The defaults of a kind of sequences: ``about`` it in words, and ``options`` in place of the general ones.

    ``distances`` says how contexts count by distance, and ``negatives`` how much words that are not targets weigh in
    the loss bounded-ns; None for the recipe's. With ``epochs_by_length``, shorter texts have more epochs. ``export``
    are arguments of ``coordinates.combined``. Where few classes are known, what many nodes have in common tells most of
    them, by a larger ``exponent``; hubs and leaves differ in class, by ``popularity``; and output vectors without
    ``turn`` keep what words predict each other: the links of a graph.
    """

    about: str
    options: Mapping[str, Any] = field(default_factory=dict)
    min_count: int = MIN_COUNT
    distances: Distances | None = None
    export: Mapping[str, float] = field(default_factory=dict)
    negatives: float | None = None
    epochs_by_length: bool = False


PRESETS = {
    "text": Preset("sentences of a language", epochs_by_length=True),
    "sentences": Preset(
        "the same, for vectors of sentences: search, similar texts",
        {"window": SENTENCE_WINDOW, "form": SENTENCE_FORM},
        epochs_by_length=True,
    ),
    "items": Preset(
        "baskets, sessions or playlists of items, whose order does not count",
        {"window": BASKET_WINDOW, "sample": 0.0, "form": 0.0},
        min_count=1,
        distances="equal",
        export={"turn": 0.0},
    ),
    "walks": Preset(
        "walks on a graph",
        {"sample": 0.0, "form": 0.0},
        min_count=1,
        distances="linear",
        export={"exponent": 1.5, "popularity": 0.05, "turn": 0.0},
        negatives=20.0,
    ),
}


def preset(name: object) -> Preset:
    """The defaults of what ``--for`` names, a kind of text or a source; InputError if there is none."""
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    kind = source_kind(name)
    chosen: Preset = getattr(kind, "preset", PRESETS["text"])
    return chosen


def source_kind(name: object) -> Any:
    """The class of the source that ``--for`` names, see :class:`wordsparse.words.source.Source`; None for text."""
    if isinstance(name, str) and name in PRESETS:
        return None
    if not isinstance(name, str) or (entry := _entry_point(name)) is None:
        known = dict.fromkeys((*PRESETS, *SOURCES, *sorted(entry_points(group=GROUP).names)))
        raise InputError(f"preset must be one of {', '.join(known)}, not {name!r}")
    try:
        return entry.load()
    except ImportError as error:
        raise InputError(f"--for {name} (preset) needs {entry.module}, which cannot be imported: {error}") from error


def _entry_point(name: str) -> EntryPoint | None:
    if name in SOURCES:
        return EntryPoint(name, SOURCES[name][0], GROUP)
    return next(iter(entry_points(group=GROUP, name=name)), None)
