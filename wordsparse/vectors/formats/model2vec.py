"""The directory of a static sentence encoder, which Model2Vec and Sentence-Transformers' StaticEmbedding load.

``model.safetensors`` has a tensor ``embeddings`` (V + 1, dim): the vectors, and a row of zeros for unknown words.
``tokenizer.json`` (of the package tokenizers) maps whole words to rows. ``config.json`` and ``modules.json`` say what
kind of model it is. A text's vector is the mean of its known words' vectors.

Texts are cut at white space. Where no word of the vocabulary begins or ends with a punctuation mark beside a letter,
the vocabulary comes from text whose punctuation was set apart, and so is the punctuation of texts to encode:
``(Hello,`` is ``(``, ``Hello`` and ``,``. Where no word has a capital letter, texts are lower-cased.

float16 and int8 vectors are stored as such. int8 has one scale for all rows here, as Model2Vec's own has: the vectors
that are read back have another length, and the same directions up to rounding. Newer versions of Model2Vec would take a
scale for each row from a tensor ``weights``; older ones ignore it without a word, and texts would have other vectors.
Scores are the same with either (docs/vectors.md).
"""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import storage, system
from wordsparse.vectors.formats import safe_tensors
from wordsparse.vectors.formats.base import Content, Format
from wordsparse.vectors.precision import packed

CONFIG, TENSORS, TOKENIZER, MODULES = "config.json", "model.safetensors", "tokenizer.json", "modules.json"
CARD = "README.md"
MAX_TOKENIZER = 2**32
# A word with the marks inside it (don't, e-mail, 3.5), or a run of marks.
WORD = r"\w+(?:[^\w\s]+\w+)*|[^\w\s]+"


class Model2Vec(Format):
    """See the head of this file."""

    name, about = "model2vec", "a directory for Model2Vec and Sentence-Transformers; needs wordsparse[safetensors]"
    target = "directory"
    precisions = True

    def check(self, content: Content) -> None:
        safe_tensors.check_installed()
        for word in content.words:
            if len(word.split()) != 1 or word.strip() != word:
                raise InputError(
                    f"the word {word!r:.80} is empty or holds white space, at which model2vec's tokenizer cuts texts;"
                    " choose npz or safetensors, which can hold it"
                )

    def write(self, content: Content, target: Path, precision: str) -> None:
        vectors = np.concatenate([content.vectors, np.zeros((1, content.dim), np.float32)])
        if precision == "int8":
            stored: Any = np.rint(vectors * (127 / (float(np.abs(vectors).max()) or 1.0))).astype(np.int8)
        else:
            stored, _ = packed(vectors, precision)
        safe_tensors.save({"embeddings": stored}, target / TENSORS)
        config = {
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "hidden_dim": content.dim,
            "normalize": False,
            "max_length": None,
            "embedding_dtype": precision,
        }
        modules = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]
        contents = {TOKENIZER: _tokenizer(content.words), CONFIG: config, MODULES: modules}
        for name, data in contents.items():
            storage.write_file(target / name, json.dumps(data, ensure_ascii=False, indent=1).encode())
        storage.write_file(target / CARD, _card(content, precision).encode())
        system.sync(target / TENSORS)

    def read(self, path: Path) -> Content:
        """Read a directory written by :meth:`write`, or another model whose tokenizer knows whole words."""
        found = storage.read_json(path / TOKENIZER, MAX_TOKENIZER)
        (model,) = storage.objects(path / TOKENIZER, found, "model")
        vocabulary = model.get("vocab")
        if model.get("type") != "WordLevel" or not isinstance(vocabulary, dict):
            raise InputError(
                f"{TOKENIZER} cuts words into pieces: only WordLevel tokenizers have a vector for each word; choose "
                "such a model"
            )
        words = sorted(vocabulary, key=lambda word: _row(vocabulary[word]))
        if [vocabulary[word] for word in words] != list(range(len(words))):
            raise InputError(
                f"{TOKENIZER}: its words must be numbered from 0 without gaps; copy or write the directory again"
            )
        _, tensors = safe_tensors.load(path / TENSORS, "embeddings")
        vectors = tensors.get("embeddings")
        if vectors is None or vectors.ndim != 2 or len(vectors) != len(words) or vectors.dtype.kind not in "fi":
            raise InputError(
                f"{TENSORS} must have a tensor embeddings with a row for each of {len(words):,} words; copy or write "
                "the directory again"
            )
        kept = [row for row, word in enumerate(words) if word != model.get("unk_token")]
        return Content([words[row] for row in kept], vectors[kept].astype(np.float32))

    def recognises(self, path: Path, start: bytes) -> bool:
        return all(os.path.isfile(path / name) for name in (CONFIG, TENSORS, TOKENIZER))


def _card(content: Content, precision: str) -> str:
    """The model card that hubs show: what the model is and how it is loaded; its user adds language and licence."""
    return f"""---
library_name: model2vec
tags:
- static-embeddings
- sentence-similarity
- wordsparse
---
# Word vectors of {len(content.words):,} words

Vectors of {content.dim} numbers ({precision}), trained by wordsparse. The vector of a text is the mean of its words'.

    from model2vec import StaticModel
    model = StaticModel.from_pretrained("PATH")
    vectors = model.encode(["A text.", "Another one."])

Sentence-Transformers loads it too: `SentenceTransformer("PATH")`.

Before you publish it, name the text that it was trained on, its `language` and its `license` above.
"""


def _row(value: object) -> int:
    if type(value) is not int:
        raise InputError(f"{TOKENIZER}: a word's number cannot be {value!r:.40}; copy or write the directory again")
    return value


def _tokenizer(words: Sequence[str]) -> dict[str, Any]:
    """The content of tokenizer.json for these words, which have the rows 0 … V − 1."""
    known = set(words)
    unknown = "[UNK]"
    while unknown in known:
        unknown = f"[{unknown}]"
    has_marks_apart = all(re.fullmatch(WORD, word) for word in words)
    has_capitals = any(word != word.lower() for word in words)
    split = {"type": "Split", "pattern": {"Regex": WORD}, "behavior": "Removed", "invert": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None if has_capitals else {"type": "Lowercase"},
        "pre_tokenizer": split if has_marks_apart else {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: row for row, word in enumerate([*words, unknown])},
            "unk_token": unknown,
        },
    }
