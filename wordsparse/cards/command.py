"""``wordsparse corpora``, which lists and fetches public texts and test sets."""

import shlex
from pathlib import Path
from typing import Any

import click

from wordsparse.cards.card import Card, card_names, load_card
from wordsparse.cards.fetching import fetch
from wordsparse.cli.commands import Commands
from wordsparse.cli.common import PATH, emit, json_option, quiet_option
from wordsparse.display import Display
from wordsparse.evaluation.testsets import DEFAULT_SETS, fetched_sets


@click.group(cls=Commands)
def command() -> None:
    """List and fetch public texts and test sets.

    Each text or test set has a card with its source, licence, size and checksum, and with how to read it.
    """


@command.command("list")
@json_option
def list_cards(as_json: bool) -> None:
    """List the texts and test sets."""
    cards = [load_card(name) for name in card_names()]
    emit({"corpora": [_facts(card) for card in cards]}, [line for card in cards for line in _lines(card)], as_json)


@command.command("fetch")
@click.argument("name")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=PATH,
    help="New directory.  [default: NAME; for test sets, the directory where evaluate looks for them]",
)
@quiet_option
@json_option
def fetch_one(name: str, output: Path | None, quiet: bool, as_json: bool) -> None:
    """Fetch the text or the test sets NAME.

    NAME may also be the path of your own card, which ends in .toml. To resume a download, repeat the command. Proxies
    are taken from the environment (https_proxy, no_proxy).
    """
    card = load_card(name)
    output = output or _place(card)
    with Display(not quiet) as display:

        def show(done: int, total: int | None) -> None:
            display.update(card.name, "MB", done // 10**6, None if total is None else total // 10**6)

        fetched = fetch(card, output, progress=show)
    use, command = _use(card, output)
    result: dict[str, Any] = {"name": card.name, "output": str(output), use: command, "verified": fetched["verified"]}
    result |= {"files": fetched["files"], "bytes": fetched["download_bytes"], "sha256": fetched["download_sha256"]}
    checked = "of the card" if fetched["verified"] else f"sha256:{fetched['download_sha256']}, which no card confirms"
    lines = [f"{len(fetched['files'])} files in {output}, with the checksum {checked}"]
    emit(result, [*lines, f"licence: {card.licence}", f"next: {command}"], as_json)


def _place(card: Card) -> Path:
    if card.format is not None:
        return Path(card.name)
    fetched_sets().parent.mkdir(parents=True, exist_ok=True)
    return fetched_sets()


def _use(card: Card, output: Path) -> tuple[str, str]:
    """Return the purpose of the fetched data, ``train`` or ``evaluate``, and the command to type for it."""
    if card.format is None or card.tokens is None:
        files = [
            part for kind, names in DEFAULT_SETS.items() for name in names for part in (f"--{kind}", str(output / name))
        ]
        return "evaluate", shlex.join(["wordsparse", "evaluate", "model", *files * (output != fetched_sets())])
    options = ["--format", card.format] * (card.format != "lines")
    options += ["--tokens", card.tokens] * (card.tokens != "split" and card.format != "wiki")
    return "train", shlex.join(["wordsparse", "train", str(output), *options, "-o", "model"])


def _facts(card: Card) -> dict[str, Any]:
    facts = {name: getattr(card, name) for name in ("name", "description", "licence", "format", "tokens")}
    return {**facts, "url": card.url, "bytes": card.bytes, "checksum": card.known}


def _lines(card: Card) -> list[str]:
    size = "" if card.bytes is None else f"{card.bytes / 1e6:,.0f} MB, "
    return [f"{card.name}: {card.description}", f"    {size}from {card.url}", f"    licence: {card.licence}"]
