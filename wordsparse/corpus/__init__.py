"""Corpora. A text is split into sentences, and stored as a vocabulary and as files of int32 ids, called shards.
Training reads only shards."""

from wordsparse.optional import installed, not_compiled

if not installed("wordsparse.corpus._text"):
    raise not_compiled()

# isort: split
from wordsparse.corpus.encoding import encode
from wordsparse.corpus.shards import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus
from wordsparse.corpus.vocabulary import Vocabulary

__all__ = ["END_OF_SENTENCE", "OUT_OF_VOCABULARY", "EncodedCorpus", "Vocabulary", "encode"]
