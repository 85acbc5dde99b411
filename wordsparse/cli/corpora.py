"""``wordsparse corpora``: public texts, listed and fetched."""

import shlex
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import PATH, Group, emit, json_option, quiet_option
from wordsparse.corpus.cards import Card, card_names, load_card
from wordsparse.corpus.download import DownloadProgress
from wordsparse.corpus.fetching import fetch
from wordsparse.display import Display


@click.group(cls=Group)
def command() -> None:
    """List and fetch public texts.

    Cards describe them: source, licence, size, checksum and how they are read.
    """


@command.command("list")
@json_option
def list_cards(as_json: bool) -> None:
    """List the texts."""
    cards = [load_card(name) for name in card_names()]
    emit({"corpora": [_facts(card) for card in cards]}, [line for card in cards for line in _lines(card)], as_json)


@command.command("fetch")
@click.argument("name")
@click.option("-o", "--output", metavar="DIR", type=PATH, help="New directory.  [default: NAME]")
@quiet_option
@json_option
def fetch_one(name: str, output: Path | None, quiet: bool, as_json: bool) -> None:
    """Fetch the text NAME, or the text of a card of your own (a path that ends in .toml).

    Run the same command again to resume a download. Proxies are taken from the environment (https_proxy, no_proxy).
    """
    card = load_card(name)
    output = output or Path(card.name)
    with Display(not quiet) as display:

        def show(progress: DownloadProgress) -> None:
            total = None if progress.total is None else progress.total // 10**6
            display.update(card.name, "MB", progress.bytes // 10**6, total)

        fetched = fetch(card, output, progress=show)
    result: dict[str, Any] = {
        "name": card.name,
        "output": str(output),
        "files": fetched.files,
        "bytes": fetched.bytes,
        "sha256": fetched.sha256,
        "verified": fetched.verified,
        "train": _training(card, output),
    }
    checked = f"as the card says: {fetched.verified}" if fetched.verified else "the card knows no checksum"
    lines = [f"{', '.join(fetched.files[:3])}{', …' * (len(fetched.files) > 3)} in {output}; {checked}"]
    if fetched.sha256 is not None:
        lines.append(f"downloaded: {fetched.bytes:,} bytes, sha256:{fetched.sha256}")
    emit(result, [*lines, f"licence: {card.licence}", f"train on it: {_training(card, output)}"], as_json)


def _training(card: Card, output: Path) -> str:
    """The command that trains on a fetched text."""
    tokens = "split" if card.bundled else card.tokens
    options = ["--format", card.format] * (card.format != "lines")
    options += ["--tokens", tokens] * (tokens != "split" and card.format != "wiki")
    return shlex.join(["wordsparse", "train", str(output), *options, "-o", "model"])


def _facts(card: Card) -> dict[str, Any]:
    source = card.download
    known = None if source is None else source.checksum or source.text_checksum
    return {
        "name": card.name,
        "description": card.description,
        "licence": card.licence,
        "url": None if source is None else source.url,
        "bytes": sum(file.bytes for file in card.bundled) if source is None else source.bytes,
        "checksum": ", ".join(str(file.checksum) for file in card.bundled) if source is None else known and str(known),
        "format": card.format,
        "tokens": card.tokens,
    }


def _lines(card: Card) -> list[str]:
    facts = _facts(card)
    size = "size not known" if facts["bytes"] is None else f"{facts['bytes'] / 1e6:,.0f} MB"
    source = "shipped with gensim" if card.download is None else f"from {facts['url']}"
    checksum = "checksum known" if facts["checksum"] else "no checksum known"
    return [
        f"{card.name}: {facts['description']}",
        f"    {size}, {checksum}, {source}",
        f"    licence: {facts['licence']}",
    ]
