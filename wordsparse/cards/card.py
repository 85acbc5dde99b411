"""Cards: TOML files that describe public data: source, licence, checksum, and, of a text, how it is read."""

import os
import re
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.errors import InputError
from wordsparse.files import toml

T = TypeVar("T")
CHECKSUM = "(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64})"
# The members of the tables that are no text, and the form of those that are, where not every text serves.
KINDS = {"bytes": int, "members": list, "end": list, "download": dict, "files": dict}
FORMS = {
    "name": r"[\w-][\w.-]*",
    "wheel": r"[A-Za-z0-9][\w.-]*==\w[\w.+!]*",
    "url": r"https?://[^/\s]+/(\S*/)?[\w-][\w.-]*",
    "checksum": CHECKSUM,
    "text_checksum": CHECKSUM,
    "format": "|".join([*FORMATS, *TABLES]),
    "tokens": "|".join(TOKENIZERS),
}


@dataclass(frozen=True)
class Download:
    """A file on a server, from which the text is taken; what is None is not known.

    - ``url``, ``bytes``, ``checksum``: the file on the server.
    - ``members``: patterns of the names of the members of an archive (zip or tar) that are the text; None if the file
      itself is.
    - ``text_checksum``: of the text's only file, unpacked.
    - ``end``: of a text that is cut where it should not be, the last words to keep, and what to write after them.
    """

    url: str
    bytes: int | None = None
    checksum: str | None = None
    members: tuple[str, ...] | None = None
    text_checksum: str | None = None
    end: tuple[str, str] | None = None


@dataclass(frozen=True)
class Card:
    """A public text, or test sets.

    - ``format``, ``tokens``: how the files of a text are read, after they were fetched; None of test sets.
    - ``download``: its file on a server; or else
    - ``wheel``: ``name==version`` of a Python package whose wheel holds it; ``files``: the checksum of each path there.
    """

    name: str
    description: str
    licence: str
    format: str | None = None
    tokens: str | None = None
    download: Download | None = None
    wheel: str | None = None
    files: dict[str, str] = field(default_factory=dict)


def card_names() -> list[str]:
    """The names of the cards that are installed with the package."""
    return sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load_card(name: str | os.PathLike[str]) -> Card:
    """Read a card: one of :func:`card_names`, or a path (a Path, or a str that ends in .toml).

    InputError if there is no such card, if it is not TOML, or if a member is missing, unknown or of the wrong form.
    """
    if not isinstance(name, str) or name.endswith(".toml"):
        return _card(toml.load(name), os.fspath(name))
    if name not in card_names():
        raise InputError(f"there is no card {name!r}: choose one of {', '.join(card_names())}")
    entry = _folder() / f"{name}.toml"
    return _card(toml.loads(entry.read_text(encoding="utf-8"), str(entry)), str(entry))


def _folder() -> Any:
    return resources.files("wordsparse.corpora_cards")


def _card(content: dict[str, Any], where: str) -> Card:
    card = _made(Card, content, where)
    if bool(card.wheel and card.files) == bool(card.download):
        raise InputError(f"{where}: must have a download, or a wheel and files")
    if (card.download or card.format) and not (card.format and card.tokens):
        raise InputError(f"{where}: a text must have format and tokens")
    if card.download:
        card = replace(card, download=_made(Download, content["download"], f"{where}, download"))
    if wrong := [path for path, checksum in card.files.items() if not re.fullmatch(CHECKSUM, str(checksum))]:
        raise InputError(f"{where}: the checksum of {wrong[0]} has another form than md5:, sha1: or sha256: and digits")
    description, licence = (" ".join(text.split()) for text in (card.description, card.licence))
    return replace(card, description=description, licence=licence)


def _made(kind: type[T], content: Any, where: str) -> T:
    """An object of the members of a table; InputError unless these are its fields, each of its form."""
    if not isinstance(content, dict):
        raise InputError(f"{where}: must be a table, not {content!r:.80}")
    for key, value in content.items():
        form = FORMS.get(key, "(?s:.*)")
        if type(value) is not KINDS.get(key, str) or (isinstance(value, str) and not re.fullmatch(form, value)):
            raise InputError(f"{where}: {key} cannot be {value!r:.80}; correct it")
    try:
        return kind(**content)
    except TypeError as error:  # a field is missing or unknown
        raise InputError(f"{where}: {error}") from error
