"""``wordsparse doctor``."""

from pathlib import Path

import click

from wordsparse.cli.common import emit, json_option


@click.command()
@click.option(
    "--hosts",
    metavar="NAME,NAME",
    help="Ask these hosts by ssh, too: whether each answers, has wordsparse at the same place, and is like this one.",
)
@click.option("--hostfile", type=click.Path(path_type=Path), help="The same of the hosts in a file for mpiexec.")
@json_option
def command(hosts: str | None, hostfile: Path | None, as_json: bool) -> None:
    """Show the compiled parts, the threads, BLAS, GPU, MPI and extras found, and why some of them are not used."""
    from wordsparse.distributed.hosts import check, read_hostfile
    from wordsparse.kernels import diagnosis

    found = diagnosis.diagnose()
    names = [] if hosts is None else hosts.split(",")
    names += [] if hostfile is None else read_hostfile(hostfile)
    if names:
        found["hosts"] = check(names, found)
    lines = diagnosis.describe(found).splitlines()
    lines += [f"host      {name}: answers, and is like this machine" for name in found.get("hosts", ())]
    emit(found, lines, as_json)
