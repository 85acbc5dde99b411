"""Escapes untrusted text (words, names of files and sections) for display."""

import html
import re
from collections.abc import Collection, Sequence

# Words and names can contain characters that control a terminal (ESC, C0, C1), fake new lines (CR, U+2028), make the
# text look different from its content (bidi controls, invisible characters), or are forbidden in UTF-8 or XML (lone
# surrogates, U+FFFE). The joiners U+200C and U+200D are not escaped, because Persian, Hindi and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def escaped(text: str) -> str:
    """Return ``text`` as one line in which each unsafe character is replaced by an escape such as ``\\x1b``."""
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], text)


def listed(names: Sequence[object]) -> str:
    """Return the first few names as text for a message, or "none" if there are no names."""
    return ", ".join(repr(name)[:40] for name in names[:8]) + (", …" if len(names) > 8 else "") if names else "none"


def number_of(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural, such as ``2 words``."""
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def html_table(rows: Sequence[Sequence[str]], heads: Collection[str] = ()) -> str:
    """Return an HTML table for notebooks, with names on the left and values on the right. A row is bold if its name is
    in ``heads``."""
    lines = []
    for first, *rest in rows:
        tag = "th" if first in heads else "td"
        indent = "1.2em" if first.startswith("  ") else "0"
        name, *values = (html.escape(escaped(cell)) for cell in (first.strip(), *rest))
        cells = [f'<{tag} style="text-align:left;padding-left:{indent}">{name}</{tag}>']
        cells += [f'<{tag} style="text-align:right">{value}</{tag}>' for value in values]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tbody>{''.join(lines)}</tbody></table>"
