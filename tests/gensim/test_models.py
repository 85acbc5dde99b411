"""wordsparse.gensim has gensim's module paths, and the functions of gensim.utils."""

import importlib
import sys

import pytest

import wordsparse.gensim as gensim
from wordsparse.gensim.models.callbacks import CallbackAny2Vec

theirs = pytest.importorskip("gensim", reason="gensim is not installed")
SENTENCES = [["a", "b", "c"], ["c", "d"]] * 20


IMPORTS = """
from gensim import corpora, models, similarities, utils
from gensim import Phrases
from gensim.corpora import Dictionary
from gensim.corpora.dictionary import Dictionary
from gensim.models import CoherenceModel, Doc2Vec, FastText, KeyedVectors, LdaModel, Phrases, TfidfModel, Word2Vec
from gensim.models.callbacks import CallbackAny2Vec, PerplexityMetric
from gensim.models.doc2vec import Doc2Vec, TaggedDocument, TaggedLineDocument
from gensim.models.fasttext import FastText, FastTextKeyedVectors, load_facebook_vectors
from gensim.models.keyedvectors import KeyedVectors, Word2VecKeyedVectors
from gensim.models.phrases import Phraser, Phrases
from gensim.models.word2vec import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus, Word2Vec
from gensim.parsing.preprocessing import preprocess_string, remove_stopwords
from gensim.similarities.annoy import AnnoyIndexer
from gensim.test.utils import common_texts, datapath
from gensim.utils import deaccent, simple_preprocess, tokenize
import gensim.downloader as api
"""


@pytest.mark.parametrize("line", IMPORTS.strip().splitlines())
def test_what_programs_import(line):
    ours = {}
    exec(line.replace("gensim", "wordsparse.gensim", 1), ours)
    if line.startswith("from gensim "):
        return
    gensims = {}
    exec(line, gensims)
    for name in ours.keys() - {"__builtins__"}:
        assert ours[name] is gensims[name] or ours[name].__module__.startswith("wordsparse."), name


def test_without_gensim_a_name_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim", None)
    for find in (lambda: gensim.models.LdaModel, lambda: importlib.import_module("wordsparse.gensim.interfaces")):
        with pytest.raises(ImportError, match="is gensim's own, and needs gensim"):
            find()


def test_callbacks_have_gensims_methods():
    events = {name for name in dir(theirs.models.callbacks.CallbackAny2Vec) if name.startswith("on_")}
    assert events == {name for name in dir(CallbackAny2Vec) if name.startswith("on_")}


def test_trim_rules_return_gensims_constants():
    for name in ("RULE_DEFAULT", "RULE_DISCARD", "RULE_KEEP"):
        assert getattr(gensim.utils, name) == getattr(theirs.utils, name)
    rule = {"a": gensim.utils.RULE_DISCARD, "d": gensim.utils.RULE_KEEP}
    model = gensim.Word2Vec(min_count=30, vector_size=4)
    model.build_vocab(SENTENCES, trim_rule=lambda word, count, least: rule.get(word, gensim.utils.RULE_DEFAULT))
    assert set(model.wv.index_to_key) == {"c", "d"}


def test_phrases_of_gensim_are_sentences():
    text = [["new", "york", "is", word] for word in "abcdefgh"] * 5
    phrases = theirs.models.Phrases(text, min_count=1, threshold=0.1)
    assert "new_york" in gensim.Word2Vec(phrases[text], min_count=1, vector_size=4).wv
    assert "new_york" in gensim.Word2Vec(phrases.freeze()[text], min_count=1, vector_size=4).wv
