"""Records of tokenisers: the arguments with which :func:`wordsparse.tokens.tokenizers.tokenizer` makes a tokeniser.

If a tokeniser was made from a file, its record holds the content of the whole file (``content``). If it joins phrases,
the record holds them as JSON (``phrases``). On disk, a model or an encoded corpus keeps these texts as
``tokenizer.json`` and ``phrases.json``. The manifest next to these files holds the rest of the record, including the
SHA-256 of each file.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.files import regular, storage
from wordsparse.options import meant
from wordsparse.tokens.tokenizers import DICTIONARIES, DIGEST, FUNCTION, TOKENIZERS, tokenizer

NAME, PHRASES = "tokenizer.json", "phrases.json"
MOST_BYTES = 2**28


def tokenization(tokens: str | os.PathLike[str]) -> dict[str, str]:
    """Return the record of a tokeniser, given its name or the path of its file (.json). The record is valid on any
    machine.

    Raise InputError if the name is unknown, or if the file is missing or holds no tokenizer.
    """
    name = os.fspath(tokens)
    if name.lower().endswith(".json"):
        with storage.naming(Path(name)):
            record = _record(regular.read_text(name, MOST_BYTES))
            tokenizer(**record)  # raises InputError if the file holds no tokenizer
        return record
    if name not in TOKENIZERS and name != FUNCTION:
        raise InputError(f"the tokeniser {name!r} is not known: {meant(name, [*TOKENIZERS, 'FILE.json'])}")
    if name in TOKENIZERS and TOKENIZERS[name].has_dictionary:
        dictionary = next((each for each in DICTIONARIES if optional.installed(f"sudachidict_{each}")), "small")
        return {"tokens": name, **({} if dictionary == "small" else {"dictionary": dictionary})}
    return {"tokens": name}


def written(folder: Path, text: Mapping[str, Any]) -> dict[str, Any]:
    """Write the files of the record ``text["tokenization"]``, if it has any, into a folder. Return ``text`` without the
    content of the files."""
    record = text.get("tokenization") or {}
    for name, content in ((NAME, record.get("content")), (PHRASES, record.get("phrases"))):
        if content is not None:
            with storage.synced(folder / name) as file:
                file.write(content.encode())
    return {**text, "tokenization": brief(record)} if record else dict(text)


def restored(folder: Path, text: Mapping[str, Any]) -> dict[str, Any]:
    """Invert :func:`written`: read the files, if there are any, and return ``text`` with their content.

    Raise InputError if a file is missing or was altered.
    """
    record = dict(text.get("tokenization") or {})
    if record.get("tokens", "").startswith(DIGEST):
        record["content"] = _content(folder / NAME, record["tokens"])
    if "phrases" in record:
        record["phrases"] = _content(folder / PHRASES, record["phrases"])
    return {**text, "tokenization": record} if record else dict(text)


def brief(record: Mapping[str, str]) -> dict[str, str]:
    """Return a record without the content of files, but with their SHA-256."""
    short = {name: value for name, value in record.items() if name != "content"}
    return {**short, "phrases": _digest(record["phrases"])} if "phrases" in record else short


def _content(path: Path, digest: str) -> str:
    content = regular.read_text(path, MOST_BYTES)
    if _digest(content) != digest:
        raise InputError(f"{path}: does not match its checksum: it was altered or damaged; {storage.AGAIN}")
    return content


def _digest(content: str) -> str:
    return DIGEST + hashlib.sha256(content.encode()).hexdigest()


def _record(content: str) -> dict[str, str]:
    return {"tokens": _digest(content), "content": content}
