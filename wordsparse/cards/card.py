"""Cards: TOML files that describe public data by its source, licence, checksum and, for a text, how to read it."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from wordsparse.errors import InputError
from wordsparse.files import regular
from wordsparse.files.storage import NAME_BYTES

RECORD = "_fetched.json"
"""The file written next to a fetched text. Readers of the directory skip this file, because its name begins with _."""
_ALGORITHMS = {name for name in hashlib.algorithms_guaranteed if hashlib.new(name).digest_size}
"""The hash algorithms whose digests have a fixed length."""


@dataclass(frozen=True)
class Card:
    """A card of a public text or of test sets. A field whose value is unknown is None.

    - ``url``, ``bytes``, ``checksum``: the file on the server.
    - ``members``: for an archive (zip or tar), patterns for the names of the members to unpack, each with a checksum,
      or "" for an unknown checksum; empty if the file itself is the text.
    - ``format``, ``tokens``: how to read the text; None for test sets.
    """

    name: str
    description: str
    licence: str
    url: str
    bytes: int | None = None
    checksum: str | None = None
    members: dict[str, str] = field(default_factory=dict)
    format: str | None = None
    tokens: str | None = None

    @property
    def file(self) -> str:
        """The name of the file on the server."""
        return self.url.rpartition("/")[2]

    @property
    def known(self) -> str | None:
        """The checksums that detect a changed file, or None if there are none."""
        return self.checksum or ", ".join(filter(None, self.members.values())) or None


def card_names() -> list[str]:
    """Return the names of the cards that are installed with the package."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load_card(name: str | os.PathLike[str]) -> Card:
    """Read a card: one of :func:`card_names`, or a path (a Path, or a str that ends in .toml).

    Raise InputError if there is no such card, if it is not TOML, or if one of its fields is missing or unknown.
    """
    where = Path(name)
    if isinstance(name, str) and where.suffix != ".toml":
        where = _folder() / f"{name}.toml"
        if name not in card_names():
            raise InputError(f"there is no card {name!r}: choose one of {', '.join(card_names())}")
    content = regular.read_toml(where)
    try:
        card = Card(**content.pop("download"), **content)
        kinds = {"bytes": int, "members": dict}
        for member, value in vars(card).items():
            if value is not None and type(value) is not kinds.get(member, str):
                raise TypeError(f"{member} = {value!r:.80}")
        description, licence = (" ".join(text.split()) for text in (card.description, card.licence))
        checksums = [card.checksum, *card.members.values()]
        wrong = [checksum for checksum in checksums if checksum and not _is_checksum(checksum)]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: a field is missing, unknown or of another type: {error}") from error
    if wrong:
        raise InputError(f"{where}: a checksum is an algorithm and its digits, like sha256:0b4e…, not {wrong[0]!r:.80}")
    if (card.format is None) != (card.tokens is None):
        raise InputError(f"{where}: the card of a text must have format and tokens")
    if not card.url.startswith(("http://", "https://")):
        raise InputError(f"{where}: url must begin with http:// or https://, not {card.url!r:.80}")
    for member, name in {"name": card.name, **({} if card.members else {"url": card.file})}.items():
        if not is_file_name(name):
            raise InputError(f"{where}: its {member} has {name!r:.80}, which cannot be the name of a file: correct it")
    return replace(card, description=description, licence=licence)


def is_file_name(name: str) -> bool:
    """Return whether a name from a card or an archive can be used as the name of a file in the output directory."""
    usable = name.isprintable() and "/" not in name and name not in ("", ".", "..", RECORD)
    return usable and len(name.encode()) <= NAME_BYTES


def _is_checksum(text: str) -> bool:
    algorithm, _, digits = text.partition(":")
    return algorithm in _ALGORITHMS and digits != ""


def _folder() -> Path:
    return Path(str(resources.files("wordsparse.corpora_cards")))
