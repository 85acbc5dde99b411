"""Records of tokenisers: the arguments by which :func:`wordsparse.tokens.tokenizers.tokenizer` makes one again.

The record of a tokenizer file holds the whole file (``content``). A directory of ours keeps the file as
``tokenizer.json``, and its manifest holds the rest of the record, which names the file's SHA-256.
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
    """Return the record of a tokeniser, by its name or the path of its file (.json), valid on any machine.

    InputError if the name is unknown, or the file is missing or holds no tokenizer.
    """
    name = os.fspath(tokens)
    if name.lower().endswith(".json"):
        with storage.naming(Path(name)):
            record = _record(regular.read_text(name, MOST_BYTES))
            tokenizer(**record)  # InputError if it is none
        return record
    if name not in TOKENIZERS and name != FUNCTION:
        raise InputError(f"the tokeniser {name!r} is not known: {meant(name, [*TOKENIZERS, 'FILE.json'])}")
    if name in TOKENIZERS and TOKENIZERS[name].has_dictionary:
        dictionary = next((each for each in DICTIONARIES if optional.installed(f"sudachidict_{each}")), "small")
        return {"tokens": name, **({} if dictionary == "small" else {"dictionary": dictionary})}
    return {"tokens": name}


def written(folder: Path, text: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a text without the content of its tokenizer file, which is written to a folder."""
    record = text.get("tokenization") or {}
    if "content" not in record:
        return dict(text)
    with storage.synced(folder / NAME) as file:
        file.write(record["content"].encode())
    return {**text, "tokenization": {name: value for name, value in record.items() if name != "content"}}


def restored(folder: Path, text: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a text with the content of its tokenizer file, which is read from a folder.

    InputError if the file is missing or was altered.
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
