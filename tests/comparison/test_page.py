"""The page of a comparison needs no other file, and shows words and names as plain text."""

import json
import re
from xml.etree import ElementTree

import pytest
from support.comparisons import NASTY, content
from support.screens import fits, screen

from wordsparse.comparison.page import page


def test_the_page_needs_nothing_from_outside_and_a_name_is_text():
    document = page(content())
    assert not re.findall(r"<img|<script|<link|src=|href=|url\(", document)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', document)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert NASTY not in document
    assert "\x07" not in document
    assert document.count("&lt;script&gt;") > 10


def test_runs_differences_and_pictures_are_there():
    document = page(content())
    assert {"0.300", "2.5000", "+0.123"} <= set(re.findall(r"[+]?\d\.\d{3,4}\b", document))
    pictures = [picture for picture in re.findall("<svg.*?</svg>", document) if "<text" in picture]
    assert len(pictures) == 4
    for picture in pictures:
        ElementTree.fromstring(picture)
        assert (picture.count("<circle"), picture.count("<line")) == (4, 4)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_a_window(tmp_path, browser, width):
    (tmp_path / "report.html").write_text(page(content()))
    with screen(browser, width):
        browser.get((tmp_path / "report.html").as_uri())
        assert fits(browser)


def test_tables_of_scores_and_neighbours_hide_no_column(tmp_path, browser):
    """A window of 1,200 pixels shows every column, and options are words, not Python."""
    document = page(json.loads(json.dumps(content()).replace(json.dumps(NASTY)[1:-1], "gensim CBOW")))
    (tmp_path / "report.html").write_text(document)
    assert not re.findall(r"\{'|\['|False|None", document)
    with screen(browser, 1200):
        browser.get((tmp_path / "report.html").as_uri())
        hidden = "return [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth).length"
        assert browser.execute_script(hidden) == 0
