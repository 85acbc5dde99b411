"""Text of others (words, names of files and sections) made safe to show to a person."""

import re

# Words and names can steer a terminal (ESC, C0, C1), forge lines (CR, U+2028), show other text than is there (bidi
# controls, invisible characters), be half of a character (surrogates) or no character of XML (U+FFFE). The joiners
# U+200C and U+200D stay: Persian, Hindi and emoji are written with them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def escaped(text: str) -> str:
    """``text`` as one line that a terminal shows and does not obey: what could steer it as ``\\x1b``, ``\\u202e`` …"""
    return _UNSAFE.sub(lambda found: ascii(found.group())[1:-1], text)
