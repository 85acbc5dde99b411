"""The page's source: nothing from outside, no word as markup, one script whose names are unique."""

import base64
import hashlib
import html.parser
import json
import re

import pytest
from support.explorer_models import made_model

from wordsparse.explorer import assembly
from wordsparse.explorer.content import content_of


@pytest.fixture(scope="module")
def document() -> str:
    return assembly.page(content_of("</title><b>&model", made_model(), 1000, 50))


class Elements(html.parser.HTMLParser):
    """Each element's attributes, and the text inside script, style and title."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[tuple[str, str]] = []
        self.inside = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append((self.inside, data))

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def of(self, tag: str) -> list[str]:
        return [text for inside, text in self.text if inside == tag]


def test_words_come_back_from_the_data(document: str) -> None:
    data, _ = Elements(document).of("script")
    assert json.loads(data)["words"] == [word if len(word) <= 80 else word[:79] + "…" for word in made_model().words]
    assert json.loads(data)["name"] == "</title><b>&model"


def test_the_title_is_text(document: str) -> None:
    elements = Elements(document)
    assert "".join(elements.of("title")) == "</title><b>&model · word vectors"
    assert "b" not in {tag for tag, _ in elements.found}


def test_the_policy_allows_this_script_and_style_alone(document: str) -> None:
    elements = Elements(document)
    (policy,) = [a["content"] for t, a in elements.found if t == "meta" and "http-equiv" in a]
    digests = {}
    for tag, text in (("script", elements.of("script")[1]), ("style", elements.of("style")[0])):
        digests[tag] = "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src '{digests['style']}'; script-src '{digests['script']}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_nothing_comes_from_outside(document: str) -> None:
    references = [
        value
        for _, attributes in Elements(document).found
        for name, value in attributes.items()
        if name in ("src", "href", "action")
    ]
    assert references == ["data:,"]
    script = Elements(document).of("script")[1]
    assert not re.search(
        r"https?:|fetch\(|XMLHttpRequest|WebSocket|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(",
        script,
    )
