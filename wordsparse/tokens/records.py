"""Records of tokenisers: the arguments with which :func:`wordsparse.tokens.tokenizers.tokenizer` makes a tokeniser.

If a tokeniser was made from a file, its record holds the content of the whole file (``content``). On disk, a model or
an encoded corpus keeps the tokenizer file as ``tokenizer.json``. The manifest next to ``tokenizer.json`` holds the rest
of the record, including the SHA-256 of the file.
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

NAME = "tokenizer.json"
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
    """Write the tokenizer file, if ``text["tokenization"]`` holds one, into a folder. Return ``text`` without the
    content of the file."""
    record = text.get("tokenization") or {}
    if "content" not in record:
        return dict(text)
    with storage.synced(folder / NAME) as file:
        file.write(record["content"].encode())
    return {**text, "tokenization": {name: value for name, value in record.items() if name != "content"}}


def restored(folder: Path, text: Mapping[str, Any]) -> dict[str, Any]:
    """Invert :func:`written`: read the tokenizer file, if there is one, and return ``text`` with the file's content.

    Raise InputError if the file is missing or was altered.
    """
    recorded = (text.get("tokenization") or {}).get("tokens", "")
    if not recorded.startswith(DIGEST):
        return dict(text)
    record = _record(regular.read_text(folder / NAME, MOST_BYTES))
    if record["tokens"] != recorded:
        raise InputError(f"{folder / NAME}: does not match its checksum: it was altered or damaged; {storage.AGAIN}")
    return {**text, "tokenization": record}


def _record(content: str) -> dict[str, str]:
    return {"tokens": DIGEST + hashlib.sha256(content.encode()).hexdigest(), "content": content}
