"""Text of others cannot steer a terminal, and stays readable."""

import unicodedata
import xml.etree.ElementTree as ET

import pytest

from wordsparse.files.escaping import escaped

ALL = [chr(code) for code in range(0x110000)]


def test_controls_and_invisible_marks_are_escaped() -> None:
    assert escaped("a\x1b[31m\r\n\x07\x9b") == r"a\x1b[31m\r\n\x07\x9b"
    assert escaped("\u202eabc\u2066\u2028") == r"\u202eabc\u2066\u2028"
    assert escaped("\udcff") == r"\udcff"
    for character in ALL:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in (
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
        ):
            assert escaped(character) != character, hex(ord(character))


@pytest.mark.parametrize("text", ["naïve Straße", "日本語\u3000", "می‌خواهم", "👩‍👩‍👧", "a\xa0b", "\\x1b", "\U0010fffd"])
def test_ordinary_text_stays(text: str) -> None:
    assert escaped(text) == text


def test_letters_and_marks_stay() -> None:
    kept = [c for c in ALL if unicodedata.category(c)[0] in "LMNPS" and escaped(c) != c]
    assert kept == []


def test_whatever_is_escaped_can_stand_in_xml() -> None:
    ET.fromstring(f"<a>{escaped(''.join(ALL)).replace('&', '').replace('<', '')}</a>")
