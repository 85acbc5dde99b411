"""``wordsparse doctor``: a diagnosis of the installation."""

import click

from wordsparse.cli.common import emit, json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Show the installed kernels and packages, and why some are not used."""
    from wordsparse.kernels import diagnosis

    diagnoses = diagnosis.diagnose()
    emit(diagnoses, diagnosis.describe(diagnoses).splitlines(), as_json)
