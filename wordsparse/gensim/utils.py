"""The functions and constants of gensim.utils that programs with Word2Vec use."""

import re
import unicodedata

from wordsparse.gensim.passing import gensims
from wordsparse.gensim.texts import DEFAULT as RULE_DEFAULT
from wordsparse.gensim.texts import DISCARD as RULE_DISCARD
from wordsparse.gensim.texts import KEEP as RULE_KEEP

__all__ = ["RULE_DEFAULT", "RULE_DISCARD", "RULE_KEEP", "deaccent", "simple_preprocess"]
_WORD = re.compile(r"[^\W\d]+")


def simple_preprocess(doc: str | bytes, deacc: bool = False, min_len: int = 2, max_len: int = 15) -> list[str]:
    """The lower-case words of a text, without digits, of ``min_len`` to ``max_len`` letters.

    Parameters
    ----------
    doc : str or bytes
        Bytes are decoded as UTF-8; invalid ones are left out.
    deacc : bool
        Whether to remove accents.
    min_len, max_len : int
        Shorter and longer words, and words with an underscore at the start, are left out.
    """
    text = (doc if isinstance(doc, str) else doc.decode(errors="ignore")).lower()
    words = _WORD.findall(deaccent(text) if deacc else text)
    return [word for word in words if min_len <= len(word) <= max_len and not word.startswith("_")]


def deaccent(text: str | bytes) -> str:
    """The text without accents: ``"Šéf"`` becomes ``"Sef"``."""
    decomposed = unicodedata.normalize("NFD", text if isinstance(text, str) else text.decode())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if unicodedata.category(c) != "Mn"))


__getattr__ = gensims(__name__)
