"""``wordsparse doctor``."""

import click

from wordsparse.cli.common import emit, json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Show what is compiled and installed here, and why some is not used."""
    from wordsparse.kernels import diagnosis

    found = diagnosis.diagnose()
    emit(found, diagnosis.describe(found).splitlines(), as_json)
