"""The time to read a text file and to encode it as a vocabulary and int32 shards."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.runner import Benchmark, once
from wordsparse.corpus import encode
from wordsparse.corpus._text import WordTable
from wordsparse.corpus.blocks import text_blocks
from wordsparse.gensim import LineSentence, texts


@dataclass
class Reading(Benchmark):
    """Microseconds per token to read a text file, to encode the file, and to scan the file with gensim.

    ``time_read`` splits, checks, counts and numbers the text on one thread and writes nothing. ``time_encode`` runs
    ``encode``, which writes a vocabulary and shards; ``time_phrases`` and ``time_gensim_phrases`` find phrases in one
    pass, and join them. Times with the tokeniser ``unicode`` and with phrases, too, are divided by the number of tokens
    that ``split`` gives.
    """

    text: Path = Path("text.txt")
    min_count: int = 2

    def setup(self) -> None:
        self.per = self._encode()

    def _encode(self, **options: Any) -> int:
        """Encode the text in a temporary directory. Return the number of tokens."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "encoded")
            return encode(self.text, output, min_count=self.min_count, threads=self.threads, **options).tokens

    @once
    def time_read(self) -> None:
        table = WordTable()
        for _, data in text_blocks(self.text):
            assert table.scan(data, True)
            table.take()

    @once
    def time_encode(self) -> None:
        self._encode()

    @once
    def time_encode_unicode(self) -> None:
        self._encode(tokens="unicode")

    @once
    def time_phrases(self) -> None:
        self._encode(phrases=1)

    @once
    def time_gensim_phrases(self) -> None:
        from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, Phrases

        sentences = LineSentence(self.text)
        phrases = Phrases(sentences, connector_words=ENGLISH_CONNECTOR_WORDS).freeze()
        for sentence in sentences:
            phrases[sentence]

    @once
    def time_corpus_file(self) -> None:
        with texts.opened(None, self.text, passes=1) as text:
            text.scan()

    @once
    def time_gensim(self) -> None:
        from gensim.models.word2vec import Word2Vec as Gensims

        Gensims(min_count=1, vector_size=1).build_vocab(LineSentence(self.text))  # Word2Vec does this first
