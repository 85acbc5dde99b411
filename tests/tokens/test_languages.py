"""The language of word vectors, by their most frequent words."""

import pytest

from wordsparse import optional
from wordsparse.tokens.languages import language_of

FREQUENT = {
    "english": "the of and to in a is that for it was as on with he be i his by at you are not this have",
    "german": "und der für die von das ist eine in mit ein zu den es auf des im auch dem sie als wird oder nicht auch",
    "spanish": "de que para y la el en un los una con es las por se del como no al puede su o este lo más",
    "turkish": "bir ve bu için ile da de olarak çok daha olan gibi kadar ne ama en o sonra ya her ki mi var iki diye",
    None: "001 002 003 004 005 006 007 008 009 010 a b c d e f g h i j k l m n o",
}

DANISH = "og i er det til en at på som for af med de den kan fra der har om et"


@pytest.mark.parametrize("language", FREQUENT)
def test_languages(language):
    assert language_of(FREQUENT[language].split()) == language
    assert language_of(DANISH.split()) is None


def test_without_the_packages(monkeypatch, caplog):
    monkeypatch.setattr(optional, "installed", lambda package: False)
    with caplog.at_level("INFO", "wordsparse"):
        assert language_of(FREQUENT["english"].split()) is None
    assert "pip install 'wordsparse[search]'" in caplog.text
