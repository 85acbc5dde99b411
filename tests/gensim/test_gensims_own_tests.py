"""Run gensim's own tests of Word2Vec and KeyedVectors, which its wheel contains, on our classes."""

import importlib
import tempfile
import unittest
import warnings

import pytest

from wordsparse.gensim import models

pytestmark = pytest.mark.nightly

pytest.importorskip("gensim", reason="gensim is not installed")

MODULES = ("test_word2vec", "test_keyedvectors")
PICKLE = "reads a pickle, which can run any code: refused"
LEFT_OUT = {
    "Gensim320Test.test": PICKLE,
    "TestWord2VecModel.test_load_old_model": PICKLE,
    "TestWord2VecModel.test_load_old_model_separates": PICKLE,
    "TestWord2VecModel.test_load_old_models_1_x": PICKLE,
    "TestWord2VecModel.test_load_old_models_2_x": PICKLE,
    "TestWord2VecModel.test_load_old_models_3_x": PICKLE,
    "TestWord2VecModel.test_persistence_backwards_compatible": PICKLE,
    "TestWord2VecModel.test_locking": "fixes one vector while other vectors are trained: refused",
    "TestWord2VecModel.test_method_in_bulk": "is not a test: gensim runs it by hand",
    "TestWord2VecModel.test_prune_vocab": "uses max_vocab_size, which has no effect here",
    "TestWord2VecModel.test_scoring": "calls score, which does not exist here",
    "TestWord2VecModel.test_vocab": "reads the codes of the Huffman tree, which does not exist here",
    "TestWord2VecScripts.test_word2vec_stand_alone_script": "runs gensim's own script in another process",
    "TestWord2VecSentenceIterators.test_cython_line_sentence_works_with_filename": "tests gensim's compiled reader",
}


CASES = {
    case.id().removeprefix(f"gensim.test.{name}."): case
    for name in MODULES
    for suite in unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"gensim.test.{name}"))
    for case in suite
}
assert CASES.keys() >= LEFT_OUT.keys()


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """Make gensim's tests import our modules, and write their files into a folder of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for module in (importlib.import_module(f"gensim.test.{name}") for name in MODULES):
        for name in {"word2vec", "keyedvectors", "KeyedVectors"} & vars(module).keys():
            monkeypatch.setattr(module, name, getattr(models, name))


@pytest.mark.parametrize("name", sorted(CASES.keys() - LEFT_OUT.keys()))
@pytest.mark.usefixtures("ours")
def test_gensims_own(name):
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gensim's tests use functions that gensim deprecates
        CASES[name].run(result)
    problems = [text for _, text in (*result.errors, *result.failures)]
    assert not problems, "\n".join(problems)
    assert not result.skipped, "the test was skipped, but it is not in the list"
