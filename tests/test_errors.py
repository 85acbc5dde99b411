"""How errors are shown: the hint of an unknown word, and the one line in IPython and Jupyter."""

import pickle
import sys
from types import SimpleNamespace

import pytest

import wordsparse as ws
from wordsparse.errors import InputError, UnknownWordError
from wordsparse.vectors import queries


def test_similar_words_are_sought_when_the_message_is_shown(monkeypatch):
    """Previously, each unknown word cost milliseconds, even if the error was caught."""
    sought = []
    monkeypatch.setattr(queries, "close_to", lambda vectors, word: sought.append(word) or ["queen"])
    with pytest.raises(KeyError) as error:
        ws.WordVectors(["queen"], [[1.0]]).vector("quen")
    assert not sought
    message = "the word 'quen' is not in the vocabulary; close to it: queen"
    assert str(error.value) == message
    again = pickle.loads(pickle.dumps(error.value))
    assert (type(again), str(again)) == (UnknownWordError, message)


@pytest.mark.parametrize(("mode", "lines"), [("Context", ["InputError: wrong"]), ("Verbose", ["the whole traceback"])])
def test_notebooks_show_one_line(monkeypatch, mode, lines):
    """Previously, a notebook showed five to nine frames of this package under each message."""
    tracebacks = SimpleNamespace(mode=mode, structured_traceback=lambda *error: ["the whole traceback"])
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(InteractiveTB=tracebacks))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert InputError("wrong")._render_traceback_() == lines
