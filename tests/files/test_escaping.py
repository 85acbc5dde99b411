"""Text from untrusted files is escaped: it cannot control a terminal, and stays readable."""

import unicodedata
import xml.etree.ElementTree as ET

from wordsparse.files.escaping import escaped

ALL = [chr(code) for code in range(0x110000)]


def test_controls_and_invisible_marks_are_escaped():
    assert escaped("a\x1b[31m\r\n\x07\x9b") == r"a\x1b[31m\r\n\x07\x9b"
    assert escaped("\u202eabc\u2066\u2028") == r"\u202eabc\u2066\u2028"
    assert escaped("\udcff") == r"\udcff"
    for character in ALL:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in (
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
        ):
            assert escaped(character) != character, hex(ord(character))


def test_letters_and_marks_stay_and_joiners_of_persian_and_emoji():
    assert [c for c in ALL if (unicodedata.category(c)[0] in "LMNPS" or c in "\u200c\u200d ") and escaped(c) != c] == []


def test_whatever_is_escaped_can_stand_in_xml():
    ET.fromstring(f"<a>{escaped(''.join(ALL)).replace('&', '').replace('<', '')}</a>")
