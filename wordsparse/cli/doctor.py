"""``wordsparse doctor``."""

import click

from wordsparse.cli.common import emit, json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Show the compiled parts, the threads, BLAS, GPU and extras found, and why some of them are not used."""
    from wordsparse.kernels import diagnosis

    found = diagnosis.diagnose()
    emit(found, diagnosis.describe(found).splitlines(), as_json)
