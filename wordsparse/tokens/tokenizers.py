"""Makes tokenisers from a name or the content of a tokenizer file. A tokeniser is a function that splits a text into
tokens."""

import json
import operator
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache, cached_property, partial
from typing import Any, NamedTuple, TypeAlias

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.tokens import phrases as joints
from wordsparse.tokens.long_runs import in_parts, places_of, ranges

Tokenizer: TypeAlias = Callable[[str], list[str]]

# A pattern for words that contain a letter, a digit or an emoji. Words end at Unicode's default boundaries (UAX 29).
_UNICODE_WORD = r"(?w)\b(?:[\w\p{Emoji_Presentation}]|\p{Emoji}\uFE0F).*?\b"
# A pattern that cuts a text, if possible at ends of sentences or white space, into parts of at most 8,001 characters.
# Sudachi refuses texts of more than 49,149 bytes.
_PART = re.compile(r".{1,8000}[。．！？\s]|.{1,8000}", re.DOTALL)
# Marks that are left out of normalised texts, as in search engines: the dot above i, which is left of a lower-cased
# Turkish İ, the Arabic tatweel, and Russian stress marks. Each alternative begins with its mark, which makes searches
# fast.
LEFT_OUT = re.compile("\u0307(?<=i\u0307)(?![\u0300-\u036f])|\u0640|\u0301(?<=[\u0400-\u052f]\u0301)")
# A typographic apostrophe inside a word, which becomes a straight one, as in search engines.
APOSTROPHE = re.compile(r"(?<=\w)\u2019(?=\w)")
# Runs of Hangul compatibility jamo, such as ㅋㅋㅋ, which are words of their own. NFKC would turn them into parts of
# syllables, which continue the word before them.
JAMO = re.compile("([\u3131-\u3163\u3165-\u318e]+)")

# The name that a model records if its tokeniser is a Python function.
FUNCTION = "(a function)"
# The name of a tokeniser made from a file is this prefix followed by the SHA-256 of the file.
DIGEST = "sha256:"
# Dictionaries of Sudachi (packages sudachidict_core and sudachidict_small). The first dictionary that is installed is
# used.
DICTIONARIES = ("core", "small")


class NamedTokenizer(NamedTuple):
    """A tokeniser: a line for help messages, the function that makes the tokeniser, and whether this function takes a
    dictionary."""

    about: str
    make: Callable[..., Tokenizer]
    has_dictionary: bool = False


def tokenizer(
    tokens: str, dictionary: str | None = None, content: str | None = None, phrases: str | None = None
) -> Tokenizer:
    """Make a tokeniser from its name, or from the content of a tokenizer file. Some tokenisers also need a dictionary.
    If there are ``phrases`` (:func:`wordsparse.tokens.phrases.read`), the tokeniser joins them.

    Raise InputError if the name is unknown or the content is not a tokenizer. Raise MissingDependencyError if the
    tokeniser's package is not installed.
    """
    split = _plain(tokens, dictionary, content)
    if phrases is None:
        return split
    join = joints.read(phrases)
    return lambda text: join(split(text))


def _plain(tokens: str, dictionary: str | None, content: str | None) -> Tokenizer:
    """Make a tokeniser that joins no phrases."""
    if content is not None:
        return _of_file(content)
    if tokens == FUNCTION:
        raise InputError("the text was split by a Python function: give the function (tokens=), or lists of tokens")
    if tokens not in TOKENIZERS:
        raise InputError(f"unknown tokeniser {tokens!r}: choose one of {', '.join(TOKENIZERS)}")
    if TOKENIZERS[tokens].has_dictionary:
        return TOKENIZERS[tokens].make(dictionary or "small")
    return TOKENIZERS[tokens].make()


class Splitter:
    """A function that splits text into words exactly as `encode` does. Its initialisation takes the arguments of
    :func:`tokenizer`.

    ``tokenization`` holds the arguments that are not None, as in :mod:`wordsparse.tokens.records`. The tokeniser's
    package is imported when the first text is split.
    """

    def __init__(
        self, tokens: str, dictionary: str | None = None, content: str | None = None, phrases: str | None = None
    ) -> None:
        self.tokens = tokens
        arguments = {"tokens": tokens, "dictionary": dictionary, "content": content, "phrases": phrases}
        self.tokenization = {name: value for name, value in arguments.items() if value is not None}

    def __call__(self, text: str) -> list[str]:
        return [word for line in text.split("\n") for word in self._tokenize(line)]

    def without_phrases(self) -> "Splitter":
        """Return the same tokeniser, which joins no phrases."""
        if "phrases" not in self.tokenization:
            return self
        return Splitter(**{name: value for name, value in self.tokenization.items() if name != "phrases"})

    @cached_property
    def join(self) -> Callable[[list[str]], list[str]]:
        """A function that joins the phrases in a list of words."""
        return joints.read(self.tokenization["phrases"]) if "phrases" in self.tokenization else list

    @cached_property
    def _tokenize(self) -> Tokenizer:
        return tokenizer(**self.tokenization)

    def __reduce__(self) -> tuple[Callable[[], "Splitter"], tuple[()]]:
        """Copy or pickle only the arguments, because the tokenisers of some packages cannot be copied."""
        return partial(Splitter, **self.tokenization), ()


def checked(tokenize: Callable[[str], Any]) -> Tokenizer:
    """Wrap a user's function, so that it returns a new list of words, or raises TypeError."""

    def words_of(text: str) -> list[str]:
        words = tokenize(text)
        if isinstance(words, str | bytes) or not isinstance(words, Iterable):
            raise TypeError(f"it returns {words!r:.80}, not a list of words")
        words = list(words)  # the function may reuse its list for the next text
        for word in words:
            if not isinstance(word, str):
                raise TypeError(f"it returns {word!r:.80} as a word, not a str")
        return words

    return words_of


def _split() -> Tokenizer:
    return str.split


def _simple() -> Tokenizer:
    """Make a tokeniser like gensim's ``utils.tokenize``, which returns lower-case runs of letters. Unlike gensim's
    function, the tokeniser keeps combining marks, and returns text in NFC."""
    words = _runs_of_letters().findall
    return in_parts(lambda text: words(without_marks(unicodedata.normalize("NFC", text.lower()))))


@cache
def _runs_of_letters() -> re.Pattern[str]:
    """Compile a pattern for runs of letters, combining marks and joiners. The module ``re`` has no class for marks."""
    marks = ranges(places_of("M"))
    # The look-ahead saves searching 300 ranges for each letter of a Latin word.
    return re.compile(rf"[^\W\d]+(?:(?=[\u0300-\U0010ffff])[{marks}\u200c\u200d]+[^\W\d]*)*")


def _nfkc(text: str) -> str:
    """Return a text in form NFKC, but with runs of JAMO unchanged, and spaces around them."""
    normal = unicodedata.normalize("NFKC", text)
    if normal == text or len(parts := JAMO.split(text)) == 1:
        return normal
    parts[::2] = [unicodedata.normalize("NFKC", part) for part in parts[::2]]
    return " ".join(parts)


def without_marks(text: str) -> str:
    """Return a normalised text without the marks of LEFT_OUT."""
    return LEFT_OUT.sub("", text) if "\u0307" in text or "\u0301" in text or "\u0640" in text else text


def folded(text: str) -> str:
    """Return a normalised text without the marks of LEFT_OUT, and with straight apostrophes inside words."""
    text = without_marks(text)
    return APOSTROPHE.sub("'", text) if "\u2019" in text else text


def _unicode(lower: Callable[[str], str] = str) -> Tokenizer:
    regex = optional.load("a Unicode tokeniser", "regex")
    words = regex.compile(_UNICODE_WORD, regex.DOTALL).findall
    return in_parts(lambda text: list(words(folded(lower(_nfkc(text))))))


def _turkish(text: str) -> str:
    """Return a text in lower case by the rules of Turkish and Azerbaijani: I becomes ı, and İ becomes i."""
    return text.replace("I", "ı").lower()


def _japanese(dictionary: str, base: bool) -> Tokenizer:
    optional.load("the Japanese tokeniser", f"sudachidict_{dictionary}")
    words = optional.load("the Japanese tokeniser", "sudachipy").Dictionary(dict=dictionary)
    local = threading.local()  # Sudachi raises an error if two threads use one tokeniser at once
    # In Sudachi's normalised form, the inflections and spellings 食べた, たべる and 食べる become one word.
    form = operator.methodcaller("normalized_form" if base else "surface")

    def tokenize(text: str) -> list[str]:
        if not hasattr(local, "sudachi"):
            local.sudachi = words.tokenizer()
        text = without_marks(_nfkc(text).lower())
        parts = [text] if len(text) <= 8000 else _PART.findall(text)
        return [word for part in parts for morpheme in local.sudachi.tokenize(part) if _is_word(word := form(morpheme))]

    return in_parts(tokenize)


def _chinese() -> Tokenizer:
    cut = optional.load("the Chinese tokeniser", "rjieba").cut
    return in_parts(lambda text: list(filter(_is_word, cut(without_marks(_nfkc(text).lower())))))


def _of_file(content: str) -> Tokenizer:
    file, words = read_file(content)

    def tokenize(text: str) -> list[str]:
        (encoding,) = file.encode_batch_fast([text], add_special_tokens=False)  # encode() would also compute offsets
        return [words[number] for number in encoding.ids if number in words]

    return tokenize


def read_file(content: str) -> tuple[Any, dict[int, str]]:
    """Return the tokenizer in a file of Hugging Face's package ``tokenizers``, and a dict from piece numbers to pieces.

    The dict leaves out special tokens, the unknown piece and white space. The tokenizer neither truncates nor pads
    texts. Raise InputError if the content is not a tokenizer file.
    """
    load = optional.load("a tokenizer file", "tokenizers").Tokenizer.from_str
    try:
        file, model = load(content), json.loads(content)["model"]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the package raises no narrower exception, and its panics are no Exception
        raise InputError(
            f"holds no tokenizer of the Hugging Face library ({error}): name the tokenizer.json of a model"
        ) from None
    file.no_truncation()
    file.no_padding()
    left_out = {number for number, token in file.get_added_tokens_decoder().items() if token.special}
    left_out.add(model.get("unk_id") if model.get("unk_token") is None else file.token_to_id(model["unk_token"]))
    vocabulary = file.get_vocab()
    pieces = {number: piece for piece, number in vocabulary.items()}
    if len(pieces) < len(vocabulary):
        raise InputError("gives two pieces the same number: correct the vocabulary of the tokenizer")
    return file, {number: piece for number, piece in pieces.items() if piece.strip() and number not in left_out}


def _is_word(token: str) -> bool:
    """Return whether a token contains a letter or a digit."""
    return token.isalnum() or any(map(str.isalnum, token))


TOKENIZERS = {
    "split": NamedTokenizer("words between white space, unchanged", _split),
    "simple": NamedTokenizer("lower-case runs of letters and marks; digits and punctuation are left out", _simple),
    "unicode": NamedTokenizer(
        "lower-case words, numbers and emoji in any script that writes spaces; needs wordsparse[unicode]",
        partial(_unicode, str.lower),
    ),
    "unicode-cased": NamedTokenizer("as unicode, but capital letters are kept", _unicode),
    "unicode-tr": NamedTokenizer(
        "as unicode, but I becomes ı, in Turkish and Azerbaijani", partial(_unicode, _turkish)
    ),
    "japanese": NamedTokenizer(
        "Japanese words, by Sudachi; needs wordsparse[japanese]", partial(_japanese, base=False), True
    ),
    "japanese-base": NamedTokenizer(
        "as japanese, but in base forms, which unite the inflections and spellings of a word",
        partial(_japanese, base=True),
        True,
    ),
    "chinese": NamedTokenizer("Chinese words, by jieba; needs wordsparse[chinese]", _chinese),
}
