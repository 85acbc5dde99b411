"""Whether the hosts of a run answer and are alike: asked by ssh, as launchers do, for ``wordsparse doctor --hosts``.

A launcher that cannot reach a host ends before it starts wordsparse on any, with a message and a status of its own.
"""

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError
from wordsparse.files import regular
from wordsparse.kernels import diagnosis

# Seconds in which a host must take the connection, and in which its Python must answer.
CONNECTION, ANSWER = 10, 60
MAX_HOSTS, MAX_BYTES = 4096, 2**20
ASKED_AT_ONCE = 32
# A name or an address; none that ssh would take for an option.
NAME = re.compile(r"[A-Za-z0-9_][\w.%:@-]*", re.ASCII)


def read_hostfile(path: Path) -> list[str]:
    """The names in a host file of MPICH (``host:4``) or Open MPI (``host slots=4``): the first word of each line.

    Raises
    ------
    InputError
        If it cannot be read, or names no host.
    """
    lines = regular.read_bytes(path, MAX_BYTES).decode(errors="replace").splitlines()
    first = [line.partition("#")[0].split()[:1] for line in lines]
    names = [re.sub(r"^([^:]+):\d+$", r"\1", words[0]) for words in first if words]
    if not names:
        raise InputError(f"{path}: names no host; write one a line")
    return names


def check(hosts: Sequence[str], here: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts of each host that must be the same on all of them, by its name.

    Parameters
    ----------
    hosts : sequence of str
    here : mapping
        The :func:`wordsparse.kernels.diagnosis.diagnose` of this machine.

    Raises
    ------
    InputError
        If a host does not answer, has no wordsparse at the place of this one, or differs from this machine.
    """
    names = list(dict.fromkeys(hosts))
    if len(names) > MAX_HOSTS:
        raise InputError(f"{len(names):,} hosts: at most {MAX_HOSTS:,} can be asked; name fewer")
    if wrong := [name for name in names if not NAME.fullmatch(name)]:
        raise InputError(f"{wrong[0]!r:.60} is no name of a host: give names or addresses")
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        answers = list(pool.map(lambda name: _answer(name, here), names))
    expected, faults = facts(here), []
    for name, found in zip(names, answers, strict=True):
        if isinstance(found, str):
            faults.append(f"host {name} {found}")
            continue
        unlike = next((fact for fact in expected if found.get(fact) != expected[fact]), None)
        if unlike is not None:
            faults.append(f"host {name} has {unlike} {found.get(unlike)}, this machine {expected[unlike]}")
    if faults:
        raise InputError(f"{'; '.join(faults)}: mend or leave out what is named, no rank can start there")
    return {name: found for name, found in zip(names, answers, strict=True) if not isinstance(found, str)}


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same on all hosts for the same numbers, of a diagnosis."""
    versions = {
        "wordsparse": found["wordsparse"],
        "NumPy": found["packages"]["numpy"],
        "mpi4py": found["mpi"]["version"],
    }
    return {**versions, **diagnosis.rounding(found)}


def _answer(host: str, here: Mapping[str, Any]) -> dict[str, Any] | str:
    """The facts of a host, or what is wrong with it."""
    if host in ("localhost", "127.0.0.1", "::1", socket.gethostname()):
        return facts(here)
    asked = shlex.join([sys.executable, "-m", "wordsparse", "doctor", "--json"])
    command = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECTION}", host, asked]
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER,
            check=False,
        )
    except FileNotFoundError:
        return "cannot be asked: there is no ssh on this machine"
    except subprocess.TimeoutExpired:
        return f"has not answered for {ANSWER} s"
    said = run.stderr.strip().splitlines()
    if run.returncode == 255:  # ssh's own
        return f"cannot be reached ({said[-1] if said else 'ssh says no more'})"
    try:
        return facts(json.loads(run.stdout.splitlines()[-1]))
    except (IndexError, KeyError, TypeError, ValueError):
        return f"has no {sys.executable} with wordsparse ({said[-1] if said else 'it printed something else'})"
