"""The advice as lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from wordsparse.advice.page import facts, full_run, loss_rows
from wordsparse.advice.sentences import say


def lines(content: Mapping[str, Any], language: str) -> Iterator[str]:
    """The advice first, then its reasons, the data, the trial, losses and limits."""
    yield say(content["verdict"], language)
    yield from (f"  {say(name, language, values)}" for name, values in content["reasons"])
    yield ""
    yield from (f"{value:>16}  {name}" for name, value in facts(content, language))
    yield f"{full_run(content, language)} ({say('full', language)})"
    if content["trial"]:
        yield ""
    for row in content["trial"]:
        interval = f"{row['quality']:.3f} ({row['low']:.3f} – {row['high']:.3f})"
        yield f"{row['measure']} {interval}  {row['cpu_seconds']:8.2f} CPU s  {say('examples', language, row)}"
    yield ""
    yield from (f"{loss:>12}  {gives}, {fits}" for loss, fits, gives in loss_rows(content, language))
    yield ""
    yield f"{say('limits', language)}:"
    yield from (f"- {say(name, language)}" for name in content["limits"])
