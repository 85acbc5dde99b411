"""Writes the directory of a static sentence encoder for Model2Vec and Sentence-Transformers' StaticEmbedding.

``model.safetensors`` has a tensor ``embeddings`` (V + 1, dim): the words' unit vectors times their weights
(:mod:`wordsparse.vectors.weights`), and a row of zeros for unknown words. ``tokenizer.json``, in the format of the
package tokenizers, maps whole words to rows. ``config.json`` and ``modules.json`` describe the kind of model. As in
wordsparse, a text's vector is the mean of its known words' rows, scaled to unit length. Unlike in wordsparse, unknown
words get no vectors from n-grams. The format is written for other programs; wordsparse does not read it.

The tokenizer splits and lower-cases texts in the same way as the training text. If the training text was split at white
space, the vocabulary decides: outer punctuation is removed from texts if few words in the vocabulary have outer
punctuation, and texts are lower-cased if no word in the vocabulary has a capital letter. If the training text was split
with a tokenizer file, the same file is written. Each subword of the tokenizer file has a row, even if its vector is
composed of n-grams.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import storage, system
from wordsparse.tokens.tokenizers import APOSTROPHE, DIGEST, JAMO, LEFT_OUT, Splitter, read_file
from wordsparse.types import Array
from wordsparse.vectors.compact import dtype_of
from wordsparse.vectors.formats import safe_tensors
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.queries import spellings
from wordsparse.vectors.word_vectors import WordVectors

logger = logging.getLogger(__name__)

CONFIG, TENSORS, TOKENIZER, MODULES = "config.json", "model.safetensors", "tokenizer.json", "modules.json"
CARD = "README.md"
# Regular expressions that match the words of each tokeniser. For the tokeniser that splits at white space, SPLIT keeps
# outer punctuation, and BARE removes it.
SPLIT = r"\S+"
BARE = r"[^\s\p{P}](?:\S*[^\s\p{P}])?|(?<!\S)\p{P}+(?!\S)"
SIMPLE = r"[\p{L}\p{Nl}\p{No}_]+(?:[\p{M}\x{200C}\x{200D}]+[\p{L}\p{Nl}\p{No}_]*)*"
UNICODE = (
    r"[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_\x{200C}\x{200D}]|(?<=\p{L})['’.:·](?=\p{L})|(?<=\p{Nd})['’.,;](?=\p{Nd}))*"
)
PATTERNS = {"simple": SIMPLE, **dict.fromkeys(("unicode", "unicode-cased", "unicode-tr"), UNICODE)}
NORMAL_FORMS = {name: "NFC" if name == "simple" else "NFKC" for name in PATTERNS}
# Outer punctuation is removed from texts if at most this fraction of the words in the vocabulary has outer punctuation,
# such as "u.s.".
MARKED = 0.05
# The types of modules, by names that every version of Sentence-Transformers accepts.
MODULE_TYPES = {
    ".": "sentence_transformers.models.StaticEmbedding",
    "1_Normalize": "sentence_transformers.models.Normalize",
}


class Model2Vec(Format):
    """The file format described in the docstring of this module."""

    name, about = "model2vec", "a directory for Model2Vec and Sentence-Transformers; needs wordsparse[safetensors]"
    target = "directory"
    is_lossy = True
    readable = False

    def check(self, words: Sequence[Any], tokens: str = "split") -> None:
        safe_tensors.package()
        if tokens.startswith(DIGEST):
            return
        if tokens not in ("split", *PATTERNS):
            raise InputError(
                f"the tokenizer of model2vec cannot split texts as the model's own ({tokens}) does, and would find "
                "no word; train with a tokenizer file (--tokens FILE.json), which model2vec can use; or choose "
                "npz, and let wordsparse make the vectors of texts: wordsparse documents (model.encode)"
            )
        for word in words:
            if len(word.split()) != 1 or word.strip() != word:
                raise InputError(
                    f"the word {word!r:.80} is empty or holds white space, where model2vec's tokenizer cuts texts;"
                    " choose npz or safetensors, which can hold it"
                )

    def write(self, content: WordVectors, target: Path) -> None:
        if isinstance(content.split, Splitter) and "phrases" in content.split.tokenization:
            logger.warning("model2vec cannot join words: vectors of texts are those of single words, without phrases")
        vectors, tokenizer = (_of_pieces if content.tokens.startswith(DIGEST) else _of_words)(content)
        dtype = dtype_of(content.vectors)
        safe_tensors.save({"embeddings": _rounded(vectors, dtype)}, target / TENSORS)
        config = {
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "hidden_dim": content.dim,
            "normalize": True,
            "max_length": None,
            "embedding_dtype": dtype,
        }
        modules = [
            {"idx": number, "name": str(number), "path": path, "type": name}
            for number, (path, name) in enumerate(MODULE_TYPES.items())
        ]
        storage.write_file(target / TOKENIZER, tokenizer.encode())
        for name, data in ((CONFIG, config), (MODULES, modules)):
            storage.write_file(target / name, json.dumps(data, ensure_ascii=False, indent=1).encode())
        storage.write_file(target / CARD, _card(content).encode())
        system.sync(target / TENSORS)


def _card(content: WordVectors) -> str:
    """Return the model card. The card says what the model is and how to load it; users add the rest."""
    occurrences = "" if content.counts is None else f", in which these words occur {int(content.counts.sum()):,} times"
    return f"""---
library_name: model2vec
pipeline_tag: sentence-similarity
tags:
- static-embeddings
- sentence-transformers
- wordsparse
# language: the language of the text
# license: a licence that the text allows
# datasets: the text, if it is published
---
# An encoder of texts

The vector of a text is the mean of its words' vectors, rare words weighing more, scaled to unit length. wordsparse
trained {len(content):,} vectors of {content.dim} numbers on a text alone{occurrences}; no transformer was
distilled. Other words are left out.

    from model2vec import StaticModel
    vectors = StaticModel.from_pretrained("PATH").encode(["A text.", "Another one."])

    from sentence_transformers import SentenceTransformer
    vectors = SentenceTransformer("PATH").encode(["A text.", "Another one."])

Before you publish the model, fill in the fields language, license and datasets above, and add the model's scores below.
"""


def _rounded(vectors: Array, dtype: str) -> Array:
    """Return the embeddings in a type, as Model2Vec rounds them. All int8 rows have the same scale, which is not
    stored, because the vectors of texts are normalised."""
    largest = float(np.abs(vectors).max()) or 1.0
    return np.asarray(np.rint(vectors * (127 / largest)) if dtype == "int8" else vectors).astype(dtype)


def _of_words(content: WordVectors) -> tuple[Array, str]:
    """Return the embeddings of words, and the content of a tokenizer file that splits texts into these words."""
    weighted = content.unit * content.weights[:, None]
    vectors = np.concatenate([weighted, np.zeros((1, content.dim), np.float32)])
    return vectors, json.dumps(_tokenizer(content.words, content.tokens), ensure_ascii=False, indent=1)


def _of_pieces(content: WordVectors) -> tuple[Array, str]:
    """Return the embeddings of the subwords in a tokenizer file, and the content of the file. Subwords without a vector
    have rows of zeros."""
    assert isinstance(content.split, Splitter)
    text = content.split.tokenization["content"]
    file, pieces = read_file(text)
    weights = dict(zip(content.words, content.weights.tolist(), strict=True))
    numbers = range(max(file.get_vocab().values()) + 1)
    vectors = content.encode([[pieces[number]] if number in pieces else [] for number in numbers])
    vectors *= np.array([weights.get(pieces.get(number), 1) for number in numbers], np.float32)[:, None]
    members = json.loads(text)
    if members.get("truncation") or members.get("padding"):  # Sentence-Transformers would truncate and pad texts
        text = json.dumps({**members, "truncation": None, "padding": None}, ensure_ascii=False)
    return vectors, text


def _replaced(pattern: str, content: str) -> dict[str, Any]:
    """Return the normalizer that replaces each match of a regular expression by a constant."""
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _tokenizer(words: Sequence[str], tokens: str) -> dict[str, Any]:
    """Return the content of tokenizer.json for these words, whose rows are 0 … V − 1."""
    vocabulary = set(words)
    unknown = "[UNK]"
    while unknown in vocabulary:
        unknown = f"[{unknown}]"
    marked = sum(spellings(word)[1] != word for word in words)
    pattern = PATTERNS.get(tokens) or (BARE if marked <= MARKED * len(words) else SPLIT)
    is_raw = tokens not in NORMAL_FORMS
    # The normaliser NFKC would join jamo to the word before them, so texts lose their jamo.
    normalizers = [] if is_raw else [_replaced(JAMO.pattern, " "), {"type": NORMAL_FORMS[tokens]}]
    normalizers += [_replaced("I", "ı")] if tokens == "unicode-tr" else []
    normalizers += [] if any(word != word.lower() for word in words) else [{"type": "Lowercase"}]
    normalizers += [] if is_raw else [_replaced(LEFT_OUT.pattern, ""), _replaced(APOSTROPHE.pattern, "'")]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: row for row, word in enumerate([*words, unknown])},
            "unk_token": unknown,
        },
    }
