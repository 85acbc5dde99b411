"""A table for a notebook, of text that may be anybody's."""

import html
from collections.abc import Collection, Sequence

from wordsparse.files.escaping import shortened


def html_table(rows: Sequence[Sequence[str]], heads: Collection[str] = ()) -> str:
    """The rows as a table; the first cell of each is on the left, and rows that begin with a head are bold."""
    lines = []
    for first, *rest in rows:
        tag = "th" if first in heads else "td"
        indent = "1.2em" if first.startswith("  ") else "0"
        cells = [f'<{tag} style="text-align:left;padding-left:{indent}">{_text(first.strip())}</{tag}>']
        cells += [f'<{tag} style="text-align:right">{_text(cell)}</{tag}>' for cell in rest]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _text(cell: str) -> str:
    return html.escape(shortened(cell))
