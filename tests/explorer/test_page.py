"""The source of the page loads nothing from outside, and no word can act as markup."""

import base64
import hashlib
import json
import re

import pytest
from support.explorer_models import made_model

from wordsparse.explorer import assembly
from wordsparse.explorer.content import content_of

NAME = "</title><b>&model"


@pytest.fixture(scope="module")
def document():
    return assembly.page(content_of(NAME, made_model(), 1000, 50))


def inside(document, tag):
    """Return the text inside the elements with the given tag."""
    return re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", document, re.DOTALL)


def test_words_and_the_name_are_text(document):
    data = json.loads(inside(document, "script")[0])
    assert data["words"] == [word if len(word) <= 80 else word[:79] + "…" for word in made_model().words]
    assert data["name"] == NAME
    assert inside(document, "title") == ["&lt;/title&gt;&lt;b&gt;&amp;model · word vectors"]


def test_the_policy_allows_this_script_and_style_alone_and_nothing_comes_from_outside(document):
    (_, script), (style,) = inside(document, "script"), inside(document, "style")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', document)
    assert policy.startswith("default-src 'none'; ")
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'; " in policy
    assert re.findall(r'\b(?:src|href|action)="([^"]*)"', document.replace(script, "")) == ["data:,"]
    leads_out = (
        r"https?:|fetch\(|XMLHttpRequest|WebSocket|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\("
    )
    assert not re.search(leads_out, script)
