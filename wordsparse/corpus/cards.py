"""Corpus cards: TOML files that describe a public text: its source, its licence and its format."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from wordsparse import optional
from wordsparse.corpus.reading import FORMATS, sentences
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.errors import InputError
from wordsparse.files import regular

CARD_BYTES = 2**20


@dataclass(frozen=True)
class CardFile:
    """One file of a card's text, found in ``folder`` of the installed ``package``."""

    name: str
    format: str
    bytes: int
    sha256: str
    package: str
    folder: str

    def path(self) -> Path:
        """The path of the file; MissingDependencyError if its package is not installed."""
        return optional.folder(f"the text {self.name}", "gensim") / self.folder / self.name


@dataclass(frozen=True)
class Card:
    """A public text: its description, its licence and its files in reading order."""

    name: str
    description: str
    licence: str
    tokens: str
    files: tuple[CardFile, ...]

    def sentences(self) -> Iterator[list[str]]:
        """The sentences of all files, in order. The call checks every file before it reads the first one.

        Raises
        ------
        InputError
            If a file is missing or differs from the card's description.
        MissingDependencyError
            If the package that ships a file is not installed.
        """
        for file in self.files:
            _check_file(file)
        return (sentence for file in self.files for sentence in sentences(file.path(), file.format, self.tokens))


def load_card(path: str | os.PathLike[str]) -> Card:
    """Read a card.

    Raises
    ------
    InputError
        If the file is missing or not TOML, or if a member is missing, unknown or of the wrong type.
    """
    try:
        content = tomllib.loads(regular.read_text(path, CARD_BYTES))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is not valid TOML: {error}") from error
    members = {"name": str, "description": str, "licence": str, "tokens": str, "files": list}
    _check_members(content, members, str(path))
    if content["tokens"] not in TOKENIZERS:
        raise InputError(f"{path}: tokens must be one of {', '.join(TOKENIZERS)}, not {content['tokens']!r}")
    if not content["files"]:
        raise InputError(f"{path}: must describe at least one file")
    files = tuple(_card_file(entry, f"{path}, file {i}") for i, entry in enumerate(content["files"], 1))
    return Card(**{**content, "files": files})


def _card_file(entry: Any, where: str) -> CardFile:
    members = {"name": str, "format": str, "bytes": int, "sha256": str, "package": str, "folder": str}
    if not isinstance(entry, dict):
        raise InputError(f"{where}: must be a table")
    _check_members(entry, members, where)
    if entry["format"] not in FORMATS:
        raise InputError(f"{where}: unknown format {entry['format']!r}: choose one of {', '.join(FORMATS)}")
    if not re.fullmatch("[0-9a-f]{64}", entry["sha256"]):
        raise InputError(f"{where}: sha256 must be 64 hexadecimal digits")
    if entry["package"] != "gensim":
        raise InputError(f"{where}: texts are taken from the package gensim only, not from {entry['package']!r}")
    inside = PurePosixPath(entry["folder"]) / entry["name"]
    if inside.is_absolute() or ".." in inside.parts or "/" in entry["name"]:
        raise InputError(f"{where}: {str(inside)!r} must be inside the package")
    return CardFile(**entry)


def _check_members(content: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> None:
    if wrong := content.keys() ^ kinds.keys():
        raise InputError(f"{where}: missing or unknown: {', '.join(sorted(wrong))}")
    for key, kind in kinds.items():
        if type(content[key]) is not kind:
            raise InputError(f"{where}: {key} must be of type {kind.__name__}")


def _check_file(file: CardFile) -> None:
    path = file.path()
    if not path.is_file():
        raise InputError(f"{path}: is missing: this {file.package} does not ship the text that the card describes")
    if path.stat().st_size != file.bytes or regular.sha256_of(path) != file.sha256:
        raise InputError(f"{path}: is not the file that the card describes (its size or checksum differs)")
