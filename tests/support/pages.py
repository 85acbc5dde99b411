"""The programs and commands of a page that show their output, and the comparison of this output with what they print.

A block of Python, or of indented commands, shows its output in a ``text`` block directly below. In an output, … stands
for anything. Words are compared as they are, numbers to the digits shown, and times and numbers of threads not at all.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = r"(?:^```python\n(?P<program>[^`]*)^```\n|(?P<commands>(?:^    [^\n]*\n)+))"
SHOWN = re.compile(_BLOCK + r"\n*^```text\n(?P<output>[^`]*)^```$", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])(-?[\d,]*\.?\d+%?)(?![\w.]*\w)")
_MEASURED = re.compile(r" (?:s\b|CPU s|tokens/s|threads?\b)")
# A line of progress, which appears if a command takes long.
_PROGRESS = re.compile(r"^wordsparse: .* left\n", re.MULTILINE)
# Kernels of other instruction sets round differently: a decimal or percentage may differ by so many units of the last
# digit shown.
UNITS = 2


class Block(NamedTuple):
    """A program or commands of a page, and their output."""

    program: str | None
    commands: str | None
    output: str

    def run(self, known, folder):
        """Run the block in a folder, which is the current directory, and return what it prints: commands with their
        messages but without progress, programs without messages. ``known`` are the variables of the page's earlier
        programs."""
        if self.program is not None:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(self.program, known)
            return printed.getvalue()
        commands = "".join(line for line in (self.commands or "").splitlines(True) if not line.startswith("    pip "))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-ec", commands],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert done.returncode == 0, commands + done.stdout
        return _PROGRESS.sub("", done.stdout)


def shown_blocks(page):
    """Return the blocks of a page that show their output."""
    return [Block(**match.groupdict()) for match in SHOWN.finditer(page.read_text("utf-8"))]


def agree(shown, printed):
    """Return whether an output is as a page shows it."""
    match = re.fullmatch(_pattern(shown), printed, re.DOTALL)
    numbers = [number for number in _NUMBER.finditer(shown) if not _MEASURED.match(shown, number.end())]
    return match is not None and all(map(_is_near, (number[1] for number in numbers), match.groups()))


def _pattern(shown):
    """Return a regular expression with a group for each number that is compared."""
    pattern, at, shown = "", 0, shown.rstrip()
    for number in _NUMBER.finditer(shown):
        is_measured = _MEASURED.match(shown, number.end())
        pattern += _words(shown[at : number.start()]) + (r"[\d.,]+" if is_measured else r"(-?[\d,]*\.?\d+%?)")
        at = number.end()
    return rf"\s*{pattern}{_words(shown[at:])}\s*"


def _words(text):
    parts = (re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(part)) for part in text.split("…"))
    return ".*?".join(parts)


def _is_near(shown, printed):
    expected, number = (float(text.replace(",", "").rstrip("%")) for text in (shown, printed))
    decimals = len(shown.rstrip("%").partition(".")[2])
    is_rounded = decimals or shown.endswith("%")
    return abs(expected - number) <= (UNITS + 0.5) * 10.0**-decimals if is_rounded else expected == number
