"""The assembly of style, script and data into one HTML document.

The script consists of the files in ``SCRIPTS``, which share one scope: top-level names are unique across all files, and
a file that uses names of another file while loading comes after that file. A Content-Security-Policy allows only this
script and this style, by their SHA-256, so the page can send no request.
"""

import base64
import hashlib
import html
import json
import re
from importlib import resources
from string import Template
from typing import Any

SCRIPTS = ("data.js", "state.js", "dom.js", "search.js", "gestures.js", "scatter.js", "answers.js", "map.js", "main.js")


def page(content: dict[str, Any]) -> str:
    """Return the HTML document for the data from :func:`wordsparse.explorer.content.content_of`."""
    style, script = _part("page.css"), "\n".join(map(_part, SCRIPTS))
    return Template(_part("page.html")).substitute(
        title=html.escape(content["name"]),
        policy=_policy(style, script),
        style=style,
        script=script,
        data=embedded(content),
    )


def embedded(content: dict[str, Any]) -> str:
    """Return JSON that is safe inside a script element: no character can end the element or a line."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _part(name: str) -> str:
    return resources.files("wordsparse.explorer").joinpath("assets", name).read_text(encoding="utf-8")
